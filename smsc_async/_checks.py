"""Checks of what a kind of message is made with; each raises an error that names the argument."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from smsc_async._wire import check_text
from smsc_async.errors import InvalidArgument, InvalidArgumentType

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["checked", "checked_email", "instance", "member", "number", "octets", "optional", "words"]

T = TypeVar("T")
_EMAIL: Final = re.compile(r"[^@\s,;:<>\"()\[\]\\]{1,64}@[^@\s,;:<>\"()\[\]\\]{1,255}")


def checked(check: Callable[[str, Any], object]) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Make a validator of a *check* of a name and a value."""

    def validate(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        check(attribute.name, value)

    return validate


def number(least: int, most: int) -> Callable[[str, object], None]:
    """Check for an int from *least* to *most*."""

    def check(name: str, value: object) -> None:
        if type(value) is not int:
            raise InvalidArgumentType(name, f"must be an int, not {type(value).__name__}")
        if not least <= value <= most:
            raise InvalidArgument(name, f"must be {least} to {most}, not {value}")

    return check


def words(name: str, value: object) -> None:
    """Check for a text that is not empty."""
    if not check_text(name, value).strip():
        raise InvalidArgument(name, "is empty")


def octets(name: str, value: object) -> None:
    """Check for bytes."""
    if not isinstance(value, bytes):
        raise InvalidArgumentType(name, f"must be bytes, not {type(value).__name__}")


def member(cls: type[object]) -> Callable[[str, object], object]:
    """Check for an instance of *cls*."""
    return lambda name, value: instance(cls, name, value)


def instance(cls: type[T], name: str, value: object) -> T:
    """Give *value* as an instance of *cls*."""
    if not isinstance(value, cls):
        raise InvalidArgumentType(name, f"must be a {cls.__name__}, not {type(value).__name__}")
    return value


def optional(check: Callable[[str, Any], object]) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Make a validator of a *check* that lets None through."""
    return attrs.validators.optional(checked(check))


def checked_email(name: str, value: object) -> str:
    """Give an e-mail address as far as it cannot be taken for several, or for something else."""
    if not _EMAIL.fullmatch(check_text(name, value)):
        raise InvalidArgument(name, "is no e-mail address")
    return str(value)
