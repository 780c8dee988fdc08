"""
Virtual time: runs an async function to its end in no time, on trio or asyncio, and each seed in its own exact order.

Trio runs on its mock clock, its scheduler shuffled by the seed. Asyncio runs on a loop without a selector, whose time
jumps to the next timer. The machine's monotonic clock is virtual too (the guard, httpcore and tenacity read it), and
counts from another zero than the loop, as it does in life.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar
from unittest import mock

import trio
import trio.testing
from trio._core import _run as trio_run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

__all__ = ["Backend", "Hang", "Time", "run"]

T = TypeVar("T")
Backend = Literal["asyncio", "trio"]
_FOREVER: Final = math.inf


class Hang(AssertionError):
    """Something waits for what never comes, or runs on without end."""


class Time(Protocol):
    """The schedule's time: what it is, and what is to happen when."""

    problems: list[str]  # what the event loop complained of

    def now(self) -> float:
        """Give the present moment."""
        ...

    def at(self, moment: float, action: Callable[[], object], /) -> None:
        """Call *action* when *moment* has come; at once, but not now, where it has passed."""
        ...

    def tasks(self) -> int:
        """Count the tasks that live."""
        ...


def run(
    backend: Backend, seed: int, work: Callable[[Time], Awaitable[T]], *, zero: float, until: float, steps: int
) -> T:
    """
    Run *work* on virtual time.

    Args:
        backend: The event loop library.
        seed: What shuffles trio's tasks; asyncio's order is its own.
        work: The function, given the time.
        zero: What the machine's monotonic clock shows when the loop's own shows nought.
        until: The virtual second at which it must be over.
        steps: The steps of tasks after which it must be.

    Raises:
        Hang: It was not over by then.
    """
    runner = _run_on_trio if backend == "trio" else _run_on_asyncio
    return runner(seed, work, zero, until, steps)


@contextmanager
def _monotonic(now: Callable[[], float], zero: float) -> Generator[None]:
    def monotonic() -> float:
        return now() + zero

    with mock.patch.object(time, "monotonic", monotonic):
        yield


# ---------------------------------------------------------------- trio


class _Steps(trio.abc.Instrument):
    """Ends a run that goes on without end."""

    def __init__(self, left: int, bound: trio.CancelScope) -> None:
        self._left = left
        self._bound = bound

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._left -= 1
        if self._left <= 0:
            self._bound.cancel()


class _TrioTime:
    def __init__(self, clock: trio.testing.MockClock) -> None:
        self.now = clock.current_time
        self.problems: list[str] = []
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._sleep = trio.CancelScope()

    def at(self, moment: float, action: Callable[[], object], /) -> None:
        heapq.heappush(self._agenda, (moment, next(self._numbers), action))
        if moment < self._sleep.deadline:  # noqa: PLR1730 - trio goes through its deadlines at each setting
            self._sleep.deadline = moment

    def tasks(self) -> int:
        return trio.lowlevel.current_statistics().tasks_living

    async def drive(self) -> None:
        """Do what the time has come for; one task for all of it, as every task costs a schedule its time."""
        agenda = self._agenda
        while True:
            # What an action adds for this same moment comes in the next round, after other tasks had their turn.
            due = []
            while agenda and agenda[0][0] <= self.now():
                due.append(heapq.heappop(agenda)[2])
            for action in due:
                action()
            with trio.CancelScope(deadline=agenda[0][0] if agenda else _FOREVER) as self._sleep:
                await trio.sleep_forever()


def _run_on_trio(seed: int, work: Callable[[Time], Awaitable[T]], zero: float, until: float, steps: int) -> T:
    clock = trio.testing.MockClock(autojump_threshold=0)
    bound = trio.CancelScope(deadline=until)
    result: list[T] = []

    async def main() -> None:
        stage = _TrioTime(clock)
        with bound:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stage.drive)
                result.append(await work(stage))
                nursery.cancel_scope.cancel()

    with (
        mock.patch.object(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", new=True),
        _monotonic(clock.current_time, zero),
    ):
        trio_run._r.seed(seed)
        trio.run(main, clock=clock, instruments=[_Steps(steps, bound)])
    if not result:
        raise Hang(f"it is not over after {clock.current_time():.0f} virtual seconds, or {steps} steps")
    return result[0]


# ---------------------------------------------------------------- asyncio


class _VirtualLoop(asyncio.BaseEventLoop):
    """An asyncio loop that waits for no file, and whose time jumps to the next timer."""

    def __init__(self, until: float, steps: int) -> None:
        super().__init__()
        self._moment = 0.0
        self._until = until
        self._left = steps
        self._selector = self  # what `BaseEventLoop._run_once` asks

    def time(self) -> float:
        return self._moment

    def select(self, seconds: float | None) -> tuple[()]:
        if seconds is None:
            raise Hang("every task waits, and no timer is set")
        self._left -= 1
        self._moment += seconds
        if self._moment > self._until or self._left <= 0:
            raise Hang(f"it is not over after {self._moment:.0f} virtual seconds, or too many steps")
        return ()

    def _process_events(self, events: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""


class _AsyncioTime:
    def __init__(self, loop: _VirtualLoop) -> None:
        self.now = loop.time
        self.problems: list[str] = []
        self._loop = loop
        loop.set_exception_handler(self._complain)

    def at(self, moment: float, action: Callable[[], object], /) -> None:
        if moment <= self._loop.time():
            self._loop.call_soon(action)
        else:
            self._loop.call_at(moment, action)

    def tasks(self) -> int:
        return len(asyncio.all_tasks(self._loop))

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.problems.append(f"asyncio: {context.get('message')}: {context.get('exception')!r}")


def _run_on_asyncio(seed: int, work: Callable[[Time], Awaitable[T]], zero: float, until: float, steps: int) -> T:
    loop = _VirtualLoop(until, steps)

    async def main() -> T:
        return await work(_AsyncioTime(loop))

    with _monotonic(loop.time, zero), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())
