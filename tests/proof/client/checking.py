"""The function that everybody calls: runs schedules, and stops at the first broken promise."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.proof.client.book import Violation
from tests.proof.client.reach import Reach
from tests.proof.client.schedule import run_schedule

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from tests.proof.client.book import Book

__all__ = ["cheap_collections", "check_client", "violation"]


def check_client(seeds: Iterable[int]) -> Reach:
    """
    Run the schedules of *seeds* against the client as it is at this moment.

    Raises:
        Violation: In one of them a promise was broken; the text says which, and gives a command that shows it again.
    """
    reach = Reach()
    with cheap_collections():
        for seed in seeds:
            book = run_schedule(seed, reach)
            if book.complaints:
                raise violation(seed, book)
    return reach


def violation(seed: int, book: Book) -> Violation:
    """Say what was broken, and how to see it again."""
    shown = "\n  ".join(book.complaints[:5])
    more = f"\n  and {len(book.complaints) - 5} more" if len(book.complaints) > 5 else ""
    return Violation(f"seed {seed}:\n  {shown}{more}\nreplay: python -m tests.proof.client replay --seed {seed}")


@contextmanager
def cheap_collections() -> Generator[None]:
    """Leave what exists already out of the collections after each schedule, which would take longer than it."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
