"""
What the gateway answers about messages, in all four formats: equal values, or none, and never other ones.

The replies are written here a second time, by the tables of the vendor's pages (what `send.php` and `status.php` say)
and not by the client's shapes. A value is told as far as its format tells it: text has dates, CSV has Unix times.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsc_async import errors
from smsc_async._convert import structure
from smsc_async._endpoint import Endpoint
from smsc_async._wire import Refusal, ReplyFormat, Undecodable, decode
from smsc_async.services._sent import COST, SEND, SEND_IN_JSON, Priced, Recipient, SentMessage, Taken, joined
from smsc_async.services._states import DELETE, MANY, ONE, Row, state_of
from smsc_async.statuses import DeliveryError, HlrResult, MessageFlags, MessageStatus, MessageType
from smsc_async.values import Listing, LocalTime

TEXT, CSV, XML, JSON = ReplyFormat
DETAILS: tuple[Any, ...] = (0, 1, 2)
PHONE = "380671234567"


def read(endpoint: Endpoint[Any], body: str, asked: ReplyFormat) -> Any:
    """Give the value or the refusal, as the session does."""
    plain = decode(body.encode(), asked=asked, shape=endpoint.shape)
    return plain if isinstance(plain, Refusal) else structure(plain, endpoint.reply, shape=endpoint.shape)


def tags(values: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{html.escape(str(value), quote=False)}</{name}>" for name, value in values.items())


# Sending and prices: the table of replies of send.php ---------------------------------------------------------------


def sent(
    asked: ReplyFormat, message_id: str | int, count: int, cost: str | None = None, balance: str | None = None
) -> str:
    """Write that a message was taken, with what it cost and what is left where the request asked for it."""
    told = {"id": message_id, "cnt": count, "cost": cost, "balance": balance}
    known = {name: value for name, value in told.items() if value is not None}
    more = "".join(f", {name.upper()} - {known[name]}" for name in ("cost", "balance") if name in known)
    return (
        f"OK - {count} SMS, ID - {message_id}{more}",
        ",".join(map(str, known.values())),
        f"<result>\n{tags(known)}\n</result>",
        json.dumps(known),
    )[asked]


def price(asked: ReplyFormat, cost: str, count: int) -> str:
    """Write what a message would cost."""
    told = {"cost": cost, "cnt": count}
    return (f"{cost} ({count} SMS)", f"{cost},{count}", f"<result>{tags(told)}</result>", json.dumps(told))[asked]


IDS = st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True) | st.integers(1, 2**31 - 1)
COUNTS = st.integers(1, 10**6)
AMOUNTS = st.decimals(0, 10**6, places=4).map(str) | st.integers(0, 10**6).map(str) | st.sampled_from(["3.8", "286.55"])
BALANCES = AMOUNTS | st.sampled_from(["-0.5", "-100", "0"])
FORMATS = st.sampled_from(ReplyFormat)


@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((9, 1), Taken(id="9", parts=1)),
        ((9, 1, "3.8"), Taken(id="9", parts=1, cost=Decimal("3.8"))),
        ((63, 1, "3.8", "286.55"), Taken(id="63", parts=1, cost=Decimal("3.8"), balance=Decimal("286.55"))),
        (("my-1.5_a", 20, "0", "-1.5"), Taken(id="my-1.5_a", parts=20, cost=Decimal(0), balance=Decimal("-1.5"))),
    ],
)
def test_each_cell_of_a_sending_is_the_same_value(asked: ReplyFormat, values: Any, expected: Taken) -> None:
    """With no cost, the cost, or cost and balance, all four formats give one value, whichever format was asked for."""
    for endpoint in (SEND, SEND_IN_JSON):
        assert expected == read(endpoint, sent(asked, *values), asked)
    if asked is not CSV:  # values without names are taken only where they were asked for
        assert [expected] * 4 == [read(SEND, sent(asked, *values), other) for other in ReplyFormat]


@pytest.mark.parametrize("asked", ReplyFormat)
def test_each_cell_of_a_price_is_the_same_value(asked: ReplyFormat) -> None:
    """All four formats give one price."""
    assert Priced(cost=Decimal("0.30"), parts=1) == read(COST, price(asked, "0.30", 1), asked)
    assert Priced(cost=Decimal(5), parts=12) == read(COST, price(asked, "5", 12), asked)


@given(FORMATS, IDS, COUNTS, AMOUNTS | st.none(), BALANCES | st.none())
@example(CSV, "1.5", 6, None, None)
@example(CSV, "0", 1, "0", "-5")
def test_a_sending_is_read_as_it_was_written(
    asked: ReplyFormat, message_id: Any, count: int, cost: str | None, balance: str | None
) -> None:
    """Any id, whole or in letters, and any amounts come out of each format equal."""
    balance = None if cost is None else balance
    expected = Taken(
        id=str(message_id),
        parts=count,
        cost=None if cost is None else Decimal(cost),
        balance=None if balance is None else Decimal(balance),
    )
    assert expected == read(SEND, sent(asked, message_id, count, cost, balance), asked)


@given(FORMATS, AMOUNTS, COUNTS)
def test_a_price_is_read_as_it_was_written(asked: ReplyFormat, cost: str, count: int) -> None:
    """Any price comes out of each format equal."""
    assert Priced(cost=Decimal(cost), parts=count) == read(COST, price(asked, cost, count), asked)


@pytest.mark.parametrize("message_id", [9, "9"], ids=repr)
@pytest.mark.parametrize("count", [1, "1"], ids=repr)
@pytest.mark.parametrize("cost", ["3.5", 3.5], ids=repr)
def test_json_numbers_may_be_quoted_or_not(message_id: Any, count: Any, cost: Any) -> None:
    """Ids, counts and amounts are the same with quotes and without."""
    body = json.dumps({"id": message_id, "cnt": count, "cost": cost, "balance": cost, "something": "new"})
    expected = Taken(id="9", parts=1, cost=Decimal("3.5"), balance=Decimal("3.5"))
    assert expected == read(SEND, body, JSON) == read(SEND, f"[{body}]", JSON)


def test_the_code_of_a_call_is_told_in_json_and_xml() -> None:
    """Six digits, the first of which may be a zero."""
    for body in ('{"id":1,"cnt":1,"code":"012345"}', "<result><id>1</id><cnt>1</cnt><code>012345</code></result>"):
        assert Taken(id="1", parts=1, code="012345") == read(SEND, body, JSON)
    assert "12345" == read(SEND, '{"id":1,"cnt":1,"code":12345}', JSON).code


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("9", CSV),
        ("9,", CSV),
        ("9,1,", CSV),
        ("9,1,3,8", TEXT),
        ("9,1,3,8,286,55", CSV),  # a decimal comma
        ("9,1,3.8,286.55,1", CSV),
        ("9,x", CSV),
        ("a b,1", CSV),
        ("OK", TEXT),
        ("OK - SMS, ID - 9", TEXT),
        ("OK - 1 SMS", TEXT),
        ("OK - 1 SMS, ID - ", TEXT),
        ("OK - 1 SMS, ID - 9, COST - 3,8", TEXT),
        ("OK - 1 SMS, ID - 9\nOK - 1 SMS, ID - 10", TEXT),
        ("<result><id>9</id></result>", XML),
        ("<result><cnt>1</cnt></result>", XML),
        ("<list><id>9</id><cnt>1</cnt></list>", XML),
        ('{"id":9}', JSON),
        ('{"cnt":1}', JSON),
        ('{"id":null,"cnt":1}', JSON),
        ('{"id":9,"cnt":1.5}', JSON),
        ('{"id":9,"cnt":true}', JSON),
        ('{"id":9,"cnt":1,"cost":"3,8"}', JSON),
        ('{"id":9,"id":10,"cnt":1}', JSON),
        ('[{"id":9,"cnt":1},{"id":10,"cnt":1}]', JSON),
        ("[]", JSON),
        ("", JSON),
    ],
)
def test_half_an_answer_is_no_sending(body: str, asked: ReplyFormat) -> None:
    """What lacks the id or the count, or has too much of it, is undecodable: the message is looked for instead."""
    with pytest.raises(Undecodable):
        read(SEND, body, asked)


# Refusals -----------------------------------------------------------------------------------------------------------

WORDS = {3: "no money", 6: "message is denied", 7: "invalid number", 8: "can't to deliver", 5: "bad date, or (none)"}


def refused(asked: ReplyFormat, code: int, words: str, message_id: str | int | None) -> str:
    """Write a refusal, of a message where there is an id."""
    told: dict[str, Any] = {"error": words, "error_code": code}
    told |= {} if message_id is None else {"id": message_id}
    return (
        f"ERROR = {code} ({words})" + ("" if message_id is None else f", ID - {message_id}"),
        f"{0 if message_id is None else message_id},-{code}",
        f"<result>{tags(told)}</result>",
        json.dumps(told),
    )[asked]


@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize("written", ReplyFormat)
@pytest.mark.parametrize(
    "message_id", [None, 64, "64", "my-id_1.2", "1.5", "1.a", "2026.11.23-7", "-5", "x" * 40], ids=repr
)
def test_a_refusal_with_an_id_is_one(asked: ReplyFormat, written: ReplyFormat, message_id: Any) -> None:
    """In every format, whatever was asked for, a refusal keeps its number and its id; no id makes a success of it."""
    for endpoint, (code, words) in product((SEND, SEND_IN_JSON, ONE[0], ONE[2], MANY[0], MANY[1]), WORDS.items()):
        expected = Refusal(code, "" if written is CSV else words, None if message_id is None else str(message_id))
        assert expected == read(endpoint, refused(written, code, words, message_id), asked)


@given(
    FORMATS,
    FORMATS,
    IDS.filter(lambda each: str(each) != "0"),
    st.integers(1, 999),
    st.text("aї(), -ID0'", max_size=20),
)
def test_any_refusal_of_a_message_is_one(
    written: ReplyFormat, asked: ReplyFormat, message_id: Any, code: int, words: str
) -> None:
    """Whatever the gateway's words and whatever our id: a refusal is never read as a message that was taken."""
    words = words.strip()
    found = read(SEND, refused(written, code, words, message_id), asked)
    assert Refusal(code, "" if written is CSV else words, str(message_id)) == found


