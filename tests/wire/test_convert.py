"""Plain data becomes values, or a sentence that names every bad field."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import AvailableNumber, DownloadTask, NumberKind, Rental, TaskStatus
from smsc_async._convert import records as converting
from smsc_async._convert import structure
from smsc_async._wire import Field, Holds, Shape, Undecodable
from smsc_async.services.downloads import LIST
from smsc_async.services.numbers import AVAILABLE, RENT
from smsc_async.values import Listing, LocalTime

NUMBER: dict[str, Any] = {"phone": "380950000001", "type": 1, "cost": "1", "current_cost": "2", "info": "x"}
TASK: dict[str, Any] = {"id": 1, "name": "a", "status": "2", "created": "c", "time": "t", "file": "f"}


def numbers(*records: object) -> Listing[AvailableNumber]:
    return structure(list(records), AVAILABLE.reply, shape=AVAILABLE.shape)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"phone": "x"}, "phone of item 2 is not a phone"),
        ({"phone": None}, "phone of item 2 is not text"),
        ({"phone": ""}, "phone of item 2 is not a phone"),
        ({"phone": "１２３４５６７"}, "phone of item 2 is not a phone"),
        ({"phone": 1.5}, "phone of item 2 is not text"),
        ({"type": "1.0"}, "kind of item 2 is not a whole number"),
        ({"type": True}, "kind of item 2 is not a whole number"),
        ({"type": 1.0}, "kind of item 2 is not a whole number"),
        ({"type": None}, "kind of item 2 is not a whole number"),
        ({"type": " 1"}, "kind of item 2 is not a whole number"),
        ({"type": "１"}, "kind of item 2 is not a whole number"),
        ({"type": "1_0"}, "kind of item 2 is not a whole number"),
        ({"type": 2**63}, "kind of item 2 is not a whole number"),
        ({"type": []}, "kind of item 2 is not a whole number"),
        ({"cost": "1,5"}, "monthly_cost of item 2 is not an amount: digits, with a point before the fraction"),
        ({"cost": True}, "monthly_cost of item 2 is not an amount: digits, with a point before the fraction"),
        ({"cost": float("nan")}, "monthly_cost of item 2 is not an amount: digits, with a point before the fraction"),
        ({"cost": float("inf")}, "monthly_cost of item 2 is not an amount: digits, with a point before the fraction"),
        ({"cost": 1e22}, "monthly_cost of item 2 is not an amount: digits, with a point before the fraction"),
        ({"cost": {}}, "monthly_cost of item 2 is not an amount: digits, with a point before the fraction"),
        ({"info": ["x"]}, "info of item 2 is not text"),
        ({"info": True}, "info of item 2 is not text"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, object], problem: str) -> None:
    """The problem names our field, the item and what is wrong, and shows nothing of the value."""
    with pytest.raises(Undecodable) as caught:
        numbers(NUMBER, {**NUMBER, **changes})
    assert problem == str(caught.value)


def test_all_bad_fields_are_named_but_not_endlessly() -> None:
    """Every bad field is in the problem, up to five."""
    with pytest.raises(Undecodable) as caught:
        numbers({"type": "x", "cost": "y", "current_cost": "1", "info": "z"})
    expected = (
        "phone of item 1 is missing; kind of item 1 is not a whole number; "
        "monthly_cost of item 1 is not an amount: digits, with a point before the fraction"
    )
    assert expected == str(caught.value)
    with pytest.raises(Undecodable, match=r"^(.*?; ){5}and more$"):
        numbers(*[{}] * 1000)


def test_a_bad_record_is_named_without_a_number() -> None:
    """Where there is only one record there is nothing to count."""
    with pytest.raises(Undecodable, match=r"^cost is missing$"):
        structure({}, RENT.reply, shape=RENT.shape, known={"phone": "380950000001"})


def test_the_error_brings_no_chain() -> None:
    """What cattrs said is not shown: it holds the values."""
    with pytest.raises(Undecodable) as caught:
        numbers({**NUMBER, "phone": "secret"})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_the_request_knows_goes_first() -> None:
    """A known field comes from the request, even if the reply has one of its name; others come from the reply."""
    plain = {"cost": "5", "phone": "1", "other": "x"}
    rental = structure(plain, RENT.reply, shape=RENT.shape, known={"phone": "380950000001"})
    assert Rental(phone="380950000001", cost=Decimal(5)) == rental
    assert {"cost": "5", "phone": "1", "other": "x"} == plain


@pytest.mark.parametrize(
    ("shape", "plain", "expected"),
    [
        (Shape.OK, {"result": "OK"}, None),
        (Shape.ANY, {"a": [1]}, {"a": [1]}),
        (Shape.FILE, b"", None),
    ],
)
def test_some_shapes_have_no_class(shape: Shape, plain: object, expected: object) -> None:
    """OK is nothing, and what is not described stays plain."""
    assert expected == structure(plain, object, shape=shape)


def test_optional_fields_may_be_missing_empty_or_null() -> None:
    """A task's dates and file are None where the gateway leaves them out, empty, or null."""
    bare = {"id": 1, "name": "a", "status": 0}
    blank = {**bare, "created": "", "time": "", "file": ""}
    null = {**bare, "created": None, "time": None, "file": None}
    expected = DownloadTask(id=1, name="a", status=TaskStatus.WAITING)
    assert [expected] * 3 == structure([bare, blank, null], LIST.reply, shape=LIST.shape)


