"""Policies that break one promise each: a proof that lets one of them pass proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from smsc_async.guard import Lease, Outcome
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Ticket
from tests.proof.core import tampering
from tests.proof.core.ledgers import FOREVER

if TYPE_CHECKING:
    from smsc_async.guard import Demand
    from smsc_async.guard._records import Locked, Settings, TooLong

__all__ = ["WRONG"]


class ChargedFromAdmission(Policy):
    """A token rests from the admission on, not from the answer on: what slow answers break."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        rest = self.rest
        self.rest = max(rest - (now - lease.granted_at), 0.0)
        super().finish(lease, outcome, now)
        self.rest = rest


class UnknownIsFree(Policy):
    """A call without an answer gives its token back."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, Outcome.UNSENT if outcome is Outcome.UNKNOWN else outcome, now)


class Fifteen(Policy):
    """One request in flight too many."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(attrs.evolve(settings, max_concurrency=settings.max_concurrency + 1))


class NoLateness(Policy):
    """A call without an answer is over when we say so."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(attrs.evolve(settings, lateness=0.0))


class NoMargin(Policy):
    """A token comes home as soon as the window is over."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(attrs.evolve(settings, margin=0.0))


class Sluggish(Policy):
    """A token comes home later than it could."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(attrs.evolve(settings, margin=settings.margin + 0.5))


class NobodyCalled(Policy):
    """What a call gives back is offered to nobody in line."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        with tampering.call_nobody(self):
            super().finish(lease, outcome, now)


class LastComeFirstServed(Policy):
    """Whoever comes last goes first."""

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        tampering.count_down(self)
        return super().ask(demand, now, deadline)


class DeafToAlarms(Policy):
    """At the very moment of an alarm it is still too early to look."""

    def tick(self, now: float) -> None:
        super().tick(now - 1 / 1024)


class AlarmLost(Policy):
    """Whoever leaves takes the alarm along, that others in line need."""

    def leave(self, ticket: Ticket, now: float) -> None:
        super().leave(ticket, now)
        tampering.forget_alarms(self)


class AlarmsPileUp(Policy):
    """Whoever leaves the line leaves an alarm behind."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        tampering.keep_alarms(self)


class ReservationLeaked(Policy):
    """Whoever leaves the line leaves a token reserved."""

    def leave(self, ticket: Ticket, now: float) -> None:
        tampering.leak_a_reservation(ticket)
        super().leave(ticket, now)


class ForkForgets(Policy):
    """The child of a fork takes the parent's calls for never sent."""

    def after_fork(self, now: float) -> None:
        tampering.forget_all_out(self)
        super().after_fork(now)


class ForkedTwice(Policy):
    """The child of a fork takes back what its parent's copies give back."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        lease.epoch = self.lines.epoch
        super().finish(lease, outcome, now)


class NoPenalty(Policy):
    """A refusal as a duplicate is an answer like any other."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, Outcome.ANSWERED if outcome is Outcome.DUPLICATE else outcome, now)


class NoHalving(Policy):
    """A refusal as one too many in flight is an answer like any other."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, Outcome.ANSWERED if outcome is Outcome.CONCURRENCY else outcome, now)


class NoBreaker(Policy):
    """A wrong password is tried again."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, Outcome.ANSWERED if outcome is Outcome.LOGIN_REFUSED else outcome, now)


class NoProbation(Policy):
    """Any answer is taken for an acceptance."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, Outcome.ACCEPTED if outcome is Outcome.ANSWERED else outcome, now)


class Faint(Policy):
    """It gives up on waits that would fit."""

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        return super().ask(demand, now, max(deadline - 3.0, now))


class Patient(Policy):
    """It forgets that callers have deadlines."""

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        return super().ask(demand, now)


class Forgetful(Policy):
    """It forgets what is at rest when there is much of it."""

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        tampering.forget_resting(self, 3)
        return super().ask(demand, now, deadline)


class Hoarder(Policy):
    """It keeps every key for ever."""

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        tampering.never_forget(self)
        return super().ask(demand, now, deadline)


WRONG: tuple[type[Policy], ...] = (
    ChargedFromAdmission,
    UnknownIsFree,
    Fifteen,
    NoLateness,
    NoMargin,
    Sluggish,
    NobodyCalled,
    LastComeFirstServed,
    DeafToAlarms,
    AlarmLost,
    AlarmsPileUp,
    ReservationLeaked,
    ForkForgets,
    ForkedTwice,
    NoPenalty,
    NoHalving,
    NoBreaker,
    NoProbation,
    Faint,
    Patient,
    Forgetful,
    Hoarder,
)
