"""A cancellation that comes once, as asyncio's own does, ends a call that is being repeated."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from smsc_async._retry import Again, Budget, Retry, repeat
from smsc_async._verdict import Pause, Verdict
from smsc_async.clock import SYSTEM_CLOCK
from smsc_async.errors import NoReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def untold(number: int, seconds: float, why: Again) -> None:
    """Hear of a pause, and say nothing."""


async def endless() -> str:
    """Wait for ever."""
    await asyncio.get_running_loop().create_future()
    return ""


async def begun(attempt: Callable[[int], Awaitable[str]], seconds: float) -> asyncio.Task[str]:
    """Give a task that repeats a call, *seconds* after its first attempt."""
    repeating = repeat(
        attempt,
        Again(Verdict(Pause.BACK_OFF), NoReply("downloads.list", "reset")),
        retry=Retry(attempts=5, random=lambda: seconds / 0.5),
        budget=Budget(),
        clock=SYSTEM_CLOCK,
        deadline=float("inf"),
        on_pause=untold,
    )
    task = asyncio.ensure_future(repeating)
    for _ in range(20):
        await asyncio.sleep(0)
    return task


@pytest.mark.asyncio
@pytest.mark.parametrize("seconds", [0.0, 1e6], ids=["in an attempt", "in a pause"])
async def test_one_cancellation_is_enough(seconds: float) -> None:
    """It is not taken for a failure of the attempt, to be repeated like others."""
    made: list[int] = []

    async def attempt(number: int) -> str:
        made.append(number)
        return await endless()

    task = await begun(attempt, seconds)
    attempts = list(made)
    assert task.cancel()
    done, _ = await asyncio.wait([task], timeout=5.0)
    assert ({task}, attempts) == (done, made)
    assert task.cancelled()