@pytest.mark.parametrize("written", ReplyFormat)
def test_a_price_with_a_refusal_is_one(written: ReplyFormat) -> None:
    """Where a price was asked for, a refusal with an id of the gateway's is a refusal too."""
    expected = Refusal(7, "" if written is CSV else "invalid number", "64")
    assert expected == read(COST, refused(written, 7, "invalid number", 64), written)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1, errors.InvalidParameters),
        (2, errors.AuthenticationFailed),
        (3, errors.InsufficientFunds),
        (4, errors.AddressBlocked),
        (5, errors.InvalidDate),
        (6, errors.MessageForbidden),
        (7, errors.InvalidPhone),
        (8, errors.Undeliverable),
        (9, errors.TooManyRequests),
        (10, errors.WrongCaptcha),
    ],
)
def test_each_number_has_its_error(code: int, error: type[errors.GatewayError]) -> None:
    """Sending and prices have the page's ten; statuses have the common four, and deleting 3, of old pages, and 5."""
    common = code in {1, 2, 4, 9}
    for endpoint in (SEND, SEND_IN_JSON, COST):
        assert error is endpoint.refusals[code]
    for asking in (*ONE.values(), *MANY.values()):
        assert (error if common else None) is asking.refusals.get(code)
    deleting = errors.CannotDelete if code in {3, 5} else error if common else None
    assert deleting is DELETE.refusals.get(code)


