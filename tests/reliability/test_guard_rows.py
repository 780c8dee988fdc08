"""Part G of the catalogue of faults: windows and concurrency, through the public session."""

from __future__ import annotations

import ast
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smsc_async import LocalGuard, Retry, Session, events
from smsc_async.errors import (
    AccountLocked,
    AddressBlocked,
    AuthenticationFailed,
    NoReply,
    NotSent,
    TooManyRequests,
    WaitTooLong,
)
from smsc_async.guard import Lease, Outcome
from smsc_async.simulator import Account, Delay, Drip, Fault, Switches, plain_refusal
from smsc_async.testing import SimulatedGateway, fresh_guards
from tests.reliability.stages import (
    PHONE,
    Stage,
    Virtual,
    busy_hour,
    clean,
    kept,
    on_trio,
    outcome_of,
    play,
    raised_by,
    spread,
    stage,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
STRICT_REST = 61.5  # seconds: a minute and the margin

pytestmark = pytest.mark.anyio


# G1 to G3: when a token comes home ----------------------------------------------------------------------------------


@on_trio
@pytest.mark.parametrize("seed", range(5))
async def test_random_latency_both_ways_breaks_no_window(anyio_backend: str, seed: int) -> None:
    """G1: with up to 20 s on the way out and back, no minute holds more than the limit at any instant of counting."""
    place = Virtual(seed=seed)
    place.simulator.faults.add(spread(20.0))
    found = await play(place.clock, busy_hour(place.session(), Random(seed)))
    assert [] == [error for error in found if isinstance(error, Exception)]
    clean(place.simulator.verdict())


async def test_sixty_different_calls_at_once_are_fourteen_in_flight(anyio_backend: str) -> None:
    """G2: of sixty calls that share no limit, exactly fourteen are at the gateway at once."""
    with stage(factor=10.0) as place:
        # Until the credentials are accepted calls go one by one, so one goes ahead.
        async with place.session() as smsc:
            await smsc.account.balance()
            place.simulator.faults.add(Fault(Delay(before_reply=10.0), times=None))
            async with anyio.create_task_group() as tasks:
                for number in range(60):
                    tasks.start_soon(smsc.calls.request, f"38067123{number:04d}")
        verdict = place.simulator.verdict()
        assert ([], {}, 14) == (verdict.problems(any_instant=True), verdict.refusals, verdict.concurrency)
        assert verdict.saturated > 0


@on_trio
@pytest.mark.parametrize("delay", [0.0, 5.0, 61.0, 90.0])
async def test_a_token_is_out_until_a_minute_after_its_own_reply(anyio_backend: str, delay: float) -> None:
    """G3: the third identical call starts a minute and the margin after the first reply, however late that came."""
    place = Virtual()
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    place.simulator.faults.add(Fault(Delay(before_reply=delay), action="get", times=None))
    await play(place.clock, [(0.0, smsc.numbers.available)] * 3)
    first, second, third = place.arrivals("get")
    assert first.entered_at == second.entered_at
    assert pytest.approx(delay + STRICT_REST) == third.entered_at - first.entered_at
    clean(place.simulator.verdict())


# G4 to G6: cancellation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("anyio_backend", "ending"), [("asyncio", "cancel"), ("trio", "timeout")])
async def test_a_request_given_up_after_its_first_byte_may_be_counted_late(anyio_backend: str, ending: str) -> None:
    """G4: the gateway counts it up to `lateness` after we gave up; its token rests from then on, its slot is held."""
    with stage(factor=100.0) as place:
        # 25 s of the clock are 0.25 s: enough for a request to have arrived, and for the late ones to be counted.
        async with place.session(guard=place.guard(lateness=50.0)) as smsc:
            await smsc.account.balance()
            late = Fault(Delay(before_counting=60.0), action="get", times=2)
            place.simulator.faults.add(late)
            for _ in range(2):
                if ending == "timeout":
                    view = smsc.with_options(timeout=25.0, retry=None)
                    assert "NoReply" == type(await outcome_of(view.numbers.available)).__name__
                else:
                    with place.clock.deadline(place.clock.now() + 25.0):
                        await smsc.numbers.available()
            usage = smsc.limits()
            assert (0, 2) == (usage.in_flight, usage.lingering)
            (listing,) = [rule for rule in usage.rules if rule.endpoint == "numbers.available"]
            assert 0 == listing.free
            for _ in range(3):
                await smsc.numbers.available()
            assert 0 == smsc.limits().lingering
        assert 2 == late.hits
        first, second, third, *_ = place.arrivals("get")
        # Counted 35 s after it was given up, and the third only when that was a minute ago.
        assert first.arrived_at - first.entered_at >= 60.0
        assert third.entered_at - first.arrived_at >= 60.0
        assert third.entered_at - second.arrived_at >= 0.0
        kept(place.simulator.verdict())


@contextmanager
def deaf_port() -> Iterator[int]:
    """Give a port where connecting never ends: its queue is full, and nobody accepts."""
    with closing(socket.socket()) as listener, closing(socket.socket()) as one, closing(socket.socket()) as two:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for caller in (one, two):
            caller.setblocking(False)
            caller.connect_ex(address)
        yield address[1]


@contextmanager
def mute_port() -> Iterator[int]:
    """Give a port that takes connections and says nothing."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("stuck_in", ["tcp", "tls"])
@pytest.mark.parametrize("ending", ["cancel", "max_wait"])
async def test_what_ends_before_the_first_byte_costs_nothing(anyio_backend: str, stuck_in: str, ending: str) -> None:
    """G5: cancelled or out of time while it connects, even a rent is known not to be sent; token and slot are home."""
    port, scheme = (deaf_port(), "http") if stuck_in == "tcp" else (mute_port(), "https")
    told: list[events.Event] = []
    with port as number:
        guard = LocalGuard()
        options: dict[str, Any] = {"login": "demo", "password": "demo", "guard": guard, "observer": told.append}
        async with Session(base_url=f"{scheme}://127.0.0.1:{number}", **options) as smsc:
            for _ in range(3):  # the limit is two
                if ending == "cancel":
                    with anyio.move_on_after(0.1) as scope:
                        await smsc.numbers.rent(PHONE)
                    assert scope.cancelled_caught
                else:
                    error = await raised_by(lambda: smsc.with_options(max_wait=0.1).numbers.rent(PHONE))
                    assert NotSent is type(error)
            usage = smsc.limits()
            assert (0, 0, ()) == (usage.in_flight, usage.lingering, usage.rules)
    assert 3 == len([event for event in told if isinstance(event, events.Attempt)])
    assert [] == [event for event in told if isinstance(event, events.OutcomeLost)]


@on_trio
@pytest.mark.parametrize("seed", range(5))
async def test_cancelled_waits_leave_the_others_in_order(anyio_backend: str, seed: int) -> None:
    """G6: of thirty calls that wait, a random half is cancelled; the rest start in order, and as early as they may."""
    random = Random(seed)
    place = Virtual()
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    began = place.clock.now()
    started: list[tuple[int, float]] = []
    doomed = set(random.sample(range(2, 30), 14))
    scopes = {number: anyio.CancelScope() for number in range(30)}

    async def one(number: int) -> None:
        with scopes[number]:
            await smsc.numbers.available()
            started.append((number, place.clock.now() - began))

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(one, number)
            await anyio.wait_all_tasks_blocked()
        for number in random.sample(sorted(doomed), len(doomed)):
            await place.clock.advance(random.random())
            scopes[number].cancel()
        await place.clock.advance(60.0 * 30)
    left = [number for number in range(30) if number not in doomed]
    # Two start at a time; which of them is answered first is the event loop's affair.
    started.sort(key=lambda start: (round(start[1], 3), start[0]))
    assert left == [number for number, _ in started]
    assert [pytest.approx(STRICT_REST * (ahead // 2)) for ahead in range(len(left))] == [at for _, at in started]
    assert 0 == smsc.limits().waiting
    clean(place.simulator.verdict())


# G7: the load finds what is broken ----------------------------------------------------------------------------------


def test_the_core_never_awaits() -> None:
    """G7: between check and take nothing can slip in, because no module of the core has an `await`."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (core,) = [contract["source_modules"] for contract in contracts if contract["id"] == "core"]
    files = [path for name in core for path in files_of(name)]
    assert len(files) > len(core)
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    awaits = {
        path.name for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, waiting)
    }
    assert set() == awaits


