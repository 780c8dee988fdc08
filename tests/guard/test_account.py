"""What is kept of a key, and when it is forgotten."""

from __future__ import annotations

import pytest

from smsc_async.guard._account import Account
from smsc_async.guard._breaker import Breaker
from smsc_async.guard._bucket import FOREVER, Recovery, TokenBucket
from smsc_async.guard._records import Settings
from tests.guard.demands import PAIR

SETTINGS = Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14)


@pytest.fixture
def account() -> Account:
    """An account that nobody has used."""
    return Account(SETTINGS)


def used(account: Account, key: bytes, *homes: float) -> TokenBucket:
    """Give the bucket of a key to one call, with tokens that come home later."""
    bucket = account.fetch(key, PAIR, SETTINGS.rest, 0.0)
    bucket.held += 1
    for home in homes:
        bucket.rest_until(home)
    return bucket


def test_an_account_begins_with_its_slots(account: Account) -> None:
    """They rest for no time, and recover in steps of the gateway's minute."""
    slots = account.slots
    assert (b"", 14, False, 60.0) == (slots.key, slots.rule.n, slots.rule.rests, slots.window)
    assert ({}, {}, FOREVER, -FOREVER) == (account.busy, account.resting, account.forgets_at, account.cut_at)
    assert [slots] == list(account.buckets())


def test_calls_of_a_key_share_its_bucket(account: Account) -> None:
    """As long as one refers to it, it stays."""
    bucket = used(account, b"key")
    bucket.held += 1
    assert (b"key", PAIR, 61.5) == (bucket.key, bucket.rule, bucket.window)
    account.let_go([bucket])
    assert {b"key": bucket} == account.busy
    account.let_go([bucket])
    assert ({}, {}) == (account.busy, account.resting)


def test_of_a_key_at_rest_its_tokens_are_kept(account: Account) -> None:
    """Its next call finds them where they were."""
    account.let_go([used(account, b"key", 20.0, 10.0)])
    assert ({}, {b"key": (PAIR, 10.0, 20.0)}) == (account.busy, account.resting)
    bucket = used(account, b"key")
    assert ([10.0, 20.0], 61.5, {}) == (bucket.homes, bucket.window, account.resting)
    assert {b"key": bucket} == account.busy


def test_after_a_refusal_all_of_a_key_is_kept(account: Account) -> None:
    """The pause and its probe outlive the call."""
    bucket = used(account, b"key")
    bucket.recovery = Recovery(100.0, 1, FOREVER)
    account.let_go([bucket])
    assert {b"key": bucket} == account.resting
    assert bucket is used(account, b"key")


def test_letting_go_of_what_is_not_the_keys_changes_nothing(account: Account) -> None:
    """A bucket from before a fork, or the slots, may have no key here."""
    bucket = used(account, b"key", 10.0)
    stranger = TokenBucket(b"key", PAIR, 61.5)
    stranger.held = 1
    account.slots.held = 1
    account.let_go([stranger, account.slots])
    assert ({b"key": bucket}, {}) == (account.busy, account.resting)


def test_keys_are_forgotten_when_their_tokens_are_home_two_at_a_time(account: Account) -> None:
    """In the order in which they came to rest, and each when its last token is home."""
    for number, home in enumerate((10.0, 20.0, 5.0, 40.0)):
        account.let_go([used(account, b"%d" % number, home - 5.0, home)])
    assert -FOREVER == account.forgets_at
    account.forget(9.9)
    assert (4, 10.0) == (len(account.resting), account.forgets_at)
    account.forget(10.0)
    assert ([b"1", b"2", b"3"], 20.0) == (list(account.resting), account.forgets_at)
    account.forget(30.0)
    assert [b"3"] == list(account.resting)
    account.forget(40.0)
    assert ({}, FOREVER) == (account.resting, account.forgets_at)


def test_a_refused_key_is_forgotten_a_quiet_window_after_its_pause(account: Account) -> None:
    """Until then the next refusal would double the pause."""
    bucket = used(account, b"key", 10.0)
    bucket.recovery = Recovery(100.0, 1, FOREVER)
    account.let_go([bucket])
    account.forget(161.4)
    assert 161.5 == account.forgets_at
    account.forget(161.5)
    assert {} == account.resting


def test_a_key_that_comes_to_rest_is_looked_at_soon_only_if_none_was(account: Account) -> None:
    """The one that has rested longest says when to look; another does not change that."""
    account.let_go([used(account, b"one", 10.0)])
    account.forget(0.0)
    account.let_go([used(account, b"two", 5.0)])
    assert 10.0 == account.forgets_at
    account.let_go([used(account, b"one")])
    assert -FOREVER == account.forgets_at


def test_an_account_in_use_is_not_idle(account: Account) -> None:
    """A key, a slot, a waiting call, a token on its way and a lock are each worth keeping."""
    assert account.idle(0.0)
    bucket = used(account, b"key", 10.0, 20.0)
    assert not account.idle(0.0)
    account.let_go([bucket])
    assert [False, True] == [account.idle(now) for now in (19.9, 20.0)]
    account.slots.out = 1
    assert not account.idle(20.0)
    account.slots.out = 0
    account.slots.waiting = 1
    assert not account.idle(20.0)
    account.slots.waiting = 0
    account.slots.rest_until(30.0)
    assert [False, True] == [account.idle(now) for now in (29.9, 30.0)]
    breaker = account.credentials["credential"] = Breaker(proven=False)
    breaker.trip(30.0, "refused")
    assert [False, True] == [account.idle(now) for now in (629.9, 630.0)]


def test_calls_wait_at_keys_for_slots_and_for_credentials(account: Account) -> None:
    """Each of these is a place where a call may stand in line."""
    bucket = used(account, b"key")
    breaker = account.credentials["credential"] = Breaker(proven=False)
    assert [account.slots, bucket, breaker.bucket] == list(account.buckets())


def test_what_is_over_by_the_time_is_charged_no_more(account: Account) -> None:
    """A refused key after a quiet window, though nobody has forgotten it yet."""
    bucket = used(account, b"key", 5.0)
    bucket.recovery = Recovery(10.0, base=1, rises_from=FOREVER)
    account.let_go([bucket])
    over = 10.0 + bucket.window
    assert [bucket] == list(account.charged(SETTINGS.rest, over - 1.0))
    assert [] == list(account.charged(SETTINGS.rest, over))
    assert account.take(b"key", PAIR, SETTINGS.rest, over).recovery is None
