"""The body with the password is gone when an exchange is over, however it went over."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
from types import ModuleType
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from smsc_async._privacy import Secret
from smsc_async._transport import Credentials, CutShort, Failure, Incoming, Reply, Write
from smsc_async._transport.credentials import Body
from smsc_async._transport.outcome import forget_frames
from tests.transport.servers import OK, HandClock, Peer, Transport, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.once

LARGE = b"list=" + b"x" * 20_000_000  # more than all buffers between us and a server that does not read


def holders(needle: bytes) -> list[type]:
    """Find what in this process refers to bytes that hold *needle*."""
    gc.collect()
    return [
        type(holder)
        for holder in gc.get_objects()
        if type(holder) is not ModuleType  # that of asyncio gives away its dead in 3.12, and gc then runs in circles
        for held in gc.get_referents(holder)
        if type(held) in (bytes, bytearray) and held is not needle and needle in held
    ]


class Story:
    """Exchanges with a password of their own, whose results are kept, like a crash reporter would."""

    def __init__(self, **options: Any) -> None:
        word = secrets.token_hex(8)
        self.needle = f"psw={word}".encode()
        self.transport = Transport(credentials=Credentials(login=Secret("alex"), password=Secret(word)), **options)
        self.kept: list[object] = []

    async def call(self, url: str, form: bytes = b"a=1", clock: HandClock | None = None) -> None:
        clock, write = clock or HandClock(), Write()
        try:
            outcome = await self.transport.exchange(
                url, form, write=write, clock=clock, deadline=clock.now() + 30, timeout=30
            )
            self.kept += [write, outcome]
        except BaseException as error:
            self.kept += [write, error]
            raise

    async def check(self) -> None:
        assert [] == holders(self.needle)
        await self.transport.aclose()


async def ok(peer: Peer) -> None:
    while True:
        await say(peer, OK)


async def say(peer: Peer, reply: bytes) -> None:
    await peer.request()
    peer.server.requests.clear()  # the server forgets too
    await peer.send(reply)


async def reset(peer: Peer) -> None:
    peer.reset()


SCRIPTS: dict[str, Callable[[Peer], Awaitable[None]]] = {
    "ok": ok,
    "mute": lambda peer: say(peer, b""),
    "noise": lambda peer: say(peer, b"noise\r\n\r\n"),
    "cut": lambda peer: say(peer, OK[:-1]),
    "compressed": lambda peer: say(peer, OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")),
    "too long": lambda peer: say(peer, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000),
    "redirect": lambda peer: say(peer, b"HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "reset": reset,
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", SCRIPTS)
async def test_nothing_holds_the_body_after_an_exchange(anyio_backend: str, name: str) -> None:
    """Neither the reply nor the failure, the connection or any garbage refers to the password's bytes."""
    story = Story(max_body=1000)
    async with serving(SCRIPTS[name]) as server:
        await story.call(server.address)
        await story.call(server.address)
    assert (Reply if name in {"ok", "redirect"} else Failure) is type(story.kept[1])
    await story.check()


@pytest.mark.anyio
async def test_nothing_holds_the_body_after_a_refused_connection(anyio_backend: str) -> None:
    """Not even when it was never sent."""
    story = Story()
    await story.call("http://127.0.0.1:1/")
    await story.call("http://no-such-host.invalid/")
    await story.check()


@pytest.mark.anyio
async def test_nothing_holds_the_body_when_the_deadline_comes_in_mid_write(anyio_backend: str) -> None:
    """A server that does not read leaves the body in many hands, all of which let go of it."""
    story, clock = Story(), HandClock()

    async def deaf(peer: Peer) -> None:
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        clock.advance(31)
        await anyio.sleep_forever()

    async with serving(deaf) as server:
        await story.call(server.address, LARGE, clock)
    assert Failure("timed out after 30 s", timed_out=True) == story.kept[1]
    await story.check()


@pytest.mark.anyio
async def test_nothing_holds_the_body_after_a_cancellation_in_mid_write(anyio_backend: str) -> None:
    """The cancellation itself, kept by somebody, leads nowhere."""
    story = Story()
    async with serving(lambda _: anyio.sleep_forever()) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(story.call, server.address, LARGE)
        while not server.open:
            await anyio.lowlevel.checkpoint()
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert isinstance(story.kept[1], BaseException)
    await story.check()


