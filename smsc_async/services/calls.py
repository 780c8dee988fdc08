"""Confirmation of a phone by a call: the subscriber calls the number that the gateway names."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async import errors
from smsc_async._calling import Note
from smsc_async._endpoint import COMMON_REFUSALS, Endpoint, Limit, OnDuplicate, Replay
from smsc_async._inbox_watch import INTERVAL
from smsc_async._wire import Field, Holds, Shape, seconds
from smsc_async._wire import phone as phone_digits
from smsc_async.services.inbox import MOST, Inbox
from smsc_async.values import LocalTime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from smsc_async._calling import Caller, CallReceiver
    from smsc_async._waiting_calls import CallSeen, ExpectedCall
    from smsc_async.clock import Clock
    from smsc_async.services.inbox import InboxMessage
    from smsc_async.values import Listing

__all__ = ["REQUEST", "CallRequest", "Calls", "ConfirmedCall", "PendingConfirmation"]

_SOURCE: Final = "https://smsc.ua/api/http/miscellaneous/waitcall/"
_VALIDITY: Final = timedelta(minutes=15)  # "протягом 15 хвилин повинен здійснити дзвінок абонент"


_HOUR: Final = 1.0  # how far back the inbox is looked at to find its end
_LAST_LOOK: Final = INTERVAL + 5.0  # seconds that a call may stand in the inbox before it is looked at


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


@attrs.frozen(kw_only=True)
class ConfirmedCall:
    """A call that confirmed a phone."""

    subscriber: str  # the phone that is confirmed
    number: str  # that was to be called
    called_at: datetime | None = None  # aware; where a callback told of the call
    received: LocalTime | None = None  # by the account's clock; where the inbox did


class PendingConfirmation:
    """A phone that is to be confirmed; made by `Calls.confirmation`."""

    def __init__(
        self,
        request: CallRequest,
        clock: Clock,
        expected: ExpectedCall,
        arrival: Callable[[], Awaitable[CallSeen]],
        last_look: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._request = request
        self._clock = clock
        self._expires = clock.now() + _VALIDITY.total_seconds()
        self._expected = expected
        self._arrival = arrival
        self._last_look = last_look

    @property
    def subscriber(self) -> str:
        """The phone that is to be confirmed."""
        return self._request.subscriber

    @property
    def number(self) -> str:
        """The number that its owner must call."""
        return self._request.number

    @property
    def numbers(self) -> tuple[str, ...]:
        """All numbers that the gateway could have named."""
        return self._request.numbers

    @property
    def expires_at(self) -> datetime:
        """Until when, aware."""
        return self._request.expires_at

    async def wait(self, timeout: float = _VALIDITY.total_seconds()) -> ConfirmedCall:  # noqa: ASYNC109 - a moment that is told
        """
        Wait for the call.

        Args:
            timeout: Seconds to wait at most. In any case the wait ends when the number expires, 15 minutes after it was
                given; where the inbox is looked at, it is looked at once more then, which may take 25 seconds.

        Raises:
            ConfirmationExpired: Nobody has called by then. Before `expires_at` you may wait on.
        """
        deadline = self._clock.now() + seconds("timeout", timeout)
        with self._clock.deadline(min(deadline, self._expires)):
            await self._arrival()
        if self._expected.call is None and deadline >= self._expires and self._last_look is not None:
            with self._clock.deadline(self._clock.now() + _LAST_LOOK):
                await self._last_look()
        call = self._expected.call  # it may have come in the very moment when time was up
        if call is None:
            left = self._expires - self._clock.now()
            raise errors.ConfirmationExpired(self.subscriber, self.number, max(left, 0.0))
        return ConfirmedCall(
            subscriber=self.subscriber, number=self.number, called_at=call.called_at, received=call.received
        )

    def __repr__(self) -> str:
        """Show who is to call where."""
        return f"<PendingConfirmation {self.subscriber} calls {self.number} by {self.expires_at:%H:%M:%S %Z}>"


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

        return await self._caller.perform(REQUEST, {"phone": digits}, known=known, note=Note(digits))

    @asynccontextmanager
    async def confirmation(
        self, phone: str, *, receiver: CallReceiver | None = None
    ) -> AsyncGenerator[PendingConfirmation, None]:
        """
        Confirm a phone by a call of its owner, as long as the block lasts.

        ::

            async with smsc.calls.confirmation("380671234567", receiver=receiver) as pending:
                show(pending.number)
                confirmed = await pending.wait()

        A number is asked for when the block begins, and then a call of *phone* is waited for. The gateway tells who
        called and not which number, nor for whom; so at most one block at a time waits for a phone.

        Args:
            phone: The subscriber's phone; spaces, dashes, parentheses and a leading ``+`` are dropped.
            receiver: Hears of the call by a callback, a moment after it. Without one the inbox is looked at, three
                times a minute at most, once for all phones of the account that this process waits for. Take that where
                there is no public address.

        Raises:
            ConfirmationInProgress: A call of that phone is waited for already; nothing was sent.
            InvalidArgument, InsufficientFunds, RecipientBlacklisted, CostUnavailable, OutcomeUnknown: As `request`.

        Source: https://smsc.ua/api/http/miscellaneous/waitcall/
        """
        digits = phone_digits(phone)
        clock = self._caller.clock
        if receiver is not None:
            with receiver.expect_call(digits) as expected:
                yield PendingConfirmation(await self.request(digits), clock, expected, expected.arrival)
            return
        inbox, watch = Inbox(self._caller), self._caller.inbox_watch

        async def look(after_id: int | None) -> Listing[InboxMessage]:
            return await inbox.list(limit=MOST, hours=_HOUR if after_id is None else None, after_id=after_id)

        with watch.calls.expect(digits) as expected:
            try:
                await watch.prepare(expected, look, clock)
                request = await self.request(digits)

                def arrival() -> Awaitable[CallSeen]:
                    return watch.arrival(expected, look, clock)

                def last_look() -> Awaitable[None]:
                    return watch.last_look(expected, look, clock)

                yield PendingConfirmation(request, clock, expected, arrival, last_look)
            finally:
                watch.forget(expected)
