"""One request and its reply, from bytes to bytes, within one deadline; what the network does is never an exception."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import httpx

from smsc_async import __version__
from smsc_async._transport import trust
from smsc_async._transport.attempt import Attempt
from smsc_async._transport.connection import Connection
from smsc_async._transport.connections import Connections
from smsc_async._transport.credentials import Body, Credentials
from smsc_async._transport.decoding import CUT_SHORT, Head, Inflater, cut_short
from smsc_async._transport.outcome import Failure, Reply, Write
from smsc_async._transport.stream import Incoming
from smsc_async.errors import InvalidArgument

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable

    from smsc_async._wire import FormParts
    from smsc_async.clock import Clock

__all__ = ["Transport"]

_MAX_BODY: Final = 8 * 1024 * 1024  # bytes; the longest list that the gateway documents has 1,000 short records
_KEEPALIVE: Final = 55.0  # seconds; below the 60 to 75 s at which common servers and balancers close
_MANY: Final = 256  # URLs to remember; a session has some 30: its endpoints times its hosts


class Transport:
    """
    Sends forms with the account's credentials and gives what comes back. One serves all event loops and threads.

    Args:
        credentials: Put before each form, for the time of its exchange.
        ssl_context: For a private authority, in place of the process's own.
        proxy: The only way to a proxy; the environment is not asked.
        factory: Makes the HTTP transport of each connection, in place of `httpx.AsyncHTTPTransport`.
        max_body: Bytes of a reply, decoded; a longer one is a failure. Streams are bounded by time alone.
        keepalive: Seconds for which an idle connection is worth keeping.

    Raises:
        InvalidArgument: The context does not verify, the proxy is none, or both come with a factory.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        factory: Callable[[], httpx.AsyncBaseTransport] | None = None,
        max_body: int = _MAX_BODY,
        keepalive: float = _KEEPALIVE,
    ) -> None:
        if factory is not None and (ssl_context is not None or proxy is not None):
            raise InvalidArgument("transport", "makes whole connections: give it ssl_context and proxy inside of it")
        self._credentials = credentials
        self._context = None if ssl_context is None else trust.checked(ssl_context)
        self._proxy = None if proxy is None else trust.through(proxy, ssl_context)
        self._max_body = max_body
        self._keepalive = keepalive
        self._targets: dict[str, _Target] = {}
        make = functools.partial(_connection, self._context, self._proxy, keepalive)
        self._connections = Connections(factory or make, own=factory is None, keepalive=keepalive)

    async def exchange(
        self,
        url: str,
        form: bytes | FormParts,
        *,
        write: Write,
        clock: Clock,
        deadline: float,
        timeout: float,  # noqa: ASYNC109 -- for people; what bounds it is the deadline, on the clock's time
        fresh: bool = False,
    ) -> Reply | Failure:
        """
        POST *form*, with the credentials, and read the whole reply. Redirects are replies like any other.

        Args:
            url: Where to.
            form: The body without credentials, urlencoded or in parts.
            write: Learns how far the request came; also where a cancellation leaves no result.
            clock: Whose time *deadline* is.
            deadline: When to give up.
            timeout: How many seconds that was, for people.
            fresh: Use no kept-alive connection: the server might be closing it at this moment.
        """
        attempt, target = await self._begin(
            url, form, write=write, clock=clock, deadline=deadline, timeout=timeout, fresh=fresh
        )
        connection = attempt.connection
        reply: Reply | None = None

        async def converse() -> Reply | Failure:
            nonlocal reply
            response = await connection.send(target.url, target.headers(attempt.body), attempt.body)
            attempt.body.wipe()
            head = Head.of(response)
            outcome = await self._read(head, connection)
            if isinstance(outcome, Reply):
                reply = outcome
                await connection.settle(reusable=not head.closing)
            return outcome

        outcome = await attempt.run(converse)
        await self._connections.give_back(connection, now=clock.now())
        return reply or outcome  # what was read to its last byte counts, whatever happened after it

    @asynccontextmanager
    async def stream(
        self,
        url: str,
        form: bytes | FormParts,
        *,
        write: Write,
        clock: Clock,
        deadline: float,
        timeout: float,  # noqa: ASYNC109 -- likewise
        fresh: bool = False,
    ) -> AsyncGenerator[Incoming | Failure]:
        """
        POST *form*, and give the reply's head as soon as it is there; its body comes by iteration.

        The arguments are those of `exchange`. A failure after the head is a `CutShort` in the iteration. The deadline
        bounds each wait for the network, and not what the reader does in between.
        """
        attempt, target = await self._begin(
            url, form, write=write, clock=clock, deadline=deadline, timeout=timeout, fresh=fresh
        )
        connection = attempt.connection

        async def open_it() -> Incoming | Failure:
            response = await connection.send(target.url, target.headers(attempt.body), attempt.body)
            attempt.body.wipe()
            head = Head.of(response)
            return Incoming(head, attempt) if head.readable else _unreadable()

        incoming = await attempt.run(open_it)
        try:
            yield incoming
        finally:
            await self._connections.give_back(connection, now=clock.now())

    async def aclose(self) -> None:
        """Close the idle connections, each in its own event loop; those in use are closed when their exchange ends."""
        await self._connections.aclose()

    async def _begin(
        self,
        url: str,
        form: bytes | FormParts,
        *,
        write: Write,
        clock: Clock,
        deadline: float,
        timeout: float,  # noqa: ASYNC109 -- likewise
        fresh: bool,
    ) -> tuple[Attempt, _Target]:
        target = self._targets.get(url) or self._aim(url)
        if isinstance(form, bytes):
            body = Body(self._credentials.form() + form)
        else:
            body = Body(form.fields(self._credentials.fields()) + form.content, form.content_type)
        connection = await self._connections.take(fresh=fresh, now=clock.now())
        connection.write = write
        return Attempt(connection, body, write, target.place, clock, deadline, timeout), target

    def _aim(self, url: str) -> _Target:
        if len(self._targets) >= _MANY:
            self._targets.clear()
        target = self._targets[url] = _Target(httpx.URL(url), by_proxy=self._proxy is not None)
        return target

    async def _read(self, head: Head, connection: Connection) -> Reply | Failure:
        if not head.readable:
            return _unreadable()
        inflater = Inflater() if head.coding else None
        parts: list[bytes] = []
        came = size = 0
        while (chunk := await connection.receive()) is not None:
            came += len(chunk)
            for piece in (chunk,) if inflater is None else inflater.pieces(chunk):
                size += len(piece)
                parts.append(piece)
                if size > self._max_body:
                    return Failure(f"the reply is longer than {self._max_body} bytes")
        if cut_short(head, came, inflater):
            return Failure(CUT_SHORT)
        body = b"".join(parts)
        return Reply(head.status, head.content_type, body, explicit_empty=head.length == 0)

    def __repr__(self) -> str:
        return f"<Transport, {self._connections!r}>"


