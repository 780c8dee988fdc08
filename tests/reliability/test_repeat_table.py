"""The table "what may be repeated" (design, section 6), row by row, through the whole client over real sockets."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import pytest

from smsc_async import Replay, events
from smsc_async.errors import (
    AccountLocked,
    AddressBlocked,
    AuthenticationFailed,
    CostUnavailable,
    GatewayError,
    InsufficientFunds,
    InvalidParameters,
    NoReply,
    NotSent,
    OutcomeStillUnknown,
    OutcomeUnknown,
    RecipientBlacklisted,
    ReplyError,
    TooManyRequests,
    UnexpectedRedirect,
)
from smsc_async.simulator import (
    CutShort,
    Delay,
    Drop,
    Fault,
    Garbage,
    Truncate,
    empty_body,
    html_page,
    http_status,
    plain_refusal,
    redirect,
)
from tests.reliability.stages import FAST, OTHER, PHONE, SUBSCRIBER, Stage, outcome_of, raised_by, stage, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smsc_async import Session, View
    from smsc_async.simulator import Effect

pytestmark = pytest.mark.anyio


@attrs.frozen
class Kind:
    """One call of each kind that the table tells apart."""

    action: str  # the simulator's name for it
    call: Callable[[Session | View], Awaitable[object]]
    pays: bool

    async def begin(self, place: Stage, **options: Any) -> Session:
        """Give a session whose credentials were accepted, and which rents a number already."""
        smsc = place.session(**options)
        await smsc.numbers.rent(OTHER)
        return smsc

    async def outcome(self, smsc: Session | View) -> object:
        """Give what the call returned or raised."""
        return await outcome_of(lambda: self.call(smsc))


READS = Kind("get", lambda smsc: smsc.numbers.available(), pays=False)
SETS = Kind("chg", lambda smsc: smsc.numbers.set_auto_renew(OTHER, False), pays=False)
RENTS = Kind("buy", lambda smsc: smsc.numbers.rent(PHONE), pays=True)
REQUESTS = Kind("wait_call", lambda smsc: smsc.calls.request(SUBSCRIBER), pays=True)
KINDS = (READS, SETS, RENTS, REQUESTS)

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.action)


def mine(place: Stage, kind: Kind) -> list[Any]:
    """Give the arrivals of the call, without the rent that came before."""
    return [arrival for arrival in place.arrivals(kind.action) if arrival.phone != OTHER or kind is SETS]


def executions(place: Stage, kind: Kind) -> int:
    return sum(arrival.acted for arrival in mine(place, kind))


# Not sent -----------------------------------------------------------------------------------------------------------


@every_kind
async def test_what_was_not_sent_is_repeated(anyio_backend: str, kind: Kind) -> None:
    """Row "not sent": while nobody listens every call is tried again, and is carried out once when somebody does."""
    with stage(proxy=True) as place:
        assert place.proxy is not None
        proxy = place.proxy

        def observe(event: events.Event) -> None:
            if isinstance(event, events.Repeating):
                proxy.up()

        smsc = await kind.begin(place)
        await smsc.aclose()
        proxy.down()
        proxy.cut_all()
        smsc = place.session(observer=observe)
        assert not isinstance(await kind.outcome(smsc), Exception)
        assert (1, 1) == (len(mine(place, kind)), executions(place, kind))
        await smsc.aclose()


@every_kind
async def test_what_could_not_be_sent_is_not_sent(anyio_backend: str, kind: Kind) -> None:
    """Row "not sent": where nobody ever listens, each call ends as `NotSent` after three attempts."""
    with stage(proxy=True) as place:
        assert place.proxy is not None
        place.proxy.down()
        smsc = place.session()
        error = await raised_by(lambda: kind.call(smsc))
        assert (NotSent, 3) == (type(error), len(place.seen(events.Attempt)))
        assert [False] * 3 == [event.sent for event in place.seen(events.Failed)]
        assert () == place.simulator.log
        assert () == smsc.limits().rules  # every token is home
        await smsc.aclose()


# Error 9 ------------------------------------------------------------------------------------------------------------


@every_kind
async def test_one_too_many_at_once_is_repeated_with_back_off(anyio_backend: str, kind: Kind) -> None:
    """Row "error 9, concurrency": the gateway did nothing, so every call is repeated after 1 to 3 s."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(plain_refusal(9, "too many concurrent requests"), action=kind.action))
        assert not isinstance(await kind.outcome(smsc), Exception)
        first, second = mine(place, kind)
        assert 1.0 <= second.entered_at - first.completed_at
        assert 1 == executions(place, kind)
        assert 1 == smsc.limits().foreign
        await smsc.aclose()


