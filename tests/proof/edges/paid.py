"""Paid once: a rent, a call and a message, through every mishap; what came out is held against what was done."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, Self

import anyio
import attrs

from smsc_async import CallRequest, Rental, ReplyFormat, Retry, SentMessage, events
from smsc_async.errors import GatewayError, MessageOutcomeUnknown, NotSent, OutcomeStillUnknown, OutcomeUnknown
from smsc_async.simulator import Fault, FaultProxy
from tests.proof.edges.gateway import Gateway
from tests.proof.edges.mishaps import Mishap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from smsc_async import Session
    from smsc_async.simulator import Passage

__all__ = ["ACTIONS", "Case", "Ledger", "Till"]

_BATCH: Final = 50  # calls through one proxy: it copies all it has seen whenever it is asked
_TIMEOUT: Final = 30.0
_BALANCE: Final = 7.0  # seconds; ten balances a minute are allowed
_BARE: Final = (ReplyFormat.TEXT, ReplyFormat.CSV)  # text without a structure
_HANGS: Final = 60.0  # seconds of the machine's clock, after which something hangs
_LONG: Final = 3.0  # seconds of the machine's clock; no call takes a hundredth of it
_SHORT: Final = 0.02  # likewise; a call that still goes on pauses or waits for its turn
_QUIET: Final = Mishap("none")
_LETTERS: Final = str.maketrans("0123456789", "smsgatewuy")  # ids of digits would be masked in logs
_POLL: Final = 0.0002  # seconds between two looks at what the proxy has done


@attrs.frozen
class Action:
    """A paid call."""

    name: str  # as the gateway logs it
    endpoint: str
    value: type
    call: Callable[[Session, str], Awaitable[object]]


ACTIONS: Final = {
    "rent": Action("buy", "numbers.rent", Rental, lambda smsc, phone: smsc.numbers.rent(phone)),
    "request": Action("wait_call", "calls.request", CallRequest, lambda smsc, phone: smsc.calls.request(phone)),
    "send": Action(
        "send",
        "messages.send",
        SentMessage,
        lambda smsc, phone: smsc.messages.send(phone, "Your code is 1", id=_id_of(phone)),
    ),
}


class _Cancelled:
    """What comes of a call that is cancelled."""


@attrs.define
class Case:
    """A call that met a mishap."""

    action: str
    mishap: Mishap
    phone: str
    outcome: object
    attempts: int  # that began, as the observer was told
    told: int  # how often an unknown outcome was reported
    bare: bool = False  # in a format in which other digits are simply another price
    resolved: object = None  # what became of an unknown message, when the gateway was asked again

    @property
    def kind(self) -> str:
        """What came out, as a word."""
        if isinstance(self.outcome, ACTIONS[self.action].value):
            return "value"
        words = (
            (NotSent, "not sent"),
            (OutcomeUnknown, "unknown"),
            (GatewayError, "refused"),
            (_Cancelled, "cancelled"),
        )
        for kind, word in words:
            if isinstance(self.outcome, kind):
                return word
        return repr(self.outcome)


@attrs.define
class Ledger:
    """What came out in which cell, and what should not have."""

    cells: Counter[tuple[str, str, str, str]] = attrs.field(factory=Counter)  # action, fault, region, outcome
    broken: list[str] = attrs.field(factory=list)
    calls: int = 0

    def enter(self, case: Case, region: str, done: int) -> str:
        """Book a call that the gateway carried out so often, and say what is wrong with it, if anything."""
        state = f"{case.kind}, {'done' if done else 'not done'}"
        self.cells[case.action, case.mishap.fault, region, state] += 1
        self.calls += 1
        return _problem(case, done)

    def __iadd__(self, other: Ledger) -> Self:
        """Add another one."""
        self.cells += other.cells
        self.broken += other.broken
        self.calls += other.calls
        return self

    def total(self, **wanted: str) -> int:
        """Count the calls of the cells whose columns are as given."""
        names = ("action", "fault", "region", "outcome")
        return sum(
            count
            for cell, count in self.cells.items()
            if all(cell[names.index(name)] == value for name, value in wanted.items())
        )

    def __str__(self) -> str:
        """Show the table."""
        rows = sorted(self.cells.items())
        width = max((len(fault) for (_, fault, _, _), _ in rows), default=0)
        return "\n".join(f"{a:8} {f:{width}} {r:12} {o:28} {count:6}" for (a, f, r, o), count in rows)


class Till:
    """Makes paid calls through a fault proxy, one by one, and books what became of them."""

    def __init__(self, gateway: Gateway, action: str, *, reply_format: ReplyFormat = ReplyFormat.JSON) -> None:
        self.gateway = gateway
        self.clock = gateway.clock
        self.action = action
        self.told: list[events.Event] = []
        self.cases: list[Case] = []
        self.sizes = (0, 0, 0, 0)  # bytes of the head and all of a request, of the head and all of its reply
        self._proxy: FaultProxy
        self._guard = gateway.guard()
        self._format = reply_format
        self._numbers = 0

    def _phone(self) -> str:
        self._numbers += 1
        if self.action == "rent":
            return self.gateway.stock(f"38095{self._numbers:07d}")
        return f"38067{self._numbers:07d}"

    @asynccontextmanager
    async def _session(self, proxy: FaultProxy) -> AsyncIterator[Session]:
        """Give a session without connections; all of them share what the account remembers."""
        async with self.gateway.session(
            base_url=proxy.url,
            account="the till",
            guard=self._guard,
            observer=self.told.append,
            timeout=_TIMEOUT,
            reply_format=self._format,
            retry=Retry(random=lambda: 0.0, budget=1e9),
        ) as smsc:
            yield smsc

    async def measure(self) -> tuple[int, int]:
        """Make one call that nothing befalls, and give the bytes of its request and of its reply."""
        replies: list[bytes] = []

        def keep(reply: bytes) -> bytes:
            replies.append(reply)
            return reply

        self.gateway.mangle = keep
        with FaultProxy(self.gateway.url) as proxy:
            async with self._session(proxy) as smsc:
                value = await ACTIONS[self.action].call(smsc, self._phone())
            passage = proxy.passages[-1]
        self.gateway.mangle = None
        assert isinstance(value, ACTIONS[self.action].value)
        request, reply = passage.request_bytes, passage.reply_bytes
        self.sizes = (self.gateway.last_head, request, replies[0].index(b"\r\n\r\n") + 4, reply)
        return request, reply

    async def play(self, mishaps: Iterable[Mishap]) -> None:
        """Make one call for each mishap."""
        todo = list(mishaps)
        for start in range(0, len(todo), _BATCH):
            with FaultProxy(self.gateway.url, sleep=_no_time) as self._proxy:
                for mishap in todo[start : start + _BATCH]:
                    async with self._session(self._proxy) as smsc:
                        await self._one(mishap, smsc)

    async def _one(self, mishap: Mishap, smsc: Session) -> None:
        call = partial(ACTIONS[self.action].call, smsc, phone := self._phone())
        if mishap.warm:
            self.clock.move(_BALANCE)
            with anyio.fail_after(_HANGS):
                await smsc.account.balance()
        self.told.clear()
        if mishap.plan is not None:
            self._proxy.add(mishap.plan, match=None if mishap.plan.refuse else b"POST")
        if mishap.effect is not None:
            self.gateway.simulator.faults.add(Fault(mishap.effect))
        self.gateway.last_reply = 0
        self.gateway.mangle = mishap.mangle
        self.gateway.hanging_up = mishap.mangle is not None and not mishap.silent
        seen = len(self._proxy.passages)
        outcome = await self._made(call, mishap, seen)
        if mishap.plan is not None and not await self._struck(seen):
            passages = self._proxy.passages[seen:]
            outcome = AssertionError(f"the call gave {outcome!r}, and the proxy never did what it was told: {passages}")
        self.gateway.mangle = None
        self.gateway.clear_faults()
        endpoint = ACTIONS[self.action].endpoint  # a lost message is looked for
        attempts = sum(isinstance(event, events.Attempt) and event.endpoint == endpoint for event in self.told)
        lost = sum(isinstance(event, events.OutcomeLost) for event in self.told)
        self.clock.move(self._guard.lateness)
        if self.action == "rent" and isinstance(outcome, OutcomeUnknown | _Cancelled):
            again = await _outcome(call)
            if type(again) is not OutcomeStillUnknown:
                outcome = AssertionError(f"after {outcome!r} the same rent gave {again!r}")
        resolved: object = None
        if isinstance(outcome, MessageOutcomeUnknown):
            resolved = await self._made(partial(smsc.messages.resolve, outcome), _QUIET, len(self._proxy.passages))
        elif self.action == "send" and isinstance(outcome, _Cancelled):
            look = partial(smsc.messages.resolve, _id_of(phone), phone)
            resolved = await self._made(look, _QUIET, len(self._proxy.passages))
        bare = self._format in _BARE
        self.cases.append(Case(self.action, mishap, phone, outcome, attempts, lost, bare, resolved))

    async def _struck(self, seen: int) -> bool:
        """Wait until the proxy has done what it was told to: a call may be over before that, or the reply shorter."""
        with anyio.move_on_after(_HANGS):
            while not any(  # noqa: ASYNC110 - it comes true in the proxy's thread
                passage.ended != "open" or self._all_came(passage) for passage in self._proxy.passages[seen:]
            ):
                await anyio.sleep(_POLL)
            return True
        return False

    async def _made(self, call: Callable[[], Awaitable[object]], mishap: Mishap, seen: int) -> object:
        """
        Make a call, and end it by its time-out or a cancellation as soon as all is silent, where the mishap is silence.

        Nothing else takes time. A call that sleeps goes on soon, and what is not over after a while is overtaken by its
        time-out too, so that a client which waits for what never comes is judged and does not hang.
        """
        found: list[object] = []
        scope = anyio.CancelScope()

        async def one() -> None:
            with scope:
                found.append(await _outcome(call))
            if scope.cancelled_caught:
                found.append(_Cancelled())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one)
            while mishap.silent and not found:  # more than once where a wrong client repeats it
                await self._silent(seen, found)
                if mishap.cancelled:
                    scope.cancel()
                else:
                    self.clock.move(_TIMEOUT)
                await _rounds(2)
            since = time.monotonic()
            while not found:
                waited = time.monotonic() - since
                if waited > _LONG:
                    self.clock.move(_TIMEOUT)
                    since = time.monotonic()
                elif waited > _SHORT and self.clock.jump():
                    since = time.monotonic()
                await anyio.sleep(_POLL)
        return found[0]

    async def _silent(self, seen: int, found: list[object]) -> None:
        """Wait until the proxy has let through what it will."""
        with anyio.fail_after(_HANGS):
            while not found:
                passages = self._proxy.passages[seen:]
                if passages and (passages[-1].ended != "open" or self._all_came(passages[-1])):
                    break
                await anyio.sleep(_POLL)
        await _rounds(5)  # what was let through may be the whole

    def _all_came(self, passage: Passage) -> bool:
        return passage.plan.cut_request_at is None and 0 < self.gateway.last_reply == passage.returned_bytes

    async def books(self) -> Ledger:
        """Hold what came out against the gateway's own log, once everything that left has arrived."""
        await _rounds(20)
        ledger = Ledger()
        done: Counter[str] = Counter()
        if self.action == "send":
            done.update(message.phone for message in self.gateway.simulator.messages if message.refused is None)
        else:
            for arrival in self.gateway.arrivals(ACTIONS[self.action].name):
                done[arrival.phone] += arrival.paid
        for case in self.cases:
            problem = ledger.enter(case, self._region(case.mishap), done[case.phone])
            if problem:
                replay = f"python -m tests.proof.edges paid --only '{case.action}/{case.mishap}'"
                ledger.broken.append(f"{case.action}, {case.mishap}: {problem}\n  replay: {replay}")
        return ledger

    def _region(self, mishap: Mishap) -> str:
        """Name the part of the message that a mishap strikes."""
        if mishap.byte is None or (mishap.plan is None and mishap.mangle is None):
            return "-"
        head, whole = self.sizes[:2] if mishap.side == "request" else self.sizes[2:]
        if mishap.byte in {0, whole}:
            return "nothing" if mishap.byte == 0 else "the whole"
        return "head" if mishap.byte < head else "whole head" if mishap.byte == head else "body"


