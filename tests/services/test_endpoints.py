"""The endpoints say what the vendor's page says."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from smsc_async import errors
from smsc_async._endpoint import Endpoint, Limit, OnDuplicate, Replay, Scope
from smsc_async._wire import Layout
from smsc_async.services.account import BALANCE
from smsc_async.services.calls import REQUEST
from smsc_async.services.downloads import FILE, LIST
from smsc_async.services.numbers import AVAILABLE, RENT, SET_AUTO_RENEW

ALL: list[Endpoint[object]] = [AVAILABLE, RENT, SET_AUTO_RENEW, REQUEST, LIST, FILE, BALANCE]

# From the vendor's text, by hand: page, action, requests a minute, error numbers.
DOCUMENTED = {
    "numbers.available": ("receive_phones.php", {"get": "1"}, Limit(2), {1, 2, 4, 9}),
    "numbers.rent": ("receive_phones.php", {"buy": "1"}, Limit(2), {1, 2, 3, 4, 9}),
    "numbers.set_auto_renew": ("receive_phones.php", {"chg": "1"}, Limit(2), {1, 2, 4, 9}),
    "calls.request": ("wait_call.php", {}, Limit(50), {1, 2, 3, 4, 5, 6, 9}),
    "downloads.list": ("downloads.php", {"get_list": "1"}, Limit(3), {1, 2, 4, 5, 9}),
    "downloads.file": ("downloads.php", {"get_file": "1"}, Limit(3), {1, 2, 4, 5, 9}),
    "account.balance": ("balance.php", {"cur": "1"}, Limit(10, Scope.ACTION), {1, 2, 4, 9}),
}
MEANINGS = {
    1: errors.InvalidParameters,
    2: errors.AuthenticationFailed,
    3: errors.InsufficientFunds,
    4: errors.AddressBlocked,
    9: errors.TooManyRequests,
}
MEANINGS_HERE = {
    ("calls.request", 5): errors.RecipientBlacklisted,
    ("calls.request", 6): errors.CostUnavailable,
    ("downloads.list", 5): errors.TaskNotFound,
    ("downloads.file", 5): errors.TaskNotFound,
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
    }
    assert expected == {endpoint.name: (endpoint.replay, endpoint.fresh_connection) for endpoint in ALL}
    duplicates = {endpoint.name: endpoint.on_duplicate for endpoint in ALL}
    assert (OnDuplicate.UNLESS_DONE, OnDuplicate.REPEAT) == (duplicates["numbers.rent"], duplicates["calls.request"])


@pytest.mark.parametrize(
    "endpoint", [endpoint for endpoint in ALL if endpoint.shape.fields], ids=lambda endpoint: endpoint.name
)
def test_a_shape_names_fields_that_the_class_has(endpoint: Endpoint[object]) -> None:
    """Every field of the wire has its place in the value, and every place its field, or the request knows it."""
    item: Any = getattr(endpoint.reply, "__args__", (endpoint.reply,))[0]
    known = {"numbers.rent": {"phone"}, "calls.request": {"subscriber", "expires_at"}}.get(endpoint.name, set())
    expected = {field.name for field in attrs.fields(item)} - known
    assert expected == {field.name for field in endpoint.shape.fields}
    assert (endpoint.shape.layout is Layout.LIST) == bool(endpoint.shape.item)
