"""A tap on a connection of aiohttp's: it counts what comes, so that nothing is taken for the reply to a later call."""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey

    from smsc_async._transport.decoding import Head

__all__ = ["Tap"]

_END_OF_HEAD: Final = b"\r\n\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"  # RFC 9112, 7.1; with trailers it looks otherwise, and the connection is not kept
_LONG_HEAD: Final = 65_536  # bytes; after so many the head's end is not looked for, and the connection not kept
_STATUS: Final = len("HTTP/1.1 ")  # where a reply has its status; that of an interim one begins with a 1


class Tap(asyncio.Protocol):
    """
    Stands between a socket and aiohttp's reader; to `Connection` it is the stream to throw away.

    aiohttp's parser swallows the beginning of a second reply without a trace, so whether a reply was the last thing
    that came is found by counting.
    """

    def __init__(self, reader: ResponseHandler, transport: asyncio.Transport, key: ConnectionKey) -> None:
        self.reader = reader
        self._key = key
        self._transport = transport
        self.begin()
        transport.set_protocol(self)

    def begin(self) -> None:
        """Expect a reply."""
        self._resting = False
        self._came = 0
        self._body_at: int | None = None  # so many bytes came before the body
        self._head = b""  # or as much of it as came
        self._tail = b""  # what came last

    def rest(self, head: Head) -> bool:
        """Expect nothing any more. Say whether the reply with *head*, which was read, was all that came."""
        if head.length is not None:
            whole = self._body_at is not None and self._came == self._body_at + head.length
        else:  # chunked; a second reply that ends like this has a whole head, and that the reader shows
            whole = self._tail == _LAST_CHUNK
        self._resting = whole and not self.reader.should_close
        return self._resting

    def may_serve(self, key: ConnectionKey) -> bool:
        """Say whether the connection leads to where *key* says, and nothing has come of it since its last reply."""
        return self._resting and self._key == key and not self._transport.is_closing() and not self._has_news()

    def _has_news(self) -> bool:
        """Ask the system: a close may have arrived that the event loop has not come to yet."""
        socket = self._transport.get_extra_info("socket")
        if not hasattr(select, "poll"):  # on Windows
            return bool(select.select([socket], [], [], 0)[0])
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))

    def data_received(self, data: bytes) -> None:
        """Count what came, and pass it on."""
        if self._resting:
            self.abort()
            return
        came, self._came = self._came, self._came + len(data)
        self._tail = (self._tail + data[-len(_LAST_CHUNK) :])[-len(_LAST_CHUNK) :]
        if self._body_at is None and came < _LONG_HEAD:
            self._look_for_the_body(data)
        self.reader.data_received(data)

    def _look_for_the_body(self, data: bytes) -> None:
        self._head += data
        passed = self._came - len(self._head)
        while (end := self._head.find(_END_OF_HEAD)) >= 0:
            end += len(_END_OF_HEAD)
            passed += end
            if self._head[_STATUS : _STATUS + 1] != b"1":
                self._body_at, self._head = passed, b""
                return
            self._head = self._head[end:]

    def eof_received(self) -> None:
        """Pass on that the server has closed its half; the event loop then closes ours."""
        self.reader.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the connection is gone."""
        self.reader.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the system takes no more for now."""
        self.reader.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that it does again."""
        self.reader.resume_writing()

    def get_extra_info(self, name: str) -> Any:
        """Give what the event loop knows of the connection."""
        return self._transport.get_extra_info(name)

    def abort(self) -> None:
        """Close, and wait for nobody."""
        self._transport.abort()

    async def aclose(self) -> None:
        """Close, as streams do that are thrown away."""
        self.abort()
