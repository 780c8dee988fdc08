"""The tenacity object that obeys the verdict: when a repetition starts, and when there are no more."""

from __future__ import annotations

import random as _random
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from smsc_async._verdict import Pause, Verdict
from smsc_async.errors import InvalidArgument, InvalidArgumentType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import tenacity

    from smsc_async.clock import Clock

__all__ = ["Again", "Budget", "Retry", "repeat"]

T = TypeVar("T")

BASE: Final = 0.5  # seconds; the first back-off is at most this long
CAP: Final = 20.0  # seconds; no back-off is longer
SLOTS_PAUSE: Final = (1.0, 3.0)  # seconds; reliability 2.6: after "too many concurrent requests"
REFUND: Final = 0.1  # of a repetition, for each success


@attrs.frozen
class Retry:
    """
    How often a call that may be repeated is.

    Args:
        attempts: The most attempts of one call, the first included.
        budget: Repetitions that an account has in hand; each costs one, each success gives a tenth back. When the
            gateway is down, this is what keeps thousands of calls from trying three times each.
        random: Gives numbers from 0 to 1, for the jitter.
    """

    attempts: int = 3
    budget: float = 10.0
    random: Callable[[], float] = attrs.field(default=_random.random, repr=False)

    def __attrs_post_init__(self) -> None:
        """Check the numbers."""
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):
            raise InvalidArgumentType("attempts", f"give a whole number, not {type(self.attempts).__name__}")
        if self.attempts < 1:
            raise InvalidArgument("attempts", "give at least 1 (the first attempt counts); retry=None repeats nothing")
        if isinstance(self.budget, bool) or not isinstance(self.budget, int | float):
            raise InvalidArgumentType("budget", f"give a number, not {type(self.budget).__name__}")
        if not self.budget >= 0:
            raise InvalidArgument("budget", "give 0 or more repetitions")


class Budget:
    """The repetitions that an account has used up; shared by its sessions."""

    __slots__ = ("spent",)

    def __init__(self) -> None:
        self.spent: float = 0.0

    def take(self, budget: float) -> bool:
        """Spend one repetition of *budget*, if there is one left."""
        if self.spent + 1.0 > budget:
            return False
        self.spent += 1.0
        return True

    def refund(self) -> None:
        """Give a tenth back: a call has succeeded."""
        self.spent = max(self.spent - REFUND, 0.0)


class Again(Exception):
    """An attempt failed in a way that may be repeated; *error* is for the caller if it is not."""

    def __init__(self, verdict: Verdict, error: Exception) -> None:
        self.verdict = verdict
        self.error = error


async def repeat(
    attempt: Callable[[int], Awaitable[T]],
    first: Again,
    *,
    retry: Retry,
    budget: Budget,
    clock: Clock,
    deadline: float,
    on_pause: Callable[[int, float, Again], None],
) -> T:
    """
    Go on with a call whose first attempt ended with *first*.

    Tenacity is entered only here: a call that succeeds at once pays nothing for it.

    Args:
        attempt: Makes the attempt of that number.
        first: How the first one ended.
        retry: How often.
        budget: The account's.
        clock: Times the pauses.
        deadline: The moment by which the next attempt must have started.
        on_pause: Told of each repetition: its number, the seconds before it, and why.

    Raises:
        Again: No repetition is left, or its pause would pass the deadline.
    """
    if not _loaded():
        raise first
    import tenacity  # noqa: PLC0415 - see `_loaded`

    async def step() -> T:
        number = retrying.statistics["attempt_number"]
        if number == 1:
            raise first
        return await attempt(number)

    def pause(state: tenacity.RetryCallState) -> float:
        again = _again(state)
        if again.verdict.pause is Pause.BACK_OFF:
            return retry.random() * min(BASE * 2.0 ** (state.attempt_number - 1), CAP)
        if again.verdict.pause is Pause.SLOTS:
            return SLOTS_PAUSE[0] + retry.random() * (SLOTS_PAUSE[1] - SLOTS_PAUSE[0])
        return 0.0

    def stop(state: tenacity.RetryCallState) -> bool:
        return (
            state.attempt_number >= retry.attempts
            or clock.now() + state.upcoming_sleep > deadline
            or not budget.take(retry.budget)
        )

    async def sleep(seconds: float) -> None:
        await clock.sleep_until(clock.now() + seconds)

    def before_sleep(state: tenacity.RetryCallState) -> None:
        on_pause(state.attempt_number + 1, state.upcoming_sleep, _again(state))

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(Again),  # listed: "everything except" would swallow cancellation
        wait=pause,
        stop=stop,
        sleep=sleep,
        before_sleep=before_sleep,
        reraise=True,
    )
    return await retrying(step)


def _loaded() -> bool:
    """Load tenacity, which most programs never need, and which all would wait for if it were loaded when they start."""
    try:
        import tenacity  # noqa: F401, PLC0415 # pyright: ignore[reportUnusedImport] - it is here from now on
    except (ImportError, OSError):  # no descriptor is left to load it with: maybe that is why the attempt failed
        return False
    return True


def _again(state: tenacity.RetryCallState) -> Again:
    outcome: Any = state.outcome
    again: Again = outcome.exception()
    return again
