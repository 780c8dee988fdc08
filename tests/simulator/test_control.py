"""The control interface."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from smsc_async.simulator import Simulator
from smsc_async.simulator.control import EFFECTS
from tests.simulator.asking import Reply, ask, ask_async, errors, run, simulator


def control(gateway: Simulator, what: str, wanted: object = None, **options: Any) -> Reply:
    """Ask the control interface."""
    body = b"" if wanted is None else json.dumps(wanted).encode()
    method = "GET" if wanted is None else "POST"
    return run(ask_async(gateway, f"/control/{what}", {}, method=method, body=body, **options))


def test_the_verdict_can_be_asked_for() -> None:
    """As JSON, with problems and reach."""
    gateway, _ = simulator()
    for _ in range(3):
        ask(gateway, "receive_phones", get=1)
    verdict = control(gateway, "verdict").json
    assert not verdict["ok"]
    assert 2 == len(verdict["problems"])
    assert (3, 2) == (verdict["windows"][0]["worst"], verdict["windows"][0]["limit"])
    assert (3, 1) == (verdict["requests"], verdict["full_windows"])


def test_the_state_can_be_asked_for() -> None:
    """Money, numbers, tasks and calls."""
    gateway, _ = simulator()
    gateway.add_task(waits=5)
    ask(gateway, "receive_phones", buy=1, phone="380950000001")
    ask(gateway, "wait_call", phone="380671234567")
    state = control(gateway, "state").json
    assert ("970.00", {"380950000001": True}) == (state["balance"], state["rented"])
    assert ({"1": 0}, {"380671234567": "380440000101"}) == (state["tasks"], state["calls"])
    assert "380950000001" not in state["available"]


def test_faults_can_be_added() -> None:
    """By the name of the effect, with its arguments and the fault's options."""
    gateway, _ = simulator()
    fault = {"effect": "http_status", "with": {"status": 503, "acted": False}, "action": "balance", "times": 2}
    assert {"faults": 1} == control(gateway, "faults", fault).json
    assert [503, 503, 200] == [ask(gateway, "balance").status for _ in range(3)]


def test_every_effect_has_a_name() -> None:
    """What can be done in Python can be done from outside."""
    from smsc_async.simulator import effects

    known = {getattr(effect, "__name__", "") for effect in EFFECTS.values()}
    classes = {
        name
        for name, value in vars(effects).items()
        if attrs.has(value) and value.__module__ == effects.__name__ and name != "Replace"
    }
    assert set() == classes - known


def test_switches_can_be_set() -> None:
    """One by one; the rest stays."""
    gateway, _ = simulator()
    assert control(gateway, "switches", {"refusals_as_text": True}).json["refusals_as_text"]
    assert "ERROR = 1 (parameters error)" == ask(gateway, "receive_phones").text


def test_foreign_traffic_can_be_made() -> None:
    """Windows can be used up from outside."""
    gateway, _ = simulator()
    control(gateway, "foreign", {"endpoint": "receive_phones.php", "params": {"get": "1"}, "times": 2})
    assert [9] == errors([ask(gateway, "receive_phones", get=1)])


def test_it_can_be_reset() -> None:
    """The log is empty again, and the limits are fresh."""
    gateway, _ = simulator()
    ask(gateway, "balance")
    assert {"reset": True} == control(gateway, "reset", {}).json
    assert () == gateway.log


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("faults", {"effect": "nonsense"}),
        ("faults", {"effect": "drop"}),
        ("faults", {"effect": "drop", "with": {"acted": True}, "odd": 1}),
        ("faults", {}),
        ("switches", {"nonsense": 1}),
        ("switches", {"rounding": "hourly"}),
        ("switches", {"refused_counts": "no"}),
        ("foreign", {}),
    ],
)
def test_nonsense_is_refused_with_a_reason(what: str, wanted: object) -> None:
    """400, and what was wrong."""
    gateway, _ = simulator()
    reply = control(gateway, what, wanted)
    assert 400 == reply.status
    assert reply.json["error"]


def test_an_unknown_question_is_404() -> None:
    """Likewise a known one with the other method."""
    gateway, _ = simulator()
    assert [404, 404] == [control(gateway, "nothing").status, control(gateway, "reset").status]


@pytest.mark.parametrize(
    ("client", "status"),
    [(("127.0.0.9", 1), 200), (("::1", 1), 200), (("10.0.0.1", 1), 404), (("x", 1), 404), (None, 404)],
)
def test_only_loopback_is_answered(client: tuple[str, int] | None, status: int) -> None:
    """Others are told that there is nothing."""
    gateway, _ = simulator()
    assert status == control(gateway, "state", client=client).status


def test_control_is_not_logged() -> None:
    """It is no part of the gateway."""
    gateway, _ = simulator()
    control(gateway, "state")
    assert () == gateway.log
