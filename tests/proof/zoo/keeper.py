"""The keeper: a process that has imported everything but the package, and forks one more for each animal."""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Final

import attrs

from tests.proof.mutation.running import warm_up
from tests.proof.zoo.animals import PACKAGE, Animal
from tests.proof.zoo.asking import CONTROL, Ending, ask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["Keeper"]

# What the tests around us were told is not for those that are asked: coverage would count the lines of mistakes.
_NOT_PASSED_ON: Final = ("COVERAGE_", "COV_CORE_", "PYTEST_")

# What pytest imports when it starts, beside what `warm_up` imports; likewise once and for all.
_HEAVY: Final = (
    "_hypothesis_pytestplugin",
    "_pytest.faulthandler",
    "_pytest.helpconfig",
    "_pytest.junitxml",
    "_pytest.skipping",
    "_pytest.threadexception",
    "_pytest.unittest",
    "_pytest.unraisableexception",
    "_pytest.warnings",
    "aiohttp",
    "anyio.pytest_plugin",
    "packaging.version",
    "pdb",
    "respx",
    "tomllib",
    "trustme",
    "xml.etree.ElementTree",
)


class Keeper:
    """
    Asks about one animal at a time, in a process beside this one.

    A process that runs tests has the package imported already, and threads; it should not be forked.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PACKAGE.parent,
            env={name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)},
        )

    def ask(self, animal: Animal | None, tests: Sequence[str] = ()) -> Ending:
        """Ask an animal's tests, or others; without an animal, of the package as it is."""
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None
        assert answering is not None
        asking.write(json.dumps({"animal": attrs.asdict(animal or CONTROL), "tests": list(tests)}) + "\n")
        asking.flush()
        return Ending.of(json.loads(answering.readline()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def main() -> None:
    """Answer, line by line, until there are no more questions."""
    warm_up()
    for name in _HEAVY:
        importlib.import_module(name)
    gc.freeze()  # or each process would copy what it only looks at
    with tempfile.TemporaryDirectory() as folder:
        # What one process compiled serves the next ones: the package's modules that are not changed, and the tests.
        sys.pycache_prefix, sys.dont_write_bytecode = folder, False
        for line in sys.stdin:
            question = json.loads(line)
            ending = ask(Animal.of(question["animal"]), question["tests"])
            sys.stdout.write(json.dumps(attrs.asdict(ending)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
