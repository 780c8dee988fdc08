"""How much of 14 / latency a client reaches while many calls wait: what its own work between two replies costs it."""

from __future__ import annotations

from benchmarks.harness.contenders import Contender, present
from benchmarks.harness.figures import at_least, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.server import Server
from benchmarks.harness.tables import Table

__all__ = ["measure"]

SLOTS = 14
TARGETS = {0.1: 0.95, 0.05: 0.90}  # by the latency in seconds
CLIENTS = {
    "smsc_async": "ours",
    "httpx, bare": "bare_httpx",
    "aiohttp, bare": "bare_aiohttp",
}


def measure(settings: Settings) -> Table:
    """Measure the share of what 14 connections could do at best."""
    calls = SLOTS * settings.size(30, 2)
    table = Table("latency", ("client", *(f"share of 14 / {latency * 1000:g} ms" for latency in TARGETS)))
    shares: dict[str, list[list[float]]] = {}
    for latency in TARGETS:
        with Server(delay=latency) as server:
            contenders, table.notes = present(
                [
                    Contender(
                        label,
                        "benchmarks.rows.driving",
                        settings={"client": f"benchmarks.clients.{client}", "url": server.url},
                        needs=(label.split(",")[0],),
                    )
                    for label, client in CLIENTS.items()
                ]
            )
            # The first request also warms up: 14 connections, and credentials that were accepted.
            requests = {
                "warm": {"do": "drive", "calls": SLOTS * 2, "width": SLOTS},
                "deep": {"do": "flood", "calls": calls},
            }
            samples = interleave(contenders, requests, settings)
        for contender in contenders:
            walls = [sample["wall"] for sample in samples[contender.label]["deep"]]
            shares.setdefault(contender.label, []).append([latency / SLOTS / wall for wall in walls])
    for label, by_latency in shares.items():
        targets = [at_least(target) for target in TARGETS.values()] if label == "smsc_async" else [None, None]
        table.add(label, *(spread(share, "share", target) for share, target in zip(by_latency, targets, strict=True)))
    table.notes.append(f"{calls} calls are started at once, and the time to the last reply counts.")
    return table
