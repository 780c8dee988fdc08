"""One whole typed call beside bare clients: CPU, and calls a second."""

from __future__ import annotations

from benchmarks.harness.contenders import Contender, present
from benchmarks.harness.figures import at_least, at_most, ratios, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.server import Server
from benchmarks.harness.tables import Table, faster

__all__ = ["measure"]

BARE = "httpx, bare"
OURS = "smsc_async"
FAST = "smsc_async, with orjson"


def _contenders(url: str) -> list[Contender]:
    def contender(
        label: str, client: str, *needs: str, loop: str = "asyncio", without: tuple[str, ...] = ()
    ) -> Contender:
        settings = {"client": f"benchmarks.clients.{client}", "url": url}
        needed = (*needs, "uvloop") if loop == "uvloop" else needs
        return Contender(label, "benchmarks.rows.driving", settings=settings, loop=loop, needs=needed, without=without)

    return [
        contender(BARE, "bare_httpx"),
        contender(OURS, "ours", without=("orjson",)),
        contender(FAST, "ours", "orjson"),
        contender(
            "smsc_async over aiohttp, with orjson", "ours_over_aiohttp", "orjson", "httpx_aiohttp", "smsc_async.aiohttp"
        ),
        contender("smsc_async on uvloop, with orjson", "ours", "orjson", loop="uvloop"),
        contender("httpx on uvloop, bare", "bare_httpx", loop="uvloop"),
        contender("httpx2, bare", "bare_httpx2", "httpx2"),
        contender("httpx over aiohttp, bare", "httpx_over_aiohttp", "httpx_aiohttp"),
        contender("aiohttp, bare", "bare_aiohttp", "aiohttp"),
    ]


def measure(settings: Settings) -> Table:
    """Measure whole calls over loopback: 14 in flight, and one."""
    table = Table(
        "calls",
        (
            "client",
            "µs CPU a call, 14 in flight",
            "CPU beside bare httpx",
            "calls a second beside bare httpx",
            "µs CPU a call, 1 in flight",
            "CPU beside bare httpx, 1 in flight",
        ),
    )
    with Server() as server:
        contenders, table.notes = present(_contenders(server.url))
        requests = {
            "14": {"do": "drive", "calls": settings.size(700, 28), "width": 14},
            "1": {"do": "drive", "calls": settings.size(250, 5), "width": 1},
        }
        samples = interleave(contenders, requests, settings)

    def of(label: str, name: str, what: str) -> list[float]:
        return [sample[what] for sample in samples[label][name]]

    for contender in contenders:
        label = contender.label
        typed = label in {OURS, FAST}
        beside = [
            ratios(of(label, "14", "cpu"), of(BARE, "14", "cpu"), at_most(0.55) if typed else None),
            ratios(of(BARE, "14", "wall"), of(label, "14", "wall"), at_least(1.8) if typed else None),
            ratios(of(label, "1", "cpu"), of(BARE, "1", "cpu"), at_most(1.0) if typed else None),
        ]
        alone = [spread([cpu * 1e6 for cpu in of(label, name, "cpu")], "µs") for name in ("14", "1")]
        if label == BARE:
            table.add(label, alone[0], "1", "1", alone[1], "1")
        else:
            table.add(label, alone[0], beside[0], beside[1], alone[1], beside[2])
    for name in requests:
        beside_bare = {
            contender.label: ratios(of(contender.label, name, "cpu"), of(BARE, name, "cpu")).value
            for contender in contenders
        }
        peers = [(label, value) for label, value in beside_bare.items() if not label.startswith(OURS)]
        table.notes += faster(beside_bare[OURS], peers, what=f"CPU beside bare httpx, {name} in flight, without orjson")
    return table
