"""The machine's clock, faster: minutes of ours pass in seconds, and the same for all processes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio

__all__ = ["SPEED", "FastClock"]

SPEED: Final = 40.0  # seconds of this clock in one of the machine's
_BASE: Final = datetime(2026, 1, 1, tzinfo=UTC)


class FastClock:
    """
    The machine's monotonic clock, faster.

    Args:
        began: When its first date was, by the machine's monotonic clock.
    """

    def __init__(self, began: float) -> None:
        self._began = began

    def now(self) -> float:
        """Give the moment."""
        return time.monotonic() * SPEED

    def date(self) -> datetime:
        """Give a date that moves with it."""
        return _BASE + timedelta(seconds=(time.monotonic() - self._began) * SPEED)

    async def sleep_until(self, moment: float) -> None:
        """Return when *moment* has come."""
        await anyio.sleep(max(moment - self.now(), 0.0) / SPEED)

    def deadline(self, moment: float) -> anyio.CancelScope:
        """Give a cancel scope that is cancelled when *moment* comes."""
        return anyio.CancelScope(deadline=anyio.current_time() + (moment - self.now()) / SPEED)
