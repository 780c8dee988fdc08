"""The policy's binding to a process: its lock, what is given back while that is held, and loops that are gone."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import anyio
import pytest

from smsc_async._loops import current_loop
from smsc_async.guard import LocalGuard, Outcome
from smsc_async.guard._parking import Room, Seat
from smsc_async.testing import FakeClock
from tests.guard.demands import PLENTY, demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.guard import Lease


class Interrupted(FakeClock):
    """A clock whose next reading under the guard's lock is interrupted: *meanwhile* is called."""

    def __init__(self) -> None:
        super().__init__()
        self.guard: LocalGuard | None = None
        self.meanwhile: Callable[[], object] | None = None

    def now(self) -> float:
        locked = self.guard is not None and not free(self.guard)
        if locked and self.meanwhile is not None:
            work, self.meanwhile = self.meanwhile, None
            work()
        return super().now()


def free(guard: LocalGuard) -> bool:
    """Say whether nobody has the lock; asked from another thread, because whoever has it may get it once more."""
    answers: list[bool] = []

    def ask() -> None:
        answers.append(guard._lock.acquire(blocking=False))
        if answers[0]:
            guard._lock.release()

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    return answers[0]


async def admitted(guard: LocalGuard) -> Lease:
    """Give a call in flight, of an account whose credentials were accepted."""
    guard.finish(await guard.acquire(demand("accepted", PLENTY)), Outcome.ACCEPTED)
    return await guard.acquire(demand("first", PLENTY))


@pytest.mark.parametrize("where", ["this thread", "another thread"])
def test_nothing_changes_in_books_that_are_open(where: str) -> None:
    """A call that is given back while the guard's lock is held changes the books after that, and then for certain."""
    clock = Interrupted()
    guard = LocalGuard(clock=clock)
    lease = asyncio.run(admitted(guard))
    returning = threading.Thread(target=guard.finish, args=(lease, Outcome.ACCEPTED), daemon=True)
    out: list[int] = []

    def give_back() -> None:
        if where == "this thread":
            guard.finish(lease, Outcome.ACCEPTED)
        else:
            returning.start()
            returning.join(0.2)  # whether it waits for the lock or not
        out.append(guard._policy.accounts["account"].slots.out)

    clock.guard, clock.meanwhile = guard, give_back
    guard.usage("account")
    if where == "another thread":
        returning.join(5.0)
    assert [1] == out
    assert 0 == guard.usage("account").in_flight


def test_a_fork_waits_for_whoever_has_the_books_open() -> None:
    """The child must not get half of a change."""
    guard = LocalGuard()
    forked = threading.Event()

    def fork() -> None:
        guard.before_fork()
        forked.set()
        guard.after_fork_in_parent()

    forking = threading.Thread(target=fork, daemon=True)
    with guard._lock:
        forking.start()
        assert not forked.wait(0.2)
    assert forked.wait(5.0)
    forking.join(5.0)


def test_what_a_loop_that_is_gone_was_granted_is_home_at_once() -> None:
    """A call that waited in an event loop which was closed meanwhile keeps nothing of what comes to it."""
    guard = LocalGuard(max_concurrency=1)
    gone = asyncio.new_event_loop()
    lease = gone.run_until_complete(admitted(guard))
    waiting = gone.create_task(guard.acquire(demand("lost")))
    gone.run_until_complete(asyncio.sleep(0))
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]  # it is abandoned on purpose
    gone.close()
    guard.finish(lease, Outcome.ACCEPTED)
    usage = guard.usage("account")
    assert (0, 0) == (usage.in_flight, usage.waiting)


@pytest.mark.anyio
async def test_a_grant_that_meets_a_cancellation_is_home_at_once() -> None:
    """A call that is cancelled in the very moment in which it is let go gives back what it never used."""
    guard = LocalGuard(clock=FakeClock(), max_concurrency=1)
    lease = await admitted(guard)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(guard.acquire, demand("second", PLENTY))
        await anyio.wait_all_tasks_blocked()
        guard.finish(lease, Outcome.ACCEPTED)
        tasks.cancel_scope.cancel()
    usage = guard.usage("account")
    assert (0, 0) == (usage.in_flight, usage.waiting)


@pytest.mark.anyio
@pytest.mark.parametrize("woken", [True, False])
async def test_who_was_woken_on_the_way_to_sleep_does_not_sleep(*, woken: bool, anyio_backend: str) -> None:
    """A wake-up that comes before the sleep counts as one that comes in it; without one, the keeper sleeps."""
    seat = Seat(Room(current_loop(), lambda loop: None))
    over: list[bool] = []

    async def keep() -> None:
        await seat.keep_time(FakeClock(), float("inf"))
        over.append(True)

    if woken:
        seat.wake()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert [True] * woken == over
