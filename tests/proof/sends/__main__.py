"""
The long run, the replay of one campaign, and the zoo of workers with one protection less.

::

    python -m tests.proof.sends --kills 500
    python -m tests.proof.sends replay --seed 17
    python -m tests.proof.sends zoo

A replay has the same points of death and chances of failure. How threads and processes take turns it does not repeat.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final

from tests.proof.sends.campaign import ANY_MOMENT, AT_GATEWAY, FAULTS, Figures, draw_campaign, run
from tests.proof.sends.life import POINTS, Worker
from tests.proof.sends.wrong import WRONG

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_ONE: Final = 25  # kills of a campaign
_TRIED: Final = 12  # campaigns in which a wrong worker is looked for, at most
_EACH: Final = 300  # kills in which each point must have been one of death, and each fault have struck


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.sends")
    parser.add_argument("command", nargs="?", choices=["run", "replay", "zoo"], default="run")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1, help="of the first campaign")
    parser.add_argument("--of-one", type=int, default=_OF_ONE, help="kills of a campaign")
    parser.add_argument("--wrong", choices=sorted(WRONG), default="", help="take a protection away")
    asked = parser.parse_args(arguments)
    if asked.command == "zoo":
        return zoo(asked.seed, asked.of_one, [asked.wrong] if asked.wrong else list(WRONG))
    count = asked.of_one if asked.command == "replay" else asked.kills
    return long_run(asked.seed, count, asked.of_one, asked.wrong)


def long_run(seed: int, count: int, of_one: int, wrong: str) -> int:
    """Run campaigns until there were *count* kills; show the figures; give the exit code."""
    figures, broken, begun, campaigns = Figures(), 0, time.monotonic(), 0
    while campaigns * of_one < count:
        campaign = draw_campaign(seed + campaigns, min(of_one, count - campaigns * of_one))
        found, complaints = run(campaign, WRONG[wrong] if wrong else Worker)
        campaigns += 1
        figures.add(found)
        if complaints:
            broken += 1
            _say(f"broken with --seed {campaign.seed} --of-one {of_one}: {campaign}\n")
            _say("".join(f"    {complaint}\n" for complaint in complaints[:20]))
    _say(f"{_table(figures)}\n\n{figures.kills.total()} kills in {campaigns} campaigns from seed {seed}, ")
    _say(f"in {time.monotonic() - begun:.0f} s; {broken} with a broken promise\n")
    points, faults = {*POINTS, *AT_GATEWAY, ANY_MOMENT}, set(FAULTS)
    missing = sorted((points - figures.kills.keys()) | (faults - figures.faults.keys()))
    if count >= _EACH and missing:
        _say(f"never came about: {', '.join(missing)}\n")
        return 1
    return 1 if broken else 0


def zoo(seed: int, of_one: int, names: Sequence[str]) -> int:
    """Show that each of these wrong workers is noticed; give the exit code."""
    unnoticed = []
    for name in names:
        for campaign in (
            draw_campaign(each, of_one) for each in range(seed | 1, seed + 2 * _TRIED, 2)
        ):  # repeats hide nothing
            _, complaints = run(campaign, WRONG[name])
            if complaints:
                _say(f"{name:24} seed {campaign.seed}: {complaints[0]}\n")
                break
        else:
            _say(f"{name:24} NOT NOTICED\n")
            unnoticed.append(name)
    return 1 if unnoticed else 0


def _table(figures: Figures) -> str:
    lines = [f"{'messages taken by the gateway':44}{figures.taken:>8,}"]
    for title, counter in ("messages", figures.messages), ("killed", figures.kills), ("faults", figures.faults):
        lines += ["", title, *(f"  {name:42}{number:>8,}" for name, number in counter.most_common())]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
