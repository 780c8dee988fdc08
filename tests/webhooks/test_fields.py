"""Every field of the vendor's tables becomes what it stands for, in every format and charset."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import DeliveryError, LocalTime, MessageFlags, MessageStatus, MessageType, TemplateKind
from smsc_async.errors import MalformedCallback
from smsc_async.webhooks import CallConfirmation, DeliveryStatus, HlrResult, IncomingMessage, VoiceMenu
from tests.webhooks.posting import FORMATS, STATUS, body, posted, receiver, signed

KINDS = [
    *((form, charset) for form in FORMATS for charset in ("utf-8", "windows-1251")),
    ("form", "koi8-r"),
    ("parts", "koi8-r"),
]
in_every_way = pytest.mark.parametrize(("form", "charset"), KINDS)


@in_every_way
def test_every_field_of_a_status_has_its_place(form: str, charset: str) -> None:
    """The vendor's first table: numbers, dates, money, flags, and what HLR requests and voice menus add."""
    event = posted(
        {
            "id": "7a.b_c",
            "phone": "380501234567",
            "status": "20",
            "time": "31.12.26 23:59:58",
            "ts": "1798754398",
            "err": "255",
            "syserr": "0x00000045",
            "cnt": "3",
            "type": "7",
            "cost": "0.50",
            "flag": "1319",
            "sender": "Магазин",
            "dtmf": "12#*",
            "cmt": "Двор 5: код = 12 & ещё\novertime: 01:30",
            "imsi": "255011234567890",
            "msc": "380500000000",
            "mcc": "255",
            "mnc": "01",
            "cn": "Украина",
            "net": "Водафон",
            "rcn": "Польша",
            "rnet": "Plus",
            "calltime": "17",
            "callmenu": "1-2",
            "ringtime": "4",
        },
        form,
        charset,
    )
    expected = DeliveryStatus(
        id="7a.b_c",
        phone="380501234567",
        status=MessageStatus.UNDELIVERABLE,
        time=LocalTime("31.12.26 23:59:58"),
        changed_at=datetime(2026, 12, 31, 21, 59, 58, tzinfo=UTC),
        error=DeliveryError.REJECTED_BY_OPERATOR,
        operator_error="0x00000045",
        count=3,
        type=MessageType.CALL,
        cost=Decimal("0.50"),
        flags=MessageFlags(1319),
        sender="Магазин",
        dtmf="12#*",
        comment="Двор 5: код = 12 & ещё",
        overtime=90.0,
        hlr=HlrResult(
            imsi="255011234567890",
            service_centre="380500000000",
            country_code="255",
            operator_code="01",
            country="Украина",
            operator="Водафон",
            roaming_country="Польша",
            roaming_operator="Plus",
        ),
        menu=VoiceMenu(call_time="17", keys="1-2", ring_time="4"),
        signature=event.signature,
    )
    assert expected == event
    assert isinstance(event, DeliveryStatus)
    assert "0.50" == str(event.cost)
    assert ("7a.b_c", "380501234567") == event.message
    assert event.time is not None
    assert event.changed_at == event.time.at(ZoneInfo("Europe/Kyiv"))


@in_every_way
def test_every_field_of_an_incoming_message_has_its_place(form: str, charset: str) -> None:
    """The vendor's second table; here ``time`` is a stamp, and the text may hold whatever a subscriber writes."""
    text = 'Да: 5 + 5 = 10 & <b>ёж</b> %41; "кавычки" \\ конец'
    event = posted(
        {
            "id": "55",
            "sms_id": "1001",
            "phone": "380501234567",
            "mes": text,
            "to": "380671112233",
            "smsc": "380500000001",
            "sent": "1700000000",
            "time": "1700000005",
        },
        form,
        charset,
    )
    expected = IncomingMessage(
        id="55",
        reply_to="1001",
        phone="380501234567",
        text=text,
        to="380671112233",
        service_centre="380500000001",
        sent_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        received_at=datetime(2023, 11, 14, 22, 13, 25, tzinfo=UTC),
        signature=event.signature,
    )
    assert expected == event


