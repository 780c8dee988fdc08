"""Asks the simulator in process, with as little between as possible: no client, no socket, and no event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, cast
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import attrs

from smsc_async.simulator import ManualTime, Simulator

FORM = [(b"content-type", b"application/x-www-form-urlencoded")]
CREDENTIALS = {"login": "demo", "psw": "demo"}


@attrs.define
class Reply:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def xml(self) -> ET.Element:
        """The body as XML."""
        return ET.fromstring(self.body)


def simulator(**options: Any) -> tuple[Simulator, ManualTime]:
    """Give a simulator and the time that moves it."""
    time = ManualTime()
    return Simulator(clock=time.now, sleep=time.sleep, **options), time


async def ask_async(
    app: Simulator,
    path: str,
    params: dict[str, Any],
    *,
    method: str = "POST",
    client: tuple[str, int] | None = ("127.0.0.1", 40000),
    host: str = "smsc.ua",
    body: bytes | None = None,
    headers: list[tuple[bytes, bytes]] | None = None,
    charset: str = "utf-8",
    query: bytes | None = None,
) -> Reply:
    """Send one request as an ASGI server would, and give the reply."""
    encoded = urlencode(params, encoding=charset).encode()
    if query is None:
        query = encoded if method in {"GET", "HEAD"} else b""
    content = (encoded if method == "POST" else b"") if body is None else body
    reply = Reply()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            reply.body += message["body"]

    scope = {
        "type": "http",
        "method": method,
        "path": path if path.startswith("/") else f"/sys/{path}.php",
        "query_string": query,
        "headers": [(b"host", host.encode()), *(FORM if headers is None else headers)],
        "client": client,
    }
    await app(scope, receive, send)
    return reply


def run(coroutine: Coroutine[Any, Any, Reply]) -> Reply:
    """Run a coroutine that never has to wait."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("Reply", end.value)
    coroutine.close()
    raise AssertionError("the simulator waits for time to pass")


def ask(app: Simulator, path: str, *, fmt: int | None = 3, **params: Any) -> Reply:
    """Ask with the right credentials, in UTF-8 and JSON unless told otherwise."""
    formats = {} if fmt is None else {"fmt": fmt}
    return run(ask_async(app, path, {**CREDENTIALS, "charset": "utf-8", **formats, **params}))


def errors(replies: list[Reply]) -> list[int]:
    """Give the error numbers of JSON replies, 0 for each that is none."""
    return [reply.json.get("error_code", 0) if isinstance(reply.json, dict) else 0 for reply in replies]


async def until_sleeping(time: ManualTime, count: int) -> None:
    """Let others run until so many sleep."""
    while time.sleeping < count:  # noqa: ASYNC110 - nobody tells when somebody falls asleep
        await asyncio.sleep(0)
