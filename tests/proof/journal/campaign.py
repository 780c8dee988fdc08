"""The driver: a gateway, and processes that pay it, are killed, and are begun again."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smsc_async.simulator import RentableNumber, Simulator, Switches, serve
from tests.proof.deliveries.witness import lines_of
from tests.proof.journal.judge import judge, judge_end
from tests.proof.journal.life import LOGIN, POINTS, Spec, live, phone_of
from tests.proof.killing import Driver, Figures
from tests.proof.sends.campaign import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proof.deliveries.witness import Line

__all__ = ["Purchases", "run"]

_NO_MINUTE: Final = 1e-6  # of a gateway that takes every repeat of a message for another one
_STOCK: Final = 3_000  # numbers for rent
_ASKING_FIRST: Final = 0.7  # share of the lives that ask what was left open before they rent; others rely on `rent`


def run(seed: int, kills: int, wrong: str = "") -> tuple[Figures, list[str]]:
    """Run a campaign, with a wrong journal if that is named; give the figures and what was broken."""
    simulator = Simulator(
        **LOGIN,
        balance=Decimal(10_000_000),
        window=_NO_MINUTE,
        numbers=[RentableNumber(phone_of(number)) for number in range(_STOCK)],
        switches=Switches(rent_twice=True),
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as url:
        driver = Purchases(seed, simulator, Path(folder))
        driver.url, driver.wrong = url, wrong
        complaints = driver.drive(kills)
        lines, sold = driver.lines(), driver.sold()
        if not complaints:
            complaints = judge_end(lines, sold, driver.listed())
    driver.figures["calls"].update(line.what for line in lines)
    driver.figures["calls"]["sold by the gateway, and messages taken"] = sum(sold.values())
    return driver.figures, [*complaints, *simulator.crashes]


class Purchases(Driver):
    """The driver of processes that pay."""

    points = POINTS
    rare = frozenset({"OutcomeLost", *POINTS[7:9], *POINTS[-5:]})
    #: Of which action, and whether when it has carried the request out.
    at_gateway = {  # noqa: RUF012 - as the driver has it
        "the gateway has the rent": ("buy", False),
        "the gateway has carried the rent out": ("buy", True),
        "the gateway has the message": ("send", False),
        "the gateway has carried the message out": ("send", True),
    }
    faults = FAULTS
    faulty = 0.6
    longest_life = 3.0
    preloaded = ["tests.proof.journal.__main__", "anyio._backends._asyncio", "anyio._backends._trio", "tenacity"]  # noqa: RUF012
    may_end = True
    url: str
    wrong: str

    def life(self, number: int, point: str, nth: int, *, last: bool) -> tuple[Callable[[Spec], None], Spec]:
        """Let a process pay, or only find out what was left open."""
        return live, Spec(
            number=number,
            backend=self.chance.choice(["asyncio", "trio"]),
            folder=self.folder,
            url=self.url,
            began=self.began,
            seed=self.chance.randrange(1 << 30),
            point=point,
            nth=nth,
            asks_first=self.chance.random() < _ASKING_FIRST,
            paying=not last,
            wrong=self.wrong,
        )

    def died(self, number: int, moment: float) -> list[str]:
        """Say what is wrong when a process has died, and count who knows of what."""
        sold = self.sold()  # first: what is sold meanwhile is in the journal already
        lines, listed = self.lines(), self.listed()
        printed = {line.key for line in lines if line.what == "bought"}
        known = self.figures["known, when a process had died"]
        known["to the journal, and it was bought"] += len((listed - printed) & sold.keys())
        known["to the journal, and it was not bought"] += len(listed - printed - sold.keys())
        known["to both, for a moment"] += len(listed & printed)
        return judge(lines, sold, listed, life=number, died=moment)

    def lines(self) -> list[Line]:
        """Give what the processes have printed."""
        notes = self.folder / "notes"
        return lines_of(notes) if notes.exists() else []

    def sold(self) -> dict[str, int]:
        """Say how often the gateway has sold each phone, or sent a message to it."""
        rented = self.simulator.numbers.rented(LOGIN["login"])
        sold = {phone: number.times for phone, number in rented.items()}
        sold.update(Counter(message.phone for message in self.simulator.sent() if message.refused is None))
        return sold

    def listed(self) -> set[str]:
        """Read the journal as anybody could: the phones in it."""
        if not (path := self.folder / "journal.db").exists():
            return set()
        with closing(sqlite3.connect(path)) as connection:
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return set()
            found = connection.execute("SELECT subject, json_extract(recipients, '$[0]') FROM calls")
            return {recipient or subject for subject, recipient in found}
