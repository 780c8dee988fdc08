"""A refusal is recognised in every format, whatever was asked for and whatever the endpoint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._wire import Refusal, ReplyFormat, Undecodable
from tests.wire.reading import read
from tests.wire.replies import CSV, ENDPOINTS, JSON, TEXT, XML, refusal

WORDS = {
    1: "parameters error",
    2: "authorise error",
    3: "no money",
    4: "ip is blocked",
    5: "номер в чорному списку (blacklist), ID - 5",
    6: "can't get cost",
    9: "duplicate request, wait a minute",
    10: "wrong code",
    99: "something new",
}


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize("written", ReplyFormat)
@pytest.mark.parametrize("code", WORDS)
def test_a_refusal_is_recognised(name: str, asked: ReplyFormat, written: ReplyFormat, code: int) -> None:
    """The number and the words of a refusal come out of each format, at each endpoint, whatever was asked for."""
    words = "" if written is CSV else WORDS[code]
    assert Refusal(code, words) == read(ENDPOINTS[name], refusal(written, code, WORDS[code]), asked)


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("written", ReplyFormat)
def test_a_refusal_in_windows_1251_is_recognised(name: str, written: ReplyFormat) -> None:
    """The words of a refusal in the gateway's own encoding come out right."""
    body = refusal(written, 4, "IP-адреса тимчасово заблокована").encode("cp1251")
    words = "" if written is CSV else "IP-адреса тимчасово заблокована"
    assert Refusal(4, words) == read(ENDPOINTS[name], body, JSON)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ERROR = 7 (invalid number), ID - my-id_1.2", Refusal(7, "invalid number", "my-id_1.2")),
        ("ERROR = 7 (invalid (number)), ID - 5\n", Refusal(7, "invalid (number)", "5")),
        ("ERROR = 7 (invalid number),ID-5", Refusal(7, "invalid number", "5")),
        (f"ERROR = 7 (invalid number), ID - {'a' * 40}", Refusal(7, "invalid number", "a" * 40)),
        ("ERROR = 123456789 (something new)", Refusal(123456789, "something new")),
        ("0,-123456789", Refusal(123456789, "")),
        (f"{'a' * 40},-7", Refusal(7, "", "a" * 40)),
        (".5,-7", Refusal(7, "", ".5")),
        ("ERROR=9(again)", Refusal(9, "again")),
        ("\r\n ERROR = 9 ()\r\n", Refusal(9, "")),
        ("ERROR = 9 (two\nlines)", Refusal(9, "two\nlines")),
        ("0,-9\r\n", Refusal(9, "")),
        ("my-id_1.2,-7", Refusal(7, "", "my-id_1.2")),
        ('{"error_code":"9","error":"again"}', Refusal(9, "again")),
        ('{"error_code":9}', Refusal(9, "")),
        ('{"error_code":9,"error":null,"id":"a"}', Refusal(9, "", "a")),
        ('[{"error":"again","error_code":9}]', Refusal(9, "again")),
        ('\ufeff{"error":"again","error_code":9}', Refusal(9, "again")),
        ("<result><error_code> 9 </error_code></result>", Refusal(9, "")),
        ("<response><error>again</error><error_code>9</error_code></response>", Refusal(9, "again")),
        (
            "\ufeff<?xml version='1.0'?><result><error>a&amp;b</error><error_code>9</error_code></result>",
            Refusal(9, "a&b"),
        ),
    ],
)
def test_a_refusal_may_be_written_a_little_differently(body: str, expected: Refusal) -> None:
    """White space, missing words, ids, quoted numbers and byte order marks do not hide a refusal."""
    assert expected == read(ENDPOINTS["numbers.rent"], body, JSON)


@pytest.mark.parametrize(
    "body",
    [
        "ERROR = 9",
        "ERROR = 9 (duplicate request",
        "ERROR = 0 (fine)",
        "ERROR = nine (duplicate)",
        "ERROR = ９ (duplicate)",
        "ERROR =  (again)",
        "ERROR = 1234567890 (again)",
        "ERROR = 9 (a), ID - ",
        f"ERROR = 9 (a), ID - {'a' * 41}",
        ",-9",
        f"{'a' * 41},-9",
        "0,-1234567890",
        "0,-0",
        "0,-",
        "0,-9,1",
        '{"error":"again"}',
        '{"error":"again","error_code":0}',
        '{"error":"again","error_code":-9}',
        '{"error":"again","error_code":9.5}',
        '{"error":"again","error_code":true}',
        '{"error":"again","error_code":"９"}',
        '{"error":"again","error_code":null}',
        '{"error_code":9,"error_code":1}',
        "<result><error>again</error></result>",
        "<result><error>again</error><error_code>x</error_code></result>",
        "<result><error>again</error><error_code>0</error_code></result>",
    ],
)
@pytest.mark.parametrize("asked", ReplyFormat)
def test_half_a_refusal_is_none(body: str, asked: ReplyFormat) -> None:
    """A refusal that may be cut or says no clear number proves nothing: it is undecodable."""
    with pytest.raises(Undecodable):
        read(ENDPOINTS["numbers.rent"], body, asked)


@pytest.mark.parametrize("body", ["250.80,-5", "250.80 -5", "-3.10"])
def test_money_below_zero_is_no_refusal(body: str) -> None:
    """A balance with a debt is told from a refusal that carries a message's id."""
    assert not isinstance(read(ENDPOINTS["account.balance"], body, CSV), Refusal)


@given(
    code=st.integers(1, 999_999_999),
    words=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")),
    written=st.sampled_from([TEXT, XML, JSON]),
    asked=st.sampled_from(ReplyFormat),
)
def test_any_words_of_a_refusal_come_out(code: int, words: str, written: ReplyFormat, asked: ReplyFormat) -> None:
    """Whatever words the gateway finds, with commas, parentheses and tags, they come out as they went in."""
    expected = Refusal(code, words.strip() if written is XML else words)
    assert expected == read(ENDPOINTS["calls.request"], refusal(written, code, words), asked)
