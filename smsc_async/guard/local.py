"""The guard of one process; what is not told to other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from smsc_async.clock import SYSTEM_CLOCK
from smsc_async.guard._process import MAX_CONCURRENCY, STRICT_MARGIN, STRICT_WINDOW, ProcessGuard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smsc_async.clock import Clock

__all__ = ["LocalGuard"]


class LocalGuard(ProcessGuard):
    """
    Keeps every account of this process inside the gateway's limits.

    Sessions of the same account share the tokens and slots whatever event loop or thread they run in.

    Args:
        window: The gateway's minute, in seconds. A smaller one is for tests.
        margin: Seconds added to each token's rest: clock rates, the gateway's rounding, its book-keeping.
        lateness: Seconds after which a request that we gave up cannot be counted by the gateway any more.
        max_concurrency: Requests of one account in flight, 1 to 14.
        max_downloads: How many of them may be downloads, so that slow files starve nothing.
        limits: Lower limits by the name of the endpoint, such as ``{"numbers.available": 1}``.
        identical: What the limits on identical requests count together: equal requests, or (stricter than the vendor
            says) all requests of the action.
        clock: What drives every wait.

    Raises:
        InvalidArgument: A number is out of range; it is a `ValueError`.
    """

    def __init__(
        self,
        *,
        window: float = STRICT_WINDOW,
        margin: float = STRICT_MARGIN,
        lateness: float = 5.0,
        max_concurrency: int = MAX_CONCURRENCY,
        max_downloads: int = 4,
        limits: Mapping[str, int] | None = None,
        identical: Literal["request", "action"] = "request",
        clock: Clock = SYSTEM_CLOCK,
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
