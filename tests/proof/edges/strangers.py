"""A transport and a guard that are not ours, and wait wherever they may."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

from tests.proof.edges.gateway import rounds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from smsc_async import LocalGuard

__all__ = ["ForeignTransport", "RemoteGuard"]

_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # of its own, httpx would load all authorities each time


class ForeignTransport(httpx.AsyncBaseTransport):
    """Somebody's wrapper of the usual transport, which waits wherever it may."""

    def __init__(self, ssl_context: ssl.SSLContext = _NO_TLS) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=ssl_context)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        response = await self._inner.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, stream=_ForeignStream(response.stream))

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        await self._inner.aclose()


class _ForeignStream(httpx.AsyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                yield chunk
        finally:
            await anyio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        await self._inner.aclose()


class RemoteGuard:
    """The guard of the stage, as it would be in another process: whoever gives a lease back waits for it."""

    def __init__(self, guard: LocalGuard) -> None:
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._guard, name)

    def finish(self, lease: Any, outcome: Any) -> Awaitable[None]:
        """Give it back, and answer a little later."""
        self._guard.finish(lease, outcome)
        return rounds(2)
