"""
What a guard is within one process: the policy under a lock, shared by all sessions, event loops and threads.

Bindings for several processes differ in the lock: it also brings what other processes did, and tells them what was
done under it. Such a lock can be `Busy`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from smsc_async._loops import Loop, current_loop, current_loop_or_none
from smsc_async.clock import SYSTEM_CLOCK
from smsc_async.errors import AccountLocked, InvalidArgument, InvalidArgumentType, WaitTooLong
from smsc_async.guard._bucket import FOREVER
from smsc_async.guard._parking import Room, Seat
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Lease, Locked, Outcome, Settings, Ticket
from smsc_async.guard.usage import AccountUsage, Wait, usage_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.clock import Clock
    from smsc_async.guard._records import Demand, TooLong

__all__ = ["MAX_CONCURRENCY", "Busy", "ProcessGuard", "check_seconds"]

MAX_CONCURRENCY: Final = 14  # the vendor: the fifteenth request in flight under one login is error 9
STRICT_WINDOW: Final = 60.0  # the vendor: "within a minute"
STRICT_MARGIN: Final = 1.5  # reliability: clock rates 0.06 s, the gateway's rounding 1 s, its book-keeping 0.25 s

_guards: weakref.WeakSet[ProcessGuard] = weakref.WeakSet()


class Busy(Exception):
    """The lock could not be had just now; nothing was done."""


class ProcessGuard:
    """A guard as one process has it; what the arguments mean, the bindings say."""

    def __init__(
        self,
        *,
        window: float,
        margin: float,
        lateness: float,
        max_concurrency: int,
        max_downloads: int,
        limits: Mapping[str, int] | None,
        identical: Literal["request", "action"],
        clock: Clock,
    ) -> None:
        check_seconds("window", window, zero=False)
        check_seconds("margin", margin)
        check_seconds("lateness", lateness)
        _check_count("max_concurrency", max_concurrency, MAX_CONCURRENCY)
        _check_count("max_downloads", max_downloads, MAX_CONCURRENCY)
        if limits is not None and not isinstance(limits, Mapping):
            raise InvalidArgumentType("limits", "give a mapping of endpoint names to numbers")
        if not (callable(getattr(clock, "now", None)) and callable(getattr(clock, "sleep_until", None))):
            raise InvalidArgumentType("clock", f"give a Clock, not {type(clock).__name__}")
        for endpoint, n in (limits or {}).items():
            _check_count(f"limits[{endpoint!r}]", n)
        if identical not in ("request", "action"):
            raise InvalidArgument("identical", "use 'request' or 'action'")
        self.window: float = float(window)
        self.margin: float = float(margin)
        self.lateness: float = float(lateness)
        self.max_concurrency = max_concurrency
        self.max_downloads = max_downloads
        self.limits: dict[str, int] = dict(limits or {})
        self.identical: Literal["request", "action"] = identical
        self.clock = clock
        self._policy = self._new_policy()
        # Re-entrant, so that it can be entered by `with` alone: a signal that is handled between taking a lock and the
        # `try` that would release it leaves the lock taken for good.
        self._lock: Any = threading.RLock()
        self._returns: deque[tuple[Lease | Ticket, Outcome, float]] = deque()
        self._rooms: dict[Loop, Room] = {}
        _guards.add(self)

    @property
    def strict(self) -> bool:
        """Tell whether the gateway's limits hold for certain: no number is smaller than what they need."""
        return self.window >= STRICT_WINDOW and self.margin >= STRICT_MARGIN

    def __repr__(self) -> str:
        """Show the numbers, and whether they are strict."""
        strict = "" if self.strict else ", not strict: for tests only"
        return (
            f"<{type(self).__name__} window={self.window:.3g} s margin={self.margin:.3g} s "
            f"lateness={self.lateness:.3g} s max_concurrency={self.max_concurrency}{strict}>"
        )

    def _new_policy(self) -> Policy:
        return Policy(self._settings())

    def _settings(self) -> Settings:
        return Settings(
            window=self.window, margin=self.margin, lateness=self.lateness, max_concurrency=self.max_concurrency
        )

    # ---------------------------------------------------------------- asking

    async def acquire(
        self, demand: Demand, *, deadline: float = FOREVER, on_wait: Callable[[Wait], None] | None = None
    ) -> Lease:
        """
        Return when the call may be sent; whoever gets a lease must `finish` it.

        Args:
            demand: What the call needs.
            deadline: The clock's moment by which it must have started.
            on_wait: Called once if the call has to wait, with a way to call the wait off.

        Raises:
            WaitTooLong: It cannot start by *deadline*.
            AccountLocked: Asking could lock the address out.
        """
        while True:
            with self._lock:
                answer = self._policy.ask(demand, self.clock.now(), deadline)
                calls = self._calls()
            if calls or self._returns:
                self._after(calls)
            if isinstance(answer, Lease):
                return answer
            verdict = await self._wait(answer, on_wait) if type(answer) is Ticket else answer
            if isinstance(verdict, Lease):
                return verdict
            if verdict is not None:
                raise self._error(verdict)  # type: ignore[arg-type]
            on_wait = None  # told already; the event loop was stopped meanwhile, and the place in line lost

    def finish(self, lease: Lease, outcome: Outcome) -> None:
        """
        Give the call's tokens and slot back; at once, and safe to call from a finaliser that interrupts this guard.
        """
        now = self.clock.now()
        if self._rooms or self._returns or self._lock._is_owned():  # noqa: SLF001 - as `threading.Condition` asks it
            self._returns.append((lease, outcome, now))
            self._take_returns()
            return
        try:
            with self._lock:
                self._policy.finish(lease, outcome, now)
                calls = self._calls()
        except Busy:
            self._returns.append((lease, outcome, now))
            return
        if calls or self._returns:
            self._after(calls)

    def prove(self, lease: Lease) -> None:
        """Note that the gateway has accepted the credentials of a call that is still going on."""
        if lease.proven:
            return
        with self._lock:
            self._policy.prove(lease, self.clock.now())
            calls = self._calls()
        self._after(calls)

    def usage(self, account: str) -> AccountUsage:
        """Give a snapshot of the account's tokens and slots."""
        with self._lock:
            self._policy.tick(self.clock.now())
            usage = usage_of(self._policy, account, self.clock.now())
            calls = self._calls()
        self._after(calls)
        return usage

    # ---------------------------------------------------------------- waiting

    async def _wait(self, ticket: Ticket, on_wait: Callable[[Wait], None] | None) -> Lease | Locked | TooLong | None:
        loop = current_loop()
        room = self._rooms.get(loop) or self._rooms.setdefault(loop, Room(loop, self._bury))
        seat = ticket.seat = Seat(room)
        room.seats[seat] = ticket
        self._rooms[loop] = room  # a finaliser may just have emptied it
        try:
            if on_wait is not None and (wait := self._wait_of(ticket, seat)) is not None:
                on_wait(wait)
            while ticket.verdict is None and seat.called_off is None and seat in room.seats:
                if room.keeper is None or room.keeper is seat:
                    await self._keep_time(room, seat, ticket)
                elif not seat.woken:
                    await seat.sleep()
                seat.get_up()
            if seat.called_off is not None:
                raise seat.called_off
            verdict, ticket.verdict = ticket.verdict, None  # from here on a lease is the caller's to give back
            return verdict
        finally:
            self._stand_up(room, seat, ticket)

    def _wait_of(self, ticket: Ticket, seat: Seat) -> Wait | None:
        wait = calls = None
        try:
            with self._lock:
                if ticket.verdict is None and ticket.place is not None:  # else another thread has just let it go
                    now = self.clock.now()
                    seconds = max(self._policy.lines.expected(ticket, now) - now, 0.0)
                    wait = Wait(ticket.reason, seconds, seat.call_off)
                calls = self._calls()
        except Busy:
            wait = Wait(ticket.reason, 0.0, seat.call_off)
        self._after(calls)
        return wait

    async def _keep_time(self, room: Room, seat: Seat, ticket: Ticket) -> None:
        room.keeper = seat
        calls = None
        try:
            with self._lock:
                self._policy.tick(self.clock.now())
                room.until = self._next_look(room)
                calls = self._calls()
        except Busy:
            room.until = self._when_busy()
        self._after(calls)
        if ticket.verdict is None and seat in room.seats:
            await seat.keep_time(self.clock, room.until)

    def _next_look(self, room: Room) -> float:  # noqa: ARG002 - for bindings
        """Give the moment at which a room's keeper has to look at the policy again."""
        return self._policy.next_alarm()

    def _when_busy(self) -> float:
        """Give the moment at which a keeper tries the lock again."""
        raise NotImplementedError

    def _stand_up(self, room: Room, seat: Seat, ticket: Ticket) -> None:
        """
        Leave the room, whatever ended the wait; pass on the time-keeping, and what was granted meanwhile.

        Like `finish`, it may run in a finaliser, in any thread.
        """
        room.seats.pop(seat, None)
        if room.keeper is seat:
            room.keeper = None
        if room.keeper is None:  # or this seat had been woken to keep it, and leaves instead
            room.until = -FOREVER
            self._wake(room.loop, room.pass_on)
        if not room.seats and self._rooms.get(room.loop) is room:
            del self._rooms[room.loop]
        if ticket.place is not None or ticket.verdict is not None:
            self._returns.append((ticket, Outcome.UNSENT, self.clock.now()))
            self._take_returns()

    # ---------------------------------------------------------------- waking

    def _calls(self) -> list[tuple[Loop, Callable[[], object]]] | None:
        """Collect, under the lock, whom to wake after it."""
        policy = self._policy
        if not policy.lines.settled and not self._rooms:
            return None
        calls: list[tuple[Loop, Callable[[], object]]] = []
        if policy.lines.settled:
            settled, policy.lines.settled = policy.lines.settled, []
            calls = [(ticket.seat.room.loop, ticket.seat.wake) for ticket in settled if ticket.seat is not None]
        if self._rooms:
            alarm = policy.next_alarm()
            for room in list(self._rooms.values()):
                if alarm < room.until:
                    room.until = alarm
                    calls.append((room.loop, room.poke))
        return calls

    def _after(self, calls: list[tuple[Loop, Callable[[], object]]] | None) -> None:
        """Wake, without the lock; then see to what finalisers gave back meanwhile."""
        if calls:
            for loop, wake in calls:
                self._wake(loop, wake)
        if self._returns:
            self._take_returns()

    def _wake(self, loop: Loop, wake: Callable[[], object]) -> None:
        """Call *wake* in its loop; where that runs no more, its waiting calls lose their places."""
        if loop == current_loop_or_none():
            wake()
        elif not (loop.is_running() and loop.call_soon(wake)):
            self._bury(loop)

    def _take_returns(self) -> None:
        # Whoever holds the lock looks again after releasing it, so nothing is left lying where the holder is this very
        # thread, interrupted by a finaliser. Another thread is waited for: it holds the lock for microseconds.
        while self._returns and not self._lock._is_owned():  # noqa: SLF001 - likewise
            try:
                with self._lock:
                    while self._returns:
                        self._take_return(*self._returns.popleft())
                    calls = self._calls()
            except Busy:
                return
            self._after(calls)

    def _take_return(self, subject: Lease | Ticket, outcome: Outcome, now: float) -> None:
        if type(subject) is Ticket:
            # Let go and given up in the same moment, by two threads maybe: what it was given goes back.
            verdict, subject.verdict = subject.verdict, None
            if not isinstance(verdict, Lease):
                self._policy.leave(subject, now)
                return
            subject = verdict
        self._policy.finish(subject, outcome, now)  # type: ignore[arg-type]

    def _bury(self, loop: Loop) -> None:
        """
        Drop the waiting calls of an event loop that is gone or stopped, and give back what they were granted.

        If the loop ever runs again, they find their seats taken away and ask anew.
        """
        room = self._rooms.pop(loop, None)
        if room is None:
            return
        now = self.clock.now()
        seats = dict(room.seats)
        room.seats.clear()
        self._returns.extend((ticket, Outcome.UNSENT, now) for ticket in seats.values())
        for seat in seats:
            loop.call_soon(seat.wake)
        self._take_returns()

    def _error(self, refusal: Locked | TooLong) -> AccountLocked | WaitTooLong:
        left = (refusal.until if isinstance(refusal, Locked) else refusal.moment) - self.clock.now()
        if isinstance(refusal, Locked):
            return AccountLocked(self.clock.date() + timedelta(seconds=left), refusal.reason)
        return WaitTooLong(max(left, 0.0), refusal.reason.value)

    # ---------------------------------------------------------------- fork

    def before_fork(self) -> None:
        """Take the lock, so that the child gets whole books."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()
        self._after(None)

    def after_fork_in_child(self) -> None:
        """Start with the parent's charges, and none of its calls."""
        self._lock = threading.RLock()
        self._rooms.clear()
        self._returns.clear()
        self._policy.after_fork(self.clock.now())


