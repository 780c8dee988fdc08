"""Faults on sends and statuses, and the judge's view of what they lead to."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from smsc_async.simulator import (
    CutShort,
    Drop,
    Dropped,
    Fault,
    Garbage,
    Truncate,
    empty_body,
    html_page,
    http_status,
    plain_refusal,
)
from smsc_async.simulator.disturbance import Effect
from tests.simulator.asking import ask, simulator
from tests.simulator.sending import OTHER, PHONE, code, send


@pytest.mark.parametrize(
    ("effect", "acted"),
    [
        (Drop(acted=True), True),
        (Drop(acted=False), False),
        (CutShort(3), True),
        (Truncate(3), True),
        (Garbage(acted=True), True),
        (empty_body(acted=True), True),
        (empty_body(acted=False), False),
        (html_page(acted=True), True),
        (http_status(502, acted=True), True),
        (http_status(502, acted=False), False),
        (plain_refusal(9), False),
    ],
    ids=repr,
)
def test_a_lost_reply_tells_nothing_of_the_message(effect: Effect, *, acted: bool) -> None:
    """It was sent and paid exactly where the gateway acted, which its status tells afterwards."""
    gateway, _ = simulator()
    gateway.faults.add(Fault(effect, action="send"))
    with suppress(Dropped):
        send(gateway, id=1)
    assert acted == bool(gateway.sent())
    assert (acted, {("demo", "send", PHONE): 1} if acted else {}) == (gateway.log[0].paid, gateway.verdict().paid)
    assert (-1 if acted else -3) == ask(gateway, "status", phone=PHONE, id=1).json["status"]
    assert 9 == code(send(gateway, id=1))
    assert ("1000.00", "999.50")[acted] == str(gateway.account.balance)


@pytest.mark.parametrize(
    ("action", "path", "params"),
    [
        ("send", "send", {"phones": PHONE, "mes": "a"}),
        ("cost", "send", {"phones": PHONE, "mes": "a", "cost": 1}),
        ("status", "status", {"phone": PHONE, "id": 1}),
        ("statuses", "status", {"phone": f"{PHONE},", "id": "1,"}),
        ("delete", "status", {"phone": PHONE, "id": 1, "del": 1}),
        ("deletes", "status", {"phone": f"{PHONE},", "id": "1,", "del": 1}),
        ("imgcode", "imgcode", {}),
    ],
)
def test_every_action_can_be_befallen(action: str, path: str, params: dict[str, Any]) -> None:
    """By its name, and no other."""
    gateway, _ = simulator()
    fault = Fault(http_status(503, acted=False), action=action, times=None)
    gateway.faults.add(fault)
    assert (503, action) == (ask(gateway, path, **params).status, gateway.log[-1].action)
    ask(gateway, "balance")
    assert 1 == fault.hits


def test_a_message_that_was_sent_twice_is_a_problem() -> None:
    """With its phone and its id; the minute between does not excuse it."""
    gateway, time = simulator()
    for _ in range(2):
        gateway.faults.add(Fault(http_status(502, acted=True)))
        send(gateway, f"{PHONE},{OTHER}", id="order-1")
        time.advance(60)
    verdict = gateway.verdict()
    assert {("demo", PHONE, "order-1"): 2, ("demo", OTHER, "order-1"): 2} == verdict.sent_again
    assert f"Message order-1 to {PHONE} was sent 2 times by demo." in verdict.problems()
    assert "messages: 4; sent again under one id 2, with one text 2" in str(verdict)


def test_the_same_text_may_be_meant() -> None:
    """It is a figure, and a problem only for who asks."""
    gateway, time = simulator()
    for id in ("a", "b"):
        send(gateway, id=id)
        time.advance(60)
    verdict = gateway.verdict()
    assert ({}, {("demo", PHONE, "Hello"): 2}, 2) == (verdict.sent_again, verdict.texts_again, verdict.messages)
    assert verdict.ok
    assert [f"The same text was sent 2 times to {PHONE} by demo."] == verdict.problems(same_text=True)


def test_what_did_not_go_out_was_not_sent() -> None:
    """What was taken back, what was refused, and ids that the gateway gave are not held against anybody."""
    gateway, time = simulator()
    send(gateway, id=1, time="+10")
    ask(gateway, "status", phone=PHONE, id=1, **{"del": 1})
    time.advance(60)
    send(gateway, id=1)
    send(gateway, "123", id=1)
    assert ({}, 1) == (gateway.verdict().sent_again, gateway.verdict().messages)
    for text in ("", ""):
        send(gateway, mes=text, hlr=1)
        time.advance(60)
    assert {} == gateway.verdict().texts_again


def test_after_a_reset_nothing_is_held_against_anybody() -> None:
    """The messages go on all the same."""
    gateway, time = simulator()
    for _ in range(2):
        send(gateway, id=1)
        time.advance(60)
    gateway.reset()
    assert (0, {}) == (gateway.verdict().messages, gateway.verdict().sent_again)
    assert 1 == ask(gateway, "status", phone=PHONE, id=1).json["status"]


def test_forgotten_messages_are_a_problem() -> None:
    """The verdict does not pretend to know of them."""
    gateway, _ = simulator()
    gateway.messages.forgotten = 3
    assert ["3 messages were forgotten, so that this verdict is of the rest only."] == gateway.verdict().problems()


def test_the_new_limits_are_judged() -> None:
    """Two sends, six prices, six statuses of one message, two questions about many."""
    gateway, _ = simulator()
    for _ in range(2):
        send(gateway)
        ask(gateway, "status", phone=f"{PHONE},", id="1,")
    for number in range(6):
        send(gateway, cost=1)
        ask(gateway, "status", phone=PHONE, id=1, all=number % 3, **{"del": number % 2})
    assert [("cost", 6, 5), ("send", 2, 1), ("status", 6, 5), ("statuses", 2, 1)] == sorted(
        (figure.action, figure.worst, figure.limit) for figure in gateway.verdict().windows
    )


def test_foreign_software_uses_up_the_minute_of_a_send() -> None:
    """And is not held against us."""
    gateway, _ = simulator()
    gateway.foreign.request("send", {"phones": PHONE, "mes": "Hello"})
    assert 9 == code(send(gateway))
    assert ((), 1, True) == (gateway.sent(), gateway.verdict().excused, gateway.verdict().ok)
