"""The receiver: callbacks to the application's handlers, as an ASGI app or behind any other web framework."""

from __future__ import annotations

import hashlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, overload

from smsc_async._wire import phone as phone_digits
from smsc_async._wire import seconds, whole_number
from smsc_async.clock import SYSTEM_CLOCK, Clock
from smsc_async.errors import CallbackTooLarge, InvalidArgument, InvalidArgumentType, SignatureMismatch, WebhookError
from smsc_async.webhooks._asgi import Server
from smsc_async.webhooks._delivery import Delivery, Reply
from smsc_async.webhooks._handlers import checked_kinds
from smsc_async.webhooks._listening import Listening
from smsc_async.webhooks._reader import read_callback, read_form
from smsc_async.webhooks._settings import CallbackFormat, Charset, Settings, address, checked_settings, concealed
from smsc_async.webhooks.stores import MemoryStore, Store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from smsc_async._status_watch import Following
    from smsc_async._waiting_calls import ExpectedCall
    from smsc_async.webhooks._asgi import Receive, Scope, Send
    from smsc_async.webhooks.events import Digest, Event

__all__ = ["Receiver", "Register"]

E = TypeVar("E")
E1 = TypeVar("E1", bound="Event")
E2 = TypeVar("E2", bound="Event")
R = TypeVar("R")

_log: Final = logging.getLogger("smsc_async.webhooks")
_LONGEST_HANDLING: Final = 200.0  # seconds: with a margin less than the 240 s between two tries of the gateway


class Register(Protocol[E]):
    """A decorator that registers a function of such events as a handler."""

    def __call__(self, function: Callable[[E], R], /) -> Callable[[E], R]:
        """Register *function*, and give it back."""
        ...


