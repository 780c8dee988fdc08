"""A file that appears at its place only when it is whole, and a name for it that cannot lead elsewhere."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from anyio import to_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["NewFile", "safe_name"]

_BATCH: Final = 1 << 20  # bytes collected before a thread writes them
_LONGEST_NAME: Final = 200  # bytes; file systems take 255, and the temporary name is longer
# Names of devices on Windows, with any suffix.
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')


def safe_name(name: str, *, otherwise: str) -> str:
    """
    Make a harmless file name of what the gateway calls a file.

    It is the part after the last slash, without anything that a file system or a terminal takes for more than a name.

    Args:
        name: The gateway's name, which may be anything.
        otherwise: What to give where nothing is left of it.
    """
    base = re.split(r"[/\\]", name)[-1]
    base = "".join(character if character.isprintable() else "_" for character in base)
    base = _FORBIDDEN.sub("_", base).strip(" .")
    if not base.strip("_"):
        return otherwise
    if _DEVICES.match(base):
        base = f"_{base}"
    stem, dot, suffix = base.rpartition(".")
    if not dot:
        stem, suffix = base, ""
    suffix = f".{suffix}" if len(suffix.encode()) in range(1, 17) else ""
    if not suffix:
        stem = base
    room = _LONGEST_NAME - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + suffix


class NewFile:
    """
    A file under a temporary name in the target's directory; `keep` moves it to its place, anything else removes it.

    Creating and removing it are done at once, so that no cancellation falls between; what takes time runs in a thread.
    A cancelled task may leave its thread behind for a moment: that thread then does the removing.
    """

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        self._target = target
        self._overwrite = overwrite
        self._waiting: list[bytes] = []
        self._size = 0  # of what waits
        self._lock = threading.Lock()
        self._given_up = False
        self._kept = False
        self._file: BinaryIO
        self._path: Path
        self._mode: int

    async def __aenter__(self) -> Self:
        """Create the temporary file, readable by its owner only."""
        self._create()
        return self

    def _create(self) -> None:
        if not self._overwrite and os.path.lexists(self._target):
            raise self._exists()
        self._path = self._target.with_name(f".{self._target.name}.{secrets.token_hex(6)}.part")
        descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
        self._mode = os.fstat(descriptor).st_mode & 0o777  # 0666 less the umask, which cannot be asked for safely
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._set_mode(0o600)

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the temporary file unless it was kept."""
        if self._kept:
            return
        self._given_up = True
        if self._lock.acquire(blocking=False):  # else a thread is at work; it looks at `_given_up` when it is done
            try:
                self._remove()
            finally:
                self._lock.release()

    async def write(self, chunk: bytes) -> None:
        """Add *chunk*."""
        self._waiting.append(bytes(chunk))  # a transport of the user's may use its buffer again
        self._size += len(chunk)
        if self._size >= _BATCH:
            await self._in_thread(self._flush)

    async def keep(self) -> None:
        """
        Bring everything to the disk, and the file to its place.

        Raises:
            FileExistsError: Something has come to its place, and it must not be overwritten.
        """
        await self._in_thread(self._move)
        self._kept = True

    async def _in_thread(self, work: Callable[[], None]) -> None:
        def step() -> None:
            with self._lock:
                if not self._given_up:
                    work()
            if self._given_up:
                self._remove()

        await to_thread.run_sync(step)

    def _flush(self) -> None:
        waiting, self._waiting, self._size = self._waiting, [], 0
        left = memoryview(b"".join(waiting))
        while left:  # a raw file may take less than it is given
            left = left[self._file.write(left) :]

    def _move(self) -> None:
        self._flush()
        self._set_mode(self._mode)
        os.fsync(self._file.fileno())
        self._file.close()
        if self._overwrite:
            self._path.replace(self._target)
        else:
            try:
                os.link(self._path, self._target)  # unlike a rename, it replaces nothing
            except FileExistsError:
                raise self._exists() from None
            except OSError:  # no hard links here: check and rename is the best there is
                if os.path.lexists(self._target):
                    raise self._exists() from None
                self._path.rename(self._target)
            else:
                self._path.unlink()
        _sync_directory(self._target.parent)

    def _remove(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _set_mode(self, mode: int) -> None:
        # Windows has other means, and some file systems have no modes: files there are as private as their folder.
        if hasattr(os, "fchmod"):
            with contextlib.suppress(OSError):
                os.fchmod(self._file.fileno(), mode)

    def _exists(self) -> FileExistsError:
        return FileExistsError(errno.EEXIST, "there is a file already; pass overwrite=True to replace it", self._target)


def _sync_directory(directory: Path) -> None:
    """Bring a rename to the disk, where the system lets one."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:  # Windows
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems
        pass
    finally:
        os.close(descriptor)
