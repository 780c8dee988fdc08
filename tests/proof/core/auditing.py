"""Looks closely: are the policy's books what they must be after all that went on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.proof.core import books
from tests.proof.core.ledgers import EPSILON, FOREVER, LINGER, Violation

if TYPE_CHECKING:
    from tests.proof.core.play import Caller, Play

__all__ = ["audit"]

_NONE: tuple[int, list[float]] = (0, [])
MANY_DEAD = 40  # alarms of calls and lines that are gone; they may lie about for a while, but not pile up


def audit(play: Play) -> None:
    """Compare the policy's books with what went on."""
    policy = play.policy
    if (fault := books.audit_reserved(policy, play.standing)) is not None:
        raise Violation(f"books: {fault}")
    if books.alarms(policy) > MANY_DEAD + 4 * play.most:
        raise Violation(f"memory: {books.alarms(policy)} alarms are kept, and never more than {play.most} calls stood")
    _look_at_keys(play)
    _look_at_slots(play)
    _look_at_rows(play)
    for caller in play.hurried.values():
        _look_whether_hopeless(play, caller)
        _look_whether_refused(play, caller)


def _look_at_keys(play: Play) -> None:
    soon = play.now + EPSILON
    found = [books.tokens_of(play.policy, account, soon) for account in play.world.accounts]
    for ledger in play.gateway.keys:
        key = ledger.key
        out, homes = found[key.account].pop(key.name, _NONE)
        if ledger.out or ledger.homes or out or homes:
            expected = [home for home in ledger.homes if home > soon]
            if out != ledger.out or not _same(homes, expected):
                instead = f"{ledger.out} and {expected}"
                raise Violation(f"books: key {key.name!r} has {out} out and {homes} resting instead of {instead}")


def _look_at_slots(play: Play) -> None:
    now = play.now
    for account, slots in enumerate(play.gateway.slots):
        out, homes = books.homes_of_slots(play.policy, play.world.accounts[account], now + EPSILON)
        kept = [home for home in slots.homes if home > now + EPSILON]
        # A slot may linger once the gateway has complained, and that the guard may believe for longer than it must.
        if out != slots.flying or not _same(homes[-len(kept) :] if kept else [], kept, LINGER):
            raise Violation(f"books: {out} slots are out and {homes} rest instead of {slots.flying} and {kept}")
        if len(homes) > len(kept) and homes[-len(kept) - 1] > now + LINGER:
            raise Violation(f"books: slots rest until {homes} instead of {kept}")


def _look_at_rows(play: Play) -> None:
    for origin, name in zip(play.gateway.origins, play.world.origins, strict=True):
        row = origin.row
        out, homes = books.row_of(play.policy, name, play.now + EPSILON)
        kept = [until + row.tolerance.memory for until in row.remembered(play.now)]
        if out != row.out or not _same(homes, kept):
            instead = f"{row.out} and {kept}"
            raise Violation(f"books: {out} messages are out and {homes} count as refused instead of {instead}")


def _look_whether_hopeless(play: Play, caller: Caller) -> None:
    """Nobody waits for what cannot come in time: that is looked at for the first in line, who needs but one key."""
    now, keys = play.now, [play.world.keys[charge.key] for charge in caller.call.charges]
    if len(keys) > 1 or any(key.shared for key in keys) or not books.is_first(caller.ticket):
        caller.hopeless_since = FOREVER
        return
    earliest = books.earliest(caller.ticket, now, play.gateway.rest)
    fits = earliest is None or earliest <= caller.deadline + EPSILON
    # Who came exactly some rests before its deadline had a chance for that moment only; it is not looked at again.
    rests = (caller.deadline - caller.came_at) / play.gateway.rest
    if fits or abs(rests - round(rests)) <= EPSILON:
        caller.hopeless_since = FOREVER
        return
    caller.hopeless_since = min(caller.hopeless_since, now)
    # An answer that never came may put a wait off by its lateness; that is found at the next look.
    if play.timely and now > caller.hopeless_since + play.settings.lateness:
        raise Violation(f"too long: {caller.call.name} still waits, and cannot go before {earliest:g}")


def _look_whether_refused(play: Play, caller: Caller) -> None:
    """No message waits for a place in the row that cannot come in time: all are refused, and none is under way."""
    row = play.gateway.origins[caller.call.origin].row
    refused, most = row.remembered(play.now), row.tolerance.refusals
    if caller.call.message and not row.out and len(refused) >= most:
        earliest = refused[-most] + row.tolerance.memory
        if earliest > caller.deadline + EPSILON:
            raise Violation(f"too long: {caller.call.name} still waits, and cannot go before {earliest:g}")


def _same(some: list[float], others: list[float], more: float = 0.0) -> bool:
    """Tell whether moments agree; some may be a little later than the others."""
    if some == others:
        return True
    return len(some) == len(others) and all(
        -EPSILON <= a - b <= more + EPSILON for a, b in zip(some, others, strict=True)
    )
