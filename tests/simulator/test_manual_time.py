"""Time that moves when told to."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest

from smsc_async.simulator import ManualTime


@pytest.mark.anyio
async def test_sleepers_wake_when_they_are_due() -> None:
    """In order of their deadlines, on asyncio and on trio, and not before."""
    time = ManualTime(100.0)
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await time.sleep(seconds)
        woken.append(seconds)

    async with anyio.create_task_group() as tasks:
        for seconds in (3.0, 1.0, 2.0):
            tasks.start_soon(sleeper, seconds)
        await anyio.wait_all_tasks_blocked()
        assert 3 == time.sleeping
        time.advance(2.5)
        await anyio.wait_all_tasks_blocked()
        assert {1.0, 2.0} == set(woken)
        time.advance_to(103.0)
    assert 3.0 == woken[-1]
    assert 103.0 == time.now()


@pytest.mark.anyio
async def test_another_thread_may_move_time() -> None:
    """A sleeper is woken in its own loop."""
    time = ManualTime()

    def move() -> None:
        while not time.sleeping:
            threading.Event().wait(0.001)
        time.advance(60)

    thread = threading.Thread(target=move)
    thread.start()
    await time.sleep(60)
    thread.join()
    assert 1060.0 == time.now()


@pytest.mark.anyio
async def test_no_time_at_all_passes_at_once() -> None:
    """A sleep of zero is a checkpoint."""
    time = ManualTime()
    await time.sleep(0)
    assert 0 == time.sleeping


@pytest.mark.anyio
async def test_a_cancelled_sleeper_is_forgotten() -> None:
    """Nothing is left behind."""
    time = ManualTime()
    with anyio.move_on_after(0.001):
        await time.sleep(60)
    assert 0 == time.sleeping
    assert "<ManualTime 1000.000 s, 0 sleeping>" == repr(time)


def test_time_never_moves_back() -> None:
    """An earlier moment changes nothing."""
    time = ManualTime(50.0)
    time.advance_to(10.0)
    assert 50.0 == time.now()


def test_a_dead_loops_sleepers_do_no_harm() -> None:
    """Time moves on although who slept is gone."""
    time = ManualTime()

    async def start() -> None:
        asyncio.get_running_loop().create_task(time.sleep(5))
        await asyncio.sleep(0)

    asyncio.run(start())
    time.advance(10)
    assert 1010.0 == time.now()
