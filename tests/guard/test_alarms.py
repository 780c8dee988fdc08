"""When the guard looks again, and which waits are too long: at the very moments."""

from __future__ import annotations

import pytest

from smsc_async.guard import Outcome, Reason
from smsc_async.guard._bucket import FOREVER
from smsc_async.guard._records import Locked, Ticket, TooLong
from tests.guard.demands import PAIR, SINGLE, demand
from tests.guard.steps import REST, admitted, goes, policy, rested, waiting

# ------------------------------------------------------------------ alarms


def test_the_alarm_is_the_earliest_of_all() -> None:
    """Whatever was set first; each is looked at in its turn, and once."""
    made = policy()
    rested(made, "late", now=20.0)
    rested(made, "early", now=0.0)
    late, early = waiting(made, "late", SINGLE, now=20.0), waiting(made, "early", SINGLE, now=20.0)
    assert REST == made.lines.next_alarm()
    made.tick(REST)
    assert ([False, True], REST + 20.0) == (goes(late, early), made.lines.next_alarm())
    made.tick(REST + 20.0)
    assert ([True, True], FOREVER) == (goes(late, early), made.lines.next_alarm())


def test_one_tick_sees_to_all_that_the_time_has_come_for() -> None:
    """However late it comes."""
    made = policy()
    for key in ("one", "two", "three"):
        rested(made, key)
    tickets = [waiting(made, key, SINGLE) for key in ("one", "two", "three")]
    made.tick(1000.0)
    assert [True, True, True] == goes(*tickets)


def test_a_line_is_looked_at_again_when_the_next_token_comes() -> None:
    """An alarm that has rung is set anew."""
    made = policy()
    for now in (0.0, 10.0):
        made.finish(admitted(made, "key", now=now), Outcome.ACCEPTED, now)
    tickets = [waiting(made, "key", now=10.0) for _ in range(3)]
    assert REST == made.lines.next_alarm()
    made.tick(REST)
    assert ([True, False, False], REST + 10.0) == (goes(*tickets), made.lines.next_alarm())
    made.tick(REST + 10.0)
    assert ([True, True, False], FOREVER) == (goes(*tickets), made.lines.next_alarm())


def test_a_line_that_a_returned_token_served_is_not_looked_at_again() -> None:
    """Its alarm means nothing any more."""
    made = policy()
    rested(made, "key", PAIR)
    out = admitted(made, "key")
    ticket = waiting(made, "key")
    assert REST == made.lines.next_alarm()
    made.finish(out, Outcome.UNSENT, 1.0)
    assert ([True], FOREVER) == (goes(ticket), made.lines.next_alarm())


def test_alarms_of_calls_that_left_are_dropped() -> None:
    """However many calls come and give up, what is kept is of the order of those that wait."""
    made = policy()
    rested(made, "key")
    stays = waiting(made, "key", SINGLE, deadline=500.0)
    lengths = []
    for _ in range(500):
        made.leave(waiting(made, "key", SINGLE, deadline=400.0), 0.0)
        lengths.append(len(made.lines._alarms))
    assert 30 <= max(lengths) <= 40
    made.tick(REST)
    assert [True] == goes(stays)


def test_alarms_of_lines_that_all_have_left_are_dropped() -> None:
    """And a call that comes to such a line later is woken all the same."""
    made = policy()
    for number in range(200):
        rested(made, f"{number}")
        made.leave(waiting(made, f"{number}", SINGLE), 0.0)
    assert 40 >= len(made.lines._alarms)
    tickets = [waiting(made, f"{number}", SINGLE) for number in range(14)]
    made.tick(REST)
    assert [True] * 14 == goes(*tickets)


def test_no_alarm_of_who_waits_is_dropped() -> None:
    """Among many that mean nothing, those that do ring in their order."""
    made = policy(slots=1)
    held = admitted(made, "held")
    deadlines = [100.0 + number * 37 % 101 for number in range(100)]
    tickets = [waiting(made, f"{number}", deadline=deadline) for number, deadline in enumerate(deadlines)]
    leaving = [ticket for ticket in tickets if ticket.deadline < 133.0 or ticket.deadline % 3 == 0]
    for ticket in leaving:
        made.leave(ticket, 0.0)
    late = waiting(made, "late", deadline=300.0)
    moments = []
    while (moment := made.lines.next_alarm()) < FOREVER:
        moments.append(moment)
        made.tick(moment)
    stayed = [ticket for ticket in tickets if ticket not in leaving]
    assert [*sorted(ticket.deadline for ticket in stayed), 300.0] == moments
    assert [*sorted(stayed, key=lambda ticket: ticket.deadline), late] == made.lines.settled
    assert 1 == held.buckets[-1].out


def test_what_is_dropped_is_looked_for_when_there_may_be_as_much_of_it_as_of_the_rest() -> None:
    """With many calls in line most that leave cost no search, and what is kept of those is bounded all the same."""
    made = policy(slots=1)
    admitted(made, "held")
    for number in range(100):
        waiting(made, f"{number}", deadline=500.0 + number)
    lengths = []
    for number in range(500):
        made.leave(waiting(made, "hasty", deadline=400.0 - number / 10), 0.0)
        lengths.append(len(made.lines._alarms))
    assert 200 < max(lengths[200:]) < 240
    assert 100 < min(lengths[200:]) < 110


