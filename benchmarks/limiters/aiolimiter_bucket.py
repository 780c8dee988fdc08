"""aiolimiter: a leaky bucket; one object for each key, kept in a dictionary, since it knows of no keys itself."""

from __future__ import annotations

from collections.abc import Iterable

from aiolimiter import AsyncLimiter

__all__ = ["Limiter"]


class Limiter:
    """
    `aiolimiter.AsyncLimiter`.

    Args:
        n: Requests a minute, of each key.
        variant: There is but one.
    """

    def __init__(self, n: int, variant: str = "") -> None:  # noqa: ARG002 - limiters are made alike
        self._n = n
        self._kept: dict[bytes, AsyncLimiter] = {}

    def thing(self, key: int) -> bytes:
        """Prepare a key."""
        return key.to_bytes(14, "big")

    def _of(self, thing: bytes) -> AsyncLimiter:
        limiter = self._kept.get(thing)
        if limiter is None:
            limiter = self._kept[thing] = AsyncLimiter(self._n, 60)
        return limiter

    async def acquire(self, thing: bytes) -> None:
        """Wait until a request of a key may be sent."""
        await self._of(thing).acquire()

    def finish(self, lease: None) -> None:
        """Do nothing: it does not ask for replies."""

    async def spend(self, things: Iterable[bytes], times: int) -> None:
        """Acquire each, so often."""
        of = self._of
        for _ in range(times):
            for thing in things:
                await of(thing).acquire()
