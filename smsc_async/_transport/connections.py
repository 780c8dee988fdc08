"""
The idle connections: per event loop a stack, the last used on top.

How many connections are in use at once is the guard's business; there are never more than that.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from smsc_async._loops import Loop, current_loop
from smsc_async._transport.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import httpx

__all__ = ["Connections", "Stack"]


class Connections:
    """The connections of one transport, in all event loops that use it."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport], *, own: bool, keepalive: float) -> None:
        self._make = make
        self._own = own
        self._keepalive = keepalive
        self._stacks: dict[Loop, Stack] = {}
        # A session may be dropped without being closed, as in a notebook.
        weakref.finalize(self, _end_in_their_loops, self._stacks).atexit = False

    async def take(self, *, fresh: bool, now: float) -> Connection:
        """Give the connection that was used last, or a new one where there is none or a *fresh* one is asked for."""
        loop = current_loop()
        stack = self._stacks.get(loop) or await self._begin(loop)
        idle = stack.idle
        # Each new connection replaces an idle one, so that there are never more than were in use at once.
        if idle and (fresh or now - idle[0].idle_since > self._keepalive):
            await idle.pop(0).close()
        if idle and not fresh:
            return idle.pop()
        return Connection(self._make(), stack, own=self._own)

    async def give_back(self, connection: Connection, *, now: float) -> None:
        """Keep a connection for the next exchange; close it where it cannot serve, or nothing would close it later."""
        if connection.usable and not connection.stack.ended:
            connection.idle_since = now
            connection.stack.idle.append(connection)
        else:
            await connection.close()

    async def aclose(self) -> None:
        """Close what is idle: here now, in other loops as soon as they come to it."""
        here = current_loop()
        mine = self._stacks.pop(here, None)
        _end_in_their_loops(self._stacks)
        if mine is not None:
            await mine.end()

    async def _begin(self, loop: Loop) -> Stack:
        for known in [*self._stacks]:
            if not known.is_alive():
                self._stacks.pop(known, None)
        stack = self._stacks[loop] = Stack()
        await anext(stack.keeper)
        return stack

    def __repr__(self) -> str:
        return f"<Connections: {sum(len(stack.idle) for stack in [*self._stacks.values()])} idle>"


class Stack:
    """The idle connections of one event loop, the last used on top."""

    def __init__(self) -> None:
        self.idle: list[Connection] = []
        self.ended = False
        self.keeper = self._keep()

    async def _keep(self) -> AsyncGenerator[None, None]:
        """
        Wait for the end of the event loop, and close what is idle.

        A loop that ends closes all asynchronous generators that have begun, and that is the only moment at which
        asyncio and trio alike let somebody clean up.
        """
        try:
            yield
        finally:
            self.ended = True
            await self._close_idle()

    async def _close_idle(self) -> None:
        if self.idle:
            try:
                await self.idle.pop().close()
            finally:  # the others too, when a cancellation comes through
                await self._close_idle()

    async def end(self) -> None:
        """Close what is idle; what is in use is closed by its exchange."""
        if not self.ended:
            self.ended = True
            await self._close_idle()
            with suppress(RuntimeError):  # the loop is ending too, and at work in the keeper
                await self.keeper.aclose()


def _end_in_their_loops(stacks: dict[Loop, Stack]) -> None:
    while stacks:
        loop, stack = stacks.popitem()
        loop.spawn(stack.end)
