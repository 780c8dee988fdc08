"""
The guard's rules, without a clock, a lock or an event loop: which call may start now, and what its end means.

Why no minute at the gateway can hold more than N requests of a key: a token is out from the admission S until the
reply E, and rests until E + window + margin. The gateway counts the request at some X with S <= X <= E. Of any N + 1
requests the last was admitted when another's token had come home: S' >= E + window + margin > X + window.
Where no reply was read, E is the moment we gave up plus `lateness`.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from smsc_async.guard._account import Account, Gateway
from smsc_async.guard._bucket import FOREVER, Recovery
from smsc_async.guard._lines import Lines
from smsc_async.guard._records import Lease, Outcome, Parties, Ticket, TooLong

if TYPE_CHECKING:
    from smsc_async.guard._bucket import TokenBucket
    from smsc_async.guard._records import Demand, Identity, Locked, Settings

__all__ = ["Policy"]

LINGER: Final = 0.25  # seconds the gateway's count of requests in flight may trail its answer, once it showed that
# Names of their own: on Python 3.11 looking a member up on its class costs more than what is done with it.
_ACCEPTED: Final = Outcome.ACCEPTED
_PRICED: Final = Outcome.PRICED
_CONCURRENCY: Final = Outcome.CONCURRENCY
_UNKNOWN: Final = Outcome.UNKNOWN
_UNSENT: Final = Outcome.UNSENT
MAX_PENALTY: Final = 8  # windows; repeated duplicates double the pause up to this


class Policy:
    """
    Every account's tokens and slots, as one value that only this room changes.

    Each method is one synchronous step. Those that may let waiting calls go leave their tickets in `settled`, for the
    binding to wake.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rest: float = settings.rest
        self.accounts: dict[str, Account] = {}
        self.gateways: dict[str, Gateway] = {}
        self.lines: Lines = Lines()
        self.foreign: int = 0  # error 9 seen: traffic that this guard did not know of
        self._parties: dict[Identity, Parties] = {}
        self._numbers = 0

    # ---------------------------------------------------------------- asking

    def ask(  # noqa: C901 - every call takes this one step, and a method for each part would double what it costs
        self, demand: Demand, now: float, deadline: float = FOREVER
    ) -> Lease | Ticket | Locked | TooLong:
        """Admit the call, give it a place in line, or refuse it."""
        parties = self._parties.get(demand.identity) or self._meet(demand.identity, now)
        account, credential, breaker = parties.account, parties.credential, parties.breaker
        if now < credential.locked_until or now < breaker.locked_until:
            return parties.lock(now)
        if now >= account.forgets_at:
            account.forget(now)
        buckets: list[TokenBucket] = []
        busy = account.busy
        for rule, key in demand.charges:
            bucket = busy.get(key) or account.fetch(key, rule, self.rest)
            bucket.held += 1
            if rule is not bucket.rule and rule.n < bucket.rule.n:  # two endpoints share the key: the stricter holds
                bucket.rule = rule
                self.lines.recall(bucket, self._waiting(), now)
            buckets.append(bucket)
        if demand.may_block:
            buckets.append(parties.gateway.refused)
        if not credential.proven:
            buckets += (credential.bucket, parties.gateway.trials)
        if not breaker.proven:
            buckets.append(breaker.bucket)
        buckets.append(account.slots)
        self._numbers += 1
        for bucket in buckets:
            if bucket.waiting or bucket.recovery is not None or bucket.claims:
                break
            if bucket.out + bucket.reserved + len(bucket.homes) >= bucket.rule.n:
                break
        else:  # the usual case: nobody waits, and there is a token of each even if none has come home of late
            for bucket in buckets:
                bucket.out += 1
            return Lease(self._numbers, parties, buckets, now, self.lines.epoch, demand)
        return self._ask_in_line(Ticket(self._numbers, parties, buckets, deadline, demand, now), now)

    def _ask_in_line(self, ticket: Ticket, now: float) -> Lease | Ticket | TooLong:
        """Let those who came before go before; then admit the call, give it a place in line, or refuse it."""
        parties, buckets = ticket.parties, ticket.buckets
        self.lines.drain_all(buckets, now)
        if all(bucket.free(now) > 0 and not bucket.claims for bucket in buckets):
            for bucket in buckets:
                bucket.out += 1
            return Lease(ticket.number, parties, buckets, now, self.lines.epoch, ticket.demand)
        timed = ticket.deadline < FOREVER
        if timed and (refusal := self.lines.too_long(ticket, now, arriving=True)) is not None:
            parties.account.let_go(buckets)
            return refusal
        self.lines.advance(ticket, now)
        if timed and ticket.place is not None:
            self.lines.check(ticket, now, arriving=True)
        return ticket

    def leave(self, ticket: Ticket, now: float) -> None:
        """Give up *ticket*'s place: its caller was cancelled, or its session closed."""
        self.lines.leave([ticket], now)

    # ---------------------------------------------------------------- giving back

    def prove(self, lease: Lease, now: float) -> None:
        """Note that the gateway has accepted the credentials of a call that is still going on."""
        if lease.epoch != self.lines.epoch or lease.proven:
            return
        credential, gateway = lease.parties.credential, lease.parties.gateway
        credential.prove(now, lease.granted_at)
        gateway.breaker.prove(now, lease.granted_at)
        if gateway.trials in lease.buckets:  # it was no authorisation error, however long the call goes on
            lease.buckets.remove(gateway.trials)
            gateway.trials.out -= 1
            self.lines.drain(gateway.trials, now)
        if credential.proven:
            accepted = [ticket for ticket in self._waiting() if ticket.parties.credential is credential]
            self.lines.skip(gateway.trials, accepted, now)
        self.lines.drain_all((credential.bucket, gateway.breaker.bucket), now)

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        """Take back the tokens and the slot of an admitted call. A charge is never shortened."""
        if lease.epoch != self.lines.epoch:
            return
        good = outcome is _ACCEPTED or outcome is _PRICED
        if good and not lease.parties.proven:
            self.prove(lease, now)
        quiet = self._charge(lease, outcome, now)
        self._count_refusal(lease, outcome, now)
        if good:
            if not quiet:
                self._probe_was_good(lease, now)
        elif outcome is Outcome.DUPLICATE:
            self._penalise(lease, now)
        elif outcome is Outcome.CONCURRENCY:
            self._halve_slots(lease, now)
        elif outcome is Outcome.LOGIN_REFUSED:
            self._login_refused(lease, now)
        elif outcome is Outcome.ADDRESS_BLOCKED:
            lease.parties.breaker.trip(now, "the gateway has blocked this IP address (error 4)")
            self.lines.refuse(self._locked(now), now)
        if not quiet:
            self.lines.drain_all(lease.buckets, now)
        lease.parties.account.let_go(lease.buckets)

    def _charge(self, lease: Lease, outcome: Outcome, now: float) -> bool:
        """Say when each token of the call comes home; tell whether nobody waits for one, and none is refused now."""
        slots = lease.parties.account.slots
        lingers = outcome is _CONCURRENCY or slots.recovery is not None
        ended = now + self.settings.lateness if outcome is _UNKNOWN else now
        sent = outcome is not _UNSENT
        quiet = True
        for bucket in lease.buckets:
            bucket.out -= 1
            if bucket.waiting or bucket.recovery is not None:
                quiet = False
            home = ended
            if bucket.rule.rests:
                home += self.rest
            elif lingers and bucket is slots:
                home += LINGER
            if sent and home > now:
                homes = bucket.homes
                if homes and homes[0] <= now:
                    del homes[: bisect_right(homes, now)]
                bucket.rest_until(home)
        return quiet

    # ---------------------------------------------------------------- time and processes

    def tick(self, now: float) -> None:
        """Let go, or refuse, whatever the time has come for."""
        self.lines.tick(now)

    def next_alarm(self) -> float:
        """Give the next moment at which `tick` has something to do, or FOREVER."""
        return self.lines.next_alarm()

    def after_fork(self, now: float) -> None:
        """In a child process: the parent's calls in flight count as unknown, and its waiting calls are not ours."""
        self.lines.epoch += 1
        for ticket in self._waiting():
            ticket.place = ticket.entry = None
        self.lines.clear()
        gone = now + self.settings.lateness
        for gateway in self.gateways.values():
            for _ in range(gateway.refused.out):
                gateway.refuse(gone)
            gateway.refused.out = 0
        for bucket in self._buckets():
            home = gone + (self.rest if bucket.rule.rests else 0.0)
            for _ in range(bucket.out):
                bucket.rest_until(home)
            bucket.line, bucket.waiting, bucket.reserved, bucket.out = [], 0, 0, 0
            bucket.held = 1
        for account in self.accounts.values():
            account.let_go(list(account.busy.values()))

    # ---------------------------------------------------------------- refusals of the gateway

    def _penalise(self, lease: Lease, now: float) -> None:
        """Error 9, duplicate: every token of the key is out until a minute later, and then one probe goes first."""
        self.foreign += 1
        refused = [bucket for bucket in lease.buckets if bucket.rule.rests]
        for bucket in refused:
            bucket.capacity(now)  # a recovery that is over by now is none, whoever looked at it last
            recovery = bucket.recovery
            if recovery is None:
                bucket.recovery = Recovery(now + self.rest, base=1, rises_from=FOREVER)
            else:
                if lease.granted_at >= recovery.blocked_until:  # the probe itself was refused
                    recovery.strikes += 1
                pause = min(2.0 ** (recovery.strikes - 1) * self.rest, MAX_PENALTY * self.settings.window)
                recovery.blocked_until = max(recovery.blocked_until, now + pause)
                recovery.rises_from = FOREVER
        for bucket in refused:  # only now: what one of them frees is not for a call that needs another of them
            self.lines.recall(bucket, self._waiting(), now)
            for ticket in bucket.in_line():
                if ticket.place is bucket and ticket.deadline < FOREVER:
                    self.lines.check(ticket, now)

    def _count_refusal(self, lease: Lease, outcome: Outcome, now: float) -> None:
        """A message was refused, or nobody knows; a hundred in a row would block the address. Or one was taken."""
        gateway = lease.parties.gateway
        if gateway.refused not in lease.buckets:
            return
        if outcome is Outcome.REFUSED or outcome is Outcome.ANSWERED:  # what cannot be read may be a refusal
            gateway.refuse(now)
        elif outcome is _UNKNOWN:
            ended = now + self.settings.lateness
            if ended in gateway.refused.homes:  # for as long as it may be under way, its token rests already
                gateway.refused.homes.remove(ended)
            gateway.refuse(ended)
        elif outcome is _ACCEPTED and gateway.refused.homes:
            gateway.forgive(now, lease.granted_at)
            self.lines.drain(gateway.refused, now)
        row = gateway.refused
        if len(row.homes) >= row.rule.n:  # nothing is under way that could end the row
            refusal = TooLong(row.homes[-row.rule.n], row.rule.reason)
            needing = [ticket for ticket in self._waiting() if row in ticket.buckets[ticket.stage :]]
            self.lines.refuse([(ticket, refusal) for ticket in needing if ticket.deadline < refusal.moment], now)

    @staticmethod
    def _probe_was_good(lease: Lease, now: float) -> None:
        for bucket in lease.buckets:
            recovery = bucket.recovery
            if recovery is not None and bucket.rule.rests and lease.granted_at >= recovery.blocked_until:
                recovery.rises_from = min(recovery.rises_from, now)

    def _halve_slots(self, lease: Lease, now: float) -> None:
        """Error 9, concurrency: other software uses the account; halve, then add one a minute."""
        self.foreign += 1
        account = lease.parties.account
        slots = account.slots
        if lease.granted_at <= account.cut_at and slots.recovery is not None:
            slots.recovery.rises_from = now  # admitted before the halving: the same burst, and once is enough
            return
        account.cut_at = now
        slots.recovery = Recovery(-FOREVER, max(slots.capacity(now) // 2, 1), rises_from=now)

    def _login_refused(self, lease: Lease, now: float) -> None:
        """Error 2: lock the credentials; the gateway remembers it, so that one call less may be tried."""
        gateway = lease.parties.gateway
        lease.parties.credential.trip(now, "the gateway refused the credentials (error 2)")
        gateway.strike(now)
        self.lines.recall(gateway.trials, self._waiting(), now, self._locked(now))

    def _locked(self, now: float) -> list[tuple[Ticket, Locked]]:
        """Give every waiting call whose credentials or gateway are locked now, with the answer."""
        return [(ticket, ticket.parties.lock(now)) for ticket in self._waiting() if ticket.parties.locked(now)]

    # ---------------------------------------------------------------- whom and what a call concerns

    def _meet(self, identity: Identity, now: float) -> Parties:
        """Look up whom an identity's calls concern; what is idle by then is forgotten."""
        account = self.accounts.get(identity.account)
        if account is None:
            for idle in [name for name, other in self.accounts.items() if other.idle(now)]:
                del self.accounts[idle]
            self._parties = {
                known: parties for known, parties in self._parties.items() if known.account in self.accounts
            }
            account = self._add_account(identity.account)
        parties = Parties(account, account.credential(identity.credential), self._gateway(identity.gateway))
        self._parties[identity] = parties
        return parties

    def _add_account(self, name: str) -> Account:
        account = self.accounts[name] = Account(self.settings)
        return account

    def _gateway(self, origin: str) -> Gateway:
        return self.gateways.setdefault(origin, Gateway())

    def _buckets(self) -> list[TokenBucket]:
        """Give every bucket in which a call may stand in line; for what happens rarely."""
        buckets = [bucket for account in self.accounts.values() for bucket in account.buckets()]
        for gateway in self.gateways.values():
            buckets += (gateway.refused, gateway.trials, gateway.breaker.bucket)
        return buckets

    def _waiting(self) -> list[Ticket]:
        """Give every ticket in line; likewise."""
        return [ticket for bucket in self._buckets() for ticket in bucket.in_line()]