def files_of(module: str) -> list[Path]:
    path = ROOT.joinpath(*module.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


class ChargesAtSendStart(LocalGuard):
    """A defect on purpose: a token rests from its admission on, and not from its reply."""

    def finish(self, lease: Lease, outcome: Outcome) -> None:
        real, self.clock = self.clock, Stopped(lease.granted_at)  # type: ignore[assignment]
        try:
            super().finish(lease, outcome)
        finally:
            self.clock = real


class Stopped:
    def __init__(self, moment: float) -> None:
        self.moment = moment

    def now(self) -> float:
        return self.moment


class NoLease:
    """What a guard of others may give."""

    send_by = expires_at = float("inf")


class AwaitsBetweenCheckAndTake(LocalGuard):
    """A defect on purpose: whoever has found a slot free lets others run before taking it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.taken = 0

    async def acquire(self, demand: Any, *, deadline: float = float("inf"), on_wait: Any = None) -> Any:
        while self.taken >= 14:
            await self.clock.sleep_until(self.clock.now() + 0.5)
        await anyio.lowlevel.checkpoint()  # the gap
        self.taken += 1
        return NoLease()

    def finish(self, lease: object, outcome: Outcome) -> None:  # type: ignore[override]
        self.taken -= 1


def one_slot_too_many(**settings: Any) -> LocalGuard:
    """Make a guard with a defect on purpose: fifteen slots."""
    import smsc_async.guard._process as room

    honest, room.MAX_CONCURRENCY = room.MAX_CONCURRENCY, 15  # type: ignore[misc]
    try:
        return LocalGuard(max_concurrency=15, **settings)
    finally:
        room.MAX_CONCURRENCY = honest  # type: ignore[misc]


def no_margin(**settings: Any) -> LocalGuard:
    """Make a guard with a defect on purpose: it rests for a little less than a minute."""
    return LocalGuard(window=59.9, margin=0.0, **settings)


@on_trio
@pytest.mark.parametrize("broken", [ChargesAtSendStart, AwaitsBetweenCheckAndTake, one_slot_too_many, no_margin])
async def test_the_same_load_finds_a_guard_that_is_broken(anyio_backend: str, broken: Callable[..., Any]) -> None:
    """G7 and the reach of G1 and G2: with one defect of the guard the judge has something to complain of."""
    place = Virtual(seed=1)
    place.simulator.faults.add(spread(20.0))
    smsc = place.session(guard=broken(clock=place.clock), retry=None)
    await play(place.clock, [(0.0, smsc.account.balance)])
    await play(place.clock, busy_hour(smsc, Random(1)))
    assert [] != place.simulator.verdict().problems(any_instant=True)


# G8 to G13: clocks, and what the vendor leaves open -----------------------------------------------------------------


async def test_steps_of_the_wall_clock_change_nothing(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """G8: whatever the wall clock says, an hour more or less, the limits are kept and nothing waits for longer."""
    random = Random(8)
    honest = time.time
    monkeypatch.setattr(time, "time", lambda: honest() + random.choice([-3600.0, 0.0, 3600.0]))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    with SimulatedGateway() as place:
        async with place.session() as smsc:
            await smsc.account.balance()
            began = time.monotonic()
            async with anyio.create_task_group() as tasks:
                for number in range(8):
                    tasks.start_soon(smsc.numbers.available)
                    tasks.start_soon(smsc.calls.request, f"38067123{number:04d}")
            assert 0.69 <= time.monotonic() - began < 5.0  # four pairs, 0.23 s apart
        kept(place.simulator.verdict())


@on_trio
@pytest.mark.parametrize("seed", range(3))
async def test_a_suspended_machine_waits_longer_and_never_sends_early(anyio_backend: str, seed: int) -> None:
    """G9: while the machine sleeps the gateway's time goes on; our clock stands still, so only we lose by it."""
    random = Random(seed)
    place = Virtual(seed=seed)
    place.simulator.faults.add(spread(5.0))
    smsc = place.session()

    async def sleeps() -> None:
        for _ in range(40):
            await place.clock.sleep(random.random() * 60.0)
            place.offset += random.choice([0.5, 30.0, 600.0])

    found = await play(place.clock, [(0.0, sleeps), *busy_hour(smsc, random, calls=200)])
    assert [] == [error for error in found if isinstance(error, Exception)]
    verdict = place.simulator.verdict()
    assert ([], {}) == (verdict.problems(any_instant=True), verdict.refusals)


READINGS = [
    {"rounding": rounding, "inclusive": inclusive, "counted_at": counted_at, "clock_rate": rate}
    for rounding, inclusive, counted_at, rate in itertools.product(
        ["float", "floor", "calendar"], [False, True], ["arrival", "completion"], [0.999, 1.0, 1.001]
    )
]


@on_trio
@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: "-".join(str(value) for value in reading.values()))
async def test_no_reading_of_the_minute_refuses_anything(anyio_backend: str, reading: dict[str, Any]) -> None:
    """G10 and G11: whole seconds, ``>=``, the wall's minute, counting late, a clock 0.1 % off: the margin covers it."""
    place = Virtual(switches=Switches(**reading), seed=10)
    place.simulator.faults.add(spread(3.0))
    found = await play(place.clock, busy_hour(place.session(), Random(10), calls=200, minutes=8))
    assert [] == [error for error in found if isinstance(error, Exception)]
    clean(place.simulator.verdict())


