"""The values that several nouns share: listings, local times, and enums that may grow."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import AvailableNumber, NumberKind, TaskStatus
from smsc_async.values import Listing, LocalTime, OpenIntEnum


def number(info: str) -> AvailableNumber:
    return AvailableNumber(
        phone="380950000001", kind=NumberKind.VIRTUAL, monthly_cost=Decimal(1), current_cost=Decimal("0.5"), info=info
    )


class Table(HTMLParser):
    """The cells of a table, row by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1][-1] += data


def test_a_listing_is_a_list() -> None:
    """It equals, sorts, extends and pickles like a list."""
    listing = Listing([3, 1, 2])
    assert [3, 1, 2] == listing
    assert [1, 2, 3] == sorted(listing)
    assert [3, 1, 2] == pickle.loads(pickle.dumps(listing))
    assert Listing is type(pickle.loads(pickle.dumps(listing)))


@pytest.mark.parametrize("part", [slice(None), slice(1, 2), slice(None, None, -1), slice(5, 9)])
def test_a_part_of_a_listing_is_a_listing(part: slice) -> None:
    """Slices, copies and deep copies keep the class."""
    listing = Listing([3, 1, 2])
    assert (Listing, [3, 1, 2][part]) == (type(listing[part]), listing[part])
    assert [Listing] * 3 == [type(listing.copy()), type(copy.copy(listing)), type(copy.deepcopy(listing))]


def test_a_listing_shows_one_item_a_line() -> None:
    """In a terminal each item has its line, and many items are cut short with their number."""
    assert "Listing([])" == repr(Listing())
    assert "Listing([\n  1,\n  'a',\n])" == repr(Listing([1, "a"]))
    lines = repr(Listing(range(1000))).splitlines()
    assert ["Listing([", "  0,", "  19,", "  ... 980 more,", "])"] == [lines[0], lines[1], *lines[-3:]]


def test_a_listing_that_holds_itself_can_be_shown() -> None:
    """Such a listing has no endless repr."""
    listing: Listing[object] = Listing()
    listing.append(listing)
    assert "Listing([\n  ...,\n])" == repr(listing)


def test_a_listing_is_a_table_in_a_notebook() -> None:
    """Fields are columns and values are escaped."""
    table = Table(Listing([number("<b>&\"'"), number("")])._repr_html_())
    expected = [
        ["phone", "kind", "monthly cost", "current cost", "info"],
        ["380950000001", "VIRTUAL", "1", "0.5", "<b>&\"'"],
        ["380950000001", "VIRTUAL", "1", "0.5", ""],
    ]
    assert expected == table.rows
    assert {"table", "caption", "tr", "td", "th"} == table.tags


@given(st.text(), st.text())
def test_no_text_breaks_out_of_the_table(info: str, other: str) -> None:
    """Whatever the gateway says stays inside its cell."""
    assert {"table", "caption", "tr", "td", "th"} == Table(Listing([number(info), number(other)])._repr_html_()).tags


def test_a_listing_of_other_things_is_a_table_too() -> None:
    """Items without fields have one column; none and very many items are counted."""
    assert [["1"], ["<2>"]] == Table(Listing(["1", "<2>"])._repr_html_()).rows
    assert "<table><caption>0 items</caption></table>" == Listing()._repr_html_()
    assert "<caption>1 item</caption>" in Listing([1])._repr_html_()
    table = Listing(range(1000))._repr_html_()
    assert "<caption>1000 items, the first 100 shown</caption>" in table
    assert 100 == len(Table(table).rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01.02.2025 10:05:59", datetime(2025, 2, 1, 10, 5, 59, tzinfo=UTC)),
        ("01.02.25 10:05:59", datetime(2025, 2, 1, 10, 5, 59, tzinfo=UTC)),
        ("01.02.2025 10:05", datetime(2025, 2, 1, 10, 5, tzinfo=UTC)),
        ("01.02.25 10:05", datetime(2025, 2, 1, 10, 5, tzinfo=UTC)),
        (" 29.02.2024 23:59:59\n", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_local_time_becomes_aware(text: str, expected: datetime) -> None:
    """Each way in which the gateway writes a moment is read, in the zone that is given."""
    assert expected == LocalTime(text).at(UTC)


def test_a_local_time_is_in_the_zone_that_is_given() -> None:
    """The same text is another moment in another zone, summer time included."""
    kyiv = ZoneInfo("Europe/Kyiv")
    winter, summer = LocalTime("01.02.2025 10:00:00").at(kyiv), LocalTime("01.07.2025 10:00:00").at(kyiv)
    assert [timedelta(hours=2), timedelta(hours=3)] == [winter.utcoffset(), summer.utcoffset()]
    twice = LocalTime("26.10.2025 03:30:00").at(kyiv)
    assert timedelta(hours=3) == twice.utcoffset()  # the first of the two


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-02-01 10:00:00",
        "01.02.2025",
        "30.02.2025 10:00:00",
        "01.13.2025 10:00:00",
        "01.02.2025 24:00:00",
        "01.02.2025 10:60:00",
        "1.2.2025 10:00:00",
        "01.02.025 10:00:00",
        "01.02.2025 10:00:00 UTC",
        "０1.02.2025 10:00:00",
        "00.00.0000 00:00:00",
        "01.02.2025T10:00:00",
    ],
)
def test_what_is_no_moment_is_a_clear_error(text: str) -> None:
    """The error shows the text and the form that was expected."""
    with pytest.raises(ValueError, match=r"is not a moment"):
        LocalTime(text).at(UTC)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    """Whatever the gateway wrote, asking for the moment raises nothing else."""
    try:
        moment = LocalTime(text).at(UTC)
    except ValueError:
        return
    assert moment.tzinfo is UTC


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001 - made aware below
def test_a_moment_comes_out_as_it_went_in(moment: datetime) -> None:
    """Writing a moment in the gateway's form and reading it gives it back."""
    expected = moment.replace(microsecond=0, tzinfo=UTC)
    assert [expected] * 2 == [
        LocalTime(f"{expected:%d.%m.%Y %H:%M:%S}").at(UTC),
        LocalTime(f"{expected:%d.%m.%y %H:%M:%S}").at(UTC),
    ]


