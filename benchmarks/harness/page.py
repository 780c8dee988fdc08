"""Writes what was measured: into the page between its markers, and into a file for machines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.harness.machine import describe
from benchmarks.harness.tables import Table

__all__ = ["write_page", "write_results"]


def write_page(page: Path, tables: list[Table]) -> None:
    """
    Replace the tables that the page shows by new ones; others stay.

    Raises:
        ValueError: The page has no place for one of them.
    """
    text = page.read_text(encoding="utf-8")
    for table in tables:
        text = _put(text, table.name, table.markdown())
    described = describe().items()
    lines = ["| what | which |", "| --- | --- |", *(f"| {what} | {which} |" for what, which in described)]
    page.write_text(_put(text, "machine", "\n".join(lines)), encoding="utf-8")


def write_results(results: Path, tables: list[Table]) -> None:
    """Put what was measured into *results*, beside what is there of other tables."""
    known: dict[str, Any] = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    for table in tables:
        known[table.name] = {**table.as_json(), "machine": describe()}
    results.write_text(json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def _put(text: str, name: str, what: str) -> str:
    place = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
    text, count = place.subn(lambda found: f"{found[1]}\n{what}\n\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"the page has {count} places for {name}")
    return text
