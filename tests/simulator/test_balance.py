"""The balance, its currency and its credit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smsc_async.simulator import Switches
from tests.simulator.asking import ask, errors, simulator


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [(0, "250.80"), (1, "250.80"), (2, "<balance>250.80</balance>"), (3, '{"balance":"250.80"}')],
)
def test_the_balance_is_written_as_documented(fmt: int, expected: str) -> None:
    """Formats 0 and 1 are the bare amount."""
    gateway, _ = simulator(balance=Decimal("250.8"))
    assert expected == ask(gateway, "balance", fmt=fmt).text


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (0, "250.80,KZT"),
        (1, "250.80,KZT"),
        (2, "<result>\n<balance>250.80</balance>\n<currency>KZT</currency>\n</result>"),
        (3, '{"balance":"250.80",\n"currency":"KZT"}'),
    ],
)
def test_the_currency_comes_when_asked_for(fmt: int, expected: str) -> None:
    """With cur=1 the currency follows."""
    gateway, _ = simulator(balance=Decimal("250.8"), currency="KZT")
    assert expected == ask(gateway, "balance", cur=1, fmt=fmt).text


def test_credit_comes_where_there_is_one() -> None:
    """A credit other than zero is told beside the currency."""
    gateway, _ = simulator()
    gateway.account.credit = Decimal(50)
    assert {"balance": "1000.00", "currency": "UAH", "credit": "50.00"} == ask(gateway, "balance", cur=1).json


def test_the_root_of_the_balance_in_xml_is_a_switch() -> None:
    """The page could not be seen, so both elements are possible."""
    gateway, _ = simulator(switches=Switches(balance_root="balance"))
    assert "balance" == ask(gateway, "balance", cur=1, fmt=2).xml.tag


def test_any_eleventh_request_is_refused() -> None:
    """The limit of ten counts any balance request, identical or not."""
    gateway, _ = simulator()
    replies = [ask(gateway, "balance", cur=number % 2, unused=number) for number in range(11)]
    assert [0] * 10 + [9] == errors(replies)
