"""What the README and the pages show is executed, against the simulator, over real HTTP."""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import os
import re
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from html import unescape
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import httpx
import pytest

from smsc_async import Session, errors
from smsc_async.simulator import Manner, Simulator, serve
from smsc_async.testing import SimulatedGateway, fresh_guards
from tests.canaries import RUN
from tests.webhooks.receiver.servers import served_by_uvicorn

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts]
PROGRAMS = sorted((ROOT / "docs" / "examples").glob("*.py"))
EXAMPLES = [path for path in PROGRAMS if not path.stem.startswith("app_")]  # those are served; see below
IN_VAIN = {"confirm_phone", "follow_inbox"}  # what these wait for, somebody must do
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


@contextmanager
def subscriber(gateway: Simulator, *, busy: bool) -> Iterator[None]:
    """Let a subscriber call whoever waits for it, and write now and then, as long as the block lasts."""
    over = threading.Event()

    def act() -> None:
        number = 0
        while not over.wait(0.2):
            for phone in gateway.calls.pending(LOGIN, gateway.moments.now()):
                gateway.subscriber_calls(phone)
            number += 1
            gateway.subscriber_writes("380631234567", f"Доброго дня, {number}")

    thread = threading.Thread(target=act)
    if busy:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if busy:
            thread.join()


@pytest.mark.parametrize(
    "path",
    EXAMPLES,
    ids=name_of,
)
def test_each_example_runs(path: Path, gateway: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    """An example ends well, says something, and is refused nothing."""
    with subscriber(gateway, busy=path.stem in IN_VAIN):
        printed = run_script(path.read_text(), environment, tmp_path)
    assert printed.strip()
    assert PASSWORD not in printed
    assert ({}, []) == (dict(gateway.verdict().refusals), gateway.verdict().problems())


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path) -> Callable[[str], AbstractContextManager[Any]]:
    """Serve an example that is an app, in a folder of its own; give its module and its address."""
    for name, value in {"LOGIN": LOGIN, "PASSWORD": PASSWORD, "BASE_URL": url, "CALLBACK_SECRET": RUN.callback}.items():
        monkeypatch.setenv(f"SMSC_{name}", value)
    monkeypatch.chdir(tmp_path)

    @contextmanager
    def serve_app(name: str) -> Iterator[tuple[Any, str]]:
        module = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "examples" / f"{name}.py")))
        with served_by_uvicorn(module.app) as address:
            yield module, address

    return serve_app


def until(done: Callable[[], object]) -> None:
    """Wait for what happens in another thread."""
    for _ in range(1_000):
        if done():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen")


def test_the_app_that_confirms_phones(gateway: Simulator, served: Callable[[str], Any]) -> None:
    """A phone is asked for, its owner rings, the callback arrives, and the app tells that it is confirmed."""
    with served("app_fastapi") as (module, address), httpx.Client(base_url=address) as client:
        gateway.call_back(module.receiver.url(f"{address}/smsc/"))
        asked = client.post("/phones/380671234567").json()
        assert "380440000101" == asked["ring"]
        ticket = f"/tickets/{asked['ticket']}"
        assert {"confirmed": None} == client.get(ticket).json()
        assert 409 == client.post("/phones/380671234567").status_code
        assert 422 == client.post("/phones/x").status_code
        gateway.subscriber_calls("380671234567")
        until(lambda: client.get(ticket).json()["confirmed"])
        assert {"confirmed": "380671234567"} == client.get(ticket).json()
        assert {"confirmed": None} == client.get("/tickets/380671234567").json()
        assert ["delivered"] == [errand.state for errand in gateway.callbacks()]


def test_the_app_that_loses_nothing(
    gateway: Simulator, served: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Statuses and messages are stored and handled, and their repeats are not."""
    with served("app_starlette") as (module, address):
        gateway.call_back(module.receiver.url(f"{address}/smsc/"))
        twice = Manner(copies=2)
        gateway.message_is(id=7, phone="380671234567", status=1, manner=twice)
        gateway.subscriber_writes("380671234567", "Дякую!", manner=twice)
        printed = ""

        def both() -> bool:
            nonlocal printed
            printed += capsys.readouterr().out
            return printed.count("\n") >= 2 and len(gateway.callbacks("delivered")) == 4

        until(both)
    assert ["380671234567 writes Дякую!", "message 7 is DELIVERED"] == sorted(printed.splitlines())
    assert Path("callbacks.db").exists()


def test_the_app_with_a_picture(gateway: Simulator, served: Callable[[str], Any]) -> None:
    """Who reads the picture has the message sent, once; who does not is shown another one."""
    with served("app_captcha") as (_, address), httpx.Client(base_url=address) as client:

        def send(phone: str, code: str | None) -> str:
            picture = re.search('<img src="([^"]+)"', client.get("/").text)
            assert picture is not None
            drawn = client.get(unescape(picture[1]))  # from the gateway, as the visitor's browser does
            assert drawn.content.startswith(b"\x89PNG")
            return client.post("/", data={"phone": phone, "code": code or gateway.captcha.code() or ""}).text

        assert "not that of the picture" in send("380671234567", "000000000")
        assert "Please correct: to: must be digits" in send("+x", None)
        assert not list(gateway.messages)
        assert "Sent." in send("380671234567", None)
        assert ["380671234567"] == [message.phone for message in gateway.messages]
    assert ({"captcha": 1}, []) == (dict(gateway.verdict().refusals), gateway.verdict().problems())


@pytest.mark.parametrize("path", PROGRAMS, ids=name_of)
def test_each_example_is_shown(path: Path) -> None:
    """An example is part of a page."""
    assert any(f"examples/{path.name}" in page.read_text() for page in PAGES)


def test_the_readmes_program_runs(gateway: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    """The first block of the README is a whole program: it lists numbers and sends a message."""
    printed = run_script(python_blocks(README)[0], environment, tmp_path)
    assert "380950000001" in printed
    assert printed.rstrip().endswith(" 0.50 999.50")
    assert ["Your code is 1234"] == [message.text for message in gateway.messages]
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
