"""Plays callers, binding, time and forks against a policy, and looks after each step whether it keeps its word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsc_async.guard import Lease, Outcome, Reason
from smsc_async.guard._records import Locked, Ticket, TooLong
from tests.proof.core import books
from tests.proof.core.gateway import Flight, Gateway
from tests.proof.core.ledgers import EPSILON, FOREVER, TOLERANCE, Tolerance, Violation
from tests.proof.core.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.guard._policy import Policy
    from smsc_async.guard._records import Settings
    from tests.proof.core.world import Call, World

__all__ = ["Caller", "Play"]

MANY_ALARMS = 10_000  # more than any step can have; a policy that never comes to rest is stopped here


class Caller:
    """One call in line."""

    __slots__ = ("call", "came_at", "deadline", "hopeless_since", "serial", "ticket")

    def __init__(self, call: Call, ticket: Ticket, serial: int, came_at: float, deadline: float) -> None:
        self.call: Call = call
        self.came_at: float = came_at
        self.ticket: Ticket = ticket
        self.serial: int = serial  # in the order in which they came, whatever numbers the policy gives
        self.deadline: float = deadline
        self.hopeless_since = FOREVER


class Play:
    """A policy, and all that goes on around it."""

    def __init__(
        self,
        make_policy: Callable[[Settings], Policy],
        settings: Settings,
        world: World,
        reach: Reach,
        tolerance: Tolerance = TOLERANCE,
    ) -> None:
        self.settings = settings
        self.world = world
        self.reach = reach
        self.policy = make_policy(settings)
        self.gateway = Gateway(settings, world, reach, tolerance)
        self.now = 0.0
        self.flying: list[Flight] = []
        self.standing: dict[Ticket, Caller] = {}
        self.lines: list[dict[Ticket, int]] = [{} for _ in world.calls]  # by call, in order, the serial
        self.most = 0  # that ever stood at once
        self.hurried: dict[Ticket, Caller] = {}  # those with a deadline
        self.orphans: list[Lease] = []  # of the parent, after a fork
        self.gone: list[Ticket] = []  # a few that stand no more
        self.told_until = FOREVER  # the policy was told that it is no later yet: see `finish`
        self.timely = True  # whether every alarm was seen to at its moment
        self.known: set[int] = set()  # the accounts that the policy has met
        self.serial = 0
        self.refused: dict[int, float] = {}  # by serial, the deadline of those whose wait was too long
        self.patient = False  # nobody is in a hurry: see `futures`

    # ---------------------------------------------------------------- what callers do

    def ask(self, call: Call, patience: float = FOREVER) -> None:
        """A call comes; it will wait for *patience* seconds."""
        now, gateway = self.now, self.gateway
        new = not books.knows(self.policy, self.world.accounts[call.account])
        must_lock = gateway.lock_of(call, now)
        deadline = FOREVER if self.patient else now + patience
        self.serial += 1
        self.reach.operations += 1
        answer = self.policy.ask(call.demand, now, deadline)
        if new:
            self._meet(call.account)
        kind = type(answer)
        if kind is Locked:
            self._judge_locked(call, answer, self.serial)  # type: ignore[arg-type]
            self.reach.add("refused: locked")
        elif must_lock:
            raise Violation(f"lock: {call.name} was let in, and is locked until {must_lock:g}")
        elif kind is TooLong:
            self._judge_too_long(answer, self.serial, deadline)  # type: ignore[arg-type]
            self.reach.add("refused: too long")
        elif kind is Ticket:
            gateway.ask(call, now)
            self._stand(Caller(call, answer, self.serial, now, deadline))  # type: ignore[arg-type]
        else:
            gateway.ask(call, now)
            self._settle()
            self.reach.add("admitted at once")
            self._admit(call, answer, self.serial)  # type: ignore[arg-type]
        self.after()

    def leave(self, index: int) -> None:
        """A waiting call is given up."""
        ticket = list(self.standing)[index]
        self.reach.add("left the line with tokens reserved" if books.passed(ticket) else "left the line")
        self.gateway.unask(self._stand_up(ticket).call)
        self.reach.operations += 1
        self.policy.leave(ticket, self.now)
        self.after()

    def leave_again(self, index: int) -> None:
        """A call that stands no more is given up once more: this must change nothing."""
        self.reach.operations += 1
        self.policy.leave(self.gone[index], self.now)
        self.reach.add("left once more")
        self.after()

    def prove(self, index: int) -> None:
        """The gateway's answer to a call has begun: the credentials were accepted."""
        flight = self.flying[index]
        self.reach.operations += 1
        self.policy.prove(flight.lease, self.now)
        self.gateway.prove(flight, self.now)
        self.reach.add("accepted before its end")
        self.after()

    def finish(self, index: int, outcome: Outcome, ago: float = 0.0) -> None:
        """A call ended, *ago* seconds ago: another thread had the lock until now."""
        last = self.flying.pop()
        if index < len(self.flying):
            self.flying[index], last = last, self.flying[index]
        flight, then = last, self.now
        if ago:
            then = max(self.now - ago, flight.admitted_at)
            self.reach.add("given back late")
        stages = {}
        if outcome is Outcome.DUPLICATE:
            stages = {ticket: books.passed(ticket) for ticket in self.standing}
        self.reach.outcomes[outcome.name] += 1
        self.reach.operations += 1
        self.told_until = then
        self.policy.finish(flight.lease, outcome, then)
        self.gateway.end(flight, outcome, then, self.now)
        self.after()
        self.told_until = FOREVER
        if stages:
            back = sum(ticket in self.standing and books.passed(ticket) < stage for ticket, stage in stages.items())
            self.reach.events["a token recalled after a penalty"] += back
        if outcome is Outcome.CONCURRENCY:
            self.reach.add("slots halved")
        elif outcome in {Outcome.LOGIN_REFUSED, Outcome.ADDRESS_BLOCKED}:
            self._look_for_locked()

    def orphan(self, index: int, outcome: Outcome) -> None:
        """A copy of the parent's frame ends in the child: this must change nothing."""
        lease = self.orphans.pop(index)
        self.reach.operations += 2
        self.policy.prove(lease, self.now)
        self.policy.finish(lease, outcome, self.now)
        self.reach.add("given back to the child of a fork")
        self.after()

    def fork(self) -> None:
        """The process forks, and this is the child: the parent's calls end whenever they do."""
        if self.flying:
            self.reach.add("forked with calls in flight")
        if any(flight.call.message for flight in self.flying):
            self.reach.add("forked with messages in flight")
        if self.standing:
            self.reach.add("forked with calls in line")
        self.reach.operations += 1
        self.policy.after_fork(self.now)
        for flight in self.flying:
            self.gateway.end(flight, Outcome.UNKNOWN, self.now, self.now)
            self.orphans.append(flight.lease)
        self.flying.clear()
        for ticket in list(self.standing):
            self.gateway.unask(self._stand_up(ticket).call)
        self.after()

    # ---------------------------------------------------------------- time

    def pass_time(self, moment: float) -> None:
        """Time passes; the binding looks at each alarm at its moment."""
        for _ in range(MANY_ALARMS):
            alarm = self.policy.lines.next_alarm()
            if alarm > moment:
                self.now = max(self.now, moment)
                self.after()
                return
            self.now = max(self.now, alarm)
            self.tick()
        raise Violation("alarm: they do not end")

    def oversleep(self, moment: float) -> None:
        """Time passes, and the binding is late: it was busy with something else."""
        if self.policy.lines.next_alarm() < moment:
            self.timely = False
            self.reach.add("looked too late at the alarm")
        self.now = max(self.now, moment)

    def tick(self) -> None:
        """The binding looks at the time."""
        self.reach.operations += 1
        self.policy.tick(self.now)
        if self.policy.lines.next_alarm() <= self.now:
            raise Violation("alarm: it stays due, whatever is done about it")
        self.after()
        self.timely = True

    # ---------------------------------------------------------------- what the policy answers

    def after(self) -> None:
        """Wake those who may go, and look whether all is well."""
        if self.policy.lines.settled:
            self._settle()
        alarm = self.policy.lines.next_alarm()
        if not self.standing or alarm <= self.now:
            return  # nobody waits, or the binding has not looked yet
        bucket = books.idle_token(self.policy, self.now - EPSILON)  # free for a while, however short
        if bucket is not None:
            raise Violation(f"waste: calls wait for {books.key_of(bucket)}, and a token is free")
        if alarm == FOREVER and not self.flying:
            raise Violation("forgotten: calls wait, and nothing will ever wake them")
        for caller in self.hurried.values():
            if caller.deadline <= self.now:
                raise Violation(f"deadline: {caller.call.name} was to start by {caller.deadline:g}, and still waits")

    def _settle(self) -> None:
        settled, self.policy.lines.settled = self.policy.lines.settled, []
        granted: list[tuple[Ticket, Lease]] = []
        for ticket in settled:
            verdict = ticket.verdict
            if isinstance(verdict, Lease):
                granted.append((ticket, verdict))
                continue
            caller = self._stand_up(ticket)
            self.gateway.unask(caller.call)
            if isinstance(verdict, Locked):
                self._judge_locked(caller.call, verdict, caller.serial)
                self.reach.add("refused while waiting: locked")
            elif isinstance(verdict, TooLong):
                self._judge_too_long(verdict, caller.serial, caller.deadline)
                self.reach.add("refused while waiting: too long")
                if verdict.reason is Reason.REFUSED:
                    self.reach.add("refused while waiting: too long, for a row of refusals")
            else:
                raise Violation("settled: without a verdict")
        for ticket, lease in granted:  # after the refusals, whose tokens some of them have got
            self._admit_after_wait(self._stand_up(ticket), lease)

    def _admit_after_wait(self, caller: Caller, lease: Lease) -> None:
        self.reach.add("admitted after a wait")
        if self.timely and lease.granted_at > caller.deadline + EPSILON:
            raise Violation(f"deadline: {caller.call.name} started after it")
        ledgers = (self.gateway.keys[charge.key] for charge in caller.call.charges)
        if any(ledger.homes and ledger.homes[0] == self.now for ledger in ledgers):
            self.reach.add("admitted at the very moment a token came home")
        row = self.gateway.origins[caller.call.origin].row
        if caller.call.message and any(until + row.tolerance.memory == self.now for until in row.refused):
            self.reach.add("a message admitted at the very moment a refusal was forgotten")
        self._admit(caller.call, lease, caller.serial)

    def _admit(self, call: Call, lease: Lease, serial: int) -> None:
        gateway = self.gateway
        gateway.admissions += 1
        flight = Flight(lease, call, self.now, gateway.admissions)
        if lease.granted_at > self.now:
            raise Violation(f"time: admitted at {lease.granted_at:g}, which is still to come")
        for covered in call.covered:
            line = self.lines[covered]
            if line and next(iter(line.values())) < serial:
                first = self.world.calls[covered].name
                raise Violation(f"order: {call.name} overtook {first}, which came before it and needs no more")
        gateway.admit(flight, self.now)
        self.flying.append(flight)

    def _judge_locked(self, call: Call, verdict: Locked, serial: int) -> None:
        self.gateway.locked(call, verdict, min(self.now, self.told_until), self.now)

    def _judge_too_long(self, verdict: TooLong, serial: int, deadline: float) -> None:
        if deadline == FOREVER:
            raise Violation("deadline: a call without one was refused for it")
        if verdict.moment < deadline - 2 * EPSILON and self.now < deadline:
            raise Violation(f"too long: refused, and it could go at {verdict.moment:g}, before {deadline:g}")
        self.refused[serial] = deadline

    def _stand(self, caller: Caller) -> None:
        ticket = caller.ticket
        self.standing[ticket] = caller
        self.most = max(self.most, len(self.standing))
        self.lines[caller.call.index][ticket] = caller.serial
        if caller.deadline < FOREVER:
            self.hurried[ticket] = caller
            earliest = books.earliest(ticket, self.now, self.gateway.rest)
            if earliest is not None and earliest > caller.deadline + EPSILON:
                raise Violation(f"too long: {caller.call.name} was let in line, and cannot go before {earliest:g}")
        self.reach.add("placed in line")
        self.reach.reasons[books.waits_for(ticket).name] += 1

    def _stand_up(self, ticket: Ticket) -> Caller:
        caller = self.standing.pop(ticket, None)
        if caller is None:
            raise Violation("settled: a call that does not wait, or was told already")
        del self.lines[caller.call.index][ticket]
        self.hurried.pop(ticket, None)
        self.gone = [*self.gone[-3:], ticket]
        return caller

    def _meet(self, account: int) -> None:
        for other in list(self.known):
            if other == account or not books.knows(self.policy, self.world.accounts[other]):
                self.gateway.forget(other, self.now)
                self.known.remove(other)
        self.known.add(account)

    def _look_for_locked(self) -> None:
        for index, line in enumerate(self.lines):
            if line and self.gateway.lock_of(self.world.calls[index], self.now):
                raise Violation(f"lock: {self.world.calls[index].name} still waits, and nobody told it")
