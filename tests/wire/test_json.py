"""JSON that is too deep, too large, ambiguous or broken is undecodable, with orjson and without."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import pytest

from smsc_async._wire import Field, Refusal, Shape, Undecodable, decode, json_form
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
    "name twice, a tab between": b'{"balance":"1","balance"\t:"2"}',
    "name twice, a line break between": b'{"balance":"1","balance"\n:"2"}',
    "name twice, a carriage return between": b'{"balance":"1","balance"\r:"2"}',
    "name twice, a space between": b'{"balance":"1","balance" :"2"}',
    "name twice in the second record": b'[{"balance":"1"},{"balance":"1","balance":"2"}]',
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
        assert 0 < len(str(caught.value)) < 200


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


LIST = Shape.list_of("list", "item", Field("a"))
RECORD = Shape.record("item", Field("a"))
SENTENCES = {
    "broken": (Shape.ANY, b'{"a":}', "broken JSON: Expecting value (character 5 of 6)"),
    "broken, and beyond repair": (
        Shape.ANY,
        b'{"current_cost":"1" "a":}',
        "broken JSON: Expecting ',' delimiter (character 20 of 25)",
    ),
    "deep": (Shape.ANY, b"[" * 17 + b"]" * 17, "JSON that nests deeper than 16"),
    "deep, after an empty text": (Shape.ANY, b'["",' + b"[" * 16 + b"]" * 17, "JSON that nests deeper than 16"),
    "deep, after half of it": (
        Shape.ANY,
        b"[[[[]," + b"[" * 14 + b"]" * 17,
        "JSON that nests deeper than 16",
    ),
    "a comma before an empty name": (
        Shape.ANY,
        b'{"a":"1" "":"2"}',
        "broken JSON: Expecting ',' delimiter (character 9 of 16)",
    ),
    "deep, after shallow ones": (
        Shape.ANY,
        b"[" + b"[],{}," * 20 + b"[" * 16 + b"]" * 17,
        "JSON that nests deeper than 16",
    ),
    "deep, in records": (Shape.ANY, b'{"a":' * 17 + b"1" + b"}" * 17, "JSON that nests deeper than 16"),
    "half a surrogate pair": (Shape.ANY, b'{"a":"\\ud800"}', "JSON with half of a surrogate pair"),
    "the other half": (Shape.ANY, b'{"a":"\\uDFFF"}', "JSON with half of a surrogate pair"),
    "a name twice": (Shape.ANY, b'{"a":1,"a":1}', "JSON with a name that stands twice in one record"),
    "a large number": (Shape.ANY, b'[1,{"a":-1e999}]', "JSON with a number that is too large"),
    "a large fraction": (Shape.ANY, b'{"a":1e999}', "JSON with a number that is too large"),
    "many digits": (Shape.ANY, b'{"a":' + b"9" * 400 + b"}", "JSON with a number that is too large"),
    "no number": (Shape.ANY, b'{"a":NaN}', "JSON with NaN or Infinity, which it does not have"),
    "no number beside many digits": (
        Shape.ANY,
        b'{"id":' + b"1" * 19 + b',"a":-Infinity}',
        "JSON with NaN or Infinity, which it does not have",
    ),
    "a large fraction beside many digits": (
        Shape.ANY,
        b'{"id":' + b"1" * 19 + b',"a":1e999}',
        "JSON with a number that is too large",
    ),
    "no list": (LIST, b"[1]", "JSON that is not a list of records"),
    "no list of records": (LIST, b'[{"a":1},[1]]', "JSON that is not a list of records"),
    "no record": (RECORD, b"[]", "JSON that is not a record"),
    "two records": (RECORD, b'[{"a":1},{"a":1}]', "JSON that is not a record"),
    "a list of a list": (RECORD, b'[[{"a":1}]]', "JSON that is not a record"),
    "no OK": (Shape.OK, b'{"result":"NO"}', "JSON that does not say OK"),
    "no result": (Shape.OK, b'{"answer":"OK"}', "JSON that does not say OK"),
    "a list for OK": (Shape.OK, b'[{"result":"OK"}]', "JSON that does not say OK"),
    "words alone": (Shape.ANY, b'{"error":"again"}', "a refusal in JSON without a number"),
    "an empty number": (Shape.ANY, b'{"error_code":""}', "a refusal in JSON without a number"),
    "a long number": (Shape.ANY, b'{"error_code":"1234567890"}', "a refusal in JSON without a number"),
    "number 0": (Shape.ANY, b'[{"error_code":0}]', "a refusal in JSON without a number"),
}


@pytest.mark.parametrize(("shape", "body", "sentence"), SENTENCES.values(), ids=SENTENCES.keys())
def test_what_is_wrong_with_json_is_said(shape: Shape, body: bytes, sentence: str) -> None:
    """The problem is a sentence that shows nothing of the body."""
    with pytest.raises(Undecodable) as caught:
        decode(body, asked=JSON, shape=shape)
    assert sentence == str(caught.value)


def test_the_error_of_the_parser_is_not_shown() -> None:
    """It holds the body, which may hold phones."""
    for body in (b'{"a":"380671234567"', b'{"a":"380671234567\\ud800"}'):
        with pytest.raises(Undecodable) as caught:
            decode(body, asked=JSON, shape=Shape.ANY)
        assert caught.value.__suppress_context__


DEEP = "[" * 16 + "]" * 16
PLAIN = {
    "as deep as may be": (Shape.ANY, DEEP, json.loads(DEEP)),
    "many brackets": (Shape.ANY, "[" + "[],{}," * 20 + f'"{17 * chr(91)}"]', [[], {}] * 20 + ["[" * 17]),
    "the largest whole number": (Shape.ANY, '{"a":18446744073709551615}', {"a": 18446744073709551615}),
    "a larger one": (Shape.ANY, '{"a":18446744073709551616}', {"a": 18446744073709551616.0}),
    "twenty digits below zero": (Shape.ANY, '{"a":-10000000000000000000}', {"a": -10000000000000000000.0}),
    "the least whole number": (Shape.ANY, '{"a":-9223372036854775808}', {"a": -9223372036854775808}),
    "a smaller one": (Shape.ANY, '{"a":-9223372036854775809}', {"a": -9223372036854775809.0}),
    "a fraction": (Shape.ANY, '[0.5,1e3,{"a":true,"b":null}]', [0.5, 1000.0, {"a": True, "b": None}]),
    "one record for a list": (LIST, '{"a":"1"}', [{"a": "1"}]),
    "a list of none": (LIST, "[]", []),
    "a list": (LIST, '[{"a":"1"},{}]', [{"a": "1"}, {}]),
    "a list for one record": (RECORD, '[{"a":"1"}]', {"a": "1"}),
    "OK and more": (Shape.OK, '{"result":"OK","id":1}', {"result": "OK", "id": 1}),
    "a list that names no number": (Shape.ANY, '[{"error":"x"}]', [{"error": "x"}]),
    "two refusals": (Shape.ANY, '[{"error_code":1},{"error_code":2}]', [{"error_code": 1}, {"error_code": 2}]),
    "the longest number": (Shape.ANY, '{"error_code":"123456789","id":5}', Refusal(123456789, "", "5")),
    "words that are none": (Shape.ANY, '[{"error_code":1,"error":["x"],"id":"a"}]', Refusal(1, "", "a")),
    "a comma is missing": (LIST, '[{"a":"1"\n"b":"2"}]', [{"a": "1", "b": "2"}]),
    "a comma is missing after an empty text": (LIST, '[{"a":"","b":"1""c":"2"}]', [{"a": "", "b": "1", "c": "2"}]),
    "a comma is missing, and no text changes": (
        Shape.ANY,
        '{"v":["a", " ", " : x"],"c":"1" "d":"2"}',
        {"v": ["a", " ", " : x"], "c": "1", "d": "2"},
    ),
    "a quote is missing": (Shape.ANY, '{"a": [123","456"]}', {"a": ["123", "456"]}),
    "a quote is missing, from the only phone": (
        Shape.ANY,
        '{"a":[\n12345678901234567890" ]}',
        {"a": ["12345678901234567890"]},
    ),
}


@pytest.mark.parametrize(("shape", "body", "expected"), PLAIN.values(), ids=PLAIN.keys())
def test_json_becomes_plain_data(shape: Shape, body: str, expected: object) -> None:
    """Both parsers give the same, of the same types."""
    found = decode(body.encode(), asked=JSON, shape=shape)
    assert (expected, repr(expected)) == (found, repr(found))


@pytest.mark.parametrize("body", ['{"a":[12","456"]}', '{"a":[123456789012345678901"]}', '{"a":[123"}'])
def test_only_a_phone_gets_its_quote(body: str) -> None:
    """What is too short or too long for a phone, or stands in no list, is no sample's typo."""
    with pytest.raises(Undecodable, match="broken JSON"):
        decode(body.encode(), asked=JSON, shape=Shape.ANY)


