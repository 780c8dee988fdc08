"""Arguments are checked before anything is sent; the message says what to do and shows no value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import errors
from smsc_async._wire import check_text, encode_form, flag, phone, seconds, whole_number


@pytest.mark.parametrize(
    "spelling",
    [
        "380671234567",
        "+380671234567",
        "+380 67 123-45-67",
        "+38 (067) 123 45 67",
        " 380-67-123-45-67 ",
        "(+380)671234567",
        "+380\u00a067\u202f123\u201145\u201367",
    ],
)
def test_every_spelling_of_a_phone_is_one(spelling: str) -> None:
    """Spaces, dashes, parentheses and a leading plus are dropped."""
    assert "380671234567" == phone(spelling)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        ("+", "is empty"),
        (" - ", "is empty"),
        ("0501234567", "begins with 0"),
        ("00380501234567", "begins with 0"),
        ("123456", "has 6 digits"),
        ("1234567890123456", "has 16 digits"),
        ("+38067CALLME", "must be digits"),
        ("３８０６７１２３４５６７", "must be digits"),
        ("٣٨٠٦٧١٢٣٤٥٦٧", "must be digits"),
        ("380671234567\n", "must be digits"),
        ("380671234567\0", "must be digits"),
        ("380671234567,380671234568", "must be digits"),
        ("++380671234567", "must be digits"),
        ("380+671234567", "must be digits"),
        ("380.67.1234567", "must be digits"),
        ("\ud800380671234567", "must be digits"),
        ("alex@example.com", "must be digits"),
    ],
)
def test_what_is_no_phone_is_refused(value: str, problem: str) -> None:
    """A text that is no phone in international form is refused with what to do, and is not shown."""
    with pytest.raises(errors.InvalidArgument, match=problem) as caught:
        phone(value, "subscriber")
    assert "subscriber" == caught.value.name
    assert not value.strip() or value not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (380671234567, 'int; write "380671234567"'),
        (1, 'int; write "1"'),
        (0, "int"),
        (-1, "int"),
        (True, "bool"),
        (None, "None"),
        (3.8e11, "float"),
        (b"380671234567", "bytes"),
        (["380671234567"], "list"),
        (Decimal(380671234567), "Decimal"),
    ],
)
def test_a_phone_of_another_type_is_refused(value: object, problem: str) -> None:
    """Only a str can be a phone: a number has lost its form on the way."""
    with pytest.raises(errors.InvalidArgumentType) as caught:
        phone(value)
    assert f"phone: must be a str of digits, not {problem}" == str(caught.value)


@pytest.mark.parametrize("digits", ["1234567", "123456789012345"])
def test_the_shortest_and_the_longest_phone_are_taken(digits: str) -> None:
    """Seven digits and fifteen are a phone."""
    assert digits == phone(digits)


def test_a_phone_of_a_wrong_length_is_refused_with_the_right_ones() -> None:
    """The message says how many digits there are, and how many there may be."""
    with pytest.raises(errors.InvalidArgument) as caught:
        phone("123456")
    assert "phone: has 6 digits; with its country code a phone has 7 to 15" == str(caught.value)


@given(st.text())
def test_any_text_is_a_phone_or_refused(value: str) -> None:
    """Any text is refused, or digits that begin with no 0 come back, which stay the same."""
    try:
        digits = phone(value)
    except errors.InvalidArgument:
        return
    assert digits.isascii()
    assert digits.isdecimal()
    assert 7 <= len(digits) <= 15
    assert "0" != digits[0]
    assert digits == phone(digits)


@pytest.mark.parametrize(
    "text", ["", " ", "Вітаємо", "😀", "a" * 100_000, "\u2028", "\xa0", "\ue000", "\uffff", "100%&=+;"]
)
def test_printable_text_can_be_sent(text: str) -> None:
    """Any text without control characters is taken as it is."""
    assert text == check_text("name", text)


class Word(str):
    """A text of another class, as an enum of texts is."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


