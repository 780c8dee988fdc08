"""States of messages asked for: of one, of several at once, and until delivery is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smsc_async._recipients import spellings
from smsc_async._status_watch import MOST, Following
from smsc_async.errors import GatewayError
from smsc_async.services._states import MANY, NO_MESSAGE, ONE, Detail, MessageState, Row, state_of, state_told
from smsc_async.statuses import MessageStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from smsc_async._calling import Caller, StatusReceiver
    from smsc_async._endpoint import Endpoint
    from smsc_async._status_watch import Message
    from smsc_async.values import Listing

__all__ = ["Asking"]

_MOST_DETAILED: Final = 1_000  # messages of one request that tells their texts: 6 MB at the worst
_SELDOM: Final = 300.0  # seconds between two looks where callbacks tell: some may go to another process
_LAST_LOOK: Final = 20.0  # seconds for a look before time is up


class Asking:
    """
    What is asked of the gateway about messages, each known by its id and its recipient.

    Args:
        caller: The session.
        one: What asks for one message, by detail.
        many: What asks for several.
        subject: The id of the message that all questions are about, where they are not to meet what sends it.
    """

    def __init__(
        self,
        caller: Caller,
        one: Mapping[Detail, Endpoint[Row]] = ONE,
        many: Mapping[Detail, Endpoint[Listing[Row]]] = MANY,
        subject: str | None = None,
    ) -> None:
        self._caller = caller
        self._one = one
        self._many = many
        self._subject = subject

    async def one(
        self, phone: str, message_id: str, detail: Detail, deadline: float | None = None, *, spelling: str | None = None
    ) -> MessageState:
        """
        Give the state of one message; the gateway takes five questions about it a minute.

        Args:
            phone: Its recipient.
            message_id: Its id.
            detail: How much is asked.
            deadline: The moment at which the answer must be there.
            spelling: How the recipient is written, where that matters.
        """
        params = {"phone": spelling or spellings(phone)[0], "id": message_id, "all": str(detail)}
        try:
            row = await self._caller.perform(self._one[detail], params, subject=self._subject, deadline=deadline)
        except GatewayError as refusal:
            if refusal.code != NO_MESSAGE:
                raise
            row = Row(status=MessageStatus.NOT_FOUND)
        return state_of(row, message_id, phone)

    async def several(
        self, messages: Sequence[Message], detail: Detail, *, every_spelling: bool = False
    ) -> dict[Message, MessageState]:
        """Give the states of some messages: of one by itself, of more at once."""
        if len(messages) == 1:
            ((message_id, phone),) = messages
            if not every_spelling or len(spellings(phone)) == 1:
                return {messages[0]: await self.one(phone, message_id, detail)}
        return await self.many(messages, detail, every_spelling=every_spelling)

    async def many(
        self, messages: Sequence[Message], detail: Detail, *, every_spelling: bool = False
    ) -> dict[Message, MessageState]:
        """
        Give the states of messages at once; the gateway takes one such question a minute, whatever is in it.

        A message of which the answer does not tell has none: that is not to say that the gateway does not know it.

        Args:
            messages: The messages.
            detail: How much is asked.
            every_spelling: Whether to ask for each recipient in every way in which the gateway may know it.
        """
        deadline = self._caller.deadline()
        asked = [
            (message, spelling)
            for message in dict.fromkeys(messages)
            for spelling in spellings(message[1])[: None if every_spelling else 1]
        ]
        most = _MOST_DETAILED if detail else MOST
        states: dict[Message, MessageState] = {}
        for start in range(0, len(asked), most):
            some = asked[start : start + most]
            comma = "," if len(some) == 1 else ""  # which makes one message a list
            params = {
                "phone": ",".join(spelling for _, spelling in some) + comma,
                "id": ",".join(message_id for (message_id, _), _ in some) + comma,
                "all": str(detail),
            }
            rows = await self._caller.perform(self._many[detail], params, subject=self._subject, deadline=deadline)
            for message, row in _paired(rows, [message for message, _ in some]):
                known = states.get(message)
                if known is None or known.status is MessageStatus.NOT_FOUND:
                    states[message] = state_of(row, *message)
        return states

    async def until_decided(
        self, messages: Sequence[Message], deadline: float, receiver: StatusReceiver | None
    ) -> tuple[dict[Message, MessageState], tuple[Message, ...]]:
        """Wait until delivery is decided; give what is known, and the messages that are still on the way."""
        clock, watch = self._caller.clock, self._caller.status_watch
        following = Following(messages, deadline)
        with clock.deadline(deadline):
            if receiver is None:
                await watch.arrival(following, self._look, clock)
            else:
                with receiver.expect_statuses(following):
                    await self._listen(following, deadline)
        known = (message for message in following.messages if message in following.states)
        states = {message: state_told(following.states[message], *message) for message in known}
        return states, tuple(message for message in following.messages if message in following.open)

    async def _listen(self, following: Following, deadline: float) -> None:
        """Wait for callbacks; a look now and then finds what came before anybody listened, or went elsewhere."""
        clock, watch = self._caller.clock, self._caller.status_watch
        while following.open:
            await watch.one_look(following, self._look, clock)
            again = min(clock.now() + _SELDOM, deadline - _LAST_LOOK)
            with clock.deadline(again if again > clock.now() else deadline):
                while following.open:
                    await following.rung()

    async def _look(self, messages: Sequence[Message]) -> dict[Message, MessageState]:
        return await self.several(messages, 0)


def _paired(rows: Sequence[Row], asked: Sequence[Message]) -> Iterator[tuple[Message, Row]]:
    """
    Tell whose each row is: by its names, however they are spelled; else by its place.

    A row that names somebody else altogether is nobody's.
    """
    by_name: dict[Message, Message] = {}
    for message in asked:
        by_name.setdefault(_plain(*message), message)
    by_name |= {message: message for message in asked}  # ids may differ in their spelling alone
    in_order = len(rows) == len(asked)
    named: list[Message | None] = []
    for row in rows:
        full = None if row.id is None or row.phone is None else (row.id, row.phone)
        named.append(None if full is None else by_name.get(full) or by_name.get(_plain(*full)))
    taken = set(named)
    for number, (row, whose) in enumerate(zip(rows, named, strict=True)):
        if whose is not None:
            yield whose, row
        elif in_order and asked[number] not in taken and _may_be(row, asked[number]):
            yield asked[number], row


def _plain(message_id: str, phone: str) -> Message:
    """Give the names of a message without what may differ in their spelling."""
    return str(int(message_id)) if message_id.isdigit() else message_id, phone.removeprefix("+").casefold()


def _may_be(row: Row, message: Message) -> bool:
    """Say whether what the row names, it names rightly; of two names one will do."""
    message_id, phone = _plain(*message)
    told_id, told_phone = _plain(row.id or message_id, row.phone or phone)
    return told_id == message_id or told_phone == phone
