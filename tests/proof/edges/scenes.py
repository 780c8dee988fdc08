"""The states in which the calls of `tests.proof.edges.calls` are cancelled, and the scenes that come of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from smsc_async import Retry, events
from smsc_async.aiohttp import AiohttpTransport
from smsc_async.errors import ConfirmationExpired, NotSent, SessionClosed
from smsc_async.simulator import Drop, Fault, plain_refusal
from tests.proof.edges.calls import CALLS, Prepared, large_file, rent
from tests.proof.edges.gateway import PACES
from tests.proof.edges.journaled import JOURNALED
from tests.proof.edges.stage import PATIENCE, REST, SLOTS
from tests.proof.edges.strangers import ForeignTransport, RemoteGuard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smsc_async import Session
    from tests.proof.edges.stage import Stage
    from tests.proof.edges.stepping import End

__all__ = ["SCENES", "Scene"]

#: A pause is as long as it can be, and there are repetitions enough for thousands of cancelled calls.
PATIENT: Final = Retry(random=lambda: 1.0, budget=1e9)


@attrs.frozen
class Scene:
    """
    A way to prepare a call.

    Args:
        name: The method and the state.
        covers: The public methods that are called.
        prepare: Prepares it, once for each suspension at which it is struck.
        held: Whether it is struck not at its suspensions, but whenever the gateway has carried a request out and keeps
            the reply back.
        loops: In which it can be played.
    """

    name: str
    covers: tuple[str, ...]
    prepare: Callable[[Stage], Awaitable[Prepared]]
    held: bool = False
    loops: tuple[str, ...] = ("asyncio", "uvloop", "trio")


_BRIEF: Final = ("numbers.rent", "calls.request", "numbers.available", "downloads.stream")

# States ---------------------------------------------------------------------------------------------------------------


async def _cold(call: str, stage: Stage) -> Prepared:
    """No connection stands."""
    return CALLS[call](stage, stage.session())


async def _warm(call: str, stage: Stage) -> Prepared:
    """Connections that have served stand idle."""
    return CALLS[call](stage, stage.smsc)


async def _on_warm(call: Callable[[Stage, Session], Prepared], stage: Stage) -> Prepared:
    return call(stage, stage.smsc)


async def _held(call: str, stage: Stage) -> Prepared:
    """The gateway has carried out what it was asked, and keeps the reply back."""
    stage.gateway.hold()
    return CALLS[call](stage, stage.smsc)


async def _in_pieces(call: str, stage: Stage) -> Prepared:
    """The reply comes in pieces, so that the call is struck in the middle of it."""
    stage.gateway.pace = PACES["in pieces"]
    return CALLS[call](stage, stage.smsc)


async def _last(call: str, stage: Stage) -> Prepared:
    """The gateway closes the connection after its reply."""
    stage.gateway.closing = True
    return CALLS[call](stage, stage.smsc)


async def _foreign(call: str, stage: Stage) -> Prepared:
    """The transport is the user's own: it reports nothing, and closing it takes time. The reply comes in pieces."""
    stage.gateway.pace = PACES["in pieces"]
    return CALLS[call](stage, stage.session(transport=ForeignTransport))


async def _aiohttp(call: str, stage: Stage) -> Prepared:
    """The connections are aiohttp's, and none stands. The reply comes in pieces."""
    stage.gateway.pace = PACES["in pieces"]
    return CALLS[call](stage, stage.session(transport=AiohttpTransport))


async def _aiohttp_warm(call: str, stage: Stage) -> Prepared:
    """The connections are aiohttp's, and one has served before."""
    smsc = stage.session(transport=AiohttpTransport)
    await CALLS["downloads.list"](stage, smsc).work()
    return CALLS[call](stage, smsc)


async def _remote(call: str, stage: Stage) -> Prepared:
    """The guard is a remote one, so that giving a lease back takes time."""
    return CALLS[call](stage, stage.session(guard=RemoteGuard(stage.guard)))


async def _dropped(call: str, stage: Stage) -> Prepared:
    """The call is carried out, and its connection ends without a reply; what became of it is looked for."""
    await stage.smsc.account.balance()
    stage.gateway.simulator.faults.add(Fault(Drop(acted=True)))
    return CALLS[call](stage, stage.smsc)


