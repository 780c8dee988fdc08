"""
The network in memory: a back end for httpcore that shows when each byte was taken, and breaks where the script says.

It behaves as sockets do: what was taken may arrive after the client has closed, unless closing dropped it (a reset, by
SO_LINGER) before it left the machine; a cancelled read loses nothing; closing is at once.
"""

from __future__ import annotations

import errno
import ssl
import struct
from typing import TYPE_CHECKING, Any

import anyio
import httpcore

from tests.proof.client.book import CALL
from tests.proof.client.faults import Fault
from tests.proof.client.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.proof.client.book import Book, Passage, Record
    from tests.proof.client.gateway import Gateway
    from tests.proof.client.virtual import Time

__all__ = ["Network"]


class Network(httpcore.AsyncNetworkBackend):
    """All connections of a schedule."""

    def __init__(self, time: Time, book: Book, gateway: Gateway, reached: Callable[[Record, str], None]) -> None:
        self.time = time
        self.book = book
        self.gateway = gateway
        self.reached = reached
        self.links: list[Link] = []
        self.over = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, or fail to."""
        record = CALL.get()
        assert record is not None, "connections are opened by calls"
        self.reached(record, "connecting")
        way = self.gateway.way(record, host)
        await anyio.sleep(way.seconds)
        if way.fault is Fault.REFUSED:
            self.gateway.met(Fault.REFUSED, record)
            raise httpcore.ConnectError("refused") from ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        if way.fault is Fault.CONNECT_HANGS:
            self.gateway.met(Fault.CONNECT_HANGS, record)
            await anyio.sleep_forever()
        link = Link(self, len(self.links), host, way.fault)
        self.links.append(link)
        self.book.trace("link", link.number, "open to %s:%d, for call %d", host, port, record.number)
        self.reached(record, "connected")
        return _Stream(link, secure=False)

    async def sleep(self, seconds: float) -> None:
        """Sleep, for httpcore's own repetitions, which must not be used."""
        self.book.complain("httpcore repeats by itself")

    def account_of(self, passage: Passage) -> int:
        """Say whose request it is, by its credentials."""
        params = passage.params
        number = int((params.get("apikey") or params["login"])[-1])
        if "login" in params and params["psw"] != f"password {number}":
            self.book.complain(f"{passage.record.name} has a wrong password")
        if number != passage.record.account:
            self.book.complain(f"{passage.record.name} has the credentials of another account")
        return number

    @property
    def open(self) -> list[Link]:
        """The connections that the client has not closed."""
        return [link for link in self.links if link.closed is None]


class _Stream(httpcore.AsyncNetworkStream):
    """One layer of a connection, as httpcore holds it."""

    def __init__(self, link: Link, *, secure: bool) -> None:
        self._link = link
        self._secure = secure

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - likewise
        """Read."""
        return await self._link.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - likewise
        """Write."""
        if buffer:
            await self._link.write(buffer)

    async def aclose(self) -> None:
        """Close at once; then others may have a turn, as with sockets."""
        self._link.close()
        await anyio.lowlevel.checkpoint()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - likewise
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands."""
        if ssl_context.verify_mode is not ssl.CERT_REQUIRED or not ssl_context.check_hostname or not server_hostname:
            self._link.network.book.complain("TLS is not verified")
        await self._link.secure()
        return _Stream(self._link, secure=True)

    def get_extra_info(self, info: str) -> Any:
        """Show what lies below, as far as httpcore and the transport look at it."""
        match info:
            case "socket":
                return _Socket(self._link)
            case "ssl_object":
                return _Tls(self._link) if self._secure else None
            case "is_readable":
                return self._link.readable
            case _:
                return None


class _Socket:
    def __init__(self, link: Link) -> None:
        self._link = link

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        on, seconds = struct.unpack("ii" if len(value) == struct.calcsize("ii") else "hh", value)
        self._link.drops = bool(on) and seconds == 0


class _Tls:
    def __init__(self, link: Link) -> None:
        self._link = link

    def read(self, count: int) -> bytes:
        return self._link.read_hidden()[:count]

    def selected_alpn_protocol(self) -> None:
        """Speak HTTP/1.1."""
