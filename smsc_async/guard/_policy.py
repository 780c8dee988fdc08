"""
The guard's rules, without a clock, a lock or an event loop: which call may start now, and which waits for what.

A call takes a token of each of its buckets and a slot in one step, or waits in one line at a time, in the order of
its buckets; until the step it has only reserved what it passed. Lines are served by ticket number, so calls of one
key start first come first served, and no call waits behind one that waits for something else.

Why no minute at the gateway can hold more than N requests of a key: a token is out from the admission S until the
reply E, and rests until E + window + margin. The gateway counts the request at some X with S <= X <= E. Of any N + 1
requests the last was admitted when another's token had come home: S' >= E + window + margin > X + window.
Where no reply was read, E is the moment we gave up plus `lateness`.
"""

from __future__ import annotations

import enum
import heapq
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async.guard._breaker import Breaker, Strikes
from smsc_async.guard._bucket import FOREVER, Reason, Recovery, Rule, TokenBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Demand", "Lease", "Locked", "Outcome", "Policy", "Settings", "Ticket", "TooLong"]

LINGER: Final = 0.25  # seconds the gateway's count of requests in flight may trail its answer, once it showed that
MAX_PENALTY: Final = 8  # windows; repeated duplicates double the pause up to this


class Outcome(enum.Enum):
    """How an admitted call ended, as far as the limits are concerned."""

    UNSENT = "provably not sent"
    ACCEPTED = "answered, credentials accepted"
    ANSWERED = "answered, which says nothing about the credentials"
    UNKNOWN = "no answer was read"
    DUPLICATE = "refused as a duplicate"
    CONCURRENCY = "refused as one too many in flight"
    LOGIN_REFUSED = "credentials refused"
    ADDRESS_BLOCKED = "address blocked"


@attrs.frozen(kw_only=True)
class Settings:
    """The guard's numbers. Seconds."""

    window: float
    margin: float
    lateness: float
    max_concurrency: int

    @property
    def rest(self) -> float:
        """Give how long a token rests after the reply."""
        return self.window + self.margin


@attrs.frozen
class Demand:
    """
    What one call asks of the guard.

    Args:
        endpoint: Its name, for messages.
        account: A digest; what limits belong to.
        credential: A digest; what may be refused.
        gateway: The origin of the address; what may block this machine.
        charges: A rule and a key for each token that the call takes.
    """

    endpoint: str
    account: str
    credential: str
    gateway: str
    charges: tuple[tuple[Rule, bytes], ...]


class Lease:
    """The right to send one request now; given back exactly once."""

    __slots__ = ("account", "buckets", "credential", "epoch", "gateway", "granted_at", "number")

    def __init__(  # noqa: PLR0913 - a record
        self,
        number: int,
        account: Account,
        buckets: list[TokenBucket],
        credential: Breaker,
        gateway: Gateway,
        granted_at: float,
        epoch: int,
    ) -> None:
        self.number = number
        self.account = account
        self.buckets = buckets
        self.credential = credential
        self.gateway = gateway
        self.granted_at = granted_at
        self.epoch = epoch


class Ticket:
    """A place in line. It ends with a lease, a refusal, or by leaving."""

    __slots__ = (
        "account",
        "alarm",
        "buckets",
        "credential",
        "deadline",
        "demand",
        "gateway",
        "number",
        "place",
        "seat",
        "stage",
        "verdict",
    )

    def __init__(self, number: int, demand: Demand, deadline: float) -> None:
        self.number = number
        self.demand = demand
        self.deadline = deadline
        self.stage = 0  # how many of its buckets it holds a reservation in
        self.place: TokenBucket | None = None  # the bucket in whose line it stands
        self.alarm = FOREVER  # the moment at which the policy will look at its deadline again
        self.verdict: Lease | Locked | TooLong | None = None
        self.seat: object = None  # whatever the binding hangs on it
        self.account: Account
        self.credential: Breaker
        self.gateway: Gateway
        self.buckets: list[TokenBucket]

    @property
    def reason(self) -> Reason:
        """Give what it waits for at present."""
        return self.place.rule.reason if self.place is not None else Reason.SLOTS


@attrs.frozen
class Locked:
    """The breaker's answer."""

    until: float
    reason: str


@attrs.frozen
class TooLong:
    """The answer to a call whose wait would pass its deadline: the moment it could start at the earliest."""

    moment: float
    reason: Reason


