"""The work of a contender that limits: a gateway that counts, callers that press, and what keys and waiting cost."""

from __future__ import annotations

import asyncio
import gc
import importlib
import random
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["Job", "worst_minute"]

MINUTE = 60.0


def worst_minute(moments: list[float]) -> int:
    """Give the greatest number of *moments* that lie within one minute of one another."""
    moments = sorted(moments)
    worst = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= MINUTE:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


class _Gateway:
    """
    A gateway some way off, which counts a request when it arrives.

    A request arrives after 20 ms and an exponential delay of 150 ms on average; after 350 ms more where it needs a new
    connection (one lives 5 s without use); and 3 of 100 are 1 to 6 s late. The reply takes 20 ms.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._idle: list[float] = []  # when each unused connection was used last
        self.counted: list[float] = []

    async def request(self) -> None:
        """Carry one request there and its reply back."""
        chance, now = self._chance, time.monotonic()
        delay = 0.02 + chance.expovariate(1 / 0.15)
        if not self._idle or now - self._idle.pop() > 5:
            self._idle.clear()
            delay += 0.35
        if chance.random() < 0.03:
            delay += chance.uniform(1, 6)
        await asyncio.sleep(delay)
        self.counted.append(time.monotonic())
        await asyncio.sleep(0.02)
        self._idle.append(time.monotonic())


class Job:
    """
    Runs one limiter; all but `spend` and `keys` want virtual time.

    Args:
        limiter: The module of the limiter.
        variant: Which of its ways.
    """

    def __init__(self, limiter: str, variant: str) -> None:
        self._variant = variant
        self._make: Callable[..., Any] = importlib.import_module(limiter).Limiter
        self._key = 0

    async def worst_minutes(self, n: int, seconds: float, seed: int) -> dict[str, int]:
        """Press for *seconds*, now with one call, now with many; give the most that any minute saw, here and there."""
        limiter, gateway, chance = self._make(n, self._variant), _Gateway(seed), random.Random(-seed)
        thing = limiter.thing(1)
        let_through: list[float] = []

        async def call() -> None:
            lease = await limiter.acquire(thing)
            let_through.append(time.monotonic())
            await gateway.request()
            limiter.finish(lease)

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            kind = chance.random()
            if kind < 0.4:
                await asyncio.gather(*(call() for _ in range(2 * n)))
            elif kind < 0.7:
                calls = [asyncio.create_task(call())]
                await asyncio.sleep(chance.uniform(20, 59.5))
                calls += [asyncio.create_task(call()) for _ in range(2 * n)]
                await asyncio.gather(*calls)
            await asyncio.sleep(chance.choice((0.0, chance.uniform(0, 150))))
        return {"here": worst_minute(let_through), "there": worst_minute(gateway.counted)}

    async def admitted(self, n: int, latency: float, minutes: int) -> float:
        """Press without a pause once the bucket was emptied; give the calls a minute as a share of *n*."""
        limiter = self._make(n, self._variant)
        thing = limiter.thing(1)
        let_through: list[float] = []
        enough = n * (minutes + 1) + 1

        async def calls() -> None:
            while len(let_through) < enough:
                lease = await limiter.acquire(thing)
                let_through.append(time.monotonic())
                await asyncio.sleep(latency)
                limiter.finish(lease)

        callers = [asyncio.create_task(calls()) for _ in range(n + 20)]
        await asyncio.wait(callers, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(callers)
        # From the last call of the first burst to the last of a burst much later, so that bursts count as they should.
        seconds = let_through[enough - 2] - let_through[n - 1]
        return minutes * MINUTE / seconds if seconds > 0 else 0.0

    async def hand_off(self, n: int, waiters: int, handed: int, budget: float) -> float:
        """
        Let *waiters* callers wait for one key all the time; give the µs of CPU that each call let through costs.

        It ends when so many were *handed* over, or *budget* seconds of CPU are gone.
        """
        limiter = self._make(n, self._variant)
        thing = limiter.thing(1)
        let_through = 0

        async def calls() -> None:
            nonlocal let_through
            while True:
                lease = await limiter.acquire(thing)
                let_through += 1
                limiter.finish(lease)

        callers = [asyncio.create_task(calls()) for _ in range(waiters)]
        while let_through < n:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        before, cpu = let_through, time.process_time()
        while let_through - before < handed and time.process_time() - cpu < budget:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(5)
        cost = (time.process_time() - cpu) / max(let_through - before, 1)
        await _cancel(callers)
        return cost * 1e6

    async def spend(self, keys: int, times: int, n: int) -> float:
        """Acquire each of so many new keys so many times, without ever waiting; give the µs of one."""
        limiter = self._make(n, self._variant)
        await limiter.spend([limiter.thing(0)], 1)
        things = [limiter.thing(self._key + number) for number in range(1, keys + 1)]
        self._key += keys
        gc.collect()
        cpu = time.process_time()
        await limiter.spend(things, times)
        return (time.process_time() - cpu) / (keys * times) * 1e6

    async def slots(self, waiters: int, handed: int) -> float:
        """
        Let *waiters* callers, each with a key of its own, wait for slots all the time; give the µs of CPU of a call.

        Only our guard has slots.
        """
        limiter = self._make(3, self._variant)
        await limiter.spend([limiter.thing(0)], 1)
        left, key = waiters + handed, 1

        async def calls() -> None:
            nonlocal left, key
            while left > 0:
                left, key = left - 1, key + 1
                lease = await limiter.acquire(limiter.thing(key))
                await asyncio.sleep(0)
                limiter.finish(lease)

        callers = [asyncio.create_task(calls()) for _ in range(waiters)]
        await asyncio.sleep(0)
        gc.collect()
        before, cpu = left, time.process_time()
        await asyncio.wait(callers, return_when=asyncio.FIRST_COMPLETED)
        cost = (time.process_time() - cpu) / max(before - left, 1)
        await _cancel(callers)
        return cost * 1e6

    async def acquire_alone(self, keys: int) -> float:
        """Time the half of `spend` that other limiters have too; give the µs of one. Only our guard has another."""
        limiter = self._make(3, self._variant)
        await limiter.spend([limiter.thing(0)], 1)
        things = [limiter.thing(1 + number % keys) for number in range(3 * keys)]
        gc.collect()
        return float(await limiter.acquire_alone(things)) / len(things) * 1e6

    async def keys(self, keys: int) -> dict[str, float]:
        """Use so many keys once, and wait for their tokens; give the bytes of a key in between and after."""
        limiter = self._make(3, self._variant)
        await limiter.spend([limiter.thing(0)], 1)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        await limiter.spend(map(limiter.thing, range(1_000, 1_000 + keys)), 1)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
        # A limiter may tidy up while it works: it gets three calls for each key that there was, and they never wait.
        for _ in range(keys):
            await asyncio.sleep(2 * MINUTE)
            await limiter.spend([limiter.thing(1)], 3)
        gc.collect()
        left = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return {"held": held / keys, "left": left / keys, "threads": threading.active_count() - 1}

    async def tidying(self, keys: int, calls: int) -> float:
        """
        Use so many keys, let all their tokens come home, and make calls of other keys; give the µs of the longest.

        What a call leads other tasks to do counts too.
        """
        limiter = self._make(3, self._variant)
        await limiter.spend(map(limiter.thing, range(1_000, 1_000 + keys)), 1)
        await asyncio.sleep(2 * MINUTE)
        longest = 0.0
        gc.collect()
        gc.disable()
        for key in range(calls):
            things = [limiter.thing(key)]
            cpu = time.process_time()
            await limiter.spend(things, 1)
            await asyncio.sleep(0)
            longest = max(longest, time.process_time() - cpu)
        gc.enable()
        return longest * 1e6


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    gathered: Awaitable[object] = asyncio.gather(*tasks, return_exceptions=True)
    await gathered
