"""
The proofs of the guard of many machines.

``python -m tests.proof.redis differential`` plays random steps on the script and on the policy; ``chaos`` lets many
processes share a guard while everything breaks.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tests.guard.redis.servers import Server, binaries
from tests.proof.redis.chaos import FACTORIES, chaos, report
from tests.proof.redis.differential import compare

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one and print; the result is 0 if it holds."""
    options = _options(arguments)
    if options.proof == "chaos":
        judgement = chaos(guard=options.guard, kind=options.kind, requests=options.requests, seed=options.seed)
        _say(report(judgement))
        return 0 if judgement.holds else 1
    for name, binary in binaries().items():
        with Server(binary) as server:
            met = compare(server, options.operations, seed=options.seed)
        _say(f"{name}: {options.operations} operations, no difference; {met}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proof.redis", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    proofs = parser.add_subparsers(dest="proof", required=True)
    differential = proofs.add_parser("differential")
    differential.add_argument("--operations", type=int, default=50_000)
    stormy = proofs.add_parser("chaos")
    stormy.add_argument("--guard", choices=FACTORIES, default="redis")
    stormy.add_argument("--kind", choices=binaries(), default="valkey")
    stormy.add_argument("--requests", type=int, default=3_000)
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is a program


if __name__ == "__main__":
    sys.exit(main())
