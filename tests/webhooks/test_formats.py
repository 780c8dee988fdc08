"""Bodies in each format: oddities that the gateway or its libraries may write, and that change nothing that is read."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.errors import InvalidArgumentType, MalformedCallback, SignatureMismatch
from smsc_async.webhooks import DeliveryStatus, IncomingMessage
from smsc_async.webhooks._fields import MOST_FIELDS, octets_of, text_of
from smsc_async.webhooks._form import pairs_of, read
from smsc_async.webhooks._kinds import KNOWN
from tests.webhooks.posting import BOUNDARY, FORMATS, PARTS, STATUS, body, posted, receiver, signed

MESSAGE = {"id": "7", "phone": "380501234567", "mes": "Привіт", "to": "380671112233"}
SIGNED = signed(STATUS)

# Forms ------------------------------------------------------------------------------------------------------------

pieces = st.sampled_from(
    [b"%41", b"%4", b"%", b"%%", b"%zz", b"%0D", b"\r", b"\n", b"=", b"+", b"a", b"_", b"%FF", b"\xff"]
)
odd_forms = st.one_of(
    st.lists(pieces, max_size=12).map(b"".join),
    st.lists(st.one_of(pieces, st.sampled_from([b"&", b"id=1&", b"a=%41&b="])), max_size=20).map(b"".join),
    st.binary(max_size=60),
)


@given(odd_forms, st.sampled_from(["utf-8", "windows-1251", "koi8-r"]))
def test_the_quick_reader_of_forms_agrees_with_the_standard_library(octets: bytes, charset: str) -> None:
    """Names, values and bytes are the same, however odd the escapes; those that are none stay as they are."""
    expected = parse_qsl(octets.decode("latin-1"), keep_blank_values=True, encoding="latin-1", separator="&")
    assert expected == list(pairs_of(octets))
    fields = read(octets, charset, frozenset())
    assert dict(expected) == fields.octets
    read_names = {text_of(name.encode("latin-1"), charset)[0] for name in dict(expected)}
    read_texts = {text_of(text.encode("latin-1"), charset)[0] for text in dict(expected).values()}
    assert (read_names, read_texts) == (set(fields.texts), set(fields.texts.values()))


@pytest.mark.parametrize("octets", [b"mes=xx%\r", b"mes=%zz%\rab", b"mes=a%\r\nb", b"mes=a%\nb"])
def test_a_sign_before_a_line_break_begins_no_escape(octets: bytes) -> None:
    """Quoted-printable, whose reader does the work, would take it for a line that goes on."""
    assert {"mes": octets[4:].decode()} == read(octets, "utf-8", KNOWN).texts


@pytest.mark.parametrize("raw", [True, False])
def test_a_form_need_not_escape_what_it_should(raw: bool) -> None:
    """Bytes beyond ASCII may come as they are, and so may most punctuation."""
    octets = body(signed({**MESSAGE, "mes": "Привіт, /?:@"}))
    if raw:
        octets = octets.replace(quote_plus("Привіт, /?:@").encode(), "Привіт,+/?:@".encode())
    event = receiver().parse(octets)
    assert isinstance(event, IncomingMessage)
    assert ("Привіт, /?:@", "as received") == (event.text, event.signature.reading)


def test_small_and_capital_escapes_are_the_same() -> None:
    """PHP writes capital ones, others small ones; names may be escaped too."""
    octets = body(signed(MESSAGE))
    small = octets.replace(b"%D0", b"%d0").replace(b"%D1", b"%d1").replace(b"phone=", b"%70hone=")
    assert receiver().parse(octets) == receiver().parse(small)


def test_a_plus_in_a_form_is_a_space_and_an_escaped_one_is_a_plus() -> None:
    """As in any form: the digest covers what they stand for."""
    event = posted({**MESSAGE, "phone": "+380501234567", "mes": "1 + 1"})
    assert isinstance(event, IncomingMessage)
    assert ("380501234567", "1 + 1") == (event.phone, event.text)


def test_empty_pairs_in_a_form_are_none() -> None:
    """And a name without a sign of equality has an empty value."""
    event = receiver().parse(b"&&" + body(SIGNED) + b"&&shop&=&x=")
    assert {"shop": "", "": "", "x": ""} == event.extra


# JSON -------------------------------------------------------------------------------------------------------------


def as_json(text: str, **options: Any) -> Any:
    return receiver(format="json", **options).parse(text.encode())


def test_numbers_in_json_may_be_bare() -> None:
    """They are hashed as they are written, and money keeps its digits."""
    given = {"id": 1001, "phone": 380501234567, "status": 1, "cnt": 2, "ts": 1700000000, "sha1": SIGNED["sha1"]}
    event = as_json(json.dumps(given)[:-1] + ', "cost": 0.50}')
    assert isinstance(event, DeliveryStatus)
    assert ("1001", "380501234567", 1, 2, "0.50") == (event.id, event.phone, event.status, event.count, str(event.cost))
    assert Decimal("0.50") == event.cost


@pytest.mark.parametrize("name", ["err", "cost", "cmt", "imsi", "mes", "waitcall", "md5", "shop"])
def test_a_field_that_is_null_is_not_there(name: str) -> None:
    """Also one that would decide the kind, or prove something."""
    event = as_json(json.dumps({**SIGNED, name: None}))
    assert posted(STATUS) == event
    assert {} == event.extra


def test_the_required_fields_may_not_be_null() -> None:
    """They are missing then; so is a digest."""
    for name in STATUS:
        with pytest.raises(MalformedCallback, match=f"no field {name}"):
            as_json(json.dumps({**SIGNED, name: None}))
    with pytest.raises(SignatureMismatch, match="no sha1"):
        as_json(json.dumps({**SIGNED, "sha1": None}))


def test_what_nests_in_an_unknown_field_is_kept_as_json() -> None:
    """Numbers in it become texts, so that none is rounded."""
    event = as_json(json.dumps(SIGNED)[:-1] + ', "x": {"a": [1.10, true, null, "ї"]}, "y": false}')
    assert {"x": '{"a": ["1.10", true, null, "ї"]}', "y": "false"} == event.extra


@pytest.mark.parametrize("escaped", [True, False])
def test_json_may_escape_its_letters_or_not(escaped: bool) -> None:
    """What is hashed are the letters."""
    event = as_json(json.dumps(signed({**MESSAGE, "mes": 'Ї 😀 \\ " /'}), ensure_ascii=escaped))
    assert isinstance(event, IncomingMessage)
    assert 'Ї 😀 \\ " /' == event.text


def test_a_list_of_one_record_is_that_record() -> None:
    """No sample of such a body is public; this is what other lists of the gateway look like."""
    assert posted(STATUS) == as_json(json.dumps([SIGNED]))


# XML --------------------------------------------------------------------------------------------------------------

TAGS = "".join(f"<{name}>{text}</{name}>" for name, text in SIGNED.items())


@pytest.mark.parametrize(
    "text",
    [
        f"<callback>{TAGS}</callback>",
        f"<what-ever>{TAGS}</what-ever>",
        f"<ї>{TAGS}</ї>",
        f"<list><item>{TAGS}</item></list>",
        f"<r a=\"1\" b='2'>{TAGS.replace('<id>', '<id type=&quot;x&quot;>'.replace('&quot;', chr(34)))}</r>",
        f"<r>{TAGS.replace('1001', '<![CDATA[1001]]>')}</r>",
        f"<r>{TAGS.replace('1001', '10<!-- no -->01')}</r>",
        f"<r>{TAGS.replace('1001', '&#49;&#x30;01')}</r>",
        f"\n<!-- before --><r>\n  {TAGS.replace('><', chr(62) + chr(10) + chr(60))}\n</r>\n<!-- after -->\n",
        f'<?xml version="1.0" encoding="koi8-r"?><?other x?><r>{TAGS}</r>',
        f'<?xml version="1.0" encoding="utf-16"?><r>{TAGS}</r>',
        f"<r>{TAGS}<err/></r>",
    ],
)
def test_xml_is_read_whatever_its_root_and_its_style(text: str) -> None:
    """Nobody documents the root; attributes, comments, CDATA and the declared charset say nothing."""
    assert posted(STATUS) == receiver(format="xml").parse(text.encode())


def test_tags_in_an_unknown_field_are_kept_as_text() -> None:
    """In a known one they are refused."""
    event = receiver(format="xml").parse(f"<r>{TAGS}<x><a>1</a><b><c>2</c></b></x></r>".encode())
    assert {"x": "a: 1; b: c: 2"} == event.extra
    with pytest.raises(MalformedCallback, match="single value"):
        receiver(format="xml").parse(f"<r>{TAGS}<cmt><a>1</a></cmt></r>".encode())


def test_white_space_within_a_signed_field_is_a_part_of_it() -> None:
    """It would have been hashed; grammars have none."""
    with pytest.raises(MalformedCallback):
        receiver(format="xml").parse(f"<r>{TAGS.replace('1001', ' 1001 ')}</r>".encode())


@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_byte_order_mark_is_skipped(form: str) -> None:
    """Some libraries of the gateway's own platform begin files with one."""
    assert posted(STATUS) == receiver(format=form).parse(b"\xef\xbb\xbf" + body(SIGNED, form))


