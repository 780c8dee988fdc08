"""One life of a process that pays: it prints what it got, and asks the journal what it does not know."""

from __future__ import annotations

import logging
import sqlite3
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import attrs

from smsc_async import LocalGuard, Retry, Session
from smsc_async._journal import rows, striking
from smsc_async._journal.journal import Journal
from smsc_async.errors import OutcomeStillUnknown, OutcomeUnknown, SmscError
from tests.proof.deliveries.death import Death
from tests.proof.deliveries.fast_clock import FastClock
from tests.proof.deliveries.witness import Witness, lines_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Iterator

    from smsc_async import UnresolvedCall
    from smsc_async.events import Event

__all__ = ["GRACE", "LATEST", "LOGIN", "POINTS", "Spec", "Worker", "live", "phone_of"]

T = TypeVar("T")

LOGIN: Final = {"login": "buyer", "password": "buyer-password"}
GRACE: Final = 0.2  # seconds of the machine for which a row outlives its value, in place of a whole one
LATEST: Final = 15.0  # seconds for which a request may be under way after its sender has died
#: Where a process kills itself: in its own steps, in those of the journal, and where the observer is told of one.
POINTS: Final = (
    "before the row",
    "the row is inserted",
    "the row is to be committed",
    "the row is on the disk",
    "Attempt",
    "Replied",
    "OutcomeLost",
    "the outcome is to be noted as lost",
    "the outcome is noted as lost",
    "the end without a purchase is noted",
    "the value is handed over",
    "the value is there",
    "the value is printed",
    "the row is to be struck",
    "the row is deleted",
    "the row is struck",
    "the journal is asked",
    "the journal has answered",
    "it was found out",
    "that is printed",
    "the row was settled",
)
_AT_A_TIME: Final = 4
_PAUSE: Final = 0.01  # seconds of the machine between two purchases of one task
_MESSAGES: Final = 4  # every so many purchases one is a message
_CANCELLED: Final = 0.1  # share of the purchases that are cancelled
_ENOUGH: Final = 60  # purchases of a life


def phone_of(number: int) -> str:
    """Give the phone that is bought, or sent to, as the purchase of that number."""
    return f"38050{number:07d}"


@attrs.frozen(kw_only=True)
class Spec:
    """What becomes of a life."""

    number: int
    backend: str
    folder: Path
    url: str
    began: float  # when the clock stood at its first date, by the machine's monotonic clock
    seed: int
    point: str = ""  # where it kills itself; nowhere where this is empty
    nth: int = 1  # at which passage
    asks_first: bool = True  # for rents that were left open; else it relies on `rent` to say so
    paying: bool = True  # else it ends when nothing is open
    wrong: str = ""  # the name of a journal with a protection less


