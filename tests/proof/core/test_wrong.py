"""The proofs detect: policies that break a promise are found, and one is told how to see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from smsc_async.guard._policy import Policy
from tests.proof.core import OPERATIONS, Violation, check_policy, running, wrong
from tests.proof.core.ledgers import RowLedger
from tests.proof.core.replaying import replay, shortened
from tests.proof.core.schedules import PROFILES
from tests.proof.core.searching import SCOPES, search
from tests.proof.core.wrong import WRONG

ROUNDS = 2  # of every profile
STATES = 3_000  # at the most; each is found long before

# Where few moves are enough. What needs more keys than a small world has, only the random schedules find.
FOUND_IN = {
    wrong.ChargedFromAdmission: "two keys",
    wrong.UnknownIsFree: "two keys",
    wrong.Fifteen: "everything",
    wrong.NoLateness: "two keys",
    wrong.NoMargin: "two keys",
    wrong.Sluggish: "two keys",
    wrong.NobodyCalled: "two keys",
    wrong.LastComeFirstServed: "two keys",
    wrong.DeafToAlarms: "two keys",
    wrong.AlarmLost: "two keys",
    wrong.ReservationLeaked: "two keys",
    wrong.ForkForgets: "forks",
    wrong.ForkedTwice: "forks",
    wrong.NoPenalty: "penalties",
    wrong.NoHalving: "crowds",
    wrong.NoBreaker: "locks",
    wrong.NoProbation: "everything",
    wrong.Faint: "hurry",
    wrong.Patient: "hurry",
    wrong.RefusalsAreFree: "messages",
    wrong.LostIsNoRefusal: "messages",
    wrong.UnreadableIsNoRefusal: "messages",
    wrong.NothingForgiven: "messages",
    wrong.AllForgiven: "messages",
    wrong.APriceForgives: "messages",
    wrong.ForgivenAtTheSameMoment: "messages",
    wrong.AHundred: "messages",
    wrong.RefusalsForgottenEarly: "messages",
    wrong.LostIsRefusedAtOnce: "messages",
    wrong.RowsOfOneAccount: "whoever sends",
    wrong.ForkForgetsMessages: "whoever sends",
    wrong.WaitsInVain: "messages in a hurry",
}

# Those that let a hundred messages in a row be refused.
BLOCKED = (
    wrong.RefusalsAreFree,
    wrong.LostIsNoRefusal,
    wrong.UnreadableIsNoRefusal,
    wrong.AllForgiven,
    wrong.ForgivenAtTheSameMoment,
    wrong.AHundred,
    wrong.RefusalsForgottenEarly,
    wrong.LostIsRefusedAtOnce,
    wrong.RowsOfOneAccount,
    wrong.ForkForgetsMessages,
)


@pytest.mark.parametrize("policy", WRONG)
def test_a_wrong_policy_is_found_by_random_schedules(policy: type[Policy]) -> None:
    """Each wrong policy breaks a promise in one of a few schedules, and the command to see it is told."""
    with pytest.raises(Violation) as caught:
        check_policy(policy, range(ROUNDS * len(PROFILES)))
    assert "python -m tests.proof.core replay --seed " in caught.value.__notes__[0]


@pytest.mark.parametrize(("policy", "name"), FOUND_IN.items())
def test_a_wrong_policy_is_found_by_the_search(policy: type[Policy], name: str) -> None:
    """Most wrong policies break a promise after few moves, and the moves are told."""
    scope = next(scope for scope in SCOPES if scope.name == name)
    with pytest.raises(Violation) as caught:
        search(scope, STATES, policy)
    assert caught.value.__notes__[0].startswith(f"scope {name!r}: ('ask', ")


@pytest.mark.parametrize("policy", BLOCKED)
def test_whoever_counts_notices_a_hundred_in_a_row(policy: type[Policy], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks into the policy's books, the ledger complains; and where there is none, the second count."""
    senders = [number for number, profile in enumerate(PROFILES) if profile.name.startswith("refused")]
    seeds = [number + round_ * len(PROFILES) for round_ in range(6) for number in senders]
    monkeypatch.setattr(running, "audit", lambda play: None)
    with pytest.raises(Violation, match=r"^row: 100 messages"):
        check_policy(policy, seeds)
    monkeypatch.setattr(RowLedger, "admit", lambda row, now: 0)
    with pytest.raises(Violation, match=r"^recount: 100 messages"):
        check_policy(policy, seeds)


def test_a_schedule_is_made_short() -> None:
    """Of a schedule that breaks a promise what does not matter is left out, and what stays breaks the same one."""
    steps = shortened(wrong.UnknownIsFree, 0, OPERATIONS)
    violation, story = replay(wrong.UnknownIsFree, 0, OPERATIONS, steps)
    assert "window" == str(violation).split(":")[0]
    assert len(steps) <= 6
    assert "UNKNOWN" in "".join(story)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("random", "--operations", "2000"), "| admitted at once |"),
        (("exhaust", "--states", "100", "--scope", "two keys"), "| two keys | 10"),
        (("replay", "--seed", "1"), "no violation"),
    ],
    ids=["random", "exhaust", "replay"],
)
def test_the_long_proofs_run(words: tuple[str, ...], told: str) -> None:
    """Each command ends well, and tells what it has seen."""
    command = [sys.executable, "-m", "tests.proof.core", *words]
    run = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stderr)
    assert told in run.stdout
