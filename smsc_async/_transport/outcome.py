"""How an exchange ends: a reply, or a failure in one clause; and the evidence about what has left this machine."""

from __future__ import annotations

import math
import os
import socket
import ssl
import zlib
from typing import TYPE_CHECKING, Final

import attrs
import httpx

from smsc_async._transport.decoding import CUT_SHORT
from smsc_async.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smsc_async.clock import Clock

__all__ = ["CutShort", "Failure", "HeldUp", "Reply", "Write", "explain", "forget_frames"]

_DEEP: Final = 12  # links of a chain of causes to look at; httpx, httpcore, anyio and the system make five


@attrs.frozen
class Reply:
    """A whole HTTP reply, of whatever status."""

    status: int
    content_type: str  # as it came, "" where it did not
    body: bytes = attrs.field(repr=False)  # may hold phones
    explicit_empty: bool = False  # the body is empty, and a Content-Length of 0 said so


@attrs.frozen
class Failure:
    """No whole reply came."""

    reason: str  # one clause without secrets
    timed_out: bool = False


class CutShort(Exception):
    """A stream of bytes failed before its end; the session makes `IncompleteDownload` of it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class HeldUp(Exception):
    """The first byte would have left too late: other processes may count the call as over."""


class Write:
    """
    What is known about the bytes of one attempt. It only ever learns.

    Args:
        send_by: The moment by which the first byte must have left.
        clock: That the moment is of.
    """

    __slots__ = ("_clock", "_send_by", "connect_failed", "given", "started", "traced")

    def __init__(self, send_by: float = math.inf, clock: Clock = SYSTEM_CLOCK) -> None:
        self._send_by = send_by
        self._clock = clock
        self.given: bool = False  # the request was handed to an HTTP transport
        self.traced: bool = False  # that transport showed that it reports what it does
        self.started: bool = False  # it reported that the request's first byte may leave
        self.connect_failed: bool = False  # it said that there was no connection

    def check(self) -> None:
        """
        Refuse to send what was held up; asked just before a byte leaves.

        Raises:
            HeldUp: The process stood still, or connecting took long.
        """
        if not self.started and self._send_by < math.inf and self._clock.now() > self._send_by:
            raise HeldUp

    @property
    def provably_unsent(self) -> bool:
        """
        Whether no byte of the request can have left this machine.

        Needs evidence: a transport that reports nothing (a mock, one of the user's) leaves it unknown, which is False.
        """
        return not self.given or (not self.started and (self.traced or self.connect_failed))

    def __repr__(self) -> str:
        return "<Write unsent>" if self.provably_unsent else f"<Write {'begun' if self.started else 'unknown'}>"


_MEANINGS: Final = (  # the first line that fits: the error's kind, how its text begins, what it means
    (HeldUp, "", "it was held up for too long after the guard had let it go, and was not sent"),
    ((httpx.ConnectError, httpx.ConnectTimeout), "", "no connection to {place}{because}"),
    (httpx.TimeoutException, "", "the HTTP transport timed out"),  # one of the user's; ours has no time-outs of its own
    (httpx.RemoteProtocolError, "Server disconnected", "the server closed the connection before it replied"),
    (httpx.RemoteProtocolError, "peer closed connection", CUT_SHORT),
    (httpx.RemoteProtocolError, "", "what came back is not an HTTP reply"),
    (httpx.ProxyError, "", "the proxy refused to connect to {place}"),
    (zlib.error, "", "the reply's compression is damaged"),
    ((httpx.NetworkError, OSError), "", "the connection broke before the reply ended{because}"),
    (Exception, "", "the HTTP transport failed with {kind}"),
)


def explain(error: Exception, place: str) -> Failure:
    """
    Say in one clause what *error* of an exchange with *place* means.

    The texts of foreign errors may quote what the server sent, so only those of the system and of TLS are used.
    """
    text = str(error)
    meaning = next(means for kinds, begins, means in _MEANINGS if isinstance(error, kinds) and text.startswith(begins))
    detail = _detail(error)
    reason = meaning.format(place=place, because=f": {detail}" if detail else "", kind=type(error).__name__)
    return Failure(reason, timed_out=isinstance(error, httpx.TimeoutException))


def _detail(error: Exception) -> str:
    """Find what the system or TLS said, below the wrappers."""
    found = ""
    for link in _causes(error):
        match link:
            case ssl.SSLCertVerificationError():
                return f"certificate refused, {link.verify_message.rstrip('.')}"
            case ssl.SSLError() if link.reason:
                return f"TLS failed, {link.reason.lower().replace('_', ' ')}"
            case socket.gaierror() if link.strerror:
                found = link.strerror.lower()
            case OSError() if link.errno:
                found = os.strerror(link.errno).lower()
            case _:
                pass
    return found


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Follow the chain downwards. httpcore cuts its links (``raise ... from None``); their contexts remain."""
    link: BaseException | None = error
    for _ in range(_DEEP):
        if link is None:
            return
        yield link
        addresses = link.exceptions if isinstance(link, BaseExceptionGroup) else ()  # each with its own refusal
        link = addresses[0] if addresses else link.__cause__ or link.__context__


def forget_frames(error: BaseException) -> None:
    """
    Take from an error that passes through us the frames it has seen below: they hold the request's bytes.

    A chain of cancellations stays linked, because anyio looks for its own mark in it.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        if link.__cause__ is not None:
            link.__cause__ = None
        if isinstance(link, BaseExceptionGroup):
            for part in link.exceptions:
                forget_frames(part)
        if not isinstance(link.__context__, type(error)):
            link.__context__ = None
        link = link.__context__
