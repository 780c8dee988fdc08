"""
What can go wrong, as a tree; every class says whose move it is.

::

    SmscError
    ├── InvalidArgument                  the caller's: fix the argument, nothing was sent
    │   └── InvalidArgumentType          (also a TypeError)
    ├── GatewayError                     the gateway's answer: a refusal with a number
    │   ├── InvalidParameters            1
    │   ├── AuthenticationFailed         2
    │   ├── InsufficientFunds            3
    │   ├── AddressBlocked               4
    │   ├── InvalidDate                  5 when sending
    │   ├── RecipientBlacklisted         5 when asking for a confirmation number
    │   ├── TaskNotFound                 5 when downloading
    │   ├── CannotDelete                 5 when deleting a message
    │   ├── MessageForbidden             6 when sending
    │   ├── CostUnavailable              6 when asking for a confirmation number
    │   ├── InvalidPhone                 7
    │   ├── Undeliverable                8
    │   ├── TooManyRequests              9, of two kinds
    │   └── WrongCaptcha                 10
    ├── TransportError                   the network's: the call may be made again
    │   ├── NotSent                      nothing left this machine
    │   ├── NoReply                      a call that changes nothing got no answer
    │   ├── UnexpectedRedirect           something answered in the gateway's place
    │   └── IncompleteDownload           a file ended before its end
    ├── OutcomeUnknown                   look before you repeat: money may be gone
    │   ├── MessageOutcomeUnknown        messages.resolve() finds out
    │   └── OutcomeStillUnknown          not sent, because an earlier call's outcome is
    ├── PartlySent                       a large list of recipients: some requests of it went well
    ├── ReplyError                       an answer that nobody can read
    ├── TaskNotReady, TaskFailed         a download's task is not done, or never will be
    ├── WaitTooLong                      the limits hold the call for longer than it may wait
    ├── AccountLocked                    asking again now would lock the address out
    ├── SessionClosed                    the session was closed before the call was sent
    ├── StoreUnavailable                 the store of callbacks cannot be used now
    ├── JournalUnavailable               the journal of paid calls cannot be used, so nothing was sent
    ├── DeliveryTimeout                  a message has not arrived by then
    ├── ConfirmationExpired              nobody called within the time to confirm a phone
    ├── ConfirmationInProgress           a call of that phone is waited for already; nothing was sent
    ├── GuardUnavailable                 the guard cannot say yes, so nothing was sent
    └── WebhookError                     a request to the receiver is no callback to believe
        ├── MalformedCallback            it has not the form that the handler's address asks for
        │   └── CallbackTooLarge
        └── SignatureMismatch            it does not prove that it knows the secret

`OutcomeUnknown` stands beside `TransportError` on purpose: who repeats on `TransportError` must not buy twice.
Fields are positional, so that every error survives ``pickle``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import attrs

from smsc_async._privacy import mask_phones

if TYPE_CHECKING:
    from datetime import datetime

    from smsc_async.services._sent import SentMessage
    from smsc_async.services._states import MessageState
    from smsc_async.values import Listing

__all__ = [
    "AccountLocked",
    "AddressBlocked",
    "AuthenticationFailed",
    "CallbackTooLarge",
    "CannotDelete",
    "ConfirmationExpired",
    "ConfirmationInProgress",
    "CostUnavailable",
    "DeliveryTimeout",
    "GatewayError",
    "GuardUnavailable",
    "IncompleteDownload",
    "InsufficientFunds",
    "InvalidArgument",
    "InvalidArgumentType",
    "InvalidDate",
    "InvalidParameters",
    "InvalidPhone",
    "JournalUnavailable",
    "MalformedCallback",
    "MessageForbidden",
    "MessageOutcomeUnknown",
    "NoReply",
    "NotSent",
    "OutcomeStillUnknown",
    "OutcomeUnknown",
    "PartlySent",
    "RecipientBlacklisted",
    "ReplyError",
    "SessionClosed",
    "SignatureMismatch",
    "SmscError",
    "StoreUnavailable",
    "TaskFailed",
    "TaskNotFound",
    "TaskNotReady",
    "TooManyRequests",
    "TransportError",
    "Undeliverable",
    "UnexpectedRedirect",
    "WaitTooLong",
    "WebhookError",
    "WrongCaptcha",
]


def _masked(reference: str | None) -> str:
    """Show a phone as errors and logs do."""
    return repr(reference and mask_phones(reference))


# For classes with fields of their own; the others inherit all of it, and importing the package is the quicker for that.
_error: Final = attrs.define(auto_exc=True, slots=False, eq=False)


@_error
class SmscError(Exception):
    """Whatever this package raises on purpose."""


@_error
class InvalidArgument(SmscError, ValueError):
    """An argument cannot be sent; nothing was. *problem* says what to do."""

    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


class InvalidArgumentType(InvalidArgument, TypeError):
    """An argument is of a type that cannot be sent; nothing was."""


@_error
class GatewayError(SmscError):
    """
    The gateway refused, with a number; it did not carry the call out.

    The same number means different things at different endpoints: each endpoint maps its numbers to a subclass.
    A number that the vendor does not list comes as `GatewayError` itself.
    """

    code: int
    detail: str  # the gateway's own words, shortened, phones masked
    endpoint: str

    def __str__(self) -> str:
        return f"{self.endpoint}: {_meaning(type(self))} (error {self.code}: {self.detail})"


class InvalidParameters(GatewayError):
    """The gateway does not accept the parameters."""


class AuthenticationFailed(GatewayError):
    """Wrong login, password or API key, or this IP address is not on the account's list of allowed ones."""


