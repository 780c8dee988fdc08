"""Where a swept call is made: the gateway, an account's guard, a warm session, and what must be as before."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import sniffio

from smsc_async import events
from tests.proof.edges.gateway import PACES, Gateway, Pace, rounds
from tests.proof.edges.moved_clock import MovedClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from smsc_async import LocalGuard, Session
    from smsc_async.events import Event

__all__ = ["LATENESS", "Stage", "staged"]

LATENESS: Final = 5.0
#: A short minute, so that tokens come home without the connections growing old meanwhile; its length is nothing here.
MINUTE: Final = 2.0
REST: Final = MINUTE + 0.5
SLOTS: Final = 14
#: Rounds of the event loop in which nothing happens, after which nothing will.
_STUCK: Final = 3_000
#: Seconds after which something hangs; far more than anything takes on a busy machine.
PATIENCE: Final = 60.0


class Stage:
    """One account at one gateway, on a clock that is moved; for one event loop."""

    def __init__(
        self, folder: Path, pace: Pace = PACES["at once"], *, guard: Callable[..., LocalGuard] | None = None
    ) -> None:
        self.clock = MovedClock()
        self.gateway = Gateway(self.clock, pace, minute=MINUTE)
        settings: dict[str, Any] = {"window": MINUTE, "margin": REST - MINUTE, "lateness": LATENESS}
        self.guard: LocalGuard = (guard or self.gateway.guard)(clock=self.clock, **settings)
        self.folder = folder
        self.told: list[Event] = []
        self.trust: ssl.SSLContext | None = None
        self.smsc: Session  # a session with connections that have served before
        self.rented: str  # a phone that the account rents
        self._numbers = 0
        self._companions: Any = None
        self._endings = AsyncExitStack()
        self.companions = 0  # that have not ended
        self.foreign = 0  # how often the gateway was told to refuse without cause

    def number(self) -> int:
        """Give a number that was not given before, for phones, ids and files."""
        self._numbers += 1
        return self._numbers

    def phone(self) -> str:
        """Give a phone that can be rented."""
        return self.gateway.stock(f"38095{self.number():07d}")

    def session(self, **options: Any) -> Session:
        """Give a session with no connections yet, which is closed when the scene is over."""
        if self.trust is not None and "transport" in options:
            options["transport"] = partial(options["transport"], ssl_context=self.trust)
        elif self.trust is not None:
            options["ssl_context"] = self.trust
        made = self.gateway.session(**{"guard": self.guard, "observer": self.told.append, **options})
        self._endings.push_async_callback(made.aclose)
        return made

    def beside(self, call: Callable[[], Awaitable[object]], *, fails: type[Exception] | tuple[()] = ()) -> None:
        """Make a call in a task of its own; it must succeed, or fail as told, before the scene is over."""

        async def one() -> None:
            try:
                await call()
            except fails:
                pass
            finally:
                self.companions -= 1

        self.companions += 1
        self._companions.start_soon(one)

    def lost(self, endpoint: str) -> list[Event]:
        """Give what the observer was told of unknown outcomes."""
        return [event for event in self.told if isinstance(event, events.OutcomeLost) and event.endpoint == endpoint]

    # ---------------------------------------------------------------- what must be so after a call was cancelled

    async def settle(self) -> None:
        """Let everything go on that the cancelled call does not hold: replies, sleepers, companions."""
        self.gateway.clear_faults()
        self.gateway.release()
        await self._companions_end()
        await rounds(4)  # for the other ends of connections that were thrown away

    def jump(self) -> bool:
        """Let the time pass that somebody sleeps; a deadline comes only where no request is under way."""
        under_way = any(account.slots.out for account in self.guard._policy.accounts.values())
        return self.clock.jump() or (not under_way and self.clock.jump(deadlines=True))

    async def complete(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make a call, let time pass while it sleeps, and give what it returned or raised."""
        outcomes: list[Any] = []

        async def one() -> None:
            try:
                outcomes.append(await call())
            except Exception as error:  # noqa: BLE001 - who asked looks at it
                outcomes.append(error)

        self.beside(one)
        await self._companions_end()
        return outcomes[0]

    async def _companions_end(self) -> None:
        still = 0
        with anyio.fail_after(PATIENCE):
            while self.companions:
                await anyio.lowlevel.checkpoint()
                still += 1
                if still % 16 == 0:
                    self.jump()

    async def nothing_is_left(self, *, fourteen: bool = True) -> None:
        """
        Assert that slots and tokens are home once `lateness` and a minute have passed, and that calls work.

        Args:
            fourteen: Whether as many calls as there are slots are made side by side, or just two.
        """
        usage = self.guard.usage(self.account)
        assert (0, 0) == (usage.in_flight, usage.waiting), "a slot or a place in line was not given back"
        self.clock.move(LATENESS)
        usage = self.guard.usage(self.account)
        assert 0 == usage.lingering, "a slot lingers for longer than the lateness"
        if not usage.accepted:  # the guard forgets an idle account when another one calls, and then tries it anew
            await self.smsc.account.balance()
        await self.calls_work(SLOTS if fourteen else 2)
        self.clock.move(REST)
        usage = self.guard.usage(self.account)
        assert () == usage.rules, f"tokens did not come home: {usage.rules}"
        assert usage.foreign <= self.foreign, "the gateway refused what the guard had let through"
        await self._endings.aclose()
        for _ in range(200):  # the other ends of what was closed are closed a few rounds later
            if self.gateway.open <= SLOTS and self.tasks() == self._tasks_before:
                break
            await anyio.lowlevel.checkpoint()
        assert self.gateway.open <= SLOTS, f"{self.gateway.open} connections stand"
        assert self._tasks_before == self.tasks(), "a task was left behind"

    async def calls_work(self, count: int) -> None:
        """Make so many calls side by side, all in flight at once, and get their answers."""
        self.gateway.hold_until(count)
        answers: list[object] = []

        async def one(number: int) -> None:
            answers.append(await self.smsc.calls.request(f"38067{number:07d}"))

        stuck = False
        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(one, number)
            still, seen = 0, (-1, -1)
            while len(answers) < count and not stuck:
                await anyio.lowlevel.checkpoint()
                now = (self.gateway.held, len(answers))
                still, seen = (still + 1 if now == seen else 0), now
                if stuck := still > _STUCK:
                    tasks.cancel_scope.cancel()
        self.gateway.release()
        assert not stuck, f"of {count} calls side by side {seen[0]} came to the gateway, {seen[1]} were answered"

    @property
    def account(self) -> str:
        """The account's name in the guard."""
        return self.smsc._conductor.shared.identity.account

    def tasks(self) -> int:
        """Count the tasks of the event loop, without those of the gateway's connections."""
        if sniffio.current_async_library() == "trio":
            return int(sys.modules["trio"].lowlevel.current_statistics().tasks_living) - self.gateway.open
        return len(asyncio.all_tasks()) - self.gateway.open

    async def open(self, companions: Any) -> None:
        """Warm the session up, and note what must be as before."""
        self._companions = companions
        self.smsc = self.gateway.session(guard=self.guard, observer=self.told.append, ssl_context=self.trust)
        for _ in range(3):
            self.gateway.simulator.add_task(rows=3)
        self.rented = self.phone()
        await self.smsc.numbers.rent(self.rented)
        await self.calls_work(SLOTS)
        self.clock.move(REST)
        self._tasks_before = self.tasks()


