"""Where the rows are played: the gateway over sockets on a clock that runs fast, or in process on one that is moved."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from smsc_async import LocalGuard, Retry, Session
from smsc_async.aiohttp import AiohttpTransport
from smsc_async.simulator import Delay, Fault, FaultProxy, RentableNumber, Simulator
from smsc_async.testing import FakeClock, SimulatedGateway
from tests.canaries import RUN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from random import Random

    from smsc_async.events import Event
    from smsc_async.simulator import Arrival, Verdict


def stock(count: int) -> tuple[RentableNumber, ...]:
    """Give so many numbers for rent."""
    return tuple(RentableNumber(f"38095{number:07d}") for number in range(count))


STOCK = stock(12)
PHONE, OTHER = STOCK[0].phone, STOCK[1].phone
SUBSCRIBER = "380671234567"

#: How fast the clock of a stage runs: a minute is over in 0.12 s, and the pauses of 1 to 3 s are not noticed.
FAST = 500.0


class FastClock:
    """The machine's clock, run *factor* times as fast; for real sockets, in any event loop or thread."""

    def __init__(self, factor: float = FAST) -> None:
        self.factor = factor

    def now(self) -> float:
        return time.monotonic() * self.factor

    async def sleep_until(self, moment: float) -> None:
        if moment == float("inf"):
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110 - a clock is made of sleeping
            await anyio.sleep(left / self.factor)

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + seconds)

    def deadline(self, moment: float) -> anyio.CancelScope:
        return anyio.CancelScope(deadline=anyio.current_time() + (moment - self.now()) / self.factor)

    def date(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now())


class Stage(SimulatedGateway):
    """
    The gateway over sockets with its real minute of 60 s, on a fast clock; with a fault proxy before it if wanted.

    Sessions of it have the strict guard. Their time-out is long, because the machine may be busy.
    """

    over_aiohttp = False  # the fixtures of a test module set it

    def __init__(
        self, *, factor: float = FAST, login: str | None = None, password: str | None = None, **settings: Any
    ) -> None:
        self.clock = FastClock(factor)
        self.LOGIN = login or self.LOGIN
        self.PASSWORD = password or self.PASSWORD
        super().__init__(
            **{
                "window": 60.0,
                "clock": self.clock.now,
                "sleep": self.clock.sleep,
                "numbers": STOCK,
                "balance": Decimal(100_000),
                **settings,
            }
        )
        self.events: list[Event] = []
        self.proxy: FaultProxy | None = None

    def guard(self, **settings: Any) -> LocalGuard:
        return LocalGuard(**{"clock": self.clock, **settings})

    def session(self, **options: Any) -> Session:
        url = self.url if self.proxy is None else self.proxy.url
        defaults = {"base_url": url, "timeout": 30.0 * self.clock.factor, "observer": self.events.append}
        if self.over_aiohttp:
            defaults["transport"] = AiohttpTransport
        return super().session(**{**defaults, "retry": Retry(random=lambda: 0.0), **options})

    def arrivals(self, action: str) -> list[Arrival]:
        """Give what arrived of one action."""
        return [arrival for arrival in self.simulator.log if arrival.action == action and not arrival.foreign]

    def executed(self, action: str) -> int:
        """Count how often an action was carried out."""
        return sum(arrival.acted for arrival in self.arrivals(action))

    def seen(self, kind: type[Event]) -> list[Any]:
        """Give the events of one kind that the sessions told."""
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def stage(*, proxy: bool = False, **settings: Any) -> Iterator[Stage]:
    """Put up a stage, with or without a fault proxy."""
    with Stage(**settings) as place:
        if not proxy:
            yield place
            return
        with FaultProxy(place.url, sleep=place.clock.sleep) as place.proxy:
            yield place


