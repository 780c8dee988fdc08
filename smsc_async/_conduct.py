"""
Conducts one call through the rooms: plan, guard, transport, answer, verdict; and once more where the verdict says so.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import attrs

from smsc_async._answer import Answer, no_answer, read_answer
from smsc_async._endpoint import Replay
from smsc_async._plan import Plan, Route
from smsc_async._retry import Again, repeat
from smsc_async._telling import Telling
from smsc_async._transport import Failure, Write
from smsc_async._verdict import Happened, judge
from smsc_async.errors import (
    AccountLocked,
    GatewayError,
    NoReply,
    OutcomeStillUnknown,
    OutcomeUnknown,
    SessionClosed,
    WaitTooLong,
)
from smsc_async.guard import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from smsc_async._calling import ByteStream
    from smsc_async._endpoint import Endpoint
    from smsc_async._options import Options
    from smsc_async._shared import Shared
    from smsc_async._transport import Reply
    from smsc_async.clock import Clock
    from smsc_async.guard import Lease, Wait

__all__ = ["Call", "Conductor"]

T = TypeVar("T")
_FOREVER: Final = float("inf")
_numbers: Final = count(1)


@attrs.define
class Call:
    """One call on its way."""

    number: int  # in this process; tells the events of one call from those of others
    endpoint: Endpoint[Any]
    plan: Plan
    known: Mapping[str, object] | None
    subject: str | None
    force: bool
    deadline: float
    host: int = 0  # which of the session's hosts the next attempt goes to


class Conductor:
    """Makes calls with the options of one session or view."""

    def __init__(self, shared: Shared, options: Options) -> None:
        self.shared = shared
        self.options = options
        self.clock: Clock = shared.guard.clock
        self.telling: Telling = Telling(options.observer, self.clock)
        self._routes: dict[Endpoint[Any], Route] = {}

    async def perform(
        self,
        endpoint: Endpoint[T],
        params: Mapping[str, str],
        *,
        known: Mapping[str, object] | None = None,
        subject: str | None = None,
        force: bool = False,
    ) -> T:
        """Send one call through guard, retry and wire, and give its value."""
        call = self.begin(endpoint, params, known=known, subject=subject, force=force)
        value: T = await self.repeated(call, lambda number: self._attempt(call, number))
        return value

    def stream(self, endpoint: Endpoint[Any], params: Mapping[str, str]) -> AbstractAsyncContextManager[ByteStream]:
        """Open a file; the slot is held until the block ends."""
        from smsc_async._file import open_file  # noqa: PLC0415 - it needs this module

        return open_file(self, self.begin(endpoint, params))

    def begin(
        self,
        endpoint: Endpoint[Any],
        params: Mapping[str, str],
        *,
        known: Mapping[str, object] | None = None,
        subject: str | None = None,
        force: bool = False,
    ) -> Call:
        """Make a call ready; refuses it where an earlier one on the same subject is unresolved."""
        self.shared.check_open()
        route = self._routes.get(endpoint)
        if route is None:
            shared = self.shared
            route = self._routes[endpoint] = Route(endpoint, self.options.reply_format, shared.identity, shared.guard)
        max_wait = self.options.max_wait
        deadline = _FOREVER if max_wait is None else self.clock.now() + max_wait
        call = Call(next(_numbers), endpoint, route.plan(params, subject), known, subject, force, deadline)
        self.check_subject(call)
        return call

    async def repeated(self, call: Call, attempt: Callable[[int], Any]) -> Any:
        """Make the first attempt, and as many more as verdict, options and budget allow."""
        budget = self.shared.memory.budget
        try:
            value = await attempt(1)
        except Again as again:
            last = again
        else:
            budget.refund()
            return value
        # Outside the handler, so that no error that the caller sees drags another's frames along.
        if self.options.retry is not None:

            async def after_a_failure(number: int) -> Any:
                nonlocal last
                try:
                    return await attempt(number)
                except Again as again:
                    last = again
                    raise
                except (AccountLocked, SessionClosed, WaitTooLong) as unsent:
                    if not isinstance(last.error, NoReply):
                        raise
                    reason = unsent.with_traceback(None)
                # "Nothing was sent" is true of this attempt, and not of the call.
                last.error.__cause__ = reason
                raise last.error

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
        raise last.error

    async def admitted(self, call: Call) -> Lease:
        """Wait for the guard; a closing session calls the wait off."""
        shared = self.shared
        shared.check_open()
        waits: list[Wait] = []

        def on_wait(wait: Wait) -> None:
            waits.append(wait)
            shared.waits[wait] = None
            self.telling.waiting(call.number, call.endpoint.name, wait)

        try:
            return await shared.guard.acquire(call.plan.demand, deadline=call.deadline, on_wait=on_wait)
        finally:
            if waits:
                shared.waits.pop(waits[0], None)

    async def give_back(self, lease: Lease, outcome: Outcome) -> None:
        """Finish a lease, whatever happens around."""
        pending = self.shared.guard.finish(lease, outcome)
        if pending is not None:
            with anyio.CancelScope(shield=True):
                await pending

    def url(self, call: Call) -> str:
        """Give the address of the next attempt."""
        hosts = self.shared.hosts
        return f"{hosts[call.host % len(hosts)]}/sys/{call.endpoint.path}"

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
        self.telling.failed(call.number, call.endpoint.name, number, failure.reason, sent=not unsent)
        return no_answer(call.endpoint, happened, failure.reason, outcome, call.subject)

    def note(self, call: Call, number: int, answer: Answer) -> Answer:
        """Remember and tell what came; before the lease is given back, so that who waits for this outcome sees it."""
        error = answer.error
        if error is None:
            if call.subject is not None:
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
        done_before = call.subject is not None and self.shared.memory.done(endpoint.name, call.subject)
        verdict = judge(answer.happened, endpoint.replay, endpoint.on_duplicate, done_before=done_before)
        if verdict.pause is None:
            raise answer.error
        if verdict.other_host:
            call.host += 1
        raise Again(verdict, answer.error)

    def told(self, call: Call, number: int, status: int, started: float, size: int) -> None:
        """Tell that an answer came."""
        seconds = self.clock.now() - started
        self.telling.replied(call.number, call.endpoint.name, number, status=status, seconds=seconds, size=size)

    def abandoned(self, call: Call, write: Write) -> Outcome:
        """Judge an attempt that an exception (mostly a cancellation) broke off."""
        if write.provably_unsent:
            return Outcome.UNSENT
        if call.endpoint.replay is Replay.IF_NOT_DONE:
            self._lost(call, "cancelled before the answer came")
        return Outcome.UNKNOWN

    async def _attempt(self, call: Call, number: int) -> Any:
        lease = await self.admitted(call)
        write = Write()
        outcome = Outcome.UNSENT
        self.shared.enter()
        try:
            answer = await self._exchange(call, number, write)
            outcome = answer.outcome
        except BaseException:
            outcome = self.abandoned(call, write)
            raise
        finally:
            try:
                await self.give_back(lease, outcome)
            finally:
                self.shared.leave()
        return self.conclude(call, answer)

    async def _exchange(self, call: Call, number: int, write: Write) -> Answer:
        self.check_subject(call)
        memory, subject = self.shared.memory, call.subject
        if subject is None:
            return await self._converse(call, number, write)
        memory.begin(call.endpoint.name, subject)
        try:
            return await self._converse(call, number, write)
        finally:
            memory.end(call.endpoint.name, subject)

    async def _converse(self, call: Call, number: int, write: Write) -> Answer:
        clock, url, timeout = self.clock, self.url(call), self.options.timeout
        self.telling.attempt(call.number, call.endpoint.name, number, url)
        started = clock.now()
        reply = await self.shared.transport.exchange(
            url,
            call.plan.form,
            write=write,
            clock=clock,
            deadline=min(started + timeout, call.deadline),
            timeout=timeout,
            fresh=call.endpoint.fresh_connection,
        )
        if isinstance(reply, Failure):
            return self.note(call, number, self.unanswered(call, number, reply, write))
        self.told(call, number, reply.status, started, len(reply.body))
        return self.note(call, number, self._read(call, reply))

    def _read(self, call: Call, reply: Reply) -> Answer:
        return read_answer(
            call.endpoint,
            status=reply.status,
            body=reply.body,
            explicit_empty=reply.explicit_empty,
            asked=self.options.reply_format,
            known=call.known,
            reference=call.subject,
            secrets=self.shared.secrets,
        )

    def _lost(self, call: Call, reason: str) -> None:
        if call.subject is not None:
            self.shared.memory.lose(call.endpoint.name, call.subject)
        self.telling.outcome_lost(call.number, call.endpoint.name, call.subject, reason)

    def _on_pause(self, call: Call, number: int, seconds: float, why: Again) -> None:
        self.telling.repeating(call.number, call.endpoint.name, number, seconds, type(why.error).__name__)
