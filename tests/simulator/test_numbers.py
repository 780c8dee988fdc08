"""Dedicated numbers: the list, renting, renewal, and money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from smsc_async.simulator import RentableNumber
from tests.simulator.asking import ask, errors, simulator

NUMBER = RentableNumber("380670000002", 4, Decimal("80.00"), Decimal("40.50"), 'Київстар, SMS і "MMS" = 2 <грн>')
RENT: dict[str, Any] = {"buy": 1, "phone": NUMBER.phone}


def test_the_list_is_written_as_documented_in_text() -> None:
    """Format 0 names every field on one line per number."""
    gateway, _ = simulator(numbers=[NUMBER, RentableNumber("380950000001", info="SMS")])
    reply = ask(gateway, "receive_phones", get=1, fmt=0)
    expected = (
        'phone = 380670000002, type = 4, cost = 80.00, current_cost = 40.50, info = Київстар, SMS і "MMS" = 2 <грн>\n'
        "phone = 380950000001, type = 1, cost = 60.00, current_cost = 30.00, info = SMS"
    )
    assert expected == reply.text


def test_the_list_is_written_as_documented_with_commas() -> None:
    """Format 1 has the bare values, and the free text last."""
    gateway, _ = simulator(numbers=[NUMBER])
    expected = '380670000002,4,80.00,40.50,Київстар, SMS і "MMS" = 2 <грн>'
    assert expected == ask(gateway, "receive_phones", get=1, fmt=1).text


def test_the_list_is_written_as_documented_in_xml() -> None:
    """Format 2 is a list of receive_phone elements."""
    gateway, _ = simulator(numbers=[NUMBER])
    root = ask(gateway, "receive_phones", get=1, fmt=2).xml
    expected = {
        "phone": "380670000002",
        "type": "4",
        "cost": "80.00",
        "current_cost": "40.50",
        "info": NUMBER.info,
    }
    assert "list" == root.tag
    assert ["receive_phone"] == [item.tag for item in root]
    assert expected == {field.tag: field.text for field in root[0]}


def test_the_list_is_written_as_documented_in_json() -> None:
    """Format 3 has the type as a number and the costs as strings."""
    gateway, _ = simulator(numbers=[NUMBER])
    expected = [
        {"phone": "380670000002", "type": 4, "cost": "80.00", "current_cost": "40.50", "info": NUMBER.info},
    ]
    assert expected == ask(gateway, "receive_phones", get=1).json


def test_the_stock_trips_careless_readers() -> None:
    """The numbers that come by themselves hold commas, quotes, equals signs, markup, Cyrillic and nothing at all."""
    gateway, _ = simulator()
    infos = "".join(number.info for number in gateway.numbers.available.values())
    assert all(trap in infos for trap in (",", '"', " = ", "<", "&", ";", "ї", "ґ", "є"))
    assert any(not number.info for number in gateway.numbers.available.values())


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (0, "cost = 40.50"),
        (1, "40.50"),
        (2, "<phone>\n<cost>40.50</cost>\n</phone>"),
        (3, '{"cost":"40.50"}'),
    ],
)
def test_renting_tells_the_cost(fmt: int, expected: str) -> None:
    """The reply to buy is the sum taken, in each format."""
    gateway, _ = simulator(numbers=[NUMBER])
    assert expected == ask(gateway, "receive_phones", fmt=fmt, **RENT).text


def test_renting_takes_the_money_and_the_number() -> None:
    """The current cost leaves the balance, and the number moves from the stock to the login with renewal on."""
    gateway, _ = simulator(numbers=[NUMBER], balance=Decimal("40.50"))
    ask(gateway, "receive_phones", **RENT)
    assert Decimal("0.00") == gateway.account.balance
    assert {} == gateway.numbers.available
    assert gateway.numbers.rented("demo")[NUMBER.phone].auto_renew


def test_renting_can_switch_renewal_off() -> None:
    """The parameter noprolong may come with buy."""
    gateway, _ = simulator(numbers=[NUMBER])
    ask(gateway, "receive_phones", noprolong=1, **RENT)
    assert not gateway.numbers.rented("demo")[NUMBER.phone].auto_renew


def test_too_little_money_is_error_3() -> None:
    """Where the balance does not cover the cost nothing is taken and nothing is rented."""
    gateway, _ = simulator(numbers=[NUMBER], balance=Decimal("40.49"))
    reply = ask(gateway, "receive_phones", **RENT)
    assert {"error": "no money", "error_code": 3} == reply.json
    assert Decimal("40.49") == gateway.account.balance
    assert [NUMBER.phone] == list(gateway.numbers.available)


def test_credit_covers_what_the_balance_does_not() -> None:
    """An account with credit may go below zero as far."""
    gateway, _ = simulator(numbers=[NUMBER], balance=Decimal(0))
    gateway.account.credit = Decimal("40.50")
    assert {"cost": "40.50"} == ask(gateway, "receive_phones", **RENT).json
    assert Decimal("-40.50") == gateway.account.balance


@pytest.mark.parametrize(
    "params",
    [
        {"buy": 1},
        {"buy": 1, "phone": ""},
        {"buy": 1, "phone": "380000000000"},
        {"buy": 1, "phone": NUMBER.phone, "noprolong": 2},
        {"chg": 1, "phone": NUMBER.phone, "noprolong": 1},
        {"get": 0},
        {},
    ],
)
def test_what_makes_no_sense_is_error_1(params: dict[str, Any]) -> None:
    """Numbers that are not for rent, or not rented, unknown values and requests for nothing."""
    gateway, _ = simulator(numbers=[NUMBER])
    assert {"error": "parameters error", "error_code": 1} == ask(gateway, "receive_phones", **params).json


def test_a_rented_number_is_gone() -> None:
    """A second buy of the same number is error 1 and takes nothing."""
    gateway, _ = simulator(numbers=[NUMBER])
    assert [0, 1] == errors([ask(gateway, "receive_phones", **RENT) for _ in range(2)])
    assert Decimal("959.50") == gateway.account.balance


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [(0, "OK"), (1, "OK"), (2, "<result>OK</result>"), (3, '{"result":"OK"}')],
)
def test_changing_renewal_says_ok(fmt: int, expected: str) -> None:
    """The reply to chg is OK in each format, and renewal is set."""
    gateway, _ = simulator(numbers=[NUMBER])
    ask(gateway, "receive_phones", **RENT)
    reply = ask(gateway, "receive_phones", chg=1, phone=NUMBER.phone, noprolong=1, fmt=fmt)
    assert expected == reply.text
    assert not gateway.numbers.rented("demo")[NUMBER.phone].auto_renew


def test_changing_without_a_value_switches_renewal_on() -> None:
    """The default of noprolong is 0, also for chg."""
    gateway, _ = simulator(numbers=[NUMBER])
    ask(gateway, "receive_phones", noprolong=1, **RENT)
    ask(gateway, "receive_phones", chg=1, phone=NUMBER.phone)
    assert gateway.numbers.rented("demo")[NUMBER.phone].auto_renew


def test_the_plus_of_a_phone_does_not_matter() -> None:
    """Phones are compared by their digits."""
    gateway, _ = simulator(numbers=[NUMBER])
    assert {"cost": "40.50"} == ask(gateway, "receive_phones", buy=1, phone="+380 67 000-00-02").json
