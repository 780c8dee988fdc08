"""How the demo looks: headlines, facts, errors and progress bars, on any terminal and in a file."""

from __future__ import annotations

import io
import logging
import os
import traceback
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

import anyio
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping

    from rich.console import JustifyMethod, RenderableType

__all__ = ["Glance", "Stage"]

INDENT: Final = 3
LABEL: Final = 14  # characters; labels of facts and of bars stand in one column
BAR: Final = 30  # characters; with label and note it fits in 80 columns
DUMB: Final = {"dumb", "unknown"}  # names of terminals that cannot move the cursor; as rich has it
FRAME: Final = 0.05  # seconds between two looks at what a bar shows


class Glance(NamedTuple):
    """What a bar shows at a moment."""

    done: float
    total: float
    note: str


class Stage:
    """
    Prints the demo, and keeps account of what is not as it should be.

    Live bars are drawn on terminals that can; elsewhere each bar is printed once, when it is finished.

    Args:
        file: Where to.
        pause: Seconds before each step, for reading.
    """

    def __init__(self, file: TextIO, *, pause: float) -> None:
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(errors="replace")  # the gateway's texts are Ukrainian; a pipe may be ASCII
        self.console: Console = Console(
            file=file,
            # Not even FORCE_COLOR makes a terminal of a file: bars would fill it with cursor movements.
            force_terminal=file.isatty() and os.environ.get("TERM", "").lower() not in DUMB,
            highlight=False,
            markup=False,  # brackets in the gateway's texts are brackets
            emoji=False,
        )
        self.problems: list[str] = []
        self.checked: int = 0
        self.is_stopped: bool = False
        self._pause = pause
        self._steps = 0

    @property
    def is_lively(self) -> bool:
        """Whether what is printed can be drawn over."""
        return self.console.is_terminal

    async def step(self, title: str, lesson: str, *code: str) -> None:
        """Begin a step: a headline, a sentence on what it shows, and the code that a user would write."""
        if self._steps:
            await anyio.sleep(self._pause)
        self._steps += 1
        self.console.print()
        self.console.print(Rule(Text(f"{self._steps}  {title}", "bold cyan"), align="left", style="cyan"))
        self._print(Text(lesson))
        self.console.print()
        for line in code:
            self._print(Text(f"{'...' if line.startswith(' ') else '>>>'} {line}", "dim"))
        if code:
            self.console.print()

    def fact(self, label: str, value: object, style: str = "") -> None:
        """Print a line: what was measured, and the measure."""
        line = Table.grid(padding=(0, 1))
        line.add_column(width=LABEL)
        line.add_column()
        line.add_row(Text(label, "dim"), Text(str(value), style))
        self._print(line)

    def error(self, label: str, error: BaseException) -> None:
        """Print an error as the last line of its traceback."""
        self.fact(label, "".join(traceback.format_exception_only(error)).strip(), "red")

    def table(self, headings: Mapping[str, JustifyMethod], rows: Iterable[Iterable[object]]) -> None:
        """Print a table; *headings* gives each column's alignment."""
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        for heading, justify in headings.items():
            table.add_column(Text(heading), justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
        self._print(table)
        self.console.print()

    def figures(self, figures: Mapping[str, tuple[object, object]]) -> None:
        """Print what was measured beside what was expected (None: nothing), and check it."""
        rows: list[tuple[object, ...]] = []
        for what, (measured, expected) in figures.items():
            if expected is None:
                rows.append((what, measured, ""))
            else:
                self.expect(what, expected, measured)
                rows.append((what, Text(str(measured), "green" if measured == expected else "bold red"), expected))
        self.table({"": "left", "found": "right", "should be": "right"}, rows)

    @asynccontextmanager
    async def bar(self, label: str, look: Callable[[], Glance | None], *, stays: bool = True) -> AsyncGenerator[None]:
        """
        Show what *look* gives while the block runs.

        Args:
            label: What moves.
            look: Gives what to show; None as long as there is nothing to show.
            stays: Whether the finished bar stays; one that goes is not printed at all where nothing can go.
        """
        progress = Progress(
            TextColumn(" " * (INDENT - 1)),
            TextColumn(f"{{task.description:<{LABEL}}}", style="dim", markup=False),
            BarColumn(BAR),
            TextColumn("{task.fields[note]}", markup=False),
            console=self.console,
            transient=not stays,
            disable=not stays and not self.is_lively,
        )
        task = progress.add_task(label, visible=False, total=1.0, note="")

        def draw() -> None:
            if (glance := look()) is not None:
                progress.update(task, visible=True, completed=glance.done, total=glance.total, note=glance.note)

        async def watch() -> None:
            while True:
                draw()
                await anyio.sleep(FRAME)

        with progress:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch)
                yield
                tasks.cancel_scope.cancel()
            draw()

    @contextmanager
    def log(self) -> Generator[None]:
        """Show the warnings that the package logs inside the block; Python would write them to stderr."""
        handler = _LogLines(self)
        logger = logging.getLogger("smsc_async")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)

    def expect(self, what: str, expected: object, measured: object) -> None:
        """Note it as a problem unless *measured* is what was *expected*."""
        self.checked += 1
        if measured != expected:
            self.problems.append(f"{what}: {measured} instead of {expected}")

    def end(self, seconds: float) -> None:
        """Say whether all is well."""
        if self.problems:
            self._print(Text("Not as it should be:", "bold red"))
            for problem in self.problems:
                self._print(Text(f"- {problem}", "red"))
        else:
            self._print(
                Text(
                    f"All {self.checked} figures checked are as they should be. It took {seconds:.0f} s.", "bold green"
                )
            )

    def stopped(self) -> None:
        """Say that somebody has had enough."""
        self.is_stopped = True
        self.console.print()
        self._print(Text("Stopped."))

    def _print(self, what: RenderableType) -> None:
        self.console.print(Padding(what, (0, 0, 0, INDENT), expand=False))


class _LogLines(logging.Handler):
    """Prints log records as facts."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(logging.WARNING)
        self._stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        self._stage.fact("log", f"{record.levelname} {record.getMessage()}", "yellow")
