"""Recipients: each spelling is one recipient, none is two, and what is none is refused without showing it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._recipients import addressed, is_group, one_of, several_of, spellings, written
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.kinds import Recipients

PHONES, EMAILS, NICKS = Recipients.PHONES, Recipients.EMAILS, Recipients.NICKS
PHONE = "380671234567"


@pytest.mark.parametrize(
    ("given", "whom", "expected"),
    [
        (PHONE, PHONES, PHONE),
        (f"+{PHONE}", PHONES, PHONE),
        ("+38 (067) 123-45-67", PHONES, PHONE),
        ("G5", PHONES, "G5"),
        ("g005", PHONES, "G5"),
        ("G999999999", NICKS, "G999999999"),
        ("@shop_1", NICKS, "@shop_1"),
        ("#123", NICKS, "#123"),
        (f"+{PHONE}", NICKS, PHONE),
        ("a.b+c@d-e.ua", EMAILS, "a.b+c@d-e.ua"),
        ("пошта@приклад.укр", EMAILS, "пошта@приклад.укр"),
    ],
)
def test_a_recipient_is_known_by_one_spelling(given: str, whom: Recipients, expected: str) -> None:
    """Phones are digits, groups a G and a number, nicks and addresses as they are; once more changes nothing."""
    assert expected == one_of(given, whom)
    assert expected == one_of(expected, whom)


@pytest.mark.parametrize(
    ("given", "whom"),
    [
        ("@shop_1", PHONES),
        ("#123", PHONES),
        ("a@b.ua", PHONES),
        ("a@b.ua", NICKS),
        (PHONE, EMAILS),
        ("G5", EMAILS),
        ("G", PHONES),
        ("G-5", PHONES),
        ("G 5", PHONES),
        ("G٥", PHONES),
        ("G5\n", PHONES),
        ("G1234567890", PHONES),
        ("@ab", NICKS),
        ("@", NICKS),
        ("@a b c", NICKS),
        ("@імʼя", NICKS),
        ("@shop\n", NICKS),
        ("#", NICKS),
        ("#12a", NICKS),
        ("#" + "1" * 21, NICKS),
        (f"{PHONE},{PHONE}", PHONES),
        (f"{PHONE};{PHONE}", PHONES),
        (f"{PHONE}\n", PHONES),
        (f"{PHONE}:text", PHONES),
        (f"++{PHONE}", PHONES),
        ("٣٨٠٦٧١٢٣٤٥٦٧", PHONES),
        ("", PHONES),
        ("", EMAILS),
        ("", NICKS),
        ("a@b.ua,c@d.ua", EMAILS),
        ("a@b.ua;c@d.ua", EMAILS),
        ("a@b.ua:text", EMAILS),
        ("a@b.ua\n", EMAILS),
        ("<a@b.ua>", EMAILS),
        ("a b@c.ua", EMAILS),
        ("@b.ua", EMAILS),
        ("a@", EMAILS),
    ],
)
def test_what_is_no_recipient_of_the_kind_is_refused(given: str, whom: Recipients) -> None:
    """Recipients of another kind, several in one text, and what could be read as more than a recipient are refused."""
    with pytest.raises(InvalidArgument) as caught:
        one_of(given, whom)
    assert "to" == caught.value.name
    assert len(given) < 3 or given not in caught.value.problem


@pytest.mark.parametrize("to", [None, 5, b"380671234567", object()])
def test_recipients_are_a_text_or_several(to: Any) -> None:
    """Anything else is refused by its type."""
    with pytest.raises(InvalidArgumentType, match=r"^to: must be a phone or several"):
        several_of(to, PHONES)
    with pytest.raises(InvalidArgumentType, match=r"^to: must be a phone or several"):
        addressed(to)


@pytest.mark.parametrize("to", [[None], [b"380671234567"], [["380671234567"]], [5], [PHONE, None]])
def test_each_of_several_is_a_text(to: Any) -> None:
    """One of another type spoils them all."""
    for whom in (PHONES, NICKS):
        with pytest.raises(InvalidArgumentType, match=r"^to: must be a str of digits"):
            several_of(to, whom)
    with pytest.raises(InvalidArgumentType, match=r"^to: must be a str, "):
        several_of(["a@b.ua", to[-1]], EMAILS)


@pytest.mark.parametrize("to", [[], (), set(), iter([])])
def test_nobody_is_no_recipient(to: Any) -> None:
    """An empty list is refused, and not sent to nobody."""
    with pytest.raises(InvalidArgument, match=r"^to: is empty"):
        several_of(to, PHONES)


def test_equal_recipients_are_one() -> None:
    """All spellings of a phone or a group are one recipient, at the place of the first; any iterable will do."""
    given = ["380671234568", "+38 067 123 45 67", PHONE, f"+{PHONE}", "G5", "g05", "380671234568"]
    expected = ("380671234568", PHONE, "G5")
    assert expected == several_of(given, PHONES) == several_of(iter(given), PHONES) == addressed(tuple(given))


def test_addresses_that_differ_in_case_stay_two() -> None:
    """Only the owner of a mail server knows whether they are one."""
    assert ("A@b.ua", "a@b.ua") == several_of(["A@b.ua", "a@b.ua", "a@b.ua"], EMAILS)


def test_nicks_that_differ_in_case_are_one() -> None:
    """Messengers do not tell them apart."""
    assert ("@Anna",) == several_of(["@Anna", "@anna"], NICKS) == addressed(["@Anna", "@ANNA"])


@pytest.mark.parametrize(
    ("recipient", "ways"),
    [
        (PHONE, (PHONE,)),
        ("84912345678", ("+84912345678", "84912345678")),
        ("@anna", ("@anna",)),
        ("a@b.ua", ("a@b.ua",)),
    ],
)
def test_who_could_be_taken_for_another_is_looked_for_in_two_ways(recipient: str, ways: tuple[str, ...]) -> None:
    """The gateway may correct a number that begins with 8; with a plus it may not."""
    assert ways == spellings(recipient)


def test_recipients_of_any_kind_are_told_apart() -> None:
    """Without a kind an address is known by its sign, a nick by where the sign stands."""
    mixed = [f"+{PHONE}", "a@b.ua", "@shop_1", "#12", "g7"]
    assert (PHONE, "a@b.ua", "@shop_1", "#12", "G7") == addressed(mixed)


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [(PHONE, f"+{PHONE}"), ("G5", "G5"), ("@shop_1", "@shop_1"), ("#123", "#123"), ("a@b.ua", "a@b.ua")],
)
def test_only_a_phone_gets_a_plus(recipient: str, expected: str) -> None:
    """The gateway corrects no number that has a plus; nothing else is changed."""
    assert expected == written(recipient)


def test_only_a_group_is_a_group() -> None:
    """Phones, nicks and addresses that begin alike are none."""
    assert [True, False, False, False, False] == [is_group(each) for each in ("G5", PHONE, "@G55", "#5", "G5@b.ua")]


@given(st.text(max_size=30), st.sampled_from(Recipients))
def test_no_recipient_holds_what_separates_recipients(given: str, whom: Recipients) -> None:
    """Whatever is given, a recipient on the wire is one: no comma, semicolon, colon, blank or line break is in it."""
    try:
        recipient = one_of(given, whom)
    except InvalidArgument:
        return
    assert not set(written(recipient)) & set(",;: \n\r\t")
    assert recipient == one_of(written(recipient), whom)
