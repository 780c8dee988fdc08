"""A clock that stands still, and guards that share a file as processes do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from smsc_async.guard import HostGuard
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still, on a machine that was started some hours ago."""
    return FakeClock(10_000.0)


@pytest.fixture
def process(tmp_path: Path, clock: FakeClock) -> Callable[..., HostGuard]:
    """Make a guard on the file; to the others it is that of another process."""

    def make(**settings: Any) -> HostGuard:
        return HostGuard(tmp_path / "state" / "guard", **{"clock": clock, **settings})

    return make
