"""One life of a process that sends messages: it keeps each before it sends it, and looks for what it left open."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from smsc_async import LocalGuard, Retry, Session, new_message_id
from smsc_async.errors import MessageOutcomeUnknown, SmscError
from tests.proof.deliveries.death import Death
from tests.proof.deliveries.fast_clock import FastClock
from tests.proof.deliveries.witness import Witness, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smsc_async.events import Event

__all__ = ["LOGIN", "POINTS", "Kept", "Spec", "Worker", "kept_in", "live"]

LOGIN: Final = {"login": "sender", "password": "sender-password"}
#: Where a process kills itself: in its own steps, and where its session tells the observer of one.
POINTS: Final = (
    "a message is kept",
    "a message is sent",
    "that it is sent is noted",
    "a message left open is looked for",
    "it was found",
    "it was not sent",
    "messages.send: Attempt",
    "messages.send: Replied",
    "messages.send: OutcomeLost",
    "messages.status: Attempt",
    "messages.status: Replied",
)
_AT_A_TIME: Final = 4
_PAUSE: Final = 0.004  # seconds of the machine between two messages of one task
_SOON: Final = 1.0  # seconds after which what was refused is tried again


@attrs.frozen
class Kept:
    """A message in the process's file."""

    id: str
    phone: str
    text: str


def kept_in(notes: Path) -> tuple[list[Kept], set[str]]:
    """Read what was kept, in order, and the ids of what is known to be sent."""
    lines = lines_of(notes) if notes.exists() else []
    kept = [Kept(line.key, *line.more.split(" ", 1)) for line in lines if line.what == "kept"]
    return kept, {line.key for line in lines if line.what == "sent"}


class Worker:
    """
    Sends as an application should.

    Args:
        smsc: The account.
        notes: Its file.
        death: Where it dies.
        clock: Of the session.
    """

    lateness = 5.0  # of its guard, in seconds

    def __init__(self, smsc: Session, notes: Witness, death: Death, clock: FastClock) -> None:
        self.smsc = smsc
        self.notes = notes
        self.death = death
        self.clock = clock

    @classmethod
    def prepare(cls) -> None:
        """Make something else of the package, in this process alone; nothing here."""

    async def send_new(self, message: Kept) -> None:
        """Keep a message, then send it."""
        self.keep(message)
        await self.settle(message, maybe_sent=False)

    async def settle(self, message: Kept, *, maybe_sent: bool) -> None:
        """Send a message, or find out that it was sent; until one of both is certain."""
        unknown: MessageOutcomeUnknown | None = None
        while True:
            try:
                if not (maybe_sent and await self.was_sent(message, unknown)):
                    maybe_sent, unknown = True, None
                    await self.smsc.messages.send(message.phone, message.text, id=message.id)
                    self.death.reach("a message is sent")
            except MessageOutcomeUnknown as error:
                unknown = error
            except SmscError:
                await self.clock.sleep_until(self.clock.now() + _SOON)
            else:
                break
        self.note_sent(message)

    async def was_sent(self, message: Kept, unknown: MessageOutcomeUnknown | None) -> bool:
        """Find out whether a message was sent: one that this process could not tell of, or one that it found open."""
        self.death.reach("a message left open is looked for")
        if unknown is None:
            found = await self.smsc.messages.resolve(message.id, message.phone)
        else:
            found = await self.smsc.messages.resolve(unknown)
        self.notes.note("not sent" if found is None else "found", key=message.id)
        self.death.reach("it was not sent" if found is None else "it was found")
        return found is not None

    def keep(self, message: Kept) -> None:
        """Write a message into the file."""
        self.notes.note("kept", key=message.id, more=f"{message.phone} {message.text}", flush=True)
        self.death.reach("a message is kept")

    def note_sent(self, message: Kept) -> None:
        """Write down that a message was sent."""
        self.notes.note("sent", key=message.id, flush=True)
        self.death.reach("that it is sent is noted")


@attrs.frozen(kw_only=True)
class Spec:
    """What becomes of a life."""

    number: int
    backend: str
    folder: Path
    url: str
    began: float  # when the clock stood at its first date, by the machine's monotonic clock
    point: str = ""  # where it kills itself; nowhere where this is empty
    nth: int = 1  # at which passage
    sending: bool = True  # new messages, without end; else it ends when none is open
    worker: type[Worker] = Worker


def live(spec: Spec) -> None:
    """Send until death comes, or until nothing is open."""
    logging.disable(logging.CRITICAL)  # failures on purpose are no news
    anyio.run(_live, spec, backend=spec.backend)


async def _live(spec: Spec) -> None:
    spec.worker.prepare()
    path = spec.folder / "notes"
    kept, sent = kept_in(path)
    notes, death, clock = Witness(path, spec.number), Death(spec.point, spec.nth), FastClock(spec.began)

    def observe(event: Event) -> None:
        death.reach(f"{event.endpoint}: {type(event).__name__}")

    guard = LocalGuard(clock=clock, lateness=spec.worker.lateness)
    async with Session(**LOGIN, base_url=spec.url, guard=guard, observer=observe, retry=Retry(budget=1e9)) as smsc:
        worker = spec.worker(smsc, notes, death, clock)
        left = iter([message for message in kept if message.id not in sent])
        news = _new_messages(len(kept)) if spec.sending else iter(())
        async with anyio.create_task_group() as tasks:
            for _ in range(_AT_A_TIME):
                tasks.start_soon(_work, worker, left, news)


async def _work(worker: Worker, left: Iterator[Kept], news: Iterator[Kept]) -> None:
    for message in left:
        await worker.settle(message, maybe_sent=True)
    for message in news:
        await worker.send_new(message)
        await anyio.sleep(_PAUSE)


def _new_messages(number: int) -> Iterator[Kept]:
    """Make messages, each to a phone that had none."""
    while True:
        yield Kept(new_message_id(), f"38050{number:07d}", f"Your code is {number}")
        number += 1
