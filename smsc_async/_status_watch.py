"""
Messages that are waited for: one task of those who wait asks for the states of all of them.

Few messages are asked for one by one, many at once: the gateway takes one request a minute for several, whatever is in
it, and five for each single one.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from smsc_async._waiters import PASSING, Turn, Waiter
from smsc_async.errors import AddressBlocked, AuthenticationFailed, GatewayError
from smsc_async.statuses import MessageStatus

if TYPE_CHECKING:
    from smsc_async.clock import Clock

__all__ = ["FEW", "INTERVAL", "MOST", "Following", "Message", "State", "StatusWatch"]

_log: Final = logging.getLogger("smsc_async")

FEW: Final = 3  # messages that are asked for one by one; so nobody who waits for one message waits for a minute
MOST: Final = 5_000  # messages of one request: 250 kB, where servers commonly take megabytes
INTERVAL: Final = 15.0  # seconds between two questions about one message: four a minute, one less than is taken
_MINUTE: Final = 62.0  # seconds between two questions about many: the guard's window and margin
_OF_ALL: Final = (AuthenticationFailed, AddressBlocked)  # what the gateway refuses whatever is asked
_NOT_FOUND: Final = 3  # answers that it knows no such message, after which the gateway is believed

Message: TypeAlias = tuple[str, str]  # its id, and its recipient's phone


class State(Protocol):
    """How far a message has come, whoever told of it."""

    @property
    def status(self) -> MessageStatus:
        """Give the status."""
        ...


#: Asks for the states of some messages; gives those that are told.
Look: TypeAlias = Callable[[Sequence[Message]], Awaitable[Mapping[Message, State]]]
_Queue: TypeAlias = "OrderedDict[Message, _Followed]"


class Following(Waiter):
    """
    One wait for some messages to come to the end of their ways, told of their states from any thread.

    Args:
        messages: What is waited for.
        until: The moment at which the wait ends.
    """

    __slots__ = ("_not_found", "messages", "open", "refusal", "states", "unasked", "until")

    def __init__(self, messages: Iterable[Message], until: float = math.inf) -> None:
        super().__init__()
        self.messages: tuple[Message, ...] = tuple(dict.fromkeys(messages))
        self.until: float = until
        self.states: dict[Message, State] = {}
        self.open: set[Message] = set(self.messages)  # those whose delivery is not decided
        self.unasked: set[Message] = set()  # of them, those that the gateway is still to be asked for
        self.refusal: GatewayError | None = None  # what the gateway said of a message, in place of its state
        self._not_found: Counter[Message] = Counter()  # how often the gateway did not know them

    def arrive(self, message: Message, state: State) -> None:
        """Tell of a state; one that is older than what is known is none."""
        known = self.states.get(message)
        if known is not None and state.status.progress < known.status.progress:
            return
        self.states[message] = state
        if state.status is MessageStatus.NOT_FOUND:
            self._not_found[message] += 1
        if state.status.is_final or self._not_found[message] >= _NOT_FOUND:
            self.open.discard(message)
            if not self.open:
                self.ring()

    def asked_for(self, message: Message) -> None:
        """Note that the gateway was asked for a message."""
        self.unasked.discard(message)
        if not self.unasked:
            self.ring()

    def refuse(self, refusal: GatewayError) -> None:
        """Tell that the gateway does not answer for a message."""
        self.refusal = refusal
        self.ring()


class _Followed:
    """A message that somebody waits for."""

    __slots__ = ("asked_at", "by")

    def __init__(self) -> None:
        self.asked_at: float = -math.inf
        self.by: set[Following] = set()


class StatusWatch:
    """Those who wait for messages of one account, and when the gateway was asked for them."""

    def __init__(self) -> None:
        self._turn = Turn()
        self._lock = threading.Lock()
        self._urgent: _Queue = OrderedDict()  # of one who cannot wait until many are asked for
        self._suspects: _Queue = OrderedDict()  # of a question that was refused: one of them may be why
        self._new: _Queue = OrderedDict()  # never asked for
        self._old: _Queue = OrderedDict()  # asked for least recently first
        self._places = (self._urgent, self._suspects, self._new, self._old)
        self._asked_many_at = -math.inf
        self._at_once = MOST  # fewer after a question that was refused

    def __len__(self) -> int:
        """Say how many messages are asked for."""
        return sum(map(len, self._places))

    async def arrival(self, following: Following, look: Look, clock: Clock) -> None:
        """
        Wait until delivery is decided, and ask for everybody's messages meanwhile if nobody else does.

        Raises:
            GatewayError: The gateway does not answer for one of the messages, or for nobody.
        """
        await self._until(lambda: not following.open, list(following.open), following, look, clock)

    async def one_look(self, following: Following, look: Look, clock: Clock) -> None:
        """Wait until the gateway was asked once for each message, or nothing is open any more; raises likewise."""
        messages = list(following.open)
        following.unasked = set(messages)
        await self._until(lambda: not (following.unasked and following.open), messages, following, look, clock)

    async def _until(
        self, done: Callable[[], bool], messages: list[Message], following: Following, look: Look, clock: Clock
    ) -> None:
        self._join(messages, following, clock.now())
        self._turn.hurry()
        try:
            while not done():
                if self._turn.is_of(following):
                    await self._ask(following, look, clock)
                else:
                    with clock.deadline(clock.now() + _MINUTE):  # the other's event loop may be stopped meanwhile
                        await following.rung()
                    self._join(messages, following)  # or this one's was stopped, and they were given up
                if following.refusal is not None:
                    raise following.refusal
        finally:
            with self._lock:
                for message in messages:
                    self._leave(message, following)
            self._turn.leave(following)

    def _join(self, messages: Iterable[Message], following: Following, now: float = -math.inf) -> None:
        with self._lock:
            hurried = following.until < self._asked_many_at + _MINUTE
            for message in messages:
                if not (message in following.open or message in following.unasked):
                    continue
                place = next((place for place in self._places if message in place), self._new)
                followed = place.get(message) or _Followed()
                if hurried and now - followed.asked_at >= INTERVAL:
                    place.pop(message, None)
                    place = self._urgent
                place[message] = followed
                followed.by.add(following)

    def _leave(self, message: Message, following: Following) -> None:
        for place in self._places:
            followed = place.get(message)
            if followed is not None:
                followed.by.discard(following)
                if not followed.by:
                    del place[message]

    async def _ask(self, following: Following, look: Look, clock: Clock) -> None:
        """Ask for those that were asked for least recently, when the time has come."""
        due = self._due(clock.now())
        if due > clock.now():
            with clock.deadline(due):
                await following.rung()  # somebody came, or the delivery that is waited for is decided
            return
        batch, many = self._batch(clock.now())
        if not batch:
            return
        states: Mapping[Message, State] = {}
        refusal: GatewayError | None = None
        goes_to = self._old
        try:
            states = await look(batch)
            self._at_once = min(self._at_once * 2, MOST)
        except PASSING as error:
            _log.warning("the states of %d messages could not be asked for; they are later: %s", len(batch), error)
        except _OF_ALL:
            raise
        except GatewayError as error:
            if len(batch) > 1:
                self._at_once, goes_to = len(batch) // 2, self._suspects
                _log.warning("the states of %d messages were refused; next fewer are asked for: %s", len(batch), error)
            else:
                refusal = error
        finally:
            self._were_asked_for(batch, clock.now(), goes_to, many=many)
        with self._lock:
            for message in batch if goes_to is self._old else ():
                self._tell(message, states.get(message), refusal)

    def _due(self, now: float) -> float:
        """Give the moment of the next question."""
        with self._lock:
            if self._urgent:
                return now
            if len(self) > FEW:
                return self._asked_many_at + _MINUTE
            if self._new:
                return now
            asked = chain(self._suspects.values(), self._old.values())
            return min((followed.asked_at for followed in asked), default=math.inf) + INTERVAL

    def _batch(self, now: float) -> tuple[list[Message], bool]:
        """Give those to be asked for now, half of them new ones; and whether they are asked for as many are."""
        with self._lock:
            for place in self._places:
                for message in [message for message, followed in place.items() if not _alive(followed)]:
                    del place[message]  # their event loop was stopped, and nobody took leave
            if len(self) > FEW and now >= self._asked_many_at + _MINUTE:
                if self._suspects:  # whoever is among others is found by asking for fewer and fewer of them
                    return list(islice(self._suspects, self._at_once)), True
                half = max(self._at_once // 2, 1)
                first = list(islice(chain(self._urgent, self._new), half))
                rest = islice(chain(self._urgent, self._new), half, None)
                return list(islice(chain(first, self._old, rest), self._at_once)), True
            return list(islice(chain(*self._places), 1)), False

    def _were_asked_for(self, batch: list[Message], now: float, goes_to: _Queue, *, many: bool) -> None:
        with self._lock:
            if many:
                self._asked_many_at = now
            for message in batch:
                followed = next((place.pop(message) for place in self._places if message in place), None)
                if followed is not None:
                    followed.asked_at = now
                    goes_to[message] = followed  # behind all others
            if goes_to is self._suspects:
                for message in reversed([message for message in batch if message in goes_to]):
                    goes_to.move_to_end(message, last=False)  # but of those the next are the same

    def _tell(self, message: Message, state: State | None, refusal: GatewayError | None) -> None:
        followed = self._old.get(message)
        for following in [] if followed is None else list(followed.by):
            following.asked_for(message)
            if refusal is not None:
                following.refuse(refusal)
            if state is not None:
                following.arrive(message, state)
                if message not in following.open:
                    self._leave(message, following)


def _alive(followed: _Followed) -> bool:
    return any(following.is_alive for following in followed.by)
