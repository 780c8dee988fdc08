"""A bucket's arithmetic, at the very moments at which something changes."""

from __future__ import annotations

from typing import Any, Final

import pytest

from smsc_async.guard._bucket import FOREVER, Reason, Recovery, Rule, TokenBucket
from smsc_async.guard._records import Ticket

THREE: Final = Rule("three", Reason.IDENTICAL, 3)
ONE: Final = Rule("one", Reason.IDENTICAL, 1)
SLOTS: Final = Rule("", Reason.SLOTS, 2, rests=False)


def bucket(
    rule: Rule = THREE,
    *homes: float,
    out: int = 0,
    reserved: int = 0,
    recovery: Recovery | None = None,
) -> TokenBucket:
    """Give a bucket whose tokens rest for 60 s."""
    made = TokenBucket(b"key", rule, 60.0)
    for home in homes:
        made.rest_until(home)
    made.out, made.reserved, made.recovery = out, reserved, recovery
    return made


def tickets(made: TokenBucket, count: int) -> list[Ticket]:
    """Give calls that stand in line, numbered from 1."""
    parties: Any = None
    waiting = [Ticket(number + 1, parties, [made], FOREVER, parties, 0.0) for number in range(count)]
    for ticket in waiting:
        made.enter(ticket)
    return waiting


# ------------------------------------------------------------------ tokens


def test_tokens_come_home_at_their_moment() -> None:
    """A token that rests until a moment is free at it, and not before."""
    made = bucket(THREE, 20.0, 10.0, 30.0)
    assert [0, 1, 1, 3] == [made.free(now) for now in (9.9, 10.0, 19.9, 30.0)]
    assert [] == made.homes


def test_what_is_out_reserved_or_resting_is_not_free() -> None:
    """Each takes one of the tokens."""
    assert 0 == bucket(THREE, 10.0, out=1, reserved=1).free(0.0)
    assert -1 == bucket(ONE, 10.0, out=1).free(0.0)


def test_a_new_bucket_is_untouched() -> None:
    """All its tokens are home, nobody waits, and nobody has to look at it."""
    made = TokenBucket(b"key", THREE, 60.0)
    assert (b"key", THREE, 60.0) == (made.key, made.rule, made.window)
    assert (3, 3, FOREVER) == (made.free(0.0), made.capacity(0.0), made.next_change(0.0))
    assert (0, 0, 0, 0, None, FOREVER) == (
        *(made.held, made.out, made.reserved, made.waiting),
        made.recovery,
        made.alarm,
    )


def test_the_next_change_is_the_first_token_that_comes_home_or_the_next_step_of_a_recovery() -> None:
    """Whichever is earlier."""
    assert 10.0 == bucket(THREE, 20.0, 10.0).next_change(0.0)
    assert 10.0 == bucket(THREE, 20.0, 10.0, recovery=Recovery(15.0, 1, FOREVER)).next_change(0.0)
    assert 5.0 == bucket(THREE, 20.0, 10.0, recovery=Recovery(5.0, 1, FOREVER)).next_change(0.0)


def test_an_idle_bucket_may_be_forgotten_when_its_last_token_is_home() -> None:
    """After a refusal it is kept for a quiet window after the pause."""
    assert 5.0 == bucket().forgettable_at(5.0)
    assert 20.0 == bucket(THREE, 10.0, 20.0).forgettable_at(5.0)
    assert 160.0 == bucket(THREE, 20.0, recovery=Recovery(100.0, 1, FOREVER)).forgettable_at(5.0)
    assert 200.0 == bucket(THREE, 200.0, recovery=Recovery(100.0, 1, FOREVER)).forgettable_at(5.0)


def test_what_is_waited_for_is_said_in_words() -> None:
    """Errors, events and log lines show these."""
    assert {
        "IDENTICAL": "identical requests",
        "ACTION": "requests of this action",
        "SUBJECT": "an earlier paid call on the same phone",
        "DOWNLOADS": "downloads in progress",
        "REFUSED": "messages that were refused",
        "PROBATION": "credentials not accepted yet",
        "SLOTS": "requests in flight",
    } == {reason.name: reason.value for reason in Reason}


