"""
The gateway: an adversary that counts each request at any instant at which it may, and keeps books of its own.

It shares nothing with the client's guard. It knows the documented limits, counts what reaches it, refuses what is one
too many, and notes what it carries out and how often.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import attrs

from tests.proof.client.answers import Answers
from tests.proof.client.book import LATENESS, Passage
from tests.proof.client.faults import Fault
from tests.proof.client.limits import MOST, WINDOW, limits_of
from tests.proof.client.script import CALM, Script, Way, draw_script, draw_way

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proof.client.book import Book, Record
    from tests.proof.client.link import Link
    from tests.proof.client.plan import Plan
    from tests.proof.client.virtual import Time

__all__ = ["Gateway", "Script"]

_TRAILING: Final = 0.25  # seconds by which its books may trail its answer; reliability 2.1, A4
_SEEN_AT_ONCE: Final = frozenset(
    {
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER_ONE,
        Fault.REQUEST_CUT,
        Fault.WRITE_HANGS,
        Fault.PAUSED,
        Fault.EARLY_REPLY,
        Fault.CLOSED_AS_WE_WRITE,
    }
)


class Gateway:
    """All accounts at one gateway."""

    def __init__(self, plan: Plan, time: Time, book: Book, met: Callable[[Fault], object]) -> None:
        self.plan = plan
        self.time = time
        self.book = book
        self.calm = False  # after the schedule, when nothing goes wrong any more
        self.refusals = 0  # replies with error 9
        self._met = met
        self._answers = Answers(self)
        self._drawn: Counter[tuple[str, int]] = Counter()
        self._counted: defaultdict[object, list[float]] = defaultdict(list)  # by form, or by action: when
        self._foreign: Counter[object] = Counter()
        self._active: Counter[int] = Counter()  # by account
        self._scripts: dict[Passage, Script] = {}
        for moment, count in plan.foreign:
            time.at(moment, lambda count=count: self._others_ask(count))  # type: ignore[misc]

    # ---------------------------------------------------------------- how things fare

    def met(self, fault: Fault, record: Record) -> None:
        """Note that a fault has come to pass."""
        self._met(fault)
        self.book.trace("call", record.number, "FAULT: %s", fault.value)

    def way(self, record: Record, host: str) -> Way:
        """Say how the call's next connection is made."""
        if self.calm:
            return Way(0.01, None)
        self._drawn["way", record.number] += 1
        number, proxied = self._drawn["way", record.number], host.startswith("proxy")
        return draw_way(self.plan, record.number, number, proxied=proxied, secure=self.plan.secure)

    def begun(self, record: Record, link: Link, length: int) -> tuple[Passage, Script]:
        """Open the books for a request whose first byte is about to be taken, and say how it fares."""
        passage = Passage(len(self.book.passages) + 1, record, link.number, math.nan, length)
        self._drawn["request", record.number] += 1
        script = CALM if self.calm else draw_script(self.plan, record.number, self._drawn["request", record.number])
        if script.fault is Fault.CLOSED_AS_WE_WRITE and not link.served:
            script = attrs.evolve(script, fault=None)
        if script.fault in _SEEN_AT_ONCE:
            self.met(script.fault, record)
        if script.fault is Fault.EARLY_REPLY:
            self._answers.early(passage, link)
        self._scripts[passage] = script
        return passage, script

    # ---------------------------------------------------------------- the way of a request

    def sent(self, passage: Passage, link: Link) -> None:
        """See all of a request taken by the network."""
        script, now = self._scripts[passage], self.time.now()
        self.book.trace(
            "call", passage.record.number, "sent %s %s, link %d", passage.path, passage.compared, link.number
        )
        if "buy" in passage.params and link.served > 1:
            self.book.complain(f"{passage.record.name} pays on a kept connection, which may be closed at any moment")
        if script.fault is Fault.CLOSED_AS_WE_WRITE:
            link.end(ConnectionResetError(104, "reset by peer"))
        elif script.fault is Fault.PAUSED:
            self.time.at(now + script.pause, lambda: self._resume(passage, link))
        else:
            self.time.at(now + script.uplink, lambda: self._arrive(passage, link))

    def _resume(self, passage: Passage, link: Link) -> None:
        """Let what the network held up go on, unless the client's machine has dropped it."""
        if link.closed is None or not link.drops:
            self._arrive(passage, link)

    def _arrive(self, passage: Passage, link: Link) -> None:
        script, now = self._scripts[passage], self.time.now()
        passage.arrived = now
        self._active[passage.account] += 1
        if passage.given_up is not None:
            if now > passage.end:
                late = now - passage.given_up
                self.book.complain(f"{passage.record.name} reaches the gateway {late:.1f} s after it was given up")
            self.was_given_up(passage)
        elif script.counted == "first byte":
            self._count(passage, passage.first_byte)
        elif script.counted == "arrival":
            self._count(passage)
        elif script.counted == "midway":
            self.time.at(now + script.think * script.cut, lambda: self._count(passage))
        self.time.at(now + self._answers.thinking(script), lambda: self._reply(passage, link))

    def _reply(self, passage: Passage, link: Link) -> None:
        """Answer as the script says, or not at all."""
        script = self._scripts[passage]
        refusal = self._refusal(passage)
        self._active[passage.account] -= 1
        if passage.given_up is not None:
            return  # what is still to be done has its moment
        if script.counted != "afterwards":
            self._count(passage)
        self._answers.give(passage, link, script, refusal)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something in a while."""
        self.time.at(self.time.now() + seconds, action)

    def was_read(self, passage: Passage, link: Link) -> None:
        """Hear that the client has read a whole reply."""
        script, now = self._scripts[passage], self.time.now()
        if passage.arrived is not None:
            self.time.at(now + script.late * _TRAILING, lambda: self._count(passage))
        if script.fault is Fault.IDLE_CLOSED:
            self.time.at(now + script.lasts, lambda: self._close_idle(passage, link))

    def _close_idle(self, passage: Passage, link: Link) -> None:
        if link.passage is passage and link.closed is None and link.lasting:
            self.met(Fault.IDLE_CLOSED, passage.record)
            link.end(EOFError())

    def was_given_up(self, passage: Passage) -> None:
        """Hear that the client has closed before it had a whole reply: what is still done is done within `LATENESS`."""
        if passage.arrived is None or passage.given_up is None:
            return  # it may never arrive; if it does, we come here again
        script = self._scripts[passage]

        def finish() -> None:
            self._count(passage)
            if script.acts and not passage.refused:
                self._answers.act(passage)

        self.time.at(passage.given_up + script.late * LATENESS, finish)

    # ---------------------------------------------------------------- counting

    def _count(self, passage: Passage, moment: float | None = None) -> None:
        if passage.counted is None:
            passage.counted = self.time.now() if moment is None else moment
            for key, _ in limits_of(passage):
                insort(self._counted[key], passage.counted)

    def _refusal(self, passage: Passage) -> Fault | None:
        """Say whether this is one request too many."""
        now = self.time.now()
        for key, most in limits_of(passage):
            recent = sum(now - WINDOW < stamp <= now for stamp in self._counted[key]) - (passage.counted is not None)
            if recent >= most:
                if not self._foreign[key]:
                    self.book.complain(f"{passage.record.name} is one too many: {most} a minute")
                return Fault.GENUINE_DUPLICATE
        crowd = sum(count for start, end, count in self.plan.crowds if start <= now < end and not self.calm)
        if crowd and self._active[passage.account] + crowd > MOST:
            return Fault.GENUINE_CONCURRENCY
        if self._active[passage.account] > MOST:
            self.book.complain(f"{passage.record.name} is one of {self._active[passage.account]} at once")
        return None

    def _others_ask(self, count: int) -> None:
        """Count requests of other software, identical to one of ours; rather to one of which few are taken."""
        sent = [passage for passage in self.book.passages[-8:] if passage.arrived is not None]
        if sent and not self.calm:
            passage = min(reversed(sent), key=lambda passage: min(most for _, most in limits_of(passage)))
            for key, _ in limits_of(passage):
                self._foreign[key] += count
                for _ in range(count):
                    insort(self._counted[key], self.time.now())
            self.book.trace("call", passage.record.number, "%d requests of others like it", count)
