"""What `status.php` tells of messages, and taking them back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from smsc_async.simulator import Account, Simulator, Switches
from tests.simulator.asking import Reply, ask, errors, simulator
from tests.simulator.sending import OTHER, PHONE, code, send

EPOCH = datetime(2026, 5, 1, 12, tzinfo=UTC)
STAMP = int(EPOCH.timestamp())
TEXT = "Код, 1234\nдва"


def sent(**options: Any) -> tuple[Simulator, Any]:
    """Give a simulator from which a message was delivered at five seconds past noon."""
    gateway, time = simulator(epoch=EPOCH, **options)
    send(gateway, mes=f"{TEXT}\n~~~\norder, 5", id="a-1", sender="SHOP")
    time.advance(5)
    return gateway, time


def status(gateway: Simulator, phone: str = PHONE, id: str | int = "a-1", **params: Any) -> Reply:
    """Ask for a status."""
    return ask(gateway, "status", phone=phone, id=id, **params)


def take_back(gateway: Simulator, phone: str = PHONE, id: str | int = "a-1", **params: Any) -> Reply:
    """Ask for a message's deletion."""
    return status(gateway, phone, id, **{"del": 1}, **params)


SHORT = "Status = 1, check_time = 01.05.2026 12:00:05, err = 0"
PLACE = "country = Україна, operator = Київстар, region = "
NAMED = "send_date = 01.05.2026 12:00:00, phone = 380671234567, cost = 0.50, sender_id = SHOP, status_name = Доставлено"
LISTED = f"{STAMP},380671234567,0.50,SHOP,Доставлено"


@pytest.mark.parametrize(
    ("fmt", "all", "expected"),
    [
        (0, 0, SHORT),
        (1, 0, f"1,{STAMP + 5},0"),
        (0, 1, f"{SHORT}, {NAMED}, message = {TEXT}, comment = order, 5, type = 0"),
        (1, 1, f"1,{STAMP + 5},0,{LISTED},{TEXT},order, 5,0"),
        (0, 2, f"{SHORT}, {NAMED}, message = {TEXT}, comment = order, 5, type = 0, {PLACE}"),
        (1, 2, f"1,{STAMP + 5},0,{LISTED},{TEXT},order, 5,0,Україна,Київстар,"),
    ],
)
def test_a_status_is_a_line_of_text(fmt: int, all: int, expected: str) -> None:
    """In the order of the page: format 0 with names and dates, format 1 with stamps."""
    gateway, _ = sent()
    assert expected == status(gateway, all=all, fmt=fmt).text


FIELDS = {
    "status": 1,
    "last_date": "01.05.2026 12:00:05",
    "last_timestamp": STAMP + 5,
    "flag": 0,
    "err": 0,
    "send_date": "01.05.2026 12:00:00",
    "send_timestamp": STAMP,
    "phone": PHONE,
    "cost": "0.50",
    "sender_id": "SHOP",
    "status_name": "Доставлено",
    "message": TEXT,
    "comment": "order, 5",
    "type": 0,
    "country": "Україна",
    "operator": "Київстар",
    "operator_orig": "Київстар",
    "region": "",
    "mccmnc": "25503",
}


@pytest.mark.parametrize(("all", "count"), [(0, 5), (1, 14), (2, 19)])
def test_a_status_is_an_object_in_json_and_an_element_in_xml(all: int, count: int) -> None:
    """With the same fields in the same order."""
    gateway, _ = sent()
    expected = dict(list(FIELDS.items())[:count])
    reply = status(gateway, all=all).json
    assert (expected, list(expected)) == (reply, list(reply))
    xml = status(gateway, all=all, fmt=2).xml
    assert "sms" == xml.tag
    assert {name: str(value) for name, value in expected.items()} == {field.tag: field.text or "" for field in xml}


@pytest.mark.parametrize(
    ("place", "all", "expected"),
    [
        ("end", 0, f"1,{STAMP + 5},0,a-1,{PHONE}"),
        ("end", 1, f"1,{STAMP + 5},0,{LISTED},{TEXT},order, 5,0,a-1"),
        ("start", 0, f"a-1,{PHONE},1,{STAMP + 5},0"),
        ("start", 1, f"a-1,1,{STAMP + 5},0,{LISTED},{TEXT},order, 5,0"),
        ("both", 0, f"1,{STAMP + 5},0,a-1,{PHONE}"),
        ("both", 1, f"1,{STAMP + 5},0,{LISTED},{TEXT},order, 5,0,a-1,{PHONE}"),
    ],
)
def test_lines_of_many_name_their_message(place: Any, all: int, expected: str) -> None:
    """Where is a switch; a message that is not found is always named by id and phone."""
    gateway, _ = sent(switches=Switches(bulk_ids=place))
    missing = f"5,{OTHER},-3" if place == "start" else f"-3,5,{OTHER}"
    assert f"{expected}\n{missing}" == status(gateway, f"{PHONE},{OTHER}", "a-1,5", all=all, fmt=1).text


