"""The sweep: scenes played once for each suspension of their call, cancelled there, and looked over afterwards."""

from __future__ import annotations

import gc
import traceback
import warnings
from collections import Counter, deque
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from tests.proof.edges.gateway import PACES
from tests.proof.edges.stage import Stage, staged
from tests.proof.edges.stepping import End, Kind, Place, run_in, struck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smsc_async import LocalGuard
    from tests.proof.edges.calls import Prepared
    from tests.proof.edges.scenes import Scene

__all__ = ["Tally", "sweep"]

_MANY: Final = 2_000  # suspensions; a call that takes more never ends
_OFTEN: Final = 8  # strikes; after each of so many, fourteen calls are made also where the sweep is quick
_IDLE: Final = 12  # rounds of the event loop without a step, after which nothing will happen by itself


@attrs.define
class Tally:
    """What sweeps have reached."""

    strikes: int = 0
    points: set[tuple[str, int]] = attrs.field(factory=set)  # scenes, and suspensions at which a cancellation came out
    places: Counter[Place] = attrs.field(factory=Counter)  # awaits of the package that one came out of
    broken: list[str] = attrs.field(factory=list)  # promises that did not hold, with the command that shows it again

    def __iadd__(self, other: Tally) -> Self:
        """Add other sweeps."""
        self.strikes += other.strikes
        self.points |= other.points
        self.places += other.places
        self.broken += other.broken
        return self

    def of(self, scene: Scene) -> int:
        """Count the suspensions of a scene's call that were struck."""
        return sum(name == scene.name for name, _ in self.points)


def sweep(
    kind: Kind,
    scenes: Iterable[Scene],
    *,
    pace: str = "at once",
    authority: Any = None,
    only: int | None = None,
    thorough: bool = True,
    guard: Callable[..., LocalGuard] | None = None,
) -> Tally:
    """
    Play *scenes* and cancel the call of each at each suspension in turn; a scene that breaks is left, the others go on.

    Args:
        kind: In which loop, and how.
        scenes: What is called in which state.
        pace: How slowly the gateway answers.
        authority: Of the gateway's certificate; plain HTTP without it.
        only: Strike at this suspension alone.
        thorough: Make 14 calls side by side after each strike; else after every eighth and at the end of each scene,
            and two after the others.
        guard: Makes another guard than the real one.
    """
    playable = deque(scene for scene in scenes if kind.loop in scene.loops)
    round_ = _Round(kind, playable, pace, authority, only, thorough, guard)
    while round_.left:
        known, played = len(round_.tally.broken), list(round_.left)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            try:
                run_in(kind, round_.play)
            except Exception as problem:  # noqa: BLE001 - all of them are told
                if known == len(round_.tally.broken):  # it came with the end of the stage
                    report = "".join(traceback.format_exception(problem)[-6:])
                    round_.tally.broken.append(
                        f"{report}\nat the end of {len(played)} scenes; replay:\n  {_replay(kind)}"
                    )
            gc.collect()
        if caught and known == len(round_.tally.broken):
            round_.tally.broken += _unclosed(round_, played, caught)
    return round_.tally


def _unclosed(round_: _Round, played: list[Scene], caught: list[warnings.WarningMessage]) -> list[str]:
    """Say in which scenes something was never closed; Python says so when it is collected, which may be much later."""
    kind, pace, authority = round_.kind, round_.pace, round_.authority
    if len(played) > 1:
        alone = [
            sweep(kind, [scene], pace=pace, authority=authority, thorough=False, guard=round_.guard).broken
            for scene in played
        ]
        if any(alone):
            return [told for broken in alone for told in broken]
    never = sorted({str(warning.message).partition(" fd=")[0][:200] for warning in caught})
    where = kind if len(played) > 1 else f"{kind}/{played[0].name}/{round_.place}"
    return [f"never closed: {never}\nin {len(played)} scenes; replay:\n  {_replay(where)}"]


def _replay(words: object) -> str:
    return f"python -m tests.proof.edges sweep --only '{words}'"