USUAL = [
    NUMBER,
    b"[" + NUMBER + b"," + NUMBER + b"]",
    b'{"balance":"1","time":"10:00:00"}',
    b'[{"a":"x:"},{"b":"x:y"}]',
    b'{ "balance" : "1" }',
    b"[]",
    b"{}",
]


@pytest.mark.parametrize("body", USUAL, ids=range(len(USUAL)))
def test_a_usual_body_is_read_once(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no name can stand twice in a record, nothing is read again with care."""
    monkeypatch.setattr(json_form, "_careful", None)
    assert json.loads(body) == json_form._parse(body)


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
        b'{"balance":"' + b'\\"' * 500_000,
    ],
    ids=range(8),
)
def test_hostile_json_takes_no_longer_than_its_size(
    body: bytes, best_of_three: Callable[[Callable[[], object]], float]
) -> None:
    """Broken JSON of a megabyte is refused in linear time."""

    def attempt() -> None:
        with pytest.raises(Undecodable):
            read(BALANCE, body, JSON)

    assert best_of_three(attempt) < 2.0


def test_hostile_json_takes_little_memory() -> None:
    """A text that never ends takes a few times its size: patterns keep no way back for each character."""
    body = b'{"balance":"' + b'\\"' * 50_000
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable):
            decode(body, asked=JSON, shape=Shape.ANY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * len(body)


def test_orjson_reads_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quickest parser that is there is taken, and the standard library is always there."""
    orjson = pytest.importorskip("orjson")
    assert orjson.loads is json_form._quickest()
    monkeypatch.setitem(sys.modules, "orjson", None)
    assert json_form._standard is json_form._quickest()


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
