"""Purchases of processes that are killed are known to somebody, and the proof would see it if they were not."""

from __future__ import annotations

import pytest

from tests.proof.asked import needs_fork, proof
from tests.proof.deliveries.witness import Line
from tests.proof.journal.judge import judge, judge_end


@needs_fork
def test_no_purchase_is_unknown_to_both_journal_and_caller() -> None:
    """Ten kills, at points that were drawn."""
    code, output = proof("journal", "--kills", "10", "--of-one", "5")
    assert 0 == code, output
    assert "10 kills in 2 campaigns" in output
    assert "0 with a broken promise" in output


@needs_fork
@pytest.mark.parametrize("name", ["all-are-struck", "begun-anew", "struck-before-the-reply", "written-afterwards"])
def test_a_wrong_journal_is_noticed(name: str) -> None:
    """
    A journal with one protection less loses a purchase, pays twice, or keeps what is over.

    The four that are noticed soonest; ``nox -s proof`` tries all.
    """
    code, output = proof("journal", "zoo", "--wrong", name)
    assert 0 == code, output
    assert output.startswith(name)
    assert "stuck" not in output


def line(what: str, key: str, moment: float = 10.0, life: int = 3) -> Line:
    """Give a line that a process printed."""
    return Line(life=life, moment=moment, what=what, key=key)


@pytest.mark.parametrize(
    ("lines", "sold", "listed", "complaints"),
    [
        ([line("asks", "a"), line("bought", "a")], {"a"}, set(), []),
        ([line("asks", "a")], {"a"}, {"a"}, []),
        ([line("asks", "a")], set(), {"a"}, []),
        ([line("asks", "a")], {"a"}, set(), ["lost"]),
        ([line("bought", "a", 19.9)], {"a"}, {"a"}, []),
        ([line("bought", "a")], {"a"}, {"a"}, ["left over"]),
        ([line("bought", "a", life=2)], {"a"}, {"a"}, []),
        ([line("refused", "a", 19.9)], set(), {"a"}, ["left over"]),
        ([line("refused", "a"), line("asks", "a")], set(), {"a"}, []),
    ],
)
def test_a_death_is_judged_by_the_gateways_books(
    lines: list[Line], sold: set[str], listed: set[str], complaints: list[str]
) -> None:
    """What was sold must be printed or listed, and what has an end may not be listed for long."""
    assert complaints == [complaint.partition(":")[0] for complaint in judge(lines, sold, listed, life=3, died=20.0)]


@pytest.mark.parametrize(
    ("sold", "listed", "complaints"),
    [
        ({"a": 1}, set(), []),
        ({"a": 2}, set(), ["twice"]),
        ({"a": 1, "b": 1}, set(), ["lost"]),
        ({}, set(), ["made up"]),
        ({"a": 1}, {"a"}, ["left open"]),
    ],
)
def test_the_end_is_judged_by_the_gateways_books(sold: dict[str, int], listed: set[str], complaints: list[str]) -> None:
    """Each purchase was made once, and is known; nothing is open."""
    found = judge_end([line("bought", "a")], sold, listed)
    assert complaints == [complaint.partition(":")[0] for complaint in found]
