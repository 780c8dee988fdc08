"""Looks for errors that nobody declared, for inputs that cost, and for events that do not survive the store."""

from __future__ import annotations

import logging
import time
import tracemalloc
import warnings
from collections import Counter
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async._privacy import Secret
from smsc_async.errors import WebhookError
from smsc_async.webhooks import Receiver
from smsc_async.webhooks._fields import Fields
from smsc_async.webhooks._kinds import kind_of
from smsc_async.webhooks._payload import pack, unpack
from smsc_async.webhooks._reader import read_callback
from smsc_async.webhooks._signature import verify
from tests.proof.callbacks.genuine import SECRET, Genuine, made_up
from tests.proof.callbacks.mutating import kind_by, spoiled_body, spoiled_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.webhooks.events import Digest

__all__ = ["TARGETS", "Failed", "Found", "fuzz", "one_input", "receiver"]

MOST_SECONDS: Final = 0.05  # of CPU for one input
MOST_MEMORY: Final = 32 * 1024 * 1024  # bytes at the peak, for a body of at most 256 KiB
_WEIGHED: Final = 500  # every so manieth input is weighed too
_LARGE: Final = 20_000  # bytes; so is each that is larger


logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every broken form


class Failed(AssertionError):
    """An input broke a promise."""


@attrs.define
class Found:
    """What a run over one target has seen."""

    target: str
    inputs: int = 0
    events: int = 0
    refused: Counter[str] = attrs.field(factory=Counter)
    slowest: float = 0.0  # seconds of CPU
    largest: int = 0  # bytes
    memory: int = 0  # bytes at the peak of one input
    seconds: float = 0.0

    def row(self) -> str:
        refused = sum(self.refused.values())
        figures = f"{self.inputs:,} | {self.events:,} | {refused:,} | 0 | {self.slowest * 1e3:.1f} ms"
        return f"| {self.target} | {figures} | {self.memory / 1024:,.0f} KiB | {self.seconds:,.0f} s |"


@cache
def receiver(form: str, charset: str, digest: str) -> Receiver:
    """Make the receiver that such callbacks are for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # koi8-r warns
        options = {"format": "form" if form == "parts" else form, "charset": charset, "digest": digest}
        return Receiver(secret=[SECRET, SECRET[::-1]], **options)  # type: ignore[arg-type]


def _read(random: Random, forms: tuple[str, ...]) -> tuple[int, Callable[[], bool]]:
    genuine = made_up(random, random.choice(forms))
    body = spoiled_body(random, genuine)
    reader = receiver(genuine.format, genuine.charset, genuine.digest)
    query = b"" if random.random() < 0.95 else body[:200]

    def go() -> bool:
        callback = read_callback(reader._settings, body, content_type=genuine.content_type, query=query)
        event = callback.event()
        if unpack(pack(callback)).key != event.key:
            raise Failed("the event is another one after it was stored")
        return bool(event.unsigned and repr(event))

    return len(body), go


def _verify(random: Random) -> tuple[int, Callable[[], bool]]:
    genuine: Genuine = made_up(random, "form")
    texts = dict(spoiled_fields(random, genuine.fields, times=random.randint(0, 4)))
    octets = None
    if random.random() < 0.5:
        octets = {name: text.encode(genuine.charset, "replace").decode("latin-1") for name, text in texts.items()}
    secrets = [Secret(SECRET[::-1]), Secret(SECRET)]

    def go() -> bool:
        kind = kind_of(texts)
        fields = Fields(texts, octets, genuine.charset)
        digest: Digest = "md5" if genuine.digest == "md5" else "sha1"
        signature = verify(fields, kind, digest=digest, charset=genuine.charset, secrets=secrets, token=False)
        if kind.name.lower() != kind_by(texts):
            raise Failed("the vendor's page says that it is of another kind")
        return signature.secret == 1

    return sum(map(len, texts.values())), go


TARGETS: Final[dict[str, Callable[[Random], tuple[int, Callable[[], bool]]]]] = {
    "form": lambda random: _read(random, ("form", "form", "form", "parts")),
    "xml": lambda random: _read(random, ("xml",)),
    "json": lambda random: _read(random, ("json",)),
    "verifier": _verify,
}


def one_input(target: str, seed: int, number: int) -> tuple[int, Callable[[], bool]]:
    """Give the size of an input, and what reads it: True where an event came of it."""
    return TARGETS[target](Random(f"{seed} {target} {number}"))


def fuzz(target: str, seed: int, first: int, inputs: int) -> Found:
    """
    Read so many inputs.

    Raises:
        Failed: One raised what is not declared, or cost too much; the text says which one.
    """
    found = Found(target)
    began = time.monotonic()
    for number in range(first, first + inputs):
        size, go = one_input(target, seed, number)
        try:
            spent, outcome = _timed(go)
            if spent > MOST_SECONDS:
                spent = _checked_time(go, spent, size)
            if number % _WEIGHED == 0 or size > _LARGE:
                found.memory = max(found.memory, _weighed(go, size))
        except Exception as problem:
            again = f"python -m tests.proof.callbacks replay --target {target} --seed {seed} --number {number}"
            raise Failed(f"{type(problem).__name__}: {problem}\n{again}") from problem
        found.inputs += 1
        found.slowest = max(found.slowest, spent)
        found.largest = max(found.largest, size)
        if outcome is None:
            found.events += 1
        else:
            found.refused[outcome] += 1
    found.seconds = time.monotonic() - began
    return found


def _timed(go: Callable[[], bool]) -> tuple[float, str | None]:
    """Give the CPU time, and the class of the refusal, if it is one."""
    began = time.thread_time()
    try:
        go()
    except WebhookError as refusal:
        return time.thread_time() - began, type(refusal).__name__
    return time.thread_time() - began, None


def _checked_time(go: Callable[[], bool], spent: float, size: int) -> float:
    """Look again: another process may have been in the way."""
    spent = min(spent, *(_timed(go)[0] for _ in range(3)))
    if spent > MOST_SECONDS:
        raise Failed(f"{spent * 1e3:.0f} ms of CPU for {size} bytes")
    return spent


def _weighed(go: Callable[[], bool], size: int) -> int:
    """Give the bytes of memory at the peak."""
    tracemalloc.start()
    try:
        _timed(go)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if peak > MOST_MEMORY:
        raise Failed(f"{peak:,} bytes of memory for {size} bytes")
    return peak
