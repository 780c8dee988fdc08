"""The guard of one process, on a moved clock."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from smsc_async.errors import AccountLocked, InvalidArgument, InvalidArgumentType, SessionClosed, WaitTooLong
from smsc_async.guard import LocalGuard, Outcome, Wait
from smsc_async.testing import FakeClock
from tests.guard.demands import PAIR, PLENTY, SINGLE, demand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from smsc_async.guard import Demand, Lease

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@asynccontextmanager
async def call(
    guard: LocalGuard, wanted: Demand, outcome: Outcome = Outcome.ACCEPTED, deadline: float = float("inf")
) -> AsyncIterator[Lease]:
    """One admitted call."""
    lease = await guard.acquire(wanted, deadline=deadline)
    try:
        yield lease
    finally:
        guard.finish(lease, outcome)


async def accept(guard: LocalGuard, **names: str) -> None:
    """Have the credentials accepted by a call of its own key."""
    async with call(guard, demand("accepted", PLENTY, **names)):
        pass


async def test_third_identical_call_waits_for_the_first_reply_plus_a_minute(clock: FakeClock) -> None:
    """With two tokens, the third call starts 60 s after the first reply, not after the first send."""
    guard = LocalGuard(clock=clock, margin=0.0)
    await accept(guard)
    started: list[float] = []

    async def one() -> None:
        async with call(guard, demand()):
            started.append(clock.now())
            await clock.sleep(5.0)  # the reply takes 5 s

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one)
        await clock.advance_to(80.0)

    assert [0.0, 0.0, 65.0] == started


async def test_the_margin_is_waited_too(clock: FakeClock) -> None:
    """A token rests for the minute and the margin."""
    guard = LocalGuard(clock=clock)
    async with call(guard, demand(rule=SINGLE)):
        pass
    started: list[float] = []

    async def again() -> None:
        async with call(guard, demand(rule=SINGLE)):
            started.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(again)
        await clock.advance_to(61.4)
        assert [] == started
        await clock.advance_to(61.5)

    assert [61.5] == started


@pytest.mark.parametrize(
    ("outcome", "free_at"),
    [
        (Outcome.UNSENT, 0.0),
        (Outcome.ACCEPTED, 61.5),
        (Outcome.ANSWERED, 61.5),
        (Outcome.UNKNOWN, 66.5),
    ],
)
async def test_what_an_outcome_charges(clock: FakeClock, outcome: Outcome, free_at: float) -> None:
    """A token comes home at once only when nothing was sent, and later by the lateness when no answer was read."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    async with call(guard, demand(rule=SINGLE), outcome):
        pass
    started: list[float] = []

    async def again() -> None:
        async with call(guard, demand(rule=SINGLE)):
            started.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(again)
        await clock.advance_to(100.0)

    assert [free_at] == started


async def test_calls_of_one_key_start_in_the_order_they_came(clock: FakeClock) -> None:
    """First come, first served, per key."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    started: list[int] = []

    async def one(number: int) -> None:
        async with call(guard, demand(rule=SINGLE)):
            started.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(9):
            tasks.start_soon(one, number)
            await anyio.wait_all_tasks_blocked()
        await clock.advance_to(600.0)

    assert list(range(9)) == started


async def test_nothing_waits_behind_a_call_of_another_key(clock: FakeClock) -> None:
    """A thousand calls that wait for one key hold up no call of another."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    async with anyio.create_task_group() as tasks:

        async def hot() -> None:
            async with call(guard, demand("hot")):
                pass

        for _ in range(1_000):
            tasks.start_soon(hot)
        await anyio.wait_all_tasks_blocked()
        async with call(guard, demand("cold")):
            assert 0.0 == clock.now()
        tasks.cancel_scope.cancel()


