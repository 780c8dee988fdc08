"""The judge, on logs made by hand and against plain definitions."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.simulator import Arrival, Fault, http_status
from smsc_async.simulator.judge import judge
from smsc_async.simulator.windows import Limit
from tests.simulator.asking import CREDENTIALS, ask, ask_async, run, simulator


def arrival(number: int, start: float, end: float | None = None, **fields: Any) -> Arrival:
    """Give an arrival of a request with limit 2."""
    made = Arrival(number=number, entered_at=start, entered_order=2 * number)
    values: dict[str, Any] = {
        "login": "demo",
        "endpoint": "receive_phones.php",
        "action": "get",
        "limits": (Limit(2),),
        "arrived_at": start,
        "completed_at": start if end is None else end,
        "completed_order": 2 * number + 1,
        "outcome": "answered",
        "client": "127.0.0.1",
        **fields,
    }
    for name, value in values.items():
        setattr(made, name, value)
    return made


def test_three_within_a_minute_are_a_problem() -> None:
    """The sentence tells who, what, how many and when."""
    verdict = judge([arrival(n, start) for n, start in enumerate([0, 30, 59.9])], window=60)
    expected = ["demo receive_phones.php get: 3 requests arrived within 60 s (by 59.900), 2 are allowed."]
    assert expected == verdict.problems()
    assert not verdict.ok
    assert "PROBLEM: demo receive_phones.php get: 3 requests" in str(verdict)


def test_exactly_a_minute_apart_is_no_problem_and_the_edge_is_reached() -> None:
    """Two at a time, and five windows hold exactly two."""
    verdict = judge([arrival(n, 30.0 * n) for n in range(6)], window=60)
    assert verdict.ok
    assert (2, 5) == (verdict.windows[0].worst, verdict.full_windows)


def test_any_instant_is_harder_than_arrival() -> None:
    """A slow answer could have been counted late, so that three fall within a minute."""
    arrivals = [arrival(0, 0, 50), arrival(1, 0), arrival(2, 60), arrival(3, 60.5)]
    verdict = judge(arrivals, window=60)
    assert [] == verdict.problems()
    assert 3 == verdict.windows[0].exposed
    assert "3 requests could be counted within 60 s" in verdict.problems(any_instant=True)[0]


@pytest.mark.parametrize(("count", "problems"), [(14, 0), (15, 1)])
def test_fifteen_in_flight_are_a_problem(count: int, problems: int) -> None:
    """Fourteen are reached, fifteen are too many."""
    arrivals = [arrival(n, 0, 5, key=(("n", n),), entered_order=n, completed_order=100 + n) for n in range(count)]
    verdict = judge(arrivals, window=60)
    assert (count, 1, problems) == (verdict.concurrency, verdict.saturated, len(verdict.problems()))


def test_order_decides_where_the_clock_is_too_coarse() -> None:
    """Twenty exchanges one after the other at the same instant are never two at once."""
    verdict = judge([arrival(n, 0, key=(("n", n),)) for n in range(20)], window=60)
    assert 1 == verdict.concurrency


def test_unfinished_requests_stay_in_flight() -> None:
    """Without an end they count for ever, also for windows at any instant."""
    arrivals = [arrival(0, 0), arrival(1, 1), arrival(2, 100)]
    for one in arrivals[:2]:
        one.completed_at = one.completed_order = None
    verdict = judge(arrivals, window=60)
    assert (2, 3, 3) == (verdict.unfinished, verdict.concurrency, verdict.windows[0].exposed)


def test_a_forgetful_log_is_a_problem() -> None:
    """The verdict does not pretend to know what it has not seen."""
    gateway, _ = simulator(log_size=3)
    for _ in range(5):
        ask(gateway, "balance")
    assert [
        "The log has forgotten 2 arrivals, so that this verdict covers only the rest."
    ] == gateway.verdict().problems()


def test_our_own_refusals_are_a_problem() -> None:
    """Error 9 without anybody else to blame."""
    gateway, time = simulator()
    for _ in range(3):
        ask(gateway, "receive_phones", get=1)
        time.advance(1)
    verdict = gateway.verdict()
    assert {"duplicate": 1} == verdict.refusals
    assert "1 requests were refused with error 9 by our own doing." in verdict.problems()


def test_foreign_traffic_does_not_excuse_everything() -> None:
    """What would have been refused without it is our doing."""
    gateway, _ = simulator()
    for _ in range(4):
        ask(gateway, "receive_phones", get=1)
    gateway.foreign.request("receive_phones", {"get": "1"})
    ask(gateway, "receive_phones", get=1)
    assert 0 == gateway.verdict().excused


def test_lock_outs_are_problems() -> None:
    """Five wrong passwords, and what came from the blocked address."""
    gateway, _ = simulator()
    for _ in range(6):
        run(ask_async(gateway, "balance", {"login": "demo", "psw": "wrong"}))
    assert [
        "1 requests came from a blocked address.",
        "5 authorisation errors came from 127.0.0.1; 5 within half an hour block it.",
    ] == gateway.verdict().problems()


def test_renting_again_after_it_was_done_is_a_problem() -> None:
    """The first answer was lost, the client asked again: nothing was paid twice, but only by luck."""
    gateway, _ = simulator()
    gateway.faults.add(Fault(http_status(502, acted=True)))
    for _ in range(2):
        ask(gateway, "receive_phones", buy=1, phone="380950000001")
    assert [
        "380950000001 was asked for again 1 times by demo after it had been rented.",
    ] == gateway.verdict().problems()


def test_renting_again_after_it_was_not_done_is_fine() -> None:
    """A repeat after a request that the gateway did not carry out harms nobody."""
    gateway, _ = simulator()
    gateway.faults.add(Fault(http_status(502, acted=False)))
    for _ in range(2):
        ask(gateway, "receive_phones", buy=1, phone="380950000001")
    assert gateway.verdict().ok
    assert {("demo", "buy", "380950000001"): 1} == gateway.verdict().paid


def test_the_verdict_reads_well() -> None:
    """Figures first, then problems or none."""
    gateway, _ = simulator()
    gateway.faults.add(Fault(http_status(502, acted=False), name="bad gateway"))
    ask(gateway, "wait_call", phone="380671234567")
    ask(gateway, "wait_call", phone="380671234567")
    expected = """\
