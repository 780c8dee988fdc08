"""
Connections: one exchange at a time on each, and per event loop a stack of those that are idle.

Each is an HTTP transport with room for a single connection, so that nothing ever queues in an HTTP pool: httpx 0.28
loses the places of requests that are cancelled in that queue (encode/httpcore#1093). How many are in use at once is the
guard's business. For the same reason a connection whose exchange did not end well is never used again.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

from smsc_async._loops import Loop, current_loop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from smsc_async._transport.credentials import Body
    from smsc_async._transport.outcome import Write

__all__ = ["Connection", "Connections"]

_LINGER: Final = "hh" if sys.platform == "win32" else "ii"  # on or off, seconds
_DROP_THE_REST: Final = struct.pack(_LINGER, 1, 0)  # close with a reset
_SEND_THE_REST: Final = struct.pack(_LINGER, 0, 0)
_CLOSING: Final = 2.0  # seconds; closing waits for nobody, this bounds transports that are not ours


class Connection:
    """One connection, or the place for one: it is opened by its first request."""

    __slots__ = (
        "_chunks",
        "_extensions",
        "_raw",
        "_response",
        "_transport",
        "_under_way",
        "closed",
        "idle_since",
        "own",
        "stack",
        "usable",
        "write",
    )

    def __init__(self, transport: httpx.AsyncBaseTransport, stack: _Stack, *, own: bool) -> None:
        self._transport = transport
        self._extensions = {"trace": self._trace}
        self._raw: list[Any] = []  # what is open below TLS and HTTP, as the transport reported it
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None  # of the reply that is being read
        self._under_way = False  # a request was given out, and its reply has not been read to its end
        self.own = own  # not made by the user's factory
        self.stack = stack
        self.usable = False  # it may serve again
        self.closed = False
        self.idle_since = 0.0
        self.write: Write  # what the exchange that goes on learns about its bytes

    async def send(self, url: httpx.URL, headers: httpx.Headers, body: Body) -> httpx.Response:
        """Send a request and give the head of its reply."""
        self.usable = False
        self._under_way = self.write.given = True
        request = httpx.Request("POST", url, headers=headers, stream=body, extensions=self._extensions)
        self._response = response = await self._transport.handle_async_request(request)
        self._chunks = aiter(response.stream)  # type: ignore[arg-type]  # asynchronous, because the transport is
        return response

    async def receive(self) -> bytes | None:
        """Give the next bytes of the reply's body, None at its end."""
        if self._chunks is None:
            return None
        try:  # `anext` with a default crashes Python 3.11 where the loop's hook for generators raises
            return await anext(self._chunks)
        except StopAsyncIteration:
            return None

    async def settle(self, *, reusable: bool) -> None:
        """Tell the transport that the reply was read to its end, so that the connection may serve again."""
        response, self._response, self._chunks = self._response, None, None
        self._under_way = False
        if response is not None:
            await response.stream.aclose()  # type: ignore[union-attr]  # likewise
            self.usable = reusable and not (self.write.traced and _left_over(self._transport, response))

    async def close(self) -> None:
        """
        Throw the connection away, in whatever state it is; wait for nobody, not even for a cancellation of ourselves.

        What lies below is closed first. A reply that was left half read then ends in an error, and so do the generators
        of httpx and httpcore that wait in it: closed from above they would leave that to the garbage collector.
        """
        if self.closed:
            return
        self.closed, self.usable = True, False
        raw, self._raw = self._raw, []
        chunks, response = self._chunks, self._response
        self._chunks = self._response = None
        self._extensions = {}  # it refers back to us
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + _CLOSING):
            try:
                for stream in raw:
                    with suppress(Exception):
                        if not self._under_way:
                            _on_closing(stream, _SEND_THE_REST)
                        await stream.aclose()
            finally:  # a native cancellation goes through shields
                try:
                    if chunks is not None:
                        await _end(chunks, drain=bool(raw))
                    if response is not None:
                        with suppress(Exception):
                            await response.stream.aclose()  # type: ignore[union-attr]  # likewise
                finally:
                    with suppress(Exception):
                        await self._transport.aclose()

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Listen to what the transport does. Source: https://www.encode.io/httpcore/extensions/#trace."""
        write = self.write
        write.traced = True
        if event.endswith(".started"):
            # A CONNECT is the proxy's own affair: nothing of ours is in it.
            if "send_request" in event and getattr(info.get("request"), "method", None) != b"CONNECT":
                write.started = True
        elif event.endswith("connect_tcp.complete"):
            self._raw = [info["return_value"]]
            _on_closing(info["return_value"], _DROP_THE_REST)


