"""The long proofs, and one schedule seen again: ``python -m tests.proof.core random``, ``exhaust`` or ``replay``."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count, islice
from typing import TYPE_CHECKING

from smsc_async.guard._policy import Policy
from tests.proof.core import OPERATIONS, Reach, Violation, check_policy, kept_seeds
from tests.proof.core.replaying import replay, shortened
from tests.proof.core.schedules import PROFILES
from tests.proof.core.searching import SCOPES, Found, search

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 4 * len(PROFILES)  # seeds for a process at a time: each profile four times
LAST = 40  # lines of a story that are shown


class Progress:
    """One line that is written over; where nobody looks, a line every half minute."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()

    @property
    def seconds(self) -> float:
        """Give the time since the beginning."""
        return time.monotonic() - self._began

    def tell(self, text: str) -> None:
        """Show how far it is."""
        live = sys.stderr.isatty()
        if time.monotonic() - self._told < (0.5 if live else 30.0):
            return
        self._told = time.monotonic()
        sys.stderr.write(f"\r\x1b[K{text}" if live else f"{text}\n")
        sys.stderr.flush()


def say(*lines: str) -> None:
    """Tell whoever asked."""
    sys.stdout.write("\n".join((*lines, "")))


def main() -> int:
    """Run what the words say; give 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.core", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    random = commands.add_parser("random", help="play random schedules")
    random.add_argument("--operations", type=int, default=20_000_000, help="calls of the policy's methods, in all")
    random.add_argument("--seed", type=int, default=0, help="the first one")
    random.add_argument("--processes", type=int, default=1)
    again = commands.add_parser("replay", help="see one schedule, up to where it breaks a promise")
    again.add_argument("--seed", type=int, required=True)
    again.add_argument("--operations", type=int, default=OPERATIONS, help="of the schedule")
    again.add_argument("--shorten", action="store_true", help="leave out what does not matter; takes a while")
    exhaust = commands.add_parser("exhaust", help="look at every schedule of small worlds")
    exhaust.add_argument("--states", type=int, default=2_000_000, help="distinct ones, in all")
    exhaust.add_argument("--scope", choices=[scope.name for scope in SCOPES], help="this one alone")
    words = parser.parse_args()
    try:
        if words.command == "random":
            run_random(words.operations, words.seed, words.processes)
        elif words.command == "exhaust":
            run_search(words.states, words.scope)
        else:
            return show(words.seed, words.operations, shorten=words.shorten)
    except Violation as violation:
        say("", f"VIOLATION  {violation}", *getattr(violation, "__notes__", ()))
        return 1
    return 0


def run_random(operations: int, first: int, processes: int) -> None:
    """Play schedules until so many operations have been called; those that ever failed first."""
    reach, progress = Reach(), Progress()
    chunks = seeds_in_chunks(first)
    with ProcessPoolExecutor(processes) as pool:
        running: set[Future[Reach]] = set()
        while reach.operations < operations or running:
            while len(running) < 2 * processes and reach.operations < operations:
                running.add(pool.submit(check_policy, Policy, next(chunks)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            try:
                for future in done:
                    reach += future.result()
            except Violation:
                for future in running:
                    future.cancel()
                raise
            pace = reach.operations / progress.seconds
            progress.tell(f"{reach.operations:,} operations, {reach.schedules:,} schedules, {pace:,.0f} a second")
    operations, schedules, seconds = reach.operations, reach.schedules, progress.seconds
    say("", f"{operations:,} operations in {schedules:,} schedules, {seconds:,.0f} s: no violation", "", reach.table())


def seeds_in_chunks(first: int) -> Iterator[list[int]]:
    """Give the seeds that ever failed, and then one after the other."""
    yield kept_seeds()
    seeds = count(first)
    while True:
        yield list(islice(seeds, CHUNK))


def run_search(states: int, only: str | None) -> None:
    """Search each scope; what one that is soon complete leaves over is the others'."""
    scopes = [scope for scope in SCOPES if only in {None, scope.name}]
    progress = Progress()
    found: list[Found] = []
    for number, scope in enumerate(scopes):
        left = states - sum(other.states for other in found)

        def tell(seen: int, transitions: int, depth: int, name: str = scope.name) -> None:
            before = sum(other.states for other in found)
            progress.tell(f"{before + seen:,} states; {name}: {transitions:,} transitions, depth {depth}")

        found.append(search(scope, left // (len(scopes) - number), tell=tell))
    rows = [
        f"| {one.scope} | {one.states:,} | {one.transitions:,} | {one.depth} | {'all' if one.complete else 'bounded'} |"
        for one in found
    ]
    total = sum(one.states for one in found), sum(one.transitions for one in found)
    say("", f"{total[0]:,} states, {total[1]:,} transitions, {progress.seconds:,.0f} s: no violation", "")
    say("| scope | states | transitions | moves deep | seen |", "|---|---:|---:|---:|---|", *rows)


def show(seed: int, operations: int, *, shorten: bool) -> int:
    """Tell the story of one schedule."""
    steps = shortened(Policy, seed, operations) if shorten else None
    violation, story = replay(Policy, seed, operations, steps)
    say(*(["..."] if len(story) > LAST else []), *story[-LAST:])
    say("", "no violation" if violation is None else f"VIOLATION  {violation}")
    return int(violation is not None)


if __name__ == "__main__":
    sys.exit(main())
