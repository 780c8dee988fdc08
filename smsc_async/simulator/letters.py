"""How an event is written for a handler: a form, XML or JSON, in its charset, with the digests it wants."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import attrs

from smsc_async.simulator.handler_address import HandlerAddress
from smsc_async.simulator.happenings import Event
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.switches import Switches

Values = Mapping[str, str | int | Decimal]

FORM: Final = "application/x-www-form-urlencoded"

#: What XML cannot say (https://www.w3.org/TR/xml/#charsets), and what a name in it cannot hold.
UNSAYABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNNAMEABLE: Final = re.compile(r"[^\w.-]|^(?=[\d.-])", re.ASCII)


@attrs.frozen(kw_only=True)
class Letter:
    """What is posted to a handler, as often as it takes. The repr shows neither text nor digest."""

    kind: str
    content_type: str
    charset: str
    body: bytes = attrs.field(repr=False)


def write(
    event: Event, address: HandlerAddress, moments: Moments, switches: Switches, at: float | None = None
) -> Letter:
    """Write *event*, which happens *at* a moment, or now, for the handler at *address*."""
    fmt = address.fmt
    charset = "utf-8" if fmt and switches.callback_charset == "utf-8" else address.charset
    values: dict[str, str | int | Decimal] = {}
    for name, value in event.fields(moments, moments.now() if at is None else at):
        if value is not None:
            values[name] = _sent(value, fmt, charset)
        elif switches.callback_empty and name != "err":  # "passed where it is not zero"
            values[name] = ""
    text = ":".join(str(values[name]) for name in event.signed)
    for algorithm, secret in address.secrets.items():
        values[algorithm] = digest(algorithm, f"{text}:{secret}", charset, switches)
    for name, value in address.echoed.items():
        if switches.callback_echo == "all" or name not in {"charset", "fmt"}:
            values.setdefault(name, _sent(value, fmt, charset))
    match fmt:
        case 2:
            content_type, body = "text/xml", _xml(values, charset, switches)
        case 3:
            content_type, body = "application/json", _json(values, switches).encode(charset, "replace")
        case _:
            content_type, body = FORM, urlencode(values, encoding=charset, errors="replace").encode()
    if fmt and switches.callback_claims in {"header", "both"}:
        content_type = f"{content_type}; charset={charset}"
    return Letter(kind=event.kind, content_type=content_type, charset=charset, body=body)


def digest(algorithm: str, text: str, charset: str, switches: Switches) -> str | int:
    """Give the digest of *text*, which ends with the secret."""
    data = text.encode("utf-8" if switches.callback_hashed == "utf-8" else charset, "replace")
    if algorithm == "crc32":
        checksum = zlib.crc32(data)
        match switches.callback_crc32:
            case "unsigned":
                return checksum
            case "signed":
                return checksum - (1 << 32) if checksum >> 31 else checksum
            case _:  # "hex"
                written = f"{checksum:08x}"
    else:
        written = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
    return written.upper() if switches.callback_digest_case == "upper" else written


def _sent(value: str | int | Decimal, fmt: int, charset: str) -> str | int | Decimal:
    """Give *value* with a question mark for what cannot be sent, as it is before it is hashed."""
    if not isinstance(value, str):
        return value
    text = value.encode(charset, "replace").decode(charset)
    return UNSAYABLE.sub("?", text) if fmt == 2 else text


def _xml(values: Values, charset: str, switches: Switches) -> bytes:
    root = switches.callback_root
    lines = (
        [f'<?xml version="1.0" encoding="{charset}"?>'] if switches.callback_claims in {"declaration", "both"} else []
    )
    lines.append(f"<{root}>")
    for name, value in values.items():
        tag = UNNAMEABLE.sub("_", name) or "_"
        # A parser takes a bare carriage return for the end of a line, and the digest would not match.
        lines.append(f"<{tag}>{escape(str(value), {chr(13): '&#13;'})}</{tag}>")
    lines.append(f"</{root}>")
    return "\n".join(lines).encode(charset, "replace")


def _json(values: Values, switches: Switches) -> str:
    bare = switches.callback_numbers == "bare"
    return json.dumps(
        {name: value if bare and isinstance(value, int) else str(value) for name, value in values.items()},
        ensure_ascii=switches.callback_json_ascii,
        separators=(",", ":"),
    )
