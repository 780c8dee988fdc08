"""The inbox: what subscribers have written, and the calls that confirm phones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async import errors
from smsc_async._endpoint import COMMON_REFUSALS, Endpoint, Limit, Replay
from smsc_async._inbox_watch import INTERVAL
from smsc_async._waiters import PASSING
from smsc_async._wire import Field, Holds, Shape, seconds, whole_number
from smsc_async._wire import phone as phone_digits
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.values import Listing, LocalTime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from smsc_async._calling import Caller

__all__ = ["LIST", "MOST", "Inbox", "InboxMessage"]

_log: Final = logging.getLogger("smsc_async")

_SOURCE: Final = "https://smsc.ua/api/http/get_data/inbox/"
_CALL: Final = "[waitcall]"  # https://smsc.ua/api/http/miscellaneous/waitcall/
#: Rows that the gateway gives at once. Who follows asks for all of these: of fewer it may give the newest alone.
MOST: Final = 10_000
_HOURS: Final = (0.0001, 168.0)  # that it looks back; less would be written as 0


@attrs.frozen(kw_only=True)
class InboxMessage:
    """What a subscriber has written, or a call of theirs that confirms their phone."""

    id: int
    received: LocalTime | None = None
    phone: str  # of the subscriber
    text: str
    to: str | None = None  # the number that it was sent to
    sent: LocalTime | None = None

    @property
    def is_call(self) -> bool:
        """Whether it stands for a call that was asked for with `Calls.request`."""
        return self.text.strip() == _CALL


LIST: Final[Endpoint[Listing[InboxMessage]]] = Endpoint(
    name="inbox.list",
    path="get.php",
    fixed={"get_answers": "1"},
    limits=(Limit(3),),  # not documented for this one; the others of the page have it
    replay=Replay.READ,
    refusals={**COMMON_REFUSALS, 3: errors.InvalidParameters},
    reply=Listing[InboxMessage],
    shape=Shape.list_of(
        "",  # no page names the tags
        "",
        Field("id", Holds.INTEGER),
        Field("received", optional=True),
        Field("phone"),
        Field("message", Holds.TEXT, attribute="text"),
        Field("to_phone", attribute="to"),  # both may be empty or missing where fields have names
        Field("sent"),
    ),
    source=_SOURCE,
)


class Inbox:
    """What subscribers have sent to the account's numbers."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def list(
        self,
        *,
        limit: int | None = None,
        hours: float | None = None,
        after_id: int | None = None,
        to_phone: str | None = None,
    ) -> Listing[InboxMessage]:
        """
        List incoming messages, calls that confirm a phone among them.

        Args:
            limit: How many at most, up to 10,000.
            hours: How far back, up to 168; fractions are fine.
            after_id: Only those whose id is greater.
            to_phone: Only those that were sent to this number.

        Raises:
            InvalidArgument: An argument is out of range; nothing was sent.

        Source: https://smsc.ua/api/http/get_data/inbox/
        """
        params: dict[str, str] = {}
        if limit is not None:
            params["cnt"] = whole_number("limit", limit, least=1)
            if limit > MOST:
                raise InvalidArgument("limit", f"must be {MOST} or less")
        if hours is not None:
            least, most = _HOURS
            if isinstance(hours, bool) or not isinstance(hours, int | float):
                raise InvalidArgumentType("hours", f"must be a number of hours, not {type(hours).__name__}")
            if not least <= hours <= most:
                raise InvalidArgument("hours", f"must be {least} or more, and at most {most:g}, which is a week")
            params["hour"] = f"{hours:.4f}".rstrip("0").rstrip(".")
        if after_id is not None:
            params["after_id"] = whole_number("after_id", after_id, least=0)
        if to_phone is not None:
            params["to_phone"] = phone_digits(to_phone, "to_phone")
        return await self._caller.perform(LIST, params)

    async def follow(
        self, *, after_id: int | None = None, to_phone: str | None = None, every: float = INTERVAL
    ) -> AsyncGenerator[InboxMessage, None]:
        """
        Give messages as they come, in the order of their ids; without end.

        A look that fails for a passing reason is logged, and made again, except for one that finds out where to begin.

        A callback tells of them sooner: see `smsc_async.webhooks`. Where there is no public address, this asks for what
        is new every *every* seconds.

        Args:
            after_id: Begin behind this one; by default behind what is there when the loop begins.
            to_phone: Only those that were sent to this number.
            every: Seconds between two looks that find nothing. The gateway takes three equal requests a minute, so more
                frequent ones wait their turn.
        """
        seconds("every", every)
        clock = self._caller.clock
        began = clock.now()
        empty = False  # whether there was nothing within an hour before the loop
        while True:
            # Without a row to begin behind, a period is looked at that has held none up to then.
            hours = None if after_id is not None else min(1.0 + (clock.now() - began) / 3_600.0, _HOURS[1])
            try:
                rows = await self.list(limit=MOST, hours=hours, after_id=after_id, to_phone=to_phone)
            except PASSING as error:
                if after_id is None and not empty:
                    raise  # nobody knows yet what is new
                _log.warning("the inbox could not be read, and is read again: %s", error)
                await clock.sleep_until(clock.now() + every)
                continue
            if after_id is None and not empty:
                empty = not rows
                after_id = max((row.id for row in rows), default=None)
                continue
            new = {row.id: row for row in rows if after_id is None or row.id > after_id}
            for number in sorted(new):
                yield new[number]
                after_id = number
            if not new:
                await clock.sleep_until(clock.now() + every)
