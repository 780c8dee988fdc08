"""Genuine callbacks, made up: written and signed apart from the code that reads them."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import attrs

if TYPE_CHECKING:
    from random import Random

__all__ = ["CHARSETS", "FORMATS", "SECRET", "SIGNED", "Genuine", "body_of", "digest_of", "made_up", "signed_pieces"]

SECRET: Final = "a-Secret_of-40-characters-0123456789abcd"
FORMATS: Final = ("form", "parts", "xml", "json")
CHARSETS: Final = ("utf-8", "windows-1251", "koi8-r")
BOUNDARY: Final = "----boundary7MA4YWxkTrZu0gW"
#: What the vendor's page says that a digest covers, by kind.
SIGNED: Final = {
    "status": ("id", "phone", "status"),
    "message": ("phone", "mes", "to"),
    "confirmation": ("phone", "ts"),
}
_LETTERS: Final = {
    "utf-8": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяАБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТzażółćñβ€😀 0123456789:;&=%+<>\"'\\/",
    "windows-1251": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяАБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТ№«»— 0123456789:;&=%+<>\"'\\/",
    "koi8-r": "абвгдежзийклмнопрстуфхцчшщьюяыэАБВГДЕЖЗИЙКЛМНОПРСТ 0123456789:;&=%+<>\"'\\/",
}
_PLAIN: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@attrs.frozen
class Genuine:
    """A callback as the gateway would send it."""

    kind: str
    fields: dict[str, str]
    format: str
    charset: str
    digest: str
    hashed: str  # the charset of what was hashed
    body: bytes

    @property
    def content_type(self) -> str:
        return content_type(self.format)


def content_type(form: str) -> str:
    return f"multipart/form-data; boundary={BOUNDARY}" if form == "parts" else ""


def digest_of(pieces: list[bytes], name: str) -> str:
    """Sign, as the vendor's page says."""
    octets = b":".join([*pieces, SECRET.encode()])
    return f"{zlib.crc32(octets)}" if name == "crc32" else hashlib.new(name, octets).hexdigest()


def signed_pieces(fields: dict[str, str], kind: str, charset: str) -> list[bytes]:
    return [fields.get(name, "").encode(charset, "replace") for name in SIGNED[kind]]


def made_up(random: Random, form: str) -> Genuine:
    """Make a callback up in this format."""
    charset = random.choice(CHARSETS if form in {"form", "parts"} else CHARSETS[:2])
    kind = random.choice(("status", "status", "message", "message", "confirmation"))
    fields = _FIELDS[kind](random, charset)
    digest = random.choice(("sha1", "md5"))
    hashed = charset if random.random() < 0.8 else random.choice(("utf-8", "windows-1251"))
    if any(not _fits(fields.get(name, ""), hashed) for name in SIGNED[kind]):
        hashed = charset
    names = [digest, *(name for name in ("sha1", "md5") if name != digest and random.random() < 0.1)]
    pieces = signed_pieces(fields, kind, hashed)
    fields |= {name: digest_of(pieces, name) for name in names}
    if random.random() < 0.2:
        fields |= {"charset": charset, "shop": _text(random, charset, 6)}
    return Genuine(kind, fields, form, charset, digest, hashed, body_of(fields, form, charset, random))


