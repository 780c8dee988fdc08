"""A TCP proxy that breaks things, for what an ASGI app cannot do: cut at byte k, reset, drip, half-close, refuse."""

from __future__ import annotations

import asyncio
import copy
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from smsc_async.simulator.listening import stop_listening
from smsc_async.simulator.passing import Connection
from smsc_async.simulator.plans import Passage, Plan

#: Seconds within which the thread must have started or ended; reached only when something is broken.
PATIENCE: Final = 10.0


class FaultProxy:
    """
    A proxy on loopback before *upstream*, in a thread of its own.

    ::

        with serve(simulator) as url, FaultProxy(url) as proxy:
            proxy.add(Plan(cut_reply_at=17))  # the next exchange
            ...  # talk to proxy.url
            proxy.passages[0].forwarded_bytes

    Plans are taken in the order of adding, each by the next exchange that it fits; where none fits, `default` holds.
    A plan that refuses is taken by the next connection.

    Args:
        upstream: The base URL of what stands behind.
        default: The plan of exchanges that no other plan takes.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        sleep: Waits so many seconds, within the proxy's own asyncio loop.
    """

    def __init__(
        self,
        upstream: str,
        *,
        default: Plan | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.default: Plan = default or Plan()
        self._address = (host, port)
        self._sleep = sleep
        self._lock = threading.Lock()
        self._plans: list[tuple[Plan, bytes | None]] = []
        self._passages: list[Passage] = []
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # held, or they could be collected in mid-work
        self._accepted = 0
        self._listener: asyncio.Server | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<FaultProxy {self.url} before {self._upstream[0]}:{self._upstream[1]}>"

    @property
    def url(self) -> str:
        """The base URL to talk to."""
        return f"http://{self._address[0]}:{self._address[1]}"

    @property
    def accepted(self) -> int:
        """How many connections were accepted."""
        return self._accepted

    @property
    def passages(self) -> tuple[Passage, ...]:
        """Copies of what passed, oldest first."""
        with self._lock:
            return tuple(copy.copy(passage) for passage in self._passages)

    def add(self, plan: Plan, *, times: int = 1, match: bytes | None = None) -> None:
        """
        Plan the next exchange that fits, *times* times over.

        Args:
            plan: What to do.
            times: With how many exchanges.
            match: Fits only a request whose first piece holds these bytes, such as ``b"/sys/downloads.php"``. The body
                may come in a later piece.
        """
        with self._lock:
            self._plans += [(plan, match)] * times

    def clear(self) -> None:
        """Forget the plans that nothing took."""
        with self._lock:
            self._plans.clear()

    def down(self) -> None:
        """Stop listening: connections are refused by the system until `up`. Those that stand go on."""
        self._call(self._close)

    def up(self) -> None:
        """Listen again, on the same port."""
        self._call(self._listen)

    def cut_all(self) -> None:
        """Reset every connection that stands."""
        self._call(self._reset)

    # The thread -------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="fault proxy", daemon=True)
        self._thread.start()
        if not self._ready.wait(PATIENCE) or self._failure is not None:
            raise RuntimeError("the proxy did not start") from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        if self._thread is not None:
            self._thread.join(PATIENCE)
            if self._thread.is_alive():
                raise RuntimeError("the proxy did not stop")
        if self._failure is not None:
            raise RuntimeError("the proxy itself failed") from self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except OSError as failure:
            self._failure = failure
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        await self._listen()
        self._ready.set()
        await self._end.wait()
        await self._close()
        await self._reset()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        if self._listener is not None:
            return
        self._listener = await asyncio.start_server(self._accept, *self._address, family=socket.AF_INET)
        address: tuple[str, int] = self._listener.sockets[0].getsockname()
        self._address = address

    async def _close(self) -> None:
        if self._listener is not None:
            # Not awaited: from 3.12 on, `wait_closed` waits for the connections that stand.
            await stop_listening([self._listener])
            self._listener = None

    async def _reset(self) -> None:
        for connection in tuple(self._connections):
            connection.reset()

    def _call(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        if self._loop is None or self._loop.is_closed():
            raise RuntimeError("the proxy is not running")
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(PATIENCE)

    # Connections ------------------------------------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted += 1
        connection = Connection(self._accepted, reader, writer, begin=self._begin, sleep=self._sleep)
        refusal = self._take_refusal()
        if refusal is not None:
            self._record(self._accepted, refusal).ended = "refused"
            connection.reset()
            return
        self._connections.add(connection)
        task = asyncio.create_task(connection.run(*self._upstream))
        self._tasks.add(task)

        def finish(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            self._connections.discard(connection)
            if done.cancelled():
                connection.reset()
            elif (error := done.exception()) is not None:
                self._failure = error

        task.add_done_callback(finish)

    def _take_refusal(self) -> Plan | None:
        with self._lock:
            for index, (plan, _) in enumerate(self._plans):
                if plan.refuse:
                    return self._plans.pop(index)[0]
        return self.default if self.default.refuse else None

    def _begin(self, connection: int, first: bytes) -> Passage:
        with self._lock:
            for index, (plan, match) in enumerate(self._plans):
                if not plan.refuse and (match is None or match in first):
                    del self._plans[index]
                    break
            else:
                plan = self.default
        return self._record(connection, plan)

    def _record(self, connection: int, plan: Plan) -> Passage:
        passage = Passage(connection=connection, plan=plan)
        with self._lock:
            self._passages.append(passage)
        return passage
