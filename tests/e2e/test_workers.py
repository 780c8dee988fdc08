"""Several processes use one account: with the guard of the machine nothing is refused, and without it much is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.canaries import RUN
from tests.e2e.processes import ROOT, Control, process

if TYPE_CHECKING:
    from pathlib import Path

MINUTE: Final = 1.0  # second
WORKERS: Final = 4


def work(url: str, file: str, *, killed: int = 0) -> tuple[int, int]:
    """Let four workers work for some seconds, and kill some of them; give what the others did, and were refused."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SMSC_LOGIN": RUN.login,
        "SMSC_PASSWORD": RUN.password,
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.working", url, f"{number:01d}", file, str(MINUTE), "6.0"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        for number in range(WORKERS)
    ]
    done = refused = 0
    for worker in workers:
        assert worker.stdout is not None
        assert "ready" == worker.stdout.readline().strip()
    for worker in workers[:killed]:
        worker.send_signal(signal.SIGKILL)
    for worker in workers:
        answer, _ = worker.communicate(timeout=60)
        if worker not in workers[:killed]:
            one, other = map(int, answer.split())
            done, refused = done + one, refused + other
    return done, refused


def judged(file: str, *, killed: int = 0) -> tuple[int, int, list[str], int]:
    """Give what was done and refused, what the gateway complains of, and how many were in flight at the most."""
    words = (
        "--json",
        "--quiet",
        "--login",
        RUN.login,
        "--password",
        RUN.password,
        "--window",
        str(MINUTE),
        "--latency",
        "0.15",
    )
    with process("-m", "smsc_async.simulator", *words) as line:
        url = json.loads(line)["url"]
        control = Control(url)
        done, refused = work(url, file, killed=killed)
        verdict = control.get("verdict")
        control.close()
    return done, refused, verdict["problems"], verdict["concurrency"]


def test_four_workers_keep_the_limits_together(tmp_path: Path) -> None:
    """And one of them is killed at its beginning."""
    done, refused, problems, concurrency = judged(str(tmp_path / "guard"), killed=1)
    assert (0, []) == (refused, problems)
    assert done > 0
    assert concurrency <= 14


def test_four_workers_that_do_not_know_of_each_other_break_them() -> None:
    """The reach of the other test."""
    _, refused, problems, _ = judged("")
    assert refused > 0
    assert problems