def check_seconds(name: str, value: Any, *, zero: bool = True) -> None:
    """Check that *value* is a number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgumentType(name, f"give seconds as a number, not {type(value).__name__}")
    if not (0 <= value < FOREVER) or (value == 0 and not zero):
        raise InvalidArgument(name, f"give a finite number of seconds {'from' if zero else 'above'} 0, not {value}")


def _check_count(name: str, value: Any, most: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentType(name, f"give a whole number, not {type(value).__name__}")
    if value < 1 or (most is not None and value > most):
        span = f"from 1 to {most}" if most is not None else "from 1"
        why = "; the gateway refuses the fifteenth request in flight" if name == "max_concurrency" else ""
        raise InvalidArgument(name, f"give a whole number {span}, not {value}{why}")


class _Fork:
    """Holds every guard's lock while the process forks, so that the child gets whole books."""

    def __init__(self) -> None:
        self._held: list[ProcessGuard] = []

    def before(self) -> None:
        for guard in list(_guards):
            guard.before_fork()
            self._held.append(guard)

    def after_in_parent(self) -> None:
        while self._held:
            self._held.pop().after_fork_in_parent()

    def after_in_child(self) -> None:
        self._held.clear()
        for guard in list(_guards):  # those made meanwhile by another thread too
            guard.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    _fork = _Fork()
    os.register_at_fork(before=_fork.before, after_in_parent=_fork.after_in_parent, after_in_child=_fork.after_in_child)
