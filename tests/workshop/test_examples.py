"""What the README and the pages show is executed, against the simulator, over real HTTP."""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from smsc_async import Session, errors
from smsc_async.simulator import Simulator, serve
from smsc_async.testing import SimulatedGateway, fresh_guards

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
LOGIN, PASSWORD = "alex", "kept-secret-9"


def python_blocks(page: Path) -> list[str]:
    """Give the page's blocks of Python."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def compiled(block: str, name: str) -> CodeType:
    """Compile a block that may await at its top level, as a notebook does."""
    return compile(block, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def name_of(path: Path) -> str:
    """Name a page in a test's id."""
    return str(path.relative_to(ROOT))


@pytest.fixture
def gateway() -> Simulator:
    """A simulated gateway with numbers for rent, money, and tasks that are done."""
    simulator = Simulator(login=LOGIN, password=PASSWORD)
    for _ in range(20):
        simulator.add_task(rows=50)
    return simulator


@pytest.fixture
def url(gateway: Simulator) -> Iterator[str]:
    """Where the gateway listens; the guard knows nothing of other tests."""
    with fresh_guards(), serve(gateway) as address:
        yield address


@pytest.fixture
def environment(url: str) -> dict[str, str]:
    """What an example reads its credentials from."""
    return os.environ | {"SMSC_LOGIN": LOGIN, "SMSC_PASSWORD": PASSWORD, "SMSC_BASE_URL": url, "PYTHONPATH": str(ROOT)}


def run_script(code: str, environment: dict[str, str], folder: Path) -> str:
    """Run a program of its own and give what it printed."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (run.returncode, run.stderr)
    return run.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_each_example_runs(path: Path, gateway: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    """An example ends well, says something, and is refused nothing."""
    printed = run_script(path.read_text(), environment, tmp_path)
    assert printed.strip()
    assert PASSWORD not in printed
    assert ({}, []) == (dict(gateway.verdict().refusals), gateway.verdict().problems())


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_each_example_is_shown(path: Path) -> None:
    """An example is part of a page."""
    assert any(f"examples/{path.name}" in page.read_text() for page in PAGES)


def test_the_readmes_program_runs(gateway: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    """The first block of the README is a whole program: it lists numbers and tells the balance."""
    printed = run_script(python_blocks(README)[0], environment, tmp_path)
    assert "380950000001" in printed
    assert printed.rstrip().endswith("UAH")
    assert ({}, []) == (dict(gateway.verdict().refusals), gateway.verdict().problems())


async def run_page(page: Path, url: str) -> None:
    """Execute the blocks of a page one after the other, with the names that its text takes for granted."""
    async with Session(login=LOGIN, password=PASSWORD, base_url=url) as smsc:
        names: dict[str, Any] = {
            "smsc": smsc,
            "errors": errors,
            "Session": Session,
            "url": url,
            "login": LOGIN,
            "password": PASSWORD,
            "key": "an-api-key",
            "phone": "380930000004",
            "log": logging.getLogger("example"),
            "digest": sha256(),
        }
        for number, block in enumerate(python_blocks(page)):
            outcome = eval(compiled(block, f"{page.name}[{number}]"), names)
            if inspect.isawaitable(outcome):
                await outcome


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=name_of)
def test_the_blocks_of_each_page_run(
    page: Path,
    gateway: Simulator,
    environment: dict[str, str],
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What a page shows between its lines can be pasted into a notebook."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SimulatedGateway, "LOGIN", LOGIN)  # a page may print the verdict, which names the account
    for name in ("SMSC_LOGIN", "SMSC_PASSWORD", "SMSC_BASE_URL"):
        monkeypatch.setenv(name, environment[name])
    asyncio.run(run_page(page, url))


def test_the_readmes_functions_work(url: str) -> None:
    """The README's other blocks define functions that do what the text says."""

    async def call_them() -> None:
        rent: dict[str, Any] = {}
        test: dict[str, Any] = {}
        exec(compiled(python_blocks(README)[1], "README[1]"), rent)
        exec(compiled(python_blocks(README)[2], "README[2]"), test)
        async with Session(login=LOGIN, password=PASSWORD, base_url=url) as smsc:
            await rent["rent_one"](smsc, "380950000001")
        with SimulatedGateway() as gateway:
            await test["test_my_shop"](gateway)

    asyncio.run(call_them())
