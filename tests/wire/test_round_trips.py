"""What the gateway writes in any of its formats becomes the same values; whatever else comes is undecodable."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._wire import Refusal, ReplyFormat, Undecodable, decode, json_form
from smsc_async.services.downloads import TaskStatus
from smsc_async.values import LocalTime
from tests.wire.reading import read
from tests.wire.replies import CSV, ENDPOINTS, JSON, TEXT, WRITERS, XML, available, call_request, rental, tasks

PHONES = st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True)
PRICES = st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,4})?", fullmatch=True)
LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=40
)
TRICKY = st.lists(
    st.sampled_from(
        [
            ",",
            ", ",
            "=",
            " = ",
            "info = ",
            ", status = 2",
            ", name = x",
            "1",
            "2,",
            ",,",
            "<b>",
            "&amp;",
            '"',
            "\\",
            "а",
        ]
    ),
    max_size=8,
).map("".join)
TEXTS = LINES | TRICKY
MOMENTS = st.from_regex(
    r"[0-3][0-9]\.[01][0-9]\.20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-5][0-9]", fullmatch=True
) | st.just("")
NUMBERS = st.tuples(PHONES, st.integers(0, 9), PRICES, PRICES, TEXTS)
TASKS = st.tuples(st.integers(1, 10**9), TEXTS, st.integers(0, 9), MOMENTS, MOMENTS, TEXTS)


@given(numbers=st.lists(NUMBERS, max_size=5), written=st.sampled_from(ReplyFormat))
def test_numbers_come_out_as_they_went_in(numbers: list[Any], written: ReplyFormat) -> None:
    """A list of numbers survives each format, whatever the operator's words are: they are the last field."""
    endpoint = ENDPOINTS["numbers.available"]
    body = available(written, numbers)
    read_back = read(endpoint, body, written, explicit_empty=not body)
    found = [(one.phone, int(one.kind), one.monthly_cost, one.current_cost, one.info) for one in read_back]
    assert [(phone, kind, Decimal(cost), Decimal(now), info) for phone, kind, cost, now, info in numbers] == found


@given(listed=st.lists(TASKS, max_size=4), written=st.sampled_from(ReplyFormat))
def test_tasks_come_out_as_they_went_in_or_not_at_all(listed: list[Any], written: ReplyFormat) -> None:
    """A list of tasks survives XML and JSON; the text formats give the same or say that they cannot tell."""
    endpoint = ENDPOINTS["downloads.list"]
    body = tasks(written, listed)
    if written in {TEXT, CSV}:
        try:
            read_back = read(endpoint, body, written, explicit_empty=not body)
        except Undecodable:
            return
    else:
        read_back = read(endpoint, body, written)
    found = [(one.id, one.name, int(one.status), one.created, one.started, one.file) for one in read_back]
    expected = [
        (id, name, status, LocalTime(created) if created else None, LocalTime(time) if time else None, file or None)
        for id, name, status, created, time, file in listed
    ]
    assert expected == found


@given(
    name=st.from_regex(r"[^\W\d_]{0,10}(, [^\W\d_]{1,5}){0,3}", fullmatch=True), written=st.sampled_from([TEXT, CSV])
)
def test_commas_in_a_task_name_leave_it_readable(name: str, written: ReplyFormat) -> None:
    """Commas in one free text do not make a task undecidable."""
    body = tasks(written, [(15, name, 2, "01.02.2025 10:00:00", "", "report.csv")])
    assert [name] == [one.name for one in read(ENDPOINTS["downloads.list"], body, written)]


@given(cost=PRICES, written=st.sampled_from(ReplyFormat))
def test_a_price_comes_out_as_it_went_in(cost: str, written: ReplyFormat) -> None:
    """What a rent cost survives each format."""
    assert Decimal(cost) == read(ENDPOINTS["numbers.rent"], rental(written, cost), written).cost


@given(phones=st.lists(PHONES, min_size=1, max_size=5), written=st.sampled_from(ReplyFormat))
def test_phones_to_call_come_out_as_they_went_in(phones: list[str], written: ReplyFormat) -> None:
    """The number to call and the list of all survive each format."""
    request = read(ENDPOINTS["calls.request"], call_request(written, phones), written)
    assert (phones[0], tuple(phones)) == (request.number, request.numbers)


