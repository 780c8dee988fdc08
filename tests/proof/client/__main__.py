"""
The long run, and the replay of one schedule.

::

    python -m tests.proof.client --schedules 10000 --processes 2
    python -m tests.proof.client replay --seed 17
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from tests.proof.client.checking import cheap_collections, violation
from tests.proof.client.plan import draw
from tests.proof.client.reach import Reach
from tests.proof.client.schedule import run_schedule
from tests.proof.client.wrong import WRONG, wrong

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_A_TIME: Final = 50  # schedules for one process to do
_OF: Final = 100  # everything is to be reached once in so many schedules


def run(first: int, count: int, processes: int) -> int:
    """Run *count* schedules, show how far they reached, and give the exit code."""
    reach = Reach()
    broken: list[str] = []
    begun = time.monotonic()
    starts = range(first, first + count, _AT_A_TIME)
    sizes = [min(_AT_A_TIME, first + count - start) for start in starts]
    with ProcessPoolExecutor(processes) as pool:
        for part, found in pool.map(some, starts, sizes):
            reach.add(part)
            broken += found
            for text in found:
                _say(f"\n{text}\n")
            took = time.monotonic() - begun
            speed = reach.schedules / took
            _progress(f"{reach.schedules:,} of {count:,} schedules, {speed:.0f} a second, {len(broken)} broken")
    _say(f"\n\n{reach.table()}\n\nfrom seed {first}, in {time.monotonic() - begun:.0f} s, {processes} processes\n")
    missing = reach.missing(count // _OF)
    for line in missing:
        _say(f"reached less than {count // _OF} times: {line}\n")
    _say(f"{len(broken)} schedules with a broken promise\n")
    return 1 if broken or missing else 0


def some(first: int, count: int) -> tuple[Reach, list[str]]:
    """Run some schedules; give how far they reached, and what was broken."""
    reach = Reach()
    broken = []
    with cheap_collections():
        for seed in range(first, first + count):
            book = run_schedule(seed, reach)
            if book.complaints:
                broken.append(str(violation(seed, book)))
    return reach, broken


def replay(seed: int, name: str | None) -> int:
    """Run one schedule, show everything that happens in it, and give the exit code."""
    plan = draw(seed)
    _say(f"seed {seed}: {plan.theme}, on {plan.backend}, {'https' if plan.secure else 'http'}, ")
    _say(f"faults in {plan.intensity:.0%} of {[fault.name for fault in (*plan.connecting, *plan.passing)]}\n")
    for number, session in enumerate(plan.sessions):
        _say(f"session {number}: {session}\n")
    with wrong(name) if name is not None else nullcontext():
        book = run_schedule(seed, Reach(), trace=True)
    _say("\n".join([*(book.lines or ()), "", *(book.complaints or ["no promise was broken"]), ""]))
    return 1 if book.complaints else 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _progress(text: str) -> None:
    sys.stderr.write(f"\r{text}")
    sys.stderr.flush()


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof.client", description="The long run, and the replay of one schedule."
    )
    parser.add_argument("--schedules", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed-from", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="side by side (default: %(default)s)")
    again = parser.add_subparsers(dest="command").add_parser("replay", help="show one schedule, step by step")
    again.add_argument("--seed", type=int, required=True)
    again.add_argument("--wrong", choices=sorted(WRONG), help="with this wrong client")
    given = parser.parse_args(words)
    if given.command == "replay":
        return replay(given.seed, given.wrong)
    return run(given.seed_from, given.schedules, given.processes)


if __name__ == "__main__":
    sys.exit(main())
