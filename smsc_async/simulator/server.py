"""The simulator over sockets: uvicorn in a thread of its own, on a loopback port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from smsc_async.simulator.simulator import Simulator

#: Seconds an idle connection stays open: that of most web servers in front of PHP (nginx: keepalive_timeout 75s).
KEEP_ALIVE: Final = 75

#: Seconds within which a thread must have started or ended; reached only when something is broken.
PATIENCE: Final = 10.0


@contextmanager
def serve(
    simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0, keep_alive: int = KEEP_ALIVE
) -> Generator[str, None, None]:
    """
    Serve *simulator* over HTTP while the ``with`` block lasts, and give its base URL.

    The server has a thread and an event loop of its own, so that callers may use asyncio, trio or no loop at all. One
    simulator may be served several times at once: the same state under several addresses, as with www2.

    Args:
        simulator: What to serve.
        host: The address to listen on; loopback by default.
        port: The port; 0 takes a free one.
        keep_alive: Seconds after which an idle connection is closed.
    """
    try:
        # Here, so that the simulator in process needs no extra.
        from smsc_async.simulator.threaded import threaded_server  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("serving the simulator needs uvicorn: pip install 'smsc-async[simulator]'") from error
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; without that each reply takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    server = threaded_server(simulator, keep_alive=keep_alive)
    thread = threading.Thread(target=server.run, args=([listener],), name=f"simulator {port}", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(PATIENCE):
            raise RuntimeError("the simulator's server did not start")
        bound: tuple[str, int] = listener.getsockname()[:2]
        yield f"http://[{bound[0]}]:{bound[1]}" if family == socket.AF_INET6 else f"http://{bound[0]}:{bound[1]}"
    finally:
        server.stop()
        thread.join(PATIENCE)
        if thread.is_alive():
            raise RuntimeError("the simulator's server did not stop")
