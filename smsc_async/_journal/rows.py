"""The tables of the journal, and what is done to its rows within a transaction of somebody else's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from smsc_async._sqlite import Layout
from smsc_async.errors import JournalUnavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from smsc_async._journal.calls import Entry

__all__ = ["LAYOUT", "Row", "add", "every", "lose", "of_subject", "strike"]

#: A row's key, endpoint, subject, recipients, moment, and reason, where there is one.
Row: TypeAlias = tuple[str, str, str | None, tuple[str, ...], float, str | None]

_TABLES: Final = (
    # A row without a `reason` is of a call whose end was not noted; with one, of a call that ended without an answer.
    """
    CREATE TABLE calls (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        subject TEXT,
        recipients TEXT NOT NULL,
        opened_at REAL NOT NULL,
        reason TEXT
    )
    """,
    "CREATE INDEX of_subject ON calls (account, endpoint, subject)",
)
LAYOUT: Final = Layout(b"smsj", 1, _TABLES, JournalUnavailable)

_SELECT: Final = "SELECT key, endpoint, subject, recipients, opened_at, reason FROM calls WHERE account = ?"


def add(db: sqlite3.Connection, account: str, entry: Entry) -> None:
    """Write a call down whose first byte has not left yet."""
    db.execute(
        "INSERT INTO calls (key, account, endpoint, subject, recipients, opened_at) VALUES (?, ?, ?, ?, ?, ?)",
        (entry.key, account, entry.endpoint, entry.subject, json.dumps(entry.recipients), entry.opened_at),
    )


def lose(db: sqlite3.Connection, account: str, entry: Entry, reason: str) -> None:
    """Note why nobody knows the end of a call; also where its row was struck, by somebody who paid in spite of it."""
    if not db.execute("UPDATE calls SET reason = ? WHERE key = ?", (reason, entry.key)).rowcount:
        add(db, account, entry)
        lose(db, account, entry, reason)


def strike(db: sqlite3.Connection, account: str, keys: Iterable[str]) -> None:
    """Strike rows out; what is not there need not be struck."""
    db.executemany("DELETE FROM calls WHERE account = ? AND key = ?", [(account, key) for key in keys])


def every(db: sqlite3.Connection, account: str) -> list[Row]:
    """Give the account's rows, the oldest first."""
    return _rows(db.execute(f"{_SELECT} ORDER BY id", (account,)))


def of_subject(db: sqlite3.Connection, account: str, endpoint: str, subject: str | None) -> list[Row]:
    """Give those of calls on a subject."""
    return _rows(db.execute(f"{_SELECT} AND endpoint = ? AND subject = ? ORDER BY id", (account, endpoint, subject)))


def _rows(found: sqlite3.Cursor) -> list[Row]:
    return [
        (key, endpoint, subject, tuple(json.loads(recipients)), opened_at, reason)
        for key, endpoint, subject, recipients, opened_at, reason in found
    ]
