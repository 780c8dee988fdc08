"""What one process does, the others reckon with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async.errors import AccountLocked, WaitTooLong
from smsc_async.guard import Lease, Outcome, Reason, Rule
from tests.guard.demands import PAIR, PLENTY, SINGLE, demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.guard import Demand, HostGuard, Wait
    from smsc_async.testing import FakeClock

pytestmark = pytest.mark.anyio

Processes = "Callable[..., HostGuard]"
SUBJECT = Rule("paid", Reason.SUBJECT, 1, rests=False)


async def done(guard: HostGuard, wanted: Demand, outcome: Outcome = Outcome.ACCEPTED) -> Lease:
    """Make a call that takes no time."""
    lease = await guard.acquire(wanted)
    assert guard.finish(lease, outcome) is None
    return lease


async def wait_of(guard: HostGuard, wanted: Demand) -> float:
    """Say how long the call would have to wait, which it does not."""
    with pytest.raises(WaitTooLong) as caught:
        await guard.acquire(wanted, deadline=guard.clock.now())
    return caught.value.wait


async def test_tokens_are_shared(process: Callable[..., HostGuard]) -> None:
    """Two processes have two identical requests a minute together."""
    first, second = process(), process()
    await done(first, demand())
    await done(second, demand())
    assert 61.5 == await wait_of(first, demand()) == await wait_of(second, demand())


async def test_slots_are_shared(process: Callable[..., HostGuard]) -> None:
    """Never fifteen in flight, whoever has the fourteen."""
    guards = [process() for _ in range(3)]
    await done(guards[0], demand("accepted", PLENTY))
    leases = [
        (guard, await guard.acquire(demand(f"{number}"))) for number in range(14) for guard in [guards[number % 3]]
    ]
    for guard in guards:
        with pytest.raises(WaitTooLong):
            await guard.acquire(demand("more"), deadline=guard.clock.now())
        assert (14, 14) == (guard.usage("account").in_flight, guard.usage("account").slots)
    guard, lease = leases[5]
    guard.finish(lease, Outcome.ACCEPTED)
    await guards[1].acquire(demand("more"), deadline=guard.clock.now())


async def test_who_waits_is_let_go_when_another_process_gives_back(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """Within some milliseconds, though nobody tells it."""
    first, second = process(max_concurrency=1), process(max_concurrency=1)
    lease = await first.acquire(demand("a"))
    moments: list[float] = []
    waits: list[Wait] = []

    async def wait() -> None:
        await second.acquire(demand("b"), on_wait=waits.append)
        moments.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.advance(1.0)
        assert [] == moments
        assert [Reason.PROBATION] == [wait.reason for wait in waits]
        first.finish(lease, Outcome.ACCEPTED)
        await clock.advance(0.1)
    assert [pytest.approx(10_001.0, abs=0.021)] == moments


async def test_a_key_of_which_all_is_known_is_waited_for_without_a_look(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """To the moment: a minute after the replies that others had."""
    first, second = process(), process()
    await done(first, demand())
    await done(first, demand())
    moments: list[float] = []

    async def wait() -> None:
        await done(second, demand())
        moments.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.advance(100.0)
    assert [10_061.5] == moments


async def test_credentials_that_one_process_had_accepted_are_good_for_all(process: Callable[..., HostGuard]) -> None:
    """And until then one call runs at a time, of all processes."""
    first, second = process(), process()
    lease = await first.acquire(demand("a"))
    with pytest.raises(WaitTooLong):
        await second.acquire(demand("b"), deadline=second.clock.now())
    first.prove(lease)
    first.prove(lease)
    await second.acquire(demand("b"), deadline=second.clock.now())
    assert second.usage("account").accepted


async def test_the_same_credentials_are_known_by_their_tag(process: Callable[..., HostGuard]) -> None:
    """Each process has a name of its own for them."""
    first, second = process(), process()
    mine, theirs = demand("a", credential="mine"), demand("b", credential="theirs")
    for wanted in (mine, theirs):
        wanted.identity = wanted.identity._replace(tag="tag")
    await done(first, mine)
    await second.acquire(theirs)
    await second.acquire(theirs, deadline=second.clock.now())


@pytest.mark.parametrize("outcome", [Outcome.LOGIN_REFUSED, Outcome.ADDRESS_BLOCKED])
async def test_a_block_stops_all(process: Callable[..., HostGuard], clock: FakeClock, outcome: Outcome) -> None:
    """For ten minutes; also those who wait already."""
    first, second = process(), process()
    await done(first, demand("accepted", PLENTY))
    lease = await first.acquire(demand("a"))
    await done(second, demand())
    await done(second, demand())
    caught: list[AccountLocked] = []

    async def wait() -> None:
        try:
            await second.acquire(demand())
        except AccountLocked as error:
            caught.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.advance(0.1)
        first.finish(lease, outcome)
        with pytest.raises(AccountLocked):
            await second.acquire(demand("b"))
        await clock.advance(0.1)
    assert 1 == len(caught)
    with pytest.raises(AccountLocked):
        await process().acquire(demand("b"))
    await clock.advance(600.0)
    await done(second, demand("b"))


async def test_a_penalty_holds_all(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """After error 9 nobody sends that request before a minute has passed, and then one does."""
    first, second = process(), process()
    await done(first, demand("accepted", PLENTY))
    await done(first, demand(), Outcome.DUPLICATE)
    assert 61.5 == await wait_of(second, demand())
    await clock.advance(61.5)
    probe = await second.acquire(demand())
    with pytest.raises(WaitTooLong):
        await first.acquire(demand(), deadline=clock.now())
    second.finish(probe, Outcome.DUPLICATE)
    assert 123.0 == await wait_of(first, demand())
    assert 2 == first.usage("account").foreign == process().usage("account").foreign


async def test_fewer_slots_are_fewer_for_all(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """After "too many concurrent requests": half of them, and one more a minute."""
    first, second = process(), process()
    await done(first, demand("accepted", PLENTY))
    await done(first, demand("a", PLENTY), Outcome.CONCURRENCY)
    assert 7 == second.usage("account").slots == process().usage("account").slots
    await clock.advance(61.5)
    assert 8 == second.usage("account").slots


async def test_messages_that_were_refused_are_counted_together(process: Callable[..., HostGuard]) -> None:
    """Ninety-nine in a row, in all processes."""
    guards = [process(), process()]
    await done(guards[0], demand("accepted", PLENTY))
    for number in range(99):
        await done(guards[number % 2], demand(f"{number}", may_block=True), Outcome.REFUSED)
    for guard in (*guards, process()):
        with pytest.raises(WaitTooLong) as caught:
            await guard.acquire(demand("more", may_block=True), deadline=guard.clock.now())
        assert Reason.REFUSED.value == caught.value.reason


async def test_one_process_at_a_time_pays_for_a_phone(process: Callable[..., HostGuard]) -> None:
    """The second waits for the outcome of the first."""
    first, second = process(), process()
    await done(first, demand("accepted", PLENTY))
    wanted = demand("rent", PAIR)
    wanted.charges = [(SUBJECT, b"380671234567"), *wanted.charges]
    lease = await first.acquire(wanted)
    with pytest.raises(WaitTooLong) as caught:
        await second.acquire(wanted, deadline=second.clock.now())
    assert Reason.SUBJECT.value == caught.value.reason
    first.finish(lease, Outcome.ACCEPTED)
    await second.acquire(wanted, deadline=second.clock.now())


async def test_two_endpoints_of_one_key_are_held_to_the_stricter_everywhere(process: Callable[..., HostGuard]) -> None:
    """Whichever process heard of it first; a token that was reserved there is given up."""
    first, second = process(), process()
    await done(first, demand("accepted", PLENTY))
    await first.acquire(demand(rule=PLENTY))
    await second.acquire(demand(rule=PAIR))
    for guard in (first, second):
        with pytest.raises(WaitTooLong):
            await guard.acquire(demand(rule=PLENTY), deadline=first.clock.now())


async def test_a_token_that_was_reserved_here_is_another_process_to_take(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """Who waits for something else, has no right to it yet; it waits for the next."""
    first, second = process(), process()
    lease = await second.acquire(demand("x", PLENTY))  # the credentials are not accepted yet: one call at a time
    moments: list[float] = []

    async def wait() -> None:
        await done(first, demand(), Outcome.ANSWERED)
        moments.append(clock.now())

    async def hurry() -> None:
        with pytest.raises(WaitTooLong):
            await first.acquire(demand(), deadline=clock.now() + 30.0)
        moments.append(-clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        tasks.start_soon(hurry)
        await clock.advance(0.01)
        second.finish(lease, Outcome.ANSWERED)
        for _ in range(2):  # both tokens go to the other process before this one looks again
            await done(second, demand(), Outcome.ANSWERED)
        began = clock.now()
        await clock.advance(100.0)
    assert [-began, began + 61.5] == [pytest.approx(moment, abs=0.05) for moment in moments]


async def test_a_call_whose_token_another_process_took_learns_at_once_that_its_time_is_too_short(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """It counted on the token that came home; the next comes after its deadline, for which it need not wait."""
    first, second = process(), process()
    await done(first, demand("accepted", PLENTY))
    await done(first, demand(rule=SINGLE))
    began = clock.now()
    moments: list[float] = []

    async def hurry() -> None:
        with pytest.raises(WaitTooLong):
            await first.acquire(demand(rule=SINGLE), deadline=began + 70.0)
        moments.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hurry)
        await clock.advance(1.0)
        clock._now = began + 61.5  # nobody sees it yet
        await second.acquire(demand(rule=SINGLE), deadline=clock.now())
        await clock.advance(0.1)
    assert [began + 61.5] == [pytest.approx(moment, abs=0.15) for moment in moments]


async def test_processes_are_served_in_the_order_in_which_their_calls_came(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """A busy one does not keep the slot to itself, and each has its own calls in order."""
    first, second = process(max_concurrency=1), process(max_concurrency=1)
    await done(first, demand("accepted", PLENTY))
    served: list[str] = []

    async def work(guard: HostGuard, name: str) -> None:
        lease = await guard.acquire(demand(name, PLENTY))
        served.append(name)
        await clock.sleep(0.5)
        guard.finish(lease, Outcome.ACCEPTED)

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            for guard, name in ((first, "a"), (second, "b")):
                tasks.start_soon(work, guard, f"{name}{number}")
                await clock.advance(0.05)
        await clock.advance(10.0)
    assert ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"] == served


async def test_who_leaves_the_line_gives_up_its_claim(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """The next process need not wait until it is forgotten."""
    first, second, third = (process(max_concurrency=1) for _ in range(3))
    await done(first, demand("accepted", PLENTY))
    lease = await first.acquire(demand("a", PLENTY))
    moments: list[float] = []

    async def wait(guard: HostGuard) -> None:
        await guard.acquire(demand("b", PLENTY))
        moments.append(clock.now())

    async with anyio.create_task_group() as tasks:
        impatient = anyio.CancelScope()
        tasks.start_soon(cancelled_with, impatient, second)
        await clock.advance(0.05)
        tasks.start_soon(wait, third)
        await clock.advance(0.05)
        impatient.cancel()
        await clock.advance(0.0)
        first.finish(lease, Outcome.ACCEPTED)
        await clock.advance(0.1)
    assert 1 == len(moments)


async def cancelled_with(scope: anyio.CancelScope, guard: HostGuard) -> None:
    """Wait in another's scope."""
    with scope:
        await guard.acquire(demand("c", PLENTY))


async def test_a_process_that_died_in_line_holds_nobody_up_for_long(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """Its claim counts for half a second."""
    first, second, third = (process(max_concurrency=1) for _ in range(3))
    await done(first, demand("accepted", PLENTY))
    lease = await first.acquire(demand("a", PLENTY))
    with second._lock:  # it asks, and is never heard of again
        second._replica.ask(demand("b", PLENTY), clock.now())
    moments: list[float] = []

    async def wait(guard: Any) -> None:
        await guard.acquire(demand("c", PLENTY))
        moments.append(clock.now())

    async with anyio.create_task_group() as tasks:
        await clock.advance(0.1)
        tasks.start_soon(wait, third)
        first.finish(lease, Outcome.ACCEPTED)
        await clock.advance(0.3)
        assert [] == moments
        await clock.advance(0.3)
    assert [pytest.approx(10_000.5, abs=0.03)] == moments
