"""
Connections over aiohttp, which cost less than those over httpcore; with the same evidence, care and settings.

httpx-aiohttp makes a transport of aiohttp. What the two of them lack for us is here:

- Evidence. httpx-aiohttp calls a lost reply a `ConnectTimeout`, and neither says when it begins to write. So the
  connector reports each new connection, the body reports that it is asked for (aiohttp holds the head back until then),
  and errors are named anew.
- A watch. aiohttp 3.14 reads on while a connection is idle, and hands what came to the next request as its reply. So
  each connection has a tap that counts bytes, and that closes it at the first one that belongs to no reply.
- Settings. The environment, cookies, redirects, compression and time-outs of aiohttp's own have no say.
"""

from __future__ import annotations

import errno
import functools
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import httpx
import httpx_aiohttp

from smsc_async._loops import _in_trio
from smsc_async._transport import trust
from smsc_async._transport.decoding import Head
from smsc_async._transport.tap import Tap
from smsc_async.errors import InvalidArgument

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from multidict import CIMultiDict

__all__ = ["AiohttpTransport"]

_KEEPALIVE: Final = 55.0  # seconds, as for the other connections; aiohttp closes an idle one when they are over


class AiohttpTransport(httpx_aiohttp.AiohttpTransport):
    """
    A connection over aiohttp: ``Session(transport=AiohttpTransport)``. On asyncio alone.

    A call costs about half of the processor's time that it costs otherwise, and whatever is promised of calls holds.
    The price is the extra (``pip install 'smsc-async[aiohttp]'``), a longer first import, no way through a SOCKS
    proxy, and that respx does not see the requests.

    Args:
        ssl_context: For a private authority, in place of the public ones. This and the proxy are given with
            ``functools.partial(AiohttpTransport, ssl_context=context)``, because a session makes a transport for each
            of its connections.
        proxy: The address of a proxy, ``http://`` or ``https://``; the environment's are ignored.

    Raises:
        InvalidArgument: The context does not verify, the proxy is none that aiohttp can use, or trio runs. The session
            raises it from its first call, and nothing was sent.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, proxy: str | None = None) -> None:
        if _in_trio():
            raise InvalidArgument("transport", "aiohttp runs on asyncio alone; on trio leave transport= out")
        context = trust.process_context() if ssl_context is None else trust.checked(ssl_context)
        if (refused := _refused(proxy, context)) is not None:
            proxy = None  # it may hold a password, and crash reports show the locals of this frame
            raise refused
        self._line = _Line()
        client = functools.partial(_open, self._line, context, proxy)
        super().__init__(verify=context, trust_env=False, client=client)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give the head of its reply."""
        line = self._line
        line.report = report = request.extensions.get("trace", _to_nobody)
        await report("aiohttp.request.started", {})
        request.stream = _Body(request.stream, report)
        try:
            response = await super().handle_async_request(request)
        except Exception as error:  # noqa: BLE001 -- what has no other name here is raised as it is
            named = _named_anew(error)
            raise named from named.__cause__
        except GeneratorExit:  # nothing may be awaited any more, as closing a session must be
            if isinstance(self.client, aiohttp.ClientSession):
                self.client.detach()
            raise
        finally:
            line.report = _to_nobody
        response.stream = _Chunks(response.stream)
        return response

    def left_over(self, response: httpx.Response) -> bool:
        """Say whether anything came after the end of *response*, which was read, or whether that cannot be told."""
        tap = self._line.tap
        return tap is None or not tap.rest(Head.of(response))


class _Line:
    """What a transport and its connector have in common."""

    def __init__(self) -> None:
        self.report: Callable[[str, Mapping[str, Any]], Awaitable[None]] = _to_nobody  # httpx's extension "trace"
        self.tap: Tap | None = None  # on the connection that was used last


async def _to_nobody(_event: str, _info: Mapping[str, Any]) -> None:
    """Report to nobody: whoever sent the request did not ask for it."""


def _open(line: _Line, context: ssl.SSLContext, proxy: str | None) -> aiohttp.ClientSession:
    """Make aiohttp's session, in the event loop that uses it."""
    connector = _Connector(
        line,
        ssl=context,
        limit=1,
        keepalive_timeout=_KEEPALIVE,
        resolver=aiohttp.ThreadedResolver(),  # the system's, whatever else is installed
        use_dns_cache=False,  # it would be asked once, and has tasks that go on when a call was cancelled
    )
    return aiohttp.ClientSession(
        connector=connector,
        request_class=_Request,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(),
        trust_env=False,
        proxy=proxy,
    )


