"""
The one place of these proofs that looks into the policy's books: when its insides change, this changes with them.

Nothing here changes what it looks at. `TokenBucket.free` does: it drops what has come home, and ends a recovery.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from smsc_async.guard import _account
from smsc_async.guard._bucket import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from smsc_async.guard._breaker import Breaker
    from smsc_async.guard._bucket import Reason
    from smsc_async.guard._policy import Policy
    from smsc_async.guard._records import Lease, Ticket

__all__ = [
    "ahead",
    "alarms",
    "audit_reserved",
    "be_patient",
    "capacity",
    "earliest",
    "free",
    "homes_of_slots",
    "idle_token",
    "is_first",
    "key_of",
    "knows",
    "passed",
    "picture",
    "remains",
    "row_of",
    "tokens_of",
    "tolerance",
    "waits_for",
]


def knows(policy: Policy, account: str) -> bool:
    """Tell whether the policy has anything about an account."""
    return account in policy.accounts


def passed(ticket: Ticket) -> int:
    """Give how many tokens a waiting call has reserved."""
    return ticket.stage


def waits_for(ticket: Ticket) -> Reason:
    """Give what a waiting call waits for."""
    return ticket.reason


def be_patient(ticket: Ticket) -> None:
    """Take a waiting call's deadline away."""
    ticket.deadline = float("inf")


def alarms(policy: Policy) -> int:
    """Give how many alarms are kept, those included that will mean nothing."""
    return len(policy.lines._alarms)


# ------------------------------------------------------------------ tokens


def capacity(bucket: TokenBucket, now: float) -> int:
    """Give how many tokens a bucket has, those out and resting included."""
    recovery = bucket.recovery
    return bucket.rule.n if recovery is None else min(recovery.capacity(now, bucket.window), bucket.rule.n)


def free(bucket: TokenBucket, now: float) -> int:
    """Give how many tokens a call could take."""
    resting = len(bucket.homes) - bisect_right(bucket.homes, now)
    return capacity(bucket, now) - bucket.out - bucket.reserved - resting


def idle_token(policy: Policy, now: float) -> TokenBucket | None:
    """Give a bucket that has a token to take while calls stand in its line, if there is one."""
    for account in policy.accounts.values():
        if account.slots.waiting and free(account.slots, now) > 0:
            return account.slots
        for bucket in account.busy.values():
            if bucket.waiting and free(bucket, now) > 0:
                return bucket
        for breaker in account.credentials.values():
            if breaker.bucket.waiting and free(breaker.bucket, now) > 0:
                return breaker.bucket
    for gateway in policy.gateways.values():
        for bucket in (gateway.refused, gateway.trials, gateway.breaker.bucket):
            if bucket.waiting and free(bucket, now) > 0:
                return bucket
    return None


def _buckets(policy: Policy) -> Iterator[TokenBucket]:
    for account in policy.accounts.values():
        yield account.slots
        yield from account.busy.values()
        for breaker in account.credentials.values():
            yield breaker.bucket
    for gateway in policy.gateways.values():
        yield gateway.refused
        yield gateway.trials
        yield gateway.breaker.bucket


def key_of(bucket: TokenBucket) -> str:
    """Name a bucket for people."""
    return f"{bucket.key!r} ({bucket.rule.reason.value})"


def tokens_of(policy: Policy, account: str, now: float) -> dict[bytes, tuple[int, list[float]]]:
    """Give, of each key in use, how many tokens are out, and when those that rest come home."""
    known = policy.accounts.get(account)
    if known is None:
        return {}
    tokens = {key: (bucket.out, [home for home in bucket.homes if home > now]) for key, bucket in known.busy.items()}
    for key, kept in known.resting.items():
        homes = kept.homes if isinstance(kept, TokenBucket) else kept[1:]
        tokens[key] = 0, [home for home in homes if home > now]
    return {key: used for key, used in tokens.items() if used != (0, [])}


def homes_of_slots(policy: Policy, account: str, now: float) -> tuple[int, list[float]]:
    """Give how many slots are out, and when the others that are taken come home."""
    known = policy.accounts.get(account)
    return (0, []) if known is None else (known.slots.out, [home for home in known.slots.homes if home > now])


