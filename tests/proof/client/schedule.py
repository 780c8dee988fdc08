"""Runs the whole client through one schedule, and sees to it that nothing is left over."""

from __future__ import annotations

import gc
import math
from random import Random
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import anyio

from smsc_async import ReplyFormat, Retry, Session
from tests.proof.client.book import LATENESS, Book, Record
from tests.proof.client.calls import Users
from tests.proof.client.faults import Fault
from tests.proof.client.gateway import Gateway
from tests.proof.client.judge import judge
from tests.proof.client.limits import MOST
from tests.proof.client.network import Network
from tests.proof.client.plan import CallPlan, Plan, draw
from tests.proof.client.surroundings import DatedClock, surroundings
from tests.proof.client.virtual import Hang, Time, run
from tests.proof.client.watch import WatchedGuard, judgements_counted, observer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.proof.client.reach import Reach

__all__ = ["GUARD", "run_schedule"]

#: What the guard is made with; wrong clients change it.
GUARD: Final[dict[str, Any]] = {}
_UNTIL: Final = 200_000.0  # virtual seconds
_STEPS: Final = 400_000
_LONG: Final = 2 * 3_600.0  # seconds; longer than any lock, pause or recovery that the guard knows
_BACKEND: Final = "httpcore._async.connection_pool.AutoBackend"  # what every HTTP transport opens connections with


def run_schedule(seed: int, reach: Reach, *, trace: bool = False) -> Book:
    """Run the schedule of *seed*; give its book, with what was wrong in it."""
    plan = draw(seed)
    book = Book(lines=[] if trace else None)
    stage = _Stage(plan, book, reach)
    # What is patched is patched out here: a schedule that hangs leaves its coroutines to the collector, which would
    # undo it at a moment of its own, perhaps in the middle of the next schedule.
    with surroundings(book) as folder, mock.patch(_BACKEND, stage.network):
        try:
            with judgements_counted(reach):
                run(
                    plan.backend,
                    seed,
                    lambda time: stage.play(time, folder),
                    zero=plan.zero,
                    until=_UNTIL,
                    steps=_STEPS,
                )
        except Hang as hang:
            book.complain(f"hangs: {hang}; {stage.standing()}")
        except Exception as error:  # noqa: BLE001 - whatever escapes from the client, wrong ones above all
            book.complain(f"ends with {error!r}; {stage.standing()}")
        else:
            stage.judge(folder)
        stage.forget()
    reach.schedules += 1
    reach.calls += len(book.records)
    reach.requests += len(book.passages)
    return book


