"""The commands that the README gives are those that are checked."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETUP = "python3 -m venv .venv && .venv/bin/pip install nox && .venv/bin/nox -s "


def shell_blocks() -> list[str]:
    """Give the README's shell blocks."""
    return [block.strip() for block in re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)]


def test_the_first_two_commands_are_demo_and_tests() -> None:
    """The README begins with one command that shows the main job and one that runs the tests."""
    assert [SETUP + "demo", SETUP + "tests"] == shell_blocks()[:2]


def test_the_commands_are_in_the_first_screen() -> None:
    """Both commands come within the first twenty lines."""
    first_screen = "\n".join(README.splitlines()[:20])
    assert SETUP + "demo" in first_screen
    assert SETUP + "tests" in first_screen


def test_the_build_runs_the_readmes_command_as_written() -> None:
    """A line of the build's script is the README's test command, to the letter."""
    assert shell_blocks()[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_builds_script_is_sound() -> None:
    """The script can be executed, parses, and stops at the first failure."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text().splitlines()