def row_of(policy: Policy, origin: str, now: float) -> tuple[int, list[float]]:
    """Give how many messages to a gateway are out, and when each that was refused, or may have been, is forgotten."""
    known = policy.gateways.get(origin)
    return (0, []) if known is None else (known.refused.out, [home for home in known.refused.homes if home > now])


@contextmanager
def tolerance(refusals: int, memory: float) -> Generator[None]:
    """Let the policies that are made meanwhile take a gateway to be less tolerant than it is."""
    known = _account.MAX_REFUSED, _account.REFUSED_MEMORY
    _account.MAX_REFUSED, _account.REFUSED_MEMORY = refusals, memory  # type: ignore[misc]
    try:
        yield
    finally:
        _account.MAX_REFUSED, _account.REFUSED_MEMORY = known  # type: ignore[misc]


def audit_reserved(policy: Policy, standing: Iterable[Ticket]) -> str | None:
    """Compare reservations and lines with the calls that stand; say what does not fit, if anything."""
    reserved: dict[TokenBucket, int] = {}
    lines: dict[TokenBucket, int] = {}
    for ticket in standing:
        if ticket.place is None:
            return f"call {ticket.number} stands in no line"
        lines[ticket.place] = lines.get(ticket.place, 0) + 1
        for bucket in ticket.passed:
            reserved[bucket] = reserved.get(bucket, 0) + 1
    for bucket in _buckets(policy):
        if bucket.reserved != reserved.pop(bucket, 0):
            return f"{bucket.reserved} tokens of {key_of(bucket)} are reserved, for other calls than those in line"
        if bucket.waiting != lines.pop(bucket, 0):
            return f"{bucket.waiting} calls are said to wait for {key_of(bucket)}, and others do"
    return "calls hold or await tokens of forgotten buckets" if reserved or lines else None


def remains(policy: Policy, now: float) -> str | None:
    """Say what is left of calls that are all long over, if anything."""
    for bucket in _buckets(policy):
        if bucket.out or bucket.reserved or bucket.waiting or free(bucket, now) != bucket.rule.n:
            return f"{key_of(bucket)}: {bucket.out} out, {bucket.reserved} reserved, {bucket.waiting} waiting"
    for account in policy.accounts.values():
        if account.busy or account.resting:
            return f"{len(account.busy)} busy keys and {len(account.resting)} at rest"
    if policy.lines.settled or policy.lines.next_alarm() < float("inf"):
        return "an alarm, or a call that nobody woke"
    return None


# ------------------------------------------------------------------ the time that a wait takes at least


def earliest(ticket: Ticket, now: float, rest: float) -> float | None:
    """
    Give the earliest moment at which *ticket* may leave its line, if all before it are sent and answered at once.

    It is counted out one by one. After a refusal there is no such simple answer: then None.
    """
    bucket = ticket.place
    if bucket is None or bucket.recovery is not None:
        return None
    again = rest if bucket.rule.rests else 0.0
    tokens = [now] * max(free(bucket, now), 0) + [home for home in bucket.homes if home > now]
    tokens = sorted(tokens + [now + again] * (bucket.out + bucket.reserved))[-bucket.rule.n :]
    for other in bucket.in_line():
        if other.number < ticket.number:
            insort(tokens, tokens.pop(0) + again)
    return tokens[0]


def is_first(ticket: Ticket) -> bool:
    """Tell whether nobody in the line is before it."""
    return ticket.place is not None and all(other.number >= ticket.number for other in ticket.place.in_line())


# ------------------------------------------------------------------ all of it, as far as it matters from now on

# What `picture` knows of. A new attribute may matter: a test compares, so that it is not forgotten here.
SEEN = {
    "TokenBucket": {
        "alarm", "claims", "held", "homes", "key", "line", "out", "recovery", "reserved", "rule", "waiting", "window",
    },
    "Recovery": {"base", "blocked_until", "rises_from", "strikes"},
    "Account": {"busy", "credentials", "cut_at", "forgets_at", "resting", "slots"},
    "Breaker": {"bucket", "failures", "locked_at", "locked_until", "proven", "reason", "tripped_until"},
    "Gateway": {"breaker", "refused", "trials"},
    "Lease": {"buckets", "demand", "epoch", "granted_at", "number", "parties"},
    "Ticket": {
        "alarm", "asked_at", "buckets", "deadline", "demand", "entry", "number", "parties", "place", "seat", "stage",
        "verdict",
    },
    "Policy": {"settings", "rest", "accounts", "gateways", "lines", "foreign", "_parties", "_numbers"},
    "Lines": {"settled", "held", "epoch", "_alarms", "_alarm_numbers", "_crowded"},
}  # fmt: skip


