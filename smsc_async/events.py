"""
What an observer is told: frozen events, without secrets, phones masked.

*call* is a number that all events of one call share, so that calls side by side can be told apart; an `Attempt` ends a
`Waiting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

__all__ = [
    "Attempt",
    "Event",
    "Failed",
    "LeftUnresolved",
    "LowBalance",
    "OutcomeLost",
    "OutcomeSettled",
    "Refused",
    "Repeating",
    "Replied",
    "Waiting",
]


@attrs.frozen
class Waiting:
    """The guard holds a call."""

    call: int
    endpoint: str
    reason: str
    seconds: float  # at the least
    until: datetime  # aware; the expected moment


@attrs.frozen
class Attempt:
    """A call is about to be sent."""

    call: int
    endpoint: str
    number: int  # from 1
    url: str


@attrs.frozen
class Replied:
    """A whole answer was read."""

    call: int
    endpoint: str
    number: int
    status: int
    seconds: float  # of the exchange, without any waiting
    size: int  # bytes of the body; 0 for a file, which comes later


@attrs.frozen
class Refused:
    """The gateway answered with an error number."""

    call: int
    endpoint: str
    number: int
    code: int
    detail: str


@attrs.frozen
class Failed:
    """An attempt ended without a usable answer."""

    call: int
    endpoint: str
    number: int
    reason: str
    sent: bool  # whether the gateway may have got it


@attrs.frozen
class Repeating:
    """A call will be repeated."""

    call: int
    endpoint: str
    number: int  # of the attempt to come
    seconds: float  # the pause before it
    reason: str


@attrs.frozen
class OutcomeLost:
    """Nobody knows whether a call that pays, allots or sends was carried out; also told when it was cancelled."""

    call: int
    endpoint: str
    reference: str | None  # masked
    reason: str


@attrs.frozen
class OutcomeSettled:
    """It is known now what became of a call whose outcome was lost: it was looked for, or the caller said so."""

    endpoint: str
    reference: str | None  # masked


@attrs.frozen
class LeftUnresolved:
    """
    The journal has a call without a known end, mostly of an earlier process; told when it is first written to.

    ``await smsc.unresolved()`` lists them all; of very many, only the first ones are told.
    """

    endpoint: str
    reference: str | None  # masked
    reason: str
    opened_at: datetime  # aware


@attrs.frozen
class LowBalance:
    """An answer said that little is left on the account."""

    endpoint: str
    balance: Decimal  # in the account's currency
    least: Decimal  # what it is less than: the session's ``low_balance``, or what the call cost


Event: TypeAlias = (
    Waiting
    | Attempt
    | Replied
    | Refused
    | Failed
    | Repeating
    | OutcomeLost
    | OutcomeSettled
    | LeftUnresolved
    | LowBalance
)
