"""
Every schedule of a small world: breadth first over all that callers, gateway, time and forks may do.

Times are relative and numbers are by rank, so a state is what matters from now on. What is bounded is how many calls
are in flight or in line at once, and not how many there are in all: the states may be finitely many, and then the
search has seen all schedules, however long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from smsc_async.guard import Outcome
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Settings
from tests.proof.core import books, futures
from tests.proof.core.auditing import audit
from tests.proof.core.ledgers import FOREVER, TOLERANCE, Tolerance, crashes_told
from tests.proof.core.pictures import digest
from tests.proof.core.play import Play
from tests.proof.core.reach import Reach
from tests.proof.core.world import world

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SCOPES", "SOON_ANGRY", "Found", "Scope", "search"]

# Windows of two seconds, so that a second is a step; the gateway's half hours stay what they are.
TINY = Settings(window=2.0, margin=1.0, lateness=1.0, max_concurrency=2)
STEP = 1.0
HORIZON = 20.0  # seconds; everything but locks and strikes is over by then

PLAIN = (Outcome.ACCEPTED, Outcome.UNSENT, Outcome.UNKNOWN)


@attrs.frozen
class Scope:
    """
    What may happen in one search.

    Args:
        name: What it is about.
        kinds: What is asked for.
        live: How many calls may be in flight or in line at once.
        outcomes: How a call may end.
        parties: Whose calls they are.
        patience: Seconds that some callers wait; the others wait for ever.
        extra: What else may happen: "prove", "late finish", "oversleep", "fork".
        settings: The guard's numbers.
        tolerance: How many refused messages the gateway takes, and for how long it remembers them.
    """

    name: str
    kinds: tuple[str, ...]
    live: int
    outcomes: tuple[Outcome, ...] = PLAIN
    parties: str = "one"
    patience: tuple[float, ...] = ()
    extra: tuple[str, ...] = ()
    settings: Settings = TINY
    tolerance: Tolerance = TOLERANCE


GOOD_OR_LOST = (Outcome.ACCEPTED, Outcome.UNKNOWN)
REFUSED = (Outcome.ACCEPTED, Outcome.LOGIN_REFUSED, Outcome.ADDRESS_BLOCKED)
SENT = (*GOOD_OR_LOST, Outcome.REFUSED, Outcome.ANSWERED, Outcome.PRICED)
SOON_ANGRY = Tolerance(2, 4.0)  # a second more than a token rests
LATE_OR_NEVER = ("prove", "late finish", "fork")
ALL_THAT_HAPPENS = (*LATE_OR_NEVER, "oversleep")

SCOPES: tuple[Scope, ...] = (
    Scope("two keys", ("one", "two"), 4, extra=("oversleep",)),
    Scope("an action", ("one of two", "another of two"), 4),
    Scope("penalties", ("one of two", "two"), 3, (*GOOD_OR_LOST, Outcome.DUPLICATE)),
    Scope("crowds", ("two", "one"), 4, (*GOOD_OR_LOST, Outcome.CONCURRENCY)),
    Scope("locks", ("one",), 3, REFUSED, "two credentials", extra=("prove",)),
    Scope("hurry", ("one", "two"), 3, patience=(2.0, 5.0)),
    Scope("forks", ("one", "two"), 3, extra=("fork", "late finish")),
    Scope("subjects and files", ("buy", "file"), 4),
    Scope("messages", ("message", "message alone"), 3, SENT, tolerance=SOON_ANGRY),
    Scope("messages in a hurry", ("message",), 3, SENT, patience=(3.0, 6.0), tolerance=SOON_ANGRY),
    Scope("whoever sends", ("message",), 3, SENT, "two accounts", extra=LATE_OR_NEVER, tolerance=SOON_ANGRY),
    Scope("everything", ("two", "one of two"), 3, tuple(Outcome), patience=(3.0,), extra=ALL_THAT_HAPPENS),
)


@attrs.frozen
class Found:
    """What a search has seen."""

    scope: str
    states: int
    transitions: int
    depth: int
    complete: bool  # whether there is nothing more to see
    reach: Reach


Move = tuple[str, int, int]


def moves(play: Play, scope: Scope) -> Iterator[Move]:
    """Give what may happen next."""
    if len(play.flying) + len(play.standing) < scope.live:
        for call in range(len(play.world.calls)):
            for patience in range(len(scope.patience) + 1):
                yield "ask", call, patience
    for index in range(len(play.flying)):
        for kind in ("finish", *(extra for extra in scope.extra if extra == "late finish")):
            for outcome in range(len(scope.outcomes)):
                yield kind, index, outcome
    yield from (("prove", index, 0) for index in range(len(play.flying)) if "prove" in scope.extra)
    yield from (("leave", index, 0) for index in range(len(play.standing)))
    if "fork" in scope.extra and (play.flying or play.standing):
        yield "fork", 0, 0
    yield from _time(play, scope)


def _time(play: Play, scope: Scope) -> Iterator[Move]:
    far = _far_edge(play)
    if not far:
        yield "pass", 0, 0
    else:  # they are too many seconds to be passed one by one, unless something else happens meanwhile
        if play.flying or play.standing or play.policy.lines.next_alarm() < play.now + HORIZON:
            yield "pass", 0, 0
        yield "pass all", 0, 0
    if "oversleep" in scope.extra and play.policy.lines.next_alarm() <= play.now + STEP:
        yield "oversleep", 0, 0
    if not play.timely:
        yield "tick", 0, 0


def _far_edge(play: Play) -> float:
    """Give the next moment at which a lock ends or a strike is forgotten, if it is far; else 0."""
    ledgers = (*play.gateway.credentials, *play.gateway.origins)
    edges = [ledger.locked_until for ledger in ledgers] + [home for one in play.gateway.origins for home in one.strikes]
    return min((edge for edge in edges if edge > play.now + HORIZON), default=0.0)


def _ask(play: Play, scope: Scope, which: int, how: int) -> None:
    play.ask(play.world.calls[which], scope.patience[how - 1] if how else FOREVER)


def _fork(play: Play, scope: Scope, which: int, how: int) -> None:
    play.fork()
    while play.orphans:
        play.orphan(0, Outcome.ACCEPTED)


_MAKE: dict[str, Callable[[Play, Scope, int, int], None]] = {
    "ask": _ask,
    "finish": lambda play, scope, which, how: play.finish(which, scope.outcomes[how]),
    "late finish": lambda play, scope, which, how: play.finish(which, scope.outcomes[how], STEP),
    "prove": lambda play, scope, which, how: play.prove(which),
    "leave": lambda play, scope, which, how: play.leave(which),
    "fork": _fork,
    "pass": lambda play, scope, which, how: play.pass_time(play.now + STEP),
    "pass all": lambda play, scope, which, how: play.pass_time(_far_edge(play)),
    "oversleep": lambda play, scope, which, how: play.oversleep(play.now + STEP),
    "tick": lambda play, scope, which, how: play.tick(),
}


def make(play: Play, scope: Scope, move: Move) -> None:
    """Let one thing happen."""
    kind, which, how = move
    _MAKE[kind](play, scope, which, how)
    # What only the random schedules need would make every state a new one.
    play.gateway.spans.clear()
    play.gone.clear()


def search(
    scope: Scope,
    states: int,
    make_policy: Callable[[Settings], Policy] = Policy,
    tell: Callable[[int, int, int], None] | None = None,
) -> Found:
    """
    Look at the states of a scope, those that are few moves away first.

    Args:
        scope: What may happen.
        states: How many to look at, at the most.
        make_policy: Makes the policy under test.
        tell: Told now and then of states, transitions and depth.

    Raises:
        Violation: A promise is broken; the text has the moves, and there is no shorter way.
    """
    with books.tolerance(scope.tolerance.refusals, scope.tolerance.memory):
        return _search(scope, states, make_policy, tell)


def _search(
    scope: Scope,
    states: int,
    make_policy: Callable[[Settings], Policy],
    tell: Callable[[int, int, int], None] | None,
) -> Found:
    place = world(scope.parties, scope.kinds)
    reach = Reach()

    def follow(path: tuple[Move, ...]) -> Play:
        play = Play(make_policy, scope.settings, place, Reach(), scope.tolerance)
        for move in path:
            make(play, scope, move)
        return play

    seen = {digest(follow(()))}
    frontier: list[tuple[Move, ...]] = [()]
    transitions = depth = 0
    while frontier and len(seen) < states:
        depth += 1
        further: list[tuple[Move, ...]] = []
        for path in frontier:
            play = follow(path)
            frozen = futures.copies(play)
            for move in moves(play, scope):
                copy = futures.restored(frozen, reach)
                with crashes_told(f"scope {scope.name!r}", *path, move):
                    make(copy, scope, move)
                    name = digest(copy)
                    if name not in seen:
                        audit(copy)
                        seen.add(name)
                        further.append((*path, move))
                transitions += 1
                if tell is not None and not transitions % 1024:
                    tell(len(seen), transitions, depth)
            if len(seen) >= states:
                break
        frontier = further
    return Found(scope.name, len(seen), transitions, depth, not frontier, reach)
