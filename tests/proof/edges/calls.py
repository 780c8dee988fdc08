"""A call of each public method, and what must be so when it has ended, however it did."""

from __future__ import annotations

import time
from contextlib import aclosing
from functools import partial
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio
import attrs

from smsc_async import Rental, Replay, SentMessage, events
from smsc_async.errors import OutcomeStillUnknown, TaskNotReady
from smsc_async.simulator.downloads import csv_style
from smsc_async.webhooks import Receiver
from tests.canaries import RUN
from tests.proof.edges.gateway import Pace
from tests.proof.edges.stage import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from smsc_async import Session
    from tests.proof.edges.stage import Stage
    from tests.proof.edges.stepping import End

    Work = Callable[[], Coroutine[Any, Any, Any]]

__all__ = ["CALLS", "Prepared", "large_file", "rent", "send"]


@attrs.define
class Prepared:
    """A call that is about to be made."""

    work: Work
    after: Callable[[End], Awaitable[None]] | None = None  # looks at what it has done
    on_idle: list[Callable[[], object]] = attrs.field(factory=list)  # done in turn, whenever nothing goes on
    may_raise: tuple[type[BaseException], ...] = ()  # beside the cancellation


#: At how many of the values that an iterator gives the caller waits for something else.
_LOOKED_AT: Final = 3


def _plain(call: Callable[[Session], Coroutine[Any, Any, Any]]) -> Callable[[Stage, Session], Prepared]:
    return lambda _, smsc: Prepared(partial(call, smsc))


def rent(stage: Stage, smsc: Session) -> Prepared:
    phone = stage.phone()
    return Prepared(lambda: smsc.numbers.rent(phone), partial(_rented_at_most_once, stage, smsc, phone))


async def _rented_at_most_once(stage: Stage, smsc: Session, phone: str, end: End) -> None:
    """Assert that a rent was paid once at the most, and that who may have paid was told so."""
    paid = stage.gateway.paid("buy", phone)
    lost = stage.lost("numbers.rent")
    stage.told.clear()
    assert paid <= 1, f"{phone} was rented {paid} times"
    if end.error is None:
        assert 1 == paid, "a rent that was not carried out gave a value"
        return
    assert len(lost) <= 1, f"reported {len(lost)} times as unknown"
    if not lost:
        assert [] == stage.gateway.answered("buy", phone), "a rent that was said not to be sent was read"
    if smsc._conductor.shared.closed:
        return
    again = await stage.complete(lambda: smsc.numbers.rent(phone))
    if lost:
        assert isinstance(again, OutcomeStillUnknown), f"an unknown rent was made again: {again!r}"
        # The gateway may read the first one only now; so it is what left that counts, and not what came.
        assert not any(isinstance(told, events.Attempt) for told in stage.told), "an unknown rent was sent again"
        assert stage.gateway.paid("buy", phone) <= 1, f"{phone} was rented twice"
    else:
        assert isinstance(again, Rental), f"a rent that was never sent is refused: {again!r}"
        assert 1 == stage.gateway.paid("buy", phone), "a rent that gave a value was not carried out once"
    stage.told.clear()


def _request(stage: Stage, smsc: Session) -> Prepared:
    phone = f"38063{stage.number():07d}"

    async def after(end: End) -> None:
        allotted = stage.gateway.paid("wait_call", phone)
        lost = stage.lost("calls.request")
        stage.told.clear()
        assert allotted <= 1, f"{allotted} numbers were allotted for {phone}"
        if end.error is None:
            assert 1 == allotted, "a request that was not carried out gave a value"
        elif not lost:
            assert [] == stage.gateway.answered("wait_call", phone), "a request said not to be sent was read"
        assert len(lost) <= 1, f"reported {len(lost)} times as unknown"

    return Prepared(lambda: smsc.calls.request(phone), after)


