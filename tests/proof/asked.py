"""A proof asked for as on the command line, in a process of its own, because it forks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

__all__ = ["needs_fork", "proof"]

_ROOT: Final = Path(__file__).parents[2]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are made and killed as POSIX does it")


def proof(name: str, *arguments: str) -> tuple[int, str]:
    """Give its exit code and what it printed."""
    command = [sys.executable, "-m", f"tests.proof.{name}", *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=300.0, check=False)
    return done.returncode, done.stdout + done.stderr
