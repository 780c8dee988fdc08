"""Policies that break one promise each: a proof that lets one of them pass proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from smsc_async.guard import Demand, Identity, Lease, Outcome
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Ticket
from tests.proof.core import tampering
from tests.proof.core.ledgers import FOREVER

if TYPE_CHECKING:
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


class RefusalsAreFree(Policy):
    """Messages that were refused are no row."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.REFUSED:
            tampering.end_outside_the_row(self, lease, now)
        super().finish(lease, outcome, now)


class LostIsNoRefusal(Policy):
    """A message without an answer is taken for one that was not refused."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.UNKNOWN:
            tampering.end_outside_the_row(self, lease, now)
        super().finish(lease, outcome, now)


class UnreadableIsNoRefusal(Policy):
    """Likewise one with an answer that nobody can read."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.ANSWERED:
            tampering.end_outside_the_row(self, lease, now)
        super().finish(lease, outcome, now)


class NothingForgiven(Policy):
    """A message that was taken ends no row."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.ACCEPTED:
            tampering.end_outside_the_row(self, lease, now)
        super().finish(lease, outcome, now)


class AllForgiven(Policy):
    """A message that was taken ends the row, though it went before the others were refused."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.ACCEPTED:
            tampering.forget_refusals(lease, now)
        super().finish(lease, outcome, now)


class APriceForgives(Policy):
    """A price ends the row, though no message was taken."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, Outcome.ACCEPTED if outcome is Outcome.PRICED else outcome, now)


class ForgivenAtTheSameMoment(Policy):
    """A message that was taken forgives those that were refused at the very moment at which it went."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.ACCEPTED:
            tampering.forget_refusals(lease, lease.granted_at)
        super().finish(lease, outcome, now)


class AHundred(Policy):
    """It lets a hundred messages in a row be refused."""

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        tampering.tolerate_one_more(self)
        return super().ask(demand, now, deadline)


class RefusalsForgottenEarly(Policy):
    """A refused message is forgotten a second too early."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, outcome, now)
        if outcome is Outcome.REFUSED:
            tampering.forget_soon(lease, now - 1.0)


class LostIsRefusedAtOnce(Policy):
    """A message without an answer is taken for refused when we gave it up, though it may be refused later."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        super().finish(lease, outcome, now)
        if outcome is Outcome.UNKNOWN:
            tampering.forget_soon(lease, now)


class RowsOfOneAccount(Policy):
    """Each account has a row of its own, as if the gateway blocked accounts."""

    def ask(self, demand: Demand, now: float, deadline: float = FOREVER) -> Lease | Ticket | Locked | TooLong:
        of = demand.identity
        alone = Identity(of.account, of.credential, gateway=f"{of.gateway} of {of.account}")
        mine = Demand(demand.endpoint, alone, demand.charges, may_block=demand.may_block)
        return super().ask(mine, now, deadline)


class ForkForgetsMessages(Policy):
    """The child of a fork takes none of its parent's messages for refused."""

    def after_fork(self, now: float) -> None:
        with tampering.forget_a_fork(self):
            super().after_fork(now)


class WaitsInVain(Policy):
    """It lets messages wait in a row that will not end before their deadlines."""

    def finish(self, lease: Lease, outcome: Outcome, now: float) -> None:
        with tampering.refuse_nobody_for_the_row(self):
            super().finish(lease, outcome, now)


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
    RefusalsAreFree,
    LostIsNoRefusal,
    UnreadableIsNoRefusal,
    NothingForgiven,
    AllForgiven,
    APriceForgives,
    ForgivenAtTheSameMoment,
    AHundred,
    RefusalsForgottenEarly,
    LostIsRefusedAtOnce,
    RowsOfOneAccount,
    ForkForgetsMessages,
    WaitsInVain,
)
