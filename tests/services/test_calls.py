"""Confirmation by a call: what is asked of the gateway, and what comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from smsc_async import errors
from smsc_async.services.calls import CallRequest, Calls
from tests.services.fakes import Asked, FakeCaller

pytestmark = pytest.mark.asyncio


async def test_a_request_gives_the_number_to_call() -> None:
    """The subscriber's phone is sent in digits; the answer says which number to call within 15 minutes."""
    caller = FakeCaller({"phone": "380443334455", "all_phones": ["380443334455", "380443334466"]})
    expires_at = caller.clock.date() + timedelta(minutes=15)
    request = await Calls(caller).request("+380 67 123-45-67")
    expected = CallRequest(
        subscriber="380671234567",
        number="380443334455",
        numbers=("380443334455", "380443334466"),
        expires_at=expires_at,
    )
    assert expected == request
    assert request.expires_at.tzinfo is not None
    assert [{"phone": "380671234567"}] == caller.params


async def test_the_15_minutes_count_from_the_answer() -> None:
    """A request that waited for its turn has all of its time left."""

    def answer(asked: Asked) -> object:
        caller.clock._now += 600.0
        return {"phone": "380443334455"}

    caller = FakeCaller(answer)
    asked_at = caller.clock.date()
    request = await Calls(caller).request("380671234567")
    assert timedelta(minutes=25) == request.expires_at - asked_at
    assert ("380443334455",) == request.numbers


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (3, errors.InsufficientFunds),
        (5, errors.RecipientBlacklisted),
        (6, errors.CostUnavailable),
        (7, errors.GatewayError),
    ],
)
async def test_a_refusal_says_what_is_wrong(code: int, error: type[errors.GatewayError]) -> None:
    """The numbers have this endpoint's meaning; one that nobody documents is still an error of the gateway."""
    caller = FakeCaller({"error": "no", "error_code": code})
    with pytest.raises(errors.GatewayError) as caught:
        await Calls(caller).request("380671234567")
    assert (error, code) == (type(caught.value), caught.value.code)


@pytest.mark.parametrize("phone", ["", "x", "+", 380671234567, None, "0671234567"])
async def test_what_is_no_phone_is_not_sent(phone: Any) -> None:
    """Bad phones are refused before anything is sent."""
    caller = FakeCaller()
    with pytest.raises(errors.InvalidArgument):
        await Calls(caller).request(phone)
    assert [] == caller.asked
