"""One callback's bytes to fields that are verified. Pure."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

from smsc_async.errors import CallbackTooLarge, InvalidArgumentType, MalformedCallback, SignatureMismatch
from smsc_async.webhooks import _form, _json, _xml
from smsc_async.webhooks._fields import Fields, collected
from smsc_async.webhooks._kinds import KNOWN, kind_of
from smsc_async.webhooks._payload import Callback
from smsc_async.webhooks._signature import verify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smsc_async.webhooks._settings import Settings

__all__ = ["MAX_BODY", "read_callback", "read_form"]

MAX_BODY: Final = 256 * 1024  # bytes; a message has some thousand characters
_PARTS: Final = "multipart/form-data"
_NONE: Final[dict[str, str]] = {}


def read_callback(settings: Settings, body: bytes, *, content_type: str, query: bytes) -> Callback:
    """
    Read and verify a callback.

    Raises:
        CallbackTooLarge: The body is longer than any callback.
        MalformedCallback: It is not what the gateway sends to such an address.
        SignatureMismatch: It does not prove that it knows the address's secret.
    """
    if type(body) is not bytes:
        body = _checked(body)
    if len(body) > MAX_BODY:
        raise CallbackTooLarge(f"it has {len(body)} bytes, more than {MAX_BODY}")
    charset = settings.charset
    if settings.format == "json":
        fields = _json.read(body, charset, KNOWN)
    elif settings.format == "xml":
        fields = _xml.read(body, charset, KNOWN)
    elif content_type and content_type[: len(_PARTS)].lower() == _PARTS:
        from smsc_async.webhooks import _multipart  # noqa: PLC0415 - no gateway is known to send it

        fields = _multipart.read(body, content_type, charset, KNOWN)
    else:
        fields = _form.read(body, charset, KNOWN)
    return _read(settings, fields, query)


def read_form(settings: Settings, items: Iterable[tuple[str, str]], *, query: bytes) -> Callback:
    """Do the same with a form that somebody else has taken apart and decoded."""
    pairs: list[tuple[Any, Any]] = list(items)
    if any(not isinstance(name, str) or not isinstance(value, str) for name, value in pairs):
        raise MalformedCallback("it holds a file")  # which is what frameworks give for a part with a file name
    return _read(settings, Fields(collected(pairs, KNOWN), None, settings.charset), query)


def _checked(body: object) -> bytes:
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    raise InvalidArgumentType("body", f"give the bytes of the request's body, not {type(body).__name__}")


def _read(settings: Settings, fields: Fields, query: bytes) -> Callback:
    asked = _NONE if not query else _form.read(query, "utf-8", frozenset()).texts
    texts = fields.texts
    token = settings.token
    if token is not None:
        name = settings.token_name
        given = texts.get(name) or asked.get(name, "")
        if not hmac.compare_digest(token.reveal().encode(), given.encode("utf-8", "surrogatepass")):
            raise SignatureMismatch("it has not the token of the handler's address")
        texts = {each: text for each, text in texts.items() if each != name}
        asked = {each: text for each, text in asked.items() if each != name}
    kind = kind_of(texts)
    signature = verify(
        fields,
        kind,
        digest=settings.digest,
        charset=settings.charset,
        secrets=settings.secrets,
        token=token is not None,
    )
    return Callback(kind, texts, asked, settings.declared, signature, fields.charset)
