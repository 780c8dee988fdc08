"""What can happen to a process, to the file and to the machine."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from smsc_async.clock import BootClock
from smsc_async.errors import GuardUnavailable, InvalidArgument, InvalidArgumentType, WaitTooLong
from smsc_async.guard import HostGuard, LocalGuard, Outcome, Reason, host
from smsc_async.guard._replica import longest_charge, send_within
from smsc_async.guard._steps import write_steps
from tests.e2e.loads import in_loop, together
from tests.guard.demands import PAIR, PLENTY, SINGLE, demand
from tests.guard.host.test_sharing import done, wait_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.guard import Lease, Wait
    from smsc_async.testing import FakeClock

pytestmark = pytest.mark.anyio

Q = 97.5  # seconds: T 30, and a second for giving back, D 5, W 60, M 1.5
Q_OF_FILES = Q + 570.0


# ---------------------------------------------------------------- leases


async def test_a_lease_says_until_when_it_may_be_used(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """The first byte leaves within ten seconds, the exchange is over within thirty."""
    lease = await process().acquire(demand())
    assert (clock.now() + 10.0, clock.now() + 30.0) == (lease.send_by, lease.expires_at)
    assert [10.0, 10.0, 5.0, 2.5, 0.5] == [send_within(lasts) for lasts in (600.0, 30.0, 10.0, 5.0, 1.0)]
    assert Q == longest_charge(process()._settings(), 30.0)


async def test_an_exchange_that_may_outlast_a_fence_is_refused(process: Callable[..., HostGuard]) -> None:
    """Ten minutes, as files have, are the most."""
    wanted = demand()
    wanted.lasts = 600.0
    await process().acquire(wanted)
    wanted.lasts = 600.5
    with pytest.raises(InvalidArgument, match=r"timeout: with a HostGuard give at most 600 s, not 600.5"):
        await process().acquire(wanted)


async def test_what_a_dead_process_had_comes_home_by_itself(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """Its slot when its request cannot be under way any more, its token a minute later."""
    dead, other = process(max_concurrency=1), process(max_concurrency=1)
    await done(other, demand("accepted", PLENTY))
    await dead.acquire(demand(rule=SINGLE))
    moments: list[float] = []

    async def wait(key: str) -> None:
        await done(other, demand(key, SINGLE))
        moments.append(clock.now() - 10_000.0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, "other")
        tasks.start_soon(wait, "same")
        await clock.advance(120.0)
    assert [35.0, Q - 1.0] == moments
    assert 0 == process(max_concurrency=1).usage("account").in_flight


async def test_who_gives_back_too_late_is_charged_again(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """From then on; everybody knows it, and it is counted. What it says of the credentials is old."""
    asleep, other = process(), process()
    lease = await asleep.acquire(demand(rule=SINGLE))
    assert 0 == asleep.late
    await clock.advance(95.0)
    assert pytest.approx(1.5) == await wait_of(other, demand(rule=SINGLE))
    asleep.finish(lease, Outcome.ACCEPTED)
    for guard in (asleep, other, process()):
        assert 61.5 == await wait_of(guard, demand(rule=SINGLE))
        assert not guard.usage("account").accepted
    assert (1, 0) == (asleep.late, other.late)
    await clock.advance(61.5)
    await other.acquire(demand(rule=SINGLE))


async def test_who_was_late_and_sent_nothing_is_not_charged_again(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """What was held for it comes home as it would have."""
    asleep, other = process(), process()
    lease = await asleep.acquire(demand(rule=SINGLE))
    await clock.advance(95.0)
    asleep.finish(lease, Outcome.UNSENT)
    asleep.prove(lease)
    await clock.advance(1.5)
    await other.acquire(demand(rule=SINGLE))


async def test_what_is_not_its_own_it_does_not_take_back(process: Callable[..., HostGuard]) -> None:
    """A lease of another process, such as the one it was forked from."""
    first, second = process(), process()
    lease = await first.acquire(demand())
    second.finish(lease, Outcome.UNSENT)
    assert 1 == second.usage("account").in_flight


# ---------------------------------------------------------------- what is lost


async def test_a_restart_of_all_processes_forgets_nothing(process: Callable[..., HostGuard]) -> None:
    """A cron job that starts once a second is held like a process that runs."""
    await done(process(), demand())
    await done(process(), demand())
    assert 61.5 == await wait_of(process(), demand())


async def test_a_long_file_is_begun_anew(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """It has what matters still, and each process goes on; also one that has slept through it."""
    first, second, sleeper = process(), process(), process()
    await done(sleeper, demand("accepted", PLENTY))
    wanted = demand("x" * 4_000, PLENTY)
    names: set[int] = set()
    for number in range(200):
        names.add(first.path.stat().st_ino)
        if number == 185:
            await first.acquire(demand("in flight", PLENTY))
        await done((first, second)[number % 2], wanted)
        await clock.advance(1.0)
    assert 1 < len(names)
    assert 400_000 > first.path.stat().st_size
    for guard in (first, second, sleeper, process()):
        usage = guard.usage("account")
        assert ([1, 61], 1) == (sorted(rule.used for rule in usage.rules), usage.in_flight)


async def test_what_is_in_flight_is_known_by_its_lease_alone(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """Its tokens are out, and none of them rests."""
    guard = process()
    await guard.acquire(demand())
    kinds = [step[0] for step in guard._replica.snapshot(clock.now())]
    assert (0, 1) == (kinds.count("B"), kinds.count("g"))


async def test_a_file_that_cannot_be_begun_anew_is_used_on(
    process: Callable[..., HostGuard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, but not quite."""
    guard = process()
    await done(guard, demand("accepted", PLENTY))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(guard._file, "replace", full)
    for _ in range(50):
        await done(guard, demand("x" * 4_000, PLENTY))
    assert guard._file.is_long


