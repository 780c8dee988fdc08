"""The simulator over real sockets."""

from __future__ import annotations

import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import httpx
import pytest

from smsc_async.simulator import (
    CutShort,
    Delay,
    Drip,
    Drop,
    Fault,
    ManualTime,
    Simulator,
    Switches,
    WrongLength,
    serve,
)

CREDENTIALS = {"login": "demo", "psw": "demo", "fmt": "3", "charset": "utf-8"}


def post(client: httpx.Client, path: str, **params: Any) -> httpx.Response:
    """Ask with the right credentials."""
    return client.post(f"/sys/{path}.php", data={**CREDENTIALS, **{name: str(value) for name, value in params.items()}})


def until(condition: Any) -> None:
    """Wait until another thread has got so far; the limit is for machines that are busy with other things."""
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.001)


def test_it_serves_while_the_block_lasts() -> None:
    """On loopback, on a port of its own, and no thread is left behind."""
    before = set(threading.enumerate())
    gateway = Simulator()
    with serve(gateway) as url, httpx.Client(base_url=url) as client:
        assert url.startswith("http://127.0.0.1:")
        assert {"balance": "1000.00"} == post(client, "balance").json()
        (thread,) = [new for new in set(threading.enumerate()) - before if new.name.startswith("simulator")]
    assert not thread.is_alive()
    with pytest.raises(httpx.ConnectError), httpx.Client(base_url=url) as client:
        post(client, "balance")
    assert gateway.verdict().ok


def test_starting_and_stopping_is_quick() -> None:
    """Ten times within a second or two, with a connection open each time."""
    start = time.perf_counter()
    for _ in range(10):
        with serve(Simulator()) as url, httpx.Client(base_url=url) as client:
            post(client, "balance")
    assert time.perf_counter() - start < 3


def test_stopping_does_not_wait_for_slow_requests() -> None:
    """A request that would take an hour is cut off."""
    gateway = Simulator()
    gateway.faults.add(Fault(Delay(before_reply=3600)))
    failures: list[BaseException] = []

    def slow(url: str) -> None:
        with httpx.Client(base_url=url, timeout=20) as client:
            try:
                post(client, "balance")
            except httpx.HTTPError as error:
                failures.append(error)

    with serve(gateway) as url:
        thread = threading.Thread(target=slow, args=[url])
        thread.start()
        until(lambda: gateway.log and gateway.log[0].acted)
    thread.join(5)
    assert [httpx.RemoteProtocolError] == [type(failure) for failure in failures]
    assert "abandoned" == gateway.log[0].outcome


def test_one_simulator_may_have_two_addresses() -> None:
    """State and limits are shared, as with www2."""
    gateway = Simulator()
    with serve(gateway) as one, serve(gateway) as two, httpx.Client() as client:
        data = {**CREDENTIALS, "get": "1"}
        replies = [client.post(f"{url}/sys/receive_phones.php", data=data) for url in (one, two, one)]
    assert 9 == replies[-1].json()["error_code"]


