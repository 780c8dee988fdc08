"""Part P of the catalogue of faults: calls that pay, allot or send; nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import LocalGuard, Rental, Retry, Session, events
from smsc_async.errors import (
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
    SmscError,
    TaskNotFound,
    TooManyRequests,
    TransportError,
)
from smsc_async.simulator import (
    Delay,
    Drop,
    Fault,
    Plan,
    Replace,
    Switches,
    Truncate,
    html_page,
    http_status,
    plain_refusal,
)
from tests.reliability.stages import OTHER, PHONE, SUBSCRIBER, Stage, outcome_of, raised_by, stage, stock, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
JSON = ((b"content-type", b"application/json"),)


@pytest.fixture(params=["asyncio", "trio", "aiohttp"])
def anyio_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The event loop library that a test runs on; "aiohttp" is asyncio with the other connections."""
    monkeypatch.setattr(Stage, "over_aiohttp", request.param == "aiohttp")
    return "trio" if request.param == "trio" else "asyncio"


def paid(place: Stage, action: str, phone: str) -> int:
    """Count how often the gateway carried a paid call out."""
    return place.simulator.verdict().paid.get((place.LOGIN, action, phone), 0)


def rent(smsc: Session, number: int) -> Callable[[], Awaitable[object]]:
    return partial(smsc.numbers.rent, f"38095{number:07d}")


def request(smsc: Session, number: int) -> Callable[[], Awaitable[object]]:
    return partial(smsc.calls.request, f"38095{number:07d}")


paying = pytest.mark.parametrize(("action", "make"), [("buy", rent), ("wait_call", request)], ids=["rent", "request"])
endings = pytest.mark.parametrize("ending", ["reset", "close"])


# P1 and P2: cut at every byte ---------------------------------------------------------------------------------------


@pytest.mark.once
@paying
@endings
async def test_a_reply_cut_at_any_byte_is_an_unknown_outcome_paid_once(
    anyio_backend: str, action: str, make: Any, ending: Any
) -> None:
    """P1: wherever the reply breaks off, the call was carried out once, is not repeated, and its outcome unknown."""
    with stage(proxy=True, numbers=stock(400), balance=Decimal(1_000_000)) as place:
        assert place.proxy is not None
        async with place.session() as smsc:
            await make(smsc, 0)()
            whole = place.proxy.passages[-1].reply_bytes
            assert 100 < whole < 390
            for cut in range(whole + 1):
                phone = f"38095{cut + 1:07d}"
                place.proxy.add(Plan(cut_reply_at=cut, ending=ending), match=b"POST")
                outcome = await outcome_of(make(smsc, cut + 1))
                if cut < whole:
                    assert isinstance(outcome, OutcomeUnknown), (cut, outcome)
                else:
                    assert not isinstance(outcome, Exception)
                await until(lambda phone=phone: paid(place, action, phone))
        verdict = place.simulator.verdict()
        assert (whole + 2, whole + 2) == (verdict.requests, len(verdict.paid))
        assert {1} == set(verdict.paid.values())
        assert whole == len(place.seen(events.OutcomeLost))


@pytest.mark.once
@paying
@endings
async def test_a_request_cut_at_any_byte_is_paid_at_most_once_and_never_silently(
    anyio_backend: str, action: str, make: Any, ending: Any
) -> None:
    """P2: wherever the request breaks off it is not repeated, because a part of it has left this machine."""
    with stage(proxy=True, numbers=stock(700), balance=Decimal(1_000_000)) as place:
        assert place.proxy is not None
        async with place.session() as smsc:
            await make(smsc, 0)()
            whole = place.proxy.passages[-1].request_bytes
            assert 200 < whole < 690
            for cut in range(whole + 1):
                place.proxy.add(Plan(cut_request_at=cut, ending=ending), match=b"POST")
                outcome = await outcome_of(make(smsc, cut + 1))
                assert isinstance(outcome, OutcomeUnknown), (cut, outcome)
        await until(lambda: paid(place, action, f"38095{whole + 1:07d}"))
        await until(lambda: place.simulator.verdict().unfinished == 0)
        verdict = place.simulator.verdict()
        # The first one, and the one that lost nothing but its answer.
        assert (2, {1}) == (len(verdict.paid), set(verdict.paid.values()))


