"""Confirmation of a phone by a call: the subscriber calls the number that the gateway names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async import errors
from smsc_async._endpoint import COMMON_REFUSALS, Endpoint, Limit, OnDuplicate, Replay
from smsc_async._wire import Field, Holds, Shape
from smsc_async._wire import phone as phone_digits

if TYPE_CHECKING:
    from smsc_async._calling import Caller

__all__ = ["REQUEST", "CallRequest", "Calls"]

_SOURCE: Final = "https://smsc.ua/api/http/miscellaneous/waitcall/"
_VALIDITY: Final = timedelta(minutes=15)  # "протягом 15 хвилин повинен здійснити дзвінок абонент"


def _only_the_one(request: CallRequest) -> tuple[str, ...]:
    return (request.number,)


@attrs.frozen(kw_only=True)
class CallRequest:
    """A number that the subscriber must call to confirm their phone."""

    subscriber: str  # the phone that is to be confirmed; the callback names it, and not the number called
    number: str  # to call
    # All that the gateway could have named, in its order; it may leave the list out.
    numbers: tuple[str, ...] = attrs.field(default=attrs.Factory(_only_the_one, takes_self=True))
    expires_at: datetime  # aware; counted from the answer


REQUEST: Final[Endpoint[CallRequest]] = Endpoint(
    name="calls.request",
    path="wait_call.php",
    limits=(Limit(50),),
    replay=Replay.IF_NOT_DONE,  # it allots a number
    on_duplicate=OnDuplicate.REPEAT,
    refusals={
        **COMMON_REFUSALS,
        3: errors.InsufficientFunds,
        5: errors.RecipientBlacklisted,
        6: errors.CostUnavailable,
    },
    reply=CallRequest,
    shape=Shape.record(
        "result",
        Field("phone", Holds.PHONE, attribute="number", heads="all_phones"),
        Field("all_phones", Holds.PHONES, attribute="numbers"),
    ),
    source=_SOURCE,
)


class Calls:
    """Confirmation of a phone by a call of its owner."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def request(self, phone: str) -> CallRequest:
        """
        Ask for a number that the owner of *phone* then has 15 minutes to call.

        The call itself is reported by a callback, and as an incoming message with the text ``[waitcall]``.

        Args:
            phone: The subscriber's phone; spaces, dashes, parentheses and a leading ``+`` are dropped.

        Raises:
            InvalidArgument: *phone* is no phone number; nothing was sent.
            InsufficientFunds: The balance does not cover it.
            RecipientBlacklisted: *phone* is on the account's black list.
            CostUnavailable: The account's settings (allowed numbers, hours) leave the service without a price.
            OutcomeUnknown: No answer came; a number may have been allotted.

        Source: https://smsc.ua/api/http/miscellaneous/waitcall/
        """
        digits = phone_digits(phone)
        clock = self._caller.clock

        def known() -> dict[str, object]:
            # Asked with the answer, not before the call: that may have waited for its turn for longer than 15 minutes.
            return {"subscriber": digits, "expires_at": clock.date() + _VALIDITY}

        return await self._caller.perform(REQUEST, {"phone": digits}, known=known)
