"""What was stored, handed on in the background: by workers, as long as the receiver runs."""

from __future__ import annotations

import logging
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from smsc_async.webhooks._payload import unpack
from smsc_async.webhooks.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from smsc_async.clock import Clock
    from smsc_async.webhooks._handling import Handling
    from smsc_async.webhooks._unix_time import UnixTime
    from smsc_async.webhooks.events import Event
    from smsc_async.webhooks.stores import Claim, Store

__all__ = ["Workers"]

_log: Final = logging.getLogger("smsc_async.webhooks")

_RETRY: Final = (1.0, 300.0)  # seconds until a stored event is tried again: at first, and at the most
_POLL: Final = 1.0  # seconds until a look at what other processes have stored
_FEED: Final = 500  # events that are read at once
_UNWANTED: Final = 7 * 86_400.0  # seconds that an event waits in the store for a handler of some process
_CLEARING: Final = 60.0  # seconds between two looks for such events
_SAY_AGAIN: Final = 10.0  # seconds after which a failure of the store is logged again
_KINDS: Final = frozenset(kind.__name__ for kind in EVENTS)


class Workers:
    """
    Tasks that claim events of a durable store.

    Args:
        store: Where the events are.
        handling: Gives them to their handlers.
        tell: Is told of each event that is stored, also by other processes; more than once, perhaps.
        clock: Drives every wait.
        unix: The time that the store is told.
        count: Events that are handled at a time.
    """

    def __init__(
        self,
        store: Store,
        handling: Handling,
        tell: Callable[[Event], None],
        clock: Clock,
        unix: UnixTime,
        *,
        count: int,
    ) -> None:
        self._store = store
        self._handling = handling
        self._tell = tell
        self._clock = clock
        self._unix = unix
        self._count = count
        self._news: anyio.Event | None = None  # set when something was stored; None while nobody hands it on
        self._failed_at = -math.inf

    def ring(self) -> bool:
        """Say that something was stored; False where nobody hands it on."""
        if self._news is None:
            return False
        news, self._news = self._news, anyio.Event()
        news.set()
        return True

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Hand on what is stored, as long as the block lasts; and hear of calls that came to other processes."""
        _, position = await self._store.feed(None, limit=_FEED)  # a store that cannot work is told of at once
        self._news = anyio.Event()
        failure: BaseException | None = None
        async with anyio.create_task_group() as tasks:
            for _ in range(self._count):
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

    async def _work(self) -> None:
        while True:
            news = self._news
            wanted = self._handling.handlers.wanted
            due = None
            try:
                claim = None
                if wanted:
                    claim = await self._store.claim(wanted, now=self._unix.now(), lease=self._handling.lease)
                if claim is not None:
                    await self._handle(claim)
                    continue
                if wanted:
                    due = await self._store.due(wanted, now=self._unix.now())
            except Exception:  # noqa: BLE001 - stores are not ours
                self._store_failed()
            # Nothing is due, or what is due belongs to a subject that another task is busy with.
            pause = _POLL if due is None else min(max(due - self._unix.now(), 0.05), _POLL)
            with self._clock.deadline(self._clock.now() + pause):
                if news is None:
                    await anyio.sleep_forever()
                else:
                    await news.wait()

    async def _handle(self, claim: Claim) -> None:
        again_after = _pause(claim.attempt)
        try:
            event = unpack(claim.payload)
        except Exception:  # noqa: BLE001 - another version wrote it
            _log.exception("the event %s in the store cannot be read; it stays there", claim.key[:12])
            event = None
        if event is None or claim.key in self._handling.in_hand:  # a thread of ours has it still, past its lease
            await self._store.release(claim, at=self._unix.now() + again_after)
        else:
            await self._handling.handle(claim, event, again_after=again_after)

    async def _follow(self, position: int) -> None:
        """Tell of events that came to other processes."""
        while True:
            payloads: list[bytes] = []
            try:
                payloads, position = await self._store.feed(position, limit=_FEED)
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
        lease = self._handling.lease
        while True:
            await self._clock.sleep_until(self._clock.now() + lease / 3.0)
            for claim in list(self._handling.in_hand.values()):
                try:
                    await self._store.extend(claim, until=self._unix.now() + lease)
                except Exception:  # noqa: BLE001 - stores are not ours
                    self._store_failed()

    async def _clear(self) -> None:
        """Settle what came long ago, and no handler here wants: other processes had their time."""
        while True:
            handlers = self._handling.handlers
            unwanted = _KINDS - handlers.wanted
            try:
                claim = None
                if handlers and unwanted:
                    lease = _UNWANTED + self._handling.lease
                    claim = await self._store.claim(unwanted, now=self._unix.now() - _UNWANTED, lease=lease)
                if claim is not None:
                    _log.warning("the event %s was wanted by no handler for a week; it is dropped", claim.key[:12])
                    await self._store.settle(claim, now=self._unix.now())
                    continue
            except Exception:  # noqa: BLE001 - stores are not ours
                self._store_failed()
            await self._clock.sleep_until(self._clock.now() + _CLEARING)

    def _store_failed(self) -> None:
        if self._clock.now() - self._failed_at >= _SAY_AGAIN:
            self._failed_at = self._clock.now()
            _log.exception("the store failed; it is asked again")


def _pause(attempt: int) -> float:
    first, most = _RETRY
    return min(first * 2.0 ** min(attempt - 1, 16), most)
