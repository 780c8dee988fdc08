"""One message sent, once: in as many requests as it takes, and looked for where an answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from smsc_async import errors
from smsc_async._calling import Note
from smsc_async._recipients import is_group, spellings
from smsc_async.errors import MessageOutcomeUnknown
from smsc_async.services._asking import Asking
from smsc_async.services._sent import SEND, SEND_IN_JSON, Recipient, SentMessage, Taken, joined
from smsc_async.services._states import LOOK, LOOK_AT_MANY, MANY
from smsc_async.statuses import MessageStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from smsc_async._calling import Caller
    from smsc_async._order import Order
    from smsc_async.services._states import MessageState

__all__ = ["Sending", "resolve"]

_LOOKS: Final = (0.0, 1.0, 3.0, 7.0, 15.0)  # seconds after a lost answer: as many looks a minute as the gateway takes
_BOUND: Final = 20.0  # seconds after which nothing is looked for any more, however slow the gateway is
_OVER: Final = 30.0  # seconds, at the least, after which a request that was given up is carried out no more


class Sending:
    """
    A message on its way.

    Args:
        caller: The session.
        message_id: Of the message; all of its requests carry it.
        extra: Parameters of each request beside those of the order.
        listed: Whether details of each recipient are asked for.
    """

    def __init__(self, caller: Caller, message_id: str, extra: Mapping[str, str], *, listed: bool) -> None:
        self._caller = caller
        self._id = message_id
        self._params = {"id": message_id, **extra, **({"op": "1", "err": "1"} if listed else {})}
        self._listed = listed
        self._deadline = caller.deadline()

    async def send(self, order: Order) -> SentMessage:
        """Send it all."""
        portions = order.portions()
        sent: list[SentMessage] = []
        for number, portion in enumerate(portions):
            note = Note(recipients=tuple(order.recipients), more=number < len(portions) - 1)
            try:
                sent.append(await self._send_one(portion, note))
            except errors.SmscError as error:
                if len(portions) == 1 or (not number and not isinstance(error, errors.OutcomeUnknown)):
                    raise  # nothing else was sent, and the error says it all
                self._caller.release(SEND, self._id)
                raise self._partly(sent, portions[number:], error) from error
            except BaseException:
                if sent:
                    reason = f"cancelled when {number} of its {len(portions)} requests had been taken"
                    await self._caller.lose(SEND, self._id, reason)
                raise
        return joined(sent)

    async def _send_one(self, order: Order, note: Note) -> SentMessage:
        caller = self._caller
        endpoint = SEND_IN_JSON if self._listed or order.tells_code else SEND
        lost: errors.OutcomeUnknown | errors.TooManyRequests
        try:
            taken = await caller.perform(
                endpoint,
                {**order.form(), **self._params},
                subject=self._id,
                deadline=self._deadline,
                files=order.files,
                note=note,
            )
        except errors.OutcomeUnknown as error:
            lost = error
        except errors.TooManyRequests as error:
            if error.kind != "duplicate":
                raise
            lost = error  # what it is a duplicate of may be this very message, on another way
        else:
            if taken.balance is not None:
                caller.tell_balance(endpoint, taken.balance, taken.cost)
            return _sent(taken, order, self._id if _means(taken.id, self._id) else taken.id)
        # Outside of the handler, so that what is raised here does not drag the frames of that error along.
        return await self._find(order, note, lost, caller.clock.date())

    async def _find(
        self, order: Order, note: Note, lost: errors.OutcomeUnknown | errors.TooManyRequests, lost_at: datetime
    ) -> SentMessage:
        """
        Look whether the gateway has taken the message after all.

        One recipient is asked for after the other: one that is known is enough.
        """
        clock, asking = self._caller.clock, Asking(self._caller)
        refused = isinstance(lost, errors.TooManyRequests)
        began, looked = clock.now(), False
        deadline = min(self._deadline, began + _BOUND)
        whom = [(phone, spelling) for phone in order.phones for spelling in spellings(phone)]
        for number, after in enumerate(_LOOKS if whom else ()):
            if max(began + after, clock.now()) >= deadline:
                break
            await clock.sleep_until(began + after)
            phone, spelling = whom[number % len(whom)]
            try:
                state = await asking.one(phone, self._id, 0, deadline, spelling=spelling)
            except (errors.AccountLocked, errors.SessionClosed, errors.GuardUnavailable):
                break
            except errors.SmscError:
                continue
            looked = True
            if state.status is not MessageStatus.NOT_FOUND:
                await self._caller.found(SEND, self._id, more=note.more)
                return _found(self._id, order.recipients, {phone: state})
        if refused and looked:
            raise lost  # something else was sent, and this was not
        reason = lost.reason if isinstance(lost, errors.OutcomeUnknown) else str(lost)
        unknown = MessageOutcomeUnknown(SEND.name, self._id, reason, order.recipients, lost_at)
        unknown.__cause__ = lost.__cause__
        raise unknown

    def _partly(self, sent: Sequence[SentMessage], left: Sequence[Order], error: errors.SmscError) -> errors.PartlySent:
        unknown = left[0].recipients if isinstance(error, errors.OutcomeUnknown) else ()
        unsent = tuple(each for portion in left[1 if unknown else 0 :] for each in portion.recipients)
        taken = joined(sent) if sent else SentMessage(id=self._id)
        return errors.PartlySent(SEND.name, taken, unsent, unknown, error)


async def resolve(caller: Caller, message_id: str, recipients: Sequence[str]) -> SentMessage | None:
    """Look for a message until it cannot be taken any more; None where it was not."""
    # When it was lost, another process's clock may say wrongly, so none is believed.
    clock, over = caller.clock, caller.clock.now() + max(caller.lateness, _OVER)
    asking = Asking(caller, LOOK, LOOK_AT_MANY, message_id)
    open_ = [(message_id, each) for each in recipients if not is_group(each)]
    states: dict[str, MessageState] = {}
    while True:
        last = clock.now() >= over
        told = await asking.several(open_, 0, every_spelling=True)
        states |= {phone: state for (_, phone), state in told.items()}
        open_ = [message for message in open_ if not _is_known(states.get(message[1]))]
        if not open_ or last:
            break
        await clock.sleep_until(over)
    if untold := sum(phone not in states for _, phone in open_):
        raise errors.ReplyError(MANY[0].name, f"it tells nothing of {untold} of the messages")
    await caller.found(SEND, message_id)
    return _found(message_id, recipients, states) if any(map(_is_known, states.values())) else None


def _is_known(state: MessageState | None) -> bool:
    return state is not None and state.status is not MessageStatus.NOT_FOUND


def _means(told: str, sent: str) -> bool:
    """Say whether what an answer has is the id of what was sent: digits may be read as a number, and text be cut."""
    return sent.startswith(told) or (told.isdigit() and sent.isdigit() and int(told) == int(sent))


def _sent(taken: Taken, order: Order, message_id: str) -> SentMessage:
    told = {(phone := each.phone.removeprefix("+")): attrs.evolve(each, phone=phone) for each in taken.phones or ()}
    recipients = [told.pop(each) if each in told else Recipient(phone=each) for each in order.recipients]
    return SentMessage(
        id=message_id,
        parts=taken.parts,
        cost=taken.cost,
        balance=taken.balance,
        code=taken.code,
        recipients=[*recipients, *told.values()],
    )


def _found(message_id: str, recipients: Iterable[str], states: Mapping[str, MessageState]) -> SentMessage:
    """Give a message that was found, by the *states* that are known of its recipients."""
    known = [Recipient(phone=each, status=states[each].status if each in states else None) for each in recipients]
    return SentMessage(id=message_id, recipients=known)
