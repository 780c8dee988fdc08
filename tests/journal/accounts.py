"""Sessions with a journal, what stands in its file, and what another process would leave there."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from smsc_async import LocalGuard, Session
from smsc_async._journal import journal as room
from smsc_async._journal import rows
from smsc_async._journal.calls import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["BEGAN", "PHONE", "answering", "leave_open", "locked", "process", "session", "standing"]

PHONE = "380950000001"
BEGAN = 1_767_225_600.0  # the first second of 2026


def answering(*replies: object, seen: list[httpx.Request] | None = None) -> Callable[[], httpx.MockTransport]:
    """Make transports that answer with *replies* in turn, and with the last one from then on; a function is called."""
    queue = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        reply = queue.pop(0) if len(queue) > 1 else queue[0]
        reply = reply() if callable(reply) else reply
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

    return lambda: httpx.MockTransport(answer)


def session(path: Path, *replies: object, seen: list[httpx.Request] | None = None, **options: Any) -> Session:
    """Give a session with a journal, and a guard of its own, which is answered so."""
    arguments: dict[str, Any] = {"login": "alex", "password": "hidden word", "guard": LocalGuard(), "retry": None}
    return Session(**{**arguments, "journal": path, "transport": answering(*replies, seen=seen), **options})


@contextmanager
def process() -> Iterator[None]:
    """Be another process inside: what this one has under way is not its own there."""
    own = room._OWN.copy()
    room._OWN.clear()
    try:
        yield
    finally:
        room._OWN.update(own)


def standing(path: Path) -> list[tuple[str, str | None, str | None]]:
    """Read endpoint, subject and reason of the rows, as anybody could."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT endpoint, subject, reason FROM calls ORDER BY id").fetchall()


def leave_open(smsc: Session, path: Path, endpoint: str, subject: str, *recipients: str, reason: str = "") -> None:
    """Write a row as a process of the session's account does, and leave it, as one does that is killed."""
    account, key = smsc._conductor.shared.identity.account, f"{endpoint} {subject}"
    entry = Entry(key=key, endpoint=endpoint, subject=subject, recipients=recipients, opened_at=BEGAN)
    with closing(room._File(path, None).connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        rows.add(db, account, entry)
        if reason:
            rows.lose(db, account, entry, reason)
        db.execute("COMMIT")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file, as another process would that does not let go of it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")
