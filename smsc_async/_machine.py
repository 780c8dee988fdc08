"""What this machine is: where programs keep their state, and what this run of it is called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["boot_name", "make_folder", "state_folder"]

_NAME: Final = "smsc_async"
_PRIVATE: Final = 0o700
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_ASK_MACOS: Final = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")


def state_folder() -> Path:
    """
    Give the folder for what outlives a process, of this user; it need not be there.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/ and Apple's File System Programming Guide.
    """
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / _NAME
    named = os.environ.get("XDG_STATE_HOME", "")
    return (Path(named) if named.startswith("/") else Path.home() / ".local" / "state") / _NAME


def make_folder(path: Path) -> None:
    """Make a folder that nobody else can read, where it is missing."""
    path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)


def boot_name() -> str | None:
    """Give what tells this run of the machine from others, or None where the system does not say."""
    if sys.platform == "linux":
        try:
            return _BOOT_ID.read_text().strip()
        except OSError:
            return None
    if sys.platform == "darwin":
        asked = subprocess.run(_ASK_MACOS, capture_output=True, text=True, check=False, timeout=5)
        return asked.stdout.strip() or None
    return None