async def _slots(call: str, stage: Stage) -> Prepared:
    """All slots are taken."""
    stage.gateway.hold()
    for number in range(SLOTS):
        stage.beside(partial(stage.smsc.calls.request, f"38066{number:07d}"))
    with anyio.fail_after(PATIENCE):
        while stage.gateway.held < SLOTS:
            await anyio.lowlevel.checkpoint()
    return CALLS[call](stage, stage.smsc)


async def _alone(stage: Stage) -> Prepared:
    """The tokens are out, and nobody else waits."""
    for _ in range(2):
        await stage.smsc.numbers.available()
    return Prepared(stage.smsc.numbers.available)


async def _first(stage: Stage) -> Prepared:
    """The call is the first in line, and two stand behind it."""
    prepared = await _alone(stage)

    def line_up() -> None:
        for _ in range(2):
            stage.beside(stage.smsc.numbers.available)

    prepared.on_idle.append(line_up)
    return prepared


async def _behind(stage: Stage) -> Prepared:
    """Another stands before the call in line, and one behind it."""
    prepared = await _alone(stage)
    stage.beside(stage.smsc.numbers.available)
    await anyio.lowlevel.checkpoint()
    prepared.on_idle.append(lambda: stage.beside(stage.smsc.numbers.available))
    return prepared


async def _impatient(stage: Stage) -> Prepared:
    """The tokens are out, and the call has a deadline that it can just keep."""
    await _alone(stage)
    return Prepared(stage.smsc.with_options(max_wait=REST + 10.0).numbers.available)


async def _same_phone(stage: Stage) -> Prepared:
    """Another rent of the same phone is under way, so that this one waits for its outcome."""
    stage.gateway.hold()
    phone = stage.phone()
    stage.beside(partial(stage.smsc.numbers.rent, phone))
    with anyio.fail_after(PATIENCE):
        while not stage.gateway.held:
            await anyio.lowlevel.checkpoint()

    async def after(end: End) -> None:
        sent, paid = len(stage.gateway.arrivals("buy", phone)), stage.gateway.paid("buy", phone)
        assert 1 <= sent <= 2, f"two rents of a phone were sent {sent} times"
        assert 1 == paid, f"two rents of a phone were carried out {paid} times"
        stage.told.clear()

    # The gateway refuses the second, because the phone is no longer for rent.
    return Prepared(lambda: stage.smsc.numbers.rent(phone), after, may_raise=(Exception,))


async def _lost(call: str, stage: Stage) -> Prepared:
    """The first reply is lost, so there is a pause, and a second attempt."""
    stage.gateway.simulator.faults.add(Fault(Drop(acted=True)))
    return CALLS[call](stage, stage.session(retry=PATIENT, backup_urls=()))


async def _unsent(call: str, stage: Stage) -> Prepared:
    """The first attempt finds nobody, so there is a pause, and a second attempt at the backup."""
    home = "http://127.0.0.1:9" if stage.trust is None else "https://127.0.0.1:9"  # nobody listens there
    return CALLS[call](stage, stage.session(retry=PATIENT, base_url=home, backup_urls=[stage.gateway.url]))


async def _busy(call: str, stage: Stage) -> Prepared:
    """The gateway is too busy with requests of others, so there is a pause; it has an account of its own."""
    stage.foreign += 1
    stage.gateway.simulator.faults.add(Fault(plain_refusal(9, "too many concurrent requests")))
    return CALLS[call](stage, stage.session(retry=PATIENT, account=f"busy {stage.number()}"))


async def _duplicate(call: str, stage: Stage) -> Prepared:
    """The gateway has had the same request from others, so the guard holds the second attempt for a minute."""
    stage.foreign += 1
    stage.gateway.simulator.faults.add(Fault(plain_refusal(9)))
    return CALLS[call](stage, stage.session(retry=PATIENT, account=f"duplicate {stage.number()}"))


# Closing --------------------------------------------------------------------------------------------------------------