async def test_fourteen_calls_are_in_flight_at_the_most(clock: FakeClock) -> None:
    """The fifteenth call of an account waits for a slot, whatever its key, and starts when one is free."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    flying = peak = 0

    async def one(number: int) -> None:
        nonlocal flying, peak
        async with call(guard, demand(str(number))):
            flying += 1
            peak = max(peak, flying)
            await clock.sleep(1.0)
            flying -= 1

    async with anyio.create_task_group() as tasks:
        for number in range(60):
            tasks.start_soon(one, number)
        await anyio.wait_all_tasks_blocked()
        assert 46 == guard.usage("account").waiting
        await clock.advance_to(5.0)

    assert 14 == peak
    assert 5.0 == clock.now()


async def test_accounts_do_not_wait_for_each_other(clock: FakeClock) -> None:
    """Tokens and slots belong to an account."""
    guard = LocalGuard(clock=clock, max_concurrency=1)
    async with call(guard, demand(account="one")), call(guard, demand(account="other")):
        assert 1 == guard.usage("one").in_flight


async def test_a_cancelled_wait_leaves_nothing_behind(clock: FakeClock) -> None:
    """Cancel a random half of those who wait: the rest start as if the others had never come."""
    guard = LocalGuard(clock=clock, margin=0.0)
    await accept(guard)
    started: list[int] = []
    scopes: dict[int, anyio.CancelScope] = {}

    async def one(number: int) -> None:
        with anyio.CancelScope() as scopes[number]:
            async with call(guard, demand()):
                started.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(one, number)
            await anyio.wait_all_tasks_blocked()
        for number in (2, 3, 6, 9, 11):
            scopes[number].cancel()
        await clock.advance_to(200.0)

    assert [[0, 1], [4, 5], [7, 8], [10]] == [sorted(started[at : at + 2]) for at in range(0, 7, 2)]
    assert 0 == guard.usage("account").in_flight


async def test_a_grant_that_meets_a_cancellation_is_given_back(clock: FakeClock) -> None:
    """A call that is let go and cancelled in the same step gives its token to the next."""
    guard = LocalGuard(clock=clock, max_concurrency=1)
    await accept(guard)
    lease = await guard.acquire(demand("first"))
    started: list[int] = []
    scopes: dict[int, anyio.CancelScope] = {}

    async def one(number: int) -> None:
        with anyio.CancelScope() as scopes[number]:
            async with call(guard, demand(str(number))):
                started.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(one, number)
            await anyio.wait_all_tasks_blocked()
        guard.finish(lease, Outcome.ACCEPTED)  # lets number 0 go ...
        scopes[0].cancel()  # ... which never hears of it
        await clock.advance_to(1.0)

    assert [1, 2] == started
    assert 0 == guard.usage("account").in_flight


async def test_who_keeps_the_time_may_leave(clock: FakeClock) -> None:
    """Whichever of the waiting calls is cancelled, the others still wake when their tokens come home."""
    for leaver in range(4):
        guard = LocalGuard(clock=clock, margin=0.0)
        await accept(guard)
        async with call(guard, demand(rule=SINGLE)):
            pass
        began = clock.now()
        started: list[float] = []
        scopes: dict[int, anyio.CancelScope] = {}

        async def one(
            number: int,
            guard: LocalGuard = guard,
            started: list[float] = started,
            scopes: dict[int, anyio.CancelScope] = scopes,
        ) -> None:
            with anyio.CancelScope() as scopes[number]:
                async with call(guard, demand(rule=SINGLE)):
                    started.append(clock.now())

        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(one, number)
                await anyio.wait_all_tasks_blocked()
            scopes[leaver].cancel()
            await clock.advance(200.0)

        assert [began + 60.0, began + 120.0, began + 180.0] == started


async def test_a_wait_that_cannot_fit_is_refused_at_once_with_its_length(clock: FakeClock) -> None:
    """The queue ahead is counted: the third pair of calls would start two minutes later."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    for _ in range(2):
        async with call(guard, demand()):
            pass
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(guard.acquire, demand())
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(WaitTooLong) as refused:
            await guard.acquire(demand(), deadline=clock.now() + 100.0)
        tasks.cancel_scope.cancel()

    assert 123.0 == refused.value.wait
    assert "identical requests" == refused.value.reason
    assert "longer than it may wait" in str(refused.value)