class Receiver:
    """
    Takes the gateway's callbacks: verifies them, keeps them, hands them to your handlers, and answers.

    It is an ASGI app: serve it by itself, or mount it. Give `url` to the account's settings, and register handlers::

        receiver = Receiver(secret=os.environ["SMSC_CALLBACK_SECRET"])


        @receiver.on(IncomingMessage)
        async def answer(message: IncomingMessage) -> None: ...

    Args:
        secret: The secret of the handler's address, from `new_secret`; or two, the new one first, while you change it.
        digest: How callbacks are signed. ``"crc32"`` authenticates nothing, and warns.
        charset: In which the gateway is to write.
        format: In which form: ``"form"``, ``"xml"`` or ``"json"``.
        token: A second secret, which the gateway sends along as it is; over https it vouches for the fields that the
            digest does not cover.
        parameters: Put into the address; each callback brings them back, in ``event.parameters``.
        query: The same, but in the address that the gateway calls, for routers that look at it.
        store: Where events are kept: `MemoryStore` by default; `SqliteStore` survives the process.
        handling_timeout: Seconds for all handlers of an event together, while the gateway waits; for each of them where
            the store is durable.
        body_timeout: Seconds for a request's body to arrive.
        max_concurrency: Requests that are served at a time; more are told to come again.
        workers: Stored events that are handled at a time, where the store is durable.
        clock: Drives every wait, and tells the date.

    Raises:
        InvalidArgument: The gateway would not take an address with such arguments, or they would make it worthless.

    Source: https://smsc.ua/api/http/miscellaneous/callback/
    """

    def __init__(
        self,
        *,
        secret: str | Sequence[str],
        digest: Digest = "sha1",
        charset: Charset = "utf-8",
        format: CallbackFormat = "form",  # noqa: A002 - what everybody calls it
        token: str | None = None,
        parameters: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        store: Store | None = None,
        handling_timeout: float = 30.0,
        body_timeout: float = 10.0,
        max_concurrency: int = 1_000,
        workers: int = 8,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        given = concealed(secret), concealed(token)
        secret, token = "", None  # neither may be seen in the frames of an error
        settings = checked_settings(
            secret=given[0],
            digest=digest,
            charset=charset,
            format=format,
            token=given[1],
            parameters=parameters,
            query=query,
        )
        if seconds("handling_timeout", handling_timeout) > _LONGEST_HANDLING:
            problem = f"must be {_LONGEST_HANDLING:g} s or less: after 240 s the gateway comes again"
            raise InvalidArgument("handling_timeout", problem)
        if store is not None and not isinstance(store, Store):
            raise InvalidArgumentType("store", f"must be a store of events, not {type(store).__name__}")
        self._warned = False
        self._delivery = Delivery(
            MemoryStore() if store is None else store,
            clock,
            handling_timeout=handling_timeout,
            workers=int(whole_number("workers", workers, least=1)),
        )
        self._server = Server(
            clock,
            body_timeout=seconds("body_timeout", body_timeout),
            max_concurrency=int(whole_number("max_concurrency", max_concurrency, least=1)),
        )
        self._settings = settings

    def __repr__(self) -> str:
        """Show what it expects, and no secret."""
        settings: Settings | None = getattr(self, "_settings", None)
        if settings is None:
            return "<Receiver, not made yet>"  # in the frames of an error about its arguments
        return f"<Receiver {settings.format} {settings.charset} {settings.digest} {self._delivery.store!r}>"

    # ---------------------------------------------------------------- the address, and one callback

    def url(self, base: str, *, allow_plain_http: bool = False) -> str:
        """
        Give the address to paste into the account's settings; it holds the secret.

        Args:
            base: Where the receiver is served, such as ``https://example.com/smsc/``. Where it is mounted, most
                frameworks want the slash at the end: they would answer with a redirect, which is no acknowledgement.
            allow_plain_http: Take an address without TLS, where everybody on the way can read the callbacks.

        Raises:
            InvalidArgument: *base* is no such address.
        """
        return address(self._settings, base, allow_plain_http=allow_plain_http)

    def parse(self, body: bytes, *, content_type: str = "", query: bytes | str = b"") -> Event:
        """
        Verify one callback and give its event; nothing else happens.

        Args:
            body: Of the request, as it came.
            content_type: The header; it tells a form in parts from an urlencoded one.
            query: What stood behind the question mark of the request's address.

        Raises:
            MalformedCallback: It is not what the gateway sends to such an address.
            SignatureMismatch: It does not prove that it knows the address's secret.
        """
        try:
            return read_callback(self._settings, body, content_type=content_type, query=_octets(query)).event()
        except WebhookError as error:
            body = query = b""
            raise _unframed(error) from None

    def parse_form(self, items: Iterable[tuple[str, str]], *, query: bytes | str = b"") -> Event:
        """
        Do the same with the names and values of a form that a web framework has read, such as ``form.multi_items()``.

        Give the body to `parse` where you can: here the bytes that the gateway hashed can only be guessed.
        """
        try:
            return read_form(self._settings, items, query=_octets(query)).event()
        except WebhookError as error:
            items, query = (), b""
            raise _unframed(error) from None

    # ---------------------------------------------------------------- handlers

    @overload
    def on(self, *, stale: bool = ..., name: str | None = ...) -> Register[Event]: ...
    @overload
    def on(self, kind: type[E1], /, *, stale: bool = ..., name: str | None = ...) -> Register[E1]: ...
    @overload
    def on(
        self, kind: type[E1], other: type[E2], /, *, stale: bool = ..., name: str | None = ...
    ) -> Register[E1 | E2]: ...
    def on(self, *kinds: type[Any], stale: bool = False, name: str | None = None) -> Register[Any]:
        """
        Register a handler: a function of one event, async or not. Without *kinds* it gets all events.

        An event is acknowledged, or settled in the store, when all its handlers have returned. A handler that raises
        gets the event again, and others do not. A plain function runs in a worker thread, where nothing can interrupt
        it.

        Args:
            kinds: Of `DeliveryStatus`, `IncomingMessage` and `CallConfirmation`.
            stale: Whether it wants statuses that are older than one that came before.
            name: Under which the store notes what the handler has had; the function's by default.

        Raises:
            InvalidArgument: It is no function of one event, or its name is taken.
        """
        checked = checked_kinds(kinds)

        def register(function: Callable[[Any], R]) -> Callable[[Any], R]:
            self._delivery.handlers.register(function, checked, stale=stale, name=name)
            return function

        return register

    @overload
    def events(self, *, stale: bool = ..., name: str = ...) -> Listening[Event]: ...
    @overload
    def events(self, kind: type[E1], /, *, stale: bool = ..., name: str = ...) -> Listening[E1]: ...
    @overload
    def events(
        self, kind: type[E1], other: type[E2], /, *, stale: bool = ..., name: str = ...
    ) -> Listening[E1 | E2]: ...
    def events(self, *kinds: type[Any], stale: bool = False, name: str = "events") -> Listening[Any]:
        """
        Give events as an async iterator, in place of a handler, as long as a block lasts.

        ::

            async with receiver.events(DeliveryStatus) as events:
                async for event in events:
                    ...

        It counts as a handler from here on, and where its block ends with an error also after it: events wait for it.
        So make it before the receiver is served, and enter its block when you like.

        Raises:
            InvalidArgument: A loop of that *name* is being run.
        """
        return Listening(self._delivery.handlers, checked_kinds(kinds), stale=stale, name=name)

    def expect_call(self, phone: str) -> AbstractContextManager[ExpectedCall]:
        """
        Wait for a call of *phone* that confirms it; `smsc.calls.confirmation` asks for a number first, and does this.

        Raises:
            ConfirmationInProgress: Somebody waits for a call of that phone already.
        """
        return self._delivery.calls.expect(phone_digits(phone))

    def expect_statuses(self, following: Following) -> AbstractContextManager[object]:
        """Tell who follows messages what comes of them, as long as the block lasts; `smsc.messages.wait` does this."""
        return self._delivery.statuses.expect(following)

    # ---------------------------------------------------------------- serving

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """
        Hand on what is stored, as long as the block lasts. Needed where the store is durable.

        Events of a kind that no handler of this process wants stay in the store for a week, for other processes and for
        handlers to come.

        A server that serves the receiver by itself does this; a framework that mounts it does not, so enter it in that
        framework's own lifespan, for instance ``Starlette(..., lifespan=lambda app: receiver.running())``.

        Raises:
            StoreUnavailable: The store cannot be used.
        """
        try:
            async with self._delivery.running():
                yield
        finally:
            await self._delivery.store.aclose()

    async def handle(self, body: bytes, *, content_type: str = "", query: bytes | str = b"") -> Reply:
        """Take a request's body, and give the status and the text to answer with: for frameworks that are not ASGI."""
        try:
            callback = read_callback(self._settings, body, content_type=content_type, query=_octets(query))
        except WebhookError as error:
            return _refused(error, body)
        except Exception:  # noqa: BLE001 - a fault of ours must not make the gateway drop the event
            _log.exception("a callback could not be read")
            return Reply(503, "the receiver failed; come again")
        if callback.charset != self._settings.charset and not self._warned:
            self._warned = True
            _log.warning(
                "the gateway writes %s and not %s: is charset=%s in the handler's address?",
                callback.charset,
                self._settings.charset,
                self._settings.charset,
            )
        return await self._delivery.take(callback)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the lifespan of the server, as ASGI asks."""
        await self._server.serve(self, scope, receive, send)


def _unframed(error: WebhookError) -> WebhookError:
    """Cut off the frames that an error report would show: their variables may hold the token of the address."""
    error.__context__ = None
    return error.with_traceback(None)


def _refused(error: WebhookError, body: bytes) -> Reply:
    status = 403 if isinstance(error, SignatureMismatch) else 413 if isinstance(error, CallbackTooLarge) else 400
    _log.warning("refused with %d: %s; sha256 %s", status, error, hashlib.sha256(body).hexdigest()[:12])
    return Reply(status, str(error))


def _octets(query: bytes | str) -> bytes:
    return query.encode("latin-1", "replace") if isinstance(query, str) else query
