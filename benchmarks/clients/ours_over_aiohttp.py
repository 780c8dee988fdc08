"""Our session on the connections of aiohttp, the extra `smsc-async[aiohttp]`; asyncio only."""

from __future__ import annotations

from benchmarks.clients import ours
from benchmarks.clients.asking import KEY
from smsc_async import Session
from smsc_async.aiohttp import AiohttpTransport

__all__ = ["Client"]


class Client(ours.Client):
    """The same with `AiohttpTransport` for each connection."""

    def __init__(self, url: str) -> None:
        self._session = Session(apikey=KEY, base_url=url, transport=AiohttpTransport)