def test_deleting_says_ok_in_every_format() -> None:
    """The word is the whole answer."""
    for asked, body in zip(ReplyFormat, ("OK", "OK", "<result>OK</result>", '{"result":"OK"}'), strict=True):
        assert read(DELETE, body, asked) is None
    with pytest.raises(Undecodable):
        read(DELETE, '{"result":"NO"}', JSON)


# Recipients ---------------------------------------------------------------------------------------------------------


def test_details_of_recipients_are_strings_or_numbers() -> None:
    """The gateway quotes them all; without quotes they are the same, and what is empty is not known."""
    quoted = {"phone": PHONE, "mccmnc": "25503", "cost": "0.50", "status": "25", "error": "248"}
    bare = {"phone": int(PHONE), "mccmnc": 25503, "cost": 0.5, "status": 25, "error": 248}
    empty = {"phone": "380671234568", "mccmnc": "", "cost": "", "status": "", "error": ""}
    expected = (
        Recipient(phone=PHONE, mccmnc="25503", cost=Decimal("0.5"), status=MessageStatus.UNAVAILABLE_NUMBER, error=248),
        Recipient(phone="380671234568"),
        Recipient(phone="380671234569"),
    )
    for first in (quoted, bare):
        body = json.dumps({"id": 1, "cnt": 3, "phones": [first, empty, {"phone": "380671234569"}]})
        assert expected == read(SEND_IN_JSON, body, JSON).phones
    assert () == read(SEND_IN_JSON, '{"id":1,"cnt":1,"phones":[]}', JSON).phones
    assert read(SEND_IN_JSON, '{"id":1,"cnt":1}', JSON).phones is None


@pytest.mark.parametrize(
    "phones", ['"x"', "5", '[{"status":"0"}]', '[["380671234567"]]', '[{"phone":"1","status":"x"}]']
)
def test_details_that_are_none_spoil_the_answer(phones: str) -> None:
    """A recipient without a phone, or what is no record, is undecodable."""
    with pytest.raises(Undecodable):
        read(SEND_IN_JSON, f'{{"id":1,"cnt":1,"phones":{phones}}}', JSON)


