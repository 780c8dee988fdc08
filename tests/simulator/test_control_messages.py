"""Messages, the account and pictures through the control interface."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smsc_async.simulator import Simulator
from tests.simulator.asking import Reply, ask, ask_async, run, simulator
from tests.simulator.handling import Handler
from tests.simulator.sending import OTHER, PHONE, code, only, send


def control(gateway: Simulator, what: str, wanted: object = None) -> Reply:
    """Ask the control interface."""
    body = b"" if wanted is None else json.dumps(wanted).encode()
    return run(ask_async(gateway, f"/control/{what}", {}, method="GET" if wanted is None else "POST", body=body))


def test_messages_can_be_listed() -> None:
    """All of them, or those of a phone or an id, with everything that is known of them."""
    gateway, time = simulator()
    send(gateway, f"{PHONE},{OTHER}", "Привіт\n~~~\norder 5", id="a-1", time="+1")
    send(gateway, OTHER, "__VIBER__Bye")
    (first,) = control(gateway, "messages", {"phone": PHONE}).json["messages"]
    assert {
        "number": 1,
        "arrival": 1,
        "id": "a-1",
        "own_id": True,
        "phone": PHONE,
        "text": "Привіт",
        "comment": "order 5",
        "kind": "sms",
        "sender": "SMSC",
        "status": -1,
        "err": 0,
        "count": 1,
        "cost": "0.50",
        "code": None,
        "files": [],
        "accepted_at": time.now(),
        "due": time.now() + 60,
        "expires": time.now() + 60 + 24 * 3600,
        "changed_at": time.now(),
        "virtual": False,
        "refused": None,
        "deleted": False,
    } == first
    assert [1, 2, 3] == [message["number"] for message in control(gateway, "messages").json["messages"]]
    assert ["viber"] == [one["kind"] for one in control(gateway, "messages", {"id": 1}).json["messages"]]
    assert {"-1": 3} == control(gateway, "state").json["messages"]


@pytest.mark.anyio
async def test_messages_can_be_ended() -> None:
    """Delivered, failed, read and clicked; each answer tells what came of it."""
    gateway, _ = simulator()
    handler = Handler()
    gateway.call_back("http://handler.example/", handler)
    for number in range(1, 4):
        send(gateway, mes=f"https://example.com/{number}", tinyurl=1, id=number)
    expected = {"callbacks": [1], "message": None, "call": None, "sent": {"id": 1, "status": 1}}
    assert expected == control(gateway, "operator_delivers", {"phone": PHONE, "id": 1}).json
    control(gateway, "operator_fails", {"phone": PHONE, "id": 2, "err": 6, "status": 25})
    control(gateway, "subscriber_reads", {"phone": int(PHONE), "manner": {"copies": 2}})
    control(gateway, "subscriber_clicks", {"phone": f"+{PHONE}", "id": 3})
    await gateway.deliver_due()
    assert [("1", "1"), ("2", "25"), ("3", "2"), ("3", "2"), ("3", "4")] == [
        (form["id"], form["status"]) for form in (called.form() for called in handler.calls)
    ]
    assert [1, 25, 4] == [message.status for message in gateway.sent()]


def test_fates_can_be_set() -> None:
    """For all or for one phone; null is as usual."""
    gateway, time = simulator()
    control(gateway, "fate", {"fate": {"waits": 0, "travels": 0, "status": 20, "err": 6}})
    control(gateway, "fate", {"fate": {"waits": 0, "travels": 0}, "phone": PHONE})
    send(gateway, f"{PHONE},{OTHER}")
    assert [(1, 0), (20, 6)] == [(message.status, message.err) for message in gateway.sent()]
    assert {"fate": None} == control(gateway, "fate", {"fate": None}).json
    send(gateway, OTHER, "again")
    time.advance(5)
    assert 1 == gateway.sent()[-1].status


def test_what_is_sent_can_be_set() -> None:
    """Prices and what is not let through; what is not named stays."""
    gateway, _ = simulator()
    wanted = {
        "price": "0.60",
        "prices": {"viber": 0.9},
        "forbidden": ["casino"],
        "senders": ["SHOP"],
        "bad_phones": [f"+{OTHER}"],
        "undeliverable": ["380630000001"],
        "groups": {"7": [PHONE]},
    }
    assert "0.60" == control(gateway, "sending", wanted).json["price"]
    assert {**wanted, "prices": {"viber": "0.9"}, "bad_phones": [OTHER]} == control(gateway, "sending", {}).json
    assert "0.60" == send(gateway, "G7", cost=2).json["cost"]
    assert "0.90" == send(gateway, viber=1, cost=2).json["cost"]
    assert [6, 6, 7, 8] == [
        code(send(gateway, mes="Casino")),
        code(send(gateway, sender="OTHER")),
        code(send(gateway, OTHER)),
        code(send(gateway, "380630000001")),
    ]
    assert control(gateway, "sending", {"senders": None}).json["senders"] is None


def test_the_account_can_be_set() -> None:
    """Money, test mode, the usual sender, the time zone."""
    gateway, time = simulator()
    wanted = {"balance": "5.00", "credit": 1, "virtual": True, "sender": "ME", "zone": 3}
    expected = {"login": "demo", "balance": "5.00", "credit": "1", "virtual": True, "sender": "ME", "zone": "UTC+03:00"}
    assert expected == control(gateway, "account", wanted).json
    assert expected == control(gateway, "account", {}).json
    send(gateway)
    time.advance(5)
    assert ("ME", 200, True) == (only(gateway).sender, only(gateway).err, only(gateway).virtual)
    with pytest.raises(KeyError):
        gateway.accounts["nobody"]


def test_codes_of_pictures_can_be_asked_for() -> None:
    """By the address that was shown them."""
    gateway, _ = simulator()
    run(ask_async(gateway, "imgcode", {}, method="GET", client=("10.0.0.5", 1)))
    assert {"codes": {"10.0.0.5": gateway.captcha.code("10.0.0.5")}} == control(gateway, "captcha").json


def test_an_early_status_can_be_asked_for() -> None:
    """The message is delivered before the send is answered."""
    gateway, _ = simulator()
    control(gateway, "faults", {"effect": "early", "action": "send"})
    send(gateway)
    assert (1, 1) == (only(gateway).status, ask(gateway, "status", phone=PHONE, id=1).json["status"])


def test_the_verdict_tells_of_messages_that_were_sent_twice() -> None:
    """As JSON."""
    gateway, time = simulator()
    for _ in range(2):
        send(gateway, id=1)
        time.advance(60)
    verdict = control(gateway, "verdict").json
    assert ({f"demo {PHONE} 1": 2}, {f"demo {PHONE} Hello": 2}) == (verdict["sent_again"], verdict["texts_again"])
    assert (2, False) == (verdict["messages"], verdict["ok"])


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("operator_delivers", {"phone": PHONE}),
        ("operator_delivers", {}),
        ("operator_fails", {"phone": PHONE, "odd": 1}),
        ("subscriber_reads", {"phone": PHONE, "id": 2}),
        ("subscriber_clicks", {"phone": PHONE, "id": 1}),
        ("messages", {"odd": 1}),
        ("messages", {"login": "nobody"}),
        ("fate", {}),
        ("fate", {"fate": {"waits": -1}}),
        ("fate", {"fate": {"odd": 1}}),
        ("sending", {"price": "much"}),
        ("sending", {"prices": {"fax": "1"}}),
        ("sending", {"odd": 1}),
        ("sending", {"price": "9", "groups": {"x": []}}),
        ("account", {"virtual": "yes"}),
        ("account", {"balance": "much"}),
        ("account", {"zone": 99}),
        ("account", {"odd": 1}),
        ("account", {"login": "nobody"}),
        ("switches", {"comment_line": 1}),
    ],
    ids=str,
)
def test_nonsense_is_refused_with_a_reason(what: str, wanted: dict[str, Any]) -> None:
    """400, and what was wrong; and nothing is changed."""
    gateway, _ = simulator()
    send(gateway, mes="without a link", id=1)
    gateway.operator_delivers(PHONE)
    before = (control(gateway, "sending", {}).json, control(gateway, "account", {}).json)
    reply = control(gateway, what, wanted)
    assert 400 == reply.status
    assert reply.json["error"]
    assert before == (control(gateway, "sending", {}).json, control(gateway, "account", {}).json)


def test_every_command_is_in_the_table() -> None:
    """The documentation of the interface names what there is, and nothing else."""
    import re

    from smsc_async.simulator.control import Control

    gateway, _ = simulator()
    rows = set(re.findall(r"(GET|POST)\s+``/control/(\w+)``", Control.__doc__ or ""))
    assert set(Control(gateway)._answers) - {("POST", "messages")} == rows
