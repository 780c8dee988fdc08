"""The sliding minute, and every reading of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.simulator import ManualTime, Simulator, Switches
from smsc_async.simulator.windows import SWEEP_EVERY, Limit, Windows
from tests.simulator.asking import CREDENTIALS, ask, ask_async, errors, run, simulator, until_sleeping


def get(gateway: Simulator, **params: Any) -> int:
    """Ask for the list of numbers and give the error."""
    return errors([ask(gateway, "receive_phones", get=1, **params)])[0]


@pytest.mark.parametrize(
    ("path", "params", "limit"),
    [
        ("receive_phones", {"get": 1}, 2),
        ("receive_phones", {"buy": 1, "phone": "1"}, 2),
        ("receive_phones", {"chg": 1, "phone": "1"}, 2),
        ("wait_call", {"phone": "380671234567"}, 50),
        ("downloads", {"get_list": 1}, 3),
        ("downloads", {"get_file": 1, "id": 7}, 3),
        ("balance", {}, 10),
    ],
)
def test_one_more_than_the_limit_is_refused_until_a_minute_is_over(
    path: str, params: dict[str, Any], limit: int
) -> None:
    """Each action takes as many a minute as the vendor says, and takes them again a minute later."""
    gateway, time = simulator(switches=Switches(refused_counts=False))
    nines = errors([ask(gateway, path, **params) for _ in range(limit + 2)])
    assert [False] * limit + [True] * 2 == [code == 9 for code in nines]
    time.advance(59.999)
    assert {"error": "duplicate request, wait a minute", "error_code": 9} == ask(gateway, path, **params).json
    time.advance(0.001)
    nines = errors([ask(gateway, path, **params) for _ in range(limit + 1)])
    assert [False] * limit + [True] == [code == 9 for code in nines]


def test_the_window_slides() -> None:
    """A place is free a minute after the request that took it, and not a minute after the last."""
    gateway, time = simulator()
    assert 0 == get(gateway)
    time.advance(40)
    assert 0 == get(gateway)
    time.advance(20)
    assert 0 == get(gateway)
    time.advance(39.9)
    assert 9 == get(gateway)


def test_the_minute_can_be_shorter() -> None:
    """Tests need not wait a minute."""
    gateway, time = simulator(window=0.2)
    assert [0, 0, 9] == [get(gateway) for _ in range(3)]
    time.advance(0.2)
    assert 0 == get(gateway)


def test_what_is_identical_leaves_out_format_charset_and_credentials() -> None:
    """The same question in another form is the same question."""
    gateway, _ = simulator()
    assert 0 == get(gateway)
    assert 200 == ask(gateway, "receive_phones", get=1, charset="koi8-r", fmt=1).status
    reply = run(ask_async(gateway, "receive_phones", {"apikey": "demo-key", "get": 1}))
    assert "ERROR = 9 (duplicate request, wait a minute)" == reply.text


def test_other_parameters_make_another_request() -> None:
    """Three different numbers can be asked for within a minute."""
    gateway, _ = simulator()
    replies = [ask(gateway, "receive_phones", buy=1, phone=str(number)) for number in range(5)]
    assert [1] * 5 == errors(replies)


def test_spellings_of_a_phone_are_identical() -> None:
    """A plus and spaces do not make another request."""
    gateway, _ = simulator()
    spellings = ("380000000000", "+380 00 000-00-00", "380000000000")
    assert [1, 1, 9] == errors([ask(gateway, "receive_phones", buy=1, phone=phone) for phone in spellings])


def test_the_action_may_be_all_that_is_compared() -> None:
    """With the switch, five different numbers share one window."""
    gateway, _ = simulator(switches=Switches(identical="action"))
    replies = [ask(gateway, "receive_phones", buy=1, phone=str(number)) for number in range(4)]
    assert [1, 1, 9, 9] == errors(replies)
    assert 0 == get(gateway)
    assert [4] == [figure.worst for figure in gateway.verdict().windows if figure.action == "buy"]


@pytest.mark.parametrize(("counts", "after"), [(True, 9), (False, 0)])
def test_whether_refused_requests_count_is_a_switch(*, counts: bool, after: int) -> None:
    """If they do, knocking keeps the door shut."""
    gateway, time = simulator(switches=Switches(refused_counts=counts))
    codes = []
    for _ in range(6):
        codes.append(get(gateway))
        time.advance(25)
    assert [0, 0, 9, after] == codes[:4]


@pytest.mark.parametrize(
    ("rounding", "inclusive", "first", "later", "expected"),
    [
        ("float", False, 0.0, 60.0, 0),
        ("float", True, 0.0, 60.0, 9),
        ("float", True, 0.0, 60.001, 0),
        ("floor", False, 0.9, 60.0, 0),  # 59.1 s apart, but 60 whole seconds
        ("floor", False, 0.0, 59.999, 9),
        ("floor", True, 0.0, 60.999, 9),  # 60.999 s apart: the most that rounding can add
        ("floor", True, 0.0, 61.0, 0),
        ("calendar", False, 59.9, 60.0, 0),
        ("calendar", False, 0.0, 59.9, 9),
    ],
)
def test_rounding_is_a_switch(*, rounding: Any, inclusive: bool, first: float, later: float, expected: int) -> None:
    """Sliding exactly, in whole seconds, including the boundary, or by the minute on the wall."""
    time = ManualTime(600.0)
    gateway = Simulator(clock=time.now, sleep=time.sleep, switches=Switches(rounding=rounding, inclusive=inclusive))
    time.advance_to(600.0 + first)
    get(gateway)
    get(gateway)
    time.advance_to(600.0 + later)
    assert expected == get(gateway)


@pytest.mark.parametrize(("rate", "expected"), [(0.999, 9), (1.0, 0), (1.001, 0)])
def test_the_gateways_clock_may_run_at_another_rate(rate: float, expected: int) -> None:
    """A slow clock makes the gateway's minute longer than ours."""
    gateway, time = simulator(switches=Switches(clock_rate=rate))
    get(gateway)
    get(gateway)
    time.advance(60.01)
    assert expected == get(gateway)