@in_every_way
def test_every_field_of_a_confirmation_has_its_place(form: str, charset: str) -> None:
    """The vendor's third table: who called, and when."""
    event = posted({"waitcall": "1", "phone": "380501234567", "ts": "1700000000"}, form, charset)
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert CallConfirmation(phone="380501234567", called_at=moment, signature=event.signature) == event


def test_fields_that_are_left_out_are_none() -> None:
    """A status needs its id, phone and status alone; an empty field is as one that is not there."""
    plain = posted(STATUS)
    empty = posted({**STATUS, "time": "", "ts": "", "err": "", "cost": "", "flag": "", "cmt": "", "imsi": ""})
    assert isinstance(empty, DeliveryStatus)
    assert plain == attrs.evolve(empty, time=None)
    given_fields = {"id", "phone", "status", "signature", "parameters", "extra"}
    others = {field.name for field in attrs.fields(DeliveryStatus)} - given_fields
    assert [None] * len(others) == [getattr(plain, name) for name in sorted(others)]


@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_message_without_id_and_number_is_one_nonetheless(form: str) -> None:
    """Where the gateway leaves them out, they are empty texts."""
    event = posted({"phone": "380501234567", "mes": "Так"}, form)
    assert isinstance(event, IncomingMessage)
    assert ("", "", "Так") == (event.id, event.to, event.text)


@given(st.integers(min_value=0, max_value=0xFFFF))
def test_each_bit_of_the_flags_is_read_as_the_vendor_lays_them_out(value: int) -> None:
    """Bits 0 to 3 are the type, 5 is the second balance, 8 a template, 10 and 9 its kind."""
    event = posted({**STATUS, "flag": str(value)})
    assert isinstance(event, DeliveryStatus)
    flags = event.flags
    assert flags is not None
    assert (value, value % 16, bool(value & 32)) == (flags.value, int(flags.type), flags.second_balance)
    kinds = [TemplateKind.SERVICE, TemplateKind.TRANSACTIONAL, TemplateKind.AUTHORISATION, TemplateKind.ADVERTISING]
    assert (kinds[value // 512 % 4] if value & 256 else None) is flags.template


@pytest.mark.parametrize("flag", ["65536", "99999", "-1", "0x20", "1e3", "１", "100000000000000000000"])
def test_flags_that_are_no_two_bytes_are_kept_as_text(flag: str) -> None:
    """What nobody can read is no reason to lose the event."""
    event = posted({**STATUS, "flag": flag})
    assert isinstance(event, DeliveryStatus)
    assert (None, {"flag": flag}) == (event.flags, event.extra)


@pytest.mark.parametrize(
    ("comment", "text", "overtime"),
    [
        ("overtime: 01:30", None, 90.0),
        ("Замовлення 7\novertime: 10:05", "Замовлення 7", 605.0),
        ("a\r\nb\r\novertime: 00:01\r\n", "a\nb", 1.0),
        ("overtime: 99:60", "overtime: 99:60", None),
        ("no overtime: 01:30", "no overtime: 01:30", None),
        ("overtime: 01:30\nmore", "more", 90.0),
        ("a\novertime: 01:30\nb", "a\nb", 90.0),
        ("overtime: 01:30\novertime: 02:00", "overtime: 01:30", 120.0),
        ("overtime: ０１:３０", "overtime: ０１:３０", None),
        ("a\r\nb", "a\r\nb", None),
    ],
)
def test_the_line_of_overtime_is_taken_out_of_the_comment(
    comment: str, text: str | None, overtime: float | None
) -> None:
    """The gateway adds it as a line of its own; what only looks similar is the sender's own comment."""
    event = posted({**STATUS, "cmt": comment})
    assert isinstance(event, DeliveryStatus)
    assert (text, overtime) == (event.comment, event.overtime)


def test_numbers_that_nobody_knows_yet_have_names() -> None:
    """A status, an error or a type that the vendor adds is an event like others."""
    event = posted({**STATUS, "status": "77", "err": "999", "type": "9"})
    assert isinstance(event, DeliveryStatus)
    assert event.type is not None
    assert event.error is not None
    assert (77, 999, 9) == (event.status, event.error, event.type)
    assert "MessageStatus.UNKNOWN_77" == str(event.status)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("cost", text) for text in ("1,5", "1e5", "NaN", "١", "0x1", " 1")),
        *(
            (name, text)
            for name in ("ts", "err", "cnt", "type")
            for text in ("１２", "1_0", " 7", "7 ", "1.0", "+7", "x")
        ),
        ("ts", "999999999999999999"),
        ("ts", "9" * 5_000),
        ("cost", "9" * 5_000),
    ],
)
def test_w16_a_number_is_ascii_digits_or_stays_text(name: str, text: str) -> None:
    """W16: what `int` takes and the gateway never writes moves to the unknown fields, and all others are read."""
    event = posted({**STATUS, "sender": "Shop", name: text})
    assert isinstance(event, DeliveryStatus)
    assert {name: text} == event.extra
    attribute = {"ts": "changed_at", "err": "error", "cnt": "count"}.get(name, name)
    assert ("Shop", None) == (event.sender, getattr(event, attribute))


