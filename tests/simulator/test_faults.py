"""Faults on request, in process."""

from __future__ import annotations

import asyncio
import gzip
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from smsc_async.simulator import (
    CutShort,
    Delay,
    Drip,
    Drop,
    Dropped,
    EchoCredentials,
    Fault,
    Garbage,
    GzipBomb,
    RentableNumber,
    Simulator,
    Truncate,
    WrongLength,
    empty_body,
    html_page,
    http_status,
    plain_refusal,
    redirect,
)
from smsc_async.simulator.disturbance import Effect
from tests.simulator.asking import CREDENTIALS, Reply, ask, ask_async, simulator, until_sleeping

PHONE = "380950000001"
START = Decimal("1000.00")
PRICE = Decimal("30.00")


def gateway_with(effect: Effect, **options: Any) -> Simulator:
    """Give a simulator that is about to mistreat a request."""
    gateway, _ = simulator(numbers=[RentableNumber(PHONE)])
    gateway.faults.add(Fault(effect, **options))
    return gateway


def rent(gateway: Simulator) -> Reply:
    """Rent the only number."""
    return ask(gateway, "receive_phones", buy=1, phone=PHONE)


def test_a_fault_strikes_once_unless_told_otherwise() -> None:
    """The first request is hit, the second is not."""
    gateway = gateway_with(http_status(502, acted=False))
    assert [502, 200] == [ask(gateway, "balance").status for _ in range(2)]


def test_a_fault_can_be_counted_skipped_and_endless() -> None:
    """So many times, after so many, or for ever."""
    gateway = gateway_with(http_status(500, acted=False), skip=1, times=2)
    endless = Fault(http_status(503, acted=False), endpoint="downloads", times=None)
    gateway.faults.add(endless)
    assert [200, 500, 500, 200] == [ask(gateway, "balance").status for _ in range(4)]
    assert [503] * 3 == [ask(gateway, "downloads", get_list=1).status for _ in range(3)]
    assert 3 == endless.hits
    gateway.faults.remove(endless)
    assert 200 == ask(gateway, "downloads", get_list=1, cnt=1).status


@pytest.mark.parametrize(
    ("options", "hit"),
    [
        ({"endpoint": "receive_phones"}, True),
        ({"endpoint": "receive_phones.php"}, True),
        ({"endpoint": "balance"}, False),
        ({"action": "buy"}, True),
        ({"action": "get"}, False),
        ({"when": lambda request: request.phone == PHONE}, True),
        ({"when": lambda request: request.phone == "1"}, False),
        ({"chance": 0.0}, False),
    ],
)
def test_a_fault_is_addressed(options: dict[str, Any], *, hit: bool) -> None:
    """By endpoint, by action, by anything in the request, or by chance."""
    gateway = gateway_with(http_status(500, acted=False), **options)
    assert hit == (rent(gateway).status == 500)


def test_chance_follows_the_seed() -> None:
    """The same random numbers make the same faults."""

    def run(seed: int | Random) -> list[int]:
        gateway, _ = simulator(seed=seed)
        gateway.faults.add(Fault(http_status(500, acted=False), times=None, chance=0.5))
        return [ask(gateway, "balance").status for _ in range(40)]

    assert run(7) == run(Random(7))
    assert {200, 500} == set(run(7))
    assert run(7) != run(8)


@pytest.mark.parametrize(
    ("effect", "acted"),
    [
        (http_status(502, acted=True), True),
        (http_status(502, acted=False), False),
        (http_status(429, acted=False, retry_after=5), False),
        (redirect("https://other.example/", 307), False),
        (html_page(acted=True), True),
        (html_page(acted=False), False),
        (empty_body(acted=True), True),
        (empty_body(acted=False), False),
        (Garbage(acted=True), True),
        (Garbage(acted=False), False),
        (plain_refusal(9), False),
        (Truncate(3), True),
        (WrongLength(-2), True),
        (GzipBomb(1000), True),
        (EchoCredentials(), False),
    ],
    ids=repr,
)
def test_a_fault_acts_or_does_not(effect: Effect, *, acted: bool) -> None:
    """The money is gone exactly where the gateway acted, and the log and the judge know."""
    gateway = gateway_with(effect)
    rent(gateway)
    assert (START - PRICE if acted else START) == gateway.account.balance
    assert (acted, "fault") == (gateway.log[0].paid, gateway.log[0].outcome)
    assert acted == (gateway.verdict().paid == {("demo", "buy", PHONE): 1})


