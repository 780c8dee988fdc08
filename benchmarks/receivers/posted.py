"""What the gateway would post: statuses and Cyrillic messages, each another one, signed with md5."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

__all__ = ["CHARSET", "KINDS", "SECRET", "SIZE", "Fields", "body", "forged", "long_status", "message", "status"]

SECRET: Final = "benchmark-secret-0123456789"
CHARSET: Final = "windows-1251"  # which the gateway writes where an address asks for no other
SIZE: Final = 600  # bytes of a form with a message

Fields = dict[str, str]

_SIGNED: Final = {"status": ("id", "phone", "status"), "message": ("phone", "mes", "to")}
_LETTERS: Final = "оаиінтвреслкудмпягзбйчьїжхшюцєщфґ"  # the frequent ones first
_ERRORS: Final = (1, 6, 11, 13, 200, 237, 249, 255)


def status(chance: random.Random, number: int) -> Fields:
    """Give a status with all fields that it usually has; half of them tell of a failure."""
    delivered = chance.random() < 0.5
    fields = {
        "id": str(number),
        "phone": _phone(chance),
        "status": "1" if delivered else chance.choice(("3", "20", "22")),
        "time": f"{chance.randrange(1, 29):02}.02.26 10:{chance.randrange(60):02}:{chance.randrange(60):02}",
        "ts": str(1_770_000_000 + chance.randrange(2_000_000)),
        **({} if delivered else {"err": str(chance.choice(_ERRORS))}),  # the gateway leaves a zero out
        "cnt": str(chance.randrange(1, 6)),
        "type": "0",
        "cost": f"{chance.randrange(1, 500) / 100:.2f}",
        "flag": str(chance.choice((0, 32, 256, 1280))),
        "sender": "SHOP.example",
        "cmt": f"order {chance.randrange(10**6)}",
    }
    return _signed(fields, "status")


def message(chance: random.Random, number: int) -> Fields:
    """Give a message of a subscriber, so long that its form has some 600 bytes."""
    fields = {
        "id": str(number),
        "sms_id": str(chance.randrange(10**8)),
        "phone": _phone(chance),
        "mes": "",
        "to": _phone(chance),
        "smsc": "380501230000",
        "sent": str(1_770_000_000 + chance.randrange(2_000_000)),
        "time": str(1_770_000_000 + chance.randrange(2_000_000)),
    }
    fields["mes"] = _text(chance, SIZE - len(body(_signed(fields, "message"))))
    return _signed(fields, "message")


def long_status(chance: random.Random, number: int) -> Fields:
    """Give a status with a Cyrillic comment that makes it as long as a message."""
    fields = {**status(chance, number), "cmt": ""}  # which the digest does not cover
    fields["cmt"] = _text(chance, SIZE - len(body(fields)))
    return fields


KINDS: Final[dict[str, Callable[[random.Random, int], Fields]]] = {
    "status": status,
    "message": message,
    "long_status": long_status,
}


def forged(fields: Fields) -> Fields:
    """Give the same fields about another phone, with the digest of the first."""
    return {**fields, "phone": "380440000000"}


def body(fields: Fields, form: str = "form") -> bytes:
    """Write *fields* down as "form", "xml" or "json"."""
    if form == "json":
        return json.dumps(fields, ensure_ascii=False).encode(CHARSET)
    if form == "xml":
        tags = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        return f'<?xml version="1.0" encoding="{CHARSET}"?>\n<callback>{tags}</callback>'.encode(CHARSET)
    return "&".join(f"{name}={quote_plus(text.encode(CHARSET))}" for name, text in fields.items()).encode("ascii")


def _signed(fields: Fields, kind: str) -> Fields:
    text = ":".join([*(fields[name] for name in _SIGNED[kind]), SECRET])
    return {**fields, "md5": hashlib.md5(text.encode(CHARSET)).hexdigest()}


def _phone(chance: random.Random) -> str:
    return f"38067{chance.randrange(10**7):07}"


def _text(chance: random.Random, size: int) -> str:
    """Give words that have *size* bytes when they are escaped, or up to two less."""
    words: list[str] = []
    while size > 2:
        length = min(chance.randint(1, 11), size // 3)
        words.append("".join(chance.choices(_LETTERS, range(len(_LETTERS), 0, -1), k=length)))
        size -= 3 * length + 1
    return " ".join(words)
