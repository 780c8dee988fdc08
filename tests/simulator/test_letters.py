"""How events are written for a handler."""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from smsc_async.simulator import CallEvent, MessageEvent, StatusEvent, Switches, parse_address
from smsc_async.simulator.letters import write
from smsc_async.simulator.moments import Moments
from tests.simulator.handling import Called

SECRET = "s3cret-key_1"
EPOCH = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)  # 1700000000
STATUS = StatusEvent(id=1001, phone="380501234567", status=1)
MESSAGE = MessageEvent(id=7, phone="380501234567", mes="Привіт", to="380671112233")
CALL = CallEvent(phone="380501234567")

#: The vectors of the facts sheet: md5, sha1, and the checksum unsigned, signed and in hexadecimal digits.
VECTORS: dict[str, tuple[Any, str, str, str, str, str, str]] = {
    "status": (
        STATUS,
        "windows-1251",
        "6e6bd35b4ff11f19cfb64a9dfaeef5b7",
        "9877fb703bbecf85effb6471e6291c7d7b428e97",
        "3466268287",
        "-828699009",
        "ce9b0e7f",
    ),
    "message in utf-8": (
        MESSAGE,
        "utf-8",
        "cbe85eee4a9539e18c7eb71961918cc5",
        "6b3211274faf87aa01061a059b31a9c3b85efe68",
        "764186710",
        "764186710",
        "2d8c9056",
    ),
    "message in windows-1251": (
        MESSAGE,
        "windows-1251",
        "581d436ac0c2355d1b6604e8031ef48b",
        "b4629719ed4945626069e03c915620d854e9f934",
        "1456267679",
        "1456267679",
        "56cce19f",
    ),
    "call": (
        CALL,
        "windows-1251",
        "3f0b22f481441c832e74986c44a4dec8",
        "e9f5a8caadf64b9477da1cc2a58a5928f94a5c3f",
        "3024863772",
        "-1270103524",
        "b44bc21c",
    ),
}


def moments(epoch: datetime = EPOCH) -> Moments:
    """Give a time that stands still."""

    async def sleep(seconds: float) -> None:
        raise AssertionError("nothing waits here")

    return Moments(clock=lambda: 5.0, sleep=sleep, minute=60.0, epoch=epoch, zero=5.0)


def letter(event: Any, query: str = "", *, epoch: datetime = EPOCH, **switches: Any) -> Called:
    """Write *event* for a handler whose address ends with *query*."""
    address = parse_address(f"https://example.com/cb?{query}")
    written = write(event, address, moments(epoch), Switches(**switches))
    return Called("POST", "/cb", "", {"content-type": written.content_type}, written.body)


@pytest.mark.parametrize("form", [0, 2, 3])
@pytest.mark.parametrize("name", VECTORS)
def test_digests_are_those_of_the_facts_sheet(name: str, form: int) -> None:
    """Of all three kinds, in the handler's charset, whatever the format."""
    event, charset, md5, sha1, crc32, _, _ = VECTORS[name]
    query = f"md5={SECRET}&sha1={SECRET}&crc32={SECRET}&charset={charset}&fmt={form}"
    called = letter(event, query)
    fields = called.form(charset) if form == 0 else called.xml() if form == 2 else called.json(charset)
    assert (md5, sha1, crc32) == (fields["md5"], fields["sha1"], fields["crc32"])
    assert SECRET.encode() not in called.body


@pytest.mark.parametrize("name", VECTORS)
def test_the_form_of_the_checksum_is_a_switch(name: str) -> None:
    """Unsigned, signed, or hexadecimal, lower or upper case."""
    event, charset, *_, signed, digits = VECTORS[name]
    query = f"crc32={SECRET}&charset={charset}"
    assert signed == letter(event, query, callback_crc32="signed").form(charset)["crc32"]
    assert digits == letter(event, query, callback_crc32="hex").form(charset)["crc32"]
    upper = letter(event, query, callback_crc32="hex", callback_digest_case="upper")
    assert digits.upper() == upper.form(charset)["crc32"]


def test_a_short_checksum_keeps_its_zeros() -> None:
    """In hexadecimal digits there are always eight."""
    numbers = range(10_000)
    number = next(n for n in numbers if zlib.crc32(f"{n}:380501234567:1:{SECRET}".encode()) < 1 << 28)
    event = StatusEvent(id=number, phone="380501234567", status=1)
    found = letter(event, f"crc32={SECRET}", callback_crc32="hex").form()["crc32"]
    assert (8, "0") == (len(found), found[0])


