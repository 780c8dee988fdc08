"""
Replies in text: ``name = value, ...`` (``fmt=0``) and values with commas between them (``fmt=1``).

Neither form escapes anything, so a field of free text may hold what separates fields. A line is taken only if there is
exactly one way to read it: a pattern made of all fields is matched twice, once with the free text as long as it can be
and all that may be missing, once with the text as short and as little as it can be, and both must give the same. A line
break in free text makes lines that are no records.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from smsc_async._wire.outcome import Plain, Refusal, Undecodable
from smsc_async._wire.shape import Holds, Layout, ReplyFormat

if TYPE_CHECKING:
    from smsc_async._wire.shape import Shape

__all__ = ["read"]

# The texts of refusals hold commas and parentheses: "duplicate request, wait a minute".
_ERROR: Final = re.compile(r"\s*ERROR\s*=\s*([0-9]{1,9})\s*\((.*)\)(?:,\s*ID\s*-\s*(\S{1,40}))?\s*", re.DOTALL)
# A message's id comes in place of the 0; it may be ours, and look like a price where no price can stand.
_NUMBER: Final = re.compile(r"\s*(?![0-9]+\.)([A-Za-z0-9._-]{1,40}),-([0-9]{1,9})\s*")
_NUMBER_OF_MESSAGE: Final = re.compile(r"\s*([A-Za-z0-9._-]{1,40}),-([0-9]{1,9})\s*")


def read(text: str, asked: ReplyFormat, shape: Shape) -> Plain | Refusal:
    """Give the record or the list of records in *text*, or the refusal that it is."""
    if found := _ERROR.fullmatch(text):
        code, detail, subject = found.groups()
        return _refusal(code, detail, subject)
    of_message = bool(shape.fields) and shape.fields[0].holds is Holds.ID
    if found := (_NUMBER_OF_MESSAGE if of_message else _NUMBER).fullmatch(text):
        subject, code = found.groups()
        return _refusal(code, "", None if subject == "0" else subject)
    if shape.layout is Layout.OK:
        if text.strip() != "OK":
            raise Undecodable("text that does not say OK")
        return {"result": "OK"}
    if shape.layout is Layout.ANY:
        return text
    if not shape.fields:
        raise Undecodable("text in place of a file")
    lines = [line.removesuffix("\r") for line in text.strip("\r\n").split("\n")]
    if shape.layout is Layout.RECORD and len(lines) > 1:
        raise Undecodable("more than one line of text for one record")
    if shape.bare:
        records = [_bare(line, shape) for line in lines]
    else:
        # Names say what is what whatever was asked for; values without names are taken only if asked for.
        named = asked is not ReplyFormat.CSV or _names_come_first(lines[0], shape)
        records = [_record(number, line, shape, named=named) for number, line in enumerate(lines, 1)]
    if shape.layout is Layout.LIST:
        return records
    (record,) = records
    return record


def _refusal(code: str, detail: str, subject: str | None) -> Refusal:
    if not int(code):
        raise Undecodable("a refusal with the number 0")
    return Refusal(int(code), detail, subject)


def _record(number: int, line: str, shape: Shape, *, named: bool) -> dict[str, object]:
    readings = {reading for pattern in _patterns(shape, named=named) if (reading := pattern.read(line)) is not None}
    if not readings:
        raise Undecodable(f"line {number} of the text is no record, or free text holds a line break")
    if len(readings) > 1:
        raise Undecodable(f"line {number} of the text can be read in more than one way")
    (reading,) = readings
    record: dict[str, object] = dict(reading)
    return record if named else _headed(record, shape)


def _names_come_first(line: str, shape: Shape) -> bool:
    if shape.text:
        return any(pattern.read(line) is not None for pattern in _patterns(shape, named=True))
    return re.match(rf"{re.escape(shape.fields[0].wire)}\s?=", line) is not None


def _headed(record: dict[str, object], shape: Shape) -> dict[str, object]:
    """Add the fields that the values tell only as the first item of a list."""
    for field in shape.fields:
        if field.heads:
            record[field.wire] = str(record[field.heads]).split(",")[0].strip()
    return record


class _Pattern:
    """One way to write a record, as a pattern with a group for each field."""

    def __init__(self, pattern: str, wires: tuple[str, ...]) -> None:
        self._pattern = re.compile(pattern, re.ASCII)
        self._wires = wires

    def read(self, line: str) -> tuple[tuple[str, str], ...] | None:
        """Give the fields that are there, by the gateway's names."""
        found = self._pattern.fullmatch(line)
        if found is None:
            return None
        pairs = zip(self._wires, found.groups(), strict=True)
        return tuple((wire, value) for wire, value in pairs if value is not None)


