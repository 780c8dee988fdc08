"""throttled-py: one limiter with a store in memory, which must be told to keep more than 1,024 keys."""

from __future__ import annotations

from collections.abc import Iterable

from throttled.asyncio import MemoryStore, Throttled, per_min

__all__ = ["Limiter"]

_FOR_EVER = 1e9  # seconds to wait at most; by itself it does not wait at all


class Limiter:
    """
    `throttled.asyncio.Throttled`.

    Args:
        n: Requests a minute, of each key.
        variant: "token bucket" (its default), "GCRA" or "sliding window".
    """

    def __init__(self, n: int, variant: str) -> None:
        self._throttled = Throttled(
            using=variant.lower().replace(" ", "_"),
            quota=per_min(n),
            timeout=_FOR_EVER,
            store=MemoryStore(options={"MAX_SIZE": 10_000_000}),
        )

    def thing(self, key: int) -> str:
        """Prepare a key."""
        return f"{key:014}"

    async def acquire(self, thing: str) -> None:
        """Wait until a request of a key may be sent."""
        result = await self._throttled.limit(thing)
        assert not result.limited

    def finish(self, lease: None) -> None:
        """Do nothing: it does not ask for replies."""

    async def spend(self, things: Iterable[str], times: int) -> None:
        """Acquire each, so often."""
        limit = self._throttled.limit
        for _ in range(times):
            for thing in things:
                await limit(thing)
