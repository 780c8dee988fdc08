"""What a run of the machine is called."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from smsc_async._boot import boot_name

if TYPE_CHECKING:
    from pathlib import Path


def test_linux_writes_it_into_a_file(tmp_path: Path) -> None:
    """Which is the same each time."""
    file = tmp_path / "boot_id"
    assert "" == boot_name("linux", linux=file)
    file.write_text("5f0c\n")
    assert "5f0c" == boot_name("linux", linux=file)


def test_macos_is_asked() -> None:
    """By a program, which may fail or be missing."""
    program = (sys.executable, "-c")
    assert "5f0c" == boot_name("darwin", macos=(*program, "print('5f0c')"))
    assert "" == boot_name("darwin", macos=(*program, "raise SystemExit(1)"))
    assert "" == boot_name("darwin", macos=("/nowhere/sysctl",))


def test_other_systems_do_not_say() -> None:
    """None that this works on."""
    assert "" == boot_name("win32")


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="it has none")
def test_this_machine_says_it() -> None:
    """Twice the same."""
    assert boot_name() == boot_name() != ""
