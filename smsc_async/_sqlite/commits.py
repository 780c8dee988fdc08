"""
Operations on an SQLite file, from event loops: those that wait while the file is busy share one transaction.

A commit that survives a power cut costs a write to the disk, however much is in it. So one task of an event loop leads:
it has a worker thread carry out what all its tasks have asked for until then, and what they ask for meanwhile is the
next transaction.

A task that is cancelled before the thread has begun its operation takes it back; after that it waits for the end, which
the file's busy timeout bounds. The threads take turns by a lock, for a task that leads may be gone before its thread.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import anyio
import anyio.to_thread
import attrs

from smsc_async._loops import current_loop
from smsc_async.errors import JournalUnavailable, StoreUnavailable

if TYPE_CHECKING:
    from smsc_async._loops import Loop
    from smsc_async._sqlite.file import SqliteFile

__all__ = ["GroupCommit"]

T = TypeVar("T")


@attrs.define(eq=False)
class _Job(Generic[T]):
    operation: Callable[[sqlite3.Connection], T]
    taken: bool = False  # by a thread; it can no longer be taken back
    over: bool = False
    result: T | None = None
    error: Exception | None = None
    news: anyio.Event | None = None  # wakes the task: its job is over, or it is to lead

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]

    def wake(self) -> None:
        if self.news is not None:
            self.news.set()


@attrs.define(eq=False)
class _Queue:
    """What the tasks of one event loop ask for."""

    jobs: list[_Job[Any]] = attrs.field(factory=list)
    users: int = 0  # tasks whose jobs are not over; without any it is forgotten
    # Of the event loop alone:
    waiting: list[_Job[Any]] = attrs.field(factory=list)
    led: bool = False


@attrs.define(eq=False)
class _Desk:
    """What belongs to one process: a fork makes none of it usable in the child."""

    pid: int = attrs.field(factory=os.getpid)
    turn: threading.Lock = attrs.field(factory=threading.Lock)  # held by the thread that uses the connection
    hand: threading.Lock = attrs.field(factory=threading.Lock)  # held for a moment, to put a job down or take it up
    queues: dict[Loop, _Queue] = attrs.field(factory=dict)
    connection: sqlite3.Connection | None = None

    def __del__(self) -> None:
        """Close the file of whoever forgot to."""
        self.drop()

    def enter(self, loop: Loop, job: _Job[Any]) -> _Queue:
        """Put a job down."""
        with self.hand:
            queue = self.queues.setdefault(loop, _Queue())
            queue.users += 1
            queue.jobs.append(job)
        return queue

    def leave(self, loop: Loop, queue: _Queue) -> None:
        """Forget a queue that nobody stands in, with the event loop that it belonged to."""
        with self.hand:
            queue.users -= 1
            if not queue.users:
                del self.queues[loop]

    def drop(self) -> None:
        """Close the file. Whoever calls this has the turn."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


