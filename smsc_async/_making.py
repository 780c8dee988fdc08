"""A session's arguments checked, and its rooms built from them."""

from __future__ import annotations

import ssl
from os import PathLike
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
from smsc_async._telling import Telling
from smsc_async._transport import Credentials, Transport
from smsc_async._wire import check_text
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.guard import Identity, default_guard

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from smsc_async._journal.journal import Journal
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
    journal: object,
) -> Conductor:
    parts = _checked_credentials(credentials)
    if account is not None and not check_text("account", account):
        raise InvalidArgument("account", "give a name, or leave it out")
    if not isinstance(allow_plain_http, bool):
        raise InvalidArgumentType("allow_plain_http", "give True or False")
    home = checked_base_url("base_url", base_url, allow_plain_http=allow_plain_http)
    _check_parts(guard, transport, ssl_context)
    guard = default_guard() if guard is None else guard
    path = _journal_path(journal, guard)
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
        journal=None if path is None else _opened(path, identity.account, guard, makes_folder=not _is_path(journal)),
    )
    return Conductor(shared, Options(**options))


def _journal_path(journal: object, guard: Guard) -> Path | None:
    """Give where the journal is, if there is to be one."""
    if journal is None:
        journal = getattr(guard, "keeps_journal", False) is True
    if journal is False:
        return None
    if journal is not True and not _is_path(journal):
        problem = f"give True, False or the path of a file, not {type(journal).__name__}"
        raise InvalidArgumentType("journal", problem)
    from smsc_async._journal.journal import default_path  # noqa: PLC0415 - SQLite is loaded where it is used
    from smsc_async._sqlite import checked_path  # noqa: PLC0415 - likewise

    if journal is not True:
        return checked_path("journal", journal, "journal=False keeps none")
    try:
        return default_path()
    except RuntimeError:
        raise InvalidArgument("journal", "give the path of a file: the user has no home to keep it in") from None


def _is_path(journal: object) -> bool:
    return isinstance(journal, str | PathLike)


def _opened(path: Path, account: str, guard: Guard, *, makes_folder: bool) -> Journal:
    from smsc_async._journal.journal import Journal  # noqa: PLC0415 - SQLite is loaded where it is used

    return Journal(path, account, Telling(guard.clock), folder=path.parent if makes_folder else None)


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
