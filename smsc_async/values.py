"""Values that several nouns share: listings, account-local times, and numbers with names that may grow."""

from __future__ import annotations

import enum
import html
import re
import reprlib
from datetime import datetime, tzinfo
from typing import Any, Final, SupportsIndex, TypeVar, overload

import attrs

__all__ = ["Listing", "LocalTime", "OpenIntEnum", "show_known"]

T = TypeVar("T")

_SHOWN: Final = 20  # items of a listing that its repr shows in a terminal
_ROWS: Final = 100  # and in a notebook


class Listing(list[T]):
    """A list that reads well: one item a line in a terminal, a table in a notebook. Slices are listings too."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Listing[T]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> T | Listing[T]:
        """Give one item, or a listing of some."""
        if isinstance(index, slice):
            return Listing(super().__getitem__(index))
        return super().__getitem__(index)

    def copy(self) -> Listing[T]:
        """Give a listing of the same items."""
        return Listing(self)

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        """Show one item a line, and how many there are beyond the first ones."""
        if not self:
            return "Listing([])"
        lines = [f"  {item!r}," for item in self[:_SHOWN]]
        if hidden := len(self) - len(lines):
            lines.append(f"  ... {hidden} more,")
        return "\n".join(["Listing([", *lines, "])"])

    def _repr_html_(self) -> str:
        """Show a table, a column for each field of the first item."""
        kind: Any = type(self[0]) if self else None
        names = [field.name for field in attrs.fields(kind)] if self and attrs.has(kind) else []
        rows = [_cells("th", [name.replace("_", " ") for name in names])] if names else []
        rows += (
            _cells("td", [getattr(item, name, "") for name in names] if names else [item]) for item in self[:_ROWS]
        )
        hidden = len(self) - _ROWS
        count = f"{len(self)} items" if len(self) != 1 else "1 item"
        caption = f"<caption>{count}{f', the first {_ROWS} shown' if hidden > 0 else ''}</caption>"
        return f"<table>{caption}{''.join(rows)}</table>"


def _cells(tag: str, values: list[Any]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(_shown(value))}</{tag}>' for value in values)}</tr>"


def _shown(value: object) -> str:
    if value is None:
        return ""
    return value.name if isinstance(value, enum.Enum) else str(value)


_MOMENT: Final = re.compile(
    r"(?P<day>[0-9]{2})\.(?P<month>[0-9]{2})\.(?P<year>[0-9]{4}|[0-9]{2})"
    r" (?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
)


@attrs.frozen
class LocalTime:
    """
    A moment as the gateway writes it, in the time zone of the account's settings, which no reply tells.

    Source: https://smsc.ua/api/http/miscellaneous/callback/ ("за часовим поясом, вказаним у настройках")
    """

    text: str  # DD.MM.YYYY hh:mm:ss; some replies leave out the century or the seconds

    def at(self, zone: tzinfo) -> datetime:
        """
        Give the moment, aware, when the account's settings say *zone*.

        Where a clock change makes a local time happen twice, it is taken for the first one.

        Raises:
            TypeError: *zone* is no time zone, such as ``zoneinfo.ZoneInfo("Europe/Kyiv")``.
            ValueError: The text is not a date with a time in the gateway's form.
        """
        _check_zone(zone)
        found = _MOMENT.fullmatch(self.text.strip())
        if not found:
            message = f"{self.text!r} is not a moment of the form DD.MM.YYYY hh:mm:ss"
            raise ValueError(message)
        year = int(found["year"])
        if len(found["year"]) == 2:  # noqa: PLR2004 - the gateway is younger than the century
            year += 2000
        clock = (int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
        try:
            return datetime(year, int(found["month"]), int(found["day"]), *clock, tzinfo=zone)
        except ValueError as problem:
            message = f"{self.text!r} is not a moment: {problem}"
            raise ValueError(message) from None

    def __str__(self) -> str:
        """Give the text as it came."""
        return self.text


def _check_zone(value: object) -> None:
    if not isinstance(value, tzinfo):
        message = f'zone must be a time zone, such as zoneinfo.ZoneInfo("Europe/Kyiv"), not {type(value).__name__}'
        raise TypeError(message)


def show_known(value: Any) -> str:
    """Show an attrs value by the fields that are known: those that are not None."""
    names = [field.name for field in attrs.fields(type(value)) if field.repr]
    known = (f"{name}={found!r}" for name in names if (found := getattr(value, name)) is not None)
    return f"{type(value).__name__}({', '.join(known)})"


class OpenIntEnum(enum.IntEnum):
    """
    Numbers with names, to which the gateway may add: an unknown one is a member too, named ``UNKNOWN_<number>``.

    It compares, hashes, sorts and pickles by its number like the others; it is not listed when the class is iterated.
    """

    @classmethod
    def _missing_(cls, value: object) -> OpenIntEnum | None:
        if type(value) is not int:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}".replace("-", "MINUS_")
        member._value_ = value
        return member

    def __reduce_ex__(self, proto: object) -> tuple[Any, ...]:
        """Pickle by number."""
        return type(self), (self._value_,)

    def __str__(self) -> str:
        """Give the name, as in ``NumberKind.UNKNOWN_7``."""
        return f"{type(self).__name__}.{self._name_}"

    __repr__ = __str__

    def __format__(self, format_spec: str) -> str:
        """Format the name."""
        return format(str(self), format_spec)
