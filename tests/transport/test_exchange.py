"""What is sent, on which connection, and what comes back."""

from __future__ import annotations

import asyncio
import pickle
import ssl
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
import respx

from smsc_async._privacy import Secret
from smsc_async._transport import Credentials, Failure, Reply, Write
from smsc_async.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
from tests.transport.servers import (
    BODY,
    CREDENTIALS,
    FORM,
    OK,
    PASSWORD,
    HandClock,
    Peer,
    Transport,
    answering,
    polite,
    post,
    serving,
)

URL = "https://smsc.ua/sys/send.php"


@pytest.mark.asyncio
async def test_respx_sees_the_exact_request() -> None:
    """With its defaults, respx sees one POST with credentials and form in the body and nothing in the URL."""
    with respx.mock:
        route = respx.post(URL).respond(200, text="ok")
        reply = await post(Transport(credentials=CREDENTIALS), URL)
    request = route.calls.last.request
    assert Reply(200, "text/plain; charset=utf-8", b"ok") == reply
    assert BODY == request.content
    assert URL == str(request.url)
    agent = request.headers["user-agent"]
    assert agent.startswith("smsc-async/")
    assert [
        (b"Host", b"smsc.ua"),
        (b"User-Agent", agent.encode()),
        (b"Accept", b"*/*"),
        (b"Accept-Encoding", b"identity"),
        (b"Content-Type", b"application/x-www-form-urlencoded"),
        (b"Content-Length", str(len(BODY)).encode()),
    ] == request.headers.raw


@pytest.mark.anyio
async def test_the_server_reads_the_exact_bytes(anyio_backend: str) -> None:
    """Over a real socket the same body arrives, once, in one request."""
    async with serving(polite) as server:
        transport = Transport(credentials=Credentials(apikey=Secret("k+1")))
        assert Reply(200, "text/plain", b"ok") == await post(transport, f"{server.address}/sys/x.php", b"a=1")
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert b"apikey=k%2B1&a=1" == body
        assert head.startswith(b"POST /sys/x.php HTTP/1.1\r\nHost: 127.0.0.1:")
        assert 1 == len(server.requests)
        await transport.aclose()


@pytest.mark.asyncio
async def test_a_request_that_respx_does_not_expect_fails_the_test() -> None:
    """The `AssertionError` of a test tool is not mistaken for a broken network."""
    with respx.mock, pytest.raises(AssertionError, match="not mocked"):
        await post(Transport(credentials=CREDENTIALS), URL)


@pytest.mark.asyncio
async def test_an_error_that_respx_plays_is_a_failure() -> None:
    """Errors of httpx become failures; without a report of the transport nothing proves that nothing was sent."""
    write = Write()
    with respx.mock:
        respx.post(URL).mock(side_effect=httpx.ReadTimeout("late"))
        outcome = await post(Transport(credentials=CREDENTIALS), URL, write=write)
    assert Failure("the HTTP transport timed out", timed_out=True) == outcome
    assert not write.provably_unsent


class Misnaming(httpx.AsyncBaseTransport):
    """A transport of somebody's, which says that it could not connect: before it comes for the body, or after it."""

    def __init__(self, *, sends: bool) -> None:
        self.sends = sends

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.sends:
            await request.aread()
        raise httpx.ConnectTimeout("no")


@pytest.mark.anyio
@pytest.mark.parametrize("sends", [False, True])
async def test_a_foreign_connect_error_proves_something_only_if_nobody_came_for_the_body(
    anyio_backend: str, sends: bool
) -> None:
    """A transport that misnames a lost reply as a failed connection must not get a paid call repeated."""
    write = Write()
    outcome = await post(Transport(credentials=CREDENTIALS, factory=lambda: Misnaming(sends=sends)), URL, write=write)
    assert Failure("no connection to smsc.ua:443", timed_out=True) == outcome
    assert write.provably_unsent is not sends