@given(st.text(max_size=12))
def test_w16_a_status_is_written_one_way_or_refused(text: str) -> None:
    """W16: canonical or refused: one or two ASCII digits, with a sign or without."""
    canonical = text.isascii() and text.removeprefix("-").isdecimal() and len(text.removeprefix("-")) <= 2
    octets = body(signed({**STATUS, "status": text}))
    if canonical:
        event = receiver().parse(octets)
        assert isinstance(event, DeliveryStatus)
        assert int(text) == event.status
    else:
        with pytest.raises(MalformedCallback):
            receiver().parse(octets)


# Parameters of the address ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_parameters_of_the_address_come_back(form: str) -> None:
    """What was put into the address and the settings that it echoes are told from what nobody knows."""
    fields = {**STATUS, "shop": "Їжак", "charset": "utf-8", "fmt": "3", "новe": "ї", "mystery": "42"}
    event = posted(fields, form, parameters={"shop": "Їжак"})
    assert {"shop": "Їжак", "charset": "utf-8", "fmt": "3"} == event.parameters
    assert {"новe": "ї", "mystery": "42"} == event.extra


def test_parameters_of_the_called_address_are_there_too() -> None:
    """Those behind the exclamation mark come in the query, as bytes or text; body parameters win."""
    octets = body(signed({**STATUS, "shop": "7", "b": "body"}))
    reader = receiver(parameters={"shop": "7", "b": "x"}, query={"route": "a b"})
    for query in (b"route=a+b&b=query&b=again", "route=a%20b&b=again"):
        assert {"route": "a b", "b": "body", "shop": "7"} == reader.parse(octets, query=query).parameters


def test_a_parameter_that_stands_there_twice_counts_once() -> None:
    """Of the user's own parameters the last one counts, as in PHP; those of the gateway's are refused (W13)."""
    octets = body(signed(STATUS)) + b"&shop=1&shop=2"
    assert {"shop": "2"} == receiver(parameters={"shop": "2"}).parse(octets).parameters


def test_fields_of_other_kinds_are_unknown_ones() -> None:
    """A status has no ``to``; were it there, it would be kept and mean nothing."""
    event = posted({**STATUS, "to": "380671112233", "smsc": "1"})
    assert {"to": "380671112233", "smsc": "1"} == event.extra
    message = posted({"id": "1", "phone": "380501234567", "mes": "x", "to": "SHOP", "cost": "1"})
    assert {"cost": "1"} == message.extra


@pytest.mark.parametrize(
    ("phone", "read"),
    [
        ("+380501234567", "380501234567"),
        ("+a1", "+a1"),
        ("+１２", "+１２"),
        ("+", "+"),
        ("a.b+c@example.com",) * 2,
        ("Їжак",) * 2,
    ],
)
def test_a_leading_plus_is_dropped_from_a_phone_alone(phone: str, read: str) -> None:
    """The digest covers it as it came; a mailbox or a nick keeps its own."""
    assert read == posted({**STATUS, "phone": phone}).phone
