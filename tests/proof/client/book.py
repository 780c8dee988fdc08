"""What is written down of a schedule: its calls, and each request that put a byte on the network."""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.events import Event
    from tests.proof.client.plan import CallPlan

__all__ = ["CALL", "LATENESS", "Book", "Passage", "Record", "Violation"]

_NOT_COMPARED: Final = ("login", "psw", "apikey", "fmt", "charset")  # who asks, and how the answer is to be written
LATENESS: Final = 5.0  # seconds; reliability 2.1, A3: a request that was given up is counted by then, or never


class Violation(AssertionError):
    """A promise was broken; the text says which, and how to see it again."""


@attrs.define(eq=False)
class Record:
    """One call of a user, and what came of it."""

    number: int
    plan: CallPlan
    account: int
    late: bool = False  # made after the schedule, to see that everything is home
    passages: list[Passage] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list)
    cancel: Callable[[], object] | None = None  # while it goes on
    awaited: dict[str, int] = attrs.field(factory=dict)  # how often each moment has come at which it may be cancelled
    started: float = math.nan
    ended: float | None = None
    granted: list[float] = attrs.field(factory=list)  # when it was admitted, each time
    value: Any = None
    error: BaseException | None = None
    answered: bool = False  # it returned a value
    cancelled: bool = False  # it ended because it was cancelled
    cancelled_at: float | None = None
    resolved: str = ""  # what was found out of a message whose outcome was unknown
    taken: int = 0  # bytes of its present attempt that the network took
    wrote: bool = False  # in its present attempt something was handed to the network, taken or not
    ever_wrote: bool = False  # in any attempt

    @property
    def name(self) -> str:
        """Its name in traces."""
        return f"call {self.number} ({self.plan})"

    def __str__(self) -> str:
        """Say how it ended."""
        if self.answered:
            return f"gives {str(self.value)[:80]}"
        return "cancelled" if self.cancelled else f"raises {self.error!r}"

    def told(self, kind: str) -> bool:
        """Say whether the observer heard of an event of that kind."""
        return any(type(event).__name__ == kind for event in self.events)


CALL: ContextVar[Record | None] = ContextVar("CALL", default=None)  # whose task it is


@attrs.define(eq=False)
class Passage:
    """One request, from its first byte to the end of its reply, or to the moment at which it was given up."""

    number: int  # also the mark that its reply carries
    record: Record
    link: int
    first_byte: float
    length: int  # bytes, head and body
    taken: int = 0  # of these, by the network
    content: bytearray = attrs.field(factory=bytearray)
    written: float | None = None  # when the network had taken all of it
    account: int = -1
    path: str = ""
    params: dict[str, str] = attrs.field(factory=dict)  # all of them
    compared: dict[str, str] = attrs.field(factory=dict)  # those that say what is asked
    arrived: float | None = None  # when the gateway had all of it
    counted: float | None = None  # when the gateway counted it
    executed: float | None = None  # when the gateway carried it out
    refused: bool = False  # with an error number
    said: str = ""  # what the reply says
    reply_length: float = math.inf  # bytes of the reply up to its proper end, where they say it themselves
    unframed: bool = False  # the reply ends in good order where the connection does
    came: int = 0  # bytes of the reply that the client has read
    read: float | None = None  # when the client had read the last
    given_up: float | None = None  # when the client closed the connection before that

    @property
    def form(self) -> tuple[object, ...]:
        """What makes requests identical: account, page, and every parameter that says what is asked."""
        return (self.account, self.path, *sorted(self.compared.items()))

    @property
    def end(self) -> float:
        """The last moment at which the gateway may still be at work on it."""
        if self.read is not None:
            return self.read
        return math.inf if self.given_up is None else self.given_up + LATENESS

    @property
    def answered(self) -> bool:
        """Whether the client has a whole reply."""
        return self.read is not None

    def parse(self) -> None:
        """Read the request, now that all of it is there."""
        head, _, body = bytes(self.content).partition(b"\r\n\r\n")
        target = head.split(b" ", 2)[1].decode()
        self.path = target.rpartition("/")[2]
        self.params = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        # The id of a message is its sender's own: one that differs in nothing else is a duplicate, we assume.
        aside = (*_NOT_COMPARED, "id") if self.path == "send.php" else _NOT_COMPARED
        self.compared = {name: value for name, value in self.params.items() if name not in aside}


@attrs.define(eq=False)
class Book:
    """Everything that is written down, and every complaint."""

    records: list[Record] = attrs.field(factory=list)
    passages: list[Passage] = attrs.field(factory=list)
    complaints: list[str] = attrs.field(factory=list)
    closings: dict[int, tuple[float, float]] = attrs.field(factory=dict)  # by session: when it began and ended
    lines: list[str] | None = None  # the trace, where one is wanted
    now: Callable[[], float] = attrs.field(default=lambda: 0.0)

    def complain(self, text: str) -> None:
        """Note a broken promise; the schedule goes on, so that the trace shows what came of it."""
        self.complaints.append(f"at {self.now():.3f} s: {text}")
        self.trace("VIOLATION", len(self.complaints), text)

    def trace(self, kind: str, number: int, what: str, *values: object) -> None:
        """Write a line of the trace, if one is wanted; *what* is filled with the *values* only then."""
        if self.lines is not None:
            self.lines.append(f"{self.now():11.4f}  {kind + ' ' + str(number):<12} {what % values if values else what}")