@every_kind
async def test_too_many_at_once_for_ever_is_told(anyio_backend: str, kind: Kind) -> None:
    """Row "error 9, concurrency": after three attempts the caller gets the refusal, with its kind."""
    with stage() as place:
        smsc = await kind.begin(place)
        refusal = plain_refusal(9, "too many concurrent requests")
        place.simulator.faults.add(Fault(refusal, action=kind.action, times=None))
        error = await kind.outcome(smsc)
        assert isinstance(error, TooManyRequests)
        assert ("concurrency", 3, 0) == (error.kind, len(mine(place, kind)), executions(place, kind))
        await smsc.aclose()


@every_kind
async def test_a_duplicate_is_repeated_when_the_minute_is_over(anyio_backend: str, kind: Kind) -> None:
    """Row "error 9, duplicate": the gateway did nothing; the call goes out again a minute later, also a first rent."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(plain_refusal(9), action=kind.action))
        assert not isinstance(await kind.outcome(smsc), Exception)
        first, second = mine(place, kind)
        assert 60.0 <= second.entered_at - first.completed_at
        assert 1 == executions(place, kind)
        await smsc.aclose()


async def test_a_duplicate_of_a_rent_that_was_done_is_not_repeated(anyio_backend: str) -> None:
    """Row "error 9, duplicate": it may be the gateway's word for a second purchase, so it goes to the caller."""
    with stage() as place:
        smsc = await RENTS.begin(place)
        place.simulator.faults.add(Fault(plain_refusal(9), action="buy"))
        error = await raised_by(lambda: smsc.numbers.rent(OTHER))
        assert isinstance(error, TooManyRequests)
        assert ("duplicate", 2) == (error.kind, len(place.arrivals("buy")))
        await smsc.aclose()


async def test_a_duplicate_of_a_rent_that_is_unresolved_is_not_repeated(anyio_backend: str) -> None:
    """Row "error 9, duplicate": nor is it repeated where an earlier rent of the phone is unresolved, even by force."""
    with stage() as place:
        smsc = await RENTS.begin(place)
        place.simulator.faults.add(
            Fault(Drop(acted=False), action="buy"), Fault(plain_refusal(9), action="buy", skip=1)
        )
        assert isinstance(await RENTS.outcome(smsc), OutcomeUnknown)
        error = await raised_by(lambda: smsc.numbers.rent(PHONE, force=True))
        assert isinstance(error, TooManyRequests)
        assert ("duplicate", 2) == (error.kind, len(mine(place, RENTS)))
        await smsc.aclose()


