"""The verdict: what the gateway has sold, held against what the processes printed and what the journal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.proof.journal.life import GRACE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tests.proof.deliveries.witness import Line

__all__ = ["judge", "judge_end"]

_SLACK: Final = 1.0  # seconds of the machine in which a thread strikes a row that is due


def judge(
    lines: Iterable[Line], sold: Collection[str], listed: Collection[str], *, life: int, died: float
) -> list[str]:
    """
    Say what is wrong, when a process is dead.

    Args:
        lines: What it, and those before it, have printed.
        sold: The phones that the gateway has sold, or sent a message to.
        listed: Those that the journal holds.
        life: Which process it was.
        died: When, by the machine's monotonic clock.
    """
    bought: dict[str, Line] = {}
    last: dict[str, Line] = {}
    for line in lines:
        last[line.key] = line
        if line.what == "bought":
            bought.setdefault(line.key, line)
    ripe = died - GRACE - _SLACK
    complaints = [
        f"lost: {phone} was bought, and neither printed nor in the journal"
        for phone in sold
        if phone not in bought and phone not in listed
    ]
    complaints += [
        f"left over: {phone} was {line.what} {died - line.moment:.1f} s before the end, and is in the journal"
        for phone, line in last.items()
        if phone in listed
        and line.life == life
        and (line.what == "refused" or (line.what == "bought" and line.moment < ripe))
    ]
    return complaints


def judge_end(lines: Iterable[Line], sold: Mapping[str, int], listed: Collection[str]) -> list[str]:
    """
    Say what is wrong, when the last process has found out about all that was open, and ended by itself.

    Args:
        lines: What all have printed.
        sold: How often the gateway has sold a phone, or sent a message to it.
        listed: Those that the journal holds.
    """
    bought = {line.key for line in lines if line.what == "bought"}
    complaints = [f"twice: {phone} was paid for {times} times" for phone, times in sold.items() if times > 1]
    complaints += [f"lost: {phone} was bought, and nobody knows" for phone in sold if phone not in bought]
    complaints += [f"made up: {phone} was said to be bought, and was not" for phone in bought if phone not in sold]
    complaints += [f"left open: {phone} is in the journal for ever" for phone in listed]
    return complaints
