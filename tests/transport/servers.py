"""Loopback servers that say exactly what a test tells them to, and a clock that a test moves."""

from __future__ import annotations

import functools
import ssl
import traceback
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import trustme
from anyio.streams.tls import TLSListener

from smsc_async import _transport
from smsc_async._privacy import Secret
from smsc_async._transport import Credentials, Failure, Reply, Write
from smsc_async.aiohttp import AiohttpTransport
from tests.canaries import RUN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
CANARY = RUN.marks[1]  # the run's, so that the net under all tests knows it too
LOGIN, PASSWORD = "al ex", f"p&w=Канарка-{CANARY}"
CREDENTIALS = Credentials(login=Secret(LOGIN), password=Secret(PASSWORD))
BODY = f"login=al+ex&psw=p%26w%3D%D0%9A%D0%B0%D0%BD%D0%B0%D1%80%D0%BA%D0%B0-{CANARY}&phones=380671234567".encode()
FORM = b"phones=380671234567"


class Transport(_transport.Transport):
    """The transport under test: with connections over httpcore, or over aiohttp where the tests are run with it."""

    over_aiohttp = False  # the folder's fixtures set it

    def __init__(self, **options: Any) -> None:
        if self.over_aiohttp and "factory" not in options:
            inner = {name: options.pop(name) for name in ("ssl_context", "proxy") if name in options}
            options["factory"] = functools.partial(AiohttpTransport, **inner)
        super().__init__(**options)


@attrs.define
class Server:
    """A listening server and what it has seen."""

    address: str
    requests: list[bytes] = attrs.field(factory=list, repr=False)  # those that came whole, head and body
    bytes_read: int = 0
    connections: int = 0
    open: int = 0


class Peer:
    """The server's side of one connection."""

    def __init__(self, stream: anyio.abc.ByteStream, server: Server) -> None:
        self.stream = stream
        self.server = server
        self._buffer = b""

    async def request(self) -> bytes:
        """Read one whole request; `anyio.EndOfStream` where the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            await self._more()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(rest) < length:
            await self._more()
            rest = self._buffer[len(head) + 4 :]
        self._buffer = rest[length:]
        request = head + b"\r\n\r\n" + rest[:length]
        self.server.requests.append(request)
        return request

    async def _more(self) -> None:
        data = await self.stream.receive()
        self.server.bytes_read += len(data)
        self._buffer += data

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.stream.send(data)

    async def gone(self) -> None:
        """Wait until the client closes."""
        try:
            while await self.stream.receive():
                pass
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            pass

    def reset(self) -> None:
        """Close with RST, not FIN."""
        socket = self.stream.extra(anyio.abc.SocketAttribute.raw_socket)
        socket.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER of 0 s (Linux)


async def polite(peer: Peer) -> None:
    """Answer ok for as long as there are requests."""
    while True:
        await peer.request()
        await peer.send(OK)


def answering(reply: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Make a server that answers each request with *reply* and then closes."""

    async def answer(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply)

    return answer


@asynccontextmanager
async def serving(
    script: Callable[[Peer], Awaitable[None]], *, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1"
) -> AsyncIterator[Server]:
    """Serve *script* on each connection, on loopback."""
    plain = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = plain.extra(anyio.abc.SocketAttribute.local_port)
    listener = plain if tls is None else QuietTLSListener(plain, tls, standard_compatible=False)
    server = Server(f"{'http' if tls is None else 'https'}://{name}:{port}")

    async def serve(stream: anyio.abc.ByteStream) -> None:
        server.connections += 1
        server.open += 1
        try:
            async with stream:
                await script(Peer(stream, server))
        except (anyio.EndOfStream, anyio.BrokenResourceError, OSError):
            pass
        finally:
            server.open -= 1

    with anyio.fail_after(30):  # a test that waits for ever fails; none waits for this
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            try:
                yield server
            finally:
                tasks.cancel_scope.cancel()


class Authority:
    """A private authority, and the TLS settings of both sides."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    def server(self, *names: str, **certificate: Any) -> ssl.SSLContext:
        """Give a server's context, for loopback or for other *names*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1")), **certificate).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """Give a context that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context


class QuietTLSListener(TLSListener):
    """A TLS listener that does not log the handshakes which tests make fail."""

    @staticmethod
    async def handle_handshake_error(exc: BaseException, stream: anyio.abc.AnyByteStream) -> None:
        """Close, and say nothing."""
        await anyio.aclose_forcefully(stream)
        if not isinstance(exc, Exception):
            raise exc


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self._scopes: list[tuple[float, anyio.CancelScope]] = []

    def now(self) -> float:
        return self.moment

    async def sleep_until(self, moment: float) -> None:
        raise NotImplementedError

    def deadline(self, moment: float) -> anyio.CancelScope:
        scope = anyio.CancelScope()
        self._scopes.append((moment, scope))
        self.advance(0)
        return scope

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += seconds
        for moment, scope in self._scopes:
            if moment <= self.moment:
                scope.cancel()
        self._scopes = [waiting for waiting in self._scopes if waiting[0] > self.moment]

    def date(self) -> datetime:
        return datetime.fromtimestamp(self.moment, UTC)


def reveals_nothing(error: BaseException | None) -> None:
    """Check that a crash report of *error*, with the local variables of all frames, does not hold the password."""
    if error is not None:
        report = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        shown = CANARY in report
        del report  # pytest would put it into the next report
        assert not shown


async def post(
    transport: Transport,
    url: str,
    form: bytes = FORM,
    *,
    write: Write | None = None,
    clock: HandClock | None = None,
    fresh: bool = False,
) -> Reply | Failure:
    """Exchange with a deadline 30 s away, on a clock that stands still."""
    clock = clock or HandClock()
    return await transport.exchange(
        url, form, write=write or Write(), clock=clock, deadline=clock.now() + 30, timeout=30, fresh=fresh
    )


def sockets() -> int:
    """Count the open sockets of this process (Linux)."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the folder's own descriptor
            count += str(entry.readlink()).startswith("socket:")
    return count
