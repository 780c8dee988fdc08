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

__all__ = ["Happened", "Pause", "Raise", "Verdict", "judge"]


class Happened(enum.Enum):
    """How an attempt ended without a value."""

    NOT_SENT = "not sent"  # proven: no connection, or its request never began
    LOST = "lost"  # time-out, broken connection, an HTTP status that is not the gateway's, an empty body
    REDIRECTED = "redirected"
    UNREADABLE = "unreadable"  # a whole answer that nobody can read
    OUT_OF_TIME = "out of time"  # the caller's `max_wait` ended in mid-exchange
    CONCURRENCY = "error 9, concurrency"
    DUPLICATE = "error 9, duplicate"
    REFUSED = "refused"  # any other number


class Pause(enum.Enum):
    """What comes before the repetition."""

    BACK_OFF = "back off"  # exponential, full jitter
    SLOTS = "let others finish"  # 1 to 3 s
    GUARD = "the guard holds it"  # until the minute is over


class Raise(enum.Enum):
    """What the caller gets where the call is not repeated, or not any more."""

    NOT_SENT = "NotSent"
    NO_REPLY = "NoReply"
    REDIRECT = "UnexpectedRedirect"
    UNREADABLE = "ReplyError"
    UNKNOWN = "OutcomeUnknown"
    REFUSAL = "the refusal"


@attrs.frozen
class Verdict:
    """Repeat after *pause* (never, where it is None); when that is over, raise *otherwise*."""

    pause: Pause | None
    otherwise: Raise
    other_host: bool = False  # whether the next attempt goes to the next of the backup hosts


_NEVER: Final = Verdict(None, Raise.REFUSAL)
_WHEN_THE_MINUTE_IS_OVER: Final = Verdict(Pause.GUARD, Raise.REFUSAL)
_UNKNOWN: Final = Verdict(None, Raise.UNKNOWN)

_REPEATABLE: Final = {
    Happened.NOT_SENT: Verdict(Pause.BACK_OFF, Raise.NOT_SENT, other_host=True),
    Happened.LOST: Verdict(Pause.BACK_OFF, Raise.NO_REPLY, other_host=True),
    Happened.REDIRECTED: Verdict(None, Raise.REDIRECT),
    Happened.UNREADABLE: Verdict(None, Raise.UNREADABLE),
    Happened.OUT_OF_TIME: Verdict(None, Raise.NO_REPLY),
    Happened.CONCURRENCY: Verdict(Pause.SLOTS, Raise.REFUSAL),
    Happened.REFUSED: _NEVER,
}
_TABLE: Final = {
    Replay.READ: _REPEATABLE,
    Replay.SET: _REPEATABLE,
    Replay.IF_NOT_DONE: {
        **_REPEATABLE,
        Happened.LOST: _UNKNOWN,
        Happened.REDIRECTED: _UNKNOWN,
        Happened.UNREADABLE: _UNKNOWN,
        Happened.OUT_OF_TIME: _UNKNOWN,
    },
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
