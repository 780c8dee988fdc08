"""Messages: sent once, priced, followed to the end, deleted."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from smsc_async import errors
from smsc_async._journal.calls import UnresolvedCall
from smsc_async._order import File, checked_id, ordered
from smsc_async._recipients import addressed, is_group, spellings
from smsc_async._wire import flag, seconds
from smsc_async.errors import InvalidArgument, InvalidArgumentType, MessageOutcomeUnknown
from smsc_async.kinds import Kind
from smsc_async.schedules import Hours, Spread
from smsc_async.services._asking import Asking
from smsc_async.services._sending import Sending, resolve
from smsc_async.services._sent import COST, SEND, Price, SentMessage
from smsc_async.services._states import DELETE, MANY, Detail, MessageState
from smsc_async.services.captcha import Captcha
from smsc_async.values import Listing

if TYPE_CHECKING:
    from smsc_async._calling import Caller, StatusReceiver

__all__ = ["Messages", "new_message_id"]

T = TypeVar("T")
#: Whom a message goes to: a phone, several, or a text for each.
To: TypeAlias = str | Iterable[str] | Mapping[str, str]

_LETTERS: Final = string.ascii_lowercase  # no digits: a run of them would be masked in logs, as phones are
_LENGTH: Final = 20  # letters: two of a billion ids meet by chance once in 10^10
_PAST: Final = timedelta(minutes=1)  # that a moment to send at may be gone by
_DAY: Final = 86_400.0
_GROUPS: Final = "a message to groups alone cannot be looked up; look at the account's pages"


def new_message_id() -> str:
    """
    Make an id for a message, as `Messages.send` does where none is given.

    Give it to `send` yourself, and keep it, where a message must not be sent twice even if the process dies.
    """
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


class Messages:
    """Messages of every kind, sent exactly once."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._asking = Asking(caller)

    # ---------------------------------------------------------------- sending

    async def send(
        self,
        to: To,
        text: str | None = None,
        *,
        kind: Kind | None = None,
        id: str | None = None,
        sender: str | None = None,
        at: datetime | timedelta | Hours | None = None,
        spread: Spread | None = None,
        validity: timedelta | None = None,
        comment: str | None = None,
        files: Sequence[File] = (),
        file_url: str | None = None,
        captcha: Captcha | None = None,
        details: bool = False,
    ) -> SentMessage:
        """
        Send a message, once.

        It carries an id. Where no answer comes, the gateway is asked for that id before anything is said, and the
        message is never sent again. The gateway takes one identical message a minute; another one waits.

        Args:
            to: A phone, several, or a mapping of phones to the text for each. Groups of the account are ``"G7"``.
                Equal phones get it once. Each thousand recipients are a request.
            text: The words; a line feed breaks the line. None for kinds that have none.
            kind: What is sent: `Sms` by default.
            id: Of the message, up to 40 letters, digits, dots, underscores and minus; made up where it is None. Keep it
                before you send, and `resolve` finds out after a crash what became of the message. Give each message
                one of its own, that differs from others in more than capitals: the gateway does not refuse a second
                one, and both would be taken for one. Numbers may be 1 to 2147483647.
            sender: The name that the phone shows; it must be registered with the gateway.
            at: When: an aware moment, a time from now, or hours of the day.
            spread: Over what time to send to many.
            validity: How long to try, up to a day.
            comment: For yourself: callbacks and statuses carry it, the subscriber does not see it.
            files: Go with an `Mms`, `Email`, `VoiceCall` or a messenger's message.
            file_url: The address of such a file.
            captcha: What the visitor of your page has read in the picture.
            details: Ask what became of each recipient.

        Returns:
            What was sent; of a message that was found by its id, what is known of it.

        Raises:
            InvalidArgument: It cannot be sent so; nothing was.
            MessageOutcomeUnknown: No answer came, and the gateway does not know the message, or cannot be asked.
            PartlySent: More than a thousand recipients, and not all of the requests went well.
            InsufficientFunds, InvalidDate, MessageForbidden, InvalidPhone, Undeliverable, WrongCaptcha: The refusals.
            TooManyRequests: The gateway takes it for a repeat of another message; it was not sent.

        Source: https://smsc.ua/api/http/send/sms/
        """
        order = ordered(
            to,
            text,
            kind=kind,
            sender=sender,
            at=self._not_past(at),
            spread=spread,
            validity=validity,
            comment=comment,
            files=files,
            file_url=file_url,
        )
        message_id = new_message_id() if id is None else checked_id(id)
        extra: dict[str, str] = {}
        if captcha is not None:
            if not isinstance(captcha, Captcha):
                raise InvalidArgumentType("captcha", f"must be a Captcha, not {type(captcha).__name__}")
            extra = captcha.params()
        return await Sending(self._caller, message_id, extra, listed=flag("details", details)).send(order)

    async def resolve(
        self, message: MessageOutcomeUnknown | UnresolvedCall | str, to: str | Iterable[str] | None = None
    ) -> SentMessage | None:
        """
        Find out what became of a message whose outcome is unknown; also later, and from another process.

        ::

            sent = await smsc.messages.resolve("order-17", phone) or await smsc.messages.send(
                phone, text, id="order-17"
            )

        Args:
            message: The error that said so, what `Session.unresolved` lists of it, or the id.
            to: Whom it was sent to, with an id.

        Returns:
            What was sent; None where the gateway does not know the message, and cannot get to know it any more: it was
            not sent. For that it is asked again after half a minute, when nothing of it can be under way. Of many
            recipients some may be `SentMessage.not_sent`: those whose request never left.

        Raises:
            InvalidArgument: There is nobody to ask for: a message to groups alone cannot be looked up.
            NoReply, WaitTooLong, ReplyError, GatewayError: The gateway could not be asked, or did not tell.

        Source: https://smsc.ua/api/http/status_messages/check_status/
        """
        if isinstance(message, MessageOutcomeUnknown | UnresolvedCall):
            if to is not None:
                raise InvalidArgument("to", "leave it out: what you gave knows")
            message_id, recipients = _of_unknown(message)
        else:
            message_id, recipients = checked_id(message), addressed(to)
        if all(map(is_group, recipients)):
            raise InvalidArgument("to", _GROUPS)
        return await resolve(self._caller, message_id, recipients)

    async def cost(
        self,
        to: To,
        text: str | None = None,
        *,
        kind: Kind | None = None,
        sender: str | None = None,
        files: Sequence[File] = (),
        file_url: str | None = None,
    ) -> Price:
        """
        Ask what a message would cost. Nothing is sent. The gateway takes 5 identical questions a minute.

        The arguments are those of `send` that make a price.

        Raises:
            InvalidArgument: It could not be sent so.
            GatewayError: The gateway would refuse to send it.

        Source: https://smsc.ua/api/http/send/sms/sms_answer/
        """
        order = ordered(to, text, kind=kind, sender=sender, files=files, file_url=file_url)
        deadline = self._caller.deadline()
        prices = [
            await self._caller.perform(COST, portion.form(), deadline=deadline, files=portion.files)
            for portion in order.portions()
        ]
        return Price(cost=sum((price.cost for price in prices), Decimal(0)), parts=sum(price.parts for price in prices))

    # ---------------------------------------------------------------- statuses

    async def status(self, to: str, id: str, *, detail: Detail = 0) -> MessageState:
        """
        Ask what has become of a message. The gateway takes 5 questions about one message a minute.

        Args:
            to: Its recipient.
            id: Of the message.
            detail: 1 to be told the message too, 2 also country, operator and region.

        Returns:
            Its state; `MessageStatus.NOT_FOUND` where the gateway knows no such message.

        Source: https://smsc.ua/api/http/status_messages/check_status/
        """
        return await self._asking.one(_one(to), checked_id(id), _detail(detail))

    async def statuses(
        self, messages: SentMessage | Iterable[tuple[str, str]], *, detail: Detail = 0
    ) -> Listing[MessageState]:
        """
        Ask what has become of many messages at once. The gateway takes one such question a minute.

        Args:
            messages: A message that was sent, for all of its recipients; or pairs of a recipient and an id. Each 5,000
                are a request.
            detail: 1 to be told the messages too, 2 also country, operator and region.

        Returns:
            A state for each, in their order; `MessageStatus.NOT_FOUND` where the gateway knows no such message.

        Raises:
            ReplyError: The answer does not tell of all of them.
            InvalidArgument: It was sent to groups alone.

        Source: https://smsc.ua/api/http/status_messages/status_answer/
        """
        wanted = _of_message(messages) if isinstance(messages, SentMessage) else _pairs(messages)
        states = await self._asking.many(wanted, _detail(detail))
        if untold := len(set(wanted) - set(states)):
            raise errors.ReplyError(MANY[0].name, f"it tells nothing of {untold} of {len(set(wanted))} messages")
        return Listing(states[message] for message in wanted)

    async def delete(self, to: str, id: str) -> None:
        """
        Delete a message that has not been handed to the operator yet.

        Raises:
            CannotDelete: There is no such message, or the operator has it; or an earlier answer was lost.

        Source: https://smsc.ua/api/http/status_messages/delete/
        """
        await self._caller.perform(DELETE, {"phone": spellings(_one(to))[0], "id": checked_id(id)})

    async def wait(
        self,
        message: SentMessage | str,
        to: str | None = None,
        *,
        timeout: float = _DAY,  # noqa: ASYNC109 - a moment that is told
        receiver: StatusReceiver | None = None,
    ) -> Listing[MessageState]:
        """
        Wait until delivery is decided, well or badly.

        Args:
            message: What was sent, for all of its recipients; or an id, with *to*.
            to: The recipient of that id.
            timeout: Seconds to wait at most; the gateway tries for a day.
            receiver: Hears of it by callbacks. Without one the gateway is asked: each quarter of a minute for few
                messages, each minute for many, once for all that this process waits for.

        Returns:
            A state for each recipient, in their order; `MessageStatus.NOT_FOUND` where the gateway has said three times
            that it knows no such message.

        Raises:
            DeliveryTimeout: Time is up, and a message is still on its way.
            InvalidArgument: There is nobody to ask for.
            GatewayError: The gateway does not answer for one of the messages.

        Source: https://smsc.ua/api/http/status_messages/check_status/
        """
        if isinstance(message, SentMessage):
            if to is not None:
                raise InvalidArgument("to", "leave it out: the message knows")
            wanted = _of_message(message)
        else:
            wanted = [(checked_id(message), _one(to))]
        if receiver is not None and not callable(getattr(receiver, "expect_statuses", None)):
            raise InvalidArgumentType("receiver", f"must be a Receiver, not {type(receiver).__name__}")
        deadline = self._caller.clock.now() + seconds("timeout", timeout)
        states, pending = await self._asking.until_decided(wanted, deadline, receiver)
        if pending:
            still = tuple((phone, message_id) for message_id, phone in pending)
            raise errors.DeliveryTimeout(still, Listing(states.values()))
        return Listing(states[each] for each in dict.fromkeys(wanted))

    def _not_past(self, at: T) -> T:
        if isinstance(at, datetime) and at.utcoffset() is not None and at < self._caller.clock.date() - _PAST:
            raise InvalidArgument("at", "is past; leave it out to send now")
        return at