async def test_a_wait_that_stops_fitting_is_refused_then(clock: FakeClock) -> None:
    """A call that waits for the token of a call in flight gives up as soon as no answer can come in time any more."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    lease = await guard.acquire(demand(rule=SINGLE))
    refused: list[float] = []

    async def patient() -> None:
        try:
            await guard.acquire(demand(rule=SINGLE), deadline=70.0)
        except WaitTooLong:
            refused.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(patient)
        await clock.advance_to(8.4)
        assert [] == refused
        await clock.advance_to(8.6)  # an answer now would bring the token home at 70.1
        assert [8.5] == pytest.approx(refused)
    guard.finish(lease, Outcome.ACCEPTED)


async def test_a_wait_that_fits_is_not_refused(clock: FakeClock) -> None:
    """The token comes home just before the deadline, and the call starts."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    async with call(guard, demand(rule=SINGLE)):
        await clock.advance_to(3.0)
    started: list[float] = []

    async def one() -> None:
        async with call(guard, demand(rule=SINGLE), deadline=64.5):
            started.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await clock.advance_to(70.0)

    assert [64.5] == started


async def test_a_wait_can_be_called_off_with_an_error(clock: FakeClock) -> None:
    """A closing session ends the waits of its own calls; what they waited with is told to `on_wait`."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    async with call(guard, demand(rule=SINGLE)):
        pass
    waits: list[Wait] = []

    async with anyio.create_task_group() as tasks:

        async def one() -> None:
            with pytest.raises(SessionClosed):
                await guard.acquire(demand(rule=SINGLE), on_wait=waits.append)

        tasks.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        assert [("identical requests", 61.5)] == [(wait.reason.value, wait.seconds) for wait in waits]
        waits[0].call_off(SessionClosed())

    assert 0 == guard.usage("account").rules[0].waiting


# ------------------------------------------------------------------ refusals of the gateway


async def test_a_duplicate_takes_every_token_of_the_key_out_and_one_probe_goes_first(clock: FakeClock) -> None:
    """After error 9 nothing of the key starts for a minute, then one call, and two only a minute after it was good."""
    guard = LocalGuard(clock=clock, margin=0.0)
    await accept(guard)
    async with call(guard, demand(), Outcome.DUPLICATE):
        pass
    started: list[float] = []

    async def one() -> None:
        async with call(guard, demand()):
            started.append(clock.now())

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)
        await clock.advance_to(300.0)

    assert [60.0, 120.0, 120.0, 180.0] == started
    assert 1 == guard.usage("account").foreign


async def test_a_refused_probe_doubles_the_pause(clock: FakeClock) -> None:
    """61.5, 123, 246 and at most 480 seconds."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    async with call(guard, demand(), Outcome.DUPLICATE):
        pass
    moments = [clock.now()]

    async def probes() -> None:
        for _ in range(5):
            async with call(guard, demand(), Outcome.DUPLICATE):
                moments.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(probes)
        await clock.advance(1_400.0)
    assert [61.5, 123.0, 246.0, 480.0, 480.0] == [later - earlier for earlier, later in pairwise(moments)]


async def test_a_penalty_reaches_calls_that_had_a_token_reserved(clock: FakeClock) -> None:
    """A call that waits only for a slot goes back to the line when its key is refused meanwhile."""
    guard = LocalGuard(clock=clock, margin=0.0, max_concurrency=1)
    await accept(guard)
    lease = await guard.acquire(demand())
    started: list[float] = []

    async def one() -> None:
        async with call(guard, demand()):
            started.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        guard.finish(lease, Outcome.DUPLICATE)
        await clock.advance_to(200.0)

    assert [60.0] == started