async def test_what_never_left_is_repeated_until_it_is_paid_once(anyio_backend: str) -> None:
    """P2: where no connection came about, the rent is tried again, and carried out once."""
    with stage(proxy=True) as place:
        assert place.proxy is not None
        proxy = place.proxy
        proxy.down()

        def observe(event: events.Event) -> None:
            if isinstance(event, events.Repeating) and event.number == 3:
                proxy.up()

        async with place.session(observer=observe) as smsc:
            assert isinstance(await smsc.numbers.rent(PHONE), Rental)
        assert 1 == paid(place, "buy", PHONE)


@pytest.mark.parametrize("cut", ["reply", "request"])
async def test_a_read_that_is_cut_anywhere_is_repeated(anyio_backend: str, cut: str) -> None:
    """P1 and P2, the other side: what changes nothing is asked again, wherever it broke off."""
    with stage(proxy=True, factor=1_000.0) as place:
        assert place.proxy is not None
        async with place.session(retry=Retry(random=lambda: 0.0, budget=1e6)) as smsc:
            for at in range(0, 200, 9):
                plan = Plan(cut_reply_at=at) if cut == "reply" else Plan(cut_request_at=at)
                place.proxy.add(plan, match=b"POST")
                assert [] == await smsc.downloads.list(after_id=1 + at)


# P3 and P4: something else answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("acted", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
async def test_a_page_of_a_proxy_is_unknown_for_a_rent(anyio_backend: str, status: int, acted: bool) -> None:
    """P3: a 5xx proves nothing about the money, so the rent is not repeated; a read is."""
    with stage() as place:
        place.simulator.faults.add(
            Fault(http_status(status, acted=acted), action="buy"), Fault(http_status(status, acted=acted), action="get")
        )
        async with place.session() as smsc:
            error = await raised_by(lambda: smsc.numbers.rent(PHONE))
            assert isinstance(error, OutcomeUnknown)
            assert (f"HTTP status {status}", PHONE) == (error.reason, error.reference)
            assert 1 == len(place.arrivals("buy"))
            await smsc.numbers.available()
            assert 2 == len(place.arrivals("get"))


async def test_a_page_for_people_is_unknown_for_a_rent(anyio_backend: str) -> None:
    """P3: so is HTML with status 200, and the cause says what came."""
    with stage() as place:
        place.simulator.faults.add(Fault(html_page(acted=True), action="buy"))
        async with place.session() as smsc:
            error = await raised_by(lambda: smsc.numbers.rent(PHONE))
            assert isinstance(error, OutcomeUnknown)
            assert isinstance(error.__cause__, ReplyError)
            assert "an HTML page" == error.__cause__.problem


async def test_half_a_reply_is_unknown_at_whatever_byte_it_ends(anyio_backend: str) -> None:
    """P4: a body cut short that claims to be whole is an unknown outcome for a rent, and never a wrong price."""
    with stage(numbers=stock(40)) as place:
        async with place.session() as smsc:
            whole = len('{"cost":"30.00"}')
            for cut in range(whole):
                place.simulator.faults.add(Fault(Truncate(cut), action="buy"))
                assert isinstance(await outcome_of(rent(smsc, cut)), OutcomeUnknown), cut
            assert isinstance(await rent(smsc, whole)(), Rental)
        assert {1} == set(place.simulator.verdict().paid.values())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \r\n",
        b"null",
        b"true",
        b"30.00",
        b"[]",
        b"{}",
        b'{"cost":null}',
        b'{"cost":[]}',
        b'{"Cost":"30.00"}',
        b'{"cost":"30.00","cost":"0.01"}',
        b'[{"cost":"1"},{"cost":"2"}]',
        b'{"result":"OK"}',
        b'{"error":"?"}',
        b'{"error_code":"?"}',
        b'{"error_code":0}',
        b"\x00\xff\xfe",
        b"OK",
        b"<phone><cost></cost></phone>",
        b"[" * 5_000,
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_wrong_json_is_unknown_for_a_rent(anyio_backend: str, body: bytes) -> None:
    """P4: whatever cannot be read as a price for sure is an unknown outcome, once."""
    with stage() as place:
        place.simulator.faults.add(Fault(Replace(acted=True, headers=JSON, body=body), action="buy"))
        async with place.session() as smsc:
            assert isinstance(await outcome_of(lambda: smsc.numbers.rent(PHONE)), OutcomeUnknown)
        assert 1 == paid(place, "buy", PHONE)


