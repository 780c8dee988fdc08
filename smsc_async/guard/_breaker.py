"""
Stops asking before the gateway locks the address out, and lets one probe through afterwards. Pure.

Source: https://smscentre.com/faq/99 - five authorisation errors within 30 minutes block the address for 30 minutes;
asking while blocked prolongs it.
"""

from __future__ import annotations

from typing import Final

from smsc_async.guard._bucket import FOREVER, Reason, Rule, TokenBucket

__all__ = ["MAX_REFUSED", "MAX_STRIKES", "REFUSED_MEMORY", "STRIKE_MEMORY", "Breaker"]

FIRST_PAUSE: Final = 600.0  # seconds; design section 6: one probe after 10 minutes ...
NEXT_PAUSE: Final = 1800.0  # ... and then after 30: as long as the gateway's own block
STRIKE_MEMORY: Final = 1800.0  # the gateway counts authorisation errors over 30 minutes
MAX_STRIKES: Final = 4  # one less than what blocks the address
REFUSED_MEMORY: Final = 601.5  # "100 erroneous requests in a row within 10 minutes" block the address; and the margin
MAX_REFUSED: Final = 99

_PROBATION: Final = Rule("", Reason.PROBATION, 1, rests=False)
_PROVEN: Final = Rule("", Reason.PROBATION, 1_000_000, rests=False)  # more than a process has calls


class Breaker:
    """The state of one set of credentials, or of one gateway as this address sees it."""

    __slots__ = ("bucket", "failures", "locked_at", "locked_until", "proven", "reason", "tripped_until")

    def __init__(self, *, proven: bool) -> None:
        self.proven: bool = proven  # whether calls may run side by side
        self.bucket: TokenBucket = TokenBucket(b"", _PROVEN if proven else _PROBATION, 0.0)
        self.failures: int = 0  # pauses in a row
        self.locked_at: float = -FOREVER
        self.locked_until: float = -FOREVER
        self.tripped_until: float = -FOREVER  # locked for a refusal, and not for a count that came near one
        self.reason: str = ""

    def trip(self, now: float, reason: str) -> None:
        """Lock until a probe may be tried."""
        if now < self.tripped_until:
            return  # another call of the same burst has tripped it already
        self.tripped_until = now + (NEXT_PAUSE if self.failures else FIRST_PAUSE)
        self.failures += 1
        self.lock(now, self.tripped_until, reason)

    def lock(self, now: float, until: float, reason: str) -> None:
        """Lock until *until*; then one call at a time."""
        self.locked_at = now
        self.locked_until = max(self.locked_until, until)
        self.reason = reason
        self.set_proven(proven=False)

    def prove(self, now: float, granted_at: float) -> None:
        """Let all calls through again: the gateway has accepted one that was admitted at *granted_at*."""
        if now < self.locked_until or granted_at <= self.locked_at:
            return  # the answer to a call from before the lock proves nothing
        self.failures = 0
        self.set_proven(proven=True)

    def set_proven(self, *, proven: bool) -> None:
        """Let calls run side by side, or one at a time."""
        self.proven, self.bucket.rule = proven, _PROVEN if proven else _PROBATION
