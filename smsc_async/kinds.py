"""
What kind of message is sent: each kind is a value that carries what it needs, so that none is combined wrongly.

Source: https://smsc.ua/api/http/send/sms/ and the pages of each kind beside it
"""

from __future__ import annotations

import enum
import re
from typing import ClassVar, Final, TypeAlias

import attrs

from smsc_async._checks import checked, checked_email, member, number, octets, optional, words
from smsc_async._wire import check_text, flag
from smsc_async._wire import phone as phone_digits
from smsc_async.errors import InvalidArgument

__all__ = [
    "Binary",
    "CodeCall",
    "Email",
    "Flash",
    "Hlr",
    "Kind",
    "Mms",
    "Ping",
    "Redial",
    "Sms",
    "Social",
    "Telegram",
    "TelegramBot",
    "Transliteration",
    "Viber",
    "Voice",
    "VoiceCall",
    "WapPush",
    "WhatsAppBot",
]


class Recipients(enum.Enum):
    """Whom a kind goes to."""

    PHONES = "phones"
    EMAILS = "e-mail addresses"
    NICKS = "phones, @nicks or #ids"


class Words(enum.Enum):
    """Whether a kind has a text."""

    NEEDED = "text"
    NONE = "none"


@attrs.frozen(kw_only=True)
class _Kind:
    RECIPIENTS: ClassVar[Recipients] = Recipients.PHONES
    WORDS: ClassVar[Words] = Words.NEEDED
    FILES: ClassVar[bool] = False
    BOUNDED: ClassVar[bool] = True  # whether its text has a greatest length

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        raise NotImplementedError


class Transliteration(enum.Enum):
    """How Cyrillic letters are written in Latin ones, so that more of them fit into a part."""

    LETTERS = 1  # "translit"
    LOOKALIKES = 2  # "mpaHc/Ium"


@attrs.frozen(kw_only=True)
class _Text(_Kind):
    short_links: bool = attrs.field(default=False, validator=checked(flag))  # shorten the links in it, to count clicks
    transliteration: Transliteration | None = attrs.field(default=None, validator=optional(member(Transliteration)))
    max_parts: int | None = attrs.field(default=None, validator=optional(number(1, 255)))  # refuse longer texts

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        found: dict[str, str] = {}
        if self.short_links:
            found["tinyurl"] = "1"
        if self.transliteration is not None:
            found["translit"] = str(self.transliteration.value)
        if self.max_parts is not None:
            found["maxsms"] = str(self.max_parts)
        return found


@attrs.frozen(kw_only=True)
class Sms(_Text):
    """A text message."""


@attrs.frozen(kw_only=True)
class Flash(_Text):
    """A text message that is shown at once and not kept by the phone."""

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"flash": "1", **super().params()}


@attrs.frozen(kw_only=True)
class Binary(_Kind):
    """
    Octets for the phone.

    Args:
        data: Of the user.
        header: Of the user data, without the octet of its length.
        protocol: The protocol identifier (pid).
        coding: The data coding scheme (dcs).
    """

    WORDS: ClassVar[Words] = Words.NONE

    data: bytes = attrs.field(validator=checked(octets))
    header: bytes = attrs.field(default=b"", validator=checked(octets))
    protocol: int | None = attrs.field(default=None, validator=optional(number(0, 255)))
    coding: int | None = attrs.field(default=None, validator=optional(number(0, 255)))

    def __attrs_post_init__(self) -> None:
        """Check what can be checked of both only."""
        if not self.data:
            raise InvalidArgument("data", "is empty")
        if len(self.header) > 255:  # noqa: PLR2004 - its length is an octet
            raise InvalidArgument("header", "has more than 255 octets")

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        header = bytes([len(self.header)]) + self.header
        named = {"pid": self.protocol, "dcs": self.coding}
        given = ", ".join(f"{name}: {value}" for name, value in named.items() if value is not None)
        return {"bin": "2", "mes": (header + self.data).hex() + (f"\n~~~\n{given}" if given else "")}


@attrs.frozen(kw_only=True)
class WapPush(_Kind):
    """A link that the phone opens; the text holds it."""

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"push": "1"}


@attrs.frozen(kw_only=True)
class Hlr(_Kind):
    """No message: a question to the subscriber's operator, whether and where the phone is."""

    WORDS: ClassVar[Words] = Words.NONE

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"hlr": "1"}


