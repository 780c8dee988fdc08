"""
The long run, the replay of one campaign, and the zoo of journals with one protection less.

::

    python -m tests.proof.journal --kills 1000
    python -m tests.proof.journal replay --seed 17
    python -m tests.proof.journal zoo

A replay has the same points of death and chances of failure. How threads and processes take turns it does not repeat.
"""

from __future__ import annotations

import sys
from typing import Final

from tests.proof.journal.campaign import Purchases, run
from tests.proof.journal.wrong import WRONG
from tests.proof.killing import Proof

PROOF: Final = Proof(name="journal", kills=1_000, of_one=25, run=run, wrong=tuple(WRONG), driver=Purchases)

if __name__ == "__main__":
    sys.exit(PROOF.main())
