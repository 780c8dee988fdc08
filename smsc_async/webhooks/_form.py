"""Bodies of forms: ``application/x-www-form-urlencoded``."""

from __future__ import annotations

import re
from binascii import a2b_qp
from typing import TYPE_CHECKING, Final

from smsc_async.errors import MalformedCallback
from smsc_async.webhooks._fields import MOST_FIELDS, Fields, collected, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pairs_of", "read"]

_ESCAPES: Final = re.compile("(?:%[0-9A-Fa-f]{2})+")


def read(body: bytes, charset: str, known: frozenset[str]) -> Fields:
    """Give the fields of a form."""
    return _usual(body, charset) or decoded(collected(pairs_of(body), known), charset)


def _usual(body: bytes, charset: str) -> Fields | None:
    """Give the fields of a form as the gateway writes it, plain characters and no name twice; None where it is not."""
    if not body.isascii():
        return None
    line = body.decode("ascii")
    parts = line.replace("+", " ").split("&", MOST_FIELDS)
    try:
        found = dict([part.split("=", 1) for part in parts])
    except ValueError:  # a part is no pair
        return None
    if len(found) != len(parts) or len(parts) > MOST_FIELDS:
        return None
    if "%" not in line:
        return Fields(found, found, charset)
    if "%" in "".join(found):
        return None
    plain = True
    for name, value in found.items():
        if "%" in value:
            found[name] = unescaped = _unescaped(value)
            plain = plain and unescaped.isascii()
    return Fields(found, found, charset) if plain else decoded(found, charset)


def _unescaped(text: str) -> str:
    """
    Replace all escapes in *text* by the bytes they stand for, a character for each.

    Quoted-printable is the same with another sign, and C reads it. It also drops signs that begin no escape, so its
    result counts only where it is as much shorter as escapes make it. A line break behind a sign would let it drop all
    that follows.
    """
    if "%" not in text:
        return text
    if text.isascii() and "=" not in text and "\n" not in text and "\r" not in text:
        octets = a2b_qp(text.replace("%", "="))
        if len(octets) == len(text) - 2 * text.count("%"):
            return octets.decode("latin-1")
    return _ESCAPES.sub(_octets, text)


def pairs_of(body: bytes) -> Iterator[tuple[str, str]]:
    """
    Give names and values, a character for each byte.

    Escapes that are none stay as they are, as with PHP and browsers.

    Raises:
        MalformedCallback: There are too many.
    """
    if body.count(b"&") > MOST_FIELDS:
        raise MalformedCallback(f"it has more than {MOST_FIELDS} fields")
    for pair in body.decode("latin-1").replace("+", " ").split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        yield _unescaped(name), _unescaped(value)


def _octets(escapes: re.Match[str]) -> str:
    return bytes.fromhex(escapes.group().replace("%", "")).decode("latin-1")
