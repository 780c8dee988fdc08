from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smsc_async.demo import __main__ as program
from smsc_async.demo import mishaps, story
from smsc_async.demo.stage import Glance, Stage

ROOT = Path(__file__).parents[2]
BACKENDS = ["asyncio", "trio"]
SECONDS = 120  # for a busy machine; it takes six


def command(backend: str) -> list[str]:
    return [sys.executable, "-m", "smsc_async.demo", "--fast", "--backend", backend]


def environment() -> dict[str, str]:
    # FORCE_COLOR is there to see that it makes no terminal of a pipe.
    return {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "FORCE_COLOR": "1"}


@pytest.fixture(scope="module", params=BACKENDS)
def finished(request: pytest.FixtureRequest) -> subprocess.CompletedProcess[str]:
    """A demo that ran to its end."""
    return subprocess.run(
        command(request.param),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


def test_the_demo_ends_well(finished: subprocess.CompletedProcess[str]) -> None:
    """Every figure is as it should be, nothing goes to stderr, and the exit code says so."""
    assert (0, "") == (finished.returncode, finished.stderr), finished.stdout
    assert re.search(r"All \d+ figures checked are as they should be\. It took \d+ s\.\n$", finished.stdout)


def test_it_ends_with_the_simulators_verdict(finished: subprocess.CompletedProcess[str]) -> None:
    """The last step tells no refusal, fourteen in flight at the peak, and each rent paid once."""
    verdict = finished.stdout.split("The gateway's verdict")[1]
    found = dict(re.findall(r"^ +([a-z][A-Za-z ]+?) {2,}([\d.]+)", verdict, re.MULTILINE))
    expected = {
        "refusals": "0",
        "highest concurrency": "14",
        "limits reached": "1",
        "limits exceeded": "0",
        "rents paid": "2",
        "paid twice": "0",
        "money spent": "70.50",
        "password in a URL": "0",
        "problems": "0",
    }
    assert expected == {what: figure for what, figure in found.items() if what != "requests"}


def test_each_step_shows_what_it_promises(finished: subprocess.CompletedProcess[str]) -> None:
    """The headlines are in order, and each step's main figure is there."""
    steps = re.split(r"^\d  .* ─+$", finished.stdout, flags=re.MULTILINE)
    patterns = [
        "",
        r"its minute +1 s instead of 60 s",
        r"balance +1000\.00 -> 970\.00 UAH",
        r"third +held for [01]\.\d\d s \(announced: [01]\.\d\d s\), then 4 numbers",
        r"calls +\S+ 100 of 100\n",
        r"smsc_async\.errors\.OutcomeUnknown: numbers\.rent: .*sent +1 request;.*970\.00 -> 929\.50 UAH",
        r"on disk +[\d,]+ bytes, 50,000 rows, .*gateway's +the same\n",
        r"19 calls +smsc_async\.errors\.AccountLocked: .*sent +1 request, 1 authorisation error",
        r"refusals +0",
    ]
    assert len(patterns) == len(steps)
    for pattern, step in zip(patterns, steps, strict=True):
        assert re.search(pattern, step, re.DOTALL), step


def test_a_pipe_gets_plain_lines(finished: subprocess.CompletedProcess[str]) -> None:
    """Where the output is no terminal it holds no control character, and no line is longer than the columns."""
    assert [] == [line for line in finished.stdout.splitlines() if len(line) > 80 or not line.isprintable()]


def test_the_code_that_is_shown_is_the_code_that_runs(finished: subprocess.CompletedProcess[str]) -> None:
    """Every line after a prompt stands in the demo's source as a line of code."""
    modules = (story, mishaps)
    texts = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in modules]
    source = {line.strip() for text in texts for line in text.splitlines()}
    shown = re.findall(r"^ +(?:>>>|\.\.\.) (.*?) *$", finished.stdout, re.MULTILINE)
    assert len(shown) > 10
    source.add("async with anyio.create_task_group() as tasks:")  # there it stands behind the bar, in one statement
    assert [] == [line for line in shown if line.strip() not in source]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process there")
@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_ends_it_cleanly(backend: str) -> None:
    """In the middle of a hundred calls, an interrupt ends it at once with a word, 130, and no traceback."""
    with subprocess.Popen(
        command(backend),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout
        assert any("calls at once, 14 slots" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=SECONDS)
    assert (130, "") == (process.returncode, complaints)
    assert rest.endswith("Stopped.\n")


@pytest.mark.parametrize(
    ("module", "backend", "sentence"),
    [
        ("rich", "asyncio", "The demo needs rich: pip install 'smsc-async[demo]'\n"),
        ("uvicorn", "trio", "The demo needs uvicorn: pip install 'smsc-async[demo]'\n"),
        ("trio", "trio", "The demo needs trio: pip install 'smsc-async[trio]'\n"),
    ],
)
def test_a_missing_extra_is_named(
    module: str, backend: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without what it needs it prints one sentence, which says what to install, and exits with 2."""
    monkeypatch.setitem(sys.modules, module, None)
    assert program.UNUSABLE == program.main(["--backend", backend])
    assert ("", sentence) == tuple(capsys.readouterr())


def test_a_wrong_figure_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """When a figure is not as it should be, the end says which, and the exit code is 1."""

    async def play(stage: Stage, pace: story.Pace) -> None:
        stage.figures({"refusals": (3, 0), "requests": (7, None)})
        stage.end(1.0)

    monkeypatch.setattr(story, "play", play)
    assert program.FAILED == program.main(["--fast"])
    assert capsys.readouterr().out.endswith("Not as it should be:\n   - refusals: 3 instead of 0\n")


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


@pytest.mark.anyio
@pytest.mark.parametrize(("term", "lively"), [("dumb", False), ("xterm", True)])
async def test_bars_are_drawn_where_they_can_be(
    term: str, lively: bool, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    """A dumb terminal gets each finished bar once as plain text, and no bar that would have to go again."""
    monkeypatch.setenv("TERM", term)
    stage = Stage(terminal, pause=0.0)
    async with stage.bar("goes", lambda: Glance(1, 2, "half")):
        pass
    async with stage.bar("vanishes", lambda: Glance(1, 2, "half"), stays=False):
        pass
    shown = terminal.getvalue()
    assert lively == stage.is_lively == ("\x1b" in shown) == ("vanishes" in shown)
    assert "goes" in shown


def test_a_pipe_that_is_ascii_breaks_nothing() -> None:
    """The gateway's Ukrainian texts come out as question marks where the output cannot hold them."""
    raw = io.BytesIO()
    stage = Stage(io.TextIOWrapper(raw, encoding="ascii"), pause=0.0)
    stage.fact("info", "Київстар")
    assert [b"info", b"????????"] == raw.getvalue().split()
