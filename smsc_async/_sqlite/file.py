"""A file of SQLite: made for its owner alone, opened so that a commit survives, and never taken for ours."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async.errors import InvalidArgument, InvalidArgumentType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsc_async.errors import JournalUnavailable, StoreUnavailable

__all__ = ["Layout", "SqliteFile", "checked_path"]

_PRIVATE: Final = 0o600  # it holds phones and texts
_TRIES: Final = 10  # to make the file a log, while another process may be at it too
_PAUSE: Final = 0.01  # seconds between them


@attrs.frozen
class Layout:
    """
    What is in a file of one kind.

    Args:
        application: Four letters that tell it from other files.
        version: Of the tables; a file of another version is left alone.
        tables: The statements that make them.
        unavailable: The error that says why a file cannot be used.
    """

    application: bytes
    version: int
    tables: Sequence[str]
    unavailable: type[StoreUnavailable | JournalUnavailable]


def checked_path(name: str, path: object, instead: str) -> Path:
    """
    Give *path* from the root on: a process that changes its folder later means the same file.

    Args:
        name: Of the argument.
        path: What was given for it.
        instead: What to do where no file is wanted.

    Raises:
        InvalidArgument: No file can have that path.
    """
    given = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(given, str):
        raise InvalidArgumentType(name, f"must be the path of a file, not {type(path).__name__}")
    if not given or given == ":memory:" or "\0" in given:
        raise InvalidArgument(name, f"must be the path of a file; {instead}")
    return Path(given).absolute()


class SqliteFile:
    """
    A file at a path.

    Args:
        path: Absolute.
        busy_timeout: Seconds to wait for other processes.
        layout: What is in it.
    """

    def __init__(self, path: Path, busy_timeout: float, layout: Layout) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._layout = layout
        self._application = int.from_bytes(layout.application, "big")
        self.unavailable: type[StoreUnavailable | JournalUnavailable] = layout.unavailable
        self._opened: tuple[int, int] | None = None

    def connect(self) -> sqlite3.Connection:
        """
        Open the file, or make it.

        Raises:
            StoreUnavailable, JournalUnavailable: It is something else, or newer than this code.
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
        See to it that what was opened is still at its path; else rows would go into a file that nobody can find.

        Raises:
            StoreUnavailable, JournalUnavailable: It is not.
        """
        with suppress(FileNotFoundError):
            if self._identity() == self._opened:
                return
        raise self.unavailable(f"{self._path} was moved or replaced while it was open")

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
        if application == self._application:
            known = self._layout.version
            if version != known:
                problem = f"{self._path} has the layout {version}, and this version of the package knows {known}"
                raise self.unavailable(problem)
            return False
        if application or version or _number(connection, "SELECT count(*) FROM sqlite_master"):
            raise self.unavailable(f"{self._path} is another application's database")
        return True

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        self._write_ahead(connection)
        connection.execute("BEGIN IMMEDIATE")
        if self._is_empty(connection):  # another process may have been quicker
            for statement in self._layout.tables:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self._application}")
            connection.execute(f"PRAGMA user_version = {self._layout.version}")
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
            raise self.unavailable(f"{self._path} is locked by another process")
        if mode != "wal":
            raise self.unavailable(f"{self._path} cannot have a write-ahead log ({mode}); is it on a network drive?")

    @staticmethod
    def _wait_at_most(connection: sqlite3.Connection, seconds: float) -> None:
        connection.execute(f"PRAGMA busy_timeout = {round(1_000 * seconds)}")


def _number(connection: sqlite3.Connection, question: str) -> int:
    (found,) = connection.execute(question).fetchone()
    return int(found)