async def test_too_many_in_flight_halves_the_slots_and_they_come_back_one_a_minute(clock: FakeClock) -> None:
    """14, 7, then 8 a minute later; a burst of such refusals halves once; slots linger meanwhile."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    leases = [await guard.acquire(demand(str(number))) for number in range(14)]
    for lease in leases:
        guard.finish(lease, Outcome.CONCURRENCY)
    assert (7, 14) == (guard.usage("account").slots, guard.usage("account").lingering)
    await clock.advance_to(59.0)
    assert (7, 0) == (guard.usage("account").slots, guard.usage("account").lingering)
    await clock.advance_to(60.0)
    assert 8 == guard.usage("account").slots
    await clock.advance_to(420.0)
    assert 14 == guard.usage("account").slots


async def test_credentials_run_one_call_at_a_time_until_they_are_accepted(clock: FakeClock) -> None:
    """A wrong password costs one refusal, however many calls wait; they all hear of it."""
    guard = LocalGuard(clock=clock)
    sent = locked = 0

    async def one(number: int) -> None:
        nonlocal sent, locked
        try:
            async with call(guard, demand(str(number)), Outcome.LOGIN_REFUSED):
                sent += 1
                await clock.sleep(1.0)
        except AccountLocked as error:
            locked += clock.date() < error.retry_at

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(one, number)
        await clock.advance_to(2.0)

    assert (1, 99) == (sent, locked)


async def test_a_probe_goes_after_ten_minutes_and_then_after_thirty(clock: FakeClock) -> None:
    """The breaker lets one call through after each pause; one that is accepted closes it."""
    guard = LocalGuard(clock=clock)
    for pause in (600.0, 1_800.0, 1_800.0):
        async with call(guard, demand(), Outcome.LOGIN_REFUSED):
            pass
        await clock.advance(pause - 1.0)
        with pytest.raises(AccountLocked):
            await guard.acquire(demand())
        await clock.advance(1.0)
    async with call(guard, demand(), Outcome.ACCEPTED):
        pass
    async with call(guard, demand("one")), call(guard, demand("two")):
        assert guard.usage("account").accepted


async def test_other_credentials_of_the_account_are_not_locked(clock: FakeClock) -> None:
    """Who corrects a password need not wait; four refusals in half an hour stop the whole gateway, before the fifth."""
    guard = LocalGuard(clock=clock)
    for number in range(4):
        async with call(
            guard, demand(credential=f"wrong {number}", account=f"account {number}"), Outcome.LOGIN_REFUSED
        ):
            pass
    with pytest.raises(AccountLocked, match="could block this IP address"):
        await guard.acquire(demand(credential="right"))
    async with call(guard, demand(gateway="http://127.0.0.1:8000")):
        pass
    await clock.advance(1_800.0)
    async with call(guard, demand(credential="right")):
        pass


async def test_a_blocked_address_stops_every_account_at_that_gateway(clock: FakeClock) -> None:
    """Error 4 is about this machine's address."""
    guard = LocalGuard(clock=clock)
    async with call(guard, demand(account="one"), Outcome.ADDRESS_BLOCKED):
        pass
    with pytest.raises(AccountLocked, match="blocked this IP address"):
        await guard.acquire(demand(account="other", credential="other"))
    await clock.advance(600.0)
    async with call(guard, demand(account="other", credential="other")):
        pass


# ------------------------------------------------------------------ memory, numbers, repr


async def test_a_key_costs_nothing_once_its_tokens_are_home(clock: FakeClock) -> None:
    """A thousand keys are forgotten a minute later, two with each call."""
    guard = LocalGuard(clock=clock)
    for number in range(1_000):
        async with call(guard, demand(str(number))):
            pass
    account = guard._policy.accounts["account"]
    assert (0, 1_000) == (len(account.busy), len(account.resting))
    await clock.advance(61.5)
    for number in range(500):
        async with call(guard, demand(str(number))):
            await clock.advance(0.0)
    assert 500 == len(account.resting)


async def test_an_idle_account_is_forgotten_when_another_comes(clock: FakeClock) -> None:
    """Nothing of an account is kept when nothing is left to remember."""
    guard = LocalGuard(clock=clock)
    async with call(guard, demand(account="old")):
        pass
    await accept(guard, account="meanwhile")
    assert {"old", "meanwhile"} == set(guard._policy.accounts)
    await clock.advance(61.5)
    await accept(guard, account="new")
    assert {"new"} == set(guard._policy.accounts)


