"""Cancellation at every await: the request's fate is known, nothing stays open, the next exchanges work."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
import trustme
from tests.transport.servers import CREDENTIALS, Server, polite, post, reveals, serving, sockets

from smsc_async._transport import Reply, Transport, Write

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

MANY = 400  # steps; an exchange takes some 20 to 60


@asynccontextmanager
async def both_ends(kind: str) -> AsyncIterator[tuple[Server, Transport]]:
    if kind == "plain":
        async with serving(polite) as server:
            yield server, Transport(credentials=CREDENTIALS)
        return
    import ssl

    authority = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server_context)
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client_context)
    async with serving(polite, tls=server_context) as server:
        yield server, Transport(credentials=CREDENTIALS, ssl_context=client_context)


async def native(call: Callable[[], Awaitable[Reply]], steps: int) -> bool:
    """Cancel as asyncio does, after *steps* rounds of the loop; say whether there was anything left to cancel."""
    task = asyncio.ensure_future(call())
    for _ in range(steps):
        await asyncio.sleep(0)
    if task.done():
        assert isinstance(await task, Reply)
        return False
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        assert not reveals(error)
    return True


async def scoped(call: Callable[[], Awaitable[Reply]], steps: int) -> bool:
    """Cancel as anyio does, level-triggered, after *steps* rounds of the loop."""
    reply = None

    async def run() -> None:
        nonlocal reply
        try:
            reply = await call()
        except BaseException as error:
            assert not reveals(error)
            raise

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        if reply is not None:
            assert isinstance(reply, Reply)
            return False
        tasks.cancel_scope.cancel()
    return True


async def sweep(kind: str, *, warm: bool, cancel: Callable[[Callable[[], Awaitable[Reply]], int], Awaitable[bool]]) -> None:
    gc.collect()
    before = sockets()
    async with both_ends(kind) as (server, transport):
        url = f"{server.address}/sys/x.php"
        fates = []
        for steps in range(MANY):
            if warm:
                assert isinstance(await post(transport, url), Reply)
            else:
                await transport.aclose()
            write = Write()
            seen = len(server.requests)
            cancelled = await cancel(lambda write=write: post(transport, url, write=write), steps)
            if not cancelled:
                break
            fates.append(write.provably_unsent)
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            assert not (write.provably_unsent and len(server.requests) > seen)
            assert isinstance(await post(transport, url), Reply)
        else:
            pytest.fail("the exchange never ended")
        print(kind, warm, cancel.__name__, steps, "".join("-" if fate else "?" for fate in fates))
        assert fates == sorted(fates, reverse=True)  # unsent, unsent, ... unknown, unknown
        replies = []

        async def one() -> None:
            replies.append(await post(transport, url))

        async with anyio.create_task_group() as tasks:
            for _ in range(14):
                tasks.start_soon(one)
        assert [200] * 14 == [reply.status for reply in replies]
        await transport.aclose()
        with anyio.fail_after(5):
            while server.open:
                await anyio.lowlevel.checkpoint()
    gc.collect()  # a connection that nobody closed would warn here
    assert before == sockets()


@pytest.mark.asyncio
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("kind", ["plain", "tls"])
async def test_native_cancellation_at_every_step_leaves_nothing_behind(kind: str, warm: bool) -> None:
    """``task.cancel()`` after k rounds of the loop, for every k, leaks no socket and spoils no later exchange."""
    await sweep(kind, warm=warm, cancel=native)


@pytest.mark.anyio
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("kind", ["plain", "tls"])
async def test_scope_cancellation_at_every_step_leaves_nothing_behind(anyio_backend: str, kind: str, warm: bool) -> None:
    """A level-triggered cancellation after k rounds of the loop, for every k, does as little harm."""
    await sweep(kind, warm=warm, cancel=scoped)
