"""The switches that change how replies are written."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from smsc_async.simulator import RentableNumber, Simulator, Switches
from tests.simulator.asking import ask, simulator

NUMBER = RentableNumber("380670000002", 4, Decimal("80.50"), Decimal("40.00"), "SMS")


def gateway_with(**switches: Any) -> Simulator:
    """Give a simulator with one number and these switches."""
    gateway, _ = simulator(numbers=[NUMBER], switches=Switches(**switches))
    return gateway


def listed(fmt: int = 3, **switches: Any) -> str:
    """Give the list of one number."""
    return ask(gateway_with(**switches), "receive_phones", get=1, fmt=fmt).text


@pytest.mark.parametrize(
    ("numbers", "kind", "cost"),
    [("documented", "4", '"80.50"'), ("quoted", '"4"', '"80.50"'), ("bare", "4", "80.50")],
)
def test_numbers_in_json(numbers: str, kind: str, cost: str) -> None:
    """As in the samples, all quoted, or all bare; the phone is text in each."""
    text = listed(json_numbers=numbers)
    assert f'"type":{kind},' in text
    assert f'"cost":{cost},' in text
    assert '"phone":"380670000002",' in text


@pytest.mark.parametrize(
    ("decimals", "cost", "current"),
    [("two", "80.50", "40.00"), ("four", "80.5000", "40.0000"), ("trimmed", "80.5", "40")],
)
def test_decimals_of_money(decimals: str, cost: str, current: str) -> None:
    """Two, four or as many as needed."""
    assert f"380670000002,4,{cost},{current},SMS" == listed(1, decimals=decimals)


def test_a_single_item_may_come_alone() -> None:
    """One item is an object; two are a list."""
    gateway = gateway_with(single_as_object=True)
    assert "380670000002" == ask(gateway, "receive_phones", get=1).json["phone"]
    gateway.numbers.add(RentableNumber("1234567"))
    assert 2 == len(ask(gateway, "receive_phones", get=1).json)


def test_optional_fields_may_be_missing() -> None:
    """Info, all_phones, start and file of a task, and the currency go."""
    gateway = gateway_with(omit_optional=True)
    gateway.add_task()
    assert ["phone", "type", "cost", "current_cost"] == list(ask(gateway, "receive_phones", get=1).json[0])
    assert ["phone"] == list(ask(gateway, "wait_call", phone="380671234567").json)
    assert "380440000101" == ask(gateway, "wait_call", phone="380671234567", fmt=1).text
    assert ["id", "name", "status", "created"] == list(ask(gateway, "downloads", get_list=1).json[0])
    assert ["balance"] == list(ask(gateway, "balance", cur=1).json)


@pytest.mark.parametrize(
    ("empty", "expected"),
    [
        ("documented", ["", "", "<list></list>", "[]"]),
        ("empty", ["", "", "", ""]),
        ("null", ["", "", "<list/>", "null"]),
    ],
)
def test_empty_lists(empty: Any, expected: list[str]) -> None:
    """An empty list differs by format and switch; an empty body has an explicit length of 0."""
    gateway, _ = simulator(numbers=[], switches=Switches(empty_list=empty, refused_counts=False), window=1e-9)
    replies = []
    for fmt in range(4):
        gateway.reset()
        replies.append(ask(gateway, "receive_phones", get=1, fmt=fmt))
    assert expected == [reply.text for reply in replies]
    assert [str(len(text)) for text in expected] == [reply.headers["content-length"] for reply in replies]


def test_refusals_may_come_as_text() -> None:
    """Whatever format was asked for."""
    gateway = gateway_with(refusals_as_text=True)
    texts = {ask(gateway, "receive_phones", fmt=fmt).text for fmt in range(4)}
    assert {"ERROR = 1 (parameters error)"} == texts


def test_refusals_may_have_other_texts() -> None:
    """A text is changed by its kind."""
    gateway = gateway_with(refusal_texts={"parameters": "помилка <1>"})
    assert {"error": "помилка <1>", "error_code": 1} == ask(gateway, "receive_phones").json
    assert "помилка <1>" == ask(gateway, "receive_phones", fmt=2).xml.findtext("error")


def test_fields_that_nobody_knows_may_come() -> None:
    """In JSON and XML; the bare formats stay as they are."""
    assert {"since": ["2025", None]} == json.loads(listed(extra_fields=True))[0]["reserved"]
    assert "<reserved>1</reserved>" in listed(2, extra_fields=True)
    assert listed(1) == listed(1, extra_fields=True)


def test_numbers_that_nobody_knows_may_come() -> None:
    """A type of 9 and a status of 7."""
    gateway = gateway_with(unknown_enums=True)
    gateway.add_task()
    assert 9 == ask(gateway, "receive_phones", get=1).json[0]["type"]
    assert "7" == ask(gateway, "downloads", get_list=1).json[0]["status"]


def test_the_samples_misprints_may_be_real() -> None:
    """No comma before info, and no quote before the first of all_phones."""
    gateway = gateway_with(misprints=True)
    assert '"current_cost":"40.00"\n"info":"SMS"}' in ask(gateway, "receive_phones", get=1).text
    assert '"all_phones":[380440000101","380440000102"' in ask(gateway, "wait_call", phone="380671234567").text


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("honest", "text/plain; charset=utf-8"),
        ("upper", "text/plain; charset=UTF-8"),
        ("absent", "text/plain"),
        ("lying", "text/plain; charset=windows-1251"),
    ],
)
def test_what_the_header_says_of_the_charset(claim: str, expected: str) -> None:
    """The truth, loudly, nothing, or a lie."""
    assert expected == ask(gateway_with(charset_header=claim), "balance", fmt=0).headers["content-type"]


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8", "koi8-r"])
def test_the_charset_of_replies_may_be_another(charset: str) -> None:
    """Whatever was asked for."""
    gateway = gateway_with(reply_charset=charset)
    gateway.numbers.add(RentableNumber("1", info="дзвінки"))
    expected = "дзвінки".encode(charset, "replace")
    assert expected in ask(gateway, "receive_phones", get=1).body


def test_a_double_rent_may_be_paid_twice() -> None:
    """With the switch a second buy takes the money again, and the judge says so."""
    gateway = gateway_with(rent_twice=True)
    for _ in range(2):
        assert {"cost": "40.00"} == ask(gateway, "receive_phones", buy=1, phone=NUMBER.phone).json
    assert Decimal("920.00") == gateway.account.balance
    assert 2 == gateway.numbers.rented("demo")[NUMBER.phone].times
    assert "380670000002 was rented 2 times by demo: it was paid for more than once." in gateway.verdict().problems()
