"""Five hundred cancellations over real sockets: nothing leaks, and what comes after works."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async import Rental
from smsc_async.errors import SessionClosed
from tests.e2e.loads import at_rest, gateway, mixed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smsc_async import Session
    from smsc_async.testing import SimulatedGateway

CANCELS = 500
LATENESS = 0.1  # seconds, as SimulatedGateway sets it
GENEROUS = 0.4  # seconds: for a gateway that may itself be held up for a while, on a machine with other work to do


def descriptors() -> int:
    """Count the open file descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def cancel_at_random(smsc: Session, cancel: Callable[[Any, float], Awaitable[bool]], random: Random) -> int:
    """Make calls of every service fourteen at a time, and cancel each at a random moment; count the cancelled."""
    jobs = mixed(smsc, 3 * CANCELS)
    cancelled = 0

    async def one(job: Any) -> None:
        nonlocal cancelled
        # Most moments fall within an exchange, which takes some 30 ms; others into the wait before it, or after it.
        if await cancel(job, random.random() * 0.04):
            cancelled += 1

    while cancelled < CANCELS:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(one, jobs.pop())
    return cancelled


async def by_scope(job: Any, seconds: float) -> bool:
    """Cancel as anyio and trio do."""
    with anyio.move_on_after(seconds) as scope:
        await job()
    return scope.cancelled_caught


async def by_task(job: Any, seconds: float) -> bool:
    """Cancel as asyncio does."""
    task = asyncio.ensure_future(job())
    asyncio.get_running_loop().call_later(seconds, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


async def the_next_fourteen_work(smsc: Session, place: SimulatedGateway, lateness: float = LATENESS) -> None:
    """Wait until `lateness` has passed; then fourteen calls at once are answered, and nothing is in flight."""
    await anyio.sleep(lateness + 0.05)
    usage = smsc.limits()
    assert (0, 0, 0) == (usage.in_flight, usage.lingering, usage.waiting)
    before = len(place.simulator.log)
    place.simulator.faults.clear()
    with anyio.fail_after(5.0):
        async with anyio.create_task_group() as tasks:
            for number in range(14):
                tasks.start_soon(smsc.calls.request, f"38099{number:07d}")
    assert before + 14 == len(place.simulator.log)
    at_rest(smsc)


def no_phone_was_paid_twice(place: SimulatedGateway) -> None:
    """Assert that each rent was carried out once at the most."""
    paid = place.simulator.verdict().paid
    assert {1} >= {times for (_, action, _), times in paid.items() if action == "buy"}


@pytest.mark.anyio
async def test_after_500_cancelled_calls_the_next_14_work(anyio_backend: str) -> None:
    """H1 and H2: calls cancelled at random moments leave no slot taken, no connection stuck, no descriptor open."""
    with gateway(latency=0.02) as place:
        smsc = place.session(guard=place.guard(lateness=GENEROUS))
        await smsc.account.balance()
        before = descriptors()
        assert await cancel_at_random(smsc, by_scope, Random(5)) >= CANCELS
        await the_next_fourteen_work(smsc, place, GENEROUS)
        await smsc.aclose()
        # 14 idle connections have two ends in this process; all are closed now, or about to be at the other end.
        await settled(before)
        verdict = place.simulator.verdict()
        assert ([], {}) == (verdict.problems(any_instant=True), dict(verdict.refusals))
        no_phone_was_paid_twice(place)


@pytest.mark.asyncio
async def test_after_500_natively_cancelled_calls_the_next_14_work() -> None:
    """H1 and H2: ``task.cancel()``, which poisons httpx's own pool, does as little harm; no task is left over."""
    with gateway(latency=0.02) as place:
        smsc = place.session(guard=place.guard(lateness=GENEROUS))
        await smsc.account.balance()
        before, tasks = descriptors(), len(asyncio.all_tasks())
        assert await cancel_at_random(smsc, by_task, Random(6)) >= CANCELS
        await the_next_fourteen_work(smsc, place, GENEROUS)
        assert tasks == len(asyncio.all_tasks())
        await smsc.aclose()
        await settled(before)
        verdict = place.simulator.verdict()
        assert ([], {}) == (verdict.problems(any_instant=True), dict(verdict.refusals))
        no_phone_was_paid_twice(place)


async def settled(descriptors_before: int) -> None:
    """Wait until both ends of all connections are closed; collecting them must not warn."""
    gc.collect()
    with anyio.fail_after(5.0):
        while descriptors() > descriptors_before:  # noqa: ASYNC110 - the other ends are closed in the gateway's thread
            await anyio.sleep(0.01)


@pytest.mark.anyio
async def test_memory_does_not_grow_with_cancelled_calls(anyio_backend: str) -> None:
    """
    H2: sixty cancelled calls more leave no sixty objects more: not one object of ours stays alive for each of them.

    A few do: a line sweeps out those who left it when they are more than eight.
    """
    with gateway(latency=0.002) as place:
        smsc = place.session()
        counts = []
        for round_ in range(3):
            for number in range(60):
                with anyio.move_on_after(0.002):
                    await smsc.calls.request(f"38067{round_}{number:06d}")
            await anyio.sleep(LATENESS + 0.3)  # a minute here is 0.2 s: the tokens are home
            await smsc.calls.request("380671234567")
            smsc.limits()
            gc.collect()
            modules = [str(type(thing).__module__) for thing in gc.get_objects()]  # for some it is no text
            counts.append(sum(name.startswith("smsc_async.") and "simulator" not in name for name in modules))
        assert counts[2] < counts[1] + 50
        await smsc.aclose()


@pytest.mark.anyio
async def test_closing_while_calls_wait_and_fly_loses_none(anyio_backend: str) -> None:
    """On closing, calls that wait get `SessionClosed` unsent, calls in flight are answered; then nothing is left."""
    with gateway(latency=0.01) as place:
        smsc = place.session()
        await smsc.account.balance()
        found: dict[str, list[str]] = {"answered": [], "unsent": []}

        async def one(number: int) -> None:
            phone = f"38067{number:07d}"
            try:
                await smsc.calls.request(phone)
            except SessionClosed:
                found["unsent"].append(phone)
            else:
                found["answered"].append(phone)

        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(one, number)
            while smsc.limits().in_flight < 14:  # noqa: ASYNC110 - nobody tells
                await anyio.sleep(0.001)
            await smsc.aclose()
        with pytest.raises(SessionClosed):
            await smsc.account.balance()
        assert 100 == len(found["answered"]) + len(found["unsent"])
        assert len(found["answered"]) >= 14
        arrived = {arrival.phone for arrival in place.simulator.log if arrival.action == "wait_call"}
        assert set(found["answered"]) == arrived


@pytest.mark.anyio
async def test_a_rent_cancelled_a_hundred_times_is_paid_once_at_the_most(anyio_backend: str) -> None:
    """P8: however often a rent is started and cancelled, each phone is paid at most once, and never without a word."""
    told = []
    with gateway(latency=0.004) as place:
        async with place.session(observer=told.append) as smsc:
            await smsc.account.balance()
            random = Random(7)
            rented = set()
            for number in range(100):
                phone = f"38095{number:07d}"
                with anyio.move_on_after(random.random() * 0.02):
                    assert isinstance(await smsc.numbers.rent(phone), Rental)
                    rented.add(phone)
            await anyio.sleep(LATENESS)
        no_phone_was_paid_twice(place)
        paid = {phone for (_, action, phone) in place.simulator.verdict().paid if action == "buy"}
        lost = [event for event in told if type(event).__name__ == "OutcomeLost"]
        assert rented <= paid
        assert len(paid - rented) <= len(lost)
