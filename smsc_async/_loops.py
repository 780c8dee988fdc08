"""
The one room that tells asyncio from trio: a handle for an event loop, held weakly, to be woken from any thread.

What outlives a loop (a guard, a session) keeps handles and never loops, so that a dead loop can go.
"""

from __future__ import annotations

import asyncio
import math
import sys
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

__all__ = ["Bell", "Loop", "bell", "current_loop", "current_loop_or_none"]


class Loop(Protocol):
    """An event loop. One loop has one handle, so handles are equal when they are the same; they are hashable."""

    def is_alive(self) -> bool:
        """Say whether the loop still runs, or can run again."""
        ...

    def is_running(self) -> bool:
        """Say whether it runs at this moment: asyncio's loops can be stopped and run again."""
        ...

    def call_soon(self, function: Callable[[], object], /) -> bool:
        """Call *function* in the loop, soon, from any thread; False, and no call, where the loop is gone."""
        ...

    def call_next(self, function: Callable[[], object], /) -> None:
        """Call *function* after what can run now, or at once; in the loop itself, and without waking it."""
        ...

    def spawn(self, work: Callable[[], Awaitable[object]], /) -> bool:
        """Run *work*, which must not raise, as a task of the loop, from any thread; False where the loop is gone."""
        ...

    def watch(self, sock: socket.socket, ready: Callable[[], object], /) -> Callable[[], object]:
        """Call *ready* whenever *sock* can be read; in the loop, as is what this gives: it ends the watch."""
        ...


class Bell(Protocol):
    """What one task waits for, once. The loop's own primitive: 100,000 waiting calls have one each."""

    def wait(self) -> Awaitable[object]:
        """Give what to await until it rings."""
        ...

    def ring(self) -> object:
        """Ring, in the loop of the task that waits."""
        ...


class _AsyncioBell:
    __slots__ = ("_rung",)

    def __init__(self) -> None:
        self._rung = asyncio.get_running_loop().create_future()

    def wait(self) -> Awaitable[object]:
        return self._rung

    def ring(self) -> None:
        if not self._rung.done():  # cancelled with its task, maybe
            self._rung.set_result(None)


class _TrioBell:
    __slots__ = ("_rung",)

    def __init__(self) -> None:
        self._rung = sys.modules["trio"].Event()

    def wait(self) -> Awaitable[object]:
        waiting: Awaitable[object] = self._rung.wait()
        return waiting

    def ring(self) -> None:
        self._rung.set()


class _AsyncioLoop:
    """A loop of asyncio, or one that stands in for it, such as uvloop's."""

    __slots__ = ("__weakref__", "native")

    _tasks: Final[set[asyncio.Task[None]]] = set()  # asyncio itself holds its tasks only weakly

    def __init__(self, native: weakref.ref[Any]) -> None:
        self.native = native

    def is_alive(self) -> bool:
        loop = self.native()
        return loop is not None and not loop.is_closed()

    def is_running(self) -> bool:
        loop = self.native()
        return loop is not None and bool(loop.is_running())

    def call_soon(self, function: Callable[[], object], /) -> bool:
        loop = self.native()
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:  # it is closed, maybe just now by another thread
            return False
        return True

    def call_next(self, function: Callable[[], object], /) -> None:
        asyncio.get_running_loop().call_soon(function)

    def spawn(self, work: Callable[[], Awaitable[object]], /) -> bool:
        async def run() -> None:
            await work()

        def begin() -> None:
            task = asyncio.get_running_loop().create_task(run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return self.call_soon(begin)

    def watch(self, sock: socket.socket, ready: Callable[[], object], /) -> Callable[[], object]:
        loop, file = asyncio.get_running_loop(), sock.fileno()
        try:
            loop.add_reader(file, ready)
        except NotImplementedError:  # Windows' own loop
            return _watch(self, sock, ready)

        def end() -> None:
            if not loop.is_closed():
                loop.remove_reader(file)

        return end

    def __repr__(self) -> str:
        return f"<asyncio loop, {'alive' if self.is_alive() else 'gone'}>"


class _TrioLoop:
    """One run of trio, known by its token."""

    __slots__ = ("__weakref__", "native")

    def __init__(self, native: weakref.ref[Any]) -> None:
        self.native = native

    def is_alive(self) -> bool:
        return self._enter(_nothing, idempotent=True)  # trio has no other question for it

    is_running = is_alive

    def call_soon(self, function: Callable[[], object], /) -> bool:
        return self._enter(function, idempotent=False)

    def call_next(self, function: Callable[[], object], /) -> None:
        function()  # trio would wake itself through a socket

    def spawn(self, work: Callable[[], Awaitable[object]], /) -> bool:
        def begin() -> None:
            try:
                sys.modules["trio"].lowlevel.spawn_system_task(work)
            except RuntimeError:  # the run is ending and takes no more tasks
                return

        return self._enter(begin, idempotent=False)

    def watch(self, sock: socket.socket, ready: Callable[[], object], /) -> Callable[[], object]:
        return _watch(self, sock, ready)

    def _enter(self, function: Callable[[], object], *, idempotent: bool) -> bool:
        token = self.native()
        if token is None:
            return False
        try:
            token.run_sync_soon(function, idempotent=idempotent)
        except sys.modules["trio"].RunFinishedError:
            return False
        return True

    def __repr__(self) -> str:
        return f"<trio run, {'alive' if self.is_alive() else 'gone'}>"


_known: Final[dict[int, _AsyncioLoop | _TrioLoop]] = {}  # by the loop's id, until the loop goes


def bell() -> Bell:
    """Give a bell for a task of the running loop."""
    return _TrioBell() if _in_trio() else _AsyncioBell()


def current_loop() -> Loop:
    """
    Give the handle of the running loop.

    Raises:
        RuntimeError: No loop runs in this thread.
    """
    if _in_trio():
        return _handle(sys.modules["trio.lowlevel"].current_trio_token(), _TrioLoop)
    return _handle(asyncio.get_running_loop(), _AsyncioLoop)


def current_loop_or_none() -> Loop | None:
    """Give the running event loop, if any: a finaliser may run where there is none."""
    try:
        return current_loop()
    except RuntimeError:
        return None


def is_cancelled() -> bool:
    """
    Say whether this task itself is being cancelled: a cancellation that comes out of a call may be another task's.

    In trio it is always this one's.
    """
    if _in_trio() or anyio.current_effective_deadline() == -math.inf:
        return True
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _in_trio() -> bool:
    # asyncio must not import trio; and trio comes first, because under trio's guest mode both of them run.
    trio = sys.modules.get("trio.lowlevel")
    return trio is not None and bool(trio.in_trio_task())


def _handle(native: object, kind: type[_AsyncioLoop | _TrioLoop]) -> Loop:
    key = id(native)
    handle = _known.get(key)
    if handle is None or handle.native() is not native:

        def forget(gone: weakref.ref[Any]) -> None:
            if (known := _known.get(key)) is not None and known.native is gone:
                del _known[key]

        handle = _known[key] = kind(weakref.ref(native, forget))
    return handle


def _watch(loop: Loop, sock: socket.socket, ready: Callable[[], object]) -> Callable[[], object]:
    """Watch by a task of the loop's own."""
    scope = anyio.CancelScope()

    async def work() -> None:
        with scope, suppress(anyio.ClosedResourceError, OSError):
            while True:
                await anyio.wait_readable(sock)
                ready()

    loop.spawn(work)
    return scope.cancel


def _nothing() -> None:
    """Do nothing, in trio's own time."""
