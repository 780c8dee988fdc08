"""Bare aiohttp: one session with room for 14 connections; asyncio only."""

from __future__ import annotations

import aiohttp

from benchmarks.clients.asking import check, form, url_of

__all__ = ["Client"]


class Client:
    """Posts with `aiohttp.ClientSession`, and reads nothing out of the reply."""

    def __init__(self, url: str) -> None:
        self._url = url_of(url)
        self._session: aiohttp.ClientSession | None = None

    async def call(self, number: int) -> None:
        """Make one call."""
        if self._session is None:  # it must be made inside of the loop
            timeout = aiohttp.ClientTimeout(total=3600.0)
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=14), timeout=timeout)
        async with self._session.post(self._url, data=form(number)) as response:
            check(response.status, await response.read(), number)

    async def aclose(self) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()