class Account:
    """All that is known of one account; costs nothing once its tokens are home."""

    __slots__ = ("busy", "credentials", "cut_after", "resting", "slots")

    def __init__(self, settings: Settings) -> None:
        self.busy: dict[bytes, TokenBucket] = {}  # with a token out, reserved or waited for
        # Of a key at rest only its rule and the moments of coming home are kept; after a refusal the whole bucket.
        self.resting: OrderedDict[bytes, tuple[Rule | float, ...] | TokenBucket] = OrderedDict()
        self.credentials: dict[str, Breaker] = {}
        slots = Rule("", Reason.SLOTS, settings.max_concurrency, rests=False)
        self.slots = TokenBucket(b"", slots, settings.window, [])
        self.cut_after = 0  # the last number given out when the slots were halved last

    def buckets(self) -> Iterator[TokenBucket]:
        """Give every bucket in which a call may stand in line."""
        yield self.slots
        yield from self.busy.values()
        for breaker in self.credentials.values():
            yield breaker.bucket

    def forget_one(self, now: float) -> bool:
        """Forget the key that has rested longest, if its tokens are home; tell whether it was so."""
        if not self.resting:
            return False
        kept = next(iter(self.resting.values()))
        if (kept.forgettable_at(now) if isinstance(kept, TokenBucket) else kept[-1]) > now:  # type: ignore[operator]
            return False
        self.resting.popitem(last=False)
        return True

    def idle(self, now: float) -> bool:
        """Tell whether forgetting it would forget nothing."""
        while self.forget_one(now):
            pass
        locked = any(now < breaker.locked_until for breaker in self.credentials.values())
        free = self.slots.free(now) == self.slots.rule.n
        return free and not (self.busy or self.resting or locked or self.slots.waiting)


class Gateway:
    """What one gateway thinks of this machine's address."""

    __slots__ = ("breaker", "strikes")

    def __init__(self) -> None:
        self.breaker = Breaker(proven=True)
        self.strikes = Strikes()