@given(numbers=st.lists(NUMBERS, min_size=1, max_size=3), quoted=st.booleans(), data=st.data())
def test_quotes_around_numbers_make_no_difference(numbers: list[Any], quoted: bool, data: st.DataObject) -> None:
    """JSON with numbers quoted or bare gives the same values."""
    records = json.loads(available(JSON, numbers))
    for record in records:
        record["type"] = str(record["type"]) if quoted else int(record["type"])
        if data.draw(st.booleans()):
            record["phone"] = int(record["phone"])
        for name in ("cost", "current_cost"):
            if "." not in record[name] and data.draw(st.booleans()):
                record[name] = int(record[name])
    expected = read(ENDPOINTS["numbers.available"], available(JSON, numbers), JSON)
    assert expected == read(ENDPOINTS["numbers.available"], json.dumps(records), JSON)


@given(listed=st.lists(NUMBERS, min_size=1, max_size=4), indent=st.none() | st.integers(0, 3), ascii_only=st.booleans())
def test_the_ways_to_read_json_agree(listed: list[Any], indent: int | None, ascii_only: bool) -> None:
    """orjson, the standard library and the careful reading give the same data, however the JSON is spaced."""
    body = json.dumps(json.loads(available(JSON, listed)), indent=indent, ensure_ascii=ascii_only).encode()
    expected = json.loads(body)
    found = [json_form._quick(body), json_form._standard(body), json_form._careful(body)]
    assert [expected] * 3 == found


@pytest.mark.parametrize("name", ENDPOINTS)
@given(body=st.binary(max_size=60), asked=st.sampled_from(ReplyFormat), explicit_empty=st.booleans())
def test_any_bytes_raise_nothing_undeclared(name: str, body: bytes, asked: ReplyFormat, explicit_empty: bool) -> None:
    """Whatever bytes come, they are a value, a refusal or undecodable."""
    with contextlib.suppress(Undecodable):
        read(ENDPOINTS[name], body, asked, explicit_empty=explicit_empty)


ALMOST = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["1", "-1", "1.5", "OK", "380950000001"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "phone",
                    "type",
                    "cost",
                    "current_cost",
                    "info",
                    "id",
                    "name",
                    "status",
                    "error",
                    "error_code",
                    "all_phones",
                    "result",
                    "balance",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=7,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("name", ENDPOINTS)
@given(data=ALMOST, asked=st.sampled_from(ReplyFormat))
def test_any_json_raises_nothing_undeclared(name: str, data: object, asked: ReplyFormat) -> None:
    """JSON with the right names and wrong values is a value, a refusal or undecodable, never another error."""
    try:
        value = read(ENDPOINTS[name], json.dumps(data), asked)
    except Undecodable:
        return
    if name == "downloads.list" and not isinstance(value, Refusal):
        assert all(isinstance(task.status, TaskStatus) for task in value)


@given(data=st.data(), written=st.sampled_from(ReplyFormat), name=st.sampled_from(sorted(WRITERS)))
def test_one_byte_changed_raises_nothing_undeclared(data: st.DataObject, written: ReplyFormat, name: str) -> None:
    """A reply with one byte replaced, removed or added is a value, a refusal or undecodable."""
    values: dict[str, Any] = {
        "numbers.available": [("380950000001", 1, "120.00", "36.00", "Київстар, SMS")] * 2,
        "numbers.rent": "36.00",
        "calls.request": ["380443334455", "380443334466"],
        "downloads.list": [(15, "Звіт", 2, "01.02.2025 10:00:00", "", "a.csv")] * 2,
    }
    body = bytearray(WRITERS[name](written, values[name]).encode())
    place = data.draw(st.integers(0, len(body) - 1))
    body[place : place + data.draw(st.integers(0, 1))] = data.draw(st.binary(max_size=1))
    with contextlib.suppress(Undecodable):
        read(ENDPOINTS[name], bytes(body), written)


@given(text=LINES, written=st.sampled_from([TEXT, CSV, XML, JSON]))
def test_windows_1251_comes_out_as_it_went_in(text: str, written: ReplyFormat) -> None:
    """Words in the gateway's own encoding come out right, unless their bytes happen to be UTF-8."""
    words = text.encode("cp1251", "ignore").decode("cp1251")
    item = ("380950000001", 1, "1", "1", words)
    body = available(written, [item])
    if written is JSON:
        body = json.dumps(json.loads(body), ensure_ascii=False)
    encoded = body.encode("cp1251")
    try:
        encoded.decode("utf-8")
    except UnicodeDecodeError:
        assert words == read(ENDPOINTS["numbers.available"], encoded, written)[0].info


def test_no_format_needs_more_than_plain_data() -> None:
    """What `decode` gives is dicts, lists, texts and numbers, whatever the format."""
    shape = ENDPOINTS["numbers.available"].shape
    kinds: set[type] = set()
    for written in ReplyFormat:
        records: Any = decode(
            available(written, [("380950000001", 1, "1", "1", "x")]).encode(), asked=written, shape=shape
        )
        kinds |= {type(value) for record in records for value in record.values()}
    assert {str, int} == kinds
