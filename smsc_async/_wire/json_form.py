"""
Replies in JSON (``fmt=3``).

With orjson installed it does the work; without it the standard library does, with the same results. Either is quick and
too trusting: of a name that stands twice in one record it keeps the last. So a body that could hold such a name is read
again with care. The proof that it does not is cheap: count the colons, and compare with the names that came out.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from smsc_async._wire.charset import as_text
from smsc_async._wire.nesting import check_nesting
from smsc_async._wire.outcome import Plain, Refusal, Undecodable
from smsc_async._wire.shape import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async._wire.shape import Shape

__all__ = ["not_a_number", "read"]

# Names of their own: on Python 3.11 looking a member up on its class takes longer than the comparison it is for.
_LIST: Final = Layout.LIST
_OK: Final = Layout.OK
_RECORD: Final = Layout.RECORD

_BLANKS: Final = b" \t\r\n"
_MAX_DEPTH: Final = 16  # a reply nests three deep
_INTEGER_RANGE: Final = range(-(2**63), 2**64)  # what orjson reads as an int; beyond it both give a float
_CODE: Final = re.compile(r"[0-9]{1,9}")


def read(body: bytes, shape: Shape) -> Plain | Refusal:
    """Give the record or the list of records in *body*, or the refusal that it is."""
    data = _parse(body)  # a dict or a list: the body begins with its bracket
    alone = data
    if type(data) is list and len(data) == 1:
        (alone,) = data
    if type(alone) is dict and ("error_code" in alone or (alone is data and "error" in alone)):
        return _refusal(alone)
    layout = shape.layout
    if layout is _LIST:
        records = [data] if type(data) is dict else data
        if not set(map(type, records)) <= {dict}:
            raise Undecodable("JSON that is not a list of records")
        return records
    if layout is _RECORD:
        if type(alone) is not dict:
            raise Undecodable("JSON that is not a record")
        return alone
    if layout is _OK and (type(data) is not dict or data.get("result") != "OK"):
        raise Undecodable("JSON that does not say OK")
    return data


def _refusal(data: dict[str, Any]) -> Refusal:
    code, detail, subject = data.get("error_code"), data.get("error", ""), data.get("id")
    if type(code) is str and _CODE.fullmatch(code):
        code = int(code)
    if type(code) is not int or code <= 0:
        raise Undecodable("a refusal in JSON without a number")
    return Refusal(code, detail if type(detail) is str else "", None if subject is None else str(subject))


def _parse(body: bytes) -> Any:
    try:
        data = _quick(body)
    except (ValueError, RecursionError):
        return _careful(body)
    return data if _is_plain(body, data) else _careful(body)


def _is_plain(body: bytes, data: Any) -> bool:
    """Whether *body* surely has no name twice in one record: it has as many colons as *data* has names."""
    if type(data) is dict:
        names = len(data)
    elif set(map(type, data)) <= {dict}:
        names = sum(map(len, data))
    else:
        return False
    if body.count(b":") == names:
        return True
    # There are colons in the values too. Blanks aside, a quote and a colon follow each name, and hardly any value.
    return body.translate(None, _BLANKS).count(b'":') == names


# Bodies that are not plain, or not JSON ---------------------------------------------------------------------------

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def _careful(body: bytes) -> object:
    """Read *body* again, refusing what the quick way lets pass."""
    text = as_text(body)
    check_nesting(text, _MAX_DEPTH)
    try:
        data = _decoded(text)
        if _SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as problem:
        raise Undecodable(f"broken JSON: {problem.msg} (character {problem.pos} of {len(text)})") from None
    except UnicodeEncodeError:
        raise Undecodable("JSON with half of a surrogate pair") from None
    return data


def _decoded(text: str) -> object:
    try:
        return _CAREFUL.decode(text)
    except json.JSONDecodeError:
        with suppress(json.JSONDecodeError):
            return _CAREFUL.decode(_repaired(text))
        raise


# The vendor's own samples are broken in two places, and nobody has published a real reply. Should the gateway write
# what its page says, there is one way to read it. The first of "all_phones" lacks its opening quote ...
_PHONE_WITHOUT_QUOTE: Final = re.compile(r'(:\s*\[\s*)([0-9]{3,20}"\s*[,\]])')
# ... and a number's "current_cost" the comma after it. (Every string is matched, so that none is begun at its end.)
_STRING_PERHAPS_WITHOUT_COMMA: Final = re.compile(r'"(?:[^"\\]|\\.)*+["\\]?(\s*(?="[^"\\]+"\s*:))?', re.DOTALL)


def _repaired(text: str) -> str:
    """Put in the comma and the quote that the vendor's samples lack; the result must still be JSON."""
    text = _PHONE_WITHOUT_QUOTE.sub(r'\1"\2', text)
    return _STRING_PERHAPS_WITHOUT_COMMA.sub(lambda found: found[0] + ("" if found[1] is None else ","), text)


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise Undecodable("JSON with a name that stands twice in one record")
    return record


def _integer(digits: str) -> int | float:
    if len(digits) > 20:  # noqa: PLR2004 - digits of 2**64; Python refuses to read thousands of them
        return _fraction(digits)
    number = int(digits)
    return number if number in _INTEGER_RANGE else float(number)


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Undecodable("JSON with a number that is too large")
    return number


def not_a_number(_: str) -> NoReturn:
    """Refuse what Python reads and JSON does not have."""
    raise Undecodable("JSON with NaN or Infinity, which it does not have")


_CAREFUL: Final = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_int=_integer, parse_float=_fraction, parse_constant=not_a_number
)
_STANDARD: Final = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, parse_constant=not_a_number)
# The same where each whole number has a few digits: a function of ours to read them takes longer than all the rest.
_FEW_DIGITS: Final = json.JSONDecoder(parse_float=_fraction, parse_constant=not_a_number)
_DIGITS: Final = bytes.maketrans(b"0123456789", b"0000000000")
_MANY_DIGITS: Final = b"0" * 19  # with fewer a number is surely in the range


def _standard(body: bytes) -> object:
    if b"\\u" in body:
        return _careful(body)
    decoder = _STANDARD if _MANY_DIGITS in body.translate(_DIGITS) else _FEW_DIGITS
    return decoder.decode(body.decode("utf-8"))


def _quickest() -> Callable[[bytes], object]:
    """Give orjson, which the extra `fast` brings, or the standard library."""
    try:
        import orjson  # noqa: PLC0415 - it may not be there
    except ImportError:
        return _standard
    return orjson.loads


_quick: Final = _quickest()
