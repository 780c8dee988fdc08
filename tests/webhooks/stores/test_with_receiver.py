"""A receiver with a file: acknowledged means stored, and what is stored waits for whoever wants it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from smsc_async.errors import StoreUnavailable
from smsc_async.testing import FakeClock
from smsc_async.webhooks import DeliveryStatus, IncomingMessage, Receiver
from smsc_async.webhooks.sqlite import SqliteStore
from smsc_async.webhooks.stores import Entry
from tests.webhooks.receiver.gateway import NOW, SECRET, call, message, status

if TYPE_CHECKING:
    from pathlib import Path

    from smsc_async.webhooks.stores import Claim

pytestmark = pytest.mark.anyio


def receiver(path: Path) -> Receiver:
    """Give a receiver as a process would make it when it starts."""
    return Receiver(secret=SECRET, store=SqliteStore(path / "events.db"))


async def test_an_event_is_handled_by_a_later_process(tmp_path: Path) -> None:
    """It is acknowledged when it is stored, though nobody hands it on yet."""
    first = receiver(tmp_path)
    assert 200 == (await first.handle(status(1))).status
    await first._delivery.store.aclose()
    second, got, had = receiver(tmp_path), [], anyio.Event()

    @second.on()
    def keep(event: object) -> None:
        got.append(event)

    @second.on(DeliveryStatus)
    async def tell(event: DeliveryStatus) -> None:
        had.set()

    with anyio.fail_after(20.0):
        async with second.running():
            await had.wait()
    assert [("1", "380501234567")] == [event.message for event in got if isinstance(event, DeliveryStatus)]


async def test_a_stored_event_waits_until_somebody_listens(tmp_path: Path) -> None:
    """A receiver that runs before its handlers are there settles nothing: a loop over its events still gets all."""
    app = receiver(tmp_path)
    assert 200 == (await app.handle(status(1))).status
    async with app.running():
        assert 200 == (await app.handle(status(2))).status
        await anyio.sleep(0.05)
        with anyio.fail_after(20.0):
            async with app.events(DeliveryStatus) as events:
                assert {"1", "2"} == {(await anext(events)).id, (await anext(events)).id}


async def test_a_handler_that_returned_is_noted_when_the_receiver_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is told to stop between a handler's return and its mark makes the mark first."""
    app = receiver(tmp_path)
    returned, mark, runs = anyio.Event(), SqliteStore.mark, []

    async def late_mark(store: SqliteStore, claim: Claim, handler: str) -> None:
        returned.set()
        await anyio.sleep(0.05)
        await mark(store, claim, handler)

    monkeypatch.setattr(SqliteStore, "mark", late_mark)

    def keep(event: object) -> None:
        runs.append(event)

    app.on(name="keep")(keep)
    await app.handle(status(1))
    with anyio.fail_after(20.0):
        async with app.running():
            await returned.wait()
    again, other = receiver(tmp_path), anyio.Event()
    again.on(name="keep")(keep)

    @again.on(name="other")
    async def tell(event: object) -> None:
        other.set()

    with anyio.fail_after(20.0):
        async with again.running():
            await other.wait()
    assert 1 == len(runs)


async def test_processes_of_one_file_take_what_they_handle(tmp_path: Path) -> None:
    """One confirms phones, another handles messages: neither settles what the other is to have."""
    web, worker = receiver(tmp_path), receiver(tmp_path)
    got: list[str] = []
    handled = anyio.Event()

    @worker.on(IncomingMessage)
    async def handle(event: IncomingMessage) -> None:
        got.append(event.id)
        if 20 == len(got):
            handled.set()

    web.on(DeliveryStatus)(lambda _: None)
    with web.expect_call("380671111111"):
        pass
    async with web.running(), worker.running():
        for number in range(20):
            assert 200 == (await web.handle(message(number=number))).status
        with anyio.fail_after(20.0):
            await handled.wait()
    assert sorted(map(str, range(20))) == sorted(got)


