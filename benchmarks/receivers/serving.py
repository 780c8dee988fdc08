"""
A process that serves one app with uvicorn, and says what that has cost so far.

It prints its port; then, for each line that it reads, a line with the CPU it has used and the events that its handler
had. It ends when there is nothing more to read.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from smsc_async.webhooks import Event

__all__ = ["Tally", "main"]


class Tally:
    """A handler that does nothing but count."""

    def __init__(self) -> None:
        self.events = 0
        self.ids = 0  # the sum of them, which proves that each was read

    async def handle(self, event: Event) -> None:
        """Count an event."""
        self.events += 1
        self.ids += int(getattr(event, "id", 0))

    def take(self, _: bytes) -> None:
        """Count a body that nobody looks at."""
        self.events += 1


def _report(tally: Tally, server: uvicorn.Server) -> None:
    """Answer questions, in a thread of its own: between them it costs nothing."""
    for _ in sys.stdin:
        print(json.dumps({"cpu": time.process_time(), "events": tally.events, "ids": tally.ids}), flush=True)
    server.should_exit = True


async def _serve(app: Any, tally: Tally) -> None:
    # What `pip install uvicorn` gives: h11 reads the requests, and the loop is asyncio's. No line of log for each.
    config = uvicorn.Config(app, port=0, http="h11", loop="asyncio", ws="none", access_log=False, log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - it does not tell
        await asyncio.sleep(0.005)
    if server.started:
        print(server.servers[0].sockets[0].getsockname()[1], flush=True)
        threading.Thread(target=_report, args=(tally, server), daemon=True).start()
    await serving


def main() -> None:
    """Serve the app that the module named by the first argument makes."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_serve(importlib.import_module(sys.argv[1]).made(tally, Path(folder)), tally))


if __name__ == "__main__":
    main()
