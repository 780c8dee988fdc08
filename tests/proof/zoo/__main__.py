"""
Show the zoo: each animal, what it breaks, and which tests find it.

``python -m tests.proof.zoo`` asks about all, with names about some; ``--cage lines`` about those of a cage; and
``--ask tests/guard`` asks other tests than an animal's own, to see which of them would notice it.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tests.proof.zoo.cages import ANIMALS, CAGES
from tests.proof.zoo.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.proof.zoo.animals import Animal
    from tests.proof.zoo.asking import Ending


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask and print; the result is 0 if all were found."""
    options = _options(arguments)
    cages = [CAGES[cage] for cage in options.cage] or list(CAGES.values())
    names = options.names or [animal.name for cage in cages for animal in cage]
    at_large, seconds = [], 0.0
    with Keeper() as keeper:
        for name in names:
            ending = keeper.ask(ANIMALS[name], options.ask)
            _say(*_told(ANIMALS[name], ending))
            seconds += ending.seconds
            if not (ending.caught or (options.ask and any(found.honest for found in ending.found.values()))):
                at_large.append(name)
    _say("", f"{len(names) - len(at_large)} of {len(names)} found, {seconds:.0f} s of one core")
    if at_large:
        _say(f"At large: {', '.join(at_large)}")
    return int(bool(at_large))


def _told(animal: Animal, ending: Ending) -> Iterator[str]:
    yield f"{animal.name:48} {', '.join(animal.breaks):16} {ending.seconds:5.1f} s"
    for found in ending.found.values():
        yield f"  {' ' if found.honest else '?'} {found.test}"
        yield f"      {found.because[:150]}"
        if not found.honest:
            yield from (f"      | {line}" for line in found.trace.splitlines())
    for test in ending.missed:
        yield f"  ! not noticed by {test}"
    if ending.problem:
        yield f"  ! {ending.problem}"


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - it is a program


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proof.zoo", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="of an animal")
    parser.add_argument("--cage", action="append", default=[], choices=CAGES, help="all animals of a cage")
    parser.add_argument("--ask", action="append", default=[], metavar="TEST", help="ask this in place of its own tests")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
