"""No secret: not in any error, however it comes about, nor in anything that the client keeps."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs
import pytest

import smsc_async
from smsc_async import errors
from smsc_async._transport.credentials import Body
from tests import net
from tests.canaries import RUN
from tests.proof.edges.paths import Scene
from tests.proof.edges.ways import WAYS, walk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.proof.edges.paths import Reached

#: Classes that no way leads to: bases, and what only services that do not exist yet raise.
UNREACHED: Final = {
    "SmscError",
    "TransportError",
    "WebhookError",
    "InvalidDate",
    "MessageForbidden",
    "InvalidPhone",
    "Undeliverable",
    "WrongCaptcha",
}

KINDS: Final = [("asyncio", "pair"), ("trio", "key")]
#: On trio all but the table of faults, whose ways differ from those on asyncio in nothing that is the client's.
SAME: Final = ("faults", "heads")


def all_ways(folder: Path, backend: str, kind: str, ways: Iterable[str]) -> list[Reached]:
    async def go() -> list[Reached]:
        async with Scene(getattr(RUN, kind), folder).serving() as scene:
            return await walk(scene, ways)

    return anyio.run(go, backend=backend)


def test_no_error_shows_a_secret_whatever_the_way_to_it(tmp_path: Path) -> None:
    """
    Nor does any log line on the way there.

    Text, repr, pickle and a report with the locals of all frames are searched, through chains and groups; the logs at
    DEBUG are, by the net under all tests.
    """
    logged = net.net.records
    reached = all_ways(tmp_path, *KINDS[0], WAYS)
    assert [] == leaky(reached)
    assert len({one.key for one in reached}) >= 350
    assert len({(type(one.error), one.place) for one in reached}) >= 40  # classes, by where they were raised
    classes = Counter(type(one.error).__name__ for one in reached)
    assert set() == set(errors.__all__) - UNREACHED - set(classes)
    assert logging.getLogger().isEnabledFor(logging.DEBUG)
    assert net.net.records > logged + 5_000


def test_no_error_shows_a_secret_in_the_other_loop(tmp_path: Path) -> None:
    """Nor where trio runs, and a key stands for login and password."""
    reached = all_ways(tmp_path, *KINDS[1], [way for way in WAYS if way not in SAME])
    assert [] == leaky(reached)
    assert len({one.key for one in reached}) >= 90


def leaky(reached: list[Reached]) -> list[str]:
    return [f"{one.path}: {one.error!r}: {one.leaks}" for one in reached if one.leaks]


@pytest.mark.parametrize(("backend", "kind"), KINDS)
def test_nothing_that_lives_shows_a_secret(tmp_path: Path, backend: str, kind: str) -> None:
    """In the middle of calls, waits, files and errors, no object of the package shows one in repr, str or format."""
    shown: list[tuple[str, str]] = []

    async def live() -> None:
        async with Scene(getattr(RUN, kind), tmp_path).serving() as scene:
            gateway = scene.gateway
            told: list[Any] = []
            async with scene.session(observer=told.append) as smsc, anyio.create_task_group() as tasks:
                await smsc.account.balance()
                kept = [await smsc.numbers.available(), await smsc.numbers.available(), smsc.limits()]
                async with smsc.downloads.stream(1) as chunks:
                    kept += [chunks, await anext(aiter(chunks))]
                    tasks.start_soon(smsc.numbers.available)  # waits for its turn
                    gateway.hold()
                    for number in range(3):  # in flight
                        tasks.start_soon(smsc.calls.request, f"38067123456{number}")
                    while gateway.held < 3:
                        await anyio.lowlevel.checkpoint()
                    shown.extend(everything_shown())
                    assert kept
                gateway.release()
                tasks.cancel_scope.cancel()

    anyio.run(live, backend=backend)
    assert [] == [(name, RUN.in_text(text)) for name, text in shown if RUN.in_text(text)]
    names = {name for name, _ in shown}
    assert {"Session", "Call", "Conductor", "Connection", "Credentials", "Lease", "Secret", "Transport"} <= names
    assert len(names) >= 40


def everything_shown() -> list[tuple[str, str]]:
    """Give what each living object of the package shows of itself, with the name of its class."""
    gc.collect()
    found = []
    for thing in gc.get_objects():
        kind = type(thing)
        room = str(kind.__module__)  # of a few classes in C it is no text
        if room.startswith("smsc_async") and not room.startswith("smsc_async.simulator"):
            fields = f"{attrs.asdict(thing, recurse=False)!r}" if attrs.has(kind) else ""
            if kind is not Body:  # what is on its way holds what is sent, and is wiped at the end of the exchange
                fields += f" {getattr(thing, '__dict__', '')!r}"
            found.append((kind.__name__, f"{thing!r} {thing!s} {format(thing)} {fields}"))
    return found


def test_the_names_of_the_errors_are_told_completely() -> None:
    """Whoever adds an error has to give it a way, or to say why there is none."""
    assert set() == UNREACHED - set(errors.__all__)
    assert {"SmscError", "TransportError"} <= set(smsc_async.__all__)
