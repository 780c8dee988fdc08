"""
Where events are kept from the moment they came, so that each reaches its handlers, and its repeats do not.

An event waits until somebody claims it. A claim is a lease: when it runs out before the event is settled, because a
process died, the event waits again. A settled event is remembered for as long as the gateway may repeat it.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import attrs

from smsc_async._wire import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FORGOTTEN_AT_ONCE", "KEEP", "Claim", "Entry", "MemoryStore", "Standing", "Store"]

KEEP: Final = 48 * 3_600.0  # seconds; the gateway repeats for 200 minutes, and somebody else may replay at any time
FORGOTTEN_AT_ONCE: Final = 4  # events, when one is added: more than come, so that what is too old goes, and little work
_CAPACITY: Final = 1_000_000


class Standing(enum.Enum):
    """What a store says of an event that came."""

    NEW = "new"
    WAITING = "waiting"  # it came before, and is not settled
    SETTLED = "settled"  # it came before, and all handlers have had it


@attrs.frozen(kw_only=True)
class Entry:
    """An event to keep."""

    key: str  # the same for each repeat of it
    kind: str  # the name of its class
    payload: bytes = attrs.field(repr=False)  # it holds phones and texts
    subject: str = attrs.field(default="", repr=False)  # events of one subject are handled one at a time; "" is none
    progress: float | None = None  # how far along its way the subject is; less than it was is stale


@attrs.frozen(kw_only=True)
class Claim:
    """An event that is yours until the lease runs out."""

    key: str
    payload: bytes = attrs.field(repr=False)
    token: str  # tells this claim from all others of any event
    attempt: int  # 1 for the first claim
    handled: frozenset[str]  # names of the handlers that have had it
    stale: bool  # the subject is further along already


@runtime_checkable
class Store(Protocol):
    """
    What a receiver asks of a store. Moments are Unix times in seconds, which mean the same after a restart.

    Any method may raise; then the gateway is told to come again, or the event waits. A method that is cancelled has
    done all of its work or nothing, and a claim that it took nobody knows of is given up.

    A claim holds until it is settled or released, or until somebody else takes the event when the lease has run out.
    After that it can settle and release nothing, so that whoever has the event now is not disturbed.
    """

    #: Whether what it has taken survives this process. Then events are acknowledged when they are stored.
    durable: bool

    async def add(self, entry: Entry, *, now: float) -> Standing:
        """Keep *entry* unless it is known; say what it is."""
        ...

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        """
        Take an event that waits: the one of a key, or of those of some kinds the one that is ready for the longest.

        Gives None where there is none: it is settled, or claimed, or not to be tried again yet, or another event of
        its subject is claimed. Of events that are ready since the same moment the one that came first is taken.

        The event is stale if one of its subject with more progress was claimed before. That is known as long as any
        event of the subject is.
        """
        ...

    async def mark(self, claim: Claim, handler: str) -> None:
        """Note that *handler* has had the event, so that it does not get it again; true whoever has the event now."""
        ...

    async def extend(self, claim: Claim, *, until: float) -> None:
        """Let the lease run until then, if the claim still holds."""
        ...

    async def settle(self, claim: Claim, *, now: float) -> None:
        """Note that all handlers have had the event."""
        ...

    async def release(self, claim: Claim, *, at: float) -> None:
        """Give the claim up; the event waits, and may be claimed from the moment *at* on."""
        ...

    async def due(self, kinds: frozenset[str], *, now: float) -> float | None:
        """
        Say when one of *kinds* may next be claimed if nothing is settled or released until then; None if none waits.

        It may be said too early, and never too late.
        """
        ...

    async def feed(self, position: int | None, *, limit: int) -> tuple[list[bytes], int]:
        """
        Give payloads that were added behind *position*, in the order they came, and the position behind them.

        With None it gives no payloads, and the position behind all.
        """
        ...

    async def aclose(self) -> None:
        """Let go of files and connections. The store may be used again."""
        ...


@attrs.define(eq=False)
class _Waiting:
    number: int  # of all events that ever came
    entry: Entry
    added_at: float
    ready_at: float  # when the lease runs out, where it is claimed; when it may be claimed, where it is not
    attempts: int = 0
    claimed: bool = False
    handled: frozenset[str] = frozenset()

    @property
    def token(self) -> str:
        return f"{self.number}.{self.attempts}"


@attrs.define(eq=False)
class _Subject:
    events: int = 0  # of it that are kept
    furthest: float = -math.inf
    claimed: set[_Waiting] = attrs.field(factory=set)  # two, where a lease ran out and was extended after all


class MemoryStore:
    """
    Keeps events in this process, and forgets them with it.

    An event is acknowledged when its handlers have returned. So none is lost when the process ends, because the gateway
    repeats what was not acknowledged; but a repeat of what was handled before is not recognised after it.

    Args:
        keep: Seconds for which settled events are remembered.
        capacity: How many of them are remembered at most.
    """

    durable: bool = False

    def __init__(self, *, keep: float = KEEP, capacity: int = _CAPACITY) -> None:
        self._keep = seconds("keep", keep)
        self._capacity = capacity
        # By key. Ordered ones, because a dict of which the first ones go, one by one, takes longer and longer to begin.
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()  # in the order they came
        self._settled: OrderedDict[str, tuple[float, str]] = OrderedDict()  # in the order they did: when, and of what
        self._subjects: dict[str, _Subject] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        """Say how many events are kept, settled ones included."""
        return len(self._waiting) + len(self._settled)

    def __repr__(self) -> str:
        """Say how many wait."""
        return f"<MemoryStore {len(self._waiting)} waiting, {len(self._settled)} settled>"

    async def add(self, entry: Entry, *, now: float) -> Standing:
        """Keep *entry* unless it is known; say what it is."""
        self._forget(now)
        if entry.key in self._settled:
            return Standing.SETTLED
        if entry.key in self._waiting:
            return Standing.WAITING
        self._waiting[entry.key] = _Waiting(next(self._numbers), entry, now, now)
        if entry.subject:
            self._subjects.setdefault(entry.subject, _Subject()).events += 1
        return Standing.NEW

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        """Take an event that waits: the one of a key, or of some kinds the one that is ready for the longest."""
        waiting = self._waiting.get(wanted) if isinstance(wanted, str) else self._next(wanted, now)
        if waiting is None or not self._is_free(waiting, now):
            return None
        waiting.attempts += 1
        waiting.claimed = True
        waiting.ready_at = now + lease
        entry = waiting.entry
        return Claim(
            key=entry.key,
            payload=entry.payload,
            token=waiting.token,
            attempt=waiting.attempts,
            handled=waiting.handled,
            stale=self._take(waiting),
        )

    async def mark(self, claim: Claim, handler: str) -> None:
        """Note that *handler* has had the event, so that it does not get it again; true whoever has the event now."""
        waiting = self._waiting.get(claim.key)
        if waiting is not None and claim.token.startswith(f"{waiting.number}."):
            waiting.handled |= {handler}

    async def extend(self, claim: Claim, *, until: float) -> None:
        """Let the lease run until then, if the claim still holds."""
        waiting = self._held(claim)
        if waiting is not None:
            waiting.ready_at = until

    async def settle(self, claim: Claim, *, now: float) -> None:
        """Note that all handlers have had the event."""
        if self._give_up(claim) is not None:
            settled = self._waiting.pop(claim.key)
            self._settled[claim.key] = now, settled.entry.subject

    async def release(self, claim: Claim, *, at: float) -> None:
        """Give the claim up; the event waits, and may be claimed from the moment *at* on."""
        waiting = self._give_up(claim)
        if waiting is not None:
            waiting.ready_at = at

    async def due(self, kinds: frozenset[str], *, now: float) -> float | None:
        """Say when one of *kinds* may next be claimed; None where none waits."""
        if self._next(kinds, now) is not None:
            return now
        return min((each.ready_at for each in self._of(kinds) if each.ready_at > now), default=None)

    async def feed(self, position: int | None, *, limit: int) -> tuple[list[bytes], int]:  # noqa: ARG002 - see below
        """Give nothing: what comes to this process is told in it, and nobody else can add to this store."""
        return [], 0

    async def aclose(self) -> None:
        """Keep everything; there is nothing to let go of."""

    def _of(self, kinds: frozenset[str]) -> Iterator[_Waiting]:
        return (waiting for waiting in self._waiting.values() if waiting.entry.kind in kinds)

    def _next(self, kinds: frozenset[str], now: float) -> _Waiting | None:
        free = (waiting for waiting in self._of(kinds) if self._is_free(waiting, now))
        return min(free, key=lambda waiting: waiting.ready_at, default=None)

    def _is_free(self, waiting: _Waiting, now: float) -> bool:
        if waiting.ready_at > now:
            return False
        subject = self._subjects.get(waiting.entry.subject)
        return subject is None or all(claimed.ready_at <= now for claimed in subject.claimed)

    def _take(self, waiting: _Waiting) -> bool:
        """Note who has the subject and how far it is, and say whether it is further along than the event."""
        subject = self._subjects.get(waiting.entry.subject)
        if subject is None:
            return False
        subject.claimed.add(waiting)
        progress = waiting.entry.progress
        if progress is None:
            return False
        if progress < subject.furthest:
            return True
        subject.furthest = progress
        return False

    def _held(self, claim: Claim) -> _Waiting | None:
        """Give the event of a claim, if it still holds."""
        waiting = self._waiting.get(claim.key)
        return waiting if waiting is not None and waiting.claimed and waiting.token == claim.token else None

    def _give_up(self, claim: Claim) -> _Waiting | None:
        """End a claim, if it still holds."""
        waiting = self._held(claim)
        if waiting is not None:
            waiting.claimed = False
            self._leave(waiting)
        return waiting

    def _leave(self, waiting: _Waiting) -> None:
        subject = self._subjects.get(waiting.entry.subject)
        if subject is not None:
            subject.claimed.discard(waiting)

    def _forget(self, now: float) -> None:
        """Forget what the gateway repeats no more: a few that are settled and one that waits, at each call."""
        waiting = next(iter(self._waiting.values()), None)
        if waiting is not None and max(waiting.added_at + self._keep, waiting.ready_at) <= now:
            self._leave(waiting)
            del self._waiting[waiting.entry.key]
            self._forget_one_of(waiting.entry.subject)
        for key, (settled_at, subject) in list(itertools.islice(self._settled.items(), FORGOTTEN_AT_ONCE)):
            if settled_at + self._keep <= now or len(self._settled) > self._capacity:
                del self._settled[key]
                self._forget_one_of(subject)

    def _forget_one_of(self, subject: str) -> None:
        kept = self._subjects.get(subject)
        if kept is not None:
            kept.events -= 1
            if not kept.events:
                del self._subjects[subject]
