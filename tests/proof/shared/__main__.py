"""Runs the proofs of shared guards: ``python -m tests.proof.shared differential --operations 50000``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.proof.shared.differential import Hand, run
from tests.proof.shared.hosts import HostMember


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.shared", description=__doc__)
    parser.add_argument("what", choices=["differential"])
    parser.add_argument("--operations", type=int, default=50_000)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    began = time.monotonic()
    clock = Hand(10_000.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "guard")
        members = [HostMember(path, clock) for _ in range(words.members)]
        figures = run(
            members, clock, operations=words.operations, seed=words.seed, restart=lambda _: HostMember(path, clock)
        )
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"{words.members} host guards, seed {words.seed}: the same as one policy in {figures}\n{seconds:.0f} s\n"
    )


if __name__ == "__main__":
    main()