class Connections:
    """The connections of one transport, in all event loops that use it."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport], *, own: bool, keepalive: float) -> None:
        self._make = make
        self._own = own
        self._keepalive = keepalive
        self._stacks: dict[Loop, _Stack] = {}
        # A session may be dropped without being closed, as in a notebook.
        weakref.finalize(self, _end_in_their_loops, self._stacks).atexit = False

    async def take(self, *, fresh: bool, now: float) -> Connection:
        """Give the connection that was used last, or a new one where there is none or a *fresh* one is asked for."""
        loop = current_loop()
        stack = self._stacks.get(loop) or await self._begin(loop)
        idle = stack.idle
        # Each new connection replaces an idle one, so that there are never more than were in use at once.
        if idle and (fresh or now - idle[0].idle_since > self._keepalive):
            await idle.pop(0).close()
        if idle and not fresh:
            return idle.pop()
        return Connection(self._make(), stack, own=self._own)

    async def give_back(self, connection: Connection, *, now: float) -> None:
        """Keep a connection for the next exchange; close it where it cannot serve, or nothing would close it later."""
        if connection.usable and not connection.stack.ended:
            connection.idle_since = now
            connection.stack.idle.append(connection)
        else:
            await connection.close()

    async def aclose(self) -> None:
        """Close what is idle: here now, in other loops as soon as they come to it."""
        here = current_loop()
        mine = self._stacks.pop(here, None)
        _end_in_their_loops(self._stacks)
        if mine is not None:
            await mine.end()

    async def _begin(self, loop: Loop) -> _Stack:
        for known in [*self._stacks]:
            if not known.is_alive():
                self._stacks.pop(known, None)
        stack = self._stacks[loop] = _Stack()
        await anext(stack.keeper)
        return stack

    def __repr__(self) -> str:
        return f"<Connections: {sum(len(stack.idle) for stack in [*self._stacks.values()])} idle>"


class _Stack:
    """The idle connections of one event loop, the last used on top."""

    def __init__(self) -> None:
        self.idle: list[Connection] = []
        self.ended = False
        self.keeper = self._keep()

    async def _keep(self) -> AsyncGenerator[None, None]:
        """
        Wait for the end of the event loop, and close what is idle.

        A loop that ends closes all asynchronous generators that have begun, and that is the only moment at which
        asyncio and trio alike let somebody clean up.
        """
        try:
            yield
        finally:
            self.ended = True
            await self._close_idle()

    async def _close_idle(self) -> None:
        if self.idle:
            try:
                await self.idle.pop().close()
            finally:  # the others too, when a cancellation comes through
                await self._close_idle()

    async def end(self) -> None:
        """Close what is idle; what is in use is closed by its exchange."""
        if not self.ended:
            self.ended = True
            await self._close_idle()
            with suppress(RuntimeError):  # the loop is ending too, and at work in the keeper
                await self.keeper.aclose()


def _end_in_their_loops(stacks: dict[Loop, _Stack]) -> None:
    while stacks:
        loop, stack = stacks.popitem()
        loop.spawn(stack.end)


async def _end(chunks: AsyncIterator[bytes], *, drain: bool) -> None:
    """Bring the generator of a reply to its end."""
    with suppress(Exception):
        if drain:  # the connection below is closed, so this soon fails
            async for _ in chunks:
                pass
    close = getattr(chunks, "aclose", None)
    if close is not None:
        with suppress(Exception):
            await close()


def _on_closing(stream: Any, what: bytes) -> None:
    """
    Tell the system what closing means.

    Left to itself it goes on sending a request for minutes after we gave it up, where the network has a pause. The guard
    counts on that ending: a request without a reply may reach the gateway a few seconds later, not more. httpcore closes
    what was cancelled before we come to it, so a reset is what every closing means, until an idle connection is closed.
    """
    with suppress(Exception):  # the socket of another transport may be no socket
        stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, what)


def _left_over(transport: Any, response: httpx.Response) -> bool:
    """
    Say whether anything came after the end of a reply, or whether that cannot be told.

    httpcore (1.0) does not look, and hands what is left to the next request as its reply: the answer to another call.
    What the system has not handed over yet it does see; so the places to look are h11's buffer and TLS's.
    """
    try:
        (link,) = transport._pool.connections  # noqa: SLF001 -- nobody offers this; where it moves, nothing is reused
        while (below := getattr(link, "_connection", None)) is not None:
            link = below
        rest, ended = link._h11_state.trailing_data  # noqa: SLF001 -- likewise
        tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    except (AttributeError, KeyError, ValueError):
        return True
    if rest or ended or tls is None:
        return bool(rest or ended)
    try:
        tls.read(1)
    except ssl.SSLWantReadError:  # as it should be: all that came is read
        return False
    except ssl.SSLError:
        return True
    return True
