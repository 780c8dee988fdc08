"""The main job over real sockets, with a short minute: whatever is asked at once, the gateway refuses nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from smsc_async.errors import AccountLocked, AuthenticationFailed
from smsc_async.testing import SimulatedGateway
from tests.e2e.loads import all_at_once, at_rest, counts, faultless, gateway, in_loop, mixed, outcomes_of, together

if TYPE_CHECKING:
    from smsc_async import Session

BACKENDS = ("asyncio", "trio")


def test_300_identical_and_3000_mixed_calls_meet_no_refusal_on_asyncio_and_trio() -> None:
    """
    At two identical requests a minute and fourteen requests at once, every call is answered and none is refused.

    Both libraries run side by side, each with a gateway of its own, because most of the time is waiting.
    """
    gateways = {backend: gateway(latency=0.006) for backend in BACKENDS}

    def run(backend: str) -> None:
        with gateways[backend] as place:
            smsc = place.session()
            jobs = [*[smsc.numbers.available] * 300, *mixed(smsc, 3_000)]

            async def work() -> None:
                async with smsc:
                    await all_at_once(jobs)
                    at_rest(smsc)

            anyio.run(work, backend=backend)

    together(*[lambda backend=backend: run(backend) for backend in BACKENDS])
    for backend in BACKENDS:
        verdict = gateways[backend].simulator.verdict()
        faultless(verdict, requests=3_300)
        (listing,) = [figure for figure in verdict.windows if figure.action == "get"]
        assert (2, 2) == (listing.worst, listing.exposed)
        assert listing.full >= 155


@pytest.mark.anyio
async def test_two_sessions_of_one_account_share_the_limits(anyio_backend: str) -> None:
    """Two sessions with one guard are one account: neither knows of the other, and nothing is refused."""
    with gateway() as place:
        guard = place.guard()
        async with place.session(guard=guard) as one, place.session(guard=guard) as other:
            jobs = [*[one.numbers.available, other.numbers.available] * 5, *mixed(one, 300, 0), *mixed(other, 300, 1)]
            await all_at_once(jobs)
            at_rest(one)
            at_rest(other)
        faultless(place.simulator.verdict(), requests=610)


@pytest.mark.parametrize("backends", [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "trio")])
def test_one_session_in_two_threads_with_a_loop_each_keeps_the_limits(backends: tuple[str, str]) -> None:
    """One session may be used in two threads at once, each with an event loop of either kind."""
    with gateway() as place:
        smsc = place.session()
        loads = [[*[smsc.numbers.available] * 5, *mixed(smsc, 300, seed)] for seed in range(2)]
        together(*[in_loop(backend, all_at_once, load) for backend, load in zip(backends, loads, strict=True)])
        at_rest(smsc)
        faultless(place.simulator.verdict(), requests=610)


@pytest.mark.parametrize("backends", [("asyncio", "asyncio"), ("trio", "trio"), ("asyncio", "trio")])
def test_one_session_in_consecutive_event_loops_keeps_the_limits(backends: tuple[str, str]) -> None:
    """The minute goes on when an event loop has ended: a second run of the session waits out the first's tokens."""
    with gateway() as place:
        smsc = place.session()
        for seed, backend in enumerate(backends):
            anyio.run(all_at_once, [*[smsc.numbers.available] * 5, *mixed(smsc, 300, seed)], backend=backend)
        at_rest(smsc)
        faultless(place.simulator.verdict(), requests=610)


def test_consecutive_asyncio_runs_without_closing_leave_nothing_open() -> None:
    """A session that was never closed works in each of many runs of `asyncio.run`."""
    with gateway(latency=0) as place:
        smsc = place.session()
        for number in range(20):
            asyncio.run(smsc.calls.request(f"38067123{number:04d}"))
        assert 20 == place.simulator.verdict().requests


# The breaker --------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_wrong_password_with_100_calls_at_once_costs_one_refusal(anyio_backend: str) -> None:
    """The first call finds out; the other 99 are not sent, and a session with the right password works at once."""
    with SimulatedGateway() as place:
        guard = place.guard()
        async with place.session(password="wrong", guard=guard) as wrong:
            found = await outcomes_of([lambda n=n: wrong.calls.request(f"38067123{n:04d}") for n in range(100)])
            assert {"AuthenticationFailed": 1, "AccountLocked": 99} == counts(found)
            assert ["AccountLocked"] * 2 == [type(later).__name__ for later in await later_calls(wrong)]
        verdict = place.simulator.verdict()
        assert ({"127.0.0.1": 1}, 1) == (verdict.authorisation_errors, verdict.requests)
        async with place.session(guard=guard) as right:
            await right.account.balance()
        assert 2 == place.simulator.verdict().requests


async def later_calls(smsc: Session) -> list[object]:
    """Ask again, for two other things."""
    return await outcomes_of([smsc.account.balance, smsc.numbers.available])


@pytest.mark.anyio
async def test_four_wrong_passwords_stop_before_the_gateways_fifth(anyio_backend: str) -> None:
    """Whoever tries one password after the other is stopped by us, and not for half an hour by the gateway."""
    with SimulatedGateway() as place:
        guard = place.guard()
        raised = []
        for number in range(6):
            async with place.session(password=f"wrong {number}", guard=guard) as smsc:
                raised += await outcomes_of([smsc.account.balance])
        assert [AuthenticationFailed] * 4 + [AccountLocked] * 2 == [type(error) for error in raised]
        assert {"127.0.0.1": 4} == place.simulator.verdict().authorisation_errors
        assert not is_blocked(place)


@pytest.mark.anyio
async def test_many_wrong_passwords_at_once_stop_before_the_gateways_fifth(anyio_backend: str) -> None:
    """Twenty sessions of different logins, all mistyped, cannot lock the address out between them."""
    with SimulatedGateway() as place:
        guard = place.guard()
        sessions = [place.session(login=f"login {n}", password="wrong", guard=guard) for n in range(20)]
        found = await outcomes_of([smsc.account.balance for smsc in sessions])
        assert {"AuthenticationFailed": 4, "AccountLocked": 16} == counts(found)
        assert {"127.0.0.1": 4} == place.simulator.verdict().authorisation_errors
        assert not is_blocked(place)
        for smsc in sessions:
            await smsc.aclose()


def is_blocked(place: SimulatedGateway) -> bool:
    """Ask the gateway without the client: is this address blocked?"""
    form = {"login": place.LOGIN, "psw": place.PASSWORD, "fmt": "3"}
    reply = httpx.post(f"{place.url}/sys/balance.php", data=form, trust_env=False).json()
    return bool(reply.get("error_code") == 4)
