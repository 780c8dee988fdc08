"""Events in an SQLite file: what was acknowledged survives the process, and the power."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from smsc_async._sqlite import GroupCommit, checked_path
from smsc_async._wire import seconds
from smsc_async.errors import InvalidArgument
from smsc_async.webhooks import _sqlite_rows as rows
from smsc_async.webhooks._sqlite_file import EventFile
from smsc_async.webhooks.stores import KEEP

if TYPE_CHECKING:
    import os
    import sqlite3

    from smsc_async.webhooks.stores import Claim, Entry, Standing

__all__ = ["SqliteStore"]

_BUSY_TIMEOUT: Final = 5.0  # seconds; a transaction takes milliseconds, and the gateway hangs up after some time
_LONGEST_BUSY_TIMEOUT: Final = 60.0


class SqliteStore:
    """
    Keeps events in a file, which several processes of one machine may share.

    An event is acknowledged when it is on the disk. It is handed to the handlers after that, as long as
    ``receiver.running()`` lasts, by whichever process comes first; what a process had when it died is handed out again
    when its lease has run out. A handler that has returned does not get the event again, unless the process died in
    the moment between its return and the note of it.

    The file is made for its owner alone, with the first event, not here. Do not keep it on a network drive. It holds
    phones and texts until *keep* seconds after all handlers have had an event; one that no handler takes stays.

    A fork closes it for a moment, and parent and child may both go on.

    Args:
        path: Of the file; beside it SQLite keeps two more, with ``-wal`` and ``-shm`` at the end of their names.
        keep: Seconds for which settled events are remembered, so that their repeats are recognised.
        busy_timeout: Seconds to wait for other processes before an event is refused, and the gateway comes again.

    Raises:
        InvalidArgument: No file can have that path, or a number is out of bounds.
    """

    durable: bool = True

    def __init__(
        self, path: str | os.PathLike[str], *, keep: float = KEEP, busy_timeout: float = _BUSY_TIMEOUT
    ) -> None:
        self._path = checked_path("path", path, "MemoryStore keeps events without one")
        self._keep = seconds("keep", keep)
        if seconds("busy_timeout", busy_timeout) > _LONGEST_BUSY_TIMEOUT:
            raise InvalidArgument("busy_timeout", f"must be {_LONGEST_BUSY_TIMEOUT:g} s or less")
        self._commits = GroupCommit(EventFile(self._path, float(busy_timeout)))

    def __repr__(self) -> str:
        """Say which file it is, and whether this process has it open."""
        return f"<SqliteStore {str(self._path)!r} {'open' if self._commits.is_open else 'not open'}>"

    async def add(self, entry: Entry, *, now: float) -> Standing:
        """Keep *entry* unless it is known; say what it is."""

        def operation(db: sqlite3.Connection) -> Standing:
            rows.forget(db, now - self._keep)
            return rows.add(db, entry, now)

        return await self._commits.run(operation)

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        """Take an event that waits: the one of a key, or of some kinds the one that is ready for the longest."""

        async def undo(claim: Claim | None) -> None:
            if claim is not None:
                await self.release(claim, at=now)

        return await self._commits.run(lambda db: rows.claim(db, wanted, now, lease), undo=undo)

    async def mark(self, claim: Claim, handler: str) -> None:
        """Note that *handler* has had the event, so that it does not get it again; true whoever has the event now."""
        await self._commits.run(partial(rows.mark, claim=claim, handler=handler))

    async def extend(self, claim: Claim, *, until: float) -> None:
        """Let the lease run until then, if the claim still holds."""
        await self._commits.run(partial(rows.extend, claim=claim, until=until))

    async def settle(self, claim: Claim, *, now: float) -> None:
        """Note that all handlers have had the event."""
        await self._commits.run(partial(rows.settle, claim=claim, now=now))

    async def release(self, claim: Claim, *, at: float) -> None:
        """Give the claim up; the event waits, and may be claimed from the moment *at* on."""
        await self._commits.run(partial(rows.release, claim=claim, at=at))

    async def due(self, kinds: frozenset[str], *, now: float) -> float | None:
        """Say when one of *kinds* may next be claimed; None where none waits."""
        return await self._commits.run(partial(rows.due, kinds=kinds, now=now))

    async def feed(self, position: int | None, *, limit: int) -> tuple[list[bytes], int]:
        """Give payloads that were added behind *position*, in the order they came, and the position behind them."""
        return await self._commits.run(partial(rows.feed, position=position, limit=limit))

    async def aclose(self) -> None:
        """Close the file. It is opened again when it is needed."""
        await self._commits.aclose()
