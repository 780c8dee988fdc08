"""Messages of processes that are killed are sent once, and the proof would see it if they were not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from smsc_async.simulator import Fate, Message
from smsc_async.simulator.kinds import SMS
from tests.proof.asked import needs_fork, proof
from tests.proof.deliveries.witness import Line, Witness
from tests.proof.sends.campaign import draw_campaign
from tests.proof.sends.judge import judge
from tests.proof.sends.life import Kept, kept_in


@needs_fork
def test_no_message_is_sent_twice_and_none_is_lost() -> None:
    """Ten kills, at a gateway that refuses repeats, and at one that does not."""
    code, output = proof("sends", "--kills", "10", "--of-one", "5")
    assert 0 == code, output
    assert "10 kills in 2 campaigns" in output
    assert "0 with a broken promise" in output


@needs_fork
@pytest.mark.parametrize("name", ["sends-again", "keeps-afterwards"])
def test_a_wrong_worker_is_noticed(name: str) -> None:
    """
    A worker with one protection less sends twice, loses, or says what is not so, in one of the first campaigns.

    Two of them; ``nox -s proof`` tries all, at half a minute each.
    """
    code, output = proof("sends", "zoo", "--wrong", name)
    assert 0 == code, output
    assert output.startswith(name)
    assert "stuck" not in output


def test_every_other_gateway_refuses_repeats() -> None:
    """The promise must not need a gateway that takes a repeat for one."""
    assert [False, True] * 3 == [draw_campaign(seed, 1).duplicates for seed in range(1, 7)]


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    """In order, with all that is needed to look for a message and to send it; a line that a kill has torn is none."""
    path = tmp_path / "notes"
    assert ([], set()) == kept_in(path)
    witness = Witness(path, 3)
    witness.note("kept", key="b", more="380501 Your code is 1")
    witness.note("kept", key="a", more="380502 Your code is 2")
    witness.note("sent", key="b")
    witness.close()
    with path.open("ab") as file:
        file.write(b'\n{"life": 3, "what": "kept", "key": "c"')
    assert ([Kept("b", "380501", "Your code is 1"), Kept("a", "380502", "Your code is 2")], {"b"}) == kept_in(path)


def noted(what: str, key: str, moment: float = 10.0) -> Line:
    """Give a line of a process's file."""
    return Line(life=0, moment=moment, what=what, key=key)


def taken(message_id: str, phone: str, at: float = 5.0) -> Message:
    """Give a message that the gateway took."""
    return Message(
        number=1,
        login="sender",
        id=message_id,
        own_id=True,
        phone=phone,
        text="Your code is 1",
        kind=SMS,
        sender="SMSC",
        cost=Decimal("0.50"),
        count=1,
        accepted_at=at,
        due=at,
        expires=at + 60.0,
        changed_at=at,
        fate=Fate(),
    )


GOOD = [noted("kept", "a"), noted("sent", "a"), noted("kept", "b"), noted("found", "b"), noted("sent", "b")]
BOTH = [taken("a", "380501"), taken("b", "380502")]


@pytest.mark.parametrize(
    ("lines", "messages", "complaints"),
    [
        (GOOD, BOTH, []),
        (GOOD, [*BOTH, taken("b", "380502")], ["twice"]),
        (GOOD, [*BOTH, taken("c", "380502")], ["twice", "not kept"]),
        (GOOD, BOTH[:1], ["missing"]),
        (GOOD, [BOTH[0], taken("b", "380502", at=11.0)], ["too early"]),
        (GOOD[:4], BOTH, ["left open"]),
        (GOOD[1:], BOTH, ["not kept"]),
    ],
)
def test_a_story_is_judged_by_the_gateways_books(
    lines: list[Line], messages: list[Message], complaints: list[str]
) -> None:
    """A message that was taken twice, is missing, was said to be sent before it was, or is left open."""
    assert complaints == [complaint.partition(":")[0] for complaint in judge(lines, messages)]
