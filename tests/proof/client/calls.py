"""The users: each makes one call, is cancelled at its moment, and writes down what came of it."""

from __future__ import annotations

import asyncio
import math
import operator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final

import anyio

from smsc_async import Limit, Replay, Scope
from smsc_async.errors import MessageOutcomeUnknown, SmscError
from tests.proof.client.book import CALL
from tests.proof.client.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from smsc_async import Session, View
    from tests.proof.client.book import Book, Record
    from tests.proof.client.plan import CallPlan
    from tests.proof.client.virtual import Time

__all__ = ["CLEAR_SUCCESS", "PAYING", "SENDING", "SEVERAL", "STREAMED", "Users"]

SENDING: Final = frozenset({"send", "send, or resolve"})
PAYING: Final = frozenset({"rent", "request", "notes"}) | SENDING  # calls that pay, allot or act
STREAMED: Final = frozenset({"stream", "rows", "save", "save to a folder"})
SEVERAL: Final = frozenset({"wait", "save to a folder", "send, or resolve"})  # each is several calls of the client
CLEAR_SUCCESS: Final = frozenset({"available", "rent", "request", "list", "balance", "operators", "notes", "cost"})
_DECLARED: Final = (SmscError, TimeoutError)  # the latter of `downloads.wait` alone


class Users:
    """Whoever makes the schedule's calls."""

    def __init__(self, time: Time, book: Book, folder: Path, met: Callable[[Fault], object]) -> None:
        self._time = time
        self._book = book
        self._folder = folder
        self._met = met

    async def make(self, session: Session, record: Record) -> None:
        """Make one call, and write down its end."""
        plan, now = record.plan, self._time.now
        CALL.set(record)
        await anyio.sleep(max(plan.at - now(), 0.0))
        record.started = now()
        self._book.trace("call", record.number, "begins: %s max_wait=%s cancel=%s", plan, plan.max_wait, plan.cancel)
        scope = anyio.CancelScope()
        cancel = plan.cancel
        natively = cancel is not None and cancel.native
        task = asyncio.current_task() if natively else None
        record.cancel = scope.cancel if task is None else task.cancel
        if cancel is not None and cancel.after is not None:
            self._time.at(record.started + cancel.after, lambda: self._cancel(record))
        try:
            view = session if plan.max_wait is None else session.with_options(max_wait=plan.max_wait)
            with scope:
                record.value = await _perform(view, record, self._folder)
                record.answered = True
            record.cancelled = scope.cancelled_caught
        except asyncio.CancelledError:
            if record.cancelled_at is None or not natively:
                raise
            record.cancelled = True
        except Exception as error:  # noqa: BLE001 - looked at by the judge
            record.error = error
            if not isinstance(error, _DECLARED):
                self._book.complain(f"{record.name} raises {error!r}, which is not declared")
        finally:
            record.cancel = None
            record.ended = now()
            if natively and record.cancelled_at is not None:
                await _absorb()
            self._book.trace("call", record.number, "ends: %s", record)

    def reached(self, record: Record, moment: str) -> None:
        """Hear that a call has come to a moment of its way; maybe it is the one at which it is cancelled."""
        cancel = record.plan.cancel
        if cancel is None or cancel.moment != moment:
            return
        record.awaited[moment] = record.awaited.get(moment, 0) + 1
        if record.awaited[moment] == cancel.occurrence:
            self._after(cancel.steps, record)

    def _after(self, steps: int, record: Record) -> None:
        if not steps:
            self._cancel(record)
        else:
            self._time.at(-math.inf, lambda: self._after(steps - 1, record))

    def _cancel(self, record: Record) -> None:
        if record.cancel is None or record.cancelled_at is not None:
            return
        record.cancelled_at = self._time.now()
        self._book.trace("call", record.number, "FAULT: is cancelled")
        native = record.plan.cancel is not None and record.plan.cancel.native
        self._met(Fault.CANCELLED_NATIVELY if native else Fault.CANCELLED)
        record.cancel()


