"""Whatever the network does, it is a value: a failure in one clause, with the evidence about what was sent."""

from __future__ import annotations

import gzip
import socket
import zlib
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async._transport import Failure, Reply, Write
from tests.transport.servers import (
    BODY,
    CREDENTIALS,
    OK,
    Authority,
    HandClock,
    Peer,
    Transport,
    answering,
    polite,
    post,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.anyio
CUT = "the server closed the connection before the reply ended"
MUTE = "the server closed the connection before it replied"
NOT_HTTP = "what came back is not an HTTP reply"


async def outcome_of(script: Callable[[Peer], Awaitable[None]], **options: Any) -> tuple[Reply | Failure, Write]:
    """Exchange once with a server that follows *script*; the next exchange with a good server must work."""
    write = Write()
    transport = Transport(credentials=CREDENTIALS, **options)
    async with serving(script) as server:
        outcome = await post(transport, server.address, write=write)
        with anyio.fail_after(5):
            while server.open:
                await anyio.lowlevel.checkpoint()
    async with serving(polite) as server:
        assert isinstance(await post(transport, server.address), Reply)
        await transport.aclose()
    return outcome, write


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection_proves_that_nothing_was_sent(anyio_backend: str) -> None:
    """Nobody listens: the failure says where, and the request may be made again."""
    port, write = free_port(), Write()
    outcome = await post(Transport(credentials=CREDENTIALS), f"http://127.0.0.1:{port}/", write=write)
    assert Failure(f"no connection to 127.0.0.1:{port}: connection refused") == outcome
    assert write.provably_unsent


async def test_a_name_that_nobody_knows_proves_that_nothing_was_sent(anyio_backend: str) -> None:
    """The resolver's words are in the failure."""
    write = Write()
    outcome = await post(Transport(credentials=CREDENTIALS), "http://no-such-host.invalid/", write=write)
    assert isinstance(outcome, Failure)
    assert outcome.reason.startswith("no connection to no-such-host.invalid:80: ")
    assert write.provably_unsent


async def reset_at_once(peer: Peer) -> None:
    peer.reset()


async def reset_after_the_request(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def reset_in_the_reply(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK[:-1])
    peer.reset()


@pytest.mark.parametrize("script", [reset_at_once, reset_after_the_request, reset_in_the_reply])
async def test_a_reset_leaves_it_open_whether_the_request_arrived(
    anyio_backend: str, script: Callable[[Peer], Awaitable[None]]
) -> None:
    """The kind of error does not tell whether the server read the request, so it proves nothing."""
    outcome, write = await outcome_of(script)
    assert isinstance(outcome, Failure)
    assert outcome.reason in {MUTE, CUT, "the connection broke before the reply ended: connection reset by peer"}
    assert (True, False) == (write.started, write.provably_unsent)


async def test_a_reply_cut_at_any_byte_is_a_failure(anyio_backend: str) -> None:
    """No prefix of a reply passes for a reply."""
    for length in range(len(OK)):
        outcome, write = await outcome_of(answering(OK[:length]))
        assert isinstance(outcome, Failure), length
        assert outcome.reason in {MUTE, CUT}
        assert not write.provably_unsent


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"220 smtp.example ESMTP\r\n\r\n", NOT_HTTP),
        (b"\x00\x01\x02\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000 + b"\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok", CUT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", CUT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", CUT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 100 Continue\r\n\r\n", MUTE),
        (b"", MUTE),
    ],
    ids=[
        "another protocol",
        "noise",
        "endless header",
        "endless headers",
        "length is a word",
        "two lengths",
        "length too long",
        "no last chunk",
        "half a chunk",
        "bad chunk",
        "only an interim reply",
        "nothing",
    ],
)
async def test_a_malformed_reply_is_a_failure(anyio_backend: str, reply: bytes, reason: str) -> None:
    """What is not a whole reply of HTTP/1.1 says so in words of ours, and quotes nothing."""
    outcome, write = await outcome_of(answering(reply))
    assert Failure(reason) == outcome
    assert not write.provably_unsent


async def test_an_interim_reply_is_passed_over(anyio_backend: str) -> None:
    """The final reply counts."""
    outcome, _ = await outcome_of(answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK))
    assert Reply(200, "text/plain", b"ok") == outcome


