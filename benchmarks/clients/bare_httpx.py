"""Bare httpx: one client with room for 14 connections. What every ratio of calls is formed with."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx

from benchmarks.clients.asking import KEY, check, form, url_of

__all__ = ["Client"]


class Client:
    """Posts with `httpx.AsyncClient`, and reads nothing out of the reply."""

    def __init__(self, url: str) -> None:
        self._url = url_of(url)
        # Without a time-out of an hour the requests that queue in its pool would end after five seconds.
        self._client = httpx.AsyncClient(limits=httpx.Limits(max_connections=14), timeout=3600.0)  # noqa: TID251 - our peer

    def request(self, number: int) -> Coroutine[Any, Any, httpx.Response]:
        """Give one call alone, to be awaited."""
        return self._client.post(self._url, data=form(number))

    async def call(self, number: int) -> None:
        """Make one call."""
        response = await self.request(number)
        check(response.status_code, response.content, number)

    async def save(self, size: int, path: Path) -> None:
        """Save the file that the server names by its size."""
        data = {"apikey": KEY, "id": f"{size}", "get_file": "1"}
        async with self._client.stream("POST", self._url, data=data) as response:
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)

    async def aclose(self) -> None:
        """Close it."""
        await self._client.aclose()
