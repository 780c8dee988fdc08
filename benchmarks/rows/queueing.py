"""The work of a contender whose calls wait: how long its loop is blocked, and what one waiting call keeps in memory."""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
import tracemalloc
from collections.abc import Coroutine
from typing import Any

from benchmarks.clients.asking import form

__all__ = ["Job"]

_SETTLED = 0.1  # seconds without any CPU to speak of: whoever waits has begun to


class Job:
    """
    Lets calls wait.

    Args:
        client: The module of the client; none for calls that do nothing but wait.
        url: Where the server is.
    """

    def __init__(self, client: str | None, url: str) -> None:
        self._client: Any = None if client is None else importlib.import_module(client).Client(url)

    async def blocked(self, calls: int) -> dict[str, float]:
        """
        Start *calls* calls at once, the client's first.

        Give the seconds to the first reply, and the longest time that the loop was stuck meanwhile.
        """
        first: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        longest, began = 0.0, time.perf_counter()

        async def call(number: int) -> None:
            await self._client.call(number)
            if not first.done():
                first.set_result(time.perf_counter() - began)

        async def beat() -> None:
            nonlocal longest
            last = time.perf_counter()
            while True:
                await asyncio.sleep(0.001)
                longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

        heart = asyncio.create_task(beat())
        await asyncio.sleep(0)
        tasks = [asyncio.create_task(call(10_000_001 + number)) for number in range(calls)]
        seconds = await first
        await asyncio.sleep(0.01)  # the heart has its turn
        heart.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return {"first": seconds, "blocked": longest}

    async def bytes_waiting(self, calls: int) -> float:
        """Give the bytes that each of *calls* calls keeps while it waits, its task and all."""
        if self._client is not None:
            await self._client.call(10_000_000)
        warm = [asyncio.create_task(self._request(20_000_000 + number)) for number in range(14)]
        await _settle()
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        tasks = [asyncio.create_task(self._request(30_000_000 + number)) for number in range(calls)]
        await _settle()
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        if any(task.done() for task in (*warm, *tasks)):
            raise RuntimeError("a call did not wait")
        for task in (*warm, *tasks):
            task.cancel()
        await asyncio.gather(*warm, *tasks, return_exceptions=True)
        return kept / calls

    async def bytes_of_requests(self, calls: int) -> float:
        """Give the bytes of one request alone: its number, its parameters, and its body."""
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept = []
        for number in range(30_000_000, 30_000_000 + calls):
            params = {"cnt": "10", "after_id": str(number)}
            kept.append((number, params, "&".join(f"{name}={value}" for name, value in form(number).items()).encode()))
        size = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return size / len(kept)

    def _request(self, number: int) -> Coroutine[Any, Any, object]:
        return _nothing() if self._client is None else self._client.request(number)


async def _nothing() -> None:
    await asyncio.get_running_loop().create_future()


async def _settle() -> None:
    while True:
        cpu = time.process_time()
        await asyncio.sleep(_SETTLED)
        if time.process_time() - cpu < _SETTLED / 10:
            return
