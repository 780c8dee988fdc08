"""Tells an observer what it tells the log, as events; whatever the observer does, the call goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from smsc_async import events
from smsc_async._privacy import mask_phones
from smsc_async._telling import Telling, logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from smsc_async._journal.calls import UnresolvedCall
    from smsc_async.clock import Clock
    from smsc_async.guard import Wait

__all__ = ["Observing"]

_TOLD: Final = 100  # calls that the journal has left open


class Observing(Telling):
    """Each method is one thing that happens to a call, and an event of the same name."""

    def __init__(self, clock: Clock, observer: Callable[[events.Event], None]) -> None:
        super().__init__(clock)
        self._observer = observer

    def waiting(self, call: int, endpoint: str, wait: Wait) -> None:
        """The guard holds it."""
        super().waiting(call, endpoint, wait)
        until = self._clock.date() + timedelta(seconds=wait.seconds)
        self._notify(events.Waiting(call, endpoint, wait.reason.value, wait.seconds, until))

    def attempt(self, call: int, endpoint: str, number: int, url: str) -> None:
        """It is about to be sent."""
        super().attempt(call, endpoint, number, url)
        self._notify(events.Attempt(call, endpoint, number, url))

    def replied(self, call: int, endpoint: str, number: int, status: int, *, started: float, size: int) -> None:
        """A whole answer was read, to an attempt that *started* at that moment."""
        super().replied(call, endpoint, number, status, started=started, size=size)
        self._notify(events.Replied(call, endpoint, number, status, self._clock.now() - started, size))

    def refused(self, call: int, endpoint: str, number: int, code: int, detail: str) -> None:
        """The gateway answered with an error number."""
        super().refused(call, endpoint, number, code, detail)
        self._notify(events.Refused(call, endpoint, number, code, detail))

    def failed(self, call: int, endpoint: str, number: int, reason: str, *, sent: bool) -> None:
        """No usable answer came."""
        super().failed(call, endpoint, number, reason, sent=sent)
        self._notify(events.Failed(call, endpoint, number, reason, sent))

    def repeating(self, call: int, endpoint: str, number: int, seconds: float, reason: str) -> None:
        """It will be repeated."""
        super().repeating(call, endpoint, number, seconds, reason)
        self._notify(events.Repeating(call, endpoint, number, seconds, reason))

    def outcome_lost(self, call: int, endpoint: str, reference: str | None, reason: str) -> None:
        """Nobody knows whether it was carried out."""
        super().outcome_lost(call, endpoint, reference, reason)
        shown = None if reference is None else mask_phones(reference)
        self._notify(events.OutcomeLost(call, endpoint, shown, reason))

    def outcome_settled(self, endpoint: str, reference: str | None) -> None:
        """It is known now whether it was carried out."""
        super().outcome_settled(endpoint, reference)
        self._notify(events.OutcomeSettled(endpoint, None if reference is None else mask_phones(reference)))

    def left_unresolved(self, calls: Sequence[UnresolvedCall]) -> None:
        """The journal has calls, at least one, whose end nobody has noted."""
        super().left_unresolved(calls)
        for call in calls[:_TOLD]:
            shown = None if call.subject is None else mask_phones(call.subject)
            self._notify(events.LeftUnresolved(call.endpoint, shown, call.reason, call.opened_at))

    def low_balance(self, endpoint: str, balance: Decimal, least: Decimal) -> None:
        """An answer said that little is left on the account."""
        super().low_balance(endpoint, balance, least)
        self._notify(events.LowBalance(endpoint, balance, least))

    def _notify(self, event: events.Event) -> None:
        try:
            self._observer(event)
        except Exception:  # noqa: BLE001 - a fault of theirs must not change a call, least of all between paying and telling
            logger.exception("the observer failed on %s", type(event).__name__)
