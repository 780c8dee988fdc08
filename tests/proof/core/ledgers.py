"""What the gateway may hold against us, at worst: a ledger for each key, account, credential and origin."""

from __future__ import annotations

from bisect import insort
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.proof.core.world import Key

__all__ = [
    "EPSILON",
    "FOREVER",
    "LINGER",
    "MAX_STRIKES",
    "TOLERANCE",
    "KeyLedger",
    "OriginLedger",
    "PartyLedger",
    "RowLedger",
    "SlotLedger",
    "Tolerance",
    "Violation",
    "crashes_told",
]

FOREVER: Final = float("inf")
EPSILON: Final = 1e-6  # seconds; what sums of floats may differ by. The grids of time are far coarser.

# The vendor's numbers, and design.md's; written out here on purpose, apart from the guard's own.
LINGER: Final = 0.25  # a slot trails its answer so long after "too many concurrent requests"
STRIKE_MEMORY: Final = 1800.0  # authorisation errors are remembered for half an hour ...
MAX_STRIKES: Final = 4  # ... and the fifth blocks the address
FIRST_PAUSE: Final = 600.0
NEXT_PAUSE: Final = 1800.0
MAX_PENALTY: Final = 8  # windows


@attrs.frozen
class Tolerance:
    """How many messages in a row a gateway refuses before it blocks the address, and for how long it remembers each."""

    refusals: int  # one more blocks
    memory: float  # seconds


TOLERANCE: Final = Tolerance(99, 601.5)  # "100 erroneous requests in a row within 10 minutes", and a margin


class Violation(AssertionError):
    """A promise was broken; the message says which, the runner adds how to see it again."""


@contextmanager
def crashes_told(where: str, *moves: object) -> Generator[None]:
    """Take a crash for a broken promise, and say of either how to see it again."""
    try:
        yield
    except Exception as error:
        broken = error if isinstance(error, Violation) else Violation(f"crash: {error!r}")
        broken.add_note(f"{where}: {', then '.join(map(str, moves))}" if moves else where)
        if broken is error:
            raise
        raise broken from error


def drop_past(moments: list[float], now: float) -> int:
    """Drop the moments that have come; give how many are left."""
    while moments and moments[0] <= now + EPSILON:
        del moments[0]
    return len(moments)


class KeyLedger:
    """One key: requests that may be counted at any moment from now on, or that may still lie in a window."""

    __slots__ = ("blocked_until", "homes", "key", "live", "out", "rises_from", "strikes")

    def __init__(self, key: Key) -> None:
        self.key: Key = key
        self.out = 0  # admitted, not ended
        self.homes: list[float] = []  # sorted: until when each ended one may lie in a window with a new one
        self.live = 0  # calls in flight or in line that need it
        self.strikes = 0  # refusals as a duplicate that are not made good yet
        self.blocked_until = -FOREVER
        self.rises_from = FOREVER

    def admit(self, n: int, now: float, rest: float) -> int:
        """Count one more request; give how many a window may hold now."""
        count = self.out + drop_past(self.homes, now)
        if count >= n:
            raise Violation(f"window: key {self.key.name!r} may count {count + 1}, and {n} are allowed")
        if self.strikes and self._allowed(now, rest) <= count:
            raise Violation(f"penalty: key {self.key.name!r} was refused as a duplicate, and is asked too soon again")
        self.out += 1
        return count + 1

    def end(self, home: float, then: float) -> None:
        """Note that a request matters until *home*."""
        self.out -= 1
        if home > then:
            insort(self.homes, home)

    def refuse(self, granted_at: float, then: float, rest: float, window: float) -> None:
        """Note a refusal as a duplicate: a pause, then one probe; twice as long whenever the probe is refused."""
        if not self.strikes or self._allowed(then, rest) >= self.key.n:
            self.strikes = 1
            self.blocked_until = then + rest
        else:
            self.strikes += granted_at >= self.blocked_until
            pause = min(2.0 ** (self.strikes - 1) * rest, MAX_PENALTY * window)
            self.blocked_until = max(self.blocked_until, then + pause)
        self.rises_from = FOREVER

    def accept(self, granted_at: float, then: float) -> bool:
        """Note an answer that was no refusal; tell whether it was the probe's."""
        if self.strikes and granted_at >= self.blocked_until:
            self.rises_from = min(self.rises_from, then)
            return True
        return False

    def ask(self, now: float, rest: float) -> None:
        """Note that a call needs it. A window without calls after the pause ends the matter."""
        if self.strikes and not self.live:
            quiet = max(self.homes[-1] if self.homes else now, self.blocked_until + rest)
            if now >= quiet - EPSILON:
                self.strikes = 0
        self.live += 1

    def _allowed(self, now: float, rest: float) -> int:
        if now < self.blocked_until - EPSILON:
            return 0
        if now < self.rises_from:
            return 1
        allowed = 1 + int((now - self.rises_from) / rest + EPSILON)
        if allowed >= self.key.n:
            self.strikes = 0
        return allowed