async def _closing_a_call(call: str, stage: Stage) -> Prepared:
    """The session is closed as soon as the call is on its way."""
    prepared: Prepared
    closed = False

    def told(event: events.Event) -> None:
        nonlocal closed
        stage.told.append(event)
        if isinstance(event, events.Attempt | events.Waiting) and not closed:
            closed = True
            stage.beside(smsc.aclose)

    smsc = stage.session(observer=told)
    prepared = CALLS[call](stage, smsc)
    prepared.may_raise = (SessionClosed,)
    return prepared


async def _closing_a_wait(stage: Stage) -> Prepared:
    """The session is closed as soon as the call stands in line."""
    await _alone(stage)
    return await _closing_a_call("numbers.available", stage)


async def _close_idle(stage: Stage) -> Prepared:
    """A session with idle connections is closed."""
    smsc = stage.session()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(CALLS["downloads.list"](stage, smsc).work)
    return _closing(stage, smsc)


async def _close_in_flight(stage: Stage) -> Prepared:
    """A session is closed while a call of it is in flight and another one waits."""
    smsc = stage.session()
    await stage.smsc.numbers.available()
    stage.gateway.hold()
    stage.beside(smsc.numbers.available)
    with anyio.fail_after(PATIENCE):
        while not stage.gateway.held:
            await anyio.lowlevel.checkpoint()
    stage.beside(smsc.numbers.available, fails=SessionClosed)
    await anyio.lowlevel.checkpoint()
    await anyio.lowlevel.checkpoint()
    return _closing(stage, smsc)


def _closing(stage: Stage, smsc: Session) -> Prepared:
    async def after(end: End) -> None:
        with anyio.fail_after(PATIENCE):
            await smsc.aclose()  # whatever became of the first attempt to close it
        try:
            await smsc.account.balance()
        except SessionClosed:
            return
        raise AssertionError("a closed session made a call")

    return Prepared(smsc.aclose, after)


async def _block(stage: Stage) -> Prepared:
    """A session is opened, used and closed by its block."""
    smsc = stage.session()

    async def work() -> None:
        async with smsc as opened:
            await opened.account.balance()

    return Prepared(work)


def _beside_another(stage: Stage) -> tuple[Prepared, str]:
    """Let another call look into the inbox for all, as long as this one goes on; give this one and that one's phone."""
    phone = f"38064{stage.number():07d}"
    prepared = CALLS["calls.confirmation by the inbox"](stage, stage.smsc)
    work, over = prepared.work, False

    async def confirm() -> None:
        async with stage.smsc.calls.confirmation(phone) as pending:
            while not over:
                try:
                    await pending.wait(timeout=25.0)
                except ConfirmationExpired as error:
                    if error.seconds_left:
                        continue
                return

    async def watched() -> object:
        nonlocal over
        try:
            return await work()
        finally:
            over = True

    stage.beside(confirm)
    prepared.work = watched
    return prepared, phone


async def _looked_for(stage: Stage) -> Prepared:
    """Another call looks into the inbox for all; its own call comes first, so that this one has to go on."""
    prepared, phone = _beside_another(stage)
    prepared.on_idle.insert(0, lambda: stage.gateway.simulator.subscriber_calls(phone))
    return prepared


async def _in_vain(stage: Stage) -> Prepared:
    """Nobody rings; another call looks into the inbox, and a last look is waited for."""
    prepared, _ = _beside_another(stage)
    prepared.on_idle[:] = [lambda: stage.clock.move(890.0)]
    prepared.may_raise = (ConfirmationExpired,)
    return prepared


async def _asked_by_another(stage: Stage) -> Prepared:
    """Another call asks for the messages of all who wait; its own is delivered when this one is over."""
    phone, message_id = f"38069{stage.number():07d}", f"m{stage.number()}"
    stage.gateway.put_message(phone, message_id, moves=False)
    stage.beside(partial(stage.smsc.messages.wait, message_id, phone))
    await anyio.lowlevel.checkpoint()
    prepared = CALLS["messages.wait"](stage, stage.smsc)
    work = prepared.work

    async def watched() -> object:
        try:
            return await work()
        finally:
            stage.gateway.simulator.operator_delivers(phone)

    prepared.work = watched
    return prepared


async def _never_sent(stage: Stage) -> Prepared:
    """The gateway does not know the message, and is asked once more when nothing of it can be under way."""
    phones = [f"38069{stage.number():07d}" for _ in range(2)]
    return Prepared(partial(stage.smsc.messages.resolve, f"m{stage.number()}", phones))


