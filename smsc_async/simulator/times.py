"""When a message is to go and for how long it is good, in the forms that `send.php` takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from smsc_async.simulator.moments import Moments

#: What the times of ``tz`` are relative to; Moscow has had no summer time since 2014.
MOSCOW_HOURS: Final = 3

DATE: Final = re.compile(r"\d{10}", re.ASCII)
STAMP: Final = re.compile(r"0(\d{9,11})", re.ASCII)
WINDOW: Final = re.compile(r"(\d{1,2})-(\d{1,2})", re.ASCII)
MINUTES: Final = re.compile(r"\+(\d{1,6})", re.ASCII)
CLOCK: Final = re.compile(r"(\d{2}):(\d{2})", re.ASCII)
HOURS: Final = re.compile(r"\d{1,2}", re.ASCII)

OFFSET: Final = re.compile(r"[+-]?\d{1,2}(\.\d{1,2})?", re.ASCII)

DAY_MINUTES: Final = 24 * 60


def send_moment(text: str, zone: tzinfo | None, moments: Moments, now: float) -> float:
    """
    Give the moment that ``time`` names: ``DDMMYYhhmm``, hours ``h1-h2``, ``0`` and a stamp, ``+m`` minutes, 0 for now.

    Minutes are the gateway's; dates are the account's, or those of *zone*.

    Raises:
        ValueError: It is none of these, or there is no such day or hour.
    """
    if text in {"", "0"}:
        return now
    local = moments.date(now) if zone is None else moments.date(now).astimezone(zone)
    if DATE.fullmatch(text):
        day, month, year, hour, minute = (int(text[start : start + 2]) for start in range(0, 10, 2))
        return moments.at(datetime(2000 + year, month, day, hour, minute, tzinfo=local.tzinfo))
    if stamp := STAMP.fullmatch(text):
        return moments.at(datetime.fromtimestamp(int(stamp[1]), UTC))
    if later := MINUTES.fullmatch(text):
        return now + moments.minutes(int(later[1]))
    if window := WINDOW.fullmatch(text):
        return now + _until(local, int(window[1]), int(window[2]))
    raise ValueError("no time")


def zone_of(text: str) -> tzinfo | None:
    """
    Give the zone that ``tz`` names: hours more or less than Moscow's; None, the account's, where it is empty.

    Raises:
        ValueError: It is no number of hours, or too many.
    """
    if not text:
        return None
    if OFFSET.fullmatch(text.strip()) is None:  # an unescaped plus arrives as a space
        raise ValueError("no offset")
    return timezone(timedelta(hours=MOSCOW_HOURS + float(text)))


def validity(text: str) -> float:
    """
    Give the minutes for which a message is good: ``valid`` has hours, 1 to 24, or ``hh:mm`` of 00:01 to 24:00.

    Raises:
        ValueError: It is neither.
    """
    if not text:
        return DAY_MINUTES
    clock = CLOCK.fullmatch(text)
    if clock is not None and int(clock[2]) < 60:
        minutes = int(clock[1]) * 60 + int(clock[2])
    elif HOURS.fullmatch(text):
        minutes = int(text) * 60
    else:
        raise ValueError("no validity")
    if not 1 <= minutes <= DAY_MINUTES:
        raise ValueError("no validity")
    return minutes


def _until(local: datetime, first: int, last: int) -> float:
    """Give the seconds until an hour from *first* to *last*, which may lie beyond midnight."""
    if not (first <= 24 and last <= 24) or first == last:
        raise ValueError("no hours")
    hour = local.hour + local.minute / 60 + local.second / 3600 + local.microsecond / 3.6e9
    inside = first <= hour < last if first < last else hour >= first or hour < last
    return 0.0 if inside else (first - hour) % 24 * 3600
