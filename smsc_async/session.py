"""The session: one object per account, which composes the rooms and hands out the services."""

from __future__ import annotations

import os
import re
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from smsc_async._address import BASE_URL, account_digest, backup_urls_for, checked_base_url, credential_digest, origin
from smsc_async._conduct import Conductor, Shared
from smsc_async._endpoint import Endpoint, Limit, Replay
from smsc_async._memory import memory_of
from smsc_async._options import TIMEOUT, Options
from smsc_async._plan import Identity
from smsc_async._privacy import Secret
from smsc_async._retry import Retry
from smsc_async._transport import Credentials, Transport
from smsc_async._wire import ReplyFormat, Shape, check_text, phone
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.guard import LocalGuard
from smsc_async.services.account import Account
from smsc_async.services.calls import Calls
from smsc_async.services.downloads import Downloads
from smsc_async.services.numbers import Numbers

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    import httpx

    from smsc_async.events import Event
    from smsc_async.guard import AccountUsage, Guard

__all__ = ["Session", "View", "default_guard", "set_default_guard"]

_PATH: Final = re.compile(r"[a-z_]+\.php")
_RESERVED: Final = frozenset({"login", "psw", "apikey", "fmt", "charset"})  # the session sends them itself
_PHONES: Final = frozenset({"phone"})  # parameters of any endpoint whose spellings are made one
_UNSET: Final[Any] = object()

_default_guard: Guard | None = None
_default_guard_lock = threading.Lock()


def default_guard() -> Guard:
    """Give the guard that all sessions of this process share, unless they were given another."""
    global _default_guard  # noqa: PLW0603 - one guard per process is the point
    with _default_guard_lock:
        if _default_guard is None:
            _default_guard = LocalGuard()
        return _default_guard


def set_default_guard(guard: Guard | None) -> Guard | None:
    """Put another guard in its place (None: a new one, when needed), and give the one that was there; for tests."""
    global _default_guard
    with _default_guard_lock:
        guard, _default_guard = _default_guard, guard
        return guard


