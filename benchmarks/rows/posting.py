"""The work of one who posts callbacks: over so many connections, each with one request at a time; and its server."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from benchmarks.harness.contenders import ROOT
from benchmarks.receivers.posted import KINDS, body, forged

__all__ = ["Job"]

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_PATIENCE = 60.0  # seconds until all that was acknowledged must be handled


class _Connection(asyncio.Protocol):
    """Posts one request after another, each when the one before it was answered as it should be."""

    def __init__(self, expected: bytes) -> None:
        self._expected = b"HTTP/1.1 %b " % expected
        self._requests: Iterator[bytes] = iter(())
        self._buffer = b""
        self._over: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a stream

    def post(self, requests: Iterator[bytes]) -> asyncio.Future[None]:
        """Post all that others leave; give what is done when there is none left."""
        self._requests = requests
        self._over = asyncio.get_running_loop().create_future()
        self._next()
        return self._over

    def close(self) -> None:
        """Close it."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, text = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if end else None
        if length is None or len(text) < int(length[1]):
            return
        if not head.startswith(self._expected):
            self._end(RuntimeError(f"it answered {self._buffer!r}"))
            return
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._end(None)
        else:
            self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        if self._over is None or self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)


class Job:
    """
    Posts to one server, which is a process of its own.

    Args:
        server: The module of the app that it serves.
        looks: Whether that app looks at what it gets.
    """

    def __init__(self, server: str, *, looks: bool) -> None:
        self._looks = looks
        command = [sys.executable, "-m", "benchmarks.receivers.serving", server]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._port = int(self._said())
        self._numbers = count(1_000_000)
        self._chance = random.Random(20_26)  # the same callbacks for all
        self._events = self._ids = 0  # posted so far
        self._proven = False

    async def post(self, kind: str, requests: int, width: int) -> dict[str, float]:
        """
        Post *requests* different callbacks over *width* connections that are open already.

        Give the seconds by the wall until all were acknowledged and until all were handled, and the seconds of the
        server's CPU, each for one request.
        """
        if not self._proven:
            await self._prove()
        connections = [await self._connect(b"200") for _ in range(width)]
        warming = self._requests(kind, width)
        await asyncio.gather(*(one.post(iter([request])) for one, request in zip(connections, warming, strict=True)))
        await self._handled()
        shared = iter(self._requests(kind, requests))
        cpu, wall = self._ask()["cpu"], time.perf_counter()
        await asyncio.gather(*(one.post(shared) for one in connections))
        acknowledged = time.perf_counter() - wall
        await self._handled()
        handled = time.perf_counter() - wall
        spent = self._ask()["cpu"] - cpu
        for one in connections:
            one.close()
        return {"wall": acknowledged / requests, "handled": handled / requests, "cpu": spent / requests}

    async def aclose(self) -> None:
        """Let the server end."""
        self._process.communicate("", timeout=30)

    async def _connect(self, expected: bytes) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(expected), "127.0.0.1", self._port)
        return connection

    async def _prove(self) -> None:
        """See that a forged callback is refused."""
        self._proven = True
        if not self._looks:
            return
        for kind in ("message", "status"):
            fields = KINDS[kind](self._chance, next(self._numbers))
            connection = await self._connect(b"403")
            await connection.post(iter([_request(body(forged(fields)))]))
            connection.close()

    def _requests(self, kind: str, count: int) -> list[bytes]:
        """Make what is posted next; the server must tell of all of it."""
        made = []
        for _ in range(count):
            number = next(self._numbers)
            self._events += 1
            self._ids += number if self._looks else 0
            made.append(_request(body(KINDS[kind](self._chance, number))))
        return made

    async def _handled(self) -> None:
        """Wait until the handler had all that was posted."""
        end = time.monotonic() + _PATIENCE
        while (told := self._ask())["events"] < self._events and time.monotonic() < end:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.005)
        if (told["events"], told["ids"]) != (self._events, self._ids):
            raise RuntimeError(f"{self._events} events were posted, and it tells of {told}")

    def _ask(self) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        return json.loads(self._said())

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _request(octets: bytes) -> bytes:
    head = (
        b"POST /smsc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: gateway\r\nAccept: */*\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
    )
    return head % len(octets) + octets
