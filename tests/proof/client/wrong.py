"""Wrong clients: each breaks one rule of the client as it is shipped, and must be found within a few schedules."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from unittest import mock

import attrs

from smsc_async import _conduct as conduct
from smsc_async import _memory as memory
from smsc_async._endpoint import Replay
from smsc_async._transport import connection, exchange
from smsc_async._verdict import judge
from smsc_async.errors import NoReply, OutcomeUnknown
from smsc_async.guard import Outcome, _policy, _process
from smsc_async.guard._records import Settings
from smsc_async.services import _asking, _sending, _sent, messages
from tests.proof.client import schedule
from tests.proof.client.faults import Fault
from tests.proof.client.plan import Plan, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

__all__ = ["WRONG", "Wrong", "wrong"]

Patch: TypeAlias = "AbstractContextManager[Any]"


def _finish(change: Callable[[Any, Outcome, float], tuple[Outcome, float] | None]) -> Patch:
    """Give leases back in another way than they are."""
    finish = _policy.Policy.finish

    def changed(self: Any, lease: Any, outcome: Outcome, now: float) -> None:
        found = change(lease, outcome, now)
        if found is not None:
            finish(self, lease, *found)

    return mock.patch.object(_policy.Policy, "finish", changed)


def _charged_when_sent() -> Patch:
    """A token rests from the moment of its admission, not of its reply."""
    return _finish(lambda lease, outcome, now: (outcome, lease.granted_at))


def _no_lateness() -> Patch:
    """What was given up is taken for over at once."""
    return mock.patch.dict(schedule.GUARD, {"lateness": 0.0})


def _no_margin() -> Patch:
    """A token rests for sixty seconds and not a moment more."""
    return mock.patch.dict(schedule.GUARD, {"margin": 0.0})


def _home_on_time_out() -> Patch:
    """A call without an answer gives its tokens back."""
    return _finish(lambda lease, outcome, now: (Outcome.UNSENT if outcome is Outcome.UNKNOWN else outcome, now))


def _fifteen() -> Patch:
    """Fifteen requests may be in flight."""

    def wider(**given: Any) -> Settings:
        return Settings(**{**given, "max_concurrency": 15})

    return mock.patch.object(_process, "Settings", wider)


@contextmanager
def _rent_repeated() -> Generator[None]:
    """A paid call whose reply was lost is repeated like any other."""

    def lenient(happened: Any, replay: Replay, *rest: Any, **more: Any) -> Any:
        return judge(happened, Replay.READ, *rest, **more)

    with (
        mock.patch.object(conduct, "judge", lenient),
        mock.patch.object(memory.Memory, "unresolved", return_value=False),
    ):
        yield


def _unsent_after_the_head() -> Patch:
    """Only the body's writing counts as a beginning."""
    trace = connection.Connection._trace

    async def deaf(self: Any, event: str, info: Any) -> None:
        await trace(self, event.replace("send_request_headers", "headers"), info)

    return mock.patch.object(connection.Connection, "_trace", deaf)


def _slot_lost_on_cancel() -> Patch:
    """What was broken off never gives its lease back."""
    return _finish(lambda lease, outcome, now: None if outcome is Outcome.UNKNOWN else (outcome, now))


def _rest_believed() -> Patch:
    """Bytes that came after a reply are left for the next request."""
    return mock.patch.object(connection, "_left_over", return_value=False)


def _half_read_reused() -> Patch:
    """A connection whose reply was given up half read serves again."""

    async def keep(self: Any) -> None:
        self.closed, self.usable = False, True
        self._response = self._chunks = None

    return mock.patch.object(connection.Connection, "close", keep)


def _max_wait_ignored() -> Patch:
    """A call waits as long as it takes, whatever it may."""
    begin = conduct.Conductor.begin

    def patient(self: Any, *args: Any, **options: Any) -> Any:
        call = begin(self, *args, **options)
        call.deadline = float("inf")
        return call

    return mock.patch.object(conduct.Conductor, "begin", patient)


def _closed_in_order() -> Patch:
    """A connection that is thrown away lets the system go on sending what is in it."""
    return mock.patch.object(connection, "_on_closing")


def _rent_on_a_kept_connection() -> Patch:
    """A rent takes whatever connection is idle, which the gateway may be closing."""
    send = exchange.Transport.exchange

    async def stale(self: Any, *args: Any, fresh: bool = False, **options: Any) -> Any:
        return await send(self, *args, fresh=False, **options)

    return mock.patch.object(exchange.Transport, "exchange", stale)


def _unknown_forgotten() -> Patch:
    """A rent is sent although an earlier one of the phone has an unknown outcome."""
    return mock.patch.object(memory.Memory, "lose")


def _place_kept_on_cancel() -> Patch:
    """Who leaves the line keeps its place and what it had reserved."""
    return mock.patch.object(_policy.Policy, "leave")


def _wake_up_lost() -> Patch:
    """Now and then nobody tells a waiting call that it may go."""
    calls = _process.ProcessGuard._calls
    times = 0

    def forgetful(self: Any) -> Any:
        nonlocal times
        found = calls(self)
        times += bool(found)
        return None if found and not times % 10 else found

    return mock.patch.object(_process.ProcessGuard, "_calls", forgetful)


def _no_file_limit() -> Patch:
    """Files may take every slot."""
    return mock.patch.dict(schedule.GUARD, {"max_downloads": 14})


