"""How messages go on by themselves, end when they are told to, and what handlers hear of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.simulator import Early, Fate, Fault, Manner, ManualTime, Message, Simulator, Switches
from smsc_async.simulator.kinds import SMS
from smsc_async.simulator.messages import Messages
from tests.simulator.asking import CREDENTIALS, ask, ask_async, simulator
from tests.simulator.handling import Handler
from tests.simulator.sending import OTHER, PHONE, code, only, send

EPOCH = datetime(2026, 5, 1, 12, tzinfo=UTC)
ADDRESS = "http://handler.example/callback?charset=utf-8&md5=secret"


def history(gateway: Simulator, time: ManualTime, seconds: int) -> list[int]:
    """Give the only message's status now and after each of so many seconds."""
    found = [only(gateway).status]
    for _ in range(seconds):
        time.advance(1)
        found.append(only(gateway).status)
    return found


def handled(**options: Any) -> tuple[Simulator, ManualTime, Handler]:
    """Give a simulator with a handler in process."""
    gateway, time = simulator(epoch=EPOCH, **options)
    handler = Handler()
    gateway.call_back(ADDRESS, handler)
    return gateway, time, handler


def told(handler: Handler) -> list[tuple[str, str]]:
    """Give which messages had which status, in the order in which the handler heard of it."""
    return [(form["id"], form["status"]) for form in (called.form("utf-8") for called in handler.calls)]


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        (Fate(), [-1, 0, 0, 0, 0, 1, 1]),
        (Fate(waits=2, travels=1), [-1, -1, 0, 1, 1, 1, 1]),
        (Fate(waits=0, travels=0), [1, 1, 1, 1, 1, 1, 1]),
        (Fate(travels=1, status=20, err=6), [-1, 0, 20, 20, 20, 20, 20]),
        (Fate(travels=1, reads=2), [-1, 0, 1, 1, 2, 2, 2]),
        (Fate(travels=1, reads=1, clicks=1), [-1, 0, 1, 2, 4, 4, 4]),
        (Fate(travels=1, clicks=1), [-1, 0, 1, 4, 4, 4, 4]),
        (Fate(status=None), [-1, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_a_message_goes_on_by_the_clock(fate: Fate, expected: list[int]) -> None:
    """It waits, is handed over, and ends as its fate says; then it may be read, and its link followed."""
    gateway, time = simulator()
    gateway.set_fate(fate)
    send(gateway, mes="https://example.com/a", tinyurl=1)
    assert expected == history(gateway, time, 6)


def test_fates_are_for_all_or_for_one_phone() -> None:
    """Of messages sent from then on; None is as usual again."""
    gateway, time = simulator()
    gateway.set_fate(Fate(status=20, err=1))
    gateway.set_fate(Fate(status=25, err=248), f"+{PHONE}")
    send(gateway, f"{PHONE},{OTHER}", "1")
    gateway.set_fate(None)
    gateway.set_fate(None, PHONE)
    gateway.set_fate(None, PHONE)
    send(gateway, f"{PHONE},{OTHER}", "2")
    time.advance(5)
    assert [(25, 248), (20, 1), (1, 0), (1, 0)] == [(message.status, message.err) for message in gateway.sent()]


@pytest.mark.parametrize("wrong", [{"waits": -1}, {"travels": -1}])
def test_a_fate_takes_no_negative_time(wrong: dict[str, Any]) -> None:
    """Nothing ends before it began."""
    with pytest.raises(ValueError):
        Fate(**wrong)


def test_times_are_sixtieths_of_the_gateways_minute() -> None:
    """A short minute makes everything faster, and validity shorter."""
    gateway, time = simulator(window=6)
    send(gateway, valid="00:02")
    assert 12 == only(gateway).expires - time.now()
    time.advance(0.5)
    assert 1 == only(gateway).status


def test_a_link_that_is_not_there_is_not_followed() -> None:
    """Without ``tinyurl`` nobody can tell."""
    gateway, time = simulator()
    gateway.set_fate(Fate(travels=0, clicks=0))
    send(gateway, mes="https://example.com/a")
    assert 1 == history(gateway, time, 2)[-1]


def test_a_scheduled_message_waits_for_its_time() -> None:
    """Validity counts from there."""
    gateway, time = simulator()
    gateway.set_fate(Fate(status=None))
    send(gateway, time="+2", valid="00:01")
    time.advance(120)
    assert -1 == only(gateway).status
    time.advance(1)
    assert 0 == only(gateway).status
    time.advance(58.9)
    assert 0 == only(gateway).status
    time.advance(0.1)
    assert (3, 180) == (only(gateway).status, only(gateway).changed_at - only(gateway).accepted_at)


def test_what_takes_longer_than_its_validity_expires() -> None:
    """Also where it would never have been handed over in time."""
    for fate in (Fate(travels=100), Fate(waits=100)):
        gateway, time = simulator()
        gateway.set_fate(fate)
        send(gateway, valid="00:01")
        time.advance(60)
        assert 3 == only(gateway).status


@pytest.mark.parametrize(
    ("command", "before", "expected"),
    [
        ("operator_delivers", 0, 1),
        ("operator_delivers", 2, 1),
        ("operator_fails", 0, 20),
        ("subscriber_reads", 0, 2),
        ("subscriber_reads", 10, 2),
        ("subscriber_clicks", 10, 4),
    ],
)
def test_a_message_ends_when_it_is_told_to(command: str, before: float, expected: int) -> None:
    """At once, whatever was planned, and it stays so."""
    gateway, time = simulator()
    send(gateway, mes="https://example.com/a", tinyurl=1, id=7)
    time.advance(before)
    answer = getattr(gateway, command)(f"+{PHONE}", 7)
    assert (expected, time.now()) == (answer.sent.status, answer.sent.changed_at)
    time.advance(3600 * 48)
    assert expected == only(gateway).status


def test_a_failure_has_its_error_and_status() -> None:
    """As the operator says."""
    gateway, _ = simulator()
    send(gateway)
    gateway.operator_fails(PHONE, err=255, status=23)
    reply = ask(gateway, "status", phone=PHONE, id=1).json
    assert (23, 255) == (reply["status"], reply["err"])


def test_a_command_without_an_id_is_about_the_newest() -> None:
    """Of those to the phone."""
    gateway, _ = simulator()
    for text in "ab":
        send(gateway, mes=text)
    gateway.operator_delivers(PHONE)
    assert [-1, 1] == [message.status for message in gateway.sent()]


def test_what_cannot_be_is_an_error() -> None:
    """No such message, one that has ended, one without a link, one that was refused or taken back."""
    gateway, _ = simulator(switches=Switches(refused_stored=True))
    with pytest.raises(LookupError):
        gateway.operator_delivers(PHONE)
    send(gateway, id=1)
    with pytest.raises(ValueError, match="link"):
        gateway.subscriber_clicks(PHONE)
    gateway.operator_fails(PHONE)
    for again in (gateway.operator_fails, gateway.operator_delivers, gateway.subscriber_reads):
        with pytest.raises(ValueError, match="status 20"):
            again(PHONE)
    gateway.sends.undeliverable.add(OTHER)
    send(gateway, OTHER, "refused")
    with pytest.raises(ValueError, match="status 25"):
        gateway.operator_delivers(OTHER)


@pytest.mark.anyio
async def test_every_change_is_told_with_the_vendors_fields() -> None:
    """At its own moment, however late the handler is called; in the account's time zone."""
    gateway, time, handler = handled()
    gateway.account.time_zone = timezone(timedelta(hours=3))
    gateway.set_fate(Fate(status=20, err=6))
    send(gateway, mes="я" * 71 + "\n~~~\norder 5", id="a-1", sender="SHOP", flash=1)
    time.advance(60)
    assert 2 == await gateway.deliver_due()
    first, second = (called.form("utf-8") for called in handler.calls)
    stamp = int(EPOCH.timestamp())
    assert {
        "id": "a-1",
        "phone": PHONE,
        "status": "0",
        "time": "01.05.26 15:00:01",
        "ts": str(stamp + 1),
        "cnt": "2",
        "type": "1",
        "cost": "1.00",
        "flag": "1",
        "sender": "SHOP",
        "cmt": "order 5",
    } == {name: value for name, value in first.items() if name not in {"charset", "md5"}}
    assert ("20", "6", str(stamp + 5)) == (second["status"], second["err"], second["ts"])
    assert ["01.05.2026 15:00:05", 20] == [
        ask(gateway, "status", phone=PHONE, id="a-1").json[name] for name in ("last_date", "status")
    ]


@pytest.mark.anyio
async def test_an_hlr_request_is_told_with_what_it_found() -> None:
    """Once it is done."""
    gateway, time, handler = handled()
    send(gateway, mes="", hlr=1)
    time.advance(5)
    await gateway.deliver_due()
    handed_over, done = (called.form("utf-8") for called in handler.calls)
    assert "imsi" not in handed_over
    assert ("255", "Київстар", "4") == (done["mcc"], done["net"], done["type"])


@pytest.mark.anyio
async def test_commands_are_told_too() -> None:
    """With a manner of their own."""
    gateway, _, handler = handled()
    send(gateway, mes="https://example.com", tinyurl=1)
    assert 2 == len(gateway.operator_delivers(PHONE, manner=Manner(copies=2)).errands)
    gateway.subscriber_reads(PHONE)
    gateway.subscriber_clicks(PHONE)
    await gateway.deliver_due()
    assert [("1", "1"), ("1", "1"), ("1", "2"), ("1", "4")] == told(handler)


@pytest.mark.anyio
async def test_being_handed_over_is_told_by_a_switch() -> None:
    """As the text speaks of statuses of delivery."""
    gateway, time, handler = handled(switches=Switches(callback_statuses="final"))
    send(gateway)
    time.advance(5)
    await gateway.deliver_due()
    assert [("1", "1")] == told(handler)


@pytest.mark.anyio
async def test_nobody_is_told_of_what_was_before() -> None:
    """A handler that is named later hears of what happens later; what was taken back is told of to nobody."""
    gateway, time = simulator()
    handler = Handler()
    send(gateway)
    time.advance(1)
    gateway.call_back(ADDRESS, handler)
    time.advance(4)
    send(gateway, mes="back", time="+1")
    ask(gateway, "status", phone=PHONE, id=2, **{"del": 1})
    time.advance(600)
    await gateway.deliver_due()
    assert [("1", "1")] == told(handler)


@pytest.mark.anyio
async def test_a_status_from_outside_is_the_messages_status() -> None:
    """What is told with ``message_is`` of a message that was sent, is so for those who ask, and told once."""
    gateway, time, handler = handled()
    send(gateway)
    answer = gateway.message_is(id=1, phone=PHONE, status=22, err=1)
    assert answer.sent is not None
    time.advance(600)
    await gateway.deliver_due()
    assert [("1", "22")] == told(handler)
    assert 22 == ask(gateway, "status", phone=PHONE, id=1).json["status"]


@pytest.mark.anyio
async def test_changes_are_told_in_the_background() -> None:
    """As time moves, also where the message came while nothing else was due."""
    gateway, time, handler = handled()
    async with gateway.calling_back():
        await settled(gateway)
        send(gateway)
        for _ in range(5):
            await settled(gateway)
            time.advance(1)
        await settled(gateway)
        while len(handler.calls) < 2:
            await settled(gateway)
    assert [("1", "0"), ("1", "1")] == told(handler)


async def settled(gateway: Simulator) -> None:
    """Let others run for a while."""
    from anyio.lowlevel import checkpoint

    for _ in range(50):
        await checkpoint()


def test_a_status_may_come_before_the_reply() -> None:
    """The message is delivered and told of before the send is answered."""
    gateway, _, handler = handled()
    gateway.faults.add(Fault(Early(gateway), action="send", times=None))
    asked = {**CREDENTIALS, "fmt": 3, "phones": f"123,{PHONE}"}

    async def story() -> list[int]:
        found = [code(await ask_async(gateway, "send", {**asked, "mes": mes})) for mes in ("a", "")]
        gateway.set_fate(Fate(waits=0, travels=0))
        return [*found, code(await ask_async(gateway, "send", {**asked, "mes": "b"}))]

    assert [0, 1, 0] == asyncio.run(story())
    assert [("1", "1")] == told(handler)[:1]
    assert [] == gateway.crashes


def test_ten_thousand_messages_cost_a_request_no_more() -> None:
    """Nothing looks at all of them: what is due is on top of a heap."""
    gateway, time = simulator(balance=Decimal(100_000))
    phones = [f"38067{number:07}" for number in range(10_000)]
    send(gateway, ",".join(phones), id=1)
    looked: list[int] = []
    gateway.messages.on_change = lambda message, _: looked.append(message.number)
    assert -1 == ask(gateway, "status", phone=phones[5000], id=1).json["status"]
    assert [] == looked
    time.advance(1)
    ask(gateway, "status", phone=phones[0], id=1)
    assert 10_000 == len(looked)
    ask(gateway, "status", phone=phones[1], id=1)
    assert 10_000 == len(looked)


def message(number: int, **fields: Any) -> Message:
    """Give a message as it is accepted at 0 s."""
    values: dict[str, Any] = {
        "number": number,
        "login": "demo",
        "id": number,
        "own_id": True,
        "phone": PHONE,
        "text": "Hello",
        "kind": SMS,
        "sender": "SMSC",
        "cost": Decimal(1),
        "count": 1,
        "accepted_at": 0.0,
        "due": 0.0,
        "expires": 86400.0,
        "changed_at": 0.0,
        **fields,
    }
    return Message(**values)


TIMES = st.floats(0, 100)
FATES = st.builds(
    Fate,
    waits=TIMES,
    travels=TIMES,
    status=st.sampled_from([1, 20, None]),
    reads=st.none() | TIMES,
    clicks=st.none() | TIMES,
)


@given(st.lists(st.tuples(FATES, TIMES, st.floats(1, 200), st.booleans()), min_size=1, max_size=8), st.data())
def test_the_steps_in_which_time_passes_do_not_matter(plans: list[Any], data: st.DataObject) -> None:
    """However often anybody looks, everything happens in order and at the same moments."""

    def run(looks: list[float]) -> list[tuple[int, int, float]]:
        messages = Messages(60.0)
        seen: list[tuple[int, int, float]] = []
        messages.on_change = lambda changed, at: seen.append((changed.number, changed.status, at))
        for number, (fate, due, valid, links) in enumerate(plans):
            messages.add(message(number, fate=fate, due=due, expires=due + valid, links=links))
        for look in [*sorted(looks), 1000.0]:
            assert all(at <= look for *_, at in seen)
            messages.settle(look)
        assert float("inf") == messages.next_due()
        return seen

    once = run([])
    assert once == run(data.draw(st.lists(st.floats(0, 500), max_size=20)))
    assert [at for *_, at in once] == sorted(at for *_, at in once)
    for number, (fate, due, valid, _) in enumerate(plans):
        final = [status for mine, status, _ in once if mine == number][-1]
        in_time = fate.status is not None and fate.waits < valid and due + fate.waits + fate.travels < due + valid
        assert (final in {1, 2, 4, 20}) == in_time or final == 3


def test_only_so_many_are_remembered() -> None:
    """The oldest go first, are found no more, and go on no more."""
    messages = Messages(60.0, size=2)
    for number in range(1, 4):
        messages.add(message(number, phone=PHONE if number < 3 else OTHER))
    assert ([2, 3], 1) == ([kept.number for kept in messages], messages.forgotten)
    assert messages.find("demo", PHONE, 1) is None
    newest = messages.find("demo", PHONE)
    assert newest is not None
    assert 2 == newest.number
    messages.add(message(4))
    messages.add(message(5, phone=OTHER))
    assert [4, 5] == [kept.number for kept in messages]
    changed: list[int] = []
    messages.on_change = lambda changed_one, _: changed.append(changed_one.number)
    messages.settle(1000)
    assert {4, 5} == set(changed)
    messages.clear()
    assert (0, 0) == (len(messages), messages.forgotten)