@pytest.mark.parametrize("all", [0, 1, 2])
def test_many_are_an_array_with_phones_and_ids(all: int) -> None:
    """Paired by position; a missing one has nothing but its status, and is no error."""
    gateway, _ = sent()
    first, second = status(gateway, f"{PHONE},{OTHER}", "a-1,138", all=all).json
    assert {"status": -3, "id": 138, "phone": OTHER} == second
    assert ("a-1", PHONE, 1) == (first["id"], first["phone"], first["status"])
    assert list(FIELDS)[: (5, 14, 19)[all]] == [name for name in first if name != "id" and (all or name != "phone")]


def test_many_in_xml_are_a_list() -> None:
    """Of the elements of single ones."""
    gateway, _ = sent()
    xml = status(gateway, f"{PHONE},{OTHER}", "a-1,138", fmt=2).xml
    assert ("list", ["sms", "sms"]) == (xml.tag, [item.tag for item in xml])
    assert ["-3", "138", OTHER] == [field.text for field in xml[1]]


def test_a_comma_at_the_end_makes_one_many() -> None:
    """Also under the reading by which lists of one are no lists."""
    gateway, time = sent(switches=Switches(single_as_object=True))
    for phone, id in ((f"{PHONE},", "a-1,"), (PHONE, "a-1,"), (f"{PHONE},", "a-1")):
        (one,) = status(gateway, phone, id).json
        assert ("a-1", PHONE) == (one["id"], one["phone"])
        time.advance(60)


@pytest.mark.parametrize(
    ("reading", "fmt", "expected"),
    [
        ("short", 0, "Status = -3"),
        ("short", 1, "-3"),
        ("zeros", 0, "Status = -3, check_time = 0, err = 0"),
        ("zeros", 1, "-3,0,0"),
        ("zeros", 3, '{"status":-3}'),
    ],
)
def test_a_single_message_that_is_not_found_has_a_status(reading: Any, fmt: int, expected: str) -> None:
    """With zeros as text, or without."""
    gateway, _ = simulator(switches=Switches(missing_line=reading))
    assert expected == status(gateway, fmt=fmt).text


def test_a_message_that_is_not_found_was_error_3_once() -> None:
    """In very old documents; among many it is not."""
    gateway, _ = simulator(switches=Switches(missing_single="error"))
    assert {"error": "message not found", "error_code": 3} == status(gateway).json
    assert -3 == status(gateway, f"{PHONE},", "a-1,").json[0]["status"]


def test_official_libraries_cut_lines_elsewhere() -> None:
    """With the message last, of nine fields or of twelve."""
    gateway, _ = sent(switches=Switches(status_order="library"))
    assert TEXT == status(gateway, all=1, fmt=1).text.split(",", 8)[8]
    fields = status(gateway, all=2, fmt=1).text.split(",", 11)
    assert ["Україна", "Київстар", "", "0.50", "SHOP", "Доставлено", TEXT] == fields[5:]


@pytest.mark.parametrize(("reading", "expected"), [("spaces", "Код, 1234 два"), ("escaped", "Код, 1234\\nдва")])
def test_line_breaks_are_a_switch(reading: Any, expected: str) -> None:
    """Of lines of text only; XML and JSON keep them."""
    gateway, _ = sent(switches=Switches(line_breaks=reading))
    assert f"message = {expected}, " in status(gateway, all=1, fmt=0).text
    assert TEXT == status(gateway, all=1).json["message"]


HLR = ["imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet"]


def test_an_hlr_request_finds_something_out() -> None:
    """Once it is delivered; before, the fields are empty. In text they follow the error, in either order."""
    gateway, time = simulator(epoch=EPOCH)
    send(gateway, mes="", hlr=1, id=1)
    before = status(gateway, id=1).json
    assert dict.fromkeys(HLR, "") == {name: before[name] for name in HLR}
    time.advance(5)
    reply = status(gateway, id=1).json
    assert ["status", "last_date", "last_timestamp", "flag", "err", *HLR] == list(reply)
    assert ("255", "03", "Україна", "Київстар", 4) == (*(reply[n] for n in ("mcc", "mnc", "cn", "net")), reply["flag"])
    values = [reply[name] for name in HLR]
    assert f"1,{STAMP + 5},0,{','.join(values)}" == status(gateway, id=1, fmt=1).text
    gateway.switches = Switches(hlr_order="imsi last")
    assert f"1,{STAMP + 5},0,{','.join(values[2:] + values[:2])}" == status(gateway, id=1, fmt=1).text


def test_dates_are_in_the_accounts_time_zone_and_stamps_are_true() -> None:
    """Whatever the zone of the simulator's epoch."""
    gateway, _ = sent()
    gateway.account.time_zone = timezone(timedelta(hours=6))
    reply = status(gateway, all=1).json
    assert ("01.05.2026 18:00:05", "01.05.2026 18:00:00") == (reply["last_date"], reply["send_date"])
    assert (STAMP + 5, STAMP) == (reply["last_timestamp"], reply["send_timestamp"])