def _problem(case: Case, done: int) -> str:  # noqa: PLR0911 - a table reads best as one
    """Say what is wrong with a case, if anything: the promises, one by one."""
    if done > 1:
        return f"carried out {done} times"
    match case.outcome:
        case OutcomeStillUnknown():
            return "refused because of an earlier call, of which there was none"
        case OutcomeUnknown() | _Cancelled():
            return _unknown(case, done)
        case NotSent():
            return "said not to be sent, and carried out" if done else ""
        case SentMessage() as value:
            if not done:
                return f"a message that was not sent: {value!r}"
            return "" if case.told <= 1 and _right_message(value, case) else f"a wrong message: {value!r}"
        case Rental() | CallRequest() as value:
            return _value(value, case, done)
        case GatewayError() as refusal:
            return f"refused, and carried out: {refusal!r}" if done else ""
        case other:
            return f"{'carried out, and ' if done else ''}{other!r} came out"


def _unknown(case: Case, done: int) -> str:
    if case.attempts > 1:
        return f"unknown after {case.attempts} attempts: one that was not proven unsent was repeated"
    if case.action == "send" and isinstance(case.resolved, SentMessage) != bool(done):
        return f"resolved to {case.resolved!r}, and carried out {done} times"
    return "" if case.told == 1 else f"reported {case.told} times as unknown"


