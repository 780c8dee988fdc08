"""
The long run, the replay of one campaign, and the zoo of receivers with one protection less.

::

    python -m tests.proof.deliveries --deliveries 10000
    python -m tests.proof.deliveries replay --seed 17
    python -m tests.proof.deliveries zoo

A replay has the same deliveries, failures and points of death. How threads and processes take turns it does not repeat.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final

from tests.proof.deliveries.campaign import Figures, draw_campaign, run
from tests.proof.deliveries.life import POINTS
from tests.proof.deliveries.wrong import WRONG

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_ONE: Final = 500  # deliveries of a campaign, at most
_STORES: Final = ("file", "memory")
_NOT_WITH_MEMORY: Final = frozenset({"statement", "commit"})
_TRIED: Final = 6  # campaigns of each kind in which a wrong receiver is looked for, at most
_EACH_POINT: Final = 3_000  # deliveries in which each point must have been one of death


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.deliveries")
    parser.add_argument("command", nargs="?", choices=["run", "replay", "zoo"], default="run")
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first campaign")
    parser.add_argument("--of-one", type=int, default=_OF_ONE, help="deliveries of a campaign")
    parser.add_argument("--wrong", choices=sorted(WRONG), help="take a protection away")
    asked = parser.parse_args(arguments)
    if asked.command == "zoo":
        return zoo(asked.seed, asked.of_one, asked.wrong)
    count = asked.of_one if asked.command == "replay" else asked.deliveries
    return long_run(asked.seed, count, asked.of_one, asked.wrong)


def long_run(seed: int, count: int, of_one: int, name: str | None) -> int:
    """Run campaigns until there were *count* deliveries; show the figures; give the exit code."""
    figures, broken, begun, campaigns = Figures(), 0, time.monotonic(), 0
    while figures.deliveries < count:
        campaign = draw_campaign(seed + campaigns, min(of_one, count - figures.deliveries))
        found, complaints = run(campaign, WRONG[name] if name else None)
        campaigns += 1
        found.deliveries = found.deliveries or campaign.count  # one that got stuck has told none
        figures.add(found)
        if complaints:
            broken += 1
            _say(f"broken with --seed {campaign.seed} --of-one {of_one}: {campaign}\n")
            _say("".join(f"    {complaint}\n" for complaint in complaints[:20]))
    _say(f"{_table(figures)}\n\n{campaigns} campaigns from seed {seed}, in {time.monotonic() - begun:.0f} s; ")
    _say(f"{broken} with a broken promise\n")
    missing = [
        f"{store}: {point}"
        for store in _STORES
        for point in (*POINTS, "any moment")
        if not figures.kills[store, point] and not (store == "memory" and point in _NOT_WITH_MEMORY)
    ]
    if count >= _EACH_POINT and missing:
        _say(f"nothing was killed at {', '.join(missing)}\n")
        return 1
    return 1 if broken else 0


def zoo(seed: int, of_one: int, name: str | None) -> int:
    """Show that each wrong receiver, or the one of that name, is noticed; give the exit code."""
    unnoticed = []
    for wrong in [WRONG[name]] if name else WRONG.values():
        for durable in wrong.durable:
            noticed = ""
            for campaign in (draw_campaign(each, of_one) for each in range(seed, seed + 3 * _TRIED)):
                if campaign.durable is durable:
                    _, complaints = run(campaign, wrong)
                    if complaints:
                        noticed = f"seed {campaign.seed}: {complaints[0]}"
                        break
            store = _STORES[not durable]
            _say(f"{wrong.name:30} {store:8} {noticed or 'NOT NOTICED'}\n")
            if not noticed:
                unnoticed.append(wrong.name)
    return 1 if unnoticed else 0


def _table(figures: Figures) -> str:
    rows = [
        ("deliveries", figures.deliveries),
        ("events", figures.events),
        ("processes", figures.lives),
        *((f"answers {status}", number) for status, number in sorted(figures.answers.items())),
        ("most tries of a delivery", figures.most_tries),
    ]
    lines = [f"{name:60}{number:>10,}" for name, number in rows]
    for title, counter in ("killed", figures.kills), ("handled again", figures.repeats), ("", figures.told):
        heading = title or "what handlers were told"
        lines += ["", f"{heading:60}{_STORES[0]:>10}{_STORES[1]:>10}"]
        names = dict.fromkeys([*POINTS, *sorted({name for _, name in counter})])
        lines += [
            f"  {name:58}{counter[_STORES[0], name]:>10,}{counter[_STORES[1], name]:>10,}"
            for name in names
            if counter[_STORES[0], name] or counter[_STORES[1], name]
        ]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
