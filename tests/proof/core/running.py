"""Runs schedules, and says of a violation how to see it again."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from smsc_async.guard import Outcome
from smsc_async.guard._policy import Policy
from tests.proof.core import books
from tests.proof.core.auditing import audit
from tests.proof.core.ledgers import Violation, crashes_told
from tests.proof.core.play import MANY_ALARMS, Play
from tests.proof.core.reach import Reach
from tests.proof.core.schedules import Schedule, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smsc_async.guard._records import Settings
    from tests.proof.core.schedules import Step

__all__ = ["OPERATIONS", "check_policy", "kept_seeds", "run_steps"]

OPERATIONS = 400  # of a schedule; long enough to fill every window, short enough to be read
AUDIT = 16  # steps between two close looks


def kept_seeds() -> list[int]:
    """Give the seeds that ever failed."""
    lines = (Path(__file__).parent / "seeds.txt").read_text().splitlines()
    return [int(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def check_policy(
    make_policy: Callable[[Settings], Policy] = Policy, seeds: Iterable[int] = range(170), operations: int = OPERATIONS
) -> Reach:
    """
    Play the schedules of some seeds against a policy.

    Args:
        make_policy: Makes the policy under test. It is to use this process's `smsc_async.guard._records`.
        seeds: One schedule each; consecutive ones take turns in the profiles.
        operations: At least so many calls of the policy's methods in each.

    Returns:
        What was reached.

    Raises:
        Violation: A promise was broken; the text has the seed, and the command that shows it again.
    """
    total = Reach()
    for seed in seeds:
        reach = Reach()
        wanted = "" if operations == OPERATIONS else f" --operations {operations}"
        with crashes_told(f"seed {seed}: python -m tests.proof.core replay --seed {seed}{wanted}"):
            run_steps(make_policy, Schedule(seed), operations, reach)
        total += reach
    return total


def run_steps(
    make_policy: Callable[[Settings], Policy],
    schedule: Schedule,
    operations: int,
    reach: Reach,
    steps: Iterable[Step] | None = None,
    *,
    make_play: Callable[..., Play] = Play,
    taken: list[Step] | None = None,
) -> None:
    """
    Play one schedule, its own steps or others, to the end, where everything must come home.

    *make_play* may make one that tells of itself; the steps that were taken are put into *taken*.
    """
    play = make_play(make_policy, schedule.profile.settings, schedule.world, reach)
    chosen = islice(schedule.steps(), 20 * operations) if steps is None else steps
    for number, step in enumerate(chosen):
        if taken is not None:
            taken.append(step)
        take(play, schedule, step)
        if not number % AUDIT:
            audit(play)
        if reach.operations >= operations:
            break
    audit(play)
    reach.admissions += play.gateway.admissions
    reach.schedules += 1
    come_home(play, serve=bool(schedule.seed & 1))
    play.gateway.recount(schedule.random)


def come_home(play: Play, *, serve: bool) -> None:
    """End a schedule: those in line go, or give up; then all tokens come home, and nothing is left of any call."""
    if not serve:
        while play.standing:
            play.leave(len(play.standing) - 1)
    for _ in range(MANY_ALARMS):
        while play.flying:
            play.finish(0, Outcome.ACCEPTED)
        if not play.standing:
            break
        play.pass_time(play.policy.lines.next_alarm())
    else:
        raise Violation("forgotten: all answers are good, and calls are never served")
    play.pass_time(play.now + 1_000.0)
    audit(play)
    play.pass_time(play.now + 1_000_000.0)
    expect_nothing_left(play)


def expect_nothing_left(play: Play) -> None:
    """Make an idle guard forget, as it does when it is asked for something; then it must know of nothing."""
    firsts = [next(call for call in play.world.calls if call.account == n) for n in range(len(play.world.accounts))]
    fault: str | None = ""
    for _ in play.world.keys:
        for call in firsts:
            play.ask(call)
            while play.flying:
                play.finish(0, Outcome.UNSENT)
        fault = books.remains(play.policy, play.now)
        if fault is None:
            audit(play)
            play.reach.add("everything home, nothing left")
            return
    raise Violation(f"leak: all calls are over, and {fault}")