@pytest.mark.parametrize(
    ("status", "error", "failed", "unknown"),
    [
        (None, None, False, True),
        (None, 0, False, False),
        (None, 248, True, False),
        (-1, None, False, False),
        (0, 0, False, False),
        (1, 0, False, False),
        (3, None, True, False),
        (4, None, False, False),
        (6, None, False, False),
        (20, None, True, False),
        (25, 248, True, False),
        (99, None, True, False),
        (0, 7, True, False),
    ],
)
def test_recipients_are_sorted_by_what_is_known(
    status: int | None, error: int | None, failed: bool, unknown: bool
) -> None:
    """Failed are those with an error or a status of failure; unknown those of whom nothing was said."""
    one = Recipient(phone=PHONE, status=None if status is None else MessageStatus(status), error=error)
    message = SentMessage(id="1", recipients=[one])
    assert ([one] if failed else [], [one] if unknown else []) == (message.failed, message.unknown)


AMOUNT = st.none() | st.decimals(0, 100, places=2)
PORTION = st.builds(
    SentMessage,
    id=st.just("1"),
    parts=st.none() | st.integers(1, 50),
    cost=AMOUNT,
    balance=AMOUNT,
    recipients=st.lists(st.builds(Recipient, phone=st.just(PHONE)), max_size=3),
)


@given(st.lists(PORTION, min_size=1, max_size=4))
def test_portions_are_summed_only_where_all_are_known(several: list[SentMessage]) -> None:
    """A sum with an unknown part is unknown, the balance is the last one that was told, and nobody is lost."""
    whole = joined(several)
    parts, costs = [each.parts for each in several], [each.cost for each in several]
    assert (None if None in parts else sum(each or 0 for each in parts)) == whole.parts
    assert (None if None in costs else sum((each or Decimal(0) for each in costs), Decimal(0))) == whole.cost
    assert next((each.balance for each in several[::-1] if each.balance is not None), None) == whole.balance
    assert [each for one in several for each in one.recipients] == whole.recipients


# States: the table of replies of status.php -------------------------------------------------------------------------

MOMENT, EARLIER = 1518438861, 1518438800
FULL: dict[str, Any] = {
    "status": 1,
    "last_date": "12.02.2018 15:34:21",
    "last_timestamp": MOMENT,
    "flag": 40,
    "err": 0,
    "send_date": "12.02.2018 15:33:20",
    "send_timestamp": EARLIER,
    "phone": PHONE,
    "cost": "6.40",
    "sender_id": "SMSC.UA",
    "status_name": "Доставлено",
    "message": "Test",
    "comment": "order 5",
    "type": 0,
    "country": "Україна",
    "operator": "K'cell & <Co>",
    "operator_orig": "lifecell",
    "region": "",
    "mccmnc": "25503",
    "sms_cnt": 2,
}
OURS = {
    "err": "error",
    "last_date": "time",
    "last_timestamp": "changed_at",
    "flag": "flags",
    "send_date": "sent",
    "send_timestamp": "sent_at",
    "sender_id": "sender",
    "message": "text",
    "sms_cnt": "parts",
    "operator_orig": "original_operator",
}


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


MAKE: dict[str, Any] = {
    "status": MessageStatus,
    "err": DeliveryError,
    "last_date": LocalTime,
    "send_date": LocalTime,
    "last_timestamp": _moment,
    "send_timestamp": _moment,
    "cost": Decimal,
    "type": MessageType,
}
TEXT_ORDER = (
    ("status", "last_date", "err"),
    ("send_date", "phone", "cost", "sender_id", "status_name", "message", "comment", "type"),
    ("country", "operator", "region"),
)
CSV_ORDER = (
    ("status", "last_timestamp", "err"),
    ("send_timestamp", "phone", "cost", "sender_id", "status_name", "message", "comment", "type"),
    ("country", "operator", "region"),
)
JSON_ORDER = (
    ("status", "last_date", "last_timestamp", "flag", "err"),
    (
        "send_date",
        "send_timestamp",
        "phone",
        "cost",
        "sender_id",
        "status_name",
        "message",
        "comment",
        "type",
        "sms_cnt",
    ),
    ("country", "operator", "operator_orig", "region", "mccmnc"),
)
HLR = {
    "imsi": "255031234567890",
    "msc": "380672000000",
    "mcc": "255",
    "mnc": "03",
    "cn": "Україна",
    "net": "Kyivstar",
    "rcn": "",
    "rnet": "",
}
HLR_NEW = ("imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet")
HLR_OLD = ("mcc", "mnc", "cn", "net", "rcn", "rnet", "imsi", "msc")


