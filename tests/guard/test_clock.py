"""The clock that drives every wait."""

from __future__ import annotations

import time

import anyio
import pytest

from smsc_async.clock import SYSTEM_CLOCK


@pytest.mark.parametrize("wall", [0.0, 4e9])
def test_no_step_of_the_wall_clock_moves_a_moment(monkeypatch: pytest.MonkeyPatch, wall: float) -> None:
    """Moments come from the monotonic clock, which neither people nor time servers set."""
    before = SYSTEM_CLOCK.now()
    monkeypatch.setattr(time, "time", lambda: wall)
    assert 0.0 <= SYSTEM_CLOCK.now() - before < 60.0


@pytest.mark.anyio
@pytest.mark.parametrize("wall", [0.0, 4e9])
async def test_no_step_of_the_wall_clock_ends_a_deadline(monkeypatch: pytest.MonkeyPatch, wall: float) -> None:
    """What is to end in a minute does not end now, and what was to end a minute ago does."""
    before = SYSTEM_CLOCK.now()
    monkeypatch.setattr(time, "time", lambda: wall)
    with SYSTEM_CLOCK.deadline(before + 60.0) as later:
        await anyio.lowlevel.checkpoint()
    with SYSTEM_CLOCK.deadline(before - 60.0) as earlier:
        await anyio.lowlevel.checkpoint()
    assert (False, True) == (later.cancelled_caught, earlier.cancelled_caught)
