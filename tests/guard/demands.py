"""Demands for the guard's tests: named keys of one account."""

from __future__ import annotations

from smsc_async.guard import Demand, Identity, Reason
from smsc_async.guard._bucket import Rule

PAIR = Rule("pair", Reason.IDENTICAL, 2)
SINGLE = Rule("single", Reason.IDENTICAL, 1)
PLENTY = Rule("plenty", Reason.IDENTICAL, 1_000)
ACTION = Rule("action", Reason.ACTION, 2)


def demand(
    key: str = "same",
    rule: Rule = PAIR,
    *,
    action: str | None = None,
    account: str = "account",
    credential: str = "credential",
    gateway: str = "https://smsc.ua",
    may_block: bool = False,
) -> Demand:
    """Give what a call of that key asks for; with *action* it takes a token of that one too."""
    charges = [(rule, key.encode())]
    if action is not None:
        charges.append((ACTION, action.encode()))
    return Demand("test.call", Identity(account, credential, gateway), tuple(charges), may_block=may_block)
