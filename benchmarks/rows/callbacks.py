"""One callback, from the bytes of its body to a verified value, beside the obvious way."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from typing import Any

import attrs

from benchmarks.harness.contenders import Contender
from benchmarks.harness.figures import at_most, ratios, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.tables import Table, faster
from benchmarks.receivers import obvious
from benchmarks.receivers.ours import receiver
from benchmarks.receivers.posted import KINDS, body, forged
from smsc_async.errors import SignatureMismatch

__all__ = ["Job", "measure"]

OBVIOUS = "parse_qsl, hashlib and cattrs, default converter"
OURS = "smsc_async"
TARGETS = {"status": 1.1, "message": 0.75}
BODIES = 1_000  # different ones, so that nothing can be remembered from one to the next
COMPARED = 50


class Job:
    """
    Reads callbacks.

    Args:
        way: "obvious", or the format of what ours reads: "form", "xml" or "json".
    """

    def __init__(self, way: str) -> None:
        self._form = "form" if way == "obvious" else way
        self._parse: Callable[[bytes], Any] = obvious.parse if way == "obvious" else receiver(way).parse
        chance = random.Random(20_26)  # the same callbacks for all
        self._fields = {kind: [KINDS[kind](chance, 1_000_000 + number) for number in range(BODIES)] for kind in TARGETS}
        self._proven: set[str] = set()

    async def read(self, kind: str, times: int) -> float:
        """Read all bodies of a kind, so many times; give the µs of one."""
        self._prove(kind)
        parse, bodies = self._parse, [body(fields, self._form) for fields in self._fields[kind]]
        gc.collect()
        cpu = time.process_time()
        for _ in range(times):
            for each in bodies:
                parse(each)
        return (time.process_time() - cpu) / (times * len(bodies)) * 1e6

    def _prove(self, kind: str) -> None:
        """See that it gets the right values, and refuses what is forged."""
        if kind in self._proven:
            return
        self._proven.add(kind)
        for fields in self._fields[kind][:COMPARED]:
            value, expected = self._parse(body(fields, self._form)), obvious.parse(body(fields))
            if _plain(value) != _plain(expected):
                raise RuntimeError(f"{value} is read, and not {expected}")
        try:
            self._parse(body(forged(self._fields[kind][0]), self._form))
        except (SignatureMismatch, obvious.Forged):
            return
        raise RuntimeError("a forged callback is taken")


def _plain(event: Any) -> dict[str, Any]:
    """Give the fields of an event; how its digest was read follows from its format."""
    return {**attrs.asdict(event, recurse=False), "signature": None}


def measure(settings: Settings) -> Table:
    """Measure statuses and messages."""

    def contender(label: str, way: str) -> Contender:
        return Contender(label, "benchmarks.rows.callbacks", settings={"way": way}, without=("orjson",))

    contenders = [
        contender(OBVIOUS, "obvious"),
        contender(OURS, "form"),
        contender("smsc_async, XML", "xml"),
        contender("smsc_async, JSON", "json"),
    ]
    requests = {kind: {"do": "read", "kind": kind, "times": settings.size(5, 1)} for kind in TARGETS}
    samples = interleave(contenders, requests, settings)
    columns = (f"{kind}: {what}" for kind in TARGETS for what in ("µs CPU", "beside the obvious way"))
    table = Table("callbacks", ("reader", *columns))
    for label, measured in samples.items():
        cells: list[Any] = []
        for kind, most in TARGETS.items():
            target = at_most(most) if label == OURS else None
            beside = ratios(measured[kind], samples[OBVIOUS][kind], target)
            cells += [spread(measured[kind], "µs"), "1" if label == OBVIOUS else beside]
        table.add(label, *cells)
    for kind in TARGETS:
        ours, theirs = (spread(samples[label][kind]).value for label in (OURS, OBVIOUS))
        table.notes += faster(ours, [(OBVIOUS, theirs)], what=f"µs CPU, {kind}")
    return table
