"""What has become of messages: the endpoints, and the states that they tell."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from smsc_async import errors
from smsc_async._endpoint import COMMON_REFUSALS, Endpoint, Limit, Replay, Scope
from smsc_async._wire import Field, Holds, ReplyFormat, Shape
from smsc_async.services._sent import SEND
from smsc_async.statuses import (
    HLR_NAMES,
    DeliveryError,
    HlrResult,
    MessageFlags,
    MessageStatus,
    MessageType,
    hlr_result,
)
from smsc_async.values import Listing, LocalTime, show_known

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DELETE",
    "LOOK",
    "LOOK_AT_MANY",
    "MANY",
    "NO_MESSAGE",
    "ONE",
    "Detail",
    "MessageState",
    "Row",
    "state_of",
    "state_told",
]

NO_MESSAGE: Final = 3  # the refusal that very old pages have in place of the status -3
_SOURCE: Final = "https://smsc.ua/api/http/status_messages/status_answer/"

#: How much is told: 0 the status, 1 the message too, 2 also country, operator and region.
Detail: TypeAlias = Literal[0, 1, 2]


@attrs.frozen(kw_only=True, repr=False)
class MessageState:
    """How far a message has come, as the gateway says when it is asked."""

    id: str
    phone: str
    status: MessageStatus
    error: DeliveryError | None = None  # why it was not delivered
    time: LocalTime | None = None  # of the last change, by the account's clock
    changed_at: datetime | None = None  # the same moment, aware
    flags: MessageFlags | None = None
    hlr: HlrResult | None = None
    # From detail 1 on.
    sent: LocalTime | None = None  # by the account's clock
    sent_at: datetime | None = None  # aware
    cost: Decimal | None = None
    sender: str | None = None
    status_name: str | None = None  # in the language of the account
    text: str | None = None
    comment: str | None = None
    type: MessageType | None = None
    parts: int | None = None
    # From detail 2 on.
    country: str | None = None
    operator: str | None = None
    original_operator: str | None = None  # where the number was ported
    region: str | None = None
    mccmnc: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether delivery is decided, well or badly."""
        return self.status.is_final

    @property
    def is_delivered(self) -> bool:
        """Whether it has reached the phone."""
        return self.status.is_delivered

    @property
    def is_virtual(self) -> bool:
        """Whether nothing was really sent, because the account is in its test mode."""
        return self.error is DeliveryError.VIRTUAL

    def __repr__(self) -> str:
        """Show what is known."""
        return show_known(self)


@attrs.frozen(kw_only=True)
class Row:
    """A state as it stands in an answer, flat."""

    id: str | None = None
    phone: str | None = None
    status: MessageStatus
    error: DeliveryError | None = None
    time: LocalTime | None = None
    changed_at: datetime | None = None
    flags: int | None = None
    sent: LocalTime | None = None
    sent_at: datetime | None = None
    cost: Decimal | None = None
    sender: str | None = None
    status_name: str | None = None
    text: str | None = None
    comment: str | None = None
    type: MessageType | None = None
    parts: int | None = None
    country: str | None = None
    operator: str | None = None
    original_operator: str | None = None
    region: str | None = None
    mccmnc: str | None = None
    imsi: str | None = None
    msc: str | None = None
    mcc: str | None = None
    mnc: str | None = None
    cn: str | None = None
    net: str | None = None
    rcn: str | None = None
    rnet: str | None = None


_OTHER: Final = frozenset({*HLR_NAMES, "id", "phone", "flags"})
_SAME: Final = tuple(field.name for field in attrs.fields(Row) if field.name not in _OTHER)


def state_of(row: Row, message_id: str, phone: str) -> MessageState:
    """Give the state that *row* tells of the message that was asked for."""
    rest: Mapping[str, Any] = {name: getattr(row, name) for name in _SAME}
    return MessageState(
        id=message_id,
        phone=phone,
        flags=None if row.flags is None else MessageFlags(row.flags),
        hlr=hlr_result({name: getattr(row, name) for name in HLR_NAMES}),
        **rest,
    )


