"""Contenders as the measuring process sees them: what each runs, and the process that it runs in."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Contender", "TooSlow", "Worker", "present"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Contender:
    """
    Who takes part.

    Args:
        label: Its name in the table.
        module: Where its job is.
        job: The class in that module; its methods are what it can be asked to do.
        settings: The job's arguments.
        loop: The event loop: "asyncio", "virtual", or a module with `new_event_loop`.
        needs: Modules without which it cannot take part.
        without: Modules that it must not find.
    """

    label: str
    module: str
    job: str = "Job"
    settings: Mapping[str, Any] = field(default_factory=dict)
    loop: str = "asyncio"
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def absent(self) -> list[str]:
        """Name what it needs and is not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def present(contenders: list[Contender]) -> tuple[list[Contender], list[str]]:
    """Give those that can take part, and a sentence for each that cannot."""
    there = [contender for contender in contenders if not contender.absent]
    left_out = [
        f"{contender.label} is left out: {', '.join(contender.absent)} is not installed."
        for contender in contenders
        if contender.absent
    ]
    return there, left_out


class TooSlow(Exception):
    """A contender took longer than its round may, and was ended."""


class Worker:
    """The process of one contender. Use it as a context manager, or `end` it."""

    def __init__(self, contender: Contender) -> None:
        self.label = contender.label
        spec = {
            "module": contender.module,
            "job": contender.job,
            "settings": dict(contender.settings),
            "loop": contender.loop,
            "without": contender.without,
        }
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.harness.worker", json.dumps(spec)],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def ask(self, do: str, *, patience: float = 300.0, **request: Any) -> Any:
        """
        Have it do something, and give the answer.

        Raises:
            TooSlow: It took longer than *patience* seconds; its process is ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(patience, give_up)
        timer.start()
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line:
            return json.loads(line)
        if late.is_set():
            raise TooSlow(self.label)
        self._process.wait()
        self._errors.seek(0)
        raise RuntimeError(f"{self.label} failed:\n{self._errors.read().decode(errors='replace')}")

    def end(self) -> None:
        """Let it end by itself; kill it where it does not."""
        try:
            self._process.communicate("", timeout=30)
        except (subprocess.TimeoutExpired, BrokenPipeError, ValueError):
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
