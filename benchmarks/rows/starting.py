"""What it costs to begin: the import, the first reply of a process, a second session, and calls far apart."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from benchmarks.harness.contenders import ROOT
from benchmarks.harness.figures import Figure, at_most, exactly, ratios, spread
from benchmarks.harness.rounds import Settings
from benchmarks.harness.server import Server
from benchmarks.harness.tables import Table

__all__ = ["measure"]

# What httpx or httpcore load where it happens to be installed, and need not; nobody has it here.
BARE = "import sys; sys.modules.update(dict.fromkeys(('click', 'rich', 'trio')))\n"

# Programs, each run by a Python of its own; what they print is the measurement.
IMPORT = "import time; cpu = time.process_time(); import {package}; print(time.process_time() - cpu)"

FIRST_REPLY = {
    "smsc_async": """
import asyncio
from smsc_async import Session

async def main():
    async with Session(apikey="benchmark-key", base_url={url!r}) as smsc:
        tasks = await smsc.downloads.list(limit=10, after_id=10_000_000)
        print(tasks[0].id)

asyncio.run(main())
""",
    "httpx": """
import asyncio
import httpx

async def main():
    async with httpx.AsyncClient() as client:
        data = {{"apikey": "benchmark-key", "cnt": "10", "after_id": "10000000", "get_list": "1", "fmt": "3"}}
        response = await client.post({url!r} + "/sys/downloads.php", data=data)
        print(response.json()[0]["id"])

asyncio.run(main())
""",
}

# What a session costs is what its first call takes more than its second; each rent opens a connection of its own.
SESSIONS = """
import asyncio, json, time
from smsc_async import Session

async def opening(number):
    cpu = time.process_time()
    smsc = Session(apikey="benchmark-key", base_url={url!r})
    await smsc.numbers.rent(str(number))
    first = time.process_time() - cpu
    cpu = time.process_time()
    await smsc.numbers.rent(str(number + 1))
    return first - (time.process_time() - cpu), smsc

async def main():
    first, one = await opening(380_500_000_000)
    second, other = await opening(380_600_000_000)
    print(json.dumps([first, second]))
    await one.aclose()
    await other.aclose()

asyncio.run(main())
"""

# Ten seconds pass between two calls: all clocks of the process are moved on, so that nobody has to wait for them.
FAR_APART = """
import asyncio, json, time

passed = 0.0
real = time.monotonic
time.monotonic = lambda: real() + passed

from benchmarks.clients.{client} import Client

async def main():
    global passed
    client = Client({url!r})
    await client.call(10_000_000)
    cpu = time.process_time()
    for number in range(10_000_001, 10_000_001 + {calls}):
        passed += 10.0
        await client.call(number)
    print((time.process_time() - cpu) / {calls})
    await client.aclose()

asyncio.run(main())
"""


@dataclass(frozen=True)
class _Run:
    """A program that has ended."""

    printed: str
    cpu: float  # seconds, of the whole process
    wall: float


class _Python:
    """Runs programs whose modules are compiled already, as an installation leaves them, whatever this one does."""

    def __init__(self, compiled: str | None) -> None:
        """Keep what is compiled in the folder *compiled*; with None leave it to chance."""
        self._compiled = compiled
        self._environment = dict(os.environ)
        if compiled is not None:
            self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
            self._environment["PYTHONPYCACHEPREFIX"] = compiled
        self._known: set[str] = set()

    def compile(self, program: str) -> None:
        """Run it once, unmeasured, unless that was done before."""
        if self._compiled is not None and program not in self._known:
            self._known.add(program)
            _run(program, self._environment)

    def run(self, program: str) -> _Run:
        """Run it, with everything compiled."""
        self.compile(program)
        return _run(program, self._environment)


def _run(program: str, environment: dict[str, str]) -> _Run:
    began = time.perf_counter()
    command = [sys.executable, "-c", BARE + program]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"it ended with {process.returncode}:\n{program}")
    return _Run(printed.strip(), used.ru_utime + used.ru_stime, time.perf_counter() - began)


def measure(settings: Settings) -> Table:
    """Measure beginnings, each in a new process."""
    chance = random.Random(8)
    imports: dict[str, list[float]] = {"smsc_async": [], "httpx": []}
    firsts: dict[str, list[_Run]] = {"smsc_async": [], "httpx": []}
    sessions: list[tuple[float, float]] = []
    apart: dict[str, list[float]] = {"ours": [], "bare_httpx": []}
    opened: dict[str, list[float]] = {"ours": [], "bare_httpx": []}
    calls = settings.size(10, 2)
    with Server() as server, tempfile.TemporaryDirectory() as compiled:
        python = _Python(None if settings.quick else compiled)
        for _ in range(settings.rounds):
            for package in chance.sample(list(imports), 2):
                imports[package].append(float(python.run(IMPORT.format(package=package)).printed))
            for package in chance.sample(list(firsts), 2):
                run = python.run(FIRST_REPLY[package].format(url=server.url))
                if run.printed != "10000000":
                    raise RuntimeError(f"{package} got {run.printed!r}")
                firsts[package].append(run)
            first, second = json.loads(python.run(SESSIONS.format(url=server.url)).printed)
            sessions.append((first, second))
            for client in chance.sample(list(apart), 2):
                program = FAR_APART.format(client=client, url=server.url, calls=calls)
                python.compile(program)
                before = server.connections()
                apart[client].append(float(python.run(program).printed))
                opened[client].append(float(server.connections() - before))

    table = Table("starting", ("what", "smsc_async", "httpx, bare", "smsc_async beside httpx"))
    ours, theirs = imports["smsc_async"], imports["httpx"]
    table.add("import, ms CPU", _ms(ours), _ms(theirs), ratios(ours, theirs, at_most(0.25)))
    for what, name in (("CPU", "cpu"), ("", "wall")):
        ours, theirs = ([getattr(run, name) for run in firsts[package]] for package in firsts)
        table.add(
            f"process start to first reply and end, ms {what}".strip(),
            _ms(ours),
            _ms(theirs),
            ratios(ours, theirs, at_most(1.25)),
        )
    table.add("first session of a process, ms CPU", _ms([first for first, _ in sessions]))
    table.add("second session, ms CPU", _ms([second for _, second in sessions]))
    table.add(
        "second session beside the first",
        None,
        None,
        ratios([second for _, second in sessions], [first for first, _ in sessions], at_most(0.02)),
    )
    table.add(
        f"connections that {calls + 1} calls open, 10 s apart",
        spread(opened["ours"], target=exactly(1)),
        spread(opened["bare_httpx"]),
    )
    table.add(
        "ms CPU of a call, 10 s apart",
        _ms(apart["ours"]),
        _ms(apart["bare_httpx"]),
        ratios(apart["ours"], apart["bare_httpx"]),
    )
    return table


def _ms(seconds: list[float]) -> Figure:
    return spread([1000 * one for one in seconds], "ms")
