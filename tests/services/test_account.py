"""The account: its balance."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smsc_async import errors
from smsc_async.services.account import Account, Balance
from tests.services.fakes import FakeCaller

pytestmark = pytest.mark.asyncio


async def test_balance_asks_for_the_currency_too() -> None:
    """`balance` sends the flag without which the currency stays untold."""
    caller = FakeCaller({"balance": "250.80", "currency": "UAH", "credit": "100"})
    balance = await Account(caller).balance()
    assert Balance(amount=Decimal("250.80"), currency="UAH", credit=Decimal(100)) == balance
    assert [{"cur": "1"}] == caller.params


async def test_a_balance_prints_well() -> None:
    """What a balance is made of shows in its repr."""
    balance = await Account(FakeCaller({"balance": "250.80"})).balance()
    assert "Balance(amount=Decimal('250.80'), currency=None, credit=None)" == repr(balance)


async def test_a_refusal_is_raised() -> None:
    """A wrong password is said to be one."""
    with pytest.raises(errors.AuthenticationFailed):
        await Account(FakeCaller(b"ERROR = 2 (authorise error)")).balance()
