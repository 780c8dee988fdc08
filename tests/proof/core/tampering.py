"""Spoils the policy's books, for the wrong policies: beside `books`, the only place that knows them from inside."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from smsc_async.guard import Reason, Rule, _account
from smsc_async.guard._records import Locked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from smsc_async.guard._policy import Policy
    from smsc_async.guard._records import Lease, Ticket, TooLong

__all__ = [
    "call_nobody",
    "count_down",
    "end_outside_the_row",
    "forget_a_fork",
    "forget_alarms",
    "forget_all_out",
    "forget_refusals",
    "forget_resting",
    "forget_soon",
    "keep_alarms",
    "leak_a_reservation",
    "never_forget",
    "refuse_nobody_for_the_row",
    "tolerate_one_more",
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


# ------------------------------------------------------------------ the row of refused messages


def end_outside_the_row(policy: Policy, lease: Lease, now: float) -> None:
    """Let a message end as if it were none."""
    row = lease.parties.gateway.refused
    if row in lease.buckets and lease.epoch == policy.lines.epoch:
        lease.buckets.remove(row)
        row.out -= 1
        policy.lines.drain(row, now)


def forget_refusals(lease: Lease, until: float) -> None:
    """Forget the messages that were refused up to a moment, if *lease* is one."""
    row = lease.parties.gateway.refused
    if row in lease.buckets:
        row.homes = [home for home in row.homes if home > until + _account.REFUSED_MEMORY]


def forget_soon(lease: Lease, moment: float) -> None:
    """Count no message for refused later than at a moment, if *lease* is one."""
    row = lease.parties.gateway.refused
    if row in lease.buckets:
        row.homes = [min(home, moment + _account.REFUSED_MEMORY) for home in row.homes]


@contextmanager
def forget_a_fork(policy: Policy) -> Generator[None]:
    """Count no message for refused that was not before."""
    homes = {name: list(gateway.refused.homes) for name, gateway in policy.gateways.items()}
    yield
    for name, gateway in policy.gateways.items():
        gateway.refused.homes = homes[name]


def tolerate_one_more(policy: Policy) -> None:
    """Let one message more be refused than the gateway does."""
    for gateway in policy.gateways.values():
        gateway.refused.rule = Rule("", Reason.REFUSED, _account.MAX_REFUSED + 1, rests=False)


@contextmanager
def refuse_nobody_for_the_row(policy: Policy) -> Generator[None]:
    """Let those wait who wait for a place in the row, however long that takes."""
    refuse = policy.lines.refuse

    def refuse_others(refusals: Iterable[tuple[Ticket, Locked | TooLong]], now: float) -> None:
        kept = [(one, why) for one, why in refusals if isinstance(why, Locked) or why.reason is not Reason.REFUSED]
        refuse(kept, now)

    policy.lines.refuse = refuse_others  # type: ignore[method-assign]
    try:
        yield
    finally:
        del policy.lines.refuse
