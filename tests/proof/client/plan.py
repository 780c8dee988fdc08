"""What happens in a schedule, drawn from its seed alone: sessions, calls, cancellations, and which faults there are."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final

import attrs

from tests.proof.client.faults import CONNECTING, REPLYING, REQUESTING, Fault

if TYPE_CHECKING:
    from tests.proof.client.virtual import Backend

__all__ = ["MOMENTS", "THEMES", "CallPlan", "CancelPlan", "Plan", "SessionPlan", "draw"]

# A schedule's seed says by its last digits what it is about, so that every run of seeds has its share of each.
THEMES: Final = (
    *("mixed",) * 2,
    *("messages",) * 2,
    *("windows",) * 3,
    *("refused",) * 1,
    *("crowd",) * 1,
    *("saturated",) * 3,
    *("money",) * 3,
    *("files",) * 2,
    *("locks",) * 2,
    *("closing",) * 1,
)
#: Moments of a call's way at which it may be cancelled.
MOMENTS: Final = ("granted", "connecting", "connected", "secured", "writing", "written", "coming", "read", "finished")
_COSTLY: Final = frozenset({Fault.ERROR_2, Fault.ERROR_4})  # these end a schedule for half an hour
_OFTEN: Final = (  # twice as often as others, and more: these fit only some calls
    *(Fault.CLOSED_AS_WE_WRITE, Fault.IDLE_CLOSED, Fault.EXTRA_BYTES, Fault.PAUSED, Fault.REDIRECT, Fault.SLOW),
    *(Fault.HANGS, Fault.EMPTY, Fault.HALF_REPLY, Fault.ERROR_3, Fault.ERROR_5, Fault.ERROR_6),
    *(Fault.ERROR_3, Fault.ERROR_5, Fault.ERROR_6, Fault.ERROR_6, Fault.WRONG_REPLY, Fault.EXTRA_BYTES),
    *(Fault.EXTRA_BYTES, Fault.HALF_REPLY, Fault.CLOSES_AFTER, Fault.DUPLICATE, Fault.HTML, Fault.ERROR_8),
    *(Fault.SERVER_ERROR, Fault.NO_REPLY, Fault.CHUNKED),
)
_HALFWAY: Final = (Fault.REPLY_CUT, Fault.REPLY_RESET_AT, Fault.HANGS_MIDWAY, Fault.DRIPS)
_LARGE: Final = ("crowd", "refused")  # themes with so many calls that all must come at once to reach their edge
_INTENSITIES: Final = {
    "saturated": (0.02, 0.1, 0.2),
    "crowd": (0.01, 0.05),
    "locks": (0.1, 0.3),
    "files": (0.3, 0.4, 0.5),
    "messages": (0.3, 0.4, 0.5),
    "refused": (0.97, 1.0),
}
_NO: Final = (Fault.ERROR_6, Fault.ERROR_7, Fault.ERROR_8)  # to messages that cannot be sent
_THROUGH_A_PROXY: Final[tuple[Fault, ...]] = (Fault.PROXY_REFUSES, Fault.PROXY_HANGS)


@attrs.frozen
class CancelPlan:
    """When a call is cancelled: after some seconds, or some steps after a moment of its way has come."""

    after: float | None
    moment: str = ""
    occurrence: int = 1  # at which time it comes: the second is that of the second attempt
    steps: int = 0
    native: bool = False  # as asyncio does it

    def __str__(self) -> str:
        how = "task.cancel()" if self.native else "a scope"
        when = f"{self.moment} {self.occurrence}, +{self.steps}" if self.after is None else f"after {self.after:.4f} s"
        return f"{how}, {when}"


@attrs.frozen(kw_only=True)
class CallPlan:
    """One call."""

    session: int
    kind: str
    args: tuple[Any, ...] = ()
    at: float
    max_wait: float | None = None
    cancel: CancelPlan | None = None
    pace: float = 0.0  # seconds that a reader of a file takes for each chunk
    leaves: bool = False  # the reader leaves after the first chunk

    def __str__(self) -> str:
        return f"{self.kind}{self.args}"


@attrs.frozen(kw_only=True)
class SessionPlan:
    """One session."""

    account: int
    apikey: bool  # or login and password
    reply_format: int
    attempts: int | None  # None is `retry=None`
    timeout: float
    proxied: bool
    closes_at: float | None


@attrs.frozen(kw_only=True)
class Plan:
    """A whole schedule."""

    seed: int
    theme: str
    backend: Backend
    zero: float  # of the machine's monotonic clock
    secure: bool
    sessions: tuple[SessionPlan, ...]
    calls: tuple[CallPlan, ...]
    connecting: tuple[Fault, ...]  # the faults that there are
    passing: tuple[Fault, ...]
    intensity: float  # the share of connections and requests that meet one
    latency: float  # the most seconds of each part of a request's way
    foreign: tuple[tuple[float, int], ...]  # other software: when, how many requests like one of ours
    crowds: tuple[tuple[float, float, int], ...]  # other software: from, to, how many slots it takes


def draw(seed: int) -> Plan:
    """Draw the schedule of *seed*."""
    random = Random(seed)
    theme = THEMES[seed % len(THEMES)]
    backend: Backend = "trio" if seed // len(THEMES) % 3 == 2 else "asyncio"  # as most users have it
    accounts = 1 if random.random() < 0.7 else 2
    secure = random.random() < 0.8
    ends = 40.0 if theme in ("saturated", "crowd") else 150.0
    count = max(accounts, random.choice((1, 1, 2, 3)))
    sessions = tuple(_session(random, theme, number % accounts, ends, secure=secure) for number in range(count))
    connecting, passing = _menu(random, theme, proxied=any(session.proxied for session in sessions))
    native = backend == "asyncio"
    calls = tuple(_calls(random, theme, len(sessions), ends, native=native))
    return Plan(
        seed=seed,
        theme=theme,
        backend=backend,
        zero=random.choice((0.0, 1_000.0, 86_400.123)),
        secure=secure,
        sessions=sessions,
        calls=calls,
        connecting=connecting,
        passing=passing,
        intensity=random.choice(_INTENSITIES.get(theme, (0.1, 0.2, 0.3, 0.4, 0.5))),
        latency=random.choice((0.0, 0.05, 0.5, 0.5, 2.0)),
        foreign=tuple(
            (random.uniform(0.0, ends), random.choice((1, 2, 3, 10)))
            for _ in range(random.randrange(1, 6))
            if random.random() < (0.3 if theme in ("windows", "mixed") else 0.05)
        ),
        crowds=tuple(
            (start, start + random.uniform(10.0, 60.0), random.randrange(4, 15))
            for start in (random.uniform(0.0, ends / 3),)
            if random.random() < (0.3 if theme == "saturated" else 0.08)
        ),
    )


def _session(random: Random, theme: str, account: int, ends: float, *, secure: bool) -> SessionPlan:
    closing = 0.8 if theme == "closing" else 0.04
    return SessionPlan(
        account=account,
        apikey=random.random() < 0.4,
        reply_format=random.choice((0, 1, 2, 3, 3, 3)),
        attempts=random.choice((None, 1, 3, 3, 3, 3, 5)),
        timeout=random.choice((5.0, 30.0, 30.0)),
        proxied=secure and random.random() < 0.15,  # by a tunnel
        closes_at=random.uniform(0.0, ends) if random.random() < closing else None,
    )


def _menu(random: Random, theme: str, *, proxied: bool) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    connecting: list[Fault] = [fault for fault in CONNECTING if fault not in _THROUGH_A_PROXY]
    chosen = random.sample(connecting, random.choice((0, 0, 1, 2)))
    if proxied:
        chosen += random.sample(_THROUGH_A_PROXY, random.choice((1, 2)))
    passing = [*REQUESTING, *REPLYING, *_OFTEN]
    if theme != "locks" and random.random() < 0.75:
        passing = [fault for fault in passing if fault not in _COSTLY]
    met = random.sample(passing, random.choice((2, 4, 8, 12)))
    if theme == "locks":
        met += [random.choice((Fault.ERROR_2, Fault.ERROR_4))] * 3
    if theme == "files":
        met += random.sample(_HALFWAY, 2) * 6
    if theme == "messages":
        met += random.sample((*REQUESTING, *_HALFWAY, *_NO, Fault.DUPLICATE, Fault.NO_REPLY), 4) * 2 + [Fault.ERROR_5]
    if theme == "refused":
        chosen, met = [], [random.choice(_NO)]
    return tuple(chosen), tuple(met)


# ---------------------------------------------------------------- calls


def _available(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "available", ()


def _rent(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "rent", (f"38095000000{random.randrange(3)}", random.random() < 0.5, random.random() < 0.15)


def _renew(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "renew", (f"38095000000{random.randrange(3)}", random.random() < 0.5)


def _request(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "request", (f"3806700000{random.randrange(60):02d}",)


def _hot(random: Random) -> tuple[str, tuple[Any, ...]]:
    spelled = random.choice(("380670000000", "+380 67 000-00-00"))
    return "request", (spelled,)


def _list(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "list", random.choice(((), (10, None), (5, random.randrange(40))))


_TASKS: Final = (*range(1, 10), *range(11, 17))  # most of them are done


def _file(random: Random) -> tuple[str, tuple[Any, ...]]:
    return random.choice(("stream", "stream", "rows", "save", "save to a folder")), (random.choice(_TASKS),)


def _few_operators(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "operators", (f"38067000000{random.randrange(3)}",)


def _wait(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "wait", (random.randrange(1, 30), random.choice((30.0, 90.0)))


def _balance(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "balance", ()


def _operators(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "operators", (f"3806700000{random.randrange(8):02d}",)


def _notes(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "notes", (random.randrange(4),)


def _send(random: Random) -> tuple[str, tuple[Any, ...]]:
    return random.choice(("send", "send, or resolve")), (f"38050000000{random.randrange(5)}", random.randrange(3))


def _price(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "cost", (f"38050000000{random.randrange(5)}", random.randrange(3))


def _send_many(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "send", (f"3805000{random.randrange(10_000):05d}", 0)


def _broken(random: Random) -> tuple[str, tuple[Any, ...]]:
    return "broken", (random.choice(("text", "type")),)


_MIXES: Final[dict[str, tuple[tuple[int, Any], ...]]] = {
    "mixed": (
        *((4, _request), (3, _rent), (2, _renew), (2, _available), (2, _list), (2, _file), (2, _balance)),
        *((2, _operators), (2, _notes), (1, _broken), (1, _wait)),
    ),
    "crowd": ((50, _hot), (1, _available)),
    "saturated": ((20, _request), (3, _list), (1, _file), (1, _operators)),
    "money": ((10, _rent), (3, _notes), (3, _hot), (1, _renew), (1, _balance)),
    "files": ((8, _file), (3, _list), (1, _wait), (2, _balance)),
    "messages": ((20, _send), (3, _price), (1, _balance), (1, _rent)),
    "refused": ((30, _send_many), (1, _price)),
    "locks": ((5, _request), (3, _rent), (2, _available), (2, _balance), (1, _file)),
    "closing": ((6, _request), (3, _available), (2, _rent), (2, _file), (2, _list), (2, _balance)),
}
_HOT: Final = (_available, _renew, _list, _balance, _balance, _balance, _few_operators, _few_operators, _notes)
_COUNTS: Final = {
    "crowd": (60, 68),
    "saturated": (26, 36),
    "windows": (22, 32),
    "money": (14, 22),
    "files": (12, 20),
    "messages": (16, 26),
    "refused": (101, 106),
}


def _calls(random: Random, theme: str, sessions: int, ends: float, *, native: bool) -> list[CallPlan]:
    mix = _MIXES.get(theme) or tuple(zip((2, 1), random.sample(_HOT, 2), strict=True))
    kinds = [make for weight, make in mix for _ in range(weight)]
    bursts = [random.uniform(0.0, ends) for _ in range(random.randrange(1, 4))]
    if theme in ("saturated", "crowd", "files", "windows", "refused"):
        bursts = bursts[:1]  # all at once
    cancelling = random.choice((0.0, 0.1, 0.2, 0.4) if theme not in _LARGE else (0.0, 0.03))
    bounded = 0.6 if theme == "messages" else random.choice((0.0, 0.1, 0.3) if theme not in _LARGE else (0.0,))
    calls = [CallPlan(session=0, kind="balance", at=0.0)]
    for _ in range(random.randrange(*_COUNTS.get(theme, (16, 26)))):
        kind, args = random.choice(kinds)(random)
        at = random.choice(bursts) if random.random() < 0.7 or theme in _LARGE else random.uniform(0.0, ends)
        calls.append(
            CallPlan(
                session=random.randrange(sessions),
                kind=kind,
                args=args,
                at=at,
                max_wait=random.choice((0.2, 2.0, 40.0, 70.0)) * random.random() if random.random() < bounded else None,
                cancel=_cancel(random, native=native) if random.random() < cancelling else None,
                pace=random.choice((0.0, 0.5, 8.0)),
                leaves=random.random() < 0.1,
            )
        )
    return calls


def _cancel(random: Random, *, native: bool) -> CancelPlan:
    natively = native and random.random() < 0.5
    if random.random() < 0.4:
        return CancelPlan(after=random.choice((0.0, 0.3, 3.0, 60.0)) * random.random(), native=natively)
    occurrence = 1 if random.random() < 0.85 else 2
    moment, steps = random.choice(MOMENTS), random.choice((0, 0, 0, 1, 1, 2, 3, 5))
    return CancelPlan(after=None, moment=moment, occurrence=occurrence, steps=steps, native=natively)
