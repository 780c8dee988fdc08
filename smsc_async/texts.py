"""Texts of messages: how many parts they take, and what in them the gateway would take for something else."""

from __future__ import annotations

import enum
import re
from contextlib import suppress
from typing import Final

import attrs
import gsm0338

from smsc_async._wire import check_text
from smsc_async.errors import InvalidArgument, InvalidArgumentType

__all__ = ["LONGEST", "Encoding", "Parts", "checked_comment", "checked_text", "parts", "with_comment"]

LONGEST: Final = 1_000  # characters: "mes", https://smsc.ua/api/http/send/sms/
_COMMENT: Final = "~~~"  # the line between a text and its comment
_PREFIX: Final = re.compile(
    r"__(?:CALL|VIBER|SOC|PING|HLR)__", re.IGNORECASE
)  # they change what is sent, and its price
_SEPARATOR: Final = re.compile(r"^[ \t]*~~~[ \t]*$", re.MULTILINE)


class Encoding(enum.Enum):
    """How a text is written in an SMS (3GPP TS 23.038)."""

    GSM_7BIT = "GSM 7-bit"
    UCS2 = "UCS-2"


@attrs.frozen
class Parts:
    """How many SMS a text takes; each is paid."""

    count: int
    encoding: Encoding
    #: What the text takes, in 7-bit characters or in 16-bit ones: ``€`` and ``{`` take two of the former, an emoji two
    #: of the latter.
    units: int
    left: int  # units that are free in the last part


_ESCAPE: Final = 0x1B  # before a character of the extension
# Units of a text that is one part, and of each part of a longer one, whose header takes 6 octets (3GPP TS 23.040).
_ROOM: Final = {Encoding.GSM_7BIT: (160, 153), Encoding.UCS2: (70, 67)}


def _sizes() -> dict[str, int]:
    """Give every character of the 7-bit alphabet and of its extension, and how many places it takes."""
    codec, sizes = gsm0338.Codec(), {}
    for code in range(0x80):
        for octets in (bytes([code]), bytes([_ESCAPE, code])):
            with suppress(UnicodeDecodeError):
                sizes[codec.decode(octets)[0]] = len(octets)
    return {character: size for character, size in sizes.items() if len(character) == 1}


_LAST_OF_16_BITS: Final = "\uffff"
_SIZES: Final = _sizes()


def parts(text: str) -> Parts:
    """
    Count the SMS that *text* takes, as the gateway sends it without transliteration.

    Raises:
        InvalidArgumentType: It is not a string.

    Source: https://smsc.ua/api/http/send/sms/ (160 characters of Latin letters, 70 of others)
    """
    if not isinstance(text, str):
        raise InvalidArgumentType("text", f"must be a str, not {type(text).__name__}")
    text = text.replace("\r\n", "\n")
    try:
        encoding, sizes = Encoding.GSM_7BIT, [_SIZES[character] for character in text]
    except KeyError:
        encoding, sizes = Encoding.UCS2, [2 if character > _LAST_OF_16_BITS else 1 for character in text]
    one, each = _ROOM[encoding]
    units = sum(sizes)
    if units <= one:
        return Parts(1, encoding, units, one - units)
    count, left = 1, each
    for size in sizes:
        if size > left:  # no character is cut in two
            count, left = count + 1, each
        left -= size
    return Parts(count, encoding, units, left)


def checked_text(text: object, name: str = "text", *, longest: int | None = LONGEST) -> str:
    """
    Give the text of a message as it is sent; a carriage return before a line break is dropped.

    Raises:
        InvalidArgumentType: It is not a string.
        InvalidArgument: It is empty, too long, holds what cannot be sent, or what means something to the gateway.
    """
    if not isinstance(text, str):
        raise InvalidArgumentType(name, f"must be a str, not {'None' if text is None else type(text).__name__}")
    plain = "\n".join(check_text(name, line) for line in text.replace("\r\n", "\n").split("\n"))
    if not plain.strip():
        raise InvalidArgument(name, "is empty; give the words to send")
    if longest is not None and len(plain) > longest:
        raise InvalidArgument(name, f"has {len(plain)} characters; the gateway takes {longest}")
    if found := _PREFIX.match(plain.lstrip()):
        what = f"begins with {found.group()}, by which the gateway makes another kind of message of it; give a kind"
        raise InvalidArgument(name, what)
    if _SEPARATOR.search(plain):
        raise InvalidArgument(name, "has a line of ~~~, and what follows it is a comment to the gateway; give comment=")
    return plain


def checked_comment(comment: object) -> str:
    """
    Give a comment as it is sent.

    Raises:
        InvalidArgumentType: It is not a string.
        InvalidArgument: It is empty, or holds a line break or a comment of its own.
    """
    plain = check_text("comment", comment).strip()
    if not plain:
        raise InvalidArgument("comment", "is empty; leave it out")
    if _SEPARATOR.search(plain):
        raise InvalidArgument("comment", "is the mark before a comment; give words")
    return plain


def with_comment(text: str, comment: str | None) -> str:
    """Give what is sent in place of a text that has a comment."""
    return text if comment is None else f"{text}\n{_COMMENT}\n{comment}"
