"""The fault proxy, byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from smsc_async.simulator import FaultProxy, Plan, Simulator, serve
from tests.simulator.test_server import post, until

BODY = b"login=demo&psw=demo&buy=1&phone=380950000001&fmt=1"
HEAD = (
    b"POST /sys/receive_phones.php HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)
REQUEST = HEAD + BODY


@pytest.fixture
def gateway() -> Simulator:
    """The simulator behind the proxy."""
    return Simulator()


@pytest.fixture
def proxy(gateway: Simulator) -> Iterator[FaultProxy]:
    """A proxy before it."""
    with serve(gateway) as url, FaultProxy(url) as proxy:
        yield proxy


def connect(proxy: FaultProxy) -> socket.socket:
    """Open a bare connection."""
    host, port = proxy.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def exchange(proxy: FaultProxy, request: bytes = REQUEST) -> tuple[bytes, str]:
    """Send bytes and give what came back, and how it ended."""
    got = b""
    try:
        with connect(proxy) as raw:
            raw.sendall(request)
            while piece := raw.recv(65536):
                got += piece
    except (ConnectionResetError, BrokenPipeError):
        return got, "reset"
    return got, "close"


def test_without_a_plan_it_passes_everything(gateway: Simulator, proxy: FaultProxy) -> None:
    """Requests, replies and kept-alive connections go through as they are."""
    with httpx.Client(base_url=proxy.url) as client:
        assert [200] * 3 == [post(client, "balance").status_code for _ in range(3)]
    assert 1 == proxy.accepted
    passages = proxy.passages
    assert 3 == len(passages)
    for passage in passages:
        assert passage.request_bytes == passage.forwarded_bytes > 0
        assert passage.reply_bytes == passage.returned_bytes > 0
    assert gateway.verdict().ok


@pytest.mark.parametrize("at", [0, 1, len(HEAD) - 1, len(HEAD), len(REQUEST) - 1])
@pytest.mark.parametrize("ending", ["reset", "close"])
def test_a_cut_request_is_not_carried_out(gateway: Simulator, proxy: FaultProxy, at: int, ending: Any) -> None:
    """Up to its last byte, the gateway has not read it whole."""
    proxy.add(Plan(cut_request_at=at, ending=ending))
    assert (b"", ending) == exchange(proxy)
    passage = proxy.passages[0]
    assert (at, "request cut") == (passage.forwarded_bytes, passage.ended)
    until(lambda: all(arrival.completed_at is not None for arrival in gateway.log))
    assert {} == gateway.numbers.rented("demo")


def test_a_request_cut_after_its_last_byte_is_carried_out(gateway: Simulator, proxy: FaultProxy) -> None:
    """The client sees the same error as before, and the money is gone."""
    proxy.add(Plan(cut_request_at=len(REQUEST)))
    assert (b"", "reset") == exchange(proxy)
    until(lambda: gateway.numbers.rented("demo"))
    assert len(REQUEST) == proxy.passages[0].forwarded_bytes


def test_a_cut_reply_was_carried_out(gateway: Simulator, proxy: FaultProxy) -> None:
    """Wherever the reply is cut, the client gets so many bytes and no more."""
    whole, _ = exchange(proxy, REQUEST.replace(b"Host: x", b"Host: x\r\nConnection: close"))
    assert b"30.00" == whole[-5:]
    balance = b"GET /sys/balance.php?login=demo&psw=demo HTTP/1.1\r\nHost: x\r\n\r\n"
    for at in (0, 1, 30, len(whole) // 2):
        gateway.reset()
        proxy.add(Plan(cut_reply_at=at, ending="close"))
        got, ending = exchange(proxy, balance)
        assert (at, "close") == (len(got), ending)
        assert "reply cut" == proxy.passages[-1].ended
        assert "answered" == gateway.log[0].outcome


def test_a_reply_may_end_with_a_reset(proxy: FaultProxy) -> None:
    """The client sees the connection reset, whatever it has got so far."""
    proxy.add(Plan(cut_reply_at=0))
    assert (b"", "reset") == exchange(proxy)


def test_half_of_a_connection_may_close(proxy: FaultProxy) -> None:
    """After so many bytes the reply ends, while the client's own direction stays open."""
    proxy.add(Plan(cut_reply_at=10, ending="half"))
    with connect(proxy) as raw:
        raw.sendall(REQUEST)
        got = b""
        while piece := raw.recv(65536):
            got += piece
        assert 10 == len(got)
        raw.sendall(b"still here")


def test_upstream_may_see_half_a_request(gateway: Simulator, proxy: FaultProxy) -> None:
    """The gateway's side ends after so many bytes, and the client is left waiting."""
    proxy.add(Plan(cut_request_at=20, ending="half"))
    with connect(proxy) as raw:
        raw.sendall(REQUEST)
        raw.settimeout(0.05)
        until(lambda: proxy.passages and proxy.passages[0].ended == "request cut")
    assert 20 == proxy.passages[0].forwarded_bytes
    assert () == gateway.log


def test_a_reply_may_never_come(gateway: Simulator, proxy: FaultProxy) -> None:
    """Silence after the gateway has acted: only the client's own patience ends it."""
    proxy.add(Plan(cut_reply_at=0, ending="hang"))
    with httpx.Client(base_url=proxy.url, timeout=0.1) as client, pytest.raises(httpx.ReadTimeout):
        post(client, "receive_phones", buy=1, phone="380950000001")
    until(lambda: gateway.numbers.rented("demo"))


def test_a_connection_may_be_refused(proxy: FaultProxy) -> None:
    """It is accepted by the system and reset at once; nothing reaches the gateway."""
    proxy.add(Plan(refuse=True))
    with httpx.Client(base_url=proxy.url) as client:
        with pytest.raises(httpx.TransportError):
            post(client, "balance")
        assert 200 == post(client, "balance").status_code
    assert ["refused"] == [passage.ended for passage in proxy.passages[:1]]


