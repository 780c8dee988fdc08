"""When messages are sent: at a moment, in some hours of the day, or spread over a while."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

import attrs

from smsc_async._checks import number
from smsc_async.errors import InvalidArgument, InvalidArgumentType

__all__ = ["Hours", "Spread", "span", "time_params"]

_MOSCOW: Final = timedelta(hours=3)  # what "tz" counts from
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=365)


def span(name: str, value: object, least: timedelta, most: timedelta) -> timedelta:
    """Give a time that is within bounds."""
    if not isinstance(value, timedelta):
        raise InvalidArgumentType(name, f"must be a timedelta, not {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidArgument(name, f"must be {least} to {most}")
    return value


@attrs.frozen
class Hours:
    """Hours of the day in which a message may be sent, such as ``Hours(9, 21)``."""

    first: int
    last: int
    zone: timezone | None = None  # whose hours; those of the account's settings where it is None

    def __attrs_post_init__(self) -> None:
        """Check them."""
        for name, value in (("first", self.first), ("last", self.last)):
            number(0, 24)(name, value)
        if self.first == self.last:
            raise InvalidArgument("last", "must differ from the first hour")
        if self.zone is not None and not isinstance(self.zone, timezone):
            raise InvalidArgumentType("zone", "must be a datetime.timezone with a whole number of hours")
        if self.zone is not None and self.zone.utcoffset(None) % timedelta(hours=1):
            raise InvalidArgument("zone", "must be a whole number of hours from UTC")

    def params(self) -> dict[str, str]:
        """Give what the gateway is told."""
        found = {"time": f"{self.first}-{self.last}"}
        if self.zone is not None:
            found["tz"] = str((self.zone.utcoffset(None) - _MOSCOW) // timedelta(hours=1))
        return found


@attrs.frozen(kw_only=True)
class Spread:
    """Send to many over a while, and not at once."""

    over: timedelta  # 6 minutes to 720 hours
    every: timedelta | None = None  # 1 minute to a day between two portions; the gateway's own is an hour

    def __attrs_post_init__(self) -> None:
        """Check them."""
        span("over", self.over, timedelta(minutes=6), timedelta(hours=720))
        if self.every is not None:
            span("every", self.every, _MINUTE, _DAY)

    def params(self) -> dict[str, str]:
        """Give what the gateway is told."""
        hours = self.over / timedelta(hours=1)
        found = {"period": f"{hours:.2f}".rstrip("0").rstrip(".")}
        if self.every is not None:
            found["freq"] = str(int(self.every / _MINUTE))
        return found


def time_params(at: object) -> dict[str, str]:
    """Give what the gateway is told of when to send."""
    match at:
        case None:
            return {}
        case datetime():
            if at.utcoffset() is None:
                raise InvalidArgument("at", "must be an aware datetime: say in which time zone it is")
            return {"time": f"0{int(at.timestamp())}"}
        case timedelta():
            minutes = int(span("at", at, _MINUTE, _LONGEST) / _MINUTE)
            return {"time": f"+{minutes}"}
        case Hours():
            return at.params()
        case _:
            problem = f"must be an aware datetime, a timedelta from now or Hours, not {type(at).__name__}"
            raise InvalidArgumentType("at", problem)
