"""The policy keeps its promises in random schedules, and the schedules come to the edge."""

from __future__ import annotations

import pytest

from smsc_async.guard._policy import Policy
from tests.proof.core import OPERATIONS, Reach, check_policy, kept_seeds
from tests.proof.core.reach import EVERYTHING
from tests.proof.core.schedules import PROFILES, Schedule

ROUNDS = 8  # of every profile


@pytest.mark.parametrize("seed", kept_seeds())
def test_what_once_broke_a_promise_does_so_no_more(seed: int) -> None:
    """A schedule that ever found a fault keeps every promise."""
    assert 1 == check_policy(seeds=[seed]).schedules


def test_no_schedule_breaks_a_promise_and_all_edges_are_reached() -> None:
    """
    Whatever happens in whatever order, limits, order, deadlines and books hold; and everything has happened.
    """
    reach = check_policy(Policy, range(ROUNDS * len(PROFILES)))
    assert {} == reach.below(1)
    assert {} == reach.below(100, [row for row in EVERYTHING if row.startswith(("a window", "exactly"))])
    assert {} == reach.below(20, [row for row in EVERYTHING if row.startswith("a row of 99")])


def test_a_seed_is_always_the_same_schedule() -> None:
    """What a seed has shown, it shows again: step for step, and in what it reaches."""
    assert check_policy(seeds=[5]).table() == check_policy(seeds=[5]).table()
    first, second = Schedule(5).steps(), Schedule(5).steps()
    assert [next(first) for _ in range(OPERATIONS)] == [next(second) for _ in range(OPERATIONS)]


def test_what_was_reached_adds_up() -> None:
    """The figures of many runs are the sums of each."""
    total = Reach()
    total += check_policy(seeds=[0])
    total += check_policy(seeds=[1])
    assert check_policy(seeds=[0, 1]).table() == total.table()
