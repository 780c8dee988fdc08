"""Bare httpx2, the successor of httpx with the same API: one client with room for 14 connections."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import httpx2

from benchmarks.clients.asking import check, form, url_of

__all__ = ["Client"]


class Client:
    """Posts with `httpx2.AsyncClient`, and reads nothing out of the reply."""

    def __init__(self, url: str) -> None:
        self._url = url_of(url)
        # Without a time-out of an hour the requests that queue in its pool would end after five seconds.
        self._client = httpx2.AsyncClient(limits=httpx2.Limits(max_connections=14), timeout=3600.0)

    def request(self, number: int) -> Coroutine[Any, Any, httpx2.Response]:
        """Give one call alone, to be awaited."""
        return self._client.post(self._url, data=form(number))

    async def call(self, number: int) -> None:
        """Make one call."""
        response = await self.request(number)
        check(response.status_code, response.content, number)

    async def aclose(self) -> None:
        """Close it."""
        await self._client.aclose()
