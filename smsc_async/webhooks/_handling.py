"""One event and its handlers: each gets it once, within a time, and that it had it is noted."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final

import anyio

from smsc_async._loops import is_cancelled
from smsc_async._privacy import mask_phone
from smsc_async.webhooks._handlers import Handlers

if TYPE_CHECKING:
    from smsc_async.clock import Clock
    from smsc_async.webhooks._handlers import Handler
    from smsc_async.webhooks._unix_time import UnixTime
    from smsc_async.webhooks.events import Event
    from smsc_async.webhooks.stores import Claim, Store

__all__ = ["Handling"]

_log: Final = logging.getLogger("smsc_async.webhooks")

_MARGIN: Final = 20.0  # seconds that a claim outlasts its handling: time to note how it ended


class Handling:
    """
    Gives claimed events to handlers.

    Args:
        store: Where the claims are from.
        clock: Drives the deadlines.
        unix: The time that the store is told.
        timeout: Seconds for all handlers of an event together, or for each of them where the store is durable.
    """

    def __init__(self, store: Store, clock: Clock, unix: UnixTime, *, timeout: float) -> None:
        self.handlers = Handlers()
        self.in_hand: dict[str, Claim] = {}  # events that handlers have now
        self._unmarked: set[tuple[str, str]] = set()  # events and handlers that had them, which the store did not note
        self._store = store
        self._clock = clock
        self._unix = unix
        self._timeout = timeout

    @property
    def lease(self) -> float:
        """Give the seconds for which an event is claimed."""
        return self._timeout + _MARGIN

    async def handle(self, claim: Claim, event: Event, *, again_after: float) -> bool:
        """
        Give the event to the handlers that have not had it; say whether all have now.

        Args:
            claim: Of the event; it is settled, or else released.
            event: What was claimed.
            again_after: Seconds until it may be claimed again, where it is released.
        """
        settled = False
        self.in_hand[claim.key] = claim
        try:
            if await self._hand_out(claim, event):
                await self._store.settle(claim, now=self._unix.now())
                settled = True
        finally:
            del self.in_hand[claim.key]
            if not settled:
                with anyio.CancelScope(shield=True):
                    await self._store.release(claim, at=self._unix.now() + again_after)
        return settled

    async def _hand_out(self, claim: Claim, event: Event) -> bool:
        handled = True
        until = self._clock.now() + self._timeout
        for handler in self.handlers.of(event, stale=claim.stale):
            if handler.name in claim.handled:
                continue
            if self._store.durable:  # nobody waits for us
                until = math.inf if handler.loop is not None else self._clock.now() + self._timeout
            had = False
            with self._clock.deadline(until) as scope:
                had = await self._call(handler, claim, event)
            if not had and scope.cancel_called:
                shown = handler.name, _shown(event), self._timeout
                _log.error("%s has not handled %s within %g s; the event comes again", *shown)
            handled = handled and had
        return handled

    async def _call(self, handler: Handler, claim: Claim, event: Event) -> bool:
        if (claim.key, handler.name) not in self._unmarked:
            try:
                await handler.call(event)
            except Exception:  # noqa: BLE001 - handlers are not ours
                _log.exception("%s failed on %s; the event comes again", handler.name, _shown(event))
                return False
            except anyio.get_cancelled_exc_class():
                if is_cancelled():
                    if handler.loop is not None and handler.loop.has_had(event):
                        await self._mark(claim, handler)
                    raise
                _log.exception("%s let a cancellation out on %s; the event comes again", handler.name, _shown(event))
                return False
        await self._mark(claim, handler)
        return True

    async def _mark(self, claim: Claim, handler: Handler) -> None:
        """Note that the handler has had the event, even if time is up or the receiver shuts down."""
        had = claim.key, handler.name
        self._unmarked.add(had)
        if self._store.durable:
            with anyio.CancelScope(shield=True):
                await self._store.mark(claim, handler.name)
        else:  # what is not noted there is known here for as long
            await self._store.mark(claim, handler.name)
        self._unmarked.discard(had)


def _shown(event: Event) -> str:
    """Show which event it is, and nobody's phone or words."""
    return f"{type(event).__name__} {event.key[:12]} of {mask_phone(event.phone)}"
