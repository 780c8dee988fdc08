"""Journals that forget, mistake or keep what they should not; `tests.proof.journal.wrong` has those that kills show."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import Animal, change

__all__ = ["ANIMALS"]

_CONDUCT: Final = "_conduct.py"
_FILE: Final = "_sqlite/file.py"
_JOURNAL: Final = "_journal/journal.py"
_KEEPING: Final = "_journal/keeping.py"
_MAKING: Final = "_making.py"
_STRIKING: Final = "_journal/striking.py"

ANIMALS: Final = (
    Animal(
        "the row is written after the request",
        "A paid call is written down when its answer is there.",
        ("P5", "row P9"),
        (
            change(
                _CONDUCT,
                """
                    await keeping.enter(shared.journal, call)
                answer = await self._exchange(call, number, write, lease.expires_at)
                """,
                """
                    await shared.journal.unresolved()
                answer = await self._exchange(call, number, write, lease.expires_at)
                if shared.journal is not None and call.endpoint.replay is Replay.IF_NOT_DONE:
                    await keeping.enter(shared.journal, call)
                """,
            ),
        ),
        ("tests/journal/test_calls.py::test_the_row_is_on_the_disk_before_the_request_leaves",),
    ),
    Animal(
        "what nobody knows is struck",
        "A call whose answer was lost leaves no row.",
        ("P5", "row P8"),
        (
            change(
                _KEEPING, "journal.unpaid(entry) if lost is None else", "journal.unpaid(entry) if not lost or lost else"
            ),
        ),
        ("tests/journal/test_calls.py::test_an_unknown_outcome_stays",),
        ("ValueError",),  # there is none to unpack
    ),
    Animal(
        "what an earlier process left is not held against a call",
        "A number whose rent a killed process left open is rented again.",
        ("P5", "row P11"),
        (
            change(_JOURNAL, "if not exclusive or force or not older:", "if older or not older:"),
            change(_JOURNAL, "if exclusive and older and not force:", "if exclusive and older and not older:"),
        ),
        ("tests/journal/test_calls.py::test_a_call_that_a_killed_process_left_is_held_against_the_next",),
    ),
    Animal(
        "force settles nothing",
        "What a forced rent has made good stays open for ever.",
        ("row P11",),
        (change(_JOURNAL, "self._strike_soon((entry.key, *entry.older))", "self._strike_soon((entry.key,))"),),
        ("tests/journal/test_calls.py::test_force_pays_in_spite_of_it_and_settles_it",),
    ),
    Animal(
        "what others have under way is settled",
        "A confirmation that came strikes one that another process is asking for.",
        ("P5", "row P9"),
        (change(_JOURNAL, "if row[-1] is not None]", "if row]"),),
        ("tests/journal/test_calls.py::test_calls_side_by_side_are_not_held_against_each_other",),
    ),
    Animal(
        "recipients are left out",
        "A message that a killed process left cannot be looked for.",
        ("P5",),
        (change(_KEEPING, "recipients=note.recipients,", "recipients=(),"),),
        ("tests/journal/test_messages.py::test_the_id_that_was_made_up_is_written_down",),
    ),
    Animal(
        "a part of a message closes its row",
        "Of a message in two requests nothing is in the journal between the first answer and the second request.",
        ("P5", "row P9"),
        (
            change(
                _CONDUCT,
                "shared.journal.answered(call.entry, more=call.note.more)",
                "shared.journal.answered(call.entry, more=False)",
            ),
        ),
        ("tests/journal/test_messages.py::test_a_message_of_several_requests_is_one_row_until_the_last_has_an_answer",),
    ),
    Animal(
        "a call that cannot be written goes out",
        "Where the disk is full, calls are paid for that nobody will remember.",
        ("P5", "row P9"),
        (
            change(
                _JOURNAL,
                """
                here.striking.leave([entry.key])  # it may stand there all the same
                raise
                """,
                """
                return entry
                """,
            ),
        ),
        ("tests/journal/test_calls.py::test_a_row_that_cannot_be_written_keeps_the_call_from_leaving",),
    ),
    Animal(
        "the value is kept where the row cannot be struck",
        "A purchase raises an error because its row stays.",
        ("P5",),
        (
            change(
                _KEEPING,
                "except Exception as error:  # noqa: BLE001 - whatever came of the call stands",
                "except ZeroDivisionError as error:",
            ),
        ),
        ("tests/journal/test_calls.py::test_an_end_that_cannot_be_noted_changes_nothing_for_the_caller",),
        ("JournalUnavailable",),
    ),
    Animal(
        "the thread gives up what it cannot strike",
        "A row that could not be struck once is never tried again.",
        ("row P9",),
        (change(_STRIKING, "            self.leave(keys)\n", "            pass\n"),),
        ("tests/journal/test_processes.py::test_what_cannot_be_struck_is_left_for_the_next",),
    ),
    Animal(
        "anybody may read the journal",
        "Phones lie on the disk for all users of the machine.",
        ("P8",),
        (change(_FILE, "_PRIVATE: Final = 0o600", "_PRIVATE: Final = 0o644"),),
        ("tests/journal/test_file.py::test_the_default_file_and_its_folder_are_its_owners_alone",),
    ),
    Animal(
        "a power cut takes the last rows",
        "What was written before the request left is not on the disk yet.",
        ("P5", "row P9"),
        (change(_FILE, "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"),),
        ("tests/sqlite/test_commits.py::test_the_log_is_on_the_disk_when_a_commit_returns",),
    ),
    Animal(
        "a journal that was switched off is kept",
        "Who said False has a file all the same, where the guard is one of several processes.",
        ("P8",),
        (change(_MAKING, "    if journal is None:\n", "    if not journal:\n"),),
        ("tests/journal/test_file.py::test_a_journal_is_kept_where_it_is_asked_for",),
    ),
)