class GroupCommit:
    """
    Carries out operations, for the tasks of any event loops, and for threads.

    Args:
        file: What they are carried out on.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._desk = _new_desk()

    @property
    def is_open(self) -> bool:
        """Whether the file is open in this process."""
        return self._desk.connection is not None and self._desk.pid == os.getpid()

    async def run(
        self, operation: Callable[[sqlite3.Connection], T], *, undo: Callable[[T], Awaitable[object]] | None = None
    ) -> T:
        """
        Carry out *operation* in a transaction, and give what it gives. It may be called more than once for that.

        Args:
            operation: Gets the connection, and may raise; then nothing was changed.
            undo: Called with what it gave, if the task was cancelled and cannot get that.

        Raises:
            StoreUnavailable, JournalUnavailable: The file cannot be used now, or not at all.
        """
        desk, loop = self._here(), current_loop()
        job: _Job[T] = _Job(operation)
        queue = desk.enter(loop, job)
        try:
            await self._done(desk, queue, job)
        except BaseException:
            with desk.hand:
                taken = job.taken
                if not taken:
                    queue.jobs.remove(job)
            if taken:
                with anyio.CancelScope(shield=True):
                    await self._done(desk, queue, job)
                    if undo is not None and job.error is None:
                        await undo(job.result)  # type: ignore[arg-type]
            raise
        finally:
            desk.leave(loop, queue)
        return job.outcome()

    def run_in_thread(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """
        Carry out *operation* in a transaction of its own, in this thread, which waits for it.

        Raises:
            StoreUnavailable, JournalUnavailable: The file cannot be used now, or not at all.
        """
        job: _Job[T] = _Job(operation)
        self._work(self._here(), _Queue([job]))
        return job.outcome()

    def close(self) -> None:
        """Close the file, after what is under way, which this thread waits for."""
        if self.is_open:
            _close(self._desk)

    async def aclose(self) -> None:
        """Close the file, after what is under way; it is opened again when it is needed."""
        if self.is_open:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_close, self._desk, limiter=anyio.CapacityLimiter(1))

    # ---------------------------------------------------------------- in the event loop

    def _here(self) -> _Desk:
        desk = self._desk
        if desk.pid != os.getpid():
            if desk.connection is not None:
                raise self._file.unavailable("the process was forked while the file was open; make another one in it")
            desk = self._desk = _new_desk()
        return desk

    async def _done(self, desk: _Desk, queue: _Queue, job: _Job[Any]) -> None:
        """Return when *job* is over; lead if nobody does."""
        while not job.over:
            if queue.led:
                await self._woken(queue, job)
                continue
            queue.led = True
            try:
                # A limiter of its own: handlers that fill all worker threads do not hold the store up.
                await anyio.to_thread.run_sync(self._work, desk, queue, limiter=anyio.CapacityLimiter(1))
            finally:
                queue.led = False
                _wake(queue)

    async def _woken(self, queue: _Queue, job: _Job[Any]) -> None:
        news = job.news = anyio.Event()
        queue.waiting.append(job)
        woken = False
        try:
            await news.wait()
            woken = True
        finally:
            queue.waiting.remove(job)
            job.news = None
            if not woken and not queue.led:
                _wake(queue)  # it may be the one that was to lead

    # ---------------------------------------------------------------- in a worker thread

    def _work(self, desk: _Desk, queue: _Queue) -> None:
        with desk.turn:
            with desk.hand:
                jobs, queue.jobs = queue.jobs, []
                for job in jobs:
                    job.taken = True
            if jobs:
                self._commit(desk, jobs)

    def _commit(self, desk: _Desk, jobs: Sequence[_Job[Any]]) -> None:
        try:
            if desk.connection is None:
                desk.connection = self._file.connect()
            else:
                self._file.check()
            results = _transaction(desk.connection, jobs)
        except Exception as error:  # noqa: BLE001 - each task gets it
            was_open = desk.connection is not None
            desk.drop()  # whatever state it is in
            if len(jobs) == 1 or not was_open or _is_busy(error):
                for job in jobs:
                    job.error = _told(error, self._file.unavailable)
                    job.over = True
            else:
                for job in jobs:  # the fault of one is not that of the others
                    self._commit(desk, [job])
        else:
            for job, result in zip(jobs, results, strict=True):
                job.result = result
                job.over = True


def _transaction(connection: sqlite3.Connection, jobs: Sequence[_Job[Any]]) -> list[Any]:
    """Carry out all or nothing; what goes wrong leaves it to the closing of the connection to roll back."""
    connection.execute("BEGIN IMMEDIATE")
    results = [job.operation(connection) for job in jobs]
    connection.execute("COMMIT")
    return results


def _close(desk: _Desk) -> None:
    with desk.turn:
        desk.drop()


def _wake(queue: _Queue) -> None:
    """Wake the tasks whose jobs are over, and one of the others: it leads."""
    leads = False
    for job in queue.waiting:
        if job.over or not leads:
            leads = leads or not job.over
            job.wake()


def _is_busy(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _told(error: Exception, unavailable: type[StoreUnavailable | JournalUnavailable]) -> Exception:
    """Give an error for one task: raising the same one in several would mix their tracebacks."""
    if isinstance(error, StoreUnavailable | JournalUnavailable):
        told = unavailable(error.reason)
    elif isinstance(error, sqlite3.Error | OSError):
        told = unavailable(str(error) or type(error).__name__)
    else:
        return error
    told.__cause__ = error
    return told


# Forks ----------------------------------------------------------------------------------------------------------------
#
# SQLite's locks are those of a process, and it counts them in memory, so a file that was open at a fork can be used, or
# even closed, in the parent only. Therefore it is closed before a fork, and either process opens it when it needs it.

_DESKS: Final[weakref.WeakSet[_Desk]] = weakref.WeakSet()
_held: Final[list[_Desk]] = []


def _new_desk() -> _Desk:
    desk = _Desk()
    _DESKS.add(desk)
    return desk


def _before_fork() -> None:
    for desk in list(_DESKS):
        if desk.pid == os.getpid():
            desk.turn.acquire()
            _held.append(desk)
            desk.drop()


def _after_fork() -> None:
    while _held:
        _held.pop().turn.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
