"""Who goes next, and what is reserved meanwhile."""

from __future__ import annotations

from smsc_async.guard import Demand, Lease, Outcome, Reason, Rule
from smsc_async.guard._bucket import FOREVER
from smsc_async.guard._lines import Lines
from smsc_async.guard._records import Locked, Ticket, TooLong
from tests.guard.demands import ACTION, SINGLE, demand
from tests.guard.steps import NOBODY, REST, admitted, counts, goes, policy, rested, waiting

# ------------------------------------------------------------------ moving


def test_new_lines_are_empty() -> None:
    """Nobody was answered, and there is nothing to look at."""
    lines = Lines()
    assert ([], 0, FOREVER) == (lines.settled, lines.epoch, lines.next_alarm())


def test_a_call_is_let_go_when_the_token_it_waits_for_comes_home() -> None:
    """At that moment and not before; its lease says when, and what it holds."""
    made = policy()
    rested(made, "key")
    first, second = (waiting(made, "key", SINGLE) for _ in range(2))
    assert (REST, Reason.IDENTICAL) == (made.lines.next_alarm(), first.reason)
    made.tick(61.4)
    assert ([False, False], []) == (goes(first, second), made.lines.settled)
    made.tick(REST)
    assert ([True, False], [first]) == (goes(first, second), made.lines.settled)
    lease = first.verdict
    assert isinstance(lease, Lease)
    assert (first.number, first.parties, first.buckets, REST, 0) == (
        *(lease.number, lease.parties, lease.buckets),
        *(lease.granted_at, lease.epoch),
    )
    key, slots = first.buckets
    assert ((1, 0, 1), (1, 0, 0)) == (counts(key), counts(slots))
    assert FOREVER == made.lines.next_alarm()  # its token is out, so nobody knows when it comes home


def test_a_new_ticket_stands_nowhere() -> None:
    """It has passed nothing, and lacks a slot at the most."""
    made = policy()
    lease = admitted(made, "key")
    ticket = Ticket(7, lease.parties, lease.buckets, 5.0, lease.demand, 0.0)
    assert (7, 5.0, 0, FOREVER) == (ticket.number, ticket.deadline, ticket.stage, ticket.alarm)
    assert (None, None, None, None) == (ticket.place, ticket.entry, ticket.verdict, ticket.seat)
    assert ([], Reason.SLOTS) == (ticket.passed, ticket.reason)


def test_what_a_call_passed_is_reserved_for_it() -> None:
    """While it waits for the next thing, its token is not another's; who goes takes all it reserved."""
    made = policy(slots=2)
    held = [admitted(made, f"held {number}") for number in range(2)]
    ticket = waiting(made, "key", SINGLE)
    key, slots = ticket.buckets
    assert ((0, 1, 0), (2, 0, 1)) == (counts(key), counts(slots))
    assert (1, [key], slots, Reason.SLOTS) == (ticket.stage, ticket.passed, ticket.place, ticket.reason)
    behind = waiting(made, "key", SINGLE)
    assert key is behind.place
    made.finish(held[0], Outcome.UNSENT, 1.0)
    assert ([True, False], (1, 0, 1), (2, 0, 0)) == (goes(ticket, behind), counts(key), counts(slots))


def test_who_leaves_gives_back_what_was_reserved() -> None:
    """The next in line for it moves up, and nothing is left of who left."""
    made = policy(slots=1)
    held = admitted(made, "held")
    first, second = (waiting(made, "key", SINGLE) for _ in range(2))
    key, slots = first.buckets
    assert ((0, 1, 1), slots) == (counts(key), first.place)
    made.leave(first, 1.0)
    assert ((0, 1, 0), (1, 0, 1), 0) == (counts(key), counts(slots), first.stage)
    assert (slots, 1) == (second.place, key.held)
    made.leave(second, 1.0)
    made.finish(held, Outcome.UNSENT, 2.0)
    assert (NOBODY, NOBODY, FOREVER) == (counts(key), counts(slots), made.lines.next_alarm())
    assert ({}, []) == (made.accounts["account"].busy, made.lines.settled)


def test_who_leaves_a_line_is_not_waited_for() -> None:
    """When nobody is in line any more, there is no moment to look at it."""
    made = policy()
    rested(made, "key")
    ticket = waiting(made, "key", SINGLE)
    assert REST == made.lines.next_alarm()
    made.leave(ticket, 1.0)
    made.tick(REST)
    assert ([], FOREVER) == (made.lines.settled, made.lines.next_alarm())


def test_calls_refused_together_pass_nothing_on_to_one_another() -> None:
    """What the first of them frees goes to nobody who is being refused."""
    made = policy(slots=1)
    admitted(made, "held")
    first, second = (waiting(made, "key", SINGLE) for _ in range(2))
    refusal = Locked(600.0, "refused")
    made.lines.refuse([(first, refusal), (second, refusal)], 1.0)
    assert ([refusal, refusal], [first, second]) == ([first.verdict, second.verdict], made.lines.settled)
    assert (NOBODY, [0, 0]) == (counts(first.buckets[0]), [first.stage, second.stage])
    assert b"key" not in made.accounts["account"].busy


def test_who_was_answered_is_not_refused() -> None:
    """A refusal that comes too late changes nothing, for it or the others."""
    made = policy(slots=1)
    held = admitted(made, "held")
    gone, stays = waiting(made, "one"), waiting(made, "other")
    made.finish(held, Outcome.UNSENT, 1.0)
    refusal = Locked(600.0, "refused")
    made.lines.refuse([(gone, refusal)], 2.0)
    assert ([True, False], [gone]) == (goes(gone, stays), made.lines.settled)


