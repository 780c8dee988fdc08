"""
Plain data to values. The only room that knows cattrs.

A first converter is quick and says nothing; what it refuses, a second one reads again to name every bad field.
A list is tried a third way before: field by field instead of record by record. That skips what a frozen object costs to
make, which is as much as all else together, and checks a field of all records at once (measured: half of the time).
"""

from __future__ import annotations

import re
import types
from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from smsc_async._wire import Holds, Layout, Plain, Undecodable
from smsc_async.values import Listing, LocalTime, OpenIntEnum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias

    from smsc_async._wire import Field, Shape

    _Ways: TypeAlias = tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]

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
    cls, build, build_all = _builders.get((reply, shape)) or _prepare(reply, shape)
    try:
        if shape.layout is Layout.LIST:
            return build_all(plain)  # type: ignore[no-any-return]
        return build({**plain, **known} if known else plain)  # type: ignore[no-any-return]
    except _REFUSED:
        raise Undecodable(_problem(plain, cls, shape, known or {})) from None


# How a field becomes what its class says. Every hook takes the plain value and a type that it knows already. -------


def _integer(value: object, _: object = None) -> int:
    if type(value) is int and -_INTEGER_RANGE <= value < _INTEGER_RANGE:
        return value
    if type(value) is str and _INTEGER.fullmatch(value):
        return int(value)
    raise ValueError("is not a whole number")


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
    digits = text.removeprefix("+")
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


def _open_enum(value: object, cls: type[OpenIntEnum]) -> OpenIntEnum:
    return cls(_integer(value))


def _is_optional(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType) and type(None) in get_args(cls)


def _inner(cls: Any) -> Any:
    return next(arg for arg in get_args(cls) if arg is not type(None))


def _optional(cls: Any, converter: cattrs.Converter) -> Callable[[object, object], object]:
    inner = _inner(cls)
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
_builders: Final[dict[tuple[object, Shape], _Ways]] = {}


def _prepare(reply: Any, shape: Shape) -> _Ways:
    """Give the class of one record, and the ways to make one and to make many."""
    cls = get_args(reply)[0] if get_origin(reply) is Listing else reply
    attrs.resolve_types(cls)
    build = _recorder(_QUICK, cls, shape)
    return _builders.setdefault((reply, shape), (cls, build, _lister(build, cls, shape)))


def _recorder(converter: cattrs.Converter, cls: Any, shape: Shape) -> Callable[[Any], Any]:
    overrides: dict[str, Any] = {
        field.name: override(rename=field.wire, struct_hook=_hook_of(field)) for field in shape.fields
    }
    detailed = converter.detailed_validation
    return make_dict_structure_fn(cls, converter, _cattrs_detailed_validation=detailed, **overrides)


def _hook_of(field: Field) -> Callable[[object, object], Any] | None:
    """Give the hook that the shape asks for; where it asks for none, the class says it all."""
    return None if field.optional else _HOLDS.get(field.holds)


# Many records at once ---------------------------------------------------------------------------------------------


def _lister(build: Callable[[Any], Any], cls: Any, shape: Shape) -> Callable[[Any], Any]:
    """
    Give a function that makes records field by field; where a record is not the usual one, cattrs makes them all.

    It sets the slots itself, so it serves classes that leave nothing else to their ``__init__``: no converters, no
    validators, and no field that the reply does not hold.
    """
    kinds = {field.name: field.type for field in attrs.fields(cls) if not (field.converter or field.validator)}
    plain_class = "__slots__" in vars(cls) and not hasattr(cls, "__attrs_post_init__")
    if not plain_class or kinds.keys() != {field.name for field in shape.fields}:
        return lambda records: Listing(map(build, records))
    columns = [
        (itemgetter(field.wire), vars(cls)[field.name].__set__, _column(_hook_of(field), kinds[field.name]))
        for field in shape.fields
    ]

    def build_all(records: list[dict[str, object]]) -> Listing[Any]:
        made = Listing(map(object.__new__, repeat(cls, len(records))))
        try:
            for value_of, put, read in columns:
                deque(map(put, made, read(list(map(value_of, records)))), maxlen=0)
        except _REFUSED:  # a field is missing, which may be allowed, or bad
            return Listing(map(build, records))
        return made

    return build_all


