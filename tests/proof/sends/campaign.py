"""The driver: a gateway, and processes that send to it, are killed, and are begun again."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async.simulator import Delay, Drop, Garbage, Simulator, Truncate, http_status, plain_refusal, serve
from tests.proof.deliveries.fast_clock import SPEED
from tests.proof.deliveries.witness import lines_of
from tests.proof.killing import Driver, Figures
from tests.proof.sends.judge import judge
from tests.proof.sends.life import LOGIN, POINTS, Spec, Worker, live

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smsc_async.simulator import Effect

__all__ = ["AT_GATEWAY", "FAULTS", "Campaign", "Sends", "draw_campaign", "run"]

#: Where the gateway kills a process: what it does, and whether it does so when it has carried the request out.
AT_GATEWAY: Final = {
    "the gateway has the request": ("send", False),
    "the gateway has carried it out": ("send", True),
    "the gateway is asked for a message": ("status", False),
    "the gateway has found it, or not": ("status", True),
}
_LONGEST_LIFE: Final = 2.5  # seconds of the machine until a process that comes to no end is killed, wherever it is then
_MINUTE: Final = 60.0 / SPEED
_NO_MINUTE: Final = 1e-6  # of a gateway that takes every repeat of a message for another one
_LATEST: Final = 15.0  # seconds for which a request may be under way after its sender has died
_FAULTY: Final = 0.7  # share of the lives with faults
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


def run(campaign: Campaign, worker: type[Worker] = Worker) -> tuple[Figures, list[str]]:
    """Run a campaign, with a wrong worker if that is given; give the figures and what was broken."""
    simulator = Simulator(
        **LOGIN,
        balance=Decimal(1_000_000),
        window=_MINUTE if campaign.duplicates else _NO_MINUTE,
        seed=campaign.seed,
    )
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as url:
        driver = Sends(campaign.seed, simulator, Path(folder))
        driver.url, driver.worker = url, worker
        complaints = driver.drive(campaign.kills)
        lines = lines_of(driver.notes)
    taken = [message for message in simulator.sent() if message.refused is None]
    driver.figures["messages"].update(line.what for line in lines)
    driver.figures["messages"]["taken by the gateway"] = len(taken)
    return driver.figures, [*complaints, *judge(lines, taken), *simulator.crashes]


class Sends(Driver):
    """The driver of processes that send."""

    points = POINTS
    rare = _RARE
    at_gateway = AT_GATEWAY
    faults = FAULTS
    faulty = _FAULTY
    longest_life = _LONGEST_LIFE
    preloaded = _PRELOADED
    url: str
    worker: type[Worker]

    @property
    def notes(self) -> Path:
        """Where the processes keep what they send."""
        return self.folder / "notes"

    def life(self, number: int, point: str, nth: int, *, last: bool) -> tuple[Callable[[Spec], None], Spec]:
        """Let a process send, or only find out what was left open."""
        return live, Spec(
            number=number,
            backend=self.chance.choice(["asyncio", "trio"]),
            folder=self.folder,
            url=self.url,
            began=self.began,
            point=point,
            nth=nth,
            sending=not last,
            worker=self.worker,
        )
