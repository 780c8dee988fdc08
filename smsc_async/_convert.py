"""
Plain data to values. The only room that knows cattrs.

A first converter is quick and says nothing; what it refuses, a second one reads again to name every bad field.
"""

from __future__ import annotations

import re
import types
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from smsc_async._wire import Holds, Layout, Plain, Undecodable
from smsc_async.values import Listing, LocalTime, OpenIntEnum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from smsc_async._wire import Shape

__all__ = ["structure"]

T = TypeVar("T")

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_MONEY: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_PHONE_LENGTHS: Final = range(3, 21)  # the gateway may name short numbers; what it names is not ours to doubt
_INTEGER_RANGE: Final = 2**63
_NAMED: Final = 5  # bad fields that a message names
_REFUSED: Final = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError)


def structure(plain: Plain, reply: type[T], *, shape: Shape, known: Mapping[str, object] | None = None) -> T:
    """
    Make the value of a reply.

    Args:
        plain: What `decode` gave.
        reply: The class of the value; of its items, or `Listing` of them, where the reply is a list.
        shape: The shape that *plain* was decoded with: it knows which of our names stands for which of the wire's.
        known: Fields that the request knows and the reply does not tell, by our names.

    Raises:
        Undecodable: A field is missing or cannot be what it stands for; the problem names them all.
    """
    if shape.layout is Layout.ANY:
        return plain  # type: ignore[no-any-return]
    if shape.layout in (Layout.OK, Layout.FILE):
        return None  # type: ignore[return-value]
    build = _builder(reply, shape)
    try:
        if shape.layout is Layout.LIST:
            return Listing(map(build, plain))  # type: ignore[return-value]
        return build({**plain, **known} if known else plain)  # type: ignore[no-any-return]
    except _REFUSED:
        raise Undecodable(_problem(plain, reply, shape, known or {})) from None


# How a field becomes what its class says. Every hook takes the plain value and a type that it knows already. -------


def _integer(value: object, _: object = None) -> int:
    if type(value) is int and -_INTEGER_RANGE <= value < _INTEGER_RANGE:
        return value
    if type(value) is str and _INTEGER.fullmatch(value):
        return int(value)
    raise ValueError("is not a whole number")


@lru_cache(maxsize=512, typed=True)  # prices repeat
def _money(value: object, _: object = None) -> Decimal:
    text = repr(value) if type(value) is int or type(value) is float else value
    if type(text) is str and _MONEY.fullmatch(text):
        return Decimal(text)
    raise ValueError("is not an amount: digits, with a point before the fraction")


def _text(value: object, _: object = None) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise ValueError("is not text")


def _free_text(value: object, _: object = None) -> str:
    return "" if value is None else _text(value)


def _phone(value: object, _: object = None) -> str:
    text = value if type(value) is str else _text(value)
    digits = text if text.isdigit() else text.removeprefix("+")
    if digits.isdigit() and digits.isascii() and len(digits) in _PHONE_LENGTHS:
        return digits
    raise ValueError("is not a phone")


def _phones(value: object, _: object = None) -> tuple[str, ...]:
    if type(value) is str:
        value = value.split(",") if value else []
    elif type(value) is int:
        value = [value]
    if not isinstance(value, list | tuple):
        raise ValueError("is not a list of phones")  # noqa: TRY004 - data of the gateway, not an argument
    return tuple(_phone(item.strip() if type(item) is str else item) for item in value)


def _moment(value: object, _: object = None) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromtimestamp(_integer(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("is not a Unix time in seconds") from None


def _local_time(value: object, _: object = None) -> LocalTime:
    return LocalTime(_text(value))


_HOLDS: Final[dict[Holds, Callable[[object, object], Any]]] = {
    Holds.PHONE: _phone,
    Holds.PHONES: _phones,
    Holds.TEXT: _free_text,
}


@lru_cache(maxsize=512, typed=True)
def _open_enum(value: object, cls: type[OpenIntEnum]) -> OpenIntEnum:
    return cls(_integer(value))


def _is_optional(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType) and type(None) in get_args(cls)


def _optional(cls: Any, converter: cattrs.Converter) -> Callable[[object, object], object]:
    inner = next(arg for arg in get_args(cls) if arg is not type(None))
    hook = converter.get_structure_hook(inner)

    def optional(value: object, _: object) -> object:
        return None if value is None or value == "" else hook(value, inner)

    return optional


def _converter(*, detailed: bool) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=detailed)
    converter.register_structure_hook_factory(_is_optional)(_optional)
    hooks: dict[Any, Callable[[Any, Any], Any]] = {
        int: _integer,
        str: _text,
        Decimal: _money,
        datetime: _moment,
        LocalTime: _local_time,
        OpenIntEnum: _open_enum,
    }
    for cls, hook in hooks.items():
        converter.register_structure_hook(cls, hook)
    return converter


_QUICK: Final = _converter(detailed=False)
_DETAILED: Final = _converter(detailed=True)
_builders: Final[dict[tuple[object, Shape], Callable[[Any], Any]]] = {}


def _builder(reply: Any, shape: Shape) -> Callable[[Any], Any]:
    try:
        return _builders[reply, shape]
    except KeyError:
        return _builders.setdefault((reply, shape), _build(_QUICK, reply, shape))


def _build(converter: cattrs.Converter, reply: Any, shape: Shape) -> Callable[[Any], Any]:
    cls = get_args(reply)[0] if get_origin(reply) is Listing else reply
    attrs.resolve_types(cls)
    overrides: dict[str, Any] = {}
    for field in shape.fields:
        hook = _HOLDS.get(field.holds)
        if field.optional:  # the class's Optional says how
            hook = None
        overrides[field.name] = override(rename=field.wire, struct_hook=hook)
    return make_dict_structure_fn(
        cls,
        converter,
        _cattrs_detailed_validation=converter.detailed_validation,
        **overrides,
    )


# What is wrong, in words ------------------------------------------------------------------------------------------


_WORDS: Final = {KeyError: "is missing", TypeError: "is no single value"}


def _problem(plain: Any, reply: Any, shape: Shape, known: Mapping[str, object]) -> str:
    build = _build(_DETAILED, reply, shape)
    records = plain if shape.layout is Layout.LIST else [plain]
    found: list[str] = []
    for number, record in enumerate(records, 1):
        try:
            build({**record, **known})
        except cattrs.ClassValidationError as problem:
            place = f" of item {number}" if shape.layout is Layout.LIST else ""
            found += (f"{name}{place} {what}" for name, what in _bad_fields(problem))
        except _REFUSED as problem:
            found.append(f"item {number} is no record ({type(problem).__name__})")
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(found[:_NAMED]) + more


def _bad_fields(problem: cattrs.ClassValidationError) -> Iterator[tuple[str, str]]:
    named, others = problem.group_exceptions()
    for exception, note in named:
        yield note.name, _WORDS.get(type(exception), str(exception))
    for exception in others:
        yield "the whole", str(exception)
