"""Cancelled at every await of every public method: slots, tokens, sockets, tasks and money are accounted for."""

from __future__ import annotations

import inspect
from typing import Final

import pytest

from tests.proof.edges.awaits import all_awaits, missed
from tests.proof.edges.scenes import SCENES, Scene
from tests.proof.edges.stepping import KINDS, Kind
from tests.proof.edges.surface import SYNCHRONOUS, public_methods, waits
from tests.proof.edges.sweep import sweep

#: At how many suspensions a call is cancelled at the least on a new connection, its first one included. More is fine:
#: it depends on the versions of anyio, httpx and trio, and on how the bytes come.
POINTS: Final = {
    "Session.call": 6,
    "Session.settle": 1,
    "Session.unresolved": 1,
    "account.balance": 6,
    "calls.confirmation": 7,
    "calls.request": 6,
    "downloads.all": 12,
    "downloads.list": 6,
    "downloads.rows": 14,
    "downloads.save": 9,
    "downloads.stream": 7,
    "downloads.wait": 16,
    "inbox.follow": 13,
    "inbox.list": 6,
    "messages.cost": 6,
    "messages.delete": 6,
    "messages.resolve": 6,
    "messages.send": 6,
    "messages.status": 6,
    "messages.statuses": 6,
    "messages.wait": 11,
    "numbers.available": 6,
    "numbers.rent": 6,
    "numbers.set_auto_renew": 6,
}

#: Awaits at which no call can be suspended, or not in this proof, and why; by file and function.
NEVER: Final = {
    ("_conduct.py", "Conductor.lose"): "in the clean-up of a cancellation",
    ("_journal/journal.py", "Journal.lose_held"): "likewise",
    (
        "_journal/keeping.py",
        "enter",
    ): "where a scope has cancelled it already, it ends there, and waits for nothing",
    ("services/_sending.py", "Sending.send"): "likewise",
    ("_sqlite/commits.py", "GroupCommit.run"): "likewise; and undoing is for what stores of events claim",
    ("_sqlite/commits.py", "GroupCommit.aclose"): "of stores of events",
    ("_conduct.py", "Conductor._given_back"): "the journal, after a cancellation",
    ("_loops.py", "_AsyncioLoop.spawn.<locals>.run"): "a task of its own, in which no call is",
    ("_transport/connection.py", "_end"): "the reader has ended by then, or ends at once",
    ("_transport/connections.py", "Connections._begin"): "the keeper of the idle connections begins at once",
    ("_transport/connections.py", "Connections.take"): "likewise",
    ("_transport/exchange.py", "Transport.stream"): "likewise",
    ("_transport/connections.py", "Stack._keep"): "at the end of an event loop, which no call outlives",
    ("_transport/connections.py", "Stack.end"): "the keeper ends at once",
    ("_transport/over_aiohttp.py", "AiohttpTransport.handle_async_request"): "reporting never waits",
    ("_transport/over_aiohttp.py", "_Connector.connect"): "likewise",
    ("_transport/over_aiohttp.py", "_Body.__anext__"): "likewise, nor does giving bytes that are there",
    ("_transport/over_aiohttp.py", "_Chunks.aclose"): "aiohttp closes at once",
    ("clock.py", "MonotonicClock.sleep_until"): "the sweep's own clock stands in for it",
    ("clock.py", "BootClock.sleep_until"): "likewise",
    (
        "guard/host.py",
        "HostGuard.acquire",
    ): "the guard of one machine, which tests/guard/host/test_cancelled.py cancels",
    ("guard/host.py", "HostGuard._sleep"): "likewise",
    ("guard/host.py", "HostGuard._give_back"): "likewise",
    ("services/downloads.py", "Downloads.save"): "opening and giving up a new file never waits",
}
OTHER_LOOP: Final = "_TrioBell"  # no call of asyncio comes there

#: What is tried on CI in most kinds of cancellation, and in those that are least like the others; the long run tries
#: everything in all of them.
BRIEF: Final = ("alone in line", "after a lost reply", "with a call in flight", "a block", "cold")
BRIEFER: Final = ("alone in line", "with a call in flight", "numbers.rent, cold", "downloads.rows, cold")
FULL: Final = "asyncio-early"
REMOTE: Final = "with a remote guard"
AIOHTTP: Final = "over aiohttp"
JOURNAL: Final = "with a journal"


#: The other kinds in which those two are tried on CI.
ASIDE: Final = [kind for kind in KINDS if kind.loop != "uvloop" and str(kind) != FULL]


def scenes_for(kind: Kind) -> list[str]:
    """Name the scenes that a kind of cancellation is tried in on CI."""
    if str(kind) == FULL:
        return list(SCENES)
    brief = BRIEF if str(kind) in {"asyncio-scope", "trio-scope"} else BRIEFER
    return [name for name in SCENES if name.endswith(brief)]


