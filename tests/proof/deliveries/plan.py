"""What the gateway has to tell, and in which order it tells it: drawn from a seed."""

from __future__ import annotations

import hashlib
import random
from typing import Final
from urllib.parse import urlencode

import attrs

from smsc_async.webhooks import DeliveryStatus, Event, Receiver

__all__ = ["SECRET", "Planned", "draw"]

SECRET: Final = "a-secret-of-the-deliveries"
_BASE: Final = 1_767_225_600  # Unix time
_CHAINS: Final = ((-1, 0, 1, 2), (0, 1), (0, 1, 2, 4), (-1, 0, 20), (0, 3), (1,), (-1, 0, 1))
_TWICE: Final = 0.2  # of the callbacks the gateway tells again though they were acknowledged
_STRAY: Final = 12.0  # places by which a callback is early or late
_LATER: Final = 8.0  # places by which it comes again


@attrs.frozen(eq=False)
class Planned:
    """A callback, and what must come of it."""

    body: bytes
    key: str
    subject: str
    progress: tuple[int, float] | None


def draw(seed: int, count: int) -> list[Planned]:
    """Give *count* deliveries in the order in which the gateway first makes them; some are repeats of others."""
    chance = random.Random(seed)
    receiver = Receiver(secret=SECRET)
    events: list[Planned] = []
    number = 0
    while len(events) < count * (1.0 - _TWICE):
        number += 1
        events += [_planned(receiver, body) for body in _bodies(chance, seed, number)]
    told = [(place + chance.gauss(0.0, _STRAY), event) for place, event in enumerate(events)]
    again = chance.choices(told, k=max(count - len(told), 0))
    told += [(place + chance.expovariate(1.0 / _LATER), event) for place, event in again]
    told.sort(key=lambda one: one[0])
    return [event for _, event in told][:count]


def _bodies(chance: random.Random, seed: int, number: int) -> list[bytes]:
    phone = f"38050{number:07d}"
    kind = chance.random()
    if kind < 0.1:
        return [_signed({"phone": phone, "waitcall": "1", "ts": str(_BASE + number)}, "phone", "ts")]
    if kind < 0.25:
        fields = {"id": str(number), "phone": phone, "mes": f"Лист {number}: так", "to": "380671112233"}
        return [_signed({**fields, "time": str(_BASE + number)}, "phone", "mes", "to")]
    name, moment = f"{seed}-{number}", _BASE + number
    return [
        _signed(
            {"id": name, "phone": phone, "status": str(status), "ts": str(moment + 10 * step)}, "id", "phone", "status"
        )
        for step, status in enumerate(chance.choice(_CHAINS))
    ]


def _signed(fields: dict[str, str], *names: str) -> bytes:
    text = ":".join([*(fields[name] for name in names), SECRET])
    return urlencode({**fields, "sha1": hashlib.sha1(text.encode()).hexdigest()}).encode()


def _planned(receiver: Receiver, body: bytes) -> Planned:
    event: Event = receiver.parse(body)
    if isinstance(event, DeliveryStatus):
        assert event.changed_at is not None
        progress = event.status.progress, event.changed_at.timestamp()
        return Planned(body, event.key, "/".join(event.message), progress)
    return Planned(body, event.key, "", None)
