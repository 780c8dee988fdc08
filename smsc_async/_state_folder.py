"""The user's folder for what programs remember from one run to the next: made for its owner alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["make_private", "state_folder"]

_NAME: Final = "smsc_async"
_PRIVATE: Final = 0o700


def state_folder(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """
    Say which folder it is; nothing is made.

    Raises:
        RuntimeError: The user has no home.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    if platform == "win32":
        given, usual = environ.get("LOCALAPPDATA", ""), ("AppData", "Local")
    else:
        given, usual = environ.get("XDG_STATE_HOME", ""), (".local", "state")
    # "All paths set in these environment variables must be absolute": others are to be ignored.
    return (Path(given) if Path(given).is_absolute() else Path.home().joinpath(*usual)) / _NAME


def make_private(folder: Path) -> None:
    """
    Make a folder that only its owner may enter; one that is there stays as it is.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