def test_a_fork_leaves_no_alarm() -> None:
    """What the parent waited for is nothing to the child, and its own calls are woken in time."""
    made = policy()
    rested(made, "key")
    ticket = waiting(made, "key", SINGLE, deadline=100.0)
    slots = made.accounts["account"].slots
    made.lines.refuse([(waiting(made, "key", SINGLE), Locked(600.0, "refused"))], 0.0)  # and nobody was told yet
    made.after_fork(1.0)
    assert (14, 0) == (slots.free(1.0), slots.waiting)
    assert (FOREVER, None, FOREVER, []) == (made.lines.next_alarm(), ticket.verdict, ticket.alarm, made.lines.settled)
    child = waiting(made, "key", SINGLE, now=2.0)
    assert REST == made.lines.next_alarm()
    made.tick(REST)
    assert [True] == goes(child)


# ------------------------------------------------------------------ deadlines


@pytest.mark.parametrize(("deadline", "waits"), [(REST, True), (61.4, False)])
def test_a_wait_that_ends_at_the_deadline_is_not_too_long(deadline: float, waits: bool) -> None:
    """And one that ends after it is refused at once, with the moment at which it could have started."""
    made = policy()
    rested(made, "key")
    answer = made.ask(demand("key", SINGLE), 0.0, deadline)
    assert (not waits, waits) == (TooLong(REST, Reason.IDENTICAL) == answer, isinstance(answer, Ticket))
    assert waits == (b"key" in made.accounts["account"].busy)


def test_at_its_deadline_a_call_must_have_been_let_go() -> None:
    """What is free by then is not waited for any more."""
    made = policy(slots=1)
    admitted(made, "held")
    assert TooLong(5.0, Reason.IDENTICAL) == made.ask(demand("key"), 5.0, 5.0)


def test_the_refusal_names_what_takes_longest() -> None:
    """Of several things that a call lacks."""
    made = policy()
    rested(made, "key", now=0.0)
    made.finish(admitted(made, "other", action="all", now=20.0), Outcome.ACCEPTED, 20.0)
    made.finish(admitted(made, "another", action="all", now=30.0), Outcome.ACCEPTED, 30.0)
    assert TooLong(REST + 20.0, Reason.ACTION) == made.ask(demand("key", SINGLE, action="all"), 40.0, 50.0)
    assert TooLong(REST, Reason.IDENTICAL) == made.ask(demand("key", SINGLE), 40.0, 50.0)


def test_who_came_before_counts_and_who_came_later_does_not() -> None:
    """The second in line needs two rests; the first needs one, however many come after it."""
    made = policy()
    rested(made, "key")
    first = waiting(made, "key", SINGLE, deadline=REST + 1.0)
    assert REST == made.lines.expected(first, 0.0)
    assert TooLong(2 * REST, Reason.IDENTICAL) == made.ask(demand("key", SINGLE), 0.0, REST + 1.0)
    second = waiting(made, "key", SINGLE, deadline=2 * REST)
    assert 2 * REST == made.lines.expected(second, 0.0)
    made.lines.check(first, 1.0)
    assert (None, None) == (first.verdict, second.verdict)
    assert (TooLong(2 * REST, Reason.IDENTICAL), None) == (
        made.lines.too_long(Ticket(second.number, second.parties, second.buckets, REST, second.demand, 0.0), 1.0),
        made.lines.too_long(second, 1.0),
    )


def test_a_wait_for_an_answer_is_refused_when_no_answer_can_come_in_time() -> None:
    """A rest before the deadline the answer should have come; then it is known that the call cannot start in time."""
    made = policy()
    admitted(made, "key", SINGLE)
    ticket = waiting(made, "key", SINGLE, deadline=100.0)
    assert 100.0 - REST == made.lines.next_alarm()
    made.tick(38.4)
    assert [] == made.lines.settled
    made.tick(38.5)
    assert (TooLong(100.0, Reason.IDENTICAL), [ticket]) == (ticket.verdict, made.lines.settled)
    assert (None, FOREVER) == (ticket.place, ticket.alarm)
    assert FOREVER == made.lines.next_alarm()


def test_a_wait_that_fits_to_the_moment_is_looked_at_again_at_its_deadline() -> None:
    """If the token that is out came back right now, the call could just start in time; it is not refused for that."""
    made = policy()
    admitted(made, "key", SINGLE)
    ticket = waiting(made, "key", SINGLE, deadline=REST)
    assert (REST, None) == (made.lines.next_alarm(), ticket.verdict)


def test_a_wait_for_a_slot_is_refused_at_the_deadline() -> None:
    """An answer may come at any moment before."""
    made = policy(slots=1)
    admitted(made, "held")
    ticket = waiting(made, "key", deadline=7.0)
    assert 7.0 == made.lines.next_alarm()
    made.tick(7.0)
    assert TooLong(7.0, Reason.SLOTS) == ticket.verdict


def test_who_goes_before_the_deadline_is_not_looked_at_again() -> None:
    """Its alarm goes with it."""
    made = policy(slots=1)
    held = admitted(made, "held")
    ticket = waiting(made, "key", deadline=7.0)
    made.finish(held, Outcome.UNSENT, 1.0)
    assert ([True], FOREVER, FOREVER) == (goes(ticket), ticket.alarm, made.lines.next_alarm())


def test_an_answer_in_time_lets_a_call_wait_on() -> None:
    """It is looked at again when the first token is due, and for the rest of its deadline."""
    made = policy()
    out = admitted(made, "key", SINGLE)
    ticket = waiting(made, "key", SINGLE, deadline=100.0)
    made.finish(out, Outcome.ACCEPTED, 30.0)
    made.tick(38.5)
    assert (None, 30.0 + REST) == (ticket.verdict, made.lines.next_alarm())
    made.tick(30.0 + REST)
    assert [True] == goes(ticket)
