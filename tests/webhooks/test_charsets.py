"""Charsets: every byte comes through, and is read in one way."""

from __future__ import annotations

import pytest

from smsc_async.webhooks import IncomingMessage
from tests.webhooks.posting import (
    BOUNDARY,
    FORMATS,
    PARTS,
    SECRET,
    body,
    digest,
    posted,
    receiver,
    signed,
)

MESSAGE = {"id": "7", "phone": "380501234567", "mes": "Привіт", "to": "380671112233"}

EVERY_BYTE = "".join(chr(code) for code in range(256))


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r"])
@pytest.mark.parametrize("escaped", [True, False])
def test_w17_all_256_bytes_come_through_a_form(charset: str, escaped: bool) -> None:
    """W17: also 0x98, which windows-1251 has no character for; the digest is over the bytes as they stood there."""
    octets = bytes(range(256)) + b"\xff"  # no UTF-8
    signed_octets = b"380501234567:" + octets + b":380671112233:" + SECRET.encode()
    escaping = "".join(f"%{byte:02X}" for byte in octets).encode()
    raw = (
        octets.translate(bytes.maketrans(b"+", b" ")).replace(b"%", b"%25").replace(b"&", b"%26").replace(b"+", b"%2B")
    )
    raw = octets.replace(b"%", b"%25").replace(b"&", b"%26").replace(b"+", b"%2B")
    form = b"phone=380501234567&to=380671112233&mes=" + (escaping if escaped else raw)
    event = receiver(charset=charset).parse(form + b"&sha1=" + digest("sha1", signed_octets).encode())
    assert isinstance(event, IncomingMessage)
    assert 257 == len(event.text)
    assert EVERY_BYTE[:128] == event.text[:128]
    if charset != "koi8-r":
        assert "\x98" == event.text[0x98]
    again = event.text.replace("\x98", "").encode("koi8-r" if charset == "koi8-r" else "windows-1251")
    assert octets.replace(b"\x98", b"") if charset != "koi8-r" else octets == again


@pytest.mark.parametrize("form", FORMATS)
def test_w17_a_byte_that_windows_1251_has_not_comes_through_every_format(form: str) -> None:
    """W17: as U+0098, as browsers take it; it is hashed as that byte."""
    text = "\x98 так"
    octets = body({**MESSAGE, "mes": "MARK так"}, form, "windows-1251")
    octets = octets.replace(b"MARK", b"%98" if form == "form" else b"\x98")
    hashed = b"380501234567:\x98 " + "так".encode("windows-1251") + f":380671112233:{SECRET}".encode()
    octets = (
        octets + b"&sha1=" + digest("sha1", hashed).encode()
        if form == "form"
        else octets.replace(b"</callback>", f"<sha1>{digest('sha1', hashed)}</sha1></callback>".encode())
        if form == "xml"
        else octets[:-1] + f', "sha1": "{digest("sha1", hashed)}"}}'.encode()
        if form == "json"
        else octets.removesuffix(f"--{BOUNDARY}--\r\n".encode()) + body({"sha1": digest("sha1", hashed)}, "parts")
    )
    reader = receiver(charset="windows-1251", format="form" if form == "parts" else form)
    event = reader.parse(octets, content_type=PARTS if form == "parts" else "")
    assert isinstance(event, IncomingMessage)
    assert text == event.text


@pytest.mark.parametrize("form", FORMATS)
def test_w17_utf_8_that_comes_to_a_receiver_of_windows_1251_is_read_as_what_it_is(form: str) -> None:
    """W17: JSON is UTF-8 by its standard, whatever an address asks for; no Cyrillic is UTF-8 by accident."""
    reader = receiver(charset="windows-1251", format="form" if form == "parts" else form)
    event = reader.parse(body(signed(MESSAGE), form), content_type=PARTS if form == "parts" else "")
    assert isinstance(event, IncomingMessage)
    assert "Привіт" == event.text


@pytest.mark.parametrize("text", ["НІ", "ТІ", "Так", "і", "№ 5", "«ТАК»"])
def test_w17_short_words_in_windows_1251_stay_what_they_are(text: str) -> None:
    """W17: "НІ" is a letter that no charset of the gateway has, were it UTF-8."""
    for form in FORMATS:
        event = posted({**MESSAGE, "mes": text}, form, "windows-1251")
        assert isinstance(event, IncomingMessage)
        assert text == event.text
