"""An endpoint with two limits: on identical requests, and on its action, whatever the requests say."""

from __future__ import annotations

import anyio
import httpx
import pytest

from smsc_async import Limit, LocalGuard, Replay, Scope, Session
from smsc_async.testing import FakeClock

MINUTE = 61.5  # with the margin


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("keys", "answered"),
    [("aaa", [0.0, 0.0, MINUTE]), ("abcd", [0.0, 0.0, 0.0, MINUTE])],
    ids=["identical", "different"],
)
async def test_each_of_two_limits_is_kept(keys: str, answered: list[float]) -> None:
    """With two identical requests and three of the action a minute, the third of a kind waits, or the fourth of all."""
    clock = FakeClock()

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"ok": 1})

    smsc = Session(
        apikey="k",
        guard=LocalGuard(clock=clock),
        transport=lambda: httpx.MockTransport(answer),
    )
    limits = (Limit(2), Limit(3, Scope.ACTION))
    moments: list[float] = []

    async def call(key: str) -> None:
        await smsc.call("info.php", {"a": key}, limits=limits, replay=Replay.READ)
        moments.append(clock.now())

    await smsc.call(
        "first.php", {}, limits=(Limit(1),), replay=Replay.READ
    )  # its answer lets the others go side by side
    async with anyio.create_task_group() as tasks:
        for key in keys:
            tasks.start_soon(call, key)
        await clock.advance(2 * MINUTE)
    assert answered == moments
    await smsc.aclose()
