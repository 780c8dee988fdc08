"""Time that moves when told to, for a simulator whose minutes should pass at once."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
import threading
from collections.abc import Callable

import anyio
import anyio.lowlevel


class ManualTime:
    """
    A clock and a sleep that move only when told to, from any thread.

    ::

        time = ManualTime()
        simulator = Simulator(clock=time.now, sleep=time.sleep)
        time.advance(60)  # a minute has passed

    Sleepers may sit in any event loop, asyncio or trio; each is woken in its own.
    """

    def __init__(self, start: float = 1_000.0) -> None:
        self._lock = threading.Lock()
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, Callable[[], None]]] = []

    def __repr__(self) -> str:
        return f"<ManualTime {self._now:.3f} s, {self.sleeping} sleeping>"

    @property
    def sleeping(self) -> int:
        """How many sleepers wait for time to move."""
        return len(self._sleepers)

    def now(self) -> float:
        """Give the time in seconds."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until time has been moved *seconds* ahead."""
        event = anyio.Event()
        wake = waker(event)
        with self._lock:
            deadline = self._now + seconds
            due = deadline <= self._now
            entry = (deadline, next(self._order), wake)
            if not due:
                heapq.heappush(self._sleepers, entry)
        if due:
            await anyio.lowlevel.checkpoint()
            return
        try:
            await event.wait()
        finally:
            with self._lock:
                if entry in self._sleepers:  # cancelled
                    self._sleepers.remove(entry)
                    heapq.heapify(self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move time *seconds* ahead and wake who is due."""
        self.advance_to(self._now + seconds)

    def advance_to(self, moment: float) -> None:
        """Move time to *moment* and wake who is due; time never moves back."""
        with self._lock:
            self._now = max(self._now, moment)
            due: list[Callable[[], None]] = []
            while self._sleepers and self._sleepers[0][0] <= self._now:
                due.append(heapq.heappop(self._sleepers)[2])
        for wake in due:
            wake()


def waker(event: anyio.Event) -> Callable[[], None]:
    """Give a function that sets *event* in the loop of its waiter, whichever thread calls it."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        # Not imported here: the simulator does not need trio, and a caller inside of it has imported it.
        token = sys.modules["trio"].lowlevel.current_trio_token()

        def wake_trio() -> None:
            token.run_sync_soon(event.set)

        return wake_trio

    def wake_asyncio() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)

    return wake_asyncio
