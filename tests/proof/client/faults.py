"""Everything that can go wrong between a client and its gateway, each by a name that the reach is counted under."""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["CONNECTING", "ERRORS", "GENUINE", "REPLYING", "REQUESTING", "Fault"]


class Fault(enum.Enum):
    """What may go wrong with one connection or one request; the values are for people."""

    # While connecting: no byte of a request can have left.
    REFUSED = "connection refused"
    CONNECT_HANGS = "connecting hangs"
    TLS_FAILS = "the TLS handshake fails"
    TLS_HANGS = "the TLS handshake hangs"
    PROXY_REFUSES = "the proxy refuses the tunnel"
    PROXY_HANGS = "the proxy hangs in the tunnel's making"

    # While the request goes out.
    RESET_BEFORE = "reset before the first byte was taken"
    RESET_AFTER_ONE = "reset after the first byte"
    REQUEST_CUT = "reset at byte k of the request"
    WRITE_HANGS = "writing hangs at byte k"
    PAUSED = "the network pauses with the request in it"
    EARLY_REPLY = "a reply, and a reset, before the request was sent"
    CLOSED_AS_WE_WRITE = "the kept-alive connection is closed as the request is written"

    # While the reply comes.
    NO_REPLY = "closed without a reply"
    REPLY_RESET = "reset before the reply"
    REPLY_CUT = "closed at byte k of the reply"
    REPLY_RESET_AT = "reset at byte k of the reply"
    HANGS = "no reply ever"
    HANGS_MIDWAY = "the reply stops at byte k"
    DRIPS = "the reply drips"
    SLOW = "the reply is slow"
    IN_PIECES = "the reply comes in pieces"
    CHUNKED = "the reply is chunked"
    UNFRAMED = "the reply ends with the connection"
    CLOSES_AFTER = "the reply says that the connection closes"
    IDLE_CLOSED = "the idle connection is closed"
    EXTRA_BYTES = "bytes after the reply"
    NO_HTTP = "what comes back is not HTTP"

    # In place of the reply.
    EMPTY = "an empty body"
    SERVER_ERROR = "HTTP 5xx"
    OTHER_STATUS = "HTTP 4xx"
    REDIRECT = "HTTP 3xx"
    HTML = "an HTML page"
    WRONG_REPLY = "a reply of another shape"
    HALF_REPLY = "half of the reply's text"

    # Refusals.
    ERROR_1 = "error 1"
    ERROR_2 = "error 2"
    ERROR_3 = "error 3"
    ERROR_4 = "error 4"
    ERROR_5 = "error 5"
    ERROR_6 = "error 6"
    ERROR_7 = "error 7"
    ERROR_8 = "error 8"
    DUPLICATE = "error 9, duplicate, out of the blue"
    CONCURRENCY = "error 9, concurrency, out of the blue"
    ERROR_9_WITH_5XX = "error 9 with HTTP 5xx"
    GENUINE_DUPLICATE = "error 9, duplicate, because of foreign requests"
    GENUINE_CONCURRENCY = "error 9, concurrency, because of foreign requests"

    # The machine's own part.
    CANCELLED = "the call is cancelled"
    CANCELLED_NATIVELY = "the call's task is cancelled as asyncio does it"
    SESSION_CLOSED = "the session is closed in the middle"
    OUT_OF_WAIT = "max_wait ends"


def _from(first: Fault, last: Fault) -> tuple[Fault, ...]:
    every = list(Fault)
    return tuple(every[every.index(first) : every.index(last) + 1])


CONNECTING: Final = _from(Fault.REFUSED, Fault.PROXY_HANGS)
REQUESTING: Final = _from(Fault.RESET_BEFORE, Fault.CLOSED_AS_WE_WRITE)
REPLYING: Final = _from(Fault.NO_REPLY, Fault.ERROR_9_WITH_5XX)
ERRORS: Final = {fault: int(fault.value[-1]) for fault in _from(Fault.ERROR_1, Fault.ERROR_8)}
GENUINE: Final = (Fault.GENUINE_DUPLICATE, Fault.GENUINE_CONCURRENCY)