@asynccontextmanager
async def staged(stage: Stage, authority: Any = None) -> AsyncIterator[Stage]:
    """Open the stage, and see at the end that no socket is left and the gateway has nothing to complain of."""
    tls = None
    if authority is not None:
        tls, stage.trust = authority.server(), authority.client()
    gc.collect()
    async with stage.gateway.serving(tls), anyio.create_task_group() as companions:
        before = _descriptors()
        await stage.open(companions)
        yield stage
        await stage.smsc.aclose()
        gc.collect()  # a connection that nobody closed would warn here
        for _ in range(_STUCK):
            if not stage.gateway.open and _descriptors() <= before:
                break
            await anyio.lowlevel.checkpoint()
        assert 0 == stage.gateway.open, "a connection was left open"
        assert before == _descriptors(), "a socket or a file was left open"
    verdict = stage.gateway.simulator.verdict()
    # A second rent waits for the first one's outcome, and is then sent and refused: that is as it should be.
    said = [line for line in verdict.problems(any_instant=True) if "was asked for again" not in line]
    assert [] == said, f"the gateway complains: {said}"
    assert set() == {"duplicate", "concurrency"} & set(verdict.refusals), "the gateway refused a request"


def _descriptors() -> int:
    """Count what this process has open (Linux)."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").exists() else ():
        with suppress(FileNotFoundError):  # the folder's own descriptor
            count += str(entry.readlink()) != "/dev/null"  # libuv keeps one in reserve
    return count
