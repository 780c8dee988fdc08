"""A session whose guard keeps its books elsewhere, so that giving a lease back takes a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from smsc_async import LocalGuard, Session
from smsc_async.errors import GuardUnavailable, OutcomeUnknown
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from smsc_async.guard import Lease, Outcome

pytestmark = pytest.mark.anyio


class Elsewhere(LocalGuard):
    """A guard that must be awaited: the message takes a second there, and the answer one back."""

    def finish(self, lease: Lease, outcome: Outcome) -> Awaitable[None]:  # type: ignore[override]  # the protocol's
        return self._finish(lease, outcome)

    async def _finish(self, lease: Lease, outcome: Outcome) -> None:
        await self.clock.sleep_until(self.clock.now() + 1.0)
        super().finish(lease, outcome)
        await self.clock.sleep_until(self.clock.now() + 1.0)


class Gone(LocalGuard):
    """A guard that cannot be reached any more when a lease is to go back."""

    def __init__(self, *, later: bool) -> None:
        super().__init__()
        self.later = later

    def finish(self, lease: Lease, outcome: Outcome) -> Awaitable[None]:  # type: ignore[override]  # the protocol's
        if not self.later:
            raise GuardUnavailable("redis is down")
        return self._finish()

    async def _finish(self) -> None:
        raise GuardUnavailable("redis is down")


def session(clock: FakeClock, answer: Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]) -> Session:
    """Give a session with such a guard, answered by a function."""
    guard = Elsewhere(clock=clock)
    return Session(login="alex", password="hidden word", guard=guard, transport=lambda: httpx.MockTransport(answer))


async def test_a_cancelled_call_still_gives_its_lease_back() -> None:
    """The message to a guard elsewhere is not cut off by what has cut off the call."""
    clock = FakeClock()

    async def silent(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    smsc = session(clock, silent)
    scope = anyio.CancelScope()

    async def one() -> None:
        with scope:
            await smsc.numbers.available()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        await clock.advance(3.0)
    usage = smsc.limits()
    assert (0, 1) == (usage.in_flight, usage.lingering)
    await smsc.aclose()


async def test_an_unknown_outcome_is_remembered_before_the_next_rent_may_go() -> None:
    """The second rent of a phone, let go as soon as the first has ended, is refused: the first may have been paid."""
    clock = FakeClock()
    sent: list[httpx.Request] = []

    async def broken(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(502)

    smsc = session(clock, broken)
    ends: list[str] = []

    async def rent() -> None:
        with pytest.raises(OutcomeUnknown) as unknown:
            await smsc.numbers.rent("380950000001")
        ends.append(type(unknown.value).__name__)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rent)
        tasks.start_soon(rent)
        await clock.advance(10.0)
    assert 1 == len(sent)
    assert ["OutcomeStillUnknown", "OutcomeUnknown"] == sorted(ends)
    await smsc.aclose()


@pytest.mark.parametrize("later", [False, True])
async def test_what_was_paid_for_is_given_although_the_guard_is_gone(
    later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The lease ends by itself some time, so that nobody is told that nothing was sent, and the log has a line."""

    async def rented(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"phone": "380950000001", "cost": "1.00"})

    async def file(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"a;b\r\n" * 1000)

    def gone(answer: Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]) -> Session:
        guard = Gone(later=later)
        return Session(login="alex", password="hidden word", guard=guard, transport=lambda: httpx.MockTransport(answer))

    smsc = gone(rented)
    assert "380950000001" == (await smsc.numbers.rent("380950000001")).phone
    await smsc.aclose()
    smsc = gone(file)
    async with smsc.downloads.stream(1) as chunks:
        assert 5000 == sum([len(chunk) async for chunk in chunks])
    await smsc.aclose()
    assert ["numbers.rent", "downloads.file"] == [record.message.split(":")[0] for record in caplog.records]
    assert "redis is down" in caplog.text
