"""What strangers post: rows of the catalogue of faults, by their numbers."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.errors import CallbackTooLarge, MalformedCallback, SignatureMismatch, WebhookError
from smsc_async.webhooks import DeliveryStatus
from tests.webhooks.posting import (
    BOUNDARY,
    FORMATS,
    PARTS,
    SECRET,
    STATUS,
    body,
    receiver,
    signed,
)

#: Seconds of CPU, under a tracer and on a slow machine. The long run asks for 50 ms; a square would take minutes.
SOON = 0.5
MESSAGE = {"id": "7", "phone": "380501234567", "mes": "Привіт", "to": "380671112233"}

# W12 and W13: forms ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", [b"a=1&" * 60_000, b"&" * 250_000, b"=&" * 100_000, b"%61=1&" * 40_000])
def test_w12_two_hundred_thousand_fields_are_refused_soon(octets: bytes) -> None:
    """W12: before they are taken apart; the standard library's reader took 150 ms for as many."""
    with pytest.raises(MalformedCallback, match="more than 100 fields"):
        receiver().parse(octets)
    assert SOON > cpu_seconds(octets)


def cpu_seconds(octets: bytes, form: str = "form", content_type: str = "") -> float:
    """Give the least CPU time of three tries."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        with pytest.raises(WebhookError):
            receiver(format=form).parse(octets, content_type=content_type)
        spent.append(time.thread_time() - began)
    return min(spent)


@pytest.mark.parametrize("form", FORMATS)
def test_w12_a_hundred_fields_are_taken_and_no_more(form: str) -> None:
    """W12: the vendor lists 35, and an address has room for a few more."""
    fields = signed(STATUS)
    fields |= {f"x{number}": "1" for number in range(100 - len(fields))}
    reader, kind = receiver(format="form" if form == "parts" else form), PARTS if form == "parts" else ""
    assert 96 == len(reader.parse(body(fields, form), content_type=kind).extra)
    with pytest.raises(MalformedCallback, match="more than 100 fields"):
        reader.parse(body({**fields, "more": "1"}, form), content_type=kind)


@given(
    st.sampled_from([*STATUS, "sha1", "md5", "ts", "cost", "mes", "waitcall"]), st.sampled_from(FORMATS), st.booleans()
)
def test_w13_a_field_that_stands_there_twice_is_refused(name: str, form: str, same: bool) -> None:
    """W13: with the same value or another one, spelled plainly or with escapes."""
    fields = {**signed(STATUS), "md5": "", "ts": "1", "cost": "1"}
    extra = {name: fields.get(name, "1") if same else "1002"}
    whole, more = body({**fields, **({name: "1"} if name not in fields else {})}, form), body(extra, form)
    if form == "form":
        octets = whole + b"&" + more.replace(b"id", b"%69%64").replace(b"s", b"%73")
    elif form == "parts":
        octets = whole.removesuffix(f"--{BOUNDARY}--\r\n".encode()) + more
    elif form == "xml":
        octets = whole.replace(b"</callback>", more.partition(b"<callback>")[2])
    else:
        octets = whole[:-1] + b"," + more[1:].replace(b'"id"', b'"\\u0069d"')
    with pytest.raises(MalformedCallback, match="twice"):
        receiver(format="form" if form == "parts" else form).parse(
            octets, content_type=PARTS if form == "parts" else ""
        )


def test_w13_a_semicolon_separates_nothing() -> None:
    """W13: readers that split at it would see fields that the signer did not."""
    octets = body(signed(STATUS))
    with pytest.raises(MalformedCallback):
        receiver().parse(octets.replace(b"&", b";"))
    event = receiver().parse(octets + b"&cmt=a;id=2;status=3")
    assert isinstance(event, DeliveryStatus)
    assert ("1001", 1, "a;id=2;status=3") == (event.id, event.status, event.comment)


# W14: XML ---------------------------------------------------------------------------------------------------------

TAGS = "".join(f"<{name}>{text}</{name}>" for name, text in signed(STATUS).items())
LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "lol">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
HOSTILE_XML = {
    "billion laughs": f"{LAUGHS}]><r>{TAGS}<cmt>&j;</cmt></r>",
    "quadratic blowup": f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]><r>{TAGS}<cmt>{"&a;" * 10_000}</cmt></r>',
    "external entity": f'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>{TAGS}<cmt>&x;</cmt></r>',
    "external over the network": f'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><r>{TAGS}</r>',
    "parameter entity": f'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]><r>{TAGS}</r>',
    "empty document type": f"<!DOCTYPE r><r>{TAGS}</r>",
    "default attribute": f'<!DOCTYPE r [<!ATTLIST r a CDATA "x">]><r>{TAGS}</r>',
    "undeclared entity": f"<r>{TAGS}<cmt>&nope;</cmt></r>",
    "deep": "<a>" * 5_000,
    "nine deep": f"<r>{TAGS}{'<a>' * 8}x{'</a>' * 8}</r>",
    "many elements": f"<r>{TAGS}{'<a/>' * 50_000}</r>",
    "text between tags": f"<r>{TAGS}text</r>",
    "no root": "",
    "two roots": f"<r>{TAGS}</r><r/>",
    "open": f"<r>{TAGS}",
    "a character that XML has not": f"<r>{TAGS}<cmt>&#0;</cmt></r>",
    "nothing but text": "<r>text</r>",
}


@pytest.mark.parametrize("name", HOSTILE_XML)
def test_w14_hostile_xml_is_refused(name: str) -> None:
    """W14: no document type, no entity beyond XML's own, no depth, no file, no network, and soon."""
    octets = HOSTILE_XML[name].encode()
    with pytest.raises(MalformedCallback):
        receiver(format="xml").parse(octets)
    if len(octets) < 256 * 1024:
        assert SOON > cpu_seconds(octets, "xml")


