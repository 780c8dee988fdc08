"""Bodies in JSON (``fmt=3``): one flat record. Numbers stay as they were written, because that is what was hashed."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import Any, Final

from smsc_async._wire import Undecodable, check_nesting, not_a_number
from smsc_async.errors import MalformedCallback
from smsc_async.webhooks._fields import Fields, collected, text_of

__all__ = ["read"]

_MAX_DEPTH: Final = 8  # a callback nests once
_MOST_SIGNS: Final = 10_000  # commas and brackets; no message is so long, and each costs time
_LONGEST_NUMBER: Final = 40  # characters
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def read(body: bytes, charset: str, known: frozenset[str]) -> Fields:
    """Give the fields of a record; what nests in an unknown field is kept as JSON."""
    text, charset = text_of(body.removeprefix(BOM_UTF8), charset)
    if sum(map(text.count, ",[]{}")) > _MOST_SIGNS:
        raise MalformedCallback("it is JSON with too many values")
    try:
        check_nesting(text, _MAX_DEPTH)
        record = _DECODER.decode(text)
    except Undecodable as problem:
        raise MalformedCallback(f"it is {problem}") from None
    except (ValueError, RecursionError):
        raise MalformedCallback("it is broken JSON") from None
    if type(record) is list and len(record) == 1:
        (record,) = record
    if type(record) is not _Pairs:
        raise MalformedCallback("it is JSON, but no record")
    fields = collected([(name, _value(name, value, known)) for name, value in record.pairs if value is not None], known)
    if "\\u" in text and any(map(_SURROGATE.search, [*fields, *fields.values()])):
        raise MalformedCallback("it is JSON with half of a surrogate pair")
    return Fields(fields, None, charset)


class _Pairs:
    """A record as it stands there, names and values, so that a name that stands twice shows."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _number(written: str) -> _Number:
    if len(written) > _LONGEST_NUMBER:
        raise MalformedCallback("it is JSON with a number that is too long")
    return _Number(written)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=_number, parse_float=_number, parse_constant=not_a_number
)


def _value(name: str, value: Any, known: frozenset[str]) -> str:
    if isinstance(value, str):
        return str(value)
    if name in known:
        raise MalformedCallback("it has a field that is no single value")
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Give what `json.dumps` takes; numbers become texts, so that none is rounded."""
    if isinstance(value, _Pairs):
        return {name: _plain(inner) for name, inner in value.pairs}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