@attrs.frozen(kw_only=True)
class Ping(_Kind):
    """A message that nobody sees, to find out whether the phone is reached."""

    WORDS: ClassVar[Words] = Words.NONE

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"ping": "1"}


@attrs.frozen(kw_only=True)
class Mms(_Kind):
    """A message with pictures, sound or film."""

    FILES: ClassVar[bool] = True
    BOUNDED: ClassVar[bool] = False

    subject: str = attrs.field(validator=checked(words))

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"mms": "1", "subj": self.subject}


@attrs.frozen(kw_only=True)
class Email(_Kind):
    """An e-mail; the recipients are addresses, and so is the *sender*."""

    RECIPIENTS: ClassVar[Recipients] = Recipients.EMAILS
    FILES: ClassVar[bool] = True
    BOUNDED: ClassVar[bool] = False

    subject: str = attrs.field(validator=checked(words))
    sender: str = attrs.field(validator=checked(checked_email))

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"mail": "1", "subj": self.subject, "sender": self.sender}


class Voice(enum.Enum):
    """Who reads a text to the subscriber."""

    MAN = "m"
    MAN_2 = "m2"
    WOMAN = "w"
    WOMAN_2 = "w2"
    WOMAN_3 = "w3"
    WOMAN_4 = "w4"


@attrs.frozen(kw_only=True)
class Redial:
    """How long and how often a subscriber is called."""

    wait: int = attrs.field(validator=checked(number(0, 99)))  # seconds that it rings
    interval: int = attrs.field(validator=checked(number(10, 3_600)))  # seconds between two calls
    attempts: int = attrs.field(validator=checked(number(0, 9)))


@attrs.frozen(kw_only=True)
class VoiceCall(_Kind):
    """A call in which the text is read to the subscriber, or a file played."""

    FILES: ClassVar[bool] = True

    voice: Voice = attrs.field(default=Voice.MAN, validator=checked(member(Voice)))
    redial: Redial | None = attrs.field(default=None, validator=optional(member(Redial)))

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        found = {"call": "1", "voice": self.voice.value}
        if self.redial is not None:
            found["param"] = f"{self.redial.wait},{self.redial.interval},{self.redial.attempts}"
        return found


@attrs.frozen(kw_only=True)
class CodeCall(_Kind):
    """A call from a number whose last six digits are a code; what is sent tells the code."""

    WORDS: ClassVar[Words] = Words.NONE

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"call": "1", "mes": "code"}


@attrs.frozen(kw_only=True)
class Viber(_Kind):
    """A message in Viber."""

    FILES: ClassVar[bool] = True

    short_links: bool = attrs.field(default=False, validator=checked(flag))

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"viber": "1", "tinyurl": "1"} if self.short_links else {"viber": "1"}


@attrs.frozen(kw_only=True)
class Social(_Kind):
    """A message in the social networks that the account is connected to."""

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"soc": "1"}


@attrs.frozen(kw_only=True)
class Telegram(_Kind):
    """A message in Telegram, by the gateway's own service."""

    RECIPIENTS: ClassVar[Recipients] = Recipients.NICKS

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"tg": "1"}


_BOT: Final = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{1,28}_?bot)", re.IGNORECASE)


def _bot(value: str) -> str:
    found = _BOT.fullmatch(check_text("name", value))
    if found is None:
        raise InvalidArgument("name", 'is no name of a bot; it ends in "bot", such as "@example_bot"')
    return f"@{found[1]}"


@attrs.frozen(kw_only=True)
class TelegramBot(_Kind):
    """A message from a bot of yours in Telegram, such as ``@example_bot``."""

    RECIPIENTS: ClassVar[Recipients] = Recipients.NICKS
    FILES: ClassVar[bool] = True

    name: str = attrs.field(converter=_bot)

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"bot": self.name}


def _own_number(value: str) -> str:
    return phone_digits(value, "number")


@attrs.frozen(kw_only=True)
class WhatsAppBot(_Kind):
    """A message from a number of yours in WhatsApp."""

    FILES: ClassVar[bool] = True

    number: str = attrs.field(converter=_own_number)

    def params(self) -> dict[str, str]:
        """Give what the gateway is told of it."""
        return {"bot": f"wa:{self.number}"}


Kind: TypeAlias = (
    Sms
    | Flash
    | Binary
    | WapPush
    | Hlr
    | Ping
    | Mms
    | Email
    | VoiceCall
    | CodeCall
    | Viber
    | Social
    | Telegram
    | TelegramBot
    | WhatsAppBot
)