def test_a_list_may_be_named_by_its_items() -> None:
    """The class of an item serves as well as the listing of it."""
    found: object = structure([NUMBER], AvailableNumber, shape=AVAILABLE.shape)
    assert (Listing, numbers(NUMBER)) == (type(found), found)


@attrs.frozen(kw_only=True)
class Moment:
    """A class of another noun, with what the present ones do not need."""

    at: datetime
    number: int
    text: str
    twice: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "twice", self.number * 2)


MOMENTS = Shape.list_of("list", "moment", Field("ts", attribute="at"), Field("number", Holds.INTEGER), Field("text"))


def test_a_class_with_an_init_of_its_own_is_made_by_it() -> None:
    """Lists of classes that do more than keep their fields are made record by record."""
    expected = Moment(at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), number=3, text="5")
    records = [{"ts": 1700000000, "number": "3", "text": 5}, {"ts": "1700000000", "number": 3, "text": "5"}]
    found: Any = structure(records, Moment, shape=MOMENTS)
    assert [expected] * 2 == found
    assert [6, 6] == [moment.twice for moment in found]


@pytest.mark.parametrize("stamp", ["", "x", 1e9, True, 2**62, "-99999999999999", None])
def test_what_is_no_unix_time_is_refused(stamp: object) -> None:
    """A moment must be a number of seconds that a calendar has."""
    with pytest.raises(Undecodable, match=r"^at of item 1 is not a Unix time in seconds$"):
        structure([{"ts": stamp, "number": 1, "text": ""}], Moment, shape=MOMENTS)


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        1,
        "1",
        2,
        "2",
        7,
        "7",
        True,
        None,
        1.0,
        "",
        "1.50",
        "1.5",
        "1.",
        "1\n2",
        "380950000001\n380950000002",
        "\n",
        1.5,
        "x",
        10**30,
        "1e3",
        [],
        {},
    ]
)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={name: VALUES | st.just(NUMBER[name]) for name in NUMBER}) | st.just(NUMBER),
        max_size=5,
    )
)
def test_the_quick_way_agrees_with_cattrs(records: list[dict[str, object]]) -> None:
    """Field by field and record by record, the same values come out, or the same are refused."""
    build = converting._recorder(converting._QUICK, AvailableNumber, AVAILABLE.shape)
    try:
        expected: object = [build(record) for record in records]
    except (ValueError, TypeError, KeyError):
        expected = "undecodable"
    try:
        found: object = numbers(*records)
    except Undecodable:
        found = "undecodable"
    assert expected == found


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={name: VALUES | st.just(TASK[name]) for name in TASK}) | st.just(TASK),
        max_size=5,
    )
)
def test_the_quick_way_agrees_with_cattrs_on_optional_fields(records: list[dict[str, object]]) -> None:
    """The same, for a class with fields that may be missing."""
    build = converting._recorder(converting._QUICK, DownloadTask, LIST.shape)
    try:
        expected: object = [build(record) for record in records]
    except (ValueError, TypeError, KeyError):
        expected = "undecodable"
    try:
        found: object = structure(records, LIST.reply, shape=LIST.shape)
    except Undecodable:
        found = "undecodable"
    assert expected == found


def test_what_is_made_quickly_is_a_whole_value() -> None:
    """A value out of a list compares, hashes, copies, pickles and is frozen like one made by its class."""
    (made,) = numbers(NUMBER)
    expected = AvailableNumber(
        phone="380950000001", kind=NumberKind.VIRTUAL, monthly_cost=Decimal(1), current_cost=Decimal(2), info="x"
    )
    assert expected == made
    assert {expected: "x"}[made] == "x"
    assert repr(expected) == repr(made)
    assert expected == pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == attrs.evolve(made)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.phone = ""  # type: ignore[misc]


def test_local_times_stay_as_they_came() -> None:
    """A date is kept as text, whatever it holds."""
    (task,) = structure([TASK], LIST.reply, shape=LIST.shape)
    assert (LocalTime("c"), LocalTime("t")) == (task.created, task.started)
