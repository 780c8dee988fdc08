"""How far the schedules reached: a proof that never came to the edge proves nothing."""

from __future__ import annotations

import enum
from collections import Counter
from typing import TYPE_CHECKING, Final

from smsc_async import errors
from smsc_async._verdict import Happened
from smsc_async.guard import Outcome, Reason
from tests.proof.client.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FOURTEEN", "FULL", "IN_A_ROW", "LOOKED_FOR", "RESOLVED", "Reach"]

FOURTEEN: Final = "exactly 14 in flight"
FULL: Final = {n: f"windows holding exactly {n}" for n in (1, 2, 3, 5, 7, 10, 50)}
IN_A_ROW: Final = "exactly 99 messages refused in a row"
LOOKED_FOR: Final = "messages that were looked for, and found"
RESOLVED: Final = {how: f"messages of unknown outcome, {how}" for how in ("sent", "not sent")}
_RAISED: Final = (
    *(errors.InvalidArgument, errors.InvalidArgumentType, errors.GatewayError, errors.InvalidParameters),
    *(errors.AuthenticationFailed, errors.InsufficientFunds, errors.AddressBlocked, errors.TaskNotFound),
    *(errors.RecipientBlacklisted, errors.CostUnavailable, errors.TooManyRequests, errors.NotSent, errors.NoReply),
    *(errors.UnexpectedRedirect, errors.IncompleteDownload, errors.OutcomeUnknown, errors.OutcomeStillUnknown),
    *(errors.ReplyError, errors.TaskNotReady, errors.TaskFailed, errors.WaitTooLong, errors.AccountLocked),
    *(errors.SessionClosed, errors.MessageOutcomeUnknown, errors.MessageForbidden, errors.InvalidPhone),
    *(errors.Undeliverable, errors.InvalidDate),
)
Row = str | enum.Enum


class Reach:
    """How often each thing that matters came to pass."""

    def __init__(self) -> None:
        self.schedules = 0
        self.calls = 0
        self.requests = 0
        self.counts: Counter[Row] = Counter()

    def count(self, row: Row, times: int = 1) -> None:
        """Note that it came to pass."""
        self.counts[row] += times

    def raised(self, error: BaseException) -> None:
        """Note what a call raised."""
        self.counts[type(error).__name__] += 1

    def add(self, other: Reach) -> None:
        """Add another run's."""
        self.schedules += other.schedules
        self.calls += other.calls
        self.requests += other.requests
        self.counts.update(other.counts)

    @staticmethod
    def rows() -> Iterable[tuple[str, Row]]:
        """Give everything that has to be reached: its part of the table, and what it is counted by."""
        yield from (("edges", row) for row in (*FULL.values(), FOURTEEN, IN_A_ROW, LOOKED_FOR, *RESOLVED.values()))
        yield from (("outcomes of an attempt", outcome) for outcome in Outcome)
        yield from (("what the verdict is asked", happened) for happened in Happened)
        yield from (("reasons to wait", reason) for reason in Reason if reason is not Reason.FENCE)
        yield from (("faults", fault) for fault in Fault)
        yield from (("errors", kind.__name__) for kind in _RAISED)

    def missing(self, least: int) -> list[str]:
        """Name what was reached less often than *least* times."""
        found = [(part, row, self.counts[row]) for part, row in self.rows()]
        return [f"{part}: {_name(row)}: {count}" for part, row, count in found if count < least]

    def table(self) -> str:
        """Show all of it."""
        lines = [f"{self.schedules} schedules, {self.calls} calls, {self.requests} requests"]
        last = ""
        for part, row in self.rows():
            if part != last:
                lines += ["", part]
                last = part
            lines.append(f"  {self.counts[row]:>9,}  {_name(row)}")
        return "\n".join(lines)


def _name(row: Row) -> str:
    return f"{row.name}: {row.value}" if isinstance(row, enum.Enum) else row
