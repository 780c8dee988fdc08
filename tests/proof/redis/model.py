"""The pure policy with nobody in line, as the script should be: asked step by step on a clock of whole 125 ms."""

from __future__ import annotations

import heapq
from typing import Any

import attrs

from smsc_async.guard import Demand, Lease, Outcome
from smsc_async.guard._account import Account
from smsc_async.guard._breaker import Breaker
from smsc_async.guard._bucket import FOREVER, TokenBucket
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Locked, Settings, Ticket

__all__ = ["GRACE", "Flight", "Model"]

GRACE = 1.0  # seconds; as the script's
WHY = {
    "the gateway refused the credentials (error 2)": "login",
    "the gateway has blocked this IP address (error 4)": "address",
    "one more refused login could block this IP address for 30 minutes": "strikes",
}


@attrs.define(eq=False)
class Flight:
    """A lease as its holder knows it."""

    id: str
    demand: Demand
    granted_at: float
    lease: Lease | None  # None once it has lapsed
    rests_until: float = 0.0  # of its resting tokens, once it was given back

    @property
    def member(self) -> str:
        return self.id.split(".")[0]

    @property
    def ends(self) -> float:
        """The moment at which it lapses."""
        return self.granted_at + self.demand.lasts + GRACE


class Model:
    """The policy, and whose each token is."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.policy = Policy(settings)
        self.now = 0.0
        self.late = 0
        self.flights: dict[str, Flight] = {}
        self.owned: dict[TokenBucket, list[tuple[float, str]]] = {}
        self._ends: list[tuple[float, str]] = []

    # ---------------------------------------------------------------- steps

    def move_to(self, moment: float) -> None:
        """Let time pass; leases lapse at their own moments."""
        while self._ends and self._ends[0][0] <= moment:
            self.now, name = heapq.heappop(self._ends)
            flight = self.flights.get(name)
            if flight is not None and flight.lease is not None:
                slots = flight.lease.parties.account.slots
                recovery, slots.recovery = slots.recovery, None  # nothing lingers after a lapse: it came late enough
                self._finish(flight, flight.lease, Outcome.UNKNOWN)
                slots.recovery = recovery
                flight.lease = None
        self.now = moment
        self._tidy()

    def take(self, name: str, demand: Demand) -> list[Any]:
        """Ask for a call; give what the script should answer, without the moment."""
        held = self._hold(demand)
        answer = self.policy.ask(demand, self.now)
        if held is not None:
            held[0].let_go(held[1])
        if isinstance(answer, Lease):
            self.flights[name] = Flight(name, demand, self.now, answer)
            heapq.heappush(self._ends, (self.flights[name].ends, name))
            return ["GRANT"]
        if isinstance(answer, Locked):
            return ["LOCKED", _ms(answer.until - self.now), WHY[answer.reason]]
        assert isinstance(answer, Ticket)
        bucket = answer.place
        assert bucket is not None
        self.policy.leave(answer, self.now)
        told = self._told(name.split(".")[0], answer, bucket)
        self._tidy()
        return told

    def finish(self, name: str, outcome: Outcome) -> list[Any]:
        """Give a lease back, in time or late."""
        flight = self.flights[name]
        if flight.lease is not None:
            self._finish(flight, flight.lease, outcome)
            flight.lease = None
            del self.flights[name]
            if outcome is not Outcome.UNSENT and any(rule.rests for rule, _ in flight.demand.charges):
                ended = self.now + (self.settings.lateness if outcome is Outcome.UNKNOWN else 0.0)
                flight.rests_until = ended + self.settings.rest
            self._tidy()
            return ["DONE"]
        del self.flights[name]
        if outcome is not Outcome.UNSENT:
            self.late += 1
            parties = self.policy._parties[flight.demand.identity]
            held = self._hold(flight.demand)
            buckets = [parties.account.take(key, rule, self.settings.rest) for rule, key in flight.demand.charges]
            for bucket, (rule, _) in zip(buckets, flight.demand.charges, strict=True):
                bucket.rule = min(bucket.rule, rule, key=lambda known: known.n)
            if flight.demand.may_block:
                buckets.append(parties.gateway.refused)
            buckets.append(parties.account.slots)
            for bucket in buckets:
                bucket.out += 1
            lease = Lease(0, parties, buckets, self.now, self.policy.lines.epoch, flight.demand)
            good = outcome in (Outcome.ACCEPTED, Outcome.PRICED)
            self._finish(flight, lease, Outcome.ANSWERED if good else outcome)
            if held is not None:
                held[0].let_go(held[1])
        self._tidy()
        return ["LATE"]

    def prove(self, name: str) -> list[Any]:
        """Note that its credentials were accepted."""
        flight = self.flights[name]
        if flight.lease is not None:
            self.policy.prove(flight.lease, self.now)
        self._tidy()
        return ["DONE"]

    # ---------------------------------------------------------------- what is known

    def state(self) -> dict[str, Any]:
        """Give all of it, in the script's words and in milliseconds from now."""
        found: dict[str, Any] = {"late": self.late, "foreign": self.policy.foreign}
        for account in self.policy.accounts.values():
            found["cut"] = _ms(account.cut_at) if account.cut_at > 0 else 0
            for name, breaker in account.credentials.items():
                self._put_breaker(found, f"k:{name}", breaker, (False, 0, 0, 0, 0, "-"))
                self._put(found, f"p:{name}", breaker.bucket)
            self._put(found, "s", account.slots)
            for bucket in account.charged(self.settings.rest):
                self._put(found, f"b:{bucket.key.decode()}", bucket)
        for name, gateway in self.policy.gateways.items():
            self._put_breaker(found, f"g:{name}", gateway.breaker, (True, 0, 0, 0, 0, "-"))
            self._put(found, f"a:{name}", gateway.breaker.bucket)
            self._put(found, f"t:{name}", gateway.trials)
            self._put(found, f"r:{name}", gateway.refused)
        return found

    def moments(self) -> list[float]:
        """Give the moments at which something comes home, opens or lapses by itself."""
        found = [end for end, name in self._ends if name in self.flights]
        for bucket in self._buckets():
            found.append(bucket.next_change(self.now))
        for account in self.policy.accounts.values():
            found += [breaker.locked_until for breaker in account.credentials.values()]
        found += [gateway.breaker.locked_until for gateway in self.policy.gateways.values()]
        return [moment for moment in found if self.now < moment < FOREVER]

    # ---------------------------------------------------------------- inside

    def _finish(self, flight: Flight, lease: Lease, outcome: Outcome) -> None:
        lease.parties.account.slots.capacity(self.now)  # a recovery that is over is none
        before = {bucket: list(bucket.homes) for bucket in lease.buckets}
        buckets = list(lease.buckets)
        self.policy.finish(lease, outcome, self.now)
        for bucket in buckets:
            new = list(bucket.homes)
            for home in before[bucket]:
                if home in new:
                    new.remove(home)
            whose = (
                "-" if bucket is lease.parties.gateway.trials and outcome is Outcome.LOGIN_REFUSED else flight.member
            )
            self.owned.setdefault(bucket, []).extend((home, whose) for home in new)

    def _hold(self, demand: Demand) -> tuple[Account, list[TokenBucket]] | None:
        """Let the limit of a key at rest be what it was: the policy takes the caller's, and the script the stricter."""
        account = self.policy.accounts.get(demand.identity.account)
        if account is None:
            return None
        kept = [(key, account.resting.get(key)) for _, key in demand.charges]
        found = [(key, known[0]) for key, known in kept if isinstance(known, tuple)]
        return account, [account.take(key, rule, self.settings.rest) for key, rule in found]

    def _buckets(self) -> list[TokenBucket]:
        found = self.policy._buckets()
        for account in self.policy.accounts.values():
            found += [kept for kept in account.resting.values() if isinstance(kept, TokenBucket)]
        return found

    def _tidy(self) -> None:
        """Look at everything now, so that nothing that is over is left to be found over later."""
        for account in self.policy.accounts.values():
            for bucket in [*account.busy.values(), account.slots]:
                bucket.free(self.now)
            for key, kept in list(account.resting.items()):
                if isinstance(kept, TokenBucket):
                    kept.free(self.now)
                    over = kept.forgettable_at(self.now) <= self.now
                    if over or (kept.recovery is None and not kept.homes):
                        del account.resting[key]
                else:
                    homes = [home for home in kept[1:] if home > self.now]
                    if homes:
                        account.resting[key] = (kept[0], *homes)
                    else:
                        del account.resting[key]
            for breaker in account.credentials.values():
                breaker.bucket.free(self.now)
        for gateway in self.policy.gateways.values():
            for bucket in (gateway.trials, gateway.refused, gateway.breaker.bucket):
                bucket.free(self.now)

    def _told(self, member: str, ticket: Ticket, bucket: TokenBucket) -> list[Any]:
        """Give what a process is told about the bucket that it must wait for."""
        lent = [flight for flight in self.flights.values() if flight.lease and bucket in flight.lease.buckets]
        elsewhere = sum(flight.member != member for flight in lent)
        given = next((rule.n for rule, key in ticket.demand.charges if key == bucket.key), bucket.rule.n)
        recovery = bucket.recovery
        known = [0, 0, 0, 0]
        if recovery is not None:
            risen = -1 if recovery.rises_from == FOREVER else _ms(self.now - recovery.rises_from)
            known = [_ms(max(recovery.blocked_until - self.now, 0.0)), recovery.base, risen, recovery.strikes]
        return ["WAIT", self._field(ticket, bucket), elsewhere + max(given - bucket.rule.n, 0), *known]

    @staticmethod
    def _field(ticket: Ticket, bucket: TokenBucket) -> str:
        parties, identity = ticket.parties, ticket.demand.identity
        return {
            id(parties.account.slots): "s",
            id(parties.credential.bucket): f"p:{identity.credential}",
            id(parties.gateway.trials): f"t:{identity.gateway}",
            id(parties.gateway.refused): f"r:{identity.gateway}",
            id(parties.breaker.bucket): f"a:{identity.gateway}",
        }.get(id(bucket), f"b:{bucket.key.decode()}")

    def _put(self, found: dict[str, Any], field: str, bucket: TokenBucket) -> None:
        bucket.free(self.now)
        recovery = bucket.recovery
        saved = None
        if recovery is not None:
            rises = None if recovery.rises_from == FOREVER else _ms(recovery.rises_from)
            saved = (_ms(max(recovery.blocked_until, 0.0)), recovery.base, rises, recovery.strikes)
        out, homes = bucket.out, sorted(_ms(home) for home in bucket.homes)
        if out or homes or saved:
            n = bucket.rule.n if field[0] == "b" else None
            found[field] = (n, out, homes, saved)

    @staticmethod
    def _put_breaker(found: dict[str, Any], field: str, breaker: Breaker, at_first: tuple[Any, ...]) -> None:
        moments = (breaker.locked_at, breaker.locked_until, breaker.tripped_until)
        saved = (
            breaker.proven,
            breaker.failures,
            *(_ms(moment) if moment > 0 else 0 for moment in moments),
            WHY.get(breaker.reason, "-"),
        )
        if saved != at_first:
            found[field] = saved


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
