"""Replies of endpoints that are not described yet stay plain data, and refusals are refusals there too."""

from __future__ import annotations

import pytest

from smsc_async._wire import Layout, Plain, Refusal, ReplyFormat, Shape, Undecodable, decode
from tests.wire.replies import CSV, JSON, TEXT, XML, refusal


def anything(body: str, asked: ReplyFormat) -> Plain | Refusal:
    return decode(body.encode(), asked=asked, shape=Shape.ANY)


@pytest.mark.parametrize(
    ("body", "asked", "expected"),
    [
        ('{"id":5,"cost":"1"}', JSON, {"id": 5, "cost": "1"}),
        ('[{"id":5},{"id":6}]', JSON, [{"id": 5}, {"id": 6}]),
        ("[1,[2]]", JSON, [1, [2]]),
        ('\ufeff [{"id":5}]', JSON, [{"id": 5}]),
        ('\r\n{"id":5}', XML, {"id": 5}),
        ('\x0c{"id":5}', JSON, '\x0c{"id":5}'),
        ("OK, ID - 5\n", TEXT, "OK, ID - 5\n"),
        ("5,1.20", CSV, "5,1.20"),
        ("<result>OK</result>", XML, "OK"),
        ("<phone><id>5</id><cost>1</cost></phone>", XML, {"id": "5", "cost": "1"}),
        ("<list><sms><id>5</id></sms><sms><id>6</id></sms></list>", XML, [{"id": "5"}, {"id": "6"}]),
        ("<list><sms><id>5</id></sms></list>", XML, [{"id": "5"}]),
        ("<a><b>1</b><c>2</c><c>3</c></a>", XML, {"b": "1", "c": ["2", "3"]}),
        ("<a><b><c>1</c></b></a>", XML, {"b": {"c": "1"}}),
        ("<list></list>", XML, ""),
    ],
)
def test_a_reply_that_nobody_described_stays_plain(body: str, asked: ReplyFormat, expected: object) -> None:
    """JSON stays as it is, XML becomes dicts, lists and texts as its tags suggest, and text stays text."""
    assert expected == anything(body, asked)


@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize("written", ReplyFormat)
def test_a_refusal_is_recognised_at_any_endpoint(asked: ReplyFormat, written: ReplyFormat) -> None:
    """A refusal needs no description."""
    words = "" if written is CSV else "again"
    assert Refusal(9, words) == anything(refusal(written, 9, "again"), asked)


@pytest.mark.parametrize("asked", [XML, JSON])
@pytest.mark.parametrize("body", ["", "<html></html>", "{", "<a>"])
def test_what_cannot_be_read_is_undecodable_at_any_endpoint(body: str, asked: ReplyFormat) -> None:
    """Empty and broken bodies are undecodable without a description too."""
    with pytest.raises(Undecodable):
        anything(body, asked)


@pytest.mark.parametrize("body", ["<html>", " \r\n<!DOCTYPE html><html>", "\ufeff<b>Warning</b>", "<BR />"])
@pytest.mark.parametrize("shape", [Shape.ANY, Shape.OK, Shape.FILE])
def test_a_page_is_told_by_its_first_tag(body: str, shape: Shape) -> None:
    """What a web server or PHP says in the gateway's place is called what it is."""
    with pytest.raises(Undecodable, match=r"^an HTML page$"):
        decode(body.encode(), asked=XML, shape=shape)


@pytest.mark.parametrize("asked", ReplyFormat)
def test_nobody_said_that_an_empty_body_is_an_empty_list(asked: ReplyFormat) -> None:
    """An empty body is nothing, unless its length said that it is empty."""
    with pytest.raises(Undecodable, match=r"^an empty answer$"):
        decode(b"", asked=asked, shape=Shape.list_of("list", "item"))


@pytest.mark.parametrize("body", ["OK", "a;b\n", "1"])
def test_text_is_no_file(body: str) -> None:
    """A file is streamed and never decoded: its shape is there for refusals."""
    with pytest.raises(Undecodable):
        decode(body.encode(), asked=CSV, shape=Shape.FILE)


def test_a_shape_is_made_once() -> None:
    """Shapes compare by identity, so that what is worked out for one can be kept."""
    assert Shape.record("a") != Shape.record("a")
    assert {Layout.OK, Layout.FILE, Layout.ANY} == {shape.layout for shape in (Shape.OK, Shape.FILE, Shape.ANY)}
