"""Where a waiting call sleeps until the guard wakes it: one seat a call, in the event loop that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from smsc_async._loops import bell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smsc_async._loops import Bell, Loop
    from smsc_async.clock import Clock

__all__ = ["Room", "Seat"]


class Seat:
    """One waiting call. A wake-up is never lost: one that comes before the sleep ends the sleep at once."""

    __slots__ = ("_alarm", "called_off", "room", "woken")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.woken = False
        self.called_off: BaseException | None = None  # the error that ends the wait
        self._alarm: Bell | anyio.CancelScope | None = None  # what wakes it

    def sleep(self) -> Awaitable[object]:
        """Give what to await until woken; it was not `woken` yet."""
        self._alarm = sleep = bell()
        return sleep.wait()

    async def keep_time(self, clock: Clock, moment: float) -> None:
        """Sleep until woken or until *moment*."""
        if not self.woken:
            with anyio.CancelScope() as self._alarm:
                await clock.sleep_until(moment)

    def get_up(self) -> None:
        """Be ready for the next wake-up."""
        self.woken = False
        self._alarm = None

    def call_off(self, error: BaseException) -> None:
        """End the wait with *error*; from any thread."""
        self.called_off = error
        if not self.room.loop.call_soon(self.wake):
            self.room.bury(self.room.loop)

    def wake(self) -> None:
        """Wake it; called in its own loop."""
        self.woken = True
        if isinstance(self._alarm, anyio.CancelScope):
            self._alarm.cancel()
        elif self._alarm is not None:
            self._alarm.ring()


class Room:
    """
    The seats of one event loop. One of them keeps the time for all, so that no task runs beside the waiting calls.
    """

    __slots__ = ("bury", "keeper", "loop", "pace", "seats", "until")

    def __init__(self, loop: Loop, bury: Callable[[Loop], object]) -> None:
        self.loop = loop
        self.bury = bury  # where it is gone
        self.seats: dict[Seat, Any] = {}  # with the ticket of each
        self.keeper: Seat | None = None
        self.pace = 0.0  # seconds between the keeper's looks at what other processes did
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
