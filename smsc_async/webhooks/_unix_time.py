"""The Unix time that stores are told: the wall clock's, which may be set back, and this may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsc_async.clock import Clock

__all__ = ["UnixTime"]


class UnixTime:
    """The moment now, in seconds. When the clock is set back it goes on, or what is kept would wait for hours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.now(), clock.date().timestamp()

    def now(self) -> float:
        """Give it."""
        before, moment = self._last
        now = self._clock.now()
        moment = max(moment + (now - before), self._clock.date().timestamp())
        self._last = now, moment
        return moment
