"""
A pytest plugin that searches all that the tests let out for the run's canaries: logs, output, warnings, files.

Every log record of every test is kept at DEBUG, whoever wrote it, until the test is over. A test that leaks a canary in
any spelling fails, whatever it asserts. Files are searched when all tests have ended: those under the folders for
temporary files, and whatever else this process has opened for writing. What a *failing* test shows is not searched: it
may show its own variables.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.canaries import RUN

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_ENOUGH: Final = 1_000_000  # characters; so many are searched at a time, that a long test does not keep them all
_LARGE: Final = 64 << 20  # bytes of a file that are searched
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


class Net(logging.Handler):
    """What has been let out since the last look."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records = 0
        self.characters = 0
        self.written: set[str] = set()
        self.leaks: dict[str, None] = {}  # in order, each once
        self._texts: list[str] = []
        self._size = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep all that a handler could show of a record."""
        self.records += 1
        try:
            shown = record.getMessage()
        except (TypeError, ValueError):  # the arguments do not fit the message; a handler would show both
            shown = str(record.msg)
        if record.args:
            shown += f" {record.args!r}"
        if record.exc_info and record.exc_info[1] is not None:
            report = traceback.TracebackException.from_exception(record.exc_info[1], capture_locals=True)
            shown += "".join(report.format())
        more = vars(record).keys() - _USUAL
        if more or record.exc_text or record.stack_info:
            shown += f" {record.exc_text} {record.stack_info} {[getattr(record, name) for name in more]!r}"
        self._keep(f"{record.name}: {shown}\n")

    def _keep(self, text: str) -> None:
        self._texts.append(text)
        self._size += len(text)
        if self._size > _ENOUGH:
            self.search("log")

    def search(self, where: str, text: str | None = None) -> None:
        """Search *text*, or what was logged."""
        if text is None:
            self.acquire()  # threads log too
            try:
                text, self._texts, self._size = "".join(self._texts), [], 0
            finally:
                self.release()
            self.characters += len(text)
        for found in RUN.in_text(text):
            self.leaks[f"{where}: {found}"] = None

    def taken(self) -> list[str]:
        """Give what was found since the last look."""
        self.search("log")
        leaks, self.leaks = list(self.leaks), {}
        return leaks

    def note_file(self, event: str, args: tuple[Any, ...]) -> None:
        """Hear from Python that a file is opened."""
        if event == "open" and isinstance(args[0], str) and isinstance(args[2], int) and args[2] & _WRITING:
            self.written.add(args[0])


net: Final = Net()


def pytest_configure(config: pytest.Config) -> None:
    """Spread the net."""
    if config.option.log_level is None:
        # The root logger is at DEBUG for the net; what pytest captures, and shows of a failure, stays what it was.
        config.option.log_level = "WARNING"
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    root.addHandler(net)
    sys.addaudithook(net.note_file)


def pytest_unconfigure() -> None:
    """Take it in."""
    logging.getLogger().removeHandler(net)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test fail that has leaked something, when it is over."""
    report = yield
    if report.when != "teardown":
        return report
    if report.passed:
        for title, content in report.sections:
            if "log" not in title:  # the net has all of it
                net.search(title, content)
    leaks = net.taken()
    if leaks and report.passed:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} let out what must not be seen:\n" + "\n".join(f"  {leak}" for leak in leaks)
    return report


def pytest_warning_recorded(warning_message: Any, nodeid: str) -> None:
    """Search a warning."""
    net.search(f"warning of {nodeid}", f"{warning_message.message!r} {warning_message.message}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail where something was found that no test could be blamed for any more."""
    leaks = net.taken()
    if leaks:
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line("\nthe tests let out what must not be seen: " + "; ".join(leaks), red=True)


@pytest.fixture(scope="session", autouse=True)
def _files_are_searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search the files that the tests have left, when all are over."""
    yield
    found = files_with_canaries(tmp_path_factory.getbasetemp())
    assert not found, f"files hold what must not be seen: {found}"


def files_with_canaries(folder: Path) -> dict[str, list[str]]:
    """Give the files below *folder*, and those that this process wrote elsewhere, which hold a canary."""
    below = (path for path in folder.rglob("*") if not path.is_symlink())
    found: dict[str, list[str]] = {}
    for path in {*below, *map(Path, net.written)}:
        try:
            if path.is_file() and (held := RUN.in_bytes(path.read_bytes()[:_LARGE])):
                found[str(path)] = held
        except OSError:  # it has no rights, or is gone
            continue
    return found
