"""
How one field becomes what its class says: singly, and of many records at once.

A single reader takes the plain value and the type that is wanted, as cattrs hands them over, and raises `ValueError`
with the end of a sentence that begins with the field's name. A reader of many takes values of one type only, and gives
None where not all of them are usual; then the single ones decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias

from smsc_async._wire import Holds
from smsc_async.values import LocalTime, OpenIntEnum

__all__ = ["BY_CLASS", "BY_HOLDS", "at_once_by"]

Single: TypeAlias = Callable[[Any, Any], Any]
AtOnce: TypeAlias = Callable[[list[Any], type], Iterable[Any] | None]

_INTEGERS: Final = range(-(2**63), 2**63)  # beyond them JSON readers differ
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_MONEY: Final = r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?"
_PHONE: Final = r"[0-9]{3,20}"  # the gateway may name short numbers; what it names is not ours to doubt


# Singly -----------------------------------------------------------------------------------------------------------

_ONE_AMOUNT: Final = re.compile(_MONEY)
_ONE_PHONE: Final = re.compile(rf"\+?({_PHONE})")


def integer(value: object, _: object = None) -> int:
    """Read a whole number, quoted or not; True is none."""
    if type(value) is str and _INTEGER.fullmatch(value):
        return int(value)
    if type(value) is int and value in _INTEGERS:
        return value
    raise ValueError("is not a whole number")


def amount(value: object, _: object = None) -> Decimal:
    """Read money, quoted or not; a comma or an exponent is none."""
    text = repr(value) if type(value) is int or type(value) is float else value
    if type(text) is str and _ONE_AMOUNT.fullmatch(text):
        return Decimal(text)
    raise ValueError("is not an amount: digits, with a point before the fraction")


def text(value: object, _: object = None) -> str:
    """Read text, which may have come as a bare number."""
    if type(value) is str:
        return value
    if type(value) is int and value in _INTEGERS:
        return str(value)
    raise ValueError("is not text")


def free_text(value: object, _: object = None) -> str:
    """Read text that may be null."""
    return "" if value is None else text(value)


def phone(value: object, _: object = None) -> str:
    """Read a phone, bare or not, and drop a leading plus."""
    found = _ONE_PHONE.fullmatch(text(value))
    if found is None:
        raise ValueError("is not a phone")
    return found[1]


def phones(value: object, _: object = None) -> tuple[str, ...]:
    """Read several phones: a list, one alone, or a text with commas."""
    if type(value) is str:
        value = value.split(",") if value else []
    elif type(value) is int:
        value = [value]
    if not isinstance(value, list | tuple):
        raise ValueError("is not a list of phones")  # noqa: TRY004 - data of the gateway, not an argument
    return tuple(phone(item.strip() if type(item) is str else item) for item in value)


def moment(value: object, _: object = None) -> datetime:
    """Read a Unix time in seconds."""
    try:
        return datetime.fromtimestamp(integer(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("is not a Unix time in seconds") from None


def local_time(value: object, _: object = None) -> LocalTime:
    """Keep a date as the gateway writes it."""
    return LocalTime(text(value))


def open_enum(value: object, cls: type[OpenIntEnum]) -> OpenIntEnum:
    """Read a number that has a name, or will have one."""
    if type(value) is str:
        member = _members(cls).get(value)
        if member is not None:
            return member
    return cls(integer(value))


@cache
def _members(cls: type[OpenIntEnum]) -> Mapping[str, OpenIntEnum]:
    """Give the numbers that have names, as they are written."""
    return {str(member.value): member for member in cls}


BY_CLASS: Final[Mapping[Any, Single]] = {
    int: integer,
    str: text,
    Decimal: amount,
    datetime: moment,
    LocalTime: local_time,
    OpenIntEnum: open_enum,
}
BY_HOLDS: Final[Mapping[Holds, Single]] = {  # where the class does not say it all
    Holds.PHONE: phone,
    Holds.PHONES: phones,
    Holds.TEXT: free_text,
}


# At once ----------------------------------------------------------------------------------------------------------


def at_once_by(wanted: Any) -> AtOnce | None:
    """Give the reader of many that agrees with a single one, or with a class; None where there is none."""
    if isinstance(wanted, type) and issubclass(wanted, OpenIntEnum):
        return _named(wanted)
    return _AT_ONCE.get(wanted)


def _texts(values: list[str], of: type) -> Iterable[str] | None:
    return values if of is str else None


def _local_times(values: list[str], of: type) -> Iterable[LocalTime] | None:
    return map(LocalTime, values) if of is str else None


def _phones(values: list[str], of: type) -> Iterable[str] | None:
    return values if of is str and _all_match(_PHONE_LINES, values) else None


def _amounts(values: list[str], of: type) -> Iterable[Decimal] | None:
    return map(Decimal, values) if of is str and _all_match(_AMOUNT_LINES, values) else None


def _named(cls: type[OpenIntEnum]) -> AtOnce:
    members: dict[Any, OpenIntEnum] = {**{member.value: member for member in cls}, **_members(cls)}

    def read(values: list[Any], of: type) -> Iterable[OpenIntEnum] | None:
        return map(members.__getitem__, values) if of in {int, str} and members.keys() >= set(values) else None

    return read


def _all_match(lines: re.Pattern[str], values: list[str]) -> bool:
    """Match all values in one go, a line each; one that holds a line break makes more lines than there are values."""
    joined = "\n".join(values)
    return joined.count("\n") == len(values) - 1 and lines.fullmatch(joined) is not None


_PHONE_LINES: Final = re.compile(rf"{_PHONE}(?:\n{_PHONE})*+")
_AMOUNT_LINES: Final = re.compile(rf"{_MONEY}(?:\n{_MONEY})*+")
_AT_ONCE: Final[Mapping[Any, AtOnce]] = {
    str: _texts,
    free_text: _texts,
    phone: _phones,
    Decimal: _amounts,
    LocalTime: _local_times,
}
