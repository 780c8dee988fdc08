"""The table of what may be repeated, row by row, against a second copy of the design's own words."""

from __future__ import annotations

from itertools import product

import pytest

from smsc_async._endpoint import OnDuplicate, Replay
from smsc_async._verdict import Happened, Pause, Verdict, judge

# The design's table, section 6: what happened -> reads, sets a value, pays. What is raised where nothing is repeated is
# the answer's to say (tests/session/test_answer.py).
TABLE = {
    Happened.NOT_SENT: ("repeat", "repeat", "repeat"),
    Happened.CONCURRENCY: ("repeat with back-off", "repeat with back-off", "repeat with back-off"),
    Happened.LOST: ("repeat", "repeat", "never"),
    Happened.REDIRECTED: ("never", "never", "never"),
    Happened.UNREADABLE: ("never", "never", "never"),
    Happened.OUT_OF_TIME: ("never", "never", "never"),
    Happened.REFUSED: ("never", "never", "never"),
}
MEANING = {
    "repeat": Verdict(Pause.BACK_OFF, other_host=True),
    "repeat with back-off": Verdict(Pause.SLOTS, other_host=False),
    "never": Verdict(None, other_host=False),
}
KINDS = (Replay.READ, Replay.SET, Replay.IF_NOT_DONE)


@pytest.mark.parametrize(
    ("happened", "replay", "words"),
    [(happened, replay, words) for happened, row in TABLE.items() for replay, words in zip(KINDS, row, strict=True)],
)
@pytest.mark.parametrize("on_duplicate", OnDuplicate)
@pytest.mark.parametrize("done_before", [False, True])
def test_each_cell_says_what_the_design_says(
    happened: Happened,
    replay: Replay,
    words: str,
    on_duplicate: OnDuplicate,
    done_before: bool,
) -> None:
    """Every cell, whatever duplicates mean for the endpoint."""
    assert MEANING[words] == judge(happened, replay, on_duplicate, done_before=done_before)


@pytest.mark.parametrize(
    ("on_duplicate", "done_before", "pause"),
    [
        (OnDuplicate.REPEAT, False, Pause.GUARD),
        (OnDuplicate.REPEAT, True, Pause.GUARD),
        (OnDuplicate.UNLESS_DONE, False, Pause.GUARD),
        (OnDuplicate.UNLESS_DONE, True, None),
        (OnDuplicate.NEVER, False, None),
        (OnDuplicate.NEVER, True, None),
    ],
)
@pytest.mark.parametrize("replay", Replay)
def test_a_duplicate_is_repeated_when_the_minute_is_over_or_never(
    on_duplicate: OnDuplicate,
    done_before: bool,
    pause: Pause | None,
    replay: Replay,
) -> None:
    """Never for a sending, and not for a rent whose phone was rented before or may have been."""
    assert Verdict(pause, other_host=False) == judge(Happened.DUPLICATE, replay, on_duplicate, done_before=done_before)


def test_the_table_knows_everything_that_can_happen() -> None:
    """No ending of an attempt is without a verdict, for any endpoint."""
    for happened, replay, on_duplicate in product(Happened, Replay, OnDuplicate):
        for done_before in (False, True):
            assert isinstance(judge(happened, replay, on_duplicate, done_before=done_before), Verdict)


def test_a_call_that_pays_is_repeated_only_on_proof() -> None:
    """The only endings after which a paid call goes out again are: not sent, and the gateway's own error 9."""
    repeated = {
        happened
        for happened, on_duplicate in product(Happened, OnDuplicate)
        if judge(happened, Replay.IF_NOT_DONE, on_duplicate, done_before=False).pause is not None
    }
    assert {Happened.NOT_SENT, Happened.CONCURRENCY, Happened.DUPLICATE} == repeated
