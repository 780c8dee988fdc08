"""What goes into the policy and comes out of it: demands, leases, tickets, refusals."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from smsc_async.guard._bucket import FOREVER, Reason, Rule, TokenBucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsc_async.guard._account import Account, Gateway
    from smsc_async.guard._breaker import Breaker

__all__ = ["Demand", "Identity", "Lease", "Locked", "Outcome", "Parties", "Settings", "Ticket", "TooLong"]


class Outcome(enum.Enum):
    """How an admitted call ended, as far as the limits are concerned."""

    UNSENT = "provably not sent"
    ACCEPTED = "answered, credentials accepted"
    PRICED = "answered, credentials accepted, and no message was taken"
    ANSWERED = "answered, which says nothing about the credentials"
    REFUSED = "refused, which a hundred times in a row would block the address"
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


class Identity(NamedTuple):
    """Who asks: digests, and the origin that may block this machine's address."""

    account: str  # what limits belong to
    credential: str  # what may be refused, as this process knows it
    gateway: str  # the origin of the address; what may block this machine
    tag: str = ""  # what may be refused, as processes that share a guard know it

    @property
    def shared_credential(self) -> str:
        """Give the tag, or what stands for it where there is none."""
        return self.tag or self.credential


class Demand:
    """
    What one call asks of the guard. Made for every call that differs, and never changed.

    Args:
        endpoint: Its name, for messages.
        identity: Who asks.
        charges: A rule and a key for each token that the call takes.
        may_block: Whether too many refusals of such calls would block the address.
        lasts: Seconds after which the exchange is over, however it goes. Other processes count on it, should this one
            die.
    """

    __slots__ = ("charges", "endpoint", "identity", "lasts", "may_block")

    def __init__(
        self,
        endpoint: str,
        identity: Identity,
        charges: Sequence[tuple[Rule, bytes]],
        *,
        may_block: bool = False,
        lasts: float = 30.0,
    ) -> None:
        self.may_block: bool = may_block
        self.lasts: float = lasts
        self.endpoint: str = endpoint
        self.identity: Identity = identity
        self.charges: Sequence[tuple[Rule, bytes]] = charges

    def __repr__(self) -> str:
        return f"Demand({self.endpoint!r}, {len(self.charges)} tokens)"


class Parties:
    """Whom an identity's calls concern, as the policy knows them."""

    __slots__ = ("account", "breaker", "credential", "gateway")

    def __init__(self, account: Account, credential: Breaker, gateway: Gateway) -> None:
        self.account: Account = account
        self.credential: Breaker = credential
        self.gateway: Gateway = gateway
        self.breaker: Breaker = gateway.breaker

    @property
    def proven(self) -> bool:
        """Tell whether the credentials have been accepted, and the gateway has not blocked this address."""
        return self.credential.proven and self.breaker.proven

    def locked(self, now: float) -> bool:
        """Tell whether a breaker is open."""
        return now < self.credential.locked_until or now < self.breaker.locked_until

    def lock(self, now: float) -> Locked:
        """Give the answer of the breaker that is open."""
        breaker = self.credential if now < self.credential.locked_until else self.breaker
        return Locked(breaker.locked_until, breaker.reason)


class Lease:
    """The right to send one request now; given back exactly once."""

    __slots__ = ("buckets", "demand", "epoch", "granted_at", "number", "parties")

    send_by: float = FOREVER  # the moment by which its first byte must have left
    expires_at: float = FOREVER  # the moment by which its exchange must be over

    def __init__(  # noqa: PLR0917 - every call makes one, and keywords cost
        self, number: int, parties: Parties, buckets: list[TokenBucket], granted_at: float, epoch: int, demand: Demand
    ) -> None:
        self.demand: Demand = demand
        self.number: int = number
        self.parties: Parties = parties
        self.buckets: list[TokenBucket] = buckets  # those that it has a token of
        self.granted_at: float = granted_at
        self.epoch: int = epoch

    @property
    def proven(self) -> bool:
        """Tell whether its credentials have been accepted, and its gateway has not blocked this address."""
        return self.parties.proven


class Ticket:
    """A place in line. It ends with a lease, a refusal, or by leaving."""

    __slots__ = (
        "alarm",
        "asked_at",
        "buckets",
        "deadline",
        "demand",
        "entry",
        "number",
        "parties",
        "place",
        "seat",
        "stage",
        "verdict",
    )

    def __init__(  # noqa: PLR0917 - likewise
        self,
        number: int,
        parties: Parties,
        buckets: list[TokenBucket],
        deadline: float,
        demand: Demand,
        asked_at: float,
    ) -> None:
        self.demand: Demand = demand
        self.asked_at: float = asked_at
        self.number: int = number
        self.parties: Parties = parties
        self.buckets: list[TokenBucket] = buckets  # it takes a token of each, and waits for them in this order
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
        return self.buckets[: self.stage]


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
