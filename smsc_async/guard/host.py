"""The guard of one machine: all of its processes share tokens and slots, and what they know outlives each of them."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import attrs

from smsc_async._boot import boot_name
from smsc_async._state_folder import state_folder
from smsc_async.clock import BOOT_CLOCK
from smsc_async.errors import GuardUnavailable, InvalidArgument, InvalidArgumentType
from smsc_async.guard._bucket import FOREVER
from smsc_async.guard._process import MAX_CONCURRENCY, STRICT_MARGIN, STRICT_WINDOW, Busy, ProcessGuard
from smsc_async.guard._replica import Replica, longest_charge
from smsc_async.guard._step_file import LOCKS, RESTARTED, StepFile
from smsc_async.guard.usage import usage_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from smsc_async._loops import Loop
    from smsc_async.clock import Clock
    from smsc_async.guard._parking import Room, Seat
    from smsc_async.guard._records import Demand, Lease, Outcome
    from smsc_async.guard.usage import AccountUsage, Wait

__all__ = ["HostGuard"]

_log: Final = logging.getLogger("smsc_async")

_PATIENCE: Final = 10.0  # seconds that another process may hold the lock, which it does for microseconds
_GIVING_BACK: Final = 1.0  # seconds; reliability 2.3: bounded, and allowed to fail
_NAP: Final = (0.002, 0.05)  # seconds between tries for the lock: at first, and at the most
_PACE: Final = (0.002, 0.02)  # seconds between looks at what others did: while they do much, and little
_AHEAD: Final = 1.0  # seconds that a step may seem to lie in the future, by rounding
_LONGEST: Final = 600.0  # seconds; the longest exchange, which is that of a file
_USUAL: Final = 30.0  # seconds; that of any other. After a restart nobody reads a file on
_NAME: Final = "guard"


class HostGuard(ProcessGuard):
    """
    Keeps every account inside the gateway's limits, for all processes of this machine: workers, cron jobs, restarts.

    What is granted and given back stands in a file of the user's state folder, which other users cannot read. There is
    nothing to install, and no process that has to run. All processes that use an account must use the same path, the
    same user (or a path that all of them may write) and the same numbers.

    Args:
        path: The file; by default one in the user's state folder, such as ``~/.local/state/smsc_async/guard``. A disk
            of this machine: locks on network drives are not to be relied on.
        window: The gateway's minute, in seconds. A smaller one is for tests.
        margin: Seconds added to each token's rest: clock rates, the gateway's rounding, its book-keeping.
        lateness: Seconds after which a request that we gave up cannot be counted by the gateway any more.
        max_concurrency: Requests of one account in flight, 1 to 14, in all processes together.
        max_downloads: How many of them may be downloads.
        limits: Lower limits by the name of the endpoint, such as ``{"numbers.available": 1}``.
        identical: What the limits on identical requests count together.
        clock: What drives every wait; the same scale in all processes.

    Raises:
        InvalidArgument: A number is out of range, or the path cannot be used.
        GuardUnavailable: This system has not what it needs; it works on Linux and macOS.
    """

    keeps_journal: bool = True  # sessions keep a journal of purchases, unless they are told otherwise

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        window: float = STRICT_WINDOW,
        margin: float = STRICT_MARGIN,
        lateness: float = 5.0,
        max_concurrency: int = MAX_CONCURRENCY,
        max_downloads: int = 4,
        limits: Mapping[str, int] | None = None,
        identical: Literal["request", "action"] = "request",
        clock: Clock = BOOT_CLOCK,
    ) -> None:
        self.path: Path = _checked_path(path)
        boot = boot_name() if LOCKS else ""
        if not boot:
            raise GuardUnavailable("HostGuard works on Linux and macOS; elsewhere use one process, with a LocalGuard")
        self._member = secrets.token_hex(4)
        self._replica: Replica
        super().__init__(
            window=window,
            margin=margin,
            lateness=lateness,
            max_concurrency=max_concurrency,
            max_downloads=max_downloads,
            limits=limits,
            identical=identical,
            clock=clock,
        )
        self._file = StepFile(self.path, boot, attrs.asdict(self._settings()))
        self._lock = self._turn = _Turn(self, self._file)
        self._stale = False  # what this process knows is not what the file says

    def _new_policy(self) -> Replica:
        self._replica = Replica(self._settings(), self._member)
        return self._replica

    @property
    def late(self) -> int:
        """How many leases of this process had lapsed before it gave them back: it had stood still; 0 is usual."""
        return self._replica.late

    # ---------------------------------------------------------------- asking and giving back

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
            GuardUnavailable: The file cannot be used.
            InvalidArgument: The session's time-out is longer than what other processes wait for after a loss.
        """
        if demand.lasts > _LONGEST:
            raise InvalidArgument("timeout", f"with a HostGuard give at most {_LONGEST:.0f} s, not {demand.lasts:g}")
        while True:
            try:
                return await super().acquire(demand, deadline=deadline, on_wait=on_wait)
            except Busy:
                now = self.clock.now()
            if now >= min(self._turn.busy_since + _PATIENCE, deadline):
                raise self._stuck(now)
            await self.clock.sleep_until(self._next_try(now))

    def finish(self, lease: Lease, outcome: Outcome) -> Awaitable[None] | None:  # type: ignore[override]
        """Give the call's tokens and slot back; what is returned, if anything, tries again for a second."""
        super().finish(lease, outcome)
        return self._give_back() if self._returns else None

    def prove(self, lease: Lease) -> None:
        """Note that the gateway has accepted the credentials of a call that goes on; if not now, then at its end."""
        with suppress(Busy, GuardUnavailable):
            super().prove(lease)

    def usage(self, account: str) -> AccountUsage:
        """Give a snapshot of the account's tokens and slots; while the file cannot be read, as of the last time."""
        try:
            return super().usage(account)
        except (Busy, GuardUnavailable):
            with self._turn.threads:
                return usage_of(self._replica, account, self.clock.now())

    async def _give_back(self) -> None:
        until = self.clock.now() + _GIVING_BACK
        while self._returns and self.clock.now() < until:
            await self.clock.sleep_until(self._next_try(self.clock.now()))
            self._take_returns()
        if self._returns:
            raise GuardUnavailable(f"{self.path} could not be written; what was granted ends by itself")

    # ---------------------------------------------------------------- waiting

    async def _sleep(self, room: Room, seat: Seat) -> None:
        """
        Sleep likewise, and look what other processes do, where that may let a call go.

        A look asks the file's size, and costs next to nothing.
        """
        least, most = _PACE
        replica = self._replica
        if not replica.depends_on_others:
            await super()._sleep(room, seat)
            return
        pace = least * (1 + replica.ahead)
        while not seat.woken and (now := self.clock.now()) < room.until:
            await seat.keep_time(self.clock, min(room.until, now + pace))
            if self._file.has_news:
                return
            pace = min(pace * 1.25, most)

    def _when_busy(self) -> float:
        now = self.clock.now()
        if now >= self._turn.busy_since + _PATIENCE:
            raise self._stuck(now)
        return self._next_try(now)

    def _next_try(self, now: float) -> float:
        least, most = _NAP
        return now + min(max(now - self._turn.busy_since, least), most)

    def _stuck(self, now: float) -> GuardUnavailable:
        seconds = now - self._turn.busy_since
        return GuardUnavailable(f"another process has locked {self.path} for {seconds:.1f} s; is it stopped?")

    def _calls(self) -> list[tuple[Loop, Callable[[], object]]] | None:
        self._replica.note_grants()
        return super()._calls()

    # ---------------------------------------------------------------- what the others did, and what we did

    def _begin(self, now: float) -> None:
        """Hear of what the others did."""
        file = self._file
        if self._stale:
            file.forget()
        found = file.read()
        if found.steps and found.steps[-1][1] > now + _AHEAD:
            found.steps, found.blank, found.lost = [], True, "its moments are ahead of this machine's clock"
        if found.anew or self._stale:
            self._start_anew()
            self._stale = False
        replica = self._replica
        replica.hear(found.steps, now)
        if found.lost:
            since = 0.0 if found.lost == RESTARTED else now
            until = since + longest_charge(replica.settings, _LONGEST if since else _USUAL)
            if until > now:
                replica.fence(until, now)
                _log.warning(
                    "%s: what the guard knew was lost (%s); nothing is sent for %.1f s",
                    self.path,
                    found.lost,
                    until - now,
                )
        if found.blank:
            file.replace(replica.snapshot(now), lost=bool(found.lost))
            replica.told()

    def _end(self, now: float) -> None:
        """Tell the others what was done here."""
        replica, file = self._replica, self._file
        news = replica.collect(now)
        if news:
            try:
                file.append(news)
            except BaseException:
                for ticket in replica.granted:
                    ticket.verdict = None  # nobody knows of it, so it is not granted
                self._stale = True
                self._empty_rooms()
                raise
            replica.told()
        if file.is_long:
            with suppress(OSError):  # then later
                file.replace(replica.snapshot(now))

    def _start_anew(self) -> None:
        self._replica.leave_all()
        self._empty_rooms()
        self._policy = self._replica = self._replica.successor(self._member)

    def _empty_rooms(self) -> None:
        """Let all waiting calls ask anew."""
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            seats = list(room.seats)
            room.seats.clear()
            for seat in seats:
                room.loop.call_soon(seat.wake)

    # ---------------------------------------------------------------- fork

    def before_fork(self) -> None:
        """Let no step be half done."""
        self._turn.threads.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._turn.threads.release()
        self._after(None)

    def after_fork_in_child(self) -> None:
        """Be another process, with none of the parent's calls."""
        self._member = secrets.token_hex(4)
        self._file.close()  # a lock belongs to an open file, and this one is the parent's too
        self._lock = self._turn = _Turn(self, self._file)
        self._rooms.clear()
        self._returns.clear()
        self._replica.become(self._member)


