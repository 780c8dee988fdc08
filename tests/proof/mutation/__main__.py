"""
How many of the slips that could be made in the core do the tests notice?

``python -m tests.proof.mutation`` asks about all of them, ``--module _verdict.py`` about those of one module,
``--sample 50 --seed 3`` about fifty, and ``--listed`` about those alone that are judged to change nothing.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

import attrs

from tests.proof.mutation.equivalents import equivalents
from tests.proof.mutation.mutants import Mutant, mutants_of
from tests.proof.mutation.rooms import FLOOR, ROOMS
from tests.proof.mutation.running import Ending, judged, warm_up


@attrs.define
class Tally:
    """What became of the mutants of a module; each is counted once."""

    room: str
    killed: int = 0
    timeouts: int = 0
    survived: int = 0
    equivalent: int = 0
    dishonest: int = 0  # listed as equivalent, and noticed all the same
    seconds: float = 0.0

    @property
    def mutants(self) -> int:
        """All of them."""
        return self.killed + self.timeouts + self.survived + self.equivalent

    @property
    def score(self) -> float:
        """The part that was noticed; one that changes nothing counts as not noticed."""
        return (self.killed + self.timeouts) / self.mutants

    def add(self, other: Tally) -> None:
        """Count all of another module's."""
        for field in ("killed", "timeouts", "survived", "equivalent", "dishonest", "seconds"):
            setattr(self, field, getattr(self, field) + getattr(other, field))

    def count(self, mutant: Mutant, ending: Ending, *, listed: bool) -> None:
        """Count a mutant, and show what somebody has to look at."""
        survived = ending is Ending.SURVIVED
        self.killed += ending is Ending.KILLED
        self.timeouts += ending is Ending.TIMEOUT
        self.survived += survived and not listed
        self.equivalent += survived and listed
        self.dishonest += listed and not survived
        if survived != listed:
            what = "survived" if survived else "is listed as equivalent, but was noticed"
            _say(f"\n{mutant.room}:{mutant.line} {what}: {mutant.name}", mutant.diff)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask and print; the result is 0 if every module reaches the floor and the list of equivalents holds."""
    options = _options(arguments)
    listed = {room: {mutant.name for mutant in mutants} for room, mutants in equivalents().items()}
    chosen = [
        mutant
        for room in options.module or ROOMS
        for mutant in mutants_of(room)
        if not options.listed or mutant.name in listed.get(room, ())
    ]
    if options.sample:
        chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    warm_up()
    tallies = []
    for room in ROOMS:
        mutants = [mutant for mutant in chosen if mutant.room == room]
        if not mutants:
            continue
        tally, start = Tally(room), time.monotonic()
        for mutant, ending in judged(mutants, ROOMS[room], room, options.processes):
            tally.count(mutant, ending, listed=mutant.name in listed.get(room, ()))
        tally.seconds = time.monotonic() - start
        tallies.append(tally)
    if options.listed:
        return int(any(tally.dishonest for tally in tallies))
    return _report(tallies, sampled=bool(options.sample))


def _report(tallies: list[Tally], *, sampled: bool) -> int:
    total = Tally("together")
    for tally in tallies:
        total.add(tally)
    lines = [f"{'module':24}{'mutants':>9}{'killed':>9}{'timeouts':>9}{'survived':>9}{'equal':>9}{'score':>9}{'s':>7}"]
    for tally in [*tallies, total]:
        counts = (tally.mutants, tally.killed, tally.timeouts, tally.survived, tally.equivalent)
        lines.append(
            f"{tally.room:24}{''.join(f'{count:9}' for count in counts)}{tally.score:9.1%}{tally.seconds:7.0f}"
        )
    # A few mutants of a module say little of it; those of all together do.
    below = [tally.room for tally in ([total] if sampled else tallies) if tally.score < FLOOR]
    if below:
        lines.append(f"below {FLOOR:.0%}: {', '.join(below)}")
    _say("", *lines)
    return int(bool(below or total.dishonest))


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - it is a program


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proof.mutation", description=__doc__)
    parser.add_argument("--module", action="append", choices=ROOMS, metavar="FILE", help=f"one of {', '.join(ROOMS)}")
    parser.add_argument("--sample", type=int, default=0, help="ask about this many, drawn by chance")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--listed", action="store_true", help="only those in equivalent.toml")
    parser.add_argument("--processes", type=int, default=1, help="how many at the same time")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
