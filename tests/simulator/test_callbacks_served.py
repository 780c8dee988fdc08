"""Handlers over real sockets."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time as wall
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from smsc_async.simulator import Early, Fault, ManualTime, Simulator, Switches, serve
from tests.simulator.handling import Called, Handler

PHONE = "380671234567"
CREDENTIALS = {"login": "demo", "psw": "demo", "fmt": "3", "charset": "utf-8"}


class Server(ThreadingHTTPServer):
    """Writes down how it was called; answers with the next of its statuses, then with 200, after waiting for *gate*."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.statuses = list(statuses)
        self.calls: list[Called] = []
        self.page = b"noted"
        self.cut = 0  # how many pages were not read to their end
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/cb"


class _Page(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        path, _, query = self.path.partition("?")
        self.server.calls.append(Called(self.command, path, query, dict(self.headers.items()), body))
        self.server.gate.wait(10)
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        try:
            self.wfile.write(self.server.page)
        except ConnectionError:
            self.server.cut += 1

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def handler(*statuses: int) -> Iterator[Server]:
    """Run a handler; nothing is left of it."""
    with Server(*statuses) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()


def until(condition: Callable[[], object]) -> None:
    """Wait until another thread has got so far; the limit is for machines that are busy with other things."""
    limit = wall.monotonic() + 60
    while not condition():
        assert wall.monotonic() < limit, "it never came to that"
        wall.sleep(0.001)


def manual() -> tuple[Simulator, ManualTime]:
    """Give a simulator and the time that moves it."""
    time = ManualTime()
    return Simulator(clock=time.now, sleep=time.sleep), time


def test_a_subscriber_calls_and_the_handler_is_told() -> None:
    """From the request for a number to the callback and the inbox, all over HTTP; no thread is left behind."""
    threads = threading.active_count()
    with handler() as server:
        with serve(Simulator()) as url, httpx.Client(base_url=url) as client:
            address = f"{server.url}!token=a?md5=secret&shop=3"
            assert {"called_back": True} == client.post("/control/call_back", json={"url": address}).json()
            number = client.post("/sys/wait_call.php", data={**CREDENTIALS, "phone": PHONE}).json()["phone"]
            told = client.post("/control/subscriber_calls", json={"phone": PHONE}).json()
            assert ([1], number) == (told["callbacks"], told["call"])
            until(lambda: client.get("/control/state").json()["callbacks"]["delivered"] == 1)
            (row,) = client.post("/sys/get.php", data={**CREDENTIALS, "get_answers": "1"}).json()
        (called,) = server.calls
    assert ("[waitcall]", PHONE) == (row["message"], row["phone"])
    assert ("/cb", "token=a") == (called.path, called.query)
    assert ("1", PHONE, "3") == tuple(called.form()[name] for name in ("waitcall", "phone", "shop"))
    until(lambda: threads == threading.active_count())


def test_a_message_goes_on_by_itself_and_the_handler_is_told() -> None:
    """From the send to the delivery, over HTTP, and without a request in between."""
    with handler() as server, serve(Simulator(window=0.6)) as url, httpx.Client(base_url=url) as client:
        client.post("/control/call_back", json={"url": server.url})
        assert 1 == client.post("/sys/send.php", data={**CREDENTIALS, "phones": PHONE, "mes": "Hello"}).json()["id"]
        until(lambda: len(server.calls) == 2)
        assert {"1": 1} == client.get("/control/state").json()["messages"]
    assert [("1", "0"), ("1", "1")] == [(called.form()["id"], called.form()["status"]) for called in server.calls]


def test_what_fails_is_repeated_as_time_moves() -> None:
    """A refused connection and a redirect are attempts that failed; four minutes pass when time is moved."""
    gateway, time = manual()

    def attempted(count: int) -> bool:
        unheard, heard = (len(errand.attempts) for errand in gateway.callbacks())
        return count == unheard and min(count, 2) == heard

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with handler(302, 200) as server, serve(gateway):
            gateway.call_back(refused)
            gateway.message_is(id=1, phone=PHONE, status=1)
            gateway.call_back(server.url)
            gateway.message_is(id=2, phone=PHONE, status=1)
            for made in range(1, 4):
                until(partial(attempted, made))
                until(lambda: time.sleeping == 1)
                time.advance(240)
            until(lambda: gateway.callbacks()[1].state == "delivered")
    unheard, heard = gateway.callbacks()
    assert (unheard.attempts[0].error or "").startswith("ConnectError")
    assert ("pending", None) == (unheard.state, unheard.attempts[0].status)
    assert [302, 200] == [attempt.status for attempt in heard.attempts]
    assert ["/cb", "/cb"] == [called.path for called in server.calls]
    assert 240 == heard.attempts[1].at - heard.attempts[0].at


def test_a_slow_handler_keeps_nobody_from_stopping() -> None:
    """The call is broken off, and is not counted as an attempt."""
    threads = threading.active_count()
    gateway, _ = manual()
    with handler() as server:
        server.gate.clear()
        with serve(gateway):
            gateway.call_back(server.url)
            gateway.message_is(id=1, phone=PHONE, status=1)
            until(lambda: server.calls)
            start = wall.perf_counter()
        assert wall.perf_counter() - start < 5
    (errand,) = gateway.callbacks()
    assert ("pending", []) == (errand.state, errand.attempts)
    until(lambda: threads == threading.active_count())


def test_a_handler_that_takes_too_long_is_an_attempt_that_failed() -> None:
    """As long as the gateway's patience lasts."""
    gateway, _ = manual()
    gateway.switches = Switches(callback_patience=0.05)
    with handler() as server, serve(gateway):
        server.gate.clear()
        gateway.call_back(server.url)
        gateway.message_is(id=1, phone=PHONE, status=1)
        until(lambda: gateway.callbacks()[0].attempts)
    assert "TimeoutError" == gateway.callbacks()[0].attempts[0].error


def test_a_long_answer_is_not_read_to_its_end() -> None:
    """Its status counts, and its beginning is kept."""
    gateway, _ = manual()
    with handler(200, 500) as server, serve(gateway):
        server.page = b"long" * 5_000_000
        gateway.call_back(server.url)
        gateway.message_is(id=1, phone=PHONE, status=1)
        gateway.message_is(id=2, phone=PHONE, status=1)
        until(lambda: server.cut == 2)
        until(lambda: all(errand.attempts for errand in gateway.callbacks()))
    assert {200, 500} == {errand.attempts[0].status for errand in gateway.callbacks()}
    assert {b"long" * 250} == {errand.attempts[0].answer for errand in gateway.callbacks()}


def test_the_handler_can_hear_of_a_call_before_the_number_is_told() -> None:
    """While it has not answered, neither has the gateway."""
    gateway, _ = manual()
    gateway.faults.add(Fault(Early(gateway), action="wait_call"))
    replies: list[httpx.Response] = []
    with handler() as server, serve(gateway) as url:
        server.gate.clear()
        gateway.call_back(server.url)

        def ask() -> None:
            replies.append(httpx.post(f"{url}/sys/wait_call.php", data={**CREDENTIALS, "phone": PHONE}))

        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: server.calls)
        assert [] == replies
        server.gate.set()
        thread.join(10)
    assert "380440000101" == replies[0].json()["phone"]
    assert [200] == [attempt.status for attempt in gateway.callbacks("delivered")[0].attempts]


