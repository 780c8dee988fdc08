"""What the first bytes of a file say: a file may begin with anything, so only what is surely something else counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._wire import FILE_HEAD, Refusal, ReplyFormat, file_problem
from tests.wire.replies import CSV, refusal

ANYTHING = Path(__file__).parents[1] / "samples" / "anything"
REPORT = (Path(__file__).parents[1] / "samples" / "downloads.file" / "report.csv").read_bytes()


@pytest.mark.parametrize("content_type", ["text/csv", "text/html; charset=utf-8", "application/json", ""])
@pytest.mark.parametrize("written", ReplyFormat)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_a_refusal_in_a_files_place_is_one(content_type: str, written: ReplyFormat, encoding: str) -> None:
    """A body that is nothing but a refusal is one in any format and under any content type."""
    body = refusal(written, 5, "файл не знайдено, (task)").encode(encoding)
    words = "" if written is CSV else "файл не знайдено, (task)"
    assert Refusal(5, words) == file_problem(body, content_type, complete=True)


@pytest.mark.parametrize("written", ReplyFormat)
def test_the_beginning_of_a_refusal_is_a_file(written: ReplyFormat) -> None:
    """What goes on after the first bytes is no refusal, even if it begins like one."""
    assert file_problem(refusal(written, 9, "again").encode(), "text/csv", complete=False) is None


@pytest.mark.parametrize("path", sorted(ANYTHING.glob("*.html")), ids=lambda path: path.name)
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("content_type", ["text/html", "text/csv", ""])
def test_a_page_in_a_files_place_is_a_problem(path: Path, complete: bool, content_type: str) -> None:
    """An HTML page is told by its first tag."""
    assert "an HTML page" == file_problem(path.read_bytes(), content_type, complete=complete)


def test_a_page_that_begins_with_a_comment_is_told_by_its_type() -> None:
    """A comment is HTML only where the content type says so."""
    page = b"<!-- error --><html>"
    assert ("an HTML page", None) == (
        file_problem(page, "text/HTML", complete=False),
        file_problem(page, "text/csv", complete=False),
    )


@pytest.mark.parametrize("before", [b"", b" \t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
@pytest.mark.parametrize("complete", [True, False])
def test_a_page_may_begin_with_space(before: bytes, complete: bool) -> None:
    """White space and a byte order mark before the first tag do not make a file of a page."""
    assert "an HTML page" == file_problem(before + b"<!DOCTYPE  html>", "", complete=complete)


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\xef\xbb\xbf"])
def test_an_empty_answer_is_no_file(body: bytes) -> None:
    """Nothing at all is a dead host, not a file."""
    assert "an empty answer" == file_problem(body, "text/csv", complete=True)


def test_a_file_may_begin_with_blank_lines() -> None:
    """Space alone is nothing only where nothing comes after it."""
    assert file_problem(b"\r\n" * 1024, "text/csv", complete=False) is None


@pytest.mark.parametrize("body", [b"ERROR = 9", b"ERROR = 12 \r\n", b"\xef\xbb\xbfERROR = 9"])
def test_half_a_refusal_is_no_file(body: bytes) -> None:
    """A number without words is too little to act upon, and no file either."""
    assert "half a refusal" == file_problem(body, "text/csv", complete=True)


@pytest.mark.parametrize(
    "body",
    [
        REPORT,
        REPORT[:10],
        b"0,-9,1\n",
        b"0;-9\n",
        b"0,-9\n0,-9\n",
        b"ERROR = 9 (again)\n1;2\n",
        b'"ERROR = 9 (again)"\n',
        b"<phone>;<text>\n",
        b"phone,text\n380950000001,<html>\n",
        b'{"error":"again"}\n1;2',
        b"OK\n",
        b"ERROR = ",
        b"ERROR = x",
        b"ERROR = 9;1",
        b"ERROR = 9 a",
        b"\x0c<html>",
        b"<!doctypehtml>",
        b"PK\x03\x04",
        b"\x98\xff\x00",
        b"a",
    ],
)
@pytest.mark.parametrize("content_type", ["text/csv", "text/html", "application/octet-stream", ""])
@pytest.mark.parametrize("complete", [True, False])
def test_anything_else_is_a_file(body: bytes, content_type: str, complete: bool) -> None:
    """A file may hold what looks like a refusal, and PHP calls everything HTML that a script says nothing about."""
    assert file_problem(body, content_type, complete=complete) is None


def test_a_long_body_is_no_refusal() -> None:
    """A refusal is at most as long as the head that is looked at."""
    words = "a" * (2048 - len("ERROR = 9 ()"))
    assert 2048 == FILE_HEAD
    assert Refusal(9, words) == file_problem(f"ERROR = 9 ({words})".encode(), "", complete=True)
    assert file_problem(f"ERROR = 9 ({words}a)".encode(), "", complete=True) is None


@given(head=st.binary(max_size=200), content_type=st.text(max_size=20), complete=st.booleans())
def test_any_head_is_judged(head: bytes, content_type: str, complete: bool) -> None:
    """Whatever the first bytes are, judging them raises nothing."""
    assert isinstance(file_problem(head, content_type, complete=complete), Refusal | str | None)
