"""Tasks share transactions; a task that is cancelled leaves all or nothing, and nobody waits for it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from smsc_async._sqlite import commits
from smsc_async.errors import StoreUnavailable
from smsc_async.webhooks._sqlite_file import EventFile
from smsc_async.webhooks.sqlite import SqliteStore
from smsc_async.webhooks.stores import Claim, Standing
from tests.webhooks.stores.making import ANY, NOW, entry, taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(anyio_backend: str, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store that has its file open."""
    store = SqliteStore(tmp_path / "events.db")
    await store.due(ANY, now=NOW)
    yield store
    await store.aclose()


class Gate:
    """An operation that holds the thread, and the transaction, until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, db: sqlite3.Connection) -> None:
        self.reached.set()
        assert self.opened.wait(30.0)

    async def is_reached(self) -> None:
        assert await anyio.to_thread.run_sync(self.reached.wait, 30.0)


async def test_what_waits_shares_a_transaction(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 events that come while the file is busy all are stored by one commit."""
    committed = []
    gate = Gate()

    def trace(statement: str) -> None:
        if statement == "COMMIT":
            committed.append(statement)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store._commits.run, gate)
        await gate.is_reached()
        assert store._commits._desk.connection is not None
        store._commits._desk.connection.set_trace_callback(trace)
        for number in range(100):
            tasks.start_soon(partial(store.add, entry(f"{number}"), now=NOW))
        await anyio.wait_all_tasks_blocked()
        gate.opened.set()
    assert 2 == len(committed)
    assert [Standing.WAITING] * 100 == [await store.add(entry(f"{number}"), now=NOW) for number in range(100)]


async def test_who_comes_during_a_transaction_gets_the_next_one(store: SqliteStore) -> None:
    """Behind tasks whose work is done with it, one that came later is not forgotten."""
    first, second = Gate(), Gate()
    with anyio.fail_after(20.0):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store._commits.run, first)
            await first.is_reached()
            for work in (partial(store._commits.run, second), partial(store.add, entry("a"), now=NOW)):
                tasks.start_soon(work)
                await anyio.wait_all_tasks_blocked()
            first.opened.set()
            await second.is_reached()
            tasks.start_soon(partial(store.add, entry("b"), now=NOW))
            await anyio.wait_all_tasks_blocked()
            second.opened.set()
    assert [Standing.WAITING] * 2 == [await store.add(entry(key), now=NOW) for key in "ab"]


async def test_the_fault_of_one_is_not_that_of_the_others(store: SqliteStore) -> None:
    """An operation that fails is rolled back by itself; those that shared its transaction are carried out."""
    gate = Gate()
    found: list[object] = []

    async def add(payload: Any) -> None:
        try:
            found.append(await store.add(type(entry("a"))(kind="Event", key=f"{payload!r}", payload=payload), now=NOW))
        except Exception as error:  # noqa: BLE001 - whichever it is
            found.append(type(error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store._commits.run, gate)
        await gate.is_reached()
        payloads: list[Any] = [b"1", [], b"2"]
        for payload in payloads:
            tasks.start_soon(add, payload)
            await anyio.wait_all_tasks_blocked()
        gate.opened.set()
    assert {Standing.NEW, StoreUnavailable} == set(found)
    assert 2 == found.count(Standing.NEW)


async def test_a_task_cancelled_in_the_queue_has_done_nothing(store: SqliteStore) -> None:
    """It ends at once, though the file is busy, and its event is not stored."""
    gate = Gate()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store._commits.run, gate)
        await gate.is_reached()
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as inner:
                inner.start_soon(partial(store.add, entry("a"), now=NOW))
                await anyio.wait_all_tasks_blocked()
                scope.cancel()
        assert not gate.opened.is_set()
        gate.opened.set()
    assert Standing.NEW is await store.add(entry("a"), now=NOW)


async def is_cancelled_in_the_thread(store: SqliteStore, work: Callable[[], Awaitable[object]], *, leads: bool) -> bool:
    """Cancel *work* when the thread has begun it, as the task that *leads* or as one that waits for who does."""
    first, second = Gate(), Gate()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store._commits.run, first)
        await first.is_reached()
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as inner:
                if not leads:
                    tasks.start_soon(store._commits.run, second)
                    await anyio.wait_all_tasks_blocked()
                inner.start_soon(work)
                await anyio.wait_all_tasks_blocked()
                if leads:
                    tasks.start_soon(store._commits.run, second)
                    await anyio.wait_all_tasks_blocked()
                first.opened.set()
                await second.is_reached()
                scope.cancel()
                second.opened.set()
    return scope.cancel_called


