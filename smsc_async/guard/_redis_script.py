"""
What the script on the server is asked, and what it answers: bytes out, plain data in. Pure.

The script itself is `_redis.lua`; what its arguments and fields are is said there. Names are keyed digests, and the key
is the account, which is not told: so nobody who reads them can try phones or passwords.
"""

from __future__ import annotations

import hashlib
from hashlib import blake2b
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from smsc_async.guard._subordinate import FENCE_KEY

if TYPE_CHECKING:
    from smsc_async.guard._records import Demand, Identity, Settings

__all__ = ["SCRIPT", "SHA", "Names", "by_digest", "channel", "command", "in_full", "schema"]

SCRIPT: Final = files("smsc_async.guard").joinpath("_redis.lua").read_text(encoding="utf-8")
SHA: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest().encode()
VERSION: Final = 1  # of what stands in the hash; a script of another version is refused
_SIZE: Final = 12  # bytes of a digest
_PERSON: Final = b"smsc_async guard"


def schema(settings: Settings, max_files: int, longest: float, longest_file: float) -> bytes:
    """Give the numbers that all processes must share, in milliseconds where they are times."""
    numbers = [
        VERSION,
        _ms(settings.window),
        _ms(settings.margin),
        _ms(settings.lateness),
        settings.max_concurrency,
        max_files,
        _ms(longest),
        _ms(longest_file),
    ]
    return " ".join(map(str, numbers)).encode()


def command(*words: bytes) -> bytes:
    """Give a command as the server reads it."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def channel(hash_name: bytes, member: bytes) -> bytes:
    """Give where a process hears that a token is its to ask for."""
    return b"%b:%b" % (hash_name, member)


class Names:
    """
    How one identity's account, credentials, gateway and keys are called on the server.

    Args:
        identity: Whose.
        schema: The numbers that all processes must share.
    """

    __slots__ = ("_digest", "_head", "_tail", "credential", "gateway", "hash")

    def __init__(self, identity: Identity, schema: bytes) -> None:
        key = hashlib.sha256(identity.account.encode()).digest()
        self._digest = blake2b(key=key, digest_size=_SIZE, person=_PERSON)
        self.hash: bytes = b"{smsc:%b}" % self.of(b"account")
        self.credential: bytes = self.of(b"credential " + identity.credential.encode())
        self.gateway: bytes = self.of(b"gateway " + identity.gateway.encode())
        self._head = _words(b"1", self.hash), _words(schema)
        self._tail = _words(self.credential, self.gateway)

    def of(self, name: bytes) -> bytes:
        """Give the digest of a name, the same for all processes of the account."""
        digest = self._digest.copy()
        digest.update(name)
        return digest.hexdigest().encode()

    def whom(self, demand: Demand) -> tuple[int, bytes]:
        """Give the last words of every step of a call, and how many they are."""
        count, parts = 3, [self._tail, b"$1\r\n1\r\n" if demand.may_block else b"$1\r\n0\r\n"]
        digest = self._digest
        for rule, key in demand.charges:
            if key is FENCE_KEY:
                continue
            name = digest.copy()
            name.update(key)
            n = b"%d" % rule.n
            parts.append(
                b"$%d\r\n%b\r\n$%d\r\n%b\r\n$1\r\n%b\r\n"
                % (2 * _SIZE, name.hexdigest().encode(), len(n), n, b"1" if rule.rests else b"0")
            )
            count += 3
        return count, b"".join(parts)

    def take(  # noqa: PLR0917 - every call makes one
        self,
        lease: bytes,
        lasts: int,
        seen: int,
        elapsed: int,
        waited: int,
        whom: tuple[int, bytes],
        sure: bytes = b"0",
    ) -> bytes:
        """Give the words that ask for a call."""
        times = _words(lease, b"%d" % lasts, b"%d" % seen, b"%d" % elapsed, sure, b"%d" % waited)
        return self._step(b"$4\r\nTAKE\r\n", times, whom)

    def tell(self, step: bytes, lease: bytes, lasts: int, more: bytes, whom: tuple[int, bytes]) -> bytes:
        """Give the words that tell of a call: FINISH with its outcome, PROVE, LEAVE."""
        return self._step(_words(step), _words(lease, b"%d" % lasts, b"0", b"0", b"0", more), whom)

    def _step(self, step: bytes, times: bytes, whom: tuple[int, bytes]) -> bytes:
        """Give all words but the first two: whether by digest or in full, the script comes before them."""
        where, numbers = self._head
        return b"".join((b"%d " % (10 + whom[0]), where, step, numbers, times, whom[1]))


def by_digest(step: bytes) -> bytes:
    """Give a step as a command to run the script that the server knows."""
    return _run(step, b"$7\r\nEVALSHA\r\n$40\r\n%b\r\n" % SHA)


def in_full(step: bytes) -> bytes:
    """Give a step as a command that brings the script."""
    return _run(step, _words(b"EVAL", SCRIPT.encode()))


def _run(step: bytes, how: bytes) -> bytes:
    count, _, words = step.partition(b" ")
    return b"*%d\r\n%b%b" % (int(count) + 2, how, words)


def _words(*words: bytes) -> bytes:
    return b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
