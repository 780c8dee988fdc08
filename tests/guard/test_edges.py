"""The guard where two things happen at once, or in an unlucky order."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async.errors import WaitTooLong
from smsc_async.guard import LocalGuard, Outcome, Wait, _process
from smsc_async.guard._bucket import Reason, Rule
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Lease, Locked, Settings, Ticket, TooLong
from smsc_async.testing import FakeClock
from tests.guard.demands import PAIR, PLENTY, SINGLE, demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.guard import Demand

SETTINGS = Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


class Caller:
    """Makes calls that end at once, and notes when each started or was refused."""

    def __init__(self, guard: LocalGuard) -> None:
        self.guard = guard
        self.started: list[tuple[str, float]] = []
        self.refused: list[tuple[str, float]] = []

    async def call(self, name: str, wanted: Demand, deadline: float = float("inf")) -> None:
        try:
            lease = await self.guard.acquire(wanted, deadline=deadline, on_wait=lambda _: None)
        except WaitTooLong:
            self.refused.append((name, self.guard.clock.now()))
        else:
            self.started.append((name, self.guard.clock.now()))
            self.guard.finish(lease, Outcome.ACCEPTED)


async def accept(guard: LocalGuard, **names: str) -> None:
    """Have the credentials accepted by a call of its own key."""
    guard.finish(await guard.acquire(demand("accepted", PLENTY, **names)), Outcome.ACCEPTED)


# ------------------------------------------------------------------ given back


@pytest.mark.anyio
async def test_what_is_given_back_while_a_wait_is_estimated_is_not_left_lying(clock: FakeClock) -> None:
    """A slot that comes back while the guard computes an expected wait lets the waiting calls go at once."""
    guard = LocalGuard(clock=clock, max_concurrency=1)
    caller = Caller(guard)
    await accept(guard)
    lease = await guard.acquire(demand("holder"))
    estimate = guard._policy.lines.expected

    def interrupted(ticket: Ticket, now: float) -> float:
        guard._policy.lines.expected = estimate  # type: ignore[method-assign]
        guard.finish(lease, Outcome.ACCEPTED)  # by another thread, or a finaliser: the lock is taken
        return estimate(ticket, now)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller.call, "first", demand("first"))
        await anyio.wait_all_tasks_blocked()
        guard._policy.lines.expected = interrupted  # type: ignore[method-assign]
        tasks.start_soon(caller.call, "second", demand("second"))
        await anyio.wait_all_tasks_blocked()
        assert [("first", 0.0), ("second", 0.0)] == caller.started
        tasks.cancel_scope.cancel()


# ------------------------------------------------------------------ credentials on trial


@pytest.mark.anyio
async def test_files_that_still_stream_stop_no_new_credentials(clock: FakeClock) -> None:
    """Four streaming calls hold up a fifth account until their heads have come, and not until they end."""
    guard = LocalGuard(clock=clock)
    caller = Caller(guard)
    leases = [await guard.acquire(demand(account=f"account {n}", credential=f"login {n}")) for n in range(4)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller.call, "fifth", demand(account="fifth", credential="fifth"))
        await anyio.wait_all_tasks_blocked()
        assert [] == caller.started
        for lease in leases:
            guard.prove(lease)
        tasks.start_soon(caller.call, "sixth", demand(account="sixth", credential="sixth"))
        await anyio.wait_all_tasks_blocked()
        assert [("fifth", 0.0), ("sixth", 0.0)] == sorted(caller.started)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("proven_first", [True, False], ids=["proven, then ended", "ended"])
def test_an_accepted_call_gives_its_trial_back_once(proven_first: bool) -> None:
    """However many credentials were accepted, no more than four that were not are tried side by side."""
    policy = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14))
    for n in range(9):
        lease = policy.ask(demand(account=f"good {n}", credential=f"good {n}"), 0.0)
        assert isinstance(lease, Lease)
        if proven_first:
            policy.prove(lease, 0.0)
        policy.finish(lease, Outcome.ACCEPTED, 0.0)
    wrong = [policy.ask(demand(account=f"wrong {n}", credential=f"wrong {n}"), 1.0) for n in range(20)]
    assert 4 == sum(isinstance(answer, Lease) for answer in wrong)


def test_an_acceptance_from_before_the_lock_does_not_count() -> None:
    """A file opened before its password was refused, and ending after the pause, opens the way to no burst."""
    policy = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14))
    first = policy.ask(demand("first"), 0.0)
    assert isinstance(first, Lease)
    policy.finish(first, Outcome.ACCEPTED, 0.0)
    file, refused = policy.ask(demand("file"), 1.0), policy.ask(demand("refused"), 2.0)
    assert isinstance(file, Lease)
    assert isinstance(refused, Lease)
    policy.finish(refused, Outcome.LOGIN_REFUSED, 3.0)
    assert isinstance(policy.ask(demand("locked out"), 4.0), Locked)

    policy.finish(file, Outcome.ACCEPTED, 604.0)
    burst = [policy.ask(demand(f"later {n}"), 605.0) for n in range(20)]
    assert 1 == sum(isinstance(answer, Lease) for answer in burst)

    probe = next(answer for answer in burst if isinstance(answer, Lease))
    policy.finish(probe, Outcome.ACCEPTED, 606.0)
    let_go = [answer for answer in burst if isinstance(answer, Ticket) and isinstance(answer.verdict, Lease)]
    assert SETTINGS.max_concurrency == len(let_go)


# ------------------------------------------------------------------ deadlines


@pytest.mark.anyio
async def test_the_deadline_holds_in_the_line_for_a_slot(clock: FakeClock) -> None:
    """A call that waits for nothing but a slot is refused at its deadline."""
    guard = LocalGuard(clock=clock, max_concurrency=1)
    caller = Caller(guard)
    await accept(guard)
    lease = await guard.acquire(demand("holder"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller.call, "bounded", demand(), 10.0)
        await clock.advance_to(100.0)
        guard.finish(lease, Outcome.ACCEPTED)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert [("bounded", 10.0)] == caller.refused


@pytest.mark.anyio
async def test_the_deadline_holds_from_one_line_to_the_next(clock: FakeClock) -> None:
    """A call that got its token in time, and then waits for a slot, is refused at its deadline."""
    guard = LocalGuard(clock=clock, max_concurrency=1)
    caller = Caller(guard)
    await accept(guard)
    await caller.call("before", demand(rule=SINGLE))
    lease = await guard.acquire(demand("holder"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller.call, "bounded", demand(rule=SINGLE), 70.0)
        await clock.advance_to(200.0)
        guard.finish(lease, Outcome.ACCEPTED)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert [("bounded", 70.0)] == caller.refused


@pytest.mark.anyio
async def test_a_recalled_call_keeps_its_deadline(clock: FakeClock) -> None:
    """A call whose reserved token is recalled, for a stricter limit of the same key, is refused at its deadline."""
    guard = LocalGuard(clock=clock, max_concurrency=1)
    caller = Caller(guard)
    await accept(guard)
    lease = await guard.acquire(demand("holder"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller.call, "bounded", demand(rule=PAIR), 10.0)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(caller.call, "stricter", demand(rule=SINGLE))
        await clock.advance_to(100.0)
        guard.finish(lease, Outcome.ACCEPTED)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert ([("bounded", 10.0)], [("stricter", 100.0)]) == (caller.refused, caller.started)


def test_a_call_spared_a_line_keeps_its_deadline() -> None:
    """A call that need not wait for the trials any more, and then waits for a slot, is refused at its deadline."""
    policy = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=1))
    proof = policy.ask(demand("proof", credential="proven"), 0.0)
    assert isinstance(proof, Lease)
    policy.finish(proof, Outcome.ACCEPTED, 0.0)
    assert isinstance(policy.ask(demand("holder", credential="proven"), 0.0), Lease)
    for n in range(4):
        assert isinstance(policy.ask(demand(account=f"other {n}"), 0.0), Lease)
    ticket = policy.ask(demand("bounded"), 1.0, 10.0)
    assert isinstance(ticket, Ticket)
    trials = policy.gateways["https://smsc.ua"].trials
    assert ticket.place is trials

    policy.lines.skip(trials, [ticket], 2.0)
    assert ticket.place is policy.accounts["account"].slots
    assert 10.0 == policy.lines.next_alarm()
    policy.tick(10.0)
    assert isinstance(ticket.verdict, TooLong)


@pytest.mark.anyio
async def test_behind_a_resting_token_a_wait_is_refused_as_soon_as_it_cannot_fit(clock: FakeClock) -> None:
    """The second in line is refused when the first is still unanswered a token's rest before the deadline."""
    guard = LocalGuard(clock=clock)
    caller = Caller(guard)
    await accept(guard)
    await caller.call("before", demand(rule=SINGLE))  # its token is home at 61.5

    async def unanswered() -> None:
        lease = await guard.acquire(demand(rule=SINGLE))
        caller.started.append(("first", clock.now()))
        await clock.sleep(600.0)
        guard.finish(lease, Outcome.ACCEPTED)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(unanswered)
        await clock.advance_to(1.0)
        tasks.start_soon(caller.call, "second", demand(rule=SINGLE), 130.0)
        await clock.advance_to(140.0)
        tasks.cancel_scope.cancel()

    assert [("before", 0.0), ("first", 61.5)] == caller.started
    assert [("second", 68.5)] == caller.refused  # 130 - 61.5


