"""The head of a reply, and its body where it came compressed although nobody asked for that."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

__all__ = ["CUT_SHORT", "Head", "Inflater", "cut_short"]

CUT_SHORT: Final = "the server closed the connection before the reply ended"

_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32  # tells the two apart by itself
_PIECE: Final = 65_536  # bytes of output at a time, so that a bomb goes off in small pieces
_INFLATABLE: Final = ("gzip", "x-gzip", "deflate")
_WITHOUT_BODY: Final = (204, 304)  # RFC 9110, 6.4.1: whatever their Content-Length says


@attrs.frozen
class Head:
    """What matters of a reply's head."""

    status: int
    content_type: str
    length: int | None  # of the body on the wire
    coding: str  # "" for none
    closing: bool  # the server will close the connection

    @classmethod
    def of(cls, response: httpx.Response) -> Head:
        """Pick it out of the bytes; `httpx.Headers` would decode each of them first."""
        content_type, coding = "", ""
        length: int | None = None
        framed = closing = False
        for name, value in response.headers.raw:
            match name.lower():
                case b"content-type":
                    content_type = value.decode("latin-1")
                case b"content-length" if value.isdigit():
                    length = int(value)
                case b"content-encoding":
                    coding = value.decode("latin-1").strip().lower().replace("identity", "")
                case b"transfer-encoding":
                    framed = True
                case b"connection":
                    closing = b"close" in value.lower()
                case _:
                    pass
        if framed or response.status_code in _WITHOUT_BODY:
            length = None
        return cls(response.status_code, content_type, length, coding, closing)

    @property
    def readable(self) -> bool:
        """Whether the body can be decoded."""
        return self.coding in ("", *_INFLATABLE)


class Inflater:
    """Undoes gzip and deflate in bounded pieces."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(_GZIP_OR_ZLIB)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """
        Give what *chunk* holds.

        Raises:
            zlib.error: It is damaged, or goes on after its end.
        """
        piece = chunk
        while chunk or len(piece) == _PIECE:  # zlib may hold output back when all input is in
            if piece := self._engine.decompress(chunk, _PIECE):
                yield piece
            chunk = self._engine.unconsumed_tail
            if self._engine.unused_data:
                message = "data after the end"
                raise zlib.error(message)

    @property
    def complete(self) -> bool:
        """Whether the end has come."""
        return self._engine.eof


def cut_short(head: Head, came: int, inflater: Inflater | None) -> bool:
    """
    Say whether a body of *came* bytes on the wire lacks its end.

    h11 has said so already where it did the framing; this is for transports that do not look.
    """
    if head.length is not None and came != head.length:
        return True
    return inflater is not None and came > 0 and not inflater.complete
