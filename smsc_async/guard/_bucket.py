"""
One limit's tokens: how many are out, when each comes home, and who waits for one.

A token is *reserved* for the first in line while that call still lacks something else, *out* from just before the
request may leave, and then *resting* until its moment of coming home. Pure: moments come in as arguments.
"""

from __future__ import annotations

import enum
import heapq
from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from smsc_async.guard._records import Ticket

__all__ = ["FOREVER", "Reason", "Recovery", "Rule", "TokenBucket"]

FOREVER: Final = float("inf")
_NOTHING: Final[Any] = ()  # in place of an empty list: there are as many buckets as waiting calls
_NO_CLAIMS: Final[Any] = ()


class Reason(enum.Enum):
    """What a waiting call waits for."""

    IDENTICAL = "identical requests"  # the limit on requests that the gateway calls identical
    ACTION = "requests of this action"  # the limit on any request of an action
    FENCE = "requests that nobody remembers"  # the guard's state was lost, and they could still count
    SUBJECT = "an earlier paid call on the same phone"
    DOWNLOADS = "downloads in progress"  # they may hold only a few slots
    REFUSED = "messages that were refused"  # the hundredth in a row would block the address
    PROBATION = "credentials not accepted yet"  # one call at a time
    SLOTS = "requests in flight"  # the fifteenth would be refused


@attrs.frozen(eq=False)
class Rule:
    """
    What a bucket holds its calls to; shared by all buckets of an endpoint's limit.

    Args:
        endpoint: Whose limit it is.
        reason: What a call waits for when no token is free.
        n: The number of tokens.
        rests: Whether a token rests for the gateway's minute after the reply, or is home at once.
    """

    endpoint: str
    reason: Reason
    n: int
    rests: bool = True


class Recovery:
    """
    A bucket's capacity after the gateway refused: nothing until a moment, little after it, and a token more a window.
    """

    __slots__ = ("base", "blocked_until", "rises_from", "strikes")

    def __init__(self, blocked_until: float, base: int, rises_from: float) -> None:
        self.blocked_until: float = blocked_until
        self.base: int = base
        self.rises_from: float = rises_from  # FOREVER until the probe has come back good
        self.strikes: int = 1

    def capacity(self, now: float, window: float) -> int:
        """Give how many tokens there are at *now*, not counting the bucket's own limit."""
        if now < self.blocked_until:
            return 0
        if now < self.rises_from:
            return self.base
        return self.base + self._steps(now, window)

    def next_rise(self, now: float, window: float) -> float:
        """Give the next moment after *now* at which the capacity grows by itself."""
        if now < self.blocked_until:
            return self.blocked_until
        if self.rises_from == FOREVER:
            return FOREVER
        return self.rises_from + (self._steps(now, window) + 1) * window

    def _steps(self, now: float, window: float) -> int:
        # The nudge keeps a step from being missed at its own moment by a rounding of the division.
        return max(int((now - self.rises_from) / window + 1e-9), 0)