def ahead(moment: float, now: float) -> float:
    """Give a moment from *now* on; what has come is alike, and so is what never comes."""
    return -1.0 if moment == float("inf") else max(moment - now, 0.0)


def _in_row_with(lease: Lease, now: float) -> int:
    """Give how many messages stay refused if this one is taken."""
    gateway = lease.parties.gateway
    if gateway.refused not in lease.buckets:
        return -1
    since = lease.granted_at + _account.REFUSED_MEMORY
    return sum(home >= since and home > now for home in gateway.refused.homes)


def picture(policy: Policy, now: float, leases: list[Lease], tickets: list[Ticket]) -> tuple[object, ...]:
    """
    Give the policy's state so that two of one future are equal: times from now on, numbers by their order.

    Args:
        policy: The policy.
        now: The present moment.
        leases: Those in flight, by number.
        tickets: Those in line, by number.
    """
    names: dict[object, int] = {}
    numbers = sorted([lease.number for lease in leases] + [ticket.number for ticket in tickets])
    ranks = {number: rank for rank, number in enumerate(numbers)}

    def bucket(of: TokenBucket) -> tuple[object, ...]:
        names[of] = len(names)
        recovery = of.recovery
        state: tuple[float, ...] = ()
        if recovery is not None:
            risen = (
                -1.0 if recovery.rises_from == float("inf") else min(now - recovery.rises_from, of.rule.n * of.window)
            )
            state = (ahead(recovery.blocked_until, now), recovery.base, risen, min(recovery.strikes, 5))
        homes = tuple(home - now for home in of.homes if home > now)
        line = tuple(sorted(ranks[ticket.number] for ticket in of.in_line()))
        held = of.held if of.key else 0  # only of what can be forgotten is it looked at
        return of.rule.n, of.out, of.reserved, held, homes, line, ahead(of.alarm, now), state

    def kept(of: TokenBucket | tuple[Any, ...]) -> tuple[object, ...]:
        if isinstance(of, TokenBucket):
            return bucket(of)
        return of[0].n, tuple(home - now for home in of[1:] if home > now)

    def breaker(of: Breaker) -> tuple[object, ...]:
        return (
            of.proven,
            min(of.failures, 2),
            ahead(of.locked_until, now),
            ahead(of.tripped_until, now),
            bucket(of.bucket),
        )

    accounts = tuple(
        (
            name,
            bucket(account.slots),
            tuple((key, bucket(busy)) for key, busy in sorted(account.busy.items())),
            tuple((key, kept(resting)) for key, resting in account.resting.items()),
            ahead(account.forgets_at, now),
            tuple((name, breaker(credential)) for name, credential in sorted(account.credentials.items())),
            sum(lease.granted_at <= account.cut_at for lease in leases),
        )
        for name, account in sorted(policy.accounts.items())
    )
    gateways = tuple(
        (name, bucket(gateway.refused), bucket(gateway.trials), breaker(gateway.breaker))
        for name, gateway in sorted(policy.gateways.items())
    )
    flying = tuple(
        (
            tuple(names[taken] for taken in lease.buckets),
            lease.granted_at > lease.parties.credential.locked_at,
            lease.granted_at > lease.parties.gateway.breaker.locked_at,
            tuple(
                lease.granted_at >= taken.recovery.blocked_until
                for taken in lease.buckets
                if taken.recovery is not None
            ),
            _in_row_with(lease, now),
        )
        for lease in leases
    )
    for ticket in tickets:
        names[ticket] = len(names)
    standing = tuple(
        (
            tuple(names[needed] for needed in ticket.buckets),
            ticket.stage,
            ahead(ticket.deadline, now),
            ahead(ticket.alarm, now),
        )
        for ticket in tickets
    )
    alarms = tuple(
        (max(moment - now, -4.0), names[subject])
        for moment, _, subject in sorted(policy.lines._alarms, key=itemgetter(0, 1))
        if subject.alarm == moment and subject in names  # one of a line that all have left does nothing
    )
    return accounts, gateways, flying, standing, alarms
