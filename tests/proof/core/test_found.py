"""What the proofs have found, each told by the fewest steps that show it."""

from __future__ import annotations

from smsc_async.guard import Lease, Outcome, Reason, Rule
from smsc_async.guard._policy import Policy
from smsc_async.guard._records import Locked, Settings, Ticket
from tests.guard.demands import ACTION, PAIR, PLENTY, SINGLE, demand
from tests.proof.core import books

STRICT = Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14)


def lease_of(answer: object) -> Lease:
    """Give the lease of a call that must have been let go: at once, or by now."""
    lease = answer.verdict if isinstance(answer, Ticket) else answer
    assert isinstance(lease, Lease)
    return lease


def waits(answer: object) -> Ticket:
    """Give the ticket of a call that must wait."""
    assert isinstance(answer, Ticket)
    assert answer.verdict is None
    return answer


def accepted(settings: Settings = STRICT, **names: str) -> Policy:
    """Give a policy whose credentials have been accepted."""
    policy = Policy(settings)
    policy.finish(lease_of(policy.ask(demand("accepted", PLENTY, **names), 0.0)), Outcome.ACCEPTED, 0.0)
    return policy


def test_a_limit_that_gets_stricter_lets_nobody_overtake() -> None:
    """Calls that lose what they had reserved, because their key has fewer tokens now, keep their places."""
    policy = Policy(STRICT)
    trial = lease_of(policy.ask(demand("trial"), 0.0))
    triple = Rule("triple", Reason.IDENTICAL, 3)
    line = [waits(policy.ask(demand("shared", triple), 0.0)) for _ in range(4)]
    waits(policy.ask(demand("shared", PAIR), 0.0))
    policy.finish(trial, Outcome.ACCEPTED, 0.0)
    assert line[:2] == policy.lines.settled


def test_the_slots_are_halved_again_for_calls_that_had_waited_through_the_first_time() -> None:
    """However long the line was when the slots were halved, a refusal of a call admitted later halves them again."""
    policy = accepted()
    flying = [lease_of(policy.ask(demand(f"first {n}"), 0.0)) for n in range(14)]
    line = [waits(policy.ask(demand(f"then {n}"), 0.0)) for n in range(14)]
    for moment in (1.0, 2.0):
        policy.finish(flying[0], Outcome.CONCURRENCY, moment)
        for lease in flying[1:]:
            policy.finish(lease, Outcome.ACCEPTED, moment)
        policy.tick(moment + 0.25)
        flying = [lease_of(ticket) for ticket in policy.lines.settled]
        policy.lines.settled.clear()
        line = [ticket for ticket in line if ticket.verdict is None]
    assert 3 == len(flying)


def test_whoever_waits_for_a_slot_counts_on_each_being_free_again_at_once() -> None:
    """That one slot is out for the lateness refuses nobody who may get the other one."""
    policy = accepted(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=2))
    first, second = (lease_of(policy.ask(demand(f"{n}"), 0.0)) for n in range(2))
    policy.finish(first, Outcome.UNKNOWN, 0.0)
    waits(policy.ask(demand("before"), 0.0))
    waits(policy.ask(demand("after"), 0.0, deadline=1.0))
    policy.finish(second, Outcome.ACCEPTED, 0.5)
    assert 1 == len(policy.lines.settled)


def test_a_token_may_be_used_twice_before_another_comes_home() -> None:
    """A wait that would fit is not refused because the other token rests for an answer that never came."""
    policy = accepted()
    first, second = (lease_of(policy.ask(demand(), 0.0)) for _ in range(2))
    policy.finish(first, Outcome.ACCEPTED, 0.0)  # home at 61.5, used again, and home again at 123
    policy.finish(second, Outcome.UNKNOWN, 61.0)  # home at 127.5
    waits(policy.ask(demand(), 61.0))
    waits(policy.ask(demand(), 61.0, deadline=125.0))


def test_a_wait_that_has_become_hopeless_ends_whatever_else_rests() -> None:
    """A token that is late to come home does not hide that the other is out for longer than the caller has."""
    policy = accepted()
    first, _ = (lease_of(policy.ask(demand(), 0.0)) for _ in range(2))
    policy.finish(first, Outcome.UNKNOWN, 0.0)  # home at 66.5
    ticket = waits(policy.ask(demand(), 0.0, deadline=62.0))
    assert 0.5 == policy.lines.next_alarm()
    policy.tick(0.5)
    assert [ticket] == policy.lines.settled


def test_a_refusal_as_a_duplicate_holds_for_all_its_keys_before_anybody_goes() -> None:
    """What the first key's refusal frees does not let a call go that needs the second one."""
    policy = accepted(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=1))
    refused = lease_of(policy.ask(demand("same", action="action"), 0.0))
    waits(policy.ask(demand("same", action="action"), 0.0))
    other = waits(policy.ask(demand("other", action="action"), 0.0))
    policy.finish(refused, Outcome.DUPLICATE, 0.0)
    policy.tick(0.0)
    assert (2, None) == (ACTION.n, other.verdict)


def test_a_blocked_address_is_left_alone_whatever_lock_there_was() -> None:
    """Error 4 counts from its own moment, though a few seconds' lock was in force when it came."""
    policy = accepted(account="known", credential="known")
    known = lease_of(policy.ask(demand("known", account="known", credential="known"), 0.0))
    names = [f"new {n}" for n in range(4)]
    new = [lease_of(policy.ask(demand("new", account=name, credential=name), 0.0)) for name in names]
    for lease in new[:3]:
        policy.finish(lease, Outcome.UNKNOWN, 0.0)  # each may yet turn out to be an authorisation error
    policy.finish(new[3], Outcome.LOGIN_REFUSED, 1.0)
    policy.finish(known, Outcome.ADDRESS_BLOCKED, 2.0)
    answer = policy.ask(demand("next", account="known", credential="known"), 6.0)
    assert isinstance(answer, Locked)
    assert 602.0 == answer.until