def test_what_each_of_those_who_leave_together_had_reserved_is_passed_on() -> None:
    """Who waits for it moves up, whichever of them had it."""
    made = policy(slots=1)
    admitted(made, "held")
    leaving = [waiting(made, key, SINGLE) for key in ("one", "other")]
    behind = [waiting(made, key, SINGLE) for key in ("one", "other")]
    slots = leaving[0].buckets[-1]
    made.lines.leave(leaving, 1.0)
    assert ([slots, slots], 2) == ([ticket.place for ticket in behind], slots.waiting)


# ------------------------------------------------------------------ back in line


def test_calls_put_back_in_line_keep_their_order() -> None:
    """When a key has fewer tokens, who reserved one first has the next."""
    made = policy(slots=1)
    held = admitted(made, "held")
    first, second = (waiting(made, "key") for _ in range(2))
    key, slots = first.buckets
    assert ((0, 2, 0), (1, 0, 2)) == (counts(key), counts(slots))
    stricter = waiting(made, "key", SINGLE)  # from here on the key has one token
    assert ((0, 1, 2), (1, 0, 1)) == (counts(key), counts(slots))
    assert [slots, key, key] == [first.place, second.place, stricter.place]
    made.finish(held, Outcome.UNSENT, 1.0)
    assert [True, False, False] == goes(first, second, stricter)


def test_who_is_put_back_in_line_gives_back_the_rest_it_reserved() -> None:
    """A token of an action that it had passed too goes to who needs nothing else."""
    made = policy()
    for _ in range(ACTION.n - 1):
        admitted(made, "held", action="all")
    rested(made, "key")
    admitted(made, "other")
    blocked = waiting(made, "key", SINGLE, action="all")
    assert blocked.buckets[0] is blocked.place
    assert isinstance(made.ask(demand("free", action="all"), 0.0), Lease)


def test_what_each_of_those_who_are_put_back_had_reserved_is_passed_on() -> None:
    """The first of three goes on with the one token that is left; what the others had besides goes to who waits."""
    made = policy(slots=1)
    admitted(made, "held")
    three = Rule("three", Reason.ACTION, 3)
    identity = demand().identity
    charges = {name: (SINGLE, name.encode()) for name in ("one", "two", "three")}
    for charge in charges.values():
        ticket = made.ask(Demand("test.call", identity, ((three, b"all"), charge)), 0.0)
        assert isinstance(ticket, Ticket)
        assert 2 == ticket.stage
    behind = [waiting(made, name, SINGLE) for name in charges]
    assert [0, 0, 0] == [ticket.stage for ticket in behind]
    waiting(made, "all", SINGLE)
    assert [0, 1, 1] == [ticket.stage for ticket in behind]


def test_a_call_that_is_put_back_hears_of_a_wait_that_is_now_too_long() -> None:
    """Where the fewer tokens do not suffice by its deadline, it is refused at once."""
    made = policy(slots=1)
    admitted(made, "held")
    patient = waiting(made, "key", deadline=1e6)
    hasty = waiting(made, "key", deadline=50.0)
    stricter = waiting(made, "key", SINGLE)
    assert ([False, False], TooLong(REST, Reason.IDENTICAL)) == (goes(patient, stricter), hasty.verdict)


def test_calls_that_are_spared_a_line_go_on_in_order() -> None:
    """The first of them has the slot that is left, in whatever order they are named."""
    made = policy(slots=3)
    proof = admitted(made, "proof")
    for number in range(4):
        assert isinstance(made.ask(demand(account=f"other {number}"), 0.0), Lease)
    trials = proof.parties.gateway.trials
    first, second, third = (
        Ticket(number, proof.parties, [trials, made.accounts["account"].slots], FOREVER, proof.demand, 1.0) for number in (101, 102, 103)
    )
    for ticket in (first, second, third):
        made.lines.advance(ticket, 0.0)
    assert [trials] * 3 == [ticket.place for ticket in (first, second, third)]
    made.lines.skip(trials, [third, second, first], 1.0)
    assert ([True, True, False], 0) == (goes(first, second, third), trials.waiting)
    assert [made.accounts["account"].slots] == third.buckets
    assert isinstance(first.verdict, Lease)
    assert 1.0 == first.verdict.granted_at


def test_who_has_passed_a_line_is_not_spared_it() -> None:
    """It has a token of it, and gives that back with the rest; who never needed one is left alone."""
    made = policy(slots=1)
    held = admitted(made, "held")
    ticket = waiting(made, "key")
    key, slots = ticket.buckets
    made.lines.skip(key, [ticket], 1.0)
    made.lines.skip(held.buckets[0], [ticket], 1.0)
    assert ([key, slots], (0, 1, 0), slots) == (ticket.buckets, counts(key), ticket.place)


def test_who_needs_no_sparing_keeps_nobody_from_it() -> None:
    """Of two calls, the first has passed the line and the second stands in it."""
    made = policy(slots=1)
    admitted(made, "held")
    first, second = (waiting(made, "key", SINGLE) for _ in range(2))
    key, slots = first.buckets
    made.lines.skip(key, [first, second], 1.0)
    assert ([key, slots], [slots], slots) == (first.buckets, second.buckets, second.place)


def test_who_is_spared_a_line_that_it_has_not_reached_stays_where_it_is() -> None:
    """It will not stand in that line later."""
    made = policy(slots=1)
    held = [admitted(made, "held")]
    ticket = waiting(made, "held", SINGLE)
    key, slots = ticket.buckets
    assert key is ticket.place
    made.lines.skip(slots, [ticket], 1.0)
    assert ([key], key, (1, 0, 1)) == (ticket.buckets, ticket.place, counts(key))
    made.finish(held[0], Outcome.UNSENT, 2.0)
    assert [True] == goes(ticket)
