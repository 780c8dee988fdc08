"""One worker of several: calls of its own and calls that all make, as fast as its guard allows. Run by the tests."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import anyio

from smsc_async import HostGuard, LocalGuard, Session
from smsc_async.errors import TooManyRequests, WaitTooLong

PAIR = {"login": os.environ["SMSC_LOGIN"], "password": os.environ["SMSC_PASSWORD"]}


async def main(url: str, name: str, file: str, minute: float, seconds: float) -> None:
    """Work for some seconds; a line when it begins, and one with what it did."""
    scale = {"window": minute, "margin": minute / 40, "lateness": minute / 12}
    guard = HostGuard(file, **scale) if file else LocalGuard(**scale)
    done = refused = 0
    print("ready", flush=True)  # noqa: T201 - this is what it is for
    async with Session(**PAIR, base_url=url, guard=guard, retry=None, timeout=30.0, journal=False) as smsc:

        async def one(number: int) -> None:
            nonlocal done, refused
            view = smsc.with_options(max_wait=seconds)
            with suppress(WaitTooLong), anyio.move_on_after(seconds):
                for turn in range(1_000):
                    try:
                        await view.calls.request(f"38067{name}{number:03d}{turn:03d}")
                        await view.numbers.available()
                    except TooManyRequests:
                        refused += 1
                    else:
                        done += 1

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(one, number)
    print(done, refused, flush=True)  # noqa: T201 - likewise


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
