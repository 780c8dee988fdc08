"""What the connections over aiohttp have of their own; all else is in the other files, which run over both kinds."""

from __future__ import annotations

import asyncio
import errno
import functools
import gc
import importlib
import itertools
import socket
import ssl
import subprocess
import sys
import weakref
from contextlib import closing, suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import aiohttp
import anyio
import httpx
import pytest

from smsc_async import LocalGuard, Session
from smsc_async._transport import Failure, Reply, Write
from smsc_async._transport.outcome import explain
from smsc_async._transport.over_aiohttp import _named_anew
from smsc_async.aiohttp import AiohttpTransport
from smsc_async.errors import InvalidArgument
from tests.transport.servers import (
    BODY,
    CREDENTIALS,
    FORM,
    OK,
    Authority,
    HandClock,
    Peer,
    Transport,
    polite,
    post,
    reveals_nothing,
    serving,
    sockets,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

ANSWER = Reply(200, "text/plain", b"ok")
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
NOT_HTTP = Failure("what came back is not an HTTP reply")
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


def over_aiohttp(**options: Any) -> Transport:
    return Transport(credentials=CREDENTIALS, factory=functools.partial(AiohttpTransport, **options))


async def rounds(count: int) -> None:
    for _ in range(count):
        await anyio.lowlevel.checkpoint()


# Where it cannot be used --------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_on_trio_it_says_so_and_sends_nothing(anyio_backend: str) -> None:
    """The first call raises `InvalidArgument`, gives its slot back, and no connection was made."""
    async with serving(polite) as server:
        smsc = Session(apikey="k", base_url=server.address, transport=AiohttpTransport, guard=LocalGuard())
        with pytest.raises(InvalidArgument, match="asyncio alone") as caught:
            await smsc.account.balance()
        assert "transport" == caught.value.name
        assert (0, 0) == (smsc.limits().in_flight, server.connections)
        await smsc.aclose()


@pytest.mark.parametrize("absent", ["aiohttp", "httpx_aiohttp"])
def test_without_the_extra_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    """`ImportError` with the command, before there is a session to send anything."""
    for name in ("smsc_async.aiohttp", "smsc_async._transport.over_aiohttp"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=r"pip install 'smsc-async\[aiohttp\]'") as caught:
        importlib.import_module("smsc_async.aiohttp")
    assert absent == caught.value.name


def test_another_module_that_is_missing_is_not_blamed_on_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the extra would not bring is named as it is."""
    for name in ("smsc_async.aiohttp", "smsc_async._transport.over_aiohttp"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "smsc_async._transport.tap", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("smsc_async.aiohttp")
    assert "smsc_async._transport.tap" == caught.value.name


def test_nobody_pays_for_it_who_does_not_ask_for_it() -> None:
    """A session without it loads nothing of aiohttp."""
    code = "import sys, smsc_async\nsmsc_async.Session(apikey='k')\nprint('aiohttp' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False\n" == result.stdout


# Its settings -------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_gateway_cannot_tell_the_two_kinds_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a request are the same, with every name and blank, on a new connection and on a kept one."""
    seen = []
    for over in (False, True):
        monkeypatch.setattr(Transport, "over_aiohttp", over)
        async with serving(polite) as server:
            transport = Transport(credentials=CREDENTIALS)
            for _ in range(2):
                assert ANSWER == await post(transport, f"{server.address}/sys/x.php?a=b%20c")
            place = server.address.removeprefix("http://").encode()
            seen.append([request.replace(place, b"") for request in server.requests])
            await transport.aclose()
    assert seen[0] == seen[1]
    assert seen[0][0] == seen[0][1]


class WatchLoop(asyncio.SelectorEventLoop):
    """Remembers in how many seconds it was asked to do something."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[float] = []

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        self.timers.append(when - self.time())
        return super().call_at(when, callback, *args, context=context)


def test_nothing_but_our_deadline_ends_a_call() -> None:
    """The one clock of aiohttp's that runs is for a connection that is idle."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, WatchLoop)
        async with serving(polite) as server:
            transport = over_aiohttp()
            loop.timers.clear()
            for _ in range(2):
                assert ANSWER == await post(transport, server.address)
            timers = [*loop.timers]
            await transport.aclose()
        return timers

    with asyncio.Runner(loop_factory=WatchLoop) as runner:
        (seconds,) = runner.run(main())
        assert 54.9 < seconds < 56.1  # aiohttp rounds it up


@pytest.mark.parametrize("address", ["", "proxy", "ftp://h", "http://u:7f3a@h:port", "\0", "socks5://u:7f3a@h"])
@pytest.mark.asyncio
async def test_a_bad_proxy_is_refused_at_the_first_call(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Nothing was sent then, and neither the text nor a frame of the refusal shows the proxy's password."""
    socks = ModuleType("socksio")  # what the other connections need for SOCKS
    socks.__spec__ = ModuleSpec("socksio", None)
    monkeypatch.setitem(sys.modules, "socksio", socks)
    write = Write()
    with pytest.raises(InvalidArgument) as caught:
        await post(over_aiohttp(proxy=address), "http://smsc.test/", write=write)
    assert "7f3a" not in str(caught.value)
    assert ("proxy", True) == (caught.value.name, write.provably_unsent)
    assert caught.tb is not None
    reveals_nothing(caught.value.with_traceback(caught.tb.tb_next))  # without this frame, which has the address


def test_a_context_that_does_not_verify_is_refused() -> None:
    """TLS verification cannot be switched off here either."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname = False
    with pytest.raises(InvalidArgument, match="must verify"):
        AiohttpTransport(ssl_context=lax)


@pytest.mark.asyncio
async def test_it_serves_without_anybody_who_listens() -> None:
    """It is an HTTP transport like any other, for whoever sends a request without a trace."""
    async with serving(polite) as server:
        transport = AiohttpTransport()
        request = httpx.Request("POST", server.address, content=b"a=1")
        response = await transport.handle_async_request(request)
        assert (200, b"ok") == (response.status_code, await response.aread())
        response = await transport.handle_async_request(httpx.Request("POST", server.address, content=b"a=1"))
        await anext(aiter(response.stream))
        await response.aclose()
        assert response.stream._chunks.ag_frame is None  # no generator is left to the collector
        await transport.aclose()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (aiohttp.ClientConnectionResetError("closing"), "the server closed the connection before it replied"),
        (aiohttp.ClientOSError(errno.EPIPE, "x"), "the connection broke before the reply ended: broken pipe"),
        (aiohttp.ClientConnectionError("x"), "the connection broke before the reply ended"),
        (ZeroDivisionError("x"), "the HTTP transport failed with ZeroDivisionError"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_errors_that_no_test_can_bring_about_are_named_too(error: Exception, reason: str) -> None:
    """As httpx-aiohttp gives them, or as aiohttp does; they quote nothing."""
    wrapped = httpx.ConnectTimeout("x")
    wrapped.__cause__ = error
    kinds = (error,) if isinstance(error, ZeroDivisionError) else (error, wrapped)
    assert {Failure(reason)} == {explain(_named_anew(kind), "smsc.test:443") for kind in kinds}


def test_a_transport_that_is_done_needs_no_collector() -> None:
    """Nothing of a closed connection refers back to it, so that it goes when its last user does."""

    async def main() -> list[object]:
        async with serving(polite) as server:
            made = []

            def make() -> AiohttpTransport:
                made.append(weakref.ref(transport := AiohttpTransport()))
                return transport

            transport = Transport(credentials=CREDENTIALS, factory=make)
            await post(transport, server.address)
            await transport.aclose()
        return [gone() for gone in made]

    gc.collect()
    gc.disable()
    try:
        assert [None] == asyncio.run(main())
    finally:
        gc.enable()


# Which connections are kept -----------------------------------------------------------------------------------------


def replying(*parts: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Make a server that answers each request in so many pieces."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            for part in parts:
                await peer.send(part)
                await rounds(3)

    return script


def pieces(reply: bytes, begin: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """Give the reply in two pieces, in every way in which the first has at least so many bytes."""
    return ((reply[:place], reply[place:]) for place in range(begin, len(reply)))


@pytest.mark.asyncio
@pytest.mark.parametrize("reply", [OK, CHUNKED, INTERIM + INTERIM + OK], ids=["length", "chunked", "interim"])
async def test_a_connection_is_kept_however_the_reply_was_cut_into_pieces(reply: bytes) -> None:
    """Whole, halved at any byte, or byte by byte: after a reply and nothing else the connection serves again."""
    for parts in ((reply,), *pieces(reply), tuple(reply[place : place + 1] for place in range(len(reply)))):
        async with serving(replying(*parts)) as server:
            transport = over_aiohttp()
            for _ in range(2):
                assert ANSWER == await post(transport, server.address)
            assert 1 == server.connections
            await transport.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize("reply", [OK, CHUNKED, INTERIM + OK], ids=["length", "chunked", "interim"])
@pytest.mark.parametrize(
    ("surplus", "expected"),
    [
        (OK, {ANSWER}),
        (CHUNKED, {ANSWER}),
        (OK[:20], {ANSWER}),
        (b"\n", {ANSWER}),
        (b"\r\n\r\n", {ANSWER}),
        # aiohttp may give up the reply with what cannot follow it: a paid call is unknown then, and that is safe.
        (b"0\r\n\r\n", {ANSWER, NOT_HTTP}),
        (b"X: 0\r\n\r\n", {ANSWER, NOT_HTTP}),
    ],
    ids=["reply", "chunked reply", "half", "line", "lines", "chunk", "field"],
)
async def test_a_connection_with_surplus_is_not_kept_however_it_was_cut(
    reply: bytes, surplus: bytes, expected: set[Reply | Failure]
) -> None:
    """A second reply, whole or in part, or any bytes at all behind the first one: the next call opens a connection."""
    whole = reply + surplus
    for parts, pause in itertools.product(((whole,), *pieces(whole, len(reply) - 3)), (0, 3)):

        async def script(peer: Peer, parts: tuple[bytes, ...] = parts, pause: int = pause) -> None:
            await peer.request()
            for part in parts:
                await peer.send(part)
                await rounds(pause)
            await peer.request()
            await peer.send(OK.replace(b"ok", b"NO"))

        async with serving(script) as server:
            transport = over_aiohttp()
            for _ in range(2):
                assert await post(transport, server.address) in expected
                await rounds(20)
            assert 2 == server.connections, (parts, pause)
            await transport.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["plain", "tls"])
@pytest.mark.parametrize("surplus", [OK, OK[:20], b"\n", b"?"], ids=["reply", "half", "line", "noise"])
async def test_what_comes_while_a_connection_is_idle_closes_it(kind: str, surplus: bytes) -> None:
    """Nobody asked for it, so it is nobody's reply: the connection ends at once, and the next call gets its own."""
    idle = anyio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await idle.wait()
        await peer.send(surplus)
        await peer.gone()

    authority = Authority()
    async with serving(script, tls=authority.server() if kind == "tls" else None) as server:
        transport = over_aiohttp(ssl_context=authority.client())
        assert ANSWER == await post(transport, server.address)
        await rounds(20)
        assert 1 == server.open
        idle.set()
        with anyio.fail_after(5):
            while server.open:
                await anyio.lowlevel.checkpoint()
        assert ANSWER == await post(transport, server.address)
        assert 2 == server.connections
        await transport.aclose()


@pytest.mark.asyncio
async def test_an_endless_head_is_not_looked_through_again_and_again() -> None:
    """A reply whose head is longer than any honest one is still a reply, but its connection is not kept."""
    lines = b"".join(b"\r\nX-%03d: %b" % (line, b"y" * 1000) for line in range(100))
    long = OK.replace(b"\r\n\r\n", lines + b"\r\n\r\n")
    async with serving(replying(*(long[place : place + 5000] for place in range(0, len(long), 5000)))) as server:
        transport = over_aiohttp()
        for _ in range(2):
            assert ANSWER == await post(transport, server.address)
        assert 2 == server.connections
        await transport.aclose()


@pytest.mark.asyncio
async def test_a_close_that_the_loop_has_not_seen_yet_is_noticed() -> None:
    """Where the server closed while the program was busy elsewhere, the call is not written into nothing."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        transport = over_aiohttp()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for _ in range(3):
            calling = loop.create_task(post(transport, address))
            peer, _ = await loop.sock_accept(listener)
            with peer:
                while not (await loop.sock_recv(peer, 10_000)).endswith(FORM):
                    pass
                await loop.sock_sendall(peer, OK)
                assert ANSWER == await calling
        await transport.aclose()


@pytest.mark.asyncio
async def test_a_connection_to_another_host_takes_the_place_of_the_idle_one() -> None:
    """A transport has one connection at a time, as the guard counts them."""
    async with serving(polite) as one, serving(polite) as other:
        transport = over_aiohttp()
        for server, address in ((one, one.address), (other, other.address), (one, one.address)):
            assert ANSWER == await post(transport, address)
            assert 1 == server.open
            with anyio.fail_after(5):
                while one.open + other.open > 1:
                    await anyio.lowlevel.checkpoint()
        assert (2, 1) == (one.connections, other.connections)
        await transport.aclose()


@pytest.mark.asyncio
async def test_a_reply_before_the_whole_request_leaves_no_connection_behind() -> None:
    """Who is answered in mid-request has sent half of one; the next call finds no trace of that, and does not wait."""

    async def hasty(peer: Peer) -> None:
        await peer.stream.receive()
        await peer.send(OK)
        await peer.gone()

    async with serving(hasty) as server:
        transport = over_aiohttp()
        assert ANSWER == await post(transport, server.address, b"x" * 20_000_000)
        assert ANSWER == await post(transport, server.address)
        assert 2 == server.connections
        await transport.aclose()


@pytest.mark.asyncio
async def test_a_request_that_is_larger_than_all_buffers_arrives() -> None:
    """When the system takes no more for a while, and when it does again, aiohttp hears of it."""
    form = b"x" * 10_000_000
    async with serving(polite) as server:
        transport = over_aiohttp()
        for _ in range(2):
            assert ANSWER == await post(transport, server.address, form)
        assert [True, True] == [request.endswith(form) for request in server.requests]
        assert 1 == server.connections  # nothing was left to write
        await transport.aclose()


# Cancellations ------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_cancelled_calls_leave_neither_tasks_nor_sockets() -> None:
    """Whatever aiohttp has begun for a call (resolving, connecting, writing) ends with it."""
    before = sockets()

    async with serving(Peer.gone) as server:
        await rounds(5)  # until it listens
        ours = asyncio.all_tasks()
        port = server.address.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost"):
            for steps in range(40):
                task = asyncio.ensure_future(post(over_aiohttp(), f"http://{host}:{port}", b"x" * 10_000_000))
                await rounds(steps)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        with anyio.fail_after(5):
            while server.open or asyncio.all_tasks() - ours:
                await anyio.lowlevel.checkpoint()
    assert before == sockets()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_call_that_is_cancelled_as_its_loop_ends_has_closed_its_socket(scheme: str) -> None:
    """When the cancellation comes out, the connection is gone: the loop may be closed at once."""
    gc.collect()
    before = sockets()

    async def main(listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(post(over_aiohttp(), f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"))
        peer, _ = await loop.sock_accept(listener)
        with peer:
            await loop.sock_recv(peer, 1)  # the request has begun, or the handshake
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with socket.create_server(("127.0.0.1", 0)) as listener, closing(asyncio.new_event_loop()) as loop:
        listener.setblocking(False)
        loop.run_until_complete(main(listener))
    gc.collect()
    assert before == sockets()


# Through a proxy ----------------------------------------------------------------------------------------------------


async def tunnel(peer: Peer) -> None:
    """Do what a proxy does: connect to where it is told, and pass on what comes."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await peer.stream.receive(1)
    peer.server.requests.append(head)
    host, _, port = head.split()[1].decode().partition(":")
    async with await anyio.connect_tcp(host, int(port)) as beyond, anyio.create_task_group() as tasks:
        await peer.send(b"HTTP/1.1 200 Go on\r\n\r\n")

        async def carry(here: anyio.abc.ByteStream, there: anyio.abc.ByteStream) -> None:
            with suppress(anyio.BrokenResourceError):
                async for data in here:
                    await there.send(data)
            tasks.cancel_scope.cancel()

        tasks.start_soon(carry, beyond, peer.stream)
        tasks.start_soon(carry, peer.stream, beyond)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["http", "https"])
async def test_a_tunnel_leads_to_the_gateway_and_is_kept(kind: str) -> None:
    """The proxy gets its own credentials and sees no byte of ours; calls through the tunnel are like any others."""
    authority = Authority()
    tls = authority.server()
    async with serving(polite, tls=tls) as server, serving(tunnel, tls=tls if kind == "https" else None) as proxy:
        address = proxy.address.replace("://", "://user:word@")
        transport = over_aiohttp(ssl_context=authority.client(), proxy=address)
        write = Write()
        for _ in range(3):
            assert ANSWER == await post(transport, server.address, write=write)
        assert (1, 1, 3) == (proxy.connections, server.connections, len(server.requests))
        assert (True, True) == (write.traced, write.started)
        assert b"\r\nProxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in proxy.requests[0]
        assert all(request.endswith(BODY) and b"Proxy" not in request for request in server.requests)
        await transport.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [b"", b"HTTP/1.1 200 Go on\r\n\r\n"], ids=["CONNECT", "handshake"])
