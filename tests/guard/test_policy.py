"""The policy's rules one by one, each on a schedule of its own."""

from __future__ import annotations

import anyio
import pytest

from smsc_async._loops import current_loop
from smsc_async.guard import Outcome, Reason
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


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.LOGIN_REFUSED, "the gateway refused the credentials (error 2)"),
        (Outcome.ADDRESS_BLOCKED, "the gateway has blocked this IP address (error 4)"),
    ],
)
def test_after_a_refusal_nobody_goes_for_ten_minutes_and_then_one_does(outcome: Outcome, reason: str) -> None:
    """Those that waited hear of it at once; at the moment at which the pause is over there is a probe, and no more."""
    made = policy(slots=2)
    refused, other = leased(made, "a", 0.0), leased(made, "b", 0.0)
    behind = [ticketed(made, key, 0.0) for key in ("same", "same", "same")]
    made.finish(refused, outcome, 1.0)
    locked = Locked(601.0, reason)
    assert [locked] * 4 == [*(ticket.verdict for ticket in behind), made.ask(demand("c"), 600.9)]
    assert behind == made.lines.settled
    made.finish(other, Outcome.UNSENT, 2.0)
    leased(made, "probe", 601.0)
    ticketed(made, "next", 601.0)


def test_a_credential_that_is_still_on_trial_spares_nobody_the_trials() -> None:
    """A call from before the lock is accepted after it: those that wait go on as if it had not been."""
    made = policy()
    file, refused = leased(made, "file", 0.0), leased(made, "refused", 0.0)
    made.finish(refused, Outcome.LOGIN_REFUSED, 1.0)
    leased(made, "probe", 601.0)
    ticket = ticketed(made, "next", 601.0)
    made.prove(file, 602.0)
    assert file.parties.gateway.trials in ticket.buckets


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


def test_after_a_probe_that_went_well_tokens_come_back_one_a_window() -> None:
    """The probe goes at the very end of the pause; only its answer begins the recovery, and no later one does again."""
    made = policy()
    made.finish(leased(made, "same", 0.0), Outcome.DUPLICATE, 0.0)
    probe = leased(made, "same", REST)
    recovery = probe.buckets[0].recovery
    assert recovery is not None
    assert float("inf") == recovery.rises_from
    made.finish(probe, Outcome.ACCEPTED, REST + 1.0)
    made.finish(leased(made, "same", 2 * REST + 1.0), Outcome.ACCEPTED, 2 * REST + 1.0)
    assert REST + 1.0 == recovery.rises_from


def test_a_burst_of_refusals_for_concurrency_halves_the_slots_once() -> None:
    """What was admitted until the halving belongs to it and puts the recovery off; what came later halves again."""
    made = policy()
    slots = made.accounts["account"].slots
    early, late = leased(made, "a", 0.0), leased(made, "b", 1.0)
    made.finish(leased(made, "c", 0.0), Outcome.CONCURRENCY, 1.0)
    assert 7 == slots.capacity(1.0)
    made.finish(late, Outcome.CONCURRENCY, 2.0)
    assert slots.recovery is not None
    assert (7, 2.0) == (slots.capacity(2.0), slots.recovery.rises_from)
    made.finish(leased(made, "d", 3.0), Outcome.CONCURRENCY, 4.0)
    assert (3, 4.0) == (slots.capacity(4.0), slots.recovery.rises_from)
    assert (13, 14) == (slots.capacity(4.0 + 10 * 60.0), slots.capacity(4.0 + 11 * 60.0))
    made.finish(early, Outcome.CONCURRENCY, 1000.0)  # long after the slots had recovered
    assert 7 == slots.capacity(1000.0)