async def test_the_snapshot_tells_what_is_used_and_when_it_is_free(clock: FakeClock) -> None:
    """Used, free, next free, waiting; slots in flight and lingering; readable as text."""
    guard = LocalGuard(clock=clock)
    await accept(guard)
    async with call(guard, demand(), Outcome.UNKNOWN):
        pass
    async with call(guard, demand()):
        usage = guard.usage("account")
        pair = next(rule for rule in usage.rules if rule.endpoint == "pair")
        assert (2, 0, 66.5) == (pair.used, pair.free, pair.next_free_in)
        assert (1, 1, 14) == (usage.in_flight, usage.lingering, usage.slots)
        assert "pair: 2 of 2 identical requests used, 0 waiting, next free in 66.5 s" in str(usage)
    assert () == guard.usage("unknown account").rules


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_concurrency": 15}, InvalidArgument),
        ({"max_concurrency": 0}, InvalidArgument),
        ({"max_concurrency": True}, InvalidArgumentType),
        ({"max_concurrency": 2.0}, InvalidArgumentType),
        ({"window": 0}, InvalidArgument),
        ({"window": float("inf")}, InvalidArgument),
        ({"window": "60"}, InvalidArgumentType),
        ({"margin": -1}, InvalidArgument),
        ({"limits": ["numbers.rent"]}, InvalidArgumentType),
        ({"clock": 5.0}, InvalidArgumentType),
        ({"lateness": float("nan")}, InvalidArgument),
        ({"max_downloads": 15}, InvalidArgument),
        ({"limits": {"numbers.rent": 0}}, InvalidArgument),
        ({"identical": "phone"}, InvalidArgument),
    ],
)
async def test_numbers_out_of_range_are_refused(settings: dict[str, object], error: type[ValueError]) -> None:
    """Each with a sentence that says what to give; all are `ValueError`."""
    with pytest.raises(error, match=r"give|use"):
        LocalGuard(**settings)  # type: ignore[arg-type]


async def test_a_guard_with_a_smaller_minute_says_that_it_is_not_strict() -> None:
    """The repr tells the guard of a test from a real one."""
    assert "not strict" not in repr(LocalGuard())
    assert "not strict" in repr(LocalGuard(window=1.0))
    assert "not strict" in repr(LocalGuard(margin=0.1))
    assert LocalGuard().strict


# ------------------------------------------------------------------ loops, threads, processes


