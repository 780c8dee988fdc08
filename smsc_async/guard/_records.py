"""What goes into the policy and comes out of it: demands, leases, tickets, refusals."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import attrs

from smsc_async.guard._bucket import FOREVER, Reason, Rule, TokenBucket

if TYPE_CHECKING:
    from smsc_async.guard._account import Account, Gateway
    from smsc_async.guard._breaker import Breaker

__all__ = ["Demand", "Lease", "Locked", "Outcome", "Settings", "Ticket", "TooLong"]


class Outcome(enum.Enum):
    """How an admitted call ended, as far as the limits are concerned."""

    UNSENT = "provably not sent"
    ACCEPTED = "answered, credentials accepted"
    ANSWERED = "answered, which says nothing about the credentials"
    UNKNOWN = "no answer was read"
    DUPLICATE = "refused as a duplicate"
    CONCURRENCY = "refused as one too many in flight"
    LOGIN_REFUSED = "credentials refused"
    ADDRESS_BLOCKED = "address blocked"


@attrs.frozen(kw_only=True)
class Settings:
    """The guard's numbers. Seconds."""

    window: float
    margin: float
    lateness: float
    max_concurrency: int

    @property
    def rest(self) -> float:
        """Give how long a token rests after the reply."""
        return self.window + self.margin


@attrs.frozen
class Demand:
    """
    What one call asks of the guard.

    Args:
        endpoint: Its name, for messages.
        account: A digest; what limits belong to.
        credential: A digest; what may be refused.
        gateway: The origin of the address; what may block this machine.
        charges: A rule and a key for each token that the call takes.
    """

    endpoint: str
    account: str
    credential: str
    gateway: str
    charges: tuple[tuple[Rule, bytes], ...]


class Parties:
    """Whom a call concerns, and the buckets that it takes a token of each, in the order in which it waits for them."""

    __slots__ = ("account", "buckets", "credential", "gateway")

    def __init__(self, account: Account, credential: Breaker, gateway: Gateway, buckets: list[TokenBucket]) -> None:
        self.account: Account = account
        self.credential: Breaker = credential
        self.gateway: Gateway = gateway
        self.buckets: list[TokenBucket] = buckets

    def locked(self, now: float) -> Locked | None:
        """Give the breaker's answer, if one is open."""
        for breaker in (self.credential, self.gateway.breaker):
            if now < breaker.locked_until:
                return Locked(breaker.locked_until, breaker.reason)
        return None


class Lease:
    """The right to send one request now; given back exactly once."""

    __slots__ = ("epoch", "granted_at", "number", "parties")

    def __init__(self, number: int, parties: Parties, granted_at: float, epoch: int) -> None:
        self.number: int = number
        self.parties: Parties = parties
        self.granted_at: float = granted_at
        self.epoch: int = epoch

    @property
    def proven(self) -> bool:
        """Tell whether its credentials have been accepted, and its gateway has not blocked this address."""
        return self.parties.credential.proven and self.parties.gateway.breaker.proven


class Ticket:
    """A place in line. It ends with a lease, a refusal, or by leaving."""

    __slots__ = ("alarm", "deadline", "entry", "number", "parties", "place", "seat", "stage", "verdict")

    def __init__(self, number: int, parties: Parties, deadline: float) -> None:
        self.number: int = number
        self.parties: Parties = parties
        self.deadline: float = deadline
        self.stage: int = 0  # how many of its buckets it holds a reservation in
        self.place: TokenBucket | None = None  # the bucket in whose line it stands
        self.entry: tuple[int, Ticket] | None = None  # its live entry there; it may have left older ones behind
        self.alarm: float = FOREVER  # the moment at which its deadline will be looked at again
        self.verdict: Lease | Locked | TooLong | None = None
        self.seat: Any = None  # whatever the binding hangs on it

    @property
    def reason(self) -> Reason:
        """Give what it waits for at present."""
        return self.place.rule.reason if self.place is not None else Reason.SLOTS

    @property
    def passed(self) -> list[TokenBucket]:
        """Give the buckets in which it holds a reservation."""
        return self.parties.buckets[: self.stage]


@attrs.frozen
class Locked:
    """The breaker's answer."""

    until: float
    reason: str


@attrs.frozen
class TooLong:
    """The answer to a call whose wait would pass its deadline: the moment it could start at the earliest."""

    moment: float
    reason: Reason