class _Turn:
    """
    The lock: of this process's threads, and of the file.

    Whoever enters knows what the others did, and whoever leaves has told what it did.
    """

    def __init__(self, guard: HostGuard, file: StepFile) -> None:
        self.threads: Any = threading.RLock()
        self.busy_since = FOREVER  # when the file's lock could not be had; FOREVER: it could
        self._guard = guard
        self._file = file
        self._depth = 0

    def __enter__(self) -> Self:
        """
        Begin a turn.

        Raises:
            Busy: Another process has its turn.
            GuardUnavailable: The file cannot be used.
        """
        self.threads.acquire()
        self._depth += 1
        if self._depth > 1:
            return self
        try:
            self._take_the_file()
        except BaseException:
            self._depth -= 1
            self.threads.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End it; what was done is told even where it ended in an error."""
        try:
            if self._depth == 1:
                self._leave_the_file()
        finally:
            self._depth -= 1
            self.threads.release()

    def _is_owned(self) -> bool:
        return bool(self.threads._is_owned())  # noqa: SLF001 - as `threading.Condition` asks it

    def _take_the_file(self) -> None:
        guard, file = self._guard, self._file
        now = guard.clock.now()
        try:
            if not file.lock(patient=self.busy_since == FOREVER):
                self.busy_since = min(self.busy_since, now)
                raise Busy  # noqa: TRY301 - it is undone like any other
            self.busy_since = FOREVER
            guard._begin(guard.clock.now())  # noqa: SLF001 - its other half
        except OSError as error:
            file.unlock()
            raise _unusable(guard.path, error) from None
        except BaseException:
            file.unlock()
            raise

    def _leave_the_file(self) -> None:
        guard, file = self._guard, self._file
        try:
            guard._end(guard.clock.now())  # noqa: SLF001 - its other half
        except OSError as error:
            raise _unusable(guard.path, error) from None
        finally:
            file.unlock()


def _unusable(path: Path, error: OSError) -> GuardUnavailable:
    return GuardUnavailable(f"{path} cannot be used ({(error.strerror or type(error).__name__).lower()})")


def _checked_path(path: str | os.PathLike[str] | None) -> Path:
    if path is None:
        try:
            return state_folder() / _NAME
        except RuntimeError:
            raise InvalidArgument("path", "give one: this user has no home") from None
    try:
        found = Path(os.fspath(path))
    except TypeError:
        raise InvalidArgumentType("path", f"give a path, not {type(path).__name__}") from None
    if found.is_dir():
        raise InvalidArgument("path", "give the path of a file, not of a folder")
    return found.absolute()
