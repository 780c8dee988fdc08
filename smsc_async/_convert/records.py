"""
Records to values. The only module that knows cattrs.

A first converter is quick and says nothing; what it refuses, a second one reads again to name every bad field.
A list is tried a third way before: field by field instead of record by record. That skips what a frozen object costs to
make, which is as much as all else together, and checks a field of all records at once (measured: half of the time).
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable
from functools import cache
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from smsc_async._convert.fields import BY_CLASS, BY_HOLDS, at_once_by
from smsc_async._wire import Layout, Plain, Undecodable
from smsc_async.values import Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from smsc_async._wire import Field, Shape

__all__ = ["structure"]

T = TypeVar("T")

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
    way = _ways.get(shape)
    if way is None or way.reply is not reply:
        way = _prepare(reply, shape)
    try:
        return way.make({**plain, **known} if known else plain)  # type: ignore[no-any-return]
    except _REFUSED:
        raise Undecodable(_problem(plain, way.cls, shape, known or {})) from None


@attrs.frozen
class _Way:
    """How the plain data of a shape becomes a value of the class *reply*; *cls* is the class of one record."""

    reply: Any
    cls: Any
    make: Callable[[Any], Any]


# The two converters -----------------------------------------------------------------------------------------------


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
    for cls, hook in BY_CLASS.items():
        converter.register_structure_hook(cls, hook)
    return converter


_QUICK: Final = _converter(detailed=False)
_ways: Final[dict[Shape, _Way]] = {}


def _prepare(reply: Any, shape: Shape) -> _Way:
    if shape.layout is Layout.ANY:
        way = _Way(reply, reply, _as_it_came)
    elif shape.layout in (Layout.OK, Layout.FILE):
        way = _Way(reply, reply, _nothing)
    else:
        cls = get_args(reply)[0] if get_origin(reply) is Listing else reply
        attrs.resolve_types(cls)
        build = _recorder(_QUICK, cls, shape)
        way = _Way(reply, cls, _lister(build, cls, shape) if shape.layout is Layout.LIST else build)
    _ways[shape] = way
    return way


def _as_it_came(plain: Plain) -> Plain:
    return plain


def _as_it_is(value: Any, _: object) -> Any:
    """Take a value that the request knows: it is made already."""
    return value


def _nothing(_: Plain) -> None:
    return None


def _recorder(converter: cattrs.Converter, cls: Any, shape: Shape) -> Callable[[Any], Any]:
    overrides: dict[str, Any] = {field.name: override(struct_hook=_as_it_is) for field in attrs.fields(cls)}
    overrides |= {field.name: override(rename=field.wire, struct_hook=_hook_of(field)) for field in shape.fields}
    detailed = converter.detailed_validation
    return make_dict_structure_fn(cls, converter, _cattrs_detailed_validation=detailed, **overrides)


def _hook_of(field: Field) -> Callable[[object, object], Any] | None:
    """Give the hook that the shape asks for; where it asks for none, the class says it all."""
    return None if field.optional else BY_HOLDS.get(field.holds)


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
    """Give a function that reads one field of all records: at once if they are what they mostly are, else singly."""
    single = hook or _QUICK.get_structure_hook(kind)
    optional = _is_optional(kind)
    at_once = at_once_by(hook or (_inner(kind) if optional else kind))

    def read(values: list[Any]) -> Iterable[Any]:
        types = set(map(type, values))  # one, or it is nothing usual; 1 and True must not meet in what follows
        if at_once is not None and len(types) == 1 and not (optional and "" in values):
            made = at_once(values, types.pop())
            if made is not None:
                return made
        return map(single, values, repeat(kind))

    return read


# What is wrong, in words ------------------------------------------------------------------------------------------

_WORDS: Final[dict[type[Exception], str]] = {KeyError: "is missing", TypeError: "is no single value"}


def _problem(plain: Any, cls: Any, shape: Shape, known: Mapping[str, object]) -> str:
    build = _detailed(cls, shape)
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
    return "; ".join(found) or "the reply is no such record"


@cache
def _detailed(cls: Any, shape: Shape) -> Callable[[Any], Any]:
    """Give the careful way, made once: that takes a millisecond, and a gateway that writes oddly does so each time."""
    return _recorder(_converter(detailed=True), cls, shape)


def _bad_fields(problem: cattrs.ClassValidationError) -> Iterator[tuple[str, str]]:
    named, others = problem.group_exceptions()
    for exception, note in named:
        yield note.name, _WORDS.get(type(exception), str(exception))
    for exception in others:
        yield "the whole", str(exception)
