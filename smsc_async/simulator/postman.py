"""Who carries errands to handlers: step by step when told to, or in the background for as long as he is let."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from typing import Final

import anyio

from smsc_async.simulator.callbacks import MINUTES_BETWEEN, Attempt, Callbacks, Errand
from smsc_async.simulator.calling_out import Line
from smsc_async.simulator.manual_time import waker
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.switches import Switches

#: How many handlers are called at once in the background. Not said; it keeps a thousand events from a thousand sockets.
HANDS: Final = 32


class Postman:
    """Makes the attempts. The lock is held for synchronous steps only, so several may be at work, in any event loop."""

    def __init__(
        self,
        *,
        callbacks: Callbacks,
        moments: Moments,
        lock: AbstractContextManager[object],
        switches: Callable[[], Switches],
        settle: Callable[[float], None],
        next_change: Callable[[], float],
    ) -> None:
        self._callbacks = callbacks
        self._moments = moments
        self._lock = lock
        self._switches = switches
        self._settle = settle  # lets happen what happens by itself, which handlers are then to be told of
        self._next_change = next_change
        self._wakers: set[Callable[[], None]] = set()

    def __repr__(self) -> str:
        return f"<Postman, {len(self._wakers)} at work in the background>"

    def ring(self) -> None:
        """Tell those in the background that there is something new. Called under the lock, from any thread."""
        for wake in self._wakers:
            wake()

    async def deliver(self, errands: Iterable[Errand]) -> int:
        """Make one attempt for each of *errands*, which were taken, one after the other; give how many."""
        waiting = list(errands)
        if not waiting:
            return 0
        made = 0
        try:
            async with Line() as line:
                while waiting:
                    await self._attempt(waiting[0], line)
                    waiting.pop(0)
                    made += 1
        finally:
            with self._lock:
                for errand in waiting:  # broken off, or never begun
                    self._callbacks.put_back(errand)
        return made

    async def deliver_due(self) -> int:
        """Make every attempt that is due now, one after the other; give how many."""
        now = self._moments.now()
        with self._lock:
            self._settle(now)
            taken = [errand for inside in (False, True) for errand in self._callbacks.take_due(now, in_process=inside)]
        taken.sort(key=lambda errand: errand.due)  # else those of one address stay in their order
        return await self.deliver(taken)

    @contextlib.asynccontextmanager
    async def at_work(self, *, in_process: bool) -> AsyncGenerator[None]:
        """Carry in the background while the block lasts: over sockets, and with *in_process* to apps too."""
        failed: Exception | None = None
        async with anyio.create_task_group() as tasks:
            for inside in (False, True) if in_process else (False,):
                tasks.start_soon(self._carry, inside)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below, as it was and not as one of a group
                failed = error
            finally:
                tasks.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _carry(self, in_process: bool) -> None:  # noqa: FBT001 - a task is started with positions
        busy: set[Errand] = set()
        changed = anyio.Event()

        async def run(errand: Errand, line: Line) -> None:
            await self._attempt(errand, line)
            busy.discard(errand)
            changed.set()  # the newest one, whichever it is by now

        try:
            async with Line() as line, anyio.create_task_group() as tasks:
                while True:
                    changed = anyio.Event()
                    wake = waker(changed)
                    with self._lock:
                        self._wakers.add(wake)
                        now = self._moments.now()
                        self._settle(now)
                        taken = self._callbacks.take_due(now, in_process=in_process, most=HANDS - len(busy))
                        busy.update(taken)
                        # With no hand free there is nothing to wait for but one of those that are at work.
                        due = min(
                            self._callbacks.next_due(in_process=in_process) if len(busy) < HANDS else math.inf,
                            self._next_change(),
                        )
                    try:
                        for errand in taken:
                            tasks.start_soon(run, errand, line)
                        await _first(changed, self._moments.sleep, due - now)
                    finally:
                        with self._lock:
                            self._wakers.discard(wake)
        finally:
            with self._lock:
                for errand in busy:  # broken off, or never begun
                    self._callbacks.put_back(errand)

    async def _attempt(self, errand: Errand, line: Line) -> None:
        began = self._moments.now()
        letter = errand.letter
        patience = self._switches().callback_patience
        reply = await line.post(errand.url, letter.content_type, letter.body, app=errand.app, patience=patience)
        attempt = Attempt(at=began, status=reply.status, error=reply.error, answer=reply.body)
        with self._lock:
            now = self._moments.now()
            self._callbacks.settle(errand, attempt, max(now, began + self._moments.minutes(MINUTES_BETWEEN)))


async def _first(changed: anyio.Event, sleep: Callable[[float], Awaitable[object]], seconds: float) -> None:
    """Wait until something has changed, or so many seconds have passed."""
    if math.isinf(seconds):
        await changed.wait()
        return
    async with anyio.create_task_group() as tasks:

        async def alarm() -> None:
            await sleep(seconds)
            changed.set()

        tasks.start_soon(alarm)
        await changed.wait()
        tasks.cancel_scope.cancel()