async def _absorb() -> None:
    """Take in a native cancellation that came too late, or as a time-out ended the call: it waits for an await."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)


async def _perform(smsc: Session | View, record: Record, folder: Path) -> Any:
    plan, args = record.plan, record.plan.args
    if plan.kind in _METHODS:
        method: Callable[..., Awaitable[object]] = operator.attrgetter(_METHODS[plan.kind])(smsc)
        return await method(*args)
    if plan.kind in _OTHERS:
        return await _OTHERS[plan.kind](smsc, *args)
    if plan.kind in SENDING:
        return await _send(smsc, record)
    if plan.kind == "stream":
        return await _stream(smsc, plan, *args)
    if plan.kind == "rows":
        return await _rows(smsc, plan, *args)
    place = folder / f"{record.number}.csv"
    if plan.kind == "save to a folder":
        place = folder / str(record.number)
        place.mkdir(exist_ok=True)
    (task,) = args
    path = await smsc.downloads.save(task, place, overwrite=True)
    return path.read_bytes()


async def _stream(smsc: Session | View, plan: CallPlan, task: int) -> bytes | None:
    data = b""
    async with smsc.downloads.stream(task) as chunks:
        async for chunk in chunks:
            data += chunk
            if plan.leaves:
                return None
            await anyio.sleep(plan.pace)
    return data


async def _rows(smsc: Session | View, plan: CallPlan, task: int) -> list[object] | None:
    found: list[object] = []
    async with aclosing(smsc.downloads.rows(task)) as rows:
        async for row in rows:
            found.append(row)
            if plan.leaves:
                return None
    return found


async def _send(smsc: Session | View, record: Record) -> object:
    """Send a message; one who resolves finds out what became of it, and sends it again where it was not sent."""
    (phone, number), message = record.plan.args, f"message-{record.number}"
    try:
        return await smsc.messages.send(phone, f"text {number}", id=message)
    except MessageOutcomeUnknown as unknown:
        if record.plan.kind == "send":
            raise
        try:
            sent = await smsc.with_options(max_wait=None).messages.resolve(unknown)
        except SmscError:
            raise unknown from None
        record.resolved = "sent" if sent is not None else "not sent"
        return sent or await smsc.messages.send(phone, f"text {number}", id=message)


async def _rent(smsc: Session | View, phone: str, renew: bool, force: bool) -> object:
    return await smsc.numbers.rent(phone, auto_renew=renew, force=force)


async def _list(smsc: Session | View, limit: int | None = None, after_id: int | None = None) -> object:
    return await smsc.downloads.list(limit=limit, after_id=after_id)


async def _wait(smsc: Session | View, task: int, seconds: float) -> object:
    return await smsc.downloads.wait(task, timeout=seconds)


async def _operators(smsc: Session | View, phone: str) -> object:
    limits = (Limit(3), Limit(7, Scope.ACTION))
    return await smsc.call("operators.php", {"phone": phone}, limits=limits, replay=Replay.READ)


async def _notes(smsc: Session | View, number: int) -> object:
    return await smsc.call("notes.php", {"text": f"note {number}"})


async def _broken(smsc: Session | View, what: str) -> object:
    nonsense: Any = {"text": "no phone", "type": 380}[what]
    return await smsc.numbers.rent(nonsense)


_METHODS: Final = {
    "available": "numbers.available",
    "renew": "numbers.set_auto_renew",
    "request": "calls.request",
    "balance": "account.balance",
}


async def _cost(smsc: Session | View, phone: str, number: int) -> object:
    return await smsc.messages.cost(phone, f"text {number}")


_OTHERS: Final[dict[str, Callable[..., Awaitable[object]]]] = {
    "rent": _rent,
    "list": _list,
    "cost": _cost,
    "wait": _wait,
    "operators": _operators,
    "notes": _notes,
    "broken": _broken,
}
