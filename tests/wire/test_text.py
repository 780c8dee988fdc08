"""Text forms: a line is read only where there is one way to read it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from smsc_async._wire import Field, Holds, ReplyFormat, Shape, Undecodable, decode, text_form
from smsc_async.values import LocalTime
from tests.wire.reading import read
from tests.wire.replies import CSV, ENDPOINTS, JSON, TEXT, XML

AVAILABLE = ENDPOINTS["numbers.available"]
LIST = ENDPOINTS["downloads.list"]
NAMED = "phone = 380950000001, type = 1, cost = 1, current_cost = 1, info = x"
VALUES = "380950000001,1,1,1,x"


@pytest.mark.parametrize(
    ("body", "info"),
    [
        (NAMED + ", info = y", "x, info = y"),
        (NAMED + ", type = 2, cost = 3", "x, type = 2, cost = 3"),
        (NAMED + "\n", "x"),
        ("\r\n" + NAMED + "\r\n\r\n", "x"),
        (NAMED[:-1], ""),
        (NAMED[:-2], ""),
        (NAMED.replace(" = ", "="), "x"),
        (NAMED.replace(", ", ","), "x"),
        (NAMED + "\x0b\x1c\u2028\x85y", "x\x0b\x1c\u2028\x85y"),
        (NAMED + "  ", "x  "),
    ],
)
def test_a_named_line_is_read(body: str, info: str) -> None:
    """Names tell fields apart; what comes after the last name is free text, with whatever it holds."""
    assert [info] == [number.info for number in read(AVAILABLE, body, TEXT)]


@pytest.mark.parametrize("asked", ReplyFormat)
def test_named_lines_are_read_whatever_was_asked_for(asked: ReplyFormat) -> None:
    """The gateway's default format is read where another was asked for: it names its fields."""
    assert ["x"] == [number.info for number in read(AVAILABLE, NAMED, asked)]


@pytest.mark.parametrize("asked", [TEXT, XML, JSON])
def test_values_without_names_are_read_only_if_asked_for(asked: ReplyFormat) -> None:
    """Values with commas between them could be anything where they were not asked for."""
    with pytest.raises(Undecodable):
        read(AVAILABLE, VALUES, asked)


@pytest.mark.parametrize("asked", ReplyFormat)
def test_ok_is_ok_in_any_format(asked: ReplyFormat) -> None:
    """The word OK is read where XML or JSON was asked for."""
    assert read(ENDPOINTS["numbers.set_auto_renew"], "OK\r\n", asked) is None


BROKEN: dict[str, tuple[str, ReplyFormat, str]] = {
    "line break in the last field": (NAMED + "\ny", TEXT, "numbers.available"),
    "carriage return in the last field": (NAMED + "\n\ny", TEXT, "numbers.available"),
    "line break in the last value": (VALUES + "\ny", CSV, "numbers.available"),
    "blank line between": (NAMED + "\n\n" + NAMED, TEXT, "numbers.available"),
    "a field is missing": (NAMED.replace("type = 1, ", ""), TEXT, "numbers.available"),
    "a value is missing": ("380950000001,1,1,1", CSV, "numbers.available"),
    "fields in another order": ("type = 1, " + NAMED, TEXT, "numbers.available"),
    "decimal comma": (NAMED.replace("cost = 1", "cost = 1,5", 1), TEXT, "numbers.available"),
    "decimal comma in a value": ("380950000001,1,1,5,1,x", CSV, "numbers.set_auto_renew"),
    "exponent": ("cost = 1e3", TEXT, "numbers.rent"),
    "digits of another script": ("cost = １２", TEXT, "numbers.rent"),
    "two lines for one record": ("cost = 1\ncost = 1", TEXT, "numbers.rent"),
    "two values for one": ("1,2", CSV, "numbers.rent"),
    "a word for a price": ("OK", CSV, "numbers.rent"),
    "a price for OK": ("1", CSV, "numbers.set_auto_renew"),
    "OK and more": ("OK - 1 SMS", TEXT, "numbers.set_auto_renew"),
    "no phone": (", ,", CSV, "calls.request"),
    "an empty phone": ("380443334455,", CSV, "calls.request"),
    "another phone": ("phone = 380443334455, all_phones = x", TEXT, "calls.request"),
    "no balance": ("UAH", TEXT, "account.balance"),
    "currency first": ("UAH 1", TEXT, "account.balance"),
    "two currencies": ("1 UAH USD", TEXT, "account.balance"),
    "four values": ("1.00 UAH 2.00 3.00", TEXT, "account.balance"),
    "balance on two lines": ("1.00\nUAH", TEXT, "account.balance"),
    "more than a balance": ("1.00x", TEXT, "account.balance"),
    "more than a currency": ("1.00 UAH5", TEXT, "account.balance"),
    "words": ("Service temporarily unavailable", TEXT, "account.balance"),
}