# P5: kept-alive connections -----------------------------------------------------------------------------------------


async def test_a_rent_takes_a_fresh_connection(anyio_backend: str) -> None:
    """P5: where the server closes every connection as it is used again, a rent is sent all the same, and once."""
    with stage(proxy=True) as place:
        assert place.proxy is not None
        async with place.session(retry=Retry(random=lambda: 0.0, budget=1e6)) as smsc:
            await smsc.account.balance()
            place.proxy.default = Plan(close_on_reuse=True)
            for number in range(8):
                await smsc.account.balance()  # leaves a connection that will break
                assert isinstance(await rent(smsc, number)(), Rental)
        assert {1} == set(place.simulator.verdict().paid.values())
        reused = [passage for passage in place.proxy.passages if passage.ended == "reuse"]
        assert reused  # the fault did strike: reads met it and were repeated


async def test_a_request_for_a_call_on_a_connection_that_breaks_is_unknown_and_never_sent_again(
    anyio_backend: str,
) -> None:
    """P5: what is not rent may meet it; it was not carried out, but as its bytes had left nobody says so."""
    with stage(proxy=True) as place:
        assert place.proxy is not None
        async with place.session() as smsc:
            place.proxy.default = Plan(close_on_reuse=True)
            await smsc.account.balance()
            assert isinstance(await outcome_of(lambda: smsc.calls.request(SUBSCRIBER)), OutcomeUnknown)
        assert [] == place.arrivals("wait_call")


async def test_a_connection_that_the_server_closed_while_idle_is_noticed(anyio_backend: str) -> None:
    """P5: a connection closed between two calls is not used again, so that both calls are plainly answered."""
    with stage(proxy=True) as place:
        assert place.proxy is not None
        place.proxy.default = Plan(close_idle_after=0.05)
        async with place.session() as smsc:
            for number in range(5):
                assert not isinstance(await outcome_of(request(smsc, number)), Exception)
                await until(lambda: place.proxy and place.proxy.passages[-1].ended == "idle")
                await anyio.sleep(0.02)  # for the FIN to arrive
        assert 5 == place.proxy.accepted


# P6 and P7: refusals ------------------------------------------------------------------------------------------------


async def test_error_9_for_a_first_rent_is_repeated_when_the_minute_is_over(anyio_backend: str) -> None:
    """P6: the gateway's window was full of requests that were not ours; so a minute later the rent is paid once."""
    with stage() as place:
        async with place.session() as smsc:
            await smsc.account.balance()
            form = {"buy": "1", "phone": PHONE, "noprolong": "0"}
            place.simulator.foreign.request("receive_phones.php", form, times=2)
            assert isinstance(await smsc.numbers.rent(PHONE), Rental)
        first, second = place.arrivals("buy")
        assert second.entered_at - first.entered_at >= 60.0
        assert 1 == paid(place, "buy", PHONE)


async def test_error_9_for_a_second_rent_is_not_repeated(anyio_backend: str) -> None:
    """P6: after a rent that succeeded, error 9 for that phone goes to the caller: it may mean the first one."""
    with stage(switches=Switches(rent_twice=True)) as place:
        async with place.session() as smsc:
            await smsc.numbers.rent(PHONE)
            place.simulator.faults.add(Fault(plain_refusal(9), action="buy"))
            assert isinstance(await outcome_of(lambda: smsc.numbers.rent(PHONE)), TooManyRequests)
        assert (2, 1) == (len(place.arrivals("buy")), paid(place, "buy", PHONE))


