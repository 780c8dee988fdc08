"""The verdict over what happened: each event reached its handlers, and none ran again without a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import attrs

from tests.proof.deliveries.life import LEASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.proof.deliveries.plan import Planned
    from tests.proof.deliveries.witness import Line

__all__ = ["Verdict", "judge"]

BETWEEN: Final = "killed between a handler's return and its mark"


@attrs.define
class Verdict:
    """What was found."""

    complaints: list[str] = attrs.field(factory=list)
    repeats: Counter[str] = attrs.field(factory=Counter)  # by reason
    told: Counter[str] = attrs.field(factory=Counter)


def judge(plan: Sequence[Planned], lines: Sequence[Line], *, durable: bool) -> Verdict:
    """
    Judge *lines*, which are in the order in which they happened.

    With a file, all lives are one story. With memory, each life is one: what it knew died with it.
    """
    verdict = Verdict()
    planned = {each.key: each for each in plan}
    _reached(planned, lines, verdict)
    _repeated(lines, verdict, durable=durable)
    _forward(planned, lines, verdict, durable=durable)
    _one_at_a_time(planned, lines, verdict)
    return verdict


def _reached(planned: dict[str, Planned], lines: Iterable[Line], verdict: Verdict) -> None:
    """Each event had each handler that wants it; a handler of fresh statuses may do without one that was overtaken."""
    ran = {(line.handler, line.key) for line in lines if line.what == "ran"}
    furthest: dict[str, tuple[int, float]] = {}
    for each in planned.values():
        if each.progress is not None:
            furthest[each.subject] = max(furthest.get(each.subject, each.progress), each.progress)
    for key, each in planned.items():
        verdict.complaints += [
            f"lost: {key[:8]} never reached the {handler}"
            for handler in ("ledger", "loop")
            if (handler, key) not in ran
        ]
        if each.progress is None or ("progress", key) in ran:
            continue
        if each.progress == furthest[each.subject]:
            verdict.complaints.append(
                f"lost: {key[:8]}, the last of its message, never reached the handler of progress"
            )
        verdict.told["overtaken statuses, which only the ledger and the loop had"] += 1


@attrs.define(eq=False)
class _Story:
    """What is known of the runs, line by line."""

    durable: bool
    ran: dict[tuple[str, str], Line] = attrs.field(factory=dict)  # by handler and event
    marked: dict[tuple[str, str], Line] = attrs.field(factory=dict)
    unmarked: dict[tuple[str, str], Line] = attrs.field(factory=dict)
    claimed: dict[tuple[int, str], float] = attrs.field(factory=dict)  # by life and event
    dead: set[int] = attrs.field(factory=set)

    def read(self, line: Line) -> None:
        """Take a line in."""
        if line.what == "died":
            self.dead.add(int(line.key))
        elif line.what == "claimed":
            self.claimed[line.life, line.key] = line.moment
        else:
            notes = {"ran": self.ran, "marked": self.marked, "not marked": self.unmarked}.get(line.what)
            if notes is not None:
                notes[line.handler, line.key] = line

    def reason(self, line: Line, before: Line) -> str | None:
        """Say why a handler has an event again that it had *before*; None if there is no reason."""
        if not self.durable and line.life != before.life:
            return "the memory died with its process"
        place = line.handler, line.key
        marked = self.marked.get(place)
        if marked is not None and (self.durable or marked.life == line.life):
            return None
        unmarked = self.unmarked.get(place)
        if unmarked is not None and unmarked.moment > before.moment and line.life != before.life:
            return "the store failed to take the mark, and the process knew it alone"
        if before.life in self.dead and line.life != before.life:
            return BETWEEN
        if line.moment - self.claimed[before.life, line.key] >= LEASE:
            return "the lease ran out while the process was at it"
        return None


def _repeated(lines: Iterable[Line], verdict: Verdict, *, durable: bool) -> None:
    """A handler that had an event gets it again only for a reason."""
    story = _Story(durable)
    for line in lines:
        if line.what == "began" and (before := story.ran.get((line.handler, line.key))):
            reason = story.reason(line, before)
            if reason is None:
                problem = f"{line.handler} had {line.key[:8]} in life {before.life} and again in {line.life}"
                verdict.complaints.append(f"repeated: {problem}")
            else:
                verdict.repeats[reason] += 1
        elif line.what in {"ran", "failed"}:
            verdict.told["handlers' runs" if line.what == "ran" else "handlers' failures"] += 1
        story.read(line)


def _forward(planned: dict[str, Planned], lines: Iterable[Line], verdict: Verdict, *, durable: bool) -> None:
    """The handler that wants fresh statuses alone sees a message go forward."""
    seen: dict[tuple[int, str], tuple[int, float]] = {}
    for line in lines:
        if line.what != "ran" or line.handler != "progress":
            continue
        each = planned[line.key]
        place = 0 if durable else line.life, each.subject
        assert each.progress is not None
        if each.progress < seen.get(place, each.progress):
            verdict.complaints.append(f"backward: {line.key[:8]} of {each.subject}, in life {line.life}")
        seen[place] = each.progress


def _one_at_a_time(planned: dict[str, Planned], lines: Iterable[Line], verdict: Verdict) -> None:
    """No two events of one message are with handlers at once, as long as the process that has one lives."""
    busy: dict[str, dict[tuple[int, str], float]] = defaultdict(dict)  # by message: who has which event, since when
    for line in lines:
        if line.what == "died":
            for those in busy.values():
                for place in [place for place in those if place[0] == int(line.key)]:
                    del those[place]
            continue
        subject = planned[line.key].subject if line.key in planned else ""
        if not subject:
            continue
        place = line.life, line.key
        if line.what in {"ran", "failed"}:
            busy[subject].pop(place, None)
        elif line.what == "began":
            others = [
                since for other, since in busy[subject].items() if other[1] != line.key and line.moment - since < LEASE
            ]
            if others:
                verdict.complaints.append(f"at once: {line.key[:8]} and another event of {subject}")
            busy[subject][place] = line.moment
