"""What a service asks of its session: one call performed, or one file streamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from decimal import Decimal

    from smsc_async._endpoint import Endpoint
    from smsc_async._inbox_watch import InboxWatch
    from smsc_async._status_watch import Following, StatusWatch
    from smsc_async._waiting_calls import ExpectedCall
    from smsc_async.clock import Clock

__all__ = ["NOTHING_MORE", "Attachment", "ByteStream", "CallReceiver", "Caller", "Known", "Note", "StatusReceiver"]

T = TypeVar("T")

#: Fields of a value that the request knows and the reply does not tell; a function is asked when the reply is there.
Known: TypeAlias = Mapping[str, object] | Callable[[], Mapping[str, object]] | None


@attrs.frozen
class Note:
    """
    What the journal writes down of a paid call, beside its subject.

    Args:
        about: What to look for, where the call has no subject: others like it may go side by side.
        recipients: Of a message; with its id they tell what became of it.
        more: Whether more requests belong to the call, so that it is not over when this one is.
    """

    about: str | None = None
    recipients: tuple[str, ...] = ()
    more: bool = False


NOTHING_MORE: Final = Note()


class ByteStream(Protocol):
    """A file on its way. It is complete when the iteration ends without an error."""

    content_type: str
    length: int | None  # bytes, where the gateway says it

    def __aiter__(self) -> AsyncIterator[bytes]:
        """
        Give the file's bytes in chunks of any size.

        Raises:
            IncompleteDownload: The file ended before its end.
        """
        ...


class Attachment(Protocol):
    """A file that goes with a call."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def content(self) -> bytes:
        """What is in it."""
        ...


class CallReceiver(Protocol):
    """What hears of a subscriber's call: `smsc_async.webhooks.Receiver`, or something in its place."""

    def expect_call(self, phone: str) -> AbstractContextManager[ExpectedCall]:
        """
        Wait for a call of *phone* as long as the block lasts.

        Raises:
            ConfirmationInProgress: Somebody waits for it already.
        """
        ...


class StatusReceiver(Protocol):
    """What hears of messages' statuses: `smsc_async.webhooks.Receiver`, or something in its place."""

    def expect_statuses(self, following: Following) -> AbstractContextManager[object]:
        """Tell *following* what comes of its messages, as long as the block lasts."""
        ...


class Caller(Protocol):
    """A session, or a view of one, as its services see it."""

    @property
    def clock(self) -> Clock:
        """Give the clock that drives every wait."""
        ...

    @property
    def inbox_watch(self) -> InboxWatch:
        """Give those of the account who look for calls in the inbox."""
        ...

    @property
    def status_watch(self) -> StatusWatch:
        """Give those of the account who wait for messages to arrive."""
        ...

    @property
    def base_url(self) -> str:
        """Give where the gateway is."""
        ...

    @property
    def lateness(self) -> float:
        """Give the seconds after which a request that was given up cannot be carried out any more."""
        ...

    def deadline(self) -> float:
        """Give the moment at which a call that begins now must be over; ``inf`` is never."""
        ...

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
        """
        Send one call through guard, retry and wire, and give its value.

        Args:
            endpoint: What is called.
            params: The checked parameters beside the endpoint's fixed ones, as text.
            known: Fields of the value that the reply does not tell, or a function that gives them.
            subject: What a paid call is about, such as the phone of a rent: one call on it at a time, and none after
                one whose outcome is unknown.
            force: Call even though an earlier call on *subject* has an unknown outcome.
            deadline: The moment at which it must be over, where it is a part of a longer call.
            files: That go with it.
            note: What the journal writes down of it.
        """
        ...

    async def lose(self, endpoint: Endpoint[Any], subject: str, reason: str) -> None:
        """Note that nobody knows how much of what was done on *subject* was done, and tell the observer."""
        ...

    async def found(self, endpoint: Endpoint[Any], subject: str, *, more: bool = False) -> None:
        """
        Note that it is known now what became of a call on *subject* whose outcome was not.

        Args:
            endpoint: The call's.
            subject: What it is about.
            more: Whether more requests belong to it.
        """
        ...

    def release(self, endpoint: Endpoint[Any], subject: str) -> None:
        """Note that the caller is told how much of a call on *subject* was done: no more requests of it follow."""
        ...

    def tell_balance(self, endpoint: Endpoint[Any], balance: Decimal, cost: Decimal | None) -> None:
        """Tell the observer what is left on the account, after something that cost so much."""
        ...

    def stream(self, endpoint: Endpoint[Any], params: Mapping[str, str]) -> AbstractAsyncContextManager[ByteStream]:
        """Open a file; refusals and pages in its place are raised on entry. The slot is held until the block ends."""
        ...