def _confirmation(stage: Stage, smsc: Session) -> Prepared:
    """A receiver hears of the call."""
    phone = f"38063{stage.number():07d}"
    receiver = Receiver(secret=RUN.callback, clock=stage.clock)
    now = str(int(stage.clock.date().timestamp()))
    digest = sha1(f"{phone}:{now}:{RUN.callback}".encode()).hexdigest()
    body = urlencode({"waitcall": "1", "phone": phone, "ts": now, "sha1": digest}).encode()
    return _confirming(stage, smsc, phone, receiver, lambda: stage.beside(partial(receiver.handle, body)))


def _confirmation_by_inbox(stage: Stage, smsc: Session) -> Prepared:
    """The call stands in the inbox."""
    phone = f"38063{stage.number():07d}"
    return _confirming(stage, smsc, phone, None, lambda: stage.gateway.simulator.subscriber_calls(phone))


def _confirming(
    stage: Stage, smsc: Session, phone: str, receiver: Receiver | None, ring: Callable[[], object]
) -> Prepared:
    async def work() -> str:
        async with smsc.calls.confirmation(phone, receiver=receiver) as pending:
            return (await pending.wait()).subscriber

    async def after(end: End) -> None:
        lost = stage.lost("calls.request")
        stage.told.clear()
        assert stage.gateway.paid("wait_call", phone) <= 1, f"more than one number was allotted for {phone}"
        assert len(lost) <= 1, f"reported {len(lost)} times as unknown"
        with smsc._conductor.inbox_watch.calls.expect(phone):  # nobody waits for it any more
            pass
        if receiver is not None:
            with receiver.expect_call(phone):
                pass

    return Prepared(work, after, on_idle=[ring])


def send(stage: Stage, smsc: Session) -> Prepared:
    phone = f"38068{stage.number():07d}"
    message_id = f"m{stage.number()}"

    async def after(end: End) -> None:
        sent = stage.gateway.paid("send", phone)
        lost = stage.lost("messages.send")
        stage.told.clear()
        assert sent <= 1, f"{sent} messages were sent to {phone}"
        assert len(lost) <= 1, f"reported {len(lost)} times as unknown"
        if end.error is None:
            assert 1 == sent, "a message that was not sent gave a value"
        elif not lost:
            assert 0 == sent, "a message said not to be sent was sent"
        if lost and not smsc._conductor.shared.closed:
            found = await stage.complete(lambda: smsc.messages.resolve(message_id, phone))
            assert isinstance(found, SentMessage) == bool(stage.gateway.paid("send", phone)), f"resolved to {found!r}"

    return Prepared(lambda: smsc.messages.send(phone, "hello", id=message_id), after)


def _with_a_message(
    call: Callable[[Session, str, str], Coroutine[Any, Any, Any]], stage: Stage, smsc: Session
) -> Prepared:
    """There is a message that the gateway has taken."""
    phone, message_id = f"38068{stage.number():07d}", f"m{stage.number()}"
    stage.gateway.put_message(phone, message_id)
    return Prepared(partial(call, smsc, phone, message_id))


def _wait_for_one(stage: Stage, smsc: Session) -> Prepared:
    """It is delivered while somebody waits."""
    phone, message_id = f"38068{stage.number():07d}", f"m{stage.number()}"
    stage.gateway.put_message(phone, message_id)

    async def after(_: End) -> None:
        assert 0 == len(smsc._conductor.status_watch), "a message is followed that nobody waits for"

    return Prepared(lambda: smsc.messages.wait(message_id, phone), after)


def _wait_by_callback(stage: Stage, smsc: Session) -> Prepared:
    """A receiver hears of it."""
    phone, message_id = f"38068{stage.number():07d}", f"m{stage.number()}"
    stage.gateway.put_message(phone, message_id, moves=False)
    receiver = Receiver(secret=RUN.callback, clock=stage.clock)
    digest = sha1(f"{message_id}:{phone}:1:{RUN.callback}".encode()).hexdigest()
    body = urlencode({"id": message_id, "phone": phone, "status": "1", "sha1": digest}).encode()

    async def after(_: End) -> None:
        assert 0 == len(smsc._conductor.status_watch), "a message is followed that nobody waits for"
        assert {} == receiver._delivery.statuses._followed, "a receiver tells whom nobody waits for"

    call = partial(smsc.messages.wait, message_id, phone, receiver=receiver)
    return Prepared(call, after, on_idle=[lambda: stage.beside(partial(receiver.handle, body))])


