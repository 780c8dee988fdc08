"""The work of a contender that makes calls: a number of them, so many in flight, and what that took."""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
from itertools import count, islice
from typing import Any

__all__ = ["Job"]


class Job:
    """
    Makes calls with one client.

    Args:
        client: The module of the client.
        url: Where the server is.
    """

    def __init__(self, client: str, url: str) -> None:
        self._client: Any = importlib.import_module(client).Client(url)
        self._numbers = count(10_000_000)
        self._queue: list[asyncio.Task[None]] = []
        self._answered = self._enough = 0
        self._there = asyncio.Event()

    async def drive(self, calls: int, width: int) -> dict[str, float]:
        """Make *calls* calls, *width* at a time; give the CPU and the time of one, in seconds."""
        numbers = islice(self._numbers, calls)
        call = self._client.call

        async def work() -> None:
            for number in numbers:
                await call(number)

        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        if width == 1:
            await work()
        else:
            await asyncio.gather(*(work() for _ in range(width)))
        return {"cpu": (time.process_time() - cpu) / calls, "wall": (time.perf_counter() - wall) / calls}

    async def deepen(self, calls: int) -> None:
        """Start *calls* calls at once, and let them wait."""
        numbers = islice(self._numbers, calls)

        async def call(number: int) -> None:
            await self._client.call(number)
            self._answered += 1
            if self._answered == self._enough:
                self._there.set()

        self._queue = [asyncio.create_task(call(number)) for number in numbers]
        await asyncio.sleep(0)

    async def go_on(self, calls: int) -> dict[str, float]:
        """Await the next *calls* replies while the others wait; give the CPU and the time of one, in seconds."""
        self._enough = self._answered + calls
        self._there.clear()
        cpu, wall = time.process_time(), time.perf_counter()
        await self._there.wait()
        taken = {"cpu": (time.process_time() - cpu) / calls, "wall": (time.perf_counter() - wall) / calls}
        if self._answered + calls > len(self._queue):
            raise RuntimeError("the queue was not deep enough")
        for task in self._queue[: self._answered // 2]:  # the first half is served by now: an error must show
            task.result()
        return taken

    async def flood(self, calls: int) -> dict[str, float]:
        """Start *calls* calls at once and await them all; give the CPU and the time of one, in seconds."""
        call = self._client.call
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*map(call, islice(self._numbers, calls)))
        return {"cpu": (time.process_time() - cpu) / calls, "wall": (time.perf_counter() - wall) / calls}

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()
