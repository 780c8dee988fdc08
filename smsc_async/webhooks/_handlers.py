"""The application's handlers: who wants which events, and how each is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import anyio.to_thread
import attrs

from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.webhooks.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smsc_async.webhooks.events import Event

__all__ = ["Handler", "Handlers", "Handling", "checked_kinds"]

Handling: TypeAlias = Callable[[Any], Awaitable[object] | object]
_SHOWN: Final = ", ".join(kind.__name__ for kind in EVENTS)


class Loop(Protocol):
    """A loop over events. Its body takes what time it takes, because nobody can interrupt it."""

    @property
    def is_idle(self) -> bool:
        """Whether it is not run now."""
        ...

    def has_had(self, event: Event) -> bool:
        """Whether it has handled the event, though nobody waited for that any more."""
        ...


@attrs.frozen(eq=False)
class Handler:
    """One function of the application, and the events that it wants."""

    name: str  # in the store, so it must be the same after a restart
    kinds: tuple[type[Any], ...]
    stale: bool
    call: Callable[[Any], Awaitable[object]]
    loop: Loop | None = None  # that it stands for


class Handlers:
    """All of them, in the order in which they were registered."""

    def __init__(self) -> None:
        self._handlers: list[Handler] = []
        self._wanted: frozenset[str] = frozenset()
        self._ever: frozenset[str] = frozenset()

    def __len__(self) -> int:
        """Say how many there are."""
        return len(self._handlers)

    @property
    def wanted(self) -> frozenset[str]:
        """Give the names of the classes of events that somebody wants."""
        return self._wanted

    def was_wanted(self, event: Event) -> bool:
        """Say whether somebody wanted such events at any time."""
        return type(event).__name__ in self._ever

    def register(
        self, function: Handling, kinds: tuple[type[Any], ...], *, stale: bool, name: str | None = None
    ) -> Handler:
        """
        Register *function*; a plain function is called in a worker thread.

        Raises:
            InvalidArgument: It cannot be called, or its name is taken.
        """
        if not callable(function):
            raise InvalidArgumentType("handler", f"must be a function of one event, not {type(function).__name__}")
        inner = _inner(function)
        if inspect.isasyncgenfunction(inner) or inspect.isgeneratorfunction(inner):
            raise InvalidArgumentType("handler", "must be a function; one with yield is never run by being called")
        handler = Handler(name or _name_of(inner), kinds, stale, _asynchronous(function, inner))
        self.add(handler)
        return handler

    def add(self, handler: Handler) -> None:
        """
        Give it events from now on; it takes the place of a loop of its name that is not run.

        Raises:
            InvalidArgument: Its name is taken.
        """
        other = next((each for each in self._handlers if each.name == handler.name), None)
        if other is not None:
            if other.loop is None or not other.loop.is_idle:
                problem = f"a handler named {handler.name} is there already; give this one a name of its own"
                raise InvalidArgument("name", problem)
            self._handlers.remove(other)
        self._handlers.append(handler)
        self._count()

    def remove(self, handler: Handler) -> None:
        """Take one out, if it is there."""
        if handler in self._handlers:
            self._handlers.remove(handler)
            self._count()

    def _count(self) -> None:
        self._wanted = frozenset(kind.__name__ for handler in self._handlers for kind in handler.kinds)
        self._ever |= self._wanted

    def of(self, event: Event, *, stale: bool) -> Iterator[Handler]:
        """Give those that want *event*."""
        for handler in tuple(self._handlers):
            if isinstance(event, handler.kinds) and (handler.stale or not stale):
                yield handler


def checked_kinds(kinds: tuple[Any, ...]) -> tuple[type[Any], ...]:
    """Give the classes of events, all of them where none is named."""
    for kind in kinds:
        if kind not in EVENTS:
            raise InvalidArgumentType("kinds", f"must be some of {_SHOWN}")
    return kinds or EVENTS


def _inner(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _name_of(function: Any) -> str:
    named: Any = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _asynchronous(function: Any, inner: Any) -> Callable[[Any], Awaitable[object]]:
    if inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None)):  # noqa: B004
        asynchronous: Callable[[Any], Awaitable[object]] = function
        return asynchronous

    async def in_thread(event: object) -> object:
        found = await anyio.to_thread.run_sync(function, event)
        return await found if inspect.isawaitable(found) else found

    return in_thread