@pytest.mark.asyncio
async def test_nothing_holds_the_body_after_a_native_cancellation_in_mid_write(connections: str) -> None:
    """``task.cancel()`` is no different, and the task keeps its exception."""
    story = Story()
    async with serving(lambda _: anyio.sleep_forever()) as server:
        task = asyncio.ensure_future(story.call(server.address, LARGE))
        while not server.open:
            await anyio.lowlevel.checkpoint()
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await story.check()


@pytest.mark.anyio
async def test_nothing_holds_the_body_while_a_stream_is_read(anyio_backend: str) -> None:
    """It is gone as soon as the head of the reply is there, so a reader's crash report cannot hold it."""
    story, clock = Story(), HandClock()
    async with (
        serving(lambda peer: say(peer, OK[:-1])) as server,
        story.transport.stream(
            server.address, b"a=1", write=Write(), clock=clock, deadline=clock.now() + 30, timeout=30
        ) as incoming,
    ):
        assert isinstance(incoming, Incoming)
        assert [] == holders(story.needle)
        assert b"o" == await anext(incoming)
        with pytest.raises(CutShort) as caught:
            await anext(incoming)
        story.kept.append(caught.value)
        assert [] == holders(story.needle)
    await story.check()


@pytest.mark.anyio
async def test_nothing_holds_the_body_after_a_transport_of_the_users_has_failed(anyio_backend: str) -> None:
    """Errors that carry the request are dropped, and even a test tool's `AssertionError` shows no frame below ours."""

    async def fail(request: httpx.Request) -> httpx.Response:
        assert len(await request.aread()) > 1000, "not expected"
        raise httpx.ReadError("no", request=request)

    story = Story(factory=lambda: httpx.MockTransport(fail))
    with pytest.raises(AssertionError, match="not expected") as caught:
        await story.call("http://smsc.test/")
    story.kept.append(caught)
    assert [] == holders(story.needle)
    await story.call("http://smsc.test/", b"x" * 2000)
    assert Failure("the connection broke before the reply ended") == story.kept[-1]
    await story.check()


@pytest.mark.anyio
async def test_no_log_line_holds_a_secret(anyio_backend: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not at DEBUG, and of no library."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio", "anyio", "aiohttp"):
        caplog.set_level(logging.DEBUG, logger=name)
    story = Story()
    async with serving(SCRIPTS["ok"]) as server:
        await story.call(server.address)
    async with serving(SCRIPTS["cut"]) as server:
        await story.call(server.address)
    await story.call("http://127.0.0.1:1/")
    await story.transport.aclose()
    assert Transport.over_aiohttp or "send_request_body.started" in caplog.text  # httpcore did log
    assert story.needle[4:].decode() not in caplog.text
    assert "alex" not in caplog.text


def test_an_error_that_passes_forgets_what_it_has_seen() -> None:
    """Frames, causes and foreign contexts go, in groups too; a chain of cancellations stays, for anyio reads it."""

    def fail(kind: type[BaseException]) -> None:
        password = "psw"  # noqa: F841 -- what a frame would show
        raise kind

    def seen(kind: type[BaseException]) -> BaseException:
        with pytest.raises(kind) as caught:
            fail(kind)
        return caught.value

    first, second, part = seen(asyncio.CancelledError), seen(asyncio.CancelledError), seen(KeyboardInterrupt)
    second.__context__, second.__cause__, first.__context__ = first, seen(OSError), seen(ValueError)
    group = BaseExceptionGroup("several", [part])
    group.__context__ = seen(OSError)
    for error in (second, group):
        forget_frames(error)
    assert second.__context__ is first
    assert [None] * 4 == [second.__traceback__, first.__traceback__, part.__traceback__, group.__traceback__]
    assert [None] * 3 == [second.__cause__, first.__context__, group.__context__]


def test_a_body_shows_its_length_alone() -> None:
    """Whoever prints a request's stream sees no byte of it."""
    assert "<Body of 3 bytes>" == repr(Body(b"psw"))