@pytest.mark.asyncio
@pytest.mark.parametrize(("counted_at", "expected"), [("arrival", 0), ("completion", 9)])
async def test_when_a_request_is_counted_is_a_switch(counted_at: Any, expected: int) -> None:
    """A slow answer holds its place until a minute after its end, if completion counts."""
    import asyncio

    from smsc_async.simulator import Delay, Fault

    gateway, time = simulator(switches=Switches(counted_at=counted_at))
    gateway.faults.add(Fault(Delay(before_reply=30), times=2))
    slow = [
        asyncio.create_task(ask_async(gateway, "receive_phones", {**CREDENTIALS, "get": 1, "fmt": 3})) for _ in range(2)
    ]
    await until_sleeping(time, 2)
    time.advance(30)
    await asyncio.gather(*slow)
    time.advance(35)
    assert expected == get(gateway)


@pytest.mark.parametrize(("separate", "expected"), [(False, 9), (True, 0)])
def test_hosts_may_count_apart(*, separate: bool, expected: int) -> None:
    """Whether www2 shares the counters is a switch."""
    gateway, _ = simulator(switches=Switches(separate_hosts=separate))
    for _ in range(2):
        get(gateway)
    params = {**CREDENTIALS, "get": 1, "fmt": 3, "charset": "utf-8"}
    reply = run(ask_async(gateway, "receive_phones", params, host="www2.smsc.ua"))
    assert [expected] == errors([reply])
    assert 3 == max(figure.worst for figure in gateway.verdict().windows)


def test_switches_may_change_in_mid_run() -> None:
    """A request is judged by the switches of its moment."""
    gateway, time = simulator()
    get(gateway)
    get(gateway)
    time.advance(60)
    gateway.switches = attrs.evolve(gateway.switches, inclusive=True)
    assert 9 == get(gateway)


def test_windows_do_not_pile_up() -> None:
    """Keys that nobody uses any more are swept out."""
    windows = Windows(60.0)
    for number in range(2 * SWEEP_EVERY):
        windows.count([number], number * 60.0)
    assert len(windows._counted) < SWEEP_EVERY + 5


@given(
    gaps=st.lists(st.sampled_from([0.0, 0.5, 1.0, 19.5, 20.0, 30.0, 59.5, 60.0, 61.0]), max_size=40),
    limit=st.integers(1, 4),
    counts=st.booleans(),
)
def test_the_window_agrees_with_its_definition(gaps: list[float], limit: int, *, counts: bool) -> None:
    """A request is refused if and only if *limit* counted ones came less than a minute before it."""
    windows = Windows(60.0)
    switches = Switches()
    now = 0.0
    counted: list[float] = []
    for gap in gaps:
        now += gap
        expected = sum(now - moment < 60.0 for moment in counted) >= limit
        assert expected == windows.full("key", Limit(limit), now, switches)
        if counts or not expected:
            windows.count(["key"], now)
            counted.append(now)
