"""The obvious way to take callbacks, as a good engineer writes it: `parse_qsl`, `hashlib`, cattrs and a set."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from benchmarks.receivers.bare import answer, body_of
from benchmarks.receivers.posted import CHARSET, SECRET
from smsc_async.statuses import DeliveryError, MessageFlags, MessageStatus, MessageType
from smsc_async.values import LocalTime
from smsc_async.webhooks import CallConfirmation, DeliveryStatus, Event, IncomingMessage, Signature

__all__ = ["App", "Forged", "made", "parse"]

_SIGNATURE: Final = Signature("md5", "as received")  # ours has one in each event
_RENAMED: Final[dict[Any, dict[str, str]]] = {
    DeliveryStatus: {
        "changed_at": "ts",
        "error": "err",
        "operator_error": "syserr",
        "count": "cnt",
        "flags": "flag",
        "comment": "cmt",
    },
    IncomingMessage: {
        "text": "mes",
        "reply_to": "sms_id",
        "service_centre": "smsc",
        "sent_at": "sent",
        "received_at": "time",
    },
    CallConfirmation: {"called_at": "ts"},
}
_HOOKS: Final[dict[Any, Callable[[Any, Any], Any]]] = {
    Decimal: lambda value, _: Decimal(value),
    datetime: lambda value, _: datetime.fromtimestamp(int(value), UTC),
    LocalTime: lambda value, _: LocalTime(value),
    MessageStatus: lambda value, _: MessageStatus(int(value)),
    DeliveryError: lambda value, _: DeliveryError(int(value)),
    MessageType: lambda value, _: MessageType(int(value)),
    MessageFlags: lambda value, _: MessageFlags(int(value)),
    Signature: lambda value, _: value,
}


class Forged(Exception):
    """The digest is not that of the fields."""


def _converter() -> cattrs.Converter:
    """Give a default converter that was told just the names and the classes of the fields."""
    converter = cattrs.Converter()
    for cls, hook in _HOOKS.items():
        converter.register_structure_hook(cls, hook)
    for cls, names in _RENAMED.items():
        attrs.resolve_types(cls)
        renamed: dict[str, Any] = {name: override(rename=wire) for name, wire in names.items()}
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, **renamed))
    return converter


_CONVERTER: Final = _converter()


def parse(body: bytes) -> Event:
    """
    Give the event of a form.

    Raises:
        Forged: Its digest does not match.
        KeyError, ValueError, cattrs.BaseValidationError: It is no callback.
    """
    fields: dict[str, Any] = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding=CHARSET))
    cls: Any
    signed: tuple[str, ...]
    if "mes" in fields:
        cls, signed = IncomingMessage, (fields["phone"], fields["mes"], fields["to"])
    elif "waitcall" in fields:
        cls, signed = CallConfirmation, (fields["phone"], fields["ts"])
    else:
        cls, signed = DeliveryStatus, (fields["id"], fields["phone"], fields["status"])
    expected = hashlib.md5(":".join([*signed, SECRET]).encode(CHARSET)).hexdigest()
    if not hmac.compare_digest(expected.encode(), fields["md5"].encode()):
        raise Forged
    fields["signature"] = _SIGNATURE
    return _CONVERTER.structure(fields, cls)  # type: ignore[no-any-return]


class App:
    """
    An ASGI app that hands each event to one function, and repeats to nobody.

    Args:
        handle: The function.
    """

    def __init__(self, handle: Callable[[Event], Awaitable[None]]) -> None:
        self._handle = handle
        self._seen: set[object] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        body = await body_of(receive)
        try:
            event = parse(body)
        except Forged:
            await answer(send, 403, b"the digest does not match")
            return
        except (KeyError, ValueError, cattrs.BaseValidationError):
            await answer(send, 400, b"it is no callback")
            return
        key = _key(event)
        if key not in self._seen:
            await self._handle(event)
            self._seen.add(key)
        await answer(send, 200, b"OK")


def _key(event: Event) -> tuple[object, ...]:
    """Give what repeats of an event have in common."""
    match event:
        case DeliveryStatus():
            return event.id, event.phone, event.status, event.error, event.changed_at
        case IncomingMessage():
            return event.id, event.phone, event.to, event.received_at, event.text
        case CallConfirmation():
            return event.phone, event.called_at


def made(tally: Any, _: Path) -> App:
    """Make the app of one process."""
    return App(tally.handle)