@every_kind
async def test_an_unclear_error_9_counts_as_a_duplicate(anyio_backend: str, kind: Kind) -> None:
    """Section 5: what the text does not call concurrency waits out a minute."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(plain_refusal(9, "забагато"), action=kind.action))
        assert not isinstance(await kind.outcome(smsc), Exception)
        first, second = mine(place, kind)
        assert 60.0 <= second.entered_at - first.completed_at
        await smsc.aclose()


# No usable answer ---------------------------------------------------------------------------------------------------

LOST: dict[str, Effect] = {
    "dropped, done": Drop(acted=True),
    "dropped, not done": Drop(acted=False),
    "cut": CutShort(1),
    "408": http_status(408, acted=False),
    "404": http_status(404, acted=False),
    "429": http_status(429, acted=False, retry_after=1),
    "500, done": http_status(500, acted=True),
    "502, not done": http_status(502, acted=False),
    "503, done": http_status(503, acted=True),
    "504, done": http_status(504, acted=True),
    "empty, done": empty_body(acted=True),
    "empty, not done": empty_body(acted=False),
}
every_loss = pytest.mark.parametrize("effect", LOST.values(), ids=LOST.keys())


@every_kind
@every_loss
async def test_a_lost_reply_is_repeated_unless_the_call_pays(anyio_backend: str, kind: Kind, effect: Effect) -> None:
    """Row "reply lost, connection broken, 429, other 4xx, 5xx, empty body": only what pays is never repeated."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(effect, action=kind.action))
        outcome = await kind.outcome(smsc)
        if kind.pays:
            assert isinstance(outcome, OutcomeUnknown)
            assert (PHONE if kind is RENTS else None) == outcome.reference
            assert 1 == len(mine(place, kind))
            assert executions(place, kind) in {0, 1}
            assert 1 == len(place.seen(events.OutcomeLost))
        else:
            assert not isinstance(outcome, Exception)
            assert 2 == len(mine(place, kind))
            assert [] == place.seen(events.OutcomeLost)
        await smsc.aclose()


@pytest.mark.parametrize("kind", [READS, SETS], ids=["get", "chg"])
@pytest.mark.parametrize("effect", [Drop(acted=True), http_status(503, acted=False)], ids=["dropped", "503"])
async def test_replies_lost_for_ever_are_no_reply(anyio_backend: str, kind: Kind, effect: Effect) -> None:
    """Row "reply lost ...": after the last attempt the caller gets `NoReply`, which says that nothing was paid."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(effect, action=kind.action, times=None))
        # The tokens of two identical requests are out for a minute, so the third attempt waits for it.
        assert isinstance(await kind.outcome(smsc), NoReply)
        assert 3 == len(mine(place, kind))
        await smsc.aclose()


@every_kind
async def test_a_reply_that_does_not_come_in_time_is_lost(anyio_backend: str, kind: Kind) -> None:
    """Row "timed out": a read is repeated, a call that pays ends as `OutcomeUnknown` though it was carried out."""
    with stage() as place:
        async with await kind.begin(place) as smsc:
            view = smsc.with_options(timeout=0.35 * FAST)
            place.simulator.faults.add(Fault(Delay(before_reply=100 * FAST), action=kind.action))
            outcome = await kind.outcome(view)
            if kind.pays:
                assert isinstance(outcome, OutcomeUnknown)
            else:
                assert not isinstance(outcome, Exception)
            assert (1 if kind.pays else 2) == len(mine(place, kind))


@every_kind
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_final(anyio_backend: str, kind: Kind, status: int) -> None:
    """Row "3xx": never followed and never repeated; `UnexpectedRedirect`, or `OutcomeUnknown` where it pays."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(redirect(f"{place.url}/sys/balance.php", status), action=kind.action))
        assert (OutcomeUnknown if kind.pays else UnexpectedRedirect) is type(await kind.outcome(smsc))
        assert (1, []) == (len(mine(place, kind)), place.arrivals("balance"))
        await smsc.aclose()


UNREADABLE: dict[str, Effect] = {
    "html": html_page(acted=True),
    "garbage": Garbage(acted=True),
    "half": Truncate(7),
    "text": plain_refusal(0, "?"),
}