class SlotLedger:
    """One account: requests that the gateway may be working on."""

    __slots__ = ("base", "cut_at", "flying", "homes", "recovering", "rises_from")

    def __init__(self) -> None:
        self.flying = 0
        self.homes: list[float] = []  # sorted: until when ended ones may be worked on
        self.recovering = False
        self.base = 0
        self.rises_from = FOREVER
        self.cut_at = -FOREVER  # when they were halved last

    def allowed(self, now: float, most: int, window: float) -> int:
        """Give how many requests may be worked on at *now*."""
        if not self.recovering:
            return most
        allowed = self.base + max(int((now - self.rises_from) / window + EPSILON), 0)
        if allowed >= most:
            self.recovering = False
            return most
        return allowed

    def admit(self, now: float, most: int, window: float) -> int:
        """Take a slot; give how many are taken now."""
        taken = self.flying + drop_past(self.homes, now)
        allowed = self.allowed(now, most, window)
        if taken >= allowed:
            raise Violation(
                f"slots: {taken + 1} requests may be in flight at once, and {allowed} of {most} are allowed"
            )
        self.flying += 1
        return taken + 1

    def end(self, home: float, then: float) -> None:
        """Note that the slot may be in use until *home*."""
        self.flying -= 1
        if home > then:
            insort(self.homes, home)

    def refuse(self, granted_at: float, then: float, now: float, most: int, window: float) -> None:
        """Halve after "too many concurrent requests", once a burst; then one more each window without it."""
        allowed = self.allowed(then, most, window)
        if self.recovering and granted_at <= self.cut_at:  # admitted before the guard knew
            self.base = allowed
        else:
            self.base = max(allowed // 2, 1)
            self.cut_at = now
        self.recovering = True
        self.rises_from = then


class PartyLedger:
    """Who may be refused: a credential, or an origin as this address sees it. Unproven, one call at a time."""

    __slots__ = ("failures", "homes", "locked_at", "locked_until", "proven", "trying")

    def __init__(self, *, proven: bool) -> None:
        self.proven = proven
        self.trying = 0  # in flight, admitted while unproven
        self.homes: list[float] = []  # sorted: until when unanswered ones of these may be read
        self.failures = 0
        self.locked_at = -FOREVER
        self.locked_until = -FOREVER

    def admit(self, name: str, now: float) -> bool:
        """Let a call go; tell whether it is on probation."""
        if now < self.locked_until - EPSILON:
            raise Violation(f"lock: {name} is locked for {self.locked_until - now:g} s, and a call went")
        if self.proven:
            return False
        if self.trying + drop_past(self.homes, now):
            raise Violation(f"probation: a second call of {name} went before the first was accepted")
        self.trying += 1
        return True

    def end(self, home: float, then: float) -> None:
        """Note the end of a call that was on probation."""
        self.trying -= 1
        if home > then:
            insort(self.homes, home)

    def accept(self, granted_at: float, then: float) -> None:
        """Note an acceptance; one of a call from before the lock proves nothing."""
        if then >= self.locked_until and granted_at > self.locked_at:
            self.failures = 0
            self.proven = True

    def trip(self, then: float) -> None:
        """Note a refusal; those of one burst count once."""
        if then >= self.locked_until:
            self.failures += 1
            self.lock(then, then + (NEXT_PAUSE if self.failures > 1 else FIRST_PAUSE))

    def lock(self, then: float, until: float) -> None:
        """Lock until a moment; then it must prove itself."""
        self.locked_at = then
        self.locked_until = max(self.locked_until, until)
        self.proven = False


class RowLedger:
    """One gateway: messages that were refused, or may have been, and none that was taken came between."""

    __slots__ = ("out", "refused", "tolerance")

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self.out = 0  # in flight; each may be refused
        self.refused: list[float] = []  # sorted: until when each may have been refused

    def remembered(self, now: float) -> list[float]:
        """Give those that a message which goes now could be in one row with."""
        return [moment for moment in self.refused if moment + self.tolerance.memory > now + EPSILON]

    def admit(self, now: float) -> int:
        """Let a message go; give how many could be refused in a row now."""
        self.refused = self.remembered(now)
        row, most = self.out + len(self.refused) + 1, self.tolerance.refusals
        if row > most:
            raise Violation(f"row: {row} messages in a row could be refused, and {most + 1} block the address")
        self.out += 1
        return row

    def refuse(self, until: float) -> None:
        """Note that one was refused, or may have been, until a moment."""
        insort(self.refused, until)

    def take(self, granted_at: float) -> tuple[int, int]:
        """Note that one was taken; give how many came before it for sure, and how many are in a row still."""
        before = len(self.refused)
        self.refused = [until for until in self.refused if until >= granted_at]
        return before - len(self.refused), len(self.refused)


class OriginLedger(PartyLedger):
    """One gateway: it remembers authorisation errors, and each call on probation could be one."""

    __slots__ = ("blocked_until", "row", "strikes", "trials", "trials_home")

    def __init__(self, tolerance: Tolerance) -> None:
        super().__init__(proven=True)
        self.row = RowLedger(tolerance)
        self.blocked_until = -FOREVER  # by the gateway's own word, not by a count of strikes
        self.strikes: list[float] = []  # sorted: until when each is remembered
        self.trials = 0  # calls in flight whose credentials are not accepted
        self.trials_home: list[float] = []  # sorted: until when unanswered ones may be judged

    def trip(self, then: float) -> None:
        """Note that the gateway has blocked the address."""
        if then >= self.blocked_until:
            self.failures += 1
            self.blocked_until = then + (NEXT_PAUSE if self.failures > 1 else FIRST_PAUSE)
            self.lock(then, self.blocked_until)

    def strike(self, then: float, now: float) -> None:
        """Note an authorisation error; before the fifth nothing may be asked. What is over when it is told, is over."""
        insort(self.strikes, then + STRIKE_MEMORY)
        if drop_past(self.strikes, then) >= MAX_STRIKES and self.strikes[-MAX_STRIKES] > now:
            self.lock(then, self.strikes[-MAX_STRIKES])

    def admit_trial(self, now: float) -> int:
        """Let a call with unproven credentials go; give how many errors could be remembered soon."""
        risked = self.trials + drop_past(self.trials_home, now) + drop_past(self.strikes, now)
        if risked >= MAX_STRIKES:
            raise Violation(f"trials: {risked + 1} authorisation errors could be remembered, and 5 block the address")
        self.trials += 1
        return risked + 1

    def end_trial(self, home: float, then: float) -> None:
        """Note the end of such a call, or its acceptance."""
        self.trials -= 1
        if home > then:
            insort(self.trials_home, home)
