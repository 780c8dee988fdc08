"""What the layer that repeats costs a call that succeeds at once, beside the decorator of tenacity."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable
from typing import Any

import tenacity

from benchmarks.harness.contenders import Contender
from benchmarks.harness.figures import at_most, ratios, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.tables import Table
from smsc_async import Session

__all__ = ["Job", "measure"]


class Job:
    """Times both around work that does nothing, and takes off what that costs alone."""

    def __init__(self) -> None:
        self._conductor = _idle(Session(apikey="benchmark-key")._conductor)  # noqa: SLF001 - where our layer is

    async def ours(self, calls: int) -> float:
        """Conduct a call whose first attempt succeeds."""
        perform = self._conductor.perform

        async def alone() -> str:
            self._conductor.begin(None, None, None, None, force=False)
            return await _work(None, 1)

        return await _microseconds(lambda: perform(None, {}), calls) - await _microseconds(alone, calls)

    async def theirs(self, calls: int) -> float:
        """Make the same call under tenacity's decorator, set up for the same: attempts, pauses, listed exceptions."""

        @tenacity.retry(
            retry=tenacity.retry_if_exception_type(OSError),
            wait=tenacity.wait_random_exponential(max=30),
            stop=tenacity.stop_after_attempt(3),
            reraise=True,
        )
        async def decorated() -> str:
            return await _work(None, 1)

        async def alone() -> str:
            return await _work(None, 1)

        return await _microseconds(decorated, calls) - await _microseconds(alone, calls)


def _idle(conductor: Any) -> Any:
    """Leave it nothing to do but to conduct."""
    conductor.begin = _nothing
    conductor._attempt = _work  # noqa: SLF001 - likewise
    return conductor


def _nothing(*_: object, **__: object) -> None:
    """Make no call ready."""


async def _work(_call: object, _number: int) -> str:
    return "value"


async def _microseconds(call: Callable[[], Awaitable[object]], calls: int) -> float:
    if await call() != "value":
        raise RuntimeError("the value did not come through")
    gc.collect()
    cpu = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - cpu) / calls * 1e6


def measure(settings: Settings) -> Table:
    """Measure the layer that repeats, on success."""
    calls = settings.size(20_000, 200)
    requests = {"ours": {"do": "ours", "calls": calls}, "theirs": {"do": "theirs", "calls": calls}}
    samples = interleave([Contender("retrying", "benchmarks.rows.retrying")], requests, settings)["retrying"]
    table = Table("retrying", ("layer", "µs CPU a call that succeeds", "beside tenacity's decorator"))
    table.add("smsc_async", spread(samples["ours"], "µs"), ratios(samples["ours"], samples["theirs"], at_most(0.05)))
    table.add("`@tenacity.retry`", spread(samples["theirs"], "µs"), "1")
    return table
