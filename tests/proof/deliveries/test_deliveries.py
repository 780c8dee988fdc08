"""Deliveries to processes that are killed lose nothing, and the proof would see it if they did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.deliveries.judge import judge
from tests.proof.deliveries.plan import draw
from tests.proof.deliveries.witness import Line
from tests.proof.deliveries.wrong import WRONG

ROOT = Path(__file__).parents[3]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are made and killed as POSIX does it")


def proof(*arguments: str) -> tuple[int, str]:
    """Run the proof in a process of its own, because it forks; give its exit code and what it printed."""
    command = [sys.executable, "-m", "tests.proof.deliveries", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110.0, check=False)
    return done.returncode, done.stdout + done.stderr


@needs_fork
def test_nothing_is_lost_and_nothing_happens_twice_without_a_reason() -> None:
    """450 deliveries, with memory, with a file, and with a file of two processes."""
    code, output = proof("--deliveries", "450", "--of-one", "150")
    assert 0 == code, output
    assert "0 with a broken promise" in output


@needs_fork
@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_receiver_is_noticed(name: str) -> None:
    """A receiver or a store with one protection less breaks a promise in one of the first campaigns."""
    code, output = proof("zoo", "--of-one", "80", "--wrong", name)
    assert 0 == code, output
    assert len(WRONG[name].durable) == len(output.splitlines())


def test_a_plan_has_repeats_and_statuses_out_of_order() -> None:
    """What the gateway tells is drawn from the seed alone, some of it twice, and some of it late."""
    plan = draw(7, 300)
    assert [each.body for each in plan] == [each.body for each in draw(7, 300)]
    assert 300 == len(plan) > len({each.key for each in plan}) > 200
    last: dict[str, tuple[int, float]] = {}
    backward = 0
    for each in plan:
        if each.progress is not None:
            backward += each.progress < last.get(each.subject, each.progress)
            last[each.subject] = each.progress
    assert backward > 20


def line(what: str, key: str = "", handler: str = "ledger", *, life: int = 0, moment: float = 0.0) -> Line:
    """Give a line of the witness."""
    return Line(life=life, moment=moment, what=what, key=key, handler=handler)


def complaints(*lines: Line, durable: bool = True, loop: str = "ab") -> list[str]:
    """
    Judge a story of one message that was handed over, and delivered, and of which the gateway told no more.

    Args:
        lines: The story, but for the loop.
        durable: Whether the store was.
        loop: What the loop had, after all that.
    """
    lines = (*lines, *(one for key in loop for one in had(key, "loop")))
    plan = sorted(
        {each.key: each for each in draw(7, 300) if each.subject == "7-2/380500000002"}.values(),
        key=lambda each: each.progress or (0, 0.0),
    )[:2]
    names = dict(zip("ab", plan, strict=True))
    told = [
        Line(
            life=one.life,
            moment=place * 0.001 + one.moment,
            what=one.what,
            key=names[one.key].key if one.key in names else one.key,
            handler=one.handler,
        )
        for place, one in enumerate(lines)
    ]
    found = judge(plan, told, durable=durable).complaints
    return [complaint.partition(":")[0] for complaint in found]


def had(key: str, handler: str, *, life: int = 0) -> list[Line]:
    """A handler has an event, and that is noted."""
    return [line(what, key, handler, life=life) for what in ("began", "ran", "marked")]


GOOD = [*had("a", "ledger"), *had("a", "progress"), *had("b", "ledger"), *had("b", "progress")]


def test_a_good_story_has_no_complaint() -> None:
    """All handlers had all events, in order, once; or without the one that was overtaken."""
    assert [] == complaints(*GOOD)
    assert [] == complaints(*had("b", "ledger"), *had("b", "progress"), *had("a", "ledger"))


def test_what_was_lost_is_complained_of() -> None:
    """An event that the ledger has not, or the loop, and the last status of a message that its handler has not."""
    assert ["lost"] == complaints(*GOOD[:6], *GOOD[9:])
    assert ["lost"] == complaints(*GOOD[:9])
    assert ["lost"] == complaints(*GOOD, loop="b")


def test_what_happened_twice_is_complained_of() -> None:
    """A run after the mark, and one without a mark that nothing explains; not one for which the process had to die."""
    assert ["repeated"] == complaints(*GOOD, *had("b", "ledger"))
    unmarked = [line("claimed", "a"), line("began", "a"), line("ran", "a")]
    assert ["repeated"] == complaints(*unmarked, *GOOD)
    assert ["repeated"] == complaints(*unmarked, line("not marked", "a"), *GOOD)
    assert [] == complaints(*unmarked, line("not marked", "a"), *(in_the_next_life(each) for each in GOOD))
    assert [] == complaints(*(unmarked), line("died", "0"), *(in_the_next_life(each) for each in GOOD))


def in_the_next_life(one: Line) -> Line:
    """The same in the next life."""
    return Line(life=1, moment=one.moment, what=one.what, key=one.key, handler=one.handler)


def test_memory_may_forget_with_its_process_alone() -> None:
    """With memory an event may be handled again in another life, and not in the same one."""
    again = [in_the_next_life(each) for each in GOOD]
    assert [] == complaints(*GOOD, line("died", "0"), *again, durable=False)
    assert ["repeated"] == complaints(*GOOD, *had("b", "ledger"), durable=False)
    assert "repeated" in complaints(*GOOD, line("died", "0"), *again, durable=True)


def test_a_step_back_is_complained_of() -> None:
    """The handler of fresh statuses gets no status that was overtaken."""
    assert ["backward"] == complaints(*had("b", "ledger"), *had("b", "progress"), *had("a", "ledger"), *GOOD[3:6])


def test_two_at_once_are_complained_of() -> None:
    """Two events of a message are handled one after the other, unless the process that had one is dead."""
    assert "at once" in complaints(line("began", "a"), *GOOD[6:], *GOOD[:6])
    assert "at once" not in complaints(
        line("began", "a", life=3), line("died", "3"), *GOOD[6:], line("began", "a"), *GOOD
    )
