"""Calls that are written into a journal, and what the journal must have when they were cancelled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from smsc_async import Retry
from smsc_async.errors import OutcomeUnknown
from smsc_async.simulator import Drop, Fault, plain_refusal
from tests.proof.edges.calls import CALLS, Prepared
from tests.proof.edges.strangers import RemoteGuard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smsc_async import Session
    from tests.proof.edges.stage import Stage
    from tests.proof.edges.stepping import End

__all__ = ["JOURNALED"]

_MANY: Final = 1_001  # recipients, who take two requests


async def _kept(call: str, stage: Stage, smsc: Session | None = None) -> Prepared:
    """The journal lists a call in the end if its outcome is unknown, and only then."""
    smsc = stage.session(journal=stage.folder / "journal.db") if smsc is None else smsc
    return await _listed_if_lost(stage, smsc, CALLS[call](stage, smsc), call)


async def _listed_if_lost(stage: Stage, smsc: Session, prepared: Prepared, call: str) -> Prepared:
    before = {each.key for each in await smsc.unresolved()}
    usual = prepared.after

    async def after(end: End) -> None:
        listed = [each for each in await smsc.unresolved() if each.key not in before]
        lost = bool(stage.lost(call))
        assert len(listed) == lost, f"reported as unknown: {lost}; in the journal: {listed}"
        if end.error is None:
            assert [] == listed, "a call that gave a value is in the journal"
        for one in listed:
            assert one.opened_at == stage.clock.date() or one.opened_at < stage.clock.date()
        if usual is not None:
            await usual(end)

    prepared.after = after
    return prepared


async def _remote(stage: Stage) -> Prepared:
    """Giving the lease back takes time, in which what was paid for stands in the journal."""
    guard = RemoteGuard(stage.guard)
    return await _kept("numbers.rent", stage, stage.session(guard=guard, journal=stage.folder / "journal.db"))


async def _dropped(stage: Stage) -> Prepared:
    """The call is carried out, and its connection ends without a reply."""
    prepared = await _kept("numbers.rent", stage)
    stage.gateway.simulator.faults.add(Fault(Drop(acted=True)))
    prepared.may_raise = (OutcomeUnknown,)
    return prepared


async def _busy(stage: Stage) -> Prepared:
    """The gateway is too busy with requests of others: the first attempt's row is struck, and another one written."""
    stage.foreign += 1
    smsc = stage.session(
        journal=stage.folder / "journal.db",
        retry=Retry(random=lambda: 1.0, budget=1e9),
        account=f"journal {stage.number()}",
    )
    prepared = await _kept("calls.request", stage, smsc)
    stage.gateway.simulator.faults.add(Fault(plain_refusal(9, "too many concurrent requests")))
    return prepared


async def _found(stage: Stage) -> Prepared:
    """The answer is lost, and the message is found by its id; whether it was struck meanwhile is another scene's."""
    smsc = stage.session(journal=stage.folder / "journal.db")
    await smsc.account.balance()
    await smsc.unresolved()
    prepared = CALLS["messages.send"](stage, smsc)
    stage.gateway.simulator.faults.add(Fault(Drop(acted=True)))
    return prepared


async def _two_requests(stage: Stage) -> Prepared:
    """A message to so many that they take two requests."""
    smsc = stage.session(journal=stage.folder / "journal.db")
    name, first = f"m{stage.number()}", stage.number()
    phones = [f"38{first:05d}{number:05d}" for number in range(_MANY)]
    before = {each.key for each in await smsc.unresolved()}

    async def after(end: End) -> None:
        sent = sum(bool(stage.gateway.paid("send", phone)) for phone in (phones[0], phones[-1]))
        listed = [each for each in await smsc.unresolved() if each.key not in before]
        stage.told.clear()
        assert end.error is not None or (sent, listed) == (2, []), "a message that was not sent gave a value"
        assert end.error is None or not sent or listed, "a message that was sent in part is not in the journal"
        for one in listed:
            assert (tuple(phones), name) == (one.recipients, one.subject)
            await smsc.settle(one)

    return Prepared(lambda: smsc.messages.send(phones, "hello", id=name), after)


async def _asked(stage: Stage) -> Prepared:
    """Others ask too."""
    smsc = stage.session(journal=stage.folder / "journal.db")
    for _ in range(3):
        stage.beside(smsc.unresolved)
    await anyio.lowlevel.checkpoint()
    return Prepared(smsc.unresolved)


async def _settled(stage: Stage) -> Prepared:
    """A call that was lost is settled."""
    smsc = stage.session(journal=stage.folder / "journal.db")
    stage.gateway.simulator.faults.add(Fault(Drop(acted=True)))
    await stage.complete(lambda: smsc.numbers.rent(stage.phone()))
    left = (await smsc.unresolved())[-1]
    stage.told.clear()

    async def after(end: End) -> None:
        if end.error is None:
            assert left.key not in {each.key for each in await smsc.unresolved()}

    return Prepared(partial(smsc.settle, left), after)


async def _closed(stage: Stage) -> Prepared:
    """A session with a row that is to be struck is closed."""
    smsc = stage.session(journal=stage.folder / "journal.db")
    phone = stage.phone()
    await smsc.numbers.rent(phone)

    async def after(_: End) -> None:
        await smsc.aclose()
        listed = await stage.session(journal=stage.folder / "journal.db").unresolved()
        assert phone not in {one.subject for one in listed}

    return Prepared(smsc.aclose, after)


#: Name, the method that is called, and what prepares it.
JOURNALED: Final[tuple[tuple[str, str, Callable[[Stage], Awaitable[Prepared]]], ...]] = (
    ("numbers.rent, with a journal", "numbers.rent", partial(_kept, "numbers.rent")),
    ("calls.request, with a journal", "calls.request", partial(_kept, "calls.request")),
    ("messages.send, with a journal", "messages.send", partial(_kept, "messages.send")),
    ("messages.resolve, with a journal", "messages.resolve", partial(_kept, "messages.resolve")),
    ("numbers.rent, with a journal and a remote guard", "numbers.rent", _remote),
    ("numbers.rent, with a journal, whose reply is lost", "numbers.rent", _dropped),
    ("calls.request, with a journal, after a busy gateway", "calls.request", _busy),
    ("messages.send, with a journal, found by its id", "messages.send", _found),
    ("messages.send, with a journal, in two requests", "messages.send", _two_requests),
    ("Session.aclose, with a journal", "Session.aclose", _closed),
    ("Session.unresolved, beside others", "Session.unresolved", _asked),
    ("Session.settle, of a lost call", "Session.settle", _settled),
)
