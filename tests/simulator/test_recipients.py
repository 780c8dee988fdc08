"""Whom a send names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.simulator.recipients import address, named, number

GROUPS = {7: ["380671111111", "380672222222"], 8: []}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("380671234567", ["380671234567"]),
        ("1,2;3", ["1", "2", "3"]),
        (" 1 , ,2;", ["1", "2"]),
        ("G7,1", ["380671111111", "380672222222", "1"]),
        ("g8", []),
        ("G9", ["G9"]),
        ("", []),
    ],
)
def test_phones_are_divided_and_groups_filled_in(text: str, expected: list[str]) -> None:
    """By commas and semicolons; an unknown group stands for itself, and is no phone."""
    assert expected == list(named(text, GROUPS))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("380671234567", "380671234567"),
        ("+380 (67) 123-45-67", "380671234567"),
        ("0671234567", "380671234567"),
        ("80671234567", "380671234567"),
        ("89261234567", "79261234567"),
        ("+0671234567", None),
        ("+89261234567", "89261234567"),
        ("123456", None),
        ("1234567", "1234567"),
        ("1" * 15, "1" * 15),
        ("1" * 16, None),
        ("G9", None),
        ("x380671234567", None),
        ("anna@example.com", None),
        ("@anna", None),
    ],
)
def test_a_phone_is_known_by_its_digits(name: str, expected: str | None) -> None:
    """Local spellings become international, but not behind a plus; what is no phone is none."""
    assert expected == address(name, "phone", correct=True)


def test_local_spellings_stay_where_the_switch_says_so() -> None:
    """And 0671234567 is then no phone."""
    assert (None, "89261234567") == (
        address("0671234567", "phone", correct=False),
        address("89261234567", "phone", correct=False),
    )


def test_e_mails_and_nicks_are_for_their_kinds() -> None:
    """Messengers reach phones too."""
    assert "anna@example.com" == address("anna@example.com", "e-mail", correct=True)
    assert address("380671234567", "e-mail", correct=True) is None
    assert ["@anna", "#123", "380671234567"] == [
        address(name, "nick", correct=True) for name in ("@anna", "#123", "+380671234567")
    ]


@given(st.from_regex(r"[1-9][0-9]{8,13}", fullmatch=True), st.data())
def test_spelling_does_not_matter(phone: str, data: st.DataObject) -> None:
    """However a number with a plus is written, it is the same one."""
    spelled = "+" + "".join(digit + data.draw(st.sampled_from(["", " ", "-", "(", ")", "."])) for digit in phone)
    assert phone == address(spelled, "phone", correct=True) == number(spelled, correct=True)
