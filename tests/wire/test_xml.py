"""XML that declares entities, nests too deep, or is no reply is undecodable; nothing is ever fetched."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from smsc_async._wire import Field, Holds, Refusal, Shape, Undecodable, decode
from tests.wire.reading import read
from tests.wire.replies import ENDPOINTS, XML

RENT = ENDPOINTS["numbers.rent"]
LAUGHS = "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10))

BROKEN = {
    "billion laughs": f'<!DOCTYPE lolz [<!ENTITY lol0 "lol">{LAUGHS}]><phone><cost>&lol9;</cost></phone>',
    "quadratic blow-up": f'<!DOCTYPE x [<!ENTITY a "{"1" * 50_000}">]><phone><cost>{"&a;" * 50_000}</cost></phone>',
    "a file": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><phone><cost>&a;</cost></phone>',
    "a page": '<!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]><phone><cost>&a;</cost></phone>',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;]><phone><cost>1</cost></phone>',
    "outer document type": '<!DOCTYPE phone SYSTEM "http://127.0.0.1:1/x.dtd"><phone><cost>1</cost></phone>',
    "document type alone": "<!DOCTYPE phone><phone><cost>1</cost></phone>",
    "undeclared entity": "<phone><cost>&nbsp;1</cost></phone>",
    "deep": "<phone>" * 100_000,
    "deep, whole": "<phone>" * 9 + "</phone>" * 9,
    "cut": "<phone><cost>1</cost></phone",
    "cut before the end tag": "<phone><cost>1</cost>",
    "two roots": "<phone><cost>1</cost></phone><phone><cost>1</cost></phone>",
    "text after it": "<phone><cost>1</cost></phone>OK",
    "another root": "<number><cost>1</cost></number>",
    "no cost": "<phone></phone>",
    "an empty cost": "<phone><cost/></phone>",
    "two costs": "<phone><cost>1</cost><cost>2</cost></phone>",
    "tags in the cost": "<phone><cost><a>1</a></cost></phone>",
    "text between": "<phone>2<cost>1</cost></phone>",
    "a NUL": "<phone><cost>1\0</cost></phone>",
    "a character that XML has not": "<phone><cost>1</cost>&#x1;</phone>",
    "a name space never declared": "<a:phone><a:cost>1</a:cost></a:phone>",
    "bare text": "<phone>1</phone>",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_bad_xml_is_undecodable(body: str) -> None:
    """Each kind of bad XML is undecodable, and the problem says so in a sentence."""
    with pytest.raises(Undecodable) as caught:
        read(RENT, body, XML)
    assert 0 < len(str(caught.value)) < 200


TASKS = ENDPOINTS["downloads.list"].shape
BALANCE = ENDPOINTS["account.balance"].shape
CALL = ENDPOINTS["calls.request"].shape
NOTES = Shape.list_of("list", "item", Field("list"), Field("note", Holds.TEXT))
LONG = "a" * 50
SENTENCES = {
    "two roots": (
        RENT.shape,
        "<phone><cost>1</cost></phone><phone/>",
        "broken XML: junk after document element (line 1, column 29)",
    ),
    "cut": (RENT.shape, "<phone>\n<cost>1</cost></phone", "broken XML: unclosed token (line 2, column 14)"),
    "another root": (RENT.shape, "<number/>", "XML that is no <phone>"),
    "another list": (TASKS, "<tasks><task/></tasks>", "XML that is no <list> of <task>"),
    "another item": (TASKS, "<list><task/><number/></list>", "XML that is no <list> of <task>"),
    "no OK": (Shape.OK, "<result>NO</result>", "XML that does not say OK"),
    "OK and more": (Shape.OK, "<result>OK<id>1</id></result>", "XML with text between the tags in <result>"),
    "words alone": (RENT.shape, "<result><error>again</error></result>", "a refusal in XML without a number"),
    "an empty number": (Shape.ANY, "<a><error_code/></a>", "a refusal in XML without a number"),
    "a long number": (Shape.ANY, "<a><error_code>1234567890</error_code></a>", "a refusal in XML without a number"),
    "a field twice": (RENT.shape, "<phone><cost>1</cost><cost/></phone>", "XML with <cost> twice in one record"),
    "tags in a field": (RENT.shape, "<phone><cost><a/></cost></phone>", "XML with tags inside <cost>"),
    "text between": (Shape.ANY, f"<{LONG}>x<b/></{LONG}>", f"XML with text between the tags in <{'a' * 40}>"),
    "text before tags, and space after": (
        Shape.ANY,
        "<a>x<b/>\n</a>",
        "XML with text between the tags in <a>",
    ),
    "deep": (Shape.ANY, "<a>" * 9 + "</a>" * 9, "XML that nests deeper than 8"),
    "document type": (
        RENT.shape,
        "<!DOCTYPE phone><phone/>",
        "XML with a document type, which the gateway never writes",
    ),
}


@pytest.mark.parametrize(("shape", "body", "sentence"), SENTENCES.values(), ids=SENTENCES.keys())
def test_what_is_wrong_with_an_xml_is_said(shape: Shape, body: str, sentence: str) -> None:
    """The problem is a sentence that shows tags at most, and those bounded."""
    with pytest.raises(Undecodable) as caught:
        decode(body.encode(), asked=XML, shape=shape)
    assert sentence == str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__, "the parser's error adds nothing"


RECORDS = {
    "the longest number": (
        Shape.ANY,
        "<a><error_code>123456789</error_code><error> no </error><id> 5 </id></a>",
        Refusal(123456789, "no", "5"),
    ),
    "deep enough": (Shape.ANY, "<a>" * 3 + "1" + "</a>" * 3, {"a": {"a": "1"}}),
    "as deep as may be": (
        Shape.ANY,
        "<a>" * 8 + "</a>" * 8,
        {"a": {"a": {"a": {"a": {"a": {"a": {"a": ""}}}}}}},
    ),
    "equal tags": (Shape.ANY, "<a><b>1</b><b>2</b></a>", ["1", "2"]),
    "OK": (Shape.OK, "<result> OK\n</result>", {"result": "OK"}),
    "an empty list": (NOTES, "<list/>", []),
    "one record without its list": (NOTES, "<item><note>a</note></item>", [{"note": "a"}]),
    "a list of none": (TASKS, "<list/>", []),
    "space in free text alone": (
        NOTES,
        "<list><item><list> a </list><note> b </note><more><x/></more></item></list>",
        [{"list": "a", "note": " b "}],
    ),
    "phones in tags": (
        CALL,
        "<result><phone> 1 </phone><all_phones><p> 1 </p><p>2</p></all_phones></result>",
        {"phone": "1", "all_phones": ["1", "2"]},
    ),
    "phones in one text": (CALL, "<result><all_phones> 1, 2 </all_phones></result>", {"all_phones": "1, 2"}),
    "no root": (
        BALANCE,
        "<balance> 1 </balance><currency>UAH</currency>",
        {"balance": "1", "currency": "UAH"},
    ),
    "no root, and a declaration": (
        BALANCE,
        "\n<?xml version='1.0'?>\n<balance>1</balance><?php ?><currency>UAH</currency>",
        {"balance": "1", "currency": "UAH"},
    ),
    "no root, and a processing instruction": (BALANCE, "<balance>1</balance><?php ?>", {"balance": "1"}),
    "a root of the same name": (BALANCE, "<balance><balance>1</balance></balance>", {"balance": "1"}),
    "another root": (BALANCE, "<result><balance>1</balance></result>", {"balance": "1"}),
}


@pytest.mark.parametrize(("shape", "body", "record"), RECORDS.values(), ids=RECORDS.keys())
def test_an_xml_becomes_the_wires_own_names_and_values(shape: Shape, body: str, record: object) -> None:
    """Tags become names; space around a value is dropped, except in free text."""
    assert record == decode(body.encode(), asked=XML, shape=shape)


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-8", "utf-16", "koi8-r", "ascii", "no-such-encoding"])
@pytest.mark.parametrize("written", ["utf-8", "cp1251"])
def test_the_declared_encoding_may_lie(encoding: str, written: str) -> None:
    """The text is read right whatever encoding the declaration names."""
    body = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<list><receive_phone><phone>380950000001</phone><type>1</type>'
        "<cost>1</cost><current_cost>1</current_cost><info>Київстар</info></receive_phone></list>"
    )
    assert ["Київстар"] == [number.info for number in read(ENDPOINTS["numbers.available"], body.encode(written), XML)]


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ("<?xml version='1.0'?><!-- price --><phone a='1'><cost>\n 1.50 \n</cost></phone>\n", "1.50"),
        ("<phone><cost><![CDATA[1.50]]></cost></phone>", "1.50"),
        ("<phone><cost>&#49;.50</cost><?php echo ?></phone>", "1.50"),
        ("<result><cost>1.50</cost><other><a><b>2</b></a></other></result>", "1.50"),
    ],
)
def test_unusual_xml_is_read(body: str, cost: str) -> None:
    """Comments, attributes, white space, character data and unknown tags do not matter."""
    assert cost == str(read(RENT, body, XML).cost)


@pytest.mark.parametrize(
    "body",
    [
        "<list><task><id>1</id></task><number/></list>",
        "<tasks><task><id>1</id></task></tasks>",
        "<list><task><id>1</id><name>a</name><status>1</status></task>x</list>",
        "<list>OK</list><list/>",
    ],
)
def test_a_list_of_something_else_is_undecodable(body: str) -> None:
    """A list must be the documented one."""
    with pytest.raises(Undecodable):
        read(ENDPOINTS["downloads.list"], body, XML)


@pytest.mark.parametrize("body", ["<result>NO</result>", "<result/>", "<list>OK</list>", "<result><a>OK</a></result>"])
def test_what_does_not_say_ok_is_undecodable(body: str) -> None:
    """Where OK is all there is to say, anything else is undecodable."""
    with pytest.raises(Undecodable):
        read(ENDPOINTS["numbers.set_auto_renew"], body, XML)


@pytest.mark.parametrize(
    "body",
    [
        "<phone>" + "<cost>1</cost>" * 100_000,
        "<phone><cost>" + "1" * 1_000_000,
        "<phone " + "a='b' " * 100_000,
        "<!--" + "-" * 1_000_000,
        "<phone><cost>" + "&lt;" * 300_000 + "</cost></phone>",
    ],
    ids=range(5),
)
def test_hostile_xml_takes_no_longer_than_its_size(
    body: str, best_of_three: Callable[[Callable[[], object]], float]
) -> None:
    """Broken XML of a megabyte is refused in linear time."""

    def attempt() -> None:
        with pytest.raises(Undecodable):
            read(RENT, body, XML)

    assert best_of_three(attempt) < 2.0


def test_nothing_is_fetched() -> None:
    """No document type opens a file or a connection."""
    seen: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in {"open", "socket.connect", "socket.getaddrinfo"}:
            seen.append(f"{event}: {arguments[0]}")

    sys.addaudithook(watch)  # it cannot be removed
    for name in ("a file", "a page", "parameter entity", "outer document type"):
        with pytest.raises(Undecodable):
            read(RENT, BROKEN[name], XML)
    watching = False
    assert [] == seen
