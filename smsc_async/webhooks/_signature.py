"""
Digests: does this callback know the secret of the handler's address?

The vendor says which text is hashed, and not in which bytes, so a few readings are tried: the bytes as they stood in
the body, the receiver's charset, UTF-8, windows-1251.

Trying more must make nothing easier to forge. The UTF-8 of "Привіт" is at the same time "РџСЂРёРІС–С‚" in windows-1251;
whoever sends that text on would have a digest for it, did every reading count. So bytes count only for the text that
they themselves are read as: what is accepted follows from what was hashed.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from smsc_async.errors import SignatureMismatch
from smsc_async.webhooks._fields import octets_of, text_of
from smsc_async.webhooks.events import Digest, Signature

if TYPE_CHECKING:
    from smsc_async._privacy import Secret
    from smsc_async.webhooks._fields import Fields
    from smsc_async.webhooks._kinds import Kind

__all__ = ["DIGESTS", "verify"]

_AS_RECEIVED: Final = "as received"
_MOST_READINGS: Final = 3


def verify(
    fields: Fields, kind: Kind, *, digest: Digest, charset: str, secrets: Sequence[Secret], token: bool
) -> Signature:
    """
    Say how the callback proved where it comes from.

    Every digest in it must match, and the receiver's own must be among them.

    Raises:
        SignatureMismatch: It proves nothing, or the opposite.
    """
    texts = fields.texts
    given = texts.get(digest, "")
    if not given:
        raise SignatureMismatch(f"it has no {digest}; is it in the handler's address?")
    claims: dict[Digest, str] = {name: texts[name] for name in DIGESTS if texts.get(name)}
    text = "".join([f"{texts.get(field.name, '')}:" for field in kind.value])
    readings = [(_AS_RECEIVED, text.encode("ascii"))] if text.isascii() else _readings(fields, kind, charset)
    for reading, signed in readings:
        for number, secret in enumerate(secrets):
            if _matches(signed, secret, claims):
                return _signature(digest, reading, number, token)
    raise SignatureMismatch(f"its {' or its '.join(claims)} does not match")


_signature: Final = cache(Signature)  # there are few of them, and each is made often


def _matches(signed: bytes, secret: Secret, claims: Mapping[Digest, str]) -> bool:
    """Say whether all digests match; the text with the secret in it stays in this frame, which ends here."""
    octets = signed + secret.octets
    return all(DIGESTS[name](octets, given) for name, given in claims.items())


def _readings(fields: Fields, kind: Kind, charset: str) -> Iterator[tuple[str, bytes]]:
    """Give the bytes that may have been hashed, each followed by a colon, at most three times, none twice."""
    tried = set()
    if fields.octets is not None:
        octets = "".join([f"{fields.octets.get(field.name, '')}:" for field in kind.value]).encode("latin-1")
        tried.add(octets)
        yield _AS_RECEIVED, octets
    texts = [fields.texts.get(field.name, "") for field in kind.value]
    for one in dict.fromkeys((charset, "utf-8", "windows-1251")):
        try:
            parts = [octets_of(each, one) for each in texts]
        except UnicodeEncodeError:
            continue
        octets = b"".join([part + b":" for part in parts])
        if octets not in tried and all(
            text_of(part, charset)[0] == each for part, each in zip(parts, texts, strict=True)
        ):
            tried.add(octets)
            yield one, octets
        if len(tried) == _MOST_READINGS:
            return


# A digest matches in constant time: how long a comparison takes must not tell how much of a forgery was right.


def _md5(octets: bytes, given: str) -> bool:
    return _same(hashlib.md5(octets, usedforsecurity=False).hexdigest(), given)


def _sha1(octets: bytes, given: str) -> bool:
    return _same(hashlib.sha1(octets, usedforsecurity=False).hexdigest(), given)


def _same(computed: str, given: str) -> bool:
    return hmac.compare_digest(computed.encode(), given.lower().encode("utf-8", "surrogatepass"))


def _crc32(octets: bytes, given: str) -> bool:
    """PHP writes it as a number with a sign or without one, or in hexadecimal; the vendor does not say which."""
    computed = zlib.crc32(octets)
    signed = computed - (computed >> 31 << 32)
    readings = [f"{computed}", f"{signed}", f"{computed:08x}", f"{computed:x}"]
    return any(_same(reading, given) for reading in readings)


DIGESTS: Final[Mapping[Digest, Callable[[bytes, str], bool]]] = {"sha1": _sha1, "md5": _md5, "crc32": _crc32}
