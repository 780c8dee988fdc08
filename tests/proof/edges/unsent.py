"""Proven unsent: whatever keeps a paid call from being written, it is made again or said to be not sent; never lost."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from smsc_async import Retry, events
from smsc_async.errors import MessageOutcomeUnknown, NotSent
from smsc_async.simulator import FaultProxy, Plan
from tests.proof.edges.gateway import Gateway
from tests.proof.edges.mishaps import Mishap
from tests.proof.edges.moved_clock import MovedClock
from tests.proof.edges.paid import ACTIONS, Case, Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from smsc_async import Session
    from tests.transport.servers import Authority

__all__ = ["Unsent"]

_TIMEOUT: Final = 30.0
_SIGNATURE: Final = 8  # bytes; by less than so many its length differs from one handshake to the next
_SOON: Final = 0.02  # seconds of the machine's clock; what goes on for longer sleeps
_NOBODY: Final = "https://127.0.0.1:9"  # nobody listens there
_NAMELESS: Final = "https://nobody.invalid"


class Unsent:
    """Makes paid calls over TLS that cannot be written at their first attempt, and books what becomes of them."""

    def __init__(self, action: str, authority: Authority, *, only: str | None = None) -> None:
        self.action = action
        self.only = only
        self.ledger = Ledger()
        self._clock = MovedClock()
        self._gateway = Gateway(self._clock)
        self._guard = self._gateway.guard()
        self._authority = authority
        self._trust = authority.client()
        self._told: list[events.Event] = []
        self._numbers = 0
        self._home = ""  # the gateway's address, past the proxy

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Unsent]:
        """Serve the gateway while the block lasts."""
        async with self._gateway.serving(self._authority.server()):
            self._home = self._gateway.url
            yield self

    def _session(self, base_url: str, **options: Any) -> Session:
        given = {"account": "unsent", "guard": self._guard, "ssl_context": self._trust, "timeout": _TIMEOUT}
        retry = Retry(random=lambda: 0.0, budget=1e9)
        return self._gateway.session(
            **{**given, "base_url": base_url, "observer": self._told.append, "retry": retry, **options}
        )

    def _wanted(self, fault: str, byte: int | None = None) -> bool:
        return self.only is None or str(Mishap(f"TLS: {fault}", byte)) == self.only

    async def _call(
        self, smsc: Session, fault: str, region: str, *, repeated: bool | None, byte: int | None = None
    ) -> None:
        """
        Make a call whose first attempt meets a fault.

        Args:
            smsc: Makes it.
            fault: What it meets.
            region: Where.
            byte: At which byte.
            repeated: Of one that cannot have been written: whether a later attempt finds the gateway. Then a value must
                come, else `NotSent`. None: it may have been written, and the usual promises hold.
        """
        if not self._wanted(fault, byte):
            return
        self._numbers += 1
        phone = self._gateway.stock(f"38095{self._numbers:07d}")
        self._told.clear()
        outcome = await self._outcome(smsc, phone)
        endpoint = ACTIONS[self.action].endpoint
        attempts = sum(isinstance(event, events.Attempt) and event.endpoint == endpoint for event in self._told)
        lost = sum(isinstance(event, events.OutcomeLost) for event in self._told)
        self._clock.move(self._guard.lateness)
        resolved: object = None
        if isinstance(outcome, MessageOutcomeUnknown):
            resolved = await self._moving(partial(smsc.messages.resolve, outcome))
        mishap = Mishap(f"TLS: {fault}", byte)
        case = Case(self.action, mishap, phone, outcome, attempts, lost, resolved=resolved)
        problem = self.ledger.enter(case, region, self._gateway.paid(ACTIONS[self.action].name, phone))
        if not problem and repeated is not None:
            expected = ACTIONS[self.action].value if repeated else NotSent
            if not isinstance(outcome, expected) or (attempts > 1) < repeated:
                problem = f"it cannot have been written, and {outcome!r} came out after {attempts} attempts"
        if problem:
            replay = f"python -m tests.proof.edges paid --only '{self.action}/{case.mishap}'"
            self.ledger.broken.append(f"{self.action}, {case.mishap} ({region}): {problem}\n  replay: {replay}")

    async def _outcome(self, smsc: Session, phone: str) -> object:
        return await self._moving(partial(ACTIONS[self.action].call, smsc, phone))

    async def _moving(self, call: Callable[[], Awaitable[object]]) -> object:
        """Give what comes of a call, and let time pass when it sleeps: a lost message is looked for, with pauses."""
        found: list[object] = []

        async def one() -> None:
            try:
                found.append(await call())
            except Exception as error:  # noqa: BLE001 - it is judged
                found.append(error)

        if self.action != "send":
            await one()
            return found[0]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one)
            while not found:
                await anyio.sleep(_SOON)
                self._clock.jump()
        return found[0]

    async def nobody_is_there(self) -> None:
        """The address is dead, once or for good; the name is unknown; the certificate is somebody else's."""
        for fault, home in (("nobody listens", _NOBODY), ("unknown name", _NAMELESS)):
            for retry in (None, Retry(attempts=2, random=lambda: 0.0, budget=1e9)):
                async with self._session(home, retry=retry, backup_urls=()) as smsc:
                    await self._call(smsc, fault, "once" if retry is None else "again", repeated=False)
            async with self._session(home, backup_urls=[self._home]) as smsc:
                await self._call(smsc, fault, "then the backup", repeated=True)
        with FaultProxy(self._gateway.url) as proxy:
            proxy.down()

            def observe(event: events.Event) -> None:
                self._told.append(event)
                if isinstance(event, events.Repeating):
                    proxy.up()

            async with self._session(_secure(proxy), observer=observe) as smsc:
                await self._call(smsc, "nobody listens", "then it does", repeated=True)
        stranger = type(self._authority)().client()
        async with self._session(self._home, ssl_context=stranger, retry=None) as smsc:
            await self._call(smsc, "a certificate of somebody else", "-", repeated=False)

    async def handshake_is_cut(self, every: int = 1) -> None:
        """
        TLS never comes about, because its bytes are cut off anywhere, either way; the second attempt is let through.

        Then what follows the handshake is cut too, of which nobody outside can say what it was.

        Args:
            every: Take each of so many bytes; an odd number, so that both ways to end are taken.
        """
        with FaultProxy(self._gateway.url) as proxy:
            async with self._session(_secure(proxy)) as smsc:
                await ACTIONS[self.action].call(smsc, self._gateway.stock("380950000000"))
            first, second = proxy.passages[:2]  # hello and certificate; what comes then is the second
        for side, size in (("hello", first.request_bytes), ("certificate", first.reply_bytes - _SIGNATURE)):
            for start in range(0, size, 50 * every):
                with FaultProxy(self._gateway.url) as proxy:
                    for byte in range(start, min(start + 50 * every, size), every):
                        ending = "reset" if byte % 2 else "close"  # by the byte alone, so that a replay is the same
                        if not self._wanted(f"handshake, {ending}", byte):
                            continue
                        plan = (
                            Plan(cut_request_at=byte, ending=ending)  # type: ignore[arg-type]
                            if side == "hello"
                            else Plan(cut_reply_at=byte, ending=ending)  # type: ignore[arg-type]
                        )
                        proxy.add(plan)
                        async with self._session(_secure(proxy)) as smsc:
                            await self._call(smsc, f"handshake, {ending}", side, repeated=True, byte=byte)
        for byte in range(0, second.request_bytes, every):
            if not self._wanted("the request, encrypted, cut", byte):
                continue
            with FaultProxy(self._gateway.url) as proxy:
                proxy.add(Plan())
                proxy.add(Plan(cut_request_at=byte, ending="reset" if byte % 2 else "close"))
                async with self._session(_secure(proxy)) as smsc:
                    await self._call(smsc, "the request, encrypted, cut", "-", repeated=None, byte=byte)

    async def handshake_hangs(self, every: int = 1) -> None:
        """
        TLS begins and goes silent, until the time is over.

        Args:
            every: Take each of so many bytes.
        """
        with FaultProxy(self._gateway.url) as proxy:
            for byte in range(0, 500, every):
                if not self._wanted("handshake, hang", byte):
                    continue
                proxy.add(Plan(cut_request_at=byte, ending="hang"))
                seen = len(proxy.passages)
                async with self._session(_secure(proxy), retry=None) as smsc, anyio.create_task_group() as tasks:
                    call = partial(self._call, smsc, "handshake, hang", "hello", repeated=False, byte=byte)
                    tasks.start_soon(call)
                    await _until(lambda seen=seen: [one for one in proxy.passages[seen:] if one.ended != "open"])  # type: ignore[misc]
                    self._clock.move(_TIMEOUT)


def _secure(proxy: FaultProxy) -> str:
    return proxy.url.replace("http://", "https://")


async def _until(true: Callable[[], object]) -> None:
    with anyio.fail_after(60):
        while not true():  # noqa: ASYNC110 - it comes true in the proxy's thread
            await anyio.sleep(0.0005)
