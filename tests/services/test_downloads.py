"""Tasks: listing them, iterating over all, and awaiting one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from smsc_async import errors
from smsc_async.services.downloads import Downloads, DownloadTask, TaskStatus
from smsc_async.values import Listing, LocalTime
from tests.services.fakes import Asked, FakeCaller, FakeFile, task, tasks_after

pytestmark = pytest.mark.anyio
NOT_FOUND = {"error": "task or file not found", "error_code": 5}


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ({}, {}),
        ({"limit": 10}, {"cnt": "10"}),
        ({"after_id": 0}, {"after_id": "0"}),
        ({"limit": 1, "after_id": 42}, {"cnt": "1", "after_id": "42"}),
    ],
)
async def test_list_asks_for_what_is_wanted(options: dict[str, int], params: dict[str, str]) -> None:
    """`list` sends only what is given."""
    caller = FakeCaller([task(15, 2, "a.csv")])
    found = await Downloads(caller).list(**options)
    expected = DownloadTask(
        id=15, name="report", status=TaskStatus.DONE, created=LocalTime("01.02.2025 10:00:00"), file="a.csv"
    )
    assert (Listing, [expected]) == (type(found), found)
    assert [{"get_list": "1", **params}] == caller.params


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": "10"},
        {"limit": True},
        {"after_id": -1},
        {"after_id": 1.0},
        {"limit": 2**64},
    ],
    ids=str,
)
async def test_list_sends_nothing_that_cannot_be_meant(options: Any) -> None:
    """Bad numbers are refused before anything is sent."""
    caller = FakeCaller()
    with pytest.raises(errors.InvalidArgument):
        await Downloads(caller).list(**options)
    assert [] == caller.asked


@pytest.mark.parametrize(("size", "pages"), [(2, 4), (3, 3), (5, 2), (100, 2)])
async def test_all_gives_every_task_once(size: int, pages: int) -> None:
    """Pages follow each other by the last id, until one brings nothing new."""
    caller = FakeCaller(tasks_after([task(number) for number in (3, 5, 8, 9, 20)]))
    found = [one.id async for one in Downloads(caller).all(page_size=size)]
    assert [3, 5, 8, 9, 20] == found
    assert pages == len(caller.asked)
    assert {"get_list": "1", "cnt": str(size), "after_id": "0"} == caller.params[0]


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: [task(1), task(2)],  # after_id is ignored
        lambda asked: [one for one in (task(1), task(2), task(2)) if one["id"] >= int(asked.params["after_id"])],
        lambda asked: [task(2), task(1)],
    ],
    ids=["ignored", "included", "backwards"],
)
async def test_all_ends_where_pages_do_not_advance(answer: Callable[[Asked], object]) -> None:
    """A gateway that understands ``after_id`` otherwise causes no endless loop and no repetition."""
    caller = FakeCaller(answer)
    assert [1, 2] == [one.id async for one in Downloads(caller).all()]
    assert 2 == len(caller.asked)


async def test_all_of_nothing_is_nothing() -> None:
    """No tasks are one request."""
    caller = FakeCaller([])
    assert [] == [one async for one in Downloads(caller).all()]
    assert 1 == len(caller.asked)


async def test_all_checks_its_argument_at_once() -> None:
    """A bad page size is refused before the iteration."""
    with pytest.raises(errors.InvalidArgument):
        Downloads(FakeCaller()).all(page_size=0)


class Scripted:
    """A task whose status changes with every look."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)

    def __call__(self, asked: Asked) -> object:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return [task(15, status, "a.csv" if status == 2 else "")]


async def test_wait_returns_the_task_when_it_is_done() -> None:
    """`wait` looks again at the pace of the limit, and asks so that the task is in the answer."""
    caller = FakeCaller(Scripted(0, 1, 9, 2))
    done: list[tuple[float, DownloadTask]] = []

    async def wait() -> None:
        found = await Downloads(caller).wait(15)
        done.append((caller.clock.now(), found))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await caller.clock.advance_to(1000.0)
    ((moment, found),) = done
    assert (63.0, 15, "a.csv") == (moment, found.id, found.file)
    assert [{"get_list": "1", "cnt": "2", "after_id": "14"}] * 4 == caller.params


async def test_wait_is_over_at_once_for_a_task_that_is_done() -> None:
    """The first look needs no pause."""
    found = await Downloads(FakeCaller(Scripted(2))).wait(15)
    assert found.is_done


@pytest.mark.parametrize("status", [3, 4])
async def test_wait_says_that_there_will_be_no_file(status: int) -> None:
    """A task that was cancelled or failed ends the wait."""
    caller = FakeCaller(Scripted(status))
    with pytest.raises(errors.TaskFailed) as caught:
        await Downloads(caller).wait(15)
    assert (15, TaskStatus(status).name) == (caught.value.task_id, caught.value.status)
    assert [] == caller.clock._due


@pytest.mark.parametrize(
    "answer",
    [
        tasks_after([task(14), task(15), task(16)]),
        lambda asked: [task(14), task(15)][: int(asked.params.get("cnt", 9))],  # after_id is included
        lambda asked: [task(99), task(98), task(15)][: int(asked.params.get("cnt", 9))],  # the latest first
        lambda asked: [task(number) for number in range(1, 20)],  # everything is ignored
        lambda asked: task(15),
    ],
    ids=["documented", "included", "latest first", "ignored", "one"],
)
async def test_wait_finds_the_task_however_lists_are_cut(answer: Callable[[Asked], object]) -> None:
    """The task is found whatever ``after_id`` and ``cnt`` mean to the gateway."""
    found = await Downloads(FakeCaller(answer)).wait(15)
    assert 15 == found.id


