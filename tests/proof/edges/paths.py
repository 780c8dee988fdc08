"""A scene on which every way to an error is gone, and the search of all that an error could show."""

from __future__ import annotations

import traceback
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs
import httpx

from smsc_async import Session, errors
from tests.canaries import RUN
from tests.proof.edges.gateway import Gateway
from tests.proof.edges.moved_clock import MovedClock
from tests.reliability.test_secret_rows import frames_of, shown_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


__all__ = ["TIMEOUT", "Reached", "Scene", "all_rows", "all_tasks", "leaks_of", "whole_file"]

TIMEOUT: Final = 30.0


@attrs.define
class Reached:
    """An error, the way to it, and what it shows."""

    path: str
    error: BaseException
    leaks: list[str] = attrs.field(factory=list)

    @property
    def place(self) -> str:
        """Where in the package it was raised."""
        frames = [frame for frame in frames_of(self.error) if "smsc_async" in frame.f_code.co_filename]
        return f"{Path(frames[-1].f_code.co_filename).name}:{frames[-1].f_code.co_qualname}" if frames else "-"

    @property
    def key(self) -> tuple[str, str]:
        """Its class, and the way."""
        return type(self.error).__name__, self.path


def leaks_of(error: BaseException) -> list[str]:
    """Give the canaries that a crash report of an error could show: each link of its chain and part of its group."""
    found: dict[str, None] = {}
    for link in links_of(error):
        report = "".join(traceback.TracebackException.from_exception(link, capture_locals=True).format(chain=False))
        for where, text in (
            ("report", report),
            ("text", f"{link} {link!r} {format(link)} {link.args!r} {vars(link)!r}"),
        ):
            found |= dict.fromkeys(f"{type(link).__name__}, {where}: {leak}" for leak in RUN.in_text(text))
    whole = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    found |= dict.fromkeys(f"whole report: {leak}" for leak in RUN.in_text(whole))
    if isinstance(error, errors.SmscError):
        found |= dict.fromkeys(f"locals and what is in them: {leak}" for leak in RUN.in_text(shown_by(error)))
    for frame in frames_of(error):
        for name, value in frame.f_locals.items():
            if isinstance(value, bytes | bytearray | memoryview):
                leaks = RUN.in_bytes(bytes(value))
                found |= dict.fromkeys(f"bytes {name} of {frame.f_code.co_qualname}: {leak}" for leak in leaks)
            elif isinstance(value, httpx.Request):
                found[f"a request in {frame.f_code.co_qualname}"] = None
    return list(found)


def links_of(error: BaseException) -> list[BaseException]:
    """Give an error, and all that it is chained to or made of, also where the chain is hidden."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or any(link is one for one in found):
            continue
        found.append(link)
        waiting += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    return found


# The scene ------------------------------------------------------------------------------------------------------------


class Scene:
    """A gateway on a moved clock, and the calls that are made of it."""

    def __init__(self, credentials: dict[str, str], folder: Path) -> None:
        self.clock = MovedClock()
        self.gateway = Gateway(self.clock)
        self.credentials = credentials
        self.folder = folder
        self.reached: list[Reached] = []
        self.calls: dict[str, Callable[[Session], Awaitable[object]]] = {
            "account.balance": lambda smsc: smsc.account.balance(),
            "numbers.available": lambda smsc: smsc.numbers.available(),
            "numbers.rent": lambda smsc: smsc.numbers.rent("380950000000"),
            "numbers.set_auto_renew": lambda smsc: smsc.numbers.set_auto_renew("380950000000", True),
            "calls.request": lambda smsc: smsc.calls.request("380671234567"),
            "messages.send": lambda smsc: smsc.messages.send("380671234567", "hello"),
            "messages.cost": lambda smsc: smsc.messages.cost("380671234567", "hello"),
            "messages.status": lambda smsc: smsc.messages.status("380671234567", "m1", detail=2),
            "messages.statuses": lambda smsc: smsc.messages.statuses([("380671234567", "m1")]),
            "messages.delete": lambda smsc: smsc.messages.delete("380671234567", "m1"),
            "downloads.list": lambda smsc: smsc.downloads.list(limit=2),
            "downloads.all": all_tasks,
            "downloads.wait": lambda smsc: smsc.downloads.wait(1, timeout=50.0),
            "downloads.stream": whole_file,
            "downloads.save": lambda smsc: smsc.downloads.save(1, self.folder / "saved.csv", overwrite=True),
            "downloads.rows": all_rows,
            "Session.call": lambda smsc: smsc.call("balance.php", {"cur": 1}),
        }

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Scene]:
        """Serve while the block lasts."""
        async with self.gateway.serving():
            self.gateway.simulator.add_task(rows=5)
            yield self

    def session(self, **options: Any) -> Session:
        """Give a session with a guard of its own that repeats nothing; the last one's minute is over."""
        self.clock.move(70.0)
        given = {"guard": self.gateway.guard(), "base_url": self.gateway.url, "retry": None, **self.credentials}
        return Session(**{**given, "timeout": TIMEOUT, **options})

    async def fails(self, path: str, call: Callable[[], Awaitable[object]]) -> BaseException | None:
        """Make a call, and book the error that it ends in, if it does; while it sleeps, time passes."""
        outcome: list[BaseException | None] = []

        async def one() -> None:
            try:
                await call()
            except Exception as error:  # noqa: BLE001 - that is what is wanted
                outcome.append(error)
            else:
                outcome.append(None)

        still = 0
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one)
                while not outcome:
                    await anyio.lowlevel.checkpoint()
                    still += 1
                    if still % 50 == 0 and not self.clock.jump() and still % 2_000 == 0:
                        self.clock.move(TIMEOUT)  # nobody answers
        if outcome[0] is not None:
            self.book(path, outcome[0])
        return outcome[0]

    def book(self, path: str, error: BaseException) -> None:
        """Look at an error, and keep it."""
        self.reached.append(Reached(path, error, leaks_of(error)))


async def all_tasks(smsc: Session) -> list[object]:
    return [task async for task in smsc.downloads.all()]


async def whole_file(smsc: Session, task: int = 1) -> list[bytes]:
    async with smsc.downloads.stream(task) as chunks:
        return [chunk async for chunk in chunks]


async def all_rows(smsc: Session, **options: Any) -> list[object]:
    return [row async for row in smsc.downloads.rows(1, **options)]
