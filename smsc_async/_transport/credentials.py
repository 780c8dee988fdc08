"""Credentials, and the body that holds them for the time of one exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import attrs
import httpx

from smsc_async._privacy import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Body", "Credentials"]


@attrs.frozen(kw_only=True)
class Credentials:
    """
    An API key, or a login and a password. Source: https://smsc.ua/api/http/ (login, psw, apikey).

    They show as ``***`` and refuse to be pickled, because `Secret` does.
    """

    login: Secret | None = None
    password: Secret | None = None
    apikey: Secret | None = None

    def form(self) -> bytes:
        """Give them as the beginning of a form, up to the ``&`` before its next field."""
        return "".join(f"{name}={quote_plus(text)}&" for name, text in self.fields().items()).encode()

    def fields(self) -> dict[str, str]:
        """Give them by the gateway's names."""
        fields = (("login", self.login), ("psw", self.password), ("apikey", self.apikey))
        return {name: secret.reveal() for name, secret in fields if secret}


class Body(httpx.AsyncByteStream):
    """
    The body of one request, with the credentials in it, until it is wiped.

    Requests and connections may outlive their exchange in a traceback or in somebody's records; what they hold is this.
    """

    def __init__(self, content: bytes, content_type: bytes = b"application/x-www-form-urlencoded") -> None:
        self._content: bytes | None = content
        self.length = len(content)
        self.content_type = content_type
        self.asked_for = False  # whether anybody has come for the bytes

    def wipe(self) -> None:
        """Forget the bytes."""
        self._content = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.asked_for = True
        return _Once(self._content)

    def __repr__(self) -> str:
        return f"<Body of {self.length} bytes>"


class _Once:
    """The bytes, one time; an async generator would cost four times as much."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes | None) -> None:
        self._content = content

    def __aiter__(self) -> _Once:
        return self

    async def __anext__(self) -> bytes:
        content, self._content = self._content, None
        if content is None:
            raise StopAsyncIteration
        return content
