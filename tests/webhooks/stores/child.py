"""
Processes that share a store's file, for `test_processes`.

::

    python -m tests.webhooks.stores.child share PATH NAME COUNT
    python -m tests.webhooks.stores.child steps FOLDER
    python -m tests.webhooks.stores.child fork PATH
    python -m tests.webhooks.stores.child full PATH
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import anyio

from smsc_async.errors import StoreUnavailable
from smsc_async.webhooks.sqlite import SqliteStore
from smsc_async.webhooks.stores import Entry, Standing
from tests.webhooks.stores.making import ANY, NOW, entry, taken

_MOST_STEPS: Final = 200


async def share(path: str, name: str, count: int) -> dict[str, Any]:
    """Add events that the other process adds too, and handle those that it does not; say which were whose."""
    store = SqliteStore(path, busy_timeout=30.0)
    new, claimed = [], []

    async def add(first: int) -> None:
        for number in range(first, count, 8):
            if await store.add(entry(f"{number}", f"subject {number % 5}"), now=NOW) is Standing.NEW:
                new.append(number)  # noqa: PERF401 - told one by one

    async def handle() -> None:
        while len(await _settled(store, count)) < count:
            claim = await store.claim(ANY, now=NOW, lease=60.0)
            if claim is not None:
                claimed.append(claim.key)
                await store.mark(claim, name)
                await store.settle(claim, now=NOW)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(add, number)
        for _ in range(4):
            tasks.start_soon(handle)
    await store.aclose()
    return {"new": new, "claimed": claimed}


async def _settled(store: SqliteStore, count: int) -> list[int]:
    def settled(db: sqlite3.Connection) -> list[int]:
        return [number for (number,) in db.execute("SELECT id FROM events WHERE settled_at IS NOT NULL")]

    return await store._commits.run(settled)


def steps(folder: str) -> list[list[str]]:
    """Kill a process at its first statement, the next one at its second, and so on; say what each had noted as done."""
    found = []
    for number in range(1, _MOST_STEPS):
        notes = Path(folder) / f"{number}.notes"
        child = os.fork()
        if not child:
            asyncio.run(_story(Path(folder) / f"{number}.db", notes, number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        found.append(notes.read_text().split() if notes.exists() else [])
        if not os.WIFSIGNALED(status):
            break
    return found


async def _story(path: Path, notes: Path, last: int) -> None:
    """Take an event through its life, and note each step behind it; end at a statement."""
    left = iter(range(last - 1))

    def trace(statement: str) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    connect: Any = sqlite3.connect

    def connect_traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.set_trace_callback(trace)
        return connection

    setattr(sqlite3, "connect", connect_traced)  # noqa: B010 - of this process, which is soon dead
    store = SqliteStore(path)

    def note(step: str) -> None:
        with notes.open("a") as file:
            file.write(f"{step}\n")

    await store.add(entry("a", "subject", 2.0), now=NOW)
    note("added")
    claim = await taken(store)
    note("claimed")
    await store.mark(claim, "one")
    note("marked")
    await store.settle(claim, now=NOW)
    note("settled")


def fork(path: str) -> list[int]:
    """Fork while a thread's event loop writes to the store, and go on with it in all processes; give exit codes."""
    store = SqliteStore(path, busy_timeout=30.0)
    begun, enough = threading.Event(), threading.Event()

    async def write() -> None:
        number = 0
        while not enough.is_set():
            await store.add(entry(f"parent {number}"), now=NOW)
            number += 1
            begun.set()
        await store.add(entry("parent's last"), now=NOW)
        await store.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(write()))
    thread.start()
    begun.wait()  # a fork while another thread imports something leaves the child without that module for ever
    children = []
    for number in range(10):
        time.sleep(0.01)
        child = os.fork()
        if not child:
            os._exit(asyncio.run(_in_child(store, number)))
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    enough.set()
    thread.join()
    return codes


async def _in_child(store: SqliteStore, number: int) -> int:
    found = await store.add(entry(f"child {number}"), now=NOW)
    await store.aclose()
    return 0 if found is Standing.NEW else 1


async def full(path: str) -> list[str]:
    """Store events until the system lets no file grow, then let it, and go on; say what became of each."""
    store = SqliteStore(path)
    await store.add(entry("first"), now=NOW)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    found = []
    for number in range(60):
        if number == 5:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
        if number == 55:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        try:
            found.append((await store.add(Entry(kind="Event", key=f"{number}", payload=b"x" * 20_000), now=NOW)).name)
        except StoreUnavailable:
            found.append("refused")
    await store.aclose()
    return found


def main(command: str, *arguments: str) -> None:
    """Do what is asked, and print what came of it."""
    if command == "share":
        path, name, count = arguments
        found: Any = asyncio.run(share(path, name, int(count)))
    elif command == "full":
        found = asyncio.run(full(*arguments))
    else:
        found = {"steps": steps, "fork": fork}[command](*arguments)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
