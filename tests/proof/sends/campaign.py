"""The driver: a gateway, and processes that send to it, are killed, and are begun again."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter, deque
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async.simulator import (
    Delay,
    Drop,
    Fault,
    Garbage,
    Simulator,
    Truncate,
    http_status,
    plain_refusal,
    serve,
)
from tests.proof.deliveries.fast_clock import SPEED
from tests.proof.deliveries.witness import lines_of
from tests.proof.sends.judge import judge
from tests.proof.sends.life import LOGIN, POINTS, Spec, Worker, live

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smsc_async.simulator import Disturbance, Effect

__all__ = ["ANY_MOMENT", "AT_GATEWAY", "FAULTS", "Campaign", "Figures", "draw_campaign", "run"]

ANY_MOMENT: Final = "any moment"
#: Where the gateway kills a process: what it does, and whether it does so when it has carried the request out.
AT_GATEWAY: Final = {
    "the gateway has the request": ("send", False),
    "the gateway has carried it out": ("send", True),
    "the gateway is asked for a message": ("status", False),
    "the gateway has found it, or not": ("status", True),
}
_LONGEST_LIFE: Final = 2.5  # seconds of the machine until a process that comes to no end is killed, wherever it is then
_SHORT_LIFE: Final = 1.5  # likewise of one that is killed at any moment
_PATIENCE: Final = 60.0  # seconds of the machine for what nothing disturbs
_MINUTE: Final = 60.0 / SPEED
_NO_MINUTE: Final = 1e-6  # of a gateway that takes every repeat of a message for another one
_LATEST: Final = 15.0  # seconds for which a request may be under way after its sender has died
_FAULTY: Final = 0.7  # share of the lives with faults
_MANY: Final = 9  # passages of a point, at most, until a process dies there
_RARE: Final = frozenset(POINTS[3:6])  # points that a life does not pass often
_PRELOADED: Final = ["tests.proof.sends.__main__", "anyio._backends._asyncio", "anyio._backends._trio", "tenacity"]


def _seconds(most: float) -> Callable[[Random], float]:
    return lambda chance: chance.uniform(0.0, most) / SPEED


#: What befalls requests in a part of the lives, and how often: of sends and of looks alike.
FAULTS: Final[dict[str, tuple[Effect, float]]] = {
    "the reply is lost": (Drop(acted=True), 0.06),
    "the request is lost": (Drop(acted=False), 0.06),
    "error 9, a duplicate": (plain_refusal(9, "duplicate request, wait a minute"), 0.03),
    "error 9, too many at once": (plain_refusal(9, "too many concurrent requests"), 0.03),
    "500, carried out": (http_status(500, acted=True), 0.02),
    "502, not carried out": (http_status(502, acted=False), 0.02),
    "503, carried out": (http_status(503, acted=True), 0.02),
    "504, not carried out": (http_status(504, acted=False), 0.02),
    "half a reply": (Truncate(9), 0.03),
    "noise": (Garbage(acted=True), 0.02),
    "carried out late": (Delay(before_acting=_seconds(_LATEST)), 0.15),
    "counted late": (Delay(before_counting=_seconds(_LATEST)), 0.15),
    "answered too late": (Delay(before_reply=40.0 / SPEED), 0.02),
}


@attrs.frozen(kw_only=True)
class Campaign:
    """One gateway and one file of messages, from the first process to the last."""

    seed: int
    kills: int
    duplicates: bool  # whether the gateway refuses a repeat within the minute


def draw_campaign(seed: int, kills: int) -> Campaign:
    """Draw a campaign: every other one has a gateway that refuses repeats."""
    return Campaign(seed=seed, kills=kills, duplicates=seed % 2 == 0)


@attrs.define
class Figures:
    """What was counted."""

    kills: Counter[str] = attrs.field(factory=Counter)  # by point
    messages: Counter[str] = attrs.field(factory=Counter)  # kept, sent, found, not sent
    faults: Counter[str] = attrs.field(factory=Counter)
    taken: int = 0

    def add(self, other: Figures) -> None:
        """Add what another campaign counted."""
        for name in ("kills", "messages", "faults"):
            getattr(self, name).update(getattr(other, name))
        self.taken += other.taken


@attrs.frozen
class _Kills:
    """Kills a process when the gateway has its request, or when it has carried it out."""

    pid: int
    done: bool

    def apply(self, disturbance: Disturbance) -> None:
        if self.done:
            disturbance.meanwhile.append(self._kill)
        else:
            os.kill(self.pid, signal.SIGKILL)

    async def _kill(self, _: object) -> None:
        os.kill(self.pid, signal.SIGKILL)


def run(campaign: Campaign, worker: type[Worker] = Worker) -> tuple[Figures, list[str]]:
    """Run a campaign, with a wrong worker if that is given; give the figures and what was broken."""
    simulator = Simulator(
        **LOGIN,
        balance=Decimal(1_000_000),
        window=_MINUTE if campaign.duplicates else _NO_MINUTE,
        seed=campaign.seed,
    )
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as url:
        driver = _Driver(campaign, simulator, Path(folder), url, worker)
        complaints = driver.drive()
        lines = lines_of(driver.notes)
    taken = [message for message in simulator.sent() if message.refused is None]
    driver.figures.taken = len(taken)
    driver.figures.messages.update(line.what for line in lines)
    driver.figures.faults.update(fault for arrival in simulator.log for fault in arrival.faults if fault in FAULTS)
    return driver.figures, [*complaints, *judge(lines, taken), *simulator.crashes]


class _Driver:
    def __init__(self, campaign: Campaign, simulator: Simulator, folder: Path, url: str, worker: type[Worker]) -> None:
        self.figures = Figures()
        self.notes = folder / "notes"
        self._campaign = campaign
        self._simulator = simulator
        self._folder = folder
        self._url = url
        self._worker = worker
        self._chance = random.Random(campaign.seed)
        points = [*POINTS, *AT_GATEWAY, *[ANY_MOMENT] * 4]
        self._points = deque(self._chance.sample(points, len(points)))
        self._began = time.monotonic()
        # A server without threads forks them: this process has the gateway's.
        self._forking = multiprocessing.get_context("forkserver")
        self._forking.set_forkserver_preload(_PRELOADED)

    def drive(self) -> list[str]:
        """Let processes live and die, and the last one end; give what went wrong."""
        for number in range(self._campaign.kills):
            self._points.rotate(1)
            code = self._life(number, self._points[0])
            if code != -signal.SIGKILL:
                return [f"stuck: a process ended by itself with {code}"]
        self._simulator.faults.clear()
        code = self._last_life()
        deadline = time.monotonic() + _PATIENCE
        while any(arrival.completed_at is None for arrival in self._simulator.log) and time.monotonic() < deadline:
            time.sleep(0.02)
        return [f"stuck: the last process ended with {code}"] if code else []

    def _life(self, number: int, point: str) -> int | None:
        nth = self._chance.randint(1, 2 if point in _RARE else _MANY)
        self._simulator.faults.clear()
        if self._chance.random() < _FAULTY:
            faults = [Fault(effect, times=None, chance=chance, name=name) for name, (effect, chance) in FAULTS.items()]
            self._simulator.faults.add(*faults)
        process = self._begin(number, point if point in POINTS else "", nth)
        if point in AT_GATEWAY:
            action, done = AT_GATEWAY[point]
            self._simulator.faults.add(Fault(_Kills(process.pid or 0, done), action=action, skip=nth - 1))
        process.join(self._chance.uniform(0.0, _SHORT_LIFE) if point == ANY_MOMENT else _LONGEST_LIFE)
        if process.is_alive():
            process.kill()
            point = ANY_MOMENT
        process.join()
        self.figures.kills[point] += 1
        return process.exitcode

    def _last_life(self) -> int | None:
        process = self._begin(self._campaign.kills, "", 1, sending=False)
        process.join(_PATIENCE)
        process.kill()
        process.join()
        return process.exitcode

    def _begin(self, number: int, point: str, nth: int, *, sending: bool = True) -> multiprocessing.Process:
        spec = Spec(
            number=number,
            backend=self._chance.choice(["asyncio", "trio"]),
            folder=self._folder,
            url=self._url,
            began=self._began,
            point=point,
            nth=nth,
            sending=sending,
            worker=self._worker,
        )
        process = self._forking.Process(target=live, args=(spec,), daemon=True)
        process.start()
        return process
