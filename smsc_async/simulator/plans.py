"""What the fault proxy does to one exchange, and what it saw of it."""

from __future__ import annotations

from typing import Literal

import attrs

#: reset: RST to the client; close: FIN; half: FIN of the one direction only, the other goes on; hang: silence.
Ending = Literal["reset", "close", "half", "hang"]


@attrs.frozen(kw_only=True)
class Plan:
    """
    How one exchange (a request and its reply) is mistreated on its way. Bytes are counted from 0 in each direction.

    An exchange begins with the first byte of a connection, or the first byte after some of the last reply. When a
    request is cut, its upstream always sees an orderly end after the bytes that were let through, so that these surely
    arrive.
    """

    refuse: bool = False  # reset the connection as soon as it is accepted
    cut_request_at: int | None = None  # let so many bytes of the request through, then end
    cut_reply_at: int | None = None  # let so many bytes of the reply through, then end; 0: as its first byte comes
    ending: Ending = "reset"
    request_latency: float = 0.0  # seconds, before the first byte
    reply_latency: float = 0.0
    request_rate: float | None = None  # bytes a second
    reply_rate: float | None = None
    close_idle_after: float | None = None  # seconds after the last byte of the reply
    close_on_reuse: bool = False  # close as the next request of the connection begins, and pass nothing of it


@attrs.define(kw_only=True, eq=False)
class Passage:
    """One exchange as the proxy saw it."""

    connection: int  # counts from 1
    plan: Plan
    request_bytes: int = 0  # that came from the client
    forwarded_bytes: int = 0  # of these, that were sent on upstream
    reply_bytes: int = 0  # that came from upstream
    returned_bytes: int = 0  # of these, that were sent on to the client
    ended: Literal["open", "refused", "request cut", "reply cut", "idle", "reuse", "client", "upstream"] = "open"
