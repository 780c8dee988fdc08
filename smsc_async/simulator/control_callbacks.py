"""What the control interface can do about subscribers, statuses and handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from smsc_async.simulator.callbacks import Errand, Manner
from smsc_async.simulator.calls_back import Told

if TYPE_CHECKING:
    from smsc_async.simulator.simulator import Simulator

Command = Callable[[Any], object]


def callback_commands(simulator: Simulator) -> dict[tuple[str, str], Command]:
    """Give the commands by method and name; each is called with what the request's body says."""

    def call_back(wanted: Any) -> object:
        simulator.call_back(wanted["url"], login=wanted.get("login"))
        return {"called_back": wanted["url"] is not None}

    def set_manner(wanted: Any) -> object:
        simulator.manner = Manner(**wanted)
        return attrs.asdict(simulator.manner)

    def hold(_: Any) -> object:
        simulator.hold_callbacks()
        return {"held": True}

    return {
        ("GET", "callbacks"): lambda _: {"callbacks": [errand_as_json(errand) for errand in simulator.callbacks()]},
        ("POST", "call_back"): call_back,
        ("POST", "subscriber_calls"): lambda wanted: told_as_json(simulator.subscriber_calls(**with_manner(wanted))),
        ("POST", "subscriber_writes"): lambda wanted: told_as_json(simulator.subscriber_writes(**with_manner(wanted))),
        ("POST", "message_is"): lambda wanted: told_as_json(simulator.message_is(**with_manner(wanted))),
        ("POST", "manner"): set_manner,
        ("POST", "hold"): hold,
        ("POST", "release"): lambda wanted: {"released": simulator.release_callbacks(**wanted)},
    }


def callbacks_in_short(simulator: Simulator) -> dict[str, int]:
    """Give how many errands are in each state."""
    counts = {"pending": 0, "delivered": 0, "dropped": 0, "given up": 0}
    for errand in simulator.callbacks():
        counts[errand.state] += 1
    return counts


def errand_as_json(errand: Errand) -> dict[str, object]:
    """Give what is known of an errand, but not the address, which may hold secrets of the handler."""
    return {
        "number": errand.number,
        "login": errand.login,
        "kind": errand.letter.kind,
        "state": errand.state,
        "queued_at": errand.queued_at,
        "content_type": errand.letter.content_type,
        "body": errand.letter.body.decode(errand.letter.charset, "replace"),
        "attempts": [
            {
                "at": attempt.at,
                "status": attempt.status,
                "error": attempt.error,
                "answer": attempt.answer.decode("utf-8", "replace"),
            }
            for attempt in errand.attempts
        ],
    }


def with_manner(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of a command, with the manner as the value that it is."""
    given = dict(wanted)
    manner = given.pop("manner", None)
    return given if manner is None else {**given, "manner": Manner(**manner)}


def told_as_json(told: Told) -> dict[str, object]:
    """Give what came of something that happened."""
    return {
        "callbacks": [errand.number for errand in told.errands],
        "message": None if told.message is None else told.message.id,
        "call": None if told.call is None else told.call.number,
        "sent": None if told.sent is None else {"id": told.sent.id, "status": told.sent.status},
    }
