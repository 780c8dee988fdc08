"""XML that declares entities, nests too deep, or is no reply is undecodable; nothing is ever fetched."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from smsc_async._wire import Undecodable
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
    assert 0 < len(caught.value.problem) < 200


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
