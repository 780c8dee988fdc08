"""Members of the proofs that share a file: each has a guard of its own, as a process has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smsc_async.guard import AccountUsage, HostGuard
from tests.proof.shared.differential import asked

if TYPE_CHECKING:
    from pathlib import Path

    from smsc_async.guard import Demand, Outcome
    from smsc_async.testing import FakeClock

__all__ = ["HostMember"]


class HostMember:
    """One guard on the file."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.clock = clock
        self.guard = HostGuard(path, clock=clock)

    def ask(self, demand: Demand) -> tuple[str, Any, float]:
        """Ask in one turn."""
        with self.guard._lock:
            return asked(self.guard._replica, demand, self.clock.now())

    def finish(self, lease: Any, outcome: Outcome) -> None:
        """Give it back."""
        self.guard.finish(lease, outcome)

    def prove(self, lease: Any) -> None:
        """Note it."""
        self.guard.prove(lease)

    def usage(self, account: str) -> AccountUsage:
        """Give the counts."""
        return self.guard.usage(account)
