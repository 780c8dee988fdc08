"""
The long forms: every await, every byte; and the replay of one case.

::

    python -m tests.proof.edges sweep
    python -m tests.proof.edges sweep --only 'asyncio-early/numbers.rent, cold/at once/3'
    python -m tests.proof.edges paid
    python -m tests.proof.edges paid --only 'rent/reply, reset at 55'
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from smsc_async import ReplyFormat
from tests.proof.edges.audit import audit, audit_refused, audit_unsent
from tests.proof.edges.gateway import PACES
from tests.proof.edges.paid import ACTIONS, Ledger
from tests.proof.edges.scenes import SCENES
from tests.proof.edges.stepping import KINDS, TWICE
from tests.proof.edges.sweep import Tally, sweep
from tests.transport.servers import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.proof.edges.audit import Backend
    from tests.proof.edges.stepping import Kind

_TLS: Final = " by TLS"
#: The kinds of cancellation that are tried at every pace and over TLS; the others at two paces.
_EVERYWHERE: Final = ("asyncio-early", "trio-scope")
_OTHERS: Final = tuple(form for form in ReplyFormat if form is not ReplyFormat.JSON)


# Every await ----------------------------------------------------------------------------------------------------------


def _rounds() -> Iterator[tuple[Kind, str, bool]]:
    """Give each kind of cancellation and pace, and whether fourteen calls are made after each strike."""
    for kind in KINDS:
        yield kind, "at once", True
    for kind in TWICE:
        yield kind, "at once", False
    for kind in KINDS:
        yield kind, "late", False
        if str(kind) in _EVERYWHERE:
            yield kind, "in pieces", False
            yield kind, "drop by drop", False
            yield kind, f"at once{_TLS}", False


def _sweep(only: str | None) -> int:
    """Sweep all scenes in all ways, or replay what *only* says; give the exit code."""
    if only is not None:
        return _swept_again(*only.split("/"))
    authority = Authority()
    whole: dict[str, Tally] = {}
    strikes: Counter[str] = Counter()
    for kind, place, thorough in _rounds():
        begun = time.monotonic()
        secure = authority if place.endswith(_TLS) else None
        tally = sweep(kind, SCENES.values(), pace=place.removesuffix(_TLS), authority=secure, thorough=thorough)
        took = time.monotonic() - begun
        _say(f"{kind!s:22} {place:16} {tally.strikes:6,} cancellations, {len(tally.broken)} broken, {took:4.0f} s")
        for told in tally.broken:
            _say(f"\n{told}\n")
        strikes[kind.loop] += tally.strikes
        together = whole.setdefault(kind.loop, Tally())
        together += tally
    methods = {method for scene in SCENES.values() for method in scene.covers}
    _say(f"\n{len(methods)} methods in {len(SCENES)} scenes")
    broken = 0
    for loop, tally in whole.items():
        broken += len(tally.broken)
        awaits, points = len(tally.places), len(tally.points)
        _say(f"{loop:8} {strikes[loop]:7,} cancellations, at {points:,} suspensions of scenes, {awaits} awaits of ours")
    _say(f"{sum(strikes.values()):,} cancellations, {broken} promises broken")
    return int(bool(broken))


def _swept_again(kind: str, scene: str = "", place: str = "at once", at: str = "") -> int:
    kinds = {str(one): one for one in (*KINDS, *TWICE)}
    tally = sweep(
        kinds[kind],
        [SCENES[scene]] if scene else SCENES.values(),
        pace=place.removesuffix(_TLS),
        authority=Authority() if place.endswith(_TLS) else None,
        only=int(at) if at else None,
    )
    for told in tally.broken:
        _say(told)
    for struck in tally.places if at else ():
        _say(f"cancelled in {struck.function}, {struck.file}:{struck.line}")
    _say(f"{tally.strikes} cancellations, {len(tally.broken)} promises broken")
    return int(bool(tally.broken))


# Every byte -----------------------------------------------------------------------------------------------------------


def _paid(only: str | None) -> int:
    """Make paid calls through all mishaps, or through one; give the exit code."""
    if only is not None:
        return _booked(_paid_again(*only.split("/", 1)), details=True)
    whole = Ledger()
    for action in ACTIONS:
        for name, ledger in _audits(action):
            _say(f"{action}, {name}: {ledger.calls:,} calls, {len(ledger.broken)} broken")
            whole += ledger
    return _booked(whole)


def _audits(action: str) -> Iterator[tuple[str, Ledger]]:
    loops: tuple[Backend, ...] = ("asyncio", "uvloop", "trio")
    for backend in loops:
        # Which loop it is matters little to what was written; so one of them takes all bytes, the others all cuts.
        yield f"every byte, {backend}", audit(action, backend, every=1 if backend == "asyncio" else 8)
        yield f"refused by number, {backend}", audit_refused(action, backend)
        yield f"not written, {backend}", audit_unsent(action, backend, every=1 if backend == "asyncio" else 3)
    for form in _OTHERS:
        yield f"replies in format {form:d}", audit(action, every=4, reply_format=form)


def _paid_again(action: str, mishap: str) -> Ledger:
    ledger = audit(action, only=mishap)
    for form in _OTHERS:
        ledger += audit(action, only=mishap, reply_format=form)
    ledger += audit_refused(action, only=mishap)
    ledger += audit_unsent(action, only=mishap)
    return ledger


def _booked(ledger: Ledger, *, details: bool = False) -> int:
    if details:
        _say(str(ledger))
    else:
        _say(_table(ledger))
    for told in ledger.broken:
        _say(f"\n{told}")
    _say(f"\n{ledger.calls:,} calls, {len(ledger.broken)} promises broken")
    return int(bool(ledger.broken)) if ledger.calls else 1


def _table(ledger: Ledger) -> str:
    """Give the outcomes by fault; what stands in place of a whole reply is one line, and so are the refusals."""
    rows: Counter[tuple[str, str, str]] = Counter()
    for (action, fault, region, outcome), count in ledger.cells.items():
        named = fault if region != "-" or fault.startswith("TLS: ") else "another reply in place of it"
        rows[action, "refused by number" if fault.startswith("error ") else named, outcome] += count
    outcomes: Counter[str] = Counter()
    for (_, _, outcome), count in rows.items():
        outcomes[outcome] += count
    lines = [
        f"{action:8} {fault:36} {outcome:20} {count:7,}" for (action, fault, outcome), count in sorted(rows.items())
    ]
    return "\n".join(["", *lines, "", *(f"{outcome:20} {count:7,}" for outcome, count in sorted(outcomes.items()))])


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is a program


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.edges", description="Every await, and every byte.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, told, shape in (
        ("sweep", "cancel at every await", f"KIND[/SCENE[/PACE[/AT]]]; the paces: {', '.join(PACES)}"),
        ("paid", "cut at every byte", "ACTION/MISHAP"),
    ):
        commands.add_parser(name, help=told).add_argument("--only", metavar="CASE", help=f"replay this: {shape}")
    given = parser.parse_args(words)
    logging.getLogger().addHandler(logging.NullHandler())  # thousands of calls fail here, as they are meant to
    return _sweep(given.only) if given.command == "sweep" else _paid(given.only)


if __name__ == "__main__":
    sys.exit(main())