class InsufficientFunds(GatewayError):
    """The balance does not cover the call."""


class AddressBlocked(GatewayError):
    """The gateway has blocked this IP address for a while; asking again prolongs it."""


class InvalidDate(GatewayError):
    """The gateway does not accept the date."""


class RecipientBlacklisted(GatewayError):
    """The subscriber's phone is on the account's black list."""


class TaskNotFound(GatewayError):
    """There is no such task, or its file is not there."""


class CannotDelete(GatewayError):
    """The message cannot be deleted: there is none, or the operator has it."""


class MessageForbidden(GatewayError):
    """The text or the sender's name is not allowed."""


class CostUnavailable(GatewayError):
    """The account's settings (allowed numbers, hours of sending) leave the service without a price."""


class InvalidPhone(GatewayError):
    """The phone number has a wrong form."""


class Undeliverable(GatewayError):
    """The message cannot be delivered to that phone."""


@_error
class TooManyRequests(GatewayError):
    """
    The gateway has had too many requests; the guard did not know of all of them.

    Other software uses the account, or the gateway takes for identical what we do not.
    """

    kind: Literal["duplicate", "concurrency"] = "duplicate"


class WrongCaptcha(GatewayError):
    """The code from the picture is wrong."""


@_error
class TransportError(SmscError):
    """The network failed, in a way that allows to make the call again."""

    endpoint: str
    reason: str

    def __str__(self) -> str:
        return f"{self.endpoint}: {_meaning(type(self))} ({self.reason})"


class NotSent(TransportError):
    """Nothing of the request left this machine."""


class NoReply(TransportError):
    """No usable answer came to a call that changes nothing or may be repeated."""


class UnexpectedRedirect(TransportError):
    """A redirect came back, which the gateway never sends; it was not followed."""


class IncompleteDownload(TransportError):
    """The file ended before its end; nothing was kept."""


@_error
class OutcomeUnknown(SmscError):
    """
    The call may have been carried out; look before you repeat it.

    It was not repeated, because it pays, allots or sends. *reference* is what to look for: the phone of a rent.
    """

    endpoint: str
    reference: str | None = attrs.field(default=None, repr=_masked)
    reason: str = "no answer"

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.reason}; it may have been carried out, so look before you repeat it"


class OutcomeStillUnknown(OutcomeUnknown):
    """An earlier call on the same subject has an unknown outcome, so this one was not sent."""

    def __str__(self) -> str:
        return f"{self.endpoint}: not sent: {self.reason}; look what became of it, then give force=True"


def _all_masked(phones: tuple[str, ...]) -> str:
    shown = ", ".join(mask_phones(phone) for phone in phones[:_SHOWN])
    return f"({shown}, {len(phones) - _SHOWN} more)" if len(phones) > _SHOWN else f"({shown})"


_SHOWN: Final = 3  # phones that a repr names


@_error
class MessageOutcomeUnknown(OutcomeUnknown):
    """
    The message may have been sent: no answer came, and the gateway, if it could be asked, did not know of it.

    *reference* is the message's id. ``await smsc.messages.resolve(error)`` finds out what became of it: now or later,
    here or in another process.
    """

    phones: tuple[str, ...] = attrs.field(default=(), repr=_all_masked)
    lost_at: datetime | None = None  # aware; after it nothing more was sent

    def __str__(self) -> str:
        message = mask_phones(self.reference or "")
        what = f"{self.endpoint}: {self.reason}; the message {message} may have been sent"
        return f"{what}: await messages.resolve(error), or messages.resolve(id, to), finds out"


@_error
class PartlySent(SmscError):
    """
    A list of recipients that takes several requests was sent in part; *error* ended it.

    Nothing is repeated: what is *unsent* may be sent, and what is *unknown* looked up with `messages.resolve`.
    """

    endpoint: str
    sent: SentMessage = attrs.field(repr=lambda sent: f"<{len(sent.recipients)} recipients>")  # what was taken
    unsent: tuple[str, ...] = attrs.field(default=(), repr=_all_masked)
    unknown: tuple[str, ...] = attrs.field(default=(), repr=_all_masked)
    error: SmscError | None = None

    def __str__(self) -> str:
        unknown = f", {len(self.unknown)} unknown" if self.unknown else ""
        counts = f"{len(self.sent.recipients)} recipients sent, {len(self.unsent)} not sent{unknown}"
        return f"{self.endpoint}: {counts}: {self.error}"


