"""The habits of the house, as far as a program can see them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import smsc_async

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TEXTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "pyproject.toml",
    ROOT / "noxfile.py",
    *sorted((ROOT / "benchmarks").rglob("*.md")),
    *(
        path
        for path in sorted((ROOT / "docs").rglob("*"))
        if path.suffix in {".md", ".py"} and "_build" not in path.parts
    ),
]
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|Users|opt|var)/|[A-Z]:\\")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give the functions and methods of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_every_test_states_its_behaviour() -> None:
    """Each test has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}: {function.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert [] == silent


def test_every_session_of_the_workshop_is_a_sentence() -> None:
    """Each nox session has a docstring of one sentence."""
    sessions = {
        function.name: ast.get_docstring(function) or ""
        for function in functions(ROOT / "noxfile.py")
        if any("session" in ast.unparse(decorator) for decorator in function.decorator_list)
    }
    assert {"demo", "tests", "lint", "types", "rooms", "docs", "bench", "proof", "lowest", "bare"} <= set(sessions)
    assert [] == [name for name, text in sessions.items() if not re.fullmatch(r"[A-Z][^\n]*\.", text)]


def test_every_lint_ignore_has_a_reason() -> None:
    """Each rule that ruff is told to leave alone is followed by a comment that says why."""
    text = (ROOT / "pyproject.toml").read_text().split("[tool.ruff.lint]")[1].split("[tool.ruff.lint.pydocstyle]")[0]
    ignores = text[text.index("ignore = [") :]
    unexplained = [line for line in ignores.splitlines() if re.search(r'"[A-Z]+[0-9]*"', line) and "#" not in line]
    assert [] == unexplained


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_names_a_machine(path: Path) -> None:
    """What people read holds no path of the machine that it was written on."""
    found = [line for line in path.read_text().splitlines() if MACHINE_PATH.search(line)]
    assert [] == found


def test_every_requirement_has_a_lower_bound() -> None:
    """The session `lowest` has a version to install for each direct requirement."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    needed = [*PYPROJECT["project"]["dependencies"], *(entry for extra in extras.values() for entry in extra)]
    assert [] == [entry for entry in needed if ">=" not in entry and not entry.startswith("smsc-async[")]


def test_the_tests_need_no_more_than_the_extras() -> None:
    """What an extra offers is in the group of the tests too, with the same bound."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    offered = {entry for extra in extras.values() for entry in extra if not entry.startswith("smsc-async[")}
    assert set() == offered - set(PYPROJECT["dependency-groups"]["tests"])


def test_pythons_are_told_alike() -> None:
    """Classifiers, noxfile and the lowest Python agree."""
    prefix = "Programming Language :: Python :: "
    classified = [
        entry.removeprefix(prefix) for entry in PYPROJECT["project"]["classifiers"] if entry.startswith(prefix)
    ]
    tested = re.search(r"^PYTHONS = \((.*)\)$", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert tested
    versions = re.findall(r'"(.*?)"', tested[1])
    assert [version for version in classified if "." in version] == versions
    assert PYPROJECT["project"]["requires-python"] == f">={versions[0]}"


def test_the_changelog_knows_the_version() -> None:
    """The package's version has its heading in the changelog."""
    assert re.search(
        rf"^## \[?{re.escape(smsc_async.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )


def test_the_page_of_rooms_is_true() -> None:
    """The architecture page names every room of the package, and no other."""
    found = {
        path.stem
        for path in (ROOT / "smsc_async").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
    }
    page = (ROOT / "docs" / "architecture.md").read_text().split("## The way of one call")[0]
    told = {name.split(".")[0] for name in re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE)}
    apart = {"simulator", "testing", "demo", "_pytest_plugin"}
    assert found == told | apart
    assert apart <= set(re.findall(r"`(\w+)`", page))
