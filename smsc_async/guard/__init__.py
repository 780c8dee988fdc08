"""Keeps an account inside the gateway's limits: a pure policy, and bindings that give it a clock and a lock."""

from smsc_async.guard._bucket import Reason, Rule
from smsc_async.guard._default import default_guard, set_default_guard
from smsc_async.guard._protocol import Guard
from smsc_async.guard._records import Demand, Identity, Lease, Outcome
from smsc_async.guard.host import HostGuard
from smsc_async.guard.local import LocalGuard
from smsc_async.guard.usage import AccountUsage, RuleUsage, Wait

__all__ = [
    "AccountUsage",
    "Demand",
    "Guard",
    "HostGuard",
    "Identity",
    "Lease",
    "LocalGuard",
    "Outcome",
    "Reason",
    "Rule",
    "RuleUsage",
    "Wait",
    "default_guard",
    "set_default_guard",
]
