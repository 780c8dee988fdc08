"""Who waits for a call of which phone. One look-up for each call that comes, however many wait."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async._loops import bell, current_loop
from smsc_async.errors import ConfirmationInProgress

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from smsc_async._loops import Bell, Loop
    from smsc_async.values import LocalTime

__all__ = ["CallSeen", "ExpectedCall", "WaitingCalls"]


@attrs.frozen
class CallSeen:
    """A call that came, and when: one of both is known, by where it was seen."""

    called_at: datetime | None = None
    received: LocalTime | None = None


class ExpectedCall:
    """One wait for a call, in one event loop, but told of the call from any thread."""

    __slots__ = ("_bells", "_loop", "call", "since")

    def __init__(self, since: datetime | None) -> None:
        self.call: CallSeen | None = None
        self.since: datetime | None = since  # older calls confirmed something else
        self._loop: Loop = current_loop()
        self._bells: tuple[Bell, ...] = ()  # of the tasks that wait: mostly one

    async def arrival(self) -> CallSeen:
        """Wait for the call."""
        while self.call is None:
            await self.rung()
        return self.call

    async def rung(self) -> None:
        """Wait until the call comes, or there is something else to look at."""
        mine = bell()  # each serves one wait
        self._bells = (*self._bells, mine)
        try:
            await mine.wait()
        finally:
            self._bells = tuple(each for each in self._bells if each is not mine)

    def arrive(self, call: CallSeen) -> None:
        """Tell of the call."""
        self.call = call
        self.ring()

    def ring(self) -> None:
        """Wake whoever waits."""
        self._loop.call_soon(self._ring)

    def _ring(self) -> None:
        for each in self._bells:
            each.ring()


class WaitingCalls:
    """All waits, by phone."""

    def __init__(self) -> None:
        self._by_phone: Final[dict[str, ExpectedCall]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Say how many wait."""
        return len(self._by_phone)

    @contextmanager
    def expect(self, phone: str, *, since: datetime | None = None) -> Generator[ExpectedCall]:
        """
        Wait for a call of *phone* as long as the block lasts.

        Raises:
            ConfirmationInProgress: Somebody waits for it already, and a call does not tell whom it is for.
        """
        expected = ExpectedCall(since)
        with self._lock:
            if phone in self._by_phone:
                raise ConfirmationInProgress(phone)
            self._by_phone[phone] = expected
        try:
            yield expected
        finally:
            with self._lock:
                del self._by_phone[phone]

    def of(self, phone: str) -> ExpectedCall | None:
        """Give who waits for a call of *phone*."""
        return self._by_phone.get(phone)
