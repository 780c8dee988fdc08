"""
What the demo does, step by step, and the steps in which all goes well.

Every figure that it prints is measured, and every line of code that it shows is run.
"""

from __future__ import annotations

import csv
import hashlib
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import attrs

from smsc_async import LocalGuard, Session
from smsc_async.clock import SYSTEM_CLOCK
from smsc_async.demo.mishaps import guess_a_password, lose_a_reply
from smsc_async.demo.stage import Glance
from smsc_async.events import Replied, Waiting
from smsc_async.simulator import Delay, Fault, Simulator, serve

if TYPE_CHECKING:
    from smsc_async import AvailableNumber, Listing, View
    from smsc_async.demo.stage import Stage
    from smsc_async.events import Event

__all__ = ["FAST", "FULL", "Pace", "play"]

MINUTE: Final = 60.0  # seconds; the gateway's true one
SLOTS: Final = 14  # requests in flight; the gateway refuses the fifteenth
APIKEY: Final = "demo-key"
MEGA: Final = 1_000_000


@attrs.frozen(kw_only=True)
class Pace:
    """How long the demo takes."""

    minute: float  # seconds; what the gateway takes for one
    calls: int
    latency: tuple[float, float]  # seconds, from and to; long enough that fourteen calls overlap on a busy machine
    rows: int
    pause: float  # seconds before each step


FULL: Final = Pace(minute=3.0, calls=200, latency=(0.2, 0.6), rows=1_000_000, pause=1.5)
FAST: Final = Pace(minute=1.0, calls=100, latency=(0.2, 0.4), rows=50_000, pause=0.0)


async def play(stage: Stage, pace: Pace) -> None:
    """Play all steps."""
    clock = SYSTEM_CLOCK
    began = clock.now()
    simulator = Simulator(apikey=APIKEY, window=pace.minute)
    funds = simulator.account.balance
    with stage.log(), serve(simulator) as url:
        smsc = await open_session(stage, pace, simulator, url)
        async with smsc:
            rented, other, *_ = await rent_a_number(stage, smsc)
            await hold_the_third(stage, smsc)
            await queue_many(stage, pace, simulator, smsc)
            await lose_a_reply(stage, simulator, smsc, other)
            await save_a_file(stage, pace, simulator, smsc)
        await guess_a_password(stage)
    await judge(stage, simulator, funds, [rented, other])
    stage.end(clock.now() - began)


async def open_session(stage: Stage, pace: Pace, simulator: Simulator, url: str) -> Session:
    """Step 1: say what is real and what is not."""
    await stage.step(
        "A gateway on this machine",
        "Real HTTP to a simulated gateway; nothing leaves this machine.",
        "smsc = Session(apikey=APIKEY, base_url=url, guard=guard)",
    )
    # The guard's margins shrink with the minute: 1.5 s and 5 s of 60.
    scale = pace.minute / MINUTE
    guard = LocalGuard(window=pace.minute, margin=1.5 * scale, lateness=5.0 * scale)
    smsc = Session(apikey=APIKEY, base_url=url, guard=guard)
    stage.fact("gateway", url)
    stage.fact("its minute", f"{simulator.moments.minute:g} s instead of {MINUTE:g} s, to save you the waiting")
    stage.fact("guard", repr(guard))
    return smsc


async def rent_a_number(stage: Stage, smsc: View) -> Listing[AvailableNumber]:
    """Step 2: the plain case."""
    await stage.step(
        "Rent a number",
        "Replies are values, money is Decimal, and the rent is charged at once.",
        "numbers = await smsc.numbers.available()",
        "rental = await smsc.numbers.rent(numbers[0].phone)",
        "balance = await smsc.account.balance()",
    )
    before = await smsc.account.balance()
    numbers = await smsc.numbers.available()
    currency = before.currency or ""
    stage.table(
        {"phone": "left", "kind": "left", f"{currency} a month": "right", "now": "right", "info": "left"},
        (
            (
                number.phone,
                "virtual" if number.kind.is_virtual else "SIM hosting",
                number.monthly_cost,
                number.current_cost,
                number.info,
            )
            for number in numbers
        ),
    )
    rental = await smsc.numbers.rent(numbers[0].phone)
    balance = await smsc.account.balance()
    stage.fact("rented", f"{rental.phone} for {rental.cost} {currency}")
    stage.fact("balance", f"{before.amount} -> {balance.amount} {currency}")
    stage.expect("price of the rent", numbers[0].current_cost, rental.cost)
    stage.expect("charged for the rent", rental.cost, before.amount - balance.amount)
    return numbers


