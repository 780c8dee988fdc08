"""Postponed tasks that write sent messages to CSV files: listing them, awaiting one, and getting its file."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, overload

from smsc_async import errors
from smsc_async._wire import check_text, seconds, whole_number
from smsc_async.services._saving import NewFile, safe_name
from smsc_async.services._tasks import FILE, LIST, DownloadTask, TaskStatus, find, glance, pages

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from smsc_async._calling import ByteStream, Caller
    from smsc_async.values import Listing

__all__ = ["FILE", "LIST", "DownloadTask", "Downloads", "TaskStatus"]

Row: TypeAlias = list[str]  # in the class below, `list` is a method

_POLL: Final = 21.0  # seconds: three identical requests a minute, plus the guard's margin
_PAGE: Final = 100  # tasks; the vendor names no limit


class Downloads:
    """Postponed tasks and their CSV files."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def list(self, *, limit: int | None = None, after_id: int | None = None) -> Listing[DownloadTask]:
        """
        List tasks. The gateway takes 3 identical requests a minute; further ones wait.

        Args:
            limit: How many tasks to give at most; the gateway decides where it is left out.
            after_id: Give the tasks whose ids follow this one.

        Raises:
            InvalidArgument: An argument is no such number; nothing was sent.

        Source: https://smsc.ua/api/http/miscellaneous/downloads/
        """
        params = {}
        if limit is not None:
            params["cnt"] = whole_number("limit", limit, least=1)
        if after_id is not None:
            params["after_id"] = whole_number("after_id", after_id, least=0)
        return await self._caller.perform(LIST, params)

    def all(self, *, page_size: int = _PAGE) -> AsyncGenerator[DownloadTask, None]:
        """
        Iterate over all tasks, a page at a time, each task once.

        It ends with the first page that brings no higher id, so it costs one request more than there are pages.

        Args:
            page_size: How many tasks a request asks for.

        Source: https://smsc.ua/api/http/miscellaneous/downloads/
        """
        whole_number("page_size", page_size, least=1)
        return pages(self._caller, page_size)

    async def wait(
        self,
        task_id: int,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it bounds many calls, and the session's clock measures it
        poll: float = _POLL,
    ) -> DownloadTask:
        """
        Wait until a task is done.

        Args:
            task_id: The task.
            timeout: Seconds to wait at most, the limits' own waits included; None waits for ever.
            poll: Seconds between two looks. The default is what 3 requests a minute allow; less gains one early look.

        Raises:
            TaskFailed: The task was cancelled or failed.
            TaskNotFound: The gateway lists no such task.
            TimeoutError: *timeout* is over and the task is not done.

        Source: https://smsc.ua/api/http/miscellaneous/downloads/
        """
        whole_number("task_id", task_id, least=1)
        seconds("poll", poll)
        clock = self._caller.clock
        until = math.inf if timeout is None else clock.now() + seconds("timeout", timeout)
        status = "not looked at yet"
        with clock.deadline(until):
            while True:
                task = await find(self._caller, task_id)
                if task.is_done:
                    return task
                if task.is_hopeless:
                    raise errors.TaskFailed(task_id, task.status.name)
                status = task.status.name
                await clock.sleep_until(clock.now() + poll)
        raise TimeoutError(f"task {task_id} is not done after {timeout} s ({status})")

    def stream(self, task_id: int | None = None, *, name: str | None = None) -> AbstractAsyncContextManager[ByteStream]:
        """
        Open a task's file, to be read in chunks of bytes; it is whole only when the iteration ends without an error.

        The file takes one of the account's places for downloads until the block ends: do slow work elsewhere, or use
        `rows` or `save`.

        Args:
            task_id: The task.
            name: Or the file's name at the gateway.

        Raises:
            InvalidArgument: Both or none are given; nothing was sent.
            TaskNotReady: There is no file yet; by id only, as one look at the list tells.
            TaskFailed: There will be no file, likewise.
            TaskNotFound: There is no such task or file.
            IncompleteDownload: In the iteration: the file ended before its end.

        Source: https://smsc.ua/api/http/miscellaneous/downloads/
        """
        return self._open(_which(task_id, name), task_id)

    @asynccontextmanager
    async def _open(self, params: dict[str, str], task_id: int | None) -> AsyncGenerator[ByteStream, None]:
        async with AsyncExitStack() as stack:
            try:
                chunks = await stack.enter_async_context(self._caller.stream(FILE, params))
            except errors.TaskNotFound:
                # The gateway has one number for "no such task" and "no file yet"; the list tells them apart.
                task = None if task_id is None else await glance(self._caller, task_id)
                if task is None or task.is_done:
                    raise
                if task.is_hopeless:
                    raise errors.TaskFailed(task.id, task.status.name) from None
                raise errors.TaskNotReady(task.id, task.status.name) from None
            yield chunks

    async def save(
        self,
        task_id: int | None = None,
        path: str | os.PathLike[str] = ".",
        *,
        name: str | None = None,
        progress: Callable[[int, int | None], object] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """
        Write a task's file to *path*, where it appears only when it is whole: on any error nothing is left there.

        Args:
            task_id: The task.
            path: Where to; in a directory the file gets the name that it has at the gateway, made harmless.
            name: The file's name at the gateway, instead of *task_id*.
            progress: Called with the bytes received so far and the bytes in all, None where the gateway does not tell.
            overwrite: Whether a file that is there already is replaced.

        Returns:
            The path of the file.

        Raises:
            FileExistsError: There is a file already and *overwrite* is not set; nothing was sent, if it was there then.
            OSError: The file cannot be written: disk full, no permission.
            IncompleteDownload: The file ended before its end.
            TaskNotReady, TaskFailed, TaskNotFound: As in `stream`.

        Source: https://smsc.ua/api/http/miscellaneous/downloads/
        """
        params = _which(task_id, name)
        target = Path(path)
        if target.is_dir():  # noqa: ASYNC240 - one stat
            target /= await self._file_name(task_id, name)
        received = 0
        async with NewFile(target, overwrite=overwrite) as file:
            async with self._open(params, task_id) as chunks:
                async for chunk in chunks:
                    await file.write(chunk)
                    received += len(chunk)
                    if progress is not None:
                        progress(received, chunks.length)
            await file.keep()
        return target

    @overload
    def rows(
        self,
        task_id: int | None = None,
        *,
        name: str | None = None,
        header: Literal[False] = False,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> AsyncGenerator[Row, None]: ...
    @overload
    def rows(
        self,
        task_id: int | None = None,
        *,
        name: str | None = None,
        header: Literal[True],
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> AsyncGenerator[dict[str, str], None]: ...
    def rows(
        self,
        task_id: int | None = None,
        *,
        name: str | None = None,
        header: bool = False,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> AsyncGenerator[Any, None]:
        """
        Iterate over the rows of a task's CSV file.

        The whole file goes to a temporary file first, so no place for downloads is held while you loop. Cells are given
        as they are: one that begins with ``=`` is a formula to a spreadsheet, so quote it before you write it to one.
        A loop that you leave early belongs into ``async with contextlib.aclosing(...)``; trio warns without it.

        Args:
            task_id: The task.
            name: The file's name at the gateway, instead of *task_id*.
            header: Whether the first row names the columns; rows are dicts then, else lists. The vendor does not say
                whether there is one, so every row is a list unless you do.
            encoding: Else found out: a byte order mark, then UTF-8 if the whole file is, then windows-1251.
            delimiter: Else found out: of ``;``, ``,`` and the tab the one that splits the first rows most evenly.

        Raises:
            InvalidArgument: An argument cannot be meant; nothing was sent.
            ReplyError: The file is no CSV, or not in *encoding*.
            IncompleteDownload, TaskNotReady, TaskFailed, TaskNotFound: As in `stream`.

        Source: https://smsc.ua/api/http/miscellaneous/downloads/
        """
        from smsc_async.services._rows import rows_of  # noqa: PLC0415 - it brings csv and tempfile, which few need

        return rows_of(
            self._open(_which(task_id, name), task_id), header=header, encoding=encoding, delimiter=delimiter
        )

    async def _file_name(self, task_id: int | None, name: str | None) -> str:
        if name is None and task_id is not None:
            task = await glance(self._caller, task_id)
            name = task.file if task else None
        return safe_name(name or "", otherwise=f"task-{task_id}.csv" if task_id else "download.csv")


def _which(task_id: int | None, name: str | None) -> dict[str, str]:
    if (task_id is None) == (name is None):
        raise errors.InvalidArgument("task_id", "give either the task's id or name=, the file's name")
    if name is None:
        return {"id": whole_number("task_id", task_id, least=1)}
    if not check_text("name", name):
        raise errors.InvalidArgument("name", "is empty; give the file's name at the gateway")
    return {"name": name}