async def test_too_little_money_is_final_and_typed(anyio_backend: str) -> None:
    """P7: error 3 is one attempt, costs nothing, and when there is money the rent goes through without force."""
    with stage(balance=Decimal(1)) as place:
        async with place.session() as smsc:
            error = await raised_by(lambda: smsc.numbers.rent(PHONE))
            assert isinstance(error, InsufficientFunds)
            assert (3, "numbers.rent", 1) == (error.code, error.endpoint, len(place.arrivals("buy")))
            place.simulator.account.balance = Decimal(100)
            assert isinstance(await smsc.numbers.rent(PHONE), Rental)
        assert 1 == paid(place, "buy", PHONE)


MEANINGS: dict[str, dict[int, type[GatewayError]]] = {
    "numbers.available": {},
    "numbers.rent": {3: InsufficientFunds},
    "numbers.set_auto_renew": {},
    "calls.request": {3: InsufficientFunds, 5: RecipientBlacklisted, 6: CostUnavailable},
    "downloads.list": {5: TaskNotFound},
    "downloads.file": {5: TaskNotFound},
    "account.balance": {},
}
COMMON = {1: InvalidParameters, 2: AuthenticationFailed, 4: AddressBlocked}


def calls_of(smsc: Session) -> dict[str, Callable[[], Awaitable[object]]]:
    async def rows() -> None:
        async for _ in smsc.downloads.rows(name="x.csv"):
            pass

    return {
        "numbers.available": smsc.numbers.available,
        "numbers.rent": lambda: smsc.numbers.rent(PHONE),
        "numbers.set_auto_renew": lambda: smsc.numbers.set_auto_renew(PHONE, True),
        "calls.request": lambda: smsc.calls.request(SUBSCRIBER),
        "downloads.list": smsc.downloads.list,
        "downloads.file": rows,
        "account.balance": smsc.account.balance,
    }


@pytest.mark.parametrize("endpoint", MEANINGS)
@pytest.mark.parametrize("code", range(1, 12))
async def test_every_refusal_is_one_attempt_with_the_meaning_of_its_endpoint(
    anyio_backend: str, endpoint: str, code: int
) -> None:
    """P7: a number other than 9 is final at every endpoint, and becomes the class that it means there."""
    if code == 9:
        return
    with stage() as place:
        place.simulator.faults.add(Fault(plain_refusal(code, "because"), times=None))
        async with place.session() as smsc:
            error = await raised_by(calls_of(smsc)[endpoint])
        assert {**COMMON, **MEANINGS[endpoint]}.get(code, GatewayError) is type(error)
        assert isinstance(error, GatewayError)
        assert (code, "because", endpoint) == (error.code, error.detail, error.endpoint)
        assert 1 == len(place.simulator.log)


# P8: the caller cancels ---------------------------------------------------------------------------------------------


class SteppingLoop(asyncio.SelectorEventLoop):
    """Cancels a task just before the k-th callback that the loop runs after it was named."""

    def __init__(self) -> None:
        super().__init__()
        self.victim: asyncio.Task[Any] | None = None
        self.left = 0

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        def step(*arguments: Any) -> None:
            if self.victim is not None and not self.victim.done():
                self.left -= 1
                if self.left == 0:
                    self.victim.cancel()
            callback(*arguments)

        return super().call_soon(step, *args, context=context)


