"""Dedicated numbers: what is asked of the gateway, and what comes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from smsc_async import errors
from smsc_async.services.numbers import AvailableNumber, NumberKind, Numbers, Rental
from smsc_async.values import Listing
from tests.services.fakes import Asked, FakeCaller

pytestmark = pytest.mark.asyncio


async def test_available_lists_numbers() -> None:
    """`available` asks with nothing but the action and gives a listing of values."""
    record = {"phone": "380950000001", "type": 2, "cost": "120.00", "current_cost": "36.00", "info": "lifecell"}
    caller = FakeCaller([record])
    found = await Numbers(caller).available()
    expected = AvailableNumber(
        phone="380950000001",
        kind=NumberKind.SIM_HOSTING,
        monthly_cost=Decimal("120.00"),
        current_cost=Decimal("36.00"),
        info="lifecell",
    )
    assert (Listing, [expected]) == (type(found), found)
    assert [Asked("numbers.available", {"get": "1"})] == caller.asked


@pytest.mark.parametrize(
    ("options", "params", "asked"),
    [
        ({}, {"noprolong": "0"}, {}),
        ({"auto_renew": True}, {"noprolong": "0"}, {}),
        ({"auto_renew": False}, {"noprolong": "1"}, {}),
        ({"force": True}, {"noprolong": "0"}, {"force": True}),
    ],
)
async def test_rent_says_what_it_wants(options: dict[str, bool], params: dict[str, str], asked: dict[str, Any]) -> None:
    """`rent` sends the phone's digits and always the flag, and tells the session what it is about."""
    caller = FakeCaller({"cost": "36.00"})
    rental = await Numbers(caller).rent("+38 (095) 000-00-01", **options)
    phone = "380950000001"
    assert Rental(phone=phone, cost=Decimal("36.00")) == rental
    expected = Asked(
        "numbers.rent", {"buy": "1", "phone": phone, **params}, {"known": {"phone": phone}, "subject": phone, **asked}
    )
    assert [expected] == caller.asked


@pytest.mark.parametrize(("enabled", "noprolong"), [(True, "0"), (False, "1")])
async def test_set_auto_renew_never_leaves_the_flag_out(enabled: bool, noprolong: str) -> None:
    """`set_auto_renew` always sends the flag: without it the gateway would switch the renewal on."""
    caller = FakeCaller({"result": "OK"})
    await Numbers(caller).set_auto_renew("380950000001", enabled)
    assert [{"chg": "1", "phone": "380950000001", "noprolong": noprolong}] == caller.params


@pytest.mark.parametrize(
    ("phone", "options", "error"),
    [
        ("", {}, errors.InvalidArgument),
        ("12ab", {}, errors.InvalidArgument),
        (380950000001, {}, errors.InvalidArgumentType),
        (None, {}, errors.InvalidArgumentType),
        ("380950000001", {"auto_renew": 0}, errors.InvalidArgumentType),
        ("380950000001", {"auto_renew": "no"}, errors.InvalidArgumentType),
        ("380950000001", {"auto_renew": None}, errors.InvalidArgumentType),
        ("380950000001", {"force": 1}, errors.InvalidArgumentType),
    ],
)
async def test_rent_sends_nothing_that_cannot_be_meant(
    phone: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    """Bad arguments are refused before anything is sent."""
    caller = FakeCaller()
    with pytest.raises(error):
        await Numbers(caller).rent(phone, **options)
    assert [] == caller.asked


@pytest.mark.parametrize("enabled", [0, 1, "yes", None])
async def test_set_auto_renew_takes_bools_only(enabled: Any) -> None:
    """A number is no answer to whether: the gateway's own flag means the opposite."""
    caller = FakeCaller()
    with pytest.raises(errors.InvalidArgumentType, match="enabled: must be True or False"):
        await Numbers(caller).set_auto_renew("380950000001", enabled)
    assert [] == caller.asked


async def test_rent_says_that_money_is_missing() -> None:
    """Error 3 is about the balance."""
    caller = FakeCaller({"error": "no money", "error_code": 3})
    with pytest.raises(errors.InsufficientFunds, match="no money"):
        await Numbers(caller).rent("380950000001")
