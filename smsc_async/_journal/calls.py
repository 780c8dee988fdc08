"""Paid calls as the journal knows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import attrs

from smsc_async.values import show_known

__all__ = ["Entry", "UnresolvedCall"]

_NO_END: Final = "no end was noted: its process died, or is still at it"


@attrs.frozen(kw_only=True, repr=False)
class UnresolvedCall:
    """A call that pays, allots or sends, and of which the journal does not know whether it was carried out."""

    endpoint: str  # such as ``numbers.rent``
    subject: str | None  # what to look for: the phone of a rent, the id of a message
    recipients: tuple[str, ...] = ()  # of a message
    opened_at: datetime  # aware; before its first byte could leave
    reason: str  # why nobody knows
    key: str = attrs.field(repr=False)  # in the journal

    def __repr__(self) -> str:
        """Show what is known."""
        return show_known(self)


@attrs.define(eq=False, kw_only=True)
class Entry:
    """
    A row of the journal, as the process knows it that wrote it.

    Args:
        key: Of the row.
        endpoint: The call's.
        subject: What it is about.
        recipients: Of a message.
        opened_at: Seconds of Unix time.
        older: The keys of unresolved calls that it was made in spite of.
        held: Whether a part of the call was carried out, so that the row stays until all of it has an end.
    """

    key: str
    endpoint: str
    subject: str | None
    recipients: tuple[str, ...]
    opened_at: float
    older: tuple[str, ...] = ()
    held: bool = False


def unresolved(rows: Iterable[tuple[str, str, str | None, tuple[str, ...], float, str | None]]) -> list[UnresolvedCall]:
    """Give the values that rows of the journal are."""
    return [
        UnresolvedCall(
            key=key,
            endpoint=endpoint,
            subject=subject,
            recipients=recipients,
            opened_at=datetime.fromtimestamp(opened_at, UTC),
            reason=_NO_END if reason is None else reason,
        )
        for key, endpoint, subject, recipients, opened_at, reason in rows
    ]
