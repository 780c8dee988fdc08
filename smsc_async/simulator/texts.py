"""Texts as SMS count them (3GPP TS 23.038 and 23.040), and what the gateway does to them before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

#: The default alphabet of GSM, by position (TS 23.038, 6.2.1); position 27 is the escape to the extension table.
ALPHABET: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPE: Final = 27

#: The extension table (TS 23.038, 6.2.1.1): what takes two places, the escape and the character.
EXTENSION: Final = "\f^{}\\[~]|€"

ONE_PLACE: Final = frozenset(ALPHABET) - {ALPHABET[ESCAPE]}
TWO_PLACES: Final = frozenset(EXTENSION)
GSM: Final = ONE_PLACE | TWO_PLACES

#: Places in a single message, and in each part of a longer one, whose header takes 6 of the 140 octets.
GSM_PLACES: Final = (160, 153)
UCS2_PLACES: Final = (70, 67)
OCTETS: Final = (140, 134)

LINK: Final = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]")

#: Cyrillic in Latin letters, "translit".
SOUNDS: Final = dict(
    zip("абвгдеёзийклмнопрстуфхцъыьэіїєґ", "abvgdeezijklmnoprstufhc'y'eiieg", strict=True),
    ж="zh",
    ч="ch",
    ш="sh",
    щ="sch",
    ю="yu",
    я="ya",
)

#: Cyrillic in what looks like it, "mpaHc/Ium".
LOOKS: Final = dict(
    zip("абвгдеёзийкмнопрстухчьэіїєґ", "a6Brgee3uuKMHonpcmyx4b3iier", strict=True),
    ж="}|{",
    л="/I",
    ф="qp",
    ц="u,",
    ш="w",
    щ="w,",
    ъ="b",
    ы="bI",
    ю="lo",
    я="9l",
)


def parts(text: str, *, split_pairs: bool = False) -> int:
    """Count the SMS that *text* takes; an empty one takes one."""
    if GSM.issuperset(text):
        return _parts(map(_gsm_places, text), GSM_PLACES, split_pairs=split_pairs)
    return _parts(map(_ucs2_places, text), UCS2_PLACES, split_pairs=split_pairs)


def octet_parts(octets: int) -> int:
    """Count the SMS that so many octets take."""
    return 1 if octets <= OCTETS[0] else -(-octets // OCTETS[1])


def cut(text: str, most: int, *, split_pairs: bool = False) -> str:
    """Give as much of the beginning of *text* as fits into *most* SMS."""
    fits, too_long = 0, len(text) + 1
    while too_long - fits > 1:  # a longer beginning never takes fewer
        middle = (fits + too_long) // 2
        if parts(text[:middle], split_pairs=split_pairs) <= most:
            fits = middle
        else:
            too_long = middle
    return text[:fits]


def transliterate(text: str, style: str) -> str:
    """Write Cyrillic in Latin letters: style 1 by sound, 2 by looks."""
    table = LOOKS if style == "2" else SOUNDS
    return "".join(_letters(text, table))


def shorten(text: str, short: Callable[[], str]) -> tuple[str, bool]:
    """Put a short link for every link in *text*; tell whether there was one."""
    shortened, count = LINK.subn(lambda _: short(), text)
    return shortened, count > 0


def _letters(text: str, table: dict[str, str]) -> Iterator[str]:
    for letter in text:
        written = table.get(letter.lower(), letter)
        yield written.capitalize() if letter.isupper() and table is SOUNDS else written


def _gsm_places(character: str) -> int:
    return 2 if character in TWO_PLACES else 1


def _ucs2_places(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1


def _parts(places: Iterable[int], room: tuple[int, int], *, split_pairs: bool) -> int:
    taken = list(places)
    total = sum(taken)
    if total <= room[0]:
        return 1
    if split_pairs or 2 not in taken:
        return -(-total // room[1])
    count, used = 1, 0
    for size in taken:  # "shall not be split" (TS 23.040, 9.2.3.24.1)
        if used + size > room[1]:
            count, used = count + 1, 0
        used += size
    return count
