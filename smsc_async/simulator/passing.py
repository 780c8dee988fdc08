"""One connection through the fault proxy: two directions, and the plan of the exchange that is going on."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

from smsc_async.simulator.plans import Passage, Plan

CHUNK: Final = 65536

#: A drip is made of at most so many pieces a second.
PIECES_A_SECOND: Final = 50


class Connection:
    """A client's connection and the one to upstream that belongs to it."""

    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        begin: Callable[[int, bytes], Passage],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._number = number
        self._client_reader = reader
        self._client = writer
        self._begin = begin
        self._sleep = sleep
        self._upstream: asyncio.StreamWriter | None = None
        self._passage: Passage | None = None
        self._replied = False  # whether some of the passage's reply has come
        self._muted = False  # whether the reply goes nowhere any more
        self._swallowed = False  # whether the request goes nowhere any more
        self._idle: asyncio.TimerHandle | None = None

    async def run(self, host: str, port: int) -> None:
        """Pass bytes both ways until either side, or the plan, ends it."""
        try:
            reader, self._upstream = await asyncio.open_connection(host, port)
        except OSError:
            self.reset()
            return
        ways = {
            asyncio.create_task(self._requests(self._upstream)),
            asyncio.create_task(self._replies(reader, self._upstream)),
        }
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._forget_idle()
            self._upstream.close()
            self._client.close()

    def reset(self) -> None:
        """End with a reset, in both directions."""
        reset(self._client)
        if self._upstream is not None:
            reset(self._upstream)

    async def _requests(self, upstream: asyncio.StreamWriter) -> None:
        while data := await _read(self._client_reader):
            self._forget_idle()
            passage = self._passage
            if passage is None or self._replied:
                if passage is not None and passage.plan.close_on_reuse:
                    passage.ended = "reuse"
                    self._end(passage.plan)
                    return
                passage = self._begin(self._number, data)
                self._passage = passage
                self._replied = False
                await self._wait(passage.plan.request_latency)
            passage.request_bytes += len(data)
            if self._swallowed:
                continue
            plan = passage.plan
            room = None if plan.cut_request_at is None else plan.cut_request_at - passage.forwarded_bytes
            allowed = data if room is None else data[:room]

            def forwarded(size: int, passage: Passage = passage) -> None:
                passage.forwarded_bytes += size

            await self._pass(allowed, upstream, plan.request_rate, forwarded)
            if room is not None and len(data) >= room:
                passage.ended = "request cut"
                if plan.ending in {"reset", "close"}:
                    self._end(plan)
                    return
                self._swallowed = True
                if plan.ending == "half":
                    _finish(upstream)
        if self._passage is not None and self._passage.ended == "open":
            self._passage.ended = "client"
        _finish(upstream)

    async def _replies(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while data := await _read(reader):
            passage = self._passage
            if passage is None:  # upstream speaks before it was asked: nothing that HTTP does
                continue
            plan = passage.plan
            if not self._replied:
                self._replied = True
                await self._wait(plan.reply_latency)
            passage.reply_bytes += len(data)
            if self._muted:
                continue
            room = None if plan.cut_reply_at is None else plan.cut_reply_at - passage.returned_bytes
            allowed = data if room is None else data[:room]

            def returned(size: int, passage: Passage = passage) -> None:
                passage.returned_bytes += size

            await self._pass(allowed, self._client, plan.reply_rate, returned)
            if room is not None and len(data) >= room:
                passage.ended = "reply cut"
                if plan.ending in {"reset", "close"}:
                    self._end(plan)
                    return
                self._muted = True
                if plan.ending == "half":
                    _finish(self._client)
            elif plan.close_idle_after is not None:
                self._forget_idle()
                self._idle = asyncio.get_running_loop().call_later(plan.close_idle_after, self._close_idle, passage)
        self._upstream_ended(upstream)

    def _upstream_ended(self, upstream: asyncio.StreamWriter) -> None:
        passage = self._passage
        if passage is not None and passage.ended == "open":
            passage.ended = "upstream"
        upstream.close()
        if passage is None or passage.plan.ending != "hang" or not (self._muted or self._swallowed):
            self._client.close()

    def _end(self, plan: Plan) -> None:
        """End the connection as planned; upstream gets an orderly end after what was let through."""
        if plan.ending == "reset":
            reset(self._client)
        else:
            self._client.close()
        if self._upstream is not None:
            self._upstream.close()

    def _close_idle(self, passage: Passage) -> None:
        passage.ended = "idle"
        self._client.close()
        if self._upstream is not None:
            self._upstream.close()

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _pass(
        self, data: bytes, writer: asyncio.StreamWriter, rate: float | None, count: Callable[[int], None]
    ) -> None:
        """Send *data* on, at most *rate* bytes a second; *count* is told before each piece goes."""
        size = len(data) if rate is None else max(1, int(rate / PIECES_A_SECOND))
        for start in range(0, len(data), max(1, size)):
            piece = data[start : start + size]
            if rate is not None:
                await self._wait(len(piece) / rate)
            if writer.is_closing():
                return
            count(len(piece))
            writer.write(piece)
            try:
                await writer.drain()
            except OSError:
                return

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: what the peer has not read yet is lost."""
    connected = writer.get_extra_info("socket")
    if connected is not None and not writer.is_closing():
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _finish(writer: asyncio.StreamWriter) -> None:
    """Close one direction with FIN."""
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK)
    except OSError:  # reset by the peer: an end like any other, seen from here
        return b""
