"""A receiver in a process of its own: serves callbacks into a file, and prints its address. Run by the tests."""

from __future__ import annotations

import os
import socket
import sys

import uvicorn

from smsc_async.webhooks import Receiver, SqliteStore


def main() -> None:
    """Serve on a free port until the process is ended; the path of the file is the argument."""
    receiver = Receiver(secret=os.environ["SMSC_CALLBACK_SECRET"], store=SqliteStore(sys.argv[1]))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{sock.getsockname()[1]}/", flush=True)  # noqa: T201 - this is what it is for
        uvicorn.Server(uvicorn.Config(receiver, log_config=None, lifespan="on")).run(sockets=[sock])


if __name__ == "__main__":
    main()
