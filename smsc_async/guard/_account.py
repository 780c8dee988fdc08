"""What is known of one account, and of one gateway; it costs nothing once its tokens are home."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from smsc_async.guard._breaker import MAX_REFUSED, MAX_STRIKES, REFUSED_MEMORY, STRIKE_MEMORY, Breaker
from smsc_async.guard._bucket import FOREVER, Reason, Rule, TokenBucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smsc_async.guard._records import Settings

__all__ = ["Account", "Gateway"]


class Account:
    """Buckets by key, the slots, and the credentials that have been tried."""

    __slots__ = ("busy", "credentials", "cut_at", "forgets_at", "resting", "slots")

    def __init__(self, settings: Settings) -> None:
        self.busy: dict[bytes, TokenBucket] = {}  # those that a call refers to
        # Of a key at rest only its rule and its tokens' moments of coming home are kept; after a refusal, all of it.
        self.resting: OrderedDict[bytes, tuple[Any, ...] | TokenBucket] = OrderedDict()
        self.forgets_at: float = FOREVER  # not before it the key that has rested longest may be forgotten
        self.credentials: dict[str, Breaker] = {}
        slots = Rule("", Reason.SLOTS, settings.max_concurrency, rests=False)
        self.slots: TokenBucket = TokenBucket(b"", slots, settings.window)
        self.cut_at: float = -FOREVER  # when the slots were halved last

    def fetch(self, key: bytes, rule: Rule, rest: float) -> TokenBucket:
        """Give the bucket of a *key* that no call refers to: a new one, or what has been kept of it."""
        kept = self.resting.pop(key, None)
        if kept is not None:
            self.forgets_at = -FOREVER  # it may have been the one that was waited for
        if isinstance(kept, TokenBucket):
            bucket = kept
        else:
            bucket = TokenBucket(key, rule, rest)
            if kept is not None:
                bucket.homes = list(kept[1:])
        self.busy[key] = bucket
        return bucket

    def take(self, key: bytes, rule: Rule, rest: float) -> TokenBucket:
        """Give the bucket of a *key*, and hold it."""
        bucket = self.busy.get(key) or self.fetch(key, rule, rest)
        bucket.held += 1
        return bucket

    def let_go(self, buckets: Iterable[TokenBucket]) -> None:
        """End a call's hold on its buckets; of one that no call refers to only what still matters stays."""
        busy = self.busy
        for bucket in buckets:
            bucket.held -= 1
            if bucket.held or busy.get(bucket.key) is not bucket:
                continue
            del busy[bucket.key]
            if bucket.recovery is not None:
                self.resting[bucket.key] = bucket
            elif bucket.homes:
                self.resting[bucket.key] = (bucket.rule, *bucket.homes)
            else:
                continue
            if self.forgets_at == FOREVER:
                self.forgets_at = -FOREVER

    def forget(self, now: float) -> None:
        """Forget the two keys that have rested longest, if their tokens are home."""
        if self.forget_one(now):
            self.forget_one(now)  # two a call keep up with one or two new keys a call

    def forget_one(self, now: float) -> bool:
        """Forget the key that has rested longest, if its tokens are home; tell whether it was so."""
        for kept in self.resting.values():
            self.forgets_at = kept[-1] if isinstance(kept, tuple) else kept.forgettable_at(now)
            if self.forgets_at > now:
                return False
            self.resting.popitem(last=False)
            return True
        self.forgets_at = FOREVER
        return False

    def credential(self, name: str) -> Breaker:
        """Give the breaker of a set of credentials."""
        return self.credentials.setdefault(name, Breaker(proven=False))

    def charged(self, rest: float) -> Iterator[TokenBucket]:
        """Give the buckets of all keys that are known, those at rest too."""
        yield from self.busy.values()
        for key, kept in self.resting.items():
            if isinstance(kept, TokenBucket):
                yield kept
            else:
                bucket = TokenBucket(key, kept[0], rest)
                bucket.homes = list(kept[1:])
                yield bucket

    def buckets(self) -> Iterator[TokenBucket]:
        """Give every bucket in which a call may stand in line."""
        yield self.slots
        yield from self.busy.values()
        for breaker in self.credentials.values():
            yield breaker.bucket

    def idle(self, now: float) -> bool:
        """Tell whether forgetting it would forget nothing."""
        while self.forget_one(now):
            pass
        locked = any(now < breaker.locked_until for breaker in self.credentials.values())
        free = self.slots.free(now) == self.slots.rule.n
        return free and not (self.busy or self.resting or locked or self.slots.waiting)


class Gateway:
    """What one gateway thinks of this machine's address."""

    __slots__ = ("breaker", "refused", "trials")

    def __init__(self) -> None:
        self.breaker: Breaker = Breaker(proven=True)
        # Each call with credentials that were not accepted yet could be an authorisation error, which the gateway
        # remembers: its token comes home when the gateway has forgotten. Whatever account it came from.
        trials = Rule("", Reason.PROBATION, MAX_STRIKES, rests=False)
        self.trials: TokenBucket = TokenBucket(b"", trials, 0.0)
        # Likewise each message that is sent could be one that is refused, of which the gateway takes 99 in a row.
        refused = Rule("", Reason.REFUSED, MAX_REFUSED, rests=False)
        self.refused: TokenBucket = TokenBucket(b"", refused, 0.0)

    def strike(self, now: float) -> None:
        """Count an authorisation error; before one more could block the address, lock until the first is forgotten."""
        self.trials.rest_until(now + STRIKE_MEMORY)
        self.trials.free(now)  # drops what has come home
        if len(self.trials.homes) >= MAX_STRIKES:
            reason = "one more refused login could block this IP address for 30 minutes"
            self.breaker.lock(now, self.trials.homes[-MAX_STRIKES], reason)

    def refuse(self, moment: float) -> None:
        """Count a message that was refused, or may have been, by that moment."""
        self.refused.rest_until(moment + REFUSED_MEMORY)

    def forgive(self, now: float, granted_at: float) -> None:
        """Forget those before a message that was admitted at *granted_at* and taken: they are no row any more."""
        since = granted_at + REFUSED_MEMORY  # one of that very moment may have been refused after it
        self.refused.homes = [home for home in self.refused.homes if home >= since and home > now]
