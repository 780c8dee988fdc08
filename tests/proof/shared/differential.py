"""
Several bindings that share one state do what one policy does: the same grants, waits, refusals and counts.

Nobody stays in line here: who would have to wait, leaves. So each answer depends on what all have done until then, and
on nothing else; and the order in which processes are served, which no binding promises, does not come into it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from smsc_async.guard import AccountUsage, Demand, Identity, Lease, Outcome, Reason, Rule
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Locked, Settings, Ticket
from smsc_async.guard.usage import usage_of
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Figures", "Hand", "Member", "Mismatch", "run"]

SETTINGS = Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14)
LASTS = 30.0
_ACCOUNTS = ("first", "second")
_RULES = (
    (Rule("pair", Reason.IDENTICAL, 2), 4),
    (Rule("triple", Reason.IDENTICAL, 3), 3),
    *((Rule("fifty", Reason.IDENTICAL, 50), 6),) * 3,
    (Rule("single", Reason.ACTION, 1), 1),
)
_SUBJECT = Rule("paid", Reason.SUBJECT, 1, rests=False)
_DOWNLOADS = Rule("files", Reason.DOWNLOADS, 4, rests=False)
_OUTCOMES = (
    *(Outcome.ACCEPTED,) * 40,
    *(Outcome.UNKNOWN,) * 6,
    *(Outcome.UNSENT,) * 6,
    *(Outcome.ANSWERED,) * 4,
    *(Outcome.REFUSED,) * 8,
    *(Outcome.PRICED,) * 4,
    *(Outcome.DUPLICATE,) * 3,
    *(Outcome.CONCURRENCY,) * 2,
)
_LOCKS = (Outcome.LOGIN_REFUSED, Outcome.ADDRESS_BLOCKED)
_PAUSES = (*(0.0,) * 12, *(0.001, 0.02, 0.2, 1.0) * 4, 5.0, 20.0, 61.5, 130.0)


class Hand(FakeClock):
    """A clock that is moved where no event loop runs."""

    def move(self, seconds: float) -> None:
        """Move it."""
        self._now += seconds


class Member(Protocol):
    """One process, as far as this proof goes."""

    def ask(self, demand: Demand) -> tuple[str, Any, float]:
        """Give "granted" and a lease, or what the call waits for (or is locked by) and until when at least."""
        ...

    def finish(self, lease: Any, outcome: Outcome) -> None:
        """Give a lease back."""
        ...

    def prove(self, lease: Any) -> None:
        """Note that the credentials of a call that goes on were accepted."""
        ...

    def usage(self, account: str) -> AccountUsage:
        """Give the counts."""
        ...


class Mismatch(AssertionError):
    """A binding did what the policy does not."""


@attrs.define
class Figures:
    """What was reached."""

    operations: int = 0
    granted: int = 0
    waits: dict[str, int] = attrs.field(factory=dict)
    locked: int = 0
    full: int = 0  # grants after which fourteen were in flight

    def __str__(self) -> str:
        """Show them in one line."""
        waits = ", ".join(f"{count:,} for {reason}" for reason, count in sorted(self.waits.items()))
        return (
            f"{self.operations:,} operations: {self.granted:,} granted, {self.full:,} of them as the fourteenth; "
            f"{self.locked:,} locked; would wait: {waits}"
        )


class _Model:
    """The policy of one process, in which nobody stays in line."""

    def __init__(self, clock: FakeClock) -> None:
        self.policy = Policy(SETTINGS)
        self.clock = clock

    def ask(self, demand: Demand) -> tuple[str, Any, float]:
        """Give the answer."""
        return asked(self.policy, demand, self.clock.now())

    def finish(self, lease: Lease, outcome: Outcome) -> None:
        """Give it back."""
        self.policy.finish(lease, outcome, self.clock.now())


def asked(policy: Policy, demand: Demand, now: float) -> tuple[str, Any, float]:
    """Ask a policy, and leave the line."""
    answer = policy.ask(demand, now)
    if isinstance(answer, Ticket) and isinstance(answer.verdict, Lease):
        policy.lines.settled.remove(answer)
        answer = answer.verdict
    if isinstance(answer, Lease):
        return "granted", answer, 0.0
    if isinstance(answer, Locked):
        return "locked", answer.reason, answer.until
    assert isinstance(answer, Ticket)
    found = answer.reason.value, answer, policy.lines.expected(answer, now)
    policy.leave(answer, now)
    return found


def run(
    members: Sequence[Member],
    clock: Hand,
    *,
    operations: int,
    seed: int,
    restart: Callable[[int], Member] | None = None,
) -> Figures:
    """
    Do the same to the members, whichever comes first, and to one policy.

    Args:
        members: They share a state.
        clock: Everybody's.
        operations: How many.
        seed: Of the schedule.
        restart: Makes another process of the member with that number.

    Raises:
        Mismatch: An answer, or a count, is another one than the policy's.
    """
    chance = random.Random(seed)
    model, figures = _Model(clock), Figures()
    members = list(members)
    flying: list[tuple[int, Any, Lease, float]] = []
    for _ in range(operations):
        figures.operations += 1
        # Its holder gives a lease back before it lapses; what happens otherwise is another proof's.
        most = min((flight[3] for flight in flying), default=float("inf")) - clock.now()
        busy = (figures.operations // 200) % 2  # in turn, so that fourteen come to be in flight
        clock.move(min(chance.choice(_PAUSES[:20] if busy else _PAUSES) * chance.choice((0.5, 1.0, 1.0)), most))
        late = [flight for flight in flying if flight[3] <= clock.now()]
        dice = chance.random()
        if late or (dice < (0.12 if busy else 0.45) and flying):
            flight = late[0] if late else chance.choice(flying)
            flying.remove(flight)
            number, lease, wanted, _ = flight
            outcome = Outcome.UNKNOWN if late else chance.choice(_LOCKS if chance.random() < 0.003 else _OUTCOMES)
            members[number].finish(lease, outcome)
            model.finish(wanted, outcome)
        elif dice < 0.5 and flying:
            number, lease, wanted, _ = chance.choice(flying)
            members[number].prove(lease)
            model.policy.prove(wanted, clock.now())
        elif dice < 0.503 and restart is not None and len({flight[0] for flight in flying}) < len(members):
            number = chance.choice([n for n in range(len(members)) if n not in {flight[0] for flight in flying}])
            members[number] = restart(number)
        else:
            number, demand = chance.randrange(len(members)), _demand(chance)
            actual, expected = members[number].ask(demand), model.ask(demand)
            _compare(
                figures.operations, "answer", (expected[0], round(expected[2], 6)), (actual[0], round(actual[2], 6))
            )
            if expected[0] == "granted":
                figures.granted += 1
                flying.append((number, actual[1], expected[1], clock.now() + LASTS))
            elif expected[0] == "locked":
                figures.locked += 1
            else:
                figures.waits[expected[0]] = figures.waits.get(expected[0], 0) + 1
        account = chance.choice(_ACCOUNTS)
        wanted_usage = usage_of(model.policy, account, clock.now())
        figures.full += wanted_usage.in_flight == SETTINGS.max_concurrency
        usage = chance.choice(members).usage(account)
        _compare(figures.operations, "usage", _counts(wanted_usage), _counts(usage))
    return figures


def _counts(usage: AccountUsage) -> tuple[Any, ...]:
    rules = sorted(
        (rule.endpoint, rule.scope, rule.limit, rule.used, round(rule.next_free_in or 0.0, 6)) for rule in usage.rules
    )
    return usage.slots, usage.in_flight, usage.lingering, usage.foreign, rules


def _compare(operation: int, what: str, expected: object, actual: object) -> None:
    if expected != actual:
        raise Mismatch(f"operation {operation}, {what}: the policy says {expected}, and the binding {actual}")


def _demand(chance: random.Random) -> Demand:
    account = chance.choice(_ACCOUNTS)
    credential = f"{account} {chance.choice('aaab')}"
    identity = Identity(account, credential, "https://smsc.ua", credential)
    rule, keys = chance.choice(_RULES)
    charges = [(rule, b"%s %s %d" % (account.encode(), rule.endpoint.encode(), chance.randrange(keys)))]
    may_block = False
    dice = chance.random()
    if dice < 0.1:
        charges.insert(0, (_SUBJECT, b"subject %d" % chance.randrange(3)))
    elif dice < 0.2:
        charges.append((_DOWNLOADS, b"downloads"))
    elif dice < 0.4:
        may_block = True
    return Demand(rule.endpoint, identity, charges, may_block=may_block, lasts=LASTS)
