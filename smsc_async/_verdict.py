"""
May this call be repeated? The table of the design, as values; pure.

What decides is evidence: a call that pays, allots or sends is repeated only when nothing of it left this machine, or
when the gateway itself said that it did not carry it out. No evidence means unknown.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

from smsc_async._endpoint import OnDuplicate, Replay

__all__ = ["Happened", "Pause", "Verdict", "judge"]


class Happened(enum.Enum):
    """How an attempt ended without a value."""

    NOT_SENT = enum.auto()  # proven: no connection, or its request never began
    LOST = enum.auto()  # time-out, broken connection, an HTTP status that is not the gateway's, an empty body
    REDIRECTED = enum.auto()
    UNREADABLE = enum.auto()  # a whole answer that nobody can read
    OUT_OF_TIME = enum.auto()  # the caller's `max_wait` ended in mid-exchange
    CONCURRENCY = enum.auto()  # error 9: too many requests in flight
    DUPLICATE = enum.auto()  # error 9: the same request again within a minute
    REFUSED = enum.auto()  # any other number


class Pause(enum.Enum):
    """What comes before the repetition."""

    BACK_OFF = enum.auto()  # exponential, full jitter
    SLOTS = enum.auto()  # 1 to 3 s, so that others finish
    GUARD = enum.auto()  # none here: the guard holds it until the minute is over


@attrs.frozen
class Verdict:
    """Repeat after *pause*; never, where it is None."""

    pause: Pause | None
    other_host: bool = False  # whether the next attempt goes to the next of the backup hosts


_NEVER: Final = Verdict(None)
_ELSEWHERE: Final = Verdict(Pause.BACK_OFF, other_host=True)
_WHEN_OTHERS_FINISHED: Final = Verdict(Pause.SLOTS)
_WHEN_THE_MINUTE_IS_OVER: Final = Verdict(Pause.GUARD)

_REPEATABLE: Final = {
    Happened.NOT_SENT: _ELSEWHERE,
    Happened.LOST: _ELSEWHERE,
    Happened.REDIRECTED: _NEVER,
    Happened.UNREADABLE: _NEVER,
    Happened.OUT_OF_TIME: _NEVER,
    Happened.CONCURRENCY: _WHEN_OTHERS_FINISHED,
    Happened.REFUSED: _NEVER,
}
_TABLE: Final = {
    Replay.READ: _REPEATABLE,
    Replay.SET: _REPEATABLE,
    Replay.IF_NOT_DONE: {**_REPEATABLE, Happened.LOST: _NEVER},
}


def judge(happened: Happened, replay: Replay, on_duplicate: OnDuplicate, *, done_before: bool) -> Verdict:
    """
    Look the verdict up.

    Args:
        happened: How the attempt ended.
        replay: What repeating the call could do.
        on_duplicate: What error 9 of the duplicate kind means for the endpoint.
        done_before: Whether an earlier call on the same subject succeeded or is unresolved.
    """
    if happened is not Happened.DUPLICATE:
        return _TABLE[replay][happened]
    if on_duplicate is OnDuplicate.REPEAT or (on_duplicate is OnDuplicate.UNLESS_DONE and not done_before):
        return _WHEN_THE_MINUTE_IS_OVER
    return _NEVER
