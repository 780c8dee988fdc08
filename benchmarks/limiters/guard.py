"""Our guard, by its public interface: acquired with a demand that was prepared, and finished with an outcome."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from smsc_async.guard import Demand, Identity, Lease, LocalGuard, Outcome, Reason, Rule

__all__ = ["Limiter"]

_WHO = Identity("account", "credential", "https://smsc.ua")


class Limiter:
    """
    The guard as a session makes it: strict, on the machine's clock.

    Args:
        n: Requests a minute, of each key.
        variant: There is but one.
    """

    def __init__(self, n: int, variant: str = "") -> None:  # noqa: ARG002 - limiters are made alike
        self._guard = LocalGuard()
        self._rule = Rule("benchmark", Reason.IDENTICAL, n)

    def thing(self, key: int) -> Demand:
        """Prepare a key."""
        return Demand("benchmark", _WHO, ((self._rule, key.to_bytes(14, "big")),))

    async def acquire(self, thing: Demand) -> Lease:
        """Wait until a request of a key may be sent."""
        return await self._guard.acquire(thing)

    def finish(self, lease: Any) -> None:
        """Note that its reply was read."""
        self._guard.finish(lease, Outcome.ACCEPTED)

    async def acquire_alone(self, things: list[Demand]) -> float:
        """Acquire and finish each, as many at a time as there are slots; give the seconds of CPU for the former."""
        acquire, cpu = self._guard.acquire, 0.0
        for first in range(0, len(things), self._guard.max_concurrency):
            some = things[first : first + self._guard.max_concurrency]
            cpu -= time.process_time()
            leases = [await acquire(thing) for thing in some]
            cpu += time.process_time()
            for lease in leases:
                self.finish(lease)
        return cpu

    async def spend(self, things: Iterable[Demand], times: int) -> None:
        """Acquire and finish each, so often."""
        acquire, finish, accepted = self._guard.acquire, self._guard.finish, Outcome.ACCEPTED
        for _ in range(times):
            for thing in things:
                finish(await acquire(thing), accepted)
