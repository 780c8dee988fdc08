"""CI finds every animal of the zoo, and finds it for its mistake alone."""

from __future__ import annotations

import ast
import re
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest

from tests.proof.zoo.__main__ import main
from tests.proof.zoo.animals import PACKAGE, Animal, Lost, change
from tests.proof.zoo.cages import ANIMALS, CAGES
from tests.proof.zoo.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.proof.zoo.animals import Change
    from tests.proof.zoo.asking import Ending

MARGIN = "tests/guard/test_local.py::test_the_margin_is_waited_too"
RECORDS = "guard/_records.py"
PROMISE = re.compile(r"P([1-9]|10)|[GHRS][1-9]\d?|row P[1-9]\d?")


@pytest.fixture(scope="session")
def keeper() -> Iterator[Keeper]:
    """A keeper for all animals that this process asks about."""
    with Keeper() as keeper:
        yield keeper


def complaints(ending: Ending) -> str:
    """Say what keeps an animal from being found, and found honestly."""
    missed = [f"not noticed by {test}" for test in ending.missed]
    others = [f"{found.test} fails, but not for the mistake:\n{found.trace}" for found in ending.found.values()]
    dishonest = [text for text, found in zip(others, ending.found.values(), strict=True) if not found.honest]
    return "\n".join([ending.problem, *missed, *dishonest]).strip()


@pytest.fixture(scope="session")
def failing(keeper: Keeper) -> Callable[[list[str]], dict[str, str]]:
    """Give which cases fail on the package as it is, in a process of the same kind; each is asked about once."""
    passed: set[str] = set()

    def ask(cases: list[str]) -> dict[str, str]:
        new = [case for case in cases if case not in passed]
        if not new:
            return {}
        ending = keeper.ask(None, new)
        assert "" == ending.problem
        passed.update(ending.missed)
        return {found.test: found.trace for found in ending.found.values()}

    return ask


@pytest.mark.parametrize("name", ANIMALS)
def test_each_animal_is_found(keeper: Keeper, failing: Callable[[list[str]], dict[str, str]], name: str) -> None:
    """With the mistake in place, each of the tests named for it fails in an assertion; without it they pass."""
    ending = keeper.ask(ANIMALS[name])
    assert "" == complaints(ending)
    assert ending.caught
    assert {} == failing([found.test for found in ending.found.values()])


def by_hand(source: str, one: Change) -> str:
    """Make a change line by line: a second opinion on how animals are made."""
    if "\n" not in one.old:
        before, _, after = source.partition(one.old)
        return before + one.new + after
    old, new = (dedent(text).strip("\n") for text in (one.old, one.new))
    lines, size = source.splitlines(), old.count("\n") + 1
    blocks = [lines[start : start + size] for start in range(len(lines))]
    (start,) = (number for number, block in enumerate(blocks) if dedent("\n".join(block)) == old)
    depth = min(len(line) - len(line.lstrip()) for line in blocks[start] if line)
    come = indent(new, " " * depth).splitlines()
    return "\n".join([*lines[:start], *come, *lines[start + size :], ""])


@pytest.mark.parametrize("cage", CAGES)
def test_each_animal_is_the_package_but_for_what_it_says(cage: str) -> None:
    """Its texts are changed to what it names, nothing else is, and the code means something else then."""
    for animal in CAGES[cage]:
        for module, changed in animal.sources().items():
            path = PACKAGE / module
            source = path.read_text(encoding="utf-8") if path.is_file() else ""
            expected = source
            for one in animal.changes:
                if one.module == module:
                    expected = by_hand(expected, one)
            assert expected == changed, animal
            assert ast.dump(ast.parse(source)) != ast.dump(ast.parse(changed)), animal


def test_every_animal_says_what_it_breaks() -> None:
    """Each has a name of its own, a sentence, promises that exist, and tests that find it."""
    assert len(ANIMALS) == sum(map(len, CAGES.values())) >= 40
    for animal in ANIMALS.values():
        assert re.fullmatch(r"[A-Z0-9].*\.", animal.wrong), animal
        assert animal.breaks, animal
        assert all(PROMISE.fullmatch(promise) for promise in animal.breaks), animal
        assert animal.found_by, animal


# Whether the keeper can be fooled -------------------------------------------------------------------------------------


def margin(new: str) -> Animal:
    """Give an animal that makes *new* of how long a token rests."""
    return Animal("odd", "It is odd.", ("P1",), (change(RECORDS, "return self.window + self.margin", new),), (MARGIN,))


def test_a_change_that_changes_nothing_is_not_found(keeper: Keeper) -> None:
    """An animal whose mistake is none goes unnoticed, and the keeper says so."""
    ending = keeper.ask(margin("return self.margin + self.window"))
    assert ([MARGIN], {}, "", False) == (ending.missed, ending.found, ending.problem, ending.caught)


def test_a_mistake_is_found(keeper: Keeper) -> None:
    """The same test notices the same place changed for the worse."""
    ending = keeper.ask(margin("return self.window"))
    assert ([], "", True) == (ending.missed, ending.problem, ending.caught)
    assert "AssertionError" in ending.found[MARGIN].because


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("return self.window + sum(self.margins)", "AttributeError"),
        ("return 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_crash_is_no_find(keeper: Keeper, new: str, problem: str) -> None:
    """An animal that breaks everything was not found by a test of its mistake."""
    ending = keeper.ask(margin(new))
    assert not ending.caught
    assert problem in complaints(ending)


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("return self.window +", "SyntaxError"),
        ("return self.window + spare", "nobody has defined spare"),
        ("return self.window\n\nraise RuntimeError", "RuntimeError"),
    ],
)
def test_a_slip_of_the_keepers_own_is_no_find(keeper: Keeper, new: str, problem: str) -> None:
    """An animal that cannot be compiled or imported has its own text to blame."""
    ending = keeper.ask(margin(new))
    assert not ending.caught
    assert problem in complaints(ending)


@pytest.mark.parametrize(("old", "times"), [("no such text", 0), ("self", 9)])
def test_an_animal_notices_when_its_place_has_changed(old: str, times: int) -> None:
    """What it is to change must stand there exactly once; the message names the animal, the file and the text."""
    lost = Animal("odd", "It is odd.", ("P1",), (change(RECORDS, old, "pass"),), (MARGIN,))
    with pytest.raises(Lost, match=rf"'odd' lost its place: smsc_async/{RECORDS} holds \d+ times\n{old}") as raised:
        lost.sources()
    assert bool(times) == ("holds 0 times" not in str(raised.value))


def test_a_test_that_does_not_exist_finds_nothing(keeper: Keeper) -> None:
    """A name that pytest does not know is a problem, and not a find."""
    ending = keeper.ask(None, [f"{MARGIN}_not"])
    assert not ending.caught
    assert "pytest ended with" in ending.problem


def test_the_program_tells_what_was_found_and_what_is_at_large(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 0 where each animal was found, and with 1 and the animal's name where one was not."""
    assert 0 == main(["no margin"])
    told = capsys.readouterr().out
    assert told.startswith("no margin ")
    assert "P1, G10" in told
    assert f"{MARGIN}[" in told
    assert "1 of 1 found" in told
    assert 1 == main(["no margin", "--ask", "tests/guard/test_clock.py"])
    assert "0 of 1 found" in (told := capsys.readouterr().out)
    assert told.endswith("At large: no margin\n")
