"""Callbacks a second under uvicorn, beside the obvious handler, and beside an app that only reads the body."""

from __future__ import annotations

import importlib.util
from typing import Any

from benchmarks.harness.contenders import Contender, present
from benchmarks.harness.figures import at_least, ratios, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.tables import Table, faster

__all__ = ["measure"]

OBVIOUS = "the obvious handler"
OURS = "smsc_async"
DURABLE = "smsc_async, SqliteStore"
BARE = "bare app: reads the body"
WIDTH = 32  # connections
KINDS = {"messages": "message", "statuses": "long_status"}


def _contenders() -> list[Contender]:
    # The client shares the machine with the server, so it is to be cheap.
    loop = "asyncio" if importlib.util.find_spec("uvloop") is None else "uvloop"

    def contender(label: str, server: str, *needs: str, looks: bool = True) -> Contender:
        settings = {"server": f"benchmarks.receivers.{server}", "looks": looks}
        needed = ("uvicorn", *needs)
        return Contender(label, "benchmarks.rows.posting", settings=settings, loop=loop, needs=needed)

    return [
        contender(OBVIOUS, "obvious"),
        contender(OURS, "ours"),
        contender(DURABLE, "ours_durable", "sqlite3"),
        contender(BARE, "bare", looks=False),
    ]


def measure(settings: Settings) -> Table:
    """Measure messages and statuses of 600 bytes, each another one, over connections that are kept alive."""
    contenders, notes = present(_contenders())
    calls = settings.size(2_000, 64)
    requests = {name: {"do": "post", "kind": kind, "requests": calls, "width": WIDTH} for name, kind in KINDS.items()}
    samples = interleave(contenders, requests, settings)

    def of(label: str, name: str, what: str) -> list[float]:
        return [sample[what] for sample in samples[label][name]]

    whats = ("a second", "a second beside the obvious handler", "beside a bare app", "µs CPU of the server for each")
    columns = (f"{name}: {what}" if number else f"{name} {what}" for name in KINDS for number, what in enumerate(whats))
    table = Table("receiver", ("app", *columns), notes=notes)
    for contender in contenders:
        label = contender.label
        cells: list[Any] = []
        for name in KINDS:
            wall = of(label, name, "wall")
            beside = ratios(of(OBVIOUS, name, "wall"), wall, at_least(1.0) if label == OURS else None)
            cells += [
                spread([1 / one for one in wall], "1/s"),
                "1" if label == OBVIOUS else beside,
                "1" if label == BARE else ratios(of(BARE, name, "wall"), wall),
                spread([1e6 * one for one in of(label, name, "cpu")], "µs"),
            ]
        table.add(label, *cells)
    for name in KINDS:
        cpu = {label: spread([1e6 * one for one in of(label, name, "cpu")]).value for label in (OBVIOUS, OURS)}
        table.notes += faster(cpu[OURS], [(OBVIOUS, cpu[OBVIOUS])], what=f"µs CPU, {name}")
    if DURABLE in samples:
        handled = ", ".join(f"{spread([1 / one for one in of(DURABLE, name, 'handled')])} {name}" for name in KINDS)
        table.notes.append(
            f"With SqliteStore an event is acknowledged when it is on the disk, and handled after that: until all were "
            f"handled it took them at a rate of {handled} a second. Its CPU is that of both."
        )
    return table
