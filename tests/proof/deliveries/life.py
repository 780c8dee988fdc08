"""One life of the receiver's process: its handlers, its failures, and the point at which it is killed."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs

from smsc_async.webhooks import DeliveryStatus, Event, MemoryStore, Receiver, Store
from smsc_async.webhooks._sqlite_file import EventFile
from smsc_async.webhooks.sqlite import SqliteStore
from tests.proof.deliveries.death import Death
from tests.proof.deliveries.fast_clock import SPEED, FastClock
from tests.proof.deliveries.plan import SECRET
from tests.proof.deliveries.witness import Witness

if TYPE_CHECKING:
    import socket
    import sqlite3
    from collections.abc import AsyncIterator

    from smsc_async.webhooks.stores import Claim, Entry, Standing
    from tests.proof.deliveries.wrong import Wrong

__all__ = ["HANDLING", "LEASE", "POINTS", "Spec", "live"]

#: Where a process kills itself. The last two are in the thread that has the file.
POINTS: Final = (
    "read",
    "add, before",
    "add, after",
    "claim, before",
    "claim, after",
    "handler, before",
    "handler, done",
    "mark, before",
    "mark, after",
    "settle, before",
    "settle, after",
    "release, before",
    "release, after",
    "answer, before",
    "answer, after",
    "statement",
    "commit",
)
HANDLING: Final = 60.0  # seconds for the handlers of an event
LEASE: Final = (HANDLING + 20.0) / SPEED  # of our seconds; the receiver adds 20 of its own
_WORKERS: Final = 4


@attrs.frozen(kw_only=True)
class Spec:
    """What becomes of a life."""

    number: int
    seed: int
    backend: str
    folder: Path
    durable: bool
    began: float  # when the receiver's clock stood at its first date, by the machine's monotonic clock
    point: str = ""  # where it is killed; nowhere by itself where this is empty
    nth: int = 1  # at which passage
    failing: float = 0.0  # share of the handlers' runs; of the store's operations a fifth of it, of its marks four
    wrong: Wrong | None = None


class _Failed(Exception):
    """A failure on purpose."""


class _Fate(Death):
    """Decides what fails, too."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec.point, spec.nth)
        self._spec = spec
        self._chance = random.Random(spec.seed)

    def foreign_cancellation(self) -> bool:
        return self._spec.backend == "asyncio" and self.fails(0.2)

    def fails(self, share: float) -> bool:
        return self._chance.random() < share * self._spec.failing


class _Watched:
    """A store that is killed and fails on its way in and out."""

    def __init__(self, inner: Store, fate: _Fate, witness: Witness) -> None:
        self._inner = inner
        self._fate = fate
        self._witness = witness
        self.durable = inner.durable

    async def _through(self, name: str, work: Any, *, failing: float = 0.1) -> Any:
        self._fate.reach(f"{name}, before")
        if self._fate.fails(failing):
            work.close()
            raise _Failed(f"{name} has not been done")
        found = await work
        if self._fate.fails(failing):
            raise _Failed(f"{name} has been done")
        self._fate.reach(f"{name}, after")
        return found

    async def add(self, entry: Entry, *, now: float) -> Standing:
        found: Standing = await self._through("add", self._inner.add(entry, now=now))
        return found

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        self._fate.reach("claim, before")
        claim: Claim | None = await self._inner.claim(wanted, now=now, lease=lease)
        if claim is not None:  # most questions of idle workers find nothing, and are no step on any event's way
            self._witness.note("claimed", key=claim.key)
            self._fate.reach("claim, after")
        return claim

    async def mark(self, claim: Claim, handler: str) -> None:
        try:
            await self._through("mark", self._inner.mark(claim, handler), failing=0.4)
        except BaseException:
            self._witness.note("not marked", key=claim.key, handler=handler)
            raise
        self._witness.note("marked", key=claim.key, handler=handler)

    async def settle(self, claim: Claim, *, now: float) -> None:
        await self._through("settle", self._inner.settle(claim, now=now))

    async def release(self, claim: Claim, *, at: float) -> None:
        await self._through("release", self._inner.release(claim, at=at))

    async def extend(self, claim: Claim, *, until: float) -> None:
        await self._inner.extend(claim, until=until)

    async def due(self, kinds: frozenset[str], *, now: float) -> float | None:
        return await self._inner.due(kinds, now=now)

    async def feed(self, position: int | None, *, limit: int) -> tuple[list[bytes], int]:
        return await self._inner.feed(position, limit=limit)

    async def aclose(self) -> None:
        await self._inner.aclose()


