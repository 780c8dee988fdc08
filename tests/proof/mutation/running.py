"""Asking the tests: one forked process for each mutant, in which the changed module stands in place of the real one."""

from __future__ import annotations

import ast
import enum
import gc
import importlib
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final, NoReturn, TypeVar

import hypothesis
import pytest

from tests.proof.mutation.mutants import PACKAGE, Mutant, source_of

__all__ = ["BrokenRun", "Ending", "judged", "warm_up"]

T = TypeVar("T")

# One test of these rooms takes a few seconds at the most. A machine may be busy with something else.
_WORK_LIMIT: Final = 15.0  # seconds of the processor
_WAIT_LIMIT: Final = 60.0  # seconds on the clock
_TIMEOUTS: Final = frozenset({-signal.SIGALRM, -signal.SIGPROF, -signal.SIGKILL})
_MEMORY: Final = 2 * 2**30  # bytes; a loop that never ends may collect something
_NOT_LOADED: Final = 99
# Imported once and for all; what is mutated, and what asks for it, must be imported anew by each process.
_HEAVY: Final = (
    "anyio._backends._asyncio",
    "anyio._backends._trio",
    "attrs",
    "cattrs.preconf.json",
    "certifi",
    "httpcore",
    "httpx",
    "hypothesis.internal.conjecture.engine",
    "hypothesis.stateful",
    "hypothesis.strategies",
    "orjson",
    "pytest_asyncio.plugin",
    "tenacity",
    "trio",
    "unittest.mock",
    "uvicorn",
    "xml.parsers.expat",
)
# Named, because those that pytest finds by itself have all their modules rewritten by it, and ours would be too.
_PLUGINS: Final = (
    "pytest_asyncio.plugin",
    "anyio.pytest_plugin",
    "_hypothesis_pytestplugin",
    "smsc_async._pytest_plugin",
)


class Ending(enum.Enum):
    """What the tests said of a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"  # it hangs, which counts as killed
    SURVIVED = "survived"


class BrokenRun(Exception):
    """The tests could not be asked: they fail without a mutant too, or never import the module."""


def warm_up() -> None:
    """Import what each process needs and no mutant changes."""
    for name in _HEAVY:
        importlib.import_module(name)
    hypothesis.settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=50,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # nobody looks at the example that failed
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    gc.freeze()  # or each process would copy what it only looks at


def judged(
    mutants: Iterable[Mutant], tests: Sequence[str], room: str, processes: int
) -> Iterator[tuple[Mutant, Ending]]:
    """
    Give each mutant's ending as it becomes known, after a look whether the tests pass without one.

    One file of tests after the other is asked, each in a process of its own: most mutants are noticed by the first.
    """
    for file in tests:
        if _wait({_start(room, ast.parse(source_of(room)), file): None})[1] is not Ending.SURVIVED:
            raise BrokenRun(f"{room}: its tests fail without a mutant: pytest {file}")
    running: dict[int, tuple[Mutant, int]] = {}
    waiting = iter(mutants)
    while True:
        while len(running) < processes and (mutant := next(waiting, None)) is not None:
            running[_start(room, mutant.tree(), tests[0])] = mutant, 0
        if not running:
            return
        (mutant, asked), ending = _wait(running)
        if ending is Ending.SURVIVED and asked + 1 < len(tests):
            running[_start(room, mutant.tree(), tests[asked + 1])] = mutant, asked + 1
        else:
            yield mutant, ending


def _wait(running: dict[int, T]) -> tuple[T, Ending]:
    pid, status = os.waitpid(-1, 0)
    what = running.pop(pid)
    code = os.waitstatus_to_exitcode(status)
    if code in {_NOT_LOADED, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.USAGE_ERROR}:
        raise BrokenRun(f"{what}: no test imports the module, or there is no such test")
    if code == 0:
        return what, Ending.SURVIVED
    return what, Ending.TIMEOUT if code in _TIMEOUTS else Ending.KILLED


def _start(room: str, tree: ast.Module, file: str) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    return pid or _ask(room, tree, file)


def _ask(room: str, tree: ast.Module, file: str) -> NoReturn:
    """In a process of its own: run the tests until one fails, and leave with what pytest says."""
    code: int = pytest.ExitCode.INTERNAL_ERROR
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        _set_limits()
        out = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(out, stream)
        module = _Mutated(room, tree)
        sys.meta_path.insert(0, module)
        sys.dont_write_bytecode = True
        with tempfile.TemporaryDirectory() as folder:
            os.environ["TMPDIR"] = tempfile.tempdir = folder
            code = pytest.main(
                [
                    *("-q", "-x", "--no-header", "--no-summary", "--tb=no", "-p", "no:cacheprovider"),
                    *("--rootdir", str(PACKAGE.parent), "-W", "ignore::pytest.PytestAssertRewriteWarning"),
                    *("-o", "faulthandler_timeout=0"),  # a thread for each test, and the alarm does the same
                    *(option for plugin in _PLUGINS for option in ("-p", plugin)),
                    str(PACKAGE.parent / file),
                ],
                plugins=[_Limits()],
            )
        if code == 0 and not module.loaded:
            code = _NOT_LOADED
    finally:
        os._exit(code)  # nothing of the parent's is to be tidied up here


class _Limits:
    """Each test has its own limit; what hangs is ended by the alarm, whatever it is doing."""

    def pytest_runtest_logstart(self) -> None:
        _set_limits()


def _set_limits() -> None:
    signal.setitimer(signal.ITIMER_PROF, _WORK_LIMIT)
    signal.setitimer(signal.ITIMER_REAL, _WAIT_LIMIT)


class _Mutated(importlib.machinery.SourceFileLoader):
    """Finds and loads one module, from a tree in place of its file."""

    def __init__(self, room: str, tree: ast.Module) -> None:
        path: Path = PACKAGE / room
        name = ".".join((PACKAGE.name, *Path(room).with_suffix("").parts))
        super().__init__(name, str(path))
        self.tree = tree
        self.loaded = False

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> Any:
        """Give the one module that it knows."""
        if fullname == self.name:
            return importlib.util.spec_from_file_location(fullname, self.path, loader=self)
        return None

    def get_code(self, fullname: str) -> CodeType:
        """Give the changed module's code."""
        self.loaded = True
        return compile(self.tree, self.path, "exec", dont_inherit=True)
