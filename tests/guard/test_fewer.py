"""What becomes of calls when there are fewer tokens, or fewer slots, than there were."""

from __future__ import annotations

from smsc_async.guard import Lease, Outcome, Rule
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Settings, Ticket
from tests.guard.demands import ACTION, PLENTY, SINGLE, demand


def policy() -> Policy:
    """Give a policy whose credentials have been accepted."""
    made = Policy(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14))
    made.finish(admitted(made, "accepted"), Outcome.ACCEPTED, 0.0)
    return made


def admitted(made: Policy, key: str, now: float = 0.0, action: str | None = None) -> Lease:
    """Ask for a call that must be admitted at once."""
    lease = made.ask(demand(key, PLENTY, action=action), now)
    assert isinstance(lease, Lease)
    return lease


def waiting(made: Policy, key: str, rule: Rule, action: str | None = None) -> Ticket:
    """Ask for a call that must wait."""
    ticket = made.ask(demand(key, rule, action=action), 0.0)
    assert isinstance(ticket, Ticket)
    return ticket


def test_however_often_slots_are_halved_one_is_left() -> None:
    """Other software may fill the account for as long as it likes: our calls go one at a time, and never not at all."""
    made = policy()
    left: list[int] = []
    for second in range(1, 7):
        lease = admitted(made, "next", float(second))
        made.finish(lease, Outcome.CONCURRENCY, second + 0.1)
        left.append(lease.parties.account.slots.capacity(second + 0.1))
    assert [7, 3, 1, 1, 1, 1] == left


def test_a_stricter_limit_holds_for_calls_that_have_reserved() -> None:
    """Of two calls that wait for something else, the first to come has the one token that their key has left."""
    made = policy()
    held = [admitted(made, f"held {number}", action="all") for number in range(ACTION.n)]
    first, second = (waiting(made, "shared", PLENTY, action="all") for _ in range(2))
    waiting(made, "shared", SINGLE)
    for lease in held:
        made.finish(lease, Outcome.UNSENT, 1.0)
    assert (True, None) == (isinstance(first.verdict, Lease), second.verdict)
