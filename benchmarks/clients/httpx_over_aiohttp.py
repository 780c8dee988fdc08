"""httpx on the connections of aiohttp: one client with room for 14 connections; asyncio only."""

from __future__ import annotations

import httpx
from httpx_aiohttp import AiohttpTransport

from benchmarks.clients.asking import check, form, url_of

__all__ = ["Client"]


class Client:
    """Posts with `httpx.AsyncClient` over `AiohttpTransport`, and reads nothing out of the reply."""

    def __init__(self, url: str) -> None:
        self._url = url_of(url)
        transport = AiohttpTransport(limits=httpx.Limits(max_connections=14))
        self._client = httpx.AsyncClient(transport=transport, timeout=3600.0)  # noqa: TID251 - our peer

    async def call(self, number: int) -> None:
        """Make one call."""
        response = await self._client.post(self._url, data=form(number))
        check(response.status_code, response.content, number)

    async def aclose(self) -> None:
        """Close it."""
        await self._client.aclose()
