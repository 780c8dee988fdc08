"""Spoils the policy's books, for the wrong policies: beside `books`, the only place that knows them from inside."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from smsc_async.guard._policy import Policy
    from smsc_async.guard._records import Ticket

__all__ = [
    "call_nobody",
    "count_down",
    "forget_alarms",
    "forget_all_out",
    "forget_resting",
    "keep_alarms",
    "leak_a_reservation",
    "never_forget",
]


@contextmanager
def call_nobody(policy: Policy) -> Generator[None]:
    """Let no line move meanwhile."""
    drain_all = policy.lines.drain_all
    policy.lines.drain_all = lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        policy.lines.drain_all = drain_all  # type: ignore[method-assign]
        del policy.lines.drain_all


def count_down(policy: Policy) -> None:
    """Give the next call a lower number than all before it."""
    policy._numbers -= 2


def forget_alarms(policy: Policy) -> None:
    """Look at no line again by itself."""
    policy.lines._alarms.clear()


def keep_alarms(policy: Policy) -> None:
    """Never look for alarms that mean nothing any more."""
    policy.lines._crowded = 1 << 60


def leak_a_reservation(ticket: Ticket) -> None:
    """Reserve a token more of the first bucket that a call in line has passed."""
    for bucket in ticket.passed[:1]:
        bucket.reserved += 1


def forget_all_out(policy: Policy) -> None:
    """Take every token that is out for one at home."""
    for bucket in policy._buckets():
        bucket.out = 0


def forget_resting(policy: Policy, most: int) -> None:
    """Keep few of the keys at rest."""
    for account in policy.accounts.values():
        while len(account.resting) > most:
            account.resting.popitem(last=False)


def never_forget(policy: Policy) -> None:
    """Keep every key at rest."""
    for account in policy.accounts.values():
        account.forgets_at = float("inf")
