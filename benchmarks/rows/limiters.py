"""The guard beside limiters: what the server counts, what the limit costs in throughput, CPU and memory."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from benchmarks.harness.contenders import Contender, Worker, present
from benchmarks.harness.figures import Figure, at_least, at_most, exactly, ratios, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.tables import Table, faster

__all__ = ["measure"]

OURS = "smsc_async"
BESIDE = "aiolimiter"
LIMITS = (2, 3, 50)  # requests a minute
SPENT = (3, 50)  # of these, those whose tokens are spent to the last for timing it
PEERS = {  # label: module and variant; the package's own default comes first
    OURS: ("guard", ""),
    BESIDE: ("aiolimiter_bucket", ""),
    "pyrate-limiter, sliding log": ("pyrate", "sliding log"),
    "pyrate-limiter, token bucket": ("pyrate", "token bucket"),
    "pyrate-limiter, fixed window": ("pyrate", "fixed window"),
    "throttled-py, token bucket": ("throttled_store", "token bucket"),
    "throttled-py, GCRA": ("throttled_store", "GCRA"),
    "throttled-py, sliding window": ("throttled_store", "sliding window"),
    "limits, fixed window": ("limits_storage", "fixed window"),
    "limits, moving window": ("limits_storage", "moving window"),
    "limits, sliding counter": ("limits_storage", "sliding counter"),
}
NEEDS = {
    "guard": "smsc_async",
    "aiolimiter_bucket": "aiolimiter",
    "pyrate": "pyrate_limiter",
    "throttled_store": "throttled",
    "limits_storage": "limits",
}


@dataclass
class _Counted:
    """What virtual time shows of one limiter; it is the same in every run."""

    worst: dict[int, str | Figure]
    admitted: Figure
    hand_off: Figure | str
    held: Figure
    left: Figure
    longest: Figure
    threads: int


def _contender(label: str, loop: str) -> Contender:
    module, variant = PEERS[label]
    settings = {"limiter": f"benchmarks.limiters.{module}", "variant": variant}
    return Contender(label, "benchmarks.rows.limiting", settings=settings, loop=loop, needs=(NEEDS[module],))


def measure(settings: Settings) -> Table:
    """Measure limiters, ours among them, at what a gateway with limits a minute asks of them."""
    table = Table(
        "limiters",
        (
            "limiter",
            *(f"worst minute, limit {n}: let through / at the server" for n in LIMITS),
            "calls a minute under pressure, as a share of 50",
            *(f"an acquire, limit {n}: {what}" for n in SPENT for what in ("µs CPU", "beside aiolimiter")),
            "a hand-off with 5,000 waiting, beside 100",
            "bytes of a key in use",
            "bytes of a key after",
            "µs of the longest call after 20,000 keys",
            "threads",
        ),
    )
    contenders, table.notes = present([_contender(label, "asyncio") for label in PEERS])
    requests = {f"{n}": {"do": "spend", "keys": settings.size(15_000, 150) // n, "times": n, "n": n} for n in SPENT}
    spent = interleave(contenders, requests, settings)
    for contender in contenders:
        label = contender.label
        ours = label == OURS
        counted = _count(label, settings)
        beside = BESIDE in spent and label != BESIDE
        target = at_most(0.7) if ours else None
        table.add(
            label,
            *counted.worst.values(),
            counted.admitted,
            *(
                cell
                for name in requests
                for cell in (
                    spread(spent[label][name], "µs"),
                    ratios(spent[label][name], spent[BESIDE][name], target) if beside else None,
                )
            ),
            counted.hand_off,
            counted.held,
            counted.left,
            counted.longest,
            f"{counted.threads}",
        )
    _slots(table, settings)
    _alone(table, settings)
    costs = {label: statistics.median(of_limiter["3"]) for label, of_limiter in spent.items()}
    table.notes += faster(costs[OURS], list(costs.items()), what="µs CPU an acquire, limit 3")
    return table


def _count(label: str, settings: Settings) -> _Counted:
    ours = label == OURS
    worst: dict[int, str | Figure] = {}
    print(f"  {label}", flush=True)
    with Worker(_contender(label, "virtual")) as worker:
        ask = worker.ask
        for n in LIMITS:
            seen = [
                ask("worst_minutes", n=n, seconds=settings.size(7200, 300), seed=seed)
                for seed in range(settings.size(3, 1))
            ]
            here, there = max(one["here"] for one in seen), max(one["there"] for one in seen)
            text = f"{here} / {there}"
            worst[n] = Figure(there, there, there, "requests", exactly(n)) if ours else text
        share = ask("admitted", n=50, latency=0.05, minutes=settings.size(20, 2))
        few = ask("hand_off", n=50, waiters=100, handed=settings.size(2000, 50), budget=2.0)
        many = ask("hand_off", n=50, waiters=settings.size(5000, 200), handed=settings.size(2000, 50), budget=8.0)
        longest = ask("tidying", keys=settings.size(20_000, 100), calls=settings.size(500, 5))

    with Worker(_contender(label, "virtual")) as worker:  # a new one, in which nothing else has begun threads
        kept: dict[str, Any] = worker.ask("keys", keys=settings.size(20_000, 100))

    def figure(value: float, unit: str, target: Any = None) -> Figure:
        return Figure(value, value, value, unit, target if ours else None)

    return _Counted(
        worst,
        figure(share, "share", at_least(0.97)),
        figure(many / few, "ratio", at_most(1.5)),
        figure(round(kept["held"]), "bytes", at_most(256)),
        figure(round(kept["left"]), "bytes", exactly(0)),
        figure(longest, "µs"),
        kept["threads"],
    )


def _alone(table: Table, settings: Settings) -> None:
    """Compare like with like too: others need not be told how a request ended, and cannot use it."""
    contenders, _ = present([_contender(OURS, "asyncio"), _contender(BESIDE, "asyncio")])
    if len(contenders) < 2:
        return
    keys = settings.size(5000, 28)
    samples: dict[str, list[float]] = {OURS: [], BESIDE: []}
    with Worker(contenders[0]) as ours, Worker(contenders[1]) as theirs:
        for _ in range(settings.rounds):
            samples[OURS].append(ours.ask("acquire_alone", keys=keys))
            samples[BESIDE].append(theirs.ask("spend", keys=keys, times=3, n=3))
    table.notes.append(
        f"Ours without giving back, limit 3, µs CPU: {spread(samples[OURS])}; beside aiolimiter: "
        f"{ratios(samples[OURS], samples[BESIDE], at_most(0.7))}."
    )


def _slots(table: Table, settings: Settings) -> None:
    requests = {
        f"{waiters}": {"do": "slots", "waiters": waiters, "handed": settings.size(20_000, 50)}
        for waiters in (100, settings.size(5000, 200))
    }
    samples = interleave([_contender(OURS, "asyncio")], requests, settings)[OURS]
    few, many = samples.values()
    table.notes.append(
        f"Slots of an account, which only ours has: a hand-off with 5,000 calls waiting costs {ratios(many, few)} of "
        f"one with 100; µs CPU of a call then: {spread(many)}."
    )
