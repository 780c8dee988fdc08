"""
What becomes of a verified callback: store, handlers, answer.

Where the store is durable, the callback is acknowledged when it is stored, and workers hand it to the handlers. Where
it is not, the callback is acknowledged when the handlers have returned. Either way a failure leaves it unsettled, so
that it comes again: from the store, or from the gateway.
"""

from __future__ import annotations

import logging
import math
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from smsc_async._loops import is_cancelled
from smsc_async._privacy import mask_phone
from smsc_async._waiting_calls import CallSeen, WaitingCalls
from smsc_async.webhooks._handlers import Handlers
from smsc_async.webhooks._payload import Callback, pack, unpack
from smsc_async.webhooks.events import EVENTS, CallConfirmation, DeliveryStatus
from smsc_async.webhooks.stores import Claim, Entry, Standing, Store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractContextManager

    from smsc_async._waiting_calls import ExpectedCall
    from smsc_async.clock import Clock
    from smsc_async.webhooks._handlers import Handler
    from smsc_async.webhooks.events import Event

__all__ = ["Delivery", "Reply"]

_log: Final = logging.getLogger("smsc_async.webhooks")

_MARGIN: Final = 20.0  # seconds that a claim outlasts its handling: time to note how it ended
_RETRY: Final = (1.0, 300.0)  # seconds until a stored event is tried again: at first, and at the most
_POLL: Final = 1.0  # seconds until a look at what other processes have stored
_FEED: Final = 500  # events that are read at once
#: How much older than the wait for it a call may be: the gateway's clock and ours differ.
_TOLERANCE: Final = timedelta(minutes=5)
_REMEMBERED: Final = 600.0  # seconds; the feed may be behind, and after them the call is too old for anybody
_UNWANTED: Final = 7 * 86_400.0  # seconds that an event waits in the store for a handler of some process
_CLEARING: Final = 60.0  # seconds between two looks for such events
_SAY_AGAIN: Final = 10.0  # seconds after which a failure of the store is logged again
_KINDS: Final = frozenset(kind.__name__ for kind in EVENTS)
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
        self.handlers = Handlers()
        self._calls = WaitingCalls()
        self._calls_used = False
        self._told: dict[str, float] = {}  # calls that somebody was told of, and when they were
        self._clock = clock
        self._moments = clock.now(), clock.date().timestamp()
        self._timeout = handling_timeout
        self._workers = workers
        self._turns: dict[str, _Turn] = {}
        self._in_hand: dict[str, Claim] = {}  # events that handlers have now
        self._unmarked: set[tuple[str, str]] = set()  # events and handlers that had them, which the store did not note
        self._news: anyio.Event | None = None  # set when something was stored; None while nobody hands it on
        self._said: set[str] = set()  # what is logged once
        self._failed_at = -math.inf

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
            standing = await self.store.add(entry, now=self._now())
        except Exception:  # noqa: BLE001 - stores are not ours
            _log.exception("the store failed; the gateway is told to come again")
            return Reply(503, "the event could not be stored; come again")
        if standing is Standing.NEW:
            self._tell(event)
        if self.store.durable:
            self._stored()
            return _TAKEN
        if standing is Standing.SETTLED:
            return _TAKEN
        try:
            return self._unwanted(event) or await self._in_turn(entry, event)
        except Exception:  # noqa: BLE001 - stores are not ours
            _log.exception("the store failed; the gateway is told to come again")
            return Reply(503, "the event could not be noted as handled; come again")

    def _unwanted(self, event: Event) -> Reply | None:
        """Say what to answer where no handler takes such an event now, if it must come again."""
        kind = type(event).__name__
        if kind in self.handlers.wanted or (self._calls_used and isinstance(event, CallConfirmation)):
            return None
        if self.handlers.was_wanted(event) or not (self.handlers or self._calls_used):
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
        if entry.key in self._in_hand:  # perhaps for longer than its lease
            return _BEING_HANDLED
        claim = await self.store.claim(entry.key, now=self._now(), lease=self._lease)
        if claim is None:
            settled = await self.store.add(entry, now=self._now()) is Standing.SETTLED
            return _TAKEN if settled else _BEING_HANDLED
        handled = await self._handle(claim, event, again_after=0.0)
        return _TAKEN if handled else Reply(503, "a handler failed; come again")

    # ---------------------------------------------------------------- what was stored

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Hand on what is stored, as long as the block lasts; and hear of calls that came to other processes."""
        if not self.store.durable:
            yield
            return
        _, position = await self.store.feed(None, limit=_FEED)  # a store that cannot work is told of at once
        self._news = anyio.Event()
        failure: BaseException | None = None
        async with anyio.create_task_group() as tasks:
            for _ in range(self._workers):
                tasks.start_soon(self._work)
            tasks.start_soon(self._follow, position)
            tasks.start_soon(self._renew)
            tasks.start_soon(self._clear)
            try:
                yield
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as error:  # noqa: BLE001 - the block's own, which the task group would wrap
                failure = error
            finally:
                self._news = None
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def _stored(self) -> None:
        if self._news is not None:
            news, self._news = self._news, anyio.Event()
            news.set()
        else:
            text = "events are stored, and nobody hands them on: enter `async with receiver.running()`"
            self._say_once(logging.ERROR, text)

    async def _work(self) -> None:
        while True:
            news = self._news
            wanted = self.handlers.wanted
            due = None
            try:
                claim = await self.store.claim(wanted, now=self._now(), lease=self._lease) if wanted else None
                if claim is not None:
                    await self._handle_stored(claim)
                    continue
                if wanted:
                    due = await self.store.due(wanted, now=self._now())
            except Exception:  # noqa: BLE001 - stores are not ours
                self._store_failed()
            # Nothing is due, or what is due belongs to a subject that another task is busy with.
            pause = _POLL if due is None else min(max(due - self._now(), 0.05), _POLL)
            with self._clock.deadline(self._clock.now() + pause):
                if news is None:
                    await anyio.sleep_forever()
                else:
                    await news.wait()

    async def _handle_stored(self, claim: Claim) -> None:
        again_after = _pause(claim.attempt)
        try:
            event = unpack(claim.payload)
        except Exception:  # noqa: BLE001 - another version wrote it
            _log.exception("the event %s in the store cannot be read; it stays there", claim.key[:12])
            event = None
        if event is None or claim.key in self._in_hand:  # a thread of ours has it still, and the lease ran out
            await self.store.release(claim, at=self._now() + again_after)
        else:
            await self._handle(claim, event, again_after=again_after)

    async def _follow(self, position: int) -> None:
        """Tell of calls that came to other processes."""
        while True:
            payloads: list[bytes] = []
            try:
                payloads, position = await self.store.feed(position, limit=_FEED)
            except Exception:  # noqa: BLE001 - stores are not ours
                self._store_failed()
            for payload in payloads:
                try:
                    self._tell(unpack(payload))
                except Exception:  # noqa: BLE001 - another version wrote it; a worker says so
                    _log.debug("an event in the store cannot be read", exc_info=True)
            if len(payloads) < _FEED:
                await self._clock.sleep_until(self._clock.now() + _POLL)

    async def _renew(self) -> None:
        """Keep the leases of what handlers have in hand: some cannot be interrupted."""
        while True:
            await self._clock.sleep_until(self._clock.now() + self._lease / 3.0)
            for claim in list(self._in_hand.values()):
                try:
                    await self.store.extend(claim, until=self._now() + self._lease)
                except Exception:  # noqa: BLE001 - stores are not ours
                    self._store_failed()

    async def _clear(self) -> None:
        """Settle what came long ago, and no handler here wants: other processes had their time."""
        while True:
            unwanted = _KINDS - self.handlers.wanted
            try:
                claim = None
                if self.handlers and unwanted:
                    claim = await self.store.claim(unwanted, now=self._now() - _UNWANTED, lease=_UNWANTED + self._lease)
                if claim is not None:
                    _log.warning("the event %s was wanted by no handler for a week; it is dropped", claim.key[:12])
                    await self.store.settle(claim, now=self._now())
                    continue
            except Exception:  # noqa: BLE001 - stores are not ours
                self._store_failed()
            await self._clock.sleep_until(self._clock.now() + _CLEARING)

    # ---------------------------------------------------------------- one event

    async def _handle(self, claim: Claim, event: Event, *, again_after: float) -> bool:
        """Give the event to the handlers that have not had it; say whether all have now."""
        settled = False
        self._in_hand[claim.key] = claim
        try:
            if await self._hand_out(claim, event):
                await self.store.settle(claim, now=self._now())
                settled = True
        finally:
            del self._in_hand[claim.key]
            if not settled:
                with anyio.CancelScope(shield=True):
                    await self.store.release(claim, at=self._now() + again_after)
        return settled

    async def _hand_out(self, claim: Claim, event: Event) -> bool:
        handled = True
        until = self._clock.now() + self._timeout
        for handler in self.handlers.of(event, stale=claim.stale):
            if handler.name in claim.handled:
                continue
            if self.store.durable:  # nobody waits for us
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
            except Exception:  # noqa: BLE001 - nor are handlers
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
        if self.store.durable:
            with anyio.CancelScope(shield=True):
                await self.store.mark(claim, handler.name)
        else:  # what is not noted there is known here for as long
            await self.store.mark(claim, handler.name)
        self._unmarked.discard(had)

    # ---------------------------------------------------------------- calls

    def expect_call(self, phone: str) -> AbstractContextManager[ExpectedCall]:
        """Wait for a call of *phone* as long as the block lasts."""
        self._calls_used = True
        return self._calls.expect(phone, since=self._clock.date() - _TOLERANCE)

    def _tell(self, event: Event) -> None:
        if not isinstance(event, CallConfirmation):
            return
        expected = self._calls.of(event.phone)
        if expected is None or expected.since is None or event.key in self._told:
            return
        if event.called_at >= expected.since:
            self._note_told(event.key)
            expected.arrive(CallSeen(called_at=event.called_at))
        else:
            shown, moment = mask_phone(event.phone), event.called_at
            _log.warning(
                "a call of %s at %s confirms nothing: it came before it was asked for, by our clock", shown, moment
            )

    def _note_told(self, key: str) -> None:
        """Note that a call was told of: the store's feed brings it once more, and it confirms nothing else."""
        now = self._clock.now()
        while self._told:
            oldest = next(iter(self._told))
            if now - self._told[oldest] < _REMEMBERED:
                break
            del self._told[oldest]
        self._told[key] = now

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

    def _now(self) -> float:
        """Give the Unix time; when somebody sets the clock back it goes on, or what is kept would wait for hours."""
        before, moment = self._moments
        now = self._clock.now()
        moment = max(moment + (now - before), self._clock.date().timestamp())
        self._moments = now, moment
        return moment

    def _store_failed(self) -> None:
        if self._clock.now() - self._failed_at >= _SAY_AGAIN:
            self._failed_at = self._clock.now()
            _log.exception("the store failed; it is asked again")

    def _say_once(self, level: int, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.log(level, text)

    @property
    def _lease(self) -> float:
        return self._timeout + _MARGIN


@attrs.define(eq=False)
class _Turn:
    lock: anyio.Lock = attrs.field(factory=lambda: anyio.Lock(fast_acquire=True))
    waiting: int = 0


def _pause(attempt: int) -> float:
    first, most = _RETRY
    return min(first * 2.0 ** min(attempt - 1, 16), most)


def _subject(event: Event) -> str:
    return "\0".join(event.message) if isinstance(event, DeliveryStatus) else ""


def _progress(event: Event) -> float | None:
    if not isinstance(event, DeliveryStatus):
        return None
    moment = event.changed_at or datetime.fromtimestamp(0, UTC)
    return event.status.progress * _PROGRESS_STEP + moment.timestamp()


def _shown(event: Event) -> str:
    """Show which event it is, and nobody's phone or words."""
    return f"{type(event).__name__} {event.key[:12]} of {mask_phone(event.phone)}"
