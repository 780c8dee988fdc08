"""Tenacity obeys the verdict, the deadline and the budget, and lets cancellation through."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import anyio
import pytest

from smsc_async._retry import Again, Budget, Retry, repeat
from smsc_async._verdict import Pause, Verdict
from smsc_async.errors import InvalidArgument, InvalidArgumentType, NoReply
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


def again(pause: Pause = Pause.BACK_OFF) -> Again:
    """Give an attempt's wish to be repeated."""
    return Again(Verdict(pause), NoReply("test", "lost"))


class Attempts:
    """A call that fails a number of times; the first failure has happened already."""

    def __init__(self, clock: FakeClock, failures: int, pause: Pause = Pause.BACK_OFF) -> None:
        self.clock = clock
        self.failures = failures
        self.pause = pause
        self.moments: list[tuple[int, float]] = []

    async def __call__(self, number: int) -> str:
        """Make one attempt."""
        self.moments.append((number, self.clock.now()))
        if number <= self.failures:
            raise again(self.pause)
        return "value"


async def run(
    attempts: Callable[[int], object],
    clock: FakeClock,
    *,
    first: Again | None = None,
    retry: Retry | None = None,
    budget: Budget | None = None,
    deadline: float = float("inf"),
    pauses: list[tuple[int, float]] | None = None,
    reasons: list[Again] | None = None,
) -> list[object]:
    """Repeat on a moved clock; give the value, or the exception."""
    results: list[object] = []
    told = [] if pauses is None else pauses
    why = [] if reasons is None else reasons

    def tell(number: int, seconds: float, reason: Again) -> None:
        told.append((number, seconds))
        why.append(reason)

    async def one() -> None:
        try:
            results.append(
                await repeat(
                    attempts,  # type: ignore[arg-type]
                    first or again(),
                    retry=retry or Retry(random=lambda: 1.0),
                    budget=budget or Budget(),
                    clock=clock,
                    deadline=deadline,
                    on_pause=tell,
                )
            )
        except Again as error:
            results.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await clock.advance(1_000.0)
    return results


async def test_back_off_grows_with_full_jitter(clock: FakeClock) -> None:
    """At most 0.5, 1, 2 ... seconds, and any part of it."""
    attempts = Attempts(clock, 4)
    assert ["value"] == await run(attempts, clock, retry=Retry(attempts=5, random=lambda: 1.0))
    assert [(2, 0.5), (3, 1.5), (4, 3.5), (5, 7.5)] == attempts.moments

    clock = FakeClock()
    attempts = Attempts(clock, 2)
    await run(attempts, clock, retry=Retry(random=lambda: 0.25))
    assert [(2, 0.125), (3, 0.375)] == attempts.moments


async def test_no_back_off_is_longer_than_twenty_seconds(clock: FakeClock) -> None:
    """However many attempts there are."""
    pauses: list[tuple[int, float]] = []
    await run(Attempts(clock, 9), clock, retry=Retry(attempts=10, random=lambda: 1.0), pauses=pauses)
    assert 20.0 == max(seconds for _, seconds in pauses)


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)])
async def test_after_too_many_in_flight_others_get_one_to_three_seconds(
    clock: FakeClock, jitter: float, pause: float
) -> None:
    """Error 9, concurrency."""
    attempts = Attempts(clock, 1, Pause.SLOTS)
    await run(attempts, clock, first=again(Pause.SLOTS), retry=Retry(random=lambda: jitter))
    assert [(2, pause)] == attempts.moments


async def test_a_duplicate_goes_back_to_the_guard_at_once(clock: FakeClock) -> None:
    """It is the guard that holds it until the minute is over."""
    attempts = Attempts(clock, 1, Pause.GUARD)
    pauses: list[tuple[int, float]] = []
    await run(attempts, clock, first=again(Pause.GUARD), pauses=pauses)
    assert ([(2, 0.0)], [(2, 0.0)]) == (attempts.moments, pauses)


async def test_attempts_end(clock: FakeClock) -> None:
    """The first counts: three attempts are two repetitions, and then the last error is raised."""
    attempts = Attempts(clock, 9)
    (result,) = await run(attempts, clock, retry=Retry(attempts=3))
    assert isinstance(result, Again)
    assert isinstance(result.error, NoReply)
    assert [2, 3] == [number for number, _ in attempts.moments]


async def test_one_attempt_is_no_repetition(clock: FakeClock) -> None:
    """The first counts, so one attempt leaves none to repeat."""
    attempts, first = Attempts(clock, 9), again()
    assert [first] == await run(attempts, clock, first=first, retry=Retry(attempts=1))
    assert [] == attempts.moments


async def test_a_pause_that_would_pass_the_deadline_is_not_begun(clock: FakeClock) -> None:
    """The caller gets the error at once instead of after a useless wait."""
    attempts = Attempts(clock, 9)
    (result,) = await run(attempts, clock, retry=Retry(attempts=9, random=lambda: 1.0), deadline=2.0)
    assert isinstance(result, Again)
    assert [(2, 0.5), (3, 1.5)] == attempts.moments


