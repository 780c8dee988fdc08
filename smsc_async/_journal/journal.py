"""The journal of one session: written before a paid call leaves, and asked what earlier processes have left open."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import attrs

from smsc_async._journal import rows
from smsc_async._journal.calls import Entry, UnresolvedCall, unresolved
from smsc_async._journal.striking import Striking
from smsc_async._sqlite import GroupCommit, SqliteFile
from smsc_async._state_folder import make_private, state_folder
from smsc_async.errors import OutcomeStillUnknown
from smsc_async.values import Listing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from smsc_async._journal.rows import Row
    from smsc_async._telling import Telling

__all__ = ["Journal", "default_path"]

_BUSY_TIMEOUT: Final = 5.0  # seconds to wait for other processes; a transaction takes milliseconds
_NAME: Final = "journal.db"

#: The keys of rows that this process has under way, or is about to strike, whichever journal wrote them.
_OWN: Final[set[str]] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_OWN.clear)  # what the parent has under way is its own


def default_path() -> Path:
    """
    Say where the journal is by default.

    Raises:
        RuntimeError: The user has no home.
    """
    return state_folder() / _NAME


class Journal:
    """
    The rows of one account, for all event loops and threads of the process; the file may have those of others.

    A row that this process wrote is its own until it is struck, or its call's outcome is lost: it is not held against
    other calls of this process, and not listed.

    Args:
        path: Of the file; absolute.
        account: What the account is known by.
        telling: Told what goes wrong where no call can be.
        folder: The file's, where it is to be made.
    """

    def __init__(self, path: Path, account: str, telling: Telling, *, folder: Path | None = None) -> None:
        self._account = account
        self._telling = telling
        self._commits = GroupCommit(_File(path, folder))
        self._here = self._new_here()
        self._announced = False

    # ---------------------------------------------------------------- a call's way through it

    async def enter(self, entry: Entry, *, exclusive: bool, force: bool, telling: Telling) -> Entry:
        """
        Write down a call that is about to be sent; return when that is on the disk. The row is given.

        Args:
            entry: What to write. Where the process holds a row of the same subject, that one serves.
            exclusive: Whether an unresolved call on the subject is held against it.
            force: Not even then.
            telling: Told of what was found, at the first time.

        Raises:
            OutcomeStillUnknown: An earlier call on the subject is unresolved; nothing was written.
            JournalUnavailable: It cannot be written.
        """
        here = self._process()
        if exclusive and (held := here.held.pop((entry.endpoint, entry.subject), None)) is not None:
            return held
        left = here.striking.left()
        announced = self._announced

        def write(db: sqlite3.Connection) -> tuple[list[Row], list[Row]]:
            rows.strike(db, self._account, left)
            before = [] if announced else _foreign(rows.every(db, self._account))
            older = _foreign(rows.of_subject(db, self._account, entry.endpoint, entry.subject))
            if not exclusive:  # side by side: those that are under way elsewhere are none of its business
                older = [row for row in older if row[-1] is not None]
            if not exclusive or force or not older:
                rows.add(db, self._account, entry)
            return before, older

        _OWN.add(entry.key)
        try:
            before, older = await self._commits.run(write)
        except Exception:
            here.striking.leave([entry.key])  # it may stand there all the same
            raise
        except BaseException:  # a cancellation: nothing was sent, whether it stands there or not
            here.striking.add([entry.key], grace=0.0)
            raise
        here.striking.struck(left)
        _OWN.difference_update(left)
        self._announce(before, telling)
        if exclusive and older and not force:
            _OWN.discard(entry.key)
            raise OutcomeStillUnknown(entry.endpoint, entry.subject, _said_of(unresolved(older)[-1]))
        entry.older = tuple(row[0] for row in older)
        return entry

    def answered(self, entry: Entry, *, more: bool) -> None:
        """
        Hear that a call was carried out, and its value is on the way to the caller.

        Args:
            entry: Its row, which is struck a moment later, with those that it was made in spite of.
            more: Whether more requests belong to the call, so that the row stays until they have an end too.
        """
        if more:
            entry.held = True
            self._process().held[entry.endpoint, entry.subject] = entry
        else:
            self._strike_soon((entry.key, *entry.older))

    async def unpaid(self, entry: Entry) -> None:
        """Hear that a request was not carried out; the row is struck, before another call on the subject can begin."""
        here = self._process()
        if entry.held:  # other requests of the call were
            here.held[entry.endpoint, entry.subject] = entry
            return
        try:
            await self._commits.run(partial(rows.strike, account=self._account, keys=[entry.key]))
        except Exception:
            here.striking.leave([entry.key])
            raise
        except BaseException:
            here.striking.add([entry.key], grace=0.0)
            raise
        _OWN.discard(entry.key)

    async def lose(self, entry: Entry, reason: str, *, more: bool) -> None:
        """
        Note that nobody knows whether a call was carried out. Where that cannot be noted, the row stays without an end.

        Args:
            entry: Its row.
            reason: Why.
            more: Whether the call may be found, and more requests belong to it.
        """
        _OWN.discard(entry.key)
        if more:
            self._process().lost[entry.endpoint, entry.subject] = entry
        await self._commits.run(partial(rows.lose, account=self._account, entry=entry, reason=reason))

    async def lose_held(self, endpoint: str, subject: str, reason: str) -> None:
        """Note that a call was broken off when a part of it had been carried out."""
        if (entry := self._process().held.pop((endpoint, subject), None)) is not None:
            await self.lose(entry, reason, more=False)

    def release(self, endpoint: str, subject: str) -> None:
        """Hear that the caller is told how much of a call was carried out."""
        if (entry := self._process().held.pop((endpoint, subject), None)) is not None:
            self.answered(entry, more=False)

    # ---------------------------------------------------------------- what became of calls

    async def found(self, endpoint: str, subject: str, *, more: bool) -> None:
        """
        Hear that it was found out what became of calls on a subject; who asked is told in a moment.

        Args:
            endpoint: The calls'.
            subject: What they are about.
            more: Whether more requests belong to the call, so that the row stays until they have an end too.
        """
        here = self._process()
        entry = here.lost.pop((endpoint, subject), None)
        if more and entry is not None:
            _OWN.add(entry.key)
            self.answered(entry, more=True)
            return

        def look(db: sqlite3.Connection) -> list[Row]:
            return _foreign(rows.of_subject(db, self._account, endpoint, subject))

        self._strike_soon([row[0] for row in await self._commits.run(look)])

    async def settle(self, call: UnresolvedCall) -> bool:
        """Strike the row of a call that the caller has found out about; say whether none on its subject is left."""

        def strike(db: sqlite3.Connection) -> bool:
            rows.strike(db, self._account, [call.key])
            return not _foreign(rows.of_subject(db, self._account, call.endpoint, call.subject))

        return await self._commits.run(strike)

    async def unresolved(self) -> Listing[UnresolvedCall]:
        """Give the calls whose end nobody has noted, but those of this process that are under way."""
        self._announced = True

        def look(db: sqlite3.Connection) -> list[Row]:
            return _foreign(rows.every(db, self._account))

        return Listing(unresolved(await self._commits.run(look)))

    # ---------------------------------------------------------------- the end

    async def aclose(self) -> None:
        """Strike what can be struck, and close the file; it is opened again when it is needed."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.close, limiter=anyio.CapacityLimiter(1))

    def close(self) -> None:
        """Do the same in this thread."""
        self._process().striking.finish()
        self._commits.close()

    def __repr__(self) -> str:
        """Say whether this process has the file open."""
        return f"<Journal {'open' if self._commits.is_open else 'not open'}>"

    # ---------------------------------------------------------------- within

    def _process(self) -> _Here:
        if self._here.pid != os.getpid():
            self._here = self._new_here()
        return self._here

    def _new_here(self) -> _Here:
        return _Here(Striking(partial(_strike, self._commits, self._account), self._telling.row_left))

    def _strike_soon(self, keys: Iterable[str]) -> None:
        struck = list(keys)
        _OWN.update(struck)
        self._process().striking.add(struck)

    def _announce(self, before: Sequence[Row], telling: Telling) -> None:
        if before and not self._announced:
            telling.left_unresolved(unresolved(before))
        self._announced = True


