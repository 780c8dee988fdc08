"""
Conducts one call through the rooms: plan, guard, transport, answer, verdict; and once more where the verdict says so.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import attrs

from smsc_async._answer import Answer, no_answer, read_answer
from smsc_async._calling import NOTHING_MORE
from smsc_async._endpoint import OnDuplicate, Replay
from smsc_async._journal import keeping
from smsc_async._plan import Route
from smsc_async._retry import Again, repeat
from smsc_async._telling import Telling
from smsc_async._transport import Failure, Write
from smsc_async._verdict import Happened, judge
from smsc_async.errors import (
    AccountLocked,
    GatewayError,
    InvalidParameters,
    JournalUnavailable,
    NoReply,
    NotSent,
    OutcomeStillUnknown,
    OutcomeUnknown,
    SessionClosed,
    WaitTooLong,
)
from smsc_async.guard import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from decimal import Decimal

    from smsc_async._calling import Attachment, ByteStream, Known, Note
    from smsc_async._endpoint import Endpoint
    from smsc_async._inbox_watch import InboxWatch
    from smsc_async._journal.calls import Entry, UnresolvedCall
    from smsc_async._journal.journal import Journal
    from smsc_async._options import Options
    from smsc_async._shared import Shared
    from smsc_async._status_watch import StatusWatch
    from smsc_async._wire import FormParts
    from smsc_async.clock import Clock
    from smsc_async.events import Event
    from smsc_async.guard import Demand, Wait
    from smsc_async.values import Listing

__all__ = ["Call", "Conductor", "left_behind", "shielded"]

T = TypeVar("T")
_FOREVER: Final = float("inf")
_BROKEN_OFF: Final = Answer(Outcome.UNSENT)  # stands for an answer as long as there is none
_REFUSED: Final = Outcome.REFUSED  # on Python 3.11 looking it up on its class takes longer than all else with it
_numbers: Final = count(1)


@attrs.define(eq=False)
class Call:
    """One call on its way."""

    conductor: Conductor
    number: int  # in this process; tells the events of one call from those of others
    endpoint: Endpoint[Any]
    urls: Sequence[str]  # one for each of the session's hosts
    form: bytes | FormParts  # without credentials
    demand: Demand
    known: Known
    subject: str | None
    force: bool
    deadline: float
    note: Note
    host: int = 0  # which of them the next attempt goes to
    entry: Entry | None = None  # in the journal, from before an attempt may leave until its end is known
    again: bool = False  # whether the journal has one on the same subject, in spite of which it was made
    lost: str | None = None  # why nobody knows whether it was carried out

    def on_wait(self, wait: Wait) -> None:
        """Hear from the guard that it holds the call."""
        self.conductor.shared.waits[self] = wait
        self.conductor.telling.waiting(self.number, self.endpoint.name, wait)


class Conductor:
    """Makes calls with the options of one session or view."""

    def __init__(self, shared: Shared, options: Options) -> None:
        self.shared = shared
        self.options = options
        self.clock: Clock = shared.guard.clock
        self.telling: Telling = _telling(options.observer, self.clock)
        self._routes: dict[Endpoint[Any], Route] = {}

    @property
    def inbox_watch(self) -> InboxWatch:
        """Give those of the account who look for calls in the inbox."""
        return self.shared.memory.inbox_watch

    @property
    def status_watch(self) -> StatusWatch:
        """Give those of the account who wait for messages to arrive."""
        return self.shared.memory.status_watch

    @property
    def base_url(self) -> str:
        """Give where the gateway is."""
        return self.shared.hosts[0]

    @property
    def lateness(self) -> float:
        """Give the seconds after which a request that was given up cannot be carried out any more."""
        return self.shared.guard.lateness

    def deadline(self) -> float:
        """Give the moment at which a call that begins now must be over; ``inf`` is never."""
        max_wait = self.options.max_wait
        return _FOREVER if max_wait is None else self.clock.now() + max_wait

    async def lose(self, endpoint: Endpoint[Any], subject: str, reason: str) -> None:
        """Note that nobody knows how much of what was done on *subject* was done, and tell the observer."""
        self.shared.memory.lose(endpoint.name, subject)
        self.telling.outcome_lost(next(_numbers), endpoint.name, subject, reason)
        if (journal := self.shared.journal) is not None:
            losing = shielded(journal.lose_held(endpoint.name, subject, reason))
            await keeping.noted(self.telling, endpoint.name, losing)

    async def found(self, endpoint: Endpoint[Any], subject: str, *, more: bool = False) -> None:
        """Note that it is known now what became of a call on *subject* whose outcome was not."""
        if (journal := self.shared.journal) is not None:  # first: if that is cancelled, nobody is told what was found
            await keeping.noted(self.telling, endpoint.name, journal.found(endpoint.name, subject, more=more))
        self.shared.memory.settle(endpoint.name, subject)
        self.telling.outcome_settled(endpoint.name, subject)

    def release(self, endpoint: Endpoint[Any], subject: str) -> None:
        """Note that the caller is being told how much of a call on *subject* was done."""
        if self.shared.journal is not None:
            self.shared.journal.release(endpoint.name, subject)

    async def unresolved(self) -> Listing[UnresolvedCall]:
        """Ask the journal for calls whose end nobody has noted."""
        return await self._journal().unresolved()

    async def settle(self, call: UnresolvedCall) -> None:
        """Note that the caller knows what became of a call in the journal."""
        if await self._journal().settle(call) and call.subject is not None:
            self.shared.memory.settle(call.endpoint, call.subject)
        self.telling.outcome_settled(call.endpoint, call.subject)

    def tell_balance(self, endpoint: Endpoint[Any], balance: Decimal, cost: Decimal | None) -> None:
        """Tell the observer what is left on the account, if that is little."""
        least = self.options.low_balance
        if least is None:
            least = cost  # another one like this could not be paid
        if least is not None and balance < least:
            self.telling.low_balance(endpoint.name, balance, least)

    async def perform(
        self,
        endpoint: Endpoint[T],
        params: Mapping[str, str],
        *,
        known: Known = None,
        subject: str | None = None,
        force: bool = False,
        deadline: float | None = None,
        files: Sequence[Attachment] = (),
        note: Note = NOTHING_MORE,
    ) -> T:
        """Send one call through guard, retry and wire, and give its value."""
        call = self.begin(endpoint, params, known, subject, force=force, deadline=deadline, files=files, note=note)
        memory = self.shared.memory
        if subject is not None:
            memory.begin(endpoint.name, subject)
        try:
            try:
                value: T = await self._attempt(call, 1)
            except Again as again:
                first = again
            else:
                if memory.budget.spent:
                    memory.budget.refund()
                return value
            return await self.repeated(call, first, self._attempt)
        finally:
            if subject is not None:
                memory.end(endpoint.name, subject)

    def stream(self, endpoint: Endpoint[Any], params: Mapping[str, str]) -> AbstractAsyncContextManager[ByteStream]:
        """Open a file; the slot is held until the block ends."""
        from smsc_async._file import open_file  # noqa: PLC0415 - it needs this module

        return open_file(self, self.begin(endpoint, params))

    def begin(
        self,
        endpoint: Endpoint[Any],
        params: Mapping[str, str],
        known: Known = None,
        subject: str | None = None,
        *,
        force: bool = False,
        deadline: float | None = None,
        files: Sequence[Attachment] = (),
        note: Note = NOTHING_MORE,
    ) -> Call:
        """Make a call ready; refuses it where an earlier one on the same subject is unresolved."""
        shared = self.shared
        if shared.closed:
            raise SessionClosed
        route = self._routes.get(endpoint)
        if route is None:
            shared.look_around()
            route = self._routes[endpoint] = Route(endpoint, self.options, shared)
        form: bytes | FormParts
        form, demand = route.plan(params, subject)
        if files:
            form = route.in_parts(params, files)
        if deadline is None:
            max_wait = self.options.max_wait
            deadline = _FOREVER if max_wait is None else self.clock.now() + max_wait
        call = Call(self, next(_numbers), endpoint, route.urls, form, demand, known, subject, force, deadline, note)
        if subject is not None:
            self.check_subject(call)
        return call

    async def repeated(self, call: Call, first: Again, attempt: Callable[[Call, int], Awaitable[T]]) -> T:
        """
        Go on with a call whose first attempt ended with *first*: as often as verdict, options and budget allow.

        It is called outside of the handler of *first*, so that no error that the caller sees drags another's frames
        along.
        """
        last = first
        lost = first.error if isinstance(first.error, NoReply) else None  # of an attempt that may have been carried out
        if self.options.retry is not None:

            async def after_a_failure(number: int) -> T:
                nonlocal last, lost
                try:
                    return await attempt(call, number)
                except Again as again:
                    last = again
                    lost = again.error if isinstance(again.error, NoReply) else lost
                    raise
                except (AccountLocked, SessionClosed, WaitTooLong) as unsent:
                    if lost is None:
                        raise
                    reason = unsent.with_traceback(None)
                raise not_unsent(lost, reason)

            budget = self.shared.memory.budget
            try:
                value = await repeat(
                    after_a_failure,
                    last,
                    retry=self.options.retry,
                    budget=budget,
                    clock=self.clock,
                    deadline=call.deadline,
                    on_pause=lambda number, seconds, why: self._on_pause(call, number, seconds, why),
                )
            except Again as again:
                last = again
            else:
                budget.refund()
                return value
        if lost is not None and isinstance(last.error, NotSent):
            raise not_unsent(lost, last.error)
        raise last.error

    def check_subject(self, call: Call) -> None:
        """Refuse a paid call where an earlier one on the same subject has an unknown outcome."""
        if call.subject is None or call.force:
            return
        if self.shared.memory.unresolved(call.endpoint.name, call.subject):
            reason = "an earlier call has an unknown outcome"
            raise OutcomeStillUnknown(call.endpoint.name, call.subject, reason)

    def unanswered(self, call: Call, number: int, failure: Failure, write: Write) -> Answer:
        """Judge an attempt that got no answer, by the evidence of what left this machine."""
        unsent = write.provably_unsent
        if unsent:
            happened, outcome = Happened.NOT_SENT, Outcome.UNSENT
        else:
            outcome = Outcome.UNKNOWN
            timed_out = failure.timed_out and self.clock.now() >= call.deadline
            happened = Happened.OUT_OF_TIME if timed_out else Happened.LOST
        reason = failure.reason
        if happened is Happened.OUT_OF_TIME:  # the transport only knows the time of an exchange
            reason = "the time for the whole call (max_wait) was over before the reply came"
        self.telling.failed(call.number, call.endpoint.name, number, reason, sent=not unsent)
        return no_answer(call.endpoint, happened, reason, outcome, call.subject)

    def note(self, call: Call, number: int, answer: Answer) -> Answer:
        """Remember and tell what came; before the lease is given back, so that who waits for this outcome sees it."""
        error = answer.error
        if error is None:
            if call.subject is not None and call.endpoint.on_duplicate is OnDuplicate.UNLESS_DONE:
                self.shared.memory.succeed(call.endpoint.name, call.subject)
        elif isinstance(error, OutcomeUnknown):
            self._lost(call, error.reason)
        elif isinstance(error, GatewayError):
            self.telling.refused(call.number, call.endpoint.name, number, error.code, error.detail)
        return answer

    def conclude(self, call: Call, answer: Answer) -> Any:
        """Give the value, or raise what the verdict says: the error, or the wish to repeat."""
        if answer.happened is None or answer.error is None:
            return answer.value
        endpoint = call.endpoint
        done_before = call.subject is not None and (call.again or self.shared.memory.done(endpoint.name, call.subject))
        verdict = judge(answer.happened, endpoint.replay, endpoint.on_duplicate, done_before=done_before)
        if verdict.pause is None:
            raise answer.error
        if verdict.other_host:
            call.host = (call.host + 1) % len(call.urls)
        raise Again(verdict, answer.error)

    def abandoned(self, call: Call, outcome: Outcome) -> None:
        """Tell, and remember, if an exception (mostly a cancellation) broke off what may have been carried out."""
        if outcome is not Outcome.UNSENT and call.endpoint.replay is Replay.IF_NOT_DONE:
            self._lost(call, "cancelled before the answer came")

    async def _attempt(self, call: Call, number: int) -> Any:  # noqa: PLR0912 - reads pay for each function it is cut into
        shared = self.shared
        if shared.closed:
            raise SessionClosed
        try:
            lease = await shared.guard.acquire(call.demand, deadline=call.deadline, on_wait=call.on_wait)
        finally:
            shared.waits.pop(call, None)
        write = Write(lease.send_by, self.clock)
        outcome, answer = Outcome.UNSENT, _BROKEN_OFF
        shared.enter(call)
        try:
            if call.subject is not None:
                self.check_subject(call)  # another call on it may have been waited for
            if shared.journal is not None and call.endpoint.replay is Replay.IF_NOT_DONE:
                await keeping.enter(shared.journal, call)
            answer = await self._exchange(call, number, write, lease.expires_at)
            outcome = answer.outcome
        except BaseException:
            outcome = left_behind(write)  # first of all: telling may raise too
            self.abandoned(call, outcome)
            raise
        finally:
            try:
                if call.entry is not None and (answer is _BROKEN_OFF or answer.error is not None):
                    # Before the lease goes back: the next call on the subject may begin then, and would find the row.
                    await keeping.leave(call)
            finally:
                try:
                    if outcome is _REFUSED and not isinstance(answer.error, InvalidParameters):
                        shared.guard.prove(lease)  # of those only parameter errors may come before the credentials
                    pending = shared.guard.finish(lease, outcome)
                    if pending is not None:
                        await self._given_back(call, pending, answer)
                except Exception as error:  # noqa: BLE001 - whatever came of the call stands
                    self.telling.lease_kept(call.endpoint.name, error)
                finally:
                    shared.leave(call)
        if call.entry is not None and shared.journal is not None:
            # The last thing before the value goes out, and without waiting: the row outlives that.
            shared.journal.answered(call.entry, more=call.note.more)
        return answer.value if answer.happened is None else self.conclude(call, answer)

    async def _given_back(self, call: Call, pending: Awaitable[object], answer: Answer) -> None:
        """Wait until a guard in another process has the lease; what was paid for is told even if that is broken off."""
        try:
            await shielded(pending)
        except BaseException as error:
            paid = answer is not _BROKEN_OFF and answer.error is None and call.endpoint.replay is Replay.IF_NOT_DONE
            if paid and not isinstance(error, Exception):  # a native cancellation, which goes through shields
                self._lost(call, "carried out, and cancelled before its caller could be told")
                await keeping.leave(call)
            raise

    def _journal(self) -> Journal:
        self.shared.check_open()
        if self.shared.journal is None:
            raise JournalUnavailable("this session keeps none; give it journal=True")
        return self.shared.journal

    async def _exchange(self, call: Call, number: int, write: Write, expires_at: float) -> Answer:
        endpoint, clock, telling, options = call.endpoint, self.clock, self.telling, self.options
        url, timeout = call.urls[call.host], options.timeout
        telling.attempt(call.number, endpoint.name, number, url)
        started = clock.now()
        reply = await self.shared.transport.exchange(
            url,
            call.form,
            write=write,
            clock=clock,
            deadline=min(started + timeout, call.deadline, expires_at),
            timeout=timeout,
            fresh=endpoint.fresh_connection,
        )
        if isinstance(reply, Failure):
            return self.note(call, number, self.unanswered(call, number, reply, write))
        telling.replied(call.number, endpoint.name, number, reply.status, started=started, size=len(reply.body))
        answer = read_answer(
            endpoint,
            reply,
            asked=options.reply_format if endpoint.reply_format is None else endpoint.reply_format,
            known=call.known,
            reference=call.subject,
            secrets=self.shared.secrets,
        )
        return answer if answer.error is None and call.subject is None else self.note(call, number, answer)

    def _lost(self, call: Call, reason: str) -> None:
        call.lost = reason
        if call.subject is not None:
            self.shared.memory.lose(call.endpoint.name, call.subject)
        self.telling.outcome_lost(call.number, call.endpoint.name, call.subject, reason)

    def _on_pause(self, call: Call, number: int, seconds: float, why: Again) -> None:
        self.telling.repeating(call.number, call.endpoint.name, number, seconds, type(why.error).__name__)


def _telling(observer: Callable[[Event], None] | None, clock: Clock) -> Telling:
    if observer is None:
        return Telling(clock)
    from smsc_async._observing import Observing  # noqa: PLC0415 - it brings the events, which few listen to

    return Observing(clock, observer)


def left_behind(write: Write) -> Outcome:
    """Say what an attempt that was broken off means for the limits."""
    return Outcome.UNSENT if write.provably_unsent else Outcome.UNKNOWN


def not_unsent(lost: NoReply, last: Exception) -> NoReply:
    """Give the error of a call whose *last* attempt was not sent, but an earlier one was *lost*."""
    lost.__cause__ = last
    return lost


async def shielded(pending: Awaitable[object]) -> None:
    """Let a guard in another process finish a lease, whatever happens around."""
    with anyio.CancelScope(shield=True):
        await pending
