"""What the gateway answers, as values, and how each value is written in its four formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

import attrs

from smsc_async.simulator.files import FileContent
from smsc_async.simulator.switches import Switches

#: Refusals by kind: the number is the vendor's, the text the real server's where it was seen (facts sheet, section 1),
#: else ours. The same number means different things at different endpoints.
REFUSALS: Final[dict[str, tuple[int, str]]] = {
    "parameters": (1, "parameters error"),
    "authorise": (2, "authorise error"),
    "money": (3, "no money"),
    "blocked": (4, "ip is blocked"),
    "no message": (3, "message not found"),
    "date": (5, "wrong date"),
    "not deleted": (5, "can't delete"),
    "blacklisted": (5, "number is in black list"),
    "not found": (5, "task or file not found"),
    "cost": (6, "can't get cost"),
    "denied": (6, "message is denied"),
    "number": (7, "invalid number"),
    "undeliverable": (8, "can't to deliver"),
    "duplicate": (9, "duplicate request, wait a minute"),
    "concurrency": (9, "too many concurrent requests"),
    "captcha": (10, "wrong code"),
}

EXTRA: Final = "reserved"


@attrs.frozen
class Field:
    """One named value; the flags say how the vendor's samples write it."""

    name: str
    value: str | int | Decimal | tuple[str, ...]
    quoted: bool = True  # in JSON
    optional: bool = False
    misprint: bool = False  # the vendor's JSON sample is misprinted just before this


@attrs.frozen
class Record:
    """Named values under one XML element."""

    root: str
    fields: tuple[Field, ...]
    line: tuple[str, ...] | None = None  # the fields of fmt 1, where they are not all
    bare: bool = False  # fmt 0 has no names either
    sentence: str | None = None  # what fmt 0 says in place of names and values
    below: tuple[Record, ...] | None = None  # records within this one, each a line of its own as text
    below_name: str = "phones"


@attrs.frozen
class RecordList:
    """Any number of records."""

    records: tuple[Record, ...]
    always: bool = False  # a list it stays where it has one item, whatever the switch says


@attrs.frozen
class Done:
    """Nothing but success."""


@attrs.frozen
class FileReply:
    """A file in place of a reply; the format does not matter."""

    file_name: str
    content: FileContent


@attrs.frozen
class Picture:
    """A picture in place of a reply; the format does not matter."""

    data: bytes = attrs.field(repr=False)
    content_type: str = "image/png"


@attrs.frozen
class Refusal:
    """An error by its kind; number and text follow from it. Some name the message that they are about."""

    kind: str
    id: int | str | None = None

    @property
    def code(self) -> int:
        """The vendor's number."""
        return REFUSALS[self.kind][0]

    def text(self, switches: Switches) -> str:
        """Give the text that goes with the number."""
        return switches.refusal_texts.get(self.kind, REFUSALS[self.kind][1])


Answer = Record | RecordList | Done | FileReply | Picture | Refusal


def render(answer: Record | RecordList | Done | Refusal, fmt: int, switches: Switches) -> str:
    """Write *answer* in format *fmt*."""
    match answer:
        case Refusal():
            fmt = 0 if switches.refusals_as_text else fmt
            return refusal_text(answer.code, answer.text(switches), fmt, _name(answer.id, switches))
        case Done():
            return ("OK", "OK", "<result>OK</result>", '{"result":"OK"}')[fmt]
        case Record():
            return (_line(answer, switches), _short(answer, switches), _xml(answer, switches), _json(answer, switches))[
                fmt
            ]
        case RecordList():
            return _list(answer, fmt, switches)


def _name(id: int | str | None, switches: Switches) -> str | None:
    """Write the id of a message as JSON has it."""
    return None if id is None else _literal(Field("id", id, quoted=False), switches)


def refusal_text(code: int, text: str, fmt: int, message: str | None = None) -> str:
    """Write an error in format *fmt*; *message* is the id of the message that it is about, as JSON has it."""
    plain = "" if message is None else message.strip('"')
    match fmt:
        case 0:
            return f"ERROR = {code} ({text})" + (f", ID - {plain}" if plain else "")
        case 1:
            return f"{plain or 0},-{code}"
        case 2:
            about = f"\n<id>{plain}</id>" if plain else ""
            return f"<result>\n<error>{escape(text)}</error>\n<error_code>{code}</error_code>{about}\n</result>"
        case _:
            about = f',"id":{message}' if plain else ""
            return f'{{"error":{_quote(text)},"error_code":{code}{about}}}'


