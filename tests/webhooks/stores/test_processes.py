"""Several processes and one file: they share it, one dies, one forks, one runs out of disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smsc_async.webhooks.sqlite import SqliteStore
from smsc_async.webhooks.stores import Standing
from tests.webhooks.stores.making import NOW, entry, taken

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are made and killed as POSIX does it"),
]
ROOT = Path(__file__).parents[3]
STEPS = ["added", "claimed", "marked", "settled"]


def started(*arguments: object) -> subprocess.Popen[str]:
    """Start a process of `tests.webhooks.stores.child`."""
    # It forks while it has threads, which is what is tested.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.webhooks.stores.child"]
    return subprocess.Popen([*command, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> Any:
    """Give what it found."""
    with process:
        try:
            output, _ = process.communicate(timeout=60.0)
        except BaseException:
            process.kill()
            raise
    assert 0 == process.returncode
    return json.loads(output)


def test_two_processes_share_the_events(tmp_path: Path) -> None:
    """Each event is new to one of them, and handled by one of them, once."""
    count = 300
    processes = [started("share", tmp_path / "events.db", name, count) for name in ("one", "two")]
    found = [said(process) for process in processes]
    assert list(range(count)) == sorted(found[0]["new"] + found[1]["new"])
    assert sorted(map(str, range(count))) == sorted(found[0]["claimed"] + found[1]["claimed"])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_process_may_be_killed_at_any_statement(tmp_path: Path) -> None:
    """What it had been told was done is done, the next step is done or not, and nothing is locked."""
    stories = said(started("steps", tmp_path))
    assert STEPS == stories[-1]
    assert len(stories) > 15
    for number, notes in enumerate(stories, 1):
        store = SqliteStore(tmp_path / f"{number}.db", busy_timeout=0.5)
        possible = {len(notes), min(len(notes) + 1, len(STEPS))}
        assert await how_far(store) in possible
        await store.aclose()


async def how_far(store: SqliteStore) -> int:
    """Say how many steps of the story are in a store."""
    found = await store.add(entry("a", "subject", 2.0), now=NOW + 59)
    if found is Standing.NEW:
        return 0
    if found is Standing.SETTLED:
        return 4
    claim = await store.claim("a", now=NOW + 59, lease=1.0)
    if claim is not None:
        assert 1 == claim.attempt
        return 1
    claim = await taken(store, "a", now=NOW + 60)  # the lease of the dead process has run out
    assert 2 == claim.attempt
    return 3 if claim.handled else 2


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_process_may_fork_while_the_file_is_open(tmp_path: Path) -> None:
    """Parent and children go on with the store, none waits for a lock that nobody holds, and all events are there."""
    assert [0] * 10 == said(started("fork", tmp_path / "events.db"))
    store = SqliteStore(tmp_path / "events.db")
    expected = ["parent 0", "parent's last", *(f"child {number}" for number in range(10))]
    assert [Standing.WAITING] * 12 == [await store.add(entry(key), now=NOW) for key in expected]
    await store.aclose()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_no_event_is_acknowledged_that_did_not_fit_on_the_disk(tmp_path: Path) -> None:
    """When the file may grow no more, events are refused, and those acknowledged are there; later all is well."""
    found = said(started("full", tmp_path / "events.db"))
    assert {"NEW", "refused"} == set(found)
    assert ["NEW"] * 5 == found[:5] == found[-5:]
    store = SqliteStore(tmp_path / "events.db")
    for number, what in enumerate(found):
        if what == "NEW":
            assert Standing.WAITING is await store.add(entry(f"{number}"), now=NOW)
    await store.aclose()
