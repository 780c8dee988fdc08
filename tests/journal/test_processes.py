"""The journal between processes: one that is killed, one that ends, one that is forked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smsc_async import OutcomeStillUnknown
from smsc_async._journal.striking import Striking
from tests.journal.accounts import PHONE, session, standing

ROOT = Path(__file__).parents[2]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed as POSIX does it")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal will be."""
    return tmp_path / "journal.db"


def child(what: str, path: Path) -> tuple[int, str]:
    """Run a process to its end; give its exit code and what it printed."""
    command = [sys.executable, "-W", "error", "-m", "tests.journal.child", what, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60.0, check=False)
    return done.returncode, done.stdout + done.stderr


@needs_fork
@pytest.mark.anyio
async def test_a_killed_process_leaves_its_call(anyio_backend: str, path: Path) -> None:
    """The next one lists it, and does not pay again."""
    code, _ = child("leave", path)
    assert -signal.SIGKILL == code
    async with session(path, {"phone": PHONE, "cost": "30.00"}) as smsc:
        (call,) = await smsc.unresolved()
        assert ("numbers.rent", PHONE) == (call.endpoint, call.subject)
        with pytest.raises(OutcomeStillUnknown):
            await smsc.numbers.rent(PHONE)


def test_a_process_that_ends_in_order_leaves_nothing(path: Path) -> None:
    """Though it closed nothing, and ended before the row would have been struck."""
    assert (0, "") == child("end", path)
    assert [] == standing(path)


@needs_fork
def test_a_forked_process_uses_the_file_anew(path: Path) -> None:
    """Parent and child go on with one session; what the parent has under way is not the child's own."""
    code, output = child("fork", path)
    assert (0, "11") == (code, output.strip().rpartition("\n")[2]), output
    assert [] == standing(path)


# ------------------------------------------------------------------ the thread that strikes


def test_rows_are_struck_when_they_are_due() -> None:
    """Those that are due go at once, in one go; the others when all is finished."""
    struck: list[list[str]] = []
    striking = Striking(lambda keys: struck.append(sorted(keys)), pytest.fail)
    striking.add(["later"], grace=1_000.0)
    striking.add(["b", "a"], grace=0.0)
    striking.finish()
    assert sorted(key for keys in struck for key in keys) == ["a", "b", "later"]
    striking.finish()
    striking.add(["again"], grace=0.0)
    striking.finish()
    assert ["again"] == struck[-1]


def test_what_cannot_be_struck_is_left_for_the_next() -> None:
    """It is told each time, and tried again when all is finished."""
    told: list[str] = []
    bad = True

    def strike(keys: list[str]) -> None:
        if bad:
            message = f"no room for {keys}"
            raise OSError(message)

    striking = Striking(strike, lambda error: told.append(str(error)))
    striking.add(["a"], grace=0.0)
    striking.finish()
    assert {"no room for ['a']"} == set(told)
    assert {"a"} == striking.left()
    bad = False
    striking.finish()
    assert set() == striking.left()


def test_a_thread_that_cannot_be_started_leaves_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has paid must hear so, also where there are too many threads."""

    def start(_: object) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    struck: list[str] = []
    striking = Striking(struck.extend, pytest.fail)
    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", start)
        striking.add(["a"])
    assert {"a"} == striking.left()
    striking.finish()
    assert ["a"] == struck