#: An empty list in each format, by the switch.
EMPTY: Final[dict[str, tuple[str, str, str, str]]] = {
    "documented": ("", "", "<list></list>", "[]"),
    "empty": ("", "", "", ""),
    "null": ("", "", "<list/>", "null"),
}


def _list(answer: RecordList, fmt: int, switches: Switches) -> str:
    records = answer.records
    if not records:
        return EMPTY[switches.empty_list][fmt]
    write = (_line, _short, _xml, _json)[fmt]
    written = [write(record, switches) for record in records]
    if fmt == 3:
        alone = len(written) == 1 and switches.single_as_object and not answer.always
        return written[0] if alone else "[" + ",\n".join(written) + "]"
    lines = "\n".join(written)
    return f"<list>\n{lines}\n</list>" if fmt == 2 else lines


def _present(record: Record, switches: Switches) -> Iterable[Field]:
    return (field for field in record.fields if not (field.optional and switches.omit_optional))


def _line(record: Record, switches: Switches) -> str:
    if record.bare:
        return _short(record, switches)
    if record.sentence is not None:
        line = record.sentence
    else:
        line = ", ".join(f"{field.name} = {_text(field, switches)}" for field in _present(record, switches))
    return "\n".join((line, *(_line(inner, switches) for inner in record.below or ())))


def _short(record: Record, switches: Switches) -> str:
    fields = list(_present(record, switches))
    if record.line is not None:
        # With its own field left out, the line falls back to what is there.
        fields = [field for field in fields if field.name in record.line] or fields
    line = ",".join(_text(field, switches) for field in fields)
    return "\n".join((line, *(_short(inner, switches) for inner in record.below or ())))


def _xml(record: Record, switches: Switches) -> str:
    lines: list[str] = []
    for field in _present(record, switches):
        if isinstance(field.value, tuple):  # all_phones is the only list within a record
            items = "\n".join(f"<phone>{escape(item)}</phone>" for item in field.value)
            lines.append(f"<{field.name}>\n{items}\n</{field.name}>")
        else:
            lines.append(f"<{field.name}>{escape(_text(field, switches))}</{field.name}>")
    if record.below is not None:
        items = "".join("\n" + _xml(inner, switches) for inner in record.below)
        lines.append(f"<{record.below_name}>{items}\n</{record.below_name}>")
    if switches.extra_fields:
        lines.append(f"<{EXTRA}>1</{EXTRA}>")
    if len(lines) == 1 and record.root == record.fields[0].name:  # <balance>1.00</balance>
        return lines[0]
    return f"<{record.root}>\n" + "\n".join(lines) + f"\n</{record.root}>"


def _json(record: Record, switches: Switches) -> str:
    pieces: list[str] = []
    for field in _present(record, switches):
        if pieces:
            misprinted = field.misprint and switches.misprints and not isinstance(field.value, tuple)
            pieces.append("\n" if misprinted else ",\n")
        pieces.append(f'"{field.name}":{_literal(field, switches)}')
    if record.below is not None:
        items = ",".join(_json(inner, switches) for inner in record.below)
        pieces.append(f',\n"{record.below_name}":[{items}]')
    if switches.extra_fields:
        pieces.append(f',\n"{EXTRA}":{{"since":["2025",null]}}')
    return "{" + "".join(pieces) + "}"


def _literal(field: Field, switches: Switches) -> str:
    if isinstance(field.value, tuple):
        items = [_quote(item) for item in field.value]
        if items and field.misprint and switches.misprints:
            items[0] = items[0].removeprefix('"')
        return "[" + ",".join(items) + "]"
    text = _text(field, switches)
    if isinstance(field.value, str):
        return _quote(text)
    quoted = field.quoted if switches.json_numbers == "documented" else switches.json_numbers == "quoted"
    return f'"{text}"' if quoted else text


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _text(field: Field, switches: Switches) -> str:
    match field.value:
        case tuple():
            return ",".join(field.value)
        case Decimal():
            return money(field.value, switches)
        case _:
            return str(field.value)


def money(amount: Decimal, switches: Switches) -> str:
    """Write an amount as the switch says."""
    match switches.decimals:
        case "two":
            return f"{amount:.2f}"
        case "four":
            return f"{amount:.4f}"
        case "trimmed":
            text = f"{amount:.4f}".rstrip("0")
            return text.removesuffix(".")
