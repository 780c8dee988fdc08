"""The session: one object per account, which composes the rooms and hands out the services."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from smsc_async._address import BASE_URL, account_digest, backup_urls_for, checked_base_url, credential_digest, origin
from smsc_async._conduct import Conductor
from smsc_async._memory import memory_of
from smsc_async._options import TIMEOUT, Options
from smsc_async._plan import Identity
from smsc_async._privacy import Secret
from smsc_async._retry import Retry
from smsc_async._shared import Shared
from smsc_async._transport import Credentials, Transport
from smsc_async._view import UNSET, View
from smsc_async._wire import ReplyFormat, check_text
from smsc_async.errors import InvalidArgument
from smsc_async.guard import default_guard

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from types import TracebackType

    import httpx

    from smsc_async.events import Event
    from smsc_async.guard import Guard

__all__ = ["Session", "View"]


class Session(View):
    """
    An account at the gateway. Everything it sends goes through the guard, which keeps the account's limits.

    It opens by itself on the first call; ``async with`` closes it. It may be used from several event loops and
    threads, and again after one of them has ended.

    Args:
        login: The account's login, with *password*; or else *apikey*.
        password: The password.
        apikey: The key that the gateway takes in place of both.
        account: A name for the account that the limits belong to. Give sessions that use different credentials of
            one account the same name; without it the login (or the key) is the account.
        base_url: Where the gateway is; https, or plain http on this machine.
        backup_urls: Tried in turn where a call may be repeated; by default the documented one.
        reply_format: In which form the gateway is asked to answer; the values are the same.
        timeout: Seconds for one exchange; a file has 600, or this if it is more.
        max_wait: Seconds for a whole call, with queue, back-off and exchange; None is for ever.
        guard: What keeps the limits; by default one that all sessions of the process share.
        retry: How often calls that may be repeated are; None is never.
        transport: Makes a transport for each connection; for tests.
        ssl_context: What to trust, where it is not the public authorities.
        proxy: The address of a proxy; the environment's are ignored.
        observer: Called with every event: waits, attempts, replies, refusals.
        allow_plain_http: Allow plain http to another machine: the password can be read on the way.

    Raises:
        InvalidArgument: An argument is missing or cannot be used; the message says what to do.
    """

    def __init__(
        self,
        *,
        login: str | None = None,
        password: str | None = None,
        apikey: str | None = None,
        account: str | None = None,
        base_url: str = BASE_URL,
        backup_urls: Sequence[str] | None = None,
        reply_format: ReplyFormat = ReplyFormat.JSON,
        timeout: float = TIMEOUT,
        max_wait: float | None = None,
        guard: Guard | None = None,
        retry: Retry | None = UNSET,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        observer: Callable[[Event], None] | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        given = _masked(login=login, password=password, apikey=apikey)
        # From here on no frame of ours shows them, should one of the next lines raise.
        login = password = apikey = None
        parts = _checked_credentials(given)
        if account is not None and not check_text("account", account):
            raise InvalidArgument("account", "give a name, or leave it out")
        home = checked_base_url("base_url", base_url, allow_plain_http=allow_plain_http)
        options = Options(
            reply_format=reply_format,
            timeout=timeout,
            max_wait=max_wait,
            retry=Retry() if retry is UNSET else retry,
            observer=observer,
        )
        guard = default_guard() if guard is None else guard
        identity = Identity(
            account=account_digest(Secret(account) if account is not None else next(iter(parts.values())), home),
            credential=credential_digest(home, tuple(parts.values())),
            gateway=origin(home),
        )
        shared = Shared(
            guard=guard,
            transport=Transport(
                credentials=Credentials(**parts),
                ssl_context=ssl_context,
                proxy=proxy,
                factory=transport,
            ),
            identity=identity,
            memory=memory_of(guard, identity.account),
            hosts=(home, *backup_urls_for(home, backup_urls, allow_plain_http=allow_plain_http)),
            secrets=tuple(parts.values()),
        )
        super().__init__(Conductor(shared, options))

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """
        Make a session from ``SMSC_APIKEY``, or ``SMSC_LOGIN`` and ``SMSC_PASSWORD``, and ``SMSC_BASE_URL``.

        Args:
            options: Any other argument of the session.

        Raises:
            InvalidArgument: The variables are missing, or there are too many.
        """
        variables = {"apikey": "SMSC_APIKEY", "login": "SMSC_LOGIN", "password": "SMSC_PASSWORD"}
        found: dict[str, Any] = {
            name: Secret(os.environ[variable]) for name, variable in variables.items() if os.environ.get(variable)
        }
        if set(found) not in ({"apikey"}, {"login", "password"}):
            raise InvalidArgument(
                "environment", "set SMSC_APIKEY, or both SMSC_LOGIN and SMSC_PASSWORD, and not both kinds"
            )
        base_url = os.environ.get("SMSC_BASE_URL")
        if base_url:
            found["base_url"] = base_url
        return cls(**{**found, **options})

    async def __aenter__(self) -> Self:
        """Give the session; it opens by itself on the first call."""
        self._conductor.shared.check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """
        Close: calls that wait get `SessionClosed`, those in flight may end within `timeout`, connections are closed.
        """
        await self._conductor.shared.close(self._conductor.options.timeout)


def _masked(**values: object) -> dict[str, object]:
    return {name: Secret(value) if isinstance(value, str) else value for name, value in values.items()}


def _checked_credentials(given: dict[str, object]) -> dict[str, Secret]:
    given = {name: value for name, value in given.items() if value is not None}
    if set(given) not in ({"apikey"}, {"login", "password"}):
        have = " and ".join(sorted(given)) or "nothing"
        raise InvalidArgument("credentials", f"give either apikey=, or both login= and password=; given: {have}")
    checked: dict[str, Secret] = {}
    for name, value in given.items():
        problem = _problem(name, value)
        if problem is not None:
            raise problem
        if isinstance(value, Secret):
            checked[name] = value
    return checked


def _problem(name: str, value: object) -> InvalidArgument | None:
    """Give what is wrong with a credential, as an error whose traceback does not pass where the text was looked at."""
    try:
        text = check_text(name, value.reveal() if isinstance(value, Secret) else value)
    except InvalidArgument as error:
        return error.with_traceback(None)
    return None if text else InvalidArgument(name, "give a text that is not empty")
