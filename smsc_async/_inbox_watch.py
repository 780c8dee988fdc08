"""
Calls that are looked for in the inbox: one task of those who wait looks for all of them.

It is a task of the caller's that has nothing else to do. When it leaves, with its call or without, one other goes on.

A row tells who called, and not for what. So a block hears of a row only if it was there when the row came: it first
looks where the inbox ends, and is told of nothing that such a look brings.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from smsc_async._waiters import PASSING, Turn
from smsc_async._waiting_calls import CallSeen, ExpectedCall, WaitingCalls

if TYPE_CHECKING:
    from smsc_async.clock import Clock
    from smsc_async.values import LocalTime

__all__ = ["INTERVAL", "CallRow", "InboxWatch"]

_log: Final = logging.getLogger("smsc_async")

INTERVAL: Final = 20.0  # seconds between two looks: three a minute, as many as the gateway takes of one request
_FRESH: Final = 60.0  # seconds for which nobody need look where the inbox ends before another number is asked for


class CallRow(Protocol):
    """A row of the inbox, as far as it matters here."""

    @property
    def id(self) -> int:
        """Its number; later rows have greater ones."""
        ...

    @property
    def phone(self) -> str:
        """Who called or wrote."""
        ...

    @property
    def received(self) -> LocalTime | None:
        """When."""
        ...

    @property
    def is_call(self) -> bool:
        """Whether it stands for a call that confirms a phone."""
        ...


#: Gives the rows behind the one of that number; with None those of the last hour.
Look: TypeAlias = Callable[[int | None], Awaitable[Sequence[CallRow]]]


class InboxWatch:
    """Those who wait for calls to one account, and how far its inbox has been read."""

    def __init__(self) -> None:
        self.calls: WaitingCalls = WaitingCalls()
        self._turn = Turn()
        self._ready: set[ExpectedCall] = set()  # who was there before the rows that come now
        self._position: int | None = None  # the last row that was read; None while there was none within an hour
        self._pressed: set[ExpectedCall] = set()  # who waits for the next time that it is read
        self._read_at = -math.inf  # up to when the inbox has been read
        self._tried_at = -math.inf  # or should have been

    async def prepare(self, expected: ExpectedCall, look: Look, clock: Clock) -> None:
        """Find out where the inbox ends now: what stands before is of other days."""
        await self._read_since(clock.now() - _FRESH, expected, look, clock)
        self._ready.add(expected)

    async def last_look(self, expected: ExpectedCall, look: Look, clock: Clock) -> None:
        """See to it that the inbox has been read up to now."""
        try:
            await self._read_since(clock.now(), expected, look, clock)
        except PASSING as error:
            _log.warning("the inbox could not be read: %s", error)

    async def arrival(self, expected: ExpectedCall, look: Look, clock: Clock) -> CallSeen:
        """Wait for the call, and look for everybody's meanwhile if nobody else does."""
        try:
            while expected.call is None:
                if not self._turn.is_of(expected):
                    await expected.rung()
                    continue
                await clock.sleep_until(max(clock.now(), self._tried_at + INTERVAL))
                try:
                    await self._read(look, clock)
                except PASSING as error:
                    _log.warning("the inbox could not be read, and is read again: %s", error)
        finally:
            self._turn.leave(expected)
        return expected.call

    def forget(self, expected: ExpectedCall) -> None:
        """Take note that nobody waits for that call any more."""
        self._ready.discard(expected)

    async def _read_since(self, moment: float, expected: ExpectedCall, look: Look, clock: Clock) -> None:
        """Read, or wait for who reads, until that was done later than *moment*."""
        self._pressed.add(expected)
        try:
            while self._read_at < moment:
                if self._turn.is_of(expected):
                    await self._read(look, clock)
                else:
                    await expected.rung()
        finally:
            self._pressed.discard(expected)
            self._turn.leave(expected)

    async def _read(self, look: Look, clock: Clock) -> None:
        """Read what is new, and tell who waits for it."""
        began = clock.now()
        rows: Sequence[CallRow] | None = None
        while rows is None or rows:  # more came meanwhile, or did not fit
            try:
                rows = await look(self._position)
            finally:
                self._tried_at = clock.now()
            position = self._position
            if position is not None:
                rows = [row for row in rows if row.id > position]
            if rows:
                self._position = max(row.id for row in rows)
            for row in rows:
                self._tell(row)
        self._read_at = began
        for each in list(self._pressed):
            each.ring()

    def _tell(self, row: CallRow) -> None:
        expected = self.calls.of(row.phone.removeprefix("+")) if row.is_call else None
        if expected is not None and expected in self._ready:
            expected.arrive(CallSeen(received=row.received))
