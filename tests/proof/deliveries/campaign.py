"""The driver: a gateway that repeats what was not acknowledged, and processes that are killed and begun again."""

from __future__ import annotations

import logging
import os
import random
import select
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter, deque
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import attrs

from tests.proof.deliveries.judge import Verdict, judge
from tests.proof.deliveries.life import POINTS, Spec, live
from tests.proof.deliveries.plan import draw
from tests.proof.deliveries.witness import Witness, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.proof.deliveries.wrong import Wrong

__all__ = ["Campaign", "Figures", "draw_campaign", "run"]

_AT_A_TIME: Final = 8  # deliveries that a process has
_PACE: Final = 0.004  # seconds between deliveries to a process that acknowledges before it handles: it shall do both
_MOST_TRIES: Final = 50  # the gateway's
_PAUSE: Final = 0.15  # seconds between two tries at most, 6 of the receiver's: the gateway waits for 240
_PATIENCE: Final = 9.0  # seconds without anything new: longer than any lease and any pause of the receiver
_LONGEST_LIFE: Final = 60  # deliveries until a process is killed at any moment, wherever it is then
_OFTEN: Final = frozenset({"claim, before", "statement", "commit"})  # points passed by idle workers too
_FAILING: Final = 0.15


@attrs.frozen(kw_only=True)
class Campaign:
    """One file of events, or one memory, from the first delivery to the last."""

    seed: int
    count: int
    durable: bool
    processes: int


def draw_campaign(seed: int, count: int) -> Campaign:
    """Draw a campaign: a third with memory, a third with a file, a third with a file that two processes share."""
    kind = seed % 3
    return Campaign(seed=seed, count=count, durable=kind != 0, processes=2 if kind == 2 else 1)


@attrs.define
class Figures:
    """What was counted."""

    deliveries: int = 0
    events: int = 0
    answers: Counter[str] = attrs.field(factory=Counter)
    lives: int = 0
    kills: Counter[tuple[str, str]] = attrs.field(factory=Counter)  # by store and point
    repeats: Counter[tuple[str, str]] = attrs.field(factory=Counter)  # by store and reason
    told: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    most_tries: int = 0

    def add(self, other: Figures) -> None:
        """Add what another campaign counted."""
        self.deliveries += other.deliveries
        self.events += other.events
        self.lives += other.lives
        self.most_tries = max(self.most_tries, other.most_tries)
        for name in ("answers", "kills", "repeats", "told"):
            getattr(self, name).update(getattr(other, name))


@attrs.define(eq=False)
class _Life:
    spec: Spec
    pid: int
    line: socket.socket
    given: dict[int, int] = attrs.field(factory=dict)  # deliveries that it has not answered: which try it is
    served: int = 0
    told_at: float = 0.0
    read: bytes = b""


class _Stuck(Exception):
    """Nothing happens any more."""


def run(campaign: Campaign, wrong: Wrong | None = None) -> tuple[Figures, list[str]]:
    """Run a campaign; give the figures and what was broken."""
    with tempfile.TemporaryDirectory() as folder:
        driver = _Driver(campaign, Path(folder), wrong)
        complaints = driver.drive()
        verdict: Verdict = judge(driver.plan, lines_of(Path(folder) / "witness"), durable=campaign.durable)
    name = "file" if campaign.durable else "memory"
    figures = driver.figures
    figures.repeats.update({(name, reason): number for reason, number in verdict.repeats.items()})
    figures.told.update({(name, what): number for what, number in verdict.told.items()})
    return figures, [*complaints, *verdict.complaints]