def told(asked: ReplyFormat, detail: int, *, hlr: Sequence[str] = (), bulk: bool = False) -> list[str]:
    """Give the fields that a format tells, in its order: of an HLR request behind the first three."""
    order = {TEXT: TEXT_ORDER, CSV: CSV_ORDER}.get(asked, JSON_ORDER)
    fields = [*order[0], *hlr, *(name for group in order[1 : detail + 1] for name in group)]
    if bulk:
        fields += [name for name in ("id", "phone") if name not in fields]
    return fields


def one_state(asked: ReplyFormat, values: Mapping[str, Any], fields: Iterable[str]) -> str:
    """Write one state by itself, or one of several."""
    known = {name: values[name] for name in fields if name in values}
    names = {"status": "Status", "last_date": "check_time"}
    return (
        ", ".join(f"{names.get(name, name)} = {value}" for name, value in known.items()),
        ",".join(map(str, known.values())),
        f"<sms>{tags(known)}</sms>",
        json.dumps(known, ensure_ascii=False),
    )[asked]


def states(asked: ReplyFormat, several: Sequence[str]) -> str:
    """Write several states."""
    return ("\n".join(several), "\n".join(several), f"<list>\n{''.join(several)}\n</list>", f"[{','.join(several)}]")[
        asked
    ]


def row(values: Mapping[str, Any], fields: Iterable[str]) -> Row:
    """Give the row that the values are, of the fields that are told; what is empty is not known."""
    known = {name: values[name] for name in fields if name in values and values[name] != ""}
    return Row(**{OURS.get(name, name): MAKE.get(name, _same)(value) for name, value in known.items()})


def _same(value: Any) -> Any:
    return value


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("asked", ReplyFormat)
def test_each_cell_of_a_state_is_the_same_value(asked: ReplyFormat, detail: Any) -> None:
    """One message and many, at each level of detail: all formats give equal values of the fields that they tell."""
    fields = told(asked, detail)
    assert row(FULL, fields) == read(ONE[detail], one_state(asked, FULL, fields), asked)
    listed = told(asked, detail, bulk=True)
    several = [FULL | {"id": "32"}, FULL | {"id": "my-1.5", "status": 25, "err": 248, "phone": "380501112233"}]
    expected = Listing(row(values, listed) for values in several)
    body = states(asked, [one_state(asked, values, listed) for values in several])
    assert expected == read(MANY[detail], body, asked)
    alone = states(asked, [one_state(asked, several[0], listed)])
    assert expected[:1] == read(MANY[detail], alone, asked)


def test_the_samples_of_clients_are_read() -> None:
    """Replies that public clients recorded: two of many, one of them missing, and an old one without flags."""
    many = (
        '[{"status":25,"last_date":"17.03.2023 16:47:56","last_timestamp":1679060876,"flag":0,"err":248,"id":32,'
        '"phone":"77059648729"},{"status":-3,"id":138,"phone":"89995190557"}]'
    )
    first, second = read(MANY[0], many, JSON)
    assert (25, 248, 0, "32", "77059648729") == (first.status, first.error, first.flags, first.id, first.phone)
    assert datetime(2023, 3, 17, 13, 47, 56, tzinfo=UTC) == first.changed_at
    assert Row(status=MessageStatus.NOT_FOUND, id="138", phone="89995190557") == second
    old = (
        '{"status":1,"last_date":"12.02.2018 18:34:21","last_timestamp":1518438861,"send_date":"12.02.2018 18:34:19",'
        '"phone":"77014929242","cost":"6.40","sender_id":"SMSC.KZ","status_name":"Доставлено","message":"Test",'
        '"country":"Казахстан","operator":"K\'cell","region":"","type":0}'
    )
    found = read(ONE[2], old, JSON)
    assert (None, None, "K'cell", None, MessageType.SMS) == (
        found.error,
        found.flags,
        found.operator,
        found.region,
        found.type,
    )


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("asked", ReplyFormat)
def test_a_missing_message_is_not_found(asked: ReplyFormat, detail: Any) -> None:
    """By itself or among others, a message without dates is one that is not found, whatever its format."""
    missing = {"status": -3, "id": "138", "phone": PHONE}
    assert row(missing, ["status"]) == read(ONE[detail], one_state(asked, missing, ["status"]), asked)
    listed = told(asked, detail, bulk=True)
    body = states(
        asked,
        [
            one_state(asked, missing, ("status", "id", "phone")),
            one_state(asked, FULL | {"id": "9"}, listed),
            one_state(asked, missing | {"id": "a"}, ("status", "id", "phone")),
        ],
    )
    expected = [row(missing, missing), row(FULL | {"id": "9"}, listed), row(missing | {"id": "a"}, missing)]
    assert expected == read(MANY[detail], body, asked)


