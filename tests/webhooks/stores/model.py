"""What a store does, as plainly as it can be said: one list, and everything looked up in it."""

from __future__ import annotations

import attrs

from smsc_async.webhooks.stores import FORGOTTEN_AT_ONCE, Entry, Standing

__all__ = ["Kept", "Model", "Taken"]


@attrs.define(eq=False)
class Kept:
    """An event."""

    entry: Entry
    added_at: float
    ready_at: float
    attempts: int = 0
    claimed: bool = False
    handled: set[str] = attrs.field(factory=set)
    settled_at: float | None = None


@attrs.frozen(eq=False)
class Taken:
    """A claim: the event, and which try it is."""

    event: Kept
    attempt: int
    stale: bool
    handled: frozenset[str]


class Model:
    """
    All events in the order they came.

    Args:
        keep: Seconds for which settled events are remembered.
        forgets_waiting: Whether one that waits is forgotten too, when it is that old and the oldest of those that wait.
    """

    def __init__(self, keep: float, *, forgets_waiting: bool) -> None:
        self.events: list[Kept] = []
        self._keep = keep
        self._forgets_waiting = forgets_waiting
        self._progress: dict[str, float] = {}

    def add(self, entry: Entry, now: float) -> Standing:
        """Forget, then keep it unless it is known."""
        self._forget(now)
        for event in self.events:
            if event.entry.key == entry.key:
                return Standing.WAITING if event.settled_at is None else Standing.SETTLED
        self.events.append(Kept(entry, now, now))
        return Standing.NEW

    def claim(self, wanted: str | frozenset[str], now: float, lease: float) -> Taken | None:
        """Take the first of those that may be taken."""
        free = [event for event in self.events if self._is_wanted(event, wanted) and self._is_free(event, now)]
        if not free:
            return None
        event = min(free, key=lambda each: each.ready_at)
        event.attempts += 1
        event.claimed = True
        event.ready_at = now + lease
        return Taken(event, event.attempts, self._is_stale(event.entry), frozenset(event.handled))

    def mark(self, taken: Taken, handler: str) -> None:
        """Note it, if the event is kept and not settled."""
        if taken.event.settled_at is None:
            taken.event.handled.add(handler)

    def settle(self, taken: Taken, now: float) -> None:
        """Settle it, if the claim holds."""
        if self.holds(taken):
            taken.event.settled_at = now

    def release(self, taken: Taken, at: float) -> None:
        """Release it, if the claim holds."""
        if self.holds(taken):
            taken.event.claimed = False
            taken.event.ready_at = at

    def extend(self, taken: Taken, until: float) -> None:
        """Move the end of the lease, if the claim holds."""
        if self.holds(taken):
            taken.event.ready_at = until

    def due(self, kinds: frozenset[str], now: float) -> float | None:
        """Say now if one is free, else the next moment of any."""
        wanted = [event for event in self._waiting() if self._is_wanted(event, kinds)]
        if any(self._is_free(event, now) for event in wanted):
            return now
        return min((event.ready_at for event in wanted if event.ready_at > now), default=None)

    def holds(self, taken: Taken) -> bool:
        """Say whether the claim still holds."""
        event = taken.event
        return event.claimed and event.settled_at is None and event.attempts == taken.attempt

    def _waiting(self) -> list[Kept]:
        return [event for event in self.events if event.settled_at is None]

    @staticmethod
    def _is_wanted(event: Kept, wanted: str | frozenset[str]) -> bool:
        return event.entry.key == wanted if isinstance(wanted, str) else event.entry.kind in wanted

    def _is_free(self, event: Kept, now: float) -> bool:
        subject = event.entry.subject
        busy = any(
            other.claimed and other.ready_at > now
            for other in self._waiting()
            if subject and other.entry.subject == subject
        )
        return event.settled_at is None and event.ready_at <= now and not busy

    def _is_stale(self, entry: Entry) -> bool:
        if not entry.subject or entry.progress is None:
            return False
        furthest = max(self._progress.get(entry.subject, entry.progress), entry.progress)
        self._progress[entry.subject] = furthest
        return entry.progress < furthest

    def _forget(self, now: float) -> None:
        settled = [event for event in self.events if event.settled_at is not None]
        settled.sort(key=lambda event: event.settled_at or 0.0)
        gone = [event for event in settled[:FORGOTTEN_AT_ONCE] if (event.settled_at or 0.0) + self._keep <= now]
        if self._forgets_waiting:
            gone += [event for event in self._waiting()[:1] if max(event.added_at + self._keep, event.ready_at) <= now]
        for event in gone:
            event.claimed = False
            event.settled_at = event.settled_at or now  # whoever has it can do nothing more with it
        self.events = [event for event in self.events if event not in gone]
        subjects = {event.entry.subject for event in self.events}
        self._progress = {subject: far for subject, far in self._progress.items() if subject in subjects}