# W15: JSON --------------------------------------------------------------------------------------------------------

FIELDS = json.dumps(signed(STATUS))[1:-1]
HOSTILE_JSON = {
    "deep lists": "[" * 100_000,
    "deep records": '{"a":' * 40_000,
    "nine deep": '{%s,"x":%s1%s}' % (FIELDS, "[" * 8, "]" * 8),  # noqa: UP031 - braces all over
    "5,000 digits": '{%s,"x":%s}' % (FIELDS, "9" * 5_000),  # noqa: UP031 - likewise
    "5,000 digits of a fraction": '{%s,"cost":0.%s}' % (FIELDS, "9" * 5_000),  # noqa: UP031 - likewise
    "NaN": '{%s,"cost":NaN}' % FIELDS,  # noqa: UP031 - likewise
    "Infinity": '{%s,"x":[-Infinity]}' % FIELDS,  # noqa: UP031 - likewise
    "half of a surrogate pair": '{%s,"cmt":"\\ud83d"}' % FIELDS,  # noqa: UP031 - likewise
    "a name with half of a surrogate pair": '{%s,"\\udc00":"1"}' % FIELDS,  # noqa: UP031 - likewise
    "duplicate keys": '{%s,"id":"1001"}' % FIELDS,  # noqa: UP031 - likewise
    "a truth": '{"id":true,%s}' % FIELDS.replace('"id"', '"x"'),  # noqa: UP031 - likewise
    "a list for a field": '{"id":["1001"],%s}' % FIELDS.replace('"id"', '"x"'),  # noqa: UP031 - likewise
    "two records": "[{%s},{%s}]" % (FIELDS, FIELDS),  # noqa: UP031 - likewise
    "many values": '{%s,"x":[%s1]}' % (FIELDS, "1," * 100_000),  # noqa: UP031 - likewise
    "many brackets": "[]" * 120_000,
    "quotes": '"' * 250_000,
    "backslashes": '{"a":"' + "\\" * 200_001,
    "a control character": '{%s,"cmt":"a\nb"}' % FIELDS,  # noqa: UP031 - likewise
    "something behind it": "{%s} x" % FIELDS,  # noqa: UP031 - likewise
    "empty": "",
    "no record": "[]",
    "text": '"x"',
    "number": "1e999",
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_w15_hostile_json_is_refused(name: str) -> None:
    """W15: with the declared error alone, and soon; no number is computed with before its form is known."""
    octets = HOSTILE_JSON[name].encode()
    with pytest.raises(MalformedCallback):
        receiver(format="json").parse(octets)
    assert SOON > cpu_seconds(octets, "json")


def test_w15_a_number_beyond_all_bounds_stays_as_it_was_written() -> None:
    """W15: 1e999 is no infinity: in an unknown field it is text, in a known one an unknown value."""
    octets = ('{%s,"cost":1e999,"x":1e999,"y":[0.10]}' % FIELDS).encode()  # noqa: UP031 - braces all over
    event = receiver(format="json").parse(octets)
    assert {"cost": "1e999", "x": "1e999", "y": '["0.10"]'} == event.extra


# W19: formats -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", FORMATS)
@pytest.mark.parametrize("expected", ["form", "xml", "json"])
@pytest.mark.parametrize(
    "content_type", ["", PARTS, "application/json", "text/xml", "application/x-www-form-urlencoded"]
)
def test_w19_the_receiver_reads_its_own_format_whatever_is_posted(sent: str, expected: str, content_type: str) -> None:
    """W19: neither the content type nor the look of a body chooses the reader; forms alone have two spellings."""
    octets = body(signed(STATUS), sent)
    fits = sent == expected or (sent == "parts" and expected == "form")
    if expected == "form":
        fits = sent == ("parts" if content_type == PARTS else "form")
    if fits:
        assert "380501234567" == receiver(format=expected).parse(octets, content_type=content_type).phone
    else:
        with pytest.raises(MalformedCallback):
            receiver(format=expected).parse(octets, content_type=content_type)


# W10, W21 and the rest --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["form", "xml", "json"])
def test_a_body_beyond_the_bound_is_refused_unread(form: str) -> None:
    """256 KiB are a hundred times what a callback has."""
    with pytest.raises(CallbackTooLarge):
        receiver(format=form).parse(b"x" * (256 * 1024 + 1))


@pytest.mark.parametrize("form", FORMATS)
def test_w21_no_refusal_shows_what_was_posted(form: str) -> None:
    """W21: its words are ours alone."""
    octets = body({**signed(MESSAGE), "mes": "canary-of-the-text", "phone": "380509999999"}, form)
    reader, kind = receiver(format="form" if form == "parts" else form), PARTS if form == "parts" else ""
    for broken in (
        octets,
        octets.replace(b"380509999999", b"3805:09999999"),
        octets[: len(octets) // 2],
        b"canary" + octets,
    ):
        with pytest.raises((MalformedCallback, SignatureMismatch)) as caught:
            reader.parse(broken, content_type=kind)
        shown = f"{caught.value} {caught.value!r}"
        assert not [word for word in ("canary", "3805", SECRET) if word in shown]


@given(
    st.binary(max_size=400),
    st.sampled_from(FORMATS),
    st.sampled_from(["utf-8", "windows-1251"]),
    st.binary(max_size=40),
)
def test_whatever_is_posted_nothing_but_a_declared_error_escapes(
    octets: bytes, form: str, charset: str, query: bytes
) -> None:
    """Random bytes, also between the marks of a form in parts, are refused, and nothing worse."""
    if form == "parts":
        octets = f"--{BOUNDARY}\r\n".encode() + octets + f"\r\n--{BOUNDARY}--\r\n".encode()
    reader = receiver(format="form" if form == "parts" else form, charset=charset)
    with pytest.raises(WebhookError):
        reader.parse(octets, content_type=PARTS if form == "parts" else "", query=query)
