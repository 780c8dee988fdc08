"""Where the gateway is: base addresses checked, and the digests that limits and credentials are known by."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from smsc_async.errors import InvalidArgument, InvalidArgumentType

if TYPE_CHECKING:
    from smsc_async._privacy import Secret

__all__ = [
    "BASE_URL",
    "account_digest",
    "backup_urls_for",
    "checked_base_url",
    "credential_digest",
    "credential_tag",
    "origin",
]

BASE_URL: Final = "https://smsc.ua"
_BACKUP_URLS: Final = ("https://www2.smsc.ua",)  # the only documented one: https://smsc.ua/api/http/
_MIRROR: Final = re.compile(r"^www\d*\.")  # hosts of one gateway; whether they count apart is not documented
_PORTS: Final = {"http": 80, "https": 443}
_PROCESS_KEY: Final = secrets.token_bytes(16)  # credentials' digests mean nothing outside this process


def checked_base_url(name: str, url: object, *, allow_plain_http: bool, example: str = BASE_URL) -> str:
    """
    Give *url* without a trailing slash, if requests with a password, or a digest in its place, may go there.

    Raises:
        InvalidArgument: It is not an absolute https address, or a plain one that is not this machine's.
    """
    if not isinstance(url, str):
        raise InvalidArgumentType(name, f"give an address such as {example!r}, not {type(url).__name__}")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidArgument(name, f"give an address of plain characters such as {example!r}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidArgument(name, f"give an address such as {example!r}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise InvalidArgument(name, f"give an absolute address such as {example!r}")
    if parts.username is not None or parts.password is not None:
        raise InvalidArgument(name, "give an address without a user name or password in it")
    if "?" in url or "#" in url:  # an empty query too: what is put behind it would be part of it
        raise InvalidArgument(name, "give the address without a query or a fragment")
    if parts.scheme == "http" and not (allow_plain_http or _is_loopback(host)):
        raise InvalidArgument(
            name,
            "plain http would show the password to the network: use https, "
            "or allow_plain_http=True for a simulator on a private one",
        )
    return url.rstrip("/")


def backup_urls_for(base_url: str, given: Sequence[str] | None, *, allow_plain_http: bool) -> tuple[str, ...]:
    """Give the checked backup addresses: the documented one for the gateway itself, none for another address."""
    if given is None:
        return _BACKUP_URLS if base_url == BASE_URL else ()
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InvalidArgumentType("backup_urls", f"give a sequence of addresses, not {type(given).__name__}")
    return tuple(checked_base_url("backup_urls", url, allow_plain_http=allow_plain_http) for url in given)


def origin(base_url: str) -> str:
    """Give scheme, host and port, the mirrors of one gateway folded together."""
    parts = urlsplit(base_url)
    host = _MIRROR.sub("", (parts.hostname or "").rstrip("."))
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def account_digest(name: Secret, base_url: str) -> str:
    """Give what the limits of an account are known by; *name* is its login, its key, or the user's name for it."""
    text = f"{origin(base_url)}\0{name.reveal()}".encode()
    return hashlib.blake2b(text, digest_size=12, person=b"smsc account").hexdigest()


def credential_digest(base_url: str, parts: Sequence[Secret]) -> str:
    """Give what a set of credentials is known by in this process."""
    text = "\0".join((origin(base_url), *(part.reveal() for part in parts))).encode()
    return hashlib.blake2b(text, digest_size=12, key=_PROCESS_KEY, person=b"smsc login").hexdigest()


def credential_tag(base_url: str, parts: Sequence[Secret]) -> str:
    """
    Give what a set of credentials is known by in all processes that share a guard.

    That is a digest of the login or key, and one byte that tells passwords apart, nearly always. It is that short
    because it stands where the guard keeps its state: who reads it there can tell 255 of 256 wrong passwords to be
    wrong, and no more.
    """
    texts = [origin(base_url), *(part.reveal() for part in parts)]
    name = hashlib.blake2b("\0".join(texts[:2]).encode(), digest_size=10, person=b"smsc login").hexdigest()
    return name + hashlib.blake2b("\0".join(texts).encode(), digest_size=1, person=b"smsc password").hexdigest()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