def test_which_bytes_are_hashed_is_a_switch() -> None:
    """Those in the handler's charset, or in UTF-8 all the same."""
    as_sent = letter(MESSAGE, f"md5={SECRET}").form()["md5"]
    in_utf_8 = letter(MESSAGE, f"md5={SECRET}", callback_hashed="utf-8").form()["md5"]
    assert (VECTORS["message in windows-1251"][2], VECTORS["message in utf-8"][2]) == (as_sent, in_utf_8)


def test_digests_can_come_in_upper_case() -> None:
    """As a switch."""
    found = letter(STATUS, f"md5={SECRET}&sha1={SECRET}", callback_digest_case="upper").form()
    assert VECTORS["status"][2].upper() == found["md5"]
    assert VECTORS["status"][3].upper() == found["sha1"]


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8", "koi8-r"])
def test_a_form_is_in_the_charset_of_the_address(charset: str) -> None:
    """What is hashed is what arrives: also where a letter is not in the charset."""
    event = MessageEvent(id=7, phone="380501234567", mes="Привет, і №1 & 2=3 + ☃\r\n", to="380671112233")
    called = letter(event, f"md5={SECRET}&charset={charset}")
    form = called.form(charset)
    assert "application/x-www-form-urlencoded" == called.headers["content-type"]
    assert event.mes.encode(charset, "replace").decode(charset) == form["mes"]
    data = f"{form['phone']}:{form['mes']}:{form['to']}:{SECRET}".encode(charset)
    assert hashlib.md5(data).hexdigest() == form["md5"]


@pytest.mark.parametrize("claims", ["declaration", "both"])
@pytest.mark.parametrize("charset", ["windows-1251", "utf-8"])
def test_xml_is_in_the_charset_it_declares(charset: str, claims: str) -> None:
    """And says what was meant, line ends and what XML itself uses included."""
    event = MessageEvent(id=7, phone="380501234567", mes="Привіт <b>&amp;</b>\r\n\t\x01☃", to="380671112233")
    called = letter(event, f"fmt=2&charset={charset}&md5={SECRET}", callback_claims=claims)
    found = called.xml()
    text = event.mes.replace("\x01", "?").encode(charset, "replace").decode(charset)
    assert text == found["mes"]
    assert hashlib.md5(f"380501234567:{text}:380671112233:{SECRET}".encode(charset)).hexdigest() == found["md5"]
    header = f"text/xml; charset={charset}" if claims == "both" else "text/xml"
    assert header == called.headers["content-type"]


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8"])
def test_json_is_in_the_charset_of_the_address(charset: str) -> None:
    """A flat object of strings."""
    called = letter(MESSAGE, f"fmt=3&charset={charset}&my=ї")
    assert "Привіт".encode(charset) in called.body
    expected = {
        "id": "7",
        "phone": "380501234567",
        "mes": "Привіт",
        "to": "380671112233",
        "smsc": "380440000900",
        "sent": "1700000000",
        "time": "1700000000",
        "fmt": "3",
        "charset": charset,
        "my": "ї",
    }
    assert expected == called.json(charset)
    assert "application/json" == called.headers["content-type"]


def test_what_the_vendor_leaves_open_about_json_are_switches() -> None:
    """Bare numbers, escaped letters, UTF-8 whatever the address says, and the charset in Content-Type."""
    bare = letter(STATUS, f"fmt=3&crc32={SECRET}", callback_numbers="bare").json()
    assert (1001, 1, "0.50", 3466268287) == (bare["id"], bare["status"], bare["cost"], bare["crc32"])
    escaped = letter(MESSAGE, "fmt=3", callback_json_ascii=True)
    assert escaped.body.isascii()
    assert "Привіт" == json.loads(escaped.body)["mes"]
    other = letter(MESSAGE, f"fmt=3&md5={SECRET}", callback_charset="utf-8", callback_claims="header")
    assert VECTORS["message in utf-8"][2] == other.json("utf-8")["md5"]
    assert "application/json; charset=utf-8" == other.headers["content-type"]


def test_what_the_vendor_leaves_open_about_xml_are_switches() -> None:
    """The root, and whether there is a declaration."""
    plain = letter(CALL, "fmt=2", callback_claims="neither", callback_root="request").body
    expected = (
        b"<request>\n<waitcall>1</waitcall>\n<phone>380501234567</phone>\n<ts>1700000000</ts>\n<fmt>2</fmt>\n</request>"
    )
    assert expected == plain
    usual = letter(CALL, "fmt=2").body
    assert usual.startswith(b'<?xml version="1.0" encoding="windows-1251"?>\n<result>\n')


