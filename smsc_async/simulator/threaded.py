"""uvicorn as the simulator wants it: in a thread of its own, and quick to start and to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import uvicorn

from smsc_async.simulator.asgi import Receive, Scope, Send
from smsc_async.simulator.listening import stop_listening
from smsc_async.simulator.simulator import Simulator


class ThreadedServer(uvicorn.Server):
    """uvicorn that starts and stops at once: its own loop looks for the end ten times a second, and drains."""

    def __init__(self, config: uvicorn.Config, simulator: Simulator) -> None:
        super().__init__(config)
        self._simulator = simulator
        self.ready: threading.Event = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    async def main_loop(self) -> None:
        """Call handlers back until `stop`."""
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)  # sets the default headers
        async with self._simulator.calling_back(in_process=False):  # an app belongs to the loop of who gave it
            self.ready.set()
            await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut every connection and end every request."""
        await stop_listening(self.servers)
        # Connections first, so that nobody is answered any more.
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        tasks = tuple(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self.servers:
            await server.wait_closed()
        for listener in sockets or ():
            listener.close()

    def stop(self) -> None:
        """End it, from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)


def threaded_server(simulator: Simulator, *, keep_alive: int) -> ThreadedServer:
    """Give a server of *simulator* that closes idle connections after *keep_alive* seconds."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Cancelled when the server stops; uvicorn would report every request that was cut off as a defect.
        with contextlib.suppress(asyncio.CancelledError):
            await simulator(scope, receive, send)

    config = uvicorn.Config(
        app,
        interface="asgi3",
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # what goes wrong in the simulator is in its verdict
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=keep_alive,
    )
    return ThreadedServer(config, simulator)
