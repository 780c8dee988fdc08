"""
How a reply is laid out in the gateway's four formats, as data.

The vendor gives each reply four times: as lines of ``name = value`` (``fmt=0``), as lines of values (1), as XML (2) and
as JSON (3). They hold the same fields in the same order, so one description serves all four, and the code that reads
them repeats no field name.
"""

from __future__ import annotations

import enum
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import attrs

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Field", "Holds", "Layout", "ReplyFormat", "Shape"]


class ReplyFormat(enum.IntEnum):
    """In which form the gateway answers (``fmt``); the values that come out are the same."""

    TEXT = 0
    CSV = 1
    XML = 2
    JSON = 3


class Holds(enum.Enum):
    """What a field may hold, as far as the separators of the formats 0 and 1 are concerned: a pattern."""

    INTEGER = r"-?\d{1,18}"
    MONEY = r"-?\d{1,18}(?:\.\d{1,18})?"
    PHONE = r"\+?\d{1,20}"
    PHONES = r"[+\d, ]*"  # several, with commas between them
    WORD = r"[A-Za-z]{1,16}"
    PLAIN = r"[^,\r\n]*"  # anything without a comma: dates
    ID = r"[A-Za-z0-9._-]{1,40}"  # of a message; ours or the gateway's
    RECIPIENT = r"[^\s,][^,\r\n]{3,}"  # a phone, an address or a nick: longer than a code
    STAMP = r"0|\d{9,11}"  # a moment, as seconds since 1970: longer than most else that is a number, or none
    CODE = r"\d{1,3}"  # of a country or an operator, as mobile networks number them
    DIGITS = r"(?:\d{5,20})?"  # more of them than a code has, or none
    RECORDS = r"[^\s\S]"  # of their own; the text forms have none
    TEXT = r".*"  # anything on the line, commas too


class Layout(enum.Enum):
    """What a reply is as a whole."""

    RECORD = enum.auto()
    LIST = enum.auto()  # of records
    OK = enum.auto()  # the word
    FILE = enum.auto()
    ANY = enum.auto()  # whatever comes, for endpoints that are not described yet


@attrs.frozen(eq=False)
class Field:
    """
    One field of a record.

    Args:
        wire: The gateway's name for it.
        holds: What may stand in it.
        attribute: Our name for it, where it differs.
        optional: Whether the gateway may leave it out.
        heads: The field whose first item it is: the CSV form gives only that one.
    """

    wire: str
    holds: Holds = Holds.PLAIN
    attribute: str = attrs.field(default="", kw_only=True)
    optional: bool = attrs.field(default=False, kw_only=True)
    heads: str = attrs.field(default="", kw_only=True)

    @property
    def name(self) -> str:
        """Our name for it."""
        return self.attribute or self.wire


@attrs.frozen(kw_only=True, eq=False, slots=False)
class Shape:
    """
    One reply in all four formats. Made by `record`, `list_of`, or as one of `OK`, `FILE` and `ANY`.

    Args:
        layout: What the reply is as a whole.
        fields: A record's fields, in the documented order.
        root: The XML tag around everything.
        item: The XML tag around each record of a list; empty where no page names it.
        bare: Whether the text forms give values without names, optional ones in an order that nobody documents.
        text: How a record is written in text, where that is not ``name = value, ...``; see `text_form.Line`.
        csv: How it is written in CSV, where that is not all values in the documented order.
    """

    layout: Layout
    fields: tuple[Field, ...] = ()
    root: str = ""
    item: str = ""
    bare: bool = False
    text: tuple[str, ...] = ()
    csv: tuple[str, ...] = ()

    OK: ClassVar[Shape]
    FILE: ClassVar[Shape]
    ANY: ClassVar[Shape]

    @classmethod
    def record(
        cls, root: str, *fields: Field, bare: bool = False, text: tuple[str, ...] = (), csv: tuple[str, ...] = ()
    ) -> Self:
        """Describe a reply of one record."""
        return cls(layout=Layout.RECORD, fields=fields, root=root, bare=bare, text=text, csv=csv)

    @classmethod
    def list_of(
        cls, root: str, item: str, *fields: Field, text: tuple[str, ...] = (), csv: tuple[str, ...] = ()
    ) -> Self:
        """Describe a reply of any number of records."""
        return cls(layout=Layout.LIST, fields=fields, root=root, item=item, text=text, csv=csv)

    @cached_property
    def by_wire(self) -> dict[str, Field]:
        """The fields by the gateway's names."""
        return {field.wire: field for field in self.fields}


Shape.OK = Shape(layout=Layout.OK)
Shape.FILE = Shape(layout=Layout.FILE)
Shape.ANY = Shape(layout=Layout.ANY)
