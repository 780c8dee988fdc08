"""Fourteen at once, and not one more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from smsc_async.simulator import Account, Delay, Fault, ManualTime, Simulator, Switches
from tests.simulator.asking import CREDENTIALS, Reply, ask, ask_async, errors, simulator, until_sleeping

pytestmark = pytest.mark.asyncio


async def hold(gateway: Simulator, time: ManualTime, count: int, **params: Any) -> list[asyncio.Task[Reply]]:
    """Start *count* different requests that take until time is moved."""
    start = time.sleeping
    tasks = [
        asyncio.create_task(
            ask_async(gateway, "receive_phones", {**CREDENTIALS, "fmt": 3, "buy": 1, "phone": str(number), **params})
        )
        for number in range(count)
    ]
    await until_sleeping(time, start + count)
    return tasks


def slow(gateway: Simulator, seconds: float = 10.0, **options: Any) -> None:
    """Make every rent slow."""
    gateway.faults.add(Fault(Delay(before_acting=seconds), action="buy", times=None, **options))


async def finish(time: ManualTime, tasks: list[asyncio.Task[Reply]], seconds: float = 10.0) -> list[Reply]:
    """Let the time pass that the requests take."""
    time.advance(seconds)
    return list(await asyncio.gather(*tasks))


async def test_the_fifteenth_in_flight_is_refused() -> None:
    """Fourteen wait for their answers; the next is told so, whatever it asks for, and counts in the judge's figure."""
    gateway, time = simulator()
    slow(gateway)
    held = await hold(gateway, time, 14)
    assert {"error": "too many concurrent requests", "error_code": 9} == ask(gateway, "balance").json
    assert [1] * 14 == errors(await finish(time, held))
    assert 15 == gateway.verdict().concurrency
    assert 1 == gateway.verdict().refusals["concurrency"]


async def test_fourteen_are_no_problem() -> None:
    """The edge itself is allowed, and reached."""
    gateway, time = simulator()
    slow(gateway)
    held = await hold(gateway, time, 13)
    assert "balance" in ask(gateway, "balance").json
    await finish(time, held)
    verdict = gateway.verdict()
    assert (14, 1) == (verdict.concurrency, verdict.saturated)
    assert [] == verdict.problems()


async def test_a_slot_is_free_when_the_answer_was_handed_over() -> None:
    """After the answers others come in at once."""
    gateway, time = simulator()
    slow(gateway)
    await finish(time, await hold(gateway, time, 14))
    held = await hold(gateway, time, 14)
    assert [1] * 14 == errors(await finish(time, held))


async def test_the_counter_may_trail() -> None:
    """With the switch a slot stays taken for a moment after the answer; the judge goes by the answer."""
    gateway, time = simulator(switches=Switches(trailing=0.25))
    slow(gateway)
    await finish(time, await hold(gateway, time, 14))
    assert [9] == errors([ask(gateway, "balance")])
    time.advance(0.25)
    assert [0] == errors([ask(gateway, "balance", other=1)])
    assert 14 == gateway.verdict().concurrency


async def test_other_logins_have_slots_of_their_own() -> None:
    """Another account is served while fourteen of the first wait."""
    gateway, time = simulator()
    gateway.add_account(Account(login="second", password="demo"))
    slow(gateway)
    held = await hold(gateway, time, 14)
    assert [0] == errors([ask(gateway, "balance", login="second")])
    await finish(time, held)


async def test_login_and_key_of_one_account_share_slots() -> None:
    """Both kinds of credentials lead to one login."""
    gateway, time = simulator()
    slow(gateway)
    held = await hold(gateway, time, 14)
    reply = await ask_async(gateway, "balance", {"apikey": "demo-key", "fmt": 3})
    assert [9] == errors([reply])
    await finish(time, held)


@pytest.mark.parametrize(("separate", "expected"), [(False, 9), (True, 0)])
async def test_hosts_may_have_slots_of_their_own(*, separate: bool, expected: int) -> None:
    """Whether www2 counts for itself is a switch."""
    gateway, time = simulator(switches=Switches(separate_hosts=separate))
    slow(gateway)
    held = await hold(gateway, time, 14)
    reply = await ask_async(gateway, "balance", {**CREDENTIALS, "fmt": 3}, host="www2.smsc.ua")
    assert [expected] == errors([reply])
    await finish(time, held)


async def test_a_request_whose_body_is_still_coming_joins_with_hindsight() -> None:
    """Whose it is shows with the body; the judge counts it from its headers on."""
    gateway, time = simulator()
    slow(gateway)
    more = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await more.wait()
        return {"type": "http.request", "body": b"login=demo&psw=demo&fmt=3", "more_body": False}

    async def send(_: Any) -> None:
        return

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/sys/balance.php",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
    }
    late: Awaitable[None] = asyncio.ensure_future(gateway(scope, receive, send))
    await asyncio.sleep(0)
    held = await hold(gateway, time, 14)
    await finish(time, held)
    more.set()
    await late
    verdict = gateway.verdict()
    assert 15 == verdict.concurrency
    assert 0 == verdict.refusals.get("concurrency", 0)


async def test_a_client_that_cancels_in_process_leaves_its_slot() -> None:
    """An abandoned exchange is over."""
    gateway, time = simulator()
    slow(gateway)
    held = await hold(gateway, time, 14)
    held[0].cancel()
    await asyncio.gather(held[0], return_exceptions=True)
    assert "abandoned" == gateway.log[0].outcome
    assert [0] == errors([ask(gateway, "balance")])
    await finish(time, held[1:])
    assert 0 == gateway.verdict().unfinished
