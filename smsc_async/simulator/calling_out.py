"""One POST to a client's handler, over a socket or in process; no redirect is followed."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

import anyio
import attrs
import httpx

#: Bytes of an answer that are read; the gateway looks at its status only.
READ: Final = 64 * 1024

#: Bytes of an answer that are kept.
KEPT: Final = 1_000


@attrs.frozen(kw_only=True)
class Reply:
    """What a handler answered, or why it did not."""

    status: int | None = None
    error: str | None = None
    body: bytes = b""


class Line:
    """A way out for any number of calls; to be used with ``async with``, in one event loop."""

    def __init__(self) -> None:
        # A connection for each call: none goes stale, and none is left. Certificates are not looked at, as a test's
        # handler signs its own, and whether the gateway looks at them is not said.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._sockets = httpx.AsyncHTTPTransport(verify=False, trust_env=False, limits=limits)

    async def __aenter__(self) -> Self:
        """Be ready."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection."""
        with anyio.CancelScope(shield=True):
            await self._sockets.aclose()

    async def post(self, url: str, content_type: str, body: bytes, *, app: Any, patience: float) -> Reply:
        """Post *body* to *url*, or to *app* where there is one, and wait *patience* seconds for the answer."""
        headers = {"content-type": content_type, "accept": "*/*", "connection": "close"}
        transport = self._sockets if app is None else httpx.ASGITransport(app, raise_app_exceptions=False)
        try:
            with anyio.fail_after(patience):
                response = await transport.handle_async_request(
                    httpx.Request("POST", url, headers=headers, content=body)
                )
                try:
                    return Reply(status=response.status_code, body=await _beginning(response))
                finally:
                    with anyio.CancelScope(shield=True):
                        await response.aclose()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the attempt has failed
            return Reply(error=f"{type(error).__name__}: {error}".removesuffix(": "))


async def _beginning(response: httpx.Response) -> bytes:
    kept = b""
    read = 0
    async for chunk in response.aiter_raw():
        kept += chunk[: KEPT - len(kept)]
        read += len(chunk)
        if read > READ:
            break
    return kept