@_error
class DeliveryTimeout(SmscError):
    """Some messages have not come to the end of their way within the time; they may still."""

    pending: tuple[tuple[str, str], ...] = attrs.field(
        repr=lambda pending: f"<{len(pending)} messages>"
    )  # recipient and id, as `messages.statuses` takes them
    states: Listing[MessageState] = attrs.field(repr=lambda states: f"<{len(states)} states>")  # those that are known

    def __str__(self) -> str:
        phone, message_id = self.pending[0]
        others = f" and {len(self.pending) - 1} others are" if len(self.pending) > 1 else " is"
        return f"the message {message_id} to {mask_phones(phone)}{others} still on the way; wait on if you like"


@_error
class ReplyError(SmscError):
    """The gateway, or something in its place, answered what nobody can read."""

    endpoint: str
    problem: str
    excerpt: str = ""  # bounded, without secrets, phones masked

    def __str__(self) -> str:
        shown = f"; it begins: {self.excerpt}" if self.excerpt else ""
        return f"{self.endpoint}: unreadable answer: {self.problem}{shown}"


@_error
class TaskNotReady(SmscError):
    """The task's file does not exist yet."""

    task_id: int
    status: str

    def __str__(self) -> str:
        return f"task {self.task_id} is not done ({self.status}): await downloads.wait({self.task_id}) first"


@_error
class TaskFailed(SmscError):
    """The task was cancelled or failed; there will be no file."""

    task_id: int
    status: str

    def __str__(self) -> str:
        return f"task {self.task_id} will give no file: {self.status}"


@_error
class WaitTooLong(SmscError):
    """The call would wait longer than it may; nothing was sent."""

    wait: float  # seconds from the refusal until it could start, at the least
    reason: str

    def __str__(self) -> str:
        if self.wait <= 0:
            return f"the call has waited as long as it may ({self.reason}); nothing was sent"
        return f"the call could start in {self.wait:.1f} s at the earliest ({self.reason}), longer than it may wait"


@_error
class AccountLocked(SmscError):
    """
    The account asks nothing for now, because one more refusal could lock the address out; nothing was sent.

    Source: https://smscentre.com/faq/99 (five authorisation errors block the address for 30 minutes)
    """

    retry_at: datetime  # aware; from then on one call at a time is let through
    reason: str

    def __str__(self) -> str:
        return f"no calls until {self.retry_at:%H:%M:%S %Z}: {self.reason}"


class SessionClosed(SmscError):
    """The session was closed; this call was not sent."""

    def __str__(self) -> str:
        return "the session is closed; this call was not sent"


@_error
class GuardUnavailable(SmscError):
    """The guard cannot be asked, so nothing was sent."""

    reason: str

    def __str__(self) -> str:
        return f"the guard cannot be asked, so nothing was sent: {self.reason}"


@_error
class JournalUnavailable(SmscError):
    """The journal of paid calls cannot be used, so nothing was sent: what is not written down is not paid for."""

    reason: str

    def __str__(self) -> str:
        return f"the journal of paid calls cannot be used, so nothing was sent: {self.reason}"


@_error
class ConfirmationExpired(SmscError):
    """Nobody called from the phone within the time; it is not confirmed."""

    subscriber: str = attrs.field(repr=_masked)
    number: str  # that was to be called
    seconds_left: float = 0.0  # for which the number may still be called

    def __str__(self) -> str:
        then = f"wait on, for at most {self.seconds_left:.0f} s" if self.seconds_left else "ask for a number again"
        return f"no call came from {mask_phones(self.subscriber)} to {self.number}; {then}"


@_error
class ConfirmationInProgress(SmscError):
    """
    A call of that phone is waited for already; nothing was sent.

    A call does not tell whom it is for: were there two, whoever asked for the other one would confirm a phone that is
    not theirs.
    """

    subscriber: str = attrs.field(repr=_masked)

    def __str__(self) -> str:
        return f"a call from {mask_phones(self.subscriber)} is waited for already; leave that block first"


@_error
class StoreUnavailable(SmscError):
    """The store cannot be used now; nothing was noted. The gateway is told to come again, or the event waits."""

    reason: str

    def __str__(self) -> str:
        return f"the store of events cannot be used: {self.reason}"


@_error
class WebhookError(SmscError):
    """What came to the receiver is no callback that can be believed. Nothing of it is shown: it is a stranger's."""

    problem: str

    def __str__(self) -> str:
        return f"{_meaning(type(self))}: {self.problem}"


class MalformedCallback(WebhookError):
    """The request has not the form that the handler's address asks the gateway for."""


class CallbackTooLarge(MalformedCallback):
    """The request is larger than any callback."""


class SignatureMismatch(WebhookError):
    """The request does not prove that it comes from the gateway."""


def _meaning(kind: type[SmscError]) -> str:
    """Give the first sentence of the class's docstring, as part of a message."""
    sentence = " ".join((kind.__doc__ or kind.__name__).split("\n\n")[0].split()).rstrip(".")
    return sentence[0].lower() + sentence[1:] if sentence[1:2].islower() else sentence
