"""A process of the chaos run: it asks its guard, sends to the gateway that counts, and does so until it is killed."""

from __future__ import annotations

import os
import random
import sys
import time

import anyio

from smsc_async.errors import SmscError
from smsc_async.guard import Demand, Identity, Outcome, Reason, Rule
from tests.proof.redis.chaos import FACTORIES, KEYS, LASTS, LIMIT

SAME = Rule("same", Reason.IDENTICAL, LIMIT)
ONCE = os.environ.get("CHAOS_IGNORES_SEND_BY") == "1"


async def work(guard: object, port: int, chance: random.Random) -> None:
    """Make one call after the other."""
    identity = Identity("account", "credential", "https://smsc.ua")
    while True:
        key = f"k{chance.randrange(KEYS)}"
        wanted = Demand("chaos", identity, [(SAME, key.encode())], lasts=LASTS)
        try:
            lease = await guard.acquire(wanted, deadline=guard.clock.now() + 3.0)  # type: ignore[attr-defined]
        except SmscError:
            await anyio.sleep(0.05)
            continue
        if chance.random() < 0.02:
            time.sleep(chance.choice((0.1, 0.6, 1.2)))  # it is stopped between grant and write
        outcome = Outcome.UNSENT
        try:
            left = lease.expires_at - guard.clock.now()  # type: ignore[attr-defined]
            with anyio.move_on_after(max(left, 0.0)):
                async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                    if guard.clock.now() < lease.send_by or ONCE:  # type: ignore[attr-defined]
                        outcome = Outcome.UNKNOWN
                        await stream.send(key.encode())
                        if await stream.receive(10) == b"ok":
                            outcome = Outcome.ACCEPTED
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError):
            pass
        finally:
            guard.finish(lease, outcome)  # type: ignore[attr-defined]


async def main(factory: str, place: str, port: int) -> None:
    """Work in parallel."""
    guard = FACTORIES[factory](place)
    chance = random.Random()
    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(work, guard, port, chance)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
