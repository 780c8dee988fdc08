"""What proofs by killed processes share: the driver that kills them, and the long run, the replay and the zoo."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from smsc_async.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from smsc_async.simulator import Disturbance, Effect, Simulator

__all__ = ["ANY_MOMENT", "Driver", "Figures", "Proof"]

ANY_MOMENT: Final = "any moment"
_SHORT_LIFE: Final = 1.5  # seconds of the machine until a process is killed that is to be at any moment, at most
_PATIENCE: Final = 60.0  # seconds of the machine for what nothing disturbs
_MANY: Final = 9  # passages of a point, at most, until a process dies there
_TRIED: Final = 12  # campaigns in which something wrong is looked for, at most
_EACH: Final = 300  # kills in which each point must have been one of death, and each fault have struck


class Figures:
    """What was counted: counters by their title, the kills and faults among them."""

    def __init__(self) -> None:
        self.counters: dict[str, Counter[str]] = {"killed": Counter(), "faults": Counter()}

    def __getitem__(self, title: str) -> Counter[str]:
        """Give a counter."""
        return self.counters.setdefault(title, Counter())

    def add(self, other: Figures) -> None:
        """Add what another campaign counted."""
        for title, counter in other.counters.items():
            self[title].update(counter)

    def __str__(self) -> str:
        """Show a table of each."""
        lines: list[str] = []
        for title, counter in self.counters.items():
            lines += ["", title, *(f"  {name:50}{number:>8,}" for name, number in counter.most_common())]
        return "\n".join(lines)


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


class Driver:
    """
    Lets processes live and die in one campaign.

    Args:
        seed: Of all that is drawn.
        simulator: The gateway, in this process.
        folder: For the files that processes leave to those after them.
    """

    points: ClassVar[Sequence[str]]  # where a process kills itself
    rare: ClassVar[Collection[str]]  # those that a life does not pass often
    at_gateway: ClassVar[Mapping[str, tuple[str, bool]]]  # where the gateway kills it: action, and when it is done
    faults: ClassVar[Mapping[str, tuple[Effect, float]]]  # and how often
    faulty: ClassVar[float]  # share of the lives with faults
    longest_life: ClassVar[float]  # seconds of the machine until a process is killed wherever it is then
    preloaded: ClassVar[list[str]]
    may_end: ClassVar[bool] = False  # by itself, before it is killed

    def __init__(self, seed: int, simulator: Simulator, folder: Path) -> None:
        self.figures = Figures()
        self.simulator = simulator
        self.folder = folder
        self.chance = random.Random(seed)
        points = [*self.points, *self.at_gateway, *[ANY_MOMENT] * 4]
        self._points = deque(self.chance.sample(points, len(points)))
        self.began = time.monotonic()
        # A server without threads forks them: this process has the gateway's.
        self._forking = multiprocessing.get_context("forkserver")
        self._forking.set_forkserver_preload(self.preloaded)

    def life(self, number: int, point: str, nth: int, *, last: bool) -> tuple[Callable[[Any], None], Any]:
        """Give what a process is to run, and with what; the last one is to end by itself."""
        raise NotImplementedError

    def died(self, number: int, moment: float) -> list[str]:
        """Say what is wrong when a process has died."""
        return []

    def drive(self, kills: int) -> list[str]:
        """Let so many processes live and die, and the last one end; give what went wrong."""
        number = 0
        while self.figures["killed"].total() < kills:
            self._points.rotate(1)
            code = self._kill(number, self._points[0])
            if code != -signal.SIGKILL and not (self.may_end and code == 0):
                return [f"stuck: a process ended by itself with {code}"]
            if complaints := self.died(number, time.monotonic()):
                return complaints
            number += 1
        self.simulator.faults.clear()
        process = self._begin(number, "", 1, last=True)
        process.join(_PATIENCE)
        process.kill()
        process.join()
        deadline = time.monotonic() + _PATIENCE
        while any(arrival.completed_at is None for arrival in self.simulator.log) and time.monotonic() < deadline:
            time.sleep(0.02)
        faults = (fault for arrival in self.simulator.log for fault in arrival.faults)
        self.figures["faults"].update(fault for fault in faults if fault in self.faults)
        return [f"stuck: the last process ended with {process.exitcode}"] if process.exitcode else []

    def _kill(self, number: int, point: str) -> int | None:
        nth = self.chance.randint(1, 2 if point in self.rare else _MANY)
        faults = self.simulator.faults
        faults.clear()
        if self.chance.random() < self.faulty:
            every = [
                Fault(effect, times=None, chance=share, name=name) for name, (effect, share) in self.faults.items()
            ]
            faults.add(*every)
        process = self._begin(number, point if point in self.points else "", nth, last=False)
        if point in self.at_gateway:
            action, done = self.at_gateway[point]
            faults.add(Fault(_Kills(process.pid or 0, done), action=action, skip=nth - 1))
        process.join(self.chance.uniform(0.0, _SHORT_LIFE) if point == ANY_MOMENT else self.longest_life)
        if process.is_alive():
            process.kill()
            point = ANY_MOMENT
        process.join()
        if process.exitcode:
            self.figures["killed"][point] += 1
        else:
            self.figures["ended by themselves"]["before they came to their point of death"] += 1
        return process.exitcode

    def _begin(self, number: int, point: str, nth: int, *, last: bool) -> multiprocessing.Process:
        target, spec = self.life(number, point, nth, last=last)
        process = self._forking.Process(target=target, args=(spec,), daemon=True)
        process.start()
        return process


@attrs.frozen(kw_only=True)
class Proof:
    """
    A proof, as it is asked for on the command line.

    Args:
        name: Of its folder.
        kills: In a long run, where nothing else is said.
        of_one: Kills of a campaign.
        run: Runs a campaign: of a seed, with so many kills, with something wrong if that is named.
        wrong: The names of what can be wrong.
        driver: Which points of death and faults there are.
        wrong_seeds: For how many seeds one is tried with something wrong.
    """

    name: str
    kills: int
    of_one: int
    run: Callable[[int, int, str], tuple[Figures, list[str]]]
    wrong: Collection[str]
    driver: type[Driver]
    wrong_seeds: int = 1

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Do what is asked, and give the exit code."""
        parser = argparse.ArgumentParser(prog=f"python -m tests.proof.{self.name}")
        parser.add_argument("command", nargs="?", choices=["run", "replay", "zoo"], default="run")
        parser.add_argument("--kills", type=int, default=self.kills)
        parser.add_argument("--seed", type=int, default=1, help="of the first campaign")
        parser.add_argument("--of-one", type=int, default=self.of_one, help="kills of a campaign")
        parser.add_argument("--wrong", choices=sorted(self.wrong), default="", help="take a protection away")
        asked = parser.parse_args(arguments)
        if asked.command == "zoo":
            return self._zoo(asked.seed, asked.of_one, [asked.wrong] if asked.wrong else self.wrong)
        count = asked.of_one if asked.command == "replay" else asked.kills
        return self._long_run(asked.seed, count, asked.of_one, asked.wrong)

    def _long_run(self, seed: int, count: int, of_one: int, wrong: str) -> int:
        figures, broken, begun, campaigns = Figures(), 0, time.monotonic(), 0
        while campaigns * of_one < count:
            found, complaints = self.run(seed + campaigns, min(of_one, count - campaigns * of_one), wrong)
            figures.add(found)
            if complaints:
                broken += 1
                _say(f"broken with --seed {seed + campaigns} --of-one {of_one}\n")
                _say("".join(f"    {complaint}\n" for complaint in complaints[:20]))
            campaigns += 1
        _say(f"{figures}\n\n{figures['killed'].total()} kills in {campaigns} campaigns from seed {seed}, ")
        _say(f"in {time.monotonic() - begun:.0f} s; {broken} with a broken promise\n")
        points, faults = {*self.driver.points, *self.driver.at_gateway, ANY_MOMENT}, set(self.driver.faults)
        missing = sorted((points - figures["killed"].keys()) | (faults - figures["faults"].keys()))
        if count >= _EACH and missing:
            _say(f"never came about: {', '.join(missing)}\n")
            return 1
        return 1 if broken else 0

    def _zoo(self, seed: int, of_one: int, names: Iterable[str]) -> int:
        """Show that each of these is noticed."""
        unnoticed = []
        for name in names:
            for each in range(seed, seed + self.wrong_seeds * _TRIED, self.wrong_seeds):
                _, complaints = self.run(each, of_one, name)
                if complaints:
                    _say(f"{name:24} seed {each}: {complaints[0]}\n")
                    break
            else:
                _say(f"{name:24} NOT NOTICED\n")
                unnoticed.append(name)
        return 1 if unnoticed else 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
