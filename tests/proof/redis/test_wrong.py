"""Each wrong script is found by the tests of the script; and the right one, asked in the same way, is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.redis.wrong import VARIABLE, WRONG

ROOT = Path(__file__).parents[3]
TESTS = "tests/guard/redis/test_script.py"
FAILED, PASSED = 1, 0

pytestmark = pytest.mark.once


def ask(name: str | None) -> tuple[int, str]:
    """Ask the tests about a wrong script, or about the right one; on one server."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SMSC_ONE_SERVER": "1"}
    if name is not None:
        env[VARIABLE] = name
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", TESTS]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout


def test_the_right_script_passes() -> None:
    """Without a mistake the tests pass, so that a failure is the mistake's."""
    code, told = ask(None)
    assert PASSED == code, told


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_script_is_found(name: str) -> None:
    """With one protection removed, a test fails; and because of an assertion, or of what it says it wants."""
    code, told = ask(name)
    assert FAILED == code, told
    assert "lost its place" not in told
    assert "Error compiling script" not in told
