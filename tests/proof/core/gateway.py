"""
The gateway at its worst, as this proof's second opinion: it knows the promises, and nothing of how they are kept.

A request may be counted at any instant between its admission and its end, and where no answer was read, until
`lateness` after its end. An admission is the latest instant of any window that it closes, so a window may hold too many
exactly when at some admission more than N - 1 others may have been counted less than a window before it: those in
flight, and those that ended less than a window ago. That is looked at on each admission, with the margin added to the
window: it is the gateway's to use up, not the guard's.

Messages are looked at alike: one that goes may be the hundredth of a row that are refused, when ninety-nine others are
in flight, or were refused, or may have been, less than ten minutes before it. One that was taken ends the row for those
that had been refused before it went; the gateway may have got any other after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smsc_async.guard import Outcome
from tests.proof.core.ledgers import (
    EPSILON,
    FOREVER,
    LINGER,
    MAX_STRIKES,
    TOLERANCE,
    KeyLedger,
    OriginLedger,
    PartyLedger,
    SlotLedger,
    Tolerance,
    Violation,
)

if TYPE_CHECKING:
    from random import Random

    from smsc_async.guard import Lease
    from smsc_async.guard._records import Locked, Settings
    from tests.proof.core.reach import Reach
    from tests.proof.core.world import Call, World

__all__ = ["Flight", "Gateway"]

# How a message may end that the gateway may have refused: what no answer says, it may have done.
GOOD: Final = (Outcome.ACCEPTED, Outcome.PRICED)
MAY_BE_REFUSED: Final = (Outcome.REFUSED, Outcome.UNKNOWN, Outcome.ANSWERED)


class Flight:
    """A request that was admitted."""

    __slots__ = ("admission", "admitted_at", "call", "lease", "on_probation", "probes", "trial")

    def __init__(self, lease: Lease, call: Call, admitted_at: float, admission: int) -> None:
        self.lease: Lease = lease
        self.call: Call = call
        self.admitted_at: float = admitted_at
        self.admission: int = admission
        self.on_probation = False
        self.probes = False  # the origin
        self.trial = False


class Gateway:
    """Counts what it may have to count, and says where a promise is broken."""

    def __init__(self, settings: Settings, world: World, reach: Reach, tolerance: Tolerance = TOLERANCE) -> None:
        self.settings = settings
        self.tolerance = tolerance
        self.rest: float = settings.window + settings.margin
        self.world = world
        self.reach = reach
        self.keys = [KeyLedger(key) for key in world.keys]
        self.slots = [SlotLedger() for _ in world.accounts]
        self.credentials = [PartyLedger(proven=False) for _ in world.credentials]
        self.origins = [OriginLedger(tolerance) for _ in world.origins]
        self.admissions = 0
        self.spans: list[tuple[float, float, Call, Outcome]] = []  # from, until, what, and its end: see `recount`

    # ---------------------------------------------------------------- asking

    def ask(self, call: Call, now: float) -> None:
        """Note that a call was admitted or stands in line."""
        for charge in call.charges:
            self.keys[charge.key].ask(now, self.rest if charge.rests else 0.0)

    def unask(self, call: Call) -> None:
        """Note that a call waits no longer."""
        for charge in call.charges:
            self.keys[charge.key].live -= 1

    def lock_of(self, call: Call, now: float) -> float:
        """Give the moment until which the call must be refused, or 0."""
        credential, origin = self.credentials[call.credential], self.origins[call.origin]
        if now < credential.locked_until:
            return credential.locked_until
        return origin.locked_until if now < origin.locked_until else 0.0

    def locked(self, call: Call, verdict: Locked, then: float, now: float) -> None:
        """Judge a refusal because of a lock, by a guard that was told at *now* what happened *then*."""
        expected = self.lock_of(call, then)
        if abs(expected - verdict.until) <= EPSILON:
            return
        # Unanswered calls on probation may yet be errors: together with those that are, they may lock for a moment.
        origin = self.origins[call.origin]
        if not (then < verdict.until <= now + self.settings.lateness and (origin.strikes or origin.trials_home)):
            raise Violation(f"lock: refused until {verdict.until:g}, and it should be until {expected:g}")

    def forget(self, account: int, now: float) -> None:
        """Judge that the guard has forgotten an account; its credentials are new ones from here on."""
        slots = self.slots[account]
        keys = [key for key in self.keys if key.key.account == account]
        homes = [*slots.homes, *(home for key in keys for home in key.homes)]
        locks = [self.credentials[call.credential].locked_until for call in self.world.calls if call.account == account]
        if slots.flying or any(key.live for key in keys) or any(moment > now + EPSILON for moment in homes + locks):
            raise Violation(f"memory: account {self.world.accounts[account]} was forgotten before it was idle")
        self.reach.add("an idle account forgotten")
        for call in self.world.calls:
            if call.account == account:
                self.credentials[call.credential] = PartyLedger(proven=False)

    # ---------------------------------------------------------------- a request's life

    def admit(self, flight: Flight, now: float) -> None:
        """Note an admission: the earliest instant at which the request may be counted."""
        call, settings, reach = flight.call, self.settings, self.reach
        for charge in call.charges:
            key = self.keys[charge.key]
            probing = key.strikes
            count = key.admit(charge.n, now, self.rest if charge.rests else 0.0)
            if charge.rests:
                if count == charge.n:
                    reach.full[charge.n] += 1
                if probing:
                    reach.add("a probe after a penalty" if count == 1 else "a step of recovery after a penalty")
        slots = self.slots[call.account]
        most = settings.max_concurrency
        slots.admit(now, most, settings.window)
        if slots.flying == most:
            reach.in_flight[most] += 1
        if slots.recovering and slots.rises_from + settings.window <= now:
            reach.add("a step of recovery of the slots")
        credential, origin = self.credentials[call.credential], self.origins[call.origin]
        flight.probes = origin.admit("the gateway", now)
        flight.on_probation = credential.admit("the credentials", now)
        if flight.on_probation:
            flight.trial = True
            if origin.admit_trial(now) == MAX_STRIKES:
                reach.add("every trial taken")
        if call.message:
            reach.in_a_row[origin.row.admit(now)] += 1

    def prove(self, flight: Flight, then: float) -> None:
        """Note that the credentials of a call were accepted."""
        call, granted_at = flight.call, flight.lease.granted_at
        self.credentials[call.credential].accept(granted_at, then)
        self.origins[call.origin].accept(granted_at, then)
        if flight.trial:
            flight.trial = False
            self.origins[call.origin].end_trial(-FOREVER, then)

    def end(self, flight: Flight, outcome: Outcome, then: float, now: float) -> None:
        """Note the end of a request at *then*, and what the gateway said; the guard was told at *now*."""
        if outcome in GOOD:
            self.prove(flight, then)
        until = then + self.settings.lateness if outcome is Outcome.UNKNOWN else then
        self._end_keys(flight, outcome, then, until)
        self._end_slot(flight, outcome, then, until, now)
        self._end_parties(flight, outcome, then, until, now)
        if flight.call.message:
            self._end_message(flight, outcome, until)
        if outcome is not Outcome.UNSENT:
            self.spans.append((flight.admitted_at, until, flight.call, outcome))

    def _end_keys(self, flight: Flight, outcome: Outcome, then: float, until: float) -> None:
        granted_at = flight.lease.granted_at
        for charge in flight.call.charges:
            key = self.keys[charge.key]
            key.live -= 1
            key.end(until + self.rest if charge.rests and outcome is not Outcome.UNSENT else until, then)
            if outcome is Outcome.DUPLICATE and charge.rests:
                key.refuse(granted_at, then, self.rest, self.settings.window)
            elif outcome in GOOD and charge.rests and key.accept(granted_at, then):
                self.reach.add("a good probe after a penalty")

    def _end_slot(self, flight: Flight, outcome: Outcome, then: float, until: float, now: float) -> None:
        slots, most, window = self.slots[flight.call.account], self.settings.max_concurrency, self.settings.window
        slots.allowed(then, most, window)  # sees whether it has recovered
        answered = outcome not in {Outcome.UNSENT, Outcome.UNKNOWN}
        lingers = outcome is Outcome.CONCURRENCY or (slots.recovering and answered)
        slots.end(until + LINGER if lingers else until, then)
        if outcome is Outcome.CONCURRENCY:
            slots.refuse(flight.lease.granted_at, then, now, most, window)

    def _end_parties(self, flight: Flight, outcome: Outcome, then: float, until: float, now: float) -> None:
        credential, origin = self.credentials[flight.call.credential], self.origins[flight.call.origin]
        if flight.on_probation:
            credential.end(until, then)
        if flight.probes:
            origin.end(until, then)
        if flight.trial:
            origin.end_trial(until, then)
        if outcome is Outcome.LOGIN_REFUSED:
            credential.trip(then)
            origin.strike(then, now)
        elif outcome is Outcome.ADDRESS_BLOCKED:
            origin.trip(then)

    def _end_message(self, flight: Flight, outcome: Outcome, until: float) -> None:
        row = self.origins[flight.call.origin].row
        row.out -= 1
        if outcome in MAY_BE_REFUSED:
            row.refuse(until)
        elif outcome is Outcome.ACCEPTED:
            before, after = row.take(flight.lease.granted_at)
            if before:
                self.reach.add("a row ended by a message that was taken")
            if after:
                self.reach.add("a row that went on, for it may have come after the one that was taken")

    # ---------------------------------------------------------------- counted once more

    def recount(self, random: Random) -> None:
        """
        Count a whole schedule as a gateway does: at one instant for each request, by windows that slide.

        It shares nothing with the ledgers above, and so watches them. The instants are drawn: the first possible, the
        last possible, or any between.
        """
        choice = random.randrange(4)
        instants: dict[tuple[int, int], list[float]] = {}
        edges: list[list[tuple[float, int]]] = [[] for _ in self.world.accounts]
        for start, until, call, _ in self.spans:
            part = (0.0, 1.0, random.random(), float(random.getrandbits(1)))[choice]
            instant = start + part * (until - start)
            for charge in call.charges:
                if charge.rests:
                    instants.setdefault((charge.key, charge.n), []).append(instant)
            edges[call.account] += ((start, 1), (until, -1))
        for (key, n), moments in instants.items():
            moments.sort()
            for earlier, later in zip(moments, moments[n:], strict=False):
                if later - earlier < self.settings.window:
                    name = self.world.keys[key].name
                    raise Violation(f"recount: {n + 1} of key {name!r} were counted within {later - earlier:g} s")
        for account, moments_of in enumerate(edges):
            working = 0
            for _, change in sorted(moments_of):  # at one instant those that end come first
                working += change
                if working > self.settings.max_concurrency:
                    raise Violation(f"recount: {working} requests of {self.world.accounts[account]} were in flight")
        self._recount_rows(random)

    def _recount_rows(self, random: Random) -> None:
        """Likewise refuse whatever may have been refused, one message after the other."""
        rows: list[list[float]] = [[] for _ in self.world.origins]
        moments: list[tuple[float, bool, int]] = []
        choice = random.randrange(3)
        for start, until, call, outcome in self.spans:
            taken = outcome is Outcome.ACCEPTED
            if call.message and (taken or outcome in MAY_BE_REFUSED):
                # At worst, what was taken came first, and ended no row.
                part = (float(not taken), random.random(), float(random.getrandbits(1)))[choice]
                moments.append((start + part * (until - start), not taken, call.origin))
        most, memory = self.tolerance.refusals, self.tolerance.memory
        for moment, refused, origin in sorted(moments):
            row = rows[origin]
            if refused:
                row.append(moment)
            else:
                row.clear()
            if len(row) > most and moment - row[-most - 1] < memory:
                seconds = moment - row[-most - 1]
                raise Violation(f"recount: {most + 1} messages in a row were refused within {seconds:g} s")