class _Target:
    """A URL, and what every request to it has in common."""

    def __init__(self, url: httpx.URL, *, by_proxy: bool) -> None:
        self.url = url
        port = url.port or {"https": 443, "http": 80}.get(url.scheme)
        self.place = f"{url.host}:{port}{' through the proxy' if by_proxy else ''}"
        self._headers = [
            (b"Host", url.netloc),
            (b"User-Agent", _user_agent()),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"identity"),
        ]

    def headers(self, body: Body) -> httpx.Headers:
        """Give the head of a request with *body*."""
        own = ((b"Content-Type", body.content_type), (b"Content-Length", b"%d" % body.length))
        return httpx.Headers([*self._headers, *own])


@functools.cache
def _user_agent() -> bytes:
    return f"smsc-async/{__version__}".encode()


def _connection(
    context: ssl.SSLContext | None, proxy: httpx.Proxy | None, keepalive: float
) -> httpx.AsyncHTTPTransport:
    """Make an HTTP transport with room for one connection, which the environment cannot change."""
    return httpx.AsyncHTTPTransport(
        verify=context or trust.process_context(),
        trust_env=False,
        http1=True,
        http2=False,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=keepalive),
        retries=0,
        proxy=proxy,
    )


def _unreadable() -> Failure:
    return Failure("the reply is compressed in a way that nobody asked for")
