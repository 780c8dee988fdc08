"""Stores to test, and what to put into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smsc_async.webhooks.sqlite import SqliteStore
from smsc_async.webhooks.stores import Claim, Entry, MemoryStore, Store

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ANY", "KINDS", "NOW", "entry", "made", "taken"]

KINDS: Final = ("memory", "sqlite")
ANY: Final = frozenset({"Event", "Other"})
NOW: Final = 1_767_225_600.0


def made(kind: str, folder: Path, *, keep: float = 1_000.0) -> Store:
    """Give a store of that kind."""
    return MemoryStore(keep=keep) if kind == "memory" else SqliteStore(folder / "events.db", keep=keep)


def entry(key: str, subject: str = "", progress: float | None = None, *, kind: str = "Event") -> Entry:
    """Give an entry whose payload tells it."""
    return Entry(kind=kind, key=key, payload=f"payload of {key}".encode(), subject=subject, progress=progress)


async def taken(store: Store, wanted: str | frozenset[str] = ANY, *, now: float = NOW, lease: float = 60.0) -> Claim:
    """Claim what must be there."""
    claim = await store.claim(wanted, now=now, lease=lease)
    assert claim is not None
    return claim