def live(spec: Spec, gateway: socket.socket) -> None:
    """Serve *gateway* until it says goodbye, or death comes."""
    anyio.run(_live, spec, gateway, backend=spec.backend)


async def _live(spec: Spec, gateway: socket.socket) -> None:
    fate, witness = _Fate(spec), Witness(spec.folder / "witness", spec.number)
    inner: Store = MemoryStore()
    if spec.durable:
        _watch_statements(fate)
        inner = SqliteStore(spec.folder / "events.db", busy_timeout=20.0)
    if spec.wrong is not None:
        inner = spec.wrong.store(inner)
    store = _Watched(inner, fate, witness)
    receiver = Receiver(
        secret=SECRET, store=store, clock=FastClock(spec.began), handling_timeout=HANDLING, workers=_WORKERS
    )

    if spec.wrong is not None:
        spec.wrong.receiver(receiver)
    _listen(receiver, fate, witness)

    async def serve(number: bytes, body: bytes) -> None:
        fate.reach("read")
        reply = await receiver.handle(body)
        status = 200 if spec.wrong is not None and spec.wrong.acknowledges_all else reply.status
        fate.reach("answer, before")
        gateway.send(b"%s %d\n" % (number, status))
        fate.reach("answer, after")

    async with receiver.running(), anyio.create_task_group() as looping:
        looping.start_soon(_loop, receiver, fate, witness)
        async with anyio.create_task_group() as tasks:
            async for line in _lines(gateway):
                number, _, body = line.partition(b" ")
                tasks.start_soon(serve, number, body)
        looping.cancel_scope.cancel()
    witness.close()


def _listen(receiver: Receiver, fate: _Fate, witness: Witness) -> None:
    """Register a handler that wants everything, and one, in a thread, that wants no status that was overtaken."""

    @receiver.on(stale=True, name="ledger")
    async def ledger(event: Event) -> None:
        witness.note("began", key=event.key, handler="ledger")
        await anyio.sleep(0.001)
        if fate.foreign_cancellation():
            witness.note("failed", key=event.key, handler="ledger")
            raise asyncio.CancelledError  # as of a task of its own that somebody else has cancelled
        _had("ledger", event.key, fate, witness)

    @receiver.on(DeliveryStatus, name="progress")
    def progress(event: DeliveryStatus) -> None:
        witness.note("began", key=event.key, handler="progress")
        _had("progress", event.key, fate, witness)


async def _loop(receiver: Receiver, fate: _Fate, witness: Witness) -> None:
    """Want everything, too, in a loop that is begun again when it fails."""
    while True:
        with suppress(_Failed):
            async with receiver.events(stale=True, name="loop") as events:
                async for event in events:
                    witness.note("began", key=event.key, handler="loop")
                    await anyio.sleep(0.0)
                    _had("loop", event.key, fate, witness)


def _had(handler: str, key: str, fate: _Fate, witness: Witness) -> None:
    """Do what a handler does."""
    if fate.fails(0.5):
        witness.note("failed", key=key, handler=handler)
        raise _Failed("before it did anything")
    fate.reach("handler, before")
    if fate.fails(0.5):
        witness.note("failed", key=key, handler=handler)
        raise _Failed("after it did something")
    witness.note("ran", key=key, handler=handler, flush=True)
    fate.reach("handler, done")


async def _lines(gateway: socket.socket) -> AsyncIterator[bytes]:
    """Give the gateway's lines until an empty one."""
    gateway.setblocking(False)
    read = b""
    while True:
        await anyio.wait_readable(gateway)
        with suppress(BlockingIOError):
            read += gateway.recv(1 << 16)
        *lines, read = read.split(b"\n")
        for line in lines:
            if not line:
                return
            yield line


def _watch_statements(fate: _Fate) -> None:
    """Let each statement, and each commit, be a point at which the process may die."""
    connect = EventFile.connect

    def watched(file: EventFile) -> sqlite3.Connection:
        connection = connect(file)

        def trace(statement: str) -> None:
            fate.reach("commit" if statement == "COMMIT" else "statement")

        connection.set_trace_callback(trace)
        return connection

    setattr(EventFile, "connect", watched)  # noqa: B010 - of this process, which is soon dead
