"""The gateway's time: our clock and sleep, the length of its minute, and its own rate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, tzinfo

import attrs


@attrs.frozen(kw_only=True)
class Moments:
    """
    Where the simulator takes time from.

    The log is written in ``now()`` (true time); what the gateway enforces goes by ``gateway_now(rate)``.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]
    minute: float  # seconds; tests make the minute shorter
    epoch: datetime  # the wall time at `zero`
    zero: float
    zone: tzinfo | None = None  # of the account; None: that of `epoch`

    def in_zone(self, zone: tzinfo | None) -> Moments:
        """Give the same time in an account's time zone."""
        return self if zone is self.zone else attrs.evolve(self, zone=zone)

    def now(self) -> float:
        """Give the true time in seconds."""
        return self.clock()

    def gateway_now(self, rate: float) -> float:
        """Give the time by the gateway's own clock, which runs at *rate* against ours."""
        return self.clock() * rate

    def minutes(self, count: float) -> float:
        """Give the length of *count* of the gateway's minutes, in seconds."""
        return count * self.minute

    def wall(self, moment: float) -> str:
        """Write *moment* as the gateway writes dates: ``DD.MM.YYYY hh:mm:ss``, in the account's time zone."""
        return self.date(moment).strftime("%d.%m.%Y %H:%M:%S")

    def short_wall(self, moment: float) -> str:
        """Write *moment* as callbacks do: ``DD.MM.YY hh:mm:ss``, in the account's time zone."""
        return self.date(moment).strftime("%d.%m.%y %H:%M:%S")

    def stamp(self, moment: float) -> int:
        """Write *moment* as whole seconds since 1970; an epoch without a time zone is taken for UTC."""
        return int(self.date(moment).timestamp())

    def date(self, moment: float) -> datetime:
        """Give *moment* as a date in the account's time zone."""
        date = self.epoch + timedelta(seconds=moment - self.zero)
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        return date if self.zone is None else date.astimezone(self.zone)

    def at(self, date: datetime) -> float:
        """Give the moment of *date*."""
        return self.zero + (date - self.date(self.zero)).total_seconds()
