"""What the gateway's numbers about messages mean: statuses, delivery errors, types and flags; in two languages."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

from smsc_async._wording import DELIVERY_ERRORS, MESSAGE_STATUSES
from smsc_async.errors import InvalidArgument
from smsc_async.values import OpenIntEnum

__all__ = ["DeliveryError", "HlrResult", "Language", "MessageFlags", "MessageStatus", "MessageType", "TemplateKind"]

Language: TypeAlias = Literal["en", "uk"]

_UNKNOWN: Final[Mapping[str, str]] = {"en": "unknown number", "uk": "невідомий номер"}


def _described(words: Mapping[int, tuple[str, str]], number: int, language: object) -> str:
    if language not in _UNKNOWN:
        raise InvalidArgument("language", 'must be "en" or "uk"')
    found = words.get(number)
    if found is None:
        return f"{_UNKNOWN[str(language)]} {number}"
    return found[language == "uk"]


class MessageStatus(OpenIntEnum):
    """
    How far a message has come.

    Source: https://smsc.ua/api/http/status_messages/statuses/
    """

    NOT_FOUND = -3
    STOPPED = -2  # the mailing was paused before the message was handed over
    WAITING = -1
    HANDED_OVER = 0  # to the operator
    DELIVERED = 1
    READ = 2
    EXPIRED = 3
    CLICKED = 4  # the short link in it
    MARKED_AS_SPAM = 6
    UNDELIVERABLE = 20
    WRONG_NUMBER = 22
    FORBIDDEN = 23
    NO_MONEY = 24
    UNAVAILABLE_NUMBER = 25

    @property
    def progress(self) -> int:
        """
        How far along the way it is: 0 not handed over, 1 handed over, 2 decided, 3 read, 4 clicked.

        A message never goes back, so of two statuses of a message the one with less progress is the older one.
        """
        return _PROGRESS.get(self, _DECIDED)

    @property
    def is_final(self) -> bool:
        """Whether delivery is decided, well or badly. A delivered message may still be read, and its link clicked."""
        return self.progress >= _DECIDED

    @property
    def is_delivered(self) -> bool:
        """Whether it has reached the phone."""
        return self in _REACHED

    def describe(self, language: Language = "en") -> str:
        """
        Say it in words, in English or Ukrainian.

        Raises:
            InvalidArgument: *language* is neither ``"en"`` nor ``"uk"``.
        """
        return _described(MESSAGE_STATUSES, self.value, language)


_DECIDED: Final = 2
_PROGRESS: Final[dict[int, int]] = {
    MessageStatus.NOT_FOUND: 0,
    MessageStatus.STOPPED: 0,
    MessageStatus.WAITING: 0,
    MessageStatus.HANDED_OVER: 1,
    MessageStatus.READ: 3,
    MessageStatus.MARKED_AS_SPAM: 3,
    MessageStatus.CLICKED: 4,
}
_REACHED: Final[frozenset[int]] = frozenset(
    {MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.CLICKED, MessageStatus.MARKED_AS_SPAM}
)


class DeliveryError(OpenIntEnum):
    """
    Why a message was not delivered (``err``). Not the numbers of refusals, which are errors of the call.

    Source: https://smsc.ua/api/http/status_messages/errors/
    """

    NONE = 0
    NO_SUCH_SUBSCRIBER = 1
    NOT_IN_NETWORK = 6
    NO_SERVICE = 11
    PHONE_ERROR = 12
    BLOCKED = 13
    SERVICE_UNSUPPORTED = 21
    VIRTUAL = 200
    SIM_REPLACED = 219
    OPERATOR_QUEUE_FULL = 220
    NO_ANSWER = 237
    NO_TEMPLATE = 238
    FORBIDDEN_ADDRESS = 239
    BUSY = 240
    AUDIO_ERROR = 241
    ANSWERING_MACHINE = 242
    NO_CONTRACT = 243
    MAILINGS_FORBIDDEN = 244
    STATUS_NOT_RECEIVED = 245
    TIME_RESTRICTION = 246
    DAILY_LIMIT = 247
    NO_ROUTE = 248
    WRONG_NUMBER = 249
    FORBIDDEN_BY_SETTINGS = 250
    NUMBER_LIMIT = 251
    FORBIDDEN_NUMBER = 252
    SPAM = 253
    UNREGISTERED_SENDER = 254
    REJECTED_BY_OPERATOR = 255

    def describe(self, language: Language = "en") -> str:
        """
        Say it in words, in English or Ukrainian.

        Raises:
            InvalidArgument: *language* is neither ``"en"`` nor ``"uk"``.
        """
        return _described(DELIVERY_ERRORS, self.value, language)


class MessageType(OpenIntEnum):
    """
    What kind of message it is.

    Source: https://smsc.ua/api/http/miscellaneous/callback/
    """

    SMS = 0
    FLASH = 1
    BINARY = 2
    WAP_PUSH = 3
    HLR = 4
    PING = 5
    MMS = 6
    CALL = 7
    EMAIL = 8
    VIBER = 10
    SOCIAL = 12


class TemplateKind(enum.IntEnum):
    """What kind of template a message was made from (bits 10 and 9 of ``flag``)."""

    SERVICE = 0
    TRANSACTIONAL = 1
    AUTHORISATION = 2
    ADVERTISING = 3


@attrs.frozen
class MessageFlags:
    """
    The two bytes of ``flag``, taken apart; bits that the vendor does not name are in the value alone.

    Source: https://smsc.ua/api/http/miscellaneous/callback/
    """

    value: int

    @property
    def type(self) -> MessageType:
        """What kind of message it is (bits 0 to 3)."""
        return MessageType(self.value & 0b1111)

    @property
    def second_balance(self) -> bool:
        """Whether it was paid from the second balance (bit 5)."""
        return bool(self.value & 1 << 5)

    @property
    def template(self) -> TemplateKind | None:
        """What kind of template it was made from (bits 8, and 10 and 9); None for a message without one."""
        return TemplateKind(self.value >> 9 & 0b11) if self.value & 1 << 8 else None

    def __repr__(self) -> str:
        """Show what is set."""
        template = f", template={self.template.name}" if self.template is not None else ""
        balance = ", second_balance=True" if self.second_balance else ""
        return f"MessageFlags({self.value}: {self.type.name}{template}{balance})"


@attrs.frozen(kw_only=True)
class HlrResult:
    """What an HLR request found out about a phone; the gateway's words."""

    imsi: str | None = None
    service_centre: str | None = None
    country_code: str | None = None  # of the subscriber's country, as mobile networks count them (mcc)
    operator_code: str | None = None  # mnc
    country: str | None = None
    operator: str | None = None
    roaming_country: str | None = None
    roaming_operator: str | None = None


#: How the gateway names the fields of an `HlrResult`.
HLR_NAMES: Final[Mapping[str, str]] = {
    "imsi": "imsi",
    "msc": "service_centre",
    "mcc": "country_code",
    "mnc": "operator_code",
    "cn": "country",
    "net": "operator",
    "rcn": "roaming_country",
    "rnet": "roaming_operator",
}


def hlr_result(values: Mapping[str, str | None]) -> HlrResult | None:
    """Give what *values* by the gateway's names tell of a phone, if they tell anything."""
    known = {ours: values[name] for name, ours in HLR_NAMES.items() if values.get(name)}
    return HlrResult(**known) if known else None
