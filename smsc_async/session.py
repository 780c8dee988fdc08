"""The session: one object per account, which composes the rooms and hands out the services."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Self

from smsc_async._address import BASE_URL
from smsc_async._making import make
from smsc_async._options import TIMEOUT
from smsc_async._privacy import Secret
from smsc_async._retry import Retry
from smsc_async._view import UNSET, View
from smsc_async._wire import ReplyFormat
from smsc_async.errors import GuardUnavailable, InvalidArgument
from smsc_async.guard import guard_named

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from decimal import Decimal
    from types import TracebackType

    import httpx

    from smsc_async.events import Event
    from smsc_async.guard import Guard

__all__ = ["Session", "View"]

_NO_PATHS: Final = frozenset({"0", "1", "true", "false", "yes", "no"})  # who writes that means no file of that name


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
        low_balance: Below this amount the observer is told `LowBalance`, and the log warned; by default below what the
            message that was just sent has cost.
        allow_plain_http: Allow plain http to another machine: the password can be read on the way.
        journal: Whether each call that pays, allots or sends is written down before it leaves, so that the next start
            knows what a killed process left open: True in a file in the user's state folder, a path in that file,
            False not at all. By default it is kept where the guard is one for several processes of a machine.

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
        low_balance: Decimal | int | None = None,
        allow_plain_http: bool = False,
        journal: bool | str | os.PathLike[str] | None = None,
    ) -> None:
        made = make(
            credentials={"login": login, "password": password, "apikey": apikey},
            account=account,
            base_url=base_url,
            backup_urls=backup_urls,
            options={
                "reply_format": reply_format,
                "timeout": timeout,
                "max_wait": max_wait,
                "retry": Retry() if retry is UNSET else retry,
                "observer": observer,
                "low_balance": low_balance,
            },
            guard=guard,
            transport=transport,
            ssl_context=ssl_context,
            proxy=proxy,
            allow_plain_http=allow_plain_http,
            journal=journal,
        )
        if isinstance(made, InvalidArgument):
            # The frame of an error shows its locals to crash reports; what may be a secret is gone from this one.
            login = password = apikey = account = proxy = transport = None
            base_url, backup_urls = "", None
            raise made
        super().__init__(made)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """
        Make a session from ``SMSC_APIKEY``, or ``SMSC_LOGIN`` and ``SMSC_PASSWORD``, ``SMSC_BASE_URL``, ``SMSC_GUARD``.

        ``SMSC_GUARD`` is *local* (what this process does), or *host* (what all processes of this machine do).

        ``SMSC_JOURNAL`` may be ``on``, ``off`` or the path of the journal's file.

        Args:
            options: Any other argument of the session.

        Raises:
            InvalidArgument: The variables are missing, there are too many, or one cannot be used.
            GuardUnavailable: This system has not what the guard needs.
        """
        variables = {"apikey": "SMSC_APIKEY", "login": "SMSC_LOGIN", "password": "SMSC_PASSWORD"}
        found = {name: Secret(os.environ[variable]) for name, variable in variables.items() if os.environ.get(variable)}
        if set(found) not in ({"apikey"}, {"login", "password"}):
            options.clear()
            problem = "set SMSC_APIKEY, or both SMSC_LOGIN and SMSC_PASSWORD, and not both kinds"
            raise InvalidArgument("environment", problem)
        journal = os.environ.get("SMSC_JOURNAL")
        if journal and journal.lower() in _NO_PATHS:
            options.clear()
            raise InvalidArgument("environment", "set SMSC_JOURNAL to on, off or the path of a file")
        arguments: dict[str, Any] = {**found, **options}
        base_url = os.environ.get("SMSC_BASE_URL")
        if base_url:
            arguments.setdefault("base_url", base_url)
        if journal:
            arguments.setdefault("journal", {"on": True, "off": False}.get(journal.lower(), journal))
        try:
            if named := os.environ.get("SMSC_GUARD"):
                arguments.setdefault("guard", guard_named(named))
            return cls(**arguments)
        except (GuardUnavailable, InvalidArgument) as error:
            refused = error.with_traceback(None)
        arguments.clear()
        options.clear()
        base_url = None
        raise refused

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
