"""A caller that records what services ask of it and answers from a script, through the real wire."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

import anyio
import attrs

from smsc_async import errors
from smsc_async._calling import NOTHING_MORE, Attachment, Known, Note
from smsc_async._convert import structure
from smsc_async._endpoint import Endpoint
from smsc_async._inbox_watch import InboxWatch
from smsc_async._status_watch import StatusWatch
from smsc_async._wire import Refusal, ReplyFormat, decode
from smsc_async.testing import FakeClock

T = TypeVar("T")
JSON = "application/json"


@attrs.frozen
class Asked:
    """One call that a service made."""

    endpoint: str
    params: dict[str, str]
    options: dict[str, Any] = attrs.field(factory=dict)


class FakeFile:
    """A file on its way, in the chunks given; an exception among them is raised when its turn comes."""

    def __init__(self, *chunks: bytes | BaseException, length: int | None = None) -> None:
        self.content_type = "text/csv"
        self.length = length
        self.chunks = chunks
        self.open = 0  # how many readers hold it now

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Chunks(self.chunks)


class _Chunks:
    """An iterator that may be left at any point: an async generator would have to be closed."""

    def __init__(self, chunks: Iterable[bytes | BaseException]) -> None:
        self._chunks = iter(chunks)

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        chunk = next(self._chunks, None)
        if chunk is None:
            raise StopAsyncIteration
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk


class FakeCaller:
    """
    The session as the services see it.

    Args:
        answer: Gives the body of the reply to each call: bytes, or what becomes JSON, or an error to raise.
        file: Gives the file to each request for one, or the error to raise.
    """

    def __init__(
        self,
        answer: Callable[[Asked], object] | object = None,
        file: Callable[[Asked], FakeFile | BaseException] | FakeFile | BaseException | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.clock = FakeClock()
        self.inbox_watch = InboxWatch()
        self.status_watch = StatusWatch()
        self.base_url = "https://smsc.ua"
        self.lateness = 5.0
        self.slowness = 0.0  # seconds until an answer comes
        self.max_wait: float | None = None
        self.settled: list[tuple[str, str]] = []
        self.lost: list[tuple[str, str, str]] = []
        self.balances: list[tuple[Decimal, Decimal | None]] = []
        self._answer = answer
        self._file = file

    async def perform(
        self,
        endpoint: Endpoint[T],
        params: Mapping[str, str],
        *,
        known: Known = None,
        subject: str | None = None,
        force: bool = False,
        deadline: float | None = None,
        files: Sequence[Attachment] = (),
        note: Note = NOTHING_MORE,
    ) -> T:
        options = {"known": known, "subject": subject, "force": force, "files": tuple(files)}
        if deadline is not None and deadline != math.inf:
            options["deadline"] = deadline
        asked = Asked(
            endpoint.name, {**endpoint.fixed, **params}, {name: value for name, value in options.items() if value}
        )
        self.asked.append(asked)
        if self.slowness:
            await self.clock.sleep(self.slowness)
        answer: Any = self._answer(asked) if callable(self._answer) else self._answer
        if isinstance(answer, BaseException):
            raise answer
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        plain = decode(body, asked=ReplyFormat.JSON, shape=endpoint.shape)
        if isinstance(plain, Refusal):
            raise endpoint.refusals.get(plain.code, errors.GatewayError)(plain.code, plain.detail, endpoint.name)
        return structure(plain, endpoint.reply, shape=endpoint.shape, known=known() if callable(known) else known)

    def deadline(self) -> float:
        return math.inf if self.max_wait is None else self.clock.now() + self.max_wait

    async def lose(self, endpoint: Endpoint[Any], subject: str, reason: str) -> None:
        self.lost.append((endpoint.name, subject, reason))

    async def found(self, endpoint: Endpoint[Any], subject: str, *, more: bool = False) -> None:
        self.settled.append((endpoint.name, subject))

    def release(self, endpoint: Endpoint[Any], subject: str) -> None:
        pass

    def tell_balance(self, endpoint: Endpoint[Any], balance: Decimal, cost: Decimal | None) -> None:
        self.balances.append((balance, cost))

    @asynccontextmanager
    async def stream(self, endpoint: Endpoint[Any], params: Mapping[str, str]) -> AsyncIterator[FakeFile]:
        asked = Asked(endpoint.name, {**endpoint.fixed, **params})
        self.asked.append(asked)
        file = self._file(asked) if callable(self._file) else self._file
        if isinstance(file, BaseException):
            raise file
        assert file is not None
        file.open += 1
        try:
            yield file
        finally:
            file.open -= 1

    @property
    def params(self) -> list[dict[str, str]]:
        """The parameters of each call, in order."""
        return [asked.params for asked in self.asked]


def task(id: int, status: int = 2, file: str = "", name: str = "report") -> dict[str, Any]:
    """Write a task as the gateway does."""
    return {"id": id, "name": name, "status": str(status), "created": "01.02.2025 10:00:00", "time": "", "file": file}


def tasks_after(tasks: list[dict[str, Any]]) -> Callable[[Asked], object]:
    """Answer requests for the list as the vendor describes it: at most ``cnt`` tasks whose ids follow ``after_id``."""

    def answer(asked: Asked) -> object:
        after, count = int(asked.params.get("after_id", 0)), int(asked.params.get("cnt", 10**6))
        return [one for one in tasks if one["id"] > after][:count]

    return answer
