"""
The ways to mistreat a request.

Where an effect has `acted`, it says whether the gateway has carried the request out before it went wrong; the request
is counted in the windows in either case.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from random import Random

import attrs

from smsc_async.simulator.disturbance import Disturbance, HttpReply
from smsc_async.simulator.replies import refusal_text
from smsc_async.simulator.request import Request

#: Seconds, or how to draw them.
Latency = float | Callable[[Random], float]

TEXT = (b"content-type", b"text/plain; charset=utf-8")
HTML = (b"content-type", b"text/html; charset=utf-8")
PAGE = b"<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"


def draw(latency: Latency, random: Random) -> float:
    """Give the seconds of a latency."""
    return latency(random) if callable(latency) else latency


@attrs.frozen(kw_only=True)
class Delay:
    """
    Wait before the request is counted, before it is carried out, and before its answer leaves.

    Before counting is where a long uplink or a full listen queue delays; the request is in flight all the while.
    """

    before_counting: Latency = 0.0
    before_acting: Latency = 0.0
    before_reply: Latency = 0.0

    def apply(self, disturbance: Disturbance) -> None:
        """Add the delays."""
        disturbance.before_counting += draw(self.before_counting, disturbance.random)
        disturbance.before_acting += draw(self.before_acting, disturbance.random)
        disturbance.before_reply += draw(self.before_reply, disturbance.random)


@attrs.frozen(kw_only=True)
class Drop:
    """
    Close the connection without a byte of answer.

    Under uvicorn the transport is aborted; in process the app raises ``Simulator(dropped=...)``.
    """

    acted: bool

    def apply(self, disturbance: Disturbance) -> None:
        """Drop in place of the reply."""
        disturbance.acts &= self.acted
        disturbance.drops = True


@attrs.frozen(kw_only=True)
class Replace:
    """Answer something else altogether."""

    acted: bool
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = (HTML,)
    body: bytes = b""

    def apply(self, disturbance: Disturbance) -> None:
        """Put this in place of the reply."""
        disturbance.acts &= self.acted
        disturbance.replacement = HttpReply(status=self.status, headers=list(self.headers), body=self.body)


def http_status(status: int = 502, *, acted: bool, retry_after: int | None = None) -> Replace:
    """Answer with an HTTP status (5xx, 429, any other) and the page that a proxy writes."""
    headers = (HTML,) if retry_after is None else (HTML, (b"retry-after", str(retry_after).encode()))
    title = str(status).encode()
    return Replace(acted=acted, status=status, headers=headers, body=PAGE % (title, title))


def redirect(location: str, status: int = 302, *, acted: bool = False) -> Replace:
    """Answer with a redirect."""
    return Replace(acted=acted, status=status, headers=((b"location", location.encode()),))


def html_page(*, acted: bool = True) -> Replace:
    """Answer 200 with a page for people."""
    return Replace(acted=acted, body=PAGE % (b"Technical works", b"Back soon"))


def empty_body(*, acted: bool = True) -> Replace:
    """Answer 200 with nothing."""
    return Replace(acted=acted, headers=(TEXT,))


def plain_refusal(code: int = 9, text: str = "duplicate request, wait a minute", *, acted: bool = False) -> Replace:
    """Answer a refusal as text whatever was asked for: in place of a CSV, or of JSON."""
    return Replace(acted=acted, headers=(TEXT,), body=refusal_text(code, text, 0).encode())


@attrs.frozen(kw_only=True)
class Garbage:
    """Answer 200 with random bytes under the right headers."""

    acted: bool = True
    size: int = 200

    def apply(self, disturbance: Disturbance) -> None:
        """Put random bytes in place of the body."""
        disturbance.acts &= self.acted
        noise = disturbance.random.randbytes(self.size)
        disturbance.transforms.append(
            lambda reply, _: HttpReply(status=reply.status, headers=reply.headers, body=noise)
        )


@attrs.frozen
class Truncate:
    """Send only the first bytes of the body and claim that they are all: half a JSON, with a matching length."""

    at: int

    def apply(self, disturbance: Disturbance) -> None:
        """Cut the body."""
        disturbance.transforms.append(
            lambda reply, _: HttpReply(status=reply.status, headers=reply.headers, body=reply.whole()[: self.at])
        )


@attrs.frozen
class CutShort:
    """Claim the whole length, send the first bytes and drop the connection: a CSV cut short."""

    at: int

    def apply(self, disturbance: Disturbance) -> None:
        """Cut the connection after so many bytes of the body."""

        def cut(reply: HttpReply, _: Request) -> HttpReply:
            return attrs.evolve(reply, cut_at=self.at)

        disturbance.transforms.append(cut)


@attrs.frozen
class WrongLength:
    """
    Claim a Content-Length that is *more* bytes than there are (the connection then ends too early).

    A negative *more* makes the client see less than there is, and nothing tells it so.
    """

    more: int

    def apply(self, disturbance: Disturbance) -> None:
        """Falsify the length."""

        def falsify(reply: HttpReply, _: Request) -> HttpReply:
            body = reply.whole()
            length = max(0, len(body) + self.more)
            cut_at = len(body) if length > len(body) else None
            return HttpReply(
                status=reply.status, headers=reply.headers, body=body[:length], length=length, cut_at=cut_at
            )

        disturbance.transforms.append(falsify)


@attrs.frozen
class GzipBomb:
    """Answer with a small gzip body that unpacks to *size* bytes, asked for or not."""

    size: int = 64 * 1024 * 1024

    def apply(self, disturbance: Disturbance) -> None:
        """Put the bomb in place of the body."""
        bomb = gzip.compress(b"0" * self.size)

        def plant(reply: HttpReply, _: Request) -> HttpReply:
            headers = [*reply.headers, (b"content-encoding", b"gzip")]
            return HttpReply(status=reply.status, headers=headers, body=bomb)

        disturbance.transforms.append(plant)


@attrs.frozen(kw_only=True)
class EchoCredentials:
    """Refuse with a text that repeats the request's credentials and parameters, in the format asked for."""

    code: int = 1

    def apply(self, disturbance: Disturbance) -> None:
        """Put the echo in place of the reply."""
        disturbance.acts = False

        def echo(reply: HttpReply, request: Request) -> HttpReply:
            shown = "&".join(f"{name}={value}" for name, value in request.params.items())
            text = refusal_text(self.code, f"parameters error: {shown}", request.fmt)
            return HttpReply(headers=reply.headers, body=text.encode(request.charset, "replace"))

        disturbance.transforms.append(echo)


@attrs.frozen
class Drip:
    """Send the body slowly: *rate* bytes a second, so many at a time."""

    rate: float
    piece: int = 1

    def apply(self, disturbance: Disturbance) -> None:
        """Slow the body down."""
        piece = self.piece

        def slow(reply: HttpReply, _: Request) -> HttpReply:
            def pieces() -> Iterator[bytes]:
                for chunk in reply.chunks():
                    for start in range(0, len(chunk), piece):
                        yield chunk[start : start + piece]

            length = len(reply.body) if reply.stream is None else reply.length
            return attrs.evolve(reply, stream=pieces, length=length, rate=self.rate)

        disturbance.transforms.append(slow)
