"""Runs a call and strikes it at its k-th suspension: as asyncio, uvloop, anyio and trio cancel, each in its own way."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import types
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio
import attrs
import sniffio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator

__all__ = ["KINDS", "TWICE", "Kind", "Place", "Steps", "run_in", "struck"]

HAVE_UVLOOP: Final = sys.platform != "win32"


@attrs.frozen
class Kind:
    """
    A way to cancel.

    early: as the call begins to wait. late: what it waits for has come, and the call has not gone on yet. scope: by a
    scope around it, which goes on cancelling whatever is awaited in the clean-up.
    """

    loop: Literal["asyncio", "uvloop", "trio"]
    how: Literal["early", "late", "scope"]
    again: int = 0  # and once more, so many suspensions of the clean-up later

    def __str__(self) -> str:
        return f"{self.loop}-{self.how}{f'-again-{self.again}' if self.again else ''}"


KINDS: Final = tuple(
    Kind(loop, how)  # type: ignore[arg-type]
    for loop, hows in {
        "asyncio": ("early", "late", "scope"),
        "uvloop": ("early", "late", "scope") if HAVE_UVLOOP else (),
        "trio": ("scope",),  # what has come cannot be cancelled in trio any more: late is early at the next one
    }.items()
    for how in hows
)


TWICE: Final = tuple(
    Kind(loop, "early", again)
    for loop in ("asyncio", "uvloop")
    for again in (1, 2, 3, 4)
    if HAVE_UVLOOP or loop == "asyncio"
)


@attrs.frozen
class Place:
    """Where a call of the package was suspended: an ``await`` of one of its functions."""

    file: str
    function: str
    line: int


class Steps:
    """
    An awaitable that drives *work*, counts how often it suspends, and calls *strike* with what it yields at step *at*.
    """

    def __init__(
        self, work: Coroutine[Any, Any, Any], at: int, strike: Callable[[object], object], *, again: int = 0
    ) -> None:
        self.work = work
        self.at = at
        self.again = again
        self.count = 0
        self.delivered: int | None = None  # at which suspension the cancellation came out
        self.places: tuple[Place, ...] = ()  # where that was, the outermost function first
        self._strike = strike
        self.struck = False

    def __await__(self) -> Generator[Any, Any, Any]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                yielded = self.work.send(value) if error is None else self.work.throw(error)
            except StopIteration as stop:
                return stop.value
            finally:
                error = None
            self.count += 1
            if self.count == self.at:
                self.struck, self.places = True, tuple(suspended(self.work))
                self._strike(yielded)
            elif self.again and self.delivered == self.count - self.again:
                self.places += tuple(suspended(self.work))
                self._strike(yielded)
            try:
                value = yield yielded
            except GeneratorExit:
                self.work.close()
                raise
            except BaseException as thrown:  # noqa: BLE001 - it goes on into the call
                value, error = None, thrown
            if (
                self.struck
                and self.delivered is None
                and (_is_cancellation(error) or _is_cancellation(getattr(value, "error", None)))
            ):
                self.delivered = self.count
                self.places = tuple(suspended(self.work))


def _is_cancellation(error: object) -> bool:
    return isinstance(error, asyncio.CancelledError) or type(error).__name__ == "Cancelled"


def suspended(work: Any) -> Iterator[Place]:
    """Follow what awaits what, downwards, and give the functions of the package on the way."""
    below: Any = work
    while below is not None:
        if inspect.iscoroutine(below):
            frame, below = below.cr_frame, below.cr_await
        elif inspect.isasyncgen(below):
            frame, below = below.ag_frame, below.ag_await
        elif inspect.isgenerator(below):
            frame, below = below.gi_frame, below.gi_yieldfrom
        else:  # a wrapper in C: of a coroutine's `__await__`, of an asynchronous generator's next step
            inner = [one for one in gc.get_referents(below) if inspect.iscoroutine(one) or inspect.isasyncgen(one)]
            below = inner[0] if inner else None
            continue
        if frame is not None and "smsc_async" in frame.f_code.co_filename:
            yield Place(frame.f_code.co_filename, frame.f_code.co_qualname, _line(frame))


def _line(frame: types.FrameType) -> int:
    return frame.f_lineno or 0


@attrs.define(eq=False)
class End:
    """How a struck call ended."""

    steps: Steps
    cancel: Callable[[], object]
    value: Any = None
    error: BaseException | None = None
    over: bool = False

    def strike(self) -> None:
        """Cancel it now, from another task."""
        self.steps.struck = True
        self.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the cancellation came out of the call, alone or in groups."""
        return _cancelled(self.error)


def _cancelled(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_cancelled(part) for part in error.exceptions)
    return _is_cancellation(error)


async def struck(
    kind: Kind, work: Callable[[], Coroutine[Any, Any, Any]], at: int, between: Callable[[End, bool], None]
) -> End:
    """
    Run *work*, strike at its suspension *at* (0: never), and give how it ended.

    Args:
        kind: How to strike.
        work: Gives the coroutine.
        at: From 1.
        between: Called in every round of the event loop, and told whether the call has stood still in it.
    """
    with anyio.fail_after(60):
        if kind.how == "scope":
            return await _in_scope(work(), at, between)
        return await _as_task(kind, work(), at, between)


async def _as_task(kind: Kind, work: Coroutine[Any, Any, Any], at: int, between: Callable[[End, bool], None]) -> End:
    def strike(yielded: object) -> None:
        if kind.how == "late" and isinstance(yielded, asyncio.Future):
            # Called before the task's own wake-up, because it was added before.
            yielded.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()  # of the task that runs: it is cancelled as soon as it waits

    end = End(Steps(work, at, strike, again=kind.again), lambda: task.cancel())  # noqa: PLW0108 - it is made below
    task = asyncio.ensure_future(_take_down(end))
    await _until_over(end, between)
    await task
    return end


async def _in_scope(work: Coroutine[Any, Any, Any], at: int, between: Callable[[End, bool], None]) -> End:
    scope = anyio.CancelScope()
    # A task of asyncio cannot be cancelled by a scope while it runs; so that is done in the loop's next step.
    at_once = sniffio.current_async_library() == "trio"
    strike: Callable[[], object] = scope.cancel if at_once else partial(_soon, scope.cancel)
    end = End(Steps(work, at, lambda _: strike()), scope.cancel)

    async def one() -> None:
        with scope:
            await _take_down(end)
            if end.error is not None and end.cancelled:
                raise end.error  # the scope asks for it back

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await _until_over(end, between)
    return end


def _soon(function: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_soon(function)


async def _take_down(end: End) -> None:
    try:
        end.value = await end.steps
    except BaseException as error:  # noqa: BLE001 - it is judged in the sweep
        end.error = error
    finally:
        end.over = True


async def _until_over(end: End, between: Callable[[End, bool], None]) -> None:
    seen = -1
    while not end.over:
        await anyio.lowlevel.checkpoint()
        between(end, end.steps.count == seen)
        seen = end.steps.count


def run_in(kind: Kind, work: Callable[[], Awaitable[Any]]) -> Any:
    """Run *work* in an event loop of that kind."""
    if kind.loop == "trio":
        return anyio.run(work, backend="trio")
    return anyio.run(work, backend="asyncio", backend_options={"use_uvloop": kind.loop == "uvloop"})
