"""Messages as they are sent and priced: the endpoints, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import attrs

from smsc_async import errors
from smsc_async._endpoint import COMMON_REFUSALS, Endpoint, Limit, OnDuplicate, Replay
from smsc_async._wire import Field, Holds, ReplyFormat, Shape
from smsc_async.statuses import MessageStatus
from smsc_async.values import Listing, show_known

__all__ = ["COST", "SEND", "SEND_IN_JSON", "Price", "Priced", "Recipient", "SentMessage", "Taken", "joined"]

_SOURCE: Final = "https://smsc.ua/api/http/send/sms/sms_answer/"
_FAILED: Final = 20  # from this status on a message is not going to be delivered


@attrs.frozen(kw_only=True, repr=False)
class Recipient:
    """One recipient of a message, and what is known of their message."""

    phone: str  # digits; an e-mail address, a nick or a group where the message went to such
    status: MessageStatus | None = None  # None where the gateway was not asked, or did not say
    error: int | None = None  # why it was not taken; 0 is no error
    cost: Decimal | None = None
    mccmnc: str | None = None  # the operator, as mobile networks number them
    id: str | None = None  # of their message, where it is another than the one it was sent with

    @property
    def is_failed(self) -> bool:
        """Whether the gateway said that it will not be delivered."""
        return bool(self.error) or (self.status is not None and (self.status >= _FAILED or self.status == _EXPIRED))

    def __repr__(self) -> str:
        """Show what is known."""
        return show_known(self)


_EXPIRED: Final = MessageStatus.EXPIRED


def _listing(recipients: Iterable[Recipient]) -> Listing[Recipient]:
    return Listing(recipients)


@attrs.frozen(kw_only=True, repr=False)
class SentMessage:
    """A message that the gateway has taken. With its id and a recipient's phone it can be looked up."""

    id: str
    parts: int | None = None  # SMS that are paid, of all recipients; None where it is known from its status alone
    cost: Decimal | None = None  # of all of it, in the account's currency
    balance: Decimal | None = None  # what was left after it
    code: str | None = attrs.field(default=None, repr=False)  # that a `CodeCall` tells the subscriber
    recipients: Listing[Recipient] = attrs.field(factory=Listing, converter=_listing)

    @property
    def failed(self) -> Listing[Recipient]:
        """Those of whom the gateway said that it will not be delivered; it says so where details were asked for."""
        return Listing(each for each in self.recipients if each.is_failed)

    @property
    def not_sent(self) -> Listing[Recipient]:
        """Those to whom nothing was sent, as `Messages.resolve` has found out: send it to them anew."""
        return Listing(each for each in self.recipients if each.status is MessageStatus.NOT_FOUND)

    @property
    def unknown(self) -> Listing[Recipient]:
        """Those of whom the gateway has said nothing."""
        return Listing(each for each in self.recipients if each.status is None and each.error is None)

    def __repr__(self) -> str:
        """Show what is known."""
        return show_known(self)


@attrs.frozen(kw_only=True)
class Price:
    """What a message would cost; nothing was sent."""

    cost: Decimal  # of all recipients, in the account's currency
    parts: int  # SMS, of all recipients


@attrs.frozen(kw_only=True)
class Taken:
    """The gateway's answer to one request to send."""

    id: str
    parts: int
    cost: Decimal | None = None
    balance: Decimal | None = None
    code: str | None = None
    phones: tuple[Recipient, ...] | None = None


@attrs.frozen(kw_only=True)
class Priced:
    """The gateway's answer to one request for a price."""

    cost: Decimal
    parts: int


_REFUSALS: Final = {
    **COMMON_REFUSALS,
    3: errors.InsufficientFunds,
    5: errors.InvalidDate,
    6: errors.MessageForbidden,
    7: errors.InvalidPhone,
    8: errors.Undeliverable,
    10: errors.WrongCaptcha,
}
_FIELDS: Final = (
    Field("id", Holds.ID),
    Field("cnt", Holds.INTEGER, attribute="parts"),
    Field("cost", Holds.MONEY, optional=True),
    Field("balance", Holds.MONEY, optional=True),
    Field("code", Holds.ID, optional=True),
)
# Written by the gateway's rules of other pages where this one is silent ("OK, ID - 1, COST - 2" is how jobs answer).
_TEXT: Final = (
    "OK - {cnt} SMS, ID - {id}[, COST - {cost}][, BALANCE - {balance}]",
    "OK - {cnt} SMS, ID - {id}, cost = {cost}[, balance = {balance}]",
)
_CSV: Final = ("{id},{cnt}[,{cost}[,{balance}]]",)

SEND: Final[Endpoint[Taken]] = Endpoint(
    name="messages.send",
    path="send.php",
    fixed={"cost": "3"},  # the answer has what it cost and what is left
    limits=(Limit(1),),
    replay=Replay.IF_NOT_DONE,
    on_duplicate=OnDuplicate.NEVER,
    refusals=_REFUSALS,
    reply=Taken,
    shape=Shape.record("result", *_FIELDS, text=_TEXT, csv=_CSV),
    not_compared=frozenset({"id", "op", "err", "imgcode", "userip"}),
    may_block=True,
    source=_SOURCE,
)

#: The same where the answer has details of each recipient, or a code, which the pages show in JSON alone.
SEND_IN_JSON: Final[Endpoint[Taken]] = attrs.evolve(
    SEND,
    shape=Shape.record("result", *_FIELDS, Field("phones", Holds.RECORDS, optional=True), text=_TEXT, csv=_CSV),
    reply_format=ReplyFormat.JSON,
)

COST: Final[Endpoint[Priced]] = Endpoint(
    name="messages.cost",
    path="send.php",
    fixed={"cost": "1"},  # nothing is sent
    limits=(Limit(5),),
    replay=Replay.READ,
    refusals=_REFUSALS,
    reply=Priced,
    shape=Shape.record(
        "result",
        Field("cost", Holds.MONEY),
        Field("cnt", Holds.INTEGER, attribute="parts"),
        text=("{cost} ({cnt} SMS)",),
    ),
    may_block=True,
    ends_row=False,  # it is no message, and nobody says whether the gateway counts it as one
    source=_SOURCE,
)


def joined(sent: Iterable[SentMessage]) -> SentMessage:
    """Give the requests of one message as one: sums, and the balance after the last."""
    several = list(sent)
    known = [each.parts for each in several if each.parts is not None]
    costs = [each.cost for each in several if each.cost is not None]
    return SentMessage(
        id=several[0].id,
        parts=sum(known) if len(known) == len(several) else None,
        cost=sum(costs, Decimal(0)) if len(costs) == len(several) else None,
        balance=next((each.balance for each in reversed(several) if each.balance is not None), None),
        code=several[0].code,
        recipients=[
            recipient if each.id == several[0].id else attrs.evolve(recipient, id=each.id)
            for each in several
            for recipient in each.recipients
        ],
    )
