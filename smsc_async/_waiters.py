"""Tasks that wait until something rings them, in any event loop; and one of several that works for all."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from smsc_async._loops import bell, current_loop, current_loop_or_none
from smsc_async.errors import ReplyError, TooManyRequests, TransportError, WaitTooLong

if TYPE_CHECKING:
    from smsc_async._loops import Bell, Loop

__all__ = ["PASSING", "Turn", "Waiter"]

PASSING: Final = (TransportError, ReplyError, WaitTooLong, TooManyRequests)  # of a look; the next may go well


class Waiter:
    """Waits in one event loop, and is rung from any thread."""

    __slots__ = ("_bells", "_loop")

    def __init__(self) -> None:
        self._loop: Loop = current_loop()
        self._bells: tuple[Bell, ...] = ()  # of the tasks that wait: mostly one

    async def rung(self) -> None:
        """Wait until there is something to look at."""
        mine = bell()  # each serves one wait
        self._bells = (*self._bells, mine)
        try:
            await mine.wait()
        finally:
            self._bells = tuple(each for each in self._bells if each is not mine)

    def ring(self) -> None:
        """Wake whoever waits."""
        if current_loop_or_none() is self._loop:
            self._ring()
        else:
            self._loop.call_soon(self._ring)

    @property
    def is_alive(self) -> bool:
        """Say whether its event loop runs."""
        return self._loop.is_running()

    def _ring(self) -> None:
        for each in self._bells:
            each.ring()


class Turn:
    """
    Whose turn it is to work for all who wait.

    It is a task of the caller's that has nothing else to do. When it leaves, one other goes on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Waiter | None = None
        self._queue: OrderedDict[Waiter, None] = OrderedDict()  # who is next; each waits to be rung

    def is_of(self, waiter: Waiter) -> bool:
        """Say whether it is that one's; if it is not, it is rung when it is."""
        with self._lock:
            if self._holder is None or not self._holder.is_alive:
                self._holder = waiter
                self._queue.pop(waiter, None)
            if self._holder is waiter:
                return True
            self._queue[waiter] = None
            return False

    def leave(self, waiter: Waiter) -> None:
        """Let one other go on, if it was this one's turn."""
        with self._lock:
            self._queue.pop(waiter, None)
            if self._holder is not waiter:
                return
            self._holder = None
            while self._queue:
                following, _ = self._queue.popitem(last=False)
                if following.is_alive:
                    self._holder = following
                    following.ring()
                    return

    def hurry(self) -> None:
        """Wake the one whose turn it is: there is something new to do."""
        with self._lock:
            if self._holder is not None:
                self._holder.ring()