@every_kind
@pytest.mark.parametrize("effect", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_an_unreadable_answer_is_final(anyio_backend: str, kind: Kind, effect: Effect) -> None:
    """Row "unreadable reply with status 200": `ReplyError`, and for what pays `OutcomeUnknown` caused by it."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(effect, action=kind.action))
        error = await raised_by(lambda: kind.call(smsc))
        assert (OutcomeUnknown if kind.pays else ReplyError) is type(error)
        if kind.pays:
            assert isinstance(error.__cause__, ReplyError)
        assert 1 == len(mine(place, kind))
        await smsc.aclose()


# The caller ends it -------------------------------------------------------------------------------------------------


@every_kind
async def test_a_cancellation_in_mid_exchange_passes_and_is_told(
    anyio_backend: str, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    """Row "the caller cancels": it passes unchanged; where the call pays, log and observer say that nobody knows."""
    with stage() as place:
        smsc = await kind.begin(place, guard=place.guard(lateness=100 * FAST))
        place.simulator.faults.add(Fault(Delay(before_reply=100 * FAST), action=kind.action))
        escaped: list[BaseException] = []

        async def one() -> None:
            try:
                await kind.call(smsc)
            except BaseException as error:
                escaped.append(error)
                raise

        with caplog.at_level(logging.WARNING, "smsc_async"):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one)
                await until(lambda: executions(place, kind) == 1)
                tasks.cancel_scope.cancel()
        assert [anyio.get_cancelled_exc_class()] == [type(error) for error in escaped]
        told = place.seen(events.OutcomeLost)
        assert (1 if kind.pays else 0) == len(told) == len(caplog.records)
        assert 1 == smsc.limits().lingering  # the gateway may still be reading
        assert 1 == len(mine(place, kind))
        if kind is RENTS:
            assert "380*******00" == told[0].reference
            assert isinstance(await kind.outcome(smsc), OutcomeStillUnknown)
            assert 1 == len(mine(place, kind))
        await smsc.aclose()


@every_kind
async def test_a_deadline_in_mid_exchange_is_final(anyio_backend: str, kind: Kind) -> None:
    """Row "`max_wait` ends in mid-exchange": `NoReply`, and `OutcomeUnknown` where the call pays; one attempt."""
    with stage() as place:
        async with await kind.begin(place) as smsc:
            place.simulator.faults.add(Fault(Delay(before_reply=100 * FAST), action=kind.action))
            outcome = await kind.outcome(smsc.with_options(max_wait=0.35 * FAST))
            assert (OutcomeUnknown if kind.pays else NoReply) is type(outcome)
            assert 1 == len(mine(place, kind))


# Refusals -----------------------------------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize(("code", "meaning"), [(2, AuthenticationFailed), (4, AddressBlocked)])
async def test_errors_2_and_4_stop_the_account(
    anyio_backend: str, kind: Kind, code: int, meaning: type[GatewayError]
) -> None:
    """Row "errors 2, 4": never repeated, and then nothing is asked any more: `AccountLocked`."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(plain_refusal(code, "no"), action=kind.action))
        assert meaning is type(await kind.outcome(smsc))
        before = len(place.simulator.log)
        assert [AccountLocked] * 4 == [type(await other.outcome(smsc)) for other in KINDS]
        assert before == len(place.simulator.log)
        await smsc.aclose()


MEANINGS = {
    "get": {1: InvalidParameters},
    "chg": {1: InvalidParameters},
    "buy": {1: InvalidParameters, 3: InsufficientFunds},
    "wait_call": {1: InvalidParameters, 3: InsufficientFunds, 5: RecipientBlacklisted, 6: CostUnavailable},
}


@every_kind
@pytest.mark.parametrize("code", [1, 3, 5, 6, 7, 8, 10, 99])
async def test_other_refusals_are_final(anyio_backend: str, kind: Kind, code: int) -> None:
    """Row "other refusals" (and P7): never repeated, and of the class that the number means at that endpoint."""
    with stage() as place:
        smsc = await kind.begin(place)
        place.simulator.faults.add(Fault(plain_refusal(code, "no"), action=kind.action, times=None))
        error = await kind.outcome(smsc)
        assert MEANINGS[kind.action].get(code, GatewayError) is type(error)
        assert (1, 0) == (len(mine(place, kind)), executions(place, kind))
        await smsc.aclose()


async def test_repetitions_are_rationed_per_account(anyio_backend: str) -> None:
    """Section 5: when the gateway is down, forty calls of two sessions make ten repetitions in all, not eighty."""
    with stage() as place:
        guard = place.guard()
        place.simulator.faults.add(Fault(http_status(503, acted=False), times=None))
        async with place.session(guard=guard) as one, place.session(guard=guard) as other:
            for number in range(20):
                for smsc in (one, other):
                    path = "receive_phones.php"
                    call = partial(smsc.call, path, {"chg": 1, "noprolong": number}, replay=Replay.SET)
                    assert NoReply is type(await outcome_of(call))
        assert 50 == len(place.simulator.log)
