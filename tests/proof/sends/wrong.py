"""Workers with one protection less: the proof must notice each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from smsc_async import MessageStatus
from smsc_async.errors import MessageOutcomeUnknown, SmscError
from smsc_async.services import _sending
from tests.proof.sends.life import Kept, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WRONG"]


class SendsAgain(Worker):
    """Sends what it left open, without looking for it."""

    async def was_sent(self, message: Kept, unknown: MessageOutcomeUnknown | None) -> bool:
        return False


class LooksOnce(Worker):
    """Believes the first word of the gateway that it knows no such message."""

    async def was_sent(self, message: Kept, unknown: MessageOutcomeUnknown | None) -> bool:
        state = await self.smsc.messages.status(message.phone, message.id)
        return state.status is not MessageStatus.NOT_FOUND


class ResolvesEarly(Worker):
    """Has a package that does not wait until a request cannot be carried out any more."""

    lateness = 0.0

    @classmethod
    def prepare(cls) -> None:
        _sending._OVER = 0.0  # type: ignore[misc] # of this process alone


class TakesSilenceForNo(Worker):
    """Takes a message for not sent where it cannot be looked for."""

    async def was_sent(self, message: Kept, unknown: MessageOutcomeUnknown | None) -> bool:
        impatient = self.smsc.with_options(retry=None, max_wait=10.0)
        try:
            return await impatient.messages.resolve(message.id, message.phone) is not None
        except SmscError:
            return False


class TakesUnknownForSent(Worker):
    """Takes a message of which no answer came for sent."""

    async def was_sent(self, message: Kept, unknown: MessageOutcomeUnknown | None) -> bool:
        return unknown is not None or await super().was_sent(message, unknown)


class KeepsAfterwards(Worker):
    """Keeps a message when it has been sent."""

    async def send_new(self, message: Kept) -> None:
        sent = False
        with suppress(SmscError):
            sent = bool(await self.smsc.messages.send(message.phone, message.text, id=message.id))
        self.keep(message)
        if sent:
            self.note_sent(message)
        else:
            await self.settle(message, maybe_sent=True)


class NotesBeforehand(Worker):
    """Notes that a message is sent before it is."""

    async def send_new(self, message: Kept) -> None:
        self.keep(message)
        self.note_sent(message)
        await self.settle(message, maybe_sent=False)


WRONG: Final[Mapping[str, type[Worker]]] = {
    "sends-again": SendsAgain,
    "looks-once": LooksOnce,
    "resolves-early": ResolvesEarly,
    "takes-silence-for-no": TakesSilenceForNo,
    "takes-unknown-for-sent": TakesUnknownForSent,
    "keeps-afterwards": KeepsAfterwards,
    "notes-beforehand": NotesBeforehand,
}