@pytest.mark.parametrize("leads", [True, False])
async def test_a_task_cancelled_in_the_thread_has_done_all(store: SqliteStore, *, leads: bool) -> None:
    """It ends after the transaction, and its event is stored."""
    assert await is_cancelled_in_the_thread(store, partial(store.add, entry("a"), now=NOW), leads=leads)
    assert Standing.WAITING is await store.add(entry("a"), now=NOW)


@pytest.mark.parametrize("leads", [True, False])
async def test_a_claim_that_nobody_gets_is_given_up(store: SqliteStore, *, leads: bool) -> None:
    """A task that is cancelled while its claim is taken leaves the event to the next one, and not to the lease."""
    await store.add(entry("a"), now=NOW)
    got: list[Claim] = []

    async def claim() -> None:
        claim = await store.claim(ANY, now=NOW, lease=60.0)
        assert claim is not None
        got.append(claim)

    await is_cancelled_in_the_thread(store, claim, leads=leads)
    if got:  # the task had it after all, and can give it up itself
        await store.release(got[0], at=NOW)
    else:
        assert not leads
    assert 2 == (await taken(store)).attempt


@pytest.mark.parametrize("seed", range(4))
async def test_tasks_are_cancelled_anywhere(store: SqliteStore, seed: int) -> None:
    """Of 200 tasks of which half are cancelled, those that say so have stored their event, and nobody waits after."""
    chance = random.Random(seed)
    stored = set()
    using: list[int] = []
    most = []

    def slow(db: sqlite3.Connection) -> None:
        using.append(threading.get_ident())
        most.append(len(using))
        time.sleep(0.001)
        using.pop()

    async def add(number: int) -> None:
        await anyio.sleep(chance.uniform(0.0, 0.05))
        with anyio.move_on_after(chance.choice([0.0, 0.001, 0.003, 60.0])):
            await store._commits.run(slow)
            assert Standing.NEW is await store.add(entry(f"{number}"), now=NOW)
            stored.add(number)

    with anyio.fail_after(20.0):
        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(add, number)
    assert stored
    assert {1} == set(most)
    desk = store._commits._desk
    assert {} == desk.queues
    assert not desk.turn.locked()
    assert {Standing.WAITING} == {await store.add(entry(f"{number}"), now=NOW) for number in stored}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_may_cancel_through_every_shield(store: SqliteStore) -> None:
    """A leader that asyncio cancels leaves its thread alone: the next one waits for that, and the file has one user."""
    gate = Gate()
    leader = asyncio.ensure_future(store._commits.run(gate))
    await gate.is_reached()
    follower = asyncio.ensure_future(store.add(entry("a"), now=NOW))
    await asyncio.sleep(0.01)
    for _ in range(3):
        leader.cancel()
        await asyncio.sleep(0.01)
    assert not follower.done()
    gate.opened.set()
    assert Standing.NEW is await asyncio.wait_for(follower, 20.0)
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert Standing.WAITING is await store.add(entry("a"), now=NOW)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_cancelled_when_it_was_to_lead_lets_another_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its turn to lead is not lost with it: those that wait behind it get theirs."""
    gate = Gate()
    leader = asyncio.ensure_future(store._commits.run(gate))
    await gate.is_reached()
    next_one = asyncio.ensure_future(store.add(entry("a"), now=NOW))
    behind = asyncio.ensure_future(store.add(entry("b"), now=NOW))
    await asyncio.sleep(0.01)
    real = commits._wake

    def wake_and_cancel(desk: Any) -> None:
        real(desk)
        monkeypatch.setattr(commits, "_wake", real)
        next_one.cancel()  # which has been woken, and has not run yet

    monkeypatch.setattr(commits, "_wake", wake_and_cancel)
    gate.opened.set()
    await leader
    assert Standing.NEW is await asyncio.wait_for(behind, 20.0)
    with pytest.raises(asyncio.CancelledError):
        await next_one
    assert Standing.NEW is await store.add(entry("a"), now=NOW)


async def test_a_thread_that_cannot_be_started_is_the_fault_of_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task that was to start it gets the error, and the next one tries again."""
    real, calls = anyio.to_thread.run_sync, []

    async def run_sync(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise RuntimeError("can't start new thread")
        return await real(*args, **options)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)
    found: list[object] = []

    async def add(key: str) -> None:
        try:
            found.append(await store.add(entry(key), now=NOW))
        except RuntimeError as error:
            found.append(str(error))

    async with anyio.create_task_group() as tasks:
        for key in "abc":
            tasks.start_soon(add, key)
    assert {"can't start new thread", Standing.NEW} == set(found)
    assert 2 == found.count(Standing.NEW)


