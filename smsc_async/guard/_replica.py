"""
The policy of several processes: each has one, and all take the same steps in the same order. Pure.

A process takes a step only after it has heard of all steps before (its binding has a lock for that), and says what it
did. So each decides on the whole, and a reader of the theory may take them for one policy. The calls in line are each
process's own. A lease that nobody gives back, because its process is gone or asleep, ends by itself: as one without an
answer, at the last moment at which its holder may have given up.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final

from smsc_async.guard import _steps
from smsc_async.guard._bucket import FOREVER, Reason, Recovery, Rule
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Demand, Identity, Lease, Outcome, Ticket
from smsc_async.guard._snapshot import Knowledge, known
from smsc_async.guard._steps import load_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smsc_async.guard._account import Account
    from smsc_async.guard._bucket import TokenBucket
    from smsc_async.guard._records import Locked, Parties, Settings, TooLong
    from smsc_async.guard._steps import Step

__all__ = ["Replica", "SharedLease", "longest_charge", "send_within"]

_GRACE: Final = 1.0  # seconds after the end of an exchange within which its own process gives the lease back
_SEND_WITHIN: Final = 10.0  # seconds; reliability 2.5: "send-by = T - 5 s, at most 10 s"
_LEFT: Final = 5.0
_CLAIM: Final = 0.5  # seconds that a claim counts; so long a slot may idle for a process that died in line
_MANY: Final = 1_000_000  # tokens of a fence, once it is over
_GOOD: Final = (Outcome.ACCEPTED, Outcome.PRICED)
_REFUSED: Final = 1  # bits that stand for buckets without a key
_CREDENTIAL: Final = 2
_TRIALS: Final = 4
_BREAKER: Final = 8
_FENCE_KEY: Final = b"fence"
_FENCE: Final = Rule("", Reason.FENCE, _MANY, rests=False)


def longest_charge(settings: Settings, lasts: float) -> float:
    """Give the seconds for which a grant that nobody remembers can matter, where exchanges last so long."""
    return lasts + _GRACE + settings.lateness + settings.rest


def send_within(lasts: float) -> float:
    """Give the seconds from the grant within which the first byte must leave, of an exchange that lasts so long."""
    return min(_SEND_WITHIN, max(lasts - _LEFT, lasts / 2))


class SharedLease(Lease):
    """A lease that other processes know of."""

    __slots__ = ("expires_at", "id", "lapses_at", "send_by")

    def __init__(self, lease: Lease, name: str) -> None:
        super().__init__(lease.number, lease.parties, lease.buckets, lease.granted_at, lease.epoch, lease.demand)
        self.id: str = name
        self.send_by: float = lease.granted_at + send_within(lease.demand.lasts)
        self.expires_at: float = lease.granted_at + lease.demand.lasts
        self.lapses_at: float = self.expires_at + _GRACE


class Replica(Policy):
    """
    One process's copy of the policy.

    Args:
        settings: The same in all processes.
        member: What this process is called among them; never the same again.
    """

    def __init__(self, settings: Settings, member: str) -> None:
        super().__init__(settings)
        self.member = member
        self.open: dict[str, SharedLease] = {}  # in flight, in whatever process
        self.news: list[Step] = []  # taken here, and not told yet
        self.granted: list[Ticket] = []  # calls that have waited, let go by the steps not told yet
        self.fenced_until: float = -FOREVER
        self.late: int = 0  # leases that lapsed before their holder gave them back
        self._ends: list[tuple[float, str]] = []  # a heap
        self._quiet = False  # what is done now is no news: the others do it by themselves
        self._overdrawn: set[TokenBucket] = set()
        self._claimed: dict[str, tuple[float, float]] = {}  # what was said of this process's own lines, by account
        self._others: dict[str, Callable[..., None]] = {
            _steps.PROVEN: self._hear_proof,
            _steps.CLAIM: self._hear_claim,
            _steps.FENCE: self._hear_fence,
            **Knowledge(self).steps,
        }

    # ---------------------------------------------------------------- asking and giving back, here

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        """Admit the call, give it a place in line, or refuse it."""
        if now < self.fenced_until:
            return self._ask_behind_the_fence(demand, now, deadline)
        answer = super().ask(demand, now, deadline)
        return self._grant(answer) if type(answer) is Lease else answer

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        """Take back what an admitted call had. Where its lease has lapsed, it is charged once more."""
        if not isinstance(lease, SharedLease):  # let go and given up in this very step, so nobody has heard of it
            super().finish(lease, outcome, now)
            return
        if not lease.id.startswith(self.member):
            return  # of the process that this one was forked from
        known = self.open.get(lease.id)
        if known is None:
            if outcome is Outcome.UNSENT:
                return
            # As a call of this moment, so that it does not lapse again; and what it tells of the credentials is old.
            self.late += 1
            outcome = Outcome.ANSWERED if outcome in _GOOD else outcome
            again = _grant_step(lease, now, granted_at=now)
            known = self._admit(again)
            self.news.append(again)
        self.news.append([_steps.FINISHED, now, lease.id, outcome.name])
        self._finish(known, outcome, now)

    def prove(self, lease: Lease, now: float) -> None:
        """Note that the gateway has accepted the credentials of a call that is still going on."""
        known = self.open.get(lease.id) if isinstance(lease, SharedLease) else None
        if known is None or known.proven:
            return
        if not self._quiet:
            self.news.append([_steps.PROVEN, now, known.id])
        super().prove(known, now)

    def tick(self, now: float) -> None:
        """Let go, or refuse, whatever the time has come for."""
        self._expire(now)
        super().tick(now)

    def next_alarm(self) -> float:
        """Give the next moment at which `tick` has something to do, or FOREVER."""
        while self._ends and self._ends[0][1] not in self.open:
            heapq.heappop(self._ends)
        alarm = self.lines.next_alarm()
        if self._claimed:  # it is said anew before it is forgotten
            alarm = min(alarm, min(until for _, until in self._claimed.values()) - _CLAIM / 2)
        return min(alarm, self._ends[0][0]) if self._ends else alarm

    def fence(self, until: float, now: float) -> None:
        """Grant nothing before *until*: what was granted and lost may matter until then."""
        self.news.append([_steps.FENCE, now, until])
        self._hear_fence(now, until)

    def note_grants(self) -> None:
        """Make the leases known of calls that have waited here."""
        for ticket in self.lines.settled:
            if type(ticket.verdict) is Lease:
                ticket.verdict = self._grant(ticket.verdict)
                self.granted.append(ticket)

    def collect(self, now: float) -> list[Step]:
        """Give the steps taken here since the last time, for the others."""
        self.note_grants()
        for name, account in self.accounts.items():
            if account.slots.waiting or name in self._claimed:
                self._claim(name, account, now)
        return self.news

    def told(self) -> None:
        """Begin anew: the others can know."""
        self.news, self.granted = [], []

    @property
    def depends_on_others(self) -> bool:
        """Whether what other processes do may let a call go earlier than the time by itself."""
        member = self.member
        return any(not name.startswith(member) for name in self.open) or any(
            account.slots.claims for account in self.accounts.values()
        )

    @property
    def ahead(self) -> int:
        """How many processes are served before this one, where it waits for a slot; the least of its accounts."""
        claimed = self._claimed.items()
        return min((self.accounts[name].slots.claims_before(since) for name, (since, _) in claimed), default=0)

    # ---------------------------------------------------------------- hearing of the others

    def hear(self, steps: Iterable[Step], now: float) -> None:
        """Take the *steps* that others have told; then let calls go at *now*."""
        lines = self.lines
        self._quiet, lines.held = True, set()
        try:
            for step in steps:
                self._expire(step[1])
                self._take(step)
        finally:
            held, lines.held = lines.held, None
            self._quiet = False
        self._expire(now)
        overdrawn, self._overdrawn = self._overdrawn, set()
        for bucket in overdrawn:
            if bucket.reserved and bucket.free(now) < 0:
                lines.recall(bucket, self._waiting(), now)
            for ticket in bucket.in_line():
                if ticket.place is bucket and ticket.deadline < FOREVER:
                    lines.check(ticket, now)
        lines.drain_all(held, now)

    def _take(self, step: Step) -> None:
        """Take one, by its kind."""
        kind, moment, *rest = step
        if kind == _steps.GRANTED:  # half of all steps, and the other half
            self._admit(step)
        elif kind == _steps.FINISHED:
            name, outcome = rest
            if (lease := self.open.get(name)) is not None:
                self._finish(lease, Outcome[outcome], moment)
        else:
            self._others[kind](moment, *rest)

    def _hear_proof(self, moment: float, name: str) -> None:
        if (lease := self.open.get(name)) is not None:
            self.prove(lease, moment)

    def _hear_claim(self, _moment: float, member: str, name: str, since: float, until: float) -> None:
        if member == self.member:
            return  # of before it read the file anew
        slots = self.account(name).slots
        if not slots.claims:
            slots.claims = {}
        slots.claims[member] = since, until
        self.lines.drain(slots, until)  # later: a claim that is over may let somebody go

    def _hear_fence(self, _moment: float, until: float) -> None:
        self.fenced_until = max(self.fenced_until, until)

    def _admit(self, step: Step) -> SharedLease:
        """Take the tokens of a call that another process has admitted."""
        _, moment, name, granted_at, identity, endpoint, lasts, others, charges = step
        demand = Demand(
            endpoint,
            Identity(*identity),
            [(load_rule(rule), bytes.fromhex(key)) for rule, key in charges],
            may_block=bool(others & _REFUSED),
            lasts=lasts,
        )
        parties = self._parties.get(demand.identity) or self._meet(demand.identity, moment)
        buckets: list[TokenBucket] = []
        for rule, key in demand.charges:
            bucket = parties.account.take(key, rule, self.rest, moment)
            if rule.n < bucket.rule.n:
                bucket.rule = rule
                self._overdrawn.add(bucket)
            buckets.append(bucket)
        buckets += [bucket for bit, bucket in _others(parties) if others & bit]
        buckets.append(parties.account.slots)
        for bucket in buckets:
            bucket.free(moment)  # drops what has come home
            bucket.out += 1
            if bucket.waiting or bucket.reserved:
                self._overdrawn.add(bucket)
        lease = SharedLease(Lease(0, parties, buckets, granted_at, self.lines.epoch, demand), name)
        self._open(lease)
        member = name.partition("-")[0]
        if parties.account.slots.claims:
            parties.account.slots.claims.pop(member, None)  # who waits still, says so again
        return lease

    def _grant(self, lease: Lease) -> SharedLease:
        """Make a lease of our own known."""
        shared = SharedLease(lease, f"{self.member}-{lease.number:x}")
        self._open(shared)
        self.news.append(_grant_step(shared, shared.granted_at))
        return shared

    def _open(self, lease: SharedLease) -> None:
        self.open[lease.id] = lease
        heapq.heappush(self._ends, (lease.lapses_at, lease.id))

    def _finish(self, lease: SharedLease, outcome: Outcome, now: float) -> None:
        quiet, self._quiet = self._quiet, True
        try:
            super().finish(lease, outcome, now)
        finally:
            self._quiet = quiet
            del self.open[lease.id]

    def _expire(self, now: float) -> None:
        """End the leases that nobody has given back in time."""
        ends = self._ends
        while ends and ends[0][0] <= now:
            _, name = heapq.heappop(ends)
            lease = self.open.get(name)
            if lease is not None:
                self._finish(lease, Outcome.UNKNOWN, lease.expires_at)

    # ---------------------------------------------------------------- who goes first

    def _claim(self, name: str, account: Account, now: float) -> None:
        """Say since when the first in our line waits for a slot, where others would not know it, or not any more."""
        slots = account.slots
        if not slots.waiting:
            del self._claimed[name]
            self.news.append([_steps.CLAIM, now, self.member, name, 0.0, now])
            return
        said = self._claimed.get(name)
        since = slots.first().asked_at
        forgotten = any(step[0] == _steps.GRANTED for step in self.news)  # who was granted something, claims anew
        if said is None or said[0] != since or said[1] - now <= _CLAIM / 2 or forgotten:
            self._claimed[name] = since, now + _CLAIM
            self.news.append([_steps.CLAIM, now, self.member, name, since, now + _CLAIM])

    # ---------------------------------------------------------------- fences

    def _ask_behind_the_fence(self, demand: Demand, now: float, deadline: float) -> Lease | Ticket | Locked | TooLong:
        account = self.account(demand.identity.account)
        fence = account.take(_FENCE_KEY, _FENCE, self.rest, now)
        fence.recovery = Recovery(self.fenced_until, base=_MANY, rises_from=FOREVER)
        charges = [(_FENCE, _FENCE_KEY), *demand.charges]
        behind = Demand(demand.endpoint, demand.identity, charges, may_block=demand.may_block, lasts=demand.lasts)
        answer = super().ask(behind, now, deadline)
        account.let_go([fence])
        return answer

    # ---------------------------------------------------------------- a new file, a new process

    def snapshot(self, now: float) -> Iterator[Step]:
        """Give steps that lead a new replica to where this one is."""
        if now < self.fenced_until:
            yield [_steps.FENCE, now, self.fenced_until]
        yield from known(self, now)
        for lease in self.open.values():
            yield _grant_step(lease, now)

    def leave_all(self) -> None:
        """Take every call out of its line: it has to ask anew."""
        for ticket in self._waiting():
            ticket.place = ticket.entry = None
        self.lines.clear()
        self._claimed.clear()
        for bucket in self._buckets():
            bucket.line, bucket.waiting, bucket.reserved = [], 0, 0
            bucket.held = bucket.out + 1
        for account in self.accounts.values():
            account.let_go(list(account.busy.values()))

    def become(self, member: str) -> None:
        """In a child process: what was granted is the parent's, and so are its calls in line."""
        self.leave_all()
        self.told()
        self.member = member

    def successor(self, member: str) -> Replica:
        """Give an empty replica that goes on counting where this one ends."""
        other = Replica(self.settings, member)
        other._numbers = self._numbers
        other.late = self.late
        return other

    # ---------------------------------------------------------------- names

    def _known_as(self, identity: Identity) -> str:
        return identity.shared_credential


def _others(parties: Parties) -> tuple[tuple[int, TokenBucket], ...]:
    """Give the buckets that have no key, each with its bit."""
    gateway = parties.gateway
    return (
        (_REFUSED, gateway.refused),
        (_CREDENTIAL, parties.credential.bucket),
        (_TRIALS, gateway.trials),
        (_BREAKER, gateway.breaker.bucket),
    )


def _grant_step(lease: SharedLease, moment: float, *, granted_at: float | None = None) -> Step:
    demand, parties = lease.demand, lease.parties
    others = 0
    charges: list[list[Any]] = []
    by_bucket = {bucket: bit for bit, bucket in _others(parties)}
    for bucket in lease.buckets:
        bit = by_bucket.get(bucket)
        if bit is not None:
            others |= bit
        elif bucket is not parties.account.slots and bucket.key != _FENCE_KEY:
            charges.append([_steps.save_rule(bucket.rule), bucket.key.hex()])
    return [
        _steps.GRANTED,
        moment,
        lease.id,
        lease.granted_at if granted_at is None else granted_at,
        [demand.identity.account, demand.identity.shared_credential, demand.identity.gateway],
        demand.endpoint,
        demand.lasts,
        others,
        charges,
    ]