2 requests, 0 foreign, 0 unfinished; window 60 s
  in flight at once: at most 1; 14 were reached 0 times
  windows: 1, full exactly to the limit 0 times
    2 of 50 (2 at any instant): demo wait_call.php wait_call [phone=380671234567]
  outcomes: fault 1, answered 1
  faults: bad gateway 1
  paid, allotted or sent: 1
no problems"""
    assert expected == str(gateway.verdict())


def test_reset_forgets_the_log_and_the_limits_but_not_the_money() -> None:
    """A fresh start for the next test on the same state."""
    gateway, _ = simulator()
    gateway.block("127.0.0.9")
    gateway.faults.add(Fault(http_status(500, acted=False), skip=9))
    ask(gateway, "receive_phones", buy=1, phone="380950000001")
    ask(gateway, "receive_phones", get=1)
    ask(gateway, "receive_phones", get=1)
    gateway.reset()
    assert 4 == len(ask(gateway, "receive_phones", get=1).json)
    assert 1 == len(gateway.log)
    assert 0 == len(gateway.faults)


def test_the_log_is_a_copy() -> None:
    """What a test does to it changes nothing."""
    gateway, _ = simulator()
    ask(gateway, "balance")
    for one in gateway.log:
        one.outcome = "crashed"
    assert ["answered"] == [one.outcome for one in gateway.log]


def test_credentials_in_the_url_are_counted() -> None:
    """Each of them, once per request."""
    gateway, _ = simulator()
    for _ in range(2):
        run(ask_async(gateway, "balance", CREDENTIALS, method="GET"))
    assert 2 == gateway.verdict().credentials_in_url


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30), st.booleans()), max_size=9)


@given(spans)
def test_the_worst_window_agrees_with_its_definition(made: list[tuple[int, int, bool]]) -> None:
    """It is the largest number of arrivals within less than a minute of one of them; likewise at any instant."""
    arrivals = [
        arrival(n, start, math.inf if endless else start + length) for n, (start, length, endless) in enumerate(made)
    ]
    for one in arrivals:
        if one.completed_at == math.inf:
            one.completed_at = one.completed_order = None
    verdict = judge(arrivals, window=10)
    if not made:
        assert () == verdict.windows
        return
    starts = [start for start, _, _ in made]
    worst = max(sum(0 <= other - start < 10 for other in starts) for start in starts)
    # At any instant: try every half second as the beginning of the window.
    exposed = max(
        sum(start < begin / 2 + 10 and (endless or start + length >= begin / 2) for start, length, endless in made)
        for begin in range(200)
    )
    assert (worst, exposed) == (verdict.windows[0].worst, verdict.windows[0].exposed)
    ordered = sorted(starts)
    full = sum(sum(start - other < 10 for other in ordered[: n + 1]) == 2 for n, start in enumerate(ordered))
    assert full == verdict.full_windows


@given(st.lists(st.sampled_from(["in", "out"]), max_size=60))
def test_the_concurrency_agrees_with_counting(steps: list[str]) -> None:
    """The judge's figure is what one counts by hand."""
    arrivals: list[Arrival] = []
    inside: list[Arrival] = []
    worst = 0
    for order, step in enumerate(steps):
        if step == "in":
            one = arrival(len(arrivals), 0.0, key=(("n", len(arrivals)),), entered_order=order)
            one.completed_at = one.completed_order = None
            arrivals.append(one)
            inside.append(one)
            worst = max(worst, len(inside))
        elif inside:
            one = inside.pop(0)
            one.completed_at, one.completed_order = 0.0, order
    assert worst == judge(arrivals, window=60).concurrency
