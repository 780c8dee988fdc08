"""Journals with one protection less: the proof must notice each."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from smsc_async._conduct import Call, Conductor
from smsc_async._endpoint import Replay
from smsc_async._journal import journal as rooms
from smsc_async._journal import keeping, rows
from smsc_async._journal.journal import Journal
from smsc_async.values import Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smsc_async._journal.calls import Entry

__all__ = ["WRONG"]

# Each is put in place in a process of its own, by setting what the journal and its conductor look up when they run.


def _set(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


def written_afterwards() -> None:
    """The row is written when the request has been sent."""
    enter, exchange = keeping.enter, Conductor._exchange

    async def no_entry(_: Journal, __: Call) -> None:
        return

    async def exchange_then_enter(conductor: Conductor, call: Call, *args: Any) -> Any:
        answer = await exchange(conductor, call, *args)
        if (journal := conductor.shared.journal) is not None and call.endpoint.replay is Replay.IF_NOT_DONE:
            await enter(journal, call)
        return answer

    _set(keeping, "enter", no_entry)
    _set(Conductor, "_exchange", exchange_then_enter)


def not_waited_for() -> None:
    """The row is written by a thread while the request goes out."""

    async def begin(journal: Journal, entry: Entry, **_: Any) -> Entry:
        def add(db: Any) -> None:
            rows.add(db, journal._account, entry)

        threading.Thread(target=journal._commits.run_in_thread, args=(add,)).start()
        return entry

    _set(Journal, "enter", begin)


def struck_before_the_reply() -> None:
    """The row is struck when the request goes out."""
    exchange = Conductor._exchange

    async def strike_then_exchange(conductor: Conductor, call: Call, *args: Any) -> Any:
        if call.entry is not None and conductor.shared.journal is not None:
            await conductor.shared.journal.unpaid(call.entry)
        return await exchange(conductor, call, *args)

    _set(Conductor, "_exchange", strike_then_exchange)


def struck_before_the_value() -> None:
    """The row is struck when the answer is there, before the caller has the value."""

    def strike_now(journal: Journal, entry: Entry, **_: Any) -> None:
        journal._commits.run_in_thread(partial(rows.strike, account=journal._account, keys=[entry.key]))

    _set(Journal, "answered", strike_now)


def never_struck() -> None:
    """The rows of calls that have an end stay."""

    def nothing(_: Journal, __: Entry, **___: Any) -> None:
        return

    _set(Journal, "answered", nothing)


def refusals_stay() -> None:
    """The rows of calls that were refused stay."""

    async def nothing(_: Journal, __: Entry) -> None:
        return

    _set(Journal, "unpaid", nothing)


def unknown_is_struck() -> None:
    """A call whose answer was lost is taken for one that was not carried out."""

    async def unpaid(journal: Journal, entry: Entry, *_: Any, **__: Any) -> None:
        await journal.unpaid(entry)

    _set(Journal, "lose", unpaid)


def cancelled_is_struck() -> None:
    """A call that was cancelled is taken for one that was not carried out."""

    def nothing(_: Conductor, __: Call, ___: Any) -> None:
        return

    _set(Conductor, "abandoned", nothing)


def all_are_struck() -> None:
    """The end of one call strikes the rows of all."""

    def strike(db: Any, account: str, keys: Any) -> None:
        if list(keys):
            db.execute("DELETE FROM calls WHERE account = ?", (account,))

    _set(rows, "strike", strike)


def begun_anew() -> None:
    """A session begins with an empty journal."""
    connect = rooms._File.connect

    def empty(file: Any) -> Any:
        connection = connect(file)
        connection.execute("DELETE FROM calls")
        return connection

    _set(rooms._File, "connect", empty)


def not_listed() -> None:
    """What earlier processes have left open is not listed."""

    async def nothing(_: Journal) -> Listing[Any]:
        return Listing()

    _set(Journal, "unresolved", nothing)


def not_held_against() -> None:
    """What other processes have left open is not held against a call."""

    def nothing(*_: Any) -> list[Any]:
        return []

    _set(rows, "of_subject", nothing)


def forgotten_when_listed() -> None:
    """What was listed is struck: the caller knows of it now."""
    unresolved = Journal.unresolved

    async def once(journal: Journal) -> Listing[Any]:
        found = await unresolved(journal)
        for call in found:
            await journal.settle(call)
        return found

    _set(Journal, "unresolved", once)


WRONG: Final[Mapping[str, Callable[[], None]]] = {
    "written-afterwards": written_afterwards,
    "not-waited-for": not_waited_for,
    "struck-before-the-reply": struck_before_the_reply,
    "struck-before-the-value": struck_before_the_value,
    "never-struck": never_struck,
    "refusals-stay": refusals_stay,
    "unknown-is-struck": unknown_is_struck,
    "cancelled-is-struck": cancelled_is_struck,
    "all-are-struck": all_are_struck,
    "begun-anew": begun_anew,
    "not-listed": not_listed,
    "not-held-against": not_held_against,
    "forgotten-when-listed": forgotten_when_listed,
}
