"""
The policy of a process that must ask elsewhere for each call that it would admit. Pure.

What is known elsewhere decides; the policy here keeps this process's own calls in line, and spares the asking where the
answer is known. A call that is refused elsewhere goes back into its line under its old number. What holds it up is kept
in two ways: where the moments are known at which the tokens of others come home, they are taken for tokens of ours; and
where nobody knows, each token that seems free is claimed for others until somebody tells of one, or until it is time to
look again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from smsc_async.guard._bucket import FOREVER, Reason, Recovery, Rule
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Demand, Locked, Ticket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsc_async.guard._breaker import Breaker
    from smsc_async.guard._bucket import TokenBucket
    from smsc_async.guard._records import Lease, Settings, TooLong

__all__ = ["FENCE_KEY", "Held", "Subordinate"]

FENCE_KEY: Final = b"fence"  # no digest is that short
_MANY: Final = 1_000_000  # tokens of a fence, once it is over
_FENCE: Final = Rule("", Reason.FENCE, _MANY, rests=False)
_APART: Final = 1.0  # seconds between claims that end: one call looks, and not all at once


@attrs.frozen(kw_only=True)
class Held:
    """
    Why a call was refused elsewhere. Moments on this process's clock.

    Args:
        bucket: The one that had no token.
        homes: When tokens of others come home.
        flying: How many tokens are with calls of others, which come home who knows when.
        recovery: What the bucket recovers from, if it does.
        look_at: When it is time to ask again, should nobody tell before.
    """

    bucket: TokenBucket
    homes: Sequence[float] = ()
    flying: int = 0
    recovery: Recovery | None = None
    look_at: float = FOREVER


class Subordinate(Policy):
    """The policy, and what is known of others."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._others: dict[TokenBucket, list[float]] = {}  # of a bucket's `homes`, those that are not ours
        self.fenced_until: dict[str, float] = {}  # by account

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        """Admit the call as far as this process goes, give it a place in line, or refuse it."""
        if self.fenced_until and now < self.fenced_until.get(demand.identity.account, -FOREVER):
            demand = _behind_the_fence(demand)
        return super().ask(demand, now, deadline)

    def fence(self, account: str, until: float, now: float) -> None:
        """Note that nothing of *account* is granted before *until*."""
        for name in [name for name, end in self.fenced_until.items() if end <= now]:
            del self.fenced_until[name]
        self.fenced_until[account] = until

    def put_behind_the_fence(self, lease: Lease, until: float, deadline: float, now: float) -> Ticket | TooLong:
        """Take back what a call was given here; it waits until *until*."""
        fence = lease.parties.account.take(FENCE_KEY, _FENCE, self.rest)
        if fence in lease.buckets:
            fence.held -= 1
        else:
            lease.buckets.insert(0, fence)
            fence.out += 1
            lease.demand = _behind_the_fence(lease.demand)
        fence.recovery = Recovery(until, base=_MANY, rises_from=FOREVER)
        return self.overrule(lease, Held(bucket=fence), deadline, now)

    def overrule(self, lease: Lease, held: Held, deadline: float, now: float) -> Ticket | TooLong:
        """Take back what a call was given here; it waits for what it lacks elsewhere, under its old number."""
        for bucket in lease.buckets:
            bucket.out -= 1
        self._learn(held, now)
        ticket = Ticket(lease.number, lease.parties, lease.buckets, deadline, lease.demand, lease.granted_at)
        timed = deadline < FOREVER
        refusal = self.lines.too_long(ticket, now) if timed else None
        if refusal is None:
            self.lines.advance(ticket, now)
            if timed and ticket.place is not None:
                self.lines.check(ticket, now)
        self.lines.drain_all(lease.buckets, now)
        if refusal is not None:
            lease.parties.account.let_go(lease.buckets)
            return refusal
        return ticket

    def put_on_probation(self, lease: Lease, breaker: Breaker) -> None:
        """Let calls run one at a time here too, as they must elsewhere; *lease* is the first that hears of it."""
        parties = lease.parties
        breaker.set_proven(proven=False)
        needed = [parties.breaker.bucket] if breaker is parties.breaker else [breaker.bucket, parties.gateway.trials]
        for bucket in needed:
            if bucket not in lease.buckets:
                lease.buckets.append(bucket)
                bucket.out += 1
        # In the order in which all calls take them: of two that take them in different orders none would get both.
        order = [parties.credential.bucket, parties.gateway.trials, parties.breaker.bucket, parties.account.slots]
        lease.buckets.sort(key=lambda bucket: order.index(bucket) if bucket in order else -1)

    def confirmed(self, lease: Lease, now: float) -> None:
        """Note that a call was granted elsewhere: where others wait for the same, the next may look."""
        for bucket in lease.buckets:
            if bucket.claims:
                self._unclaim(bucket)
                self.lines.drain(bucket, now)

    def freed(self, bucket: TokenBucket, now: float) -> None:
        """Note that a token of *bucket* has come home elsewhere, and is this process's to ask for."""
        others = self._others.pop(bucket, ())
        for home in others:
            if home in bucket.homes:
                bucket.homes.remove(home)
        if bucket.claims:
            self._unclaim(bucket)
        free = bucket.free(now)
        if free > 1:
            self._claim(bucket, free - 1, now + _APART)
        self.lines.drain_all([bucket], now)

    def forget_others(self, now: float) -> None:
        """Ask elsewhere again, for every call in line: what was known may not be so any more."""
        for bucket, others in self._others.items():
            bucket.homes = [home for home in bucket.homes if home not in others]
        self._others.clear()
        self.lines.drain_all(self._buckets(), now)

    # ---------------------------------------------------------------- inside

    def _learn(self, held: Held, now: float) -> None:
        bucket = held.bucket
        for home in self._others.pop(bucket, ()):
            if home in bucket.homes:
                bucket.homes.remove(home)
        homes = sorted(home for home in held.homes if home > now)
        if bucket.rule.rests:  # a token that is out comes home a rest after now at the earliest
            homes += [now + self.rest] * held.flying
        for home in homes:
            bucket.rest_until(home)
        if homes:
            self._others[bucket] = sorted(homes)
        if held.recovery is not None:
            bucket.recovery = held.recovery
        bucket.claims = {}
        free = bucket.free(now)
        if free > 0 and held.look_at < FOREVER:
            self._claim(bucket, free, held.look_at)
        for forgotten in [known for known, others in self._others.items() if others[-1] <= now]:
            del self._others[forgotten]

    def _claim(self, bucket: TokenBucket, tokens: int, look_at: float) -> None:
        bucket.claims = {str(place): (-FOREVER, look_at + place * _APART) for place in range(tokens)}

    @staticmethod
    def _unclaim(bucket: TokenBucket) -> None:
        soonest = min(bucket.claims, key=lambda member: bucket.claims[member][1])
        del bucket.claims[soonest]


def _behind_the_fence(demand: Demand) -> Demand:
    return Demand(
        demand.endpoint,
        demand.identity,
        [(_FENCE, FENCE_KEY), *demand.charges],
        may_block=demand.may_block,
        lasts=demand.lasts,
    )
