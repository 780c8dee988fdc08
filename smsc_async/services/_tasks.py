"""Postponed tasks: what they are, how the gateway tells of them, and how one is found in its lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from smsc_async import errors
from smsc_async._endpoint import COMMON_REFUSALS, Endpoint, Limit, Replay
from smsc_async._wire import Field, Holds, Shape
from smsc_async.values import Listing, LocalTime, OpenIntEnum

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from smsc_async._calling import Caller

__all__ = ["FILE", "LIST", "DownloadTask", "TaskStatus", "find", "glance", "pages"]

_SOURCE: Final = "https://smsc.ua/api/http/miscellaneous/downloads/"


class TaskStatus(OpenIntEnum):
    """How far a task is."""

    WAITING = 0
    RUNNING = 1
    DONE = 2
    CANCELLED = 3
    FAILED = 4


@attrs.frozen(kw_only=True)
class DownloadTask:
    """A postponed task; its file exists once the status is `TaskStatus.DONE`."""

    id: int
    name: str
    status: TaskStatus
    created: LocalTime | None = None
    started: LocalTime | None = None
    file: str | None = None  # the file's name at the gateway

    @property
    def is_done(self) -> bool:
        """Whether there is a file to get."""
        return self.status is TaskStatus.DONE

    @property
    def is_hopeless(self) -> bool:
        """Whether there will never be one."""
        return self.status in (TaskStatus.CANCELLED, TaskStatus.FAILED)


LIST: Final[Endpoint[Listing[DownloadTask]]] = Endpoint(
    name="downloads.list",
    path="downloads.php",
    fixed={"get_list": "1"},
    limits=(Limit(3),),
    replay=Replay.READ,
    refusals={**COMMON_REFUSALS, 5: errors.TaskNotFound},
    reply=Listing[DownloadTask],
    shape=Shape.list_of(
        "list",
        "task",
        Field("id", Holds.INTEGER),
        Field("name", Holds.TEXT),
        Field("status", Holds.INTEGER),
        Field("created", optional=True),
        Field("time", attribute="started", optional=True),
        Field("file", Holds.TEXT, optional=True),
    ),
    source=_SOURCE,
)

FILE: Final[Endpoint[bytes]] = Endpoint(
    name="downloads.file",
    path="downloads.php",
    fixed={"get_file": "1"},
    limits=(Limit(3),),
    replay=Replay.READ,
    refusals={**COMMON_REFUSALS, 5: errors.TaskNotFound},
    reply=bytes,
    shape=Shape.FILE,
    source=_SOURCE,
)


async def pages(caller: Caller, size: int) -> AsyncGenerator[DownloadTask, None]:
    """Give all tasks, a page of *size* at a time; a page without a higher id is the last, whatever it means."""
    last = 0
    while True:
        page = await caller.perform(LIST, {"cnt": str(size), "after_id": str(last)})
        new = sorted({task.id: task for task in page if task.id > last}.values(), key=lambda task: task.id)
        if not new:
            return
        for task in new:
            yield task
        last = new[-1].id


async def find(caller: Caller, task_id: int) -> DownloadTask:
    """
    Find a task, also where the gateway lists the latest tasks first and so leaves it out of a short page.

    Raises:
        TaskNotFound: No list has it.
    """
    for params in (_around(task_id), {"after_id": str(task_id - 1)}):
        for task in await caller.perform(LIST, params):
            if task.id == task_id:
                return task
    raise errors.TaskNotFound(5, f"the gateway lists no task {task_id}", LIST.name)


async def glance(caller: Caller, task_id: int) -> DownloadTask | None:
    """Look for a task in a list once; None where it is not there, or no list is to be had."""
    try:
        page = await caller.perform(LIST, _around(task_id))
    except errors.SmscError:
        return None
    return next((task for task in page if task.id == task_id), None)


def _around(task_id: int) -> dict[str, str]:
    """Ask for the task itself: two tasks, so that it is among them also where ids that follow include the id."""
    return {"cnt": "2", "after_id": str(task_id - 1)}
