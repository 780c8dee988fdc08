"""A table of figures: for people as Markdown, for machines as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.harness.figures import Figure

__all__ = ["Table", "faster"]

Cell = Figure | str | None


@dataclass
class Table:
    """What one row module measured."""

    name: str  # of the row module
    columns: tuple[str, ...]
    rows: list[tuple[str, list[Cell]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rounds: int = 0
    date: str = ""
    load: str = ""  # what else kept the machine busy: with more to run than cores, seconds by the wall mean little

    def add(self, label: str, *cells: Cell) -> None:
        """Add a line; its label is its name for machines, so there is one such."""
        if any(label == known for known, _ in self.rows):
            raise ValueError(f"a second line {label!r}")
        self.rows.append((label, [*cells]))

    def markdown(self) -> str:
        """Show it."""
        lines = [
            "| " + " | ".join(self.columns) + " |",
            "|" + " --- |" * len(self.columns),
            *("| " + " | ".join([label, *self._padded(cells)]) + " |" for label, cells in self.rows),
            "",
            *(f"- {note}" for note in self.notes),
            *([""] if self.notes else []),
            f"Rounds: {self.rounds}. Measured on {self.date}; the machine had {self.load} to run meanwhile.",
        ]
        return "\n".join(lines)

    def _padded(self, cells: list[Cell]) -> list[str]:
        shown = [_shown(cell) for cell in cells]
        return shown + [""] * (len(self.columns) - 1 - len(shown))

    def missed(self) -> list[str]:
        """Name the figures that missed their targets."""
        return [
            f"{self.name}: {label}, {column}: {cell}"
            for label, cells in self.rows
            for column, cell in zip(self.columns[1:], cells, strict=False)
            if isinstance(cell, Figure) and cell.met is False
        ]

    def as_json(self) -> dict[str, object]:
        """Give what machines read."""
        return {
            "date": self.date,
            "rounds": self.rounds,
            "load": self.load,
            "rows": {
                label: {
                    column: cell.as_json() if isinstance(cell, Figure) else cell
                    for column, cell in zip(self.columns[1:], cells, strict=False)
                    if cell is not None
                }
                for label, cells in self.rows
            },
            "notes": self.notes,
        }


def faster(ours: float, peers: Sequence[tuple[str, float]], *, what: str) -> list[str]:
    """Say which peers beat us, by a figure of which less is better; nothing where none does."""
    better = sorted(((value, label) for label, value in peers if value < ours))
    if not better:
        return []
    return [f"Better than ours in {what}: " + ", ".join(f"{label} ({value:.3g})" for value, label in better) + "."]


def _shown(cell: Cell) -> str:
    return "" if cell is None else str(cell)
