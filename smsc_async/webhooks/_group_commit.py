"""
Operations on an SQLite file, from an event loop: those that wait while the file is busy share one transaction.

A commit that survives a power cut costs a write to the disk, however much is in it. So one task leads: it has a worker
thread carry out what all tasks have asked for until then, and what they ask for meanwhile is the next transaction.

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
from typing import Any, Final, Generic, TypeVar

import anyio
import anyio.to_thread
import attrs

from smsc_async.errors import StoreUnavailable

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

    def wake(self) -> None:
        if self.news is not None:
            self.news.set()


@attrs.define(eq=False)
class _Desk:
    """What belongs to one process: a fork makes none of it usable in the child."""

    pid: int = attrs.field(factory=os.getpid)
    turn: threading.Lock = attrs.field(factory=threading.Lock)  # held by the thread that uses the connection
    hand: threading.Lock = attrs.field(factory=threading.Lock)  # held for a moment, to put a job down or take it up
    jobs: list[_Job[Any]] = attrs.field(factory=list)
    connection: sqlite3.Connection | None = None
    # Of the event loop alone:
    waiting: list[_Job[Any]] = attrs.field(factory=list)
    led: bool = False

    def drop(self) -> None:
        """Close the file. Whoever calls this has the turn."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


class GroupCommit:
    """
    Carries out operations, for the tasks of one event loop at a time.

    Args:
        connect: Opens the file.
        check: Raises if what was opened is no longer the file at its path.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], check: Callable[[], None]) -> None:
        self._connect = connect
        self._check = check
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
            StoreUnavailable: The file cannot be used now, or not at all.
        """
        desk = self._here()
        job: _Job[T] = _Job(operation)
        with desk.hand:
            desk.jobs.append(job)
        try:
            await self._done(desk, job)
        except BaseException:
            with desk.hand:
                taken = job.taken
                if not taken:
                    desk.jobs.remove(job)
            if taken:
                with anyio.CancelScope(shield=True):
                    await self._done(desk, job)
                    if undo is not None and job.error is None:
                        await undo(job.result)  # type: ignore[arg-type]
            raise
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]

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
                raise StoreUnavailable("the process was forked while the file was open; make a store of its own in it")
            desk = self._desk = _new_desk()
        return desk

    async def _done(self, desk: _Desk, job: _Job[Any]) -> None:
        """Return when *job* is over; lead if nobody does."""
        while not job.over:
            if desk.led:
                await self._woken(desk, job)
                continue
            desk.led = True
            try:
                # A limiter of its own: handlers that fill all worker threads do not hold the store up.
                await anyio.to_thread.run_sync(self._work, desk, limiter=anyio.CapacityLimiter(1))
            finally:
                desk.led = False
                _wake(desk)

    async def _woken(self, desk: _Desk, job: _Job[Any]) -> None:
        news = job.news = anyio.Event()
        desk.waiting.append(job)
        woken = False
        try:
            await news.wait()
            woken = True
        finally:
            desk.waiting.remove(job)
            job.news = None
            if not woken and not desk.led:
                _wake(desk)  # it may be the one that was to lead

    # ---------------------------------------------------------------- in a worker thread

    def _work(self, desk: _Desk) -> None:
        with desk.turn:
            with desk.hand:
                jobs, desk.jobs = desk.jobs, []
                for job in jobs:
                    job.taken = True
            if jobs:
                self._commit(desk, jobs)

    def _commit(self, desk: _Desk, jobs: Sequence[_Job[Any]]) -> None:
        try:
            if desk.connection is None:
                desk.connection = self._connect()
            else:
                self._check()
            results = _transaction(desk.connection, jobs)
        except Exception as error:  # noqa: BLE001 - each task gets it
            was_open = desk.connection is not None
            desk.drop()  # whatever state it is in
            if len(jobs) == 1 or not was_open or _is_busy(error):
                for job in jobs:
                    job.error = _told(error)
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


def _wake(desk: _Desk) -> None:
    """Wake the tasks whose jobs are over, and one of the others: it leads."""
    leads = False
    for job in desk.waiting:
        if job.over or not leads:
            leads = leads or not job.over
            job.wake()


def _is_busy(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _told(error: Exception) -> Exception:
    """Give an error for one task: raising the same one in several would mix their tracebacks."""
    if isinstance(error, StoreUnavailable):
        told = StoreUnavailable(error.reason)
    elif isinstance(error, sqlite3.Error | OSError):
        told = StoreUnavailable(str(error) or type(error).__name__)
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
