"""The services of a session under its options, or under some that were changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

import attrs

from smsc_async._calling import Note
from smsc_async._conduct import Conductor
from smsc_async._endpoint import Endpoint, Limit, OnDuplicate, Replay
from smsc_async._journal.calls import UnresolvedCall
from smsc_async._wire import Shape, check_text, phone
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.services.account import Account
from smsc_async.services.calls import Calls
from smsc_async.services.captcha import CaptchaPictures
from smsc_async.services.downloads import Downloads
from smsc_async.services.inbox import Inbox
from smsc_async.services.messages import Messages
from smsc_async.services.numbers import Numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from smsc_async._retry import Retry
    from smsc_async._wire import ReplyFormat
    from smsc_async.events import Event
    from smsc_async.guard import AccountUsage
    from smsc_async.values import Listing

__all__ = ["UNSET", "View"]

_PATH: Final = re.compile(r"[a-z_]+\.php")
_NAME: Final = re.compile(r"[A-Za-z0-9_]+(\[[A-Za-z0-9_]*\])?")
_RESERVED: Final = frozenset({"login", "psw", "apikey", "fmt", "charset"})  # the session sends them itself
_PHONES: Final = frozenset({"phone"})  # parameters of any endpoint whose spellings are made one
_TELLING: Final = ("id", "phone", "phones")  # parameters by which the journal names a call
UNSET: Final[Any] = object()


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
    def inbox(self) -> Inbox:
        """What subscribers have written."""
        return Inbox(self._conductor)

    @cached_property
    def downloads(self) -> Downloads:
        """Tasks that put messages into a file, and the files."""
        return Downloads(self._conductor)

    @cached_property
    def messages(self) -> Messages:
        """Messages: send, price, follow, delete."""
        return Messages(self._conductor)

    @cached_property
    def captcha(self) -> CaptchaPictures:
        """Pictures whose code a visitor reads before a message is sent."""
        return CaptchaPictures(self._conductor)

    @cached_property
    def account(self) -> Account:
        """The account itself: its balance."""
        return Account(self._conductor)

    def with_options(
        self,
        *,
        reply_format: ReplyFormat = UNSET,
        timeout: float = UNSET,
        max_wait: float | None = UNSET,
        retry: Retry | None = UNSET,
        observer: Callable[[Event], None] | None = UNSET,
        low_balance: Decimal | int | None = UNSET,
    ) -> View:
        """
        Give a view that makes its calls with these options changed, through the same guard and connections.

        Args:
            reply_format: In which form the gateway is asked to answer.
            timeout: Seconds for one exchange.
            max_wait: Seconds for a whole call, with queue, back-off and exchange; None is for ever.
            retry: How often calls that may be repeated are; None is never.
            observer: Called with every event.
            low_balance: Below this amount the observer is told `LowBalance`.

        Raises:
            InvalidArgument: An option is out of range.
        """
        given = {
            "reply_format": reply_format,
            "timeout": timeout,
            "max_wait": max_wait,
            "retry": retry,
            "observer": observer,
            "low_balance": low_balance,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not UNSET}
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
        given: object = limits
        checked = tuple(given) if isinstance(given, Iterable) else ()
        if not checked or not all(isinstance(limit, Limit) for limit in checked):
            raise InvalidArgumentType("limits", "give a sequence of at least one Limit, such as (Limit(3),)")
        if not isinstance(replay, Replay):
            raise InvalidArgumentType("replay", f"give a Replay, not {type(replay).__name__}")
        given_params = _checked_params(params)
        note = Note(next((given_params[name] for name in _TELLING if name in given_params), None))
        return await self._conductor.perform(_endpoint(path, checked, replay), given_params, note=note)

    async def unresolved(self) -> Listing[UnresolvedCall]:
        """
        List the account's paid calls that are in the journal without a known end, the oldest first.

        They are those whose process died, whose answer was lost, or that were cancelled; and those that another process
        is at this moment making. Find out what became of each, then `settle` it; of a message, `Messages.resolve` does
        both.

        Raises:
            JournalUnavailable: The session keeps no journal, or its file cannot be used.
        """
        return await self._conductor.unresolved()

    async def settle(self, call: UnresolvedCall) -> None:
        """
        Say that you have found out what became of a call that `unresolved` lists: it is struck out of the journal.

        From then on another call on the same subject may be made. Nothing is asked of the gateway, and a call that was
        settled before stays so.

        Args:
            call: One that `unresolved` has listed, in this process or another.

        Raises:
            JournalUnavailable: The session keeps no journal, or its file cannot be used.
        """
        if not isinstance(call, UnresolvedCall):
            raise InvalidArgumentType("call", f"give one that unresolved() lists, not {type(call).__name__}")
        await self._conductor.settle(call)

    def limits(self) -> AccountUsage:
        """
        Show how much of the account's limits is in use at this moment: tokens, slots, calls that wait.

        It is this process's knowledge; nothing is asked of the gateway.
        """
        shared = self._conductor.shared
        return shared.guard.usage(shared.identity.account)

    def __repr__(self) -> str:
        """Show where it asks and with what options; never who."""
        if "_conductor" not in vars(self):
            return f"<{type(self).__name__}, not made>"  # a crash report asks even then
        return f"<{type(self).__name__} {self._conductor.shared.hosts[0]} {self._conductor.options}>"


@cache  # one for each way of calling, of which a program has a few; a session keeps what it makes of an endpoint
def _endpoint(path: str, limits: tuple[Limit, ...], replay: Replay) -> Endpoint[Any]:
    acts = replay is Replay.IF_NOT_DONE
    return Endpoint(
        name=path.removesuffix(".php"),
        path=path,
        limits=limits,
        replay=replay,
        on_duplicate=OnDuplicate.NEVER if acts else OnDuplicate.REPEAT,  # it could be a second message
        reply=object,
        shape=Shape.ANY,
        source="https://smsc.ua/api/http/",
    )


def _checked_params(params: object) -> dict[str, str]:
    if not isinstance(params, Mapping):
        raise InvalidArgumentType("params", f"give a mapping of names to texts or numbers, not {type(params).__name__}")
    checked: dict[str, str] = {}
    for given, value in params.items():
        name = check_text("params", given)
        if not _NAME.fullmatch(name):
            raise InvalidArgument("params", "give every parameter a name such as 'phone' or 'fl[1]'")
        if name in _RESERVED:
            raise InvalidArgument(name, "leave it out: the session sends it itself")
        if isinstance(value, int) and not isinstance(value, bool):
            checked[name] = str(value)
        else:
            checked[name] = phone(value, name) if name in _PHONES else check_text(name, value)
    return checked