class TokenBucket:
    """The tokens of one rule and key."""

    __slots__ = (
        "alarm",
        "claims",
        "held",
        "homes",
        "key",
        "line",
        "out",
        "recovery",
        "reserved",
        "rule",
        "waiting",
        "window",
    )

    def __init__(self, key: bytes, rule: Rule, window: float) -> None:
        self.key: bytes = key
        self.rule: Rule = rule
        self.window: float = window  # the time a token rests, margin included; also the step of a recovery
        # Sorted: when each resting token comes home. Lists are made when something comes into them.
        self.homes: list[float] = _NOTHING
        self.held: int = 0  # calls that refer to it, in flight or in whatever line; it is not forgotten before them
        self.out: int = 0
        self.reserved: int = 0
        self.recovery: Recovery | None = None
        self.line: list[tuple[int, Ticket]] = _NOTHING  # a heap by ticket number; tickets that left are skipped
        self.waiting: int = 0  # live tickets in the line
        self.alarm: float = FOREVER  # the moment at which the policy will look at the line again
        # Of other processes: since when the first in line there waits, and until when that counts.
        self.claims: dict[str, tuple[float, float]] = _NO_CLAIMS

    def free(self, now: float) -> int:
        """Give the number of tokens that a call may take at *now*; below one is none."""
        homes = self.homes
        if homes and homes[0] <= now:
            del homes[: bisect_right(homes, now)]
        capacity = self.rule.n if self.recovery is None else self.capacity(now)
        return capacity - self.out - self.reserved - len(homes)

    def capacity(self, now: float) -> int:
        """Give the number of tokens at *now*, those that are out included."""
        recovery = self.recovery
        if recovery is None:
            return self.rule.n
        capacity = recovery.capacity(now, self.window)
        if capacity < self.rule.n:
            return capacity
        self.recovery = None
        return self.rule.n

    def rest_until(self, home: float) -> None:
        """Note that a token which was out comes home at *home*."""
        if self.homes:
            insort(self.homes, home)
        else:
            self.homes = [home]

    def enter(self, ticket: Ticket) -> None:
        """Put *ticket* in line by its number."""
        ticket.place = self
        ticket.entry = (ticket.number, ticket)
        if self.line:
            heapq.heappush(self.line, ticket.entry)
        else:
            self.line = [ticket.entry]
        self.waiting += 1

    def call_next(self) -> Ticket:
        """Take the first live ticket out of the line; somebody is waiting."""
        ticket = self.first()
        heapq.heappop(self.line)
        ticket.place = ticket.entry = None
        self.waiting -= 1
        return ticket

    def first(self) -> Ticket:
        """Give the first live ticket in line; somebody is waiting."""
        while self.line[0][1].entry is not self.line[0]:
            heapq.heappop(self.line)
        return self.line[0][1]

    def claims_before(self, moment: float) -> int:
        """Give how many processes have a call in line that came before *moment*."""
        return sum(since < moment for since, _ in self.claims.values()) if self.claims else 0

    def leave(self, ticket: Ticket) -> None:
        """Forget a *ticket* in line; its entry is skipped later, and swept when most entries are such."""
        ticket.place = ticket.entry = None
        ticket.alarm = FOREVER
        self.waiting -= 1
        if len(self.line) > 2 * self.waiting + 8:
            self.line = [entry for entry in self.line if entry[1].entry is entry]
            heapq.heapify(self.line)

    def in_line(self) -> list[Ticket]:
        """Give the tickets in line, in no order."""
        return [entry[1] for entry in self.line if entry[1].entry is entry]

    def next_change(self, now: float) -> float:
        """Give the next moment after *now* at which a token comes by itself, or FOREVER."""
        home = self.homes[0] if self.homes else FOREVER
        return home if self.recovery is None else min(home, self.recovery.next_rise(now, self.window))

    def earliest(self, now: float, ahead: int) -> tuple[float, float]:
        """
        Give a lower bound of the moment at which a call with *ahead* calls before it may take a token.

        Those before it are taken to be sent, and to be answered at once. The second moment is the one from which on
        the bound grows, as long as the call whose token is waited for stays unanswered; FOREVER if it does not.
        """
        self.free(now)  # drops what has come home
        n, homes = self.rule.n, self.homes
        # After a refusal there are fewer tokens for a while; a lower bound takes them to be back after the pause.
        begin = now if self.recovery is None else max(now, self.recovery.blocked_until)
        if not self.rule.rests:  # as a slot: whoever has one, or gets one before, may give it back this moment
            return (max(begin, homes[-n]) if len(homes) >= n else begin), FOREVER
        busy = self.out + self.reserved
        known = [begin] * (n - busy - len(homes)) + [max(home, begin) for home in homes]
        # A token that is out now comes home a rest after now at the earliest.
        out = [max(now + self.window, begin)] * busy
        # More may be out than there are tokens, after these were made fewer.
        moment, again = _counted(sorted(known + out)[-n:], ahead, self.window)
        if busy and (not known or _counted(known, ahead, self.window)[0] > moment):
            return moment, now  # it counts on a token that is out
        return moment, again

    def forgettable_at(self, now: float) -> float:
        """Give the moment from which on forgetting an idle bucket forgets nothing."""
        home = self.homes[-1] if self.homes else now
        # A probe matters only as long as calls keep coming: a quiet window after the pause ends the matter.
        return home if self.recovery is None else max(home, self.recovery.blocked_until + self.window)


def _counted(moments: list[float], ahead: int, rest: float) -> tuple[float, float]:
    """
    Give when a token may be taken of some that come home at *moments*, once *ahead* calls have taken one each.

    The second moment is when a token that this counts on was taken first; FOREVER if none is taken twice.
    """
    moments.sort()
    again = FOREVER
    while ahead and moments[-1] > moments[0] + rest:  # one rests so long because an answer never came
        again = min(again, moments[0])
        insort(moments, moments.pop(0) + rest)
        ahead -= 1
    turn, place = divmod(ahead, len(moments))
    return moments[place] + turn * rest, min(again, moments[place]) if turn else again
