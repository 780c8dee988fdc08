"""What a session and its views have in common: guard, connections, journal, who asks; and how all of it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from smsc_async._loops import current_loop
from smsc_async.errors import SessionClosed
from smsc_async.guard import LocalGuard, look_for_neighbours

if TYPE_CHECKING:
    from smsc_async._journal.journal import Journal
    from smsc_async._loops import Loop
    from smsc_async._memory import Memory
    from smsc_async._privacy import Secret
    from smsc_async._transport import Transport
    from smsc_async.guard import Guard, Identity, Wait

__all__ = ["Shared"]


class Shared:
    """What a session and its views have in common."""

    def __init__(
        self,
        *,
        guard: Guard,
        transport: Transport,
        identity: Identity,
        memory: Memory,
        hosts: tuple[str, ...],
        secrets: tuple[Secret, ...],
        journal: Journal | None,
    ) -> None:
        self.guard = guard
        self.transport = transport
        self.identity = identity
        self.memory = memory
        self.hosts = hosts
        self.secrets = secrets
        self.journal = journal
        self.closed: bool = False
        self.in_flight: set[object] = set()  # calls; adding and removing are atomic, and calls end in any thread
        self.waits: dict[object, Wait] = {}  # by the call
        self._closing: list[tuple[Loop, anyio.Event]] = []

    def look_around(self) -> None:
        """Say if other processes use the account with guards of their own; not for a gateway on this machine."""
        if isinstance(self.guard, LocalGuard) and self.identity.gateway.startswith("https:"):
            look_for_neighbours(self.identity.account)

    def check_open(self) -> None:
        """Refuse a call on a closed session."""
        if self.closed:
            raise SessionClosed

    def enter(self, call: object) -> None:
        """Note a call in flight."""
        self.in_flight.add(call)

    def leave(self, call: object) -> None:
        """Note its end, and tell whoever waits for the last, each in its own event loop."""
        self.in_flight.discard(call)
        if self._closing and not self.in_flight:
            for loop, drained in list(self._closing):
                loop.call_soon(drained.set)

    async def close(self, patience: float) -> None:
        """Call off what waits, let what is in flight end within *patience* seconds, and close the connections."""
        self.closed = True
        for wait in list(self.waits.values()):
            wait.call_off(SessionClosed())
        closing = (current_loop(), anyio.Event())
        self._closing.append(closing)
        try:
            if self.in_flight:
                with self.guard.clock.deadline(self.guard.clock.now() + patience):
                    await closing[1].wait()
        finally:
            self._closing.remove(closing)
            try:
                await self.transport.aclose()
            finally:
                if self.journal is not None:
                    await self.journal.aclose()
