"""The proofs of this folder find what they are for: each wrong variant of the client is found by one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async import LocalGuard, _answer, _verdict, _wire
from smsc_async._conduct import Conductor, shielded
from smsc_async._endpoint import Replay
from smsc_async._memory import Memory
from smsc_async._observing import Observing
from smsc_async._transport import Credentials, Write, attempt, outcome
from smsc_async._transport.connection import Connection
from smsc_async._transport.credentials import Body
from smsc_async._verdict import Happened
from smsc_async.guard import Outcome
from smsc_async.services._saving import NewFile
from tests import net
from tests.canaries import RUN
from tests.proof.edges.audit import audit, audit_unsent
from tests.proof.edges.paths import Scene
from tests.proof.edges.scenes import SCENES
from tests.proof.edges.stepping import KINDS
from tests.proof.edges.sweep import sweep
from tests.proof.edges.ways import walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Patch = pytest.MonkeyPatch


def swept(*names: str, guard: Any = None) -> str:
    """Sweep scenes on asyncio, and give what was found broken."""
    return "\n".join(sweep(KINDS[0], [SCENES[name] for name in names], guard=guard).broken)


# Cancellation ---------------------------------------------------------------------------------------------------------


class KeepsSlots(LocalGuard):
    """Forgets to give back what a cancelled call held."""

    def finish(self, lease: Any, outcome: Any) -> None:
        if outcome is not Outcome.UNKNOWN:
            super().finish(lease, outcome)


class KeepsTokens(LocalGuard):
    """Forgets to give back what a call held that was cancelled before it was sent."""

    def finish(self, lease: Any, outcome: Any) -> None:
        if outcome is not Outcome.UNSENT:
            super().finish(lease, outcome)


@pytest.mark.parametrize("guard", [KeepsSlots, KeepsTokens])
def test_a_slot_that_is_lost_by_a_cancellation_is_found(guard: type[LocalGuard]) -> None:
    """A guard that does not get back what a cancelled call held, sent or not, is found."""
    assert "a slot or a place in line was not given back" in swept("account.balance, cold", guard=guard)


def test_a_place_in_line_that_is_lost_is_found(monkeypatch: Patch) -> None:
    """So is one in whose line a cancelled call stands for ever."""
    monkeypatch.setattr(LocalGuard, "_stand_up", lambda *_: None)
    assert "of 14 calls side by side 13 came to the gateway" in swept("numbers.available, alone in line")


def test_a_connection_that_is_used_after_a_cancellation_is_found(monkeypatch: Patch) -> None:
    """A connection that goes back to the stack in the middle of an exchange is found."""
    really = Connection.close

    async def close(self: Connection) -> None:
        if self.stack.ended:
            await really(self)
        else:
            self.usable = True
            self.stack.idle.append(self)

    monkeypatch.setattr(Connection, "close", close)
    assert swept("downloads.stream left early, warm", "downloads.stream, in pieces")


def test_a_connection_that_is_not_closed_is_found(monkeypatch: Patch) -> None:
    """So is one that is forgotten and never closed."""

    async def close(self: Connection) -> None:
        self.usable, self.closed = False, True

    monkeypatch.setattr(Connection, "close", close)
    found = swept("calls.request, warm")
    assert "connections stand" in found or "a connection was left open" in found or "never closed" in found


def test_a_task_that_is_left_behind_is_found(monkeypatch: Patch) -> None:
    """A clean-up that goes on in a task of its own for ever is found."""
    really = Conductor.abandoned
    left = []

    def abandoned(self: Conductor, *args: Any) -> Any:
        left.append(asyncio.ensure_future(asyncio.sleep(1e6)))
        return really(self, *args)

    monkeypatch.setattr(Conductor, "abandoned", abandoned)
    assert "a task was left behind" in swept("account.balance, warm")


def test_a_cancellation_that_is_swallowed_is_found(monkeypatch: Patch) -> None:
    """A call that returns None where it was cancelled is found."""
    really = Conductor.perform

    async def perform(self: Conductor, *args: Any, **options: Any) -> Any:
        try:
            return await really(self, *args, **options)
        except asyncio.CancelledError:
            return None

    monkeypatch.setattr(Conductor, "perform", perform)
    assert "the cancellation was swallowed" in swept("account.balance, warm")


def test_money_that_is_lost_in_silence_is_found(monkeypatch: Patch) -> None:
    """A rent that is cancelled and of which nobody is told is found."""
    monkeypatch.setattr(Observing, "outcome_lost", lambda *_: None)
    assert "was said not to be sent was read" in swept("numbers.rent, held")


def test_money_that_is_lost_while_a_lease_goes_back_is_found(monkeypatch: Patch) -> None:
    """So is one that was carried out, and cancelled in silence while a guard elsewhere took its lease back."""
    monkeypatch.setattr(Conductor, "_given_back", lambda _self, _call, pending, _answer: shielded(pending))
    assert "was said not to be sent was read" in swept("numbers.rent, with a remote guard")


def test_a_rent_that_is_forgotten_is_found(monkeypatch: Patch) -> None:
    """So is one that may be made again although its outcome is unknown."""
    monkeypatch.setattr(Memory, "lose", lambda *_: None)
    assert "an unknown rent was made again" in swept("numbers.rent, held")


def test_half_a_file_that_stays_is_found(monkeypatch: Patch) -> None:
    """A temporary file that a cancelled `save` leaves is found."""
    monkeypatch.setattr("tests.proof.edges.calls.PATIENCE", 0.05)
    monkeypatch.setattr(NewFile, "_remove", lambda self: self._file.close())
    assert ".part" in swept("downloads.save, in pieces")


def test_evidence_that_is_made_up_is_found_by_the_sweep(monkeypatch: Patch) -> None:
    """A client that calls every cancelled request unsent is found: its rents were read."""
    monkeypatch.setattr(Write, "provably_unsent", property(lambda _: True))
    assert "was said not to be sent was read" in swept("numbers.rent, held")


# Money ----------------------------------------------------------------------------------------------------------------


def test_evidence_that_is_made_up_is_found(monkeypatch: Patch) -> None:
    """A client that takes every failure for "not sent" pays twice, or calls unsent what was carried out."""
    monkeypatch.setattr(Write, "provably_unsent", property(lambda _: True))
    broken = audit("rent", every=16, turns=16, sample=40).broken
    assert any("carried out" in problem for problem in broken)


def test_evidence_that_is_ignored_is_found(monkeypatch: Patch) -> None:
    """A client that takes every failure for unknown repeats nothing that it could have repeated."""
    monkeypatch.setattr(Write, "provably_unsent", property(lambda _: False))
    broken = audit_unsent("rent", every=201).broken
    assert any("it cannot have been written, and OutcomeUnknown" in problem for problem in broken)


def test_a_lost_reply_that_is_repeated_is_found(monkeypatch: Patch) -> None:
    """A verdict that repeats a paid call whose reply was lost is found."""
    table = {**_verdict._TABLE[Replay.IF_NOT_DONE], Happened.LOST: _verdict._TABLE[Replay.READ][Happened.LOST]}
    monkeypatch.setitem(_verdict._TABLE, Replay.IF_NOT_DONE, table)
    broken = audit("request", every=16, turns=16, sample=40).broken
    assert any("carried out 2 times" in problem or "carried out 3 times" in problem for problem in broken)


def test_half_a_reply_that_is_taken_for_a_price_is_found(monkeypatch: Patch) -> None:
    """A client that gives a value where it could read none is found."""
    really = _wire.decode

    def decode(body: bytes, **options: Any) -> Any:
        return really(body if body.endswith(b"}") else b'{"cost":"0.00"}', **options)

    monkeypatch.setattr("smsc_async._answer.decode", decode)
    broken = audit("rent", every=16, turns=16, sample=7).broken
    assert any("a wrong value" in problem or "a value of what was not" in problem for problem in broken)


# Secrets --------------------------------------------------------------------------------------------------------------


def leaks(folder: Path, *ways: str) -> list[str]:
    """Go some ways on asyncio, and give what the errors show; what was logged there is not laid to the test."""

    async def go() -> list[str]:
        async with Scene(RUN.pair, folder).serving() as scene:
            return [leak for one in await walk(scene, ways) for leak in one.leaks]

    found = anyio.run(go)
    net.net.taken()
    return found


def test_a_body_that_is_not_wiped_is_found(monkeypatch: Patch, tmp_path: Path) -> None:
    """Where the frames below are not left behind and the body is not wiped, the password is in the locals."""
    monkeypatch.setattr(Body, "wipe", lambda _: None)
    monkeypatch.setattr(attempt, "forget_frames", lambda _: None)
    assert leaks(tmp_path, "silence")


def test_a_secret_in_the_text_of_an_error_is_found(monkeypatch: Patch, tmp_path: Path) -> None:
    """An explanation that quotes what was being sent is found."""
    really = outcome.explain

    def explain(error: Exception, place: str) -> Any:
        return really(error, f"{place} ({RUN.password})")

    monkeypatch.setattr(attempt, "explain", explain)
    assert any("text: password" in leak for leak in leaks(tmp_path, "unsent"))


def test_a_servers_words_that_are_shown_as_they_are_are_found(monkeypatch: Patch, tmp_path: Path) -> None:
    """An error that quotes a server which quotes us is found."""
    monkeypatch.setattr(
        _answer, "excerpt", lambda text, _: text if isinstance(text, str) else text.decode("latin-1", "replace")
    )
    assert leaks(tmp_path, "echoes")


def test_a_secret_that_a_frame_keeps_is_found(monkeypatch: Patch, tmp_path: Path) -> None:
    """A frame of the client that holds the form with the password while an error passes is found."""
    really: Callable[..., Any] = Conductor.conclude

    def conclude(self: Conductor, *args: Any) -> Any:
        form = self.shared.transport._credentials.form()
        value = really(self, *args)
        assert form
        return value

    monkeypatch.setattr(Conductor, "conclude", conclude)
    assert any("report: " in leak for leak in leaks(tmp_path, "groups"))


def test_the_patched_things_are_those_that_are_used() -> None:
    """The names that are patched here are still the ones by which the client does its work."""
    assert callable(Credentials.form)
    assert isinstance(vars(Write)["provably_unsent"], property)
    rooms = set(vars(_answer)) & {"decode", "excerpt"}, set(vars(attempt)) & {"explain", "forget_frames"}
    assert ({"decode", "excerpt"}, {"explain", "forget_frames"}) == rooms
    assert {Replay.READ, Replay.SET, Replay.IF_NOT_DONE} == set(_verdict._TABLE)