@on_trio
async def test_without_the_margin_a_reading_of_the_minute_does_refuse(anyio_backend: str) -> None:
    """G10, the reach: a guard without a margin is refused by a gateway that compares whole seconds with ``>=``."""
    place = Virtual(switches=Switches(rounding="floor", inclusive=True), seed=10)
    smsc = place.session(guard=place.guard(margin=0.0), retry=None)
    await play(place.clock, busy_hour(smsc, Random(10), calls=200, minutes=8))
    assert place.simulator.verdict().refusals["duplicate"] > 0


SETTINGS = {
    "refused do not count": Switches(refused_counts=False),
    "whole seconds": Switches(rounding="floor"),
    "whole seconds, >=": Switches(rounding="floor", inclusive=True),
    ">=": Switches(inclusive=True),
    "the wall's minute": Switches(rounding="calendar"),
    "counted at the end": Switches(counted_at="completion"),
    "slow clock": Switches(clock_rate=0.999),
    "fast clock": Switches(clock_rate=1.001),
    "hosts apart": Switches(separate_hosts=True),
}


@pytest.mark.once
@pytest.mark.parametrize(
    ("anyio_backend", "setting"), [(("asyncio", "trio")[n % 2], name) for n, name in enumerate(SETTINGS)]
)
async def test_no_reading_refuses_anything_over_sockets(anyio_backend: str, setting: str) -> None:
    """G10 to G12 over real sockets, with the short minute."""
    with SimulatedGateway(switches=SETTINGS[setting]) as place:
        place.simulator.faults.add(spread(0.2))
        async with place.session() as smsc:
            await smsc.account.balance()
            async with anyio.create_task_group() as tasks:
                for number in range(60):
                    tasks.start_soon(smsc.calls.request, f"38067123{number:04d}")
                for _ in range(5):
                    tasks.start_soon(smsc.numbers.available)
                    tasks.start_soon(partial(smsc.downloads.list, limit=1))
                for _ in range(20):
                    tasks.start_soon(smsc.account.balance)
        kept(place.simulator.verdict())
        assert 91 == place.simulator.verdict().requests