def those(state: str) -> list[Scene]:
    """Give the scenes in one state."""
    return [scene for name, scene in SCENES.items() if state in name]


def test_every_public_method_is_swept_or_never_waits() -> None:
    """A new public method is in a scene, or is listed among those that return at once; else this fails."""
    swept = {method for scene in SCENES.values() for method in scene.covers}
    assert set(public_methods()) == swept | SYNCHRONOUS
    assert set() == swept & SYNCHRONOUS
    assert set(POINTS) == {method for method in swept if not method.startswith("Session.a") and "__" not in method}


def test_methods_that_are_said_to_return_at_once_do() -> None:
    """What is not swept gives nothing to be awaited, iterated or entered; what is swept does."""
    methods = public_methods()
    assert set() == {name for name in SYNCHRONOUS if waits(methods[name])}
    assert set() == {name for name in methods if name not in SYNCHRONOUS and not waits(methods[name])}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_call_cancelled_at_any_await_leaves_nothing_behind(kind: Kind) -> None:
    """
    Wherever a call is cancelled, the next calls work side by side once the lateness is over, and nothing has leaked.

    Nor is money lost in silence: a rent or a request for a call is proven unsent, or reported as unknown, and never
    carried out twice.
    """
    names = scenes_for(kind)
    # A reply that comes a few rounds later leaves a scope the time to cancel the wait for it.
    pace = "late" if kind.how == "scope" else "at once"
    tally = sweep(kind, [SCENES[name] for name in names], pace=pace, thorough=False)
    assert not tally.broken, "\n\n".join(tally.broken)
    reached = {name: tally.of(SCENES[name]) for name in names}
    assert [] == [name for name, points in reached.items() if not points]
    scoped = kind.how == "scope"  # half of the suspensions are within sections that may not be cancelled
    short = {
        method: reached[f"{method}, cold"]
        for method, least in POINTS.items()
        if f"{method}, cold" in reached and reached[f"{method}, cold"] < (least // 2 if scoped else least)
    }
    assert {} == short
    assert tally.strikes >= {FULL: 750, "asyncio-scope": 150, "trio-scope": 150}.get(str(kind), 30)
    if str(kind) == FULL:
        unknown = [
            str(found)
            for found in missed(tally.places)
            if (found.short, found.function) not in NEVER and OTHER_LOOP not in found.function
        ]
        assert [] == unknown, "no call was cancelled at these; give them a scene, or say in NEVER why not"


@pytest.mark.parametrize("again", [1, 2, 3])
def test_a_second_cancellation_of_the_clean_up_does_no_more_harm(again: int) -> None:
    """Whoever cancels once more, while the first cancellation is being cleaned up, finds all in order too."""
    names = ("numbers.rent, cold", "downloads.stream, in pieces", "downloads.stream left early, warm")
    foreign = [name for name in SCENES if "transport of the user" in name]
    tally = sweep(Kind("asyncio", "early", again), [SCENES[name] for name in (*names, *foreign)], thorough=False)
    assert not tally.broken, "\n\n".join(tally.broken)
    assert tally.strikes >= 60


@pytest.mark.parametrize("kind", ASIDE, ids=str)
def test_giving_back_to_a_remote_guard_may_be_cancelled_too(kind: Kind) -> None:
    """Where giving a lease back takes time, a cancellation in that time loses neither slot nor money."""
    tally = sweep(kind, those(REMOTE), thorough=False)
    assert not tally.broken, "\n\n".join(tally.broken)
    assert tally.strikes >= 30


@pytest.mark.parametrize("kind", ASIDE, ids=str)
def test_what_was_cancelled_is_in_the_journal_if_it_may_have_been_paid_for(kind: Kind) -> None:
    """Wherever a call with a journal is cancelled, it is listed where its outcome is unknown, and nowhere else."""
    tally = sweep(kind, those(JOURNAL), thorough=False)
    assert not tally.broken, "\n\n".join(tally.broken)
    assert tally.strikes >= 60


@pytest.mark.parametrize("kind", [kind for kind in ASIDE if kind.loop == "asyncio"], ids=str)
def test_the_connections_of_aiohttp_are_left_in_order_too(kind: Kind) -> None:
    """Nothing is left open, lost or paid in silence where the other transport's calls are cancelled."""
    tally = sweep(kind, those(AIOHTTP), thorough=False)
    assert not tally.broken, "\n\n".join(tally.broken)
    assert tally.strikes >= 45
    assert {scene.name for scene in those(AIOHTTP)} == {name for name, _ in tally.points}


def test_every_await_that_is_excused_exists() -> None:
    """The list of awaits at which no call is suspended names no function that is gone."""
    known = {(found.short, found.function) for found in all_awaits()}
    assert set() == set(NEVER) - known


def test_what_is_said_to_be_public_is_what_inspect_finds() -> None:
    """The sweep's idea of a method is Python's: every name that it covers can be called."""
    assert [] == [name for name, method in public_methods().items() if not inspect.isroutine(method)]
