"""Where a waiting call sleeps until the guard wakes it: one seat a call, in the event loop that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from smsc_async._loops import bell

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async._loops import Loop
    from smsc_async.clock import Clock

__all__ = ["Room", "Seat"]


class Seat:
    """One waiting call. A wake-up is never lost: one that comes before the sleep ends the sleep at once."""

    __slots__ = ("_rouse", "_woken", "loop")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._woken = False
        self._rouse: Callable[[], object] | None = None

    async def park(self) -> None:
        """Sleep until woken."""
        if not self._woken:
            sleep = bell()
            self._rouse = sleep.ring
            await sleep.wait()
        self._woken = False
        self._rouse = None

    async def keep_time(self, clock: Clock, moment: float) -> None:
        """Sleep until woken or until *moment*."""
        if not self._woken:
            with anyio.CancelScope() as scope:
                self._rouse = scope.cancel
                await clock.sleep_until(moment)
        self._woken = False
        self._rouse = None

    def wake(self) -> None:
        """Wake it; called in its own loop."""
        self._woken = True
        if self._rouse is not None:
            self._rouse()


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