async def test_wait_for_no_task_ends() -> None:
    """A task that no list holds is not waited for."""
    caller = FakeCaller(tasks_after([task(14), task(16)]))
    with pytest.raises(errors.TaskNotFound, match="lists no task 15"):
        await Downloads(caller).wait(15)
    assert 2 == len(caller.asked)


async def test_wait_ends_when_its_time_is_over() -> None:
    """`timeout` bounds the whole wait, and the error says how far the task was."""
    caller = FakeCaller(Scripted(1))
    caught: list[tuple[float, str]] = []

    async def wait() -> None:
        with pytest.raises(TimeoutError) as error:
            await Downloads(caller).wait(15, timeout=50, poll=20.0)
        caught.append((caller.clock.now(), str(error.value)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await caller.clock.advance_to(1000.0)
    assert [(50.0, "task 15 is not done after 50 s (RUNNING)")] == caught
    assert 3 == len(caller.asked)


async def test_a_wait_can_be_cancelled() -> None:
    """Cancelling goes through."""
    caller = FakeCaller(Scripted(1))
    ended = False

    async def wait() -> None:
        nonlocal ended
        try:
            await Downloads(caller).wait(15, timeout=1000)
        finally:
            ended = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert ended


@pytest.mark.parametrize(
    ("task_id", "options"),
    [
        ("15", {}),
        (0, {}),
        (True, {}),
        (15, {"timeout": 0}),
        (15, {"timeout": "1"}),
        (15, {"poll": -1}),
        (15, {"poll": None}),
    ],
    ids=str,
)
async def test_wait_sends_nothing_that_cannot_be_meant(task_id: Any, options: Any) -> None:
    """Bad arguments are refused before anything is sent."""
    caller = FakeCaller()
    with pytest.raises(errors.InvalidArgument):
        await Downloads(caller).wait(task_id, **options)
    assert [] == caller.asked


@pytest.mark.parametrize(
    ("options", "params"),
    [({"task_id": 15}, {"id": "15"}), ({"name": "Звіт 1.csv"}, {"name": "Звіт 1.csv"})],
    ids=["id", "name"],
)
async def test_stream_gives_the_bytes(options: Any, params: dict[str, str]) -> None:
    """A file comes in chunks as the gateway sent them, and is let go of afterwards."""
    file = FakeFile(b"a", b"", b"b;c\r\n", length=6)
    caller = FakeCaller(file=file)
    async with Downloads(caller).stream(**options) as chunks:
        assert ("text/csv", 6, 1) == (chunks.content_type, chunks.length, file.open)
        assert [b"a", b"", b"b;c\r\n"] == [chunk async for chunk in chunks]
    assert 0 == file.open
    assert [{"get_file": "1", **params}] == caller.params


@pytest.mark.parametrize(
    ("arguments", "options", "problem"),
    [
        ((), {}, "give either the task's id or name="),
        ((15,), {"name": "a"}, "give either the task's id or name="),
        (("15",), {}, "must be an int"),
        ((0,), {}, "must be 1 or more"),
        ((True,), {}, "must be an int"),
        ((), {"name": ""}, "is empty"),
        ((), {"name": 15}, "must be a str"),
        ((), {"name": "a\nb"}, "a line break"),
    ],
    ids=str,
)
@pytest.mark.parametrize("verb", ["stream", "rows"])
async def test_a_file_is_asked_for_by_id_or_by_name(verb: str, arguments: Any, options: Any, problem: str) -> None:
    """Both, none, or what cannot be meant is refused at once, before anything is sent."""
    with pytest.raises(errors.InvalidArgument, match=problem):
        getattr(Downloads(FakeCaller()), verb)(*arguments, **options)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([task(15, 0)], errors.TaskNotReady(15, "WAITING")),
        ([task(15, 1)], errors.TaskNotReady(15, "RUNNING")),
        ([task(15, 3)], errors.TaskFailed(15, "CANCELLED")),
        ([task(15, 4)], errors.TaskFailed(15, "FAILED")),
        ([task(15, 2)], errors.TaskNotFound(5, "no file", "downloads.file")),
        ([task(16, 0)], errors.TaskNotFound(5, "no file", "downloads.file")),
        (errors.NoReply("downloads.list", "time-out"), errors.TaskNotFound(5, "no file", "downloads.file")),
    ],
    ids=["waiting", "running", "cancelled", "failed", "done", "absent", "no list"],
)
async def test_a_missing_file_is_explained_by_the_list(answer: object, expected: Exception) -> None:
    """Where the gateway finds no file, one look at the list tells whether there will be one."""
    caller = FakeCaller(answer, file=errors.TaskNotFound(5, "no file", "downloads.file"))
    with pytest.raises(type(expected)) as caught:
        async with Downloads(caller).stream(15):
            pass
    assert str(expected) == str(caught.value)
    assert ["downloads.file", "downloads.list"] == [asked.endpoint for asked in caller.asked]


async def test_a_missing_name_is_not_looked_for() -> None:
    """A file that was asked for by name is just not found."""
    caller = FakeCaller(file=errors.TaskNotFound(5, "no file", "downloads.file"))
    with pytest.raises(errors.TaskNotFound):
        async with Downloads(caller).stream(name="a.csv"):
            pass
    assert 1 == len(caller.asked)


async def test_an_error_of_the_readers_own_is_not_explained() -> None:
    """What goes wrong inside the block is no missing file."""
    caller = FakeCaller(file=FakeFile(b"a"))
    with pytest.raises(errors.TaskNotFound, match="mine"):
        async with Downloads(caller).stream(15):
            raise errors.TaskNotFound(5, "mine", "elsewhere")
    assert 1 == len(caller.asked)
