"""Keeps an account inside the gateway's limits: a pure policy, and bindings that give it a clock and a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smsc_async.guard._bucket import Reason, Rule
from smsc_async.guard._default import default_guard, set_default_guard
from smsc_async.guard._protocol import Guard
from smsc_async.guard._records import Demand, Identity, Lease, Outcome
from smsc_async.guard.host import HostGuard
from smsc_async.guard.local import LocalGuard
from smsc_async.guard.usage import AccountUsage, RuleUsage, Wait

if TYPE_CHECKING:
    from smsc_async.guard.redis import RedisGuard

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
    "RedisGuard",
    "Rule",
    "RuleUsage",
    "Wait",
    "default_guard",
    "set_default_guard",
]


def __getattr__(name: str) -> Any:
    """Load what needs an extra when it is first used."""
    if name != "RedisGuard":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        from smsc_async.guard.redis import RedisGuard  # noqa: PLC0415 - who does not use it need not have the extra
    except ModuleNotFoundError as error:
        if error.name not in {"redis", "hiredis"}:
            raise
        raise ImportError("RedisGuard needs an extra: pip install 'smsc-async[redis]'", name=error.name) from None
    globals()[name] = RedisGuard
    return RedisGuard
