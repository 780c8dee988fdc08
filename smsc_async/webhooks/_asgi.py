"""
The receiver as an ASGI app: bodies read under a cap and a deadline, errors turned into answers.

====== ====================================================================================================
200    the event is taken: handled, or stored; or it is a repeat of such a one
400    it is no callback; the gateway comes again, 50 times in 200 minutes, which is time to mend an address
403    it does not prove where it comes from; likewise
413    it is larger than any callback
503    ours: a handler or the store failed, or there is too much to do; the gateway comes again
====== ====================================================================================================

Never 404, which makes the gateway drop the event, and never a redirect. It answers on every path below its own.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from smsc_async.webhooks._delivery import Reply
from smsc_async.webhooks._reader import MAX_BODY

if TYPE_CHECKING:
    from smsc_async.clock import Clock

__all__ = ["Receive", "Scope", "Send", "Server"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_log: Final = logging.getLogger("smsc_async.webhooks")

_TOO_LARGE: Final = Reply(413, f"no callback has more than {MAX_BODY} bytes")
_TOO_SLOW: Final = Reply(400, "the body did not come in time")
_TOO_MANY: Final = Reply(503, "too many requests at a time; come again")
_NO_POST: Final = Reply(400, "this address takes the gateway's callbacks, which are sent by POST")


class Application(Protocol):
    """What is behind the app."""

    def running(self) -> AbstractAsyncContextManager[object]:
        """Give what lasts as long as the server does."""
        ...

    async def handle(self, body: bytes, *, content_type: str, query: bytes) -> Reply:
        """Take a callback, and say what to answer."""
        ...


class Server:
    """Speaks ASGI for a receiver (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

    def __init__(self, clock: Clock, *, body_timeout: float, max_concurrency: int) -> None:
        self._clock = clock
        self._body_timeout = body_timeout
        self._most = max_concurrency
        self._busy = 0

    async def serve(self, app: Application, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what the server asks."""
        match scope["type"]:
            case "http":
                reply = await self._http(app, scope, receive)
                if reply is not None:
                    await _send(send, reply)
            case "lifespan":
                await _lifespan(app, receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1003})

    async def _http(self, app: Application, scope: Scope, receive: Receive) -> Reply | None:
        if scope["method"] != "POST":
            return _NO_POST
        if self._busy >= self._most:
            return _TOO_MANY
        self._busy += 1
        try:
            headers = dict(reversed(scope["headers"]))
            length = headers.get(b"content-length", b"0")
            if length.isdigit() and (len(length) > 9 or int(length) > MAX_BODY):  # noqa: PLR2004 - digits of any size
                return _TOO_LARGE
            body: bytes | Reply | None = _TOO_SLOW
            with self._clock.deadline(self._clock.now() + self._body_timeout):
                body = await _body(receive)
            if not isinstance(body, bytes):
                return body
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            return await app.handle(body, content_type=content_type, query=scope["query_string"])
        finally:
            self._busy -= 1


async def _body(receive: Receive) -> bytes | Reply | None:
    """Read it all; None where the client went away."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False) and len(body) <= MAX_BODY:
        return body
    parts = bytearray(body)
    while message["type"] == "http.request" and message.get("more_body", False) and len(parts) <= MAX_BODY:
        message = await receive()
        parts += message.get("body", b"")
    if message["type"] != "http.request":
        return None
    return _TOO_LARGE if len(parts) > MAX_BODY else bytes(parts)


async def _send(send: Send, reply: Reply) -> None:
    body = reply.text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(app: Application, receive: Receive, send: Send) -> None:
    await receive()
    under_way = "startup"
    try:
        async with app.running():
            await send({"type": "lifespan.startup.complete"})
            under_way = "shutdown"
            await receive()
    except Exception as error:  # noqa: BLE001 - the server is told
        _log.exception("the receiver does not run")
        await send({"type": f"lifespan.{under_way}.failed", "message": str(error)})
        return
    await send({"type": "lifespan.shutdown.complete"})
