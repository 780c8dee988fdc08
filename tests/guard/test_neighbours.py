"""Who uses a guard of one process in several, is told so."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx

from smsc_async import HostGuard, Session
from smsc_async.guard import LocalGuard, _neighbours, look_for_neighbours

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = f"account of test {os.getpid()}"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was said or marked so far."""
    monkeypatch.setattr(_neighbours, "_told", set())
    monkeypatch.setattr(_neighbours, "_marks", {})
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)


def test_one_process_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """However often it looks."""
    for _ in range(3):
        look_for_neighbours(f"{ACCOUNT} 1")
    assert "" == caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="the marks are Linux's")
def test_two_processes_hear_of_each_other_once(caplog: pytest.LogCaptureFixture) -> None:
    """The second one does."""
    code = (
        f"from smsc_async.guard import look_for_neighbours as look; look({ACCOUNT!r}); print('', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        for _ in range(3):
            look_for_neighbours(ACCOUNT)
        other.communicate(b"\n")
    (record,) = caplog.records
    assert logging.WARNING == record.levelno
    assert "another process on this machine uses the account, too" in record.message
    assert "HostGuard()" in record.message


def test_the_servers_number_of_workers_tells_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From two on."""
    for workers in ("", "1", "many", "²"):
        monkeypatch.setenv("WEB_CONCURRENCY", workers)
        look_for_neighbours(f"{ACCOUNT} 2")
    assert "" == caplog.text
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    look_for_neighbours(f"{ACCOUNT} 2")
    look_for_neighbours(f"{ACCOUNT} 2")
    (record,) = caplog.records
    assert "WEB_CONCURRENCY says that there are 4 workers" in record.message


def test_a_forked_child_is_a_neighbour(capfd: pytest.CaptureFixture[str]) -> None:
    """Of its parent."""
    look_for_neighbours(f"{ACCOUNT} 3")
    child = os.fork()
    if child == 0:  # pragma: no cover - in a process that coverage does not see
        look_for_neighbours(f"{ACCOUNT} 3")
        os.write(1, b"told" if os.getpid() in _neighbours._told else b"not told")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert "told" == capfd.readouterr().out


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_where_no_mark_can_be_set_nothing_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """Nothing is known."""

    class Refused(socket.socket):
        def bind(self, _: Any) -> None:
            raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(socket, "socket", Refused)
    monkeypatch.setattr(sys, "platform", platform)
    look_for_neighbours(f"{ACCOUNT} 4")
    assert "" == caplog.text


@pytest.mark.anyio
@respx.mock
async def test_a_session_looks_at_its_first_call(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, anyio_backend: str, tmp_path: Path
) -> None:
    """With a guard of its process, at a gateway that is not on this machine."""
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    respx.post(host="smsc.ua").mock(side_effect=lambda _: httpx.Response(200, json={"balance": "5.00"}))
    respx.post(host="localhost").mock(side_effect=lambda _: httpx.Response(200, json={"balance": "5.00"}))
    for guard, url in ((HostGuard(tmp_path / "guard"), "https://smsc.ua"), (LocalGuard(), "http://localhost:9")):
        async with Session(login="alex", password="secret", guard=guard, base_url=url, journal=False) as smsc:
            await smsc.account.balance()
    assert "workers" not in caplog.text
    async with Session(login="alex", password="secret", guard=LocalGuard()) as smsc:
        await smsc.account.balance()
        await smsc.account.balance()
    assert 1 == caplog.text.count("4 workers")
