"""Arguments, checked before anything is sent. The messages say what to do and show no value: it may be a secret."""

from __future__ import annotations

import re
from typing import Final

from smsc_async import errors

__all__ = ["check_text", "flag", "phone", "seconds", "whole_number"]

# C0 and C1 controls, DEL, and halves of surrogate pairs: none of them can be part of a parameter.
_UNSENDABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NAMES: Final = {"\r": "a carriage return", "\n": "a line break", "\0": "a NUL", "\t": "a tab"}
_FIRST_SURROGATE: Final = "\ud800"

_DIGITS: Final = re.compile(r"[0-9]+")
# As people, tables and word processors write phones: spaces, parentheses, hyphens and dashes of several widths.
_PUNCTUATION: Final = str.maketrans("", "", " \u00a0\u202f()-\u2010\u2011\u2012\u2013")
_PHONE_LENGTHS: Final = range(7, 16)  # E.164: at most 15 digits, country code included; 7 is ours, to catch cut ones
_TOO_LARGE: Final = 2**63


def check_text(name: str, value: object) -> str:
    """
    Give *value* if it can be sent as the parameter *name*.

    Raises:
        InvalidArgumentType: It is not a string.
        InvalidArgument: It holds a control character (line breaks too) or half of a surrogate pair.
    """
    if not isinstance(value, str):
        raise errors.InvalidArgumentType(name, f"must be a str, not {_kind(value)}")
    if found := _UNSENDABLE.search(value):
        character = found.group()
        if character >= _FIRST_SURROGATE:
            what = "half of a surrogate pair, so it is no Unicode text; decode it properly first"
        else:
            what = f"{_NAMES.get(character, 'a control character')} (U+{ord(character):04X}); take it out"
        raise errors.InvalidArgument(name, f"holds {what}")
    return str.__str__(value)  # plain, whatever a subclass would say of itself


def phone(value: object, name: str = "phone") -> str:
    """
    Give a phone as the gateway writes it: digits alone, country code first.

    Spaces, dashes, parentheses and a leading ``+`` are dropped, so that every spelling of a phone is one request.

    Raises:
        InvalidArgumentType: It is not a string.
        InvalidArgument: It is no phone in international form.
    """
    if type(value) is str and _DIGITS.fullmatch(value):
        digits = value
    else:
        if not isinstance(value, str):
            hint = f'; write "{value}"' if type(value) is int and value > 0 else ""
            raise errors.InvalidArgumentType(name, f"must be a str of digits, not {_kind(value)}{hint}")
        digits = value.translate(_PUNCTUATION).removeprefix("+")
        if not digits:
            raise errors.InvalidArgument(name, "is empty; give the digits of a phone, country code first")
        if not _DIGITS.fullmatch(digits):
            raise errors.InvalidArgument(name, 'must be digits, country code first, such as "380671234567"')
    if len(digits) not in _PHONE_LENGTHS:
        shortest, longest = _PHONE_LENGTHS[0], _PHONE_LENGTHS[-1]
        problem = f"has {len(digits)} digits; with its country code a phone has {shortest} to {longest}"
        raise errors.InvalidArgument(name, problem)
    if digits[0] == "0":  # the gateway may or may not complete it, so it could be the same request as another spelling
        raise errors.InvalidArgument(name, 'begins with 0; write the country code first, such as "380671234567"')
    return digits


def flag(name: str, value: object) -> bool:
    """Give *value* if it is True or False: 0, 1 and "no" are refused, as they may mean the opposite here."""
    if type(value) is not bool:
        raise errors.InvalidArgumentType(name, f"must be True or False, not {_kind(value)}")
    return value


def whole_number(name: str, value: object, *, least: int) -> str:
    """Give *value* as a parameter if it is an int of *least* or more."""
    if type(value) is not int:
        raise errors.InvalidArgumentType(name, f"must be an int, not {_kind(value)}")
    if not least <= value < _TOO_LARGE:
        raise errors.InvalidArgument(name, f"must be {least} or more, and less than 2**63")
    return str(value)


def seconds(name: str, value: object) -> float:
    """Give *value* if it is a positive number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.InvalidArgumentType(name, f"must be a number of seconds, not {_kind(value)}")
    if not value > 0:
        raise errors.InvalidArgument(name, "must be more than 0 seconds")
    return float(value)


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
