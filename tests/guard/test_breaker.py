"""When credentials, or an address, may be tried again, and what counts as proof."""

from __future__ import annotations

from typing import Final

import attrs
import pytest

from smsc_async.guard._account import Account, Gateway
from smsc_async.guard._breaker import Breaker
from smsc_async.guard._bucket import FOREVER, Reason
from smsc_async.guard._records import Locked, Outcome, Parties, Settings

SETTINGS: Final = Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14)


def state(breaker: Breaker) -> tuple[bool, int, float, str]:
    """Give whether it is proven, how many may try at once, until when it is locked, and why."""
    return breaker.proven, breaker.bucket.rule.n, breaker.locked_until, breaker.reason


def test_new_credentials_are_tried_one_call_at_a_time() -> None:
    """And an address is trusted until something speaks against it."""
    assert (False, 1, -FOREVER, "") == state(Breaker(proven=False))
    proven, side_by_side, locked_until, reason = state(Breaker(proven=True))
    assert (True, -FOREVER, "") == (proven, locked_until, reason)
    assert side_by_side > 100_000
    for known in (True, False):  # whoever waits there waits for an acceptance, and never for a token's rest
        rule = Breaker(proven=known).bucket.rule
        assert (Reason.PROBATION, False) == (rule.reason, rule.rests)


def test_the_first_pause_is_ten_minutes_and_the_next_are_thirty() -> None:
    """Until credentials are accepted, each refused probe costs as long as the gateway's own block."""
    breaker = Breaker(proven=True)
    breaker.trip(0.0, "refused")
    assert (False, 1, 600.0, "refused") == state(breaker)
    breaker.trip(600.0, "refused again")
    assert (False, 1, 2400.0, "refused again") == state(breaker)
    breaker.trip(2400.0, "and again")
    assert (4200.0, 3) == (breaker.locked_until, breaker.failures)


def test_the_rest_of_a_burst_changes_nothing() -> None:
    """Calls that were in flight when the first was refused do not prolong the pause."""
    breaker = Breaker(proven=False)
    breaker.trip(0.0, "refused")
    breaker.trip(599.9, "refused in the same burst")
    assert (False, 1, 600.0, "refused") == state(breaker)


def test_a_refusal_counts_although_it_was_locked_for_another_reason() -> None:
    """A lock that a count came near to does not hide that the gateway refused."""
    breaker = Breaker(proven=True)
    breaker.lock(0.0, 1800.0, "near")
    breaker.trip(1.0, "refused")
    assert (False, 1, 1800.0, "refused") == state(breaker)
    breaker.trip(601.0, "refused by the probe")
    assert 2401.0 == breaker.locked_until


def test_a_lock_is_never_shortened() -> None:
    """Whatever comes later."""
    breaker = Breaker(proven=True)
    breaker.lock(0.0, 100.0, "one")
    breaker.lock(1.0, 50.0, "other")
    assert (False, 1, 100.0, "other") == state(breaker)


@pytest.mark.parametrize(
    ("now", "granted_at", "proven"),
    [(600.0, 0.1, True), (599.9, 0.1, False), (600.0, 0.0, False), (700.0, -1.0, False), (700.0, 650.0, True)],
)
def test_only_an_answer_from_after_the_lock_proves(now: float, granted_at: float, proven: bool) -> None:
    """The call was admitted after it, and was answered when the pause was over."""
    breaker = Breaker(proven=False)
    breaker.trip(0.0, "refused")
    breaker.prove(now, granted_at)
    assert (proven, proven) == (breaker.proven, breaker.bucket.rule.n > 1)


def test_a_proof_makes_the_next_pause_short_again() -> None:
    """What was refused before is forgiven."""
    breaker = Breaker(proven=False)
    breaker.trip(0.0, "refused")
    breaker.prove(600.0, 600.0)
    breaker.trip(700.0, "refused")
    assert 1300.0 == breaker.locked_until


def test_four_refused_logins_within_half_an_hour_close_the_gateway_until_the_first_is_forgotten() -> None:
    """The fifth would block this machine's address, whatever account it is for."""
    gateway = Gateway()
    for moment in (0.0, 10.0, 20.0):
        gateway.strike(moment)
    assert (True, -FOREVER) == (gateway.breaker.proven, gateway.breaker.locked_until)
    assert 1 == gateway.trials.free(20.0)
    gateway.strike(30.0)
    assert (False, 1, 1800.0) == state(gateway.breaker)[:3]
    assert "one more refused login could block this IP address for 30 minutes" == gateway.breaker.reason
    assert [0, 1] == [gateway.trials.free(now) for now in (1799.9, 1800.0)]


def test_refused_logins_are_forgotten_after_half_an_hour() -> None:
    """Four in more than that are harmless."""
    gateway = Gateway()
    for moment in (0.0, 10.0, 20.0, 1800.0):
        gateway.strike(moment)
    assert gateway.breaker.proven
    gateway.strike(1805.0)
    assert (False, 1810.0) == (gateway.breaker.proven, gateway.breaker.locked_until)


def test_a_fifth_refused_login_prolongs_the_lock() -> None:
    """It is locked until no more than three are remembered."""
    gateway = Gateway()
    for moment in (0.0, 10.0, 20.0, 30.0, 40.0):
        gateway.strike(moment)
    assert 1810.0 == gateway.breaker.locked_until
    assert not gateway.trials.rule.rests


def test_the_answer_is_that_of_whichever_is_locked() -> None:
    """Credentials speak first; at the moment at which a lock ends it is over."""
    credential, gateway = Breaker(proven=False), Gateway()
    parties = Parties(Account(SETTINGS), credential, gateway)
    assert not parties.locked(0.0)
    credential.lock(0.0, 100.0, "credentials")
    gateway.breaker.lock(0.0, 200.0, "address")
    assert [True, True, False] == [parties.locked(now) for now in (99.9, 100.0, 200.0)]
    assert (Locked(100.0, "credentials"), Locked(200.0, "address")) == (parties.lock(99.9), parties.lock(100.0))
    credential.lock(200.0, 300.0, "credentials")
    assert [True, False] == [parties.locked(now) for now in (299.9, 300.0)]


def test_an_outcome_says_in_words_how_a_call_ended() -> None:
    """Each has words, and no two have the same."""
    assert len(Outcome) == len({outcome.value for outcome in Outcome} - {""})


def test_the_numbers_are_named() -> None:
    """Four seconds in a row would be mixed up."""
    with pytest.raises(TypeError):
        Settings(60.0, 1.5, 5.0, 14)  # type: ignore[call-arg]  # that is the mistake
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        SETTINGS.margin = 0.0  # type: ignore[misc]  # likewise
