"""The guard of many machines: all processes of an account share tokens and slots, on Redis 7 or Valkey."""

from __future__ import annotations

import logging
import random
import secrets
import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio

from smsc_async._loops import current_loop
from smsc_async.clock import BOOT_CLOCK
from smsc_async.errors import GuardUnavailable, InvalidArgument, InvalidArgumentType
from smsc_async.guard._bucket import FOREVER, Reason
from smsc_async.guard._process import MAX_CONCURRENCY, STRICT_MARGIN, STRICT_WINDOW, ProcessGuard, check_seconds
from smsc_async.guard._records import Lease, Locked, Outcome, Ticket
from smsc_async.guard._redis_answers import REASONS, Refused, read_told
from smsc_async.guard._redis_door import Door, Unreachable
from smsc_async.guard._redis_link import Lost
from smsc_async.guard._redis_links import Links
from smsc_async.guard._redis_script import Names, schema
from smsc_async.guard._replica import send_within
from smsc_async.guard._subordinate import Held, Subordinate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smsc_async._loops import Loop
    from smsc_async.clock import Clock
    from smsc_async.guard._bucket import TokenBucket
    from smsc_async.guard._records import Demand, Identity, TooLong
    from smsc_async.guard._redis_door import Opened
    from smsc_async.guard._redis_link import Asked, Link
    from smsc_async.guard.usage import Wait

__all__ = ["RedisGuard"]

_log: Final = logging.getLogger("smsc_async")

_PATIENCE: Final = 10.0  # seconds that a call without a deadline waits for a server that does not answer
_SILENCE: Final = 3.0  # seconds without an answer after which a connection is taken for broken
_PAUSES: Final = (0.05, 1.0)  # seconds between tries to connect: the first, and the longest
_LOOK: Final = 1.0  # seconds between looks at what others hold for who knows how long
_LOOK_AT_RESTING: Final = 5.0  # where a token rests afterwards, and only an unsent call brings it sooner
_TOLERANCE: Final = 500  # milliseconds, and a part in a thousand: as the script's
_MANY: Final = 256  # identities that are remembered


class RemoteLease(Lease):
    """A lease that the server knows of."""

    __slots__ = ("expires_at", "id", "lasts", "loop", "member", "names", "send_by", "whom")

    def __init__(self, lease: Lease, asking: _Asking) -> None:
        super().__init__(lease.number, lease.parties, lease.buckets, lease.granted_at, lease.epoch, lease.demand)
        self.id: bytes = asking.id
        self.member: bytes = asking.member
        self.loop: Loop = asking.loop
        self.names: Names = asking.names
        self.whom: tuple[int, bytes] = asking.whom
        self.lasts: int = asking.lasts
        self.send_by: float = asking.asked_at + send_within(lease.demand.lasts)
        self.expires_at: float = asking.asked_at + lease.demand.lasts


class _Asking:
    """One question to the server, which may be asked again while nobody has answered it."""

    __slots__ = ("asked_at", "id", "lasts", "loop", "maybe_granted", "member", "names", "tries", "whom")

    def __init__(self, guard: RedisGuard, demand: Demand, loop: Loop) -> None:
        self.member: bytes = guard.member
        self.loop = loop
        self.id: bytes = b"%b.%x" % (guard.member, next(guard._serials))  # noqa: SLF001 - its own
        self.names: Names = guard._names(demand.identity)  # noqa: SLF001
        self.whom: tuple[int, bytes] = self.names.whom(demand)
        self.lasts: int = round(demand.lasts * 1000)
        self.asked_at: float = FOREVER  # when it was sent first
        self.tries = 0
        self.maybe_granted = False

    def told(self, step: bytes, more: bytes) -> bytes:
        """Give the step that tells of it."""
        return self.names.tell(step, self.id, self.lasts, more, self.whom)