async def hold_the_third(stage: Stage, smsc: View) -> None:
    """Step 3: the guard holds a call, and the observer knows until when."""
    await stage.step(
        "The third identical call in a minute",
        "The gateway takes two and refuses a third; the guard holds it until it may.",
        "smsc = smsc.with_options(observer=events.append)",
        "numbers = await smsc.numbers.available()",
    )
    clock = SYSTEM_CLOCK
    events: list[Event] = []
    smsc = smsc.with_options(observer=events.append)
    # The listing of the step before still counts; limits() is a snapshot, so there is no event to wait for.
    while any(rule.endpoint == "numbers.available" for rule in smsc.limits().rules):  # noqa: ASYNC110
        await anyio.sleep(0.02)

    def countdown() -> Glance | None:
        waiting = next((event for event in events if isinstance(event, Waiting)), None)
        if waiting is None:
            return None
        left = max((waiting.until - clock.date()).total_seconds(), 0.0)
        return Glance(waiting.seconds - left, waiting.seconds, f"held for {left:.1f} s more: {waiting.reason}")

    for name in ("first", "second", "third"):
        events.clear()
        asked = clock.now()
        async with stage.bar(name, countdown, stays=False):
            numbers = await smsc.numbers.available()
        took = clock.now() - asked
        replied = sum(event.seconds for event in events if isinstance(event, Replied))
        waits = [event for event in events if isinstance(event, Waiting)]
        answer = f"{len(numbers)} numbers in {replied * 1000:.0f} ms"
        if waits:
            stage.fact(
                name, f"held for {took - replied:.2f} s (announced: {waits[0].seconds:.2f} s), then {answer}", "yellow"
            )
        else:
            stage.fact(name, answer)
        stage.expect(f"waits of the {name} call", int(name == "third"), len(waits))
        if waits:
            stage.expect("it was held as long as announced", expected=True, measured=took >= waits[0].seconds)


async def queue_many(stage: Stage, pace: Pace, simulator: Simulator, smsc: View) -> None:
    """Step 4: far more calls than slots."""
    low, high = pace.latency
    await stage.step(
        f"{pace.calls} calls at once, {SLOTS} slots",
        f"The gateway refuses a fifteenth at a time; each takes {low:g} to {high:g} s here.",
        "async with anyio.create_task_group() as tasks:",
        "    for phone in phones:",
        "        tasks.start_soon(smsc.calls.request, phone)",
    )
    clock = SYSTEM_CLOCK
    events: list[Event] = []
    smsc = smsc.with_options(observer=events.append)
    phones = [f"38067{number:07d}" for number in range(pace.calls)]
    slow = Fault(
        Delay(before_reply=lambda random: random.uniform(low, high)), action="wait_call", times=None, name="slow"
    )
    simulator.faults.add(slow)
    began = clock.now()

    def answered() -> list[float]:
        return [event.seconds for event in events if isinstance(event, Replied)]

    def crowd() -> Glance:
        done = len(answered())
        note = f"{done} of {pace.calls}" + (f", {smsc.limits().in_flight} in flight" if done < pace.calls else "")
        return Glance(done, pace.calls, note)

    async with stage.bar("calls", crowd), anyio.create_task_group() as tasks:
        for phone in phones:
            tasks.start_soon(smsc.calls.request, phone)
    took = clock.now() - began
    simulator.faults.remove(slow)
    verdict = simulator.verdict()
    stage.fact(
        "answered", f"{len(answered())} in {took:.1f} s; one after another they would take {sum(answered()):.0f} s"
    )
    stage.fact("in flight", f"{verdict.concurrency} at the peak, as the gateway counts them")
    stage.expect("calls answered", pace.calls, len(answered()))
    stage.expect("peak of the calls in flight", SLOTS, verdict.concurrency)


