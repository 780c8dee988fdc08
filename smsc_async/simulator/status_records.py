"""The status of one message, with the fields of each format in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smsc_async.simulator import fates
from smsc_async.simulator.messages import Message
from smsc_async.simulator.networks import hlr, network
from smsc_async.simulator.nouns import Call
from smsc_async.simulator.replies import Field, Record

HLR_TYPE: Final = 4
UNKNOWN_TYPE: Final = 99  # that no document lists

#: The gateway's number for a message, and the address that it went to.
Pair = tuple[str, int | str]


def status_record(message: Message | None, asked: int, call: Call, pair: Pair | None = None) -> Record:
    """
    Give what the gateway tells of a message; None where there is none.

    Args:
        message: The message.
        asked: The value of ``all``.
        call: In which format, under which switches.
        pair: The phone and the id of it, where it is one of many.
    """
    fmt = call.request.fmt
    fields = [*_missing(call)] if message is None else [*(_line if fmt < 2 else _full)(message, asked, call)]
    if pair is None:
        return Record("sms", tuple(fields))
    place = call.switches.bulk_ids
    named = [Field("id", pair[1], quoted=False)]
    # The phone is in the other fields where all were asked for.
    if message is None or asked == 0 or (fmt < 2 and place == "both"):
        named.append(Field("phone", pair[0]))
    if fmt < 2 and place == "start":
        return Record("sms", (*named, *fields))
    return Record("sms", (*fields, *named))


def _missing(call: Call) -> Iterator[Field]:
    fmt = call.request.fmt
    yield Field("Status" if fmt == 0 else "status", fates.NOT_FOUND, quoted=False)
    if fmt < 2 and call.switches.missing_line == "zeros":
        yield Field("check_time", 0)
        yield Field("err", 0)


def _line(message: Message, asked: int, call: Call) -> Iterator[Field]:
    """Give the fields of the text formats; format 1 has stamps where format 0 has dates."""
    dated = call.moments.wall if call.request.fmt == 0 else call.moments.stamp
    home = network(message.phone)
    place = [Field("country", home.country), Field("operator", home.operator), Field("region", home.region)]
    library = call.switches.status_order == "library"
    yield Field("Status", _status(message, call))
    yield Field("check_time", dated(message.changed_at))
    yield Field("err", message.err)
    if message.kind.type == HLR_TYPE:
        yield from _hlr(message, late=call.switches.hlr_order == "imsi last")
    if asked:
        yield Field("send_date", dated(message.due))
        yield Field("phone", message.phone)
        if library and asked == 2:
            yield from place
        yield Field("cost", message.cost)
        yield Field("sender_id", message.sender)
        yield Field("status_name", _name(message, call))
        yield Field("message", _in_line(message.text, call))
        if not library:
            yield Field("comment", _in_line(message.comment or "", call))
            yield Field("type", _type(message, call))
            if asked == 2:
                yield from place


def _full(message: Message, asked: int, call: Call) -> Iterator[Field]:
    """Give the fields of XML and JSON. Older replies are known without some of them."""
    wall, stamp = call.moments.wall, call.moments.stamp
    yield Field("status", _status(message, call), quoted=False)
    yield Field("last_date", wall(message.changed_at))
    yield Field("last_timestamp", stamp(message.changed_at), quoted=False)
    yield Field("flag", message.kind.type, quoted=False, optional=True)
    yield Field("err", message.err, quoted=False, optional=True)
    if message.kind.type == HLR_TYPE:
        yield from _hlr(message, late=False)
    if asked:
        yield Field("send_date", wall(message.due))
        yield Field("send_timestamp", stamp(message.due), quoted=False)
        yield Field("phone", message.phone)
        yield Field("cost", message.cost)
        yield Field("sender_id", message.sender)
        yield Field("status_name", _name(message, call))
        yield Field("message", message.text)
        yield Field("comment", message.comment or "", optional=True)
        yield Field("type", _type(message, call), quoted=False)
    if asked == 2:
        home = network(message.phone)
        yield Field("country", home.country)
        yield Field("operator", home.operator)
        yield Field("operator_orig", home.operator, optional=True)
        yield Field("region", home.region)
        yield Field("mccmnc", home.mccmnc, optional=True)


def _hlr(message: Message, *, late: bool) -> Iterator[Field]:
    """Give what was found out; nothing but names before, and where the number cannot be reached."""
    known = hlr(message.phone) if message.status == fates.DELIVERED else dict.fromkeys(hlr(message.phone), "")
    names = list(known)
    for name in (*names[2:], *names[:2]) if late else names:
        yield Field(name, known[name])


def _status(message: Message, call: Call) -> int:
    return fates.UNKNOWN if call.switches.unknown_enums else message.status


def _type(message: Message, call: Call) -> int:
    return UNKNOWN_TYPE if call.switches.unknown_enums else message.kind.type


def _name(message: Message, call: Call) -> str:
    return fates.NAMES.get(_status(message, call), "")


def _in_line(text: str, call: Call) -> str:
    match call.switches.line_breaks:
        case "kept":
            return text
        case "spaces":
            return text.replace("\n", " ")
        case "escaped":
            return text.replace("\n", "\\n")
