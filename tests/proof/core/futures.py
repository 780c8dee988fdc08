"""What would have happened: copies of a play, which go on as well as can be."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

from smsc_async.guard import Outcome, Rule
from smsc_async.guard._records import Settings
from tests.proof.core import books
from tests.proof.core.ledgers import EPSILON, FOREVER, Tolerance, Violation
from tests.proof.core.reach import Reach
from tests.proof.core.world import Call, Key, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proof.core.play import Play

__all__ = ["copies", "doubted", "restored", "soonest"]

MANY = 10_000  # alarms; a wait that takes more will not end
DEEP = 60  # calls in line: pickling follows a line from call to call, and Python's stack is finite


# What never changes is shared by all copies: the copies live in this process, and are many.
_shared: list[object] = []
_numbers: dict[object, int] = {}


def _share(thing: object) -> tuple[Callable[[int], object], tuple[int]]:
    name = (thing.endpoint, thing.reason, thing.n, thing.rests) if isinstance(thing, Rule) else thing
    number = _numbers.get(name)
    if number is None:
        number = _numbers[name] = len(_shared)
        _shared.append(thing)
    return _shared_thing, (number,)


def _shared_thing(number: int) -> object:
    return _shared[number]


class _Pickler(pickle.Pickler):
    dispatch_table = {  # noqa: RUF012 - pickle looks for a plain dictionary here
        Reach: lambda _: (type(None), ()),  # what a copy reaches is counted where its maker says
        Call: _share,
        Key: _share,
        Rule: _share,
        Settings: _share,
        Tolerance: _share,
        World: _share,
    }


def copies(play: Play) -> bytes:
    """Freeze a play, so that it can go on from here more than once."""
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(play)
    return buffer.getvalue()


def restored(frozen: bytes, reach: Reach) -> Play:
    """Give a play that goes on from where it was frozen, and counts what it reaches."""
    play: Play = pickle.loads(frozen)
    play.reach = play.gateway.reach = reach
    return play


def soonest(play: Play, serial: int) -> float:
    """Give the moment at which a waiting call goes when every call before it is sent, and answered at once."""
    for _ in range(MANY):
        while play.flying:
            play.finish(0, Outcome.ACCEPTED)
        if all(caller.serial != serial for caller in play.standing.values()):
            return play.now
        play.pass_time(play.policy.lines.next_alarm())
    raise Violation("forgotten: all answers are good, and a call never goes")


def doubted(play: Play, step: Callable[[Play], None]) -> None:
    """
    Take a step; whoever it refuses because the wait is too long must have had no chance.

    In a copy in which nobody is in a hurry, the same step is taken, and then all goes as well as can be.
    """
    try:
        frozen = copies(play) if len(play.standing) <= DEEP else None
    except (AttributeError, TypeError, pickle.PicklingError):
        frozen = None  # a policy under test that cannot be copied
    play.refused.clear()
    step(play)
    if frozen is None or not play.refused:
        return
    for serial in play.refused:
        copy = restored(frozen, Reach())  # what it reaches has not happened
        copy.patient = True
        for ticket, caller in copy.hurried.items():
            books.be_patient(ticket)
            caller.deadline = FOREVER
        copy.hurried.clear()
        step(copy)
        moment, deadline = soonest(copy, serial), play.refused[serial]
        if moment < deadline - 2 * EPSILON:
            raise Violation(f"too long: refused, and it could have gone at {moment:g}, before {deadline:g}")
        play.reach.add("too long, and shown to be so")
