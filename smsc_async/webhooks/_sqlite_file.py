"""The file of an SQLite store of events: its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smsc_async._sqlite import Layout, SqliteFile
from smsc_async.errors import StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EventFile"]

_TABLES: Final = (
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
)


class EventFile(SqliteFile):
    """
    A file of events at a path.

    Args:
        path: Absolute.
        busy_timeout: Seconds to wait for other processes.
    """

    def __init__(self, path: Path, busy_timeout: float) -> None:
        super().__init__(path, busy_timeout, Layout(b"smsc", 1, _TABLES, StoreUnavailable))