def test_refusals_of_what_others_sent_are_counted() -> None:
    """Both kinds of error 9 tell of traffic that this guard did not know of, and nothing else does."""
    made = policy()
    counted = [made.foreign]
    for number, outcome in enumerate(Outcome):
        made.finish(leased(made, f"{number}", 1000.0 * number), outcome, 1000.0 * number)
        counted.append(made.foreign)
    assert {Outcome.DUPLICATE, Outcome.CONCURRENCY} == {
        outcome for outcome, before, after in zip(Outcome, counted, counted[1:], strict=False) if after == before + 1
    }
    assert (0, 2) == (counted[0], counted[-1])


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


# Messages that are refused: a hundred in a row would block the address ---------------------------------------------


def sending(made: Policy, number: int, now: float) -> Lease:
    """Ask for a message to be sent, which is admitted at once."""
    lease = made.ask(demand(f"message {number}", SINGLE, may_block=True), now)
    assert isinstance(lease, Lease)
    return lease


def test_before_the_hundredth_refused_message_the_next_waits() -> None:
    """Ninety-nine in ten minutes are as many as the gateway takes; ten minutes after the first the next one goes."""
    made = policy()
    for number in range(99):
        made.finish(sending(made, number, float(number)), Outcome.REFUSED, float(number))
    ticket = made.ask(demand("message 99", SINGLE, may_block=True), 99.0)
    assert isinstance(ticket, Ticket)
    assert Reason.REFUSED is ticket.reason
    leased(made, "a question", 99.0)
    made.tick(601.4)
    assert ticket.verdict is None
    made.tick(601.5)
    assert isinstance(ticket.verdict, Lease)


def test_messages_in_flight_could_all_be_refused() -> None:
    """With ninety refused, nine may be in flight, and no tenth."""
    made = policy()
    for number in range(90):
        made.finish(sending(made, number, 0.0), Outcome.REFUSED, 1.0)
    for number in range(90, 99):
        sending(made, number, 2.0)
    assert isinstance(made.ask(demand("message 99", SINGLE, may_block=True), 2.0), Ticket)


def test_a_message_that_was_taken_ends_the_row() -> None:
    """Those refused before it count no more; one that was refused while it was under way may have come after it."""
    made = policy()
    for number in range(97):
        made.finish(sending(made, number, 0.0), Outcome.REFUSED, 1.0)
    taken = sending(made, 97, 2.0)
    made.finish(sending(made, 98, 2.0), Outcome.REFUSED, 3.0)
    waiting = made.ask(demand("message 99", SINGLE, may_block=True), 4.0)
    assert isinstance(waiting, Ticket)
    made.finish(taken, Outcome.ACCEPTED, 5.0)
    assert isinstance(waiting.verdict, Lease)
    assert 97 == made.gateways["https://smsc.ua"].refused.free(5.0)


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (Outcome.REFUSED, 1),
        (Outcome.UNKNOWN, 1),
        (Outcome.ANSWERED, 1),  # a page of an error, or of something between: the gateway may have refused it
        (Outcome.UNSENT, 0),
        (Outcome.ACCEPTED, 0),
        (Outcome.PRICED, 0),
        (Outcome.DUPLICATE, 0),
        (Outcome.CONCURRENCY, 0),
        (Outcome.LOGIN_REFUSED, 0),
        (Outcome.ADDRESS_BLOCKED, 0),
    ],
)
def test_what_counts_as_a_refused_message(outcome: Outcome, counted: int) -> None:
    """A refusal, and what may have been one; what was never sent or was taken is none."""
    made = policy()
    made.finish(sending(made, 0, 0.0), outcome, 1.0)
    assert 99 - counted == made.gateways["https://smsc.ua"].refused.free(2.0)
    assert 99 == made.gateways["https://smsc.ua"].refused.free(700.0)


def test_a_message_without_an_answer_may_be_refused_until_nobody_reads_it_any_more() -> None:
    """Ten minutes count from then on; and from the end on where a request that we gave up is over at once."""
    late, strict = policy(), Settings(window=60.0, margin=1.5, lateness=0.0, max_concurrency=14)
    for made, forgotten in ((late, 607.5), (Policy(strict), 602.5)):
        made.finish(sending(made, 0, 0.0), Outcome.UNKNOWN, 1.0)
        row = made.gateways["https://smsc.ua"].refused
        assert [98, 99] == [row.free(moment) for moment in (forgotten - 0.1, forgotten)]


