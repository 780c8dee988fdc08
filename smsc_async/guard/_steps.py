"""
The steps that processes tell each other, as plain data: what was granted, proven, given back, and what is known so far.

A step says what it did to which tokens, and not why, so that everybody who takes it comes to the same counts. Pure.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from smsc_async.guard._bucket import Reason, Recovery, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smsc_async.guard._breaker import Breaker
    from smsc_async.guard._bucket import TokenBucket

__all__ = [
    "BUCKET",
    "CLAIM",
    "CREDENTIAL",
    "FENCE",
    "FINISHED",
    "FOREIGN",
    "GATEWAY",
    "GRANTED",
    "PROVEN",
    "SLOTS",
    "Damaged",
    "Step",
    "load_breaker",
    "load_recovery",
    "load_rule",
    "read_steps",
    "save_breaker",
    "save_recovery",
    "save_rule",
    "write_steps",
]

Step = list[Any]  # its kind, the moment it was taken at, and what the kind needs

# What processes do.
GRANTED: Final = "g"  # lease, expires at, identity, endpoint, lasts, other buckets, charges
PROVEN: Final = "p"  # lease
FINISHED: Final = "f"  # lease, outcome
CLAIM: Final = "c"  # member, account, since, until: the first in its line waits for a slot
FENCE: Final = "q"  # until: nothing is granted before, because something was lost
# What is known, when a new file begins.
BUCKET: Final = "B"  # account, key, rule, homes, recovery
SLOTS: Final = "S"  # account, homes, recovery, cut at
CREDENTIAL: Final = "K"  # account, credential, breaker
GATEWAY: Final = "G"  # gateway, homes of the trials, homes of the refused, breaker
FOREIGN: Final = "n"  # how many requests of others the gateway has refused

_CHECKSUM: Final = 8  # hexadecimal digits
_write: Final = json.JSONEncoder(separators=(",", ":")).encode
_reasons: Final = {reason.name: reason for reason in Reason}


class Damaged(ValueError):
    """What is there was not written like this."""


def write_steps(steps: Iterable[Step]) -> bytes:
    """Give a line for each step, with a checksum."""
    lines: list[bytes] = []
    for step in steps:
        text = _write(step).encode()
        lines.append(b"%08x %b\n" % (zlib.crc32(text), text))
    return b"".join(lines)


def read_steps(data: bytes) -> tuple[list[Step], int]:
    """
    Give the steps in *data*, and how many of its bytes they are.

    A last line without its end was cut off by the death of its writer, who had no time to act on it, and is left out.

    Raises:
        Damaged: A line in between is not as it was written.
    """
    end = data.rfind(b"\n") + 1
    steps: list[Step] = []
    for line in data[:end].splitlines():
        text = line[_CHECKSUM + 1 :]
        try:
            if int(line[:_CHECKSUM], 16) != zlib.crc32(text):
                raise Damaged("a checksum is wrong")
            step = json.loads(text)
        except ValueError as error:
            raise Damaged(str(error)) from None
        steps.append(step)
    return steps, end


def save_rule(rule: Rule) -> list[Any]:
    """Give a rule as plain data."""
    return [rule.endpoint, rule.reason.name, rule.n, rule.rests]


def load_rule(data: list[Any]) -> Rule:
    """Give it back."""
    endpoint, reason, n, rests = data
    return Rule(endpoint, _reasons[reason], n, rests=rests)


def save_recovery(bucket: TokenBucket) -> list[Any] | None:
    """Give what a bucket recovers from as plain data."""
    recovery = bucket.recovery
    if recovery is None:
        return None
    return [recovery.blocked_until, recovery.base, recovery.rises_from, recovery.strikes]


def load_recovery(data: list[Any] | None) -> Recovery | None:
    """Give it back."""
    if data is None:
        return None
    blocked_until, base, rises_from, strikes = data
    recovery = Recovery(blocked_until, base, rises_from)
    recovery.strikes = strikes
    return recovery


def save_breaker(breaker: Breaker) -> list[Any]:
    """Give a breaker as plain data."""
    return [
        breaker.proven,
        breaker.failures,
        breaker.locked_at,
        breaker.locked_until,
        breaker.tripped_until,
        breaker.reason,
    ]


def load_breaker(breaker: Breaker, data: list[Any]) -> None:
    """Put it back."""
    proven, breaker.failures, breaker.locked_at, breaker.locked_until, breaker.tripped_until, breaker.reason = data
    breaker.set_proven(proven=proven)