@pytest.mark.parametrize(("body", "asked", "name"), BROKEN.values(), ids=BROKEN.keys())
def test_bad_text_is_undecodable(body: str, asked: ReplyFormat, name: str) -> None:
    """Text that is no record, or could be another one, is undecodable."""
    with pytest.raises(Undecodable):
        read(ENDPOINTS[name], body, asked)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("15,a,2,01.02.2025 10:00:00,,r.csv", ("a", "r.csv")),
        ("15,a, b,2,01.02.2025 10:00:00,,r.csv", ("a, b", "r.csv")),
        ("15,a,2,01.02.2025 10:00:00,,r, s.csv", ("a", "r, s.csv")),
        ("15,a,b,2,01.02.2025 10:00:00,,r,s.csv", ("a,b", "r,s.csv")),
        ("15,,2,,,", ("", None)),
        ("15,,,,2,,,", (",,", None)),
        ("15,2,2,,,,", ("2", ",")),
        ("15,a,1,b,c,2,d,e,f", None),
        ("15,a,1,2,3,4,5,6,7", None),
    ],
)
def test_two_free_texts_are_told_apart_by_what_stands_between(body: str, expected: Any) -> None:
    """A status has digits: where that leaves one way to read a task it is taken, else none is."""
    if expected is None:
        with pytest.raises(Undecodable, match="more than one way"):
            read(LIST, body, CSV)
    else:
        assert [expected] == [(task.name, task.file) for task in read(LIST, body, CSV)]


def test_a_moment_of_an_unknown_form_is_kept() -> None:
    """The vendor does not say how the gateway writes dates, so any form without a comma is kept as it is."""
    (task,) = read(LIST, "15,a,2,2025-02-01T10:00:00+02:00,Feb 1 10:05,r.csv", CSV)
    assert (LocalTime("2025-02-01T10:00:00+02:00"), LocalTime("Feb 1 10:05")) == (task.created, task.started)


BALANCE = ENDPOINTS["account.balance"].shape
SENTENCES = {
    "no OK": (Shape.OK, TEXT, "OK - 1 SMS", "text that does not say OK"),
    "no file": (Shape.FILE, TEXT, "a;b", "text in place of a file"),
    "two lines": (BALANCE, TEXT, "1.00\n2.00", "more than one line of text for one record"),
    "number 0": (Shape.ANY, TEXT, "ERROR = 0 (fine)", "a refusal with the number 0"),
    "no record": (
        AVAILABLE.shape,
        CSV,
        f"{VALUES}\n1",
        "line 2 of the text is no record, or free text holds a line break",
    ),
    "names in the first line only": (
        AVAILABLE.shape,
        CSV,
        f"{NAMED}\n{VALUES}",
        "line 2 of the text is no record, or free text holds a line break",
    ),
    "two readings": (LIST.shape, CSV, "15,a,1,2,3,4,5,6,7", "line 1 of the text can be read in more than one way"),
    "no value": (BALANCE, TEXT, "1.00 (UAH)", "text with a value that stands for no field"),
    "a name without a value": (
        BALANCE,
        TEXT,
        "balance = x",
        "line 1 of the text is no record, or free text holds a line break",
    ),
    "decimal comma": (BALANCE, TEXT, "1,50", "text with two whole numbers, which may be one with a decimal comma"),
}