def test_a_parameter_of_the_address_becomes_an_element_whatever_its_name() -> None:
    """XML stays well-formed."""
    assert {"_1_b_", "a.b"} <= set(letter(CALL, "fmt=2&1%20b%3E=x&a.b=y").xml())


def test_the_parameters_of_the_address_come_along() -> None:
    """All of them, or all but charset and fmt; what the event says goes before them."""
    query = "charset=utf-8&fmt=0&shop=3&phone=1"
    everything = letter(CALL, query).form()
    own = letter(CALL, query, callback_echo="own").form()
    assert ["waitcall", "phone", "ts", "charset", "fmt", "shop"] == list(everything)
    assert ["waitcall", "phone", "ts", "shop"] == list(own)
    assert "380501234567" == everything["phone"]


def test_a_status_has_all_fields_of_the_table() -> None:
    """In its order; dates have two digits for the year and are in the account's time zone."""
    event = StatusEvent(
        id="order-7",
        phone="380501234567",
        status=20,
        err=6,
        syserr="8",
        cnt=2,
        type=7,
        cost=Decimal("1.20"),
        flag=5,
        sender="Крамниця",
        dtmf="12#",
        cmt="перша",
        overtime=75,
        imsi="255010000000000",
        msc="380500000000",
        mcc=255,
        mnc=1,
        cn="Україна",
        net="Vodafone",
        rcn="Польща",
        rnet="Plus",
        calltime=33,
        callmenu="1,2",
        ringtime=9,
    )
    kyiv = EPOCH.astimezone(timezone(timedelta(hours=2)))
    expected = {
        "id": "order-7",
        "phone": "380501234567",
        "status": "20",
        "time": "15.11.23 00:13:20",
        "ts": "1700000000",
        "err": "6",
        "syserr": "8",
        "cnt": "2",
        "type": "7",
        "cost": "1.20",
        "flag": "5",
        "sender": "Крамниця",
        "dtmf": "12#",
        "cmt": "перша\novertime: 01:15",
        "imsi": "255010000000000",
        "msc": "380500000000",
        "mcc": "255",
        "mnc": "1",
        "cn": "Україна",
        "net": "Vodafone",
        "rcn": "Польща",
        "rnet": "Plus",
        "calltime": "33",
        "callmenu": "1,2",
        "ringtime": "9",
    }
    assert expected == letter(event, epoch=kyiv).form()


def test_what_a_status_does_not_have_is_left_out_or_empty() -> None:
    """By a switch; the error is left out where it is zero, as the vendor says."""
    usual = letter(STATUS).form()
    assert ["id", "phone", "status", "time", "ts", "cnt", "type", "cost", "flag", "sender"] == list(usual)
    empty = letter(STATUS, callback_empty=True).form()
    assert ("", "", None) == (empty["dtmf"], empty["imsi"], empty.get("err"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 0),
        ({"type": 7}, 7),
        ({"type": 8, "second_balance": True}, 40),
        ({"template": 0}, 1 << 8),
        ({"type": 10, "template": 3}, 10 | 1 << 8 | 1 << 9 | 1 << 10),
        ({"template": 1}, 1 << 8 | 1 << 9),
        ({"template": 2}, 1 << 8 | 1 << 10),
    ],
)
def test_the_flag_is_worked_out_bit_by_bit(fields: dict[str, Any], expected: int) -> None:
    """Type in bits 0 to 3, second balance 5, template 8, its kind 10 and 9."""
    event = StatusEvent(id=1, phone="1", status=1, **fields)
    assert str(expected) == letter(event).form()["flag"]


def test_overtime_alone_is_the_comment() -> None:
    """A line of its own, and here the only one."""
    assert "overtime: 00:09" == letter(StatusEvent(id=1, phone="1", status=1, overtime=9)).form()["cmt"]


def test_a_message_can_answer_one_of_ours() -> None:
    """Then it names it; and it may have been on its way for a while."""
    event = MessageEvent(id=7, phone="1", mes="", to="2", sms_id="order-7", underway=30)
    form = letter(event).form()
    assert ["id", "sms_id", "phone", "mes", "to", "smsc", "sent", "time"] == list(form)
    assert ("order-7", "", "1699999970", "1700000000") == (form["sms_id"], form["mes"], form["sent"], form["time"])


def test_a_date_without_time_zone_is_taken_for_utc() -> None:
    """So stamps do not depend on where the simulator runs."""
    assert "1700000000" == letter(CALL, epoch=EPOCH.replace(tzinfo=None)).form()["ts"]
