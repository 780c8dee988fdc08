"""
Messages followed to their end by asking: what it takes together, and what it takes one by one.

Nothing here is measured by the machine's clock: these are counts, and seconds of a clock that is moved. The figures of
`docs/reliability.md` are those of ``python -m tests.proof.following``.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio
import httpx

from smsc_async import LocalGuard, Session
from smsc_async.events import Waiting
from smsc_async.simulator import Simulator
from smsc_async.simulator.effects import Delay
from smsc_async.simulator.fates import Fate
from smsc_async.simulator.faults import Fault
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smsc_async import SentMessage
    from smsc_async.events import Event

__all__ = ["measure", "one_by_one", "together"]

_LATENCY = 0.1  # seconds for each request
_SLOWEST = 600.0  # seconds until the last message is delivered
_PAUSE = 15.0  # seconds between two questions about one message, where it is asked for by itself


def main() -> None:
    """Follow them in both ways, and show the table."""
    parser = argparse.ArgumentParser("python -m tests.proof.following", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    many: int = parser.parse_args().messages
    # On trio: asyncio has no way to say at once that ten thousand tasks wait, which a clock that is moved must know.
    found = [anyio.run(measure, many, way, backend="trio") for way in (together, one_by_one)]
    lines = [f"| {many:,} messages | `messages.wait` | `messages.status` of each |", "|---|---:|---:|"]
    lines += [f"| {label} | " + " | ".join(f"{each[label]:,.0f}" for each in found) + " |" for label in found[0]]
    sys.stdout.write("\n".join(lines) + "\n")


async def measure(many: int, way: Callable[[Session, FakeClock, SentMessage], Awaitable[object]]) -> dict[str, float]:
    """Send so many messages, and follow them that way."""
    clock, waits, known_at = FakeClock(), Counter[str](), 0.0
    simulator = Simulator(clock=clock.now, sleep=clock.sleep, log_size=1_000_000, balance=Decimal(many))
    simulator.faults.add(Fault(Delay(before_reply=_LATENCY), times=None))
    chance = random.Random(0)
    phones = [f"38067{number:07d}" for number in range(many)]
    for phone in phones:
        simulator.set_fate(Fate(waits=1.0, travels=chance.random() * _SLOWEST), phone)

    def observe(event: Event) -> None:
        if isinstance(event, Waiting):
            waits[event.endpoint] += 1

    async def follow(smsc: Session) -> None:
        nonlocal known_at
        sent = await smsc.messages.send(phones, "hello")
        await way(smsc, clock, sent)
        known_at = clock.now()

    session = Session(
        login="demo",
        password="demo",
        guard=LocalGuard(clock=clock),
        transport=lambda: httpx.ASGITransport(simulator),
        observer=observe,
    )
    async with session as smsc, anyio.create_task_group() as tasks:
        tasks.start_soon(follow, smsc)
        while not known_at:
            await clock.advance(10.0)
    asked = Counter(arrival.action for arrival in simulator.log if arrival.endpoint == "status.php")
    last = max(message.changed_at for message in simulator.messages)
    return {
        "requests for statuses": sum(asked.values()),
        "of them for many at once": sum(n for action, n in asked.items() if action != "status"),
        "times that the guard held one": sum(n for name, n in waits.items() if name != "messages.send"),
        "seconds until all are known": known_at,
        "seconds after the last was delivered": known_at - last,
    }


async def together(smsc: Session, _: FakeClock, sent: SentMessage) -> None:
    """Wait for all of them at once."""
    await smsc.messages.wait(sent)


async def one_by_one(smsc: Session, clock: FakeClock, sent: SentMessage) -> None:
    """Ask for each by itself, and again some time after its last answer, as soon as the guard lets it."""

    async def follow(phone: str) -> None:
        while not (await smsc.messages.status(phone, sent.id)).is_final:
            await clock.sleep(_PAUSE)

    async with anyio.create_task_group() as tasks:
        for recipient in sent.recipients:
            tasks.start_soon(follow, recipient.phone)


if __name__ == "__main__":
    main()