async def test_handlers_in_threads_do_not_hold_the_store_up(store: SqliteStore) -> None:
    """When all of the event loop's worker threads are busy, events are still stored."""
    hold = threading.Event()
    async with anyio.create_task_group() as tasks:
        for _ in range(int(anyio.to_thread.current_default_thread_limiter().total_tokens)):
            tasks.start_soon(anyio.to_thread.run_sync, hold.wait, 30.0)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(20.0):
            assert Standing.NEW is await store.add(entry("a"), now=NOW)
        hold.set()


async def test_closing_waits_for_what_is_under_way(store: SqliteStore) -> None:
    """A store that is closed in the middle of a transaction ends it first, cancelled or not."""
    gate = Gate()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store._commits.run, gate)
        await gate.is_reached()
        with anyio.CancelScope() as scope:
            scope.cancel()
            tasks.start_soon(_open_soon, gate)
            await store.aclose()
    assert "not open" in repr(store)
    assert Standing.NEW is await store.add(entry("a"), now=NOW)


async def _open_soon(gate: Gate) -> None:
    await anyio.sleep(0.02)
    gate.opened.set()


async def test_a_new_event_loop_goes_on_with_the_same_store(store: SqliteStore, anyio_backend: str) -> None:
    """A store belongs to no event loop: one after another may use it."""
    await store.add(entry("a"), now=NOW)

    async def again() -> Standing:
        return await store.add(entry("a"), now=NOW)

    for backend in ("asyncio", "trio"):
        found = await anyio.to_thread.run_sync(partial(anyio.run, again, backend=backend))
        assert Standing.WAITING is found


async def test_a_busy_file_is_not_waited_for_longer_than_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that wait get the error of one timeout, and when the other process is done the store goes on."""
    store = SqliteStore(tmp_path / "events.db", busy_timeout=0.1)
    await store.due(ANY, now=NOW)
    other = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = []

    async def add(number: int) -> None:
        with pytest.raises(StoreUnavailable, match="locked") as caught:
            await store.add(entry(f"{number}"), now=NOW)
        refused.append(caught.value)

    with anyio.fail_after(20.0):
        async with anyio.create_task_group() as tasks:
            for number in range(300):
                tasks.start_soon(add, number)
    assert 300 == len(set(map(id, refused)))
    other.execute("ROLLBACK")
    other.close()
    assert Standing.NEW is await store.add(entry("0"), now=NOW)
    await store.aclose()


@pytest.mark.parametrize("work", ["BEGIN EXCLUSIVE", "BEGIN; SELECT count(*) FROM sqlite_master"])
async def test_the_switch_to_the_log_waits_for_other_processes(tmp_path: Path, work: str) -> None:
    """Where another process holds the new file, it is waited for as long as for anything else."""
    path = tmp_path / "events.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    cursors = [other.execute(statement) for statement in work.split("; ")]  # the last holds its lock as long as it is
    store = SqliteStore(path, busy_timeout=0.2)
    with anyio.fail_after(5.0), pytest.raises(StoreUnavailable, match=r"locked|busy"):
        await store.add(entry("a"), now=NOW)
    patient = SqliteStore(path, busy_timeout=5.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(patient.add, entry("a"), now=NOW))
        await anyio.sleep(0.05)
        cursors.clear()
        other.execute("COMMIT")
    other.close()
    assert Standing.WAITING is await patient.add(entry("a"), now=NOW)
    await patient.aclose()


def test_the_log_is_on_the_disk_when_a_commit_returns(tmp_path: Path) -> None:
    """The file has a write-ahead log that is flushed by each commit."""
    connection = EventFile(tmp_path / "events.db", 1.0).connect()
    modes = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    connection.close()
    assert ["wal", 2] == modes
