"""A client's handler, which writes down how it was called and answers what it is told to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import attrs


@attrs.frozen
class Called:
    """One call of the handler."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def form(self, charset: str = "windows-1251") -> dict[str, str]:
        """The body as a form."""
        pairs = parse_qsl(self.body.decode("ascii"), keep_blank_values=True, encoding=charset, errors="strict")
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def json(self, charset: str = "windows-1251") -> Any:
        """The body as JSON."""
        return json.loads(self.body.decode(charset))

    def xml(self) -> dict[str, str]:
        """The body as XML: the elements under the root."""
        return {element.tag: element.text or "" for element in ET.fromstring(self.body)}


class Handler:
    """
    An ASGI app.

    Args:
        answers: The statuses to answer with, one after the other; then 200 for ever. An exception is raised.
        before: Awaited before each answer.
    """

    def __init__(
        self, answers: Iterable[int | Exception] = (), before: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        self._answers = iter(answers)
        self._before = before
        self.calls: list[Called] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        self.calls.append(Called(scope["method"], scope["path"], query, headers, body))
        if self._before is not None:
            await self._before()
        answer = next(self._answers, 200)
        if isinstance(answer, Exception):
            raise answer
        location = [(b"location", b"http://handler.example/elsewhere")] if answer in range(300, 400) else []
        await send({"type": "http.response.start", "status": answer, "headers": location})
        await send({"type": "http.response.body", "body": b"noted"})
