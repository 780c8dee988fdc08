"""What the tests of the wire share."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


@pytest.fixture
def best_of_three() -> Callable[[Callable[[], object]], float]:
    """A function that gives the processor seconds of the quickest of three runs: the machine may be busy."""

    def measure(attempt: Callable[[], object]) -> float:
        taken = []
        for _ in range(3):
            start = time.process_time()
            attempt()
            taken.append(time.process_time() - start)
        return min(taken)

    return measure
