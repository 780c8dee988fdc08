"""A session's arguments checked, and its rooms built from them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from smsc_async._address import (
    account_digest,
    backup_urls_for,
    checked_base_url,
    credential_digest,
    credential_tag,
    origin,
)
from smsc_async._conduct import Conductor
from smsc_async._memory import memory_of
from smsc_async._options import Options
from smsc_async._privacy import Secret
from smsc_async._shared import Shared
from smsc_async._transport import Credentials, Transport
from smsc_async._wire import check_text
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.guard import Identity, default_guard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smsc_async.guard import Guard

__all__ = ["make"]


def make(**arguments: Any) -> Conductor | InvalidArgument:
    """
    Build what a session conducts its calls with; or give, unraised, what is wrong with an argument.

    An error that passes through these frames would show their locals to a crash report, and credentials, proxies and
    addresses are among them.
    """
    try:
        return _make(**arguments)
    except InvalidArgument as error:
        return error.with_traceback(None)


def _make(
    *,
    credentials: Mapping[str, object],
    account: str | None,
    base_url: str,
    backup_urls: Any,
    options: Mapping[str, Any],
    guard: Guard | None,
    transport: Any,
    ssl_context: Any,
    proxy: str | None,
    allow_plain_http: bool,
) -> Conductor:
    parts = _checked_credentials(credentials)
    if account is not None and not check_text("account", account):
        raise InvalidArgument("account", "give a name, or leave it out")
    if not isinstance(allow_plain_http, bool):
        raise InvalidArgumentType("allow_plain_http", "give True or False")
    home = checked_base_url("base_url", base_url, allow_plain_http=allow_plain_http)
    _check_parts(guard, transport, ssl_context)
    guard = default_guard() if guard is None else guard
    name = next(iter(parts.values())) if account is None else Secret(account)
    identity = Identity(
        account=account_digest(name, home),
        credential=credential_digest(home, tuple(parts.values())),
        tag=credential_tag(home, tuple(parts.values())),
        gateway=origin(home),
    )
    shared = Shared(
        guard=guard,
        transport=Transport(credentials=Credentials(**parts), ssl_context=ssl_context, proxy=proxy, factory=transport),
        identity=identity,
        memory=memory_of(guard, identity.account),
        hosts=(home, *backup_urls_for(home, backup_urls, allow_plain_http=allow_plain_http)),
        secrets=tuple(parts.values()),
    )
    return Conductor(shared, Options(**options))


def _check_parts(guard: object, transport: object, ssl_context: object) -> None:
    if guard is not None and (isinstance(guard, type) or not callable(getattr(guard, "acquire", None))):
        raise InvalidArgumentType("guard", "give a guard such as LocalGuard(), or leave it out")
    if transport is not None and not callable(transport):
        problem = f"give a function that makes a transport for each connection, not {type(transport).__name__}"
        raise InvalidArgumentType("transport", problem)
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        raise InvalidArgumentType("ssl_context", f"give an ssl.SSLContext, not {type(ssl_context).__name__}")


def _checked_credentials(values: Mapping[str, object]) -> dict[str, Secret]:
    given = {name: value for name, value in values.items() if value is not None}
    if set(given) not in ({"apikey"}, {"login", "password"}):
        have = " and ".join(sorted(given)) or "nothing"
        raise InvalidArgument("credentials", f"give either apikey=, or both login= and password=; given: {have}")
    parts: dict[str, Secret] = {}
    for name, value in given.items():
        text = check_text(name, value.reveal() if isinstance(value, Secret) else value)
        if not text:
            raise InvalidArgument(name, "give a text that is not empty")
        parts[name] = Secret(text)
    return parts