@pytest.mark.anyio
async def test_after_a_duplicate_no_wait_that_fits_is_refused(clock: FakeClock) -> None:
    """A refusal as a duplicate makes tokens few for a while, and that is no reason to refuse what starts in time."""
    wide = Rule("wide", Reason.IDENTICAL, 50)
    guard = LocalGuard(clock=clock)
    caller = Caller(guard)
    await caller.call("before", demand(rule=wide))
    guard.finish(await guard.acquire(demand(rule=wide)), Outcome.DUPLICATE)
    async with anyio.create_task_group() as tasks:
        for n in range(20):
            tasks.start_soon(caller.call, f"{n}", demand(rule=wide))
            await anyio.wait_all_tasks_blocked()
        tasks.start_soon(caller.call, "bounded", demand(rule=wide), 600.0)
        await clock.advance_to(2_000.0)
    assert [] == caller.refused
    (bounded,) = [moment for name, moment in caller.started if name == "bounded"]
    assert bounded < 600.0


# ------------------------------------------------------------------ fork


@pytest.mark.anyio
async def test_waiting_calls_of_the_parent_that_end_in_the_child_change_nothing(clock: FakeClock) -> None:
    """The child's slots are neither taken nor made more by what its parent waited for."""
    guard = LocalGuard(clock=clock, max_concurrency=2)
    await accept(guard)
    for name in ("one", "two"):
        await guard.acquire(demand(name))
    async with anyio.create_task_group() as tasks:
        for key in ("same", "same", "other"):
            tasks.start_soon(guard.acquire, demand(key))
        await anyio.wait_all_tasks_blocked()
        guard.before_fork()  # the rest is the child, in which the parent's tasks are ended
        guard.after_fork_in_child()
        tasks.cancel_scope.cancel()

    slots = guard._policy.accounts["account"].slots
    assert (0, 0, 0) == (slots.out, slots.reserved, slots.waiting)
    assert {} == guard._rooms
    assert 0 == len(guard._returns)

    running: list[int] = []
    peaks: list[int] = []

    async def one(number: int) -> None:
        lease = await guard.acquire(demand(f"child {number}"))
        running.append(number)
        peaks.append(len(running))
        await clock.sleep(1.0)
        running.remove(number)
        guard.finish(lease, Outcome.ACCEPTED)

    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(one, number)
        await clock.advance_to(20.0)
    assert (6, 2) == (len(peaks), max(peaks))


