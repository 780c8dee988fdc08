"""The form body is exact; identical requests have one fingerprint, and others none in common."""

from __future__ import annotations

import traceback
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import errors
from smsc_async._wire import action_fingerprint, encode_form, fingerprint, phone

NAMES = st.from_regex(r"[a-z_0-9]{1,8}", fullmatch=True)
PARAMS = st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), max_size=20), max_size=6)
COMPARED = st.dictionaries(
    NAMES.filter(lambda name: name not in {"login", "psw", "apikey", "fmt", "charset"}), st.text(max_size=8), max_size=4
)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, b""),
        ({"get": "1"}, b"get=1"),
        ({"phone": "380671234567", "noprolong": "0"}, b"phone=380671234567&noprolong=0"),
        ({"psw": "a b+c&d=e%f"}, b"psw=a+b%2Bc%26d%3De%25f"),
        ({"mes": "Код: 1 €"}, b"mes=%D0%9A%D0%BE%D0%B4%3A+1+%E2%82%AC"),
        ({"empty": ""}, b"empty="),
        ({"name": "../../x;y/z~._-"}, b"name=..%2F..%2Fx%3By%2Fz~._-"),
        ({"x": "１٣²ü"}, b"x=%EF%BC%91%D9%A3%C2%B2%C3%BC"),
    ],
)
def test_a_form_is_written_exactly(params: dict[str, str], expected: bytes) -> None:
    """Parameters keep their order and become UTF-8, percent-encoded, with plus for a space."""
    assert expected == encode_form(params)


@given(PARAMS)
def test_a_form_is_what_the_standard_library_writes_and_reads(params: dict[str, str]) -> None:
    """The quick writer agrees with `urlencode`, and `parse_qsl` reads back what went in."""
    body = encode_form(params)
    assert urlencode(params).encode() == body
    assert list(params.items()) == parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(params))


def test_half_a_surrogate_pair_is_refused_without_showing_the_value() -> None:
    """A secret that cannot be encoded is in no message and in no chain of errors."""
    secret = "hunter2\ud800"
    with pytest.raises(errors.InvalidArgument, match="psw: holds half of a surrogate pair") as caught:
        encode_form({"psw": secret})
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__suppress_context__, "the error of the encoder holds the value"


def test_a_fingerprint_stays_the_same_between_versions() -> None:
    """Guards of several hosts compare fingerprints, so they may not change unnoticed."""
    expected = ("2abae335cb0f8780949ba1b4d865", "582f6e4ac24a9fc8905569b02186")
    found = (
        fingerprint("account", "receive_phones.php", {"buy": "1", "phone": "380950000001"}).hex(),
        action_fingerprint("account", "receive_phones.php", {"buy": "1"}).hex(),
    )
    assert expected == found


def test_the_fingerprint_of_what_no_checked_parameter_holds_stays_the_same_too() -> None:
    """A NUL and half of a surrogate pair, which are refused before, have a fingerprint all the same."""
    found = fingerprint("account", "page.php", {"text": "a\0b\ud800", "to": "380671234567"}).hex()
    assert "190ddc472bc55004c248cd41822d" == found


@pytest.mark.parametrize(
    ("one", "other"), [(("x\0y", "p"), ("x", "y\0p")), (("x\0y", "p"), ("3:x", "y1:p"))], ids=["NUL", "lengths"]
)
def test_a_nul_keeps_account_and_page_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Where the separator stands in a part, no other parts join to the same."""
    assert fingerprint(*one, {}) != fingerprint(*other, {})


def test_the_order_of_what_is_fixed_makes_no_difference() -> None:
    """An action is the same whichever of its parameters comes first."""
    assert action_fingerprint("a", "b.php", {"c": "1", "d": "2"}) == action_fingerprint(
        "a", "b.php", {"d": "2", "c": "1"}
    )


@given(params=COMPARED, more=st.dictionaries(st.sampled_from(["login", "psw", "apikey", "fmt", "charset"]), st.text()))
def test_who_asks_and_in_which_form_makes_no_difference(params: dict[str, str], more: dict[str, str]) -> None:
    """Credentials, format and charset are left out, and the order of parameters too."""
    shuffled = dict(reversed({**more, **params}.items()))
    assert fingerprint("a", "b.php", params) == fingerprint("a", "b.php", shuffled)


@given(
    one=st.tuples(st.text(max_size=5), st.text(max_size=5), COMPARED),
    other=st.tuples(st.text(max_size=5), st.text(max_size=5), COMPARED),
)
def test_different_requests_have_different_fingerprints(
    one: tuple[str, str, dict[str, str]], other: tuple[str, str, dict[str, str]]
) -> None:
    """Two requests share a fingerprint only if account, page and all compared parameters are equal."""
    assert (one == other) == (fingerprint(*one) == fingerprint(*other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "b"}, {"ab": ""}),
        ({"a": "1", "b": "2"}, {"a": "1b2"}),
        ({"a": "1\0b\x002"}, {"a": "1", "b": "2"}),
        ({"a": "1:"}, {"a": "1"}),
        ({"phone": "380671234567"}, {"phone": "+380671234567"}),
        ({"noprolong": "0"}, {}),
        ({"noprolong": "0"}, {"noprolong": "1"}),
        ({"a": "é"}, {"a": "e\u0301"}),
        ({"a": "A"}, {"a": "a"}),
    ],
)
def test_parameters_do_not_run_into_each_other(one: dict[str, str], other: dict[str, str]) -> None:
    """Names and values are kept apart, and nothing is folded that the gateway might tell apart."""
    assert fingerprint("a", "b.php", one) != fingerprint("a", "b.php", other)


def test_spellings_that_are_made_one_have_one_fingerprint() -> None:
    """Two spellings of a phone are the same request."""
    spellings = ("+380 67 123-45-67", "380671234567")
    assert 1 == len({fingerprint("a", "b.php", {"phone": phone(spelling)}) for spelling in spellings})


@given(account=st.text(max_size=5), path=st.text(max_size=5), params=COMPARED)
def test_an_action_is_no_request(account: str, path: str, params: dict[str, str]) -> None:
    """The fingerprint of an action is not that of the request without further parameters."""
    action, request = action_fingerprint(account, path, params), fingerprint(account, path, params)
    assert action != request
    assert (14, 14) == (len(action), len(request))
