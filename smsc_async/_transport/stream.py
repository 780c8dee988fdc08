"""A reply that is handed on while it comes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from smsc_async._transport.decoding import CUT_SHORT, Head, Inflater, cut_short
from smsc_async._transport.outcome import CutShort, Failure

if TYPE_CHECKING:
    from smsc_async._transport.attempt import Attempt

__all__ = ["Incoming"]


class Incoming:
    """
    The head of a reply, and then its body in chunks of any size, once.

    The deadline bounds each wait for a chunk, not what the reader does in between.
    """

    def __init__(self, head: Head, attempt: Attempt) -> None:
        self._head = head
        self.status = head.status
        self.content_type = head.content_type
        self.length = None if head.coding else head.length  # bytes of the body, where the server says it
        self.explicit_empty = head.length == 0
        self.complete = False  # the body came to its proper end
        self._came = 0
        self._inflater = Inflater() if head.coding else None
        self._pieces: deque[bytes] = deque()
        self._failure: Failure | None = None
        self._attempt = attempt

    def __aiter__(self) -> Incoming:
        return self

    async def __anext__(self) -> bytes:
        """
        Give the next bytes.

        Raises:
            CutShort: The connection broke, the deadline came, or less arrived than was promised.
        """
        if self._failure is None:
            try:
                outcome = await self._attempt.run(self._next)
            except BaseException:
                self._failure = Failure(CUT_SHORT)  # the connection is thrown away: nothing more can come
                raise
            if self.complete:  # whatever happened after the last byte
                raise StopAsyncIteration
            if not isinstance(outcome, Failure):
                return outcome
            self._failure = outcome
        raise CutShort(self._failure)

    async def _next(self) -> bytes | Failure:
        """Give the next bytes, none at the end."""
        connection = self._attempt.connection
        while not self._pieces and not self.complete:
            chunk = await connection.receive()
            if chunk is None:
                if cut_short(self._head, self._came, self._inflater):
                    return Failure(CUT_SHORT)
                self.complete = True
                await connection.settle(reusable=not self._head.closing)
                return b""
            self._came += len(chunk)
            self._pieces.extend((chunk,) if self._inflater is None else self._inflater.pieces(chunk))
        return self._pieces.popleft() if self._pieces else b""