# Forms in parts ---------------------------------------------------------------------------------------------------


def part(name: str, text: str, head: str = "") -> str:
    return f'--{BOUNDARY}\r\n{head}Content-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'


WHOLE = "".join(part(name, text) for name, text in SIGNED.items())
END = f"--{BOUNDARY}--\r\n"


def test_a_form_in_parts_may_have_other_headers_and_lines_around_it() -> None:
    """A preamble is none of the form's, and a part may say its type."""
    heads = "Content-Type: text/plain; charset=utf-8\r\nX-Other: 1\r\n"
    for octets in (WHOLE + END, WHOLE + END + "epilogue", part("cmt", "a\r\nb\r\n", heads) + WHOLE + END):
        event = receiver().parse(octets.encode(), content_type=f'Multipart/Form-Data; boundary="{BOUNDARY}"')
        assert "1001" == event.id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (WHOLE, PARTS),
        (WHOLE + END, "multipart/form-data"),
        (WHOLE + END, "multipart/form-data; boundary="),
        (WHOLE + END, "multipart/form-data; boundary=" + "x" * 71),
        (WHOLE + END, "multipart/form-data; boundary=other"),
        (WHOLE + END, 'multipart/form-data; boundary="Ї'),
        (part('a"; filename="x.txt', "1") + WHOLE + END, PARTS),
        (part("", "1") + WHOLE + END, PARTS),
        (f"--{BOUNDARY}\r\n\r\n1\r\n" + WHOLE + END, PARTS),
        (f"--{BOUNDARY}\r\nbroken\r\n" + WHOLE + END, PARTS),
        (part("a", "1", "x: " + "y" * 100_000 + "\r\n") + WHOLE + END, PARTS),
        (part("a", "1", "x: y\r\n" * 1_000) + WHOLE + END, PARTS),
        (part("a", "1") * 2_000 + END, PARTS),
        (END, PARTS),
        ("", PARTS),
    ],
)
def test_a_form_in_parts_that_is_broken_is_refused(text: str, content_type: str) -> None:
    """Without an end, a boundary or names, with files or endless headers: with the declared error."""
    with pytest.raises(MalformedCallback):
        receiver().parse(text.encode(), content_type=content_type)


