"""The file of an SQLite store: made for its owner alone, opened so that a commit survives, and never taken for ours."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from smsc_async.errors import StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EventFile"]

_APPLICATION: Final = int.from_bytes(b"smsc", "big")
_VERSION: Final = 1
_PRIVATE: Final = 0o600  # it holds phones and texts
_TRIES: Final = 10  # to make the file a log, while another process may be at it too
_PAUSE: Final = 0.01  # seconds between them

_SCHEMA: Final = (
    # `ready_at` is when an event may be claimed, or where it is claimed when the lease runs out. Ids are never given
    # twice, because they are the positions of a feed, and part of a claim's token.
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        payload BLOB NOT NULL,
        subject BLOB NOT NULL,
        progress REAL,
        attempts INTEGER NOT NULL DEFAULT 0,
        claimed INTEGER NOT NULL DEFAULT 0,
        ready_at REAL NOT NULL,
        settled_at REAL
    )
    """,
    "CREATE INDEX waiting ON events (kind, ready_at) WHERE settled_at IS NULL",
    "CREATE INDEX settled ON events (settled_at) WHERE settled_at IS NOT NULL",
    "CREATE INDEX of_subject ON events (subject) WHERE subject <> x''",
    """
    CREATE TABLE marks (
        event INTEGER NOT NULL,
        handler TEXT NOT NULL,
        PRIMARY KEY (event, handler)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE subjects (subject BLOB PRIMARY KEY, progress REAL NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)


class EventFile:
    """
    A file of events at a path.

    Args:
        path: Absolute.
        busy_timeout: Seconds to wait for other processes.
    """

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._opened: tuple[int, int] | None = None

    def connect(self) -> sqlite3.Connection:
        """
        Open the file, or make it.

        Raises:
            StoreUnavailable: It is something else, or newer than this code.
            OSError, sqlite3.Error: It cannot be opened.
        """
        self._make()
        self._opened = self._identity()
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            # In one transaction, hence of one moment: another process may be laying the file out.
            connection.execute("BEGIN")
            empty = self._is_empty(connection)
            connection.execute("COMMIT")
            if empty:
                self._lay_out(connection)
            # FULL: the log is on the disk when a commit returns; by itself WAL would lose the last ones to a power cut.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")  # on macOS, where fsync leaves it in the drive's cache
        except BaseException:
            connection.close()
            raise
        return connection

    def check(self) -> None:
        """
        See to it that what was opened is still at its path; else events would go into a file that nobody can find.

        Raises:
            StoreUnavailable: It is not.
        """
        with suppress(FileNotFoundError):
            if self._identity() == self._opened:
                return
        raise StoreUnavailable(f"{self._path} was moved or replaced while it was open")

    def _make(self) -> None:
        # Not if it is there: closing a file ends all locks that this process has on it, those of SQLite too.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE))

    def _identity(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_dev, found.st_ino

    def _is_empty(self, connection: sqlite3.Connection) -> bool:
        application = _number(connection, "PRAGMA application_id")
        version = _number(connection, "PRAGMA user_version")
        if application == _APPLICATION:
            if version != _VERSION:
                problem = f"{self._path} has the layout {version}, and this version of the package knows {_VERSION}"
                raise StoreUnavailable(problem)
            return False
        if application or version or _number(connection, "SELECT count(*) FROM sqlite_master"):
            raise StoreUnavailable(f"{self._path} is another application's database")
        return True

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        self._write_ahead(connection)
        connection.execute("BEGIN IMMEDIATE")
        if self._is_empty(connection):  # another process may have been quicker
            for statement in _SCHEMA:
                connection.execute(statement)
        connection.execute("COMMIT")

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        """Switch to a write-ahead log. Of two processes that do so at once SQLite refuses one without a wait."""
        mode = ""
        self._wait_at_most(connection, self._busy_timeout / _TRIES)
        for _ in range(_TRIES):
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(_PAUSE)
        self._wait_at_most(connection, self._busy_timeout)
        if not mode:
            raise StoreUnavailable(f"{self._path} is locked by another process")
        if mode != "wal":
            raise StoreUnavailable(f"{self._path} cannot have a write-ahead log ({mode}); is it on a network drive?")

    @staticmethod
    def _wait_at_most(connection: sqlite3.Connection, seconds: float) -> None:
        connection.execute(f"PRAGMA busy_timeout = {round(1_000 * seconds)}")


def _number(connection: sqlite3.Connection, question: str) -> int:
    (found,) = connection.execute(question).fetchone()
    return int(found)
