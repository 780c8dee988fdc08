"""The quick part of the proofs of shared guards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smsc_async.guard import Outcome
from tests.proof.shared.differential import Hand, Mismatch, run
from tests.proof.shared.hosts import HostMember

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.mark.parametrize("seed", [0, 5])  # 0: a recovery that was over, and only one process had looked
def test_guards_on_one_file_do_what_one_policy_does(tmp_path: Path, seed: int) -> None:
    """In some thousand random steps of three processes that come and go; the long run is ``python -m``."""
    clock = Hand(10_000.0)
    members = [HostMember(tmp_path / "guard", clock) for _ in range(3)]
    figures = run(members, clock, operations=1_500, seed=seed, restart=lambda _: HostMember(tmp_path / "guard", clock))
    assert 100 < figures.granted
    assert 10 < figures.full
    assert 2 < len(figures.waits)
    assert "operations" in str(figures)


class Forgetful(HostMember):
    """A defect on purpose: it does not say what it gives back."""

    def finish(self, lease: Any, outcome: Outcome) -> None:
        with self.guard._lock:
            self.guard._replica.finish(lease, outcome, self.clock.now())
            self.guard._replica.news.clear()


class Deaf(HostMember):
    """A defect on purpose: it hears of nothing after it began."""

    def __init__(self, path: Path, clock: Hand) -> None:
        super().__init__(path, clock)
        self.usage("first")
        self.guard._replica.hear = lambda *_: None  # type: ignore[method-assign]


@pytest.mark.parametrize("wrong", [Forgetful, Deaf])
def test_a_guard_that_does_not_share_is_found(tmp_path: Path, wrong: type[HostMember]) -> None:
    """One of three is enough."""
    clock = Hand(10_000.0)
    members = [kind(tmp_path / "guard", clock) for kind in (HostMember, wrong, HostMember)]
    with pytest.raises(Mismatch):
        run(members, clock, operations=2_500, seed=1)
