"""A gateway, and other programs, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.canaries import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Control", "process"]

ROOT: Final = Path(__file__).parents[2]


@contextmanager
def process(*words: str) -> Iterator[str]:
    """Run a program that prints one line when it is ready; give the line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SMSC_CALLBACK_SECRET": RUN.callback}
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as program:
        assert program.stdout is not None
        try:
            yield program.stdout.readline().strip()
        finally:
            program.terminate()
            program.communicate(timeout=30)


class Control:
    """What the tests tell the gateway, and ask it."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/control/", timeout=30.0)

    def post(self, name: str, **wanted: Any) -> Any:
        """Tell it something."""
        return self._client.post(name, json=wanted).raise_for_status().json()

    def get(self, name: str) -> Any:
        """Ask it something."""
        return self._client.get(name).raise_for_status().json()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
