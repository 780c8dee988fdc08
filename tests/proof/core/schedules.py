"""Random schedules: a seed is a profile, and a stream of steps that any length may be taken of."""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from smsc_async.guard import Outcome
from smsc_async.guard._records import Settings
from tests.proof.core import futures
from tests.proof.core.ledgers import FOREVER
from tests.proof.core.world import world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.proof.core.play import Play
    from tests.proof.core.world import World

__all__ = ["PROFILES", "Profile", "Schedule", "Step", "take"]

STRICT: Final = Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14)
CHUNK: Final = 64  # steps are drawn so many at a time, so a schedule's beginning does not depend on its length

GOOD = (Outcome.ACCEPTED,) * 5 + (Outcome.ANSWERED, Outcome.UNSENT, Outcome.UNKNOWN)
LOSSY = (Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNSENT)
DUPLICATES = (*GOOD, *GOOD, Outcome.DUPLICATE)
CROWDED = (*GOOD, *GOOD, Outcome.CONCURRENCY)
LOCKING = (*GOOD, Outcome.LOGIN_REFUSED, Outcome.LOGIN_REFUSED, Outcome.UNKNOWN, Outcome.ADDRESS_BLOCKED)
HARSH = (*GOOD, *tuple(Outcome))
UNKIND = (Outcome.REFUSED,) * 36 + (Outcome.UNKNOWN,) * 8 + (Outcome.ANSWERED,) * 2 + (Outcome.UNSENT,) * 2
REFUSING = (*UNKIND, Outcome.ACCEPTED)
MOODY = (*UNKIND[::4], *GOOD, Outcome.PRICED, Outcome.DUPLICATE, Outcome.CONCURRENCY)


OTHERS = tuple(f"other {n}" for n in range(24))
FEW = ("pair a", "pair b", "triple c", "single l", "bulk")
MANY = ("action f", "action g", "rent h", "rent i", "file j", "file k", "shared 3", "shared 2", "triple d", "fifty e")
MESSAGES = ("message n", "message o", "message n", "message o", "message p", "message q", "note r")
ANY = (*FEW, *MANY, *MESSAGES)


class Step(NamedTuple):
    """One step: what kind, and the bits that say how."""

    kind: str
    bits: int


@attrs.frozen(eq=False)
class Profile:
    """What is likely in a schedule."""

    name: str
    weights: dict[str, int]
    kinds: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = GOOD
    parties: str = "one"
    settings: Settings = STRICT
    grid: float = 1 / 16  # seconds; time moves by multiples of it
    burst: int = 6  # calls at once, at most
    most: int = 48  # calls in line, at most


MIXED = {
    "ask": 14, "burst": 3, "hurry": 3, "finish": 14, "late finish": 2, "finish all": 1, "leave": 3, "leave again": 1,
    "prove": 1, "tick": 1, "pass": 4, "edge": 4, "before edge": 1, "oversleep": 1, "quiet": 0, "fork": 0, "orphan": 0,
}  # fmt: skip
FILLING = {"burst": 6, "finish all": 6, "finish": 4, "edge": 4, "ask": 1}
FICKLE = {"hurry": 40, "leave": 40, "ask": 10, "finish": 4, "leave again": 2, "edge": 1}
SENDING = {
    "burst": 10, "finish all": 16, "prove": 6, "edge": 3, "hurry": 8, "late finish": 2, "finish": 1, "pass": 1,
    "before edge": 1, "oversleep": 1, "leave": 1, "fork": 1,
}  # fmt: skip
SMALL = attrs.evolve(STRICT, max_concurrency=3)

CHILD = {"fork": 1, "orphan": 1}

PROFILES: tuple[Profile, ...] = (
    Profile("edges", MIXED | {"edge": 10, "finish all": 4}, FEW, LOSSY),
    Profile("saturated", MIXED | {"burst": 8, "leave": 1, "pass": 1}, (*OTHERS, "file j"), burst=20),
    Profile("mixed", MIXED | CHILD, ANY),
    Profile("fifty", FILLING, ("fifty e",), LOSSY, burst=60, most=70),
    Profile("duplicates", MIXED | {"edge": 9, "quiet": 1}, (*FEW, "action f", "action g"), DUPLICATES),
    Profile("newcomers", MIXED | {"quiet": 1, "prove": 3}, (*FEW, *OTHERS[:4]), LOCKING, "many accounts"),
    Profile("hurried", MIXED | {"hurry": 16, "leave": 1}, ANY, LOSSY),
    Profile("crowded", MIXED | {"burst": 8, "leave": 1, "edge": 9}, OTHERS, CROWDED, burst=20),
    Profile("forking", MIXED | CHILD | {"burst": 5}, (*ANY, *OTHERS), LOSSY, "two credentials", burst=14),
    Profile("small", MIXED | CHILD | {"late finish": 6, "oversleep": 3}, ANY, HARSH, settings=SMALL),
    Profile("passing by", MIXED | {"quiet": 6, "finish all": 3}, (*FEW, *OTHERS[:4]), DUPLICATES, "many accounts"),
    Profile("harsh", MIXED | CHILD | {"quiet": 2}, ANY, HARSH, "three accounts"),
    Profile("uneven", MIXED | {"edge": 8, "quiet": 1}, (*FEW, *MANY), DUPLICATES, grid=0.1),
    Profile("fickle", FICKLE, FEW, LOSSY, most=6),
    Profile("refused", SENDING, MESSAGES, UNKIND, burst=20),
    Profile("moody", SENDING | {"edge": 1, "pass": 6}, MESSAGES, MOODY, burst=20),
    Profile("refused by all", SENDING, MESSAGES, REFUSING, "two accounts", burst=20),
)

