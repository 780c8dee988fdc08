"""Downloads that go wrong: half a file, or one in the wrong place."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import Animal, change

__all__ = ["ANIMALS"]

_REPLY: Final = "_wire/reply.py"
_ROWS: Final = "services/_rows.py"
_SAVING: Final = "services/_saving.py"
_STREAM: Final = "_transport/stream.py"

ANIMALS: Final = (
    Animal(
        "half a file is a file",
        "A file that ends before its promised length is saved as a whole one.",
        ("P10", "H5"),
        (change(_STREAM, "if cut_short(self._head, self._came, self._inflater):", "if self._head is None:"),),
        ("tests/transport/test_stream.py::test_a_file_that_is_cut_short_never_looks_complete",),
    ),
    Animal(
        "a broken file goes on",
        "The iteration of a file that was cancelled ends as if all had come.",
        ("P10", "H5"),
        (
            change(
                _STREAM,
                "                self._failure = Failure(CUT_SHORT)  #",
                "                self.complete = True  #",
            ),
            change(
                _STREAM,
                "if self._failure is None:\n",
                """
                if self.complete:
                    raise StopAsyncIteration
                if self._failure is None:
                """,
            ),
        ),
        ("tests/session/test_edges.py::test_a_file_whose_reading_was_cancelled_does_not_end_as_if_it_were_whole",),
        fails_with=("StopAsyncIteration",),
    ),
    Animal(
        "half a refusal is a file",
        "A refusal that was cut short is saved as a file.",
        ("P10", "H6"),
        (
            change(
                _REPLY,
                'return "half a refusal" if _HALF_REFUSAL.fullmatch(start) else _refusal_in(head)',
                "return _refusal_in(head)",
            ),
        ),
        ("tests/session/test_edges.py::test_half_a_refusal_in_place_of_a_file_is_no_file",),
    ),
    Animal(
        "a refusal is a file",
        "Error 9 in place of a file is saved as one.",
        ("P10", "H6"),
        (change(_REPLY, "return found if isinstance(found, Refusal) else None\n", "return None\n"),),
        ("tests/wire/test_files.py::test_a_refusal_in_a_files_place_is_one",),
    ),
    Animal(
        "a page is a file",
        "A page for people in place of a file is saved as one.",
        ("P10", "H6"),
        (
            change(
                _REPLY,
                '    if _HTML.match(start) or (start.startswith(b"<!--")',
                '    if not head or (start.startswith(b"<!--")',
            ),
        ),
        ("tests/wire/test_files.py::test_a_page_in_a_files_place_is_a_problem",),
    ),
    Animal(
        "an empty answer is a file",
        "Nothing at all in place of a file is saved as one.",
        ("P10", "H6"),
        (change(_REPLY, "if complete and not start:\n", "if not complete and not start:\n"),),
        ("tests/wire/test_files.py::test_an_empty_answer_is_no_file",),
    ),
    Animal(
        "the gateway chooses the folder",
        "A file's name at the gateway may lead out of the folder that was chosen.",
        ("P8", "H7"),
        (change(_SAVING, 'base = re.split(r"[/\\\\]", name)[-1]', "base = name"),),
        ("tests/services/test_saving.py::test_a_name_is_made_harmless",),
    ),
    Animal(
        "visible before it is whole",
        "A file stands in its place before its last byte has come.",
        ("P10", "H5"),
        (
            change(
                _SAVING,
                'self._path = self._target.with_name(f".{self._target.name}.{secrets.token_hex(6)}.part")',
                "self._path = self._target",
            ),
            change(
                _SAVING,
                """
                if self._overwrite:
                    self._path.replace(self._target)
                """,
                """
                if self._path == self._target:
                    pass
                elif self._overwrite:
                    self._path.replace(self._target)
                """,
            ),
        ),
        ("tests/services/test_saving.py::test_the_place_is_empty_until_the_file_is_whole",),
    ),
    Animal(
        "half a file stays",
        "What is left of a download that failed is not removed.",
        ("P4", "H5"),
        (change(_SAVING, "self._path.unlink(missing_ok=True)\n", "pass\n"),),
        ("tests/services/test_saving.py::test_a_file_that_ends_short_leaves_nothing",),
    ),
    Animal(
        "replaced unasked",
        "A file that is there is replaced although nobody asked for it.",
        ("P10",),
        (
            change(
                _SAVING,
                """
                if self._overwrite:
                    self._path.replace(self._target)
                """,
                """
                if self._target:
                    self._path.replace(self._target)
                """,
            ),
            change(_SAVING, "if not self._overwrite and os.path.lexists(self._target):", "if self._target is None:"),
        ),
        ("tests/services/test_saving.py::test_a_file_that_is_there_is_not_replaced_unasked",),
    ),
    Animal(
        "the slot is held while the file is looped over",
        "Rows are read from the network while the user works on them, and the slot is not free.",
        ("P3", "G18"),
        (
            change(
                _ROWS,
                "async with opening as chunks:\n",
                """
                chunks = await opening.__aenter__()
                if True:
                """,
            ),
            change(
                _ROWS,
                """
                while batch := await to_thread.run_sync(_taken, rows):
                    for row in batch:
                        yield row
                """,
                """
                while batch := await to_thread.run_sync(_taken, rows):
                    for row in batch:
                        yield row
                await opening.__aexit__(None, None, None)
                """,
            ),
        ),
        ("tests/services/test_rows.py::test_the_slot_is_free_while_rows_are_looped_over",),
    ),
)
