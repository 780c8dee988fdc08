"""Deferred tasks and their files: `downloads.php` (https://smsc.ua/api/http/miscellaneous/downloads)."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Final, Literal

import attrs

from smsc_async.simulator import files
from smsc_async.simulator.files import BytesFile, CsvFile, CsvStyle, FileContent
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.nouns import Call, Plain
from smsc_async.simulator.replies import Answer, Field, FileReply, Record, RecordList, Refusal
from smsc_async.simulator.request import DEFAULT_CHARSET, Request
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.windows import Limit

#: "at most three identical requests a minute" for the list and for a file.
LIMITS: Final = (Limit(3),)

#: "0 waits, 1 runs, 2 done, 3 cancelled, 4 failed".
WAITING, RUNNING, DONE, CANCELLED, FAILED = range(5)
UNKNOWN_STATUS: Final = 7

ENDS: Final[dict[str, int]] = {"done": DONE, "cancelled": CANCELLED, "failed": FAILED}


@attrs.frozen(kw_only=True)
class Task:
    """A deferred task: it waits, it runs, and it ends as it was planned to."""

    id: int
    login: str
    name: str
    file: str
    content: FileContent
    created: float
    waits: float  # seconds
    runs: float  # seconds
    ends: Literal["done", "cancelled", "failed"]

    def status(self, now: float) -> int:
        """Give the vendor's number for where the task is at *now*."""
        age = now - self.created
        if age < self.waits:
            return WAITING
        return RUNNING if age < self.waits + self.runs else ENDS[self.ends]


class Downloads(Plain):
    """Everybody's deferred tasks."""

    path = "downloads.php"

    def __init__(self) -> None:
        self._tasks: defaultdict[str, dict[int, Task]] = defaultdict(dict)
        self._ids = itertools.count(1)

    def __repr__(self) -> str:
        return f"<Downloads {sum(map(len, self._tasks.values()))} tasks>"

    def add(
        self,
        login: str,
        *,
        moments: Moments,
        name: str | None = None,
        rows: int = 100,
        data: bytes | None = None,
        waits: float = 0.0,
        runs: float = 0.0,
        ends: Literal["done", "cancelled", "failed"] = "done",
    ) -> Task:
        """Give *login* a task that waits, runs and ends so; its file holds *rows* made-up messages, or *data*."""
        number = next(self._ids)
        task = Task(
            id=number,
            login=login,
            name=f"Розсилка {number}, листопад" if name is None else name,
            file=f"messages_{number}.csv",
            content=CsvFile(rows, seed=number) if data is None else BytesFile(data),
            created=moments.now(),
            waits=waits,
            runs=runs,
            ends=ends,
        )
        self._tasks[login][number] = task
        return task

    def tasks(self, login: str) -> dict[int, Task]:
        """Give the tasks of *login* by id."""
        return dict(self._tasks[login])

    def action(self, request: Request) -> str | None:
        """Name the action by its flag."""
        return next((name for name in ("get_list", "get_file") if request.flag(name)), None)

    def limits(self, action: str) -> tuple[Limit, ...]:  # noqa: ARG002 - the same for both
        """Give the documented limit."""
        return LIMITS

    def pays(self, action: str) -> bool:  # noqa: ARG002 - likewise
        """Tell that both are free."""
        return False

    def act(self, call: Call) -> Answer:
        """List tasks, or hand out a file."""
        return self._list(call) if call.action == "get_list" else self._file(call)

    def _list(self, call: Call) -> Answer:
        count = call.request.params.get("cnt", "")
        after = call.request.params.get("after_id", "")
        if not all(value == "" or (value.isascii() and value.isdigit()) for value in (count, after)):
            return Refusal("parameters")
        tasks = [task for number, task in self._tasks[call.account.login].items() if number > int(after or 0)]
        if call.switches.list_order == "descending":
            tasks.reverse()
        return RecordList(tuple(_record(task, call) for task in (tasks[: int(count)] if count else tasks)))

    def _file(self, call: Call) -> Answer:
        params = call.request.params
        mine = self._tasks[call.account.login]
        if params.get("id"):
            wanted = params["id"]
            task = mine.get(int(wanted)) if wanted.isascii() and wanted.isdigit() else None
        elif params.get("name"):
            task = next((task for task in mine.values() if _is_named(task, params["name"], call.switches)), None)
        else:
            return Refusal("parameters")
        if task is None or task.status(call.now) != DONE:
            return Refusal("not found")
        return FileReply(task.file, task.content)


def _is_named(task: Task, name: str, switches: Switches) -> bool:
    names = {"name": (task.name,), "file": (task.file,), "either": (task.name, task.file)}[switches.file_by]
    return name in names


def _record(task: Task, call: Call) -> Record:
    status = task.status(call.now)
    started = "" if status == WAITING else call.moments.wall(task.created + task.waits)
    fields = (
        Field("id", task.id, quoted=False),
        Field("name", task.name),
        Field("status", UNKNOWN_STATUS if call.switches.unknown_enums else status),
        Field("created", call.moments.wall(task.created)),
        Field("time", started, optional=True),
        Field("file", task.file if status == DONE else "", optional=True),
    )
    return Record("task", fields)


def csv_style(switches: Switches, charset: str = DEFAULT_CHARSET) -> CsvStyle:
    """Give how files are written under *switches* to one who asked for *charset*."""
    written = charset if switches.csv_charset == "requested" else switches.csv_charset
    return CsvStyle(charset=written, delimiter=switches.csv_delimiter, header=switches.csv_header)


def sha256(task: Task, switches: Switches, charset: str = DEFAULT_CHARSET) -> str:
    """Give the digest that a client's copy of the task's file must have."""
    return files.sha256(task.content, csv_style(switches, charset))
