"""The work of a contender that saves a file: its CPU, and how much memory its process took at most."""

from __future__ import annotations

import importlib
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.clients.asking import WrongReply
from benchmarks.harness.server import BLOCK

__all__ = ["Job"]

_SMALL = 1_000_000  # bytes: loads what there is to load, and opens the connection
_KILOBYTES = 1 if sys.platform == "darwin" else 1024  # of the unit in which systems tell the peak


class Job:
    """
    Saves files with one client.

    Args:
        client: The module of the client.
        url: Where the server is.
    """

    def __init__(self, client: str, url: str) -> None:
        self._client: Any = importlib.import_module(client).Client(url)

    async def save(self, size: int) -> dict[str, float]:
        """Save a file of *size* bytes; give CPU seconds, and how many bytes the peak of memory rose."""
        with tempfile.TemporaryDirectory() as folder:
            await self._client.save(_SMALL, Path(folder, "small.csv"))
            before, cpu, wall = _peak(), time.process_time(), time.perf_counter()
            path = Path(folder, "large.csv")
            await self._client.save(size, path)
            taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            peak = _peak()
            _check(path, size)
        return {**taken, "peak": peak, "growth": peak - before}

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES


def _check(path: Path, size: int) -> None:
    left = size
    with path.open("rb") as file:
        while block := file.read(len(BLOCK)):
            if block != BLOCK[: len(block)]:
                raise WrongReply(path)
            left -= len(block)
    if left:
        raise WrongReply(path, left)