def test_the_port_may_be_down(proxy: FaultProxy) -> None:
    """Nobody listens, and later somebody does again, at the same address."""
    url = proxy.url
    with httpx.Client(base_url=url) as client:
        assert 200 == post(client, "balance").status_code
        proxy.down()
        assert 200 == post(client, "balance").status_code  # on the connection that stands
    with httpx.Client(base_url=url) as client:
        with pytest.raises(httpx.ConnectError):
            post(client, "balance")
        proxy.up()
        proxy.up()
        assert url == proxy.url
        assert 200 == post(client, "balance").status_code


def test_every_connection_may_be_cut(proxy: FaultProxy) -> None:
    """Also those that are idle."""
    with httpx.Client(base_url=proxy.url) as client:
        post(client, "balance")
        proxy.cut_all()
        until(lambda: _status(client) == 200)
    assert 2 <= proxy.accepted


def _status(client: httpx.Client) -> int:
    try:
        return post(client, "balance").status_code
    except httpx.HTTPError:
        return 0


def test_latency_comes_once_each_way() -> None:
    """Before the first byte of the request, and of the reply."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with serve(Simulator()) as url, FaultProxy(url, sleep=sleep) as proxy:
        proxy.add(Plan(request_latency=7, reply_latency=11))
        with httpx.Client(base_url=proxy.url) as client:
            assert [200, 200] == [post(client, "balance").status_code for _ in range(2)]
    assert [7, 11] == slept


def test_bytes_may_drip() -> None:
    """Both ways at a rate of bytes a second; the time that it takes is the size over the rate."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with serve(Simulator()) as url, FaultProxy(url, sleep=sleep) as proxy:
        proxy.add(Plan(request_rate=100, reply_rate=50))
        with httpx.Client(base_url=proxy.url) as client:
            assert 200 == post(client, "balance").status_code
        passage = proxy.passages[0]
    assert passage.forwarded_bytes / 100 + passage.returned_bytes / 50 == pytest.approx(sum(slept))


def test_an_idle_connection_may_be_closed(proxy: FaultProxy) -> None:
    """A moment after the reply; the next request finds another connection."""
    proxy.add(Plan(close_idle_after=0.01))
    with httpx.Client(base_url=proxy.url) as client:
        post(client, "balance")
        until(lambda: proxy.passages[0].ended == "idle")
        until(lambda: _status(client) == 200)  # the client may write before it learns of the end
    assert 2 == proxy.accepted


def test_a_connection_may_be_closed_just_as_it_is_used_again(gateway: Simulator, proxy: FaultProxy) -> None:
    """The second request is written into a connection that ends, and never arrives."""
    proxy.add(Plan(close_on_reuse=True))
    with httpx.Client(base_url=proxy.url) as client:
        post(client, "balance")
        with pytest.raises(httpx.TransportError):
            post(client, "balance")
    assert "reuse" == proxy.passages[0].ended
    assert 1 == len(gateway.log)


def test_a_plan_may_wait_for_its_request(proxy: FaultProxy) -> None:
    """Only a request that holds these bytes takes it; the others pass."""
    proxy.add(Plan(cut_reply_at=0), match=b"/sys/downloads.php")
    with httpx.Client(base_url=proxy.url) as client:
        assert 200 == post(client, "balance").status_code
        with pytest.raises(httpx.TransportError):
            post(client, "downloads", get_list=1)


def test_plans_are_taken_in_order_and_may_be_cleared(proxy: FaultProxy) -> None:
    """So many times each, then the default."""
    proxy.add(Plan(cut_request_at=5), times=2)
    proxy.add(Plan(cut_request_at=9), times=2)
    for _ in range(3):
        exchange(proxy)
    proxy.clear()
    assert [5, 5, 9] == [passage.forwarded_bytes for passage in proxy.passages]
    with httpx.Client(base_url=proxy.url) as client:
        assert 200 == post(client, "balance").status_code


def test_a_default_plan_holds_for_all(gateway: Simulator) -> None:
    """Until it is changed."""
    with serve(gateway) as url, FaultProxy(url, default=Plan(refuse=True)) as proxy:
        assert ["reset", "reset"] == [exchange(proxy)[1] for _ in range(2)]
        proxy.default = Plan(cut_request_at=3)
        exchange(proxy)
        assert 3 == proxy.passages[-1].forwarded_bytes
    assert () == gateway.log


def test_a_dead_upstream_is_a_reset() -> None:
    """Where nobody is behind the proxy the client is told at once."""
    with serve(Simulator()) as url:
        pass
    with FaultProxy(url) as proxy:
        assert (b"", "reset") == exchange(proxy)


def test_nothing_is_left_behind() -> None:
    """Neither thread nor connection, however many were open."""
    before = set(threading.enumerate())
    with serve(Simulator()) as url, FaultProxy(url) as proxy:
        held = [connect(proxy) for _ in range(5)]
        until(lambda: proxy.accepted == 5)
        assert proxy.url in repr(proxy)
        own = [new for new in set(threading.enumerate()) - before if new.name.startswith(("simulator", "fault proxy"))]
    for raw in held:
        raw.close()
    assert [False, False] == [thread.is_alive() for thread in own]


def test_a_proxy_that_is_not_running_says_so() -> None:
    """And one whose port is taken does not start."""
    with pytest.raises(RuntimeError, match="not running"):
        FaultProxy("http://127.0.0.1:1").down()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(RuntimeError, match="did not start"),
            FaultProxy("http://127.0.0.1:1", port=taken.getsockname()[1]),
        ):
            pass
