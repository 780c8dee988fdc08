"""When a message is to go, and for how long it is good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.simulator import Moments
from smsc_async.simulator.times import send_moment, validity, zone_of

EPOCH = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
KYIV = timezone(timedelta(hours=3))


async def never(_: float) -> None:
    """Nobody sleeps here."""


def moments(**options: Any) -> Moments:
    """Give a time that stands at half past twelve, 1000 s."""
    return Moments(clock=lambda: 1000.0, sleep=never, minute=60.0, epoch=EPOCH, zero=1000.0, **options)


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("", 0),
        ("0", 0),
        ("0105261231", 60),
        ("0205261230", 24 * 3600),
        ("0105261229", -60),
        (f"0{int(EPOCH.timestamp()) + 90}", 90),
        ("+5", 300),
        ("9-18", 0),
        ("13-15", 1800),
        ("9-12", 20.5 * 3600),
        ("22-13", 0),
        ("22-6", 9.5 * 3600),
        ("0-24", 0),
    ],
)
def test_every_form_of_a_time_is_read(text: str, later: float) -> None:
    """A date, a stamp, minutes from now, hours of the day, also beyond midnight."""
    assert later == pytest.approx(send_moment(text, None, moments(), 1000.0) - 1000.0)


def test_dates_are_in_the_accounts_zone_or_the_named_one() -> None:
    """``tz`` counts from Moscow; 0 is Moscow, and nothing is the account's own zone."""
    text = "0105261530"
    assert 3 * 3600 == send_moment(text, None, moments(), 1000.0) - 1000
    assert 0 == send_moment(text, None, moments(zone=KYIV), 1000.0) - 1000
    assert 0 == send_moment(text, zone_of("0"), moments(), 1000.0) - 1000
    assert 3600 == send_moment(text, zone_of("-1"), moments(zone=KYIV), 1000.0) - 1000
    assert -2 * 3600 == send_moment(text, zone_of("+2"), moments(), 1000.0) - 1000
    assert -2 * 3600 == send_moment(text, zone_of(" 2"), moments(), 1000.0) - 1000  # an unescaped plus
    assert zone_of("") is None


@pytest.mark.parametrize(
    "text", ["x", "3205261230", "0113261230", "0105262530", "9-9", "9-25", "-5", "+", "+x", "1", "010526", "1.5"]
)
def test_other_times_are_none(text: str) -> None:
    """Days and hours that do not exist, and what has another form."""
    with pytest.raises(ValueError):
        send_moment(text, None, moments(), 1000.0)


@given(st.integers(0, 99 * 365 * 24 * 60), st.integers(-12, 12))
def test_any_minute_of_the_century_can_be_named(minutes: int, offset: int) -> None:
    """In any zone; the moment is that minute's beginning."""
    zone = zone_of(str(offset))
    date = datetime(2000, 1, 1, tzinfo=zone) + timedelta(minutes=minutes)
    assert date == moments().date(send_moment(date.strftime("%d%m%y%H%M"), zone, moments(), 1000.0))


@pytest.mark.parametrize(
    ("text", "minutes"), [("", 1440), ("1", 60), ("24", 1440), ("00:01", 1), ("24:00", 1440), ("01:30", 90)]
)
def test_every_form_of_a_validity_is_read(text: str, minutes: float) -> None:
    """Hours, or hours and minutes; a day by default."""
    assert minutes == validity(text)


@pytest.mark.parametrize("text", ["0", "25", "00:00", "24:01", "1:30", "01:60", "x", "1.5", "-1"])
def test_other_validities_are_none(text: str) -> None:
    """Too short, too long, or of another form."""
    with pytest.raises(ValueError):
        validity(text)


@pytest.mark.parametrize("text", ["x", "nan", "inf", "99", "1e1", "++1"])
def test_other_zones_are_none(text: str) -> None:
    """No number, or too many hours."""
    with pytest.raises(ValueError):
        zone_of(text)
