"""What our layers cost by themselves: whole calls whose reply is there at once, in µs, beside what else costs µs."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable
from itertools import count

import anyio
import httpx

from benchmarks.clients.asking import KEY
from benchmarks.harness.contenders import Contender
from benchmarks.harness.figures import at_most, spread
from benchmarks.harness.rounds import Settings, interleave
from benchmarks.harness.server import AFTER, BEFORE, SIZE
from benchmarks.harness.tables import Table
from smsc_async import Session
from smsc_async._transport import Reply

__all__ = ["Job", "measure"]

OK = b'{"result":"OK"}'
RECORD = b'{"phone":"380440000001","all_phones":["380440000001"]}'
LIST = (BEFORE + b"10000000" + AFTER)[-SIZE:]
# What these took where the targets were set, in µs; so a reader can tell how fast this machine is beside that one.
REFERENCES = {"anyio.CapacityLimiter": 8.0, "anyio.Semaphore(fast_acquire=True)": 1.2, "anyio.fail_after": 10.0}


class _Null(httpx.AsyncBaseTransport):
    """A transport whose every reply is there at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._headers = [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async for _ in request.stream:  # type: ignore[union-attr]  # asynchronous, because the client is
            pass
        return httpx.Response(200, headers=self._headers, stream=httpx.ByteStream(self._body))


class Job:
    """Times our layers, and what they are compared with."""

    def __init__(self) -> None:
        self._phones = count(380_500_000_000)
        self._limiter = anyio.CapacityLimiter(14)
        self._semaphore = anyio.Semaphore(14, fast_acquire=True)
        self._sessions = {body: _without_transport(body) for body in (OK, RECORD, LIST)}
        self._whole = Session(apikey=KEY, transport=lambda: _Null(LIST))

    async def ok(self, calls: int) -> float:
        """Set a value; the reply is the word OK."""
        session, enabled = self._sessions[OK], True
        return await _microseconds(lambda: session.numbers.set_auto_renew(str(next(self._phones)), enabled), calls)

    async def record(self, calls: int) -> float:
        """Request a call; the reply is one record."""
        session = self._sessions[RECORD]
        return await _microseconds(lambda: session.calls.request(str(next(self._phones))), calls)

    async def list(self, calls: int) -> float:
        """List tasks; the reply has 1.2 KB."""
        session = self._sessions[LIST]
        return await _microseconds(lambda: session.downloads.list(limit=10, after_id=next(self._phones)), calls)

    async def whole(self, calls: int) -> float:
        """List tasks, with our transport and httpx's requests and responses too."""
        session = self._whole
        return await _microseconds(lambda: session.downloads.list(limit=10, after_id=next(self._phones)), calls)

    async def null(self, calls: int) -> float:
        """Make what httpx makes of such a call, and nothing else."""
        transport, url = _Null(LIST), httpx.URL("https://smsc.ua/sys/downloads.php")
        headers, body = httpx.Headers([(b"Host", b"smsc.ua")]), b"cnt=10&after_id=10000000&get_list=1"

        async def exchange() -> None:
            request = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(body))
            response = await transport.handle_async_request(request)
            async for _ in response.stream:  # type: ignore[union-attr]  # asynchronous, because the transport is
                pass

        return await _microseconds(exchange, calls)

    async def reference(self, name: str, calls: int) -> float:
        """Enter and leave something that everybody knows."""
        limiter, semaphore = self._limiter, self._semaphore

        async def in_limiter() -> None:
            async with limiter:
                pass

        async def in_semaphore() -> None:
            async with semaphore:
                pass

        async def in_time() -> None:
            with anyio.fail_after(5):  # noqa: ASYNC100 - what it costs itself is the point
                pass

        ways: dict[str, Callable[[], Awaitable[None]]] = dict(
            zip(REFERENCES, (in_limiter, in_semaphore, in_time), strict=True)
        )
        return await _microseconds(ways[name], calls)


def _without_transport(body: bytes) -> Session:
    """Give a session whose exchanges end at once with *body*."""
    session = Session(apikey=KEY)
    reply = Reply(200, "application/json", body)

    async def exchange(*_: object, **__: object) -> Reply:
        return reply

    session._conductor.shared.transport.exchange = exchange  # type: ignore[method-assign]  # noqa: SLF001 - there is no other seam between the layers and the network
    return session


async def _microseconds(call: Callable[[], Awaitable[object]], calls: int) -> float:
    await call()
    gc.collect()
    cpu = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - cpu) / calls * 1e6


def measure(settings: Settings) -> Table:
    """Measure our layers, from the arguments to the value, without a network."""
    calls = settings.size(3000, 20)
    job = Contender("layers", "benchmarks.rows.layers")
    requests = {name: {"do": name, "calls": calls} for name in ("ok", "record", "list", "whole", "null")}
    requests |= {name: {"do": "reference", "name": name, "calls": calls} for name in REFERENCES}
    samples = interleave([job], requests, settings)["layers"]

    table = Table("layers", ("what", "µs CPU", "where the targets were set"))
    target = at_most(8)
    table.add("a call without transport, reply “OK”", spread(samples["ok"], "µs", target))
    table.add("a call without transport, reply of one record", spread(samples["record"], "µs", target))
    table.add("a call without transport, reply of 1.2 KB (10 records)", spread(samples["list"], "µs", target))
    table.add("the same with transport, over a null connection", spread(samples["whole"], "µs"))
    table.add("request and response of httpx alone, over a null connection", spread(samples["null"], "µs"))
    for name, there in REFERENCES.items():
        table.add(f"for comparison: `{name}`", spread(samples[name], "µs"), f"{there:g}")
    return table