@pytest.mark.parametrize("body", ["-3", "-3,,"])
def test_a_missing_message_may_keep_its_commas(body: str) -> None:
    """Where CSV leaves empty what it does not know, the message is still not found; among others likewise."""
    assert Row(status=MessageStatus.NOT_FOUND) == read(ONE[0], body, CSV)
    expected = [Row(status=MessageStatus.NOT_FOUND, id="138", phone=PHONE)]
    assert expected == read(MANY[0], f"{body},138,{PHONE}", CSV)


@pytest.mark.parametrize("message_id", [32, "32", "my-1.5", 2147483647, "x" * 40], ids=repr)
@pytest.mark.parametrize("phone", [PHONE, int(PHONE), "a@b.ua", "@shop_1"], ids=repr)
def test_ids_and_phones_may_be_numbers_or_text(message_id: Any, phone: Any) -> None:
    """JSON has them in either form; the values are texts."""
    body = json.dumps([{"status": 1, "id": message_id, "phone": phone}])
    (found,) = read(MANY[0], body, JSON)
    assert (str(message_id), str(phone)) == (found.id, found.phone)


def test_an_object_and_an_array_of_one_are_the_same() -> None:
    """The gateway writes an object for one message and an array for many; either is taken for the other."""
    body = json.dumps({name: FULL[name] for name in told(JSON, 2)})
    assert read(ONE[2], body, JSON) == read(ONE[2], f"[{body}]", JSON)
    assert read(MANY[2], body, JSON) == read(MANY[2], f"[{body}]", JSON)
    with pytest.raises(Undecodable):
        read(ONE[2], f"[{body},{body}]", JSON)
    assert [] == read(MANY[0], "[]", JSON)


# HLR ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "order"), [(CSV, HLR_NEW), (CSV, HLR_OLD), (XML, HLR_NEW), (JSON, HLR_NEW)])
@pytest.mark.parametrize("home", [True, False])
def test_an_hlr_result_is_read_in_either_order(asked: ReplyFormat, order: Sequence[str], home: bool) -> None:
    """With the IMSI first, as newer libraries have it, or last: the same result, at home and in roaming."""
    values = FULL | HLR | ({} if home else {"rcn": "Poland", "rnet": "Play"})
    fields = told(asked, 0, hlr=order)
    found = read(ONE[0], one_state(asked, values, fields), asked)
    assert row(values, fields) == found
    expected = HlrResult(
        imsi=HLR["imsi"],
        service_centre=HLR["msc"],
        country_code="255",
        operator_code="03",
        country="Україна",
        operator="Kyivstar",
        roaming_country=None if home else "Poland",
        roaming_operator=None if home else "Play",
    )
    assert expected == state_of(found, "9", PHONE).hlr
    listed = told(asked, 0, hlr=order, bulk=True)
    body = states(asked, [one_state(asked, values | {"id": "9"}, listed)] * 2)
    assert [row(values | {"id": "9"}, listed)] * 2 == read(MANY[0], body, asked)


def test_states_of_messages_and_of_hlr_requests_stand_in_one_list() -> None:
    """Each line is read by itself, so one list may hold all kinds in either order of their fields."""
    written = [
        (FULL | {"id": "1"}, told(CSV, 0, bulk=True)),
        (FULL | HLR | {"id": "2"}, told(CSV, 0, hlr=HLR_NEW, bulk=True)),
        (FULL | HLR | {"id": "3"}, told(CSV, 0, hlr=HLR_OLD, bulk=True)),
        ({"status": -3, "id": "4", "phone": PHONE}, ["status", "id", "phone"]),
    ]
    body = states(CSV, [one_state(CSV, values, fields) for values, fields in written])
    assert [row(values, fields) for values, fields in written] == read(MANY[0], body, CSV)


WORD = st.text(st.sampled_from("aB7 її-'."), max_size=8).map(str.strip)
SUBSCRIBER = st.fixed_dictionaries(
    {
        "imsi": st.from_regex(r"[0-9]{14,15}", fullmatch=True) | st.just(""),
        "msc": st.from_regex(r"[0-9]{5,15}", fullmatch=True) | st.just(""),
        "mcc": st.from_regex(r"[0-9]{3}", fullmatch=True) | st.just(""),
        "mnc": st.from_regex(r"[0-9]{1,3}", fullmatch=True) | st.just(""),
        "cn": st.sampled_from(["", "Україна", "Côte d'Ivoire", "a, b"]),
        "net": WORD | st.from_regex(r"[0-9]{1,15}", fullmatch=True),
        "rcn": WORD,
        "rnet": WORD | st.from_regex(r"[0-9]{1,15}", fullmatch=True),
    }
)