@pytest.mark.parametrize(("shape", "asked", "body", "sentence"), SENTENCES.values(), ids=SENTENCES.keys())
def test_what_is_wrong_with_a_text_is_said(shape: Shape, asked: ReplyFormat, body: str, sentence: str) -> None:
    """The problem is a sentence that names the line, and shows nothing of it."""
    with pytest.raises(Undecodable) as caught:
        decode(body.encode(), asked=asked, shape=shape)
    assert sentence == str(caught.value)


PLAIN = Shape.list_of("list", "item", Field("name"), Field("kind", Holds.INTEGER), Field("note", Holds.TEXT))
OPTIONAL = Shape.record("item", Field("a", Holds.INTEGER), Field("b", Holds.INTEGER, optional=True))
HEADED = Shape.record("result", Field("phone", Holds.PHONE, heads="all"), Field("all", Holds.PHONES))
BARE = Shape.record("item", Field("a", Holds.INTEGER), Field("b", Holds.PLAIN), bare=True)
RECORDS = {
    "OK": (Shape.OK, TEXT, " OK\r\n", {"result": "OK"}),
    "values with space": (PLAIN, CSV, " x ,1, y ", [{"name": " x ", "kind": "1", "note": " y "}]),
    "a value like a name": (PLAIN, CSV, "name,1,y", [{"name": "name", "kind": "1", "note": "y"}]),
    "a name further on": (PLAIN, CSV, "x,1,name = y", [{"name": "x", "kind": "1", "note": "name = y"}]),
    "names without space": (PLAIN, CSV, "name=x,kind=1,note=y", [{"name": "x", "kind": "1", "note": "y"}]),
    "names with space": (PLAIN, CSV, "name = x, kind = 1, note = y", [{"name": "x", "kind": "1", "note": "y"}]),
    "without what may be missing": (OPTIONAL, TEXT, "a = 1", {"a": "1"}),
    "with what may be missing": (OPTIONAL, TEXT, "a = 1, b = 2", {"a": "1", "b": "2"}),
    "the head of a list": (HEADED, CSV, "1 , 2", {"phone": "1", "all": "1 , 2"}),
    "a head of its own": (HEADED, TEXT, "phone = 1, all = 2, 1", {"phone": "1", "all": "2, 1"}),
    "bare values": (BARE, TEXT, " 1 x ", {"a": "1", "b": "x"}),
    "a bare value of nothing": (BARE, TEXT, "1,", {"a": "1", "b": ""}),
    "a whole balance": (BALANCE, TEXT, "250 UAH", {"balance": "250", "currency": "UAH"}),
    "a whole balance with a fraction of credit": (BALANCE, TEXT, "250 1.5", {"balance": "250", "credit": "1.5"}),
}


@pytest.mark.parametrize(("shape", "asked", "body", "record"), RECORDS.values(), ids=RECORDS.keys())
def test_a_text_becomes_the_wires_own_names_and_values(
    shape: Shape, asked: ReplyFormat, body: str, record: object
) -> None:
    """Values come out as they stand there; what is missing has no entry."""
    assert record == decode(body.encode(), asked=asked, shape=shape)


HELD = {
    Holds.INTEGER: (["0", "-1", "9" * 18], ["", "-", "+1", "9" * 19, "1.5", "1 ", "١"]),
    Holds.MONEY: (["0", "-1.5", f"{'9' * 18}.{'9' * 18}"], ["", ".5", "1.", "9" * 19, f"1.{'9' * 19}", "1,5", "1x5"]),
    Holds.PHONE: (["1", "+1", "9" * 20], ["", "+", "9" * 21, "++1", "1 2"]),
    Holds.PHONES: (["", "+1, 2,3"], ["1;2", "a"]),
    Holds.WORD: (["a", "Z", "x" * 16], ["", "x" * 17, "a b", "1", "ї"]),
    Holds.PLAIN: (["", "a b;c"], ["a,b", "a\rb"]),
    Holds.ID: (["1", "order-17", "a.b_c", "x" * 40], ["", "x" * 41, "a b", "ї", "a,b"]),
    Holds.RECIPIENT: (["380671234567", "+1234", "a@b.ua", "@anna", "G123"], ["", "123", "1,234"]),
    Holds.STAMP: (["0", "1767225600", "9" * 9, "9" * 11], ["", "1", "-1", "00", "9" * 8, "9" * 12]),
    Holds.CODE: (["1", "255"], ["", "1234", "a", "-1"]),
    Holds.DIGITS: (["", "12345", "9" * 20], ["1234", "9" * 21, "a"]),
    Holds.RECORDS: ([], ["", "a", "{}"]),
    Holds.TEXT: (["", "a,b", "a\rb"], []),
}


