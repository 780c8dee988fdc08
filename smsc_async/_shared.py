"""What a session and its views have in common: guard, connections, who asks; and how all of it is closed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import anyio

from smsc_async._loops import current_loop
from smsc_async.errors import SessionClosed

if TYPE_CHECKING:
    from smsc_async._loops import Loop
    from smsc_async._memory import Memory
    from smsc_async._plan import Identity
    from smsc_async._privacy import Secret
    from smsc_async._transport import Transport
    from smsc_async.guard import Guard, Wait

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
    ) -> None:
        self.guard = guard
        self.transport = transport
        self.identity = identity
        self.memory = memory
        self.hosts = hosts
        self.secrets = secrets
        self.closed: bool = False
        self.in_flight: int = 0
        self.waits: dict[Wait, None] = {}
        self._lock = threading.Lock()  # counting is not atomic, and calls end in any thread
        self._closing: list[tuple[Loop, anyio.Event]] = []

    def check_open(self) -> None:
        """Refuse a call on a closed session."""
        if self.closed:
            raise SessionClosed

    def enter(self) -> None:
        """Count a call in flight."""
        with self._lock:
            self.in_flight += 1

    def leave(self) -> None:
        """Count it off, and tell whoever waits for the last, each in its own event loop."""
        with self._lock:
            self.in_flight -= 1
            closing = [] if self.in_flight else list(self._closing)
        for loop, drained in closing:
            loop.call_soon(drained.set)

    async def close(self, patience: float) -> None:
        """Call off what waits, let what is in flight end within *patience* seconds, and close the connections."""
        self.closed = True
        for wait in list(self.waits):
            wait.call_off(SessionClosed())
        closing = (current_loop(), anyio.Event())
        with self._lock:
            self._closing.append(closing)
        try:
            if self.in_flight:
                with self.guard.clock.deadline(self.guard.clock.now() + patience):
                    await closing[1].wait()
        finally:
            self._closing.remove(closing)
            await self.transport.aclose()