async def test_a_tunnel_that_breaks_before_it_stands_proves_that_nothing_was_sent(asked: bytes) -> None:
    """A proxy that closes instead of connecting, or in the handshake with the gateway, has read nothing of ours."""

    async def script(peer: Peer) -> None:
        await peer.stream.receive()
        if asked:
            await peer.send(asked)
            await peer.stream.receive()

    write = Write()
    async with serving(script) as proxy:
        outcome = await post(over_aiohttp(proxy=proxy.address), "https://smsc.test/", write=write)
    assert isinstance(outcome, Failure)
    assert write.provably_unsent


@pytest.mark.asyncio
async def test_the_deadline_in_a_tunnel_resets_it() -> None:
    """What waits for a gateway behind a proxy is given up like any other call."""
    clock, authority = HandClock(), Authority()

    async def mute(peer: Peer) -> None:
        await peer.request()
        clock.advance(31)
        await peer.gone()

    async with serving(mute, tls=authority.server()) as server, serving(tunnel) as proxy:
        transport = over_aiohttp(ssl_context=authority.client(), proxy=proxy.address)
        write = Write()
        outcome = await post(transport, server.address, write=write, clock=clock)
        assert Failure("timed out after 30 s", timed_out=True) == outcome
        assert not write.provably_unsent
        with anyio.fail_after(5):
            while proxy.open or server.open:
                await anyio.lowlevel.checkpoint()
