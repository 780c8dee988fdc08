"""Calls that are cancelled while they wait for the guard of one machine: nothing of them stays, in any process."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import pytest

from smsc_async.guard import Outcome
from tests.guard.demands import PLENTY, demand
from tests.guard.host.test_sharing import done

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.guard import HostGuard
    from smsc_async.testing import FakeClock

pytestmark = pytest.mark.anyio

AFTER = [0.0, 0.001, 0.002, 0.003, 0.005, 0.01, 0.05, 0.25, 0.3, 0.6]  # seconds


async def nothing_left(*guards: HostGuard) -> None:
    """Assert that all slots are home, and that every process can have them."""
    for guard in guards:
        usage = guard.usage("account")
        assert (0, 0) == (usage.in_flight, usage.waiting)
        for number in range(2):
            await done(guard, demand(f"after {number}", PLENTY))


@pytest.mark.parametrize("how", ["scope", "native"])
@pytest.mark.parametrize("after", AFTER)
async def test_in_line_behind_another_process(
    process: Callable[..., HostGuard], clock: FakeClock, anyio_backend: str, after: float, how: str
) -> None:
    """Asleep until the time, asleep until a look, or just let go."""
    if how == "native" and anyio_backend == "trio":
        how = "scope"  # trio has no other
    first, second = process(max_concurrency=1), process(max_concurrency=1)
    await done(first, demand("accepted", PLENTY))
    lease = await first.acquire(demand("a", PLENTY))
    scope = anyio.CancelScope()
    tasks_of_asyncio: list[asyncio.Task[None]] = []

    async def wait() -> None:
        if how == "native":
            tasks_of_asyncio.append(asyncio.current_task())  # type: ignore[arg-type]
        with scope, suppress(asyncio.CancelledError if how == "native" else ()):
            second.finish(await second.acquire(demand("b", PLENTY)), Outcome.UNSENT)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.advance(after)
        if after > 0.2:
            first.finish(lease, Outcome.ACCEPTED)
        if how == "native":
            tasks_of_asyncio[0].cancel()
        else:
            scope.cancel()
        await clock.advance(0.0)
    if after <= 0.2:
        first.finish(lease, Outcome.ACCEPTED)
    await clock.advance(0.1)
    await nothing_left(first, second)


@pytest.mark.parametrize("after", AFTER)
async def test_while_another_process_has_the_lock(
    process: Callable[..., HostGuard], clock: FakeClock, after: float
) -> None:
    """A call that asks, one that waits, and one that gives back."""
    guard, other = process(max_concurrency=2), process(max_concurrency=2)
    await done(guard, demand("accepted", PLENTY))
    leases = [await guard.acquire(demand(name, PLENTY)) for name in "ab"]

    async def give_back() -> None:
        pending = guard.finish(leases[0], Outcome.ACCEPTED)
        assert pending is not None
        await pending

    async def ask(key: str) -> None:
        guard.finish(await guard.acquire(demand(key, PLENTY)), Outcome.UNSENT)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "waits")
        await clock.advance(0.01)
        lock = os.open(guard.path, os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        tasks.start_soon(ask, "asks")
        tasks.start_soon(give_back)
        await clock.advance(after)
        tasks.cancel_scope.cancel()
    os.close(lock)
    guard.finish(leases[1], Outcome.ACCEPTED)
    await clock.advance(1.0)
    await nothing_left(guard, other)