def test_a_token_rests_unless_its_rule_says_otherwise() -> None:
    """And rules are told apart by identity: two endpoints may have the same."""
    assert THREE.rests
    assert Rule("three", Reason.IDENTICAL, 3) != THREE


# ------------------------------------------------------------------ after a refusal


def test_a_recovery_gives_nothing_then_little_then_one_a_window() -> None:
    """Nothing until the pause is over, the base until the probe came back, and then a token more each window."""
    recovery = Recovery(100.0, 2, 110.0)
    moments = (99.9, 100.0, 109.9, 110.0, 119.9, 120.0, 130.0)
    assert [0, 2, 2, 2, 2, 3, 4] == [recovery.capacity(now, 10.0) for now in moments]
    assert [100.0, 120.0, 120.0, 120.0, 130.0] == [
        recovery.next_rise(now, 10.0) for now in (99.9, 100.0, 109.9, 110.0, 120.0)
    ]


def test_a_recovery_waits_for_its_probe() -> None:
    """Before that it grows at no moment."""
    recovery = Recovery(100.0, 1, FOREVER)
    assert [1, FOREVER] == [recovery.capacity(1e9, 10.0), recovery.next_rise(100.0, 10.0)]
    assert 1 == recovery.strikes


def test_no_step_of_a_recovery_is_missed_by_a_rounding() -> None:
    """Three tenths are three steps of a tenth, and a millionth less are two."""
    recovery = Recovery(-FOREVER, 1, 0.0)
    assert [4, 3] == [recovery.capacity(now, 0.1) for now in (0.1 + 0.2, 0.3 - 1e-6)]
    assert 4 == recovery.capacity(0.3, 0.1)


def test_a_recovery_ends_when_all_tokens_are_back() -> None:
    """From then on the bucket's own limit holds."""
    made = bucket(THREE, recovery=Recovery(0.0, 1, 0.0))
    assert [1, 2] == [made.capacity(59.9), made.free(60.0)]
    assert made.recovery is not None
    assert 3 == made.free(120.0)
    assert made.recovery is None


# ------------------------------------------------------------------ the line


def test_a_line_is_served_by_number() -> None:
    """Whoever comes back into line stands where its number says."""
    made = bucket()
    first, second, third = tickets(made, 3)
    made.leave(first)
    made.enter(first)
    assert [first, second, third] == [made.call_next() for _ in range(3)]
    assert (0, None, None) == (made.waiting, first.place, first.entry)


def test_who_left_is_skipped() -> None:
    """Its entry stays for a while, and counts for nothing."""
    made = bucket()
    first, second, third = tickets(made, 3)
    first.alarm = 5.0
    made.leave(first)
    made.leave(second)
    assert (1, [third], None, None, FOREVER) == (made.waiting, made.in_line(), first.place, first.entry, first.alarm)
    assert third is made.call_next()


@pytest.mark.parametrize(("came", "left", "entries"), [(8, 8, 8), (9, 8, 9), (9, 9, 0), (12, 10, 12), (12, 11, 1)])
def test_a_line_is_swept_when_most_entries_count_for_nothing(came: int, left: int, entries: int) -> None:
    """At most twice as many entries are kept as calls wait, and eight."""
    made = bucket()
    waiting = tickets(made, came)
    for ticket in waiting[:left]:
        made.leave(ticket)
    assert (entries, came - left) == (len(made.line), made.waiting)
    assert waiting[left:] == sorted(made.in_line(), key=lambda ticket: ticket.number)


def test_a_swept_line_keeps_its_order() -> None:
    """What is left of it is a heap again."""
    made = bucket()
    waiting = tickets(made, 40)
    for ticket in (*waiting[:10], *waiting[11:39:2], *waiting[12:22:2]):
        made.leave(ticket)
    stayed = sorted(made.in_line(), key=lambda ticket: ticket.number)
    assert stayed == [made.call_next() for _ in range(made.waiting)]


