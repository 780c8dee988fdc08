"""What a guard shows of itself: a snapshot of tokens and slots, and one call's wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.guard._bucket import Reason, TokenBucket
    from smsc_async.guard._policy import Policy

__all__ = ["AccountUsage", "RuleUsage", "Wait", "usage_of"]


@attrs.frozen
class Wait:
    """A call that has begun to wait."""

    reason: Reason
    seconds: float  # at the least
    call_off: Callable[[BaseException], None]  # end the wait with an error; from any thread


@attrs.frozen(kw_only=True)
class RuleUsage:
    """One rule with tokens in use; of several requests of an endpoint that differ, each has its own."""

    endpoint: str
    scope: str  # "identical requests" or "requests of this action"
    limit: int
    used: int  # out or resting
    free: int
    next_free_in: float | None  # seconds; None while free, or while every token is in flight
    waiting: int


@attrs.frozen(kw_only=True)
class AccountUsage:
    """How much of an account's limits is in use."""

    rules: tuple[RuleUsage, ...]
    slots: int  # how many requests may be in flight at present
    in_flight: int
    lingering: int  # slots of calls that ended without an answer, which the gateway may still be reading
    waiting: int  # calls in line for a slot
    accepted: bool  # whether the gateway has accepted the credentials
    foreign: int  # refusals for requests that this guard did not know of; anything but 0 means other software

    def __str__(self) -> str:
        """Show it as a small table."""
        lines = [
            (
                f"{self.in_flight} of {self.slots} requests in flight, {self.lingering} lingering, "
                f"{self.waiting} waiting for a slot"
            ),
            *(
                f"{rule.endpoint}: {rule.used} of {rule.limit} {rule.scope} used, {rule.waiting} waiting"
                + (f", next free in {rule.next_free_in:.1f} s" if rule.next_free_in is not None else "")
                for rule in self.rules
            ),
        ]
        return "\n".join(lines)


def usage_of(policy: Policy, name: str, now: float) -> AccountUsage:
    """Take the snapshot."""
    account = policy.accounts.get(name)
    if account is None:
        most = policy.settings.max_concurrency
        return AccountUsage(
            rules=(), slots=most, in_flight=0, lingering=0, waiting=0, accepted=False, foreign=policy.foreign
        )
    slots = account.slots
    slots.free(now)  # drops what has come home
    in_use = [bucket for bucket in account.charged(policy.rest) if bucket.rule.rests and _used(bucket, now)]
    return AccountUsage(
        rules=tuple(_rule_usage(bucket, now) for bucket in in_use),
        slots=slots.capacity(now),
        in_flight=slots.out,
        lingering=len(slots.homes),
        waiting=slots.waiting,
        accepted=any(breaker.proven for breaker in account.credentials.values()),
        foreign=policy.foreign,
    )


def _used(bucket: TokenBucket, now: float) -> bool:
    return bucket.free(now) < bucket.rule.n or bool(bucket.waiting)


def _rule_usage(bucket: TokenBucket, now: float) -> RuleUsage:
    free = max(bucket.free(now), 0)
    change = bucket.next_change(now)
    return RuleUsage(
        endpoint=bucket.rule.endpoint,
        scope=bucket.rule.reason.value,
        limit=bucket.rule.n,
        used=bucket.rule.n - free,
        free=free,
        next_free_in=change - now if free == 0 and change < float("inf") else None,
        waiting=bucket.waiting,
    )
