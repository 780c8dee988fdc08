"""The whole client on virtual time keeps its promises, and the proof would see it if it did not."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import time
import warnings
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from anyio import to_thread
from httpcore._async import connection_pool

from tests.proof.client import Violation, check_client
from tests.proof.client.plan import draw
from tests.proof.client.reach import Reach
from tests.proof.client.schedule import run_schedule
from tests.proof.client.wrong import WRONG, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
KEPT = [int(line.split("#")[0]) for line in (HERE / "seeds.txt").read_text().splitlines() if line.split("#")[0].strip()]
MANY = 250  # schedules of one test; `nox -s proof` runs 10,000
FEW = 40  # schedules in which a wrong client must be found
LEAST = MANY // 100  # times that each thing is reached in them: 100 in 10,000
ROOT = HERE.parents[2]


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    """Let no coverage be measured: it would take two and a half times as long, and other tests cover the same lines."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Nothing that a schedule replaces stays replaced, not even by a wrong client that hangs: other tests follow."""
    before = _replaced()
    yield
    gc.collect()
    assert before == _replaced()


def _replaced() -> tuple[object, ...]:
    return (
        connection_pool.AutoBackend,
        time.monotonic,
        to_thread.run_sync,
        sys.unraisablehook,
        gc.isenabled(),
        logging.root.manager.disable,
        list(warnings.filters),
    )


def test_the_kept_seeds_hold() -> None:
    """Schedules that once found something find nothing any more."""
    check_client(KEPT)


@pytest.mark.parametrize("first", range(0, 2 * MANY, MANY))
def test_the_client_keeps_its_promises(first: int) -> None:
    """No schedule breaks a promise, hangs or leaks; and together they come to every edge, outcome, fault and wait."""
    reach = check_client(range(first, first + MANY))
    assert MANY == reach.schedules
    assert [] == reach.missing(LEAST)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_client_is_found(name: str) -> None:
    """Each wrong client breaks a promise that it was made to break, within a few schedules."""
    found: list[str] = []
    with wrong(name):
        for seed in islice(WRONG[name].seeds(), FEW):
            found += run_schedule(seed, Reach()).complaints
            if any(WRONG[name].word in text for text in found):
                return
    pytest.fail(f"not found in {FEW} schedules; found instead: {found[:5]}")


def test_a_violation_says_how_to_see_it_again() -> None:
    """The text of a violation ends with a command that shows the schedule, and that command fails as it did."""
    with wrong("fifteen"), pytest.raises(Violation) as caught:
        check_client(islice(WRONG["fifteen"].seeds(), FEW))
    command = str(caught.value).splitlines()[-1]
    assert command.startswith("replay: python -m tests.proof.client replay --seed ")
    words = command.removeprefix("replay: python ").split()
    found = _run(*words, "--wrong", "fifteen")
    assert 1 == found.returncode
    assert "of 15" in found.stdout


@pytest.mark.parametrize("seed", [7, 13, 41, 53])
def test_a_schedule_replays_exactly(seed: int) -> None:
    """A seed gives the same steps at the same moments in another process, with other hashes."""
    assert {41: "trio", 53: "trio"}.get(seed, "asyncio") == draw(seed).backend
    words = ("-m", "tests.proof.client", "replay", "--seed", str(seed))
    first, second = (_run(*words, hashes=hashes) for hashes in ("1", "2"))
    assert (0, 0) == (first.returncode, second.returncode), first.stderr + second.stderr
    assert first.stdout == second.stdout
    assert len(first.stdout.splitlines()) > 100


def test_a_few_schedules_run_from_the_command_line() -> None:
    """The long run's command shows how far it reached, and fails where that is not far enough."""
    found = _run("-m", "tests.proof.client", "--schedules", "100", "--processes", "2")
    assert "100 schedules, " in found.stdout
    assert "0 schedules with a broken promise" in found.stdout
    assert ("reached less than" in found.stdout) == bool(found.returncode)


def _run(*words: str, hashes: str = "0") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False
    )