@pytest.mark.parametrize("holds", Holds)
def test_a_field_holds_what_it_may_and_nothing_else(holds: Holds) -> None:
    """The patterns are bounded, and ASCII where they are digits or letters."""
    shape = Shape.record("item", Field("a", holds))
    fits, does_not = HELD[holds]
    assert [{"a": text} for text in fits] == [decode(f"a = {text}".encode(), asked=TEXT, shape=shape) for text in fits]
    for text in does_not:
        with pytest.raises(Undecodable):
            decode(f"a = {text}".encode(), asked=TEXT, shape=shape)


def test_values_without_names_leave_nothing_out() -> None:
    """Without names a field that may be missing could be any, so none is."""
    with pytest.raises(Undecodable, match="no record"):
        decode(b"1", asked=CSV, shape=OPTIONAL)


@pytest.mark.parametrize("named", [True, False])
def test_the_patterns_of_a_shape_are_made_once(named: bool) -> None:
    """Compiling takes longer than reading."""
    assert text_form._patterns(PLAIN, named=named) is text_form._patterns(PLAIN, named=named)


@pytest.mark.parametrize("asked", [TEXT, CSV, XML])
def test_an_empty_body_is_an_empty_list_only_with_a_length(asked: ReplyFormat) -> None:
    """No bytes are no records where the length said so, and a dead host where it did not."""
    assert [] == read(AVAILABLE, b"", asked, explicit_empty=True)
    with pytest.raises(Undecodable, match="empty"):
        read(AVAILABLE, b"", asked)


@pytest.mark.parametrize("name", sorted(set(ENDPOINTS) - {"numbers.available", "downloads.list"}))
@pytest.mark.parametrize("asked", ReplyFormat)
def test_an_empty_body_is_never_a_record(name: str, asked: ReplyFormat) -> None:
    """Only a list can have nothing to say."""
    with pytest.raises(Undecodable, match="empty"):
        read(ENDPOINTS[name], b"", asked, explicit_empty=True)


def test_an_empty_body_is_no_json() -> None:
    """An empty list has two bytes in JSON."""
    with pytest.raises(Undecodable, match="empty"):
        read(AVAILABLE, b"", JSON, explicit_empty=True)


@pytest.mark.parametrize("written", ["utf-8", "cp1251"])
def test_every_byte_of_windows_1251_is_read(written: str) -> None:
    """No byte makes the decoding fail: 0x98, which stands for nothing there, becomes a replacement character."""
    characters = bytes(range(0x80, 0x100)).decode("cp1251", "replace")
    body = b"380950000001,1,1,1," + (bytes(range(0x80, 0x100)) if written == "cp1251" else characters.encode())
    assert [characters] == [number.info for number in read(AVAILABLE, body, CSV)]


@pytest.mark.parametrize(
    "body",
    [
        "15" + ",1" * 100_000,
        "15,a" + ",1,,," * 40_000,
        "id = 1, name = " + ", status = 1" * 40_000,
        "ERROR = 1 (" * 40_000,
        "1," * 200_000,
    ],
    ids=range(5),
)
@pytest.mark.parametrize("asked", [TEXT, CSV])
def test_hostile_text_takes_no_longer_than_its_size(
    body: str, asked: ReplyFormat, best_of_three: Callable[[Callable[[], object]], float]
) -> None:
    """A long line of separators is read, or refused, in linear time."""

    def attempt() -> None:
        with contextlib.suppress(Undecodable):
            read(LIST, body, asked)

    assert best_of_three(attempt) < 2.0
