"""Many phones that wait for their confirming call: what one call costs among them, and what each keeps in memory."""

from __future__ import annotations

from benchmarks.harness.contenders import Contender, Worker
from benchmarks.harness.figures import at_most, ratios, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.tables import Table

__all__ = ["measure"]

FEW = 100


def measure(settings: Settings) -> Table:
    """Measure few and many pending confirmations."""
    many = settings.size(100_000, 200)
    calls = settings.size(100, 10)
    few_, many_ = f"{FEW:,} pending", f"{many:,} pending"
    contenders = [
        Contender(label, "benchmarks.rows.expecting", settings={"pending": pending})
        for label, pending in ((few_, FEW), (many_, many))
    ]
    requests = {
        "match": {"do": "match", "calls": calls},
        "look_up": {"do": "look_up", "calls": settings.size(20_000, 20)},
    }
    samples = interleave(contenders, requests, settings)
    table = Table("pending", ("what", few_, many_, "the latter beside the former"))
    few, much = samples[few_], samples[many_]
    table.add(
        "µs CPU from a callback's bytes to the value that was waited for",
        spread(few["match"], "µs"),
        spread(much["match"], "µs"),
        ratios(much["match"], few["match"], at_most(1.5)),
    )
    table.add(
        "of these to find in the register who waits, µs CPU",
        spread(few["look_up"], "µs"),
        spread(much["look_up"], "µs"),
        ratios(much["look_up"], few["look_up"]),
    )
    table.notes.append(
        "The register is a dict: one look-up. Among few phones all that it touches is in the processor's cache; among "
        "many it waits for memory."
    )
    _memory(table, contenders[1], settings.at_most(3))
    return table


def _memory(table: Table, contender: Contender, settings: Settings) -> None:
    registered: list[float] = []
    waiting: list[float] = []
    idle: list[float] = []
    for _ in range(settings.rounds):
        with Worker(contender) as worker:
            registered.append(worker.ask("bytes_registered"))
            waiting.append(worker.ask("bytes_waiting"))
        with Worker(contender) as worker:
            idle.append(worker.ask("bytes_waiting", idle=True))
    table.add("bytes that a phone takes in the register", None, spread(registered, "bytes"))
    table.add("bytes that a confirmation keeps while it waits, its task and all", None, spread(waiting, "bytes"))
    table.add("bytes of a task that waits for nothing but a future", None, spread(idle, "bytes"))
