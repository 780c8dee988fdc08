"""
Replies in text: ``name = value, ...`` (``fmt=0``) and values with commas between them (``fmt=1``).

Neither form escapes anything, so a field of free text may hold what separates fields. A line is taken only if there is
exactly one way to read it: a pattern made of all fields is matched twice, once with the free text as long and once as
short as it can be, and both must give the same. A line break in free text makes lines that are no records.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from smsc_async._wire.outcome import Plain, Refusal, Undecodable
from smsc_async._wire.shape import Holds, Layout, ReplyFormat

if TYPE_CHECKING:
    from smsc_async._wire.shape import Field, Shape

__all__ = ["read"]

# The texts of refusals hold commas and parentheses: "duplicate request, wait a minute".
_ERROR: Final = re.compile(r"\s*ERROR\s*=\s*([0-9]{1,9})\s*\((.*)\)(?:,\s*ID\s*-\s*(\S{1,40}))?\s*", re.DOTALL)
# A message's id comes in place of the 0; it may be ours, and holds a point then only if we put one in: no price does.
_NUMBER: Final = re.compile(r"\s*(?![0-9]+\.)([A-Za-z0-9._-]{1,40}),-([0-9]{1,9})\s*")


def read(text: str, asked: ReplyFormat, shape: Shape) -> Plain | Refusal:
    """Give the record or the list of records in *text*, or the refusal that it is."""
    if found := _ERROR.fullmatch(text):
        code, detail, subject = found.groups()
        return _refusal(code, detail, subject)
    if found := _NUMBER.fullmatch(text):
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
    readings = {found.groups() for pattern in _patterns(shape, named=named) if (found := pattern.fullmatch(line))}
    if not readings:
        raise Undecodable(f"line {number} of the text is no record, or free text holds a line break")
    if len(readings) > 1:
        raise Undecodable(f"line {number} of the text can be read in more than one way")
    (values,) = readings
    fields = shape.fields if named else _unheaded(shape)
    record: dict[str, object] = {
        field.wire: value for field, value in zip(fields, values, strict=True) if value is not None
    }
    return record if named else _headed(record, shape)


def _names_come_first(line: str, shape: Shape) -> bool:
    return re.match(rf"{re.escape(shape.fields[0].wire)}\s?=", line) is not None


def _unheaded(shape: Shape) -> tuple[Field, ...]:
    return tuple(field for field in shape.fields if not field.heads)


def _headed(record: dict[str, object], shape: Shape) -> dict[str, object]:
    """Add the fields that the values tell only as the first item of a list."""
    for field in shape.fields:
        if field.heads:
            record[field.wire] = str(record[field.heads]).split(",")[0].strip()
    return record


@lru_cache  # it keeps 128, two for each shape; there are a few dozen
def _patterns(shape: Shape, *, named: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Give the pattern of a line with the free text as long as can be, and as short as can be."""
    parts: list[str] = []
    for field in shape.fields if named else _unheaded(shape):
        part = f"({field.holds.value})"
        if named:
            part = rf"{re.escape(field.wire)}\s?= ?{part}"
        if parts:
            part = (r",\s?" if named else ",") + part
        parts.append(f"(?:{part})?" if named and field.optional else part)
    longest = "".join(parts)
    free, lazy = f"({Holds.TEXT.value})", f"({Holds.TEXT.value}?)"
    return re.compile(longest, re.ASCII), re.compile(longest.replace(free, lazy), re.ASCII)


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
