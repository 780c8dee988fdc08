"""The policy's rules one by one, each on a schedule of its own."""

from __future__ import annotations

import anyio
import pytest

from smsc_async._loops import current_loop
from smsc_async.guard import Outcome
from smsc_async.guard._parking import Room, Seat
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Lease, Locked, Settings, Ticket, TooLong
from smsc_async.testing import FakeClock
from tests.guard.demands import PAIR, SINGLE, demand

REST = 61.5


def policy(slots: int = 14) -> Policy:
    """Give a policy whose credentials have been accepted."""
    made = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=slots))
    made.finish(leased(made, "first", -1000.0), Outcome.ACCEPTED, -1000.0)
    return made


def leased(made: Policy, key: str, now: float) -> Lease:
    """Ask for a call that is admitted at once."""
    lease = made.ask(demand(key), now)
    assert isinstance(lease, Lease)
    return lease


def ticketed(made: Policy, key: str, now: float, *, deadline: float = float("inf")) -> Ticket:
    """Ask for a call that has to wait."""
    ticket = made.ask(demand(key), now, deadline)
    assert isinstance(ticket, Ticket)
    return ticket


def test_a_burst_of_refused_logins_counts_as_one_pause() -> None:
    """The second of two calls in flight that are refused for the password does not make the pause longer."""
    made = policy()
    one, other = leased(made, "a", 0.0), leased(made, "b", 0.0)
    made.finish(one, Outcome.LOGIN_REFUSED, 1.0)
    made.finish(other, Outcome.LOGIN_REFUSED, 2.0)
    locked = made.ask(demand("c"), 3.0)
    assert isinstance(locked, Locked)
    assert 601.0 == locked.until


def test_a_ticket_that_has_been_answered_leaves_nothing_behind() -> None:
    """Giving up a place after the refusal came changes nothing: the tokens were passed on once."""
    made = policy()
    held = [leased(made, "same", 0.0), leased(made, "same", 0.0)]
    ticket = ticketed(made, "same", 0.0, deadline=70.0)
    made.finish(held[0], Outcome.DUPLICATE, 20.0)
    assert isinstance(ticket.verdict, TooLong)
    bucket = held[0].buckets[0]
    before = (bucket.held, bucket.out, bucket.reserved, bucket.waiting)
    made.leave(ticket, 21.0)
    assert before == (bucket.held, bucket.out, bucket.reserved, bucket.waiting)


def test_a_proof_from_before_a_fork_proves_nothing() -> None:
    """Credentials that the parent's call proves in the child stay unproven: the call is not the child's."""
    made = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14))
    lease = leased(made, "a", 0.0)
    made.after_fork(1.0)
    made.prove(lease, 2.0)
    assert not lease.proven


def test_a_proof_is_needed_once() -> None:
    """Proving proven credentials changes nothing, even from a call that was admitted before a lock."""
    made = policy()
    lease = leased(made, "a", 0.0)
    made.prove(lease, 1.0)
    assert (True, 1) == (lease.proven, lease.buckets[-1].out)


def test_a_second_duplicate_of_the_same_burst_is_no_second_strike() -> None:
    """Only the probe's own refusal doubles the pause; calls that were in flight before it came prolong it by little."""
    made = policy()
    one, other = leased(made, "same", 0.0), leased(made, "same", 0.0)
    made.finish(one, Outcome.DUPLICATE, 1.0)
    made.finish(other, Outcome.DUPLICATE, 3.0)
    recovery = one.buckets[0].recovery
    assert recovery is not None
    assert (1, 3.0 + REST) == (recovery.strikes, recovery.blocked_until)


def test_a_probe_that_is_refused_doubles_the_pause() -> None:
    """The pauses are one window, two, four, and at most eight minutes."""
    made = policy()
    now, pauses = 0.0, []
    for _ in range(6):
        probe = leased(made, "same", now)
        made.finish(probe, Outcome.DUPLICATE, now)
        recovery = probe.buckets[0].recovery
        assert recovery is not None
        pauses.append(recovery.blocked_until - now)
        now = recovery.blocked_until
    assert [REST, 2 * REST, 4 * REST, 480.0, 480.0, 480.0] == pauses


def test_a_duplicate_refuses_at_once_whoever_cannot_wait_for_its_end() -> None:
    """Of two calls in line the one with the short deadline hears of it now, and the patient one keeps its place."""
    made = policy()
    held = [leased(made, "same", 0.0), leased(made, "same", 0.0)]
    patient = ticketed(made, "same", 0.0, deadline=500.0)
    hasty = ticketed(made, "same", 0.0, deadline=130.0)
    made.finish(held[0], Outcome.DUPLICATE, 80.0)
    assert (None, True) == (patient.verdict, isinstance(hasty.verdict, TooLong))


def test_a_line_of_left_tickets_serves_the_first_that_stayed() -> None:
    """Entries of tickets that left are skipped when a token comes."""
    made = policy()
    held = [leased(made, "same", 0.0), leased(made, "same", 0.0)]
    tickets = [ticketed(made, "same", 0.0) for _ in range(5)]
    for ticket in tickets[:3]:
        made.leave(ticket, 1.0)
    made.finish(held[0], Outcome.UNSENT, 2.0)
    assert [False, False, False, True, False] == [isinstance(ticket.verdict, Lease) for ticket in tickets]


def test_a_demand_shows_no_key() -> None:
    """Keys are digests of phones; what is printed is the endpoint and how many tokens it takes."""
    assert "Demand('test.call', 2 tokens)" == repr(demand("secret", SINGLE, action="all"))
    assert "Demand('test.call', 1 tokens)" == repr(demand("secret", PAIR))


@pytest.mark.anyio
async def test_a_wake_up_before_the_sleep_ends_the_keepers_sleep_at_once(anyio_backend: str) -> None:
    """Whoever was woken on the way to keeping the time does not fall asleep."""
    seat = Seat(Room(current_loop(), lambda loop: None))
    seat.wake()
    with anyio.fail_after(5):
        await seat.keep_time(FakeClock(), float("inf"))
    seat.get_up()
    assert not seat.woken


@pytest.mark.anyio
async def test_a_room_without_a_keeper_wakes_the_last_to_come(anyio_backend: str) -> None:
    """A poke that comes while nobody keeps the time makes somebody do so."""
    room = Room(current_loop(), lambda loop: None)
    seats = [Seat(room), Seat(room)]
    room.seats.update(dict.fromkeys(seats))
    room.poke()
    assert [False, True] == [seat.woken for seat in seats]


@pytest.mark.anyio
async def test_calling_off_in_a_loop_that_is_gone_buries_the_room(anyio_backend: str) -> None:
    """Nobody can be woken there, so the room's places are given up."""

    class Gone:
        def call_soon(self, function: object, /) -> bool:
            return False

    buried: list[object] = []
    loop = Gone()
    seat = Seat(Room(loop, buried.append))  # type: ignore[arg-type]  # all that is asked of a loop here
    error = RuntimeError("closed")
    seat.call_off(error)
    assert ([loop], error) == (buried, seat.called_off)
