"""How one request fares, drawn for it alone, so that another call more or less changes nothing for the others."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, Literal

import attrs

from tests.proof.client.faults import Fault

if TYPE_CHECKING:
    from tests.proof.client.book import Passage
    from tests.proof.client.plan import Plan

__all__ = ["CALM", "Script", "Way", "draw_script", "draw_way"]

_RESET: Final = ConnectionResetError(104, "reset by peer")
Count = Literal["first byte", "arrival", "midway", "reply", "afterwards"]
_COUNTS: Final[tuple[Count, ...]] = ("first byte", "arrival", "midway", "reply", "afterwards")


@attrs.frozen
class Way:
    """How one connection is made."""

    seconds: float
    fault: Fault | None


@attrs.frozen(kw_only=True)
class Script:
    """How one request fares. Seconds."""

    fault: Fault | None
    cut: float  # where, as a share
    uplink: float  # until all of it has arrived
    think: float  # until the reply leaves
    downlink: float
    counted: Count  # when the gateway counts it, where its reply is read
    late: float  # when it does, and carries it out, where it was given up: a share of the lateness
    acts: bool  # whether it is carried out, where the reply does not come through
    pause: float  # how long the network pauses
    lasts: float  # how long the connection may idle
    aside: float  # for whatever else has to be chosen

    def takes(self, passage: Passage) -> int:
        """Say how many bytes of the request the network takes in all."""
        match self.fault:
            case Fault.RESET_BEFORE:
                return 0
            case Fault.RESET_AFTER_ONE:
                return 1
            case Fault.REQUEST_CUT | Fault.WRITE_HANGS:
                return 1 + int(self.cut * (passage.length - 1))
            case Fault.EARLY_REPLY:
                return passage.taken or passage.length - 1  # the head, and no more
            case _:
                return passage.length

    def stop(self) -> BaseException | None:
        """Say how a connection ends that takes no more; None is not at all."""
        match self.fault:
            case Fault.WRITE_HANGS:
                return None
            case Fault.EARLY_REPLY:
                return EOFError()
            case _:
                return _RESET


def draw_way(plan: Plan, record: int, number: int, *, proxied: bool, secure: bool) -> Way:
    """Draw how the call's connection of that *number* is made."""
    random = Random(f"{plan.seed}/{record}/way {number}")
    fault: Fault | None = None
    if plan.connecting and random.random() < plan.intensity * 2:
        fault = random.choice(plan.connecting)
        if fault in (Fault.PROXY_REFUSES, Fault.PROXY_HANGS) and not proxied:
            fault = None
        if fault in (Fault.TLS_FAILS, Fault.TLS_HANGS) and not secure:
            fault = None
    return Way(random.random() * plan.latency, fault)


#: How a request fares when nothing goes wrong.
CALM: Final = Script(
    fault=None,
    cut=0.0,
    uplink=0.1,
    think=0.3,
    downlink=0.1,
    counted="reply",
    late=0.0,
    acts=True,
    pause=0.0,
    lasts=0.0,
    aside=0.0,
)


def draw_script(plan: Plan, record: int, number: int) -> Script:
    """Draw how the call's request of that *number* fares."""
    random = Random(f"{plan.seed}/{record}/request {number}")
    latency = min(plan.latency, 1.5)  # a request arrives within `lateness`
    return Script(
        fault=random.choice(plan.passing) if random.random() < plan.intensity else None,
        cut=random.random(),
        uplink=random.random() * latency,
        think=random.random() * plan.latency * random.choice((1, 1, 4)),
        downlink=random.random() * plan.latency,
        counted=random.choice(_COUNTS),
        late=random.choice((random.random(), 0.999)),
        acts=random.random() < 0.6,
        pause=random.choice((1.0, 40.0, 90.0, 300.0)) * (0.5 + random.random()),
        lasts=random.choice((0.0, 0.5, 5.0, 20.0)) * random.random(),
        aside=random.random(),
    )
