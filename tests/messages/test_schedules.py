"""When messages are sent: each way to say it has one form on the wire, and nothing becomes another form."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._order import ordered
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.schedules import Hours, Spread, span, time_params

KYIV = ZoneInfo("Europe/Kyiv")
MOSCOW = timezone(timedelta(hours=3))
PHONE = "380671234567"


def hours(count: float) -> timezone:
    return timezone(timedelta(hours=count))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, {}),
        (datetime(2026, 1, 1, tzinfo=UTC), {"time": "01767225600"}),
        (datetime(2026, 1, 1, 2, tzinfo=KYIV), {"time": "01767225600"}),
        (datetime(2026, 1, 1, 3, tzinfo=MOSCOW), {"time": "01767225600"}),
        (datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC), {"time": "01767225600"}),
        (datetime(2026, 10, 25, 3, 30, tzinfo=KYIV), {"time": "01792888200"}),  # the hour that happens twice
        (datetime(2026, 10, 25, 3, 30, fold=1, tzinfo=KYIV), {"time": "01792891800"}),
        (timedelta(minutes=1), {"time": "+1"}),
        (timedelta(hours=2, minutes=3), {"time": "+123"}),
        (timedelta(days=365), {"time": "+525600"}),
        (Hours(9, 21), {"time": "9-21"}),
        (Hours(0, 24), {"time": "0-24"}),
        (Hours(22, 6), {"time": "22-6"}),
        (Hours(9, 21, MOSCOW), {"time": "9-21", "tz": "0"}),
        (Hours(9, 21, UTC), {"time": "9-21", "tz": "-3"}),
        (Hours(9, 21, hours(2)), {"time": "9-21", "tz": "-1"}),
        (Hours(9, 21, hours(6)), {"time": "9-21", "tz": "3"}),
        (Hours(9, 21, hours(-12)), {"time": "9-21", "tz": "-15"}),
        (Hours(9, 21, hours(14)), {"time": "9-21", "tz": "11"}),
    ],
)
def test_a_moment_is_written_as_the_page_says(at: Any, expected: dict[str, str]) -> None:
    """A moment is Unix time behind a zero, a span minutes behind a plus, hours a range and Moscow's zone is 0."""
    assert expected == time_params(at)
    assert expected == {name: ordered(PHONE, "x", at=at).params.get(name) for name in expected}


class _Lost(tzinfo):
    """A time zone that does not know its own offset, so that what it is put on is not aware."""

    def utcoffset(self, _: object) -> None:
        return None

    def tzname(self, _: object) -> str:
        return "?"

    def dst(self, _: object) -> None:
        return None


@pytest.mark.parametrize("at", [datetime(2030, 1, 1), datetime(2030, 1, 1, tzinfo=_Lost())])  # noqa: DTZ001 - naive on purpose
def test_a_moment_without_a_zone_is_refused(at: datetime) -> None:
    """Nobody knows when it is, so nothing is sent; a zone without an offset is none."""
    with pytest.raises(InvalidArgument, match=r"^at: must be an aware datetime"):
        time_params(at)


@pytest.mark.parametrize(
    "at", [timedelta(), timedelta(seconds=59), timedelta(minutes=-5), timedelta(days=365, seconds=1), timedelta.max]
)
def test_a_span_out_of_bounds_is_refused(at: timedelta) -> None:
    """A span is a minute to a year from now."""
    with pytest.raises(InvalidArgument, match=r"^at: "):
        time_params(at)


@pytest.mark.parametrize(
    "at", ["now", "+5", 50, 1.5, True, date(2030, 1, 1), time(9), (9, 21), Spread(over=timedelta(hours=1))]
)
def test_what_is_no_moment_is_refused(at: Any) -> None:
    """Strings in the gateway's own forms, numbers and bare dates are refused by their type."""
    with pytest.raises(InvalidArgumentType, match=r"^at: "):
        time_params(at)


@pytest.mark.parametrize(
    ("values", "name"),
    [((9, 9), "last"), ((0, 0), "last"), ((-1, 5), "first"), ((25, 5), "first"), ((5, 25), "last"), ((5, -1), "last")],
)
def test_hours_that_are_none_are_refused(values: tuple[int, int], name: str) -> None:
    """Hours are 0 to 24, and at least one of them."""
    with pytest.raises(InvalidArgument) as caught:
        Hours(*values)
    assert name == caught.value.name


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (("9", 21), "first"),
        ((9, 21.0), "last"),
        ((True, 21), "first"),
        ((9, None), "last"),
        ((9, 21, KYIV), "zone"),  # its offset changes twice a year
        ((9, 21, "Europe/Kyiv"), "zone"),
        ((9, 21, 2), "zone"),
    ],
)
def test_hours_of_another_type_are_refused(values: Any, name: str) -> None:
    """Hours are ints, and their zone one that has one offset."""
    with pytest.raises(InvalidArgumentType) as caught:
        Hours(*values)
    assert name == caught.value.name


