"""What the gateway answers, as values, and how each value is written in its four formats."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
    "blacklisted": (5, "number is in black list"),
    "not found": (5, "task or file not found"),
    "cost": (6, "can't get cost"),
    "duplicate": (9, "duplicate request, wait a minute"),
    "concurrency": (9, "too many concurrent requests"),
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


@attrs.frozen
class RecordList:
    """Any number of records."""

    records: tuple[Record, ...]


@attrs.frozen
class Done:
    """Nothing but success."""


@attrs.frozen
class FileReply:
    """A file in place of a reply; the format does not matter."""

    file_name: str
    content: FileContent


@attrs.frozen
class Refusal:
    """An error by its kind; number and text follow from it."""

    kind: str

    @property
    def code(self) -> int:
        """The vendor's number."""
        return REFUSALS[self.kind][0]

    def text(self, switches: Switches) -> str:
        """Give the text that goes with the number."""
        return switches.refusal_texts.get(self.kind, REFUSALS[self.kind][1])


Answer = Record | RecordList | Done | FileReply | Refusal


def render(answer: Record | RecordList | Done | Refusal, fmt: int, switches: Switches) -> str:
    """Write *answer* in format *fmt*."""
    match answer:
        case Refusal():
            return refusal_text(answer.code, answer.text(switches), 0 if switches.refusals_as_text else fmt)
        case Done():
            return ("OK", "OK", "<result>OK</result>", '{"result":"OK"}')[fmt]
        case Record():
            return (_line(answer, switches), _short(answer, switches), _xml(answer, switches), _json(answer, switches))[
                fmt
            ]
        case RecordList():
            return _list(answer.records, fmt, switches)


def refusal_text(code: int, text: str, fmt: int) -> str:
    """Write an error in format *fmt*."""
    match fmt:
        case 0:
            return f"ERROR = {code} ({text})"
        case 1:
            return f"0,-{code}"
        case 2:
            return f"<result>\n<error>{escape(text)}</error>\n<error_code>{code}</error_code>\n</result>"
        case _:
            return f'{{"error":{_quote(text)},"error_code":{code}}}'


#: An empty list in each format, by the switch.
EMPTY: Final[dict[str, tuple[str, str, str, str]]] = {
    "documented": ("", "", "<list></list>", "[]"),
    "empty": ("", "", "", ""),
    "null": ("", "", "<list/>", "null"),
}


def _list(records: Sequence[Record], fmt: int, switches: Switches) -> str:
    if not records:
        return EMPTY[switches.empty_list][fmt]
    write = (_line, _short, _xml, _json)[fmt]
    written = [write(record, switches) for record in records]
    if fmt == 3:
        alone = len(written) == 1 and switches.single_as_object
        return written[0] if alone else "[" + ",\n".join(written) + "]"
    lines = "\n".join(written)
    return f"<list>\n{lines}\n</list>" if fmt == 2 else lines


def _present(record: Record, switches: Switches) -> Iterable[Field]:
    return (field for field in record.fields if not (field.optional and switches.omit_optional))


def _line(record: Record, switches: Switches) -> str:
    if record.bare:
        return _short(record, switches)
    return ", ".join(f"{field.name} = {_text(field, switches)}" for field in _present(record, switches))


def _short(record: Record, switches: Switches) -> str:
    fields = list(_present(record, switches))
    if record.line is not None:
        # With its own field left out, the line falls back to what is there.
        fields = [field for field in fields if field.name in record.line] or fields
    return ",".join(_text(field, switches) for field in fields)


def _xml(record: Record, switches: Switches) -> str:
    lines: list[str] = []
    for field in _present(record, switches):
        if isinstance(field.value, tuple):  # all_phones is the only list within a record
            items = "\n".join(f"<phone>{escape(item)}</phone>" for item in field.value)
            lines.append(f"<{field.name}>\n{items}\n</{field.name}>")
        else:
            lines.append(f"<{field.name}>{escape(_text(field, switches))}</{field.name}>")
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