def _refused(proxy: str | None, context: ssl.SSLContext) -> InvalidArgument | None:
    """Say what is wrong with a proxy, in an error that leads to no frame."""
    try:
        if proxy is None or trust.through(proxy, context).url.scheme in {"http", "https"}:
            return None
    except InvalidArgument as error:
        return error.with_traceback(None)
    return InvalidArgument("proxy", "aiohttp knows no SOCKS: give an http:// or https:// address")


class _Connector(aiohttp.TCPConnector):
    """Has one connection, and puts a tap on it."""

    def __init__(self, line: _Line, **settings: Any) -> None:
        super().__init__(**settings)
        self._line = line

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- aiohttp's own; it bounds nothing
    ) -> Connection:
        """Give the connection that is kept, if it may serve, or a new one; httpcore's names for what is reported."""
        line, key = self._line, req.connection_key  # for a proxy it changes as it is used
        if line.tap is not None and not line.tap.may_serve(key):
            line.tap.abort()  # aiohttp sees that, and opens a new one
        connection = await super().connect(req, traces, timeout)
        reader = connection.protocol
        if line.tap is not None and line.tap.reader is reader:
            line.tap.begin()
        elif reader is None or reader.transport is None:  # closed in this moment; whoever writes to it finds out
            line.tap = None
        else:
            line.tap = Tap(reader, reader.transport, key)
            await line.report("aiohttp.connect_tcp.complete", {"return_value": line.tap})
        return connection


class _Request(aiohttp.ClientRequest):
    """A request whose head is written as ours are: httpx gives the names of its lines in lower case."""

    def update_headers(self, headers: CIMultiDict[str]) -> None:  # type: ignore[override]  # what a session gives
        super().update_headers([(name.title(), value) for name, value in headers.items()])


class _Body(httpx.AsyncByteStream):
    """The body of a request, which reports when aiohttp comes for it: the next thing it does is to write."""

    def __init__(self, stream: Any, report: Callable[[str, Mapping[str, Any]], Awaitable[None]]) -> None:
        self._stream = stream
        self._report = report
        self._chunks: AsyncIterator[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give itself: aiohttp begins to iterate before there is a connection."""
        return self

    async def __anext__(self) -> bytes:
        if self._chunks is None:
            await self._report("aiohttp.send_request.started", {})
            self._chunks = aiter(self._stream)
        return await anext(self._chunks)


class _Chunks(httpx.AsyncByteStream):
    """The body of a reply, whose errors say what happened."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._chunks = aiter(stream)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            raise
        except Exception as error:  # noqa: BLE001 -- what has no other name here is raised as it is
            named = _named_anew(error)
            raise named from named.__cause__

    async def aclose(self) -> None:
        await self._chunks.aclose()
        await self._stream.aclose()


_NAMES: Final[tuple[tuple[type[Exception], type[httpx.TransportError], str], ...]] = (  # the first line that fits
    (aiohttp.ClientConnectorError, httpx.ConnectError, ""),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError, ""),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError, "no HTTP"),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError, "peer closed connection"),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError, "Server disconnected"),
    (aiohttp.ClientConnectionResetError, httpx.RemoteProtocolError, "Server disconnected"),  # when we began to write
    (aiohttp.ClientConnectionError, httpx.ReadError, ""),
)


def _named_anew(error: Exception) -> Exception:
    """Give the error of httpx's that means what *error* does, caused by what the system said."""
    known = error.__cause__ if isinstance(error, httpx.TransportError) else error
    for kind, name, text in _NAMES:
        if isinstance(known, kind):
            named = name(text)
            named.__cause__ = known
            if isinstance(known, aiohttp.ClientConnectorError):
                closed = isinstance(known.os_error, ConnectionResetError) and known.os_error.errno is None
                # So asyncio says that the server has closed in the middle of a TLS handshake.
                named.__cause__ = ConnectionResetError(errno.ECONNRESET, "") if closed else known.os_error
            return named
    return error
