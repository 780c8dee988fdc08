"""The simulator as a program of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from smsc_async.simulator.__main__ import main

COMMAND = [sys.executable, "-m", "smsc_async.simulator"]


@contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the program and give its first line."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_told_to_end(ending: signal.Signals) -> None:
    """It tells its address on one line, serves, and ends cleanly with the verdict."""
    with program("--balance", "5", "--switch", "refusals_as_text=true", "--latency", "0.001") as (process, line):
        url = line.removeprefix("Listening on ")
        with httpx.Client(base_url=url) as client:
            data = {"login": "demo", "psw": "demo"}
            assert "5.00" == client.post("/sys/balance.php", data=data).text
            assert "ERROR" in client.post("/sys/receive_phones.php", data={**data, "fmt": "3"}).text
            state = client.get("/control/state").json()
            assert [2, 0, 0] == list(state["tasks"].values()) or [1, 0, 0] == list(state["tasks"].values())
        process.send_signal(ending)
        _, errors = process.communicate(timeout=10)
    assert 0 == process.returncode
    assert "2 requests, 0 foreign, 0 unfinished; window 60 s" in errors
    assert "Traceback" not in errors


def test_it_can_be_told_what_the_account_is_like() -> None:
    """In test mode, elsewhere, and with another price."""
    options = ("--virtual", "--zone", "5.5", "--price", "0.75", "--switch", "virtual_cost=usual")
    with (
        program("--json", "--quiet", *options) as (process, line),
        httpx.Client(base_url=json.loads(line)["url"]) as c,
    ):
        data = {"login": "demo", "psw": "demo", "fmt": "3", "phones": "380671234567", "mes": "Hello", "cost": "3"}
        assert {"id": 1, "cnt": 1, "cost": "0.75", "balance": "1000.00"} == c.post("/sys/send.php", data=data).json()
        account = c.post("/control/account", json={}).json()
        assert (True, "UTC+05:30") == (account["virtual"], account["zone"])
        process.terminate()


def test_its_address_comes_as_json() -> None:
    """For programs that start it."""
    with program("--json", "--quiet", "--login", "alex") as (process, line):
        told = json.loads(line)
        assert "alex" == told["login"]
        assert told["url"].startswith("http://127.0.0.1:")
        process.terminate()
        assert "" == process.communicate(timeout=10)[1]


def test_its_help_names_every_switch(capsys: pytest.CaptureFixture[str]) -> None:
    """A reader learns what there is to set."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(
        word in text
        for word in (
            "--window",
            "--apikey",
            "--virtual",
            "--zone",
            "--price",
            "loopback",
            "refused_counts",
            "captcha_use",
        )
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--switch", "nonsense=1"],
        ["--switch", "rounding=hourly"],
        ["--switch", "refused_counts=maybe"],
        ["--switch", "comment_line=1"],
        ["--balance", "much"],
        ["--price", "much"],
        ["--zone", "far"],
        ["--zone", "16"],
        ["--callback", "nonsense"],
        ["--callback", "http://handler.example/?md5=a:b"],
    ],
)
def test_nonsense_is_refused_with_a_reason(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As command lines do: status 2 and a sentence."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert 2 == caught.value.code
    assert "error:" in capsys.readouterr().err


def test_a_taken_port_is_an_error() -> None:
    """Status 1 and a sentence, no traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = subprocess.run(
            [*COMMAND, "--port", str(taken.getsockname()[1])], capture_output=True, text=True, timeout=20, check=False
        )
    assert (1, "") == (ran.returncode, ran.stdout)
    assert ran.stderr.startswith("error: ")