# ------------------------------------------------------------------ how long it takes

PAUSE: Final = Recovery(100.0, 1, FOREVER)
EARLIEST: Final = {
    "a free token": (bucket(), 0, (0.0, FOREVER)),
    "the last free token": (bucket(), 2, (0.0, FOREVER)),
    "the token of the first, again": (bucket(), 3, (60.0, 0.0)),
    "and once more": (bucket(), 7, (120.0, 0.0)),
    "one that rests": (bucket(THREE, 10.0, 20.0, 30.0), 0, (10.0, FOREVER)),
    "the last that rests": (bucket(THREE, 10.0, 20.0, 30.0), 2, (30.0, FOREVER)),
    "one that rested, again": (bucket(THREE, 10.0, 20.0, 30.0), 4, (80.0, 20.0)),
    "one that is out": (bucket(THREE, out=2, reserved=1), 0, (60.0, 0.0)),
    "one that is free, beside one that is out": (bucket(THREE, 10.0, out=1), 0, (0.0, FOREVER)),
    "one that rests, beside one that is out": (bucket(THREE, 10.0, out=1), 1, (10.0, FOREVER)),
    "one that was free, or one that is out": (bucket(THREE, 10.0, out=1), 2, (60.0, FOREVER)),
    "one that is out, and none before": (bucket(THREE, 10.0, out=1), 3, (60.0, 0.0)),
    "one that rests for long": (bucket(THREE, 10.0, 100.0, 200.0), 2, (100.0, 10.0)),
    "one again, before those that rest for long": (bucket(THREE, 10.0, 100.0, 200.0), 1, (70.0, 10.0)),
    "one that rests as long as another twice": (bucket(THREE, 0.5, 0.5, 60.5), 3, (60.5, 0.5)),
    "after a pause": (bucket(THREE, recovery=PAUSE), 0, (100.0, FOREVER)),
    "after a pause, and a rest": (bucket(THREE, 10.0, 20.0, 130.0, recovery=PAUSE), 2, (130.0, FOREVER)),
    "after a pause, one that is out": (bucket(THREE, out=3, recovery=PAUSE), 0, (100.0, 0.0)),
    "after a pause that is over": (bucket(THREE, recovery=Recovery(-5.0, 1, FOREVER)), 0, (0.0, FOREVER)),
    "more out than there are": (bucket(ONE, out=2), 0, (60.0, 0.0)),
    "more gone than there are": (bucket(ONE, 70.0, out=1), 0, (70.0, FOREVER)),
    "more resting than there are": (bucket(ONE, 10.0, 30.0), 0, (30.0, FOREVER)),
    "a slot": (bucket(SLOTS, out=2), 5, (0.0, FOREVER)),
    "a slot that lingers, and one that does not": (bucket(SLOTS, 5.0), 5, (0.0, FOREVER)),
    "slots that linger": (bucket(SLOTS, 5.0, 9.0), 0, (5.0, FOREVER)),
    "more slots that linger than there are": (bucket(SLOTS, 5.0, 9.0, 12.0), 0, (9.0, FOREVER)),
    "a slot after a pause": (bucket(SLOTS, 5.0, 9.0, recovery=PAUSE), 0, (100.0, FOREVER)),
}


@pytest.mark.parametrize(("made", "ahead", "expected"), EARLIEST.values(), ids=EARLIEST.keys())
def test_the_earliest_moment_is_as_if_everything_went_at_once(
    made: TokenBucket, ahead: int, expected: tuple[float, float]
) -> None:
    """Those before are sent and answered in no time; the bound grows where it counts on an answer."""
    assert expected == made.earliest(0.0, ahead)


def test_the_earliest_moment_counts_no_token_twice() -> None:
    """What has come home by now is free, and no longer on its way."""
    assert (50.0, FOREVER) == bucket(THREE, 10.0, 20.0, 30.0).earliest(50.0, 2)