def test_threads_with_a_loop_each_share_the_slots() -> None:
    """Four loops in four threads never have more than the slots in flight together, and all their calls end."""
    guard = LocalGuard(window=0.01, margin=0.0, max_concurrency=3)
    lock = threading.Lock()
    flying = peak = done = 0

    async def one(number: int) -> None:
        nonlocal flying, peak, done
        async with call(guard, demand(f"{number % 40}", PLENTY)):
            with lock:
                flying += 1
                peak = max(peak, flying)
            await anyio.lowlevel.checkpoint()
            with lock:
                flying -= 1
                done += 1

    async def many(offset: int) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(one, offset + number)

    def run(backend: str, offset: int) -> None:
        anyio.run(many, offset, backend=backend)

    threads = [
        threading.Thread(target=run, args=(backend, 1_000 * index))
        for index, backend in enumerate(["asyncio", "trio", "asyncio", "trio"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert (3, 800) == (peak, done)
    assert 0 == guard.usage("account").in_flight


def test_the_minute_outlives_an_event_loop(clock: FakeClock) -> None:
    """Tokens taken in one `asyncio.run` are still out in the next."""
    guard = LocalGuard(clock=clock)

    async def one() -> None:
        async with call(guard, demand(rule=SINGLE), deadline=clock.now() + 1.0):
            pass

    asyncio.run(one())
    with pytest.raises(WaitTooLong):
        asyncio.run(one())


def test_the_waiting_calls_of_a_loop_that_is_gone_are_dropped() -> None:
    """A loop closed with calls in line does not hold up the line."""
    guard = LocalGuard(max_concurrency=1)
    gone = asyncio.new_event_loop()

    async def begin() -> Lease:
        await accept(guard)
        return await guard.acquire(demand("first"))

    lease = gone.run_until_complete(begin())
    waiting = gone.create_task(guard.acquire(demand("lost")))
    gone.run_until_complete(asyncio.sleep(0))
    waiting._log_destroy_pending = False  # type: ignore[attr-defined] - it is abandoned on purpose
    gone.close()

    async def go_on() -> None:
        async with anyio.create_task_group() as tasks:

            async def one() -> None:
                async with call(guard, demand("alive")):
                    pass

            tasks.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            guard.finish(lease, Outcome.ACCEPTED)

    with anyio.from_thread.start_blocking_portal() as portal:
        portal.call(go_on)
    assert 0 == guard.usage("account").in_flight
    del waiting
    gc.collect()


def test_a_stopped_loop_holds_up_nobody_and_its_calls_go_on_when_it_runs_again() -> None:
    """A grant is never left with a loop that does not run."""
    guard = LocalGuard(max_concurrency=1)
    stopped, running = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def begin() -> Lease:
        await accept(guard)
        return await guard.acquire(demand("first"))

    async def one() -> str:
        async with call(guard, demand("later")):
            return "done"

    lease = stopped.run_until_complete(begin())
    left = stopped.create_task(one())
    stopped.run_until_complete(asyncio.sleep(0))

    async def finish() -> None:
        guard.finish(lease, Outcome.ACCEPTED)
        assert 0 == guard.usage("account").in_flight
        async with call(guard, demand("meanwhile")):
            pass

    running.run_until_complete(finish())
    assert "done" == stopped.run_until_complete(left)
    assert 0 == guard.usage("account").in_flight
    for loop in (stopped, running):
        loop.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork to test")
def test_a_forked_child_keeps_the_charges_and_counts_calls_in_flight_as_unknown(clock: FakeClock) -> None:
    """The child waits out its parent's tokens, and no lease of the parent is the child's to give back."""
    guard = LocalGuard(clock=clock)

    async def begin() -> Lease:
        await accept(guard)
        return await guard.acquire(demand(rule=SINGLE))

    lease = asyncio.run(begin())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            guard.finish(lease, Outcome.UNSENT)  # the parent's frames unwinding here
            usage = guard.usage("account")
            (single,) = [rule for rule in usage.rules if rule.endpoint == "single"]
            code = 0 if (single.next_free_in, usage.in_flight, usage.lingering) == (66.5, 0, 1) else 2
        finally:
            os._exit(code)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert 1 == guard.usage("account").in_flight


def test_giving_back_from_a_finaliser_that_interrupts_the_guard_does_not_hang() -> None:
    """The collector may run a call's `finally` while this very thread holds the guard's lock."""
    guard = LocalGuard()

    async def begin() -> tuple[Lease, Lease]:
        await accept(guard)
        return await guard.acquire(demand("a")), await guard.acquire(demand("b"))

    first, second = asyncio.run(begin())
    original = guard.clock

    class Interrupting:
        """A clock whose first reading under the lock is interrupted by a finaliser."""

        def __init__(self) -> None:
            self.armed = True

        def now(self) -> float:
            if self.armed and guard._lock._is_owned():
                self.armed = False
                guard.finish(first, Outcome.ACCEPTED)
            return original.now()

        def __getattr__(self, name: str) -> object:
            return getattr(original, name)

    guard.clock = Interrupting()
    assert 2 >= guard.usage("account").in_flight
    guard.finish(second, Outcome.ACCEPTED)
    assert 0 == guard.usage("account").in_flight


def test_pair_is_what_the_vendor_says_of_numbers() -> None:
    """The tests' rule of two is the limit of `receive_phones.php`."""
    from smsc_async.services.numbers import AVAILABLE

    assert (PAIR.n,) == tuple(limit.n for limit in AVAILABLE.limits)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer to interrupt with")
def test_ctrl_c_at_any_moment_leaves_the_guard_usable() -> None:
    """Whatever a signal interrupts, the lock is free afterwards, or the next call of the process would hang."""
    # In a program of its own, which nothing measures: a coverage tool's lock is not as careful, and would hang instead.
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    program = [sys.executable, "-m", "tests.guard.interrupted"]
    ended = subprocess.run(program, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=60, check=False)
    assert ("300 interrupts, and the guard could be used after each\n", "") == (ended.stdout, ended.stderr)
