"""Paid once: whatever befalls a paid call at whatever byte, it is carried out once at most, and never in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.proof.edges.audit import audit, audit_refused, audit_unsent
from tests.proof.edges.paid import ACTIONS, Ledger

if TYPE_CHECKING:
    from tests.proof.edges.audit import Backend

REGIONS = ("nothing", "head", "whole head", "body", "the whole")


def whole(ledger: Ledger) -> Ledger:
    """Assert that no promise was broken, and give the ledger back."""
    assert not ledger.broken, "\n".join(ledger.broken)
    return ledger


@pytest.mark.parametrize(("action", "turns"), [("rent", 1), ("request", 5), ("send", 3)])
def test_a_paid_call_cut_anywhere_is_paid_once_and_never_in_silence(action: str, turns: int) -> None:
    """
    Cut, reset, silenced, dripped or garbled at every byte either way, in turn, and under many statuses and bodies.

    What was carried out and lost is `OutcomeUnknown`; what is called not sent was not carried out; a value is true.
    """
    ledger = whole(audit(action, every=16, turns=turns, sample=9))
    assert ledger.calls >= 600 // turns
    for side, endings in (("request", ("reset", "close")), ("reply", ("reset", "close", "hang", "noise"))):
        for ending in endings:
            for region in REGIONS:
                assert ledger.total(fault=f"{side}, {ending}", region=region), (side, ending, region)
    # Each kind of end was met often: without them, "no promise was broken" says little.
    found = action == "send"  # a message whose answer was lost is looked for, and mostly found
    assert ledger.total(outcome="unknown, done") >= (60 if found else 180) // turns
    assert ledger.total(outcome="unknown, not done") >= 300 // turns
    assert ledger.total(outcome="value, done") >= (180 // turns if found else 10)
    assert ledger.total(outcome="not sent, not done") == 0  # the bytes had left, so nobody can say so


@pytest.mark.parametrize("action", ACTIONS)
def test_the_same_on_trio(action: str) -> None:
    """A sample of the mishaps ends in the same way in the other event loop library."""
    ledger = whole(audit(action, "trio", every=16, turns=17, sample=50))
    assert ledger.calls >= 70
    done = ledger.total(outcome="unknown, done") + ledger.total(outcome="value, done") * (action == "send")
    assert done >= 30
    assert ledger.total(outcome="unknown, not done") >= 30


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("action", ACTIONS)
def test_what_was_refused_by_number_was_not_done(action: str, backend: Backend) -> None:
    """An error number is final, or the call is made again, as when others had the connections; it is never unknown."""
    ledger = whole(audit_refused(action, backend))
    assert 12 == ledger.calls
    assert ledger.total(outcome="refused, not done") >= 10
    assert 12 == ledger.total(outcome="refused, not done") + ledger.total(outcome="value, done")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("action", ACTIONS)
def test_what_provably_was_not_written_is_made_again_or_not_sent(action: str, backend: Backend) -> None:
    """Where nobody is there or TLS is cut at any byte, the call is made once more, or `NotSent`; never unknown."""
    ledger = whole(audit_unsent(action, backend, every=47))
    assert ledger.total(outcome="value, done") >= 30
    assert ledger.total(outcome="not sent, not done") >= 14
    for fault in ("TLS: handshake, close", "TLS: handshake, reset"):
        for region in ("hello", "certificate"):
            assert ledger.total(fault=fault, region=region)