class Virtual:
    """
    The gateway in process, on a clock that is moved: an hour passes at once, at the gateway and here alike.

    For trio, where waiting until all tasks are blocked costs nothing.

    Args:
        offset: Added to the gateway's clock; a test may change it as it goes.
        settings: Of the simulator.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock(1_000.0)
        self.offset = 0.0
        self.simulator = Simulator(
            **{
                **RUN.pair,
                "clock": lambda: self.clock.now() + self.offset,
                "sleep": self.clock.sleep,
                "numbers": STOCK,
                "balance": Decimal(100_000),
                **settings,
            }
        )
        self.events: list[Event] = []

    def guard(self, **settings: Any) -> LocalGuard:
        """Give the strict guard on the moved clock."""
        return LocalGuard(**{"clock": self.clock, **settings})

    def session(self, **options: Any) -> Session:
        """Give a session whose exchanges have all the time in the world."""
        if "apikey" not in options:
            options = {**RUN.pair, **options}
        return Session(
            **{
                "base_url": "http://127.0.0.1:9",  # nobody listens there, and nobody is asked
                "guard": self.guard(),
                "transport": lambda: httpx.ASGITransport(app=self.simulator),
                "timeout": 10_000.0,
                "observer": self.events.append,
                **options,
            }
        )

    def arrivals(self, action: str) -> list[Arrival]:
        """Give what arrived of one action."""
        return [arrival for arrival in self.simulator.log if arrival.action == action and not arrival.foreign]


async def outcome_of(call: Callable[[], Awaitable[object]]) -> object:
    """Give what a call returned or raised."""
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error


async def raised_by(call: Callable[[], Awaitable[object]]) -> BaseException:
    """Give what a call raised; it must raise."""
    outcome = await outcome_of(call)
    assert isinstance(outcome, Exception), outcome
    return outcome


async def until(true: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Wait, at most so many seconds of the machine's clock, until something is so."""
    with anyio.fail_after(seconds):
        while not true():  # noqa: ASYNC110 - it mostly comes true in the gateway's thread
            await anyio.sleep(0.002)


async def play(clock: FakeClock, schedule: Iterable[tuple[float, Callable[[], Awaitable[object]]]]) -> list[object]:
    """
    Start each call at its moment, in seconds from now, and move the clock until all have ended.

    Returns:
        What each call returned or raised, in the order of the schedule.
    """
    began = clock.now()
    found: dict[int, object] = {}

    async def one(number: int, at: float, call: Callable[[], Awaitable[object]]) -> None:
        await clock.sleep_until(began + at)
        found[number] = await outcome_of(call)

    async with anyio.create_task_group() as tasks:
        plan = list(schedule)
        for number, (at, call) in enumerate(plan):
            tasks.start_soon(one, number, at, call)
        for _ in range(2_000):
            await clock.advance(60.0)
            if len(found) == len(plan):
                break
        else:
            pytest.fail(f"{len(plan) - len(found)} calls never ended")
    return [found[number] for number in range(len(plan))]


def busy_hour(smsc: Session, random: Random, *, calls: int = 400, minutes: int = 20) -> list[tuple[float, Any]]:
    """Give a schedule of calls with few hot keys and many cold ones, in bursts and apart."""
    schedule: list[tuple[float, Any]] = []
    for number in range(calls):
        at = random.choice([0.0, 60.0 * random.randrange(minutes), 60.0 * minutes * random.random()])
        kind = random.randrange(10)
        if kind < 2:
            call: Any = smsc.numbers.available
        elif kind < 4:
            call = smsc.account.balance
        elif kind < 6:
            call = partial(smsc.downloads.list, limit=1 + random.randrange(3))
        elif kind < 7:
            call = partial(smsc.calls.request, SUBSCRIBER)
        else:
            call = partial(smsc.calls.request, f"38063{number:07d}")
        schedule.append((at, call))
    return schedule


def spread(seconds: float) -> Fault:
    """Give random latency for every request: as it is counted and as it is answered, up to so many seconds each."""
    return Fault(
        Delay(before_counting=lambda random: random.random() * seconds, before_reply=lambda r: r.random() * seconds),
        times=None,
    )


def kept(verdict: Verdict) -> None:
    """Assert that nothing was refused, whenever the gateway counts."""
    assert {} == verdict.refusals
    assert [] == verdict.problems(any_instant=True)


def clean(verdict: Verdict) -> None:
    """Assert the same, and that some windows were full, which over sockets a busy machine may not come to."""
    kept(verdict)
    assert verdict.full_windows > 0


on_trio = pytest.mark.parametrize("anyio_backend", ["trio"])
