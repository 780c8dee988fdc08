"""What each method of an SQLite store does to the rows, within a transaction of somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from smsc_async.webhooks.stores import FORGOTTEN_AT_ONCE, Claim, Entry, Standing

if TYPE_CHECKING:
    import sqlite3

__all__ = ["add", "claim", "due", "extend", "feed", "forget", "mark", "release", "settle"]

_READY: Final = """
    settled_at IS NULL AND ready_at <= :now AND (subject = x'' OR NOT EXISTS (
        SELECT 1 FROM events AS other
        WHERE other.subject = events.subject AND other.subject <> x''
            AND other.claimed AND other.ready_at > :now AND other.settled_at IS NULL
    ))
"""
_WANTED: Final = "SELECT ready_at, id, key, payload, subject, progress, attempts FROM events"
_BY_KEY: Final = f"{_WANTED} WHERE key = :key AND {_READY}"
# One kind at a time: so the index gives it at once, however many of other kinds wait.
_NEXT: Final = f"{_WANTED} WHERE kind = :kind AND {_READY} ORDER BY ready_at, id LIMIT 1"
_HELD: Final = "id = :id AND attempts = :attempt AND claimed AND settled_at IS NULL"


def add(db: sqlite3.Connection, entry: Entry, now: float) -> Standing:
    """Keep *entry* unless it is known."""
    known = db.execute("SELECT settled_at FROM events WHERE key = ?", (entry.key,)).fetchone()
    if known is not None:
        return Standing.WAITING if known[0] is None else Standing.SETTLED
    db.execute(
        "INSERT INTO events (key, kind, payload, subject, progress, ready_at) VALUES (?, ?, ?, ?, ?, ?)",
        (entry.key, entry.kind, entry.payload, _octets(entry.subject), entry.progress, now),
    )
    return Standing.NEW


def claim(db: sqlite3.Connection, wanted: str | frozenset[str], now: float, lease: float) -> Claim | None:
    """Take an event that waits."""
    if isinstance(wanted, str):
        found = db.execute(_BY_KEY, {"key": wanted, "now": now}).fetchone()
    else:
        found = _next(db, wanted, now)
    if found is None:
        return None
    _, number, key, payload, subject, progress, attempts = found
    attempt = attempts + 1
    db.execute("UPDATE events SET claimed = 1, attempts = ?, ready_at = ? WHERE id = ?", (attempt, now + lease, number))
    handled = db.execute("SELECT handler FROM marks WHERE event = ?", (number,))
    return Claim(
        key=key,
        payload=payload,
        token=f"{number}.{attempt}",
        attempt=attempt,
        handled=frozenset(handler for (handler,) in handled),
        stale=_advance(db, subject, progress),
    )


def mark(db: sqlite3.Connection, claim: Claim, handler: str) -> None:
    """Note that *handler* has had the event, whoever has it now."""
    number, _ = _held(claim)
    db.execute(
        "INSERT OR IGNORE INTO marks SELECT id, ? FROM events WHERE id = ? AND settled_at IS NULL", (handler, number)
    )


def extend(db: sqlite3.Connection, claim: Claim, until: float) -> None:
    """Let the lease run until then."""
    number, attempt = _held(claim)
    db.execute(
        f"UPDATE events SET ready_at = :until WHERE {_HELD}",  # noqa: S608 - constants
        {"until": until, "id": number, "attempt": attempt},
    )


def settle(db: sqlite3.Connection, claim: Claim, now: float) -> None:
    """Note that all handlers have had the event."""
    number, attempt = _held(claim)
    done = db.execute(
        f"UPDATE events SET claimed = 0, settled_at = :now WHERE {_HELD}",  # noqa: S608 - constants
        {"now": now, "id": number, "attempt": attempt},
    )
    if done.rowcount:
        db.execute("DELETE FROM marks WHERE event = ?", (number,))


def release(db: sqlite3.Connection, claim: Claim, at: float) -> None:
    """Give the claim up."""
    number, attempt = _held(claim)
    db.execute(
        f"UPDATE events SET claimed = 0, ready_at = :at WHERE {_HELD}",  # noqa: S608 - constants
        {"at": at, "id": number, "attempt": attempt},
    )


def due(db: sqlite3.Connection, kinds: frozenset[str], now: float) -> float | None:
    """Say when an event of *kinds* may next be claimed."""
    if _next(db, kinds, now) is not None:
        return now
    later = "SELECT min(ready_at) FROM events WHERE kind = ? AND settled_at IS NULL AND ready_at > ?"
    moments = [db.execute(later, (kind, now)).fetchone()[0] for kind in kinds]
    return min((moment for moment in moments if moment is not None), default=None)


def feed(db: sqlite3.Connection, position: int | None, limit: int) -> tuple[list[bytes], int]:
    """Give payloads that were added behind *position*."""
    if position is None:
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
        return [], last
    rows = db.execute("SELECT id, payload FROM events WHERE id > ? ORDER BY id LIMIT ?", (position, limit)).fetchall()
    return [payload for _, payload in rows], rows[-1][0] if rows else position


def forget(db: sqlite3.Connection, settled_before: float) -> None:
    """Forget a few of the events that were settled long ago, and how far a subject is with the last event of it."""
    gone = db.execute(
        "SELECT id, subject FROM events WHERE settled_at IS NOT NULL AND settled_at <= ? ORDER BY settled_at LIMIT ?",
        (settled_before, FORGOTTEN_AT_ONCE),
    ).fetchall()
    for number, subject in gone:
        db.execute("DELETE FROM events WHERE id = ?", (number,))
        if subject:
            db.execute(
                "DELETE FROM subjects WHERE subject = :subject AND NOT EXISTS "
                "(SELECT 1 FROM events WHERE subject = :subject AND subject <> x'')",
                {"subject": subject},
            )


def _next(db: sqlite3.Connection, kinds: frozenset[str], now: float) -> tuple[Any, ...] | None:
    """Give the event of *kinds* that is ready for the longest."""
    found = [row for kind in kinds if (row := db.execute(_NEXT, {"kind": kind, "now": now}).fetchone()) is not None]
    return min(found, default=None)  # by moment, then by number: the columns behind are never compared


def _advance(db: sqlite3.Connection, subject: bytes, progress: float | None) -> bool:
    """Note how far the subject is, and say whether it was further along already."""
    if not subject or progress is None:
        return False
    known = db.execute("SELECT progress FROM subjects WHERE subject = ?", (subject,)).fetchone()
    if known is not None and progress < known[0]:
        return True
    if known is None or progress > known[0]:
        db.execute("INSERT OR REPLACE INTO subjects VALUES (?, ?)", (subject, progress))
    return False


def _held(claim: Claim) -> tuple[int, int]:
    number, _, attempt = claim.token.partition(".")
    return int(number), int(attempt)


def _octets(subject: str) -> bytes:
    """Give bytes: a text of SQLite's would end at a NUL for some of its functions, and could be no half surrogate."""
    return subject.encode("utf-8", "surrogatepass")
