"""
One connection, for one exchange at a time: it sends, listens to what httpx reports, and can be thrown away at any time.

It is an HTTP transport with room for a single connection, so that nothing ever queues in an HTTP pool: httpx 0.28 loses
the places of requests that are cancelled in that queue (encode/httpcore#1093). For the same reason a connection whose
exchange did not end well is never used again.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from smsc_async._transport.connections import Stack
    from smsc_async._transport.credentials import Body
    from smsc_async._transport.outcome import Write

__all__ = ["Connection"]

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
        "_unlocked",
        "closed",
        "idle_since",
        "own",
        "stack",
        "usable",
        "write",
    )

    def __init__(self, transport: httpx.AsyncBaseTransport, stack: Stack, *, own: bool) -> None:
        self._transport = transport
        self._extensions = {"trace": self._trace}
        self._raw: list[Any] = []  # what is open below TLS and HTTP, as the transport reported it
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None  # of the reply that is being read
        self._under_way = False  # a request was given out, and its reply has not been read to its end
        self._unlocked = False  # httpcore's locks are out of the way
        self.own = own  # not made by the user's factory
        self.stack = stack
        self.usable = False  # it may serve again
        self.closed = False
        self.idle_since = 0.0
        self.write: Write  # what the exchange that goes on learns about its bytes

    async def send(self, url: httpx.URL, headers: httpx.Headers, body: Body) -> httpx.Response:
        """Send a request and give the head of its reply."""
        self.usable = False
        self.write.check()
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
            if self.usable and not self._unlocked:
                self._unlocked = True
                _unlock(self._transport)

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
                finally:
                    try:
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
                write.check()
                write.started = True
        elif event.endswith("connect_tcp.complete"):
            self._raw, self._unlocked = [info["return_value"]], False
            _on_closing(info["return_value"], _DROP_THE_REST)


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

    Left to itself it goes on sending a request for minutes after we gave it up, where the network has a pause. But the
    guard trusts that a request without a reply reaches the gateway within seconds, or never. httpcore closes what was
    cancelled before we come to it; so every closing is a reset, except that of an idle connection.
    """
    with suppress(Exception):  # the socket of another transport may be no socket
        stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, what)


class _NoLock:
    """In place of a lock that nobody else could want."""

    async def __aenter__(self) -> None:
        """Take nothing."""

    async def __aexit__(self, *_: object) -> None:
        """Give nothing back."""


_NO_LOCK: Final = _NoLock()


def _unlock(transport: Any) -> None:
    """
    Take httpcore's locks out of the way of a kept connection, which has one exchange at a time anyway.

    Each of the three that a request takes lets all other tasks go first. So with fourteen in flight whose replies come
    together the fourteen next requests would leave together too, after all the work of all of them, and so on for ever
    (measured: 0.85 of what fourteen connections can do at 50 ms latency, 0.93 without the locks).
    """
    with suppress(AttributeError, ValueError):  # where httpcore (1.0) is built otherwise, its locks stay
        (link,) = transport._pool.connections  # noqa: SLF001 -- nobody offers this
        while link is not None:
            for name in ("_request_lock", "_connect_lock", "_state_lock"):
                if hasattr(link, name):
                    setattr(link, name, _NO_LOCK)
            link = getattr(link, "_connection", None)


def _left_over(transport: Any, response: httpx.Response) -> bool:
    """
    Say whether anything came after the end of a reply, or whether that cannot be told.

    httpcore (1.0) does not look, and hands what is left to the next request as its reply: the answer to another call.
    What the system has not handed over yet it does see; so the places to look are h11's buffer and TLS's.
    A transport that reports what it does, and is not httpcore's, has a method ``left_over(response)`` for it.
    """
    if (asked := getattr(transport, "left_over", None)) is not None:
        return bool(asked(response))
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
