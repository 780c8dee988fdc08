"""
Parameters to bytes: the form body, and the fingerprint by which the guard knows identical requests.

The vendor never says what "identical" means. A fingerprint covers every parameter that the gateway could compare, in an
order of its own; it leaves out who asks and in which form the answer comes.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus

from smsc_async import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NOT_COMPARED", "action_fingerprint", "begin_digest", "encode_form", "fingerprint"]

NOT_COMPARED: Final = frozenset({"login", "psw", "apikey", "fmt", "charset"})
_SIZE: Final = 14  # bytes; two of a million live keys meet by chance once in 10^22

# Two fresh hashes to copy: their `person` keeps requests and actions apart.
_REQUEST: Final = blake2b(digest_size=_SIZE, person=b"smsc.request")
_ACTION: Final = blake2b(digest_size=_SIZE, person=b"smsc.action")

#: Gives a hash to feed with all that is counted of a request, joined.
begin_digest: Final = _REQUEST.copy


def encode_form(params: Mapping[str, str]) -> bytes:
    """
    Write *params* as ``application/x-www-form-urlencoded`` in UTF-8.

    Raises:
        InvalidArgument: A value holds half of a surrogate pair; it is not shown, as it may be a secret.
    """
    pairs = []
    for name, value in params.items():
        try:
            pairs.append(f"{quote_plus(name)}={quote_plus(value)}")
        except UnicodeEncodeError:
            problem = "holds half of a surrogate pair, so it is no Unicode text; decode it properly first"
            raise errors.InvalidArgument(name, problem) from None
    return "&".join(pairs).encode("ascii")


def fingerprint(account: str, path: str, params: Mapping[str, str]) -> bytes:
    """Give 14 bytes that are the same for requests that the gateway could call identical, and for no others."""
    counted = [account, path]
    for name in sorted(params):
        if name not in NOT_COMPARED:
            counted += (name, params[name])
    digest = begin_digest()
    digest.update(_joined(counted))
    return digest.digest()


def action_fingerprint(account: str, path: str, fixed: Mapping[str, str]) -> bytes:
    """Give 14 bytes for an action as a whole, whatever its other parameters; equal to no request's fingerprint."""
    counted = [account, path]
    for name in sorted(fixed):
        counted += (name, fixed[name])
    digest = _ACTION.copy()
    digest.update(_joined(counted))
    return digest.digest()


def _joined(parts: list[str]) -> bytes:
    """Join with NUL, which no checked parameter holds; should one, lengths keep the parts apart."""
    text = "\0".join(parts)
    if text.count("\0") >= len(parts):
        text = "\0\0" + "".join(f"{len(part)}:{part}" for part in parts)
    return text.encode("utf-8", "surrogatepass")
