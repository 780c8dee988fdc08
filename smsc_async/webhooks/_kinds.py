"""
The kinds of callback, and the text of each that its digest covers.

The kinds are disjoint. A digest covers three fields of a status and of a message, and two of a confirmation, with
colons between them, and nothing tells which kind it is; so the grammars below see to it that no text is that of two
kinds, or of two callbacks of one kind:

======================== ========================== ============================================
status                   ``id:phone:status:secret`` only digits and a sign in the third part
message                  ``phone:text:to:secret``   colons in the text alone; ``to`` is no status
confirmation             ``phone:ts:secret``        one colon less than any other
======================== ========================== ============================================

Source: https://smsc.ua/api/http/miscellaneous/callback/
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async.errors import MalformedCallback

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KNOWN", "Kind", "Signed", "kind_of"]


@attrs.frozen(eq=False)
class Signed:
    """A field that the digest covers, and what may stand in it."""

    name: str  # the gateway's
    grammar: re.Pattern[str]
    required: bool = True


# Whatever names somebody in a messenger or a mailbox: an operator's, a phone, an address, a nick.
_NAME: Final = r"[^:\x00-\x1f\x7f]"


class Kind(enum.Enum):
    """What a callback tells of; the value is what its digest covers, in this order."""

    STATUS = (
        Signed("id", re.compile(r"[A-Za-z0-9._-]{1,40}")),
        Signed("phone", re.compile(rf"{_NAME}{{1,128}}")),
        Signed("status", re.compile(r"-?[0-9]{1,2}")),
    )
    MESSAGE = (
        Signed("phone", re.compile(rf"{_NAME}{{1,128}}")),
        Signed("mes", re.compile(r".*", re.DOTALL)),
        # Three characters at the least: a status has two, and a sign. Nothing at all is no status either.
        Signed("to", re.compile(rf"(?!-[0-9]{{1,2}}\Z){_NAME}{{3,128}}|"), required=False),
    )
    CONFIRMATION = (
        Signed("phone", re.compile(r"\+?[0-9]{3,20}")),
        Signed("ts", re.compile(r"[0-9]{1,10}")),  # until 2286, which every platform has a date for
    )


#: All names that the vendor gives to fields of a callback.
KNOWN: Final = frozenset(
    {
        *(
            "id",
            "phone",
            "status",
            "time",
            "ts",
            "err",
            "syserr",
            "cnt",
            "type",
            "cost",
            "flag",
            "sender",
            "dtmf",
            "cmt",
        ),
        *("imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet"),
        *("calltime", "callmenu", "ringtime"),
        *("sms_id", "mes", "to", "smsc", "sent"),
        "waitcall",
        *("md5", "sha1", "crc32"),
    }
)


def kind_of(texts: Mapping[str, str]) -> Kind:
    """
    Decide the kind, as the vendor's page does: by ``mes``, then by ``waitcall``; and check what its digest covers.

    Raises:
        MalformedCallback: It is none, or more than one, or a signed field has another form than its grammar allows.
    """
    if "mes" in texts:
        if "waitcall" in texts:
            raise MalformedCallback("it is an incoming message and a confirmation at once")
        kind = Kind.MESSAGE
    elif "waitcall" in texts:
        if texts["waitcall"] != "1":
            raise MalformedCallback("its field waitcall is not 1")
        kind = Kind.CONFIRMATION
    else:
        kind = Kind.STATUS
    for field in kind.value:
        text = texts.get(field.name)
        if text is None:
            if not field.required:
                continue
            raise MalformedCallback(f"it has no field {field.name}")
        if field.grammar.fullmatch(text) is None:
            raise MalformedCallback(f"its field {field.name} has not the form that it must have")
    return kind
