"""The policy's steps, each with the answer that it must have."""

from __future__ import annotations

from typing import Final

from smsc_async.guard import Lease, Outcome, Rule
from smsc_async.guard._bucket import FOREVER, TokenBucket
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Settings, Ticket
from tests.guard.demands import PAIR, PLENTY, SINGLE, demand

__all__ = ["NOBODY", "REST", "admitted", "counts", "goes", "policy", "rested", "waiting"]

REST: Final = 61.5
NOBODY: Final = (0, 0, 0)  # out, reserved, waiting


def policy(slots: int = 14) -> Policy:
    """Give a policy whose credentials have been accepted."""
    made = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=slots))
    made.finish(admitted(made, "accepted", PLENTY, now=-1000.0), Outcome.ACCEPTED, -1000.0)
    return made


def admitted(made: Policy, key: str, rule: Rule = PAIR, action: str | None = None, now: float = 0.0) -> Lease:
    """Ask for a call that must be admitted at once."""
    lease = made.ask(demand(key, rule, action=action), now)
    assert isinstance(lease, Lease)
    return lease


def waiting(
    made: Policy,
    key: str,
    rule: Rule = PAIR,
    action: str | None = None,
    *,
    now: float = 0.0,
    deadline: float = FOREVER,
) -> Ticket:
    """Ask for a call that must wait."""
    ticket = made.ask(demand(key, rule, action=action), now, deadline)
    assert isinstance(ticket, Ticket)
    assert ticket.verdict is None
    return ticket


def rested(made: Policy, key: str, rule: Rule = SINGLE, now: float = 0.0) -> None:
    """Make a call that is answered at once, so that its token rests."""
    made.finish(admitted(made, key, rule, now=now), Outcome.ACCEPTED, now)


def counts(bucket: TokenBucket) -> tuple[int, int, int]:
    """Give how many tokens are out, how many reserved, and how many calls wait."""
    return bucket.out, bucket.reserved, bucket.waiting


def goes(*tickets: Ticket) -> list[bool]:
    """Tell of each whether it was let go."""
    return [isinstance(ticket.verdict, Lease) for ticket in tickets]