def test_python_multipart_is_asked_for_by_such_a_body_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed, other bodies are read, and the refusal of this one says what to do."""
    for name in list(sys.modules):
        if name.startswith("python_multipart"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "python_multipart", None)
    assert STATUS["phone"] == posted(STATUS).phone
    with pytest.raises(MalformedCallback, match=r"install smsc-async\[multipart\]"):
        posted(STATUS, "parts")


# Read by somebody else, and the arguments -------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251"])
def test_a_form_that_a_framework_has_read_is_verified_too(charset: str) -> None:
    """Its names and values are hashed in the plausible charsets."""
    event = receiver().parse_form(signed(MESSAGE, charset=charset).items(), query="a=1")
    assert posted(MESSAGE, parameters={"a": "1"}) != event
    assert isinstance(event, IncomingMessage)
    assert ("Привіт", {"a": "1"}, charset) == (event.text, event.parameters, event.signature.reading)


@pytest.mark.parametrize("value", [None, 1, b"1001", object(), ["1001"]])
@pytest.mark.parametrize("name", ["id", "phone", "sha1", "cmt", "shop"])
def test_a_file_in_a_form_that_a_framework_has_read_is_refused(name: str, value: object) -> None:
    """A stranger decides whether a part has a file name, and frameworks give an object for it."""
    items: Any = {**SIGNED, name: value}.items()
    with pytest.raises(MalformedCallback):
        receiver().parse_form(items)


def test_half_of_a_surrogate_pair_from_a_framework_is_no_crash() -> None:
    """Some decode broken bytes to such."""
    for name in ("mes", "phone", "to", "sha1", "id"):
        fields = {**signed(MESSAGE), name: "\udc98" * 5}
        try:
            event = receiver().parse_form(fields.items())
        except (MalformedCallback, SignatureMismatch):
            assert name != "id"
        else:
            assert ("id", 32) == (name, len(event.key))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("form", FORMATS)
def test_a_body_may_be_bytes_of_any_kind(form: str, kind: Any) -> None:
    """Frameworks give bytes, and some a bytearray or a view of one."""
    reader = receiver(format="form" if form == "parts" else form)
    assert posted(STATUS) == reader.parse(kind(body(SIGNED, form)), content_type=PARTS if form == "parts" else "")


@pytest.mark.parametrize("given", [None, "id=1", 7, {"id": "1"}])
def test_a_body_that_is_no_bytes_is_an_argument_of_the_wrong_type(given: Any) -> None:
    """Text is: the bytes that were hashed cannot be had back from it."""
    with pytest.raises(InvalidArgumentType, match="bytes"):
        receiver().parse(given)


def test_a_header_that_is_not_there_may_be_none() -> None:
    """As frameworks give it."""
    missing: Any = None
    assert posted(STATUS) == receiver().parse(body(SIGNED), content_type=missing)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=Ї", {"a": "?"}),
        ("a=\udc98", {"a": "?"}),
        (b"\xff=\x98", {"я": "\x98"}),
        ("&&==%zz", {"": "=%zz"}),
        ("x" * 5_000, {"x" * 5_000: ""}),
        ("id=2&sha1=x&waitcall=1", {"id": "2", "sha1": "x", "waitcall": "1"}),
    ],
)
def test_no_query_crashes_the_reader(query: Any, expected: dict[str, str]) -> None:
    """What stands behind the question mark is a stranger's too, and no field of the callback."""
    assert expected == receiver().parse(body(SIGNED), query=query).parameters


@given(st.text(), st.sampled_from(["utf-8", "windows-1251", "koi8-r"]))
def test_what_a_charset_can_hold_is_read_as_it_was_written(text: str, charset: str) -> None:
    """Unless its bytes are UTF-8 by accident: then as what UTF-8 says."""
    try:
        octets = octets_of(text, charset)
    except UnicodeEncodeError:
        return
    read_text, used = text_of(octets, charset)
    assert octets == octets_of(read_text, used)
    assert read_text == text or (used == "utf-8" and octets.decode() == read_text)


def test_the_bound_on_fields_has_room_for_the_vendors() -> None:
    """The vendor's names and as many again."""
    assert 2 * len(KNOWN) < MOST_FIELDS
