"""The state of a play, so that two of one future are equal; what the exhaustive search knows them by."""

from __future__ import annotations

import marshal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from tests.proof.core import books
from tests.proof.core.books import ahead
from tests.proof.core.ledgers import FOREVER

if TYPE_CHECKING:
    from tests.proof.core.gateway import Flight, Gateway
    from tests.proof.core.ledgers import KeyLedger, OriginLedger, PartyLedger, SlotLedger
    from tests.proof.core.play import Play

__all__ = ["digest", "picture"]

LATE = 2.0  # seconds; by less than that an end is told late


def digest(play: Play) -> bytes:
    """Give the name of a play's state."""
    return blake2b(marshal.dumps(picture(play), 2), digest_size=12).digest()  # version 2 shares no objects


def picture(play: Play) -> tuple[Any, ...]:
    """Give all that matters of a play from now on: the policy's books, the gateway's, and the callers."""
    now, gateway = play.now, play.gateway
    flights = sorted(play.flying, key=lambda flight: flight.lease.number)
    callers = sorted(play.standing.values(), key=lambda caller: caller.ticket.number)
    order = {caller.serial: rank for rank, caller in enumerate(sorted(callers, key=lambda caller: caller.serial))}
    return (
        books.picture(play.policy, now, [flight.lease for flight in flights], [caller.ticket for caller in callers]),
        _gateway(gateway, now),
        tuple(
            (
                flight.call.index,
                flight.on_probation,
                flight.probes,
                flight.trial,
                flight.lease.granted_at <= gateway.slots[flight.call.account].cut_at,
                flight.admitted_at == now,
                _in_row_with(gateway, flight, now),
                flight.lease.granted_at > gateway.credentials[flight.call.credential].locked_at,
                flight.lease.granted_at > gateway.origins[flight.call.origin].locked_at,
                tuple(
                    flight.lease.granted_at >= gateway.keys[charge.key].blocked_until for charge in flight.call.charges
                ),
            )
            for flight in flights
        ),
        tuple((caller.call.index, order[caller.serial]) for caller in callers),
        play.timely,
    )


def _in_row_with(gateway: Gateway, flight: Flight, now: float) -> tuple[float, ...]:
    """Give how many messages stay refused if this one is taken; and its age, for more may be told late."""
    if not flight.call.message:
        return ()
    since, refused = flight.lease.granted_at, gateway.origins[flight.call.origin].row.remembered(now)
    return sum(until >= since for until in refused), min(now - since, LATE)


def _gateway(gateway: Gateway, now: float) -> tuple[object, ...]:
    return (
        tuple(_key(ledger, now, gateway.rest) for ledger in gateway.keys),
        tuple(
            _slots(ledger, now, gateway.settings.window, gateway.settings.max_concurrency) for ledger in gateway.slots
        ),
        tuple(_party(ledger, now) for ledger in gateway.credentials),
        tuple(_origin(ledger, now) for ledger in gateway.origins),
    )


def _key(of: KeyLedger, now: float, rest: float) -> tuple[object, ...]:
    state: tuple[float, ...] = ()
    if of.strikes:
        risen = -1.0 if of.rises_from == FOREVER else min(now - of.rises_from, of.key.n * rest)
        state = (min(of.strikes, 5), ahead(of.blocked_until, now), risen, max(of.blocked_until + rest - now, 0.0))
    return of.out, of.live, _homes(of.homes, now), state


def _slots(of: SlotLedger, now: float, window: float, most: int) -> tuple[object, ...]:
    state = (of.base, min(now - of.rises_from, most * window)) if of.recovering else ()
    return of.flying, _homes(of.homes, now), state


def _party(of: PartyLedger, now: float) -> tuple[object, ...]:
    return of.proven, of.trying, _homes(of.homes, now), min(of.failures, 2), ahead(of.locked_until, now)


def _origin(of: OriginLedger, now: float) -> tuple[object, ...]:
    blocked = max(of.blocked_until - now, 0.0)
    row = of.row.out, tuple(until - now for until in of.row.remembered(now))
    return *_party(of, now), _homes(of.strikes, now), of.trials, _homes(of.trials_home, now), blocked, row


def _homes(moments: list[float], now: float) -> tuple[float, ...]:
    return tuple(moment - now for moment in moments if moment > now)