@pytest.mark.parametrize("zone", [None, "Europe/Kyiv", 2])
def test_a_zone_is_needed(zone: tzinfo) -> None:
    """Without a zone there is no moment, only a text."""
    with pytest.raises(TypeError, match="zone"):
        LocalTime("01.02.2025 10:00:00").at(zone)


def test_a_local_time_is_a_value() -> None:
    """It shows its text, compares and hashes by it, pickles, and cannot be changed."""
    moment = LocalTime("01.02.2025 10:00:00")
    assert "01.02.2025 10:00:00" == str(moment)
    assert "LocalTime(text='01.02.2025 10:00:00')" == repr(moment)
    assert {moment} == {LocalTime("01.02.2025 10:00:00")}
    assert moment == pickle.loads(pickle.dumps(moment))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        moment.text = ""  # type: ignore[misc]


def test_an_unknown_number_is_a_member() -> None:
    """It compares, hashes, sorts, names itself and pickles like a listed one."""
    unknown = NumberKind(7)
    assert (7, "UNKNOWN_7", 7) == (unknown, unknown.name, unknown.value)
    assert isinstance(unknown, NumberKind)
    assert {7: "x"}[unknown] == "x"
    assert {unknown} == {NumberKind(7)}
    assert NumberKind(7) == unknown != NumberKind(8)
    assert [NumberKind.VIRTUAL, unknown] == sorted([unknown, NumberKind.VIRTUAL])
    assert ["NumberKind.UNKNOWN_7"] * 3 == [str(unknown), repr(unknown), f"{unknown}"]
    assert "UNKNOWN_MINUS_3" == TaskStatus(-3).name
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert unknown == pickle.loads(pickle.dumps(unknown, protocol))
    assert (unknown, NumberKind) == (copy.deepcopy(unknown), type(copy.copy(unknown)))


def test_a_known_number_is_its_member() -> None:
    """Listed members stay what they are, in lookups and in texts."""
    assert NumberKind.VIRTUAL is NumberKind(1)
    assert NumberKind.VIRTUAL is pickle.loads(pickle.dumps(NumberKind.VIRTUAL))
    assert "NumberKind.VIRTUAL" == str(NumberKind.VIRTUAL) == repr(NumberKind.VIRTUAL)
    assert "  NumberKind.VIRTUAL" == f"{NumberKind.VIRTUAL:>20}"
    assert [1, 2, 4] == list(NumberKind)


@pytest.mark.parametrize("value", ["1", 1.5, None, "VIRTUAL", b"x"])
def test_what_is_no_number_is_no_member(value: Any) -> None:
    """Only numbers make members."""
    with pytest.raises(ValueError, match="is not a valid NumberKind"):
        NumberKind(value)


def test_unknown_members_are_not_listed() -> None:
    """Iterating gives the documented members, however many unknown numbers were seen."""

    class Colour(OpenIntEnum):
        RED = 1

    seen = [Colour(number) for number in range(10_000)]
    assert [Colour.RED] == list(Colour)
    assert 10_000 == len(set(seen))
    assert 1 == len(Colour._value2member_map_)


@pytest.mark.parametrize(("kind", "expected"), [(1, True), (4, True), (2, False), (7, False)])
def test_a_number_is_virtual_or_not(kind: int, expected: bool) -> None:
    """The vendor has two kinds of virtual numbers."""
    assert expected is NumberKind(kind).is_virtual
