"""What the gateway posts, written down in each of its formats, and signed by lines that are not the receiver's."""

from __future__ import annotations

import hashlib
import json
import warnings
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from smsc_async.webhooks import Receiver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smsc_async.webhooks import Event

__all__ = [
    "BOUNDARY",
    "FORMATS",
    "PARTS",
    "SECRET",
    "SIGNED",
    "STATUS",
    "body",
    "digest",
    "posted",
    "receiver",
    "signed",
]

SECRET: Final = "secret-of-the_address-0123456789"
FORMATS: Final = ("form", "parts", "xml", "json")
BOUNDARY: Final = "7MA4YWxkTrZu0gW"
PARTS: Final = f"multipart/form-data; boundary={BOUNDARY}"
#: What the vendor's page says that a digest covers: of a status, a message, and a call that confirms a phone.
SIGNED: Final = (("id", "phone", "status"), ("phone", "mes", "to"), ("phone", "ts"))
STATUS: Final = {"id": "1001", "phone": "380501234567", "status": "1"}


def names_of(fields: Mapping[str, str]) -> tuple[str, ...]:
    return SIGNED[1] if "mes" in fields else SIGNED[2] if "waitcall" in fields else SIGNED[0]


def digest(name: str, octets: bytes) -> str:
    return str(zlib.crc32(octets)) if name == "crc32" else hashlib.new(name, octets).hexdigest()


def signed(
    fields: Mapping[str, str], *, by: str = "sha1", charset: str = "utf-8", secret: str = SECRET
) -> dict[str, str]:
    """Give *fields* with their digest, over bytes in *charset*."""
    text = ":".join([*(fields.get(name, "") for name in names_of(fields)), secret])
    return {**fields, by: digest(by, text.encode(charset))}


def body(fields: Mapping[str, str], form: str = "form", charset: str = "utf-8") -> bytes:
    """Write *fields* down."""
    if form == "form":
        pairs = [
            f"{quote_plus(name.encode(charset))}={quote_plus(text.encode(charset))}" for name, text in fields.items()
        ]
        return "&".join(pairs).encode()
    if form == "parts":
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="'
        text = "".join(f'{head}{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
        return f"{text}--{BOUNDARY}--\r\n".encode(charset)
    if form == "xml":
        tags = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        return f'<?xml version="1.0" encoding="{charset}"?>\n<callback>{tags}</callback>'.encode(charset)
    return json.dumps(fields, ensure_ascii=False).encode(charset)


def receiver(**options: Any) -> Receiver:
    """Make a receiver with the secret of these tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # crc32 and koi8-r warn, which has tests of its own
        return Receiver(**{"secret": SECRET, **options})


def posted(fields: Mapping[str, str], form: str = "form", charset: str = "utf-8", **options: Any) -> Event:
    """Sign *fields*, write them down, and give the event that comes of them."""
    options = {"charset": charset, **options}
    by = options.get("digest", "sha1")
    octets = body(signed(fields, by=by, charset=charset), form, charset)
    reader = receiver(format="form" if form == "parts" else form, **options)
    return reader.parse(octets, content_type=PARTS if form == "parts" else "")
