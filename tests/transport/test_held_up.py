"""What was held up after the guard had let it go is not sent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from smsc_async import HostGuard, Retry, events
from smsc_async._transport import Write
from smsc_async._transport.outcome import HeldUp
from smsc_async.errors import NotSent
from smsc_async.testing import FakeClock, SimulatedGateway

if TYPE_CHECKING:
    from pathlib import Path

    from smsc_async.events import Event


def test_a_write_is_refused_after_its_moment() -> None:
    """And not once it has begun."""
    clock = FakeClock(5.0)
    Write().check()
    write = Write(5.0, clock)
    write.check()
    clock._now = 5.1
    with pytest.raises(HeldUp):
        write.check()
    write.started = True
    write.check()
    Write(math.inf, clock).check()


@pytest.mark.anyio
@pytest.mark.parametrize("place", ["before it is given away", "before the first byte"])
async def test_what_was_held_up_is_not_sent_and_goes_again(
    anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A process that slept between the grant and the write asks anew; nothing of the first try left it."""
    from smsc_async._transport.connection import Connection

    heard: list[Event] = []
    late = [True]
    name = "send" if place == "before it is given away" else "_trace"
    real = getattr(Connection, name)

    async def sleepy(self: Connection, *arguments: object) -> object:
        about_to_write = name == "send" or (
            "send_request" in str(arguments[0]) and str(arguments[0]).endswith(".started")
        )
        if about_to_write and late:
            late.clear()
            self.write._send_by = -math.inf
        return await real(self, *arguments)

    monkeypatch.setattr(Connection, name, sleepy)
    with SimulatedGateway() as place_:
        guard = HostGuard(tmp_path / "guard", window=0.6, margin=0.015, lateness=0.05)
        options = {"guard": guard, "observer": heard.append, "journal": False}
        async with place_.session(**options, retry=Retry(attempts=2)) as smsc:
            await smsc.numbers.rent("380950000001")
        (failed,) = [event for event in heard if isinstance(event, events.Failed)]
        assert "held up for too long" in failed.reason
        assert not failed.sent
        late.append(True)
        async with place_.session(**options, retry=None) as smsc:
            with pytest.raises(NotSent, match="held up for too long"):
                await smsc.numbers.rent("380950000002")
        assert 1 == len(place_.simulator.log)