@on_trio
async def test_a_count_that_trails_costs_few_refusals_and_no_call(anyio_backend: str) -> None:
    """
    G10: a count of requests in flight that falls 0.25 s late shows once in seven minutes, and no caller sees it.

    From the first such refusal on slots linger; when all fourteen are back it is tried whether that is still needed.
    """
    place = Virtual(switches=Switches(trailing=0.25), seed=3)
    place.simulator.faults.add(Fault(Delay(before_reply=lambda random: 4.0 * random.random()), times=None))
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    began = place.clock.now()
    numbers = itertools.count()
    found: list[object] = []

    async def work() -> None:
        while place.clock.now() < began + 800.0:
            found.append(await outcome_of(partial(smsc.calls.request, f"38067{next(numbers):07d}")))

    await play(place.clock, [(0.0, work)] * 20)
    assert [] == [error for error in found if isinstance(error, Exception)]
    refused = [arrival.entered_at - began for arrival in place.simulator.log if arrival.refusal is not None]
    assert {"concurrency": len(refused)} == place.simulator.verdict().refusals
    bursts = [moment for last, moment in itertools.pairwise([-1e9, *refused]) if moment - last > 5.0]
    assert 0 < len(refused) <= 14 * len(bursts)
    assert all(later - earlier > 6 * 60.0 for earlier, later in itertools.pairwise(bursts))


@on_trio
@pytest.mark.parametrize("counts", [True, False])
async def test_a_refused_request_is_charged_like_any_other(anyio_backend: str, counts: bool) -> None:
    """G12: whether the gateway counts what it refused or not, one probe goes a minute later, and it is not refused."""
    place = Virtual(switches=Switches(refused_counts=counts))
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    place.simulator.foreign.request("receive_phones.php", {"get": "1"}, times=2)
    found = await play(place.clock, [(1.0, smsc.numbers.available)] * 4)
    assert [] == [error for error in found if isinstance(error, Exception)]
    verdict = place.simulator.verdict()
    assert {"duplicate": verdict.excused} == verdict.refusals
    refused = [arrival for arrival in place.arrivals("get") if arrival.refusal is not None]
    assert len(refused) in {1, 2}  # two, if both tokens were taken before the first answer came
    assert 1 == len({arrival.entered_at for arrival in refused})
    assert [] == verdict.problems(any_instant=True)


@on_trio
async def test_a_request_that_was_one_too_many_at_once_counts_in_its_window(anyio_backend: str) -> None:
    """G12: refused because fourteen others were in flight, a request took a token all the same."""
    place = Virtual()
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    began = place.clock.now()
    occupation = place.simulator.foreign.occupy(14)

    async def release() -> None:
        occupation.release()

    found = await play(place.clock, [(0.0, smsc.numbers.available), (0.5, release), (5.0, smsc.numbers.available)])
    assert [] == [error for error in found if isinstance(error, Exception)]
    verdict = place.simulator.verdict()
    assert ({"concurrency": 1}, []) == (verdict.refusals, verdict.problems(any_instant=True))
    moments = [arrival.entered_at - began for arrival in place.arrivals("get")]
    assert [0.0, pytest.approx(2.0, abs=1.0), pytest.approx(STRICT_REST)] == moments