async def test_what_nobody_wants_waits_for_a_week(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Then it is dropped, so that the file does not grow for ever, and the log says so."""
    store = SqliteStore(tmp_path / "events.db")
    app = Receiver(secret=SECRET, store=store, clock=FakeClock())
    for key, days in (("old", 8), ("new", 6)):
        await store.add(Entry(key=key, kind="IncomingMessage", payload=b"{}"), now=NOW - days * 86_400.0)
    async with app.running():
        await settled()
        assert "dropped" not in caplog.text  # where no handler is registered at all, there may be one soon
    app.on(DeliveryStatus)(lambda _: None)
    async with app.running():
        await settled()
    assert 1 == caplog.text.count("the event old was wanted by no handler for a week; it is dropped")
    claims = [await store.claim(frozenset({"IncomingMessage"}), now=NOW, lease=60.0) for _ in range(2)]
    assert ["new", None] == [claim and claim.key for claim in claims]
    await store.aclose()


async def settled() -> None:
    """Let the threads of the store do what they have begun."""
    for _ in range(5):
        await anyio.sleep(0.01)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_handler_that_lets_a_cancellation_out_stops_nothing(tmp_path: Path) -> None:
    """The event comes again, and others are handled."""
    app = receiver(tmp_path)
    got: list[str] = []
    handled = anyio.Event()

    @app.on(DeliveryStatus)
    async def handle(event: DeliveryStatus) -> None:
        got.append(event.id)
        if event.id == "1" and got.count("1") == 1:
            raise asyncio.CancelledError
        if {"1", "2", "3"} == set(got) and got.count("1") > 1:
            handled.set()

    with anyio.fail_after(20.0):
        async with app.running():
            for number in (1, 2, 3):
                await app.handle(status(number))
            await handled.wait()
    assert 2 == got.count("1")


async def test_a_call_is_told_of_once(tmp_path: Path) -> None:
    """The process hears of it from the gateway, and once more from its store: that confirms nothing new."""
    clock = FakeClock()
    app = Receiver(secret=SECRET, store=SqliteStore(tmp_path / "events.db"), clock=clock)
    async with app.running():
        with app.expect_call("380501234567") as first:
            assert 200 == (await app.handle(call())).status
            await first.arrival()
        with app.expect_call("380501234567") as second:
            for _ in range(5):
                await clock.advance(1.0)
                await settled()
            assert second.call is None


async def test_a_call_comes_to_another_process(tmp_path: Path) -> None:
    """Also behind an event that this version cannot read."""
    app, other = receiver(tmp_path), receiver(tmp_path)
    async with app.running():
        with app.expect_call("380501234567") as expected:
            odd = Entry(kind="Unheard", key="odd", payload=b'{"kind": "UNHEARD"}')
            await other._delivery.store.add(odd, now=time.time())
            await other.handle(call(ts=int(time.time())))
            with anyio.fail_after(20.0):
                await expected.arrival()
    await other._delivery.store.aclose()


async def test_an_event_that_cannot_be_read_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A newer version may have written it; others are handled meanwhile."""
    app = receiver(tmp_path)
    handled = anyio.Event()

    @app.on(DeliveryStatus)
    async def handle(_: DeliveryStatus) -> None:
        handled.set()

    store = app._delivery.store
    await store.add(Entry(kind="DeliveryStatus", key="odd", payload=b"{}"), now=time.time() - 1)
    await app.handle(status())
    with anyio.fail_after(20.0):
        async with app.running():
            await handled.wait()
    assert "cannot be read; it stays there" in caplog.text
    claim = await store.claim("odd", now=time.time() + 10_000, lease=1.0)
    assert claim is not None
    await store.aclose()


async def test_a_lease_is_renewed_while_a_handler_has_the_event(tmp_path: Path) -> None:
    """A loop takes what time it takes, and nobody else gets its event meanwhile."""
    clock = FakeClock()
    store = SqliteStore(tmp_path / "events.db")
    app = Receiver(secret=SECRET, store=store, clock=clock, workers=1)
    async with app.running(), app.events(DeliveryStatus) as events:
        await app.handle(status(1))
        assert "1" == (await anext(events)).id
        for _ in range(6):
            await clock.advance(15.0)
            await settled()
        assert await store.claim(frozenset({"DeliveryStatus"}), now=clock.date().timestamp(), lease=1.0) is None


async def test_a_store_that_cannot_be_used_is_told_of_at_once(tmp_path: Path) -> None:
    """The receiver does not begin, and a server says why it does not start."""
    app = Receiver(secret=SECRET, store=SqliteStore(tmp_path / "nowhere" / "events.db"))
    with pytest.raises(StoreUnavailable):
        async with app.running():
            pytest.fail("it runs")


async def test_an_exit_out_of_the_block_is_one(tmp_path: Path) -> None:
    """What a process ends with is not wrapped."""
    with pytest.raises(SystemExit):
        async with receiver(tmp_path).running():
            raise SystemExit(3)
