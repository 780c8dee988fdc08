"""Our receiver, which keeps events in a file: an event is on the disk before it is acknowledged, and handled after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.receivers.ours import receiver
from smsc_async.webhooks import Receiver, SqliteStore

__all__ = ["made"]


def made(tally: Any, folder: Path) -> Receiver:
    """Make the app of one process."""
    app = receiver(store=SqliteStore(folder / "events.db"))
    app.on()(tally.handle)
    return app