def state_told(state: object, message_id: str, phone: str) -> MessageState:
    """Give a state as it is asked for; one that a callback has told is made one."""
    if isinstance(state, MessageState):
        return state
    told: Any = state
    same = {name: getattr(told, name) for name in _SAME if hasattr(told, name)}
    return MessageState(id=message_id, phone=phone, flags=told.flags, hlr=told.hlr, parts=told.count, **same)


_FIELDS: Final = (
    Field("id", Holds.ID, optional=True),
    Field("phone", Holds.RECIPIENT, optional=True),
    Field("status", Holds.INTEGER),
    Field("err", Holds.CODE, attribute="error", optional=True),
    Field("last_date", Holds.PLAIN, attribute="time", optional=True),
    Field("last_timestamp", Holds.STAMP, attribute="changed_at", optional=True),
    Field("flag", Holds.INTEGER, attribute="flags", optional=True),
    Field("send_date", Holds.PLAIN, attribute="sent", optional=True),
    Field("send_timestamp", Holds.STAMP, attribute="sent_at", optional=True),
    Field("cost", Holds.MONEY, optional=True),
    Field("sender_id", Holds.PLAIN, attribute="sender", optional=True),
    Field("status_name", Holds.PLAIN, optional=True),
    Field("message", Holds.TEXT, attribute="text", optional=True),
    Field("comment", Holds.TEXT, optional=True),
    Field("type", Holds.INTEGER, optional=True),
    Field("sms_cnt", Holds.INTEGER, attribute="parts", optional=True),
    Field("country", Holds.PLAIN, optional=True),
    Field("operator", Holds.PLAIN, optional=True),
    Field("operator_orig", Holds.PLAIN, attribute="original_operator", optional=True),
    Field("region", Holds.PLAIN, optional=True),
    Field("mccmnc", Holds.PLAIN, optional=True),
    Field("imsi", Holds.DIGITS, optional=True),
    Field("msc", Holds.DIGITS, optional=True),
    Field("mcc", Holds.CODE, optional=True),
    Field("mnc", Holds.CODE, optional=True),
    Field("cn", Holds.PLAIN, optional=True),
    Field("net", Holds.PLAIN, optional=True),
    Field("rcn", Holds.PLAIN, optional=True),
    Field("rnet", Holds.PLAIN, optional=True),
)

# The orders of the pages, and of the vendor's own libraries where they are silent: those of 2017 put an HLR request's
# IMSI first, older ones last.
_TEXT: Final = "Status = {status}, check_time = {last_date}[, err = {err}]"
_TEXT_HLR: Final = (
    ", imsi = {imsi}, msc = {msc}, mcc = [{mcc}], mnc = [{mnc}], cn = {cn}, net = {net}, rcn = {rcn}, rnet = {rnet}",
    ", mcc = [{mcc}], mnc = [{mnc}], cn = {cn}, net = {net}, rcn = {rcn}, rnet = {rnet}, imsi = {imsi}, msc = {msc}",
)
_TEXT_1: Final = (
    ", send_date = {send_date}, phone = {phone}, cost = {cost}, sender_id = {sender_id}, status_name = {status_name}"
    ", message = {message}, comment = {comment}, type = {type}"
)
_TEXT_2: Final = ", country = {country}, operator = {operator}, region = {region}"
_CSV: Final = "{status},{last_timestamp},{err}"
_CSV_HLR: Final = (
    ",{imsi},{msc},{mcc},{mnc},{cn},{net},{rcn},{rnet}",
    ",{mcc},{mnc},{cn},{net},{rcn},{rnet},{imsi},{msc}",
    ",,,,,,,,",  # nothing was found out
)
_CSV_1: Final = ",{send_timestamp},{phone},{cost},{sender_id},{status_name},{message},{comment},{type}"
_CSV_2: Final = ",{country},{operator},{region}"
_MISSING: Final = "{status=-3}"  # of a message that is not found


