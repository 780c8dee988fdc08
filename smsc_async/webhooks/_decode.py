"""Fields of a verified callback to its event."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from smsc_async._convert import structure
from smsc_async._wire import Field, Holds, Shape, Undecodable
from smsc_async.statuses import HLR_NAMES, MessageFlags, hlr_result
from smsc_async.webhooks._kinds import KNOWN, Kind
from smsc_async.webhooks.events import (
    CallConfirmation,
    DeliveryStatus,
    Event,
    IncomingMessage,
    Signature,
    VoiceMenu,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["event_of"]


def _may_be(wire: str, holds: Holds, attribute: str = "") -> Field:
    return Field(wire, holds, attribute=attribute, optional=True)


_STATUS: Final = Shape.record(
    "",
    Field("id", Holds.TEXT),
    Field("phone", Holds.TEXT),
    Field("status", Holds.INTEGER),
    _may_be("time", Holds.PLAIN),
    _may_be("ts", Holds.INTEGER, "changed_at"),
    _may_be("err", Holds.INTEGER, "error"),
    _may_be("syserr", Holds.TEXT, "operator_error"),
    _may_be("cnt", Holds.INTEGER, "count"),
    _may_be("type", Holds.INTEGER),
    _may_be("cost", Holds.MONEY),
    _may_be("sender", Holds.TEXT),
    _may_be("dtmf", Holds.TEXT),
)
_MESSAGE: Final = Shape.record(
    "",
    Field("id", Holds.TEXT),
    Field("phone", Holds.TEXT),
    Field("mes", Holds.TEXT, attribute="text"),
    Field("to", Holds.TEXT),
    _may_be("sms_id", Holds.TEXT, "reply_to"),
    _may_be("smsc", Holds.TEXT, "service_centre"),
    _may_be("sent", Holds.INTEGER, "sent_at"),
    _may_be("time", Holds.INTEGER, "received_at"),
)
_CONFIRMATION: Final = Shape.record("", Field("phone", Holds.TEXT), Field("ts", Holds.INTEGER, attribute="called_at"))

_OF: Final[Mapping[Kind, tuple[type[Any], Shape]]] = {
    Kind.STATUS: (DeliveryStatus, _STATUS),
    Kind.MESSAGE: (IncomingMessage, _MESSAGE),
    Kind.CONFIRMATION: (CallConfirmation, _CONFIRMATION),
}
#: What the vendor's tables list for each kind; other fields are kept as they are.
_LISTED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.STATUS: KNOWN - {"sms_id", "mes", "to", "smsc", "sent", "waitcall"},
    Kind.MESSAGE: frozenset({*_MESSAGE.by_wire, "md5", "sha1", "crc32"}),
    Kind.CONFIRMATION: frozenset({"waitcall", "phone", "ts", "md5", "sha1", "crc32"}),
}
_ECHOED: Final = frozenset({"charset", "fmt"})  # settings in the handler's address

_MENU: Final = {"calltime": "call_time", "callmenu": "keys", "ringtime": "ring_time"}
_SELDOM: Final = frozenset({*HLR_NAMES, *_MENU})

_TEXTS: Final = {"id": "", "to": ""}  # what a message must have, and what stands for it where the gateway leaves it out

_OVERTIME: Final = re.compile(r"(?:\A|\n)overtime: ([0-9]{1,4}):([0-5][0-9])[ \t]*(?=\n|\Z)")
_FLAG: Final = re.compile(r"[0-9]{1,5}")


def event_of(
    kind: Kind,
    texts: Mapping[str, str],
    *,
    parameters: Mapping[str, str],
    declared: frozenset[str],
    signature: Signature,
) -> Event:
    """
    Make the event of a callback.

    Args:
        kind: What it is.
        texts: Its fields.
        parameters: Those that came in the address itself.
        declared: Names of the parameters that the address has; they are no fields of the gateway's.
        signature: What it proved.
    """
    cls, shape = _OF[kind]
    known: dict[str, Any] = {"signature": signature}
    if parameters:
        known["parameters"] = dict(parameters)
    names = texts.keys()
    if not names <= _LISTED[kind]:
        _sort_out(texts, kind, declared, known)
    if kind is Kind.STATUS:
        if flag := texts.get("flag"):
            _take_flag(flag, known)
        if comment := texts.get("cmt"):
            _take_comment(comment, known)
        if not names.isdisjoint(_SELDOM):
            _take_apart(texts, known)
    plain: Mapping[str, str] = texts
    phone = texts["phone"]
    if phone[0] == "+" and phone.isascii() and phone[1:].isdecimal():
        plain = {**plain, "phone": phone[1:]}
    if kind is Kind.MESSAGE and not names >= _TEXTS.keys():
        plain = {**_TEXTS, **plain}
    try:
        return structure(plain, cls, shape=shape, known=known)  # type: ignore[no-any-return]
    except Undecodable:
        plain = _without_unreadable(plain, cls, shape, known)
        return structure(plain, cls, shape=shape, known=known)  # type: ignore[no-any-return]


def _sort_out(texts: Mapping[str, str], kind: Kind, declared: frozenset[str], known: dict[str, Any]) -> None:
    """Tell what the address says from what nobody knows."""
    others = texts.keys() - _LISTED[kind]
    said = {name: texts[name] for name in texts if name in others and (name in declared or name in _ECHOED)}
    extra = {name: texts[name] for name in texts if name in others and name not in said}
    if said:
        known["parameters"] = {**known.get("parameters", {}), **said}
    if extra:
        known["extra"] = extra


def _take_apart(texts: Mapping[str, str], known: dict[str, Any]) -> None:
    """Read what only some statuses have."""
    hlr = hlr_result(texts)
    if hlr:
        known["hlr"] = hlr
    menu = {ours: texts[name] for name, ours in _MENU.items() if texts.get(name)}
    if menu:
        known["menu"] = VoiceMenu(**menu)


def _take_flag(flag: str, known: dict[str, Any]) -> None:
    if _FLAG.fullmatch(flag) and int(flag) < 1 << 16:
        known["flags"] = MessageFlags(int(flag))
    else:
        known["extra"] = {**known.get("extra", {}), "flag": flag}


def _take_comment(comment: str, known: dict[str, Any]) -> None:
    """Take the line out that the gateway adds to a voice message; the last one, if the client wrote such lines too."""
    found = list(_OVERTIME.finditer(comment.replace("\r\n", "\n"))) if "overtime" in comment else []
    if found:
        line = found[-1]
        known["overtime"] = 60.0 * int(line[1]) + int(line[2])
        comment = (line.string[: line.start()] + line.string[line.end() :]).strip("\n")
    known["comment"] = comment or None


def _without_unreadable(
    plain: Mapping[str, str], cls: type[Any], shape: Shape, known: dict[str, Any]
) -> dict[str, str]:
    """Move fields that the event can do without, and whose value nobody can read, to the unknown ones."""
    required = {field.wire: plain[field.wire] for field in shape.fields if not field.optional}
    read = dict(required)
    for field in shape.fields:
        if not field.optional or field.wire not in plain:
            continue
        try:
            structure({**required, field.wire: plain[field.wire]}, cls, shape=shape, known=known)
        except Undecodable:
            known["extra"] = {**known.get("extra", {}), field.wire: plain[field.wire]}
        else:
            read[field.wire] = plain[field.wire]
    return read
