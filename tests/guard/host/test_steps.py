"""Steps as lines: what is written is read again, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from smsc_async.guard import _steps
from smsc_async.guard._breaker import Breaker
from smsc_async.guard._bucket import FOREVER, Reason, Recovery, Rule, TokenBucket
from smsc_async.guard._steps import Damaged, read_steps, write_steps

STEPS = [["g", 1.5, "a-1", ["x"], {"ї": None}], ["f", 2.0, -FOREVER, FOREVER]]


def test_what_is_written_is_read_again() -> None:
    """All of it, to the last byte, and never is too."""
    data = write_steps(STEPS)
    assert (STEPS, len(data)) == read_steps(data)


def test_nothing_is_no_step() -> None:
    """An empty file has none."""
    assert ([], 0) == read_steps(b"")
    assert b"" == write_steps([])


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_last_line_that_was_cut_off_is_left_out(cut: int) -> None:
    """Its writer was killed."""
    data = write_steps(STEPS)
    assert (STEPS[:1], len(write_steps(STEPS[:1]))) == read_steps(data[:-cut])


@pytest.mark.parametrize(
    "line",
    [b"\n", b"x\n", b"00000000 [1]\n", b"zzzzzzzz [1]\n", b"0123456\n", write_steps([[1]]).replace(b"[1]", b"[2]")],
)
def test_a_line_that_is_not_as_it_was_written_is_damage(line: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(Damaged):
        read_steps(write_steps(STEPS) + line + write_steps(STEPS))


def test_a_line_that_is_no_step_is_damage() -> None:
    """Even where its checksum is right."""
    line = b"%08x {\n" % __import__("zlib").crc32(b"{")
    with pytest.raises(Damaged):
        read_steps(line)


def test_rules_come_back_as_the_same() -> None:
    """One for all buckets of it."""
    rule = Rule("numbers.rent", Reason.SUBJECT, 1, rests=False)
    data = _steps.save_rule(rule)
    loaded = _steps.load_rule(data)
    assert (rule.endpoint, rule.reason, rule.n, rule.rests) == (loaded.endpoint, loaded.reason, loaded.n, loaded.rests)
    assert loaded is _steps.load_rule(list(data))


def test_recoveries_come_back() -> None:
    """All that they are, or none."""
    bucket = TokenBucket(b"", Rule("x", Reason.IDENTICAL, 2), 60.0)
    assert _steps.load_recovery(_steps.save_recovery(bucket)) is None
    bucket.recovery = Recovery(5.0, 1, FOREVER)
    bucket.recovery.strikes = 3
    loaded = _steps.load_recovery(_steps.save_recovery(bucket))
    assert loaded is not None
    assert (5.0, 1, FOREVER, 3) == (loaded.blocked_until, loaded.base, loaded.rises_from, loaded.strikes)


def test_breakers_come_back() -> None:
    """Tripped or proven, with the pauses they had."""
    tripped, proven = Breaker(proven=True), Breaker(proven=True)
    tripped.trip(10.0, "why")
    for breaker in (tripped, proven):
        loaded = Breaker(proven=False)
        _steps.load_breaker(loaded, _steps.save_breaker(breaker))
        assert _steps.save_breaker(breaker) == _steps.save_breaker(loaded)
        assert breaker.bucket.rule is loaded.bucket.rule
