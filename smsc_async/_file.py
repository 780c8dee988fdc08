"""Opens a file: the same way as any call up to the reply's head, then bytes while the slot is held."""

from __future__ import annotations

import functools
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from smsc_async._answer import Answer, read_no_file
from smsc_async._conduct import left_behind, shielded
from smsc_async._retry import Again
from smsc_async._transport import CutShort, Failure, Write
from smsc_async._wire import FILE_HEAD, file_problem
from smsc_async.errors import IncompleteDownload
from smsc_async.guard import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from typing import Self

    from smsc_async._conduct import Call, Conductor
    from smsc_async._transport import Incoming
    from smsc_async.guard import Lease

__all__ = ["open_file"]

_OK = 200


class _File:
    """A file on its way: a `ByteStream`. It also holds what must be given back when the block ends."""

    def __init__(
        self, endpoint: str, lease: Lease, connection: AsyncExitStack, incoming: Incoming, head: bytes
    ) -> None:
        self.content_type = incoming.content_type
        self.length = incoming.length
        self.lease = lease
        self.connection = connection
        self.incoming = incoming
        self._endpoint = endpoint
        self._head = head

    def __aiter__(self) -> Self:
        """Give itself: a file is read once."""
        return self

    async def __anext__(self) -> bytes:
        """Give the head that was looked at, then the rest."""
        if self._head:
            head, self._head = self._head, b""
            return head
        try:
            return await anext(self.incoming)
        except CutShort as cut:
            reason = cut.failure.reason
        raise IncompleteDownload(self._endpoint, reason)

    @property
    def outcome(self) -> Outcome:
        """What the guard has to know: the gateway may still be sending a file that was not read to its end."""
        return Outcome.ACCEPTED if self.incoming.complete else Outcome.UNKNOWN


@asynccontextmanager
async def open_file(conductor: Conductor, call: Call) -> AsyncGenerator[_File]:
    """
    Open a file; what comes in its place (a refusal, a page) is raised on entry, and repeated where that is allowed.
    """
    file = await _opened(conductor, call)
    try:
        yield file
    finally:
        try:
            await file.connection.aclose()
        finally:
            await _give_back(conductor, call, file.lease, file.outcome)


async def _opened(conductor: Conductor, call: Call) -> _File:
    attempt = functools.partial(_attempt, conductor)
    try:
        file = await attempt(call, 1)
    except Again as again:
        first = again
    else:
        conductor.shared.memory.budget.refund()
        return file
    return await conductor.repeated(call, first, attempt)


async def _give_back(conductor: Conductor, call: Call, lease: Lease, outcome: Outcome) -> None:
    try:
        pending = conductor.shared.guard.finish(lease, outcome)
        if pending is not None:
            await shielded(pending)
    except Exception as error:  # noqa: BLE001 - whatever came of the call stands
        conductor.telling.lease_kept(call.endpoint.name, error)
    finally:
        conductor.shared.leave(call)


async def _attempt(conductor: Conductor, call: Call, number: int) -> _File:
    shared = conductor.shared
    shared.check_open()
    try:
        lease = await shared.guard.acquire(call.demand, deadline=call.deadline, on_wait=call.on_wait)
    finally:
        shared.waits.pop(call, None)
    write = Write(lease.send_by, conductor.clock)
    outcome = Outcome.UNSENT
    file: _File | None = None
    shared.enter(call)
    try:
        opened = await _exchange(conductor, call, number, write, lease)
        if isinstance(opened, _File):
            file = opened
            return file
        outcome = opened.outcome
    except BaseException:
        outcome = left_behind(write)
        conductor.abandoned(call, outcome)
        raise
    finally:
        if file is None:
            await _give_back(conductor, call, lease, outcome)
    never: _File = conductor.conclude(call, opened)  # raises: without a file there is an answer that says why
    return never


async def _exchange(conductor: Conductor, call: Call, number: int, write: Write, lease: Lease) -> _File | Answer:
    shared, clock, url = conductor.shared, conductor.clock, call.urls[call.host]
    timeout = conductor.options.download_timeout
    conductor.telling.attempt(call.number, call.endpoint.name, number, url)
    started = clock.now()
    async with AsyncExitStack() as connection:
        incoming = await connection.enter_async_context(
            shared.transport.stream(
                url,
                call.form,
                write=write,
                clock=clock,
                deadline=min(started + timeout, call.deadline, lease.expires_at),
                timeout=timeout,
            )
        )
        if isinstance(incoming, Failure):
            return conductor.note(call, number, conductor.unanswered(call, number, incoming, write))
        head = await _head(incoming)
        if isinstance(head, Failure):
            return conductor.note(call, number, conductor.unanswered(call, number, head, write))
        conductor.telling.replied(call.number, call.endpoint.name, number, incoming.status, started=started, size=0)
        found = _in_place_of_a_file(conductor, call, incoming, head)
        if found is not None:
            return conductor.note(call, number, found)
        shared.guard.prove(lease)
        return _File(call.endpoint.name, lease, connection.pop_all(), incoming, head)


async def _head(incoming: Incoming) -> bytes | Failure:
    """Read as much as it takes to tell a file from a refusal or a page."""
    head = b""
    try:
        async for chunk in incoming:
            head += chunk
            if len(head) >= FILE_HEAD:
                break
    except CutShort as cut:
        return cut.failure
    return head


def _in_place_of_a_file(conductor: Conductor, call: Call, incoming: Incoming, head: bytes) -> Answer | None:
    """Give what came where the file should be, if that is not a file."""
    problem = file_problem(head, incoming.content_type, complete=incoming.complete)
    if incoming.status == _OK and problem is None:
        return None
    return read_no_file(call.endpoint, incoming.status, problem, head, conductor.shared.secrets)
