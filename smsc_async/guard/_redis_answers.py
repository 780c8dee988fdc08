"""What the script's answers mean, and what an error of the server means for a call. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from smsc_async.guard._bucket import FOREVER, Recovery

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["REASONS", "Refused", "Told", "read_told", "refusal"]

_NEVER: Final = -1
REASONS: Final = {  # of a lock; the policy's words
    b"login": "the gateway refused the credentials (error 2)",
    b"address": "the gateway has blocked this IP address (error 4)",
    b"strikes": "one more refused login could block this IP address for 30 minutes",
}
_ERRORS: Final = {  # how an error of the server begins
    "SMSC SCHEMA": "its processes do not agree: this one has other numbers, or another version, than {rest}",
    "SMSC DAMAGED": "what is stored there was written by somebody else ({rest})",
    "WRONGTYPE": "what is stored there was written by somebody else",
    "READONLY": "the server is not a primary any more",
    "MOVED": "the server is one of a cluster and does not keep this account; give the address of a single primary",
    "CLUSTERDOWN": "the cluster is down",
    "NOREPLICAS": "the server has lost its replicas, and would forget what it grants",
    "MASTERDOWN": "the server has lost its primary",
    "LOADING": "the server is starting",
    "BUSY": "the server is busy with a script",
    "OOM": "the server has no memory left",
    "MISCONF": "the server cannot save what it knows",
    "NOPERM": "the user of the address may not run scripts, or not these commands",
    "NOAUTH": "the server wants a password",
}
PASSING: Final = ("READONLY", "MASTERDOWN", "LOADING", "CLUSTERDOWN", "BUSY", "NOREPLICAS")  # may be over soon


class Refused(Exception):
    """
    The server cannot be the guard, as it is; the text holds no secret.

    Args:
        passing: Whether it may be otherwise soon, also on another connection.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


def refusal(text: str) -> Refused:
    """Give what an error of the server means."""
    for beginning, reason in _ERRORS.items():
        if text.startswith(beginning):
            passing = beginning in PASSING
            return Refused(reason.format(rest=text[len(beginning) :].strip()[:80]), passing=passing)
    return Refused(f"the server answers {text.partition(' ')[0][:40]}")


@attrs.frozen
class Told:
    """Why a call has to wait, on this process's clock; *field* is the bucket's name on the server."""

    field: bytes
    homes: Sequence[float]
    flying: int
    recovery: Recovery | None


def read_told(answer: Sequence[Any], now: float) -> Told:
    """Read an answer WAIT that came at *now*."""
    _, _, _, field, flying, blocked, base, risen, strikes, *homes = answer
    recovery = None
    if base:
        rises_from = FOREVER if risen == _NEVER else now - risen / 1000
        recovery = Recovery(now + blocked / 1000 if blocked else -FOREVER, base, rises_from)
        recovery.strikes = strikes
    return Told(field, sorted(now + home / 1000 for home in homes), flying, recovery)