@on_trio
async def test_the_limits_may_be_kept_per_action(anyio_backend: str) -> None:
    """G13: where "identical" means the action alone, a guard that counts per action keeps that too."""
    place = Virtual(switches=Switches(identical="action"), seed=13)
    place.simulator.faults.add(spread(3.0))
    smsc = place.session(guard=place.guard(identical="action"))
    schedule = [
        *[(0.0, partial(smsc.numbers.rent, f"38095{number:07d}")) for number in range(6)],
        *[(0.0, partial(smsc.downloads.list, after_id=number)) for number in range(8)],
        *[(0.0, partial(smsc.calls.request, f"38067{number:07d}")) for number in range(120)],
    ]
    found = await play(place.clock, schedule)
    assert [] == [error for error in found if isinstance(error, Exception)]
    clean(place.simulator.verdict())


@on_trio
async def test_counting_per_request_is_refused_where_the_action_counts(anyio_backend: str) -> None:
    """G13, the reach: the guard's usual key is too narrow for such a gateway, which says so."""
    place = Virtual(switches=Switches(identical="action"), seed=13)
    smsc = place.session(retry=None)
    schedule = [(0.0, partial(smsc.downloads.list, after_id=number)) for number in range(8)]
    found = await play(place.clock, schedule)
    assert any(isinstance(error, TooManyRequests) for error in found)


async def test_format_charset_and_spelling_make_no_other_request(anyio_backend: str) -> None:
    """G13: in another format, and with the phone spelt in another way, it is the same request to the guard."""
    with stage(factor=5.0) as place:
        async with place.session() as smsc:
            for spelling, view in (("+380 95 000-00-00", smsc), ("380950000000", smsc.with_options(reply_format=1))):
                await outcome_of(partial(view.numbers.rent, spelling))
            view = smsc.with_options(max_wait=5.0)
            assert WaitTooLong is type(await raised_by(lambda: view.numbers.rent("(380) 95 0000000")))
            assert 2 == len(place.arrivals("buy"))


# G14 to G16: who shares ---------------------------------------------------------------------------------------------


async def test_login_and_key_of_one_account_share_by_its_name(anyio_backend: str) -> None:
    """G14: two kinds of credential with one name of the account keep its limits together."""
    with stage(apikey="the-key", factor=10.0) as place:
        guard = place.guard()
        by_login = place.session(guard=guard, account="ours")
        by_key = place.session(guard=guard, account="ours", apikey="the-key")
        async with by_login, by_key:
            for smsc in (by_login, by_key):
                await smsc.account.balance()
            place.simulator.faults.add(Fault(Delay(before_reply=5.0), times=None))
            async with anyio.create_task_group() as tasks:
                for smsc in (by_login, by_key):
                    tasks.start_soon(smsc.numbers.available)
                    for number in range(30):
                        tasks.start_soon(smsc.calls.request, f"38067123{number:04d}")
            assert {"account.balance": 2, "numbers.available": 2, "calls.request": 60} == used(by_login) == used(by_key)
            error = await raised_by(by_key.with_options(max_wait=5.0).numbers.available)
            assert WaitTooLong is type(error)
        kept(place.simulator.verdict())
        assert 14 == place.simulator.verdict().concurrency


def used(smsc: Session) -> Counter[str]:
    """Give how many tokens are out, by endpoint."""
    counted: Counter[str] = Counter()
    for rule in smsc.limits().rules:
        counted[rule.endpoint] += rule.used
    return counted


async def test_the_mirror_is_the_same_account(anyio_backend: str) -> None:
    """G14: the documented backup host counts for the same account as the main one."""
    sessions = [
        Session(login="a", password="b", base_url=url, guard=guard)
        for guard in [LocalGuard()]
        for url in ("https://smsc.ua", "https://www2.smsc.ua", "https://www.smsc.ua")
    ]
    accounts = {smsc._conductor.shared.identity.account for smsc in sessions}
    assert 1 == len(accounts)


def test_sessions_share_the_guard_of_the_process_without_being_told() -> None:
    """G15: two sessions of one account in two threads, each with a loop of its own, share the default guard."""
    with fresh_guards(), Stage() as place:
        options = {"login": place.LOGIN, "password": place.PASSWORD, "base_url": place.url}
        one, other = Session(**options), Session(**options)

        async def twice() -> None:
            await one.numbers.available()
            await one.numbers.available()
            await one.aclose()

        async def once() -> object:
            async with other:
                return await outcome_of(other.with_options(max_wait=5.0).numbers.available)

        found: list[object] = []
        for backend, work in (("asyncio", twice), ("trio", once)):
            thread = threading.Thread(target=lambda b=backend, w=work: found.append(anyio.run(w, backend=b)))
            thread.start()
            thread.join()
        refusal = found[1]
        assert isinstance(refusal, WaitTooLong)
        assert 55.0 < refusal.wait <= STRICT_REST
        assert 2 == len(place.arrivals("get"))