def test_a_replaced_answer_still_counts() -> None:
    """The window holds requests whatever became of their answers."""
    gateway = gateway_with(http_status(502, acted=False), times=2)
    statuses = [ask(gateway, "receive_phones", get=1) for _ in range(3)]
    assert [502, 502] == [reply.status for reply in statuses[:2]]
    assert 9 == statuses[2].json["error_code"]


@pytest.mark.parametrize(
    ("effect", "status", "headers", "body"),
    [
        (http_status(503, acted=False), 503, {"content-type": "text/html; charset=utf-8"}, b"<h1>503</h1>"),
        (http_status(429, acted=False, retry_after=5), 429, {"retry-after": "5"}, b"429"),
        (redirect("https://other.example/", 308), 308, {"location": "https://other.example/"}, b""),
        (html_page(), 200, {"content-type": "text/html; charset=utf-8"}, b"<h1>Back soon</h1>"),
        (empty_body(), 200, {"content-length": "0"}, b""),
        (plain_refusal(9), 200, {}, b"ERROR = 9 (duplicate request, wait a minute)"),
        (Truncate(6), 200, {"content-length": "6", "content-type": "application/json; charset=utf-8"}, b'{"bala'),
        (WrongLength(-3), 200, {"content-length": "18"}, b'{"balance":"1000.0'),
    ],
    ids=repr,
)
def test_a_fault_looks_like_the_real_thing(effect: Effect, status: int, headers: dict[str, str], body: bytes) -> None:
    """Status, headers and body are those of a proxy, of a broken server, or of a half answer."""
    reply = ask(gateway_with(effect), "balance")
    assert status == reply.status
    assert headers == {name: reply.headers[name] for name in headers}
    assert body in reply.body


def test_garbage_is_what_it_says() -> None:
    """Random bytes under the headers of an answer."""
    reply = ask(gateway_with(Garbage(size=50)), "balance")
    assert (50, "application/json; charset=utf-8") == (len(reply.body), reply.headers["content-type"])


def test_a_gzip_bomb_unpacks() -> None:
    """A small body becomes a large one."""
    reply = ask(gateway_with(GzipBomb(10_000_000)), "balance")
    assert "gzip" == reply.headers["content-encoding"]
    assert len(reply.body) < 20_000
    assert 10_000_000 == len(gzip.decompress(reply.body))


@pytest.mark.parametrize("fmt", range(4))
def test_an_error_may_repeat_the_password(fmt: int) -> None:
    """In every format, as a careless server would."""
    assert "psw=demo" in ask(gateway_with(EchoCredentials(code=6)), "balance", fmt=fmt).text or fmt == 1


def test_a_refusal_may_stand_in_for_a_file() -> None:
    """Text where a CSV was expected."""
    gateway = gateway_with(plain_refusal(9), action="get_file")
    gateway.add_task()
    reply = ask(gateway, "downloads", get_file=1, id=1)
    assert (b"ERROR = 9", "text/plain; charset=utf-8") == (reply.body[:9], reply.headers["content-type"])


@pytest.mark.parametrize("acted", [True, False])
def test_a_drop_raises_in_process(*, acted: bool) -> None:
    """Where there is no connection, an exception stands for its end."""
    gateway = gateway_with(Drop(acted=acted))
    with pytest.raises(Dropped):
        rent(gateway)
    assert (START - PRICE if acted else START) == gateway.account.balance
    assert ("dropped", 0) == (gateway.log[0].outcome, gateway.verdict().unfinished)


def test_what_a_drop_raises_can_be_chosen() -> None:
    """So that a client sees its own transport's exception."""
    gateway, _ = simulator(dropped=KeyError)
    gateway.faults.add(Fault(Drop(acted=False)))
    with pytest.raises(KeyError):
        ask(gateway, "balance")
    assert () == gateway.verdict().crashes


