"""Guards in which calls wait wrongly: for too long, in vain, or in the wrong order."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CLIENT, CORE, Animal, change

__all__ = ["ANIMALS"]

_BUCKET: Final = "guard/_bucket.py"
_LINES: Final = "guard/_lines.py"
_POLICY: Final = "guard/_policy.py"

ANIMALS: Final = (
    Animal(
        "slot before token",
        "A call takes its slot first and holds it while it waits for a token.",
        ("P3", "G19"),
        (change(_POLICY, "buckets.append(account.slots)", "buckets.insert(0, account.slots)"),),
        ("tests/reliability/test_guard_rows.py::test_a_hot_key_starves_nobody",),
    ),
    Animal(
        "last come first served",
        "Of the calls of a key that wait, the youngest goes first.",
        ("P3", "G19"),
        (change(_BUCKET, "ticket.entry = (ticket.number, ticket)", "ticket.entry = (-ticket.number, ticket)"),),
        ("tests/guard/test_local.py::test_calls_of_one_key_start_in_the_order_they_came", CORE),
    ),
    Animal(
        "newcomers first",
        "A token that has just come home goes to whoever asks at that moment, past those who wait for it.",
        ("P3",),
        (change(_POLICY, "self.lines.drain_all(buckets, now)\n", ""),),
        (CORE,),
    ),
    Animal(
        "nobody is called",
        "What a call gives back is offered to nobody in line.",
        ("P3", "P4"),
        (change(_POLICY, "self.lines.drain_all(lease.buckets, now)\n", "pass\n"),),
        (CORE, CLIENT),
    ),
    Animal(
        "no alarm",
        "Nobody looks at the line when the next token comes home.",
        ("P3", "G6"),
        (change(_LINES, "self._set_alarm(bucket.next_change(now), bucket)\n", "pass\n"),),
        (CORE, CLIENT),
    ),
    Animal(
        "late alarm",
        "The line is looked at when the last token comes home, and not when the next one does.",
        ("P3",),
        (
            change(
                _BUCKET,
                "home = self.homes[0] if self.homes else FOREVER",
                "home = self.homes[-1] if self.homes else FOREVER",
            ),
        ),
        (CORE,),
    ),
    Animal(
        "a reservation stays",
        "Whoever leaves a line leaves a token reserved that nobody will ever take.",
        ("P4", "G6"),
        (
            change(
                _LINES,
                """
                for bucket in passed:
                    bucket.reserved -= 1
                """,
                "",
            ),
        ),
        (CORE,),
    ),
    Animal(
        "what leavers held is not offered",
        "Whoever leaves a line frees a token, and those who wait for it are not told.",
        ("P3", "G6"),
        (
            change(
                _LINES,
                """
                self.drain_all(passed, now)
                for ticket in left:
                """,
                "for ticket in left:\n",
            ),
        ),
        ("tests/guard/test_edges.py::test_a_recalled_call_keeps_its_deadline", CORE),
    ),
    Animal(
        "leavers keep their keys",
        "Whoever leaves a line still counts as one that refers to its keys, and these are never forgotten.",
        ("P4",),
        (change(_LINES, "ticket.parties.account.let_go(ticket.buckets)\n", "pass\n"),),
        (CORE,),
    ),
    Animal(
        "deadlines forgotten in line",
        "A wait that was to fit is not looked at again when it no longer does.",
        ("P6", "G20"),
        (change(_LINES, "self.check(subject, now)\n", "pass\n"),),
        ("tests/guard/test_local.py::test_a_wait_that_stops_fitting_is_refused_then", CORE, CLIENT),
    ),
    Animal(
        "deadlines end with a line",
        "A call that has reached the next line waits there without its deadline.",
        ("P6", "G20"),
        (
            change(
                _LINES,
                "ticket = bucket.call_next()\n",
                """
                ticket = bucket.call_next()
                ticket.alarm = FOREVER
                """,
            ),
        ),
        ("tests/guard/test_edges.py::test_the_deadline_holds_from_one_line_to_the_next", CORE),
    ),
    Animal(
        "faint heart",
        "A wait is refused as too long although it would fit: each call ahead is taken to cost a whole window.",
        ("P6", "G20"),
        (change(_BUCKET, "turn, place = divmod(ahead, len(moments))", "turn, place = ahead, 0"),),
        ("tests/guard/test_edges.py::test_after_a_duplicate_no_wait_that_fits_is_refused", CORE),
    ),
    Animal(
        "queue not counted",
        "Whether a wait fits is judged as if nobody were ahead.",
        ("P6", "G20"),
        (
            change(
                _LINES,
                """
                if arriving:
                    before = bucket.waiting - (ticket.place is bucket)
                """,
                """
                if arriving:
                    before = 0
                """,
            ),
        ),
        ("tests/guard/test_edges.py::test_behind_a_resting_token_a_wait_is_refused_as_soon_as_it_cannot_fit", CORE),
    ),
    Animal(
        "late refusal",
        "A call that cannot start in time learns it only when its time is over.",
        ("P6", "G20"),
        (change(_LINES, "return TooLong(moment, reason) if late or now", "return TooLong(moment, reason) if now"),),
        ("tests/guard/test_policy.py::test_a_duplicate_refuses_at_once_whoever_cannot_wait_for_its_end", CORE),
    ),
    Animal(
        "not recalled",
        "Calls that had reserved a token keep it although their key has got a stricter limit meanwhile.",
        ("P1",),
        (
            change(
                _POLICY,
                """
                bucket.rule = rule
                self.lines.recall(bucket, self._waiting(), now)
                """,
                "bucket.rule = rule\n",
            ),
        ),
        ("tests/guard/test_fewer.py::test_a_stricter_limit_holds_for_calls_that_have_reserved",),
    ),
)