class Policy:
    """
    Every account's tokens and slots, as one value that only this module changes.

    Each method is one synchronous step. Those that may let waiting calls go put their tickets into `settled`, for
    the binding to wake.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.accounts: dict[str, Account] = {}
        self.gateways: dict[str, Gateway] = {}
        self.settled: list[Ticket] = []
        self.epoch = 0  # leases of an earlier epoch (before a fork) are not this process's to give back
        self.foreign = 0  # error 9 seen: traffic that this guard did not know of
        self._numbers = 0
        self._alarms: list[tuple[float, int, TokenBucket | Ticket]] = []
        self._alarm_numbers = 0

    # ---------------------------------------------------------------- asking

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        """Admit the call, give it a place in line, or refuse it."""
        account = self.accounts.get(demand.account) or self._open_account(demand.account, now)
        credential = account.credentials.get(demand.credential)
        if credential is None:
            credential = account.credentials[demand.credential] = Breaker(proven=False)
        gateway = self.gateways.get(demand.gateway)
        if gateway is None:
            gateway = self.gateways[demand.gateway] = Gateway()
        for breaker in (credential, gateway.breaker):
            if now < breaker.locked_until:
                return Locked(breaker.locked_until, breaker.reason)
        buckets = self._buckets(account, demand, credential, gateway, now)
        free = True
        for bucket in buckets:
            if bucket.waiting:
                self.drain(bucket, now)
            if bucket.free(now) < 1:
                free = False
        self._numbers += 1
        if free:
            for bucket in buckets:
                bucket.out += 1
            return Lease(self._numbers, account, buckets, credential, gateway, now, self.epoch)
        ticket = Ticket(self._numbers, demand, deadline)
        ticket.account, ticket.credential, ticket.gateway, ticket.buckets = account, credential, gateway, buckets
        if deadline < FOREVER and (refusal := self._too_long(ticket, now, arriving=True)):
            self._let_go(account, buckets)
            return refusal
        self._advance(ticket, now)
        if deadline < FOREVER and ticket.place is not None:
            self._set_alarm(self._next_check(ticket, now), ticket)
        return ticket

    def leave(self, ticket: Ticket, now: float) -> None:
        """Give up *ticket*'s place: its caller was cancelled, or its session closed."""
        if ticket.place is None:
            return
        ticket.place.leave(ticket)
        ticket.alarm = FOREVER
        self._unreserve(ticket, now)
        self._let_go(ticket.account, ticket.buckets)

    def expected(self, ticket: Ticket, now: float) -> float:
        """Give a lower bound of the moment at which *ticket* may start."""
        return max(bound for bound, _, _ in self._bounds(ticket, now))

    # ---------------------------------------------------------------- giving back

    def prove(self, lease: Lease, now: float) -> None:
        """Note that the gateway has accepted the credentials of a call that is still going on."""
        if lease.epoch == self.epoch:
            lease.credential.prove(self, now)
            lease.gateway.breaker.prove(self, now)

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        """Take back the tokens and the slot of an admitted call. A charge is never shortened."""
        if lease.epoch != self.epoch:
            return
        account, settings = lease.account, self.settings
        lingers = outcome is Outcome.CONCURRENCY or account.slots.recovery is not None
        ended = now + settings.lateness if outcome is Outcome.UNKNOWN else now
        for bucket in lease.buckets:
            bucket.out -= 1
            if outcome is Outcome.UNSENT:
                continue
            home = ended
            if bucket.rule.rests:
                home += settings.rest
            elif lingers and bucket is account.slots:
                home += LINGER
            if home > now:
                bucket.rest_until(home)
        if outcome is Outcome.ACCEPTED:
            if not (lease.credential.proven and lease.gateway.breaker.proven):
                self.prove(lease, now)
            self._probe_was_good(lease, now)
        elif outcome is Outcome.DUPLICATE:
            self._penalise(lease, now)
        elif outcome is Outcome.CONCURRENCY:
            self._halve_slots(lease, now)
        elif outcome is Outcome.LOGIN_REFUSED:
            self._login_refused(lease, now)
        elif outcome is Outcome.ADDRESS_BLOCKED:
            lease.gateway.breaker.trip(now, "the gateway has blocked this IP address (error 4)")
            self._refuse_locked(now)
        for bucket in lease.buckets:
            if bucket.waiting:
                self.drain(bucket, now)
        self._let_go(account, lease.buckets)

    # ---------------------------------------------------------------- time

    def next_alarm(self) -> float:
        """Give the next moment at which `tick` has something to do, or FOREVER."""
        alarms = self._alarms
        while alarms:
            moment, _, subject = alarms[0]
            if subject.alarm == moment:  # else a later or earlier one has taken its place
                return moment
            heapq.heappop(alarms)
        return FOREVER

    def tick(self, now: float) -> None:
        """Let go, or refuse, whatever the time has come for."""
        while self.next_alarm() <= now:
            _, _, subject = heapq.heappop(self._alarms)
            subject.alarm = FOREVER
            if isinstance(subject, TokenBucket):
                self.drain(subject, now)
            else:
                self._check(subject, now)

    def after_fork(self, now: float) -> None:
        """In a child process: the parent's calls in flight count as unknown, and its waiting calls are not ours."""
        self.epoch += 1
        self.settled.clear()
        for _, _, subject in self._alarms:
            subject.alarm = FOREVER
        self._alarms.clear()
        gone = now + self.settings.lateness
        for bucket in [bucket for account in self.accounts.values() for bucket in account.buckets()] + [
            gateway.breaker.bucket for gateway in self.gateways.values()
        ]:
            home = gone + (self.settings.rest if bucket.rule.rests else 0.0)
            for _ in range(bucket.out):
                bucket.rest_until(home)
            bucket.line, bucket.waiting, bucket.reserved, bucket.out = [], 0, 0, 0
            bucket.held = 1
        for account in self.accounts.values():
            self._let_go(account, list(account.busy.values()))

    # ---------------------------------------------------------------- lines

    def drain(self, bucket: TokenBucket, now: float) -> None:
        """Let calls out of *bucket*'s line while it has tokens, and set its alarm for the next one."""
        while bucket.waiting and bucket.free(now) > 0:
            ticket = bucket.call_next()
            if ticket is None:
                break
            ticket.place = None
            bucket.reserved += 1
            ticket.stage += 1
            self._advance(ticket, now)
        if bucket.waiting:
            self._set_alarm(bucket.next_change(now), bucket)
        else:
            bucket.alarm = FOREVER

    def _advance(self, ticket: Ticket, now: float) -> None:
        """Reserve from bucket to bucket; at the first that has no token stand in its line, past the last be admitted."""
        buckets = ticket.buckets
        while ticket.stage < len(buckets):
            bucket = buckets[ticket.stage]
            if bucket.waiting or bucket.free(now) < 1:
                ticket.place = bucket
                bucket.enter(ticket)
                self.drain(bucket, now)  # a token may just have come, for whoever has the lowest number
                return
            bucket.reserved += 1
            ticket.stage += 1
        for bucket in buckets:
            bucket.reserved -= 1
            bucket.out += 1
        self._settle(
            ticket, Lease(ticket.number, ticket.account, buckets, ticket.credential, ticket.gateway, now, self.epoch)
        )

    def _settle(self, ticket: Ticket, verdict: Lease | Locked | TooLong) -> None:
        ticket.place = None
        ticket.alarm = FOREVER
        ticket.verdict = verdict
        self.settled.append(ticket)

    def _refuse(self, ticket: Ticket, verdict: Locked | TooLong, now: float) -> None:
        place = ticket.place
        if place is not None:
            place.leave(ticket)
            self._settle(ticket, verdict)
            self._unreserve(ticket, now)
            self._let_go(ticket.account, ticket.buckets)

    def _unreserve(self, ticket: Ticket, now: float) -> None:
        passed = ticket.buckets[: ticket.stage]
        ticket.stage = 0
        for bucket in passed:
            bucket.reserved -= 1
        for bucket in passed:
            if bucket.waiting:
                self.drain(bucket, now)

    def _recall(self, bucket: TokenBucket, now: float) -> None:
        """Put the calls that have a token of *bucket* reserved back in line, in order: it has fewer tokens now."""
        holders = sorted(
            (ticket for ticket in self._waiting() if bucket in ticket.buckets[: ticket.stage]),
            key=lambda ticket: ticket.number,
        )
        passed: list[TokenBucket] = []
        for ticket in holders:
            if ticket.place is not None:
                ticket.place.leave(ticket)
            passed += ticket.buckets[: ticket.stage]
            for other in ticket.buckets[: ticket.stage]:
                other.reserved -= 1
            ticket.stage = 0
        for ticket in holders:
            self._advance(ticket, now)
        for other in passed:
            if other.waiting:
                self.drain(other, now)

    def _waiting(self) -> list[Ticket]:
        """Give every ticket in line; for what happens rarely."""
        buckets = [bucket for account in self.accounts.values() for bucket in account.buckets()]
        buckets += [gateway.breaker.bucket for gateway in self.gateways.values()]
        return [ticket for bucket in buckets for _, ticket in bucket.line if ticket.place is bucket]

    def _set_alarm(self, moment: float, subject: TokenBucket | Ticket) -> None:
        if moment < subject.alarm:
            subject.alarm = moment
            self._alarm_numbers += 1
            heapq.heappush(self._alarms, (moment, self._alarm_numbers, subject))

    # ---------------------------------------------------------------- deadlines

    def _bounds(self, ticket: Ticket, now: float, *, arriving: bool = False) -> Iterator[tuple[float, bool, Reason]]:
        for bucket in ticket.buckets[ticket.stage :]:
            if arriving:
                ahead = bucket.waiting
            else:
                ahead = sum(n < ticket.number and other.place is bucket for n, other in bucket.line)
            yield *bucket.earliest(now, ahead), bucket.rule.reason

    def _too_long(self, ticket: Ticket, now: float, *, arriving: bool = False) -> TooLong | None:
        moment, grows, reason = max(self._bounds(ticket, now, arriving=arriving), key=lambda bound: bound[0])
        # A bound that grows has just reached the deadline when it is looked at again.
        late = moment > ticket.deadline - (1e-6 if grows and not arriving else 0.0)
        return TooLong(moment, reason) if late or now >= ticket.deadline else None

    def _next_check(self, ticket: Ticket, now: float) -> float:
        """Give the moment at which a bound that grows with the time will pass the deadline, or the deadline."""
        growing = [moment - now for moment, grows, _ in self._bounds(ticket, now) if grows]
        check = ticket.deadline - max(growing, default=0.0)
        return check if check > now else ticket.deadline

    def _check(self, ticket: Ticket, now: float) -> None:
        refusal = self._too_long(ticket, now)
        if refusal is not None:
            self._refuse(ticket, refusal, now)
        else:
            self._set_alarm(self._next_check(ticket, now), ticket)

    # ---------------------------------------------------------------- refusals of the gateway

    def _penalise(self, lease: Lease, now: float) -> None:
        """Error 9, duplicate: every token of the key is out until a minute later, and then one probe goes first."""
        self.foreign += 1
        for bucket in lease.buckets:
            if not bucket.rule.rests:
                continue
            recovery = bucket.recovery
            if recovery is None:
                bucket.recovery = Recovery(now + self.settings.rest, base=1, rises_from=FOREVER)
            else:
                if lease.granted_at >= recovery.blocked_until:  # the probe itself was refused
                    recovery.strikes += 1
                pause = min(2.0 ** (recovery.strikes - 1) * self.settings.rest, MAX_PENALTY * self.settings.window)
                recovery.blocked_until = max(recovery.blocked_until, now + pause)
                recovery.rises_from = FOREVER
            self._recall(bucket, now)
            for _, ticket in list(bucket.line):
                if ticket.place is bucket and ticket.deadline < FOREVER:
                    self._check(ticket, now)

    def _probe_was_good(self, lease: Lease, now: float) -> None:
        for bucket in lease.buckets:
            recovery = bucket.recovery
            if recovery is not None and bucket.rule.rests and lease.granted_at >= recovery.blocked_until:
                recovery.rises_from = min(recovery.rises_from, now)

    def _halve_slots(self, lease: Lease, now: float) -> None:
        """Error 9, concurrency: other software uses the account; halve, then add one a minute."""
        self.foreign += 1
        account = lease.account
        slots = account.slots
        if lease.number <= account.cut_after and slots.recovery is not None:
            slots.recovery.rises_from = now  # admitted before the halving: the same burst, and once is enough
            return
        account.cut_after = self._numbers
        slots.recovery = Recovery(-FOREVER, max(slots.capacity(now) // 2, 1), rises_from=now)

    def _login_refused(self, lease: Lease, now: float) -> None:
        lease.credential.trip(now, "the gateway refused the credentials (error 2)")
        stop = lease.gateway.strikes.add(now)
        if stop > now:
            lease.gateway.breaker.lock(stop, "one more refused login could block this IP address for 30 minutes")
        self._refuse_locked(now)

    def _refuse_locked(self, now: float) -> None:
        """Answer every waiting call whose credentials or gateway are locked now."""
        for ticket in self._waiting():
            for breaker in (ticket.credential, ticket.gateway.breaker):
                if now < breaker.locked_until:
                    self._refuse(ticket, Locked(breaker.locked_until, breaker.reason), now)
                    break

    # ---------------------------------------------------------------- memory

    def _open_account(self, name: str, now: float) -> Account:
        for other in [name for name, account in self.accounts.items() if account.idle(now)]:
            del self.accounts[other]
        account = self.accounts[name] = Account(self.settings)
        return account

    def _buckets(
        self, account: Account, demand: Demand, credential: Breaker, gateway: Gateway, now: float
    ) -> list[TokenBucket]:
        if account.forget_one(now):
            account.forget_one(now)  # two a call keep up with one or two new keys a call
        buckets = []
        for rule, key in demand.charges:
            bucket = account.busy.get(key)
            if bucket is None:
                kept = account.resting.pop(key, ())
                if isinstance(kept, TokenBucket):
                    bucket = kept
                else:
                    bucket = TokenBucket(key, rule, self.settings.rest, list(kept[1:]))  # type: ignore[arg-type]
                account.busy[key] = bucket
            bucket.held += 1
            if rule.n < bucket.rule.n:  # two endpoints share the key: the stricter holds
                bucket.rule = rule
                self._recall(bucket, now)
            buckets.append(bucket)
        if not credential.proven:
            buckets.append(credential.bucket)
        if not gateway.breaker.proven:
            buckets.append(gateway.breaker.bucket)
        buckets.append(account.slots)
        return buckets

    def _let_go(self, account: Account, buckets: list[TokenBucket]) -> None:
        """End a call's hold on its buckets; of a key that no call refers to, only the moments of coming home stay."""
        for bucket in buckets:
            bucket.held -= 1
            if not bucket.held and account.busy.get(bucket.key) is bucket:
                del account.busy[bucket.key]
                if bucket.recovery is not None:
                    account.resting[bucket.key] = bucket
                elif bucket.homes:
                    account.resting[bucket.key] = (bucket.rule, *bucket.homes)
