"""Our session as anybody has it, with its own strict guard: tokens of one minute and more, each key used once."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from benchmarks.clients.asking import KEY, WrongReply
from smsc_async import DownloadTask, Listing, Session

__all__ = ["Client"]


class Client:
    """Lists tasks with `Session.downloads.list`, and gets values."""

    def __init__(self, url: str) -> None:
        self._session = Session(apikey=KEY, base_url=url)

    def request(self, number: int) -> Coroutine[Any, Any, Listing[DownloadTask]]:
        """Give one call alone, to be awaited."""
        return self._session.downloads.list(limit=10, after_id=number)

    async def call(self, number: int) -> None:
        """Make one call. Numbers differ, so no two calls are identical and none waits for a token; each rests one."""
        tasks = await self.request(number)
        if len(tasks) != 10 or tasks[0].id != number or tasks[9].file is None:
            raise WrongReply(number, tasks)

    async def save(self, size: int, path: Path) -> None:
        """Save the file that the server names by its size."""
        await self._session.downloads.save(size, path)

    async def aclose(self) -> None:
        """Close it."""
        await self._session.aclose()