def _quiet_about_losses() -> Patch:
    """Who may have paid is told that there was no reply."""
    conclude = conduct.Conductor.conclude

    def quiet(self: Any, call: Any, answer: Any) -> Any:
        if isinstance(answer.error, OutcomeUnknown):
            answer = attrs.evolve(answer, error=NoReply(call.endpoint.name, answer.error.reason))
        return conclude(self, call, answer)

    return mock.patch.object(conduct.Conductor, "conclude", quiet)


def _told_of_the_last_attempt() -> Patch:
    """Who was sent without an answer is told that nothing was sent, where the last attempt was not."""

    def forgetful(lost: Exception, unsent: Exception) -> Exception:
        return unsent

    return mock.patch.object(conduct, "not_unsent", forgetful)


def _sent_again() -> Patch:
    """A message whose answer was lost is sent once more, and not looked for."""
    send = _sending.Sending._send_one

    async def again(self: Any, order: Any, *_: object) -> Any:
        return await send(self, order)

    return mock.patch.object(_sending.Sending, "_find", again)


def _resolved_too_early() -> Patch:
    """A message that is not known is taken for not sent at once, although it may be under way."""

    async def early(caller: Any, message: str, recipients: Any) -> Any:
        states = await _asking.Asking(caller).several([(message, each) for each in recipients], 0)
        known = {phone: state for (_, phone), state in states.items() if _sending._is_known(state)}
        caller.settle(_sent.SEND, message)
        return _sending._found(message, recipients, known) if known else None

    return mock.patch.object(messages, "resolve", early)


def _identical_by_id() -> Patch:
    """Two messages that differ in nothing but their ids are taken for different ones."""
    aside = _sent.SEND.not_compared
    endpoints = [attrs.evolve(each, not_compared=aside - {"id"}) for each in (_sent.SEND, _sent.SEND_IN_JSON)]
    return mock.patch.multiple(_sending, SEND=endpoints[0], SEND_IN_JSON=endpoints[1])


def _refused_forgotten() -> Patch:
    """Messages that were refused are not counted."""
    return mock.patch.object(_policy.Policy, "_count_refusal")


@attrs.frozen
class Wrong:
    """
    A wrong client.

    Args:
        broken: Breaks the client while its block lasts.
        word: What it must be found by: a part of a complaint.
        where: Whether a schedule has what it takes to find it.
    """

    broken: Callable[[], Patch]
    word: str
    where: Callable[[Plan], bool] = attrs.field(default=lambda plan: True)

    def seeds(self) -> Iterator[int]:
        """Give the seeds of schedules that have what it takes."""
        return (seed for seed in count() if self.where(draw(seed)))


def _about(*themes: str) -> Callable[[Plan], bool]:
    return lambda plan: plan.theme in themes


def _with(fault: Fault) -> Callable[[Plan], bool]:
    return lambda plan: fault in (*plan.connecting, *plan.passing)


def _loses(plan: Plan) -> bool:
    """Say whether requests are lost, and then connections fail."""
    return len(plan.connecting) > 1 and plan.intensity > 0.3 and plan.theme in ("mixed", "windows")


_SHARED: Final = "may be counted in the minute"
#: Every wrong client by its name.
WRONG: Final[dict[str, Wrong]] = {
    "charged when sent": Wrong(_charged_when_sent, _SHARED, _about("windows", "crowd")),
    "no lateness": Wrong(_no_lateness, _SHARED, _about("windows", "files")),
    "no margin": Wrong(_no_margin, _SHARED, _about("windows")),
    "home on time-out": Wrong(_home_on_time_out, _SHARED, _about("windows", "files")),
    "fifteen": Wrong(_fifteen, "is one of 15 requests in flight", _about("saturated", "crowd")),
    "rent repeated": Wrong(_rent_repeated, "is carried out 2 times", _about("money")),
    "unsent after the head": Wrong(_unsent_after_the_head, "is taken for unsent", _with(Fault.WRITE_HANGS)),
    "slot lost on cancel": Wrong(_slot_lost_on_cancel, "is not at rest"),
    "rest believed": Wrong(_rest_believed, " reply", _with(Fault.EXTRA_BYTES)),
    "half read reused": Wrong(_half_read_reused, "connections outlive"),
    "max_wait ignored": Wrong(_max_wait_ignored, "s of at most"),
    "closed in order": Wrong(_closed_in_order, "after it was given up", _with(Fault.PAUSED)),
    "rent on a kept connection": Wrong(_rent_on_a_kept_connection, "pays on a kept connection", _about("money")),
    "unknown forgotten": Wrong(_unknown_forgotten, "is paid for again", _about("money")),
    "place kept on cancel": Wrong(_place_kept_on_cancel, "is not at rest"),
    "wake-up lost": Wrong(_wake_up_lost, "hangs"),
    "no file limit": Wrong(_no_file_limit, "files", _about("files")),
    "told of the last attempt": Wrong(_told_of_the_last_attempt, "was sent without an answer before", _loses),
    "sent again": Wrong(_sent_again, "was carried out, and its", _about("messages")),
    "resolved too early": Wrong(_resolved_too_early, "was carried out, and its", _about("messages")),
    "identical by id": Wrong(_identical_by_id, _SHARED, _about("messages")),
    "refused forgotten": Wrong(_refused_forgotten, "is refused as number 100", _about("refused")),
    "quiet about losses": Wrong(_quiet_about_losses, "was carried out, and its caller is told NoReply"),
}


def wrong(name: str) -> Patch:
    """Break the client of that name, for as long as the block lasts."""
    return WRONG[name].broken()
