"""Calls of subscribers that callbacks tell of: each is told to the one that waits for it, once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from smsc_async._privacy import mask_phone
from smsc_async._waiting_calls import CallSeen, WaitingCalls

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from smsc_async._waiting_calls import ExpectedCall
    from smsc_async.clock import Clock
    from smsc_async.webhooks.events import CallConfirmation

__all__ = ["HeardCalls"]

_log: Final = logging.getLogger("smsc_async.webhooks")

#: How much older than the wait for it a call may be: the gateway's clock and ours differ.
_TOLERANCE: Final = timedelta(minutes=5)
_REMEMBERED: Final = 600.0  # seconds; the store's feed may be behind, and after them the call is too old for anybody


class HeardCalls:
    """Who waits for a call, and which calls somebody was told of."""

    def __init__(self, clock: Clock) -> None:
        self.waiting = WaitingCalls()
        self.used = False  # whether anybody has ever waited
        self._clock = clock
        self._told: OrderedDict[str, float] = OrderedDict()  # by the event's key, when somebody was told

    def expect(self, phone: str) -> AbstractContextManager[ExpectedCall]:
        """Wait for a call of *phone* as long as the block lasts."""
        self.used = True
        return self.waiting.expect(phone, since=self._clock.date() - _TOLERANCE)

    def tell(self, event: CallConfirmation) -> None:
        """Tell of a call whoever waits for it, unless it was told of before, or is older than the wait."""
        expected = self.waiting.of(event.phone)
        if expected is None or expected.since is None or event.key in self._told:
            return
        if event.called_at >= expected.since:
            self._note(event.key)
            expected.arrive(CallSeen(called_at=event.called_at))
        else:
            shown, moment = mask_phone(event.phone), event.called_at
            _log.warning(
                "a call of %s at %s confirms nothing: it came before it was asked for, by our clock", shown, moment
            )

    def _note(self, key: str) -> None:
        """Note that a call was told of: the store's feed brings it once more, and it confirms nothing else."""
        now = self._clock.now()
        while self._told and now - next(iter(self._told.values())) >= _REMEMBERED:
            self._told.popitem(last=False)
        self._told[key] = now