@pytest.mark.parametrize("knows", [True, False], ids=["who knew it", "who comes anew"])
async def test_a_damaged_file_fences(
    process: Callable[..., HostGuard], clock: FakeClock, caplog: pytest.LogCaptureFixture, knows: bool
) -> None:
    """Nothing is sent for as long as anything that was forgotten could matter; then all is well."""
    first, second = process(), process()
    await done(first, demand())
    if knows:
        await done(second, demand())
    data = first.path.read_bytes()
    first.path.write_bytes(data[:-5] + b"?" + data[-4:] + data[-20:])
    caplog.set_level(logging.WARNING, "smsc_async")
    for guard in (second, first, process()):
        with pytest.raises(WaitTooLong) as caught:
            await guard.acquire(demand("other"), deadline=clock.now() + 1.0)
        assert (Q_OF_FILES, Reason.FENCE.value) == (caught.value.wait, caught.value.reason)
    assert 2 > len([record for record in caplog.records if "its file is damaged" in record.message])
    moments: list[float] = []
    waits: list[Wait] = []

    async def wait(key: str) -> None:
        await second.acquire(demand(key), on_wait=waits.append)
        moments.append(clock.now() - 10_000.0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, "a")
        await clock.advance(Q_OF_FILES + 1.0)
    assert [Q_OF_FILES] == moments
    assert [Reason.FENCE] == [wait.reason for wait in waits]
    first.finish(await first.acquire(demand("c", credential="another")), Outcome.ACCEPTED)


