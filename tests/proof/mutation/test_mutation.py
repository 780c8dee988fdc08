"""The mutants are those that anybody would make, the tests are really asked, and the list of equivalents is honest."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.mutation.equivalents import equivalents
from tests.proof.mutation.mutants import PACKAGE, mutants_of
from tests.proof.mutation.rooms import ROOMS

CHANGES = {
    "a + b": {"a - b"},
    "a < b": {"a <= b", "a >= b"},
    "a is not b": {"a is b"},
    "a and b": {"a or b", "a", "b"},
    "not a": {"a"},
    "a if b else c": {"a", "c"},
    "f(a, b=c)": {"f(None, b=c)", "f(a)", "f(a, b=None)"},
    "f(a, b)": {"f(None, b)", "f(a, None)", "f(b, a)"},
    "a.startswith(b)": {"a.endswith(b)", "a.startswith(None)"},
    "{a: b, **c}": {"{**c}", "{a: b}"},
    "{a, b}": {"{b}", "{a}"},
    "a[1:]": {"a[:]", "a[2:]", "a[0:]"},
    "lambda: a": {"lambda: None"},
    "[a for a in b if c]": {"[a for a in b]", "[a for a in b if False]"},
    "1.5": {"2.5", "0.5"},
    "'a'": {"''"},
    "b''": {"b'XX'"},
    "True": {"False"},
    "f'{a:x}b'": {"f'b'", "f'{a:x}'", "f'{a}b'", "f'{a:}b'"},
    "r'a{1,2}\\s*'": {
        *("''", "r'a{2,2}\\s*'", "r'a{0,2}\\s*'", "r'a{1,3}\\s*'", "r'a{1,1}\\s*'", "r'a{1,2}\\s+'", "r'a{1,2}\\S*'"),
    },
}


def normal(code: str) -> str:
    """Give *code* as the mutants write it."""
    return ast.unparse(ast.parse(f"return {code}")).removeprefix("return ")


@pytest.mark.parametrize("code", CHANGES)
def test_an_expression_has_its_usual_slips(code: str) -> None:
    """Each kind of expression is changed as mutation testing usually does."""
    made = {ast_text.removeprefix("return ") for ast_text in statements(f"def f():\n    return {code}\n")}
    assert {normal(change) for change in CHANGES[code]} == made - {"None"}


def statements(source: str) -> set[str]:
    """Give the changed lines of each mutant of *source*."""
    return {
        "\n".join(line[2:].strip() for line in mutant.diff.splitlines() if line.startswith("+ "))
        for mutant in mutants_of("_verdict.py", source)
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("f()", {""}),
        ("a.b = c", {"a.b = None", ""}),
        ("a += 1", {"a = 1", "a -= 1", "", "a += 2", "a += 0"}),
        ("raise a from b", {"", "raise a"}),
        ("return a", {"return None"}),
        ("return None", set()),
        ("del a", {""}),
        ("if a:\n  f()", {"if True:", "if False:", ""}),
    ],
)
def test_a_statement_is_left_out_or_changed(body: str, expected: set[str]) -> None:
    """Effects are left out, conditions decided, values dropped; where nothing is written, `pass` stands."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    found = {change.replace("pass", "") for change in statements(f"def f():\n{lines}\n")}
    assert expected == found


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""',
        "a: int",
        "from __future__ import annotations",
        "__all__ = ['a']",
        "T = TypeVar('T')",
        "if TYPE_CHECKING:\n    a = 1",
        "def f(a: int) -> str:\n    '''Text.'''",
    ],
)
def test_what_does_nothing_at_run_time_has_no_mutants(source: str) -> None:
    """Texts, types and lists of names are not changed: no test could notice."""
    assert [] == mutants_of("_verdict.py", source)


@pytest.mark.parametrize("room", ROOMS)
def test_every_mutant_has_a_name_of_its_own_and_can_be_compiled(room: str) -> None:
    """Names tell the mutants of a module apart, and each is a program."""
    mutants = mutants_of(room)
    assert len(mutants) == len({mutant.name for mutant in mutants})
    for mutant in mutants[::25]:
        compile(mutant.tree(), room, "exec")


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_and_their_tests_are_there(room: str) -> None:
    """A module or a file of tests that was renamed would be asked no more."""
    missing = [file for file in ROOMS[room] if not (PACKAGE.parent / file).is_file()]
    assert [] == missing


def test_every_listed_equivalent_is_there_and_has_its_reason() -> None:
    """A mutant that vanished from the code vanishes from the list."""
    listed = equivalents()
    made = {room: {mutant.name for mutant in mutants_of(room)} for room in listed}
    gone = [f"{room}: {one.name}" for room, known in listed.items() for one in known if one.name not in made[room]]
    assert [] == gone
    assert [] == [one.name for known in listed.values() for one in known if not one.why.endswith(".")]


def test_the_tests_are_asked_about_the_mutant() -> None:
    """A sample of the verdict's mutants is noticed by the verdict's tests, and the score is printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.proof.mutation", "--module", "_verdict.py", "--sample", "3", "--seed", "1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(PACKAGE).parent,
    )
    last = done.stdout.splitlines()[-1].split()
    assert (0, "", ["together", "3", "3", "0", "0", "0", "100.0%"]) == (done.returncode, done.stderr, last[:7])