def test_threads_that_start_calls_at_once_never_exceed_the_limits() -> None:
    """G15: eight threads, half of them with trio, throw their calls at one account at the same moment."""
    with SimulatedGateway() as place:
        place.simulator.faults.add(spread(0.1))
        smsc = place.session()
        barrier = threading.Barrier(8)
        failures: list[BaseException] = []

        async def work(seed: int) -> None:
            barrier.wait(10)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(smsc.numbers.available)
                for number in range(40):
                    tasks.start_soon(smsc.calls.request, f"3806{seed}{number:07d}")

        def thread(seed: int) -> None:
            try:
                anyio.run(work, seed, backend=("asyncio", "trio")[seed % 2])
            except BaseException as failure:  # noqa: BLE001 - looked at below
                failures.append(failure)

        threads = [threading.Thread(target=thread, args=(seed,)) for seed in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
        assert [] == failures
        usage = smsc.limits()
        assert (0, 0, 0) == (usage.in_flight, usage.waiting, usage.foreign)
        kept(place.simulator.verdict())
        assert 5 < place.simulator.verdict().concurrency <= 14


FORKING = """
import asyncio, os, sys
from smsc_async import LocalGuard, Session
from smsc_async.errors import WaitTooLong

smsc = Session.from_env(base_url=sys.argv[1])

async def begin():
    for _ in range(2):
        await smsc.numbers.available()
    call = asyncio.ensure_future(smsc.calls.request("380671234567"))
    while not smsc.limits().in_flight:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    return call

async def in_the_child():
    usage = smsc.limits()
    assert (0, 1) == (usage.in_flight, usage.lingering), usage
    try:
        await smsc.with_options(max_wait=5.0).numbers.available()
    except WaitTooLong as error:
        assert error.wait > 50.0, error
    else:
        raise AssertionError("the child has forgotten what its parent sent")
    await smsc.account.balance()  # anything else works, in its own loop and on its own connections

async def main():
    call = await begin()
    child = os.fork()
    if child == 0:
        return None
    call.cancel()
    await asyncio.wait([call])
    return child

loop = asyncio.new_event_loop()
child = loop.run_until_complete(main())
if child is None:
    try:
        asyncio.events._set_running_loop(None)
        asyncio.run(in_the_child())
    except BaseException as error:
        sys.stderr.write(repr(error))
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert smsc.limits().lingering == 1, smsc.limits()
loop.run_until_complete(smsc.account.balance())
loop.run_until_complete(smsc.aclose())
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork to test")
def test_a_forked_child_keeps_the_charges_of_its_parent() -> None:
    """G16: after a fork the child waits out its parent's tokens and counts its parent's call in flight as unknown."""
    with Stage(factor=1.0) as place:
        place.simulator.faults.add(Fault(Delay(before_reply=30.0), action="wait_call"))
        script = [sys.executable, "-c", FORKING, place.url]
        env = os.environ | {"SMSC_LOGIN": place.LOGIN, "SMSC_PASSWORD": place.PASSWORD}
        ended = subprocess.run(script, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert ("fine\n", 0) == (ended.stdout, ended.returncode), ended.stderr
        assert (2, 1, 2) == tuple(len(place.arrivals(action)) for action in ("get", "wait_call", "balance"))


# G18 to G20: waiting ------------------------------------------------------------------------------------------------


async def test_slow_downloads_hold_four_slots_and_starve_nothing(anyio_backend: str) -> None:
    """G18: of ten readers of slow files four are at work; all other calls go on meanwhile."""
    with SimulatedGateway() as place:
        for _ in range(10):
            place.simulator.add_task(data=b"a;b\n" * 2_000)
        drip = Fault(Drip(rate=1_000.0, piece=100), action="get_file", times=None)
        place.simulator.faults.add(drip)
        async with place.session() as smsc:
            await smsc.account.balance()
            with anyio.CancelScope() as reading:
                async with anyio.create_task_group() as tasks:
                    for task in range(1, 11):
                        tasks.start_soon(read_file, smsc, task)
                    await until(lambda: drip.hits == 4)
                    async with anyio.create_task_group() as others:
                        for number in range(50):
                            others.start_soon(smsc.calls.request, f"38067123{number:04d}")
                    assert 4 == smsc.limits().in_flight == drip.hits
                    reading.cancel()
        assert 50 == len([arrival for arrival in place.simulator.log if arrival.action == "wait_call"])
        assert {} == place.simulator.verdict().refusals


async def read_file(smsc: Session, task: int) -> None:
    async with smsc.downloads.stream(task) as chunks:
        async for _ in chunks:
            pass


@on_trio
async def test_a_hot_key_starves_nobody(anyio_backend: str) -> None:
    """G19: behind forty calls of one request that wait for minutes, 25 others start at once."""
    place = Virtual()
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    began = place.clock.now()
    cold: list[float] = []

    async def other(number: int) -> None:
        await smsc.calls.request(f"38067123{number:04d}")
        cold.append(place.clock.now() - began)

    schedule: list[Any] = [(0.0, smsc.numbers.available)] * 40
    schedule += [(0.5, partial(other, number)) for number in range(25)]
    await play(place.clock, schedule)
    assert [0.5] * 25 == cold
    hot = [arrival.entered_at - began for arrival in place.arrivals("get")]
    assert [pytest.approx(STRICT_REST * (number // 2)) for number in range(40)] == hot


async def a_crowd_and_one(
    latencies: list[float], at: float, max_wait: float | None
) -> tuple[object, float, float, int]:
    """
    Let a crowd of identical calls go, and at a later moment one more, perhaps with a limit to its waiting.

    Returns:
        What the one came to, when it was over, when it reached the gateway (inf: never), and how many reached it.
    """
    place = Virtual()
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    began = place.clock.now()
    left = iter([*latencies, 0.0])
    place.simulator.faults.add(Fault(Delay(before_reply=lambda _: next(left, 0.0)), action="get", times=None))
    over: list[float] = []

    async def one() -> object:
        view = smsc if max_wait is None else smsc.with_options(max_wait=max_wait, retry=None)
        outcome = await outcome_of(view.numbers.available)
        over.append(place.clock.now() - began)
        return outcome

    found = await play(place.clock, [*[(0.0, smsc.numbers.available)] * len(latencies), (at, one)])
    moments = [arrival.entered_at - began for arrival in place.arrivals("get")]
    sent = moments[-1] if len(moments) > len(latencies) else float("inf")
    return found[-1], over[0], sent, len(moments)


@settings(max_examples=40)
@example([0.0, 0.0], 0.25, 61.26)  # it just fits,
@example([0.0, 0.0], 0.25, 61.24)  # and just does not
@example([0.0, 20.0, 1.0, 0.0], 30.0, 92.6)
@example([1.0, 1.0, 0.0, 0.0], 62.0, 62.0)  # it could start at its very deadline
@example([0.0, 0.0, 0.0, 0.0, 100.0], 0.25, 150.0)  # the slow reply is its own: it starts, and its time ends meanwhile
@given(
    latencies=st.lists(st.sampled_from([0.0, 1.0, 20.0, 100.0]), max_size=6),
    at=st.sampled_from([0.25, 30.0, 62.0]),
    max_wait=st.sampled_from([0.1, 10.0, 61.0, 61.5, 62.0, 100.0, 150.0, 400.0]),
)
def test_a_wait_is_refused_when_it_cannot_fit_and_never_when_it_can(
    latencies: list[float], at: float, max_wait: float
) -> None:
    """G20: `WaitTooLong` comes only where the call would have started too late, before its time is over, unsent."""
    _, _, start, everybody = anyio.run(a_crowd_and_one, latencies, at, None, backend="trio")
    outcome, over, sent, reached = anyio.run(a_crowd_and_one, latencies, at, max_wait, backend="trio")
    spare = at + max_wait - start
    if isinstance(outcome, WaitTooLong):
        assert spare < 1e-5  # a start at the very deadline may be refused: nothing is left for the call
        assert over <= at + max_wait
        assert everybody - 1 == reached
        # A lower bound: at the moment of the refusal, the start was at least so far away.
        assert 0 < outcome.wait <= start - over + 1e-6
    else:
        assert spare >= 0
        assert start == sent
        if isinstance(outcome, NoReply):
            assert at + max_wait == over
            assert "max_wait" in outcome.reason
        else:
            assert not isinstance(outcome, Exception)


@on_trio
async def test_a_wait_that_cannot_fit_is_refused_at_once_with_its_length(anyio_backend: str) -> None:
    """G20: with the queue ahead counted, the fifth identical call knows at once that it is two minutes away."""
    place = Virtual()
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    began = place.clock.now()
    patient = smsc.with_options(max_wait=100.0)

    async def fifth() -> tuple[object, float]:
        return await outcome_of(patient.numbers.available), place.clock.now() - began

    *_, (error, moment) = await play(place.clock, [*[(0.0, smsc.numbers.available)] * 4, (1.0, fifth)])  # type: ignore[misc]
    assert isinstance(error, WaitTooLong)
    assert (1.0, pytest.approx(2 * STRICT_REST - 1.0)) == (moment, error.wait)
    assert "identical requests" == error.reason


# G21 and G22: the gateway says no -----------------------------------------------------------------------------------


@on_trio
async def test_foreign_requests_of_the_account_are_lived_with(anyio_backend: str) -> None:
    """G21: after a refusal for somebody else's requests one probe goes a minute later, then the rest, all answered."""
    place = Virtual()
    smsc = place.session()
    await play(place.clock, [(0.0, smsc.account.balance)])
    began = place.clock.now()
    place.simulator.foreign.request("receive_phones.php", {"get": "1"}, times=2)
    found = await play(place.clock, [(30.0, smsc.numbers.available), *[(40.0, smsc.numbers.available)] * 3])
    assert [] == [error for error in found if isinstance(error, Exception)]
    moments = [round(arrival.entered_at - began, 1) for arrival in place.arrivals("get")]
    # Refused at 30; one probe at 91.5; with one token more each window: 153 and 153.
    assert 30.0 == moments[0]
    assert [pytest.approx(30.0 + STRICT_REST)] == [moment for moment in moments if 30.0 < moment < 152.0]
    verdict = place.simulator.verdict()
    assert ([], 1, {"duplicate": 1}) == (verdict.problems(any_instant=True), verdict.excused, verdict.refusals)
    assert 1 == smsc.limits().foreign


@on_trio
async def test_foreign_requests_that_hold_slots_are_lived_with(anyio_backend: str) -> None:
    """G21: while other software holds ten slots, all calls are answered, with fewer slots and few refusals."""
    place = Virtual()
    place.simulator.faults.add(Fault(Delay(before_reply=2.0), times=None))
    smsc = place.session(retry=Retry(attempts=8, budget=1_000.0))
    await play(place.clock, [(0.0, smsc.account.balance)])
    with place.simulator.foreign.occupy(10):
        schedule = [(0.0, partial(smsc.calls.request, f"38067{number:07d}")) for number in range(60)]
        found = await play(place.clock, schedule)
    assert [] == [error for error in found if isinstance(error, Exception)]
    verdict = place.simulator.verdict()
    assert {"concurrency": verdict.excused} == verdict.refusals
    assert [] == verdict.problems(any_instant=True)


@on_trio
async def test_the_gateways_block_stops_every_account_of_the_process(anyio_backend: str) -> None:
    """G22: after error 4 no account asks any more; after 10 minutes one call probes, and after 30 more another."""
    place = Virtual()
    place.simulator.add_account(Account(login="second", password="2"))
    guard = place.guard()
    smsc, second = place.session(guard=guard), place.session(guard=guard, login="second", password="2")
    await play(place.clock, [(0.0, smsc.account.balance), (0.0, second.account.balance)])
    began = place.clock.now()
    place.simulator.block(minutes=35)
    hour = [(60.0 * minute, who) for minute in range(60) for who in (smsc.account.balance, second.account.balance)]
    found = await play(place.clock, hour)
    asked = [arrival.entered_at - began for arrival in place.simulator.log[2:]]
    # At once; a probe at 10 minutes, which finds the block; a probe at 40, which is answered; then everybody.
    assert [0.0, 600.0, 2400.0] == [pytest.approx(moment, abs=1e-6) for moment in asked[:3]]
    assert {"blocked": 2} == place.simulator.verdict().refusals
    kinds = [type(outcome) for outcome in found]
    assert (2, 2 * 40 - 2) == (kinds.count(AddressBlocked), kinds.count(AccountLocked))
    assert {"Balance"} == {kind.__name__ for kind in kinds[80:]}


@on_trio
async def test_refused_credentials_stop_their_account_alone(anyio_backend: str) -> None:
    """G22: after error 2 the account asks no more until a probe after 10 and 30 minutes; another account goes on."""
    place = Virtual()
    place.simulator.add_account(Account(login="second", password="2"))
    guard = place.guard()
    smsc, second = (
        place.session(guard=guard, password="wrong"),
        place.session(guard=guard, login="second", password="2"),
    )
    began = place.clock.now()
    hour = [(60.0 * minute, who) for minute in range(60) for who in (smsc.account.balance, second.account.balance)]
    found = await play(place.clock, hour)
    asked = [arrival.entered_at - began for arrival in place.simulator.log if arrival.refusal == "authorise"]
    assert [0.0, 600.0, 2400.0] == asked
    assert {"AuthenticationFailed": 3, "AccountLocked": 57} == names(found[::2])
    assert {"Balance": 60} == names(found[1::2])


def names(outcomes: list[object]) -> dict[str, int]:
    kinds = [type(outcome).__name__ for outcome in outcomes]
    return {kind: kinds.count(kind) for kind in kinds}


async def test_errors_2_and_4_cost_one_request_each(anyio_backend: str) -> None:
    """G22 over sockets: with 50 calls under way after the refusal, none of them reaches the gateway."""
    for code, meaning in ((2, AuthenticationFailed), (4, AddressBlocked)):
        with stage() as place:
            place.simulator.faults.add(Fault(plain_refusal(code, "no"), times=None))
            async with place.session() as smsc:
                found = []

                async def one(number: int, smsc: Session = smsc, found: list[object] = found) -> None:
                    found.append(await outcome_of(partial(smsc.calls.request, f"38067123{number:04d}")))

                async with anyio.create_task_group() as tasks:
                    for number in range(50):
                        tasks.start_soon(one, number)
            assert {meaning.__name__: 1, "AccountLocked": 49} == names(found)
            assert 1 == len(place.simulator.log)
