"""The script, step by step on a moved clock; beside the differential proof, what the policy has no word for."""

from __future__ import annotations

import pytest
import redis

from tests.guard.redis.moved import FENCE, HASH, MovedServer
from tests.guard.redis.servers import Server
from tests.proof.redis.differential import compare
from tests.proof.redis.wrong import chosen

LEASE = 31.0  # seconds: an exchange, and its grace
LATENESS = 5.0
REST = 61.5
ACCEPTED = ["DONE"]


@pytest.fixture
def known(moved: MovedServer) -> MovedServer:
    """A server that has known the account for long."""
    moved.begin()
    return moved


def test_script_and_policy_agree(server: Server) -> None:
    """Random steps on the same clock get the same answers, and leave the same state (R20)."""
    met = compare(server, 4_000, chosen())
    assert {"GRANT", "WAIT", "LOCKED", "DONE", "LATE", "AGAIN"} == set(met)


# Leases ---------------------------------------------------------------------------------------------------------------


def test_slots_of_a_dead_process_come_back_when_its_leases_and_the_lateness_are_over(known: MovedServer) -> None:
    """Fourteen leases that nobody gives back hold their slots until the last may be over, and no longer (R1)."""
    for number in range(14):
        assert ["GRANT"] == known.take(f"dead.{number}")
    assert "WAIT" == known.take("other.1")[0]
    known.move(LEASE + LATENESS - 0.001)
    assert "WAIT" == known.take("other.2")[0]
    known.move(0.001)
    assert ["GRANT"] == known.take("other.3")


def test_tokens_of_a_dead_process_rest_a_minute_more(known: MovedServer) -> None:
    """The token of a lease that nobody gives back counts as that of a call without an answer (R1, R13)."""
    assert ["GRANT"] == known.take("dead.1", key="same", n=1)
    known.move(LEASE + LATENESS + REST - 0.001)
    assert "WAIT" == known.take("other.1", key="same", n=1)[0]
    known.move(0.001)
    assert ["GRANT"] == known.take("other.2", key="same", n=1)


def test_a_lease_given_back_too_late_is_charged_once_more(known: MovedServer) -> None:
    """Its minute begins when it was given back, whatever was charged before, and an alarm is counted (R3)."""
    known.take("slow.1", key="same", n=1)
    known.move(LEASE + LATENESS + REST)
    assert ["LATE"] == known.finish("slow.1", "ANSWERED", key="same", n=1)
    assert "1" == known.client.hget(HASH, "late")
    known.move(REST - 0.001)
    assert "WAIT" == known.take("other.1", key="same", n=1)[0]
    known.move(0.001)
    assert ["GRANT"] == known.take("other.2", key="same", n=1)


def test_the_same_lease_asked_again_is_the_same_grant(known: MovedServer) -> None:
    """Whoever lost the answer asks again, and nothing more is taken (R12)."""
    assert [["GRANT"], ["GRANT"]] == [known.take("m.1", key="same"), known.take("m.1", key="same")]
    assert 1 == known.client.hget(HASH, "s").count("m.1 ")
    assert 1 == known.client.hget(HASH, "b:same").count("m.1 ")


def test_a_lease_given_back_twice_is_charged_once(known: MovedServer) -> None:
    """Whoever does not know whether it was told, tells it again (R13)."""
    known.take("m.1", key="same")
    assert [["DONE"], ["AGAIN"]] == [known.finish("m.1", key="same"), known.finish("m.1", key="same")]
    assert ["GRANT"] == known.take("m.2", key="same")


def test_a_question_that_comes_after_its_end_is_nobodys_and_ends_by_itself(known: MovedServer) -> None:
    """Reordered on the way, it takes a slot until its lease is over (R14)."""
    assert ["LATE"] == known.finish("m.1", "UNSENT", key="same", n=1)
    assert ["GRANT"] == known.take("m.1", key="same", n=1)
    assert "WAIT" == known.take("m.2", key="same", n=1)[0]
    known.move(LEASE + LATENESS + REST)
    assert ["GRANT"] == known.take("m.3", key="same", n=1)


# Fences ---------------------------------------------------------------------------------------------------------------


def test_an_account_that_nobody_remembers_is_fenced(moved: MovedServer) -> None:
    """A new hash may be one that was lost: nothing is granted until what it may have granted cannot matter (R4, R8)."""
    assert ["FENCED", 97_500] == moved.take("m.1")
    moved.move(FENCE - 0.001)
    assert ["FENCED", 1] == moved.take("m.2")
    moved.move(0.001)
    assert ["GRANT"] == moved.take("m.3")


