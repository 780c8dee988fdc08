"""What the gateway calls back with, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final, Literal, TypeAlias

import attrs

from smsc_async.statuses import DeliveryError, HlrResult, MessageFlags, MessageStatus, MessageType
from smsc_async.values import LocalTime

__all__ = [
    "CallConfirmation",
    "DeliveryStatus",
    "Digest",
    "Event",
    "HlrResult",
    "IncomingMessage",
    "Signature",
    "VoiceMenu",
]

Digest: TypeAlias = Literal["sha1", "md5", "crc32"]


@attrs.frozen
class Signature:
    """How a callback proved where it comes from."""

    digest: Digest
    reading: str  # the bytes that were hashed: "as received", or the name of a charset
    secret: int = 0  # which of the receiver's secrets: 0 the current one, 1 the one before it
    token: bool = False  # whether the address's token was in it too

    @property
    def authenticated(self) -> bool:
        """Whether it proves anything: whoever has seen one callback with a crc32 can forge others."""
        return self.digest != "crc32" or self.token


def _empty() -> Mapping[str, str]:
    return {}


@attrs.frozen(kw_only=True)
class _Callback:
    """What all callbacks have."""

    SIGNED: ClassVar[frozenset[str]]  # our names of the fields that the digest covers

    phone: str
    #: Parameters of the handler's address: yours, and ``charset`` and ``fmt`` where the gateway echoes them.
    parameters: Mapping[str, str] = attrs.field(factory=_empty, hash=False)
    #: Fields that the vendor does not document, and documented ones whose value cannot be read; text as it came.
    extra: Mapping[str, str] = attrs.field(factory=_empty, hash=False)
    signature: Signature = attrs.field(eq=False)

    @property
    def key(self) -> str:
        """What repeats of this callback have in common and no other callback has: 32 hexadecimal digits."""
        text = ascii((type(self).__name__, *self._identity()))  # quoted: no part can look like the end of itself
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]

    @property
    def unsigned(self) -> frozenset[str]:
        """
        Our names of the fields that the digest does not cover.

        Who can change a request on its way can change those. With a token in the address the gateway's word for all of
        them is as good as the secrecy of that address, which https protects.
        """
        if self.signature.token:
            return frozenset()
        return frozenset(field.name for field in attrs.fields(type(self))) - self.SIGNED - {"signature"}

    def _identity(self) -> tuple[object, ...]:
        raise NotImplementedError


@attrs.frozen(kw_only=True)
class VoiceMenu:
    """What the subscriber did in the menu of a voice call; as given, because the vendor names no units."""

    call_time: str | None = None  # until a key was pressed, or in all
    keys: str | None = None  # pressed on the way through the menu
    ring_time: str | None = None  # until the call was answered


@attrs.frozen(kw_only=True)
class DeliveryStatus(_Callback):
    """
    A message that was sent by the API has a new status.

    Source: https://smsc.ua/api/http/miscellaneous/callback/
    """

    SIGNED: ClassVar[frozenset[str]] = frozenset({"id", "phone", "status"})

    id: str  # of the message, up to 40 characters
    status: MessageStatus
    time: LocalTime | None = None  # of the change, by the account's clock
    changed_at: datetime | None = None  # the same moment, aware
    error: DeliveryError | None = None
    operator_error: str | None = None
    count: int | None = None  # parts of a text message, seconds of a call
    type: MessageType | None = None
    cost: Decimal | None = None
    flags: MessageFlags | None = None
    sender: str | None = None
    dtmf: str | None = None  # keys that the subscriber pressed while a voice message was played
    comment: str | None = None  # as it was sent with the message
    overtime: float | None = None  # seconds; the gateway adds it to the comment of a voice message
    hlr: HlrResult | None = None
    menu: VoiceMenu | None = None

    @property
    def message(self) -> tuple[str, str]:
        """The message that it is about: its id and its phone."""
        return self.id, self.phone

    def _identity(self) -> tuple[object, ...]:
        error = None if self.error is None else int(self.error)
        time = None if self.time is None else self.time.text
        return self.id, self.phone, int(self.status), error, _stamp(self.changed_at), time


@attrs.frozen(kw_only=True)
class IncomingMessage(_Callback):
    """
    A subscriber has written.

    Source: https://smsc.ua/api/http/miscellaneous/callback/
    """

    SIGNED: ClassVar[frozenset[str]] = frozenset({"phone", "text", "to"})

    id: str
    text: str
    to: str = ""  # the number or name that it was sent to
    reply_to: str | None = None  # id of the message that it answers
    service_centre: str | None = None  # of the subscriber's operator
    sent_at: datetime | None = None  # aware
    received_at: datetime | None = None  # by the gateway; aware

    def _identity(self) -> tuple[object, ...]:
        return self.id, self.phone, self.to, _stamp(self.received_at), self.text


@attrs.frozen(kw_only=True)
class CallConfirmation(_Callback):
    """
    A subscriber has called the number that confirms their phone.

    Source: https://smsc.ua/api/http/miscellaneous/waitcall/
    """

    SIGNED: ClassVar[frozenset[str]] = frozenset({"phone", "called_at"})

    called_at: datetime  # aware

    def _identity(self) -> tuple[object, ...]:
        return self.phone, _stamp(self.called_at)


Event: TypeAlias = DeliveryStatus | IncomingMessage | CallConfirmation
EVENTS: Final = (DeliveryStatus, IncomingMessage, CallConfirmation)


def _stamp(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
