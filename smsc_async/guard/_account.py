"""What is known of one account, and of one gateway; it costs nothing once its tokens are home."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from smsc_async.guard._breaker import MAX_STRIKES, STRIKE_MEMORY, Breaker
from smsc_async.guard._bucket import Reason, Rule, TokenBucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smsc_async.guard._records import Settings

__all__ = ["Account", "Gateway"]


class Account:
    """Buckets by key, the slots, and the credentials that have been tried."""

    __slots__ = ("busy", "credentials", "cut_after", "resting", "slots")

    def __init__(self, settings: Settings) -> None:
        self.busy: dict[bytes, TokenBucket] = {}  # those that a call refers to
        # Of a key at rest only its rule and the moments of coming home are kept; after a refusal the whole bucket.
        self.resting: OrderedDict[bytes, tuple[Rule, tuple[float, ...]] | TokenBucket] = OrderedDict()
        self.credentials: dict[str, Breaker] = {}
        slots = Rule("", Reason.SLOTS, settings.max_concurrency, rests=False)
        self.slots: TokenBucket = TokenBucket(b"", slots, settings.window, [])
        self.cut_after: int = 0  # the last number given out when the slots were halved last

    def take(self, key: bytes, rule: Rule, rest: float) -> TokenBucket:
        """Give the bucket of *key*, held until it is let go."""
        bucket = self.busy.get(key)
        if bucket is None:
            kept = self.resting.pop(key, None)
            if isinstance(kept, TokenBucket):
                bucket = kept
            else:
                bucket = TokenBucket(key, rule, rest, [] if kept is None else list(kept[1]))
            self.busy[key] = bucket
        bucket.held += 1
        return bucket

    def let_go(self, buckets: Iterable[TokenBucket]) -> None:
        """End a call's hold on its buckets; of one that no call refers to only what still matters stays."""
        for bucket in buckets:
            bucket.held -= 1
            if not bucket.held and self.busy.get(bucket.key) is bucket:
                del self.busy[bucket.key]
                if bucket.recovery is not None:
                    self.resting[bucket.key] = bucket
                elif bucket.homes:
                    self.resting[bucket.key] = (bucket.rule, tuple(bucket.homes))

    def forget_one(self, now: float) -> bool:
        """Forget the key that has rested longest, if its tokens are home; tell whether it was so."""
        if not self.resting:
            return False
        kept = next(iter(self.resting.values()))
        if (kept.forgettable_at(now) if isinstance(kept, TokenBucket) else kept[1][-1]) > now:
            return False
        self.resting.popitem(last=False)
        return True

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

    __slots__ = ("breaker", "trials")

    def __init__(self) -> None:
        self.breaker: Breaker = Breaker(proven=True)
        # Each call with credentials that were not accepted yet could be an authorisation error, which the gateway
        # remembers: its token comes home when the gateway has forgotten. Whatever account it came from.
        trials = Rule("", Reason.PROBATION, MAX_STRIKES, rests=False)
        self.trials: TokenBucket = TokenBucket(b"", trials, 0.0, [])

    def strike(self, now: float) -> None:
        """Count an authorisation error; before one more could block the address, lock until the first is forgotten."""
        self.trials.rest_until(now + STRIKE_MEMORY)
        self.trials.free(now)  # drops what has come home
        if len(self.trials.homes) >= MAX_STRIKES:
            reason = "one more refused login could block this IP address for 30 minutes"
            self.breaker.lock(now, self.trials.homes[-MAX_STRIKES], reason)
