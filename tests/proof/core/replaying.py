"""A schedule told to people, and made as short as it can be while it still breaks the same promise."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from smsc_async.guard._policy import Policy
from tests.proof.core import books
from tests.proof.core.ledgers import FOREVER, Violation, crashes_told
from tests.proof.core.play import Play
from tests.proof.core.reach import Reach
from tests.proof.core.running import run_steps
from tests.proof.core.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smsc_async.guard import Lease, Outcome
    from smsc_async.guard._records import Locked, Settings, TooLong
    from tests.proof.core.schedules import Step
    from tests.proof.core.world import Call

__all__ = ["TellingPlay", "replay", "shortened", "steps_until"]


class TellingPlay(Play):
    """A play that writes down what happens."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.story: list[str] = []

    def _tell(self, text: str) -> None:
        self.story.append(f"{self.now:>10g} s  {text}")

    def ask(self, call: Call, patience: float = FOREVER) -> None:
        hurry = "" if patience == FOREVER else f", to start by {self.now + patience:g}"
        self._tell(f"ask {call.name}{hurry} (call {self.serial + 1})")
        super().ask(call, patience)

    def leave(self, index: int) -> None:
        caller = list(self.standing.values())[index]
        self._tell(f"leave: call {caller.serial}, {caller.call.name}")
        super().leave(index)

    def leave_again(self, index: int) -> None:
        self._tell("leave once more")
        super().leave_again(index)

    def prove(self, index: int) -> None:
        self._tell(f"prove: {self._named(index)}")
        super().prove(index)

    def finish(self, index: int, outcome: Outcome, ago: float = 0.0) -> None:
        when = f", {ago:g} s ago" if ago else ""
        self._tell(f"finish: {self._named(index)}: {outcome.name}{when}")
        super().finish(index, outcome, ago)

    def orphan(self, index: int, outcome: Outcome) -> None:
        self._tell("finish a call of the parent")
        super().orphan(index, outcome)

    def fork(self) -> None:
        self._tell("fork")
        super().fork()

    def tick(self) -> None:
        self._tell("tick")
        super().tick()

    def oversleep(self, moment: float) -> None:
        super().oversleep(moment)
        self._tell("time passes, and nobody looks")

    def _named(self, index: int) -> str:
        flight = self.flying[index]
        return f"admission {flight.admission}, {flight.call.name}"

    def _admit(self, call: Call, lease: Lease, serial: int) -> None:
        self._tell(f"    call {serial} goes: admission {self.gateway.admissions + 1}, {call.name}")
        super()._admit(call, lease, serial)

    def _stand(self, caller: Any) -> None:
        super()._stand(caller)
        self._tell(f"    call {caller.serial} waits: {books.waits_for(caller.ticket).value}")

    def _judge_too_long(self, verdict: TooLong, serial: int, deadline: float) -> None:
        self._tell(f"    call {serial} is refused: it could not go before {verdict.moment:g}")
        super()._judge_too_long(verdict, serial, deadline)

    def _judge_locked(self, call: Call, verdict: Locked, serial: int) -> None:
        self._tell(f"    call {serial} is refused: locked until {verdict.until:g}")
        super()._judge_locked(call, verdict, serial)


def replay(
    make_policy: Callable[[Settings], Policy], seed: int, operations: int, steps: Sequence[Step] | None = None
) -> tuple[Violation | None, list[str]]:
    """Play a schedule once more; give how it ended, and its story."""
    plays: list[TellingPlay] = []

    def make_play(*args: Any) -> TellingPlay:
        plays.append(TellingPlay(*args))
        return plays[0]

    try:
        with crashes_told(f"seed {seed}"):
            run_steps(make_policy, Schedule(seed), operations, Reach(), steps, make_play=make_play)
    except Violation as violation:
        return violation, plays[0].story
    return None, plays[0].story


def steps_until(make_policy: Callable[[Settings], Policy], seed: int, operations: int) -> list[Step]:
    """Give the steps of a schedule up to its violation, or to its end."""
    taken: list[Step] = []
    with suppress(Violation), crashes_told(f"seed {seed}"):
        run_steps(make_policy, Schedule(seed), operations, Reach(), taken=taken)
    return taken


def shortened(make_policy: Callable[[Settings], Policy], seed: int, operations: int) -> list[Step]:
    """Leave out steps of a schedule that breaks a promise, as many as can be while it breaks the same one."""

    def broken(steps: Sequence[Step]) -> str:
        try:
            with crashes_told(f"seed {seed}"):
                run_steps(make_policy, Schedule(seed), operations, Reach(), steps)
        except Violation as violation:
            return str(violation).split(":")[0]
        return ""

    steps = steps_until(make_policy, seed, operations)
    promise = broken(steps)
    if not promise:
        return steps
    size = len(steps) // 2
    while size:
        start = 0
        while start < len(steps):
            fewer = steps[:start] + steps[start + size :]
            if broken(fewer) == promise:
                steps = fewer
            else:
                start += size
        size = size // 2 if size > 1 or len(steps) == 0 else 0
    return steps
