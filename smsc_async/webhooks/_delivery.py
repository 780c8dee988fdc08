"""
What becomes of a verified callback: store, handlers, answer.

Where the store is durable, the callback is acknowledged when it is stored, and workers hand it to the handlers. Where
it is not, the callback is acknowledged when the handlers have returned. Either way a failure leaves it unsettled, so
that it comes again: from the store, or from the gateway.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from smsc_async.webhooks._calls import HeardCalls
from smsc_async.webhooks._handling import Handling
from smsc_async.webhooks._payload import pack
from smsc_async.webhooks._statuses import HeardStatuses
from smsc_async.webhooks._unix_time import UnixTime
from smsc_async.webhooks._workers import Workers
from smsc_async.webhooks.events import CallConfirmation, DeliveryStatus
from smsc_async.webhooks.stores import Entry, Standing, Store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from smsc_async.clock import Clock
    from smsc_async.webhooks._handlers import Handlers
    from smsc_async.webhooks._payload import Callback
    from smsc_async.webhooks.events import Event

__all__ = ["Delivery", "Reply"]

_log: Final = logging.getLogger("smsc_async.webhooks")

_PROGRESS_STEP: Final = 10**11  # more than any Unix time: progress counts before time does


@attrs.frozen
class Reply:
    """What the gateway is answered."""

    status: int
    text: str


_TAKEN: Final = Reply(200, "OK")
_BEING_HANDLED: Final = Reply(503, "the event is being handled; come again")


class Delivery:
    """Store, handlers and those who wait for a call, brought together."""

    def __init__(self, store: Store, clock: Clock, *, handling_timeout: float, workers: int) -> None:
        self.store = store
        self.calls = HeardCalls(clock)
        self.statuses = HeardStatuses()
        self._unix = UnixTime(clock)
        self._handling = Handling(store, clock, self._unix, timeout=handling_timeout)
        self._workers = Workers(store, self._handling, self._tell, clock, self._unix, count=workers)
        self._turns: dict[str, _Turn] = {}
        self._said: set[str] = set()  # what is logged once

    @property
    def handlers(self) -> Handlers:
        """Give the application's handlers."""
        return self._handling.handlers

    async def take(self, callback: Callback) -> Reply:
        """Do what is to be done before the gateway is answered."""
        event = callback.event()
        entry = Entry(
            key=event.key,
            kind=type(event).__name__,
            payload=pack(callback) if self.store.durable else b"",  # nobody reads it who has the event itself
            subject=_subject(event),
            progress=_progress(event),
        )
        try:
            standing = await self.store.add(entry, now=self._unix.now())
        except Exception:  # noqa: BLE001 - stores are not ours
            _log.exception("the store failed; the gateway is told to come again")
            return Reply(503, "the event could not be stored; come again")
        if standing is Standing.NEW:
            self._tell(event)
        if self.store.durable:
            if not self._workers.ring():
                text = "events are stored, and nobody hands them on: enter `async with receiver.running()`"
                self._say_once(logging.ERROR, text)
            return _TAKEN
        if standing is Standing.SETTLED:
            return _TAKEN
        try:
            return self._unwanted(event) or await self._in_turn(entry, event)
        except Exception:  # noqa: BLE001 - stores are not ours
            _log.exception("the store failed; the gateway is told to come again")
            return Reply(503, "the event could not be noted as handled; come again")

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Hand on what is stored, as long as the block lasts, where the store is durable."""
        if not self.store.durable:
            yield
            return
        async with self._workers.running():
            yield

    def _tell(self, event: Event) -> None:
        if isinstance(event, CallConfirmation):
            self.calls.tell(event)
        elif isinstance(event, DeliveryStatus):
            self.statuses.tell(event)

    def _unwanted(self, event: Event) -> Reply | None:
        """Say what to answer where no handler takes such an event now, if it must come again."""
        kind = type(event).__name__
        handlers = self._handling.handlers
        heard = (self.calls.used and CallConfirmation, self.statuses.used and DeliveryStatus)
        if kind in handlers.wanted or type(event) in heard:
            return None
        if handlers.was_wanted(event) or not (handlers or any(heard)):
            self._say_once(logging.ERROR, f"a {kind} came, and nobody listens: register handlers before serving")
            return Reply(503, "nobody listens now; come again")
        self._say_once(logging.WARNING, f"a {kind} came, and no handler wants such events: they are acknowledged")
        return None

    async def _in_turn(self, entry: Entry, event: Event) -> Reply:
        if not entry.subject:
            return await self._handle_now(entry, event)
        async with self._turn(entry.subject):
            return await self._handle_now(entry, event)

    async def _handle_now(self, entry: Entry, event: Event) -> Reply:
        handling = self._handling
        if entry.key in handling.in_hand:  # perhaps for longer than its lease
            return _BEING_HANDLED
        claim = await self.store.claim(entry.key, now=self._unix.now(), lease=handling.lease)
        if claim is None:
            settled = await self.store.add(entry, now=self._unix.now()) is Standing.SETTLED
            return _TAKEN if settled else _BEING_HANDLED
        handled = await handling.handle(claim, event, again_after=0.0)
        return _TAKEN if handled else Reply(503, "a handler failed; come again")

    @asynccontextmanager
    async def _turn(self, subject: str) -> AsyncGenerator[None]:
        """Let events of one subject through one at a time, in the order in which they came."""
        turn = self._turns.setdefault(subject, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[subject]

    def _say_once(self, level: int, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.log(level, text)


@attrs.define(eq=False)
class _Turn:
    lock: anyio.Lock = attrs.field(factory=lambda: anyio.Lock(fast_acquire=True))
    waiting: int = 0


def _subject(event: Event) -> str:
    return "\0".join(event.message) if isinstance(event, DeliveryStatus) else ""


def _progress(event: Event) -> float | None:
    if not isinstance(event, DeliveryStatus):
        return None
    moment = event.changed_at or datetime.fromtimestamp(0, UTC)
    return event.status.progress * _PROGRESS_STEP + moment.timestamp()
