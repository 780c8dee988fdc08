"""What is still to be told to which handler, what became of every attempt, and when the next one is due."""

from __future__ import annotations

import copy
import heapq
import itertools
import math
from collections import deque
from collections.abc import Iterable
from random import Random
from typing import Any, Final, Literal

import attrs

from smsc_async.simulator.handler_address import HandlerAddress, parse_address
from smsc_async.simulator.letters import Letter

State = Literal["pending", "delivered", "dropped", "given up"]
Order = Literal["queued", "reversed", "shuffled"]
ORDERS: Final[tuple[Order, ...]] = ("queued", "reversed", "shuffled")

#: "any code but 200 or 404: one request every 4 minutes, 50 attempts in all".
ATTEMPTS: Final = 50
MINUTES_BETWEEN: Final = 4
DELIVERED: Final = 200
DROPPED: Final = 404


@attrs.frozen(kw_only=True)
class Handler:
    """Who is told: over sockets, or in process where *app* is an ASGI app."""

    address: HandlerAddress
    app: Any = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Manner:
    """
    How events are passed on where nothing goes wrong and yet not everything is neat.

    Args:
        copies: How many times each event is delivered, each time until it is accepted.
        delay: Seconds after the event, by the simulator's clock.
        jitter: At most so many seconds more, drawn for each copy; so one event overtakes another.
    """

    copies: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    delay: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    jitter: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class Attempt:
    """One call of a handler: what it answered, or why it did not."""

    at: float
    status: int | None = None
    error: str | None = None
    answer: bytes = attrs.field(default=b"", repr=False)  # the beginning of it


@attrs.define(kw_only=True, eq=False)
class Errand:
    """One event to be told to one handler."""

    number: int  # counts from 1
    login: str
    url: str = attrs.field(repr=False)
    letter: Letter
    app: Any = attrs.field(default=None, repr=False)
    queued_at: float
    due: float  # infinite while it is held back
    state: State = "pending"
    taken: bool = False  # somebody is making an attempt
    attempts: list[Attempt] = attrs.field(factory=list[Attempt])


class Callbacks:
    """The handlers by login, and all errands; finished ones are remembered up to *size*. Used under the lock."""

    def __init__(self, size: int, random: Random) -> None:
        self._size = size
        self._random = random
        self._handlers: dict[str, Handler] = {}
        self._errands: dict[int, Errand] = {}
        self._finished: deque[int] = deque()
        self._numbers = itertools.count(1)
        self._orders = itertools.count()
        # Those in process stand apart, as they are for who is in the same event loop; an entry whose errand was taken,
        # has ended or is due at another time is stale.
        self._queues: dict[bool, list[tuple[float, int, Errand]]] = {False: [], True: []}
        self._held: list[Errand] | None = None

    def __repr__(self) -> str:
        return f"<Callbacks {len(self._errands) - len(self._finished)} pending, {len(self._finished)} finished>"

    def tell(self, login: str, url: str | None, app: Any) -> None:
        """Let the handler at *url* be told what happens on *login*'s account; None: nobody."""
        if url is None:
            self._handlers.pop(login, None)
        else:
            self._handlers[login] = Handler(address=parse_address(url), app=app)

    def handler(self, login: str) -> Handler | None:
        """Give who is told of *login*'s account."""
        return self._handlers.get(login)

    @property
    def anybody(self) -> bool:
        """Whether there is any handler."""
        return bool(self._handlers)

    def queue(self, login: str, letter: Letter, handler: Handler, now: float, manner: Manner) -> tuple[Errand, ...]:
        """Put an event in line, as many times as *manner* says."""
        errands = tuple(
            Errand(
                number=next(self._numbers),
                login=login,
                url=handler.address.url,
                letter=letter,
                app=handler.app,
                queued_at=now,
                due=now + manner.delay + (self._random.uniform(0, manner.jitter) if manner.jitter else 0.0),
            )
            for _ in range(manner.copies)
        )
        for errand in errands:
            self._errands[errand.number] = errand
            if self._held is None:
                self._push(errand)
            else:
                errand.due = math.inf
                self._held.append(errand)
        return errands

    def hold(self) -> None:
        """Keep back what is queued from now on."""
        if self._held is None:
            self._held = []

    def release(self, order: Order, now: float) -> int:
        """Let go what was kept back, in *order*; give how many."""
        if order not in ORDERS:
            raise ValueError(f"the order is one of {', '.join(ORDERS)}")
        held = self._held or []
        self._held = None
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            self._random.shuffle(held)
        for errand in held:
            if errand.state == "pending" and not errand.attempts:  # else somebody delivered it meanwhile
                errand.due = now
                self._push(errand)
        return len(held)

    def take_due(self, now: float, *, in_process: bool, most: int | None = None) -> list[Errand]:
        """Take what is due, oldest first; each is to be settled or put back."""
        taken: list[Errand] = []
        queue = self._queues[in_process]
        while self.next_due(in_process=in_process) <= now and (most is None or len(taken) < most):
            errand = heapq.heappop(queue)[2]
            errand.taken = True
            taken.append(errand)
        return taken

    def take(self, errands: Iterable[Errand]) -> list[Errand]:
        """Take *errands* before they are due."""
        taken = [errand for errand in errands if errand.state == "pending" and not errand.taken]
        for errand in taken:
            errand.taken = True
        return taken

    def settle(self, errand: Errand, attempt: Attempt, again: float) -> None:
        """Write down an attempt; where another one follows, it is due at *again*."""
        errand.taken = False
        errand.attempts.append(attempt)
        if attempt.status == DELIVERED:
            errand.state = "delivered"
        elif attempt.status == DROPPED:
            errand.state = "dropped"
        elif len(errand.attempts) >= ATTEMPTS:
            errand.state = "given up"
        else:
            errand.due = again
            if errand.number in self._errands:  # else all was forgotten meanwhile
                self._push(errand)
            return
        if errand.number in self._errands:
            self._finished.append(errand.number)
            if len(self._finished) > self._size:
                del self._errands[self._finished.popleft()]

    def put_back(self, errand: Errand) -> None:
        """Take back that *errand* was taken: the attempt was broken off."""
        errand.taken = False
        if errand.number in self._errands:
            self._push(errand)

    def next_due(self, *, in_process: bool) -> float:
        """Give when the next attempt over sockets, or in process, is due; infinite where none is."""
        queue = self._queues[in_process]
        while queue:
            due, _, errand = queue[0]
            if errand.state == "pending" and not errand.taken and errand.due == due:
                return due
            heapq.heappop(queue)
        return math.inf

    def snapshot(self, state: State | None = None) -> tuple[Errand, ...]:
        """Give copies of all errands, or of those in one state, in the order of queueing."""
        found: list[Errand] = []
        for errand in self._errands.values():
            if state in {None, errand.state}:
                found.append(copy.copy(errand))
                found[-1].attempts = list(errand.attempts)
        return tuple(found)

    def clear(self) -> None:
        """Forget all errands; the handlers stay."""
        self._errands.clear()
        self._finished.clear()
        self._held = None
        for queue in self._queues.values():
            queue.clear()

    def _push(self, errand: Errand) -> None:
        heapq.heappush(self._queues[errand.app is not None], (errand.due, next(self._orders), errand))
