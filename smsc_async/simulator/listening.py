"""How to stop listening without losing anybody who was being let in just then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

#: Turns of the loop that asyncio takes from accepting a connection to `connection_made`, and one to spare.
TURNS = 4


async def stop_listening(servers: Iterable[asyncio.Server]) -> None:
    """
    Close *servers*; every connection that was accepted is there afterwards, to be closed as well.

    asyncio loses the socket of a connection that it has accepted, but not yet made a transport of, when its server
    closes (an assertion of `Server._attach` fails, in 3.11 at least). So accepting ends first, and closing comes later.
    """
    servers = tuple(servers)
    loop = asyncio.get_running_loop()
    for server in servers:
        for listener in server.sockets:
            with contextlib.suppress(NotImplementedError):  # a loop without readers, on Windows
                loop.remove_reader(listener.fileno())
    for _ in range(TURNS):
        await asyncio.sleep(0)
    for server in servers:
        server.close()