class Worker:
    """
    Pays as an application should.

    Args:
        smsc: The account.
        notes: What it prints.
        death: Where it dies.
        clock: Of the session.
        chance: To cancel some calls.
        bought: The phones that it knows to have bought, or sent to.
    """

    def __init__(
        self, smsc: Session, notes: Witness, death: Death, clock: FastClock, chance: Random, bought: set[str]
    ) -> None:
        self.smsc = smsc
        self.notes = notes
        self.death = death
        self.clock = clock
        self.chance = chance
        self.bought = bought

    async def clear_up(self, *, rents: bool) -> None:
        """Find out what became of the calls that the journal has."""
        self.death.reach("the journal is asked")
        left = await self.smsc.unresolved()
        self.death.reach("the journal has answered")
        if not rents:
            left[:] = [call for call in left if call.endpoint == "messages.send"]
        if not left:
            return
        # Whatever the dead process has sent is carried out by then, or never.
        await self.clock.sleep_until(self.clock.now() + LATEST + 1.0)
        # The simulator's stock is nobody else's; at a real gateway this would prove nothing.
        numbers = await self.certainly(self.smsc.numbers.available)
        for_rent = {number.phone for number in numbers}
        async with anyio.create_task_group() as tasks:
            for call in left:
                tasks.start_soon(self.find_out, call, for_rent)

    async def find_out(self, call: UnresolvedCall, for_rent: Container[str]) -> None:
        """Find out what became of a call, print it, and strike it out of the journal."""
        if call.endpoint == "messages.send":
            phone = call.recipients[0]
            bought = await self.certainly(partial(self.smsc.messages.resolve, call)) is not None
        else:
            phone = str(call.subject)
            bought = phone not in for_rent
        self.death.reach("it was found out")
        self.notes.note("bought" if bought else "not bought", key=phone)
        if bought:
            self.bought.add(phone)
        self.death.reach("that is printed")
        await self.smsc.settle(call)
        self.death.reach("the row was settled")

    async def certainly(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer."""
        while True:
            try:
                return await ask()
            except SmscError:
                await self.clock.sleep_until(self.clock.now() + 1.0)

    async def buy(self, number: int) -> None:
        """Rent a number, or send a message, and print it."""
        phone = phone_of(number)
        self.notes.note("asks", key=phone)
        with anyio.CancelScope() as scope:
            if self.chance.random() < _CANCELLED:
                scope.deadline = anyio.current_time() + self.chance.uniform(0.0, 0.02)
            try:
                if number % _MESSAGES:
                    await self.smsc.numbers.rent(phone)
                else:
                    await self.smsc.messages.send(phone, f"Your code is {number}")
            except OutcomeStillUnknown:
                await self.relied_on(phone)
            except OutcomeUnknown:
                self.notes.note("unknown", key=phone)
            except SmscError:
                self.notes.note("refused", key=phone)
            else:
                self.death.reach("the value is there")
                self.notes.note("bought", key=phone)
                self.death.reach("the value is printed")

    async def relied_on(self, phone: str) -> None:
        """Hear that a rent was left open; it is found out about in the next life."""
        self.notes.note("still unknown", key=phone)


def live(spec: Spec) -> None:
    """Pay until death comes, or until nothing is open."""
    logging.disable(logging.CRITICAL)  # failures on purpose are no news
    anyio.run(_live, spec, backend=spec.backend)


async def _live(spec: Spec) -> None:
    from tests.proof.journal.wrong import WRONG

    path = spec.folder / "notes"
    known = {line.key for line in lines_of(path) if line.what == "bought"} if path.exists() else set()
    notes, death, clock = Witness(path, spec.number), Death(spec.point, spec.nth), FastClock(spec.began)
    _watch(death)
    if spec.wrong:
        WRONG[spec.wrong]()

    def observe(event: Event) -> None:
        if event.endpoint in {"numbers.rent", "messages.send"}:
            death.reach(type(event).__name__)

    session = Session(
        **LOGIN,
        base_url=spec.url,
        guard=LocalGuard(clock=clock),
        observer=observe,
        retry=Retry(budget=1e9),
        journal=spec.folder / "journal.db",
    )
    async with session as smsc:
        worker = Worker(smsc, notes, death, clock, Random(spec.seed), known)
        await worker.clear_up(rents=spec.asks_first or not spec.paying)
        if not spec.paying:
            return
        numbers = iter(range(_ENOUGH + len(known)))
        async with anyio.create_task_group() as tasks:
            for _ in range(_AT_A_TIME):
                tasks.start_soon(_work, worker, numbers)
        await anyio.sleep(3 * GRACE)


async def _work(worker: Worker, numbers: Iterator[int]) -> None:
    for number in numbers:
        if phone_of(number) not in worker.bought:
            await worker.buy(number)
            await anyio.sleep(_PAUSE)


def _watch(death: Death) -> None:
    """Let the journal pass the points of death, in this process alone."""
    striking.GRACE = GRACE  # type: ignore[misc]
    for name, before, after in (
        ("enter", "before the row", "the row is on the disk"),
        ("lose", "the outcome is to be noted as lost", "the outcome is noted as lost"),
        ("unpaid", "", "the end without a purchase is noted"),
    ):
        _pass(name, death, before, after)
    answered = Journal.answered

    def hand_over(journal: Journal, *args: Any, **options: Any) -> None:
        answered(journal, *args, **options)
        death.reach("the value is handed over")

    setattr(Journal, "answered", hand_over)  # noqa: B010
    strike, add = rows.strike, rows.add

    def strike_rows(db: sqlite3.Connection, account: str, keys: Any) -> None:
        struck = list(keys)
        if struck:
            death.reach("the row is to be struck")
        strike(db, account, struck)
        if struck:
            death.reach("the row is deleted")
            db.set_trace_callback(partial(_at_begin, death, db))

    def add_row(db: sqlite3.Connection, *args: Any) -> None:
        add(db, *args)
        death.reach("the row is inserted")
        db.set_trace_callback(partial(_at_commit, death, db))

    rows.strike, rows.add = strike_rows, add_row


def _at_commit(death: Death, db: sqlite3.Connection, statement: str) -> None:
    if statement == "COMMIT":
        db.set_trace_callback(None)
        death.reach("the row is to be committed")


def _at_begin(death: Death, db: sqlite3.Connection, statement: str) -> None:
    if statement.startswith("BEGIN"):  # the transaction that struck it is over
        db.set_trace_callback(None)
        death.reach("the row is struck")


def _pass(name: str, death: Death, before: str, after: str) -> None:
    real: Any = getattr(Journal, name)

    async def passing(journal: Journal, *args: Any, **options: Any) -> Any:
        death.reach(before or "nowhere")
        found = await real(journal, *args, **options)
        death.reach(after)
        return found

    setattr(Journal, name, passing)
