"""Who waits for a call of which phone. One look-up for each call that comes, however many wait."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async._waiters import Waiter
from smsc_async.errors import ConfirmationInProgress

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from smsc_async.values import LocalTime

__all__ = ["CallSeen", "ExpectedCall", "WaitingCalls"]


@attrs.frozen
class CallSeen:
    """A call that came, and when: one of both is known, by where it was seen."""

    called_at: datetime | None = None
    received: LocalTime | None = None


class ExpectedCall(Waiter):
    """One wait for a call, in one event loop, but told of the call from any thread."""

    __slots__ = ("call", "since")

    def __init__(self, since: datetime | None) -> None:
        super().__init__()
        self.call: CallSeen | None = None
        self.since: datetime | None = since  # older calls confirmed something else

    async def arrival(self) -> CallSeen:
        """Wait for the call."""
        while self.call is None:
            await self.rung()
        return self.call

    def arrive(self, call: CallSeen) -> None:
        """Tell of the call."""
        self.call = call
        self.ring()


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
