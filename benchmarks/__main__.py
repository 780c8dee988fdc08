"""Runs the benchmarks that its arguments name, or all, and writes their tables into the page that shows them."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import time
from pathlib import Path

from benchmarks.harness.contenders import ROOT
from benchmarks.harness.machine import load, today
from benchmarks.harness.page import write_page, write_results
from benchmarks.harness.rounds import Settings
from benchmarks.harness.tables import Table

ROWS = (
    *("calls", "layers", "queue", "latency", "limiters", "retrying", "records", "starting", "files"),
    *("callbacks", "receiver", "pending"),
)
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results.json"


def main(words: list[str] | None = None) -> None:
    """Measure, show, and write."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"which of {', '.join(ROWS)}; all, if none is named")
    parser.add_argument("--rounds", type=int, default=25, help="rounds of each row (25)")
    parser.add_argument("--quick", action="store_true", help="one round of next to nothing, to see that it runs")
    parser.add_argument("--into", type=Path, help="a folder for page and results, in place of the repository")
    given = parser.parse_args(words)
    unknown = set(given.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    settings = Settings(rounds=1 if given.quick else given.rounds, quick=given.quick)
    page, results = PAGE, RESULTS
    if given.into:
        given.into.mkdir(parents=True, exist_ok=True)
        page, results = given.into / PAGE.name, given.into / RESULTS.name
        if not page.exists():
            shutil.copyfile(PAGE, page)

    tables: list[Table] = []
    for name in given.rows or ROWS:
        began = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        table: Table = importlib.import_module(f"benchmarks.rows.{name}").measure(settings)
        table.rounds, table.date, table.load = settings.rounds, today(), load()
        print(f"\n## {name}, in {time.monotonic() - began:.0f} s\n\n{table.markdown()}\n", flush=True)
        tables.append(table)
        if given.into or not given.quick:  # after each row: a long run that is broken off has not been for nothing
            write_page(page, tables)
            write_results(results, tables)
    missed = [line for table in tables for line in table.missed()]
    print("\n".join(["Targets missed:", *missed] if missed else ["All targets met."]))


if __name__ == "__main__":
    main()