@lru_cache  # it keeps 128, two for each shape; there are a few dozen
def _patterns(shape: Shape, *, named: bool) -> tuple[_Pattern, ...]:
    """Give the patterns of a line, each with as much as can be, and with as little as can be."""
    found: list[_Pattern] = []
    for line in (shape.text if named else shape.csv) or (_line(shape, named=named),):
        wires: list[str] = []
        longest = "".join(_part(piece, shape, wires) for piece in _PIECES.findall(line))
        free, lazy = f"({Holds.TEXT.value})", f"({Holds.TEXT.value}?)"
        shortest = longest.replace(free, lazy).replace(")?", ")??")
        found += (_Pattern(longest, tuple(wires)), _Pattern(shortest, tuple(wires)))
    return tuple(found)


# How a line is written: text, with ``{field}`` for a value, ``{field=-3}`` for that value and no other, and brackets
# around what may be missing, as the pages do.
_PIECES: Final = re.compile(r"\{[^{}]+\}|[\[\]]|[^\[\]{}]+")
_SPACED: Final = ((r"\ =\ ", r"\s?= ?"), (r",\ ", r",\s?"))  # blanks that may be missing


def _line(shape: Shape, *, named: bool) -> str:
    """Give what is usual: ``name = value, ...``, or the values with commas between them."""
    line = ""
    for field in shape.fields:
        if field.heads and not named:
            continue
        part = f"{field.wire} = {{{field.wire}}}" if named else f"{{{field.wire}}}"
        if line:
            part = (", " if named else ",") + part
        line += f"[{part}]" if named and field.optional else part
    return line


def _part(piece: str, shape: Shape, wires: list[str]) -> str:
    """Give a piece of a line as a piece of a pattern; the fields' names go to *wires*."""
    match piece:
        case "[":
            return "(?:"
        case "]":
            return ")?"
        case _ if piece[0] == "{":
            wire, _, only = piece[1:-1].partition("=")
            wires.append(wire)
            return f"({re.escape(only) or shape.by_wire[wire].holds.value})"
        case _:
            literal = re.escape(piece)
            for written, pattern in _SPACED:
                literal = literal.replace(written, pattern)
            return literal


# Values without names, some of which may be missing, in an order that nobody documents -------------------------------

_BETWEEN: Final = re.compile(r"\s*[,;]\s*|\s+")
_WHOLE: Final = re.compile(r"-?[0-9]+")


def _bare(line: str, shape: Shape) -> dict[str, object]:
    """Tell values apart by what they can hold; the first one is the first field."""
    if _names_come_first(line, shape):
        return _record(1, line, shape, named=True)
    first, *rest = _BETWEEN.split(line.strip())
    record: dict[str, object] = {}
    left = list(shape.fields)
    for value in (first, *rest):
        field = next((field for field in left if re.fullmatch(field.holds.value, value, re.ASCII)), None)
        if field is None or (not record and field is not shape.fields[0]):
            raise Undecodable("text with a value that stands for no field")
        record[field.wire] = value
        left.remove(field)
    if rest and _WHOLE.fullmatch(first) and _WHOLE.fullmatch(rest[0]):
        raise Undecodable("text with two whole numbers, which may be one with a decimal comma")
    return record
