"""
What you need to test your own code: a clock that you move, fresh guards, and the simulated gateway.

The fixture `smsc_gateway` comes with a pytest plugin; nothing happens to tests that do not ask for it.
"""

from __future__ import annotations

import heapq
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType

    import anyio

    from smsc_async.guard import LocalGuard
    from smsc_async.session import Session
    from smsc_async.simulator import Simulator

__all__ = ["FakeClock", "SimulatedGateway", "fresh_guards"]


class FakeClock:
    """
    A clock that stands still until you move it; for one event loop.

    Args:
        start: Its first moment, in seconds.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._start = start
        self._due: list[tuple[float, int, Any]] = []  # an event to set or a scope to cancel, with `done` in it
        self._numbers = count()

    def now(self) -> float:
        """Give the moment it was moved to."""
        return self._now

    def date(self) -> datetime:
        """Give a date that moves with the clock, from the first second of 2026 in UTC."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._now - self._start)

    async def sleep_until(self, moment: float) -> None:
        """Return when the clock has been moved to *moment*."""
        import anyio  # noqa: PLC0415 - the pytest plugin loads this module, and must cost nothing where it is not used

        if moment <= self._now:
            await anyio.lowlevel.checkpoint()
            return
        if moment == float("inf"):
            await anyio.sleep_forever()
        event = anyio.Event()
        self._push(moment, event.set)
        await event.wait()

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has been moved by *seconds*."""
        await self.sleep_until(self._now + seconds)

    def deadline(self, moment: float) -> _Deadline:
        """Give a cancel scope that is cancelled when the clock is moved to *moment*."""
        return _Deadline(self, moment)

    async def advance_to(self, moment: float) -> None:
        """
        Move to *moment*, through every moment at which something is due; tasks run until they all wait, each time.
        """
        import anyio  # noqa: PLC0415

        await anyio.wait_all_tasks_blocked()
        while self._due and self._due[0][0] <= moment:
            self._now = max(self._now, self._due[0][0])
            while self._due and self._due[0][0] <= self._now:
                heapq.heappop(self._due)[2]()
            await anyio.wait_all_tasks_blocked()
        self._now = max(self._now, moment)
        await anyio.wait_all_tasks_blocked()

    async def advance(self, seconds: float) -> None:
        """Move by *seconds*, as `advance_to` does."""
        await self.advance_to(self._now + seconds)

    def __repr__(self) -> str:
        """Show the moment."""
        return f"<FakeClock at {self._now:g} s>"

    def _push(self, moment: float, action: Any) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), action))


class _Deadline:
    """A cancel scope on a fake clock."""

    def __init__(self, clock: FakeClock, moment: float) -> None:
        import anyio  # noqa: PLC0415

        self._clock = clock
        self._moment = moment
        self._scope = anyio.CancelScope()
        self._open = False

    def __enter__(self) -> anyio.CancelScope:
        scope = self._scope.__enter__()
        self._open = True
        if self._moment <= self._clock.now():
            scope.cancel()
        elif self._moment < float("inf"):
            self._clock._push(self._moment, self._cancel)  # noqa: SLF001 - two halves of one thing
        return scope

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._open = False
        return bool(self._scope.__exit__(kind, error, traceback))

    def _cancel(self) -> None:
        if self._open:
            self._scope.cancel()


@contextmanager
def fresh_guards() -> Generator[None]:
    """Give the sessions made inside the block guards that know nothing of those outside, nor those of them."""
    from smsc_async.guard import set_default_guard  # noqa: PLC0415

    outside = set_default_guard(None)
    try:
        yield
    finally:
        set_default_guard(outside)


class SimulatedGateway:
    """
    A simulated gateway that answers on loopback, with a minute of *window* seconds.

    Use it as a context manager; inside, `url` is its address and `session` gives clients of it.
    """

    LOGIN = "demo"
    PASSWORD = "demo-password"  # noqa: S105 - the simulator's

    def __init__(self, *, window: float = 0.2, **settings: Any) -> None:
        from smsc_async.simulator import Simulator  # noqa: PLC0415

        self.simulator: Simulator = Simulator(login=self.LOGIN, password=self.PASSWORD, window=window, **settings)
        self.window = window
        self.url: str = ""
        self._served: Any = None

    def __enter__(self) -> Self:
        """Start it."""
        from smsc_async.simulator import serve  # noqa: PLC0415

        self._served = serve(self.simulator)
        self.url = self._served.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        self._served.__exit__(kind, error, traceback)

    def guard(self, **settings: Any) -> LocalGuard:
        """Give a guard with the simulator's short minute."""
        from smsc_async.guard import LocalGuard  # noqa: PLC0415

        given: dict[str, Any] = {"window": self.window, "margin": 0.03, "lateness": 0.1, **settings}
        return LocalGuard(**given)

    def session(self, **options: Any) -> Session:
        """Give a session on it; without a guard of its own it shares one with nobody."""
        from smsc_async.session import Session  # noqa: PLC0415

        given: dict[str, Any] = {"base_url": self.url, "guard": self.guard(), **options}
        if "apikey" not in options:
            given = {"login": self.LOGIN, "password": self.PASSWORD, **given}
        return Session(**given)
