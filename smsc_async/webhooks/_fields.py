"""The fields of one callback as they came: text, and the bytes behind it where the format shows them."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Final

from smsc_async.errors import MalformedCallback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CHARSETS", "MOST_FIELDS", "Fields", "collected", "decoded", "octets_of", "text_of"]

MOST_FIELDS: Final = 100  # the vendor lists 35, and an address has room for a few more
CHARSETS: Final = ("utf-8", "windows-1251", "koi8-r")
# windows-1251 gives one byte no character, for which browsers take U+0098; with it, it takes every byte.
_IN_1251: Final[Any] = bytes(range(256)).decode("cp1251", "replace").replace("\ufffd", "\x98")
_TO_1251: Final = codecs.charmap_build(_IN_1251)


class Fields:
    """
    Names and texts of a callback.

    Args:
        texts: By name.
        octets: The same as they stood in the body, a character for each byte; None where the format has only text.
        charset: What the texts were decoded with; where some were not in the charset asked for, what those are in.
    """

    __slots__ = ("charset", "octets", "texts")

    def __init__(self, texts: dict[str, str], octets: Mapping[str, str] | None, charset: str) -> None:
        self.texts = texts
        self.octets = octets
        self.charset = charset


def collected(pairs: Iterable[tuple[str, str]], known: frozenset[str]) -> dict[str, str]:
    """
    Give names and values; of a parameter of the address that stands there twice the last one counts, as in PHP.

    Raises:
        MalformedCallback: There are too many, or one of the gateway's own stands there twice.
    """
    found: dict[str, str] = {}
    repeated = 0
    for name, value in pairs:
        if name in found:
            repeated += 1
            if name in known:
                raise MalformedCallback("it has a field twice")
        found[name] = value
    if len(found) + repeated > MOST_FIELDS:
        raise MalformedCallback(f"it has more than {MOST_FIELDS} fields")
    return found


def decoded(octets: dict[str, str], charset: str) -> Fields:
    """
    Give the fields of *octets*, each read by itself: what is wrong with one changes nothing in another.

    Args:
        octets: Names and values, a character for each byte.
        charset: The one that the handler's address asks for.
    """
    texts: dict[str, str] = {}
    used = charset
    for name, value in octets.items():
        if not name.isascii():
            name, _ = text_of(name.encode("latin-1"), charset)  # noqa: PLW2901 - the same name, read
        if not value.isascii():
            value, one = text_of(value.encode("latin-1"), charset)  # noqa: PLW2901 - likewise
            if one != charset:
                used = one
        texts[name] = value
    return Fields(texts, octets, used)


def text_of(octets: bytes, charset: str) -> tuple[str, str]:
    """
    Give what *octets* say, and the charset they are in.

    They are in UTF-8, if they can be and *charset* has the characters; else in *charset*; else in windows-1251, which
    the gateway writes where an address asks for none, and which takes every byte. One rule for all of them: what a
    digest covers is bytes, and they must not mean one thing here and another thing there.
    """
    try:
        text = octets.decode("utf-8")
        if charset != "utf-8":
            text.encode(charset)
    except UnicodeError:
        pass
    else:
        return text, "utf-8"
    if charset == "koi8-r":
        return octets.decode(charset), charset
    return codecs.charmap_decode(octets, "strict", _IN_1251)[0], "windows-1251"


def octets_of(text: str, charset: str) -> bytes:
    """
    Give *text* in *charset*.

    Raises:
        UnicodeEncodeError: It has not all the characters.
    """
    return codecs.charmap_encode(text, "strict", _TO_1251)[0] if charset == "windows-1251" else text.encode(charset)
