"""What befalls one request: the sum of all effects that strike it, and the reply that they work on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Protocol

import attrs

from smsc_async.simulator.request import Request


@attrs.define(kw_only=True)
class HttpReply:
    """An answer as it goes onto the wire."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = attrs.field(factory=list[tuple[bytes, bytes]])
    body: bytes = b""
    stream: Callable[[], Iterator[bytes]] | None = None  # in place of `body`, for files
    length: int | None = None  # the Content-Length that is claimed; None: the body's own, or chunked for a stream
    cut_at: int | None = None  # the connection is dropped after so many bytes of the body
    rate: float | None = None  # bytes a second

    def chunks(self) -> Iterator[bytes]:
        """Give the body piece by piece."""
        return iter((self.body,)) if self.stream is None else self.stream()

    def whole(self) -> bytes:
        """Give the whole body, for effects that need all of it."""
        return b"".join(self.chunks())


Transform = Callable[[HttpReply, Request], HttpReply]


@attrs.define(kw_only=True)
class Disturbance:
    """How one request is to be mistreated."""

    random: Random
    titles: list[str] = attrs.field(factory=list[str])
    before_counting: float = 0.0  # seconds, each
    before_acting: float = 0.0
    before_reply: float = 0.0
    acts: bool = True  # whether the gateway carries the request out at all
    meanwhile: list[Callable[[Request], Awaitable[None]]] = attrs.field(
        factory=list[Callable[[Request], Awaitable[None]]]
    )  # what happens after it was carried out, and before anything is answered
    drops: bool = False  # whether the connection is dropped in place of a reply
    replacement: HttpReply | None = None
    transforms: list[Transform] = attrs.field(factory=list[Transform])

    @property
    def replaces(self) -> bool:
        """Whether the client sees something other than the gateway's own answer."""
        return self.replacement is not None or bool(self.transforms)


class Effect(Protocol):
    """Something that can befall a request."""

    def apply(self, disturbance: Disturbance) -> None:
        """Add itself to what befalls the request."""
        ...
