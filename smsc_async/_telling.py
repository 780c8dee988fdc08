"""Tells the log what a call does: waits, attempts, replies; no secret, and no whole phone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from smsc_async._privacy import mask_phones

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from smsc_async._journal.calls import UnresolvedCall
    from smsc_async.clock import Clock
    from smsc_async.guard import Wait

__all__ = ["Telling"]

logger: Final = logging.getLogger("smsc_async")


class Telling:
    """Each method is one thing that happens to a call; nothing is built where nobody listens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def waiting(self, call: int, endpoint: str, wait: Wait) -> None:
        """The guard holds it."""
        logger.debug("%s: waits at least %.1f s (%s)", endpoint, wait.seconds, wait.reason.value)

    def attempt(self, call: int, endpoint: str, number: int, url: str) -> None:
        """It is about to be sent."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: attempt %d at %s", endpoint, number, url)

    def replied(self, call: int, endpoint: str, number: int, status: int, *, started: float, size: int) -> None:
        """A whole answer was read, to an attempt that *started* at that moment."""
        if logger.isEnabledFor(logging.DEBUG):
            seconds = self._clock.now() - started
            logger.debug("%s: HTTP %d, %d bytes in %.3f s", endpoint, status, size, seconds)

    def refused(self, call: int, endpoint: str, number: int, code: int, detail: str) -> None:
        """The gateway answered with an error number."""
        logger.info("%s: refused with error %d (%s)", endpoint, code, detail)

    def failed(self, call: int, endpoint: str, number: int, reason: str, *, sent: bool) -> None:
        """No usable answer came."""
        logger.info("%s: attempt %d failed%s: %s", endpoint, number, "" if sent else " before it was sent", reason)

    def repeating(self, call: int, endpoint: str, number: int, seconds: float, reason: str) -> None:
        """It will be repeated."""
        logger.info("%s: attempt %d follows in %.1f s (%s)", endpoint, number, seconds, reason)

    def outcome_lost(self, call: int, endpoint: str, reference: str | None, reason: str) -> None:
        """Nobody knows whether it was carried out."""
        shown = None if reference is None else mask_phones(reference)
        logger.warning("%s: outcome unknown%s: %s", endpoint, f" ({shown})" if shown else "", reason)

    def outcome_settled(self, endpoint: str, reference: str | None) -> None:
        """It is known now whether it was carried out."""
        logger.info("%s: the outcome of %s is known now", endpoint, mask_phones(reference or "a call"))

    def low_balance(self, endpoint: str, balance: Decimal, least: Decimal) -> None:
        """An answer said that little is left on the account."""
        logger.warning("%s: %s is left on the account, less than %s", endpoint, balance, least)

    def left_unresolved(self, calls: Sequence[UnresolvedCall]) -> None:
        """The journal has calls, at least one, whose end nobody has noted."""
        first = calls[0]
        about = f" of {mask_phones(first.subject)}" if first.subject else ""
        since = f"{first.opened_at:%Y-%m-%d %H:%M:%S %Z}"
        what = "the journal has %d paid calls without a known end, the first is %s%s since %s: unresolved() lists them"
        logger.warning(what, len(calls), first.endpoint, about, since)

    def row_kept(self, endpoint: str, error: Exception) -> None:
        """The end of a call could not be noted in the journal."""
        logger.warning("%s: its end could not be noted in the journal, which keeps it as open: %r", endpoint, error)

    def row_left(self, error: Exception) -> None:
        """Calls that have an end could not be struck out of the journal."""
        logger.warning("calls that have an end stay in the journal, until it is written to again: %r", error)

    def lease_kept(self, endpoint: str, error: Exception) -> None:
        """A guard in another process failed to take its lease back."""
        logger.warning("%s: the guard did not take its lease back, which ends by itself: %r", endpoint, error)
