"""The quickest part of the proofs, for animals to be asked by; the build runs these very schedules, and many more."""

from __future__ import annotations

from tests.proof.client import check_client
from tests.proof.core import check_policy


def test_core() -> None:
    """The policy keeps its promises in some schedules of each profile."""
    check_policy(seeds=range(136))


def test_client() -> None:
    """The whole client keeps its promises in some schedules."""
    check_client(range(40))
