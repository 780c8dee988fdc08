"""What a handler is told of: a message's status, a message from a subscriber, a call; with the vendor's fields."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Final, Literal, Protocol

import attrs

from smsc_async.simulator.moments import Moments

Kind = Literal["status", "message", "call"]
Value = str | int | Decimal | None  # None: the event has no such field
Fields = tuple[tuple[str, Value], ...]

#: Of made-up messages; the SMS centre of an operator.
SMS_CENTRE: Final = "380440000900"

#: Where the type stops and the other characteristics of `flag` begin ("bits 0-3").
TYPE_BITS: Final = 0b1111


class Event(Protocol):
    """Something that a handler is told of."""

    kind: ClassVar[Kind]
    signed: ClassVar[tuple[str, ...]]  # the fields whose values, and then the secret, are joined by colons and hashed

    def fields(self, moments: Moments, now: float) -> Fields:
        """Give the fields in the order of the vendor's table, of an event that happens *now*."""
        ...


@attrs.frozen(kw_only=True)
class StatusEvent:
    """
    The status of a message has changed.

    Fields not named here are named as in the vendor's table; what is None is not sent.

    Args:
        id: Of the message.
        phone: Of the recipient.
        status: The number of the status; 1 is delivered.
        err: Sent where it is not zero.
        flag: Worked out of *type*, *second_balance* and *template* where it is not given.
        second_balance: Whether the message was paid from the second balance (bit 5).
        template: Of a message by template, its kind (bits 8, and 10 and 9): 0 service, 1 transaction, 2
            authorisation, 3 advertisement.
        overtime: Seconds of a voice message beyond what was paid; a line of its own in the comment.
    """

    kind: ClassVar[Kind] = "status"
    signed: ClassVar[tuple[str, ...]] = ("id", "phone", "status")

    id: int | str
    phone: str
    status: int
    err: int = 0
    syserr: str | int | None = None
    cnt: int = 1
    type: int = 0
    cost: str | Decimal = "0.50"
    flag: int | None = None
    second_balance: bool = False
    template: int | None = None
    sender: str | None = "SMSC"
    dtmf: str | None = None
    cmt: str | None = None
    overtime: int | None = None
    imsi: str | None = None
    msc: str | None = None
    mcc: str | int | None = None
    mnc: str | int | None = None
    cn: str | None = None
    net: str | None = None
    rcn: str | None = None
    rnet: str | None = None
    calltime: int | None = None
    callmenu: str | None = None
    ringtime: int | None = None

    def fields(self, moments: Moments, now: float) -> Fields:
        """Give the fields; the date is in the account's time zone, with two digits for the year."""
        lines = [] if self.cmt is None else [self.cmt]
        if self.overtime is not None:
            lines.append(f"overtime: {self.overtime // 60:02}:{self.overtime % 60:02}")
        return (
            ("id", self.id),
            ("phone", self.phone),
            ("status", self.status),
            ("time", moments.short_wall(now)),
            ("ts", moments.stamp(now)),
            ("err", self.err or None),
            ("syserr", self.syserr),
            ("cnt", self.cnt),
            ("type", self.type),
            ("cost", self.cost),
            ("flag", self._flag() if self.flag is None else self.flag),
            ("sender", self.sender),
            ("dtmf", self.dtmf),
            ("cmt", "\n".join(lines) if lines else None),
            *((name, getattr(self, name)) for name in ("imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet")),
            *((name, getattr(self, name)) for name in ("calltime", "callmenu", "ringtime")),
        )

    def _flag(self) -> int:
        by_template = 0 if self.template is None else 1 << 8 | self.template << 9
        return self.type & TYPE_BITS | self.second_balance << 5 | by_template


@attrs.frozen(kw_only=True)
class MessageEvent:
    """
    A subscriber has written.

    Args:
        id: The gateway's number for the message.
        phone: Of the subscriber.
        mes: The text.
        to: The number that was written to.
        sms_id: The message that this one answers, where it does not come to a number of the client's own.
        smsc: The operator's SMS centre.
        underway: Seconds since the subscriber sent it.
    """

    kind: ClassVar[Kind] = "message"
    signed: ClassVar[tuple[str, ...]] = ("phone", "mes", "to")

    id: int
    phone: str
    mes: str
    to: str
    sms_id: int | str | None = None
    smsc: str = SMS_CENTRE
    underway: float = 0.0

    def fields(self, moments: Moments, now: float) -> Fields:
        """Give the fields; here the time is a stamp in seconds too."""
        return (
            ("id", self.id),
            ("sms_id", self.sms_id),
            ("phone", self.phone),
            ("mes", self.mes),
            ("to", self.to),
            ("smsc", self.smsc),
            ("sent", moments.stamp(now - self.underway)),
            ("time", moments.stamp(now)),
        )


@attrs.frozen(kw_only=True)
class CallEvent:
    """A subscriber has called the number that was allotted to him. It is not said to which number."""

    kind: ClassVar[Kind] = "call"
    signed: ClassVar[tuple[str, ...]] = ("phone", "ts")

    phone: str

    def fields(self, moments: Moments, now: float) -> Fields:
        """Give the fields."""
        return (("waitcall", 1), ("phone", self.phone), ("ts", moments.stamp(now)))