def _of_unknown(message: MessageOutcomeUnknown | UnresolvedCall) -> tuple[str, tuple[str, ...]]:
    """Give the id and the recipients of a message whose outcome is unknown."""
    if isinstance(message, MessageOutcomeUnknown):
        return checked_id(message.reference), message.phones
    if message.endpoint != SEND.name:
        raise InvalidArgument("message", f"{message.endpoint} sends no message that can be looked for")
    return checked_id(message.subject), message.recipients


def _one(to: object) -> str:
    if not isinstance(to, str):
        raise InvalidArgumentType("to", f"must be one recipient, not {'None' if to is None else type(to).__name__}")
    (found,) = addressed(to)
    return found


def _of_message(message: SentMessage) -> list[tuple[str, str]]:
    """Give the ids and recipients by which what was sent can be looked up."""
    found = [(each.id or message.id, each.phone) for each in message.recipients if not is_group(each.phone)]
    if not found:
        raise InvalidArgument("message", _GROUPS)
    return found


def _pairs(given: object) -> list[tuple[str, str]]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        what = "None" if given is None else type(given).__name__
        raise InvalidArgumentType("messages", f"must be pairs of a recipient and an id, not {what}")
    return [_pair(each) for each in given]


def _pair(given: object) -> tuple[str, str]:
    if not isinstance(given, tuple) or len(given) != 2:  # noqa: PLR2004 - a pair
        raise InvalidArgumentType("messages", "must be pairs of a recipient and an id, or a message that was sent")
    to, message_id = given
    return checked_id(message_id), _one(to)


def _detail(value: object) -> Detail:
    if type(value) is not int:
        raise InvalidArgumentType("detail", f"must be 0, 1 or 2, not {type(value).__name__}")
    match value:
        case 0 | 1 | 2:
            return value
        case _:
            raise InvalidArgument("detail", f"must be 0, 1 or 2, not {value}")