def _inbox(stage: Stage, smsc: Session) -> Prepared:
    return Prepared(partial(smsc.inbox.list, limit=1 + stage.number()))


def _follow(stage: Stage, smsc: Session) -> Prepared:
    """A message comes after a look that found none."""
    number = f"38044{stage.number():07d}"

    async def work() -> str:
        async with aclosing(smsc.inbox.follow(to_phone=number)) as messages:
            return (await anext(messages)).text

    def write() -> None:
        stage.gateway.simulator.subscriber_writes("380671234567", "hello", to=number)

    return Prepared(work, on_idle=[write])


def _list(stage: Stage, smsc: Session) -> Prepared:
    after_id = 1_000 + stage.number()
    return Prepared(lambda: smsc.downloads.list(limit=5, after_id=after_id))


def _in_few_pieces(stage: Stage, size: int = 5_000) -> None:
    """Keep a long reply from coming in pieces of a few bytes, which would have thousands of suspensions."""
    stage.gateway.pace = attrs.evolve(stage.gateway.pace, piece=max(size, stage.gateway.pace.piece))


def _raw(stage: Stage, smsc: Session) -> Prepared:
    _in_few_pieces(stage)  # the other scenes make more and more tasks
    return Prepared(lambda: smsc.call("downloads.php", {"get_list": 1, "cnt": stage.number()}, replay=Replay.READ))


def _all(stage: Stage, smsc: Session) -> Prepared:
    size = 1_000 + stage.number()
    _in_few_pieces(stage)

    async def work() -> int:
        count = 0
        async with aclosing(smsc.downloads.all(page_size=size)) as tasks:
            async for _ in tasks:
                count += 1
                if count < _LOOKED_AT:  # the other scenes make more and more of them
                    await _elsewhere()
        return count

    return Prepared(work)


async def _elsewhere() -> bool:
    """Wait for something else in the middle of an iteration."""
    await anyio.lowlevel.checkpoint()
    return True


def _wait(stage: Stage, smsc: Session) -> Prepared:
    task = stage.gateway.simulator.add_task(rows=2, waits=1.0, runs=3.0)
    return Prepared(lambda: smsc.downloads.wait(task.id, timeout=100.0, poll=2.0))


def _stream(stage: Stage, smsc: Session) -> Prepared:
    task = stage.gateway.simulator.add_task(rows=3)

    async def work() -> int:
        async with smsc.downloads.stream(task.id) as chunks:
            return sum([len(chunk) async for chunk in chunks if await _elsewhere()])

    return Prepared(work)


def _left_early(stage: Stage, smsc: Session) -> Prepared:
    task = stage.gateway.simulator.add_task(rows=60)
    stage.gateway.pace = Pace(piece=1_500, between=6)

    async def work() -> bytes:
        async with smsc.downloads.stream(task.id) as chunks:
            return await anext(aiter(chunks))

    return Prepared(work)


def _not_ready(stage: Stage, smsc: Session) -> Prepared:
    task = stage.gateway.simulator.add_task(rows=2, waits=1e6)

    async def work() -> None:
        try:
            async with smsc.downloads.stream(task.id):
                raise AssertionError("a file of a task that has not begun")
        except TaskNotReady:
            pass

    return Prepared(work)


def _save(stage: Stage, smsc: Session) -> Prepared:
    task = stage.gateway.simulator.add_task(rows=3)
    path = stage.folder / f"{stage.number()}.csv"
    whole = task.content.length(csv_style(stage.gateway.simulator.switches, "utf-8"))
    return Prepared(lambda: smsc.downloads.save(task.id, path), partial(_no_part_is_left, stage, path, whole))