def _column(hook: Callable[[Any, Any], Any] | None, kind: Any) -> Callable[[list[Any]], Iterable[Any]]:
    """Give a function that reads one field of all records: at once if they are what they mostly are, else one by one."""
    one = hook or _QUICK.get_structure_hook(kind)
    optional = _is_optional(kind)
    at_once = _AT_ONCE.get(hook or (_inner(kind) if optional else kind))
    if isinstance(kind, type) and issubclass(kind, OpenIntEnum):
        at_once = _named(kind)

    def read(values: list[Any]) -> Iterable[Any]:
        types = set(map(type, values))  # one, or it is nothing usual; 1 and True must not meet in what follows
        if at_once is not None and len(types) == 1 and not (optional and "" in values):
            made = at_once(values, types.pop())
            if made is not None:
                return made
        return map(one, values, repeat(kind))

    return read


def _texts(values: list[Any], of: type) -> Iterable[str] | None:
    return values if of is str else None


def _local_times(values: list[Any], of: type) -> Iterable[LocalTime] | None:
    return map(LocalTime, values) if of is str else None


def _phones_of_all(values: list[Any], of: type) -> Iterable[str] | None:
    return values if of is str and _all_match(_PHONE_LINES, values) else None


def _amounts(values: list[Any], of: type) -> Iterable[Decimal] | None:
    return map(Decimal, values) if of is str and _all_match(_MONEY_LINES, values) else None


def _named(cls: type[OpenIntEnum]) -> Callable[[list[Any], type], Iterable[OpenIntEnum] | None]:
    members: dict[Any, OpenIntEnum] = {member.value: member for member in cls}
    members |= {str(member.value): member for member in cls}

    def read(values: list[Any], of: type) -> Iterable[OpenIntEnum] | None:
        return map(members.__getitem__, values) if of in {int, str} and members.keys() >= set(values) else None

    return read


def _all_match(lines: re.Pattern[str], values: list[str]) -> bool:
    text = "\n".join(values)
    return text.count("\n") == len(values) - 1 and lines.fullmatch(text) is not None


_PHONE_LINES: Final = re.compile(r"(?:[0-9]{3,20}(?:\n|\Z))*+")
_MONEY_LINES: Final = re.compile(rf"(?:{_MONEY.pattern}(?:\n|\Z))*+")
_AT_ONCE: Final[dict[Any, Callable[[list[Any], type], Iterable[Any] | None]]] = {
    Decimal: _amounts,
    LocalTime: _local_times,
    str: _texts,
    _free_text: _texts,
    _phone: _phones_of_all,
}


# What is wrong, in words ------------------------------------------------------------------------------------------

_WORDS: Final[dict[type[Exception], str]] = {KeyError: "is missing", TypeError: "is no single value"}


def _problem(plain: Any, cls: Any, shape: Shape, known: Mapping[str, object]) -> str:
    build = _recorder(_DETAILED, cls, shape)
    records = plain if shape.layout is Layout.LIST else [plain]
    found: list[str] = []
    for number, record in enumerate(records, 1):
        try:
            build({**record, **known})
        except cattrs.ClassValidationError as problem:
            place = f" of item {number}" if shape.layout is Layout.LIST else ""
            found += (f"{name}{place} {what}" for name, what in _bad_fields(problem))
        if len(found) > _NAMED:
            return "; ".join([*found[:_NAMED], "and more"])
    return "; ".join(found)


def _bad_fields(problem: cattrs.ClassValidationError) -> Iterator[tuple[str, str]]:
    named, others = problem.group_exceptions()
    for exception, note in named:
        yield note.name, _WORDS.get(type(exception), str(exception))
    for exception in others:
        yield "the whole", str(exception)
