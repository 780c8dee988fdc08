"""Where a client's handler is and how it wants to be called: the address that is pasted into the account's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from smsc_async.simulator.request import CHARSETS, DEFAULT_CHARSET

#: "any of the parameters md5, sha1, crc32"; more than one is not ruled out.
DIGESTS: Final = ("md5", "sha1", "crc32")

#: "Latin letters, digits, minus and underscore may be used as characters of the secret string".
SECRET: Final = re.compile(r"[A-Za-z0-9_-]+")

#: What `fmt` may be here; any other value is as if it was not there.
FORMATS: Final = {"2": 2, "3": 3}


@attrs.frozen(kw_only=True)
class HandlerAddress:
    """
    An address taken apart (https://smsc.ua/api/http/miscellaneous/callback/). The repr shows no parameter.

    Args:
        url: What is called: without what stood after ``?``, and with what stood between ``!`` and ``?`` as its query.
        charset: Of what is sent: windows-1251 (the default), utf-8 or koi8-r, which XML and JSON do not use.
        fmt: 2 for XML, 3 for JSON, 0 for a form.
        secrets: Which digests are wanted, with the secret that each is made with.
        echoed: All other parameters, charset and fmt among them, which are sent along.
    """

    url: str = attrs.field(repr=False)
    charset: str = DEFAULT_CHARSET
    fmt: int = 0
    secrets: Mapping[str, str] = attrs.field(repr=False, factory=dict[str, str])
    echoed: Mapping[str, str] = attrs.field(repr=False, factory=dict[str, str])


def parse_address(address: str) -> HandlerAddress:
    """
    Take *address* apart.

    Raises:
        ValueError: It is no http(s) address, or a secret has characters that the gateway does not allow.
    """
    called, _, posted = address.partition("?")
    base, bang, query = called.partition("!")
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the handler's address is no http(s) address")
    parameters = dict(parse_qsl(posted, keep_blank_values=True, errors="replace"))
    secrets: dict[str, str] = {name: parameters.pop(name) for name in DIGESTS if name in parameters}
    for name, secret in secrets.items():
        if not SECRET.fullmatch(secret):
            raise ValueError(f"the secret of {name} may have Latin letters, digits, minus and underscore")
    charset = parameters.get("charset", DEFAULT_CHARSET).lower()
    fmt = FORMATS.get(parameters.get("fmt", ""), 0)
    if charset not in CHARSETS or (fmt and charset == "koi8-r"):
        charset = DEFAULT_CHARSET
    url = f"{base}?{query}" if bang else base
    return HandlerAddress(url=url, charset=charset, fmt=fmt, secrets=secrets, echoed=parameters)
