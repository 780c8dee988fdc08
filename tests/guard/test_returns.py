"""What comes back to the guard at odd moments: from a finaliser, without a loop, in a loop that was stopped."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from typing import Any

import anyio
import pytest

from smsc_async.errors import WaitTooLong
from smsc_async.guard import Lease, LocalGuard, Outcome, Reason, Rule, Wait, _process
from smsc_async.testing import FakeClock
from tests.guard.demands import PLENTY, SINGLE, demand

NAME = "account"


async def accepted(guard: LocalGuard) -> None:
    """Have the credentials accepted."""
    guard.finish(await guard.acquire(demand("accepted", PLENTY)), Outcome.ACCEPTED)


def in_flight(guard: LocalGuard) -> int:
    """Give how many slots are taken."""
    return guard.usage(NAME).in_flight


@pytest.mark.anyio
async def test_what_a_finaliser_gives_back_while_another_call_is_taken_back_is_not_left_lying(
    anyio_backend: str,
) -> None:
    """It finds the lock taken by its own thread, and whoever has it sees to it afterwards."""
    guard = LocalGuard(clock=FakeClock())
    await accepted(guard)
    one, other = await guard.acquire(demand("one")), await guard.acquire(demand("other"))
    take_back = guard._policy.finish

    def interrupted(lease: Lease, outcome: Outcome, now: float) -> None:
        guard._policy.finish = take_back  # type: ignore[method-assign]
        guard.finish(other, Outcome.ACCEPTED)
        assert 1 == len(guard._returns)
        take_back(lease, outcome, now)

    guard._policy.finish = interrupted  # type: ignore[method-assign]
    guard.finish(one, Outcome.ACCEPTED)
    assert (0, 0) == (len(guard._returns), guard._policy.accounts[NAME].slots.out)


@pytest.mark.anyio
async def test_what_has_been_proven_is_not_proven_again(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of accepted credentials says nothing new, and costs no look at the policy."""
    guard = LocalGuard(clock=FakeClock())
    await accepted(guard)
    lease = await guard.acquire(demand("next"))
    monkeypatch.setattr(guard._policy, "prove", None)
    guard.prove(lease)
    assert (True, 1) == (lease.proven, in_flight(guard))


@pytest.mark.anyio
async def test_who_was_woken_on_the_way_to_its_sleep_does_not_fall_asleep(anyio_backend: str) -> None:
    """It looks again; and if nothing was meant for it, it waits on and goes in its turn."""
    guard = LocalGuard(clock=FakeClock(), max_concurrency=1)
    await accepted(guard)
    holder = await guard.acquire(demand("holder"))
    gone: list[str] = []

    def wake_all(_: Wait) -> None:
        for room in guard._rooms.values():
            for seat in room.seats:
                seat.wake()

    async def call(name: str) -> None:
        lease = await guard.acquire(demand(name), on_wait=wake_all)
        gone.append(name)
        guard.finish(lease, Outcome.ACCEPTED)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for name in ("first", "second", "third"):
                tasks.start_soon(call, name)
                await anyio.wait_all_tasks_blocked()
            assert [] == gone
            guard.finish(holder, Outcome.ACCEPTED)
    assert ["first", "second", "third"] == gone


@pytest.mark.anyio
async def test_a_call_that_must_be_looked_at_before_all_others_is(anyio_backend: str) -> None:
    """Whoever keeps the time looks at the clock again when somebody with less time comes into line."""
    clock = FakeClock()
    guard = LocalGuard(clock=clock)
    await accepted(guard)
    guard.finish(await guard.acquire(demand("resting", SINGLE)), Outcome.ACCEPTED)  # home at 61.5
    await guard.acquire(demand("unanswered", SINGLE))
    ended: list[tuple[str, float]] = []

    async def call(name: str, deadline: float) -> None:
        try:
            guard.finish(await guard.acquire(demand(name, SINGLE), deadline=deadline), Outcome.ACCEPTED)
        except WaitTooLong:
            name = f"not {name}"
        ended.append((name, clock.now()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, "resting", float("inf"))
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(call, "unanswered", 100.0)
        await clock.advance_to(200.0)
    assert [("not unanswered", 38.5), ("resting", 61.5)] == ended  # 38.5: a rest before the deadline


def test_calls_in_a_loop_that_was_stopped_ask_anew_when_it_runs_again() -> None:
    """What they are granted meanwhile goes back; they are told of their wait once."""
    guard = LocalGuard(clock=FakeClock(), max_concurrency=2)
    loop = asyncio.new_event_loop()
    told: list[Wait] = []

    async def begin() -> tuple[list[Lease], list[asyncio.Task[Lease]]]:
        await accepted(guard)
        held = [await guard.acquire(demand(f"held {number}")) for number in range(2)]
        waiting = [
            asyncio.ensure_future(guard.acquire(demand(f"{number}"), on_wait=told.append)) for number in range(3)
        ]
        for _ in range(5):
            await asyncio.sleep(0)
        return held, waiting

    async def end(waiting: list[asyncio.Task[Lease]]) -> None:
        async with asyncio.timeout(5):
            for task in waiting:
                guard.finish(await task, Outcome.ACCEPTED)

    try:
        held, waiting = loop.run_until_complete(begin())
        for lease in held:
            guard.finish(lease, Outcome.ACCEPTED)  # no loop runs here, and theirs cannot wake them
        assert (3, 0, {}) == (len(told), in_flight(guard), guard._rooms)
        loop.run_until_complete(end(waiting))
    finally:
        loop.close()
    assert (3, 0, {}) == (len(told), in_flight(guard), guard._rooms)


@pytest.mark.anyio
async def test_a_system_without_fork_has_the_guard_all_the_same(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no hooks for a fork, there is nothing to be done at one."""
    monkeypatch.delattr(os, "register_at_fork")
    spec = importlib.util.spec_from_file_location("without_fork", _process.__file__)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    guard = type("Guard", (module.ProcessGuard,), {})(
        window=60.0,
        margin=1.5,
        lateness=5.0,
        max_concurrency=14,
        max_downloads=4,
        limits=None,
        identical="request",
        clock=FakeClock(),
    )
    await accepted(guard)
    assert (0, False) == (in_flight(guard), hasattr(module, "_fork"))


@pytest.mark.anyio
async def test_what_does_not_rest_is_no_rule_that_is_in_use(anyio_backend: str) -> None:
    """The place of a download whose answer never came is kept a while, and no limit of requests counts it."""
    clock = FakeClock()
    guard = LocalGuard(clock=clock)
    await accepted(guard)
    rules = guard.usage(NAME).rules
    downloads = Rule("downloads.file", Reason.DOWNLOADS, 4, rests=False)
    lease = await guard.acquire(demand("download", downloads))
    assert (rules, 1) == (guard.usage(NAME).rules, in_flight(guard))
    guard.finish(lease, Outcome.UNKNOWN)
    usage = guard.usage(NAME)
    assert (rules, 1, True) == (usage.rules, usage.lingering, b"download" in guard._policy.accounts[NAME].resting)