def test_a_text_of_another_class_becomes_plain() -> None:
    """What is checked is what is sent: a subclass cannot change its mind afterwards."""
    checked = check_text("name", Word("a"))
    assert (str, "a") == (type(checked), checked)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hunter2\r", "a carriage return (U+000D); take it out"),
        ("hunter2\nhunter2", "a line break (U+000A); take it out"),
        ("hunter2\0", "a NUL (U+0000); take it out"),
        ("hunter2\t", "a tab (U+0009); take it out"),
        ("hunter2\x1b[0m", "a control character (U+001B); take it out"),
        ("hunter2\x7f", "a control character (U+007F); take it out"),
        ("hunter2\x85", "a control character (U+0085); take it out"),
        ("hunter2\ud800", "half of a surrogate pair, so it is no Unicode text; decode it properly first"),
        ("\udfffhunter2", "half of a surrogate pair, so it is no Unicode text; decode it properly first"),
    ],
)
def test_text_that_cannot_be_sent_is_refused(text: str, problem: str) -> None:
    """Control characters and halves of surrogate pairs are refused by name, and the text is not shown."""
    with pytest.raises(errors.InvalidArgument) as caught:
        check_text("psw", text)
    assert f"psw: holds {problem}" == str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind"), [(None, "None"), (1, "int"), (b"hunter2", "bytes"), (["hunter2"], "list"), (True, "bool")]
)
def test_what_is_no_text_is_refused(value: object, kind: str) -> None:
    """Another type is refused by its name, and the value is not shown."""
    with pytest.raises(errors.InvalidArgumentType) as caught:
        check_text("psw", value)
    assert f"psw: must be a str, not {kind}" == str(caught.value)


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_that_is_let_through_can_be_encoded(text: str) -> None:
    """What `check_text` lets through, the form can hold."""
    try:
        checked = check_text("name", text)
    except errors.InvalidArgument:
        return
    assert encode_form({"name": checked}).isascii()


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_a_bool(value: bool) -> None:
    """True and False come back."""
    assert value is flag("auto_renew", value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(0, "int"), (1, "int"), ("no", "str"), ("", "str"), (None, "None"), (1.0, "float"), ([], "list")],
)
def test_what_is_no_bool_is_no_flag(value: object, kind: str) -> None:
    """Values that only count as true or false are refused: the gateway's own flag means the opposite."""
    with pytest.raises(errors.InvalidArgumentType) as caught:
        flag("auto_renew", value)
    assert f"auto_renew: must be True or False, not {kind}" == str(caught.value)


@pytest.mark.parametrize(("value", "expected"), [(1, "1"), (2**63 - 1, "9223372036854775807")])
def test_a_whole_number_is_sent_in_digits(value: int, expected: str) -> None:
    """An int becomes its digits."""
    assert expected == whole_number("limit", value, least=1)


@pytest.mark.parametrize(
    ("value", "kind"), [("1", "str"), (1.0, "float"), (True, "bool"), (None, "None"), (Decimal(1), "Decimal")]
)
def test_what_is_no_int_is_no_whole_number(value: object, kind: str) -> None:
    """Texts, fractions and bools are refused."""
    with pytest.raises(errors.InvalidArgumentType) as caught:
        whole_number("limit", value, least=1)
    assert f"limit: must be an int, not {kind}" == str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 2**63, 10**5000], ids=["zero", "negative", "large", "endless"])
def test_a_number_out_of_range_is_refused(value: int) -> None:
    """Too small and too large ones are refused."""
    with pytest.raises(errors.InvalidArgument) as caught:
        whole_number("limit", value, least=1)
    assert "limit: must be 1 or more, and less than 2**63" == str(caught.value)


@pytest.mark.parametrize("value", [1, 0.5, float("inf")])
def test_seconds_are_a_positive_number(value: float) -> None:
    """Positive numbers come back as floats."""
    assert float(value) == seconds("timeout", value)


@pytest.mark.parametrize("value", [0, -1.0, float("nan")])
def test_no_time_is_no_number_of_seconds(value: float) -> None:
    """Zero, less, and what is no number are refused."""
    with pytest.raises(errors.InvalidArgument) as caught:
        seconds("timeout", value)
    assert "timeout: must be more than 0 seconds" == str(caught.value)


@pytest.mark.parametrize(("value", "kind"), [("1", "str"), (None, "None"), (True, "bool"), (Decimal(1), "Decimal")])
def test_seconds_of_another_type_are_refused(value: Any, kind: str) -> None:
    """Only ints and floats are seconds."""
    with pytest.raises(errors.InvalidArgumentType) as caught:
        seconds("timeout", value)
    assert f"timeout: must be a number of seconds, not {kind}" == str(caught.value)
