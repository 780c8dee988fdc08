"""The guard that all sessions of this process share, unless they were given another."""

from __future__ import annotations

import threading

from smsc_async.guard._protocol import Guard
from smsc_async.guard.local import LocalGuard

__all__ = ["default_guard", "set_default_guard"]

_default_guard: Guard | None = None
_default_guard_lock = threading.Lock()


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