def test_optional_and_unknown_values_are_switches() -> None:
    """Older replies have no flag and no err; new ones may have statuses that nobody lists."""
    gateway, _ = sent(switches=Switches(omit_optional=True, unknown_enums=True))
    reply = status(gateway, all=2).json
    assert set(FIELDS) - set(reply) == {"flag", "err", "comment", "operator_orig", "mccmnc"}
    assert (77, 99) == (reply["status"], reply["type"])


@pytest.mark.parametrize(
    ("phone", "id", "params"),
    [
        ("", "1", {}),
        (PHONE, "", {}),
        (f"{PHONE},{OTHER}", "1", {}),
        (PHONE, "1,2", {}),
        (f"{PHONE},,{OTHER}", "1,2,3", {}),
        (PHONE, "1", {"all": 3}),
        (PHONE, "1", {"all": "x"}),
    ],
)
def test_nonsense_is_error_1(phone: str, id: str, params: dict[str, Any]) -> None:
    """Lists of different length, gaps, and unknown details."""
    gateway, _ = sent()
    assert 1 == code(status(gateway, phone, id, **params))


def test_a_phone_is_found_however_it_is_spelled() -> None:
    """Local spellings too, where they are understood; other ids and other logins are not."""
    gateway, _ = sent()
    gateway.add_account(Account(login="other", password="other"))
    assert [1, 1, -3] == [status(gateway, phone).json["status"] for phone in ("+380 67 123-45-67", "0671234567", OTHER)]
    assert [-3, -3] == [
        status(gateway, id="a-2").json["status"],
        status(gateway, login="other", psw="other").json["status"],
    ]
    gateway.switches = Switches(correct_phones=False)
    assert -3 == status(gateway, "0671234567").json["status"]


def test_of_two_messages_with_one_id_the_newer_is_found() -> None:
    """As ids need not be unique."""
    gateway, _ = simulator()
    send(gateway, mes="first", id=1)
    send(gateway, mes="second", id=1)
    assert "second" == status(gateway, id=1, all=1).json["message"]


def test_e_mails_and_nicks_are_found() -> None:
    """By what they were sent to."""
    gateway, _ = simulator()
    send(gateway, "anna@example.com", mail=1, subj="s", sender="me@example.com", id=1)
    send(gateway, "@anna", tg=1, id=2)
    assert [-1, -1] == [status(gateway, to, n).json["status"] for to, n in (("anna@example.com", 1), ("@anna", 2))]


def test_a_sixth_question_about_one_message_is_error_9() -> None:
    """However much is asked of it and however its phone is spelled; others have their own minute."""
    gateway, _ = sent()
    asked = [{}, {"all": 1}, {"all": 2}, {"phone": f"+{PHONE}"}, {"del": 1}, {"all": 1}]
    assert [0, 0, 0, 0, 5, 9] == errors([status(gateway, **params) for params in asked])
    assert 0 == code(status(gateway, id="a-2"))


def test_deleting_counts_with_the_status_or_apart() -> None:
    """By the switch."""
    gateway, _ = sent(switches=Switches(delete_counts="apart"))
    assert [0] * 5 + [5, 9] == errors([*(status(gateway) for _ in range(5)), take_back(gateway), status(gateway)])


def test_a_second_question_about_many_is_error_9() -> None:
    """Whichever they are about; single ones are not counted with them."""
    gateway, time = sent()
    replies = [status(gateway, f"{PHONE},", f"{number},") for number in range(1, 3)]
    assert [0, 9] == errors(replies)
    assert 0 == code(status(gateway))
    time.advance(60)
    gateway.switches = Switches(refused_counts=False)
    assert list is type(status(gateway, f"{PHONE},", "1,").json)


def test_a_message_that_waits_can_be_taken_back() -> None:
    """Its money comes back by the switch, it goes nowhere, and nobody finds it."""
    for refunds in (True, False):
        gateway, time = simulator(switches=Switches(delete_refunds=refunds))
        send(gateway, id=1, time="+10")
        assert {"result": "OK"} == take_back(gateway, id=1).json
        assert Decimal("1000.00" if refunds else "999.50") == gateway.account.balance
        time.advance(3600)
        assert -3 == status(gateway, id=1).json["status"]
        assert [(True, -1)] == [(message.deleted, message.status) for message in gateway.sent()]
        assert 0 == gateway.verdict().messages


@pytest.mark.parametrize(("fmt", "expected"), [(0, "OK"), (1, "OK"), (2, "<result>OK</result>")])
def test_taking_back_says_ok(fmt: int, expected: str) -> None:
    """In every format."""
    gateway, _ = simulator()
    send(gateway, id=1)
    assert expected == take_back(gateway, id=1, fmt=fmt).text


def test_what_was_handed_over_cannot_be_taken_back() -> None:
    """Nor what is not there; of many those go that can, once."""
    gateway, _ = sent()
    assert 5 == code(take_back(gateway))
    assert 5 == code(take_back(gateway, id=7))
    send(gateway, id=8, mes="later", time="+1")
    reply = take_back(gateway, f"{PHONE},{PHONE},{PHONE}", "a-1,8,8")
    assert {"error": "can't delete", "error_code": 5} == reply.json
    assert -3 == status(gateway, id=8).json["status"]
    assert Decimal("999.50") == gateway.account.balance
