"""
Virtual time for asyncio: where every task waits, the clock jumps to the moment that the first of them waits for.

It replaces the functions of `time`, so it must be installed before anything that reads them is loaded, in a process of
its own. What a limiter does in an hour takes a moment then, whatever clock it reads; CPU time stays real.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

__all__ = ["install"]

_TURN = 1e-6  # seconds

_WALL = 1_780_000_000.0  # what the wall clock shows when the other clocks show nothing; any moment does


class _Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: Any) -> None:
        self.now += float(seconds)


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: _Time) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A turn of the loop takes a moment: who sleeps for less than a float can add must not sleep for ever.
        self._clock.now += _TURN
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            return super().select(None)  # a thread may still have something to say
        self._clock.now += max(timeout, 0.0)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # noqa: ARG002 - it stands in for the real one
        """Run it here and now: a real thread would take virtual hours."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is the future's
            future.set_exception(error)
        return future


def install() -> Callable[[], asyncio.AbstractEventLoop]:
    """Replace the clocks of this process, and give what makes event loops that move them."""
    clock = _Time()

    def monotonic() -> float:
        return clock.now

    def monotonic_ns() -> int:
        return round(clock.now * 1e9)

    def wall() -> float:
        return _WALL + clock.now

    def wall_ns() -> int:
        return round((_WALL + clock.now) * 1e9)

    time.monotonic = time.perf_counter = monotonic
    time.monotonic_ns = time.perf_counter_ns = monotonic_ns
    time.time, time.time_ns, time.sleep = wall, wall_ns, clock.sleep
    return lambda: _Loop(_Selector(clock))