class _File(SqliteFile):
    """The file, and its folder where that is to be made."""

    def __init__(self, path: Path, folder: Path | None) -> None:
        super().__init__(path, _BUSY_TIMEOUT, rows.LAYOUT)
        self._folder = folder

    def connect(self) -> sqlite3.Connection:
        if self._folder is not None:
            make_private(self._folder)
        return super().connect()


@attrs.define(eq=False)
class _Here:
    """What belongs to one process: after a fork, the child has other calls than its parent."""

    striking: Striking
    pid: int = attrs.field(factory=os.getpid)
    held: dict[tuple[str, str | None], Entry] = attrs.field(factory=dict)  # of calls of which a part was carried out
    lost: dict[tuple[str, str | None], Entry] = attrs.field(factory=dict)  # of those whose other parts are unknown


def _strike(commits: GroupCommit, account: str, keys: list[str]) -> None:
    commits.run_in_thread(partial(rows.strike, account=account, keys=keys))
    _OWN.difference_update(keys)


def _foreign(found: Iterable[Row]) -> list[Row]:
    """Give the rows that are not this process's own; within the transaction, or one may have been struck meanwhile."""
    return [row for row in found if row[0] not in _OWN]


def _said_of(call: UnresolvedCall) -> str:
    return f"one of {call.opened_at:%Y-%m-%d %H:%M:%S %Z} is in the journal without a known end ({call.reason})"