@given(SUBSCRIBER, st.sampled_from([HLR_NEW, HLR_OLD]), st.booleans())
def test_no_hlr_result_is_read_as_another(subscriber: dict[str, str], order: Sequence[str], bulk: bool) -> None:
    """With fields missing, names of digits, or commas in names: the result that was written, or none."""
    values = FULL | subscriber | {"id": "9"}
    fields = told(CSV, 0, hlr=order, bulk=bulk)
    line = one_state(CSV, values, fields)
    try:
        found = read(MANY[0], line, CSV)[0] if bulk else read(ONE[0], line, CSV)
    except Undecodable:
        assert subscriber["mcc"] == "" or subscriber["mnc"] == "" or "," in subscriber["cn"]
        return
    assert row(values, fields) == found


# Texts with whatever separates fields -------------------------------------------------------------------------------

NASTY = st.lists(
    st.sampled_from(
        [
            ",",
            ", ",
            "a",
            "5",
            "0",
            " ",
            "ї",
            "&",
            "<b>",
            '"',
            "'",
            "\\n",
            "=",
            "type = 0",
            "comment = x",
            ", err = 5",
            ", comment = ",
            ", type = 0",
            "380671234567",
            "SMSC.UA",
            "]]>",
            "{",
            "-3",
            "\\",
        ]
    ),
    max_size=7,
).map("".join)
MESSAGE = st.fixed_dictionaries(
    {
        "message": NASTY,
        "comment": st.just("") | NASTY,
        "type": st.integers(0, 12),
        "sender_id": st.sampled_from(["S", "A,B", "5"]),
    }
)


@pytest.mark.parametrize(("detail", "bulk"), list(product((1, 2), (False, True))))
@given(asked=FORMATS, words=MESSAGE, status=st.sampled_from([1, 20, -1]))
@example(asked=CSV, words={"message": "a,b", "comment": "", "type": 0, "sender_id": "S"}, status=1)
@example(asked=CSV, words={"message": "a", "comment": "b", "type": 0, "sender_id": "S"}, status=1)
@example(asked=TEXT, words={"message": "a, comment = b", "comment": "c", "type": 0, "sender_id": "S"}, status=1)
def test_no_text_is_read_as_another(
    detail: Any, bulk: bool, asked: ReplyFormat, words: dict[str, Any], status: int
) -> None:
    """Where the text or the comment holds what separates fields: the state that was written, or none."""
    values = FULL | words | {"status": status, "id": "9"}
    fields = told(asked, detail, bulk=bulk)
    line = one_state(asked, values, fields)
    try:
        found = read(MANY[detail], states(asked, [line]), asked)[0] if bulk else read(ONE[detail], line, asked)
    except Undecodable:
        assert asked in {TEXT, CSV}
        assert {",", "="} & set("".join(map(str, words.values())))
        return
    assert row(values, fields) == found


@pytest.mark.parametrize("detail", [1, 2])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (CSV, {"message": "a,b", "comment": ""}),
        (CSV, {"message": "a", "comment": "b,c"}),
        (CSV, {"sender_id": "A,B"}),
        (CSV, {"status_name": "a, b"}),
        (TEXT, {"message": "a, comment = b"}),
        (TEXT, {"sender_id": "A, B"}),
        (CSV, {"message": "a\nb"}),
        (TEXT, {"message": "a\nb"}),
    ],
)
def test_what_can_be_read_in_two_ways_is_undecodable(detail: Any, asked: ReplyFormat, words: dict[str, str]) -> None:
    """The vendor's own libraries cut at the ninth comma and guess; here such a line is no answer."""
    values = FULL | words | {"id": "9"}
    with pytest.raises(Undecodable):
        read(ONE[detail], one_state(asked, values, told(asked, detail)), asked)
    with pytest.raises(Undecodable):
        read(MANY[detail], one_state(asked, values, told(asked, detail, bulk=True)), asked)


def test_texts_are_asked_for_in_json() -> None:
    """Where a reply holds texts, the one form that can be read for sure is asked for, whatever the session prefers."""
    for endpoints in (ONE, MANY):
        assert [None, JSON, JSON] == [endpoints[detail].reply_format for detail in DETAILS]


# Round trips of states ----------------------------------------------------------------------------------------------

