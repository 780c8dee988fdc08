"""What really happened, in a file that no kill undoes: each line is one write to its end."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Line", "Witness", "lines_of"]


@attrs.frozen(kw_only=True)
class Line:
    """Something that happened."""

    life: int  # in which process
    moment: float  # by the machine's monotonic clock
    what: str  # of deliveries: claimed, began, ran, failed, marked, not marked, died
    key: str = ""
    handler: str = ""
    more: str = ""  # whatever else there is to note


class Witness:
    """The file, as one process writes it."""

    def __init__(self, path: Path, life: int) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._life = life

    def note(self, what: str, *, key: str = "", handler: str = "", more: str = "", flush: bool = False) -> None:
        """Write a line."""
        line = Line(life=self._life, moment=time.monotonic(), what=what, key=key, handler=handler, more=more)
        # A kill may tear a write where it crosses a page, so a line ends what may be left of another one.
        os.write(self._file, b"\n" + json.dumps(attrs.asdict(line)).encode() + b"\n")
        if flush:
            os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def lines_of(path: Path) -> list[Line]:
    """Read all lines but those that a kill has torn: their writers were dead before they had written them."""
    texts = path.read_text().split("\n")
    return [Line(**json.loads(text)) for text in texts if text.endswith("}")]
