"""A hundred bad sends in a row within ten minutes block the address for ten."""

from __future__ import annotations

from typing import Any

import pytest

from smsc_async.simulator import Simulator, Switches
from tests.simulator.asking import CREDENTIALS, ask, ask_async, run, simulator
from tests.simulator.sending import PHONE, code, send

BAD = "123"


def bad(gateway: Simulator, count: int, first: int = 0) -> list[int]:
    """Send to a bad phone so many times, each time something else, and give the errors."""
    return [code(send(gateway, BAD, f"{number}")) for number in range(first, first + count)]


def test_the_hundredth_blocks() -> None:
    """The next is refused, whatever it is, for ten minutes; the judge complains."""
    gateway, time = simulator()
    assert [7] * 100 == bad(gateway, 100)
    assert [4, 4] == [code(send(gateway)), ask(gateway, "balance").json["error_code"]]
    time.advance(599)
    assert 4 == code(send(gateway))
    time.advance(1)
    assert 0 == code(send(gateway))
    assert {"127.0.0.1": 100} == gateway.verdict().bad_sends
    assert (
        "100 bad sends in a row came from 127.0.0.1; 100 within ten minutes block it." in gateway.verdict().problems()
    )


def test_a_good_one_ends_the_row() -> None:
    """Ninety-nine, a good one, and ninety-nine are no problem."""
    gateway, _ = simulator()
    bad(gateway, 99)
    assert 0 == code(send(gateway))
    assert [7] * 99 == bad(gateway, 99, 100)
    assert {"127.0.0.1": 99} == gateway.verdict().bad_sends
    assert gateway.verdict().ok


def test_a_price_neither_counts_nor_ends_the_row() -> None:
    """It is no send; nor is a request of another endpoint."""
    gateway, _ = simulator()
    bad(gateway, 99)
    assert [0, 7] == [code(send(gateway, cost=1)), code(send(gateway, BAD, cost=1))]
    ask(gateway, "balance")
    assert [7, 4] == bad(gateway, 2, 100)


def test_old_ones_do_not_count() -> None:
    """Only those of the last ten minutes."""
    gateway, time = simulator()
    bad(gateway, 50)
    time.advance(601)
    assert [7] * 60 == bad(gateway, 60)
    assert {"127.0.0.1": 60} == gateway.verdict().bad_sends


def test_each_address_has_its_own_row() -> None:
    """Others go on."""
    gateway, _ = simulator()
    bad(gateway, 100)
    params = {**CREDENTIALS, "phones": PHONE, "mes": "Hello", "fmt": 3}
    assert 0 == code(run(ask_async(gateway, "send", params, client=("10.0.0.9", 1))))


@pytest.mark.parametrize(
    ("reading", "params", "blocks"),
    [
        ("refused", {"phones": BAD}, True),
        ("refused", {"id": "?"}, True),
        ("refused", {"time": "x"}, True),
        ("refused", {"mes": "casino"}, True),
        ("message", {"mes": "casino"}, True),
        ("message", {"id": "?"}, False),
        ("message", {"time": "x"}, False),
        ("all", {"id": "?"}, True),
    ],
)
def test_which_refusals_count_is_a_switch(reading: Any, params: dict[str, Any], *, blocks: bool) -> None:
    """The page gives bad phones and forbidden texts as examples."""
    gateway, _ = simulator(switches=Switches(bad_sends=reading, refused_counts=False))
    gateway.sends.forbidden.add("casino")
    for number in range(100):
        assert 0 != code(send(gateway, **{"mes": f"{number}", **params, "pp": number}))
    assert blocks == (code(send(gateway)) == 4)


def test_duplicates_count_under_one_reading() -> None:
    """Under the others they neither count nor end the row."""
    for reading, expected in (("refused", 9), ("all", 4)):
        gateway, _ = simulator(switches=Switches(bad_sends=reading))  # type: ignore[arg-type]
        codes = [code(send(gateway)) for _ in range(102)]
        assert [0, *[9] * 100, expected] == codes


def test_a_request_that_does_nothing_is_a_bad_send() -> None:
    """Error 1 without a phone."""
    gateway, _ = simulator()
    assert [1] * 100 + [4] == [ask(gateway, "send", pp=number).json["error_code"] for number in range(101)]
