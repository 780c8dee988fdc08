"""Asking the tests about an animal: a forked process imports the package with the mistake in place, and runs them."""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs
import pytest

from tests.proof.zoo.animals import PACKAGE, Animal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, FrameType, ModuleType

__all__ = ["CONTROL", "Ending", "Found", "ask"]

CONTROL: Final = Animal("(none)", "Nothing is wrong.", (), (), ())

_PATIENCE: Final = 20.0  # seconds; each of these tests takes less than one
_MEMORY: Final = 2 * 2**30  # bytes; a loop that never ends may collect something
_EXCERPT: Final = 2_000  # characters of a traceback
# Named, because those that pytest finds by itself have all their modules rewritten by it, and ours would be too.
_PLUGINS: Final = (
    "pytest_asyncio.plugin",
    "anyio.pytest_plugin",
    "_hypothesis_pytestplugin",
    "smsc_async._pytest_plugin",
)


@attrs.frozen
class Found:
    """What one of the tests said."""

    test: str  # the first case that failed, as pytest names it
    because: str  # the error, in a line
    honest: bool  # the mistake was noticed; else something is wrong with the animal itself
    trace: str = attrs.field(default="", repr=False)


@attrs.define
class Ending:
    """What became of an animal."""

    found: dict[str, Found]  # by the test that was asked
    missed: list[str]
    problem: str = ""  # why the tests could not be asked
    seconds: float = 0.0  # of one core

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Ending:
        """Make one of what `attrs.asdict` makes of it, in JSON."""
        found = {test: Found(**what) for test, what in fields["found"].items()}
        return cls(found, fields["missed"], fields["problem"], fields["seconds"])

    @property
    def caught(self) -> bool:
        """Whether every test that was asked has noticed the mistake."""
        return not self.problem and not self.missed and all(found.honest for found in self.found.values())


def ask(animal: Animal, tests: Sequence[str] = ()) -> Ending:
    """Ask the animal's own tests, or others, in a process of its own."""
    tests = tests or animal.found_by
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if not child:
            os.close(reading)
            _answer(animal, tests, writing, folder)
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor is no path
            answer = pipe.read()
        _, status, usage = os.wait4(child, 0)
    seconds = usage.ru_utime + usage.ru_stime
    if not answer:
        problem = f"the process ended with {os.waitstatus_to_exitcode(status)}, and nothing was said"
        return Ending({}, list(tests), problem, seconds)
    said = json.loads(answer)
    missed = [test for test in tests if test not in said["found"]]
    return Ending.of({**said, "missed": missed, "seconds": seconds})


# In the process of an animal ------------------------------------------------------------------------------------------


def _answer(animal: Animal, tests: Sequence[str], writing: int, folder: str) -> NoReturn:
    """Run the tests, write what they say, and end."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(silence, stream)
        os.chdir(PACKAGE.parent)
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        witness = _Witness(animal, tests, writing)
        try:
            _run(witness)
        except Exception:  # noqa: BLE001 - whatever it is, it is told
            witness.problem = traceback.format_exc()
        witness.say()
        code = 0
    finally:
        os._exit(code)  # nothing of the parent's is to be tidied up here


def _run(witness: _Witness) -> None:
    witness.place = _InPlace(witness.animal)
    sys.meta_path.insert(0, witness.place)
    signal.signal(signal.SIGALRM, witness.despair)
    status = pytest.main(
        [
            *("-q", "--no-header", "--no-summary", "--tb=native", "-p", "no:cacheprovider"),
            *("--rootdir", str(PACKAGE.parent), "-W", "ignore::pytest.PytestAssertRewriteWarning"),
            *(option for plugin in _PLUGINS for option in ("-p", plugin)),
            *witness.tests,
        ],
        plugins=[witness],
    )
    signal.setitimer(signal.ITIMER_REAL, 0)
    if not witness.problem and status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        witness.problem = f"pytest ended with {status!r}"


class _InPlace(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads the changed modules in place of the real ones."""

    def __init__(self, animal: Animal) -> None:
        self.loaded: set[str] = set()
        self.codes: dict[str, CodeType] = {
            ".".join((PACKAGE.name, *Path(module).with_suffix("").parts)): code
            for module, code in animal.codes().items()
        }

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """Give those that it knows."""
        code = self.codes.get(fullname)
        return None if code is None else importlib.util.spec_from_file_location(fullname, code.co_filename, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        self.loaded.add(module.__name__)
        exec(self.codes[module.__name__], vars(module))


class Hung(Exception):
    """A test takes far too long. No assertion failed, so this finds no animal: a better test must be named."""


class _Witness:
    """A plugin for pytest that notes which of the tests that were asked fail first, and how."""

    def __init__(self, animal: Animal, tests: Sequence[str], writing: int) -> None:
        self.animal = animal
        self.tests = tests
        self.found: dict[str, Found] = {}
        self.problem = ""
        self.place: _InPlace | None = None
        self._writing = writing
        self._desperate = False

    def say(self) -> None:
        """Write down what was found."""
        if not self.problem and self.place is not None and (unseen := self.place.codes.keys() - self.place.loaded):
            self.problem = f"no test imports {', '.join(sorted(unseen))}"
        found = {test: attrs.asdict(found) for test, found in self.found.items()}
        with open(self._writing, "w", encoding="utf-8") as pipe:  # noqa: PTH123 - likewise
            json.dump({"found": found, "problem": self.problem}, pipe)

    def despair(self, number: int, frame: FrameType | None) -> None:
        """Break off what hangs; if that does not end it, end the process."""
        if self._desperate:
            self.problem = self.problem or f"hangs at\n{''.join(traceback.format_stack(frame)[-4:])}"
            self.say()
            os._exit(0)
        self._desperate = True
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE / 4)
        raise Hung

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that a module cannot be imported: the animal is no mistake, but a slip of ours."""
        if report.failed and not self.problem:
            self.problem = f"{report.nodeid} cannot be collected\n{str(report.longrepr)[-_EXCERPT:]}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Pass over further cases of a test that has failed."""
        if self._asked(item.nodeid) in self.found:
            pytest.skip("another case has failed")
        self._desperate = False
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note a failure."""
        report = yield
        asked = self._asked(item.nodeid)
        if report.failed and call.excinfo is not None and asked not in self.found:
            error = call.excinfo.value
            kinds = {type(leaf).__name__ for leaf in _leaves(error) if not self._shows_the_mistake(leaf)}
            lines = [line for leaf in _leaves(error) for line in str(leaf).splitlines() if line.strip()]
            because = f"{'/'.join(sorted(kinds)) or type(next(_leaves(error))).__name__}: {' '.join(lines[:2])}"
            trace = str(report.longrepr)[-_EXCERPT:]
            self.found[asked] = Found(item.nodeid, because, honest=not kinds, trace=trace)
            if self.found.keys() >= set(self.tests):  # no more is asked, and to tidy up after a mistake may take long
                self.say()
                os._exit(0)
        return report

    def _asked(self, case: str) -> str:
        """Give the test that was asked, of which this is a case."""
        function = case.partition("[")[0]
        return next(
            (test for test in self.tests if case == test or case.startswith((f"{test}[", f"{test}::"))), function
        )

    def _shows_the_mistake(self, error: BaseException) -> bool:
        if isinstance(error, AssertionError | pytest.fail.Exception):
            return not str(error).startswith("crash:")  # so the proofs tell of an error that nobody expects
        kinds = type(error).__mro__
        return any(
            kind.__module__.startswith(PACKAGE.name) or kind.__name__ in self.animal.fails_with for kind in kinds
        )


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error