class RedisGuard(ProcessGuard):
    """
    Keeps every account inside the gateway's limits, for all processes on all machines that use the same server.

    Each call asks the server, in one round trip; what this process knows spares the asking where the answer is known.
    Where the server cannot be asked, nothing is sent. All processes that use an account must use the same server and
    the same numbers.

    Args:
        url: ``redis://host:6379/0``, ``rediss://`` for TLS, ``unix://``, or
            ``redis+sentinel://host:26379,host:26379/service/0``. A password in it is shown nowhere.
        window: The gateway's minute, in seconds. A smaller one is for tests.
        margin: Seconds added to each token's rest: clock rates, the gateway's rounding, its book-keeping.
        lateness: Seconds after which a request that we gave up cannot be counted by the gateway any more.
        max_concurrency: Requests of one account in flight, 1 to 14, in all processes together.
        max_downloads: How many of them may be downloads.
        limits: Lower limits by the name of the endpoint, such as ``{"numbers.available": 1}``.
        identical: What the limits on identical requests count together.
        longest: Seconds that an exchange may last: no session's `timeout` may be longer.
        longest_file: Likewise for the reading of a file. After the server has lost what it knew, nothing is sent for
            *longest*, and no file asked for during *longest_file*, and the minute.
        clock: What drives every wait.

    Raises:
        InvalidArgument: A number is out of range, or the address is none.
    """

    keeps_journal: bool = True

    def __init__(
        self,
        url: str,
        *,
        window: float = STRICT_WINDOW,
        margin: float = STRICT_MARGIN,
        lateness: float = 5.0,
        max_concurrency: int = MAX_CONCURRENCY,
        max_downloads: int = 4,
        limits: Mapping[str, int] | None = None,
        identical: Literal["request", "action"] = "request",
        longest: float = 30.0,
        longest_file: float = 600.0,
        clock: Clock = BOOT_CLOCK,
    ) -> None:
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
        if not isinstance(url, str):
            raise InvalidArgumentType("url", f"give an address as a text, not {type(url).__name__}")
        check_seconds("longest", longest, zero=False)
        check_seconds("longest_file", longest_file, zero=False)
        if longest_file < longest:
            raise InvalidArgument("longest_file", f"give no less than longest ({longest:.3g} s)")
        self.longest: float = float(longest)
        self.longest_file: float = float(longest_file)
        self.member: bytes = secrets.token_hex(4).encode()
        self._serials = count(1)
        self._known_names: dict[Identity, Names] = {}
        self._schema = schema(self._settings(), max_downloads, longest, longest_file)
        self._door = Door(url, clock.now)
        self._seen = (0, 0.0)  # the server's time, and the moment here before it was asked
        self._waited_for: dict[tuple[bytes, bytes], TokenBucket] = {}  # by account and name on the server
        this = weakref.ref(self)
        self._links = Links(
            self._door,
            lambda opened: _of(this)._meet(opened),  # noqa: SLF001 - itself
            lambda hash_name, field: _of(this)._hear(hash_name, field),  # noqa: SLF001 - likewise
        )
        self._links.member = self.member
        self._end = weakref.finalize(self, self._links.close)

    def __repr__(self) -> str:
        """Show the address without its password, the numbers, and whether they are strict."""
        return f"{super().__repr__()[:-1]} at {self._door.shown}>"

    def _new_policy(self) -> Subordinate:
        self._local = Subordinate(self._settings())
        return self._local

    def close(self) -> None:
        """Let the server know what was given back, and end the connections; the next call opens them again."""
        self._links.close()

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
            GuardUnavailable: The server cannot be asked, or cannot be the guard as it is.
        """
        self._check_lasts(demand)
        since = self.clock.now()
        answer: Any = None
        while True:
            if answer is None:
                with self._lock:
                    answer = self._policy.ask(demand, self.clock.now(), deadline)
                    calls = self._calls()
                if calls or self._returns:
                    self._after(calls)
            if type(answer) is Ticket:
                answer = await self._wait(answer, on_wait)
                on_wait = None
                if answer is None:  # the event loop was stopped meanwhile, and the place in line lost
                    continue
            if not isinstance(answer, Lease):
                raise self._error(answer)
            answer = await self._ask_there(answer, since, deadline)
            if type(answer) is RemoteLease:
                return answer

    async def _ask_there(self, lease: Lease, since: float, deadline: float) -> RemoteLease | Ticket | TooLong | Locked:
        """Ask the server for a call that was admitted here."""
        asking = _Asking(self, lease.demand, current_loop())
        try:
            answer = await self._ask(asking, since, deadline)
            now = self.clock.now()
            if answer[0] == b"GRANT" and now < asking.asked_at + send_within(lease.demand.lasts):
                asking.maybe_granted = False
                if self._waited_for:
                    self._confirm(lease, now)
                return RemoteLease(lease, asking)
        except BaseException:
            super().finish(lease, Outcome.UNSENT)
            raise
        finally:
            if asking.maybe_granted:  # and nobody will use it
                self._links.tell(asking.loop, asking.told(b"FINISH", b"UNSENT"), asking.id)
        return self._overrule(lease, asking, answer, deadline, now)

    async def _ask(self, asking: _Asking, since: float, deadline: float) -> list[Any]:
        """Ask until there is an answer: again under the same name, as long as nobody knows what became of it."""
        clock = self.clock
        until = min(deadline, clock.now() + _PATIENCE)
        pause = _PAUSES[0]
        while True:
            try:
                return await self._ask_once(asking, since, until)
            except Refused as error:
                if not error.passing:
                    raise GuardUnavailable(str(error)) from None
                problem: Exception = error
            except (Lost, Unreachable) as error:
                problem = error
            if clock.now() + pause >= until:
                raise GuardUnavailable(str(problem)) from None
            await anyio.sleep(pause - _jitter(pause / 2))
            pause = min(pause * 2, _PAUSES[1])

    async def _ask_once(self, asking: _Asking, since: float, until: float) -> list[Any]:
        sure = b"0"
        while True:
            link = self._links.known(asking.loop)
            if link is None:
                with self.clock.deadline(until):
                    link = await self._links.link()
            if link is None:
                raise Unreachable(f"{self._door.shown} cannot be reached in time")
            sent_at = self.clock.now()
            if asking.tries == 0:
                asking.asked_at = sent_at
                if asking.names.hash not in self._links.channels:
                    self._links.listen(asking.names.hash)
            asking.tries += 1
            asking.maybe_granted = True
            seen, seen_at = self._seen
            elapsed, waited = round((sent_at - seen_at) * 1000), max(round((sent_at - since) * 1000), 0)
            step = asking.names.take(asking.id, asking.lasts, seen, elapsed, waited, asking.whom, sure)
            answer = await _answered(link, link.ask(step, asking.id), min(_SILENCE, until - sent_at))
            if answer[0] != b"LOOK":
                asking.maybe_granted = answer[0] == b"GRANT" or asking.tries > 1
                self._seen = answer[1], sent_at
                return answer
            sure = self._look_again(answer[1], sent_at)

    def _look_again(self, raw: int, sent_at: float) -> bytes:
        """The server's time is ahead of ours by more than the way there could explain: but for the way back too?"""
        seen, seen_at = self._seen
        elapsed = (self.clock.now() - seen_at) * 1000
        if raw - seen - elapsed > _TOLERANCE + elapsed / 1000:
            _log.warning(
                "the clock of %s has been set forward; nothing is sent until that cannot matter", self._door.shown
            )
            return b"1"
        self._seen = raw, sent_at
        return b"0"

    # ---------------------------------------------------------------- what was refused there

    def _overrule(
        self, lease: Lease, asking: _Asking, answer: list[Any], deadline: float, now: float
    ) -> Ticket | TooLong | Locked:
        """Put a call that was refused there back in line here."""
        kind = answer[0]
        with self._lock:
            if kind == b"LOCKED":
                self._policy.finish(lease, Outcome.UNSENT, now)
                result: Ticket | TooLong | Locked = Locked(
                    now + answer[3] / 1000, REASONS.get(answer[4], "the account is locked")
                )
            elif kind == b"FENCED":
                until = now + answer[3] / 1000 + _jitter(0.05)
                account = lease.demand.identity.account
                if lease.demand.lasts <= self.longest:
                    self._local.fence(account, until, now)
                result = self._local.put_behind_the_fence(lease, until, deadline, now)
            elif kind == b"WAIT":
                result = self._put_back(lease, asking, answer, deadline, now)
            else:  # GRANT, and too late to be used; or a lease that is over
                result = self._local.overrule(lease, Held(bucket=lease.buckets[-1], look_at=now), deadline, now)
            calls = self._calls()
        self._after(calls)
        return result

    def _put_back(
        self, lease: Lease, asking: _Asking, answer: list[Any], deadline: float, now: float
    ) -> Ticket | TooLong:
        told = read_told(answer, now)
        parties = lease.parties
        kind = told.field[:2]
        if kind in {b"p:", b"t:"}:
            self._local.put_on_probation(lease, parties.credential)
        elif kind == b"a:":
            self._local.put_on_probation(lease, parties.breaker)
        bucket = self._bucket_of(lease, asking, told.field)
        self._waited_for[asking.names.hash, told.field] = bucket
        look_at = now + (_LOOK_AT_RESTING if bucket.rule.rests else _LOOK) * (1.0 + _jitter(0.25))
        held = Held(bucket=bucket, homes=told.homes, flying=told.flying, recovery=told.recovery, look_at=look_at)
        return self._local.overrule(lease, held, deadline, now)

    @staticmethod
    def _bucket_of(lease: Lease, asking: _Asking, field: bytes) -> TokenBucket:
        parties = lease.parties
        match field[:1]:
            case b"p":
                return parties.credential.bucket
            case b"t":
                return parties.gateway.trials
            case b"r":
                return parties.gateway.refused
            case b"a":
                return parties.breaker.bucket
            case b"b":
                for bucket in lease.buckets:
                    if bucket.key and field[2:] == asking.names.of(bucket.key):
                        return bucket
        return parties.account.slots

    def _confirm(self, lease: Lease, now: float) -> None:
        with self._lock:
            self._local.confirmed(lease, now)
            calls = self._calls()
        self._after(calls)

    def _hear(self, hash_name: bytes, field: bytes) -> None:
        """A token of a bucket that a call of ours waits for has come home there."""
        with self._lock:
            bucket = self._waited_for.pop((hash_name, field), None)
            if bucket is not None:
                self._local.freed(bucket, self.clock.now())
            calls = self._calls()
        self._after(calls)

    # ---------------------------------------------------------------- giving back

    def finish(self, lease: Lease, outcome: Outcome) -> None:
        """
        Give the call's tokens and slot back; at once, and safe to call from a finaliser that interrupts this guard.
        """
        if type(lease) is RemoteLease and lease.member == self.member:
            step = lease.names.tell(b"FINISH", lease.id, lease.lasts, outcome.name.encode(), lease.whom)
            self._links.tell(lease.loop, step, lease.id)
        super().finish(lease, outcome)

    def prove(self, lease: Lease) -> None:
        """Note that the gateway has accepted the credentials of a call that is still going on."""
        if lease.proven:
            return
        if type(lease) is RemoteLease and lease.member == self.member:
            step = lease.names.tell(b"PROVE", lease.id, lease.lasts, b"", lease.whom)
            self._links.tell(lease.loop, step, lease.id)
        super().prove(lease)

    # ---------------------------------------------------------------- what is known

    def _meet(self, opened: Opened) -> None:
        if not self._seen[0]:
            self._seen = opened.raw, opened.asked_at
        if opened.evicts:
            _log.warning(
                "%s may throw away what the guard knows (maxmemory-policy): then nothing is sent for a while; "
                "'noeviction' is better",
                self._door.shown,
            )

    def _names(self, identity: Identity) -> Names:
        names = self._known_names.get(identity)
        if names is None:
            if len(self._known_names) >= _MANY:
                self._known_names.clear()
            names = self._known_names[identity] = Names(identity, self._schema)
        return names

    def _check_lasts(self, demand: Demand) -> None:
        if demand.lasts <= self.longest:
            return
        files = any(rule.reason is Reason.DOWNLOADS for rule, _ in demand.charges)
        if not files or demand.lasts > self.longest_file:
            name, most = ("longest_file", self.longest_file) if files else ("longest", self.longest)
            raise InvalidArgument(
                name, f"this call may last {demand.lasts:.3g} s, and the guard counts on {most:.3g} s at the most"
            )

    # ---------------------------------------------------------------- fork

    def after_fork_in_child(self) -> None:
        """Be another process, with none of the parent's calls."""
        self.member = secrets.token_hex(4).encode()
        self._links.after_fork(self.member)
        self._waited_for.clear()
        super().after_fork_in_child()


async def _answered(link: Link, asked: Asked, patience: float) -> list[Any]:
    if asked.answer is None and asked.bell is not None:
        with anyio.move_on_after(max(patience, 0.0)) as silence:
            await asked.bell.wait()
        if silence.cancelled_caught:
            if patience < _SILENCE:  # the call's own time is over, which says nothing of the server
                raise Lost("no answer in time")
            link.lose(f"no answer for {_SILENCE:.0f} s")
    if isinstance(asked.answer, list):
        return asked.answer
    raise asked.answer or Lost(link.closed)


def _of(this: weakref.ref[RedisGuard]) -> RedisGuard:
    guard = this()
    if guard is None:
        raise Refused("the guard is gone")
    return guard


def _jitter(seconds: float) -> float:
    return random.uniform(0.0, seconds)  # noqa: S311 - to be apart from other processes
