"""An ASGI app that reads the body and says OK: what any receiver costs on top of is in this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["answer", "body_of", "made"]


async def body_of(receive: Any) -> bytes:
    """Read the body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def answer(send: Any, status: int, text: bytes) -> None:
    """Send a response."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def made(tally: Any, _: Path) -> Any:
    """Make the app of one process."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        tally.take(await body_of(receive))
        await answer(send, 200, b"OK")

    return app
