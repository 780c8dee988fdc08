"""What the gateway enforces with error 9: so many requests a minute, and fewer than fifteen at once."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable
from typing import Final

import attrs

from smsc_async.simulator.switches import Switches

#: "at an attempt to send fifteen and more requests at once from different connections under one login"
#: (https://smsc.ua/api/http/miscellaneous/receive/): the fifteenth in flight is refused.
REFUSED_IN_FLIGHT: Final = 15

#: A minute compares whole seconds where the rounding is "floor"; tests make both shorter.
TICKS_A_MINUTE: Final = 60

#: How often stale windows are swept out: one admission in so many.
SWEEP_EVERY: Final = 1024


@attrs.frozen
class Limit:
    """
    More than *requests* within a minute are refused: of identical ones, or of any of the action.

    With a *scope* requests of other actions of the endpoint are counted too, those whose limits have the same one.
    """

    requests: int
    identical: bool = True
    scope: str | None = None


class Windows:
    """True sliding windows: per key the moments at which requests were counted."""

    def __init__(self, minute: float) -> None:
        self._minute = minute
        self._counted: defaultdict[Hashable, deque[float]] = defaultdict(deque)
        self._admissions = 0

    def __repr__(self) -> str:
        return f"<Windows of {self._minute:g} s, {len(self._counted)} keys>"

    def holds(self, key: Hashable, now: float, switches: Switches) -> int:
        """Give how many requests of *key* still count at *now*."""
        counted = self._counted.get(key)
        if not counted:
            return 0
        while counted and now - counted[0] > 2 * self._minute:  # out of the window under every rounding
            counted.popleft()
        return sum(1 for moment in counted if self._counts(moment, now, switches))

    def full(self, key: Hashable, limit: Limit, now: float, switches: Switches) -> bool:
        """Tell whether one more request of *key* would be one too many."""
        return self.holds(key, now, switches) >= limit.requests

    def count(self, keys: Iterable[Hashable], now: float) -> None:
        """Count a request in the window of each of *keys*."""
        for key in keys:
            self._counted[key].append(now)
        self._admissions += 1
        if self._admissions % SWEEP_EVERY == 0:
            self._sweep(now)

    def clear(self) -> None:
        """Forget every request."""
        self._counted.clear()

    def _counts(self, moment: float, now: float, switches: Switches) -> bool:
        minute = self._minute
        if switches.rounding == "calendar":
            return math.floor(moment / minute) == math.floor(now / minute)
        if switches.rounding == "floor":
            tick = minute / TICKS_A_MINUTE
            age = math.floor(now / tick) - math.floor(moment / tick)
            return age <= TICKS_A_MINUTE if switches.inclusive else age < TICKS_A_MINUTE
        return now - moment <= minute if switches.inclusive else now - moment < minute

    def _sweep(self, now: float) -> None:
        stale = [key for key, counted in self._counted.items() if not counted or now - counted[-1] > 2 * self._minute]
        for key in stale:
            del self._counted[key]


class Slots:
    """Who is in flight, per login: from the moment a request is known until its answer was handed over, and a trail."""

    def __init__(self) -> None:
        self._active: defaultdict[Hashable, dict[int, float]] = defaultdict(dict)  # number -> when it stops counting

    def __repr__(self) -> str:
        return f"<Slots of {len(self._active)} logins>"

    def enter(self, login: Hashable, number: int) -> None:
        """Count request *number* as in flight."""
        self._active[login][number] = math.inf

    def leave(self, login: Hashable, number: int, until: float) -> None:
        """Let request *number* count until *until* and no longer."""
        active = self._active.get(login)
        if active is not None and number in active:
            active[number] = until

    def active(self, login: Hashable, now: float) -> int:
        """Give how many requests of *login* are in flight at *now*."""
        active = self._active.get(login)
        if not active:
            return 0
        for number in [number for number, until in active.items() if until <= now]:
            del active[number]
        return len(active)

    def clear(self) -> None:
        """Forget everybody in flight."""
        self._active.clear()
