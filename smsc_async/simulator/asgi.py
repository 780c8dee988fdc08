"""The few types of ASGI that the simulator speaks (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from anyio.lowlevel import checkpoint

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Read a request's whole body; None where the client went away before its end, or sent more than *limit* bytes."""
    message = await receive()
    if message["type"] != "http.request":
        return None
    body = bytes(message.get("body", b""))
    if not message.get("more_body", False):
        return body
    pieces = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            return None
    return b"".join(pieces)


async def send_reply(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a small reply in one piece."""
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def hang_up(receive: Receive, send: Send, *, flush: bool) -> bool:
    """
    Close the connection without another byte; False where the server gives no way to.

    ASGI has no word for it. uvicorn's `send` is a method of an object that holds the transport, so that one is aborted,
    or with *flush* closed after what it still holds; then `http.disconnect` is awaited, without which uvicorn would
    answer 500.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None or not hasattr(transport, "abort"):
        return False
    if flush:
        transport.close()
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
    return True


async def is_gone(send: Send) -> bool:
    """Tell whether the client has gone away, as far as the server shows it (uvicorn does)."""
    protocol = getattr(send, "__self__", None)
    transport = getattr(protocol, "transport", None)
    if transport is None:
        return False
    await checkpoint()  # uvicorn's `send` need not yield, and other requests want their answers too
    # The transport knows of a failed write at once, the protocol a turn of the loop later.
    return bool(getattr(protocol, "disconnected", False) or transport.is_closing())
