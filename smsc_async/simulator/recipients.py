"""Whom a send names: phones in any spelling, groups, e-mail addresses, nicks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from smsc_async.simulator.kinds import Reached
from smsc_async.simulator.request import digits

SEPARATORS: Final = re.compile(r"[,;]")
GROUP: Final = re.compile(r"[Gg](\d+)")
E_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NICK: Final = re.compile(r"@\w+|#\w+")

#: What people write between the digits of a phone.
SPELLING: Final = re.compile(r"\+?[\d\s().-]+", re.ASCII)

#: ITU-T E.164: at most 15 digits, the first is not 0; shorter than 7 is no number anywhere.
PHONE: Final = re.compile(r"[1-9]\d{6,14}", re.ASCII)

#: Local spellings and what is put in front of what is left of them, by which "may be auto-corrected" is read:
#: 0671234567 and 80671234567 of Ukraine, 89261234567 of Russia.
LOCAL: Final = (
    (re.compile(r"0(\d{9})"), "380"),
    (re.compile(r"80(\d{9})"), "380"),
    (re.compile(r"8(9\d{9})"), "7"),
)


def named(text: str, groups: Mapping[int, Sequence[str]]) -> Iterator[str]:
    """Give what *text* names, one by one, with everybody in a group for its number; an unknown group for itself."""
    for piece in SEPARATORS.split(text):
        name = piece.strip()
        group = GROUP.fullmatch(name)
        if group is not None and int(group[1]) in groups:
            yield from groups[int(group[1])]
        elif name:
            yield name


def address(name: str, reached: Reached, *, correct: bool) -> str | None:
    """Give the address by which messages to *name* are known; None where it cannot be written to."""
    if reached == "e-mail":
        return name if E_MAIL.fullmatch(name) else None
    if reached == "nick" and NICK.fullmatch(name):
        return name
    if SPELLING.fullmatch(name) is None:
        return None
    phone = number(name, correct=correct)
    return phone if PHONE.fullmatch(phone) else None


def number(text: str, *, correct: bool) -> str:
    """Give the digits of a phone; a local spelling without a plus becomes international where that is *correct*."""
    found = digits(text)
    if correct and not text.lstrip().startswith("+"):
        for pattern, prefix in LOCAL:
            local = pattern.fullmatch(found)
            if local is not None:
                return prefix + local[1]
    return found
