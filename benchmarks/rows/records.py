"""A list of 100 records, from bytes to values, beside `json.loads` with a default converter of cattrs."""

from __future__ import annotations

import gc
import json
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from benchmarks.harness.contenders import Contender, present
from benchmarks.harness.figures import at_most, ratios, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.tables import Table
from smsc_async._convert import structure
from smsc_async._wire import ReplyFormat, decode
from smsc_async.services.downloads import LIST, DownloadTask, TaskStatus
from smsc_async.services.numbers import AVAILABLE, AvailableNumber, NumberKind
from smsc_async.values import LocalTime

__all__ = ["Job", "measure"]

RECORDS = 100
BODIES = 20  # different ones, so that nothing can be remembered from one to the next
DEFAULT = "json and cattrs, default converter"


def _task(chance: random.Random, number: int) -> dict[str, object]:
    day, minute = chance.randrange(1, 29), chance.randrange(60)
    return {
        "id": number,
        "name": f"Звіт {number}",
        "status": str(chance.randrange(5)),
        "created": f"{day:02}.02.2026 10:{minute:02}:00",
        "time": f"{day:02}.02.2026 11:{minute:02}:30",
        "file": f"report_{number}.csv",
    }


def _number(chance: random.Random, number: int) -> dict[str, object]:
    return {
        "phone": f"38095{number:07}",
        "type": chance.choice((1, 2, 4)),
        "cost": f"{chance.randrange(100, 500)}.00",
        "current_cost": f"{chance.randrange(1, 50_000) / 100:.2f}",
        "info": "Київстар, SMS",
    }


@attrs.frozen
class _Kind:
    """One kind of list: our endpoint for it, and what a default converter has to be told about its records."""

    endpoint: Any
    cls: Any
    make: Callable[[random.Random, int], dict[str, object]]
    renamed: dict[str, str]
    hooks: dict[Any, Callable[[Any, Any], Any]]


KINDS = {
    "tasks": _Kind(
        LIST,
        DownloadTask,
        _task,
        {"started": "time"},
        {TaskStatus: lambda value, _: TaskStatus(int(value)), LocalTime: lambda value, _: LocalTime(value)},
    ),
    "numbers": _Kind(
        AVAILABLE,
        AvailableNumber,
        _number,
        {"kind": "type", "monthly_cost": "cost"},
        {Decimal: lambda value, _: Decimal(value), NumberKind: lambda value, _: NumberKind(value)},
    ),
}


class Job:
    """
    Reads lists.

    Args:
        way: "ours", "default" (`json` and a default converter) or "orjson" (the same converter behind orjson).
    """

    def __init__(self, way: str) -> None:
        self._way = way
        self._bodies: dict[str, list[bytes]] = {}
        for kind, made in KINDS.items():
            chance = random.Random(kind)
            self._bodies[kind] = [
                json.dumps(
                    [made.make(chance, 1_000_000 + number * RECORDS + place) for place in range(RECORDS)],
                    ensure_ascii=False,
                    separators=(",", ":"),
                ).encode()
                for number in range(BODIES)
            ]

    async def read(self, kind: str, times: int) -> float:
        """Read all bodies of a kind, so many times; give the µs of one list."""
        read = self._reader(KINDS[kind])
        bodies = self._bodies[kind]
        values, expected = read(bodies[0]), _by_default(KINDS[kind], json.loads)(bodies[0])
        if [attrs.astuple(value) for value in values] != [attrs.astuple(value) for value in expected]:
            raise RuntimeError(f"{self._way} reads other values")
        gc.collect()
        cpu = time.process_time()
        for _ in range(times):
            for body in bodies:
                read(body)
        return (time.process_time() - cpu) / (times * len(bodies)) * 1e6

    def _reader(self, kind: _Kind) -> Callable[[bytes], Any]:
        if self._way == "default":
            return _by_default(kind, json.loads)
        if self._way == "orjson":
            import orjson  # noqa: PLC0415 - where it is not, this contender takes no part

            return _by_default(kind, orjson.loads)
        shape, reply = kind.endpoint.shape, kind.endpoint.reply

        def read(body: bytes) -> Any:
            return structure(decode(body, asked=ReplyFormat.JSON, shape=shape), reply, shape=shape)

        return read


def _by_default(kind: _Kind, loads: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    converter = cattrs.Converter()
    for cls, hook in kind.hooks.items():
        converter.register_structure_hook(cls, hook)
    attrs.resolve_types(kind.cls)
    renamed: dict[str, Any] = {name: override(rename=wire) for name, wire in kind.renamed.items()}
    converter.register_structure_hook(kind.cls, make_dict_structure_fn(kind.cls, converter, **renamed))
    many = list[kind.cls]  # type: ignore[name-defined]  # a class known only here
    return lambda body: converter.structure(loads(body), many)


def measure(settings: Settings) -> Table:
    """Measure lists of tasks and of numbers."""

    def contender(label: str, way: str, *needs: str, without: tuple[str, ...] = ()) -> Contender:
        return Contender(label, "benchmarks.rows.records", settings={"way": way}, needs=needs, without=without)

    table = Table(
        "records", ("reader", *(f"{kind}: {what}" for kind in KINDS for what in ("µs CPU", "beside the default")))
    )
    contenders, table.notes = present(
        [
            contender(DEFAULT, "default"),
            contender("smsc_async", "ours", without=("orjson",)),
            contender("smsc_async, with orjson", "ours", "orjson"),
            contender("orjson and cattrs, default converter", "orjson", "orjson"),
        ]
    )
    targets = {"smsc_async": at_most(0.8), "smsc_async, with orjson": at_most(0.55)}
    requests = {kind: {"do": "read", "kind": kind, "times": settings.size(5, 1)} for kind in KINDS}
    samples = interleave(contenders, requests, settings)
    for contender_ in contenders:
        label = contender_.label
        cells: list[Any] = []
        for kind in KINDS:
            beside = ratios(samples[label][kind], samples[DEFAULT][kind], targets.get(label))
            cells += [spread(samples[label][kind], "µs"), "1" if label == DEFAULT else beside]
        table.add(label, *cells)
    return table