async def test_a_file_that_another_took_the_place_of_fences(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """It was removed while it was in use, and a process that knew nothing came first."""
    first = process()
    await done(first, demand())
    waited: list[float] = []

    async def wait() -> None:
        await first.acquire(demand("credentials of the other are not accepted", PLENTY))
        waited.append(clock.now())

    first.path.unlink()
    newcomer = process()
    lease = await newcomer.acquire(demand())
    assert pytest.approx(Q_OF_FILES) == await wait_of(first, demand())
    assert pytest.approx(Q_OF_FILES) == await wait_of(newcomer, demand())
    newcomer.finish(lease, Outcome.ACCEPTED)


async def test_a_file_that_was_removed_is_no_loss_to_who_knew_it(process: Callable[..., HostGuard]) -> None:
    """It writes down what it knows."""
    first = process()
    await done(first, demand())
    first.path.unlink()
    await done(first, demand())
    assert 61.5 == await wait_of(process(), demand())


async def test_moments_ahead_of_the_clock_fence(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """They are of another clock, such as that of a container with a time of its own."""
    first = process()
    await done(first, demand())
    with first.path.open("ab") as file:
        file.write(write_steps([["q", clock.now() + 60.0, 0.0]]))
    assert Q_OF_FILES == await wait_of(first, demand())


async def test_another_boot_is_waited_for_only_just_after_it(
    process: Callable[..., HostGuard], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests may have left just before it."""
    await done(process(), demand())
    monkeypatch.setattr(host, "boot_name", lambda: "another")
    clock._now = 60.0
    assert Q - 60.0 == await wait_of(process(), demand())
    monkeypatch.setattr(host, "boot_name", lambda: "one more")
    clock._now = Q
    await process().acquire(demand(), deadline=clock.now())


# ---------------------------------------------------------------- a file that cannot be used


async def test_a_process_that_stands_still_with_the_lock_is_waited_for_so_long(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """Ten seconds, or as long as the call may wait; nothing is sent. When it goes on, all is well."""
    guard = process()
    await done(guard, demand("accepted", PLENTY))
    lease = await guard.acquire(demand("a", PLENTY))
    stopped = os.open(guard.path, os.O_RDWR)
    fcntl.flock(stopped, fcntl.LOCK_EX)
    errors: list[tuple[float, Exception]] = []

    async def ask(deadline: float) -> None:
        try:
            await guard.acquire(demand(), deadline=deadline)
        except GuardUnavailable as error:
            errors.append((clock.now() - 10_000.0, error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, clock.now() + 3.0)
        tasks.start_soon(ask, float("inf"))
        await clock.advance(11.0)
    assert [3.0, 10.0] == [pytest.approx(moment, abs=0.05) for moment, _ in errors]
    assert "for 10.0 s; is it stopped?" in str(errors[1][1])
    assert str(guard.path) in str(errors[1][1])
    assert 1 == guard.usage("account").in_flight  # as it was
    guard.prove(lease)
    pending = guard.finish(lease, Outcome.ACCEPTED)
    assert pending is not None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(failing, pending)
        await clock.advance(2.0)
    fcntl.flock(stopped, fcntl.LOCK_UN)
    os.close(stopped)
    guard.usage("account")  # whatever it does next, it gives back what it could not
    assert 0 == guard.usage("account").in_flight == process().usage("account").in_flight


async def failing(pending: Any) -> None:
    """Await what fails after a second."""
    with pytest.raises(GuardUnavailable, match="ends by itself"):
        await pending


async def test_a_lock_that_is_let_go_soon_delays_a_little(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """Also what is given back, and what waits."""
    guard = process(max_concurrency=1)
    await done(guard, demand("accepted", PLENTY))
    lease = await guard.acquire(demand("a", PLENTY))
    served: list[float] = []
    waits: list[Wait] = []

    async def wait() -> None:
        await guard.acquire(demand("b", PLENTY), on_wait=waits.append)
        served.append(clock.now() - 10_000.0)

    other = os.open(guard.path, os.O_RDWR)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.advance(0.3)
        fcntl.flock(other, fcntl.LOCK_EX)
        pending = guard.finish(lease, Outcome.ACCEPTED)
        assert pending is not None
        tasks.start_soon(awaited, pending)
        await clock.advance(0.3)
        assert [] == served
        fcntl.flock(other, fcntl.LOCK_UN)
        await clock.advance(0.1)
    os.close(other)
    assert [pytest.approx(0.6, abs=0.05)] == served
    assert 1 == len(waits)


async def awaited(pending: Any) -> None:
    """Await it."""
    await pending


async def test_a_keeper_of_time_gives_up_on_a_lock_that_stays(
    process: Callable[..., HostGuard], clock: FakeClock
) -> None:
    """One call after the other says so."""
    guard = process(max_concurrency=1)
    await done(guard, demand("accepted", PLENTY))
    await guard.acquire(demand("a", PLENTY))
    errors: list[GuardUnavailable] = []

    async def wait() -> None:
        with pytest.raises(GuardUnavailable) as caught:
            await guard.acquire(demand("b", PLENTY))
        errors.append(caught.value)

    other = os.open(guard.path, os.O_RDWR)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        tasks.start_soon(wait)
        await clock.advance(0.1)
        fcntl.flock(other, fcntl.LOCK_EX)
        await clock.advance(12.0)
    os.close(other)
    assert 2 == len(errors)


async def test_a_wait_is_told_even_if_the_lock_cannot_be_had_for_it(
    process: Callable[..., HostGuard], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its length."""
    guard = process(max_concurrency=1)
    await done(guard, demand("accepted", PLENTY))
    lease = await guard.acquire(demand("a", PLENTY))
    waits: list[Wait] = []
    real, asked = guard._file.lock, [True, False]

    def lock(**_: Any) -> bool:
        return (asked.pop(0) if asked else True) and real()

    async with anyio.create_task_group() as tasks:
        monkeypatch.setattr(guard._file, "lock", lock)
        tasks.start_soon(waiting, guard, waits)
        await clock.advance(0.01)
        monkeypatch.undo()
        guard.finish(lease, Outcome.ACCEPTED)
        await clock.advance(0.1)
    assert [(Reason.SLOTS, 0.0)] == [(wait.reason, wait.seconds) for wait in waits]


async def waiting(guard: HostGuard, waits: list[Wait]) -> None:
    """Wait, and hear of it."""
    await guard.acquire(demand("b", PLENTY), on_wait=waits.append)


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, clock: FakeClock) -> None:
    """Nothing is sent, and the path is named."""
    (tmp_path / "file").write_text("not a folder")
    guard = HostGuard(tmp_path / "file" / "guard", clock=clock)
    with pytest.raises(GuardUnavailable, match=r"file/guard cannot be used \(not a directory\)"):
        await guard.acquire(demand())


async def test_what_could_not_be_told_was_not_granted(
    process: Callable[..., HostGuard], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: nobody goes, those in line neither; and when there is space again, all do."""
    guard = process(max_concurrency=2)
    await done(guard, demand("accepted", PLENTY))
    first, second = [await guard.acquire(demand(name, PLENTY)) for name in "ab"]
    served: list[Lease] = []

    async def wait() -> None:
        served.append(await guard.acquire(demand("c", PLENTY)))

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await clock.advance(0.1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            with pytest.raises(GuardUnavailable, match="no space left on device"):
                guard.finish(first, Outcome.ACCEPTED)
            assert [] == served
        await clock.advance(0.1)
        assert [] == served  # what was given back in vain ends by itself
        guard.finish(second, Outcome.ACCEPTED)
        await clock.advance(0.1)
        assert 1 == len(served)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(GuardUnavailable, match="no space left on device"):
            guard.finish(served[0], Outcome.ACCEPTED)
    assert 2 == guard.usage("account").in_flight


# ---------------------------------------------------------------- fork and threads


async def test_a_forked_child_is_another_process(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """It has none of the parent's calls, takes none of them back, and what both do is counted."""
    guard = process()
    await done(guard, demand("accepted", PLENTY))
    lease = await guard.acquire(demand("a", PLENTY))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - in a process that coverage does not see
        try:
            guard.finish(lease, Outcome.UNSENT)
            with guard._lock:
                granted = guard._replica.ask(demand("b", PLENTY), clock.now())
            usage = guard.usage("account")
            os.write(writing, f"{type(granted).__name__} {usage.in_flight}".encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(writing)
    os.waitpid(child, 0)  # noqa: ASYNC222 - a moment
    assert b"SharedLease 2" == os.read(reading, 100)
    os.close(reading)
    assert 2 == guard.usage("account").in_flight
    guard.finish(lease, Outcome.ACCEPTED)
    assert 1 == guard.usage("account").in_flight


async def test_a_forked_child_drops_the_parents_line(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """In the parent they wait on."""
    guard = process(max_concurrency=1)
    await done(guard, demand("accepted", PLENTY))
    lease = await guard.acquire(demand("a", PLENTY))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(guard.acquire, demand("b", PAIR))
        await clock.advance(0.1)
        guard.before_fork()
        guard.after_fork_in_parent()
        member = guard._member
        guard.after_fork_in_child()  # as if this were the child
        assert member != guard._member
        assert 0 == guard.usage("account").waiting
        guard.finish(lease, Outcome.ACCEPTED)
        assert 1 == guard.usage("account").in_flight
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_threads_share_it(tmp_path: Path, anyio_backend: str) -> None:
    """Each with an event loop of its own, asyncio and trio; all of them give everything back."""
    guard = HostGuard(tmp_path / "guard")

    async def work(name: int) -> None:
        for number in range(30):
            lease = await guard.acquire(demand(f"{name} {number}", PLENTY))
            await anyio.lowlevel.checkpoint()
            guard.finish(lease, Outcome.ACCEPTED)

    together(*[in_loop(("asyncio", "trio")[name % 2], work, name) for name in range(4)])
    usage = guard.usage("account")
    assert (0, 0, 120) == (usage.in_flight, usage.waiting, sum(rule.used for rule in usage.rules))


async def test_a_turn_in_a_turn_is_one(process: Callable[..., HostGuard]) -> None:
    """As where a signal's handler looks at the guard while it works."""
    guard = process()
    with guard._lock:
        assert 0 == guard.usage("account").in_flight
    await done(guard, demand())
    assert LocalGuard(clock=guard.clock)._when_busy() == guard.clock.now()


async def test_what_nobody_has_in_flight_is_not_taken_back(process: Callable[..., HostGuard], clock: FakeClock) -> None:
    """It has lapsed, everywhere at the same step."""
    first, second = process(), process()
    await done(first, demand())
    with first._lock:
        first._replica.news += [["p", clock.now(), "gone-1"], ["f", clock.now(), "gone-1", "ACCEPTED"]]
    assert first.usage("account") == second.usage("account")


# ---------------------------------------------------------------- how it is made


def test_it_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the user's state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    guard = HostGuard()
    assert guard.path.is_relative_to(tmp_path)
    assert guard.keeps_journal
    assert isinstance(guard.clock, BootClock)
    assert "<HostGuard window=60 s margin=1.5 s lateness=5 s max_concurrency=14>" == repr(guard)
    assert [] == list(tmp_path.iterdir())


def test_who_has_no_home_needs_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(host, "state_folder", nobody)
    with pytest.raises(InvalidArgument, match="this user has no home"):
        HostGuard()


@pytest.mark.parametrize(
    ("path", "error", "text"),
    [(5, InvalidArgumentType, "give a path, not int"), (".", InvalidArgument, "the path of a file, not of a folder")],
)
def test_a_path_that_cannot_be_used_is_refused(path: Any, error: type[Exception], text: str) -> None:
    """At once."""
    with pytest.raises(error, match=text):
        HostGuard(path)


@pytest.mark.parametrize("missing", ["boot_name", "LOCKS"])
def test_where_it_cannot_work_it_says_so(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """And names what to do."""
    monkeypatch.setattr(host, missing, (lambda: "") if missing == "boot_name" else False)
    with pytest.raises(GuardUnavailable, match="HostGuard works on Linux and macOS"):
        HostGuard()


def test_numbers_out_of_range_are_refused(tmp_path: Path) -> None:
    """As every guard does."""
    with pytest.raises(InvalidArgument):
        HostGuard(tmp_path / "guard", max_concurrency=15)
