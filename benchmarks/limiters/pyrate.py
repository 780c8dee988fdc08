"""pyrate-limiter: one limiter with a bucket for each key, as its page on several buckets shows."""

from __future__ import annotations

from collections.abc import Iterable

from pyrate_limiter import (
    AbstractBucket,
    BucketFactory,
    Duration,
    FixedWindow,
    InMemoryBucket,
    MonotonicClock,
    Rate,
    RateItem,
    SlidingWindowLog,
    StateBucket,
    TokenBucket,
)
from pyrate_limiter import Limiter as Peer

__all__ = ["Limiter"]


class _PerKey(BucketFactory):
    def __init__(self, rate: Rate, variant: str) -> None:
        self._rates = [rate]
        self._variant = variant
        self._clock = MonotonicClock()
        self._kept: dict[str, AbstractBucket] = {}

    def wrap_item(self, name: str, weight: int = 1) -> RateItem:
        return RateItem(name, self._clock.now(), weight=weight)

    def get(self, item: RateItem) -> AbstractBucket:
        bucket = self._kept.get(item.name)
        if bucket is None:
            bucket = self._kept[item.name] = self._make()
            self.schedule_leak(bucket)
        return bucket

    def _make(self) -> AbstractBucket:
        if self._variant == "token bucket":
            return StateBucket(self._rates, algorithm=TokenBucket())
        log = FixedWindow() if self._variant == "fixed window" else SlidingWindowLog()
        return InMemoryBucket(self._rates, algorithm=log)


class Limiter:
    """
    `pyrate_limiter.Limiter`.

    Args:
        n: Requests a minute, of each key.
        variant: "sliding log" (its default), "token bucket" (GCRA) or "fixed window".
    """

    def __init__(self, n: int, variant: str) -> None:
        self._limiter = Peer(_PerKey(Rate(n, Duration.MINUTE), variant))

    def thing(self, key: int) -> str:
        """Prepare a key."""
        return f"{key:014}"

    async def acquire(self, thing: str) -> None:
        """Wait until a request of a key may be sent."""
        await self._limiter.try_acquire_async(thing)

    def finish(self, lease: None) -> None:
        """Do nothing: it does not ask for replies."""

    async def spend(self, things: Iterable[str], times: int) -> None:
        """Acquire each, so often."""
        acquire = self._limiter.try_acquire_async
        for _ in range(times):
            for thing in things:
                await acquire(thing)
