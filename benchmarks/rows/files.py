"""A CSV file of 200 MB, saved: CPU beside bare httpx, and memory that must not grow with the file."""

from __future__ import annotations

import random

from benchmarks.harness.contenders import Contender, Worker
from benchmarks.harness.figures import at_most, ratios, spread
from benchmarks.harness.rounds import Settings
from benchmarks.harness.server import Server
from benchmarks.harness.tables import Table

__all__ = ["measure"]

CLIENTS = {"smsc_async": "ours", "httpx, bare": "bare_httpx"}
MEGABYTE = 1_000_000
FLAT = 4  # MB that the peak may rise, however long the file: a batch on its way to the disk, and what arrives meanwhile


def measure(settings: Settings) -> Table:
    """Measure saving, each time in a new process, so that its peak of memory is its own."""
    sizes = {"large": settings.size(200, 2) * MEGABYTE, "small": settings.size(20, 1) * MEGABYTE}
    chance = random.Random(9)
    samples: dict[str, dict[str, list[dict[str, float]]]] = {label: {name: [] for name in sizes} for label in CLIENTS}
    with Server() as server:
        for _ in range(settings.rounds):
            for name, size in sizes.items():
                for label in chance.sample(list(CLIENTS), len(CLIENTS)):
                    client = {"client": f"benchmarks.clients.{CLIENTS[label]}", "url": server.url}
                    with Worker(Contender(label, "benchmarks.rows.saving", settings=client)) as worker:
                        samples[label][name].append(worker.ask("save", size=size))

    def of(label: str, name: str, what: str, unit: float = 1.0) -> list[float]:
        return [sample[what] / unit for sample in samples[label][name]]

    large, small = (f"{size // MEGABYTE} MB" for size in sizes.values())
    table = Table("files", ("what", *CLIENTS, "smsc_async beside httpx"))
    ours, theirs = CLIENTS
    table.add(
        f"s CPU for {large}",
        *(spread(of(label, "large", "cpu"), "s") for label in CLIENTS),
        ratios(of(ours, "large", "cpu"), of(theirs, "large", "cpu"), at_most(1.2)),
    )
    table.add(f"s until {large} are on the disk", *(spread(of(label, "large", "wall"), "s") for label in CLIENTS))
    for name, file in (("large", large), ("small", small)):
        table.add(
            f"peak of memory with {file}, MB", *(spread(of(label, name, "peak", MEGABYTE), "MB") for label in CLIENTS)
        )
        flat = [at_most(FLAT) if label == ours else None for label in CLIENTS]
        grown = [of(label, name, "growth", MEGABYTE) for label in CLIENTS]
        figures = [spread(samples_, "MB", target) for samples_, target in zip(grown, flat, strict=True)]
        table.add(f"of this, what {file} added, MB", *figures)
    table.notes.append(
        "Ours is brought to the disk (`fsync`) before it appears at its place; httpx leaves that to the system."
    )
    return table
