"""Rows whose calls have an end are struck out a moment after it was told, by a thread."""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["GRACE", "Striking"]

#: Seconds for which a row outlives the moment when its call's value was handed over: time to write that down.
GRACE: Final = 1.0
_PATIENCE: Final = 30.0  # seconds to wait for a disk that hangs, when the process ends


class Striking:
    """
    Rows that are to be struck; for one process.

    The thread begins with the first row and ends with the last one. What it cannot strike is left over, for whoever
    writes to the journal next.

    Args:
        strike: Strikes rows out; it may raise.
        failed: Told why it could not, each time.
    """

    def __init__(self, strike: Callable[[list[str]], object], failed: Callable[[Exception], object]) -> None:
        self._strike = strike
        self._failed = failed
        self._changed = threading.Condition()
        self._due: dict[str, float] = {}  # the moment, by the machine's clock, whatever the session's shows
        self._left: set[str] = set()
        self._at_once = False
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def add(self, keys: Iterable[str], *, grace: float | None = None) -> None:
        """Strike rows in so many seconds; `GRACE` where that is None."""
        moment = time.monotonic() + (GRACE if grace is None else grace)
        with self._changed:
            self._due.update(dict.fromkeys(keys, moment))
            self._changed.notify()
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._work, name="smsc_async journal", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # there are too many; whoever is to hear of what was paid for must hear of that
                self._left.update(self._due)
                self._due.clear()
            else:
                self._thread = thread
                _working.add(self)

    def leave(self, keys: Iterable[str]) -> None:
        """Strike rows when the journal is written to next."""
        with self._changed:
            self._left.update(keys)

    def left(self) -> set[str]:
        """Give the rows that are left over."""
        with self._changed:
            return set(self._left)

    def struck(self, keys: Iterable[str]) -> None:
        """Hear that somebody has struck rows that were left over."""
        with self._changed:
            self._left.difference_update(keys)

    def finish(self) -> None:
        """Strike all at once, and return when that is done; for a thread."""
        with self._changed:
            thread, self._at_once = self._thread, True
            self._changed.notify()
        if thread is not None:
            thread.join(_PATIENCE)
        with self._changed:
            self._at_once = False
        if left := self.left():
            self._try(list(left))

    def _work(self) -> None:
        while keys := self._ripe():
            self._try(keys)
            with self._changed:
                for key in keys:
                    self._due.pop(key, None)

    def _ripe(self) -> list[str]:
        """Wait until rows are due, and give them; none when there are no more."""
        with self._changed:
            while self._due:
                now = time.monotonic()
                if ripe := [key for key, moment in self._due.items() if moment <= now or self._at_once]:
                    return ripe
                self._changed.wait(min(self._due.values()) - now)
            self._thread = None
            _working.discard(self)
            return []

    def _try(self, keys: list[str]) -> None:
        try:
            self._strike(keys)
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self.leave(keys)
            self._failed(error)
        else:
            self.struck(keys)


_working: Final[set[Striking]] = set()  # with a thread


def _at_exit() -> None:
    """Strike what would be struck in a moment: a process that ends in order has told its callers all."""
    for striking in list(_working):
        if striking._pid == os.getpid():  # noqa: SLF001 - the threads of a parent are not here
            striking.finish()


atexit.register(_at_exit)
