"""Time as an argument: one clock drives the guard, the back-off and the deadlines of a call alike."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import anyio

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["BOOT_CLOCK", "SYSTEM_CLOCK", "BootClock", "Clock", "MonotonicClock"]


@runtime_checkable
class Clock(Protocol):
    """What the package asks of time. Seconds are floats on a scale that never goes back."""

    def now(self) -> float:
        """Give the present moment in seconds."""
        ...

    async def sleep_until(self, moment: float) -> None:
        """Return when *moment* has come; ``inf`` never comes."""
        ...

    def deadline(self, moment: float) -> AbstractContextManager[anyio.CancelScope, bool]:
        """Give a cancel scope that is cancelled when *moment* comes; ``inf`` never does."""
        ...

    def date(self) -> datetime:
        """Give the present date, aware, for values that users see."""
        ...


class MonotonicClock:
    """
    The machine's monotonic clock: no step of the wall clock moves it; a suspended machine only makes it wait longer.
    """

    def now(self) -> float:
        """Give `time.monotonic`, the same for every event loop and thread of the process."""
        return time.monotonic()

    async def sleep_until(self, moment: float) -> None:
        """Sleep on the running event loop, whatever that loop's own zero is."""
        if moment == float("inf"):
            await anyio.sleep_forever()
        # A loop's timer may fire a little early (its clock's resolution), and a trio loop counts from another zero.
        while (left := moment - time.monotonic()) > 0:  # noqa: ASYNC110 - no event tells of it
            await anyio.sleep(left)

    def deadline(self, moment: float) -> anyio.CancelScope:
        """Translate *moment* to the running event loop's time."""
        return anyio.CancelScope(deadline=anyio.current_time() + (moment - time.monotonic()))

    def date(self) -> datetime:
        """Give the wall clock's date in UTC."""
        return datetime.now(UTC)

    def __repr__(self) -> str:
        """Say which clock it is."""
        return "MonotonicClock()"


class BootClock(MonotonicClock):
    """
    The seconds since this machine was started, the same in all its processes; on Linux, its sleep included.

    Where the system has no such clock it is `time.monotonic`, which is the same in all processes too.
    """

    def now(self) -> float:
        """Give the seconds since the machine was started."""
        return _since_boot()

    async def sleep_until(self, moment: float) -> None:
        """Sleep on the running event loop; once the machine has slept, for no longer than that."""
        if moment == float("inf"):
            await anyio.sleep_forever()
        while (left := moment - _since_boot()) > 0:  # noqa: ASYNC110 - no event tells of it
            await anyio.sleep(left)

    def deadline(self, moment: float) -> anyio.CancelScope:
        """Translate *moment* to the running event loop's time."""
        return anyio.CancelScope(deadline=anyio.current_time() + (moment - _since_boot()))

    def __repr__(self) -> str:
        """Say which clock it is."""
        return "BootClock()"


if hasattr(time, "CLOCK_BOOTTIME"):

    def _since_boot() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:  # pragma: no cover - not on Linux
    _since_boot = time.monotonic

SYSTEM_CLOCK = MonotonicClock()
BOOT_CLOCK = BootClock()