def test_a_thousand_events_are_told_at_once() -> None:
    """Each once; 32 handlers at a time, by the clock on the wall."""
    gateway = Simulator()
    with handler() as server, serve(gateway):
        gateway.call_back(server.url)
        for number in range(1_000):
            gateway.message_is(id=number, phone=PHONE, status=1)
        until(lambda: len(server.calls) == 1_000)
        until(lambda: len(gateway.callbacks("delivered")) == 1_000)
    assert list(range(1_000)) == sorted(int(called.form()["id"]) for called in server.calls)


def test_two_addresses_of_one_simulator_tell_nobody_twice() -> None:
    """As with www2."""
    gateway, _ = manual()
    with handler() as server, serve(gateway), serve(gateway):
        gateway.call_back(server.url)
        for number in range(100):
            gateway.message_is(id=number, phone=PHONE, status=1)
        until(lambda: len(gateway.callbacks("delivered")) == 100)
    assert 100 == len(server.calls)


@pytest.mark.anyio
async def test_an_app_is_called_by_who_gave_it() -> None:
    """Not by the server's thread, whose event loop is not the app's."""
    gateway, _ = manual()
    app = Handler()
    with handler() as server, serve(gateway):
        gateway.call_back("http://handler.example/cb", app)
        gateway.message_is(id=1, phone=PHONE, status=1)
        gateway.call_back(server.url)
        gateway.message_is(id=2, phone=PHONE, status=1)
        until(lambda: gateway.callbacks("delivered"))
        assert [] == app.calls
        assert 1 == await gateway.deliver_due()
    assert (1, 1) == (len(app.calls), len(server.calls))


@pytest.mark.anyio
async def test_step_by_step_goes_over_sockets_too() -> None:
    """From either event loop, and no connection is left."""
    gateway, time = manual()
    with handler(503) as server:
        gateway.call_back(f"{server.url}?fmt=3")
        gateway.message_is(id=1, phone=PHONE, status=1)
        assert 1 == await gateway.deliver_due()
        time.advance(240)
        assert 1 == await gateway.deliver_due()
    assert ["1", "1"] == [called.json()["id"] for called in server.calls]
    assert {"close"} == {called.headers["connection"] for called in server.calls}
    assert "delivered" == gateway.callbacks()[0].state


def test_the_program_calls_the_address_it_is_given() -> None:
    """``--callback`` takes what is pasted into the account's settings."""
    with handler() as server:
        command = [
            sys.executable,
            "-m",
            "smsc_async.simulator",
            "--json",
            "--quiet",
            "--callback",
            f"{server.url}?fmt=3",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            httpx.post(f"{url}/control/subscriber_writes", json={"phone": PHONE, "text": "так"}).raise_for_status()
            until(lambda: server.calls)
            process.terminate()
            assert 0 == process.wait(10)
    assert "так" == server.calls[0].json()["mes"]