@attrs.define
class _Round:
    """A sweep that goes on."""

    kind: Kind
    left: deque[Scene]
    pace: str
    authority: Any
    only: int | None
    thorough: bool
    guard: Callable[..., LocalGuard] | None
    tally: Tally = attrs.field(factory=Tally)

    @property
    def place(self) -> str:
        """How the bytes come and go."""
        return f"{self.pace}{' by TLS' if self.authority else ''}"

    async def play(self) -> None:
        """Play what is left on one stage, until something breaks."""
        with TemporaryDirectory() as folder:
            stage = Stage(Path(folder), PACES[self.pace], guard=self.guard)
            async with staged(stage, self.authority):
                since: list[str] = []  # what was played since the last fourteen calls
                while self.left:
                    await self._scene(self.left.popleft(), stage, since)

    async def _scene(self, scene: Scene, stage: Stage, since: list[str]) -> None:
        for at in range(1, _MANY) if self.only is None else (self.only,):
            since.append(f"{self.kind}/{scene.name}/{self.place}/{at}")
            fourteen = self.thorough or self.only is not None or self.tally.strikes % _OFTEN == _OFTEN - 1
            try:
                came = await _point(self.kind, scene, stage, at, self.tally, fourteen=fourteen)
            except BaseException as problem:
                self.tally.broken.append(_told(problem, since))
                raise
            if fourteen or not came:
                since.clear()
            if not came:
                return


def _told(problem: BaseException, points: list[str]) -> str:
    last, *earlier = reversed(points)
    hint = f" (or one of the {len(earlier)} before it)" if earlier else ""
    report = "".join(traceback.format_exception(problem)[-6:])
    return f"{report}\nat {last}{hint}; replay:\n  {_replay(last)}"


async def _point(kind: Kind, scene: Scene, stage: Stage, at: int, tally: Tally, *, fourteen: bool) -> bool:
    """Play once, strike at suspension *at*, and look; False where the call ended before it came to that."""
    prepared = await scene.prepare(stage)
    idle = _Idle(stage, prepared, strike_at=at if scene.held else 0)
    end = await struck(kind, prepared.work, 0 if scene.held else at, idle)
    came = idle.count >= at if scene.held else end.steps.count >= at
    if came:
        tally.strikes += 1
        _judge(kind, scene, prepared, end, at, tally)
    elif end.error is not None and not isinstance(end.error, prepared.may_raise):
        raise end.error
    await stage.settle()
    if prepared.after is not None:
        await prepared.after(end)
    await stage.nothing_is_left(fourteen=fourteen or not came)
    return came


def _judge(kind: Kind, scene: Scene, prepared: Prepared, end: End, at: int, tally: Tally) -> None:
    """See that the cancellation came out where it went in, and out of the call as itself."""
    delivered = end.steps.delivered
    if not end.cancelled:
        # A scope waits for the end of a section that may not be cancelled, and the call may be over by then.
        assert delivered is None, f"the cancellation was swallowed; the call gave {end.value!r}, {end.error!r}"
        assert kind.how == "scope" or scene.held, "the cancellation was lost"
        if end.error is not None and not isinstance(end.error, prepared.may_raise):
            raise end.error
        return
    # trio's nurseries keep a cancellation to themselves until their children have ended.
    assert delivered is not None or kind.loop == "trio"
    assert scene.held or kind.how == "scope" or delivered == at, f"it came out at {delivered}, not at {at}"
    tally.points.add((scene.name, delivered or at))
    tally.places.update(end.steps.places)


class _Idle:
    """What happens when nothing goes on any more: what the scene says, then time passes, then replies are let go."""

    def __init__(self, stage: Stage, prepared: Prepared, *, strike_at: int) -> None:
        self.count = 0  # how often the gateway kept a reply back
        self._stage = stage
        self._todo = list(prepared.on_idle)
        self._strike_at = strike_at
        self._rounds = 0

    def __call__(self, end: End, still: bool) -> None:
        """Hear of a round of the event loop; *still*: in which the call has not gone on."""
        self._rounds = self._rounds + 1 if still else 0
        if self._rounds < _IDLE:
            return
        self._rounds = 0
        if self._todo:
            self._todo.pop(0)()
        elif self._strike_at and self._stage.gateway.held:
            self.count += 1
            if self.count == self._strike_at:
                end.strike()
            else:
                self._stage.gateway.release()
                self._stage.gateway.hold()
        elif not self._stage.jump():
            self._stage.gateway.release()