def test_a_taken_port_is_an_error() -> None:
    """And nothing keeps running."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"), serve(Simulator(), port=taken.getsockname()[1]):
            pass


def test_ipv6_works_where_there_is_any() -> None:
    """The URL has brackets."""
    try:
        with serve(Simulator(), host="::1") as url, httpx.Client(base_url=url) as client:
            assert url.startswith("http://[::1]:")
            assert 200 == post(client, "balance").status_code
    except OSError:
        pytest.skip("no IPv6 on this machine")


@pytest.mark.parametrize("acted", [True, False])
def test_a_drop_closes_the_connection(*, acted: bool) -> None:
    """Without a byte of answer, whether or not the gateway acted."""
    gateway = Simulator()
    gateway.faults.add(Fault(Drop(acted=acted)))
    with serve(gateway) as url, httpx.Client(base_url=url) as client:
        with pytest.raises(httpx.TransportError):
            post(client, "receive_phones", buy=1, phone="380950000001")
        assert acted == ("380950000001" in gateway.numbers.rented("demo"))
        assert 200 == post(client, "balance").status_code
    assert ["dropped", "answered"] == [arrival.outcome for arrival in gateway.log]
    assert () == gateway.verdict().crashes


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("at", [0, 1, 40_000, 200_000])
def test_a_file_is_cut_short_at_the_byte(at: int, *, length: bool) -> None:
    """The client gets so many bytes and then an error, with Content-Length and in chunks."""
    gateway = Simulator(switches=Switches(csv_length=length))
    task = gateway.add_task(rows=5000)
    gateway.faults.add(Fault(CutShort(at), action="get_file"))
    got, failure = b"", None
    with serve(gateway) as url, httpx.Client(base_url=url) as client:
        data = {**CREDENTIALS, "get_file": "1", "id": str(task.id)}
        with client.stream("POST", "/sys/downloads.php", data=data) as response:
            try:
                for piece in response.iter_raw():
                    got += piece
            except httpx.RemoteProtocolError as error:
                failure = error
    assert failure is not None
    assert at == len(got)


def test_a_promise_of_more_bytes_is_broken() -> None:
    """The connection ends before the length is reached."""
    gateway = Simulator()
    gateway.faults.add(Fault(WrongLength(10)))
    with (
        serve(gateway) as url,
        httpx.Client(base_url=url) as client,
        pytest.raises(httpx.RemoteProtocolError, match="complete message body"),
    ):
        post(client, "balance")


def test_a_large_file_streams_whole() -> None:
    """Its digest is known without having it."""
    gateway = Simulator()
    task = gateway.add_task(rows=50_000)
    digest = sha256()
    with serve(gateway) as url, httpx.Client(base_url=url) as client:
        data = {**CREDENTIALS, "get_file": "1", "id": str(task.id)}
        with client.stream("POST", "/sys/downloads.php", data=data) as response:
            for chunk in response.iter_raw():
                digest.update(chunk)
    assert gateway.sha256(task) == digest.hexdigest()
    assert "file" == gateway.log[0].outcome


def test_a_client_that_leaves_a_slow_file_ends_it() -> None:
    """The slot of an endless drip is free again once the gateway notices."""
    gateway = Simulator()
    gateway.add_task(rows=50_000)
    gateway.faults.add(Fault(Drip(rate=50_000, piece=500), action="get_file"))
    with serve(gateway) as url, httpx.Client(base_url=url) as client:
        data = {**CREDENTIALS, "get_file": "1", "id": "1"}
        with client.stream("POST", "/sys/downloads.php", data=data) as response:
            next(response.iter_raw())
        until(lambda: gateway.log[0].completed_at is not None)
    assert "abandoned" == gateway.log[0].outcome


def test_a_client_that_gives_up_does_not_stop_the_gateway() -> None:
    """The request is carried out after the client has gone: the money is taken."""
    time_ = ManualTime()
    gateway = Simulator(clock=time_.now, sleep=time_.sleep)
    gateway.faults.add(Fault(Delay(before_acting=5)))
    with serve(gateway) as url:
        with httpx.Client(base_url=url, timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
            post(client, "receive_phones", buy=1, phone="380950000001")
        assert {} == gateway.numbers.rented("demo")
        time_.advance(5)
        until(lambda: gateway.log[0].completed_at is not None)
    assert ["380950000001"] == list(gateway.numbers.rented("demo"))
    assert {("demo", "buy", "380950000001"): 1} == gateway.verdict().paid


def test_manual_time_drives_a_served_simulator() -> None:
    """A minute passes at once, from the test's thread."""
    time_ = ManualTime()
    gateway = Simulator(clock=time_.now, sleep=time_.sleep)
    with serve(gateway) as url, httpx.Client(base_url=url) as client:
        for expected in (list, list, dict):
            assert expected is type(post(client, "receive_phones", get=1).json())
        time_.advance(60)
        gateway.switches = Switches(refused_counts=False)
        time_.advance(1)
        assert list is type(post(client, "receive_phones", get=1).json())


def test_idle_connections_are_closed() -> None:
    """After so many seconds of silence, as web servers do."""
    with serve(Simulator(), keep_alive=0) as url, httpx.Client(base_url=url) as client:
        post(client, "balance")
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as raw:
            raw.sendall(b"GET /sys/balance.php HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while piece := raw.recv(4096):
                answer += piece
    assert b"ERROR = 2" in answer


def test_replies_are_not_held_back() -> None:
    """On a connection in use a reply takes far less than the 40 ms that Nagle's algorithm would cost it."""
    taken = []
    with serve(Simulator()) as url, httpx.Client(base_url=url) as client:
        for _ in range(60):
            start = time.perf_counter()
            post(client, "balance")
            taken.append(time.perf_counter() - start)
    # The first ones are quick in any case; the quickest of the rest, as the machine may be busy.
    assert min(taken[30:]) < 0.03


def test_many_threads_may_ask_at_once() -> None:
    """Fourteen at once for a while: the judge sees no more than fourteen, and nobody is refused for it."""
    gateway = Simulator(window=0.001, switches=Switches(refused_counts=False))

    def work(url: str) -> int:
        with httpx.Client(base_url=url, verify=False) as client:  # verifying loads certificates, which takes long
            return sum(
                client.post("/sys/wait_call.php", data={**CREDENTIALS, "phone": "380671234567"}).status_code
                for _ in range(40)
            )

    with serve(gateway) as url, ThreadPoolExecutor(14) as pool:
        assert [8000] * 14 == list(pool.map(work, [url] * 14))
    verdict = gateway.verdict()
    assert 560 == verdict.requests
    assert verdict.concurrency <= 14
    assert not verdict.refusals.get("concurrency")


def test_without_uvicorn_the_hint_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """In process nothing is needed; serving says what to install."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "smsc_async.simulator.threaded", raising=False)
    with pytest.raises(ImportError, match=r"smsc-async\[simulator\]"), serve(Simulator()):
        pass
