"""Stores and receivers with one protection less: the proof must notice each."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs

from smsc_async.webhooks import _sqlite_rows as rows
from smsc_async.webhooks.stores import Claim, Entry, MemoryStore, Standing, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.webhooks import Receiver

__all__ = ["WRONG", "Wrong"]


class _Like:
    """A store that does as another one does."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class AcknowledgesBeforeStoring(_Like):
    """Says that the event is stored, and stores it a moment later."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self._later: list[tuple[Entry, float]] = []

    async def add(self, entry: Entry, *, now: float) -> Standing:
        self._later.append((entry, now))
        return Standing.NEW

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        while self._later:
            entry, moment = self._later.pop(0)
            await anyio.sleep(0.01)
            await self.inner.add(entry, now=moment)
        return await self.inner.claim(wanted, now=now, lease=lease)


class SettlesBeforeTheHandlers(_Like):
    """Takes an event for handled when somebody has it."""

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        claim = await self.inner.claim(wanted, now=now, lease=lease)
        if claim is not None:
            await self.inner.settle(claim, now=now)
        return claim


class IgnoresLeases(_Like):
    """Gives away what somebody has."""

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        return await self.inner.claim(wanted, now=now, lease=0.0)


class ForgetsMarks(_Like):
    """Does not note which handlers have had an event."""

    async def mark(self, claim: Claim, handler: str) -> None:
        """Note nothing."""


class ForgetsProgress(_Like):
    """Takes no status for stale."""

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        claim = await self.inner.claim(wanted, now=now, lease=lease)
        return None if claim is None else attrs.evolve(claim, stale=False)


class ForgetsRepeats(_Like):
    """Takes each repeat for a new event."""

    numbers = itertools.count()

    async def add(self, entry: Entry, *, now: float) -> Standing:
        found = await self.inner.add(entry, now=now)
        if found is Standing.SETTLED:
            again = attrs.evolve(entry, key=f"{entry.key} {next(self.numbers)} {now}")
            found = await self.inner.add(again, now=now)
        return found


class DropsWhatFailed(_Like):
    """Takes an event whose handler failed for handled."""

    async def release(self, claim: Claim, *, at: float) -> None:
        await self.inner.settle(claim, now=at)


class KeepsClaims(_Like):
    """Never gives a claim of a dead process to another one."""

    async def claim(self, wanted: str | frozenset[str], *, now: float, lease: float) -> Claim | None:
        return await self.inner.claim(wanted, now=now, lease=1e9)


class MixesSubjects(_Like):
    """Hands out several events of one subject at a time."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        free = "settled_at IS NULL AND ready_at <= :now"
        rows._NEXT = rows._NEXT.replace(rows._READY, free)  # type: ignore[misc] # of this process alone


class _Forgetful(set[Any]):
    """Has nothing, whatever is put into it."""

    def __contains__(self, element: object) -> bool:
        return False


def trust_the_store_alone(receiver: Receiver) -> None:
    """Forget which handlers have had an event when the store has failed to note it."""
    receiver._delivery._handling._unmarked = _Forgetful()


def leave_alone(receiver: Receiver) -> None:
    """Leave the receiver as it is."""


@attrs.frozen(eq=False)
class Wrong:
    """Something with a protection less, and what has it."""

    name: str
    store: Callable[[Store], Any] = _Like
    durable: tuple[bool, ...] = (True,)
    receiver: Callable[[Receiver], None] = leave_alone
    acknowledges_all: bool = False


WRONG: Final = {
    wrong.name: wrong
    for wrong in (
        Wrong("acknowledges-before-storing", AcknowledgesBeforeStoring),
        Wrong("settles-before-the-handlers", SettlesBeforeTheHandlers, (True, False)),
        Wrong("ignores-leases", IgnoresLeases),
        Wrong("keeps-claims", KeepsClaims),
        Wrong("forgets-marks", ForgetsMarks, (True, False)),
        Wrong("forgets-progress", ForgetsProgress, (True, False)),
        Wrong("forgets-repeats", ForgetsRepeats),
        Wrong("forgets-soon", lambda _: MemoryStore(keep=0.001), (False,)),
        Wrong("drops-what-failed", DropsWhatFailed, (True, False)),
        Wrong("mixes-subjects", MixesSubjects),
        Wrong("trusts-the-store-alone", durable=(True, False), receiver=trust_the_store_alone),
        Wrong("acknowledges-all", durable=(True, False), acknowledges_all=True),
    )
}
