"""A reply that is handed on while it comes: complete, or not at all."""

from __future__ import annotations

import gc
import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
import respx

from smsc_async._transport import CutShort, Failure, Incoming, Reply, Write
from tests.transport.servers import (
    BODY,
    CREDENTIALS,
    FORM,
    HandClock,
    Peer,
    Transport,
    answering,
    polite,
    post,
    reveals_nothing,
    serving,
    sockets,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
CUT = "the server closed the connection before the reply ended"
CSV = b"".join(b"%d;380671234567;delivered\r\n" % row for row in range(20_000))


@asynccontextmanager
async def streaming(
    transport: Transport, url: str, *, write: Write | None = None, clock: HandClock | None = None
) -> AsyncIterator[Incoming | Failure]:
    clock = clock or HandClock()
    async with transport.stream(
        url, FORM, write=write or Write(), clock=clock, deadline=clock.now() + 600, timeout=600
    ) as reply:
        yield reply


def file(head: bytes, body: bytes = CSV) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n" + head + b"\r\n" + body


async def read(incoming: Incoming) -> bytes:
    return b"".join([chunk async for chunk in incoming])


def chunked(body: bytes) -> bytes:
    parts = [body[start : start + 5000] for start in range(0, len(body), 5000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "length"),
    [
        (file(b"Content-Length: %d\r\n" % len(CSV)), len(CSV)),
        (file(b"Transfer-Encoding: chunked\r\n", chunked(CSV)), None),
        (file(b"Connection: close\r\n"), None),
        (file(b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(gzip.compress(CSV)), gzip.compress(CSV)), None),
    ],
    ids=["length", "chunked", "until close", "gzip"],
)
async def test_a_file_comes_whole(anyio_backend: str, reply: bytes, length: int | None) -> None:
    """The chunks are the file, whatever its framing; its length is told where the server tells it."""
    async with serving(answering(reply)) as server:
        transport = Transport(credentials=CREDENTIALS)
        async with streaming(transport, server.address) as incoming:
            assert isinstance(incoming, Incoming)
            assert (200, "text/csv", length, False) == (
                incoming.status,
                incoming.content_type,
                incoming.length,
                incoming.explicit_empty,
            )
            assert CSV == b"".join([chunk async for chunk in incoming])
            assert [] == [chunk async for chunk in incoming]
        assert server.requests[0].endswith(b"\r\n\r\n" + BODY)
        await transport.aclose()


@pytest.mark.parametrize(
    "reply",
    [
        file(b"Content-Length: %d\r\n" % len(CSV), CSV[:-1]),
        file(b"Content-Length: %d\r\n" % len(CSV), b""),
        file(b"Transfer-Encoding: chunked\r\n", chunked(CSV)[:-5]),
        file(b"Transfer-Encoding: chunked\r\n", chunked(CSV)[:-8]),
        file(b"Content-Encoding: gzip\r\n", gzip.compress(CSV)[:-1]),
    ],
    ids=["one byte", "all", "last chunk", "in a chunk", "gzip"],
)
async def test_a_file_that_is_cut_short_never_looks_complete(anyio_backend: str, reply: bytes) -> None:
    """The iteration ends in `CutShort`, again and again, and the connection is gone."""
    async with serving(answering(reply)) as server:
        transport = Transport(credentials=CREDENTIALS)
        async with streaming(transport, server.address) as incoming:
            assert isinstance(incoming, Incoming)
            for _ in range(2):
                with pytest.raises(CutShort) as caught:
                    await read(incoming)
                assert Failure(CUT) == caught.value.failure
                reveals_nothing(caught.value)
            assert not incoming.complete
        assert "<Transport, <Connections: 0 idle>>" == repr(transport)


async def test_a_failure_before_the_head_is_a_value(anyio_backend: str) -> None:
    """There is nothing to iterate then."""
    write = Write()
    async with (
        serving(answering(b"")) as server,
        streaming(Transport(credentials=CREDENTIALS), server.address, write=write) as incoming,
    ):
        assert Failure("the server closed the connection before it replied") == incoming
        assert not write.provably_unsent


async def test_an_unknown_compression_is_a_failure(anyio_backend: str) -> None:
    """Bytes that cannot be decoded are no file."""
    async with (
        serving(answering(file(b"Content-Encoding: br\r\n"))) as server,
        streaming(Transport(credentials=CREDENTIALS), server.address) as incoming,
    ):
        assert Failure("the reply is compressed in a way that nobody asked for") == incoming
        with anyio.fail_after(5):
            while server.open:
                await anyio.lowlevel.checkpoint()


async def test_an_empty_file_says_so(anyio_backend: str) -> None:
    """A Content-Length of 0 is explicit."""
    async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
        transport = Transport(credentials=CREDENTIALS)
        async with streaming(transport, server.address) as incoming:
            assert isinstance(incoming, Incoming)
            assert (True, 0) == (incoming.explicit_empty, incoming.length)
            assert [] == [chunk async for chunk in incoming]
        await transport.aclose()


async def test_a_connection_serves_again_after_a_whole_file(anyio_backend: str) -> None:
    """A file that was read to its end leaves the connection as good as an exchange does."""
    async with serving(polite) as server:
        transport = Transport(credentials=CREDENTIALS)
        for _ in range(3):
            async with streaming(transport, server.address) as incoming:
                assert isinstance(incoming, Incoming)
                assert [b"ok"] == [chunk async for chunk in incoming]
        assert (1, 3) == (server.connections, len(server.requests))
        await transport.aclose()


async def endless(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")


@pytest.mark.parametrize("chunks", [0, 1, 5])
async def test_leaving_early_closes_the_connection(anyio_backend: str, chunks: int) -> None:
    """Who has seen enough may go; what was left unread harms nobody, and no generator is left to the collector."""
    gc.collect()
    before = sockets()
    async with serving(endless) as server:
        transport = Transport(credentials=CREDENTIALS)
        async with streaming(transport, server.address) as incoming:
            assert isinstance(incoming, Incoming)
            for _ in range(chunks):
                assert await anext(incoming)
        with anyio.fail_after(5):
            while server.open:
                await anyio.lowlevel.checkpoint()
    gc.collect()
    assert before == sockets()


async def test_an_error_in_the_block_passes_and_closes(anyio_backend: str) -> None:
    """The reader's own error is not swallowed, and its crash report holds no password."""
    async with serving(endless) as server:
        transport = Transport(credentials=CREDENTIALS)

        async def work() -> None:
            async with streaming(transport, server.address) as incoming:
                assert isinstance(incoming, Incoming)
                await anext(incoming)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError) as caught:
            await work()
        reveals_nothing(caught.value)
        with anyio.fail_after(5):
            while server.open:
                await anyio.lowlevel.checkpoint()


async def test_the_deadline_ends_the_wait_for_a_chunk(anyio_backend: str) -> None:
    """A server that stops in mid-file costs the deadline and no more."""
    clock = HandClock()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok")
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        clock.advance(601)
        await peer.gone()

    async with (
        serving(script) as server,
        streaming(Transport(credentials=CREDENTIALS), server.address, clock=clock) as incoming,
    ):
        assert isinstance(incoming, Incoming)
        assert b"ok" == await anext(incoming)
        with pytest.raises(CutShort) as caught:
            await anext(incoming)
    assert Failure("timed out after 600 s", timed_out=True) == caught.value.failure


async def test_the_readers_own_time_is_not_cut(anyio_backend: str) -> None:
    """The deadline does not interrupt what the reader does between two chunks; the next wait fails."""
    clock = HandClock()
    async with (
        serving(endless) as server,
        streaming(Transport(credentials=CREDENTIALS), server.address, clock=clock) as incoming,
    ):
        assert isinstance(incoming, Incoming)
        assert await anext(incoming)
        clock.advance(601)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        with pytest.raises(CutShort):
            await read(incoming)


async def test_a_bomb_comes_in_small_pieces(anyio_backend: str) -> None:
    """A file that grows a thousandfold is never held as a whole."""
    bomb = gzip.compress(b"\0" * 50_000_000, 9)
    async with (
        serving(answering(file(b"Content-Encoding: gzip\r\n", bomb))) as server,
        streaming(Transport(credentials=CREDENTIALS), server.address) as incoming,
    ):
        assert isinstance(incoming, Incoming)
        size = 0
        async for chunk in incoming:
            assert len(chunk) <= 65_536
            size += len(chunk)
        assert 50_000_000 == size


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_mock_streams_too(anyio_backend: str) -> None:
    """Transports of users and respx give files like the real thing."""
    transport = Transport(
        credentials=CREDENTIALS, factory=lambda: httpx.MockTransport(lambda _: httpx.Response(200, content=CSV))
    )
    async with streaming(transport, "https://smsc.ua/sys/get.php") as incoming:
        assert isinstance(incoming, Incoming)
        assert CSV == b"".join([chunk async for chunk in incoming])
    with respx.mock:
        respx.post("https://smsc.ua/sys/get.php").respond(200, content=CSV)
        async with streaming(Transport(credentials=CREDENTIALS), "https://smsc.ua/sys/get.php") as incoming:
            assert isinstance(incoming, Incoming)
            assert CSV == b"".join([chunk async for chunk in incoming])


async def test_calls_go_on_beside_a_stream(anyio_backend: str) -> None:
    """A stream has its connection to itself."""
    async with serving(endless) as slow, serving(polite) as quick:
        transport = Transport(credentials=CREDENTIALS)
        async with streaming(transport, slow.address) as incoming:
            assert isinstance(incoming, Incoming)
            await anext(incoming)
            assert isinstance(await post(transport, quick.address), Reply)
            await anext(incoming)
        await transport.aclose()
