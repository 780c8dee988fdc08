"""The endpoints say what the vendor's page says."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from smsc_async import errors
from smsc_async._endpoint import Endpoint, Limit, OnDuplicate, Replay, Scope
from smsc_async._wire import Layout
from smsc_async.services._sent import COST, SEND, SEND_IN_JSON
from smsc_async.services._states import DELETE, MANY, ONE
from smsc_async.services.account import BALANCE
from smsc_async.services.calls import REQUEST
from smsc_async.services.downloads import FILE, LIST
from smsc_async.services.numbers import AVAILABLE, RENT, SET_AUTO_RENEW

ALL: list[Endpoint[object]] = [
    AVAILABLE,
    RENT,
    SET_AUTO_RENEW,
    REQUEST,
    LIST,
    FILE,
    BALANCE,
    SEND,
    COST,
    ONE[0],
    MANY[0],
    DELETE,
]

# From the vendor's text, by hand: page, action, requests a minute, error numbers.
DOCUMENTED = {
    "numbers.available": ("receive_phones.php", {"get": "1"}, Limit(2), {1, 2, 4, 9}),
    "numbers.rent": ("receive_phones.php", {"buy": "1"}, Limit(2), {1, 2, 3, 4, 9}),
    "numbers.set_auto_renew": ("receive_phones.php", {"chg": "1"}, Limit(2), {1, 2, 4, 9}),
    "calls.request": ("wait_call.php", {}, Limit(50), {1, 2, 3, 4, 5, 6, 9}),
    "downloads.list": ("downloads.php", {"get_list": "1"}, Limit(3), {1, 2, 4, 5, 9}),
    "downloads.file": ("downloads.php", {"get_file": "1"}, Limit(3), {1, 2, 4, 5, 9}),
    "account.balance": ("balance.php", {"cur": "1"}, Limit(10, Scope.ACTION), {1, 2, 4, 9}),
    "messages.send": ("send.php", {"cost": "3"}, Limit(1), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}),
    "messages.cost": ("send.php", {"cost": "1"}, Limit(5), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}),
    "messages.status": ("status.php", {}, Limit(5), {1, 2, 4, 9}),
    "messages.statuses": ("status.php", {}, Limit(1, Scope.ACTION), {1, 2, 4, 9}),
    "messages.delete": ("status.php", {"del": "1"}, Limit(5), {1, 2, 3, 4, 5, 9}),
}
MEANINGS = {
    1: errors.InvalidParameters,
    2: errors.AuthenticationFailed,
    3: errors.InsufficientFunds,
    4: errors.AddressBlocked,
    7: errors.InvalidPhone,
    8: errors.Undeliverable,
    10: errors.WrongCaptcha,
    9: errors.TooManyRequests,
}
MEANINGS_HERE = {
    ("calls.request", 5): errors.RecipientBlacklisted,
    ("calls.request", 6): errors.CostUnavailable,
    ("downloads.list", 5): errors.TaskNotFound,
    ("downloads.file", 5): errors.TaskNotFound,
    ("messages.send", 5): errors.InvalidDate,
    ("messages.cost", 5): errors.InvalidDate,
    ("messages.send", 6): errors.MessageForbidden,
    ("messages.cost", 6): errors.MessageForbidden,
    ("messages.delete", 3): errors.CannotDelete,
    ("messages.delete", 5): errors.CannotDelete,
}


@pytest.mark.parametrize("endpoint", ALL, ids=lambda endpoint: endpoint.name)
def test_an_endpoint_is_what_the_page_says(endpoint: Endpoint[object]) -> None:
    """Page, action, limit and error numbers are the documented ones."""
    found = (endpoint.path, dict(endpoint.fixed), endpoint.limits[0], set(endpoint.refusals))
    assert DOCUMENTED[endpoint.name] == found
    assert 1 == len(endpoint.limits)
    assert endpoint.source.startswith("https://smsc.ua/api/http/")


@pytest.mark.parametrize("endpoint", ALL, ids=lambda endpoint: endpoint.name)
def test_an_error_number_means_what_the_page_says(endpoint: Endpoint[object]) -> None:
    """Each number becomes the error that it stands for at this endpoint."""
    expected = {code: MEANINGS_HERE.get((endpoint.name, code), MEANINGS.get(code)) for code in endpoint.refusals}
    assert expected == dict(endpoint.refusals)


def test_what_pays_or_allots_is_never_repeated_blindly() -> None:
    """Renting and asking for a number need proof before a repetition; the rest does not."""
    expected = {
        "numbers.available": (Replay.READ, False),
        "numbers.rent": (Replay.IF_NOT_DONE, True),
        "numbers.set_auto_renew": (Replay.SET, False),
        "calls.request": (Replay.IF_NOT_DONE, False),
        "downloads.list": (Replay.READ, False),
        "downloads.file": (Replay.READ, False),
        "account.balance": (Replay.READ, False),
        "messages.send": (Replay.IF_NOT_DONE, False),
        "messages.cost": (Replay.READ, False),
        "messages.status": (Replay.READ, False),
        "messages.statuses": (Replay.READ, False),
        "messages.delete": (Replay.SET, False),
    }
    assert expected == {endpoint.name: (endpoint.replay, endpoint.fresh_connection) for endpoint in ALL}
    duplicates = {endpoint.name: endpoint.on_duplicate for endpoint in ALL}
    assert (OnDuplicate.UNLESS_DONE, OnDuplicate.REPEAT) == (duplicates["numbers.rent"], duplicates["calls.request"])
    assert OnDuplicate.NEVER is duplicates["messages.send"]


def test_what_the_gateway_may_not_compare_makes_no_other_request() -> None:
    """An id of ours, and how much is to be told, are in no key; asking with details is the same request."""
    compared = {endpoint.name: endpoint.not_compared for endpoint in ALL if endpoint.not_compared}
    assert {
        "messages.send": {"id", "op", "err", "imgcode", "userip"},
        "messages.status": {"all"},
        "messages.statuses": {"all"},
        "messages.delete": {"all", "del"},
    } == compared
    assert (SEND.path, SEND.fixed, SEND.limits, SEND.not_compared) == (
        SEND_IN_JSON.path,
        SEND_IN_JSON.fixed,
        SEND_IN_JSON.limits,
        SEND_IN_JSON.not_compared,
    )


def test_only_sending_can_block_the_address_by_refusals() -> None:
    """Prices are asked at the same page as messages are sent."""
    assert {"messages.send", "messages.cost"} == {endpoint.name for endpoint in ALL if endpoint.may_block}


@pytest.mark.parametrize(
    "endpoint", [endpoint for endpoint in ALL if endpoint.shape.fields], ids=lambda endpoint: endpoint.name
)
def test_a_shape_names_fields_that_the_class_has(endpoint: Endpoint[object]) -> None:
    """Every field of the wire has its place in the value, and every place its field, or the request knows it."""
    item: Any = getattr(endpoint.reply, "__args__", (endpoint.reply,))[0]
    known = {
        "numbers.rent": {"phone"},
        "calls.request": {"subscriber", "expires_at"},
        "messages.send": {"phones"},  # where details are asked for
    }.get(endpoint.name, set())
    expected = {field.name for field in attrs.fields(item)} - known
    assert expected == {field.name for field in endpoint.shape.fields}
    nameless = {"messages.statuses"}  # no page says what the items are called in XML
    assert (endpoint.shape.layout is Layout.LIST) == (bool(endpoint.shape.item) or endpoint.name in nameless)
