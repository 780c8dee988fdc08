"""
The gateway's callbacks: verified, typed, handed to the application before they are acknowledged.

Source: https://smsc.ua/api/http/miscellaneous/callback/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smsc_async._waiting_calls import CallSeen, ExpectedCall
from smsc_async.webhooks._delivery import Reply
from smsc_async.webhooks._listening import Listening
from smsc_async.webhooks._settings import CallbackFormat, Charset, new_secret
from smsc_async.webhooks.events import (
    CallConfirmation,
    DeliveryStatus,
    Digest,
    Event,
    HlrResult,
    IncomingMessage,
    Signature,
    VoiceMenu,
)
from smsc_async.webhooks.receiver import Receiver, Register
from smsc_async.webhooks.stores import Claim, Entry, MemoryStore, Standing, Store

if TYPE_CHECKING:
    from smsc_async.webhooks.sqlite import SqliteStore

__all__ = [
    "CallConfirmation",
    "CallSeen",
    "CallbackFormat",
    "Charset",
    "Claim",
    "DeliveryStatus",
    "Digest",
    "Entry",
    "Event",
    "ExpectedCall",
    "HlrResult",
    "IncomingMessage",
    "Listening",
    "MemoryStore",
    "Receiver",
    "Register",
    "Reply",
    "Signature",
    "SqliteStore",
    "Standing",
    "Store",
    "VoiceMenu",
    "new_secret",
]


def __getattr__(name: str) -> Any:
    """Load the store on disk when it is first used: not every Python has SQLite."""
    if name == "SqliteStore":
        from smsc_async.webhooks.sqlite import SqliteStore  # noqa: PLC0415 - see above

        return SqliteStore
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
