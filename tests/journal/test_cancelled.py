"""Calls that are cancelled: in the journal where they may have been paid for, and nowhere else."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from smsc_async import LocalGuard, events
from tests.journal.accounts import PHONE, locked, session, standing

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from smsc_async.guard import Lease, Outcome

BOUGHT = {"phone": PHONE, "cost": "30.00"}
MANY = [f"38067{number:07d}" for number in range(1_001)]  # two requests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal will be."""
    return tmp_path / "journal.db"


class Held:
    """A gateway that keeps an answer back, from one of the requests on."""

    def __init__(self, *before: object) -> None:
        self.before = list(before)
        self.reached = anyio.Event()

    def __call__(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if self.before:
            return httpx.Response(200, json=self.before.pop(0))
        self.reached.set()
        await anyio.sleep_forever()
        raise AssertionError


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_before_it_leaves_has_no_row(anyio_backend: str, path: Path) -> None:
    """Its row is struck as soon as it stands there, and nothing is sent."""
    seen: list[httpx.Request] = []
    async with session(path, BOUGHT, seen=seen) as smsc:
        await smsc.unresolved()
        async with anyio.create_task_group() as tasks:
            with locked(path):
                tasks.start_soon(smsc.numbers.rent, PHONE)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
        assert [] == await smsc.unresolved()
        assert ([], 0) == (seen, smsc.limits().in_flight)
    assert [] == standing(path)


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_on_its_way_is_listed(anyio_backend: str, path: Path) -> None:
    """With the reason; nobody but the journal knows of it."""
    gateway = Held()
    async with session(path, None, transport=gateway) as smsc:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(smsc.numbers.rent, PHONE)
            await gateway.reached.wait()
            tasks.cancel_scope.cancel()
        assert ["cancelled before the answer came"] == [call.reason for call in await smsc.unresolved()]


@pytest.mark.anyio
@pytest.mark.parametrize("answered", [1, 0], ids=["in the second", "in the first"])
async def test_a_message_that_is_cancelled_in_part_is_listed(anyio_backend: str, path: Path, answered: int) -> None:
    """All of its recipients are, those whose request was answered too."""
    gateway = Held(*[{"id": "order-1", "cnt": 1_000}] * answered)
    async with session(path, None, transport=gateway) as smsc:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(smsc.messages.send, MANY, "hello", id="order-1"))
            await gateway.reached.wait()
            tasks.cancel_scope.cancel()
        (call,) = await smsc.unresolved()
        assert ("order-1", tuple(MANY)) == (call.subject, call.recipients)


@pytest.mark.anyio
async def test_a_message_that_is_cancelled_between_two_requests_is_listed(anyio_backend: str, path: Path) -> None:
    """While the second request waits for its turn, the first is known to the journal alone."""
    waits = anyio.Event()

    def told(event: events.Event) -> None:
        if isinstance(event, events.Waiting):
            waits.set()

    gateway = Held({"id": "order-1", "cnt": 1_000})
    guard = LocalGuard(identical="action")
    async with session(path, None, transport=gateway, guard=guard, observer=told) as smsc:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(smsc.messages.send, MANY, "hello", id="order-1"))
            await waits.wait()
            tasks.cancel_scope.cancel()
        (call,) = await smsc.unresolved()
        assert "cancelled when 1 of its 2 requests had been taken" == call.reason


class Slow(LocalGuard):
    """A guard that must be awaited when a lease goes back, which takes until somebody says so."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.over = asyncio.Event()

    def finish(self, lease: Lease, outcome: Outcome) -> Awaitable[None]:  # type: ignore[override]  # the protocol's
        return self._finish(lease, outcome)

    async def _finish(self, lease: Lease, outcome: Outcome) -> None:
        super().finish(lease, outcome)
        self.reached.set()
        await self.over.wait()


@pytest.mark.asyncio
async def test_a_purchase_that_nobody_hears_of_is_listed(path: Path) -> None:
    """Asyncio may cancel a task through every shield, also when it was paid and the answer was read."""
    guard = Slow()
    async with session(path, BOUGHT, guard=guard) as smsc:
        call = asyncio.ensure_future(smsc.numbers.rent(PHONE))
        await guard.reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        (left,) = await smsc.unresolved()
        assert "carried out, and cancelled before its caller could be told" == left.reason


@pytest.mark.asyncio
async def test_a_refusal_whose_row_is_being_struck_may_be_cancelled(path: Path) -> None:
    """What was not bought is struck all the same."""
    reached = asyncio.Event()

    async def refuse(request: httpx.Request) -> httpx.Response:
        reached.set()
        return httpx.Response(200, json={"error": "money", "error_code": 3})

    smsc = session(path, None, transport=lambda: httpx.MockTransport(refuse))
    call = asyncio.ensure_future(smsc.numbers.rent(PHONE))
    await reached.wait()
    with locked(path):
        for _ in range(200):
            await asyncio.sleep(0)  # it is read, and the thread has begun
        call.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [] == await smsc.unresolved()
    await smsc.aclose()
    assert [] == standing(path)