def _lines(detail: Detail, end: tuple[str, str], missing: tuple[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Give the ways in which a state is written in text and in CSV.

    Args:
        detail: How much is told.
        end: What stands at its end.
        missing: What stands behind the status of a message that is not found.
    """
    more = (_TEXT_1 if detail else "") + (_TEXT_2 if detail == 2 else "")  # noqa: PLR2004 - the gateway's number
    values = (_CSV_1 if detail else "") + (_CSV_2 if detail == 2 else "")  # noqa: PLR2004 - likewise
    csv = (_CSV + values, *(_CSV + hlr + values for hlr in _CSV_HLR))
    # Of no other message the dates are left out: the first value of half an answer must not be taken for all of it.
    without = (_MISSING + missing[1], _MISSING + ",," + missing[1])
    text = (_TEXT + more, *(_TEXT + hlr + more for hlr in _TEXT_HLR))
    absent = f"Status = {_MISSING}"
    return (*(line + end[0] for line in text), absent + missing[0]), (*(line + end[1] for line in csv), *without)


def _one(detail: Detail) -> Endpoint[Row]:
    text, csv = _lines(detail, ("", ""), ("", ""))
    return Endpoint(
        name="messages.status",
        path="status.php",
        limits=(Limit(5),),
        replay=Replay.READ,
        reply=Row,
        shape=Shape.record("sms", *_FIELDS, text=text, csv=csv),
        not_compared=frozenset({"all"}),
        reply_format=ReplyFormat.JSON if detail else None,
        source=_SOURCE,
    )


def _many(detail: Detail) -> Endpoint[Listing[Row]]:
    end = (", id = {id}", ",{id}") if detail else (", id = {id}, phone = {phone}", ",{id},{phone}")
    text, csv = _lines(detail, end, (", id = {id}, phone = {phone}", ",{id},{phone}"))
    if not detail:  # the names may stand in front
        plain_text, plain_csv = _lines(detail, ("", ""), ("", ""))
        text += tuple("id = {id}, phone = {phone}, " + line for line in plain_text)
        csv += tuple("{id},{phone}," + line for line in plain_csv)
    return Endpoint(
        name="messages.statuses",
        path="status.php",
        limits=(Limit(1, Scope.ACTION),),  # "or more than one mass request"
        replay=Replay.READ,
        reply=Listing[Row],
        shape=Shape.list_of("list", "", *_FIELDS, text=text, csv=csv),
        not_compared=frozenset({"all"}),
        reply_format=ReplyFormat.JSON if detail else None,
        source=_SOURCE,
    )


#: By detail. Where texts are told, JSON is asked for: the text forms cannot be read for sure once a text has a comma.
ONE: Final[Mapping[Detail, Endpoint[Row]]] = {0: _one(0), 1: _one(1), 2: _one(2)}
MANY: Final[Mapping[Detail, Endpoint[Listing[Row]]]] = {0: _many(0), 1: _many(1), 2: _many(2)}

#: The same, by one who is not to look while this process sends the message.
LOOK: Final[Mapping[Detail, Endpoint[Row]]] = {0: attrs.evolve(ONE[0], subject_of=SEND.name)}
LOOK_AT_MANY: Final[Mapping[Detail, Endpoint[Listing[Row]]]] = {0: attrs.evolve(MANY[0], subject_of=SEND.name)}

DELETE: Final[Endpoint[None]] = Endpoint(
    name="messages.delete",
    path="status.php",
    fixed={"del": "1"},
    limits=(Limit(5),),
    replay=Replay.SET,
    refusals={**COMMON_REFUSALS, NO_MESSAGE: errors.CannotDelete, 5: errors.CannotDelete},
    not_compared=frozenset({"all", "del"}),  # the gateway may count it with the questions about the message
    reply=type(None),
    shape=Shape.OK,
    source="https://smsc.ua/api/http/status_messages/delete/",
)
