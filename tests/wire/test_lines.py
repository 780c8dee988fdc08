"""How a line is written, as a shape says it: what may be missing, other ways to write it, and never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from smsc_async._wire import Field, Holds, Refusal, Shape, Undecodable, decode
from tests.wire.replies import CSV, JSON, TEXT, XML

FIELDS = (
    Field("number", Holds.INTEGER),
    Field("price", Holds.MONEY, optional=True),
    Field("name", Holds.PLAIN, optional=True),
    Field("words", Holds.TEXT, optional=True),
    Field("more", Holds.TEXT, optional=True),
)


def shape(*, text: tuple[str, ...] = (), csv: tuple[str, ...] = (), many: bool = False) -> Shape:
    return (
        Shape.list_of("list", "", *FIELDS, text=text, csv=csv)
        if many
        else Shape.record("r", *FIELDS, text=text, csv=csv)
    )


def read(line: str, *csv: str) -> Any:
    return decode(line.encode(), asked=CSV, shape=shape(csv=csv))


# What may be missing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("5", {"number": "5"}),
        ("5,1.50", {"number": "5", "price": "1.50"}),
        ("5,1.50,n", {"number": "5", "price": "1.50", "name": "n"}),
        ("5,1.50,", {"number": "5", "price": "1.50", "name": ""}),
        ("5,n", None),  # what is inside is missing with what is around it
        ("5,", None),
        ("5,1.50,n,", None),
        (",1.50", None),
        ("5 ,1.50", None),
    ],
)
def test_brackets_nest(line: str, expected: dict[str, str] | None) -> None:
    """What stands in inner brackets is there only with what stands around it; a missing field is not told at all."""
    if expected is None:
        with pytest.raises(Undecodable):
            read(line, "{number}[,{price}[,{name}]]")
    else:
        assert expected == read(line, "{number}[,{price}[,{name}]]")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("OK - 5 SMS", {"number": "5"}),
        ("OK - 5 SMS, COST - 1.5", {"number": "5", "price": "1.5"}),
        ("OK - 5 SMS, NAME - n", {"number": "5", "name": "n"}),
        ("OK - 5 SMS, COST - 1.5, NAME - ", {"number": "5", "price": "1.5", "name": ""}),
        ("OK - 5 SMS,COST - 1.5,NAME - n", {"number": "5", "price": "1.5", "name": "n"}),
        ("OK - 5 SMS, NAME - n, COST - 1.5", None),
        ("OK - 5 SMS, COST - x", None),
        ("OK - 5 sms", None),
        ("OK - 5 SMS.", None),
        ("OK - 5 SMS, COST - 1.5, COST - 2", None),
    ],
)
def test_brackets_stand_side_by_side(line: str, expected: dict[str, str] | None) -> None:
    """Each may be missing by itself; the order is that of the template, and signs in it stand for themselves."""
    written = shape(text=("OK - {number} SMS[, COST - {price}][, NAME - {name}]",))
    for asked in (TEXT, CSV, XML, JSON):
        if expected is None:
            with pytest.raises(Undecodable):
                decode(line.encode(), asked=asked, shape=written)
        else:
            assert expected == decode(line.encode(), asked=asked, shape=written)


def test_signs_that_mean_something_to_patterns_are_signs() -> None:
    """Parentheses, points, stars and the like in a template are matched as they are."""
    written = shape(text=("a.b (*{number}+)? | ^{name}$ \\d",))
    assert {"number": "5", "name": "n"} == decode(b"a.b (*5+)? | ^n$ \\d", asked=TEXT, shape=written)
    with pytest.raises(Undecodable):
        decode(b"axb (*5+)? | ^n$ \\d", asked=TEXT, shape=written)


def test_one_value_and_no_other() -> None:
    """A template may say which value a field has in it; elsewhere the field has any."""
    templates = ("{number=-3},{name}", "{number},{price},{name}")
    assert {"number": "-3", "name": "n"} == read("-3,n", *templates)
    assert {"number": "-3", "price": "1", "name": "n"} == read("-3,1,n", *templates)
    for line in ("3,n", "-31,n", "-4,n", "-3.0,n", "n,n"):
        with pytest.raises(Undecodable):
            read(line, *templates)


# Other ways to write it ---------------------------------------------------------------------------------------------


def test_other_ways_are_tried_all() -> None:
    """The one way that fits is taken, wherever it stands among them."""
    templates = ("{number},{price}", "{number},{price},{name}", "{name},{number},{price},x")
    for order in (templates, templates[::-1]):
        assert {"number": "5", "price": "2"} == read("5,2", *order)
        assert {"number": "5", "price": "2", "name": "n"} == read("5,2,n", *order)
        assert {"number": "5", "price": "2", "name": "n"} == read("n,5,2,x", *order)


@pytest.mark.parametrize(
    ("line", "templates"),
    [
        ("5,6", ("{number},{price}", "{price},{number}")),
        ("5,6", ("{number},{price}", "{number},{name}")),
        ("5,6,7", ("{number},{price},{name}", "{number},{words}")),
        ("5,6", ("{number}[,{price}][,{name}]",)),
        ("5,6,w", ("{number}[,{price}],{words}",)),
        ("5,6,w", ("{number},[{price},]{words}",)),
        ("a,b,c", ("{words},{more}",)),
        ("5,a,b", ("{number}[,{words}][,{more}]",)),
        ("a,b", ("{words}[,{more}]",)),
        ("a,6", ("{words}[,{price}]",)),
        ("a,6,7", ("{words},{price}[,{number}]",)),
    ],
)
def test_a_line_that_can_be_read_in_two_ways_is_not_read(line: str, templates: tuple[str, ...]) -> None:
    """Ways that disagree, brackets that may be there or not, and free texts without a border: none is guessed at."""
    for order in (templates, templates[::-1]):
        with pytest.raises(Undecodable, match="more than one way"):
            read(line, *order)


def test_names_are_taken_where_values_were_asked_for() -> None:
    """A line in the named form is known by fitting it, also where the shape says how it is written."""
    written = shape(text=("N {number}", "M {number}, {name}"), csv=("{number}",), many=True)
    assert [{"number": "5"}] == decode(b"N 5", asked=CSV, shape=written)
    assert [{"number": "5", "name": "n"}, {"number": "6"}] == decode(b"M 5, n\nN 6", asked=CSV, shape=written)
    assert [{"number": "5"}, {"number": "6"}] == decode(b"5\r\n6\r\n", asked=CSV, shape=written)


@pytest.mark.parametrize("asked", [TEXT, XML, JSON])
def test_values_are_not_taken_where_they_were_not_asked_for(asked: Any) -> None:
    """Numbers alone could be anything."""
    with pytest.raises(Undecodable):
        decode(b"5,6", asked=asked, shape=shape(text=("N {number}",), csv=("{number},{price}",)))


@pytest.mark.parametrize("body", ["5\nN 6", "N 5\n6", "5\n\n6", "N 5\n\nN 6", "5\nx"])
def test_each_line_is_written_in_the_form_of_the_first(body: str) -> None:
    """A list does not change its form on the way, and an empty line is no record."""
    with pytest.raises(Undecodable, match=r"line \d of the text is no record"):
        decode(body.encode(), asked=CSV, shape=shape(text=("N {number}",), csv=("{number}",), many=True))


# Against all readings, found by trying ------------------------------------------------------------------------------

Piece = Any  # a literal; ("field", name); ["optional", pieces]
BY_NAME = {field.wire: field for field in FIELDS}


def parsed(template: str) -> list[Piece]:
    """Take a template apart by a reader of its own."""
    pieces: list[Piece] = []
    open_ones = [pieces]
    for token in re.findall(r"\{\w+\}|\[|\]|[^\[\]{}]+", template):
        if token == "[":
            inner: list[Piece] = []
            open_ones[-1].append(["optional", inner])
            open_ones.append(inner)
        elif token == "]":
            open_ones.pop()
        elif token[0] == "{":
            open_ones[-1].append(("field", token[1:-1]))
        else:
            open_ones[-1].append(token)
    return pieces


def readings(pieces: list[Piece], line: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """Give every way in which *line* can have been written by a template, by trying all lengths and all brackets."""
    if not pieces:
        if not line:
            yield ()
        return
    first, rest = pieces[0], pieces[1:]
    if isinstance(first, str):
        if line.startswith(first):
            yield from readings(rest, line[len(first) :])
    elif isinstance(first, list):
        yield from readings([*first[1], *rest], line)
        yield from readings(rest, line)
    else:
        for end in range(len(line) + 1):
            if re.fullmatch(BY_NAME[first[1]].holds.value, line[:end], re.ASCII):
                yield from (((first[1], line[:end]), *others) for others in readings(rest, line[end:]))


@st.composite
def template(draw: st.DrawFn) -> str:
    """Fields in any order with commas between them, some of them, or runs of them, in brackets."""
    names = draw(st.lists(st.sampled_from(list(BY_NAME)), min_size=1, max_size=5, unique=True))
    written = f"{{{names[0]}}}"
    depth = 0
    for name in names[1:]:
        mark = draw(st.sampled_from(["", f"{name}=", "x"]))
        opens = draw(st.booleans())
        written += f"{'[' if opens else ''},{mark}{{{name}}}"
        depth += opens
        closing = draw(st.integers(0, depth))
        written += "]" * closing
        depth -= closing
    return written + "]" * depth


VALUES = st.sampled_from(["5", "-3", "1.5", "", "n", "a b", "a,b", ",", "7,x8", "price=2", "more=w,5", "xx"])
PLAIN_LINE = st.lists(VALUES, min_size=1, max_size=6).map(",".join)


@given(st.lists(template(), min_size=1, max_size=3), PLAIN_LINE | st.text("5x,=.-", min_size=1, max_size=10))
@example(["{number}[,{price}],{words}"], "1,5,foo")
@example(["{words}[,{more}[,{price}]]"], "a,b")
@example(["{number}[,{name}[,{words}]]", "{number},{words}"], "1,2")
def test_a_line_is_read_if_there_is_one_way_and_only_then(templates: list[str], line: str) -> None:
    """Of all readings that exist, the only one is given; where there are none or several, nothing is."""
    assume(line)
    expected = {reading for each in templates for reading in readings(parsed(each), line)}
    try:
        found = read(line, *templates)
    except Undecodable:
        assert 1 != len(expected)
        return
    assume(not isinstance(found, Refusal))
    assert [found] == [dict(reading) for reading in expected]