@pytest.mark.asyncio
async def test_a_connect_error_that_respx_plays_proves_that_nothing_was_sent() -> None:
    """What respx plays in the place of our own connections means what it says."""
    write = Write()
    with respx.mock:
        respx.post(URL).mock(side_effect=httpx.ConnectError("no"))
        outcome = await post(Transport(credentials=CREDENTIALS), URL, write=write)
    assert Failure("no connection to smsc.ua:443") == outcome
    assert write.provably_unsent


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Content-Length: 0\r\n", Reply(200, "", b"", explicit_empty=True)),
        (b"Connection: close\r\n", Reply(200, "", b"", explicit_empty=False)),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\n", Reply(200, "", b"", explicit_empty=False)),
    ],
    ids=["said", "until close", "chunked"],
)
async def test_an_empty_body_tells_whether_it_was_meant(anyio_backend: str, head: bytes, expected: Reply) -> None:
    """Only a Content-Length of 0 makes an empty body explicit."""
    async with serving(answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")) as server:
        assert expected == await post(Transport(credentials=CREDENTIALS), server.address)


@pytest.mark.anyio
async def test_a_redirect_is_a_reply_and_the_body_is_sent_once(anyio_backend: str) -> None:
    """A redirect is never followed, so the password goes nowhere else."""
    async with serving(polite) as elsewhere:
        reply = f"HTTP/1.1 307 Go\r\nLocation: {elsewhere.address}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with serving(answering(reply)) as server:
            outcome = await post(Transport(credentials=CREDENTIALS), server.address)
            assert Reply(307, "", b"", explicit_empty=True) == outcome
            assert (1, 0) == (len(server.requests), elsewhere.connections)


@pytest.mark.anyio
async def test_cookies_are_neither_kept_nor_sent(anyio_backend: str) -> None:
    """Every request is the same, whatever the server would like to be told next time."""
    reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(reply)

    async with serving(script, name="localhost") as server:  # jars take none of an address that is a number
        transport = Transport(credentials=CREDENTIALS)
        for _ in range(2):
            await post(transport, server.address)
        assert server.requests[0] == server.requests[1]
        await transport.aclose()


@pytest.mark.anyio
async def test_the_environment_is_ignored(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Neither proxies nor certificate files nor a netrc of the environment change where the password goes."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NETRC"):
        monkeypatch.setenv(name, f"{tmp_path}/nothing")
    async with serving(polite) as server:
        transport = Transport(credentials=CREDENTIALS)
        assert isinstance(await post(transport, server.address), Reply)
        assert b"authorization" not in server.requests[0].lower()
        await transport.aclose()


# Connections --------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_connection_is_used_again(anyio_backend: str) -> None:
    """Exchanges one after the other share one connection."""
    async with serving(polite) as server:
        transport = Transport(credentials=CREDENTIALS)
        for _ in range(5):
            await post(transport, server.address)
        assert (1, 5) == (server.connections, len(server.requests))
        await transport.aclose()


@pytest.mark.anyio
async def test_a_fresh_connection_takes_the_place_of_an_idle_one(anyio_backend: str) -> None:
    """An exchange that must not meet a closing connection opens one, and no more are open than before."""
    async with serving(polite) as server:
        transport = Transport(credentials=CREDENTIALS)
        await post(transport, server.address)
        await post(transport, server.address, fresh=True)
        await post(transport, server.address)
        await settled(lambda: server.open == 1)
        assert (2, 3) == (server.connections, len(server.requests))
        await transport.aclose()


@pytest.mark.anyio
async def test_there_are_never_more_connections_than_calls_at_once(anyio_backend: str) -> None:
    """14 calls at a time, again and again, open 14 connections in all; none waits for another."""
    together = 0
    most = 0

    async def script(peer: Peer) -> None:
        nonlocal together, most
        while True:
            await peer.request()
            together += 1
            most = max(most, together)
            while most < 14:  # the first round is answered when all of it is there
                await anyio.lowlevel.checkpoint()
            together -= 1
            await peer.send(OK)

    async with serving(script) as server:
        transport = Transport(credentials=CREDENTIALS)
        for _ in range(3):
            async with anyio.create_task_group() as tasks:
                for _ in range(14):
                    tasks.start_soon(post, transport, server.address)
        assert (14, 42) == (server.connections, len(server.requests))
        await transport.aclose()


@pytest.mark.anyio
async def test_old_connections_are_closed_by_the_way(anyio_backend: str) -> None:
    """A connection that has been idle for longer than it is worth keeping is closed when the next call comes."""
    clock = HandClock()
    async with serving(polite) as server:
        transport = Transport(credentials=CREDENTIALS, keepalive=55)
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(lambda: post(transport, server.address, clock=clock))
        assert 2 == server.open
        clock.advance(40)
        await post(transport, server.address, clock=clock)
        clock.advance(40)
        await post(transport, server.address, clock=clock)
        await settled(lambda: server.open == 1)
        assert 2 == server.connections
        await transport.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize("forgets", [False, True], ids=["kept", "opened anew"])
async def test_on_a_kept_connection_a_request_leaves_before_anybody_else_gets_a_turn(forgets: bool) -> None:
    """Or fourteen requests would all leave after the work of all fourteen, and their replies come together again."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        if not forgets or peer.server.connections > 1:
            await polite(peer)

    async with serving(script) as server:
        transport = Transport(credentials=CREDENTIALS)
        for _ in range(2):
            await post(transport, server.address)
            await settled(lambda: server.open == (0 if forgets and server.connections == 1 else 1))
        write = Write()
        last = asyncio.ensure_future(post(transport, server.address, write=write))
        await asyncio.sleep(0)
        assert write.started
        assert Reply(200, "text/plain", b"ok") == await last
        assert (2 if forgets else 1) == server.connections
        await transport.aclose()


@pytest.mark.anyio
async def test_a_connection_that_the_server_closes_is_not_kept(anyio_backend: str) -> None:
    """After ``Connection: close``, and after a silent close, the next exchange opens a new connection and works."""
    for reply in (OK, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")):
        async with serving(answering(reply)) as server:
            transport = Transport(credentials=CREDENTIALS)
            for _ in range(3):
                assert isinstance(await post(transport, server.address), Reply)
                await settled(lambda server=server: server.open == 0)
            assert 3 == server.connections
            await transport.aclose()


@pytest.mark.anyio
async def test_closing_closes_what_is_idle(anyio_backend: str) -> None:
    """After `aclose` no connection is open; the transport may be used again."""
    async with serving(polite) as server:
        transport = Transport(credentials=CREDENTIALS)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(post, transport, server.address)
        assert "<Transport, <Connections: 3 idle>>" == repr(transport)
        await transport.aclose()
        await settled(lambda: server.open == 0)
        assert isinstance(await post(transport, server.address), Reply)
        await transport.aclose()


@pytest.mark.anyio
async def test_an_exchange_in_flight_survives_closing(anyio_backend: str) -> None:
    """`aclose` leaves calls in flight alone; their connection is closed when they are done."""
    ready, go = anyio.Event(), anyio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        ready.set()
        await go.wait()
        await peer.send(OK)
        await peer.gone()

    outcomes = []
    async with serving(script) as server:
        transport = Transport(credentials=CREDENTIALS)

        async def call() -> None:
            outcomes.append(await post(transport, server.address))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await ready.wait()
            await transport.aclose()
            go.set()
        await settled(lambda: server.open == 0)
    assert [Reply(200, "text/plain", b"ok")] == outcomes


# Transports of the user's -------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_factory_makes_one_transport_per_connection(anyio_backend: str) -> None:
    """The user's factory is asked for each new connection; a transport that reports nothing proves nothing."""
    made = []

    def handle(request: httpx.Request) -> httpx.Response:
        assert BODY == request.content
        return httpx.Response(200, text="ok")

    def factory() -> httpx.AsyncBaseTransport:
        made.append(httpx.MockTransport(handle))
        return made[-1]

    transport = Transport(credentials=CREDENTIALS, factory=factory)
    write = Write()
    for _ in range(3):
        assert isinstance(await post(transport, URL, write=write), Reply)
    await post(transport, URL, fresh=True)
    assert 2 == len(made)
    assert (True, False, False) == (write.given, write.traced, write.provably_unsent)


@pytest.mark.anyio
async def test_a_transport_that_raises_anything_is_a_failure(anyio_backend: str) -> None:
    """An error that no network makes becomes a failure too, named by its type and without its text."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError(request.content)

    transport = Transport(credentials=CREDENTIALS, factory=lambda: httpx.MockTransport(handle))
    assert Failure("the HTTP transport failed with ZeroDivisionError") == await post(transport, URL)


@pytest.mark.anyio
async def test_a_transport_that_frames_badly_is_found_out(anyio_backend: str) -> None:
    """Where the user's transport gives less than the head promised, it is a failure and no short reply."""
    reply = httpx.Response(200, headers={"content-length": "3"}, stream=httpx.ByteStream(b"ok"))
    transport = Transport(credentials=CREDENTIALS, factory=lambda: httpx.MockTransport(lambda _: reply))
    assert Failure("the server closed the connection before the reply ended") == await post(transport, URL)


class Reluctant(httpx.AsyncByteStream):
    """A body that comes at once, and a stream that never finishes closing."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"ok"

    async def aclose(self) -> None:
        self.clock.advance(31)
        await anyio.sleep_forever()


@pytest.mark.anyio
async def test_a_reply_counts_from_its_last_byte(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens after the last byte, even the deadline, does not make a reply unknown; the connection is dropped."""
    monkeypatch.setattr("smsc_async._transport.connection._CLOSING", 0.01)
    clock, made = HandClock(), []

    def factory() -> httpx.AsyncBaseTransport:
        made.append(httpx.MockTransport(lambda _: httpx.Response(200, stream=Reluctant(clock))))
        return made[-1]

    transport = Transport(credentials=CREDENTIALS, factory=factory)
    for _ in range(2):
        assert Reply(200, "", b"ok") == await post(transport, URL, clock=clock)
    assert 2 == len(made)


# Arguments ----------------------------------------------------------------------------------------------------------


def test_a_context_that_does_not_verify_is_refused() -> None:
    """TLS verification cannot be switched off through the back door."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname = False
    laxer = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    laxer.check_hostname = False
    laxer.verify_mode = ssl.CERT_NONE
    for context in (lax, laxer):
        with pytest.raises(InvalidArgument, match="must verify"):
            Transport(credentials=CREDENTIALS, ssl_context=context)


@pytest.mark.parametrize(
    "address", ["", "proxy", "ftp://h", "http://", "http://u:7f3a@h:port", "socks9://u:7f3a@h", "\0"]
)
def test_a_bad_proxy_is_refused_without_showing_its_password(address: str) -> None:
    """The text of the refusal quotes nothing of the address."""
    with pytest.raises(InvalidArgument) as caught:
        Transport(credentials=CREDENTIALS, proxy=address)
    assert "7f3a" not in str(caught.value)
    assert "proxy" == caught.value.name


def test_a_factory_brings_its_own_context_and_proxy() -> None:
    """A context or proxy beside a factory would be ignored, so it is refused."""
    with pytest.raises(InvalidArgument):
        Transport(credentials=CREDENTIALS, factory=httpx.AsyncHTTPTransport, proxy="http://127.0.0.1:1")


def test_credentials_show_nothing_and_stay_here() -> None:
    """Their repr is masked and they cannot be pickled; only `form` gives them, encoded."""
    assert PASSWORD not in repr(CREDENTIALS)
    with pytest.raises(TypeError):
        pickle.dumps(CREDENTIALS)
    assert BODY == CREDENTIALS.form() + FORM


async def settled(condition: object) -> None:
    """Let the other side catch up."""
    with anyio.fail_after(5):
        while not condition():  # type: ignore[operator]
            await anyio.lowlevel.checkpoint()
