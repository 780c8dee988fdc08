"""Every other reading of the vendor's text."""

from __future__ import annotations

import attrs
import pytest

from smsc_async.simulator import COUNTING, Switches, readings
from tests.simulator.asking import ask, simulator


def test_every_switch_is_varied_alone() -> None:
    """Each switch has at least one other value, and nothing else is changed with it."""
    usual = attrs.asdict(Switches())
    varied = set()
    for name, switches in readings().items():
        changed = {key for key, value in attrs.asdict(switches).items() if value != usual[key]}
        assert {name.split("=")[0]} == changed
        varied |= changed
    assert set(usual) == varied


def test_readings_can_be_chosen() -> None:
    """By the names of the switches."""
    assert ["rounding=floor", "rounding=calendar", "inclusive=True"] == list(readings("rounding", "inclusive"))


@pytest.mark.parametrize("reading", readings(*COUNTING))
def test_one_request_at_a_time_and_far_apart_is_fine_under_every_reading(reading: str) -> None:
    """Two a minute and a bit, each after the other's answer, are never refused."""
    gateway, time = simulator(switches=readings(*COUNTING)[reading])
    for _ in range(10):
        assert list is type(ask(gateway, "receive_phones", get=1).json)
        time.advance(61.5)
    assert gateway.verdict().ok


@pytest.mark.parametrize("reading", readings())
def test_no_reading_breaks_the_simulator(reading: str) -> None:
    """Everything can be asked for in every format under each of them."""
    gateway, time = simulator(switches=readings()[reading])
    gateway.add_task(rows=3)
    gateway.subscriber_writes("380671234567", "так")
    phone = "380671234567"
    for fmt in range(4):
        for path, params in (
            ("receive_phones", {"get": 1}),
            ("receive_phones", {}),
            ("receive_phones", {"buy": 1, "phone": "380950000001"}),
            ("receive_phones", {"chg": 1, "phone": "380950000001"}),
            ("wait_call", {"phone": "380671234567"}),
            ("downloads", {"get_list": 1}),
            ("downloads", {"get_file": 1, "id": 1}),
            ("balance", {"cur": 1}),
            ("get", {"get_answers": 1}),
            ("send", {"phones": phone, "mes": "так\n~~~\nні", "id": f"a-{fmt}", "cost": fmt, "op": 1}),
            ("send", {"phones": phone, "mes": "HLR", "hlr": 1, "id": f"h-{fmt}", "cost": 3}),
            ("send", {"phones": "123,1", "mes": "ні", "id": f"b-{fmt}"}),
            ("send", {"phones": "123"}),
            ("status", {"phone": phone, "id": f"a-{fmt}", "all": 2}),
            ("status", {"phone": phone, "id": f"h-{fmt}", "all": 1}),
            ("status", {"phone": f"{phone},{phone}", "id": f"a-{fmt},0"}),
            ("status", {"phone": phone, "id": "0"}),
            ("status", {"phone": phone, "id": f"a-{fmt}", "del": 1}),
            ("imgcode", {}),
        ):
            assert 200 == ask(gateway, path, fmt=fmt, **params).status
            time.advance(61.5)