@pytest.mark.parametrize("over_aiohttp", [False, True], ids=["httpcore", "aiohttp"])
def test_a_rent_cancelled_at_any_await_is_unsent_or_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, over_aiohttp: bool
) -> None:
    """P8: at whatever step a rent is cancelled: was it carried out, then log and observer were told that it may be."""
    caplog.set_level(logging.WARNING, "smsc_async")
    monkeypatch.setattr(Stage, "over_aiohttp", over_aiohttp)

    async def sweep(place: Stage) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SteppingLoop)
        smsc = place.session(guard=place.guard(lateness=0.0))
        await smsc.account.balance()
        returned = set()
        told: dict[str, int] = {}
        for number in range(200):
            phone = f"38095{number:07d}"
            before = len(place.seen(events.OutcomeLost))
            task = asyncio.ensure_future(smsc.numbers.rent(phone))
            loop.victim, loop.left = task, number + 1
            try:
                await task
                returned.add(phone)
            except asyncio.CancelledError:
                told[phone] = len(place.seen(events.OutcomeLost)) - before
            finally:
                loop.victim = None
            if len(returned) >= 5:
                break
        await until(lambda: place.simulator.verdict().unfinished == 0)
        done = {phone for (_, _, phone) in place.simulator.verdict().paid}
        assert done <= returned | {phone for phone, times in told.items() if times == 1}
        assert {0, 1} == set(told.values())  # the sweep met both sides of the first byte
        assert len(caplog.records) == sum(told.values())
        for phone, times in told.items():
            outcome = await outcome_of(partial(smsc.numbers.rent, phone))
            if times:
                assert isinstance(outcome, OutcomeStillUnknown)
            else:
                assert isinstance(outcome, Rental)
        assert {1} == set(place.simulator.verdict().paid.values())
        await smsc.aclose()

    with (
        stage(numbers=stock(200), balance=Decimal(1_000_000)) as place,
        asyncio.Runner(loop_factory=SteppingLoop) as runner,
    ):
        runner.run(sweep(place))


# P10 to P13: who rents again ----------------------------------------------------------------------------------------


async def both(one: Callable[[], Awaitable[object]], other: Callable[[], Awaitable[object]]) -> list[object]:
    """Make two calls at once, the first a little ahead."""
    found: list[object] = []

    async def first() -> None:
        found.append(await outcome_of(one))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        second = await outcome_of(other)
    return [*found, second]


async def test_a_second_rent_waits_for_an_unknown_first_and_is_refused(anyio_backend: str) -> None:
    """P10: of two tasks that rent one phone the second waits; the first is lost, so the second is not sent."""
    with stage() as place:
        guard = place.guard()
        slow_loss = (Fault(Delay(before_reply=20.0), action="buy"), Fault(Drop(acted=True), action="buy"))
        place.simulator.faults.add(*slow_loss)
        async with place.session(guard=guard) as one, place.session(guard=guard) as other:
            await one.account.balance()
            found = await both(lambda: one.numbers.rent(PHONE), lambda: other.numbers.rent("+380 95 000 0000"))
        assert [OutcomeUnknown, OutcomeStillUnknown] == [type(outcome) for outcome in found]
        assert (1, 1) == (len(place.arrivals("buy")), paid(place, "buy", PHONE))


async def test_a_second_rent_goes_when_the_first_was_refused(anyio_backend: str) -> None:
    """P10: the first found no money, so the second goes, after it."""
    with stage() as place:
        place.simulator.faults.add(Fault(Delay(before_reply=20.0), action="buy"))
        place.simulator.faults.add(Fault(plain_refusal(3, "no money"), action="buy"))
        async with place.session() as smsc:
            await smsc.account.balance()
            found = await both(lambda: smsc.numbers.rent(PHONE), lambda: smsc.numbers.rent(PHONE, auto_renew=False))
        assert [InsufficientFunds, Rental] == [type(outcome) for outcome in found]
        first, second = place.arrivals("buy")
        assert first.completed_at <= second.entered_at
        assert 1 == paid(place, "buy", PHONE)


async def test_a_second_rent_after_a_success_is_the_gateways_to_refuse(anyio_backend: str) -> None:
    """P10: the first succeeded, so the second is sent after it, and one of them is paid."""
    with stage() as place:
        place.simulator.faults.add(Fault(Delay(before_reply=20.0), action="buy"))
        async with place.session() as smsc:
            await smsc.account.balance()
            found = await both(lambda: smsc.numbers.rent(PHONE), lambda: smsc.numbers.rent(PHONE))
        assert [Rental, InvalidParameters] == [type(outcome) for outcome in found]
        assert 1 == paid(place, "buy", PHONE)


async def test_a_rent_of_another_phone_does_not_wait(anyio_backend: str) -> None:
    """P10: only the same phone is a reason to wait."""
    with stage() as place:
        place.simulator.faults.add(Fault(Delay(before_reply=100.0), action="buy", times=None))
        async with place.session() as smsc:
            await smsc.account.balance()
            await both(lambda: smsc.numbers.rent(PHONE), lambda: smsc.numbers.rent(OTHER))
        first, second = place.arrivals("buy")
        assert second.entered_at < first.completed_at


