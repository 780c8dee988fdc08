"""
The server that calls go to: as cheap as Python allows, in a process of its own, and no simulator.

It answers a list of tasks of 1.2 KB, of which the first is the one that was asked for, so that every contender can see
that the reply is its own; a rent; a file of any length; and, to `GET`, how many connections have posted anything.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import re
import selectors
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Server", "record"]

ROOT = Path(__file__).parents[2]
RECORDS = 10
SIZE = 1200  # bytes of a reply's body
LINE = b"380671234567;01.02.2026 10:00:00;2;Kyiv;0.35;Your code is 1234\r\n"
BLOCK = LINE * (256 * 1024 // len(LINE))
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_LIST = re.compile(rb"after_id=([0-9]{8})(?:&|$)")
_RENT = re.compile(rb"&phone=([0-9]{12})(?:&|$)")
_FILE = re.compile(rb"&id=([0-9]+)(?:&|$)")


def record(number: int) -> dict[str, object]:
    """Give one task as the gateway tells of it."""
    return {
        "id": number,
        "name": f"R{number % 100:02}",
        "status": 2,
        "created": "01.02.2026 10:00:00",
        "time": "01.02.2026 10:05:00",
        "file": f"r{number % 100:02}.csv",
    }


def _template() -> tuple[bytes, bytes]:
    """Give a reply's head and body up to the first id, and what follows it."""
    body = json.dumps([record(10_000_000 + number) for number in range(RECORDS)], separators=(",", ":")).encode()
    body = body.ljust(SIZE)
    head = (
        b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
        b"Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n"
    ) % len(body)
    before, after = body.split(b"10000000", 1)
    return head + before, after


BEFORE, AFTER = _template()


class _Books:
    """What all connections share."""

    def __init__(self, delay: float, at_once: int) -> None:
        self.delay = delay
        self.at_once = at_once  # replies that do not wait for the delay
        self.connections = 0


class _Connection(asyncio.Protocol):
    def __init__(self, books: _Books) -> None:
        self._books = books
        self._buffer = b""
        self._posted = False
        self._left = 0  # bytes of a file still to send
        self._paused = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a server of streams

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        head, end, body = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if end else None
        if not end or (length is not None and len(body) < int(length[1])):
            self._buffer = data
            return
        self._buffer = b""
        if head.startswith(b"GET"):
            count = b"%d" % self._books.connections
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(count), count))
            return
        if not self._posted:
            self._posted = True
            self._books.connections += 1
        if asked := _LIST.search(body):
            self._answer(BEFORE + asked[1] + AFTER)
        elif asked := _RENT.search(body):
            rented = b'{"phone":"%b","cost":"1.00"}' % asked[1]
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(rented)
            self._answer(head + rented)
        else:
            self._send_file(body)

    def _answer(self, reply: bytes) -> None:
        books = self._books
        if books.at_once > 0 or not books.delay:
            books.at_once -= 1
            self._transport.write(reply)
        else:
            asyncio.get_running_loop().call_later(books.delay, self._transport.write, reply)

    def _send_file(self, body: bytes) -> None:
        asked = _FILE.search(body)
        self._left = int(asked[1]) if asked else 0
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n" % self._left
        self._transport.write(head)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        while self._left and not self._paused:
            block = BLOCK if self._left >= len(BLOCK) else BLOCK[: self._left]
            self._left -= len(block)
            self._transport.write(block)


def _new_loop(*, exact: bool) -> asyncio.AbstractEventLoop:
    """Give the cheapest loop there is; or one whose timers are exact, since others round to whole milliseconds."""
    if exact:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - it may not be there

    return uvloop.new_event_loop()


async def _serve(books: _Books) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(books), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    options = argparse.ArgumentParser()
    options.add_argument("--delay", type=float, default=0.0)
    options.add_argument("--at-once", type=int, default=0)
    given = options.parse_args()
    with asyncio.Runner(loop_factory=lambda: _new_loop(exact=given.delay > 0)) as runner:
        runner.run(_serve(_Books(given.delay, given.at_once)))


class Server:
    """The server's process, for the one that measures."""

    def __init__(self, *, delay: float = 0.0, at_once: int = 0) -> None:
        command = [sys.executable, "-m", "benchmarks.harness.server", f"--delay={delay}", f"--at-once={at_once}"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def connections(self) -> int:
        """Count the connections that have posted anything so far."""
        with urllib.request.urlopen(f"{self.url}/connections") as reply:
            return int(reply.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


if __name__ == "__main__":
    main()