async def save_a_file(stage: Stage, pace: Pace, simulator: Simulator, smsc: View) -> None:
    """Step 6: a file that does not fit into a reply."""
    await stage.step(
        "A large file",
        "A report streams to disk, and appears at its place only when it is whole.",
        "(task,) = await smsc.downloads.list()",
        "path = await smsc.downloads.save(task.id, folder, progress=progress)",
    )
    clock = SYSTEM_CLOCK
    made = simulator.add_task(rows=pace.rows)
    (task,) = await smsc.downloads.list()
    received, announced = 0, 0

    def progress(so_far: int, in_all: int | None) -> None:
        nonlocal received, announced
        received, announced = so_far, in_all or 0

    def flow() -> Glance | None:
        if not announced:
            return None
        return Glance(received, announced, f"{received / MEGA:.1f} of {announced / MEGA:.1f} MB")

    with tempfile.TemporaryDirectory() as folder:
        began = clock.now()
        async with stage.bar("report", flow):
            path = await smsc.downloads.save(task.id, folder, progress=progress)
            took = clock.now() - began
        stage.fact("saved", f"{path.name} in {took:.1f} s, {received / MEGA / took:.0f} MB/s")
        size, rows, digest = await anyio.to_thread.run_sync(_examined, path)
    expected = await anyio.to_thread.run_sync(simulator.sha256, made)  # the simulator makes the file once more
    alike = (size, rows, digest) == (announced, pace.rows, expected)
    stage.fact("on disk", f"{size:,} bytes, {rows:,} rows, sha256 {digest[:12]}...")
    stage.fact(
        "gateway's", "the same" if alike else f"{announced:,} bytes, {pace.rows:,} rows, sha256 {expected[:12]}..."
    )
    stage.expect("bytes of the file", announced, size)
    stage.expect("rows of the file", pace.rows, rows)
    stage.expect("digest of the file", expected, digest)


def _examined(path: Path) -> tuple[int, int, str]:
    """Give size, rows below the header, and digest of a CSV."""
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    with path.open(encoding="windows-1251", newline="") as text:  # texts hold line breaks, so lines are not rows
        rows = sum(1 for _ in csv.reader(text, delimiter=";")) - 1
    return path.stat().st_size, rows, digest


async def judge(stage: Stage, simulator: Simulator, funds: Decimal, rented: list[AvailableNumber]) -> None:
    """Step 8: what the other side says."""
    await stage.step(
        "The gateway's verdict",
        "The simulator shares no code with the client; this is what its own log says.",
    )
    verdict = simulator.verdict()
    problems = verdict.problems(any_instant=True)  # the strictest reading: whenever the gateway counts a request
    paid = {phone: times for (_, action, phone), times in verdict.paid.items() if action == "buy"}
    figures: dict[str, tuple[object, object]] = {
        "requests": (verdict.requests, None),
        "refusals": (sum(verdict.refusals.values()), 0),
        "highest concurrency": (verdict.concurrency, SLOTS),
        "limits reached": (sum(figure.worst == figure.limit for figure in verdict.windows), 1),  # in step 3
        "limits exceeded": (sum(figure.exposed > figure.limit for figure in verdict.windows), 0),
        "rents paid": (sum(paid.values()), len(rented)),
        "paid twice": (sum(times > 1 for times in paid.values()), 0),
        "money spent": (funds - simulator.account.balance, sum((number.current_cost for number in rented), Decimal())),
        "password in a URL": (verdict.credentials_in_url, 0),
        "problems": (len(problems), 0),
    }
    stage.figures(figures)
    for problem in problems:
        stage.fact("problem", problem, "red")