async def test_a_rent_after_an_unknown_one_needs_force(anyio_backend: str) -> None:
    """P11: until it is settled, no session or view of the account rents that phone again, in whatever spelling."""
    with stage(switches=Switches(rent_twice=True)) as place:
        guard = place.guard()
        place.simulator.faults.add(Fault(Drop(acted=False), action="buy"))
        async with place.session(guard=guard) as smsc, place.session(guard=guard) as other:
            assert isinstance(await outcome_of(lambda: smsc.numbers.rent(PHONE)), OutcomeUnknown)
            for view in (smsc, other, smsc.with_options(max_wait=5.0)):
                for spelling in (PHONE, f"+{PHONE}", "(380) 95-000-00-00"):
                    error = await raised_by(partial(view.numbers.rent, spelling, auto_renew=False))
                    assert isinstance(error, OutcomeStillUnknown)
                    assert (PHONE, True) == (error.reference, "force=True" in str(error))
            assert 1 == len(place.arrivals("buy"))
            await smsc.numbers.rent(OTHER)  # another phone is another matter
            assert isinstance(await smsc.numbers.rent(PHONE, force=True), Rental)
            # That settled it; the gateway would sell it once more.
            assert isinstance(await other.numbers.rent(PHONE, auto_renew=False), Rental)


FORKING = """
import asyncio, os, sys
from smsc_async import Session
from smsc_async.errors import OutcomeStillUnknown

smsc = Session.from_env(base_url=sys.argv[1])

async def begin():
    await smsc.account.balance()
    rent = asyncio.ensure_future(smsc.numbers.rent("380950000000"))
    while not smsc.limits().in_flight:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    child = os.fork()
    if child:
        await rent
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        await smsc.aclose()
    return child

async def in_the_child():
    await smsc.account.balance()
    try:
        await smsc.numbers.rent("380950000000")
    except OutcomeStillUnknown:
        return
    raise AssertionError("the child has rented what its parent was renting")

loop = asyncio.new_event_loop()
if loop.run_until_complete(begin()) == 0:
    try:
        asyncio.events._set_running_loop(None)
        asyncio.run(in_the_child())
    except BaseException as error:
        sys.stderr.write(repr(error))
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork to test")
def test_a_forked_child_does_not_rent_what_its_parent_is_renting() -> None:
    """P11 and G16: a rent in flight when the process forked is unknown to the child, which does not repeat it."""
    with Stage(factor=1.0, switches=Switches(rent_twice=True), numbers=stock(2)) as place:
        place.simulator.faults.add(Fault(Delay(before_reply=1.0), action="buy", times=None))
        script = [sys.executable, "-c", FORKING, place.url]
        env = os.environ | {"SMSC_LOGIN": place.LOGIN, "SMSC_PASSWORD": place.PASSWORD}
        ended = subprocess.run(script, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert ("fine\n", 0) == (ended.stdout, ended.returncode), ended.stderr
        assert (1, 1) == (len(place.arrivals("buy")), paid(place, "buy", PHONE))


async def test_a_number_gone_from_the_list_settles_nothing(anyio_backend: str) -> None:
    """P12: after an unknown rent the list without the number is evidence for people, and no proof for the code."""
    with stage() as place:
        place.simulator.faults.add(Fault(Drop(acted=True), action="buy"))
        async with place.session() as smsc:
            assert isinstance(await outcome_of(lambda: smsc.numbers.rent(PHONE)), OutcomeUnknown)
            assert PHONE not in [number.phone for number in await smsc.numbers.available()]
            assert isinstance(await outcome_of(lambda: smsc.numbers.rent(PHONE)), OutcomeStillUnknown)
        assert 1 == len(place.arrivals("buy"))


def test_an_unknown_outcome_is_no_transport_error() -> None:
    """P13: who repeats on `TransportError`, `OSError` or `TimeoutError` does not repeat what may have been paid."""
    assert (SmscError, Exception, BaseException, object) == OutcomeUnknown.__mro__[1:]
    assert OutcomeUnknown is OutcomeStillUnknown.__base__
    assert issubclass(NoReply, TransportError)
    assert issubclass(NotSent, TransportError)


@pytest.mark.parametrize("policy", ["transport errors", "anything"])
async def test_a_decorator_above_us_does_not_pay_twice(anyio_backend: str, policy: str) -> None:
    """P13: tenacity around a rent, even with its default policy of repeating on anything, pays once."""
    with stage(switches=Switches(rent_twice=True)) as place:
        place.simulator.faults.add(Fault(Drop(acted=True), action="buy"))
        kinds = TransportError if policy == "transport errors" else Exception
        async with place.session() as smsc:
            retrying = tenacity.AsyncRetrying(
                retry=tenacity.retry_if_exception_type(kinds),
                stop=tenacity.stop_after_attempt(3),
                sleep=anyio.sleep,
                reraise=True,
            )
            error = await raised_by(lambda: retrying(smsc.numbers.rent, PHONE))
            assert (OutcomeUnknown if kinds is TransportError else OutcomeStillUnknown) is type(error)
            assert (1 if kinds is TransportError else 3) == retrying.statistics["attempt_number"]
        assert (1, 1) == (len(place.arrivals("buy")), paid(place, "buy", PHONE))


# P14: money ---------------------------------------------------------------------------------------------------------


def answering(body: bytes) -> Session:
    """Give a session that gets *body* for an answer to everything."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body, headers={"content-type": "application/json"})

    return Session(login="demo", password="demo", guard=LocalGuard(), transport=lambda: httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ('"30.00"', "30.00"),
        ('"0.10"', "0.10"),
        ("30.5", "30.5"),
        ("0.1", "0.1"),
        ("7", "7"),
        ('"-3.20"', "-3.20"),
        ('"12345678901234.5678"', "12345678901234.5678"),
    ],
)
async def test_money_is_decimal_to_the_last_digit(anyio_backend: str, written: str, amount: str) -> None:
    """P14: quoted or not, an amount is a `Decimal` with the digits that were written."""
    async with answering(f'{{"balance":{written},"currency":"UAH"}}'.encode()) as smsc:
        balance = await smsc.account.balance()
    assert (Decimal(amount), amount) == (balance.amount, str(balance.amount))


