"""What arrived at the gateway and what became of it, bounded in memory; the judge reads nothing else."""

from __future__ import annotations

import copy
import itertools
from collections import deque
from collections.abc import Hashable
from typing import Literal

import attrs

from smsc_async.simulator.windows import Limit

Outcome = Literal[
    "open",
    "answered",
    "refused",
    "file",
    "fault",
    "dropped",
    "cut",
    "abandoned",
    "unreadable",
    "unknown path",
    "crashed",
]
# open: still going on; cut: the body never came whole; abandoned: the server cancelled it (in process: the client did)


@attrs.define(kw_only=True, eq=False)
class Arrival:
    """One request as the gateway saw it. Times are the true clock's; it holds no credentials."""

    number: int  # counts from 1, in the order of entering
    entered_at: float  # its headers were there
    entered_order: int  # what came before what, where the clock is too coarse to tell
    client: str = ""
    method: str = ""
    host: str = ""
    endpoint: str = ""
    action: str | None = None
    login: str | None = None  # the login it spoke of, once the body was read; None where that is nobody's
    key: tuple[Hashable, ...] = ()  # what makes it identical to others
    limits: tuple[Limit, ...] = ()
    phone: str = ""
    arrived_at: float | None = None  # the body was there too: the moment at which it is counted
    acted_at: float | None = None
    acted: bool = False  # the gateway carried it out
    paid: bool = False  # and that charged, allotted or sent something
    completed_at: float | None = None  # the last byte of its answer was about to be handed over, or it ended otherwise
    completed_order: int | None = None
    outcome: Outcome = "open"
    refusal: str | None = None  # the kind of refusal that the gateway's rules gave
    status: int | None = None  # HTTP
    faults: tuple[str, ...] = ()
    credentials_in_url: bool = False
    foreign: bool = False  # other software on the same login, which the simulator made up


class Log:
    """The last *size* arrivals. Written under the simulator's lock."""

    def __init__(self, size: int) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=size)
        self._numbers = itertools.count(1)
        self._orders = itertools.count()
        self.forgotten: int = 0

    def __len__(self) -> int:
        return len(self._arrivals)

    def __repr__(self) -> str:
        return f"<Log of {len(self)} arrivals, {self.forgotten} forgotten>"

    def open(self, now: float, *, client: str = "", method: str = "", endpoint: str = "") -> Arrival:
        """Write down that a request has begun to arrive."""
        if len(self._arrivals) == self._arrivals.maxlen:
            self.forgotten += 1
        arrival = Arrival(
            number=next(self._numbers),
            entered_at=now,
            entered_order=next(self._orders),
            client=client,
            method=method,
            endpoint=endpoint,
        )
        self._arrivals.append(arrival)
        return arrival

    def complete(self, arrival: Arrival, now: float) -> None:
        """Write down that *arrival* is over."""
        if arrival.completed_at is None:
            arrival.completed_at = now
            arrival.completed_order = next(self._orders)

    def snapshot(self) -> tuple[Arrival, ...]:
        """Give copies of all arrivals, oldest first."""
        return tuple(copy.copy(arrival) for arrival in self._arrivals)

    def clear(self) -> None:
        """Forget everything on purpose."""
        self._arrivals.clear()
        self.forgotten = 0