async def test_a_pause_that_ends_with_the_deadline_is_begun(clock: FakeClock) -> None:
    """The next attempt may start at the very moment of it."""
    attempts = Attempts(clock, 9)
    await run(attempts, clock, retry=Retry(attempts=9, random=lambda: 1.0), deadline=1.5)
    assert [(2, 0.5), (3, 1.5)] == attempts.moments


async def test_the_budget_ends_a_storm(clock: FakeClock) -> None:
    """Ten repetitions for the account, whatever the number of calls; a success gives a tenth back."""
    budget = Budget()
    made = 0
    for _ in range(100):
        attempts = Attempts(clock, 9)
        await run(attempts, clock, budget=budget)
        made += len(attempts.moments)
    assert 10 == made
    for _ in range(11):
        budget.refund()
    assert budget.take(10.0)
    assert not budget.take(10.0)


async def test_nobody_saves_up_repetitions() -> None:
    """Where less than a tenth was spent, no more than that is given back."""
    budget = Budget()
    assert budget.take(1.0)
    for _ in range(20):
        budget.refund()
    assert 0.0 == budget.spent
    budget.spent = 0.5
    budget.refund()
    assert 0.4 == budget.spent


async def test_without_a_budget_nothing_is_repeated(clock: FakeClock) -> None:
    """Zero repetitions in hand are none, and less than one is none."""
    for budget in (0, 0.5):
        attempts = Attempts(clock, 9)
        await run(attempts, clock, retry=Retry(budget=budget))
        assert [] == attempts.moments


async def test_each_repetition_is_told(clock: FakeClock) -> None:
    """Its number, the seconds before it, and the attempt that it is for."""
    pauses: list[tuple[int, float]] = []
    reasons: list[Again] = []
    first = again()
    await run(Attempts(clock, 2), clock, first=first, pauses=pauses, reasons=reasons)
    assert [(2, 0.5), (3, 1.0)] == pauses
    assert first is reasons[0]
    assert [Pause.BACK_OFF] * 2 == [reason.verdict.pause for reason in reasons]


async def test_only_the_listed_type_is_repeated(clock: FakeClock) -> None:
    """An error of ours, or a programming error, ends the call at once."""

    async def broken(number: int) -> str:
        raise ZeroDivisionError(number)

    with pytest.raises(ExceptionGroup) as raised:
        await run(broken, clock)
    assert raised.group_contains(ZeroDivisionError)


async def test_cancellation_passes_through_a_pause_and_an_attempt(clock: FakeClock) -> None:
    """Tenacity's "everything except" would swallow it."""
    entered = 0

    async def endless(number: int) -> str:
        nonlocal entered
        entered += 1
        await anyio.sleep_forever()
        return str(number)

    for moment in (0.1, 0.6):
        moving = FakeClock()

        async def one(moving: FakeClock = moving) -> None:
            await repeat(
                endless,
                again(),
                retry=Retry(random=lambda: 1.0),
                budget=Budget(),
                clock=moving,
                deadline=float("inf"),
                on_pause=lambda *_: None,
            )

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one)
            await moving.advance_to(moment)
            tasks.cancel_scope.cancel()
    assert 1 == entered


@pytest.mark.parametrize(
    ("arguments", "error", "problem"),
    [
        (
            {"attempts": 0},
            InvalidArgument,
            "attempts: give at least 1 (the first attempt counts); retry=None repeats nothing",
        ),
        ({"attempts": 1.5}, InvalidArgumentType, "attempts: give a whole number, not float"),
        ({"attempts": True}, InvalidArgumentType, "attempts: give a whole number, not bool"),
        ({"budget": -1}, InvalidArgument, "budget: give 0 or more repetitions"),
        ({"budget": float("nan")}, InvalidArgument, "budget: give 0 or more repetitions"),
        ({"budget": "10"}, InvalidArgumentType, "budget: give a number, not str"),
        ({"budget": True}, InvalidArgumentType, "budget: give a number, not bool"),
    ],
)
async def test_bad_numbers_are_refused(arguments: dict[str, object], error: type[ValueError], problem: str) -> None:
    """With a sentence that says what to give."""
    with pytest.raises(error) as caught:
        Retry(**arguments)  # type: ignore[arg-type]
    assert problem == str(caught.value)


async def test_the_settings_are_shown_without_the_source_of_chance() -> None:
    """Three attempts, and ten repetitions in hand, where nobody says otherwise."""
    assert "Retry(attempts=3, budget=10.0)" == repr(Retry())


@pytest.mark.parametrize("problem", [OSError(24, "Too many open files"), ImportError("no tenacity")])
async def test_a_call_that_cannot_be_repeated_says_why_it_failed(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """With no descriptor left tenacity cannot be loaded; what the caller hears of is the call's own failure."""
    real = builtins.__import__

    def without_tenacity(name: str, *args: object, **options: object) -> object:
        if name == "tenacity":
            raise problem
        return real(name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_tenacity)
    attempts, first = Attempts(clock, 0), again()
    assert [first] == await run(attempts, clock, first=first)
    assert [] == attempts.moments
