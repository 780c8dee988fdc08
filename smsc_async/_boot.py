"""What a run of the machine is called: moments since its start mean nothing in another one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["boot_name"]

_ASK_LINUX: Final = Path("/proc/sys/kernel/random/boot_id")
_ASK_MACOS: Final = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")


def boot_name(platform: str = sys.platform, linux: Path = _ASK_LINUX, macos: tuple[str, ...] = _ASK_MACOS) -> str:
    """Give it, or "" where the system does not say."""
    try:
        if platform == "linux":
            return linux.read_text().strip()
        if platform == "darwin":
            asked = subprocess.run(macos, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603 - ours
            return asked.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return ""
