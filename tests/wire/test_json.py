"""JSON that is too deep, too large, ambiguous or broken is undecodable, with orjson and without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from smsc_async._wire import Undecodable, json_form
from tests.wire.reading import read
from tests.wire.replies import ENDPOINTS, JSON

AVAILABLE = ENDPOINTS["numbers.available"]
BALANCE = ENDPOINTS["account.balance"]
NUMBER = b'{"phone":"380950000001","type":1,"cost":"1","current_cost":"1","info":"x"}'


@pytest.fixture(params=["quickest", "standard"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs with orjson, where it is installed, and with the standard library."""
    if request.param == "standard":
        monkeypatch.setattr(json_form, "_quick", json_form._standard)


BROKEN = {
    "cut": NUMBER[:-1],
    "two records without a list": NUMBER + NUMBER,
    "trailing comma": b"[" + NUMBER + b",]",
    "single quotes": NUMBER.replace(b'"', b"'"),
    "not a number": b'{"balance":NaN}',
    "infinity": b'{"balance":-Infinity}',
    "too large a fraction": b'{"balance":1e999}',
    "too many digits": b'{"balance":' + b"9" * 5000 + b"}",
    "too many digits, ignored": b'{"balance":"1","x":' + b"9" * 5000 + b"}",
    "many digits": b'{"balance":' + b"9" * 400 + b"}",
    "more than 64 bits": b'{"balance":18446744073709551616}',
    "the most of 64 bits": b'{"balance":18446744073709551615}',
    "exponent in text": b'{"balance":"1e3"}',
    "tiny fraction": b'{"balance":0.00001}',
    "name twice": b'{"balance":"1","balance":"2"}',
    "name twice, spaced": b'{"balance" : "1", "balance" : "2", "x":"a:b"}',
    "name twice, one spaced": b'{"balance" :"1","x":2,"x":3}',
    "name twice, colon in a value": b'{"balance":"1","x":"a:b","x":"c"}',
    "name twice, further in": b'{"balance":"1","x":{"y":1,"y":2}}',
    "half a surrogate pair": b'{"balance":"1","x":"\\ud800"}',
    "half a surrogate pair, the other": b'{"balance":"1","x":"\\uDC00"}',
    "control character": b'{"balance":"1","x":"\x01"}',
    "nothing but space": b" \t\r\n",
    "null": b"null",
    "a text": b'"OK"',
    "lists of lists": b"[[" + NUMBER + b"]]",
    "list with a hole": b"[" + NUMBER + b",null]",
    "deep list": b"[" * 100_000,
    "deep list, whole": b"[" * 20_000 + b"]" * 20_000,
    "deep records": b'{"balance":' * 20_000 + b"1" + b"}" * 20_000,
    "deep, ignored": b'{"balance":"1","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "a little deep, ignored, and a name twice": b'{"x":1,"x":' + b"[" * 17 + b"]" * 17 + b"}",
    "two values for one": b'{"balance":["1","2"]}',
    "record for a value": b'{"balance":{"balance":"1"}}',
    "true for a price": b'{"balance":true}',
    "digits of another script": '{"balance":"１２"}'.encode(),
    "underscore": b'{"balance":"1_0"}',
    "space": b'{"balance":" 7"}',
    "plus": b'{"balance":"+7"}',
    "no digit before the point": b'{"balance":".5"}',
    "no digit after the point": b'{"balance":"5."}',
    "decimal comma": b'{"balance":"1,5"}',
    "thousands": b'{"balance":"1 000.00"}',
    "hexadecimal": b'{"balance":"0x10"}',
    "NaN in text": b'{"balance":"NaN"}',
    "infinity in text": b'{"balance":"Infinity"}',
    "empty text": b'{"balance":""}',
    "five thousand digits in text": b'{"balance":"' + b"1" * 5000 + b'"}',
    "missing": b'{"currency":"UAH"}',
    "nothing": b"{}",
    "an empty list for a record": b"[]",
    "two records for one": b'[{"balance":"1"},{"balance":"2"}]',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_bad_json_is_undecodable(body: bytes) -> None:
    """Each kind of bad JSON is undecodable, and the problem says so without what it holds."""
    for endpoint in (BALANCE, ENDPOINTS["numbers.rent"], ENDPOINTS["calls.request"]):
        with pytest.raises(Undecodable) as caught:
            read(endpoint, body, JSON)
        assert 0 < len(caught.value.problem) < 200


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        (b'{"balance":"1.50"}', "1.50"),
        (b'{"balance":1.5}', "1.5"),
        (b'{"balance":-0.25}', "-0.25"),
        (b'{"balance":0}', "0"),
        (b'{"balance":9223372036854775}', "9223372036854775"),
        (b'\xef\xbb\xbf {"balance":"1"}\r\n', "1"),
        (b'[{"balance":"1"}]', "1"),
        (b'{"balance":"1","time":"10:00:00"}', "1"),
        (b'{"balance":"1","x":"\\ud83d\\ude00 \\u0456"}', "1"),
        (b'{ "balance" : "1" }', "1"),
        (b'{"x":{"balance":"2"},"balance":"1"}', "1"),
        ('{"x":"ціна: \xa0","balance":"1"}'.encode(), "1"),
    ],
)
def test_unusual_json_is_read(body: bytes, amount: str) -> None:
    """Bare numbers, white space, marks, colons in values and records within records are read."""
    assert amount == str(read(BALANCE, body, JSON).amount)


def test_a_repair_changes_no_text() -> None:
    """The comma and the quote that the vendor's samples lack are put in between values, never inside one."""
    body = (
        b'[{"phone":"380950000001","type":1,"cost":"1","current_cost":"36.00"\n"info":"a\\" \\"b\\": : [12345, c"},'
        b'{"phone":"380950000002","type":1,"cost":"1","current_cost":"36.00","info":""}]'
    )
    found = read(AVAILABLE, body, JSON)
    assert ['a" "b": : [12345, c', ""] == [number.info for number in found]


@pytest.mark.parametrize(
    "body",
    [
        b'{"balance":' + b'"\\"' * 300_000,
        b"[" + b'"a"' * 200_000,
        b"{" + b'"a" ' * 200_000,
        b"[" + b" " * 1_000_000 + b"x",
        b'["' + b"\\" * 1_000_001,
        b'{"a":["' + b": [" * 300_000,
        b'{"balance":"' + b"1" * 1_000_000,
    ],
    ids=range(7),
)
def test_hostile_json_takes_no_longer_than_its_size(
    body: bytes, best_of_three: Callable[[Callable[[], object]], float]
) -> None:
    """Broken JSON of a megabyte is refused in linear time."""

    def attempt() -> None:
        with pytest.raises(Undecodable):
            read(BALANCE, body, JSON)

    assert best_of_three(attempt) < 2.0


def test_the_wire_works_without_orjson() -> None:
    """Where orjson is not installed, the standard library reads JSON."""
    program = (
        "import sys; sys.modules['orjson'] = None\n"
        "from smsc_async._wire import json_form\n"
        "assert json_form._quick is json_form._standard\n"
        'print(json_form._parse(b\'[{"a":"b"}]\'))'
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ("[{'a': 'b'}]\n", "") == (done.stdout, done.stderr)
