"""Confirmation of a phone by a call."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smsc_async.simulator import Switches
from tests.simulator.asking import ask, simulator

PHONE = "380671234567"
POOL = ["380440000101", "380440000102", "380440000103"]


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (0, f"phone = {POOL[0]}, all_phones = {','.join(POOL)}"),
        (1, ",".join(POOL)),
        (
            2,
            f"<result>\n<phone>{POOL[0]}</phone>\n<all_phones>\n"
            + "\n".join(f"<phone>{phone}</phone>" for phone in POOL)
            + "\n</all_phones>\n</result>",
        ),
    ],
)
def test_a_number_to_call_is_written_as_documented(fmt: int, expected: str) -> None:
    """Formats 0 to 2 give the number and all that could have been it; format 1 puts the number first."""
    gateway, _ = simulator()
    assert expected == ask(gateway, "wait_call", phone=PHONE, fmt=fmt).text


def test_a_number_to_call_is_written_as_documented_in_json() -> None:
    """Format 3 has the number and a list of strings."""
    gateway, _ = simulator()
    assert {"phone": POOL[0], "all_phones": POOL} == ask(gateway, "wait_call", phone=PHONE).json


def test_the_pool_depends_on_the_country() -> None:
    """A subscriber abroad is given a number of his country."""
    gateway, _ = simulator()
    assert ask(gateway, "wait_call", phone="79991234567").json["phone"].startswith("7")


def test_the_chosen_number_comes_first() -> None:
    """Also the second subscriber finds his own number first in format 1."""
    gateway, _ = simulator()
    ask(gateway, "wait_call", phone=PHONE)
    other = ask(gateway, "wait_call", phone="380501111111", fmt=1).text.split(",")
    assert POOL[1] == other[0]
    assert POOL == sorted(other)


@pytest.mark.parametrize("phone", ["", "123", "1234567890123456", "abc"])
def test_what_is_no_phone_is_error_1(phone: str) -> None:
    """Seven to fifteen digits make a phone."""
    gateway, _ = simulator()
    assert 1 == ask(gateway, "wait_call", phone=phone).json["error_code"]


def test_the_black_list_is_error_5() -> None:
    """A subscriber on the black list gets no number."""
    gateway, _ = simulator()
    gateway.calls.blacklist.add(PHONE)
    assert {"error": "number is in black list", "error_code": 5} == ask(gateway, "wait_call", phone=PHONE).json


@pytest.mark.parametrize("phone", [PHONE, "990000000000"])
def test_an_unknown_cost_is_error_6(phone: str) -> None:
    """Where settings forbid to work out the cost, or no pool fits the country, there is no number."""
    gateway, _ = simulator()
    gateway.calls.cost_unavailable.add(PHONE)
    assert 6 == ask(gateway, "wait_call", phone=phone).json["error_code"]


def test_no_money_is_error_3() -> None:
    """An account that cannot cover a call gets no number."""
    gateway, _ = simulator(balance=Decimal("0.09"))
    assert 3 == ask(gateway, "wait_call", phone=PHONE).json["error_code"]


def test_a_ring_confirms_within_a_quarter_of_an_hour() -> None:
    """The subscriber's call confirms the request that waits for it, once."""
    gateway, time = simulator()
    ask(gateway, "wait_call", phone=PHONE)
    time.advance(15 * 60 - 1)
    call = gateway.ring(PHONE)
    assert call is not None
    assert POOL[0] == call.number
    assert gateway.ring(PHONE) is None


def test_a_ring_comes_too_late_after_a_quarter_of_an_hour() -> None:
    """After 15 of the gateway's minutes the number is free again."""
    gateway, time = simulator()
    ask(gateway, "wait_call", phone=PHONE)
    time.advance(15 * 60)
    assert {} == gateway.calls.pending("demo", time.now())
    assert gateway.ring(PHONE) is None


@pytest.mark.parametrize(("repeat", "expected"), [("same", POOL[0]), ("next", POOL[1])])
def test_a_second_request_gives_the_same_number_or_the_next(repeat: str, expected: str) -> None:
    """Which number a repeated request gets is a switch."""
    gateway, _ = simulator(switches=Switches(repeat_call=repeat))  # type: ignore[arg-type]
    ask(gateway, "wait_call", phone=PHONE)
    assert expected == ask(gateway, "wait_call", phone=PHONE).json["phone"]


@pytest.mark.parametrize(("charged", "asked", "rung"), [("never", 0, 0), ("request", 1, 1), ("ring", 0, 1)])
def test_when_a_call_is_charged_is_a_switch(charged: str, asked: int, rung: int) -> None:
    """The cost is taken never, when the number is asked for, or when the subscriber calls."""
    gateway, _ = simulator(switches=Switches(call_charged=charged))  # type: ignore[arg-type]
    start = gateway.account.balance
    ask(gateway, "wait_call", phone=PHONE)
    assert asked * gateway.calls.cost == start - gateway.account.balance
    gateway.ring(PHONE)
    assert rung * gateway.calls.cost == start - gateway.account.balance