# Seconds; a few steps of the grid more or less are drawn.
PATIENCE = (0.0, 0.5, 1.5, 5.0, 30.0, 60.0, 61.5, 66.5, 100.0, 123.0, 184.5, 300.0, 3600.0)
QUIET = (65.0, 130.0, 601.0, 1801.0, 100_000.0)


class Schedule:
    """What a seed stands for."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.profile = PROFILES[seed % len(PROFILES)]
        self.world: World = world(self.profile.parties)
        self.calls = self.world.named(self.profile.kinds)
        self.random = Random(seed)

    def steps(self) -> Iterator[Step]:
        """Give steps without end."""
        draw = Random(self.seed)
        kinds = tuple(self.profile.weights)
        weights = list(accumulate(self.profile.weights.values()))
        while True:
            for kind in draw.choices(kinds, cum_weights=weights, k=CHUNK):
                yield Step(kind, draw.getrandbits(48))


def take(play: Play, schedule: Schedule, step: Step) -> None:
    """Take a step; one for which there is nothing to do is skipped."""
    _TAKE[step.kind](play, schedule, step.bits & 0xFFFF, step.bits >> 16 & 0xFFFF, step.bits >> 32)


def _ask(play: Play, schedule: Schedule, which: int, how: int, _: int) -> None:
    calls = schedule.calls
    if len(play.standing) < schedule.profile.most:
        play.ask(schedule.world.calls[calls[which % len(calls)]])


def _burst(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    # Of one kind, or of one after the other.
    calls = schedule.calls
    for number in range(2 + many % schedule.profile.burst):
        if len(play.standing) < schedule.profile.most:
            play.ask(schedule.world.calls[calls[(which + number * (how & 1)) % len(calls)]])


def _hurry(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    if len(play.standing) >= schedule.profile.most:
        return
    call = schedule.world.calls[schedule.calls[which % len(schedule.calls)]]
    patience = max(PATIENCE[how % len(PATIENCE)] + (many % 33 - 16) * schedule.profile.grid, 0.0)
    if many >> 8 & 7:
        play.ask(call, patience)
    else:
        futures.doubted(play, lambda some: some.ask(call, patience))


def _finish(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    if not play.flying:
        return
    outcomes = schedule.profile.outcomes
    index, outcome = which % len(play.flying), outcomes[how % len(outcomes)]
    if play.hurried and not many & 15:
        futures.doubted(play, lambda some: some.finish(index, outcome))
    else:
        play.finish(index, outcome)


def _late_finish(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    if play.flying:
        outcomes = schedule.profile.outcomes
        ago = (1 + many % 48) * schedule.profile.grid
        play.finish(which % len(play.flying), outcomes[how % len(outcomes)], ago)


def _finish_all(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    outcomes = schedule.profile.outcomes
    for number in range(len(play.flying)):
        play.finish(0, outcomes[(how + number * (many & 3)) % len(outcomes)])


def _leave(play: Play, _: Schedule, which: int, how: int, many: int) -> None:
    if play.standing:
        play.leave(which % len(play.standing))


def _leave_again(play: Play, _: Schedule, which: int, how: int, many: int) -> None:
    if play.gone:
        play.leave_again(which % len(play.gone))


def _prove(play: Play, _: Schedule, which: int, how: int, many: int) -> None:
    if play.flying:
        play.prove(which % len(play.flying))


def _tick(play: Play, _: Schedule, which: int, how: int, many: int) -> None:
    play.tick()


def _pass(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    steps = (which % 8, which % 64, which % 320, which % 1600)[how % 4]
    play.pass_time(play.now + steps * schedule.profile.grid)


def _edge_of(play: Play, which: int) -> float:
    """Give a moment at which something happens, in the policy's eyes or in the gateway's."""
    if which & 3:
        return play.policy.lines.next_alarm()
    ledger = play.gateway.keys[(which >> 2) % len(play.gateway.keys)]
    return ledger.homes[0] if ledger.homes else FOREVER


def _edge(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    edge = _edge_of(play, which)
    if edge == FOREVER:
        return
    if play.hurried and not how & 15:
        futures.doubted(play, lambda some: some.pass_time(edge))
    else:
        play.pass_time(edge)


def _before_edge(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    edge = _edge_of(play, which)
    if edge < FOREVER:
        play.pass_time(edge - schedule.profile.grid)


def _oversleep(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    alarm = play.policy.lines.next_alarm()
    moment = alarm if alarm < FOREVER and which & 3 else play.now
    play.oversleep(moment + how % 128 * schedule.profile.grid)


def _quiet(play: Play, _: Schedule, which: int, how: int, many: int) -> None:
    play.pass_time(play.now + QUIET[which % len(QUIET)])


def _fork(play: Play, _: Schedule, which: int, how: int, many: int) -> None:
    play.fork()


def _orphan(play: Play, schedule: Schedule, which: int, how: int, many: int) -> None:
    if play.orphans:
        outcomes = schedule.profile.outcomes
        play.orphan(which % len(play.orphans), outcomes[how % len(outcomes)])


_TAKE: dict[str, Callable[[Any, Schedule, int, int, int], None]] = {
    "ask": _ask,
    "burst": _burst,
    "hurry": _hurry,
    "finish": _finish,
    "late finish": _late_finish,
    "finish all": _finish_all,
    "leave": _leave,
    "leave again": _leave_again,
    "prove": _prove,
    "tick": _tick,
    "pass": _pass,
    "edge": _edge,
    "before edge": _before_edge,
    "oversleep": _oversleep,
    "quiet": _quiet,
    "fork": _fork,
    "orphan": _orphan,
}
