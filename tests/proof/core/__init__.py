"""
Proofs of the guard's pure core: random schedules and an exhaustive search, against a gateway at its worst.

    check_policy(make_policy, seeds, operations)    the quick proof as a function, for whatever policy
    python -m tests.proof.core random               the long one
    python -m tests.proof.core exhaust              every schedule of small worlds
    python -m tests.proof.core replay --seed 1      one schedule seen again
"""

from __future__ import annotations

from tests.proof.core.ledgers import Violation
from tests.proof.core.reach import Reach
from tests.proof.core.running import OPERATIONS, check_policy, kept_seeds

__all__ = ["OPERATIONS", "Reach", "Violation", "check_policy", "kept_seeds"]
