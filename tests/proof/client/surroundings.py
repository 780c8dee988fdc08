"""What a schedule runs in: dates that replay, threads that take no time, and no word that Python only prints."""

from __future__ import annotations

import gc
import logging
import sys
import tempfile
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import anyio
import anyio.lowlevel
from anyio import to_thread

from smsc_async.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.proof.client.book import Book

__all__ = ["DatedClock", "surroundings"]

_IN_MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None  # disks take their time over each file


class DatedClock(MonotonicClock):
    """The clock as it is shipped, with dates that replay."""

    def date(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now())


@contextmanager
def surroundings(book: Book) -> Generator[Path]:
    """
    Keep chance and noise out of a schedule; give a folder for its files.

    Warnings are errors, and what Python can only print is a broken promise. Garbage is collected when we say so, as
    finalisers at any moment would be another schedule.
    """
    hook, collecting, logging_from = sys.unraisablehook, gc.isenabled(), logging.root.manager.disable
    sys.unraisablehook = lambda what: book.complain(f"unraisable: {what.exc_value!r} in {what.object!r}")
    gc.disable()
    logging.disable(logging.CRITICAL)  # it would tell of thousands of faults
    try:
        with (
            warnings.catch_warnings(),
            mock.patch.object(to_thread, "run_sync", _run_here),
            tempfile.TemporaryDirectory(prefix="smsc-proof-", dir=_IN_MEMORY) as folder,
        ):
            warnings.simplefilter("error")
            yield Path(folder)
    finally:
        logging.disable(logging_from)
        sys.unraisablehook = hook
        if collecting:
            gc.enable()


async def _run_here(function: Callable[..., Any], *args: object, **options: object) -> Any:
    """Do a thread's work at once: real threads take real time, and their ends come in no order."""
    await anyio.lowlevel.checkpoint()
    return function(*args)