class _Driver:
    def __init__(self, campaign: Campaign, folder: Path, wrong: Wrong | None) -> None:
        self.figures = Figures()
        self.plan = draw(campaign.seed, campaign.count)
        self._campaign = campaign
        self._folder = folder
        self._wrong = wrong
        self._chance = random.Random(campaign.seed + 0.5)
        self._points = deque(self._chance.sample(POINTS, len(POINTS)))
        self._began = time.monotonic()
        self._to_tell = deque((number, 1) for number in range(len(self.plan)))
        self._again: list[tuple[float, int, int]] = []  # a heap: when, which delivery, which try
        self._lives: list[_Life] = []
        self._witness = Witness(folder / "witness", -1)
        self._news = time.monotonic()

    def drive(self) -> list[str]:
        """Deliver everything, then let what is stored be handled; give what went wrong."""
        try:
            while self._to_tell or self._again or any(life.given for life in self._lives):
                while len(self._lives) < self._campaign.processes:
                    self._begin_life(mortal=bool(self._to_tell or self._again))
                self._step()
            self._end_well()
        except _Stuck as stuck:
            return [str(stuck)]
        finally:
            for life in list(self._lives):
                os.kill(life.pid, signal.SIGKILL)
                self._bury(life)
            self._witness.close()
        events = {planned.key for planned in self.plan}
        self.figures.deliveries, self.figures.events = len(self.plan), len(events)
        return []

    def _step(self) -> None:
        while self._again and self._again[0][0] <= time.monotonic():
            self._to_tell.appendleft(heappop(self._again)[1:])
        for life in self._lives:
            while self._to_tell and len(life.given) < _AT_A_TIME and self._may_tell(life):
                self._tell(life, *self._to_tell.popleft())
        readable, _, _ = select.select([life.line for life in self._lives], [], [], _PACE)
        for life in [life for life in self._lives if life.line in readable]:
            self._hear(life)
        if time.monotonic() - self._news > _PATIENCE:
            waiting = sum(len(life.given) for life in self._lives)
            raise _Stuck(f"stuck: {waiting} deliveries without an answer for {_PATIENCE:g} s")

    def _end_well(self) -> None:
        """Let a process without faults handle what is left, and stop."""
        for life in list(self._lives):
            if life.spec.point or life.spec.failing:
                os.kill(life.pid, signal.SIGKILL)
                self._bury(life, "any moment")
        life = self._begin_life(mortal=False)
        left = last = -1
        while self._campaign.durable and (left := self._left()):
            if left != last:
                self._news, last = time.monotonic(), left
            if time.monotonic() - self._news > _PATIENCE:
                raise _Stuck(f"stuck: {left} events stored and not handled for {_PATIENCE:g} s")
            time.sleep(0.02)
        for life in self._lives:
            life.line.send(b"\n")
            _, status = os.waitpid(life.pid, 0)
            life.line.close()
            if status:
                raise _Stuck(f"a process without faults ended with {os.waitstatus_to_exitcode(status)}")
        self._lives.clear()

    def _left(self) -> int:
        if not (self._folder / "events.db").exists():
            return 0
        connection = sqlite3.connect(self._folder / "events.db", timeout=20.0)
        try:
            (left,) = connection.execute("SELECT count(*) FROM events WHERE settled_at IS NULL").fetchone()
        except sqlite3.OperationalError:  # no process has lived long enough to make the tables
            return 0
        finally:
            connection.close()
        return int(left)

    # ---------------------------------------------------------------- processes

    def _begin_life(self, *, mortal: bool) -> _Life:
        point, nth = "", 1
        if mortal:
            self._points.rotate(1)
            point = self._points[0]
            nth = self._chance.randint(1, 60 if point in _OFTEN else 3 if point.startswith("release") else 25)
        spec = Spec(
            number=self.figures.lives,
            seed=self._chance.randrange(1 << 30),
            backend=self._chance.choice(["asyncio", "trio"]),
            folder=self._folder,
            durable=self._campaign.durable,
            began=self._began,
            point=point,
            nth=nth,
            failing=_FAILING if mortal else 0.0,
            wrong=self._wrong,
        )
        self.figures.lives += 1
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            _be(spec, theirs, [ours, *(life.line for life in self._lives)])
        theirs.close()
        life = _Life(spec, pid, ours)
        self._lives.append(life)
        return life

    def _bury(self, life: _Life, how: str = "") -> None:
        """Note the death of a process, and tell again what it has not answered."""
        _, status = os.waitpid(life.pid, 0)
        life.line.close()
        self._lives.remove(life)
        self._witness.note("died", key=str(life.spec.number))
        if not os.WIFSIGNALED(status):
            raise _Stuck(f"a process ended by itself with {os.waitstatus_to_exitcode(status)}")
        self.figures.kills["file" if life.spec.durable else "memory", how or life.spec.point] += 1
        for number, tries in life.given.items():
            self._tell_again(number, tries)

    # ---------------------------------------------------------------- deliveries

    def _may_tell(self, life: _Life) -> bool:
        return not self._campaign.durable or time.monotonic() - life.told_at >= _PACE

    def _tell(self, life: _Life, number: int, tries: int) -> None:
        life.given[number] = tries
        life.told_at = time.monotonic()
        try:
            life.line.send(b"%d %s\n" % (number, self.plan[number].body))
        except OSError:
            return  # it is dead, which the next look at its line shows

    def _tell_again(self, number: int, tries: int) -> None:
        self.figures.most_tries = max(self.figures.most_tries, tries + 1)
        if tries >= _MOST_TRIES:
            raise _Stuck(f"a delivery was not acknowledged in {tries} tries, after which the gateway gives up")
        heappush(self._again, (time.monotonic() + self._chance.uniform(0.0, _PAUSE), number, tries + 1))

    def _hear(self, life: _Life) -> None:
        try:
            read = life.line.recv(1 << 16)
        except OSError:
            read = b""
        if not read:
            self._bury(life)
            return
        self._news = time.monotonic()
        *answers, life.read = (life.read + read).split(b"\n")
        for answer in answers:
            number, status = map(int, answer.split())
            tries = life.given.pop(number)
            life.served += 1
            self.figures.answers[str(status)] += 1
            if status != 200:
                self._tell_again(number, tries)
        if life.spec.failing and life.served > _LONGEST_LIFE:
            time.sleep(self._chance.uniform(0.0, 0.01))
            os.kill(life.pid, signal.SIGKILL)
            self._bury(life, "any moment")


def _be(spec: Spec, line: socket.socket, others: Iterable[socket.socket]) -> NoReturn:
    """Live, in the child of a fork."""
    code = 1
    try:
        for other in others:
            other.close()
        _be_quiet()
        live(spec, line)
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it is
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(code)


def _be_quiet() -> None:
    """Failures on purpose are no news."""
    logging.disable(logging.CRITICAL)
