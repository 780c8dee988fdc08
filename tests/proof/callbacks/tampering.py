"""
Tampers with genuine callbacks, without the secret, and looks whether anything else is believed than what was signed.

What is tampered with is told apart by readers of the standard library: only where those find that the kind, a signed
field or the digest is another one, the input counts. A change that leaves all of them as they were is no forgery; where
the standard library reads nothing, or a name twice, nobody can say what was changed. Both are counted apart, and must
not be believed with other values either.
"""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl

import attrs

from smsc_async.errors import WebhookError
from smsc_async.webhooks import CallConfirmation, DeliveryStatus
from tests.proof.callbacks.fuzzing import Failed, receiver
from tests.proof.callbacks.genuine import CHARSETS, FORMATS, SIGNED, Genuine, body_of, made_up, signed_pieces
from tests.proof.callbacks.mutating import kind_by, spoiled_bytes, spoiled_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.webhooks import Event

__all__ = ["CHANGED", "Tampered", "one_tampering", "tamper"]

CHANGED: Final = "what is signed, or the digest, was changed"
RECODED: Final = "the same text, written in another charset"
LEFT: Final = "signed fields and digest were left as they were"
UNCLEAR: Final = "the standard library cannot read it, or not in one way"
_MARK: Final = "a-mark-to-be-replaced"


@attrs.define
class Tampered:
    """What a run has seen: of each sort, what became of it."""

    genuine: int = 0
    two_ways: int = 0  # others, whose bytes are text in another charset too
    refused: Counter[str] = attrs.field(factory=Counter)
    believed: Counter[str] = attrs.field(factory=Counter)  # with the values that were signed
    seconds: float = 0.0

    @property
    def changed(self) -> int:
        return self.refused[CHANGED] + self.believed[CHANGED]

    def __iadd__(self, other: Tampered) -> Self:
        self.genuine += other.genuine
        self.two_ways += other.two_ways
        self.refused += other.refused
        self.believed += other.believed
        self.seconds += other.seconds
        return self

    def table(self) -> list[str]:
        rows = [
            "| inputs | in all | refused | believed, as it was signed | believed otherwise |",
            "|---|---:|---:|---:|---:|",
        ]
        for sort in (CHANGED, RECODED, LEFT, UNCLEAR):
            refused, believed = self.refused[sort], self.believed[sort]
            rows.append(f"| {sort} | {refused + believed:,} | {refused:,} | {believed:,} | 0 |")
        rows.append(f"| genuine | {self.genuine:,} | 0 | {self.genuine:,} | 0 |")
        rows.append(f"| genuine, in bytes that are text in another charset too | {self.two_ways:,} | | | |")
        return rows


def believed(genuine: Genuine, body: bytes) -> Any:
    """Give kind and signed values of the event that comes of *body*; None where it is refused."""
    reader = receiver(genuine.format, genuine.charset, genuine.digest)
    try:
        event = reader.parse(body, content_type=genuine.content_type)
    except WebhookError:
        return None
    return _values(event)


def _values(event: Event) -> Any:
    if isinstance(event, DeliveryStatus):
        return "status", event.id, event.phone, int(event.status)
    if isinstance(event, CallConfirmation):
        return "confirmation", event.phone, int(event.called_at.timestamp())
    return "message", event.phone, event.text, event.to


def meant(genuine: Genuine) -> Any:
    """Give the values that were signed."""
    fields = genuine.fields
    phone = fields["phone"]
    phone = phone[1:] if phone[:1] == "+" and phone[1:].isascii() and phone[1:].isdecimal() else phone
    if genuine.kind == "status":
        return "status", fields["id"], phone, int(fields["status"])
    if genuine.kind == "confirmation":
        return "confirmation", phone, int(fields["ts"])
    return "message", phone, fields["mes"], fields["to"]


def one_reading(genuine: Genuine) -> Genuine:
    """
    Give it with the signed fields as the bytes that were hashed are to be read: in one way alone.

    Bytes of another charset are text in windows-1251 and in koi8-r too. So what is UTF-8 is read as such, where the
    receiver's charset has the characters; else it is the receiver's charset; else windows-1251. That is mostly what was
    meant: no Cyrillic that people write is UTF-8 by accident, short words aside ("НІ" in windows-1251 is).
    """
    pieces = signed_pieces(genuine.fields, genuine.kind, genuine.hashed)
    read = {name: _read(octets, genuine.charset) for name, octets in zip(SIGNED[genuine.kind], pieces, strict=True)}
    return attrs.evolve(genuine, fields=genuine.fields | read)


def is_text_in_two_charsets(genuine: Genuine) -> bool:
    """Whether the bytes that were sent are to be read otherwise than they were meant."""
    texts = [genuine.fields.get(name, "") for name in SIGNED[genuine.kind]]
    return any(_read(text.encode(genuine.charset), genuine.charset) != text for text in texts)


def _read(octets: bytes, charset: str) -> str:
    try:
        text = octets.decode("utf-8")
        text.encode(charset)
    except UnicodeError:
        return octets.decode("koi8-r" if charset == "koi8-r" else "windows-1251")
    return text


# What was tampered with -------------------------------------------------------------------------------------------


