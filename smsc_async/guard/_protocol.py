"""What a session asks of a guard; a guard for several processes fits it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Literal

    from smsc_async.clock import Clock
    from smsc_async.guard._records import Demand, Lease, Outcome
    from smsc_async.guard.usage import AccountUsage, Wait

__all__ = ["Guard"]


class Guard(Protocol):
    """
    Admits calls one by one. Acquiring and finishing are separate; both may block and fail where the state is remote.
    """

    @property
    def clock(self) -> Clock:
        """Give the clock that drives every wait of a call."""
        ...

    @property
    def limits(self) -> Mapping[str, int]:
        """Give lower limits by the name of the endpoint."""
        ...

    @property
    def identical(self) -> Literal["request", "action"]:
        """Give what the limits on identical requests count together."""
        ...

    @property
    def lateness(self) -> float:
        """Give the seconds after which a request that was given up cannot be counted any more."""
        ...

    @property
    def max_downloads(self) -> int:
        """Give how many slots downloads may hold."""
        ...

    async def acquire(
        self, demand: Demand, *, deadline: float = ..., on_wait: Callable[[Wait], None] | None = None
    ) -> Lease:
        """Return when the call may be sent."""
        ...

    def finish(self, lease: Lease, outcome: Outcome) -> Awaitable[None] | None:
        """Give a lease back; what is returned, if anything, is awaited under a shield."""
        ...

    def prove(self, lease: Lease) -> None:
        """Note that the gateway has accepted the credentials of a call that is still going on."""
        ...

    def usage(self, account: str) -> AccountUsage:
        """Give a snapshot of the account's tokens and slots, as this process knows them."""
        ...
