"""The guards that all sessions of this process share: the one of those that were given none, and those of a name."""

from __future__ import annotations

import threading
from typing import Final

from smsc_async.errors import InvalidArgument
from smsc_async.guard._protocol import Guard
from smsc_async.guard.host import HostGuard
from smsc_async.guard.local import LocalGuard

__all__ = ["default_guard", "guard_named", "set_default_guard"]

_default_guard: Guard | None = None
_default_guard_lock = threading.Lock()
_named: Final[dict[str, Guard]] = {}


def default_guard() -> Guard:
    """Give the guard that all sessions of this process share, unless they were given another."""
    global _default_guard  # noqa: PLW0603 - one guard per process is the point
    with _default_guard_lock:
        if _default_guard is None:
            _default_guard = LocalGuard()
        return _default_guard


def set_default_guard(guard: Guard | None) -> Guard | None:
    """Put another guard in its place (None: a new one, when needed), and give the one that was there; for tests."""
    global _default_guard
    with _default_guard_lock:
        guard, _default_guard = _default_guard, guard
        return guard


def guard_named(name: str) -> Guard:
    """
    Give the guard that ``SMSC_GUARD`` names: *local* is that of this process, *host* that of this machine.

    Raises:
        InvalidArgument: It names none.
        GuardUnavailable: This system has not what the guard needs.
    """
    if name == "local":
        return default_guard()
    if name != "host":
        raise InvalidArgument("SMSC_GUARD", "use local or host")
    with _default_guard_lock:
        guard = _named.get(name)
        if guard is None:
            guard = _named[name] = HostGuard()
        return guard
