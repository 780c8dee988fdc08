"""One connection: what the network takes of each request, and what the client reads, byte by byte."""

from __future__ import annotations

import errno
import re
import ssl
from collections import deque
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel
import httpcore

from tests.proof.client.book import CALL, Passage
from tests.proof.client.faults import Fault

if TYPE_CHECKING:
    from tests.proof.client.book import Record
    from tests.proof.client.network import Network
    from tests.proof.client.script import Script

__all__ = ["Link"]

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Link:
    """One connection, with all that is known of both its ends."""

    def __init__(self, network: Network, number: int, host: str, fault: Fault | None) -> None:
        self.network = network
        self.number = number
        self.fault = fault  # what is still to go wrong with its making
        self.proxied = host.startswith("proxy")
        self.tunnelled = False
        self.passage: Passage | None = None
        self.script: Script | None = None
        self.served = 0  # requests that were begun on it
        self.drops = False  # closing drops what has not left yet
        self.closed: float | None = None  # by the client
        self.lasting = True  # the gateway has not closed it
        self._segments: deque[bytes] = deque()  # what came and was not read yet
        self._hidden = False  # it is in TLS's own buffer, where the system does not see it
        self._ending: BaseException | None = None  # raised when all segments are read; EOFError is an end
        self._waiting: anyio.Event | None = None

    # ---------------------------------------------------------------- from the gateway

    def come(self, data: bytes, *, hidden: bool = False) -> None:
        """Let *data* arrive at the client."""
        if self.closed is None and self._ending is None:
            self._segments.append(data)
            self._hidden = hidden
            self._wake()

    def end(self, ending: BaseException) -> None:
        """Let the connection end: `EOFError` for good order, else a reset."""
        self.lasting = False
        if self._ending is None:
            self._ending = ending
            if not isinstance(ending, EOFError):
                self._segments.clear()  # a reset drops what the system holds
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.set()
            self._waiting = None

    @property
    def readable(self) -> bool:
        """Whether the system has something to read, the end included."""
        return bool(self._ending or (self._segments and not self._hidden))

    # ---------------------------------------------------------------- from the client

    async def write(self, data: bytes) -> None:
        """Take *data*, or as much of it as the script says."""
        record = CALL.get()
        assert record is not None, "requests are written by calls"
        if self.proxied and not self.tunnelled:
            await self._open_tunnel(data, record)
            return
        record.wrote = record.ever_wrote = True
        self.network.reached(record, "writing")
        await anyio.lowlevel.checkpoint()
        if self.closed is not None:
            raise httpcore.WriteError from OSError(errno.EBADF, "closed")
        if data.startswith(b"POST "):  # httpcore writes each head at one go
            self._begin(data, record)
        passage, script = self.passage, self.script
        assert passage is not None
        assert script is not None
        room = min(script.takes(passage) - passage.taken, len(data))
        if room:
            self._take(passage, data[:room])
        if len(data) > room:
            await self._stop(script.stop())
        if passage.written is not None:
            self.network.reached(record, "written")

    def _begin(self, data: bytes, record: Record) -> None:
        network, gateway = self.network, self.network.gateway
        if self.passage is not None and not self.passage.answered:
            network.book.complain(f"{record.name} is written on a connection with a reply that was not read to its end")
        found = _LENGTH.search(data)
        length = data.index(b"\r\n\r\n") + 4 + (int(found.group(1)) if found else 0)
        self.passage, self.script = gateway.begun(record, self, length)
        self.served += 1

    def _take(self, passage: Passage, data: bytes) -> None:
        now = self.network.time.now()
        if not passage.taken:
            passage.first_byte = now
            self.network.book.passages.append(passage)
            passage.record.passages.append(passage)
        passage.taken += len(data)
        passage.record.taken += len(data)
        passage.content += data
        if passage.taken == passage.length:
            passage.written = now
            passage.parse()
            passage.account = self.network.account_of(passage)
            self.network.gateway.sent(passage, self)

    async def _stop(self, ending: BaseException | None) -> None:
        """Take no more: the connection ends, or nothing happens any more."""
        if ending is None:
            await anyio.sleep_forever()
        else:
            self.end(ending)
            raise httpcore.WriteError from OSError(errno.EPIPE, "broken pipe")

    async def _open_tunnel(self, data: bytes, record: Record) -> None:
        await anyio.lowlevel.checkpoint()
        assert data.startswith(b"CONNECT ")
        if self.fault is Fault.PROXY_HANGS:
            self.network.gateway.met(self.fault, record)
        elif self.fault is Fault.PROXY_REFUSES:
            self.network.gateway.met(self.fault, record)
            self.come(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        else:
            self.come(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.tunnelled = True

    async def secure(self) -> None:
        """Shake hands, or fail to."""
        record = CALL.get()
        assert record is not None
        await anyio.sleep(self.network.gateway.way(record, "").seconds)
        if self.fault is Fault.TLS_FAILS:
            self.network.gateway.met(self.fault, record)
            self.close()  # as httpcore's own back ends do
            raise httpcore.ConnectError("TLS") from ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
        if self.fault is Fault.TLS_HANGS:
            self.network.gateway.met(self.fault, record)
            await anyio.sleep_forever()
        self.network.reached(record, "secured")

    async def read(self, most: int) -> bytes:
        """Give what came, as soon as something has."""
        await anyio.lowlevel.checkpoint()
        while not self._segments:
            if self.closed is not None:
                raise httpcore.ReadError from OSError(errno.EBADF, "closed")
            if isinstance(self._ending, EOFError):
                self._note_read(0, ended=True)
                return b""
            if self._ending is not None:
                raise httpcore.ReadError from self._ending
            event = self._waiting = anyio.Event()
            await event.wait()
        segment = self._segments.popleft()
        if len(segment) > most:
            self._segments.appendleft(segment[most:])
            segment = segment[:most]
        self._note_read(len(segment), ended=False)
        return segment

    def read_hidden(self) -> bytes:
        """Look into TLS's buffer, as ``SSLObject.read`` does."""
        if self._segments:
            return self._segments[0][:1]
        if self._ending is not None:
            raise ssl.SSLEOFError(8, "EOF occurred")
        raise ssl.SSLWantReadError

    def _note_read(self, count: int, *, ended: bool) -> None:
        passage, network = self.passage, self.network
        if passage is None or passage.answered or not passage.taken:
            return
        passage.came += count
        network.reached(passage.record, "coming")
        if passage.came >= passage.reply_length or (ended and passage.unframed):
            passage.read = network.time.now()
            network.gateway.was_read(passage, self)
            network.reached(passage.record, "read")

    def close(self) -> None:
        """Close the client's end."""
        if self.closed is not None:
            return
        self.closed = self.network.time.now()
        if not self.network.over:  # an event loop that ends closes what is left in no order
            self.network.book.trace("link", self.number, "closed, %s", "dropping" if self.drops else "in order")
        self._wake()
        passage = self.passage
        if passage is not None and passage.taken and not passage.answered:
            passage.given_up = self.closed
            self.network.gateway.was_given_up(passage)
