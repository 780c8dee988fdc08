"""Many calls at once: 100,000 queued against 14, what a waiting call keeps in memory, and who blocks the loop."""

from __future__ import annotations

import random

from benchmarks.harness.contenders import Contender, TooSlow, Worker, present
from benchmarks.harness.figures import Figure, at_least, at_most, ratios, spread
from benchmarks.harness.rounds import RENEW, Settings, progress
from benchmarks.harness.server import Server
from benchmarks.harness.tables import Table

__all__ = ["measure"]

CAP = 60.0  # seconds after which nobody waits for a client that blocks its loop
FOR_EVER = 3600.0
CLIENTS = {"smsc_async": "ours", "httpx, bare": "bare_httpx", "httpx2, bare": "bare_httpx2"}


def _contender(label: str, job: str, url: str) -> Contender:
    settings = {"client": f"benchmarks.clients.{CLIENTS[label]}", "url": url}
    return Contender(label, f"benchmarks.rows.{job}", settings=settings, needs=(label.split(",", maxsplit=1)[0],))


def measure(settings: Settings) -> Table:
    """Measure queues of calls, deep and shallow."""
    table = Table("queue", ("what", "smsc_async", "httpx, bare", "httpx2, bare"))
    _rates(table, settings)
    _memory(table, settings.at_most(5))
    _blocking(table, settings.at_most(3))
    return table


def _rates(table: Table, settings: Settings) -> None:
    """Measure the rate while nearly all of them still wait; and in fewer rounds, from their start to the end."""
    deep, some = settings.size(100_000, 400), settings.size(3000, 28)
    shallow: list[dict[str, float]] = []
    waiting: list[dict[str, float]] = []
    whole: list[tuple[float, float]] = []
    chance = random.Random(3)
    with Server() as server:
        ours = _contender("smsc_async", "driving", server.url)
        for begun in range(0, settings.rounds, RENEW):
            with Worker(ours) as few, Worker(ours) as many:
                few.ask("drive", calls=some, width=14)
                many.ask("deepen", calls=deep)
                many.ask("go_on", calls=some)
                for _ in range(min(RENEW, settings.rounds - begun)):
                    for worker in chance.sample([few, many], 2):
                        if worker is few:
                            shallow.append(worker.ask("drive", calls=some, width=14))
                        else:
                            waiting.append(worker.ask("go_on", calls=some))
            progress(begun + RENEW, settings.rounds)
        for _ in range(settings.at_most(3).rounds):
            with Worker(ours) as few, Worker(ours) as many:
                few.ask("drive", calls=some, width=14)
                before = few.ask("drive", calls=some, width=14)["wall"]
                took = many.ask("flood", calls=deep)["wall"]
                after = few.ask("drive", calls=some, width=14)["wall"]
                whole.append(((before + after) / 2, took))
    table.add(
        f"calls a second while most of {deep:,} wait, beside 14 at a time",
        ratios([one["wall"] for one in shallow], [one["wall"] for one in waiting], at_least(0.9)),
    )
    table.add(
        f"the same from the start of {deep:,} at once to the last reply (3 rounds)",
        ratios([one for one, _ in whole], [one for _, one in whole], at_least(0.9)),
    )
    table.add("µs CPU a call, 14 at a time", spread([one["cpu"] * 1e6 for one in shallow], "µs"))
    table.add(f"µs CPU a call while most of {deep:,} wait", spread([one["cpu"] * 1e6 for one in waiting], "µs"))


def _memory(table: Table, settings: Settings) -> None:
    calls = settings.size(20_000, 100)
    with Server(delay=FOR_EVER, at_once=1) as hanging:
        bare = Contender("bare", "benchmarks.rows.queueing", settings={"client": None, "url": hanging.url})
        with Worker(bare) as worker:
            request = worker.ask("bytes_of_requests", calls=calls)
            idle = worker.ask("bytes_waiting", calls=calls)
    kept: dict[str, Figure | None] = {}
    contenders, notes = present([_contender(label, "queueing", "") for label in CLIENTS])
    table.notes += notes
    for contender in contenders:
        samples = []
        for _ in range(settings.rounds):
            with Server(delay=FOR_EVER, at_once=1) as hanging:
                fresh = _contender(contender.label, "queueing", hanging.url)
                ours = contender.label == "smsc_async"
                # The pools of httpx take time that grows with the square of the queue.
                with Worker(fresh) as worker:
                    samples.append(worker.ask("bytes_waiting", calls=calls if ours else min(calls, 1000)))
        kept[contender.label] = spread(samples, "bytes")
    table.add("bytes that a waiting call keeps, its task and all", *(kept.get(label) for label in CLIENTS))
    whole = kept["smsc_async"]
    assert whole is not None
    beside = Figure(whole.value - request, whole.low - request, whole.high - request, "bytes", at_most(1536))
    table.add("of these, beside its request", beside)
    table.notes.append(
        f"A request is its parameters and its body: {request:,.0f} bytes. A task that waits for nothing but a future "
        f"keeps {idle:,.0f} bytes."
    )


def _blocking(table: Table, settings: Settings) -> None:
    with Server() as server:
        contenders, _ = present([_contender(label, "queueing", server.url) for label in CLIENTS])
        for calls in (50,) if settings.quick else (10_000, 100_000):
            first: dict[str, Figure | str] = {}
            blocked: dict[str, Figure | str] = {}
            for contender in contenders:
                if contender.label != "smsc_async" and calls > 10_000:
                    continue
                samples = []
                try:
                    for _ in range(settings.rounds):
                        with Worker(contender) as worker:
                            samples.append(worker.ask("blocked", calls=calls, patience=CAP))
                except TooSlow:
                    first[contender.label] = blocked[contender.label] = f"more than {CAP:g}"
                else:
                    first[contender.label] = spread([sample["first"] for sample in samples], "s")
                    blocked[contender.label] = spread([sample["blocked"] for sample in samples], "s")
            table.add(
                f"seconds to the first reply, {calls:,} started at once", *(first.get(label) for label in CLIENTS)
            )
            table.add(
                f"the longest time that its loop was blocked by {calls:,}, s",
                *(blocked.get(label) for label in CLIENTS),
            )
