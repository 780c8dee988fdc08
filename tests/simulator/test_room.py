"""What the simulator may know, and what it offers."""

from __future__ import annotations

import ast
from pathlib import Path

import smsc_async.simulator as room

FOLDER = Path(room.__file__).parent
SOURCES = sorted(FOLDER.glob("*.py"))


def imported(path: Path) -> set[str]:
    """Give the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_it_knows_nothing_of_the_client() -> None:
    """It is a second opinion: it would agree with our mistakes."""
    known = {name for path in SOURCES for name in imported(path) if name.startswith("smsc_async")}
    assert set() == {name for name in known if not name.startswith("smsc_async.simulator")}


def test_it_needs_little() -> None:
    """Beyond the standard library: anyio, attrs, and uvicorn and httpx in one module each."""
    others = {"anyio", "attrs", "httpx", "cattrs", "tenacity", "trio", "uvicorn", "starlette"}
    needed = {(path.name, name.split(".")[0]) for path in SOURCES for name in imported(path)}
    assert {"anyio", "attrs", "httpx", "uvicorn"} == {name for _, name in needed if name in others}
    assert {"threaded.py"} == {path for path, name in needed if name == "uvicorn"}
    assert {"calling_out.py"} == {path for path, name in needed if name == "httpx"}


def test_what_it_offers_is_there_and_sorted() -> None:
    """Every public name exists, and is written once."""
    assert [] == [name for name in room.__all__ if not hasattr(room, name)]
    constants_first = sorted(set(room.__all__), key=lambda name: (not name.isupper(), name))
    assert constants_first == list(room.__all__)


def test_no_module_is_too_long() -> None:
    """Past about three hundred lines it is two modules."""
    assert [] == [path.name for path in SOURCES if len(path.read_text().splitlines()) > 300]
