"""Loads of calls for the whole client, and how they are judged."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import anyio

from smsc_async import Limit, Replay, Scope
from smsc_async.simulator import Delay, Fault, RentableNumber
from smsc_async.testing import SimulatedGateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from smsc_async import Session, View
    from smsc_async.simulator import Verdict

    Job = Callable[[], Awaitable[object]]

NUMBERS = 160
FILES = 40


def gateway(*, latency: float = 0.06, **settings: Any) -> SimulatedGateway:
    """
    Give a gateway with numbers and files enough, on which every request meets three random latencies.

    Args:
        latency: The most seconds of each: before it is counted, before it is carried out, before its reply leaves.
        settings: Of the simulator.
    """
    numbers = [RentableNumber(f"38095{number:07d}") for number in range(NUMBERS)]
    made = SimulatedGateway(**{"numbers": numbers, "balance": Decimal(1_000_000), **settings})
    for _ in range(FILES):
        made.simulator.add_task(rows=20)
    if latency:
        made.simulator.faults.add(slow(latency))
    return made


def slow(latency: float) -> Fault:
    """Give random latency, up to so many seconds three times, for every request."""

    def some(random: Random) -> float:
        return random.random() * latency

    return Fault(Delay(before_counting=some, before_acting=some, before_reply=some), times=None)


def mixed(smsc: Session | View, count: int, seed: int = 0) -> list[Job]:
    """
    Give jobs of *count* calls in all, of every service, in random order.

    Most ask for something of their own; some ask for the same and have to wait for each other. Rents of one load must
    not meet those of another: a *seed* takes its own phones.
    """
    made = list(_calls(smsc, count, seed))
    Random(seed).shuffle(made)
    return made


def _calls(smsc: Session | View, count: int, seed: int) -> Iterator[Job]:
    rents = min(count // 20, NUMBERS // 4)
    for number in range(rents):
        phone = f"38095{(seed % 4) * (NUMBERS // 4) + number:07d}"
        yield lambda phone=phone: _rent_and_keep(smsc, phone)
    shared = count // 60
    for _ in range(shared):
        yield smsc.account.balance
        yield lambda: smsc.calls.request("+380 44 000-00-00")
        yield lambda: smsc.calls.request("380440000000")
    for _ in range(count // 200):
        yield smsc.numbers.available
        yield lambda: smsc.call("receive_phones.php", {"get": 1}, limits=(Limit(2),), replay=Replay.READ)
        yield smsc.downloads.list
    files = count // 30
    for number in range(files):
        task = 1 + number % FILES
        yield lambda task=task: _rows(smsc, task)
        if number % 2:
            yield lambda task=task: _bytes(smsc, task)
    own = count - 2 * rents - 3 * shared - 3 * (count // 200) - files - files // 2
    for number in range(own):
        if number % 4:
            phone = f"38067{seed % 100:02d}{number:05d}"
            yield lambda phone=phone: smsc.calls.request(phone)
        else:
            after = 1_000 * (seed + 1) + number
            yield lambda after=after: smsc.downloads.list(limit=5, after_id=after)


async def _rent_and_keep(smsc: Session | View, phone: str) -> None:
    rental = await smsc.numbers.rent(phone, auto_renew=False)
    assert phone == rental.phone
    await smsc.numbers.set_auto_renew(phone, True)


async def _rows(smsc: Session | View, task: int) -> None:
    # The header and 20 messages.
    assert 21 == len([row async for row in smsc.downloads.rows(task)])


async def _bytes(smsc: Session | View, task: int) -> None:
    async with smsc.downloads.stream(name=f"messages_{task}.csv") as chunks:
        assert b"".join([chunk async for chunk in chunks]).startswith(b"id;phone")


async def all_at_once(jobs: Sequence[Job]) -> None:
    """Start every job, and wait for all of them."""
    async with anyio.create_task_group() as tasks:
        for job in jobs:
            tasks.start_soon(job)


def together(*works: Callable[[], object]) -> None:
    """Run each work in a thread of its own, all at once, and raise what the first failed one raised."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - raised again below, in the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


def in_loop(backend: str, work: Callable[..., Awaitable[object]], *args: Any) -> Callable[[], object]:
    """Give a function that runs *work* in an event loop of its own."""
    return lambda: anyio.run(work, *args, backend=backend)


def faultless(verdict: Verdict, *, requests: int | None = None) -> None:
    """
    Assert that the gateway had nothing to complain of, and that the limits were reached.

    The windows are judged by every instant at which the gateway could have counted a request, so no luck is in it.
    """
    assert [] == verdict.problems(any_instant=True)
    assert {} == verdict.refusals
    if requests is not None:
        assert requests == verdict.requests
    assert 0 == verdict.unfinished
    assert 14 == verdict.concurrency
    assert verdict.saturated > 0
    assert verdict.full_windows > 0


def at_rest(smsc: Session | View) -> None:
    """Assert that no slot is held, nobody waits, and nothing came from elsewhere."""
    usage = smsc.limits()
    assert (0, 0, 0, 0) == (usage.in_flight, usage.lingering, usage.waiting, usage.foreign)
    assert 0 == sum(rule.waiting for rule in usage.rules)


BALANCE_LIMIT = Limit(10, Scope.ACTION)


def counts(outcomes: Sequence[object]) -> dict[str, int]:
    """Count outcomes by the names of their types."""
    return dict(Counter(type(outcome).__name__ for outcome in outcomes))


async def outcome_of(job: Job) -> object:
    """Give what a call returned or raised."""
    try:
        return await job()
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error


async def outcomes_of(jobs: Sequence[Job]) -> list[object]:
    """Start all jobs at once, and give what each returned or raised, in their order."""
    found: dict[int, object] = {}

    async def one(number: int, job: Job) -> None:
        found[number] = await outcome_of(job)

    async with anyio.create_task_group() as tasks:
        for number, job in enumerate(jobs):
            tasks.start_soon(one, number, job)
    return [found[number] for number in range(len(jobs))]
