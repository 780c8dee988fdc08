"""The policy keeps its promises in every schedule of small worlds."""

from __future__ import annotations

import pytest

from smsc_async.guard import Outcome, Reason, _account, _breaker, _bucket, _records
from smsc_async.guard._lines import Lines
from smsc_async.guard._policy import Policy
from tests.proof.core import books, futures
from tests.proof.core.auditing import audit
from tests.proof.core.pictures import digest
from tests.proof.core.play import Play
from tests.proof.core.reach import EVERYTHING, Reach
from tests.proof.core.searching import SCOPES, SOON_ANGRY, TINY, Scope, make, moves, search
from tests.proof.core.world import world

STATES = 700  # of each scope; the long proof sees thousands of times as many


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.name)
def test_no_short_schedule_breaks_a_promise(scope: Scope) -> None:
    """Everything that few moves can do to a small world is done, and keeps every promise."""
    assert STATES <= search(scope, STATES).states


def test_a_small_world_is_seen_whole() -> None:
    """With one key and one call at a time there is an end to the states: all schedules of any length are seen."""
    found = search(Scope("one call", ("one",), 1), 10_000)
    assert found.complete
    assert 10 < found.states < 10_000


def test_a_small_world_of_messages_is_seen_whole() -> None:
    """Where the gateway is quick to anger, rows are filled, ended by one that was taken, and forgotten."""
    outcomes = (Outcome.ACCEPTED, Outcome.REFUSED)
    found = search(Scope("one kind", ("message",), 3, outcomes, patience=(3.0,), tolerance=SOON_ANGRY), 10_000)
    assert found.complete
    rows = [row for row in EVERYTHING if ("a row" in row or "a refusal" in row) and "99" not in row]
    assert {} == found.reach.below(10, [*rows, f"waited for: {Reason.REFUSED.value}"])
    assert SOON_ANGRY.refusals == max(found.reach.in_a_row)


def test_the_same_state_later_has_the_same_name() -> None:
    """A state is known by what is to come: an hour later, and with other numbers, it is not a new one."""

    def played(calls: int) -> Play:
        play = Play(Policy, TINY, world("one", ("one", "two")), Reach())
        for _ in range(calls):
            play.ask(play.world.calls[1])
            play.finish(0, Outcome.ACCEPTED)
            play.pass_time(play.now + 3600.0)
        play.ask(play.world.calls[1])
        play.ask(play.world.calls[0])
        return play

    assert digest(played(1)) == digest(played(5))
    assert digest(played(0)) != digest(played(1))


def test_a_copy_goes_its_own_way() -> None:
    """What a copy of a play does, changes nothing in the play that it was made of."""
    play = Play(Policy, TINY, world("one", ("one", "two")), Reach())
    play.ask(play.world.calls[1])
    play.ask(play.world.calls[0])
    before = digest(play)
    frozen = futures.copies(play)
    scope = Scope("", ("one", "two"), 4)
    for move in moves(play, scope):
        copy = futures.restored(frozen, Reach())
        assert before == digest(copy)
        make(copy, scope, move)
        audit(copy)
    assert before == digest(play)


def test_nothing_of_the_policy_is_overlooked() -> None:
    """Every attribute in which two states could differ is one that the pictures of states know of."""
    policy = Policy(TINY)
    found = {"Policy": set(vars(policy)), "Lines": set(vars(Lines()))}
    for room in (_account, _breaker, _bucket, _records):
        for name, kind in vars(room).items():
            if name in books.SEEN and isinstance(kind, type) and hasattr(kind, "__slots__"):
                found[name] = set(kind.__slots__)
    assert found == books.SEEN