class View:
    """
    The services of a session with some options changed; it shares the session's guard and connections.

    Made by `Session.with_options`.
    """

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    @cached_property
    def numbers(self) -> Numbers:
        """Numbers that receive messages: list those for rent, rent one, set its renewal."""
        return Numbers(self._conductor)

    @cached_property
    def calls(self) -> Calls:
        """Phones confirmed by a call."""
        return Calls(self._conductor)

    @cached_property
    def downloads(self) -> Downloads:
        """Tasks that put messages into a file, and the files."""
        return Downloads(self._conductor)

    @cached_property
    def account(self) -> Account:
        """The account itself: its balance."""
        return Account(self._conductor)

    def with_options(
        self,
        *,
        reply_format: ReplyFormat = _UNSET,
        timeout: float = _UNSET,
        max_wait: float | None = _UNSET,
        retry: Retry | None = _UNSET,
        observer: Callable[[Event], None] | None = _UNSET,
    ) -> View:
        """
        Give a view that makes its calls with these options changed, through the same guard and connections.

        Args:
            reply_format: In which form the gateway is asked to answer.
            timeout: Seconds for one exchange.
            max_wait: Seconds for a whole call, with queue, back-off and exchange; None is for ever.
            retry: How often calls that may be repeated are; None is never.
            observer: Called with every event.

        Raises:
            InvalidArgument: An option is out of range.
        """
        given = {
            "reply_format": reply_format,
            "timeout": timeout,
            "max_wait": max_wait,
            "retry": retry,
            "observer": observer,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not _UNSET}
        return View(Conductor(self._conductor.shared, attrs.evolve(self._conductor.options, **changes)))

    async def call(
        self,
        path: str,
        params: Mapping[str, str | int],
        *,
        limits: Sequence[Limit] = (Limit(3),),
        replay: Replay = Replay.IF_NOT_DONE,
    ) -> Any:
        """
        Call an endpoint that has no service yet, through the same guard, wire and errors.

        Args:
            path: The page below ``/sys/``, such as ``"phones.php"``.
            params: Its parameters, without credentials, ``fmt`` and ``charset``.
            limits: How many requests a minute the gateway takes. The vendor mostly says 3 identical ones.
            replay: What repeating the call could do. The default repeats it only when it was provably not carried
                out; give ``Replay.READ`` for a call that changes nothing.

        Returns:
            The reply as plain data: dicts, lists and texts.

        Raises:
            InvalidArgument: A name or value cannot be sent; nothing was.
            GatewayError: The gateway refused.
            OutcomeUnknown: No answer came to a call that may have been carried out.
        """
        if not isinstance(path, str):
            raise InvalidArgumentType("path", f"give a page such as 'phones.php', not {type(path).__name__}")
        if not _PATH.fullmatch(path):
            raise InvalidArgument("path", "give a page below /sys/ such as 'phones.php'")
        checked = tuple(limits)
        if not checked or not all(isinstance(limit, Limit) for limit in checked):
            raise InvalidArgumentType("limits", "give at least one Limit, such as (Limit(3),)")
        if not isinstance(replay, Replay):
            raise InvalidArgumentType("replay", f"give a Replay, not {type(replay).__name__}")
        endpoint: Endpoint[Any] = Endpoint(
            name=path.removesuffix(".php"),
            path=path,
            limits=checked,
            replay=replay,
            reply=object,
            shape=Shape.ANY,
            source="https://smsc.ua/api/http/",
        )
        return await self._conductor.perform(endpoint, _checked_params(params))

    def limits(self) -> AccountUsage:
        """
        Show how much of the account's limits is in use at this moment: tokens, slots, calls that wait.

        It is this process's knowledge; nothing is asked of the gateway.
        """
        shared = self._conductor.shared
        return shared.guard.usage(shared.identity.account)

    def __repr__(self) -> str:
        """Show where it asks and with what options; never who."""
        return f"<{type(self).__name__} {self._conductor.shared.hosts[0]} {self._conductor.options}>"


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
        retry: Retry | None = _UNSET,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        observer: Callable[[Event], None] | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        parts = _checked_credentials(login=login, password=password, apikey=apikey)
        if account is not None and not check_text("account", account):
            raise InvalidArgument("account", "give a name, or leave it out")
        home = checked_base_url("base_url", base_url, allow_plain_http=allow_plain_http)
        options = Options(
            reply_format=reply_format,
            timeout=timeout,
            max_wait=max_wait,
            retry=Retry() if retry is _UNSET else retry,
            observer=observer,
        )
        guard = default_guard() if guard is None else guard
        identity = Identity(
            account=account_digest(account if account is not None else next(iter(parts.values())), home),
            credential=credential_digest((home, *parts.values())),
            gateway=origin(home),
        )
        credentials = Credentials(**{name: Secret(part) for name, part in parts.items()})
        shared = Shared(
            guard=guard,
            transport=Transport(
                credentials=credentials,
                ssl_context=ssl_context,
                proxy=proxy,
                factory=transport,
            ),
            identity=identity,
            memory=memory_of(guard, identity.account),
            hosts=(home, *backup_urls_for(home, backup_urls, allow_plain_http=allow_plain_http)),
            secrets=tuple(Secret(part) for part in parts.values()),
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
        values = {
            "apikey": os.environ.get("SMSC_APIKEY"),
            "login": os.environ.get("SMSC_LOGIN"),
            "password": os.environ.get("SMSC_PASSWORD"),
        }
        found = {name: value for name, value in values.items() if value}
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


def _checked_credentials(**values: object) -> dict[str, str]:
    given = {name: value for name, value in values.items() if value is not None}
    if set(given) not in ({"apikey"}, {"login", "password"}):
        have = " and ".join(sorted(given)) or "nothing"
        raise InvalidArgument("credentials", f"give either apikey=, or both login= and password=; given: {have}")
    parts = {name: check_text(name, value) for name, value in given.items()}
    for name, part in parts.items():
        if not part:
            raise InvalidArgument(name, "give a text that is not empty")
    return parts


def _checked_params(params: object) -> dict[str, str]:
    from collections.abc import Mapping  # noqa: PLC0415 - needed at run time only here

    if not isinstance(params, Mapping):
        raise InvalidArgumentType("params", f"give a mapping of names to texts or numbers, not {type(params).__name__}")
    checked: dict[str, str] = {}
    for name, value in params.items():
        if not check_text("params", name):
            raise InvalidArgument("params", "give every parameter a name")
        if name in _RESERVED:
            raise InvalidArgument(name, "leave it out: the session sends it itself")
        if isinstance(value, int) and not isinstance(value, bool):
            checked[name] = str(value)
        else:
            checked[name] = phone(value, name) if name in _PHONES else check_text(name, value)
    return checked