@pytest.mark.parametrize("zone", [hours(5.5), hours(-3.5), hours(5.75), timezone(timedelta(hours=3, seconds=1))])
def test_a_zone_of_half_an_hour_is_refused(zone: timezone) -> None:
    """The gateway is told whole hours, so a zone between them is refused when the value is made."""
    with pytest.raises(InvalidArgument, match=r"^zone: must be a whole number of hours"):
        Hours(9, 21, zone)


@given(st.integers(-23, 23))
def test_a_zone_can_be_read_back(offset: int) -> None:
    """Moscow's three hours and what the gateway is told make the zone again."""
    assert offset == 3 + int(time_params(Hours(9, 21, hours(offset)))["tz"])


@given(st.datetimes(datetime(2001, 9, 10), datetime(2200, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - it adds zones
def test_a_moment_is_no_other_form(at: datetime) -> None:
    """Since 2001 a moment has more digits than a date, so it cannot be read as one; and it is that moment."""
    written = time_params(at)["time"]
    assert written[0] == "0"
    assert written[1:].isdigit()
    assert len(written) > len("DDMMYYhhmm")
    assert 0 <= (at - datetime.fromtimestamp(int(written), UTC)).total_seconds() < 1


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (Spread(over=timedelta(minutes=6)), {"period": "0.1"}),
        (Spread(over=timedelta(hours=1)), {"period": "1"}),
        (Spread(over=timedelta(hours=10)), {"period": "10"}),
        (Spread(over=timedelta(hours=100)), {"period": "100"}),
        (Spread(over=timedelta(hours=720)), {"period": "720"}),
        (Spread(over=timedelta(minutes=90)), {"period": "1.5"}),
        (Spread(over=timedelta(minutes=15)), {"period": "0.25"}),
        (Spread(over=timedelta(hours=2), every=timedelta(minutes=1)), {"period": "2", "freq": "1"}),
        (Spread(over=timedelta(hours=2), every=timedelta(days=1)), {"period": "2", "freq": "1440"}),
    ],
)
def test_a_spread_is_hours_and_minutes(spread: Spread, expected: dict[str, str]) -> None:
    """The whole is told in hours, the step in minutes, and no step is told where none was given."""
    assert expected == spread.params()
    assert expected == {name: ordered(PHONE, "x", spread=spread).params.get(name) for name in expected}


@given(st.timedeltas(timedelta(minutes=6), timedelta(hours=720)))
def test_a_spread_is_told_to_half_a_minute(over: timedelta) -> None:
    """What the gateway is told is at most 18 seconds off, within its bounds and no exponent."""
    period = Spread(over=over).params()["period"]
    assert set(period) <= set("0123456789.")
    assert 0.1 <= float(period) <= 720
    assert abs(float(period) * 3600 - over.total_seconds()) <= 18.001


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"over": timedelta(minutes=5, seconds=59)}, "over"),
        ({"over": timedelta(hours=720, seconds=1)}, "over"),
        ({"over": timedelta(hours=-1)}, "over"),
        ({"over": timedelta(hours=1), "every": timedelta(seconds=59)}, "every"),
        ({"over": timedelta(hours=1), "every": timedelta(days=1, seconds=1)}, "every"),
    ],
)
def test_a_spread_out_of_bounds_is_refused(values: dict[str, timedelta], name: str) -> None:
    """The bounds are the page's: 0.1 to 720 hours, 1 to 1440 minutes."""
    with pytest.raises(InvalidArgument) as caught:
        Spread(**values)
    assert name == caught.value.name


@pytest.mark.parametrize("value", [1, 1.5, "60", True, None, datetime(2030, 1, 1, tzinfo=UTC)])
def test_a_span_is_a_timedelta(value: Any) -> None:
    """Bare numbers are refused: nobody knows whether they are minutes."""
    with pytest.raises(InvalidArgumentType, match=r"^over: must be a timedelta"):
        Spread(over=value)
    with pytest.raises(InvalidArgumentType, match=r"^x: must be a timedelta"):
        span("x", value, timedelta(), timedelta.max)