def seen_by_others(genuine: Genuine, body: bytes) -> dict[str, str] | None:
    """Read *body* with the standard library; None where that does not work, or a name stands there twice."""
    try:
        pairs = _OTHERS[genuine.format](body, genuine)
    except (ValueError, ET.ParseError, RecursionError, LookupError):
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def _decoded(body: bytes, genuine: Genuine) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode(genuine.charset)


def _form(body: bytes, genuine: Genuine) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding="latin-1")


def _xml(body: bytes, genuine: Genuine) -> list[tuple[str, str]]:
    text = _decoded(body, genuine)
    return [(child.tag, child.text or "") for child in ET.fromstring(text.partition("?>\n")[2] or text)]


def _json(body: bytes, genuine: Genuine) -> list[tuple[str, str]]:
    pairs = json.loads(_decoded(body, genuine), object_pairs_hook=list, parse_int=str, parse_float=str)
    if not isinstance(pairs, list) or not all(isinstance(each, tuple) and isinstance(each[1], str) for each in pairs):
        raise ValueError
    return pairs


def _parts(body: bytes, genuine: Genuine) -> list[tuple[str, str]]:
    parts = body.split(b"--" + genuine.content_type.partition("boundary=")[2].encode())
    if parts[0] or parts[-1] != b"--\r\n":
        raise ValueError
    pairs = []
    for part in parts[1:-1]:
        head, gap, text = part.partition(b"\r\n\r\n")
        start, _, name = head.partition(b'name="')
        if not gap or start != b"\r\nContent-Disposition: form-data; " or name[-1:] != b'"' or text[-2:] != b"\r\n":
            raise ValueError
        pairs.append((name[:-1].decode("latin-1"), text[:-2].decode("latin-1")))
    return pairs


_OTHERS: Final[dict[str, Callable[[bytes, Genuine], list[tuple[str, str]]]]] = {
    "form": _form,
    "parts": _parts,
    "xml": _xml,
    "json": _json,
}


def _signed(fields: dict[str, str], digest: str) -> Any:
    kind = kind_by(fields)
    to = {"to": ""} if kind == "message" else {}  # which may be left out
    fields = to | fields
    return kind, [fields.get(name) for name in SIGNED[kind]], fields.get(digest, "").lower()


# Tampering --------------------------------------------------------------------------------------------------------


def one_tampering(seed: int, number: int) -> tuple[Genuine, bytes, str]:
    """Give a genuine callback, what was made of it, and of which sort that is."""
    random = Random(f"{seed} tamper {number}")
    genuine = made_up(random, random.choice(FORMATS))
    roll = random.random()
    if roll < 0.05:
        others = [one for one in CHARSETS[: 3 if genuine.format in {"form", "parts"} else 2] if one != genuine.charset]
        try:
            "".join(genuine.fields.values()).encode(charset := random.choice(others))
        except UnicodeEncodeError:
            charset = "utf-8"
        return genuine, body_of(genuine.fields, genuine.format, charset, random), RECODED
    if roll < 0.1:
        body = _with_a_foreign_byte(random, genuine)
    elif roll < 0.75:
        fields = dict(spoiled_fields(random, genuine.fields, times=random.choice((1, 1, 2, 3))))
        body = body_of(fields, genuine.format, genuine.charset, random)
    else:
        body = spoiled_bytes(random, genuine.body, times=random.choice((1, 1, 2, 3)))
    seen = seen_by_others(genuine, body)
    if seen is None:
        return genuine, body, UNCLEAR
    before = seen_by_others(genuine, genuine.body)
    if before is None:
        return genuine, body, UNCLEAR
    return genuine, body, LEFT if _signed(seen, genuine.digest) == _signed(before, genuine.digest) else CHANGED


def _with_a_foreign_byte(random: Random, genuine: Genuine) -> bytes:
    """Put a byte that is no UTF-8 into a field that nothing signs: a reader may take all for another charset."""
    body = body_of(genuine.fields | {"cmt": _MARK}, genuine.format, genuine.charset, random)
    return body.replace(_MARK.encode(), b"%FF" if genuine.format == "form" else b"\xff")


def tamper(seed: int, first: int, inputs: int) -> Tampered:
    """
    Tamper so many times.

    Raises:
        Failed: A forgery was believed, or a genuine callback was not.
    """
    found = Tampered()
    began = time.monotonic()
    for number in range(first, first + inputs):
        genuine, body, sort = one_tampering(seed, number)
        truth = meant(one_reading(genuine))
        again = f"\npython -m tests.proof.callbacks replay --target tamper --seed {seed} --number {number}"
        own = believed(genuine, genuine.body)
        if truth != meant(genuine) or is_text_in_two_charsets(genuine):
            found.two_ways += 1
            if own not in {None, truth}:
                raise Failed(f"a genuine callback became {own}, not {truth}{again}")
        elif own != truth:
            raise Failed(f"a genuine callback became {own}, not {truth}{again}")
        else:
            found.genuine += 1
        now = believed(genuine, body)
        if now is None:
            found.refused[sort] += 1
        elif now == truth:
            found.believed[sort] += 1
        else:
            raise Failed(f"{sort}: what was signed as {truth} was believed as {now}{again}")
    found.seconds = time.monotonic() - began
    return found
