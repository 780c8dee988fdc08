"""Paid calls through all mishaps, or through a part of them, in one event loop after the other."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio
import attrs

from tests.proof.edges.gateway import Gateway
from tests.proof.edges.mishaps import at_bytes, refusals, without_bytes
from tests.proof.edges.moved_clock import MovedClock
from tests.proof.edges.paid import Ledger, Till
from tests.proof.edges.unsent import Unsent
from tests.transport.servers import Authority

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping

    from smsc_async import ReplyFormat
    from tests.proof.edges.mishaps import Mishap


__all__ = ["Backend", "audit", "audit_refused", "audit_unsent"]

Backend = Literal["asyncio", "uvloop", "trio"]

_WARM: Final = 6  # each of so many mishaps befalls a call that could find a connection too


def audit(
    action: str,
    backend: Backend = "asyncio",
    *,
    every: int = 1,
    turns: int = 0,
    sample: int = 1,
    only: str | None = None,
    reply_format: ReplyFormat | None = None,
) -> Ledger:
    """
    Make the calls of one kind, and hold what came out against the gateway's log.

    Args:
        action: ``rent`` or ``request``.
        backend: The event loop.
        every: Take each of so many bytes for what does not merely cut; the cuts take all.
        turns: Take each of so many bytes, and at each of them just one of the mishaps, in turn; all at the ends of head
            and body. 0 takes all at all bytes.
        sample: Take each of so many of the mishaps that have no place in the bytes.
        only: Just the mishap of that name.
        reply_format: In which the gateway is asked to answer; JSON.
    """
    return _run(backend, partial(_audit, action, every, turns, sample, only, reply_format))


async def _audit(
    action: str, every: int, turns: int, sample: int, only: str | None, reply_format: ReplyFormat | None
) -> Ledger:
    gateway = Gateway(MovedClock())
    async with gateway.serving():
        till = Till(gateway, action) if reply_format is None else Till(gateway, action, reply_format=reply_format)
        request, reply = await till.measure()
        head_of_request, _, head_of_reply, _ = till.sizes
        placed = list(at_bytes(request, reply, every=every))
        if turns:
            ends = {"request": {0, head_of_request, request}, "reply": {0, head_of_reply, reply}}
            placed = list(_in_turn(placed, turns, ends))
        mishaps = [*placed, *list(without_bytes())[::sample]]
        mishaps += [attrs.evolve(mishap, warm=True) for mishap in mishaps[::_WARM]]
        await till.play([mishap for mishap in mishaps if only is None or str(mishap) == only])
        return await till.books()


def _in_turn(mishaps: Iterable[Mishap], turns: int, ends: Mapping[str, Container[int | None]]) -> Iterator[Mishap]:
    for (side, byte), together in groupby(mishaps, lambda mishap: (mishap.side, mishap.byte)):
        here = list(together)
        if byte in ends[side]:
            yield from here
        elif byte is not None and byte % turns == 0:
            yield here[byte // turns % len(here)]


def audit_unsent(action: str, backend: Backend = "asyncio", *, every: int = 1, only: str | None = None) -> Ledger:
    """
    Make calls that cannot be written at their first attempt: nobody is there, or TLS does not come about.

    Args:
        action: ``rent`` or ``request``.
        backend: The event loop.
        every: Cut the handshake at each of so many bytes.
        only: Just the mishap of that name.
    """
    return _run(backend, partial(_audit_unsent, action, every, only))


async def _audit_unsent(action: str, every: int, only: str | None) -> Ledger:
    async with Unsent(action, Authority(), only=only).serving() as unsent:
        await unsent.nobody_is_there()
        await unsent.handshake_is_cut(every)
        await unsent.handshake_hangs(every)
        return unsent.ledger


def audit_refused(action: str, backend: Backend = "asyncio", *, only: str | None = None) -> Ledger:
    """
    Make calls that the gateway refuses by an error number, each with an account and a guard of its own.

    Args:
        action: ``rent`` or ``request``.
        backend: The event loop.
        only: Just the refusal of that name.
    """
    return _run(backend, partial(_audit_refused, action, only))


async def _audit_refused(action: str, only: str | None) -> Ledger:
    ledger = Ledger()
    for mishap in refusals():
        if only is None or str(mishap) == only:
            gateway = Gateway(MovedClock())
            async with gateway.serving():
                till = Till(gateway, action)
                await till.measure()
                await till.play([mishap])
                ledger += await till.books()
    return ledger


def _run(backend: Backend, work: Callable[[], Awaitable[Ledger]]) -> Ledger:
    options: dict[str, Any] = {"use_uvloop": backend == "uvloop"} if backend != "trio" else {}
    return anyio.run(work, backend="trio" if backend == "trio" else "asyncio", backend_options=options)
