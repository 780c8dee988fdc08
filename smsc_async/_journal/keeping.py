"""What the journal hears of one call on its way: that it may leave, and how an attempt ended."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from smsc_async._journal.calls import Entry

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from smsc_async._conduct import Call
    from smsc_async._journal.journal import Journal
    from smsc_async._telling import Telling

__all__ = ["enter", "leave", "noted"]


async def enter(journal: Journal, call: Call) -> None:
    """
    Write a call down; return when that is on the disk.

    Raises:
        OutcomeStillUnknown: An earlier call on the subject is unresolved.
        JournalUnavailable: It cannot be written.
    """
    conductor, note = call.conductor, call.note
    entry = Entry(
        key=token_hex(),
        endpoint=call.endpoint.name,
        subject=note.about if call.subject is None else call.subject,
        recipients=note.recipients,
        opened_at=conductor.clock.date().timestamp(),
    )
    exclusive = call.subject is not None
    call.entry = await journal.enter(entry, exclusive=exclusive, force=call.force, telling=conductor.telling)
    call.again = bool(call.entry.older)
    # The caller may have been cancelled while the disk was waited for: do not send it then.
    await anyio.lowlevel.checkpoint_if_cancelled()


async def leave(call: Call) -> None:
    """Note how an attempt ended that gave no value, whatever happens around; whatever becomes of that, so it ended."""
    conductor, entry = call.conductor, call.entry
    journal, call.entry = conductor.shared.journal, None
    if entry is None or journal is None:
        return
    lost = call.lost
    writing = journal.unpaid(entry) if lost is None else journal.lose(entry, lost, more=call.note.more)
    with anyio.CancelScope(shield=True):
        await noted(conductor.telling, call.endpoint.name, writing)


async def noted(telling: Telling, endpoint: str, writing: Awaitable[object]) -> None:
    """Wait until something is noted; if it cannot be, that is told, and changes nothing for the caller."""
    try:
        await writing
    except Exception as error:  # noqa: BLE001 - whatever came of the call stands
        telling.row_kept(endpoint, error)
