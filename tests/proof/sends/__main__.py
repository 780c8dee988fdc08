"""
The long run, the replay of one campaign, and the zoo of workers with one protection less.

::

    python -m tests.proof.sends --kills 500
    python -m tests.proof.sends replay --seed 17
    python -m tests.proof.sends zoo

A replay has the same points of death and chances of failure. How threads and processes take turns it does not repeat.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tests.proof.killing import Proof
from tests.proof.sends.campaign import Sends, draw_campaign, run
from tests.proof.sends.life import Worker
from tests.proof.sends.wrong import WRONG

if TYPE_CHECKING:
    from tests.proof.killing import Figures


def _run(seed: int, kills: int, wrong: str) -> tuple[Figures, list[str]]:
    return run(draw_campaign(seed, kills), WRONG[wrong] if wrong else Worker)


PROOF: Final = Proof(
    name="sends",
    kills=500,
    of_one=25,
    run=_run,
    wrong=tuple(WRONG),
    driver=Sends,
    wrong_seeds=2,  # of a gateway that does not refuse repeats, which would hide much
)

if __name__ == "__main__":
    sys.exit(PROOF.main())