def _fits(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _status(random: Random, charset: str) -> dict[str, str]:
    fields = {
        "id": str(random.randrange(1, 10**9)) if random.random() < 0.8 else _plain(random, "._-", 40),
        "phone": _phone(random) if random.random() < 0.8 else _nick(random, charset),
        "status": random.choice(("-3", "-2", "-1", "0", "1", "2", "3", "4", "20", "22", "23", "24", "25", "77")),
        "time": f"{random.randrange(1, 29):02}.{random.randrange(1, 13):02}.26 12:{random.randrange(60):02}:00",
        "ts": str(random.randrange(1_600_000_000, 1_900_000_000)),
    }
    others = {
        "err": str(random.choice((1, 6, 11, 200, 255))),
        "syserr": _plain(random, "", 8),
        "cnt": str(random.randrange(1, 99)),
        "type": str(random.randrange(13)),
        "cost": f"{random.randrange(100)}.{random.randrange(100):02}",
        "flag": str(random.randrange(1 << 16)),
        "sender": _text(random, charset, 11),
        "dtmf": "12#*",
        "cmt": _text(random, charset, 30) + random.choice(("", "\novertime: 01:30")),
        "imsi": "255011234567890",
        "net": _text(random, charset, 10),
        "calltime": str(random.randrange(99)),
    }
    return fields | {name: text for name, text in others.items() if random.random() < 0.4}


def _message(random: Random, charset: str) -> dict[str, str]:
    fields = {
        "id": str(random.randrange(1, 10**9)),
        "phone": _phone(random) if random.random() < 0.9 else _nick(random, charset),
        "mes": _text(random, charset, random.choice((0, 2, 10, 70))),
        "to": random.choice((_phone(random), _phone(random), "", "SHOP", "@shop")),
        "time": str(random.randrange(1_600_000_000, 1_900_000_000)),
    }
    others = {"sms_id": "17", "smsc": "380501230000", "sent": "1700000000"}
    return fields | {name: text for name, text in others.items() if random.random() < 0.4}


def _confirmation(random: Random, charset: str) -> dict[str, str]:
    return {"waitcall": "1", "phone": _phone(random), "ts": str(random.randrange(1_600_000_000, 1_900_000_000))}


_FIELDS: Final = {"status": _status, "message": _message, "confirmation": _confirmation}


def _phone(random: Random) -> str:
    return random.choice(("", "", "", "+")) + f"380{random.randrange(10**9):09}"


def _nick(random: Random, charset: str) -> str:
    name = "Еж" if charset == "koi8-r" else "Їжак"
    return random.choice((f"{_plain(random, '._', 10)}@example.com", f"@{_plain(random, '_', 10)}", name))


def _plain(random: Random, more: str, most: int) -> str:
    return "".join(random.choices(_PLAIN + more, k=random.randint(1, most)))


def _text(random: Random, charset: str, most: int) -> str:
    return "".join(random.choices(_LETTERS[charset], k=random.randint(0, most)))


# Bodies -----------------------------------------------------------------------------------------------------------


def body_of(fields: dict[str, str], form: str, charset: str, random: Random) -> bytes:
    """Write *fields* down; what the format leaves open is left to chance."""
    return _BODIES[form](list(fields.items()), charset, random)


def _form(pairs: list[tuple[str, str]], charset: str, random: Random) -> bytes:
    return "&".join(f"{quote(name, charset)}={quote(text, charset)}" for name, text in pairs).encode()


def quote(text: str, charset: str) -> str:
    return quote_plus(text.encode(charset, "replace"))


def _parts(pairs: list[tuple[str, str]], charset: str, random: Random) -> bytes:
    head = '--{}\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    parts = [head.format(BOUNDARY, name, text) for name, text in pairs]
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode(charset, "replace")


def _xml(pairs: list[tuple[str, str]], charset: str, random: Random) -> bytes:
    root = random.choice(("callback", "result", "root", "message"))
    tags = "".join(
        f"<{name}><![CDATA[{text}]]></{name}>"
        if random.random() < 0.1 and "]]>" not in text
        else f"<{name}>{escape(text)}</{name}>"
        for name, text in pairs
    )
    head = random.choice(("", f'<?xml version="1.0" encoding="{charset}"?>\n'))
    return f"{head}<{root}>{tags}</{root}>".encode(charset, "replace")


def _json(pairs: list[tuple[str, str]], charset: str, random: Random) -> bytes:
    bare = random.random() < 0.2
    record: dict[str, Any] = {
        name: int(text) if bare and len(text) < 30 and text.isdecimal() and str(int(text)) == text else text
        for name, text in pairs
    }
    ascii_only = random.random() < 0.5
    return json.dumps(record, ensure_ascii=ascii_only).encode(charset, "replace")


_BODIES: Final = {"form": _form, "parts": _parts, "xml": _xml, "json": _json}
