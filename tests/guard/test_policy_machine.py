"""The policy as a state machine: any schedule of calls, ends, departures and time keeps every promise."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smsc_async.guard._bucket import Reason, Rule
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Demand, Identity, Lease, Locked, Outcome, Settings, Ticket, TooLong

WINDOW, MARGIN, LATENESS, SLOTS = 60.0, 1.5, 5.0, 3
PAIR = Rule("pair", Reason.IDENTICAL, 2)
SINGLE = Rule("single", Reason.IDENTICAL, 1)
ACTION = Rule("action", Reason.ACTION, 3)
FILES = Rule("files", Reason.DOWNLOADS, 2, rests=False)
CHARGES = (
    ((PAIR, b"a"),),
    ((PAIR, b"b"),),
    ((SINGLE, b"c"),),
    ((PAIR, b"d"), (ACTION, b"x")),
    ((PAIR, b"e"), (ACTION, b"x")),
    ((PAIR, b"f"), (FILES, b"files")),
)
MESSAGES = (1, 2)  # of these
MILD = (Outcome.ACCEPTED, Outcome.ANSWERED, Outcome.UNKNOWN, Outcome.UNSENT, Outcome.REFUSED)
ALL = (*MILD, Outcome.DUPLICATE, Outcome.CONCURRENCY, Outcome.LOGIN_REFUSED, Outcome.ADDRESS_BLOCKED)


class PolicyMachine(RuleBasedStateMachine):
    """
    Plays binding and gateway: a request may be counted at any moment from its admission to its end.

    The gateway's window is checked for the worst case: every interval [admission, end] of a key that was sent must
    not meet N others in any window of a minute.
    """

    @initialize(harsh=st.booleans())
    def begin(self, harsh: bool) -> None:
        """Start with an idle account."""
        self.harsh = harsh
        self.policy = Policy(Settings(window=WINDOW, margin=MARGIN, lateness=LATENESS, max_concurrency=SLOTS))
        self.now = 0.0
        self.flying: dict[Lease, Demand] = {}
        self.waiting: dict[Ticket, Demand] = {}
        self.spans: dict[bytes, list[tuple[float, float]]] = {}
        self.lapsing: list[float] = []  # until when a slot of an unanswered call may still be in use
        self.order: dict[bytes, list[int]] = {}

    @rule(kind=st.sampled_from([0, 0, 0, 1, 2, 2, 3, 3, 4, 5]), patience=st.none() | st.floats(0.0, 200.0))
    def ask(self, kind: int, patience: float | None) -> None:
        """A call comes."""
        identity = Identity("account", "credential", "gateway")
        demand = Demand("e", identity, CHARGES[kind], may_block=kind in MESSAGES)
        deadline = float("inf") if patience is None else self.now + patience
        answer = self.policy.ask(demand, self.now, deadline)
        if isinstance(answer, Lease):
            self.admit(answer, demand)
        elif isinstance(answer, Ticket):
            self.waiting[answer] = demand
        else:
            assert isinstance(answer, Locked | TooLong)
        self.settle()

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """A call in flight ends in some way."""
        if not self.flying:
            return
        lease = data.draw(st.sampled_from(sorted(self.flying, key=lambda flying: flying.number)))
        self._end(lease, data.draw(st.sampled_from(ALL if self.harsh else MILD)))

    def _end(self, lease: Lease, outcome: Outcome) -> None:
        demand = self.flying.pop(lease)
        if outcome is not Outcome.UNSENT:
            end = self.now + (LATENESS if outcome is Outcome.UNKNOWN else 0.0)
            for limit, key in demand.charges:
                if limit.rests:
                    self.spans.setdefault(key, []).append((lease.granted_at, end))
            if outcome is Outcome.UNKNOWN:
                self.lapsing.append(end)
        self.policy.finish(lease, outcome, self.now)
        self.settle()

    @rule(data=st.data())
    def depart(self, data: st.DataObject) -> None:
        """A waiting call is cancelled."""
        if not self.waiting:
            return
        ticket = data.draw(st.sampled_from(sorted(self.waiting, key=lambda waiting: waiting.number)))
        del self.waiting[ticket]
        self.policy.leave(ticket, self.now)
        self.settle()

    @rule(seconds=st.floats(0.0, 100.0) | st.sampled_from([MARGIN, LATENESS, WINDOW, WINDOW + MARGIN, 600.0]))
    def pass_time(self, seconds: float) -> None:
        """Time passes, stopping at each alarm as a binding does."""
        end = self.now + seconds
        while (alarm := self.policy.lines.next_alarm()) <= end:
            self.now = max(self.now, alarm)
            self.policy.tick(self.now)
            self.settle()
        self.now = end

    @rule(count=st.integers(1, 4))
    def wait_for_alarms(self, count: int) -> None:
        """Time passes to the very moments at which something may happen: the edge is where wrong guards break."""
        for _ in range(count):
            alarm = self.policy.lines.next_alarm()
            if alarm == float("inf"):
                return
            self.now = max(self.now, alarm)
            self.policy.tick(self.now)
            self.settle()

    @rule(kind=st.sampled_from([0, 2, 3]), count=st.integers(2, 5), lost=st.booleans())
    def rush(self, kind: int, count: int, lost: bool) -> None:
        """Identical calls come at once, and those let through end at once."""
        for _ in range(count):
            self.ask(kind, None)
        for lease in sorted(self.flying, key=lambda flying: flying.number):
            self._end(lease, Outcome.UNKNOWN if lost else Outcome.ACCEPTED)

    @rule(choice=st.integers(0, 19))
    def fork(self, choice: int) -> None:
        """The process forks, now and then; the child goes on, and the parent's calls end whenever they do."""
        if choice:
            return
        for lease, demand in self.flying.items():
            for limit, key in demand.charges:
                if limit.rests:
                    self.spans.setdefault(key, []).append((lease.granted_at, self.now + LATENESS))
            self.lapsing.append(self.now + LATENESS)
        gone = list(self.flying)
        self.flying.clear()
        self.waiting.clear()
        self.policy.after_fork(self.now)
        for lease in gone:
            self.policy.finish(lease, Outcome.ACCEPTED, self.now)  # a copy of the parent's frames: must change nothing

    def admit(self, lease: Lease, demand: Demand) -> None:
        """Note an admission, and look whether it was in turn."""
        self.flying[lease] = demand
        keys = {key for _, key in demand.charges}
        for ticket, other in self.waiting.items():
            if ticket.number < lease.number and {key for _, key in other.charges} == keys:
                raise AssertionError("a call overtook an earlier one of the same keys")

    def settle(self) -> None:
        """Wake those who may go, in the order in which they were let go."""
        settled, self.policy.lines.settled = self.policy.lines.settled, []
        for ticket in settled:
            demand = self.waiting.pop(ticket)
            if isinstance(ticket.verdict, Lease):
                assert self.now == ticket.verdict.granted_at
                self.admit(ticket.verdict, demand)
            elif isinstance(ticket.verdict, TooLong):
                assert ticket.deadline < float("inf")

    @invariant()
    def slots_hold(self) -> None:
        """Never more calls in flight, those that may still be read included, than slots."""
        if not hasattr(self, "policy"):
            return
        self.lapsing = [end for end in self.lapsing if end > self.now]
        assert len(self.flying) + len(self.lapsing) <= SLOTS

    @invariant()
    def windows_hold(self) -> None:
        """No placement of the gateway's counting moments puts more than N of a key into a minute."""
        if not hasattr(self, "policy"):
            return
        spans = {key: list(known) for key, known in self.spans.items()}
        for lease, demand in self.flying.items():
            for limit, key in demand.charges:
                if limit.rests:
                    spans.setdefault(key, []).append((lease.granted_at, self.now))
        limits = {key: limit.n for charges in CHARGES for limit, key in charges}
        for key, known in spans.items():
            # The latest admission must be a window after the end of all but N - 1 of the earlier ones.
            for start, _ in known:
                together = sum(begin <= start < end + WINDOW for begin, end in known)
                assert together <= limits[key]

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Whoever waits has a reason: an alarm, a call in flight, or a token reserved by one who has."""
        if not hasattr(self, "policy") or not self.waiting:
            return
        assert self.policy.lines.next_alarm() < float("inf") or self.flying

    @invariant()
    def books_balance(self) -> None:
        """What is out equals what is in flight, in every bucket."""
        if not hasattr(self, "policy"):
            return
        for account in self.policy.accounts.values():
            assert account.slots.out == len(self.flying)
            for key, bucket in account.busy.items():
                assert bucket.out == sum(key in {k for _, k in demand.charges} for demand in self.flying.values())
                assert bucket.reserved >= 0
                assert bucket.waiting == sum(ticket.place is bucket for ticket in self.waiting)

    def teardown(self) -> None:
        """In the end, everything given back and a long time later, nothing is left."""
        if not hasattr(self, "policy"):
            return
        while self.waiting:
            ticket = next(iter(self.waiting))
            del self.waiting[ticket]
            self.policy.leave(ticket, self.now)
            self.settle()
        for lease in self.flying:
            self.policy.finish(lease, Outcome.ANSWERED, self.now)
        self.policy.tick(self.now + 100_000.0)
        for account in self.policy.accounts.values():
            assert account.idle(self.now + 100_000.0)


TestPolicyMachine = PolicyMachine.TestCase
TestPolicyMachine.settings = settings(
    stateful_step_count=60,
    max_examples=3_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
