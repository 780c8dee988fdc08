"""A clock that stands still until it is moved, by a test or because everybody sleeps; for one event loop at a time."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["MovedClock"]


class MovedClock:
    """
    Time for the guard, the session and the gateway alike.

    `FakeClock` of the package waits after each move until all tasks are blocked, which takes asyncio a tenth of a
    second. This one moves at once and leaves the rest to the event loop.
    """

    def __init__(self, start: float = 1_000.0) -> None:
        self._now = start
        self._due: list[tuple[float, int, _Due]] = []
        self._numbers = count()

    def now(self) -> float:
        """Give the moment it was moved to."""
        return self._now

    def date(self) -> datetime:
        """Give a date that moves with it."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._now)

    async def sleep_until(self, moment: float) -> None:
        """Return when the clock has been moved to *moment*."""
        if moment <= self._now:
            await anyio.lowlevel.checkpoint()
            return
        if moment == float("inf"):
            await anyio.sleep_forever()
        event = anyio.Event()
        due = self._push(moment, event.set, sleeper=True)
        try:
            await event.wait()
        finally:
            due.over = True

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has been moved by *seconds*."""
        await self.sleep_until(self._now + seconds)

    def deadline(self, moment: float) -> _Deadline:
        """Give a cancel scope that is cancelled when the clock is moved to *moment*."""
        return _Deadline(self, moment)

    def move(self, seconds: float) -> None:
        """Move on, through all that is due; who slept runs in the event loop's next round."""
        self._move_to(self._now + seconds)

    def jump(self, *, deadlines: bool = False) -> bool:
        """Move to the first moment that somebody sleeps for, or has for a deadline; False where nobody has one."""
        left = (moment for moment, _, due in self._due if (due.sleeper or deadlines) and not due.over)
        moment = min(left, default=None)
        if moment is None:
            return False
        self._move_to(moment)
        return True

    def _move_to(self, moment: float) -> None:
        while self._due and self._due[0][0] <= moment:
            reached, _, due = heapq.heappop(self._due)
            self._now = max(self._now, reached)
            if not due.over:
                due.over = True
                due.action()
        self._now = max(self._now, moment)

    def _push(self, moment: float, action: Any, *, sleeper: bool) -> _Due:
        due = _Due(action, sleeper)
        heapq.heappush(self._due, (moment, next(self._numbers), due))
        return due

    def __repr__(self) -> str:
        return f"<MovedClock at {self._now:g} s>"


class _Due:
    """Something that happens at a moment, unless it is over before."""

    __slots__ = ("action", "over", "sleeper")

    def __init__(self, action: Any, sleeper: bool) -> None:
        self.action = action
        self.sleeper = sleeper
        self.over = False


class _Deadline:
    """A cancel scope on the moved clock."""

    __slots__ = ("_clock", "_due", "_moment", "_scope")

    def __init__(self, clock: MovedClock, moment: float) -> None:
        self._clock = clock
        self._moment = moment
        self._scope = anyio.CancelScope()
        self._due: _Due | None = None

    def __enter__(self) -> anyio.CancelScope:
        scope = self._scope.__enter__()
        if self._moment <= self._clock.now():
            scope.cancel()
        elif self._moment < float("inf"):
            self._due = self._clock._push(self._moment, self._scope.cancel, sleeper=False)
        return scope

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._due is not None:
            self._due.over = True
        return bool(self._scope.__exit__(kind, error, traceback))