def test_a_price_ends_no_row() -> None:
    """It goes the way of a message, and nothing was taken; yet it proves the credentials."""
    made = policy()
    made.finish(sending(made, 0, 0.0), Outcome.REFUSED, 1.0)
    made.finish(sending(made, 1, 2.0), Outcome.PRICED, 3.0)
    assert 98 == made.gateways["https://smsc.ua"].refused.free(4.0)
    stranger = made.ask(demand("price", SINGLE, account="new", credential="new", may_block=True), 4.0)
    assert isinstance(stranger, Lease)
    made.finish(stranger, Outcome.PRICED, 5.0)
    assert stranger.proven


def test_a_message_that_was_taken_forgives_none_of_its_own_moment() -> None:
    """One that was refused when this one was admitted may have reached the gateway after it."""
    made = policy()
    refused, before = sending(made, 0, 0.0), sending(made, 1, 0.0)
    made.finish(before, Outcome.REFUSED, 0.9)
    taken = sending(made, 2, 1.0)
    made.finish(refused, Outcome.REFUSED, 1.0)
    made.finish(taken, Outcome.ACCEPTED, 2.0)
    assert 98 == made.gateways["https://smsc.ua"].refused.free(2.0)


def test_the_child_of_a_fork_takes_its_parents_messages_for_refused() -> None:
    """Nobody tells it what became of those in flight, and the gateway counts them for the same address."""
    made = policy()
    for number in range(90):
        made.finish(sending(made, number, 0.0), Outcome.REFUSED, 0.0)
    for number in range(90, 99):
        sending(made, number, 1.0)
    made.after_fork(2.0)
    ticket = made.ask(demand("message 99", SINGLE, may_block=True), 10.0)
    assert isinstance(ticket, Ticket)
    row = made.gateways["https://smsc.ua"].refused
    assert [0, 90, 99] == [row.free(moment) for moment in (601.0, 601.5, 608.5)]


def test_no_message_waits_for_a_row_that_lasts_longer_than_it_can() -> None:
    """Once nothing is under way that could end the row, whoever cannot wait so long hears it, in whatever line."""
    made = policy()
    for number in range(98):
        made.finish(sending(made, number, 0.0), Outcome.REFUSED, 0.0)
    last = sending(made, 98, 1.0)
    names = ("another", "message 98", "another 2")  # the second one waits for its identical request
    hurried, identical, patient = (
        made.ask(demand(name, SINGLE, may_block=True), 1.0, deadline)
        for name, deadline in zip(names, (601.4, 100.0, 601.5), strict=True)
    )
    for _ in range(2):
        leased(made, "a question", 1.0)
    question = ticketed(made, "a question", 1.0, deadline=100.0)
    assert isinstance(hurried, Ticket)
    assert isinstance(identical, Ticket)
    assert isinstance(patient, Ticket)
    made.finish(last, Outcome.REFUSED, 2.0)
    refusal = TooLong(601.5, Reason.REFUSED)
    assert [refusal, refusal, None, None] == [one.verdict for one in (hurried, identical, patient, question)]
    made.tick(601.5)
    assert isinstance(patient.verdict, Lease)


def test_all_accounts_of_an_address_count_together() -> None:
    """The gateway blocks the address, whoever sent."""
    made = policy()
    for number in range(99):
        asked = demand(f"{number}", SINGLE, account=f"account {number % 3}", may_block=True)
        lease = made.ask(asked, 1_000.0 * number)
        assert isinstance(lease, Lease)
        made.finish(lease, Outcome.REFUSED, 100_000.0)
    assert isinstance(made.ask(demand("next", SINGLE, account="account 4", may_block=True), 100_001.0), Ticket)
    other = demand("next", SINGLE, gateway="https://smsc.kz", may_block=True)
    assert isinstance(made.ask(other, 100_001.0), Lease)