def test_calls_that_give_up_leave_no_alarms() -> None:
    """A thousand calls that joined a line and left it cost nothing: neither they nor their lines' alarms stay."""
    policy = accepted()
    policy.finish(lease_of(policy.ask(demand("same", SINGLE), 0.0)), Outcome.ACCEPTED, 0.0)
    for _ in range(1_000):
        policy.leave(waits(policy.ask(demand("same", SINGLE), 0.0)), 0.0)
        policy.leave(waits(policy.ask(demand("same", SINGLE), 0.0, deadline=3_600.0)), 0.0)
    assert books.alarms(policy) < 100


def test_a_refusal_of_proven_credentials_takes_back_what_a_trial_had_reserved() -> None:
    """Credentials that worked are refused, three times: a call with new ones waits, though it was the next to go."""
    policy = accepted(account="known", credential="known")
    names = [("known", f"{number}") for number in range(4)] + [("old", "old")]
    *known, _old = [lease_of(policy.ask(demand(key, account=name, credential=name), 0.0)) for name, key in names]
    policy.finish(known[0], Outcome.ADDRESS_BLOCKED, 0.0)
    probe = lease_of(policy.ask(demand("probe", account="probe", credential="probe"), 600.0))
    next_to_go = waits(policy.ask(demand("next", account="next", credential="next"), 600.0))
    for lease in known[1:]:
        policy.finish(lease, Outcome.LOGIN_REFUSED, 600.0)
    policy.finish(probe, Outcome.UNSENT, 600.0)
    assert (None, Reason.PROBATION) == (next_to_go.verdict, next_to_go.reason)


def test_a_wait_that_counts_on_somebodys_answer_is_looked_at_again() -> None:
    """Where one of two tokens rests long, the second in line is refused once the answer of the first is too late."""
    policy = accepted()
    answered, lost = [lease_of(policy.ask(demand("same", PAIR), 0.0)) for _ in range(2)]
    policy.finish(answered, Outcome.ACCEPTED, 0.0)
    policy.finish(lost, Outcome.UNKNOWN, 60.0)  # its token comes home at 126.5
    first = waits(policy.ask(demand("same", PAIR), 60.0))
    second = waits(policy.ask(demand("same", PAIR), 60.0, deadline=125.0))
    now = 60.0
    while second.verdict is None:
        now = policy.lines.next_alarm()
        policy.tick(now)
    lease_of(first)
    assert (63.5, 125.0) == (now, second.deadline)


def test_who_loses_a_trial_keeps_the_place_that_it_came_to() -> None:
    """A refusal that uses a trial up sends nobody back behind those who came later and wait for the same action."""
    policy = accepted(Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=2), credential="known")
    busy = lease_of(policy.ask(demand("busy", PLENTY, credential="known"), 1.0))
    refused = lease_of(policy.ask(demand("refused", PLENTY, credential="refused"), 1.0))
    names = ["one", "other", "known"]
    line = [waits(policy.ask(demand(name, PLENTY, action="action", credential=name), 2.0)) for name in names]
    policy.finish(refused, Outcome.LOGIN_REFUSED, 4.0)
    policy.finish(busy, Outcome.ACCEPTED, 4.0)
    assert line[:2] == policy.lines.settled


def sending(policy: Policy, name: str, now: float) -> Lease:
    """Give the lease of a message that must be let go at once."""
    return lease_of(policy.ask(demand(name, PLENTY, may_block=True), now))


def test_a_message_whose_answer_cannot_be_read_may_have_been_refused() -> None:
    """A hundred of them in a row could block the address: the hundredth waits."""
    policy = accepted()
    for number in range(99):
        policy.finish(sending(policy, "message", float(number)), Outcome.ANSWERED, float(number))
    waits(policy.ask(demand("message", PLENTY, may_block=True), 99.0))


def test_a_message_forgives_none_that_was_refused_when_it_went() -> None:
    """Both were on their way to the gateway, and the one that was taken may have come first."""
    policy = accepted()
    taken, *refused = [sending(policy, "message", 0.0) for _ in range(14)]
    for lease in refused:
        policy.finish(lease, Outcome.REFUSED, 0.0)
    policy.finish(taken, Outcome.ACCEPTED, 1.0)
    for _ in range(99 - 13):
        policy.finish(sending(policy, "message", 1.0), Outcome.REFUSED, 1.0)
    waits(policy.ask(demand("message", PLENTY, may_block=True), 1.0))


def test_a_fork_forgets_no_message() -> None:
    """What the parent had in flight may have been refused, and ten minutes are not over when the lateness is."""
    policy = accepted()
    for _ in range(90):
        policy.finish(sending(policy, "message", 0.0), Outcome.REFUSED, 0.0)
    for _ in range(9):
        sending(policy, "message", 1.0)
    policy.after_fork(2.0)
    waits(policy.ask(demand("message", PLENTY, may_block=True), 10.0))


def test_a_message_does_not_wait_in_vain_for_a_row_to_be_forgotten() -> None:
    """That the last of those in flight was refused too ends the wait of whoever has no ten minutes."""
    policy = accepted()
    for _ in range(98):
        policy.finish(sending(policy, "message", 0.0), Outcome.REFUSED, 0.0)
    last = sending(policy, "message", 1.0)
    ticket = waits(policy.ask(demand("message", PLENTY, may_block=True), 1.0, deadline=100.0))
    policy.finish(last, Outcome.REFUSED, 2.0)
    assert [ticket] == policy.lines.settled
