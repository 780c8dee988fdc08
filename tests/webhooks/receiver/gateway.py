"""A gateway that signs what it posts, and an ASGI server that has no network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio

from smsc_async.webhooks import Receiver
from tests.canaries import RUN

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

__all__ = ["SECRET", "call", "message", "post", "raw", "receiver", "status"]

SECRET: Final = RUN.callback
NOW: Final = 1_767_225_600  # the first second of 2026, when the clock of the tests begins


def signed(fields: dict[str, str], *names: str, charset: str = "utf-8") -> bytes:
    """Give the form of *fields* with the digest of those named."""
    text = ":".join([*(fields[name] for name in names), SECRET])
    digest = hashlib.sha1(text.encode(charset)).hexdigest()
    return urlencode({**fields, "sha1": digest}, encoding=charset).encode()


def status(number: int = 1, value: int = 1, *, phone: str = "380501234567", ts: int = NOW, **others: str) -> bytes:
    """Give the body of a delivery status."""
    fields = {"id": str(number), "phone": phone, "status": str(value), "ts": str(ts), **others}
    return signed(fields, "id", "phone", "status")


def message(text: str = "Привіт", *, number: int = 7, phone: str = "380501234567", charset: str = "utf-8") -> bytes:
    """Give the body of an incoming message."""
    fields = {"id": str(number), "phone": phone, "mes": text, "to": "380671112233", "time": str(NOW)}
    return signed(fields, "phone", "mes", "to", charset=charset)


def call(phone: str = "380501234567", *, ts: int = NOW) -> bytes:
    """Give the body of a call that confirms a phone."""
    return signed({"waitcall": "1", "phone": phone, "ts": str(ts)}, "phone", "ts")


def receiver(**options: Any) -> Receiver:
    """Make a receiver with the secret of these tests."""
    return Receiver(secret=SECRET, **options)


async def raw(
    app: Any,
    parts: Iterable[bytes] | AsyncIterable[bytes],
    *,
    method: str = "POST",
    path: str = "/",
    headers: Iterable[tuple[bytes, bytes]] = (),
    query: bytes = b"",
    gone: bool = False,
) -> tuple[int, str]:
    """Send a request in parts, as an ASGI server does; give status and text, or 0 where the app says nothing."""
    given = [part async for part in parts] if hasattr(parts, "__aiter__") else list(parts)
    messages = [
        {"type": "http.request", "body": part, "more_body": gone or number < len(given)}
        for number, part in enumerate(given, 1)
    ]
    if gone:
        messages.append({"type": "http.disconnect"})
    said: list[Any] = []

    async def receive() -> Any:
        await anyio.lowlevel.checkpoint()
        if not messages:
            await anyio.sleep_forever()
        return messages.pop(0)

    async def send(what: Any) -> None:
        said.append(what)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": list(headers),
        "query_string": query,
        "client": ("192.0.2.1", 1),
    }
    await app(scope, receive, send)
    if not said:
        return 0, ""
    return said[0]["status"], b"".join(part["body"] for part in said[1:]).decode()


async def post(app: Any, body: bytes, **options: Any) -> int:
    """Post a callback in one part; give the status of the answer."""
    code, _ = await raw(app, [body], **options)
    return code
