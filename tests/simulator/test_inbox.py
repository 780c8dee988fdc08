"""What subscribers wrote, and how it is listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from smsc_async.simulator import Account, Simulator, Switches
from tests.simulator.asking import ask, simulator

EPOCH = datetime(2026, 5, 1, 12, tzinfo=UTC)
FIRST = 48_000_001


def written(**options: Any) -> tuple[Simulator, Any]:
    """Give a simulator to which three messages have come, a minute apart."""
    gateway, time = simulator(epoch=EPOCH, **options)
    for phone, text, to in (
        ("380671234567", "перше, з комою", "380950000001"),
        ("+380501112233", "друге", "380440000500"),
        ("380671234567", "третє", "380950000001"),
    ):
        gateway.subscriber_writes(phone, text, to=to, underway=5)
        time.advance(60)
    return gateway, time


def ids(gateway: Simulator, **params: Any) -> list[int]:
    """Give which of the messages are listed, counted from 0."""
    return [row["id"] - FIRST for row in ask(gateway, "get", get_answers=1, **params).json]


def test_a_message_is_listed_with_its_fields_in_order() -> None:
    """In JSON: id, received, phone, message, to_phone, sent."""
    gateway, _ = written()
    first = ask(gateway, "get", get_answers=1).json[-1]
    expected = {
        "id": FIRST,
        "received": "01.05.2026 12:00:00",
        "phone": "380671234567",
        "message": "перше, з комою",
        "to_phone": "380950000001",
        "sent": "01.05.2026 11:59:55",
    }
    assert expected == first
    assert list(expected) == list(first)


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (
            0,
            (
                f"id = {FIRST}, received = 01.05.2026 12:00:00, phone = 380671234567, message = так, "
                "to_phone = 380440000500, sent = 01.05.2026 12:00:00"
            ),
        ),
        (1, f"{FIRST},01.05.2026 12:00:00,380671234567,так,380440000500,01.05.2026 12:00:00"),
        (
            2,
            (
                f"<list>\n<message>\n<id>{FIRST}</id>\n<received>01.05.2026 12:00:00</received>\n"
                "<phone>380671234567</phone>\n<message>так</message>\n<to_phone>380440000500</to_phone>\n"
                "<sent>01.05.2026 12:00:00</sent>\n</message>\n</list>"
            ),
        ),
    ],
)
def test_a_message_is_listed_in_the_other_formats(fmt: int, expected: str) -> None:
    """As other lists of this gateway are."""
    gateway, _ = simulator(epoch=EPOCH)
    gateway.subscriber_writes("380671234567", "так")
    assert expected == ask(gateway, "get", get_answers=1, fmt=fmt).text


def test_the_element_of_a_message_is_a_switch() -> None:
    """As nobody says what it is called."""
    gateway, _ = simulator(switches=Switches(inbox_root="answer"))
    gateway.subscriber_writes("380671234567", "так")
    assert "answer" == ask(gateway, "get", get_answers=1, fmt=2).xml[0].tag


@pytest.mark.parametrize(("fmt", "expected"), [(0, ""), (1, ""), (2, "<list></list>"), (3, "[]")])
def test_nothing_is_an_empty_list(fmt: int, expected: str) -> None:
    """In every format."""
    gateway, _ = simulator()
    assert expected == ask(gateway, "get", get_answers=1, fmt=fmt).text


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"cnt": 2}, [2, 1]),
        ({"cnt": 10_000}, [2, 1, 0]),
        ({"after_id": FIRST}, [2, 1]),
        ({"after_id": FIRST + 2}, []),
        ({"to_phone": "380950000001"}, [2, 0]),
        ({"to_phone": "+380 95 000-00-01", "after_id": FIRST}, [2]),
        ({"hour": 1}, [2, 1, 0]),
        ({"hour": "0.0334"}, [2, 1]),
        ({"hour": 168}, [2, 1, 0]),
    ],
)
def test_the_list_can_be_narrowed(params: dict[str, Any], expected: list[int]) -> None:
    """By count, by age, by what was seen, and by the number written to."""
    gateway, _ = written()
    assert expected == ids(gateway, **params)


def test_the_order_is_a_switch() -> None:
    """The count keeps the newest, or the oldest."""
    gateway, _ = written(switches=Switches(inbox_order="ascending"))
    assert [0, 1, 2] == ids(gateway)
    assert [0, 1] == ids(gateway, cnt=2)


def test_old_messages_are_listed_when_asked_for() -> None:
    """Without ``hour`` those of a day, or what the switch says."""
    gateway, time = written()
    time.advance(24 * 3600)
    assert [] == ids(gateway)
    assert [2, 1, 0] == ids(gateway, hour=25)


@pytest.mark.parametrize(
    "params",
    [
        {"get_answers": 0},
        {"cnt": 10_001},
        {"cnt": "x"},
        {"cnt": -1},
        {"after_id": "x"},
        {"hour": 168.5},
        {"hour": -1},
        {"hour": "x"},
        {"hour": "nan"},
    ],
)
def test_nonsense_is_error_1(params: dict[str, Any]) -> None:
    """Too many, too old, or no number."""
    gateway, _ = written()
    assert 1 == ask(gateway, "get", **{"get_answers": 1, **params}).json["error_code"]


def test_strangers_get_error_2_and_the_blocked_4() -> None:
    """As everywhere."""
    gateway, _ = written()
    assert 2 == ask(gateway, "get", get_answers=1, psw="wrong").json["error_code"]
    gateway.block()
    assert 4 == ask(gateway, "get", get_answers=1).json["error_code"]


def test_a_fourth_identical_question_is_error_9() -> None:
    """Three a minute are assumed."""
    gateway, _ = written()
    for _ in range(3):
        assert [2, 1, 0] == ids(gateway)
    assert 9 == ask(gateway, "get", get_answers=1).json["error_code"]
    assert [2] == ids(gateway, after_id=FIRST + 1)


def test_a_call_that_confirms_is_a_message_too() -> None:
    """With the text ``[waitcall]``, to the number that was called."""
    gateway, _ = simulator()
    number = ask(gateway, "wait_call", phone="380671234567").json["phone"]
    told = gateway.subscriber_calls("+380 67 123-45-67")
    assert told.call is not None
    assert number == told.call.number
    (row,) = ask(gateway, "get", get_answers=1).json
    assert ("380671234567", "[waitcall]", number) == (row["phone"], row["message"], row["to_phone"])


def test_a_call_that_nobody_waits_for_is_nothing() -> None:
    """A second one of the same subscriber neither."""
    gateway, _ = simulator()
    ask(gateway, "wait_call", phone="380671234567")
    gateway.subscriber_calls("380671234567")
    told = gateway.subscriber_calls("380671234567")
    assert (None, None, ()) == (told.call, told.message, told.errands)
    assert 1 == len(gateway.inbox.messages("demo"))


def test_each_login_has_its_own_inbox() -> None:
    """Nobody reads what others were written."""
    gateway, _ = written()
    gateway.add_account(Account(login="other", password="other"))
    gateway.subscriber_writes("380671234567", "інше", login="other")
    assert ["інше"] == [row["message"] for row in ask(gateway, "get", get_answers=1, login="other", psw="other").json]
    assert [2, 1, 0] == ids(gateway)
