"""
The steps of all processes of a machine in one file, each line in the order in which it was taken.

Whoever holds the lock on the file reads what is new, acts, and adds what it did. A process that is killed loses its
lock at once; what it was writing lacks its end, and is cut off by the next. The file needs no more than that a write is
seen by who reads after it, so nothing waits for the disk: what a power cut takes away, the next boot does not need,
because moments of another boot mean nothing.

From time to time the file is replaced by one that begins with what is known. The lock belongs to the file, so whoever
gets one looks whether it is still the one at the path.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from smsc_async._state_folder import make_private
from smsc_async.errors import GuardUnavailable
from smsc_async.guard._steps import Damaged, read_steps, write_steps

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from smsc_async.guard._steps import Step

__all__ = ["LOCKS", "RESTARTED", "Found", "StepFile"]

LOCKS: Final = sys.platform != "win32"  # whether this system has the locks
RESTARTED: Final = "the machine was started anew"
_FORMAT: Final = "smsc_async guard"
_VERSION: Final = 1
_HEAD: Final = "h"  # the kind of the first line
_PRIVATE: Final = 0o600
_SMALL: Final = 262_144  # bytes; a file is replaced when it is larger than this, and than four times its beginning
_TIMES: Final = 4
_LONGEST_HEAD: Final = 4_096
_NAPS: Final = (0.0, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002)  # seconds between tries for the lock


@attrs.define
class Found:
    """What there was to read."""

    steps: list[Step] = attrs.field(factory=list)
    anew: bool = False  # they are all steps from the beginning, and not those since the last time
    blank: bool = False  # what is known has to be written into a new file
    lost: str = ""  # why there are steps that nobody will ever know; "" if there are none


@attrs.define
class _Head:
    """The first line of a file."""

    name: str
    line: str  # what files that follow one another have in common
    follows: str  # the name of the one before
    at: int  # how long that one was
    began: int  # how many bytes of what is known come first
    boot: str
    numbers: dict[str, Any]
    format: str = _FORMAT
    version: int = _VERSION


class StepFile:
    """
    The file at a path, as one process has it.

    Args:
        path: Where; its folder is made with it.
        boot: What this run of the machine is called; moments of another one mean nothing.
        numbers: The guard's numbers, which must be the same in all processes.
    """

    def __init__(self, path: Path, boot: str, numbers: dict[str, Any]) -> None:
        self.path = path
        self._boot = boot
        self._numbers = numbers
        self._file = -1  # of the open file
        self._identity: tuple[int, int] = (0, 0)
        self._met = False  # the head of the open file was looked at
        self._name = ""  # of the file that was read last
        self._line = ""
        self._read = 0  # so far that was read
        self._began = 0  # where what its processes did begins
        self._after_head = 0  # where what is known begins
        self._rest = Found()  # what was read of it when it had been replaced
        self._gone = False  # it was removed, and nothing is in its place

    # ---------------------------------------------------------------- the lock

    def lock(self, *, patient: bool = True) -> bool:
        """
        Lock the file at the path; it is made where it is missing. False: another process has the lock now.

        Args:
            patient: Try for some milliseconds, in which nothing else is done; or once.

        Raises:
            OSError: It cannot be opened.
        """
        while True:
            if self._file < 0:
                self._open()
            if not self._try_lock(_NAPS if patient else _NAPS[:1]):
                return False
            place = self._place()
            if place == self._identity:
                return True
            if self._met:
                self._rest = self._read_on()
                if place is None:
                    self._gone = True
                    return True
            self.close()

    def unlock(self) -> None:
        """Let others."""
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file, and with it the lock; the next lock opens it again."""
        if self._file >= 0:
            os.close(self._file)
            self._file, self._met = -1, False

    @property
    def has_news(self) -> bool:
        """Whether others may have done something; to be asked without the lock."""
        try:
            found = os.stat(self.path)  # noqa: PTH116 - a path's own method costs twice as much
        except OSError:
            return True
        return (found.st_dev, found.st_ino, found.st_size) != (*self._identity, self._read)

    def _try_lock(self, naps: Sequence[float]) -> bool:
        for nap in naps:
            if nap:
                time.sleep(nap)
            with suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
        return False

    def _place(self) -> tuple[int, int] | None:
        """Give which file is at the path now."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            self._use(os.open(self.path, flags, _PRIVATE))
        except FileNotFoundError:
            make_private(self.path.parent)
            self._use(os.open(self.path, flags, _PRIVATE))

    def _use(self, file: int) -> None:
        self._file, self._met = file, False
        found = os.fstat(file)
        self._identity = found.st_dev, found.st_ino

    # ---------------------------------------------------------------- reading

    def read(self) -> Found:
        """
        Give what is new since the last time; under the lock.

        Raises:
            GuardUnavailable: The file is not for this guard.
            OSError: It cannot be read or written.
        """
        rest, self._rest = self._rest, Found()
        if self._gone:
            self._gone, rest.blank = False, True
            return rest
        if self._met:
            return self._read_on()
        head = self._read_head()
        if head is not None and head.boot == self._boot:
            return self._read_from(head, rest)
        if head is not None:
            return Found(blank=True, lost=RESTARTED)
        made_just_now = not self._name and not os.fstat(self._file).st_size
        return Found(blank=True, lost="" if made_just_now else "its file is damaged")

    def _read_from(self, head: _Head, rest: Found) -> Found:
        """Go on in a file that is another one than before, or was opened anew."""
        known, line = self._name, self._line
        self._met, self._name, self._line = True, head.name, head.line
        self._began = self._after_head + head.began
        if head.name == known:
            return self._read_on()
        if known and head.follows == known and head.at == self._read and not rest.lost:
            self._read = self._began
            more = self._read_on()
            more.steps[:0] = rest.steps
            return more
        self._read = self._after_head
        found = self._read_on()
        found.anew = True
        if line and line != head.line:
            found.lost = found.lost or "its file was replaced"
        return found

    def forget(self) -> None:
        """Read the file from its beginning, the next time."""
        self._met, self._name = False, ""

    def _read_on(self) -> Found:
        size = os.fstat(self._file).st_size
        if size == self._read:
            return Found()
        data = self._bytes(size - self._read)
        try:
            steps, length = read_steps(data)
        except Damaged:
            return Found(blank=True, lost="its file is damaged")
        if len(data) < size - self._read or size < self._read:
            return Found(blank=True, lost="its file was cut")
        self._read += length
        if length < len(data):
            os.ftruncate(self._file, self._read)  # its writer was killed
        return Found(steps)

    def _read_head(self) -> _Head | None:
        start = os.pread(self._file, _LONGEST_HEAD, 0)
        end = start.find(b"\n") + 1
        try:
            steps, self._after_head = read_steps(start[:end])
            ((kind, values),) = steps
            if kind != _HEAD or values["format"] != _FORMAT:
                return None
            if values["version"] != _VERSION:
                problem = f"{self.path} has the layout {values['version']}, and this version of the package knows"
                raise GuardUnavailable(f"{problem} {_VERSION}; use one version in all processes")
            head = _Head(**values)
        except (LookupError, TypeError, ValueError):
            return None
        if head.numbers != self._numbers and head.boot == self._boot:
            theirs = ", ".join(f"{name}={value:g}" for name, value in head.numbers.items())
            problem = f"other processes use {self.path} with other numbers ({theirs})"
            raise GuardUnavailable(f"{problem}; give all guards the same, or another path")
        return head

    def _bytes(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (more := os.pread(self._file, size - len(data), self._read + len(data))):
            data += more
        return data

    # ---------------------------------------------------------------- writing

    def append(self, steps: Iterable[Step]) -> None:
        """
        Add what was done; under the lock, after everything was read.

        Raises:
            OSError: It cannot be written, and nothing of it was.
        """
        data = write_steps(steps)
        try:
            _write_all(self._file, data, self._read)
        except BaseException:
            with suppress(OSError):
                os.ftruncate(self._file, self._read)
            raise
        self._read += len(data)

    @property
    def is_long(self) -> bool:
        """Whether it is time to begin a new file with what is known."""
        return self._read > max(_SMALL, _TIMES * self._began)

    def replace(self, known: Iterable[Step], *, lost: bool = False) -> None:
        """
        Put a file in this one's place that begins with what is *known*; the lock is on it then.

        Args:
            known: Steps that lead there.
            lost: Something is not in them that processes may know of.

        Raises:
            OSError: It cannot be written; all is as it was.
        """
        beginning = write_steps(known)
        name = secrets.token_hex(8)
        line = self._line if self._line and not lost else secrets.token_hex(8)
        at = 0 if lost else self._read
        head = _Head(name, line, "" if lost else self._name, at, len(beginning), self._boot, self._numbers)
        first = write_steps([[_HEAD, attrs.asdict(head)]])
        draft = self.path.with_name(f"{self.path.name}.{name}")
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write_all(file, first + beginning, 0)
            draft.replace(self.path)
        except BaseException:
            os.close(file)
            with suppress(OSError):
                draft.unlink()
            raise
        os.close(self._file)
        self._use(file)
        self._met, self._name, self._line, self._after_head = True, name, line, len(first)
        self._began = self._read = len(first) + len(beginning)


def _write_all(file: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(file, data, at)
        data, at = data[written:], at + written