def test_files_are_fenced_for_longer_and_may_hold_their_slots_meanwhile(moved: MovedServer) -> None:
    """A file that is being read when all is forgotten may go on for ten minutes; so many slots are not given away."""
    moved.take("m.0")
    moved.move(FENCE)
    assert "FENCED" == moved.take("m.1", lasts=600_000)[0]
    moved.client.hset(HASH, "k:cred", "1 0 0 0 0 -")
    answers = [moved.take(f"m.{number}")[0] for number in range(2, 16)]
    assert ["GRANT"] * 10 + ["WAIT"] * 4 == answers
    moved.move(600.0 + 1.0 + LATENESS + REST - FENCE)
    assert ["GRANT"] == moved.take("m.20", lasts=600_000)


def test_a_lost_account_is_fenced_whoever_lost_it(known: MovedServer) -> None:
    """FLUSHALL, eviction and DEL lose all of it or nothing, and that is seen (R8)."""
    known.client.delete(HASH)
    assert ["FENCED", 97_500] == known.take("m.1")


def test_another_server_is_fenced(known: MovedServer) -> None:
    """The hash is there, and the server that wrote it was another one: it may be old (R5, R6)."""
    known.client.hset(HASH, "rid", "0" * 40)
    assert ["FENCED", 97_500] == known.take("m.1")


def test_a_clock_set_forward_is_found_and_fenced(known: MovedServer) -> None:
    """What the client's own clock says tells a step from time that has passed (R9)."""
    seen = known.now
    known.step_clock(100.0)
    assert ["LOOK"] == known.take("m.1", seen=seen, elapsed=0)
    assert ["FENCED", 97_500] == known.take("m.1", seen=seen, elapsed=0, sure=1)
    assert ["FENCED", 97_500] == known.take("n.1")


def test_a_step_that_was_found_is_not_found_again(known: MovedServer) -> None:
    """Each process finds the step when it asks next, and the fence is not made longer by that (R9)."""
    seen = known.now
    known.step_clock(100.0)
    known.take("m.1", seen=seen, sure=1)
    known.move(FENCE)
    assert ["GRANT"] == known.take("n.1", seen=seen, elapsed=97_500)


def test_time_that_has_passed_is_no_step(known: MovedServer) -> None:
    """Neither is what the two clocks may differ by: half a second, and a part in a thousand (R9)."""
    seen = known.now
    known.move(1000.0)
    assert ["GRANT"] == known.take("m.1", seen=seen, elapsed=1_000_000)
    known.step_clock(1.4)
    assert ["GRANT"] == known.take("m.2", seen=seen, elapsed=1_000_000)


def test_a_clock_set_back_only_makes_wait(known: MovedServer) -> None:
    """Time stands still until it has caught up (R10)."""
    known.take("m.1", key="same", n=1)
    known.finish("m.1", key="same", n=1)
    known.step_clock(-50.0)
    known.move(REST - 0.001 + 50.0)
    assert "WAIT" == known.take("m.2", key="same", n=1)[0]
    known.move(0.001)
    assert ["GRANT"] == known.take("m.3", key="same", n=1)


def test_a_clock_set_back_and_right_again_brings_no_token_early(known: MovedServer) -> None:
    """What was charged meanwhile is charged from the latest moment seen (R10)."""
    known.take("m.1", key="same", n=1)
    known.step_clock(-50.0)
    known.finish("m.1", key="same", n=1)
    known.step_clock(50.0)
    known.move(REST - 0.001)
    assert "WAIT" == known.take("m.2", key="same", n=1)[0]
    known.move(0.001)
    assert ["GRANT"] == known.take("m.3", key="same", n=1)


# Who may ask ----------------------------------------------------------------------------------------------------------


def test_other_numbers_are_refused(known: MovedServer) -> None:
    """Whoever counts on another minute, or is of another version, must not take part (R17)."""
    for schema in ("1 50000 1500 5000 14 4 30000 600000", "2 60000 1500 5000 14 4 30000 600000"):
        with pytest.raises(redis.ResponseError, match="SMSC SCHEMA 1 60000"):
            known.take("m.1", schema=schema)


@pytest.mark.parametrize("field", ["s", "b:same", "k:cred", "g:gate", "p:cred", "t:gate", "r:gate", "last", "fence"])
@pytest.mark.parametrize(
    "garbage", ["", "x", "14", "14|||", "14||m.1 x 1;|", "14|1 2 3|m.1 9 1;|", "1 1", "-1", "14||m.1|"]
)
def test_garbage_closes_the_guard(known: MovedServer, field: str, garbage: str) -> None:
    """What another tenant wrote there is not guessed at (R18)."""
    if field in {"s", "b:same", "p:cred", "t:gate", "r:gate"} and garbage == "14|||":
        pytest.skip("it is an empty bucket")
    if field in {"last", "fence"} and garbage == "14":
        pytest.skip("it is a moment")
    known.client.hset(HASH, field, garbage)
    with pytest.raises(redis.ResponseError, match=r"SMSC DAMAGED"):
        known.take("m.1", key="same")


