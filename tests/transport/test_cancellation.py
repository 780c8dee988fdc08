"""Cancellation at every await: the request's fate is known, nothing stays open, the next exchanges work."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async._transport import CutShort, Failure, Reply, Write
from tests.transport.servers import (
    CREDENTIALS,
    FORM,
    OK,
    Authority,
    HandClock,
    Peer,
    Server,
    Transport,
    polite,
    post,
    reveals_nothing,
    serving,
    sockets,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

MANY = 400  # steps; an exchange takes some 10 to 60


class SteppingLoop(asyncio.SelectorEventLoop):
    """Cancels a task just before the k-th callback that runs after it was named."""

    def __init__(self) -> None:
        super().__init__()
        self.victim: asyncio.Task[Any] | None = None
        self.left = 0

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        def step(*arguments: Any) -> None:
            if self.victim is not None and not self.victim.done():
                self.left -= 1
                if self.left == 0:
                    self.victim.cancel()
            callback(*arguments)

        return super().call_soon(step, *args, context=context)


async def native(call: Callable[[], Awaitable[object]], steps: int) -> bool:
    """Cancel as asyncio does, before the loop's callback number *steps*; say whether it came to that."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    task = asyncio.ensure_future(call())
    loop.victim, loop.left = task, steps
    try:
        await task
    except asyncio.CancelledError as error:
        reveals_nothing(error)
        return True
    finally:
        loop.victim = None
    return loop.left <= 0  # the cancellation met something that may not be interrupted


async def scoped(call: Callable[[], Awaitable[object]], steps: int) -> bool:
    """Cancel as anyio does, level-triggered, after *steps* rounds of the loop."""
    done = False

    async def run() -> None:
        nonlocal done
        try:
            await call()
        except BaseException as error:
            reveals_nothing(error)
            raise
        done = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        if done:
            return False
        tasks.cancel_scope.cancel()
    return True


async def forgetful(peer: Peer) -> None:
    """Close each connection silently after its reply."""
    await peer.request()
    await peer.send(OK)


@asynccontextmanager
async def both_ends(kind: str) -> AsyncIterator[tuple[Server, Transport]]:
    script = forgetful if kind.startswith("stale") else polite
    if not kind.endswith("tls"):
        async with serving(script) as server:
            yield server, Transport(credentials=CREDENTIALS)
        return
    authority = Authority()
    async with serving(script, tls=authority.server()) as server:
        yield server, Transport(credentials=CREDENTIALS, ssl_context=authority.client())


async def exchange(transport: Transport, url: str, write: Write) -> None:
    assert isinstance(await post(transport, url, write=write), Reply)


async def download(transport: Transport, url: str, write: Write) -> None:
    clock = HandClock()
    async with transport.stream(url, FORM, write=write, clock=clock, deadline=clock.now() + 30, timeout=30) as reply:
        assert not isinstance(reply, Failure)
        try:
            assert b"ok" == b"".join([chunk async for chunk in reply])
        except CutShort as error:
            pytest.fail(str(error))


async def sweep(kind: str, call: Any, cancel: Any) -> None:
    """Cancel *call* at every step on a cold (or warm, or stale) connection, and look at the harm done."""
    gc.collect()
    before = sockets()
    async with both_ends(kind) as (server, transport):
        url = f"{server.address}/sys/x.php"
        fates = []
        for steps in range(1, MANY):
            if kind.startswith("cold"):
                await transport.aclose()
            else:
                await rounds(5)  # until a server that closes has closed
                assert isinstance(await post(transport, url), Reply)
                await rounds(5)
            write = Write()
            seen = server.bytes_read
            if not await cancel(lambda write=write: call(transport, url, write), steps):
                break
            fates.append(write.provably_unsent)
            await rounds(10)
            assert not (write.provably_unsent and server.bytes_read > seen)
            assert isinstance(await post(transport, url), Reply)
        else:
            pytest.fail("the exchange never ended")
        if cancel is native:  # rounds may pass faster than a connection comes about, callbacks do not
            assert fates == sorted(fates, reverse=True)  # proof until the first byte may leave, and none ever after
        # Nothing waits between a kept-alive connection and the first byte.
        assert {True, False} == {*fates, kind.startswith("warm")}
        replies = []

        async def one() -> None:
            replies.append(await post(transport, url))

        async with anyio.create_task_group() as tasks:
            for _ in range(14):
                tasks.start_soon(one)
        assert [Reply(200, "text/plain", b"ok")] * 14 == replies
        await transport.aclose()
        with anyio.fail_after(5):
            while server.open:
                await anyio.lowlevel.checkpoint()
    gc.collect()  # a connection that nobody closed would warn here
    assert before == sockets()


async def rounds(count: int) -> None:
    for _ in range(count):
        await anyio.lowlevel.checkpoint()


sweeps = pytest.mark.parametrize(
    ("call", "kind"),
    [
        *((exchange, kind) for kind in ("cold", "warm", "stale", "cold tls", "warm tls", "stale tls")),
        *((download, kind) for kind in ("warm", "cold tls")),
    ],
)


@sweeps
def test_native_cancellation_at_every_step_does_no_harm(connections: str, kind: str, call: Any) -> None:
    """``task.cancel()`` before each of the loop's callbacks in turn leaks no socket and spoils no later exchange."""
    with asyncio.Runner(loop_factory=SteppingLoop) as runner:
        runner.run(sweep(kind, call, native))


@pytest.mark.anyio
@sweeps
async def test_scope_cancellation_at_every_step_does_no_harm(anyio_backend: str, kind: str, call: Any) -> None:
    """A level-triggered cancellation after each round of the loop in turn does as little."""
    await sweep(kind, call, scoped)


@pytest.mark.asyncio
async def test_a_second_cancellation_while_the_first_cleans_up_reveals_nothing(connections: str) -> None:
    """Whoever cancels twice gets neither the body nor an open socket."""
    gc.collect()
    before = sockets()
    async with serving(polite) as server:
        for first in range(1, 20):
            for second in range(4):
                transport = Transport(credentials=CREDENTIALS)
                task = asyncio.ensure_future(post(transport, server.address))
                await rounds(first)
                task.cancel()
                await rounds(second)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError as error:
                    reveals_nothing(error)
                    reveals_nothing(error.__context__)
                await transport.aclose()
    gc.collect()
    assert before == sockets()


@pytest.mark.asyncio
async def test_a_cancellation_keeps_its_message_and_the_callers_context(connections: str) -> None:
    """What passes is the same cancellation: its message is there, and so is what the caller was handling."""

    async def call(address: str) -> None:
        try:
            int("nothing")
        except ValueError:
            await post(Transport(credentials=CREDENTIALS), address)

    async with serving(Peer.gone) as server:
        task = asyncio.ensure_future(call(server.address))
        with anyio.fail_after(5):
            while not server.bytes_read and not server.open:
                await anyio.lowlevel.checkpoint()
        await rounds(10)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough") as caught:
            await task
    links = []
    link: BaseException | None = caught.value
    while link is not None:
        links.append(type(link))
        link = link.__context__
    assert ValueError in links


@pytest.mark.asyncio
async def test_a_coroutine_that_is_dropped_in_mid_exchange_says_nothing(connections: str) -> None:
    """Closing the coroutine itself, without a loop to clean up in, reveals nothing and raises nothing of ours."""
    async with serving(Peer.gone) as server:
        transport = Transport(credentials=CREDENTIALS)
        coroutine = transport.exchange(
            server.address, FORM, write=Write(), clock=HandClock(), deadline=2000, timeout=30
        )
        coroutine.send(None)
        coroutine.close()
        await transport.aclose()