class _Stage:
    """One schedule on its way."""

    def __init__(self, plan: Plan, book: Book, reach: Reach) -> None:
        self._plan = plan
        self._book = book
        self._reach = reach
        self._guard: WatchedGuard
        self._gateway: Gateway
        self._network: Network
        self._sessions: list[Session] = []

    async def play(self, time: Time, folder: Path) -> None:
        """Play the schedule, then its aftermath."""
        plan, book, reach = self._plan, self._book, self._reach
        book.now = time.now
        users = Users(time, book, folder, reach.count)
        self._gateway = Gateway(plan, time, book, reach.count)
        self._network = Network(time, book, self._gateway, users.reached)
        self._guard = guard = WatchedGuard(clock=DatedClock(), **GUARD)
        guard.watch(book, reach, users.reached)
        tasks = time.tasks()
        self._sessions = [self._session(number) for number in range(len(plan.sessions))]
        async with anyio.create_task_group() as group:
            for number, call in enumerate(plan.calls):
                record = Record(number, call, plan.sessions[call.session].account)
                book.records.append(record)
                group.start_soon(users.make, self._sessions[call.session], record)
            for number, session in enumerate(plan.sessions):
                if session.closes_at is not None:
                    group.start_soon(self._close, number, session.closes_at)
        await self._aftermath(time, users)
        if time.tasks() != tasks:
            book.complain(f"{time.tasks() - tasks} tasks are left over")
        for problem in time.problems:
            book.complain(problem)
        self._network.over = True

    def network(self) -> Network:
        """Give what connections are opened with."""
        return self._network

    def _session(self, number: int) -> Session:
        plan = self._plan.sessions[number]
        random = Random(f"{self._plan.seed}/session {number}")
        named: dict[str, Any] = {"login": f"login {plan.account}", "password": f"password {plan.account}"}
        if plan.apikey:
            named = {"apikey": f"key {plan.account}"}
        if plan.proxied:
            named["proxy"] = "http://proxy.example:3128"
        return Session(
            **named,
            account=f"account {plan.account}",
            base_url="https://smsc.ua" if self._plan.secure else "http://127.0.0.1:8080",
            reply_format=ReplyFormat(plan.reply_format),
            timeout=plan.timeout,
            guard=self._guard,
            retry=None if plan.attempts is None else Retry(plan.attempts, random=random.random),
            observer=observer(self._book, self._reach),
        )

    async def _close(self, number: int, moment: float) -> None:
        await anyio.sleep(moment)
        self._book.trace("session", number, "FAULT: is closed")
        self._reach.count(Fault.SESSION_CLOSED)
        await self._sessions[number].aclose()
        self._book.closings[number] = moment, self._book.now()
        self._book.trace("session", number, "closed")

    # ---------------------------------------------------------------- afterwards

    async def _aftermath(self, time: Time, users: Users) -> None:
        """Everything comes home: first what no refusal holds back, then the rest; then fourteen calls run at once."""
        book, guard, gateway = self._book, self._guard, self._gateway
        book.trace("schedule", self._plan.seed, "all calls have ended")
        if guard.leases:
            book.complain(f"{len(guard.leases)} leases are not given back")
        gateway.calm = True
        await anyio.sleep(LATENESS + guard.window + guard.margin + 0.001)
        self._at_rest("a minute after the last call", recovered=False)
        await anyio.sleep(_LONG)
        accounts = sorted({plan.account for plan in self._plan.sessions})
        await self._fourteen(accounts[self._plan.seed // 7 % len(accounts)], time, users)
        await anyio.sleep(_LONG)  # after a refusal slots come back one a minute
        self._at_rest("hours after the last call", recovered=True)
        for link in self._network.open:
            if link.passage is None or not link.passage.answered:
                book.complain(f"link {link.number} is open, and not idle")
        if self._plan.seed % 3:  # else they are left to the end of the event loop
            for session in self._sessions:
                await session.aclose()
            if self._network.open:
                book.complain(f"{len(self._network.open)} connections stay open when their session is closed")

    def _at_rest(self, when: str, *, recovered: bool) -> None:
        """
        Say whether all slots and tokens are home.

        After a refusal the guard holds tokens back until a probe has come back good, and slots for some minutes.
        """
        for plan, session in zip(self._plan.sessions, self._sessions, strict=False):
            usage = session.limits()
            waiting = usage.waiting + sum(rule.waiting for rule in usage.rules)
            busy = usage.in_flight + usage.lingering + waiting
            if not self._gateway.refusals:
                busy += len(usage.rules) + usage.foreign
            if busy or (usage.slots != MOST and (recovered or not self._gateway.refusals)):
                self._book.complain(f"account {plan.account} is not at rest {when}: {usage}")

    async def _fourteen(self, account: int, time: Time, users: Users) -> None:
        """After one call that proves the credentials, fourteen start at once."""
        number = next(number for number, plan in enumerate(self._plan.sessions) if plan.account == account)
        session = self._session(number)
        self._sessions.append(session)
        before = len(self._book.records)
        begun = [self._record(number, account, "balance", ())]
        await users.make(session, begun[0])
        start = time.now()
        async with anyio.create_task_group() as group:
            for each in range(MOST):
                record = self._record(number, account, "request", (f"38099000{account}0{each:02d}",))
                begun.append(record)
                group.start_soon(users.make, session, record)
        late = [record.passages[0].first_byte - start if record.passages else math.inf for record in begun[1:]]
        if max(late) > 0.1 or not all(record.answered for record in self._book.records[before:]):
            self._book.complain(f"of fourteen calls at rest, account {account}, the last starts after {max(late)} s")

    def _record(self, session: int, account: int, kind: str, args: tuple[Any, ...]) -> Record:
        plan = CallPlan(session=session, kind=kind, args=args, at=0.0)
        record = Record(len(self._book.records), plan, account, late=True)
        self._book.records.append(record)
        return record

    def judge(self, folder: Path) -> None:
        """Look at what is left when the event loop has ended, and hand the book to the judge."""
        book, plan = self._book, self._plan
        if self._network.open:
            book.complain(f"{len(self._network.open)} connections outlive their event loop")
        if parts := list(folder.rglob("*.part")):
            book.complain(f"{len(parts)} files are left half written")
        for record in book.records:
            if record.error is not None:
                self._reach.raised(record.error)
        judge(plan, book, self._reach)

    def standing(self) -> str:
        """Say which calls have not ended."""
        names = [record.name for record in self._book.records if record.ended is None]
        return f"waiting: {', '.join(names) or 'none'}"

    def forget(self) -> None:
        """Let go of everything, so that what is never awaited or closed shows itself."""
        self._sessions.clear()
        self._network.links.clear()
        gc.collect()
