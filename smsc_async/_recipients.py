"""Whom a message goes to: phones, groups, addresses and nicks, in values and as the gateway wants them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from smsc_async._checks import checked_email
from smsc_async._wire import phone as phone_digits
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.kinds import Recipients

__all__ = ["addressed", "is_group", "one_of", "several_of", "spellings", "written"]

_GROUP: Final = re.compile(r"[Gg]([0-9]{1,9})")
_NICK: Final = re.compile(r"@[A-Za-z0-9_]{3,64}|#[0-9]{1,20}")


def several_of(to: object, whom: Recipients) -> tuple[str, ...]:
    """
    Give the recipients of a message that goes to *whom*, each once.

    Raises:
        InvalidArgument: One of them is none, or there is none.
    """
    return _some(one_of(each, whom) for each in _given(to))


def addressed(to: object) -> tuple[str, ...]:
    """
    Give recipients of a message of whatever kind, each once.

    Raises:
        InvalidArgument: One of them is none, or there is none.
    """
    return _some(one_of(each, _likely(each)) for each in _given(to))


def one_of(value: object, whom: Recipients) -> str:
    """Give one recipient as it stands in values: a phone is digits, a group a G and a number."""
    if whom is Recipients.EMAILS:
        return checked_email("to", value)
    if isinstance(value, str):
        if found := _GROUP.fullmatch(value):
            return f"G{int(found[1])}"
        if whom is Recipients.NICKS and _NICK.fullmatch(value):
            return value
    return phone_digits(value, "to")


def is_group(recipient: str) -> bool:
    """Say whether it is a group of the account's, whose members nobody here knows."""
    return _GROUP.fullmatch(recipient) is not None


def written(recipient: str) -> str:
    """Give a recipient as the gateway wants it."""
    # With a plus the gateway takes the number as it is; without, it may take it for one of another country.
    return f"+{recipient}" if recipient.isdigit() else recipient


def spellings(recipient: str) -> tuple[str, ...]:
    """Give the ways in which the gateway may know a recipient when it is asked for messages; the likeliest first."""
    # One that begins so it could take for a number without its country's code, and "correct" it.
    local = recipient.isdigit() and recipient.startswith(("0", "8"))
    return (written(recipient), recipient) if local else (recipient,)


def _likely(value: object) -> Recipients:
    return Recipients.EMAILS if isinstance(value, str) and "@" in value[1:] else Recipients.NICKS


def _some(recipients: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for recipient in recipients:
        nick = recipient.startswith("@")  # in capitals it is the same one; of addresses nobody knows
        found.setdefault(recipient.casefold() if nick else recipient, recipient)
    if not found:
        raise InvalidArgument("to", "is empty; give at least one recipient")
    return tuple(found.values())


def _given(to: object) -> list[object]:
    if isinstance(to, str):
        return [to]
    if isinstance(to, Iterable) and not isinstance(to, bytes):
        return list(to)
    what = "None" if to is None else type(to).__name__
    raise InvalidArgumentType("to", f"must be a phone or several, not {what}")