@pytest.mark.parametrize("kind", ["plain", "tls"])
@pytest.mark.parametrize("surplus", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", b"HTTP/1.1 200 O", b"\n"])
async def test_what_comes_after_a_reply_is_never_taken_for_the_next(
    anyio_backend: str, kind: str, surplus: bytes
) -> None:
    """A reply too many, whole or in part, is dropped with its connection; the next call gets its own reply."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + surplus)
        await peer.send(surplus)
        await peer.request()
        await peer.send(OK.replace(b"ok", b"NO"))

    async def split(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.send(surplus)  # under TLS a record of its own, which often comes with the one before
        await peer.request()
        await peer.send(OK.replace(b"ok", b"NO"))

    authority = Authority()
    for rude in (script, split):
        async with serving(rude, tls=authority.server() if kind == "tls" else None) as server:
            transport = Transport(credentials=CREDENTIALS, ssl_context=authority.client())
            for _ in range(2):
                assert Reply(200, "text/plain", b"ok") == await post(transport, server.address)
                for _ in range(20):  # until the rest is there; what comes after the next request nobody can tell
                    await anyio.lowlevel.checkpoint()
            assert (2, 2) == (server.connections, len(server.requests))
            await transport.aclose()


async def test_a_body_without_length_ends_with_the_connection(anyio_backend: str) -> None:
    """HTTP/1.0 replies have no other end."""
    outcome, _ = await outcome_of(answering(b"HTTP/1.0 200 OK\r\n\r\nok"))
    assert Reply(200, "", b"ok") == outcome


async def test_an_endless_body_is_given_up_at_the_cap(anyio_backend: str) -> None:
    """A body that never ends costs a bounded amount of memory; the server is cut off."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    outcome, _ = await outcome_of(script, max_body=100_000)
    assert Failure("the reply is longer than 100000 bytes") == outcome


async def test_a_body_of_exactly_the_cap_is_read(anyio_backend: str) -> None:
    """The cap is inclusive."""
    for cap, expected in ((2, Reply(200, "text/plain", b"ok")), (1, Failure("the reply is longer than 1 bytes"))):
        async with serving(polite) as server:
            transport = Transport(credentials=CREDENTIALS, max_body=cap)
            assert expected == await post(transport, server.address)
            await transport.aclose()


def coded(coding: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (coded("gzip", gzip.compress(b"ok")), Reply(200, "", b"ok")),
        (coded("GZIP", gzip.compress(b"x" * 100_000)), Reply(200, "", b"x" * 100_000)),
        (coded("deflate", zlib.compress(b"ok")), Reply(200, "", b"ok")),
        (coded("identity", b"ok"), Reply(200, "", b"ok")),
        (coded("gzip", b""), Reply(200, "", b"", explicit_empty=True)),
        (coded("gzip", gzip.compress(b"x" * 100_001)), Failure("the reply is longer than 100000 bytes")),
        (coded("gzip", gzip.compress(b"\0" * 300_000_000, 9)), Failure("the reply is longer than 100000 bytes")),
        (coded("gzip", gzip.compress(b"ok")[:-1]), Failure(CUT)),
        (coded("gzip", b"ok"), Failure("the reply's compression is damaged")),
        (coded("gzip", gzip.compress(b"ok") + b"more"), Failure("the reply's compression is damaged")),
        (coded("br", b"ok"), Failure("the reply is compressed in a way that nobody asked for")),
        (coded("gzip, gzip", b"ok"), Failure("the reply is compressed in a way that nobody asked for")),
    ],
    ids=[
        "gzip",
        "long",
        "deflate",
        "identity",
        "nothing",
        "too long",
        "bomb",
        "cut",
        "no gzip",
        "more",
        "brotli",
        "twice",
    ],
)
async def test_a_reply_that_is_compressed_anyway_is_read_within_the_cap(
    anyio_backend: str, reply: bytes, expected: Reply | Failure
) -> None:
    """Nobody asked for it, but it may answer a call that cost money; so it is decoded, in bounded pieces."""
    outcome, _ = await outcome_of(answering(reply), max_body=100_000)
    assert expected == outcome


async def test_a_drip_ends_with_the_deadline(anyio_backend: str) -> None:
    """The deadline bounds the whole exchange, however busy the server looks."""
    clock, write = HandClock(), Write()

    async def script(peer: Peer) -> None:
        await peer.request()
        for place in range(len(OK)):
            await peer.send(OK[place : place + 1])
            clock.advance(1)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()

    async with serving(script) as server:
        outcome = await post(Transport(credentials=CREDENTIALS), server.address, clock=clock, write=write)
    assert Failure("timed out after 30 s", timed_out=True) == outcome
    assert 1029 <= clock.now() <= 1031
    assert not write.provably_unsent


