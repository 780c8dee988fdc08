"""Rows of a file whose encoding and delimiter nobody documents."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import errors
from smsc_async.services import _rows
from smsc_async.services.downloads import Downloads
from tests.services.fakes import FakeCaller, FakeFile

REPORT = Path(__file__).parents[1] / "samples" / "downloads.file" / "report.csv"


async def rows(*chunks: bytes, **options: Any) -> list[Any]:
    downloads = Downloads(FakeCaller(file=FakeFile(*chunks)))
    return [row async for row in downloads.rows(15, **options)]


@pytest.mark.anyio
async def test_rows_of_the_sample_are_lists() -> None:
    """Without being told of a header, every row is a list of texts, formulas left as they are."""
    expected = [["id", "phone", "text"], ["1", "380671234567", "Вітаємо; код 1"], ["2", "380671234568", "=1+1"]]
    assert expected == await rows(REPORT.read_bytes())


@pytest.mark.anyio
async def test_rows_of_the_sample_are_dicts() -> None:
    """Told of a header, the first row names the cells of the others."""
    expected = [
        {"id": "1", "phone": "380671234567", "text": "Вітаємо; код 1"},
        {"id": "2", "phone": "380671234568", "text": "=1+1"},
    ]
    assert expected == await rows(REPORT.read_bytes(), header=True)


@pytest.mark.anyio
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("told", [True, False])
async def test_encoding_and_delimiter_are_found_out(encoding: str, delimiter: str, told: bool) -> None:
    """The usual encodings and delimiters are recognised; telling them changes nothing."""
    text = io.StringIO()
    expected = [["id", "text"], ["1", "Вітаємо, код; 1\nдругий рядок"], ["2", 'a "b"\t']]
    csv.writer(text, delimiter=delimiter).writerows(expected)
    options = {"encoding": encoding, "delimiter": delimiter} if told else {}
    assert expected == await rows(text.getvalue().encode(encoding), **options)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"\r\n\r\n", []),
        (b"a\r\nb", [["a"], ["b"]]),
        (b"a;b\n\n1;2\r3;4", [["a", "b"], ["1", "2"], ["3", "4"]]),
        (b"a,b;c\n1,2;3\n", [["a,b", "c"], ["1,2", "3"]]),
        (b"1,5;2\n3;4\n", [["1,5", "2"], ["3", "4"]]),
        (b"a\x98b;c", [["a\ufffdb", "c"]]),
        (b"\xef\xbb\xbf", []),
        (b'"a;b', [["a;b"]]),
        (b"=1+1;@x\n", [["=1+1", "@x"]]),
    ],
    ids=range(10),
)
async def test_odd_files_are_read(body: bytes, expected: list[list[str]]) -> None:
    """Empty files, blank lines, one column, mixed line ends and undefined bytes are read."""
    assert expected == await rows(body)


@pytest.mark.anyio
async def test_letters_after_the_first_megabyte_tell_the_encoding() -> None:
    """UTF-8 is what is UTF-8 to its end, wherever a chunk or a block cuts a letter in two."""
    plain = b"a;b\n" * 300_000
    words = "Вітаємо;і\n".encode()
    chunks = [plain, words[:1], words[1:], words]
    assert ["Вітаємо", "і"] == (await rows(*chunks))[-1]
    assert ["Вітаємо", "і"] == (await rows(plain, "Вітаємо;і\n".encode("cp1251")))[-1]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "options", "problem"),
    [
        ("Вітаємо".encode("cp1251"), {"encoding": "utf-8"}, "not in utf-8"),
        ("Вітаємо".encode(), {"encoding": "ascii", "delimiter": ";"}, "not in ascii"),
        (b"a;\xff\xfe", {"encoding": "utf-16"}, "not in utf-16"),
        (b"PK\x03\x04rest", {}, "a ZIP archive"),
        (b"a;a\n1;2\n", {"header": True}, "names a column twice"),
        (b"a;b\n1;2;3\n", {"header": True}, "line 2 has 3 cells, the first row 2"),
        (b"a;" + b"b" * 200_000, {}, "is no CSV: field larger than field limit"),
    ],
    ids=range(7),
)
async def test_a_file_that_is_none_is_a_reply_error(body: bytes, options: Any, problem: str) -> None:
    """What is no such CSV is said to be none, and what to do is said where there is something to do."""
    with pytest.raises(errors.ReplyError, match=problem) as caught:
        await rows(body, **options)
    assert "downloads.rows" == caught.value.endpoint
    assert caught.value.__cause__ is None


@pytest.mark.anyio
async def test_short_and_padded_rows_keep_their_names() -> None:
    """Cells that a row lacks are empty, and empty ones beyond the last name are dropped."""
    assert [{"a": "1", "b": ""}, {"a": "2", "b": "3"}] == await rows(b"a;b\n1\n2;3;;\n", header=True, delimiter=";")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"encoding": "no-such-encoding"}, errors.InvalidArgument),
        ({"encoding": 1251}, errors.InvalidArgument),
        ({"encoding": "a\0b"}, errors.InvalidArgument),
        ({"encoding": "base64"}, errors.InvalidArgument),
        ({"delimiter": ""}, errors.InvalidArgument),
        ({"delimiter": ";;"}, errors.InvalidArgument),
        ({"delimiter": "\n"}, errors.InvalidArgument),
        ({"delimiter": '"'}, errors.InvalidArgument),
        ({"delimiter": 59}, errors.InvalidArgumentType),
        ({"header": 1}, errors.InvalidArgumentType),
        ({"header": ["a"]}, errors.InvalidArgumentType),
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused_at_once(options: Any, error: type[Exception]) -> None:
    """Bad options are refused before the iteration, so before anything is sent."""
    with pytest.raises(error):
        Downloads(FakeCaller()).rows(15, **options)


@pytest.mark.anyio
async def test_the_slot_is_free_while_rows_are_looped_over() -> None:
    """The whole file has come before the first row is given."""
    file = FakeFile(b"a;b\n", b"c;d\n")
    async for _ in Downloads(FakeCaller(file=file)).rows(15):
        assert 0 == file.open


@pytest.mark.anyio
@pytest.mark.parametrize(
    "problem", [errors.IncompleteDownload("downloads.file", "x"), RuntimeError("x")], ids=["cut", "any"]
)
async def test_a_file_that_ends_short_gives_no_row(problem: Exception) -> None:
    """Not one row of a file that did not come whole is given."""
    file = FakeFile(b"a;b\n", problem)
    given: list[object] = []
    with pytest.raises(type(problem)):
        given += [row async for row in Downloads(FakeCaller(file=file)).rows(15)]
    assert ([], 0) == (given, file.open)


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def descriptors() -> int:
    return len(entries(Path("/proc/self/fd")))


@pytest.mark.anyio
async def test_nothing_is_left_of_the_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that is left early, with or without an error, leaves no file and no open descriptor."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await rows(b"a;b\n")  # a thread is started, which has descriptors of its own
    before = descriptors()
    for _ in range(20):
        iterator: Any = Downloads(FakeCaller(file=FakeFile(b"a;b\n" * 5000))).rows(15)
        assert ["a", "b"] == await anext(iterator)
        await iterator.aclose()
    assert ([], before) == (entries(tmp_path), descriptors())


@pytest.mark.anyio
async def test_other_tasks_run_while_a_large_file_is_read() -> None:
    """Reading happens in threads, a batch at a time, so the event loop keeps turning."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(turn)
        assert 200_000 == len(await rows(b"380671234567;text\n" * 200_000))
        tasks.cancel_scope.cancel()
    assert turns > 10


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=8)


@given(
    table=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8),
    delimiter=st.sampled_from(_rows._DELIMITERS),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
    cuts=st.integers(1, 10),
)
def test_a_table_comes_out_as_it_went_in(table: list[list[str]], delimiter: str, encoding: str, cuts: int) -> None:
    """Whatever is in the cells, they come out if the delimiter is told, however the bytes are cut."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
    body = text.getvalue().encode(encoding)
    chunks = [body[start : start + cuts] for start in range(0, len(body), cuts)]
    found = anyio.run(lambda: rows(*chunks, delimiter=delimiter))
    assert table == found


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_reply_error(body: bytes) -> None:
    """Whatever the file holds, there are rows of texts, or an error that says what it is."""
    try:
        found = anyio.run(lambda: rows(body))
    except errors.ReplyError:
        return
    assert all(isinstance(cell, str) for row in found for cell in row)
