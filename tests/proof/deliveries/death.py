"""How a process kills itself: at a named point, when it comes there for the nth time."""

from __future__ import annotations

import os
import signal

__all__ = ["Death"]


class Death:
    """
    Counts the passages of a point, and kills the process at one of them.

    Args:
        point: Its name; nowhere where this is empty.
        nth: At which passage.
    """

    def __init__(self, point: str, nth: int = 1) -> None:
        self._point = point
        self._left = nth

    def reach(self, point: str) -> None:
        """Die here, if it is the point and the passage."""
        if point == self._point:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
