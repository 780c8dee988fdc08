"""Subscribers, statuses and handlers by the control interface."""

from __future__ import annotations

from typing import Any

import pytest

from smsc_async.simulator import Manner, Simulator
from tests.simulator.asking import ask
from tests.simulator.asking import simulator as made
from tests.simulator.handling import Handler
from tests.simulator.test_control import control

PHONE = "380671234567"
ADDRESS = "http://handler.example/cb?charset=utf-8&md5=canary-secret"


def simulator(*answers: int) -> tuple[Simulator, Handler]:
    """Give a simulator and its handler, in process."""
    gateway, _ = made()
    handler = Handler(answers)
    gateway.call_back(ADDRESS, handler)
    return gateway, handler


@pytest.mark.anyio
async def test_subscribers_can_call_and_write_and_messages_be_delivered() -> None:
    """Each answer tells what came of it."""
    gateway, handler = simulator()
    number = ask(gateway, "wait_call", phone=PHONE).json["phone"]
    call = control(gateway, "subscriber_calls", {"phone": PHONE}).json
    again = control(gateway, "subscriber_calls", {"phone": PHONE}).json
    write = control(gateway, "subscriber_writes", {"phone": int(PHONE), "text": "так", "to": "380950000001"}).json
    status = control(gateway, "message_is", {"id": "a-1", "phone": PHONE, "status": 20, "err": 6}).json
    first = gateway.inbox.messages("demo")[0].id
    assert {"callbacks": [1], "message": first, "call": number, "sent": None} == call
    assert {"callbacks": [], "message": None, "call": None, "sent": None} == again
    assert {"callbacks": [2], "message": first + 1, "call": None, "sent": None} == write
    assert {"callbacks": [3], "message": None, "call": None, "sent": None} == status
    await gateway.deliver_due()
    forms = [called.form("utf-8") for called in handler.calls]
    assert ("1", "так", "a-1", "6") == (forms[0]["waitcall"], forms[1]["mes"], forms[2]["id"], forms[2]["err"])


@pytest.mark.anyio
async def test_every_attempt_can_be_asked_for() -> None:
    """With the body that was sent, and what was answered; the state tells how many there are of each kind."""
    gateway, handler = simulator(503, 404)
    control(gateway, "subscriber_writes", {"phone": PHONE, "text": "так"})
    control(gateway, "subscriber_writes", {"phone": PHONE, "text": "ні"})
    before = gateway.moments.now()
    await gateway.deliver_due()
    first, second = control(gateway, "callbacks").json["callbacks"]
    assert ("message", "pending", "dropped") == (first["kind"], first["state"], second["state"])
    assert [{"at": before, "status": 503, "error": None, "answer": "noted"}] == first["attempts"]
    assert handler.calls[0].body.decode() == first["body"]
    state = control(gateway, "state").json
    assert {"pending": 1, "delivered": 0, "dropped": 1, "given up": 0} == state["callbacks"]
    assert 2 == state["inbox"]
    assert "canary" not in control(gateway, "callbacks").text


@pytest.mark.anyio
async def test_copies_delays_and_order_can_be_set() -> None:
    """For one event, or for all that come."""
    gateway, handler = simulator()
    once = {"id": 1, "phone": PHONE, "status": 1, "manner": {"copies": 2}}
    assert [1, 2] == control(gateway, "message_is", once).json["callbacks"]
    assert {"copies": 3, "delay": 0.0, "jitter": 0.5} == control(gateway, "manner", {"copies": 3, "jitter": 0.5}).json
    assert Manner(copies=3, jitter=0.5) == gateway.manner
    control(gateway, "manner", {})
    assert {"held": True} == control(gateway, "hold", {}).json
    for number in (2, 3):
        control(gateway, "message_is", {"id": number, "phone": PHONE, "status": 1})
    assert {"released": 2} == control(gateway, "release", {"order": "reversed"}).json
    await gateway.deliver_due()
    assert ["1", "1", "3", "2"] == [called.form()["id"] for called in handler.calls]


def test_a_call_before_the_reply_can_be_asked_for() -> None:
    """As a fault by the name of early."""
    gateway, _ = simulator()
    gateway.call_back(None)
    control(gateway, "faults", {"effect": "early", "action": "wait_call"})
    ask(gateway, "wait_call", phone=PHONE)
    assert ["[waitcall]"] == [row.message for row in gateway.inbox.messages("demo")]


def test_the_handler_can_be_taken_away() -> None:
    """By no address."""
    gateway, _ = simulator()
    assert {"called_back": False} == control(gateway, "call_back", {"url": None}).json
    assert [] == control(gateway, "message_is", {"id": 1, "phone": PHONE, "status": 1}).json["callbacks"]


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("call_back", {}),
        ("call_back", {"url": "nonsense"}),
        ("call_back", {"url": 5}),
        ("call_back", {"url": "http://handler.example/?md5=a:b"}),
        ("call_back", {"url": "http://handler.example/", "login": "nobody"}),
        ("subscriber_calls", {}),
        ("subscriber_calls", {"phone": PHONE, "odd": 1}),
        ("subscriber_writes", {"phone": PHONE}),
        ("message_is", {"id": 1, "phone": PHONE}),
        ("message_is", {"id": 1, "phone": PHONE, "status": 1, "odd": 1}),
        ("message_is", {"id": 1, "phone": PHONE, "status": 1, "manner": {"copies": -1}}),
        ("manner", {"odd": 1}),
        ("manner", {"delay": -1}),
        ("release", {"order": "sorted"}),
    ],
)
def test_nonsense_is_refused_with_a_reason(what: str, wanted: dict[str, Any]) -> None:
    """400, and what was wrong; nothing has happened."""
    gateway, _ = simulator()
    reply = control(gateway, what, wanted)
    assert 400 == reply.status
    assert reply.json["error"]
    assert () == gateway.callbacks()
