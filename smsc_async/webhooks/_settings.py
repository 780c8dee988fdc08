"""What a receiver is set to: the same as the handler's address in the account's settings says, and checked."""

from __future__ import annotations

import re
import secrets
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import urlencode, urlsplit

import attrs

from smsc_async._address import checked_base_url
from smsc_async._privacy import Secret
from smsc_async._wire import check_text
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.webhooks._fields import CHARSETS
from smsc_async.webhooks._kinds import KNOWN
from smsc_async.webhooks.events import Digest

__all__ = ["CallbackFormat", "Charset", "Settings", "address", "checked_settings", "concealed", "new_secret"]

CallbackFormat: TypeAlias = Literal["form", "xml", "json"]
Charset: TypeAlias = Literal["utf-8", "windows-1251", "koi8-r"]

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]+")  # "латинські літери, цифри, мінус і підкреслення"
_SHORTEST_SECRET: Final = 16
_NEW_SECRET: Final = 40  # characters
_MOST_SECRETS: Final = 2
_FMT: Final = {"xml": "2", "json": "3"}
_TOKEN: Final = "token"  # noqa: S105 - a name
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")  # PHP would make an underscore of a point
_RESERVED: Final = KNOWN | {"charset", "fmt", _TOKEN}
_EXAMPLE: Final = "https://example.com/smsc/"
_LONGEST_ADDRESS: Final = 2000  # characters, which is what browsers, proxies and forms surely take


def new_secret() -> str:
    """Give a secret of 40 random characters, all of which the gateway takes: letters, digits, minus and underscore."""
    return secrets.token_urlsafe(_NEW_SECRET)[:_NEW_SECRET]


@attrs.frozen(kw_only=True)
class Settings:
    """What the handler's address says, checked."""

    secrets: tuple[Secret, ...]
    digest: Digest
    charset: Charset
    format: CallbackFormat
    token: Secret | None
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    declared: frozenset[str]

    @property
    def token_name(self) -> str:
        """The name of the parameter that the token is in."""
        return _TOKEN


def concealed(value: object) -> object:
    """
    Wrap each text in *value*, so that no frame of an error shows it from here on; of what is no text, give the type.
    """
    if value is None or isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return tuple(Secret(each) if isinstance(each, str) else type(each) for each in value)
    return type(value)


def checked_settings(
    *,
    secret: object,
    digest: object,
    charset: object,
    format: object,  # noqa: A002 - what everybody calls it
    token: object,
    parameters: object,
    query: object,
) -> Settings:
    """
    Check a receiver's arguments, of which *secret* and *token* are `concealed`.

    Raises:
        InvalidArgument: One of them cannot be in a handler's address, or would make it worthless.
    """
    given = (secret,) if isinstance(secret, Secret) else secret
    if not isinstance(given, tuple):
        raise InvalidArgumentType("secret", 'give the text of the address\'s "sha1=...", or two during a change')
    if not 1 <= len(given) <= _MOST_SECRETS:
        raise InvalidArgument("secret", "give one, or two during a change: the new one first")
    _one_of("digest", digest, get_args(Digest))
    _one_of("charset", charset, CHARSETS)
    _one_of("format", format, get_args(CallbackFormat))
    if format != "form" and charset == "koi8-r":
        raise InvalidArgument("charset", "the gateway writes no koi8-r in XML and JSON; take utf-8")
    said, asked = _parameters("parameters", parameters), _parameters("query", query)
    if twice := said.keys() & asked.keys():
        raise InvalidArgument("query", f"{min(twice)} is among the parameters too")
    if digest == "crc32":
        warnings.warn(
            "crc32 authenticates nothing: whoever sees one callback can forge others; use sha1",
            UserWarning,
            stacklevel=3,
        )
    if charset == "koi8-r":
        warnings.warn("koi8-r has no letters і, ї, є and ґ; use utf-8", UserWarning, stacklevel=3)
    settings: Any = {"digest": digest, "charset": charset, "format": format}
    return Settings(
        secrets=tuple(_secret("secret", each) for each in given),
        token=None if token is None else _secret("token", token),
        parameters=said,
        query=asked,
        declared=frozenset(said | asked),
        **settings,
    )


def address(settings: Settings, base: object, *, allow_plain_http: bool) -> str:
    """Give what to paste into the account's settings."""
    checked = checked_base_url("base", base, allow_plain_http=allow_plain_http, example=_EXAMPLE)
    if isinstance(base, str) and base.endswith("/"):
        checked += "/"
    if not urlsplit(checked).path:
        checked += "/"
    if "!" in checked:
        raise InvalidArgument(
            "base", "give an address without an exclamation mark, which means something to the gateway"
        )
    query = "!" + urlencode(settings.query) if settings.query else ""
    said: dict[str, str] = {"charset": settings.charset}
    if settings.format in _FMT:
        said["fmt"] = _FMT[settings.format]
    said[settings.digest] = settings.secrets[0].reveal()
    if settings.token is not None:
        said[_TOKEN] = settings.token.reveal()
    whole = f"{checked}{query}?{urlencode(said | dict(settings.parameters))}"
    said.clear()  # the frame of an error shows its locals to crash reports
    if len(whole) > _LONGEST_ADDRESS:
        whole = ""
        raise InvalidArgument("base", f"the address would be longer than {_LONGEST_ADDRESS} characters")
    return whole


def _secret(name: str, value: object) -> Secret:
    if not isinstance(value, Secret):
        what = value.__name__ if isinstance(value, type) else "None"
        raise InvalidArgumentType(name, f"must be a str, not {what}")
    problem = _problem_with(value)
    if problem:
        raise InvalidArgument(name, f"{problem}; webhooks.new_secret() makes one")
    return value


def _problem_with(secret: Secret) -> str:
    """Say what is wrong with it; its text stays in this frame, which ends here."""
    text = secret.reveal()
    if not _SECRET.fullmatch(text):
        return "may hold letters, digits, minus and underscore only, which is what the gateway takes"
    return f"is shorter than {_SHORTEST_SECRET} characters" if len(text) < _SHORTEST_SECRET else ""


def _one_of(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InvalidArgument(name, f"must be one of {', '.join(map(repr, allowed))}")


def _parameters(name: str, value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidArgumentType(name, f"must be a mapping of names to texts, not {type(value).__name__}")
    for key, text in value.items():
        if not isinstance(key, str) or not _PARAMETER.fullmatch(key):
            raise InvalidArgument(name, "names are letters, digits, underscores and minus, a letter first")
        if key in _RESERVED:
            raise InvalidArgument(name, f"{key} is a name of the gateway's own")
        check_text(f"{name}[{key!r}]", text)
    return dict(value)
