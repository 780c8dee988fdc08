"""Events as an async iterator: an event is handled when the loop asks for the next one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import anyio
import attrs

from smsc_async.webhooks._handlers import Handler

if TYPE_CHECKING:
    from types import TracebackType

    from smsc_async.webhooks._handlers import Handlers

__all__ = ["Listening"]

E = TypeVar("E")


class _NotHandled(Exception):
    """The event comes again."""


@attrs.define(eq=False)
class _Handed:
    """An event, and how far it is."""

    event: Any
    taken: bool = False  # the loop has it, or had it
    over: anyio.Event = attrs.field(factory=anyio.Event)
    failed: bool = False

    def end(self, *, failed: bool) -> None:
        self.failed = failed
        self.over.set()


class Listening(Generic[E]):
    """
    Events as they come, one at a time, as long as a block lasts; made by `Receiver.events`.

    It counts as a handler from the moment it is made. Until its block begins, and after one that ended with an error,
    events wait for it: they are not acknowledged, or stay in the store. It no longer counts when its block has ended
    without an error.

    An event counts as handled when the loop asks for the next one, or the block ends without an error.
    """

    def __init__(self, handlers: Handlers, kinds: tuple[type[Any], ...], *, stale: bool, name: str) -> None:
        self._handlers = handlers
        self._handler = Handler(name, kinds, stale, self._hand, loop=self)
        self._running = False
        self._news = anyio.Event()
        self._queue: deque[_Handed] = deque()
        self._handed: dict[str, _Handed] = {}  # by the key of the event; whoever hands it over may not wait that long
        self._current: _Handed | None = None
        handlers.add(self._handler)

    @property
    def is_idle(self) -> bool:
        """Whether its block is not run now."""
        return not self._running

    def has_had(self, event: Any) -> bool:
        """Whether it has handled *event*, though nobody waited for that any more."""
        handed = self._handed.get(event.key)
        return handed is not None and handed.over.is_set() and not handed.failed

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._handlers.add(self._handler)
        self._running = True
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Listen no more."""
        self._running = False
        self._end(failed=exc_type is not None)
        for handed in self._queue:
            handed.end(failed=True)
        self._queue.clear()
        self._news.set()
        if exc_type is None:
            self._handlers.remove(self._handler)

    def __aiter__(self) -> Self:
        """Give itself."""
        return self

    async def __anext__(self) -> E:
        """Give the next event; the one before it has been handled."""
        self._end(failed=False)
        while not self._queue:
            if not self._running:
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        self._current = self._queue.popleft()
        self._current.taken = True
        event: E = self._current.event
        return event

    def _end(self, *, failed: bool) -> None:
        if self._current is not None:
            self._current.end(failed=failed)
            self._current = None

    async def _hand(self, event: Any) -> None:
        if not self._running:
            raise _NotHandled(f"the loop {self._handler.name!r} is not run now")
        key = event.key  # a digest
        handed = self._handed.get(key)
        if handed is None:
            handed = self._handed[key] = _Handed(event)
            self._queue.append(handed)
            self._news.set()
        try:
            await handed.over.wait()
        except anyio.get_cancelled_exc_class():
            if handed in self._queue:  # nobody waits for it any more
                self._queue.remove(handed)
                del self._handed[key]
            raise
        del self._handed[key]
        if handed.failed:
            raise _NotHandled(f"the loop {self._handler.name!r} ended with an error")
