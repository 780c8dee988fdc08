"""The work of one who waits for calls of many subscribers: what a call costs then, and what each of them keeps."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
import time
import tracemalloc
from collections.abc import Mapping
from typing import Any

from benchmarks.receivers.ours import receiver
from benchmarks.receivers.posted import SECRET
from smsc_async._calling import NOTHING_MORE, Known, Note
from smsc_async._convert import structure
from smsc_async._endpoint import Endpoint
from smsc_async._inbox_watch import InboxWatch
from smsc_async._waiting_calls import WaitingCalls
from smsc_async._wire import ReplyFormat, decode
from smsc_async.clock import SYSTEM_CLOCK, Clock
from smsc_async.services.calls import Calls, ConfirmedCall

__all__ = ["Job"]

_REPLY = b'{"phone":"380443334455","all_phones":["380443334455","380443334466","380443334477"]}'


class _Gateway:
    """Allots numbers at once, by replies that are read as ever: what is measured begins after that."""

    def __init__(self) -> None:
        self.inbox_watch = InboxWatch()

    @property
    def clock(self) -> Clock:
        return SYSTEM_CLOCK

    async def perform(
        self,
        endpoint: Endpoint[Any],
        params: Mapping[str, str],  # noqa: ARG002 - as a session has it
        *,
        known: Known = None,
        subject: str | None = None,  # noqa: ARG002 - likewise
        force: bool = False,  # noqa: ARG002 - likewise
        note: Note = NOTHING_MORE,  # noqa: ARG002 - likewise
    ) -> Any:
        plain = decode(_REPLY, asked=ReplyFormat.JSON, shape=endpoint.shape)
        told = known() if callable(known) else known
        return structure(plain, endpoint.reply, shape=endpoint.shape, known=told)

    def stream(self, endpoint: Endpoint[Any], params: Mapping[str, str]) -> Any:
        raise NotImplementedError


class Job:
    """
    Lets confirmations wait, and lets some subscribers call.

    Args:
        pending: How many wait.
    """

    def __init__(self, pending: int) -> None:
        self._pending = pending
        self._receiver = receiver()
        self._calls = Calls(_Gateway())
        self._tasks: dict[str, asyncio.Task[ConfirmedCall]] = {}
        self._chance = random.Random(pending)
        self._now = int(time.time())

    async def match(self, calls: int) -> float:
        """Let *calls* subscribers call, one after another; give the µs from the callback to the value of its wait."""
        await self._fill(self._pending + calls)  # so that as many still wait when the last of them calls
        phones = self._chance.sample(list(self._tasks), calls)
        bodies = [self._body(phone) for phone in phones]
        tasks = [self._tasks.pop(phone) for phone in phones]
        handle = self._receiver.handle
        gc.collect()
        cpu = time.process_time()
        for body, task in zip(bodies, tasks, strict=True):
            await handle(body)
            await task
        taken = time.process_time() - cpu
        confirmed = [task.result() for task in tasks]
        if [call.subscriber for call in confirmed] != phones or any(call.called_at is None for call in confirmed):
            raise RuntimeError("a call confirmed another phone")
        return taken / calls * 1e6

    async def look_up(self, calls: int) -> float:
        """Ask the register alone who waits for a phone; give the µs."""
        await self._fill(self._pending)
        phones = self._chance.choices(list(self._tasks), k=calls)
        of = self._receiver._delivery.calls.waiting.of  # noqa: SLF001 - where the register is
        gc.collect()
        cpu = time.process_time()
        for phone in phones:
            of(phone)
        taken = time.process_time() - cpu
        if any(of(phone) is None for phone in phones):
            raise RuntimeError("a phone was not in the register")
        return taken / calls * 1e6

    async def bytes_registered(self) -> float:
        """Give the bytes of a phone in the register, with the block that takes it out again."""
        register, since = WaitingCalls(), SYSTEM_CLOCK.date()
        phones = list(map(_phone, range(self._pending)))
        blocks: list[Any] = [None] * self._pending
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number, phone in enumerate(phones):
            blocks[number] = register.expect(phone, since=since)
            blocks[number].__enter__()
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        if len(register) != self._pending:
            raise RuntimeError("a phone was not taken in")
        for block in blocks:
            block.__exit__(None, None, None)
        return kept / self._pending

    async def bytes_waiting(self, *, idle: bool = False) -> float:
        """Give the bytes that a confirmation keeps while it waits, its task and all; or a task that only waits."""
        warm = [asyncio.create_task(self._confirm(_phone(self._pending + number))) for number in range(14)]
        await _settle()
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for phone in map(_phone, range(self._pending)):
            self._tasks[phone] = asyncio.create_task(_nothing() if idle else self._confirm(phone))
        await _settle()
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        tasks = (*warm, *self._tasks.values())
        if any(task.done() for task in tasks):
            raise RuntimeError("one did not wait")
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return kept / self._pending

    async def aclose(self) -> None:
        """Let nobody wait any more."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _fill(self, wanted: int) -> None:
        """Have at least *wanted* wait."""
        number = 0
        while len(self._tasks) < wanted:
            phone = _phone(number)
            if phone not in self._tasks:
                self._tasks[phone] = asyncio.create_task(self._confirm(phone))
            number += 1
        await _settle()

    async def _confirm(self, phone: str) -> ConfirmedCall:
        async with self._calls.confirmation(phone, receiver=self._receiver) as pending:
            return await pending.wait()

    def _body(self, phone: str) -> bytes:
        """Give a callback that tells of a call; of two calls of a phone the second comes later."""
        self._now += 1
        digest = hashlib.md5(f"{phone}:{self._now}:{SECRET}".encode()).hexdigest()
        return f"waitcall=1&phone={phone}&ts={self._now}&md5={digest}".encode()


def _phone(number: int) -> str:
    return f"38067{number:07}"


async def _nothing() -> Any:
    await asyncio.get_running_loop().create_future()


async def _settle() -> None:
    """Let every task come to its wait: they need no more turns of the loop than these."""
    for _ in range(20):
        await asyncio.sleep(0)
