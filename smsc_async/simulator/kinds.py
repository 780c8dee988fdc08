"""The kinds of message: by which flag or prefix each is asked for, and the number that the gateway gives it."""

from __future__ import annotations

import math
from typing import Final, Literal

import attrs

from smsc_async.simulator import texts

#: Who may be written to: a phone, an e-mail address, or a nick or number of Telegram beside a phone.
Reached = Literal["phone", "e-mail", "nick"]

#: How many seconds of speech a text makes, roughly; the gateway tells the seconds of a call once it was made.
LETTERS_A_SECOND: Final = 15


@attrs.frozen
class Kind:
    """One kind of message."""

    name: str
    type: int  # "type of the message" in statuses and callbacks
    reached: Reached = "phone"
    wordless: bool = False  # it has no text
    in_parts: bool = False  # a text is divided, and each part is paid

    def count(self, text: str, *, binary: str = "", split_pairs: bool = False) -> int:
        """Count the parts of *text*, or the seconds of a call."""
        if self.type == 7:
            return max(1, math.ceil(len(text) / LETTERS_A_SECOND))
        if binary:
            return texts.octet_parts(len(text) // 2 if binary == "2" else len(text))
        return texts.parts(text, split_pairs=split_pairs) if self.in_parts else 1


SMS: Final = Kind("sms", 0, in_parts=True)
BINARY: Final = Kind("binary", 2, in_parts=True)
CALL: Final = Kind("call", 7)
MAIL: Final = Kind("mail", 8, reached="e-mail")
#: No list of types has a number for Telegram and bots; that of social networks is the nearest.
TELEGRAM: Final = Kind("telegram", 12, reached="nick")
BOT: Final = Kind("bot", 12, reached="nick")

#: By the flag that asks for it; `bin` is 1 or 2, `bot` names the bot.
FLAGS: Final[dict[str, Kind]] = {
    "flash": Kind("flash", 1, in_parts=True),
    "bin": BINARY,
    "push": Kind("push", 3),
    "hlr": Kind("hlr", 4, wordless=True),
    "ping": Kind("ping", 5, wordless=True),
    "mms": Kind("mms", 6),
    "call": CALL,
    "mail": MAIL,
    "viber": Kind("viber", 10),
    "soc": Kind("social", 12, reached="nick"),
    "tg": TELEGRAM,
    "bot": BOT,
}

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in (SMS, *FLAGS.values())}

#: What may stand at the beginning of a text in place of the flag.
PREFIXES: Final[dict[str, Kind]] = {
    "__CALL__": CALL,
    "__VIBER__": FLAGS["viber"],
    "__SOC__": FLAGS["soc"],
    "__PING__": FLAGS["ping"],
    "__HLR__": FLAGS["hlr"],
}