async def _missed(stage: Stage) -> Prepared:
    """A look is lost, and made again."""
    prepared = CALLS["inbox.follow"](stage, stage.session(retry=None))
    prepared.on_idle.insert(0, lambda: stage.gateway.simulator.faults.add(Fault(Drop(acted=False))))
    return prepared


async def _refused(stage: Stage) -> Prepared:
    """Nobody listens, and there are no repetitions: the call fails by itself if it is not cancelled."""
    home = "http://127.0.0.1:9" if stage.trust is None else "https://127.0.0.1:9"
    smsc = stage.session(retry=None, base_url=home)
    prepared = rent(stage, smsc)

    async def after(end: End) -> None:
        assert [] == stage.lost("numbers.rent"), "it was never sent"

    return Prepared(prepared.work, after, may_raise=(NotSent,))


def _scenes() -> dict[str, Scene]:
    made = [
        Scene(f"{call}, {state}", (call.split(" ")[0],), partial(prepare, call), held=state == "held")
        for state, prepare, calls in (
            ("cold", _cold, CALLS),
            ("warm", _warm, CALLS),
            ("held", _held, CALLS),
            ("in pieces", _in_pieces, ("numbers.rent", "downloads.stream", "downloads.save", "downloads.rows")),
            ("on the last use of a connection", _last, ("calls.request", "downloads.stream of no file")),
            ("with a remote guard", _remote, ("numbers.rent", "downloads.stream", "downloads.stream of no file")),
            (
                "by a transport of the user's",
                _foreign,
                ("numbers.rent", "downloads.stream", "downloads.stream left early"),
            ),
            ("all slots taken", _slots, _BRIEF),
            ("after a lost reply", _lost, ("numbers.available", "downloads.stream", "numbers.set_auto_renew")),
            ("after nobody was there", _unsent, ("numbers.rent", "calls.request", "messages.send", "downloads.stream")),
            ("after a busy gateway", _busy, ("numbers.rent", "calls.request", "messages.send", "downloads.list")),
            ("after a duplicate", _duplicate, ("numbers.rent", "downloads.list", "downloads.stream")),
            ("whose reply is lost", _dropped, ("messages.send",)),
            ("while its session is closed", _closing_a_call, (*_BRIEF, "downloads.rows")),
        )
        for call in calls
    ]
    made += [
        Scene(f"{call}, {state}", (call.split(" ")[0],), partial(prepare, call), loops=("asyncio", "uvloop"))
        for state, prepare in (("over aiohttp", _aiohttp), ("over aiohttp, warm", _aiohttp_warm))
        for call in (*_BRIEF, "downloads.stream left early", "downloads.save")
    ]
    made += [
        Scene(f"{call}, {state}", (call,), prepare)
        for call, state, prepare in (
            ("numbers.available", "alone in line", _alone),
            ("numbers.available", "first in line", _first),
            ("numbers.available", "behind others in line", _behind),
            ("numbers.available", "in line with a deadline", _impatient),
            ("numbers.available", "in line of a session that is closed", _closing_a_wait),
            ("numbers.rent", "behind a rent of the same phone", _same_phone),
            ("numbers.rent", "where nobody is", _refused),
            ("calls.confirmation", "looked for by another", _looked_for),
            ("calls.confirmation", "in vain", _in_vain),
            ("inbox.follow", "after a look that was lost", _missed),
            ("messages.wait", "asked for by another", _asked_by_another),
            ("messages.resolve", "of one that was not sent", _never_sent),
            ("Session.aclose", "of idle connections", _close_idle),
            ("Session.aclose", "with a call in flight", _close_in_flight),
        )
    ]
    made += [
        Scene(f"{method}, a large file", (method,), partial(_on_warm, partial(large_file, method)))
        for method in ("downloads.save", "downloads.rows")
    ]
    made += [Scene(name, (method,), prepare) for name, method, prepare in JOURNALED]
    made.append(Scene("Session as a block", ("Session.__aenter__", "Session.__aexit__"), _block))
    return {scene.name: scene for scene in made}


SCENES: Final = _scenes()
