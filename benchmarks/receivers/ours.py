"""Our receiver, which keeps events in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.receivers.posted import CHARSET, SECRET
from smsc_async.webhooks import Receiver, Store

__all__ = ["made", "receiver"]


def receiver(form: Any = "form", store: Store | None = None) -> Receiver:
    """Make one that expects what is posted here."""
    return Receiver(secret=SECRET, digest="md5", charset=CHARSET, format=form, store=store)


def made(tally: Any, _: Path) -> Receiver:
    """Make the app of one process."""
    app = receiver()
    app.on()(tally.handle)
    return app