async def test_a_server_that_never_accepts_tls_is_left_at_the_deadline(anyio_backend: str) -> None:
    """A deadline in the TLS handshake is a time-out, and proves that nothing was sent."""
    clock, write = HandClock(), Write()

    async def script(peer: Peer) -> None:
        await peer.stream.receive()
        clock.advance(31)
        await peer.gone()

    async with serving(script) as server:
        address = server.address.replace("http", "https")
        outcome = await post(Transport(credentials=CREDENTIALS), address, clock=clock, write=write)
    assert Failure("timed out after 30 s", timed_out=True) == outcome
    assert write.provably_unsent


async def test_a_request_that_is_given_up_is_not_sent_any_more(anyio_backend: str) -> None:
    """What the system has not sent when we give up is dropped: the server finds a reset, not the rest of the body."""
    clock = HandClock()
    seen = []
    came = 0

    async def script(peer: Peer) -> None:
        nonlocal came
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        clock.advance(31)
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        try:
            while True:
                came += len(await peer.stream.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError) as error:
            seen.append(type(error))

    async with serving(script) as server:
        outcome = await post(Transport(credentials=CREDENTIALS), server.address, b"x" * 60_000_000, clock=clock)
        assert Failure("timed out after 30 s", timed_out=True) == outcome
        with anyio.fail_after(5):
            while not seen:
                await anyio.lowlevel.checkpoint()
    assert [anyio.BrokenResourceError] == seen
    assert came < 40_000_000  # what was in the buffers of both sides


async def test_a_deadline_in_the_past_sends_nothing(anyio_backend: str) -> None:
    """There is nothing to wait for."""
    clock, write = HandClock(), Write()
    async with serving(polite) as server:
        outcome = await Transport(credentials=CREDENTIALS).exchange(
            server.address, b"a=1", write=write, clock=clock, deadline=clock.now(), timeout=0, fresh=False
        )
        assert Failure("timed out after 0 s", timed_out=True) == outcome
        assert write.provably_unsent
        assert 0 == server.bytes_read


async def test_a_server_that_closes_the_idle_connection_in_our_face_leaves_it_open(anyio_backend: str) -> None:
    """A kept-alive connection may end just as we write: that is a failure, unknown, and never sent again by itself."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()

    write = Write()
    async with serving(script) as server:
        transport = Transport(credentials=CREDENTIALS)
        assert isinstance(await post(transport, server.address), Reply)
        outcome = await post(transport, server.address, write=write)
        assert Failure(MUTE) == outcome
        assert not write.provably_unsent
        assert 2 == len(server.requests)


async def test_a_server_that_closes_its_half_after_the_reply_is_answered(anyio_backend: str) -> None:
    """A half-closed connection gives its reply and is not used again."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.stream.send_eof()
        await peer.gone()

    outcome, _ = await outcome_of(script)
    assert Reply(200, "text/plain", b"ok") == outcome


async def test_a_reply_before_the_request_is_read_counts(anyio_backend: str) -> None:
    """A server may refuse without reading: its words are a reply."""

    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await peer.gone()

    outcome, _ = await outcome_of(script)
    assert Reply(413, "", b"", explicit_empty=True) == outcome


# Through a proxy ----------------------------------------------------------------------------------------------------


async def test_a_proxy_forwards_plain_http(anyio_backend: str) -> None:
    """The proxy of the argument gets the request, with its own credentials beside ours."""
    async with serving(polite) as proxy:
        address = proxy.address.replace("http://", "http://user:word@")
        transport = Transport(credentials=CREDENTIALS, proxy=address)
        assert isinstance(await post(transport, "http://smsc.test/sys/x.php"), Reply)
        assert proxy.requests[0].startswith(b"POST http://smsc.test/sys/x.php HTTP/1.1\r\n")
        assert b"\r\nProxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in proxy.requests[0]
        assert proxy.requests[0].endswith(BODY)
        await transport.aclose()


async def test_a_proxy_that_refuses_the_tunnel_proves_that_nothing_was_sent(anyio_backend: str) -> None:
    """What goes to the proxy before the tunnel stands holds nothing of the request."""

    async def script(peer: Peer) -> None:
        await peer.stream.receive()
        await peer.send(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    write = Write()
    async with serving(script) as proxy:
        transport = Transport(credentials=CREDENTIALS, proxy=proxy.address)
        outcome = await post(transport, "https://smsc.test/sys/x.php", write=write)
    through = "" if Transport.over_aiohttp else " through the proxy"  # a factory's proxy is its own affair
    assert Failure(f"the proxy refused to connect to smsc.test:443{through}") == outcome
    assert write.provably_unsent