def _value(value: Rental | CallRequest, case: Case, done: int) -> str:
    # Nobody can tell a garbled price from a true one where no quotes or brackets go lost with it.
    garbled = case.bare and case.mishap.plan is None
    if not done:
        return "" if garbled else "a value of what was not carried out"
    if case.told:
        return "a value, and reported as unknown"
    return "" if garbled or _right(value) else f"a wrong value: {value!r}"


def _id_of(phone: str) -> str:
    return f"to-{phone.translate(_LETTERS)}"


def _right(value: Rental | CallRequest) -> bool:
    if isinstance(value, Rental):
        return "30.00" == str(value.cost)
    return value.number.isdigit() and len(value.number) == 12


def _right_message(message: SentMessage, case: Case) -> bool:
    if ([case.phone], _id_of(case.phone)) != ([each.phone for each in message.recipients], message.id):
        return False
    garbled = case.bare and case.mishap.plan is None
    return garbled or ((None, None) if case.told else (1, "0.50")) == (
        message.parts,
        message.cost and str(message.cost),
    )


async def _outcome(call: Callable[[], Awaitable[object]]) -> object:
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 - it is judged later
        return error


async def _no_time(seconds: float) -> None:
    """Stand in for the proxy's pauses, which are asyncio's."""
    await anyio.lowlevel.checkpoint()


async def _rounds(count: int) -> None:
    for _ in range(count):
        await anyio.sleep(0.0005)