STATE = st.fixed_dictionaries(
    {
        "status": st.integers(-3, 99),
        "last_timestamp": st.just(0) | st.integers(10**8, 2**32),  # of 1973 and later
        "last_date": st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(  # noqa: DTZ001 - the account's clock
            lambda moment: moment.strftime("%d.%m.%Y %H:%M:%S")
        ),
        "flag": st.integers(0, 2**16 - 1),
        "err": st.integers(0, 300),
        "id": IDS.map(str),
        "phone": st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    }
)


@given(FORMATS, st.lists(STATE, min_size=1, max_size=6))
def test_states_are_read_as_they_were_written(asked: ReplyFormat, several: list[dict[str, Any]]) -> None:
    """Any statuses, known or not, with any errors, moments and ids come out of each format equal, one or many."""
    single, listed = told(asked, 0), told(asked, 0, bulk=True)
    assert row(several[0], single) == read(ONE[0], one_state(asked, several[0], single), asked)
    body = states(asked, [one_state(asked, values, listed) for values in several])
    assert [row(values, listed) for values in several] == read(MANY[0], body, asked)


@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize("status", [25, 20, 23, -1, 1, -3])
@pytest.mark.parametrize("bulk", [False, True])
def test_half_an_answer_tells_no_other_status(asked: ReplyFormat, status: int, bulk: bool) -> None:
    """Cut anywhere, a reply says what has become of the message, or nothing: 25 does not become 2, which is "read"."""
    values = FULL | {"status": status, "err": 248, "id": "32"}
    body = one_state(asked, values, told(asked, 0, bulk=bulk))
    for length in range(len(body)):
        try:
            found = read(MANY[0], body[:length], asked)[0] if bulk else read(ONE[0], body[:length], asked)
        except Undecodable:
            continue
        assert status == found.status
        assert asked in {TEXT, CSV}


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("1", CSV),
        ("0", CSV),
        ("Status = 1", TEXT),
        ("1,2", CSV),
        (f"1,{MOMENT},0", TEXT),
        ("x", CSV),
        ("{}", JSON),
        ('{"last_date":"x"}', JSON),
        ('{"status":"delivered"}', JSON),
        ('{"status":1.5}', JSON),
        ('{"status":true}', JSON),
        ('{"status":null}', JSON),
        ('{"status":1,"last_timestamp":"yesterday"}', JSON),
        ("<sms></sms>", XML),
        ("<sms><status></status></sms>", XML),
        ("<list><sms><status>1</status></sms></list>", XML),
        ("<sms><status>1</status><status>2</status></sms>", XML),
    ],
)
def test_what_is_no_state_is_undecodable(body: str, asked: ReplyFormat) -> None:
    """Without a status, or with two, there is no state."""
    with pytest.raises(Undecodable):
        read(ONE[0], body, asked)


@pytest.mark.parametrize("asked", [TEXT, CSV])
def test_one_state_is_not_taken_for_many(asked: ReplyFormat) -> None:
    """The form for one message, which names no id, is no entry of a list: its numbers are not an id and a phone."""
    with pytest.raises(Undecodable):
        read(MANY[0], one_state(asked, FULL, told(asked, 0)), asked)


# What a row tells of a message --------------------------------------------------------------------------------------


def test_a_state_is_of_the_message_that_was_asked_for() -> None:
    """Id and phone are those of the question; flags and the HLR result are taken apart, the rest is kept."""
    found = state_of(row(FULL | {"id": "9", "phone": "+1"}, [*told(JSON, 2), "id"]), "my-id", PHONE)
    assert ("my-id", PHONE) == (found.id, found.phone)
    assert MessageFlags(40) == found.flags
    assert found.flags is not None
    assert (MessageType.EMAIL, True) == (found.flags.type, found.flags.second_balance)
    assert found.hlr is None
    assert ("Test", "order 5", 2, "lifecell", "25503") == (
        found.text,
        found.comment,
        found.parts,
        found.original_operator,
        found.mccmnc,
    )


@pytest.mark.parametrize("status", range(-5, 30))
@pytest.mark.parametrize("error", [None, 0, 200, 248])
def test_a_state_says_whether_it_is_decided(status: int, error: int | None) -> None:
    """Up to "handed over" it is not; every number beyond, known or not, is, and only four of them are delivery."""
    values = {"status": status} | ({} if error is None else {"err": error})
    state = state_of(row(values, values), "9", PHONE)
    assert (status not in {-3, -2, -1, 0}) == state.is_final
    assert (status in {1, 2, 4, 6}) == state.is_delivered
    assert (error == 200) == state.is_virtual