@pytest.mark.parametrize("after", [_process._Fork.after_in_parent, _process._Fork.after_in_child])
def test_a_guard_made_between_the_fork_hooks_leaves_none_locked(
    after: Callable[[_process._Fork], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever another thread makes while the process forks, every guard goes on, in the parent and in the child."""
    monkeypatch.setattr(_process, "_guards", weakref.WeakSet())
    fork = _process._Fork()
    guards = [LocalGuard() for _ in range(8)]
    fork.before()
    assert [True] * 8 == [guard._lock._is_owned() for guard in guards]
    guards.append(LocalGuard())
    after(fork)
    assert [False] * 9 == [guard._lock._is_owned() for guard in guards]


# ------------------------------------------------------------------ between the steps


@pytest.mark.anyio
async def test_a_call_let_go_just_before_its_wait_is_told_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread gives the slot back between the look at the ticket and the estimate of its wait."""
    guard = LocalGuard(clock=FakeClock(), max_concurrency=1)
    await accept(guard)
    holder = await guard.acquire(demand("holder"))
    told: list[Wait] = []
    wait_of = guard._wait_of

    def late(*arguments: Any) -> Any:
        guard.finish(holder, Outcome.ACCEPTED)
        return wait_of(*arguments)

    monkeypatch.setattr(guard, "_wait_of", late)
    lease = await guard.acquire(demand("next"), on_wait=told.append)
    assert [] == told
    guard.finish(lease, Outcome.ACCEPTED)
    assert 0 == guard.usage("account").in_flight


@pytest.mark.anyio
async def test_calls_let_go_before_they_sat_down_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another thread let go between the asking and the waiting leaves nothing behind."""
    guard = LocalGuard(clock=FakeClock(), max_concurrency=1)
    await accept(guard)
    leases = [await guard.acquire(demand("0"))]
    sit = guard._wait

    async def late(*arguments: Any) -> Any:
        guard.finish(leases.pop(), Outcome.ACCEPTED)
        return await sit(*arguments)

    monkeypatch.setattr(guard, "_wait", late)
    for number in range(1, 100):
        leases += [await guard.acquire(demand(str(number)))]
    assert 2 > len(guard._policy.lines.settled)


def test_tokens_that_are_home_are_not_kept_while_a_key_is_in_use() -> None:
    """A key that is never idle, and far from its limit, costs what came in the last minute and not what ever came."""
    policy = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14))
    for number in range(300):
        lease = policy.ask(demand("busy", PLENTY), 10.0 * number)
        assert isinstance(lease, Lease)
        policy.finish(lease, Outcome.ACCEPTED, 10.0 * number)
    kept = policy.accounts["account"].resting[b"busy"]
    assert isinstance(kept, tuple)
    assert 9 > len(kept)


def test_a_key_that_comes_back_holds_up_the_forgetting_of_no_other() -> None:
    """The oldest key rests for minutes after a refusal; once it is used again, what is behind it is forgotten."""
    policy = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14))

    def make(key: str, outcome: Outcome, now: float) -> None:
        lease = policy.ask(demand(key), now)
        assert isinstance(lease, Lease)
        policy.finish(lease, outcome, now)

    make("refused", Outcome.DUPLICATE, 0.0)
    make("refused", Outcome.DUPLICATE, 61.5)  # the probe: blocked until 184.5, and kept until 246
    for number in range(50):
        make(str(number), Outcome.ACCEPTED, 62.0)
    make("refused", Outcome.ACCEPTED, 184.5)
    for _ in range(26):
        make("other", Outcome.UNSENT, 185.0)
    assert [b"refused"] == list(policy.accounts["account"].resting)


@pytest.mark.asyncio
async def test_a_room_that_empties_while_a_call_sits_down_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finaliser ends the only other wait of the loop just when this one begins; it is woken all the same."""
    guard = LocalGuard(clock=FakeClock(), max_concurrency=1)
    await accept(guard)
    holder = await guard.acquire(demand("holder"))
    abandoned = guard.acquire(demand("abandoned"))
    abandoned.send(None)
    seat = _process.Seat

    def interrupted(*arguments: Any) -> Any:
        abandoned.close()
        return seat(*arguments)

    monkeypatch.setattr(_process, "Seat", interrupted)
    asyncio.get_running_loop().call_later(0.05, guard.finish, holder, Outcome.ACCEPTED)
    async with asyncio.timeout(2):
        lease = await guard.acquire(demand("waiting"))
    guard.finish(lease, Outcome.ACCEPTED)
