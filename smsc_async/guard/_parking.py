"""Where a waiting call sleeps until the guard wakes it: one seat a call, in the event loop that it runs in."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from smsc_async._loops import Loop
    from smsc_async.clock import Clock

__all__ = ["Room", "Seat"]


class Seat:
    """One waiting call. A wake-up is never lost: one that comes before the sleep ends the sleep at once."""

    __slots__ = ("_sleeper", "_woken", "loop")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._woken = False
        self._sleeper: Any = None  # a future, a trio event or a cancel scope; plain ones cost 100,000 callers least

    async def park(self) -> None:
        """Sleep until woken."""
        if not self._woken:
            if sys.modules.get("trio") is not None and asyncio._get_running_loop() is None:  # noqa: SLF001 - as in anyio
                import trio  # noqa: PLC0415 - asyncio users may not have it

                self._sleeper = trio.Event()
                await self._sleeper.wait()
            else:
                self._sleeper = asyncio.get_running_loop().create_future()
                await self._sleeper
        self._woken = False
        self._sleeper = None

    async def keep_time(self, clock: Clock, moment: float) -> None:
        """Sleep until woken or until *moment*."""
        if not self._woken:
            with anyio.CancelScope() as self._sleeper:
                await clock.sleep_until(moment)
        self._woken = False
        self._sleeper = None

    def wake(self) -> None:
        """Wake it; called in its own loop."""
        self._woken = True
        sleeper = self._sleeper
        if isinstance(sleeper, asyncio.Future):
            if not sleeper.done():
                sleeper.set_result(None)
        elif isinstance(sleeper, anyio.CancelScope):
            sleeper.cancel()
        elif sleeper is not None:
            sleeper.set()


class Room:
    """
    The seats of one event loop. One of them keeps the time for all, so that no task runs beside the waiting calls.
    """

    __slots__ = ("keeper", "loop", "seats", "until")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.seats: dict[Seat, Any] = {}  # with the ticket of each
        self.keeper: Seat | None = None
        self.until = -float("inf")  # when the keeper will look at the policy; written under the guard's lock

    def poke(self) -> None:
        """Let the keeper look at the time again; called in the room's own loop."""
        if self.keeper is not None:
            self.keeper.wake()
        else:
            self.pass_on()

    def pass_on(self) -> None:
        """Wake the last in line, who will keep the time for longest."""
        for seat in reversed(self.seats):
            seat.wake()
            return