def test_another_type_closes_the_guard(moved: MovedServer) -> None:
    """So is a key that is no hash (R18)."""
    moved.client.set(HASH, "mine")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        moved.take("m.1")


def test_numbers_are_written_whole(known: MovedServer) -> None:
    """In three hundred years too: no moment is written with an exponent, or rounded (R20)."""
    known.step_clock(300 * 365 * 86_400.0)
    known.take("m.1", key="same")
    known.move(FENCE)
    known.take("m.2", key="same")
    told = known.client.hgetall(HASH)
    assert str(known.now) == told["last"]
    assert not any("e+" in value or "." in value.replace("m.", "").replace("begin.", "") for value in told.values())


def test_the_hundredth_message_in_a_row_waits(known: MovedServer) -> None:
    """Ninety-nine were refused, by whatever process; one more could block the address (P7)."""
    for number in range(99):
        assert ["GRANT"] == known.take(f"m.{number}", key="text", n=1000, may_block=True)
        known.finish(f"m.{number}", "REFUSED", key="text", n=1000, may_block=True)
    assert ["WAIT", "r:gate"] == known.take("n.1", key="text", n=1000, may_block=True)[:2]
    known.move(601.5)
    assert ["GRANT"] == known.take("n.2", key="text", n=1000, may_block=True)


# Lines ----------------------------------------------------------------------------------------------------------------


def test_a_token_that_comes_home_is_for_who_has_waited_longest(known: MovedServer) -> None:
    """A busy process that asks all the time does not starve another (G19)."""
    known.take("busy.1", key="same", n=1, rests=False)
    assert "WAIT" == known.take("old.1", key="same", n=1, rests=False, waited=900)[0]
    assert "WAIT" == known.take("young.1", key="same", n=1, rests=False, waited=100)[0]
    known.finish("busy.1", key="same", n=1, rests=False)
    assert "WAIT" == known.take("busy.2", key="same", n=1, rests=False)[0]
    assert "WAIT" == known.take("young.2", key="same", n=1, rests=False, waited=100)[0]
    assert ["GRANT"] == known.take("old.2", key="same", n=1, rests=False, waited=900)


def test_who_waits_and_is_gone_is_waited_for_only_shortly(known: MovedServer) -> None:
    """A claim ends by itself (R1)."""
    known.take("busy.1", key="same", n=1, rests=False)
    known.take("dead.1", key="same", n=1, rests=False, waited=900)
    known.finish("busy.1", key="same", n=1, rests=False)
    assert "WAIT" == known.take("busy.2", key="same", n=1, rests=False)[0]
    known.move(2.5)
    assert ["GRANT"] == known.take("busy.3", key="same", n=1, rests=False)


def test_who_has_waited_longest_is_told(known: MovedServer) -> None:
    """It is told which bucket has a token for it, and nobody else is told anything."""
    ear = known.client.pubsub()
    ear.subscribe(f"{HASH}:old", f"{HASH}:young")
    assert "subscribe" == ear.get_message(timeout=5.0)["type"]
    assert "subscribe" == ear.get_message(timeout=5.0)["type"]
    known.take("busy.1", key="same", n=1, rests=False)
    known.take("young.1", key="same", n=1, rests=False, waited=100)
    known.take("old.1", key="same", n=1, rests=False, waited=900)
    known.finish("busy.1", key="same", n=1, rests=False)
    told = ear.get_message(timeout=5.0)
    assert (f"{HASH}:old", "b:same") == (told["channel"], told["data"])
    assert ear.get_message(timeout=0.05) is None
    ear.close()


def test_a_refused_call_hears_when_the_tokens_of_others_come_home(known: MovedServer) -> None:
    """Its own it knows; of those in flight elsewhere it is told how many."""
    for lease in ("own.1", "other.1", "other.2"):
        known.take(lease, key="same", n=3)
    known.finish("own.1", key="same", n=3)
    known.finish("other.1", key="same", n=3)
    known.move(20.0)
    assert ["WAIT", "b:same", 1, 0, 0, 0, 0, 41_500] == known.take("own.2", key="same", n=3)


def test_keys_that_are_home_are_forgotten(known: MovedServer) -> None:
    """Of many keys that are used once, few stay (R8: the hash stays small)."""
    for number in range(300):
        assert ["GRANT"] == known.take(f"m.{number}")
        known.finish(f"m.{number}")
        known.move(REST)
    assert known.client.hlen(HASH) < 60
