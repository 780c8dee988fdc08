"""limits: a strategy over its storage in memory; it says yes or no, and whoever asks waits by himself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)

__all__ = ["Limiter"]

_STRATEGIES: dict[str, type[RateLimiter]] = {
    "fixed window": FixedWindowRateLimiter,
    "moving window": MovingWindowRateLimiter,
    "sliding counter": SlidingWindowCounterRateLimiter,
}
_SOON = 0.01  # seconds: not to ask more often than this


class Limiter:
    """
    A strategy of `limits.aio`.

    Args:
        n: Requests a minute, of each key.
        variant: "fixed window", "moving window" or "sliding counter".
    """

    def __init__(self, n: int, variant: str) -> None:
        self._item = RateLimitItemPerMinute(n)
        self._strategy = _STRATEGIES[variant](MemoryStorage())

    def thing(self, key: int) -> str:
        """Prepare a key."""
        return f"{key:014}"

    async def acquire(self, thing: str) -> None:
        """Wait until a request of a key may be sent: ask, and sleep until the moment that it names."""
        while not await self._strategy.hit(self._item, thing):
            moment = (await self._strategy.get_window_stats(self._item, thing)).reset_time
            await asyncio.sleep(max(moment - time.time(), _SOON))

    def finish(self, lease: None) -> None:
        """Do nothing: it does not ask for replies."""

    async def spend(self, things: Iterable[str], times: int) -> None:
        """Acquire each, so often."""
        hit, item = self._strategy.hit, self._item
        for _ in range(times):
            for thing in things:
                await hit(item, thing)
