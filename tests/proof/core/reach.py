"""What a run has reached: a proof that never came to the edge proves nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from smsc_async.guard import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["EVERYTHING", "Reach"]

EVENTS = (
    "admitted at once",
    "admitted after a wait",
    "admitted at the very moment a token came home",
    "placed in line",
    "refused: locked",
    "refused while waiting: locked",
    "refused: too long",
    "refused while waiting: too long",
    "too long, and shown to be so",
    "left the line",
    "left the line with tokens reserved",
    "left once more",
    "accepted before its end",
    "given back late",
    "looked too late at the alarm",
    "a token recalled after a penalty",
    "a probe after a penalty",
    "a good probe after a penalty",
    "a step of recovery after a penalty",
    "slots halved",
    "a step of recovery of the slots",
    "every trial taken",
    "a row ended by a message that was taken",
    "a row that went on, for it may have come after the one that was taken",
    "a message admitted at the very moment a refusal was forgotten",
    "refused while waiting: too long, for a row of refusals",
    "forked with messages in flight",
    "forked with calls in flight",
    "forked with calls in line",
    "given back to the child of a fork",
    "an idle account forgotten",
    "everything home, nothing left",
)

FULL = (2, 3, 50)  # the limits whose windows must have been full
IN_FLIGHT = 14
ROW = 99


OF_ONE_PROCESS = tuple(reason for reason in Reason if reason is not Reason.FENCE)  # where no state can be lost


class Reach:
    """Counts of what happened in a run; they add up over runs."""

    def __init__(self) -> None:
        self.schedules = 0
        self.operations = 0  # calls of the policy's methods
        self.admissions = 0
        self.full: Counter[int] = Counter()  # by limit: admissions after which a window held exactly as many
        self.in_flight: Counter[int] = Counter()  # by limit: admissions after which as many were in flight
        self.in_a_row: Counter[int] = Counter()  # admissions after which as many messages in a row could be refused
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.events: Counter[str] = Counter()

    def add(self, event: str) -> None:
        """Count an event."""
        self.events[event] += 1

    def __iadd__(self, other: Reach) -> Self:
        """Take in the counts of another run."""
        self.schedules += other.schedules
        self.operations += other.operations
        self.admissions += other.admissions
        self.full.update(other.full)
        self.in_flight.update(other.in_flight)
        self.in_a_row.update(other.in_a_row)
        self.outcomes.update(other.outcomes)
        self.reasons.update(other.reasons)
        self.events.update(other.events)
        return self

    def rows(self) -> Iterator[tuple[str, int]]:
        """Give every row of the table, those that stayed at nought too."""
        for n in FULL:
            yield f"a window holding exactly {n} of {n}", self.full[n]
        yield f"exactly {IN_FLIGHT} of {IN_FLIGHT} in flight", self.in_flight[IN_FLIGHT]
        yield f"a row of {ROW} messages that could all be refused", self.in_a_row[ROW]
        for outcome in Outcome:
            yield f"ended: {outcome.value}", self.outcomes[outcome.name]
        for reason in OF_ONE_PROCESS:
            yield f"waited for: {reason.value}", self.reasons[reason.name]
        for event in EVENTS:
            yield event, self.events[event]

    def below(self, least: int, rows: Iterable[str] | None = None) -> dict[str, int]:
        """Give the rows (of some, or of all) that were not reached *least* times."""
        wanted = None if rows is None else set(rows)
        return {row: count for row, count in self.rows() if count < least and (wanted is None or row in wanted)}

    def table(self) -> str:
        """Show it as a table of Markdown."""
        lines = ["| reached | times |", "|---|---:|"]
        return "\n".join([*lines, *(f"| {row} | {count:,} |" for row, count in self.rows())])


EVERYTHING = tuple(row for row, _ in Reach().rows())