def test_a_file_may_be_cut_short() -> None:
    """After so many bytes the connection is gone, whatever was promised."""
    gateway = gateway_with(CutShort(100), action="get_file")
    gateway.add_task(rows=2000)
    with pytest.raises(Dropped):
        ask(gateway, "downloads", get_file=1, id=1)
    assert "dropped" == gateway.log[0].outcome


def test_a_length_may_be_too_long() -> None:
    """More bytes are promised than come."""
    with pytest.raises(Dropped):
        ask(gateway_with(WrongLength(5)), "balance")


@pytest.mark.asyncio
async def test_delays_come_before_counting_acting_and_replying() -> None:
    """Each of the three moments is on the log, and delays of several faults add up."""
    gateway, time = simulator()
    gateway.faults.add(
        Fault(Delay(before_counting=1, before_acting=lambda random: random.choice([2.0]))),
        Fault(Delay(before_reply=4)),
        Fault(Delay(before_reply=8)),
    )
    start = time.now()
    task = asyncio.create_task(ask_async(gateway, "balance", CREDENTIALS))
    for seconds in (1, 2, 12):
        await until_sleeping(time, 1)
        time.advance(seconds)
    await task
    arrival = gateway.log[0]
    moments = (arrival.entered_at, arrival.arrived_at, arrival.acted_at, arrival.completed_at)
    assert (0, 1, 3, 15) == tuple(moment - start for moment in moments if moment is not None)
    assert ("Delay", "Delay", "Delay") == arrival.faults
    assert "answered" == arrival.outcome


@pytest.mark.asyncio
async def test_a_body_may_drip() -> None:
    """So many bytes a second, and the request is in flight all the while."""
    gateway, time = simulator()
    gateway.faults.add(Fault(Drip(rate=10, piece=5)))
    task = asyncio.create_task(ask_async(gateway, "balance", CREDENTIALS))
    steps = 0
    while not task.done():
        await asyncio.sleep(0)
        if time.sleeping:
            assert gateway.log[0].completed_at is None
            time.advance(0.5)
            steps += 1
    assert 2 == steps
    reply = task.result()
    assert (b"1000.00", "7") == (reply.body, reply.headers["content-length"])


def test_faults_can_be_taken_back() -> None:
    """After clear nothing strikes."""
    gateway = gateway_with(http_status(500, acted=False), times=None)
    gateway.faults.clear()
    assert (0, 200) == (len(gateway.faults), ask(gateway, "balance").status)
    assert "Faults" in repr(gateway.faults)


def test_foreign_requests_use_up_windows() -> None:
    """Ours is refused, the judge excuses it, and counts only our own."""
    gateway, time = simulator()
    gateway.foreign.request("receive_phones", {"get": "1"}, times=2)
    assert 9 == ask(gateway, "receive_phones", get=1).json["error_code"]
    time.advance(60)
    assert 5 == len(ask(gateway, "receive_phones", get=1).json)
    verdict = gateway.verdict()
    assert (2, 2, 1) == (verdict.requests, verdict.foreign, verdict.excused)
    assert [] == verdict.problems()


def test_foreign_requests_use_up_slots() -> None:
    """With all fourteen taken ours is refused and excused; afterwards it passes."""
    gateway, _ = simulator()
    with gateway.foreign.occupy(14) as occupation:
        assert "too many concurrent requests" == ask(gateway, "downloads", get_list=1).json["error"]
        assert 9 == ask(gateway, "downloads", get_list=1, cnt=1).json["error_code"]
    occupation.release()
    assert [] == ask(gateway, "downloads", get_list=1, cnt=2).json
    verdict = gateway.verdict()
    assert (14, 2, 1) == (verdict.foreign, verdict.excused, verdict.concurrency)
    assert [] == verdict.problems()


def test_a_defect_of_the_simulator_is_told() -> None:
    """What goes wrong inside is an exception and a sentence in the verdict, not a strange answer."""
    gateway, _ = simulator()
    gateway.numbers.available["x"] = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        ask(gateway, "receive_phones", get=1)
    assert "crashed" == gateway.log[0].outcome
    assert "AttributeError" in gateway.verdict().problems()[0]