BAD_MONEY = ['"30,50"', '"NaN"', '"inf"', '"-Infinity"', '"1e3"', '"1E+2"', '"0x1F"', '"1_000"', '"٣"', '" 5"', '"5."']
BAD_MONEY += ['".5"', '"--5"', '""', "null", "true", "[]", "{}", "1e-7", "1e400", "NaN", "Infinity", "-Infinity"]


@pytest.mark.parametrize("written", BAD_MONEY)
async def test_what_is_no_amount_is_no_money(anyio_backend: str, written: str) -> None:
    """P14: NaN, infinity, exponents and commas are refused: `ReplyError`, and where it pays `OutcomeUnknown`."""
    async with answering(f'{{"balance":{written}}}'.encode()) as smsc:
        assert ReplyError is type(await raised_by(smsc.account.balance))
    async with answering(f'{{"cost":{written}}}'.encode()) as smsc:
        error = await raised_by(lambda: smsc.numbers.rent(PHONE))
        assert isinstance(error, OutcomeUnknown)
        assert isinstance(error.__cause__, ReplyError)


@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.decimals().map(str), st.none(), st.booleans()))
def test_no_price_is_ever_guessed(value: object) -> None:
    """P14: of anything that may stand for a price, the value is exactly that amount, or an error."""

    async def ask() -> None:
        async with answering(json.dumps({"balance": value}).encode()) as smsc:
            outcome: Any = await outcome_of(smsc.account.balance)
        if isinstance(outcome, Exception):
            assert ReplyError is type(outcome)
        else:
            assert outcome.amount.is_finite()
            assert Decimal(str(value)) == outcome.amount
            assert not isinstance(value, float) or math.isfinite(value)

    anyio.run(ask)