async def _no_part_is_left(stage: Stage, path: Path, whole: int, end: End) -> None:
    """Assert that a file is whole or not there, and that nothing else is."""
    # A thread that was writing when its task was cancelled cleans up by itself, a moment later.
    until = time.monotonic() + PATIENCE
    while _parts(stage.folder) and time.monotonic() < until:  # noqa: ASYNC110 - a thread does not say so
        await anyio.sleep(0.001)
    assert [] == _parts(stage.folder), f"left in the folder: {_parts(stage.folder)}"
    size = _taken_away(path)
    assert size == whole or (end.error is not None and size is None), f"a file of {size} of {whole} bytes"


def _parts(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".*")]


def _taken_away(path: Path) -> int | None:
    """Delete a file and give its size, or None if there is none."""
    if not path.exists():
        return None
    size = path.stat().st_size
    path.unlink()
    return size


def large_file(method: str, stage: Stage, smsc: Session) -> Prepared:
    """A file of more than a block, which a thread writes while the rest is on its way."""
    data = b"a;b\r\n" * 210_000
    _in_few_pieces(stage, 1_000_000)
    task = stage.gateway.simulator.add_task(data=data)
    if method == "downloads.save":
        path = stage.folder / f"{stage.number()}.csv"
        return Prepared(lambda: smsc.downloads.save(task.id, path), partial(_no_part_is_left, stage, path, len(data)))

    async def work() -> list[str]:
        async with aclosing(smsc.downloads.rows(task.id)) as rows:
            return await anext(rows)

    return Prepared(work)


def _save_in_folder(stage: Stage, smsc: Session) -> Prepared:
    task = stage.gateway.simulator.add_task(rows=2)
    folder: Path = stage.folder / f"folder {stage.number()}"
    folder.mkdir()
    return Prepared(lambda: smsc.downloads.save(task.id, folder))


def _rows(stage: Stage, smsc: Session) -> Prepared:
    task = stage.gateway.simulator.add_task(rows=3)

    async def work() -> int:
        async with aclosing(smsc.downloads.rows(task.id, header=True)) as rows:
            return len([row async for row in rows])

    return Prepared(work)


#: A call of each public method, and of some in more than one way.
CALLS: Final[dict[str, Callable[[Stage, Session], Prepared]]] = {
    "account.balance": _plain(lambda smsc: smsc.account.balance()),
    "numbers.available": _plain(lambda smsc: smsc.numbers.available()),
    "numbers.rent": rent,
    "numbers.set_auto_renew": lambda stage, smsc: Prepared(partial(smsc.numbers.set_auto_renew, stage.rented, True)),
    "calls.request": _request,
    "calls.confirmation": _confirmation,
    "calls.confirmation by the inbox": _confirmation_by_inbox,
    "inbox.list": _inbox,
    "inbox.follow": _follow,
    "messages.send": send,
    "messages.cost": lambda stage, smsc: Prepared(partial(smsc.messages.cost, f"38068{stage.number():07d}", "hello")),
    "messages.status": partial(_with_a_message, lambda smsc, phone, name: smsc.messages.status(phone, name)),
    "messages.statuses": partial(_with_a_message, lambda smsc, phone, name: smsc.messages.statuses([(phone, name)])),
    "messages.delete": partial(_with_a_message, lambda smsc, phone, name: smsc.messages.delete(phone, name)),
    "messages.resolve": partial(_with_a_message, lambda smsc, phone, name: smsc.messages.resolve(name, phone)),
    "messages.wait": _wait_for_one,
    "messages.wait by callback": _wait_by_callback,
    "downloads.list": _list,
    "downloads.all": _all,
    "downloads.wait": _wait,
    "downloads.stream": _stream,
    "downloads.stream of no file": _not_ready,
    "downloads.stream left early": _left_early,
    "downloads.save": _save,
    "downloads.save in a folder": _save_in_folder,
    "downloads.rows": _rows,
    "Session.call": _raw,
}
