"""All that can befall one paid call between here and the gateway, as values: each is a fault, at a byte or not."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Final, Literal

import attrs

from smsc_async.simulator import (
    CutShort,
    Drop,
    Garbage,
    GzipBomb,
    Plan,
    Replace,
    Truncate,
    WrongLength,
    plain_refusal,
    redirect,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smsc_async.simulator import Effect
    from smsc_async.simulator.plans import Ending

__all__ = ["ENDINGS", "GARBAGE", "Mishap", "at_bytes", "refusals", "without_bytes"]

ENDINGS: Final[tuple[Ending, ...]] = ("reset", "close", "half", "hang")
_JSON: Final = (b"content-type", b"application/json")
_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>"
_PRICE: Final = b'{"cost":"30.00"}'
_NUMBER: Final = b'{"phone":"380440000000","all_phones":["380440000000"]}'

#: What stands in place of the rest of a reply, made from that rest.
GARBAGE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "noise": lambda rest: bytes((index * 167 + 89) % 256 for index in range(len(rest))),
    "zeros": lambda rest: bytes(len(rest)),
    "nines": lambda rest: b"9" * len(rest),
    "spaces": lambda rest: b" " * len(rest),
    "ends of line": lambda rest: b"\r\n" * (len(rest) // 2 + 1),
    "a second reply": lambda rest: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "twice": lambda rest: rest + rest,
}


@attrs.frozen
class Mishap:
    """
    One thing that goes wrong with one call.

    Args:
        fault: What; the row of the table.
        byte: Where, counted in the direction that it befalls; None where it has no place.
        side: Of the request or the reply that the byte is counted in.
        plan: What the fault proxy does.
        mangle: What the gateway makes of its reply's bytes.
        effect: What befalls the request inside of the gateway.
        silent: Whether the connection then goes silent, so that only the time-out ends the call; else a mangled reply
            is followed by the end of the connection.
        cancelled: Whether the caller is cancelled in that silence, before any time-out.
        warm: Whether the call finds a connection that has served before, where it takes one.
    """

    fault: str
    byte: int | None = None
    side: Literal["request", "reply", "neither"] = "neither"
    plan: Plan | None = None
    mangle: Callable[[bytes], bytes] | None = None
    effect: Effect | None = None
    silent: bool = False
    cancelled: bool = False
    warm: bool = False

    def __str__(self) -> str:
        return self.fault + ("" if self.byte is None else f" at {self.byte}") + (", warm" if self.warm else "")


def at_bytes(request: int, reply: int, *, every: int = 1) -> Iterator[Mishap]:
    """
    Give the mishaps that happen at a byte, of a request and a reply of so many bytes.

    Args:
        request: Bytes of the request.
        reply: Bytes of the reply.
        every: Take each of so many bytes, beside the ends, for what does not merely cut: 1 is all of them.
    """
    yield from _of_a_request(request, every)
    yield from _of_a_reply(reply, every)


def _of_a_request(request: int, every: int) -> Iterator[Mishap]:
    for byte in range(request + 1):
        for ending in ENDINGS:
            if ending in {"reset", "close"} or _taken(byte, request, every):
                plan = Plan(cut_request_at=byte, ending=ending)
                yield Mishap(f"request, {ending}", byte, "request", plan, silent=ending == "hang")
        if _taken(byte, request, every):
            plan = Plan(cut_request_at=byte, ending="hang")
            yield Mishap("request, cancelled", byte, "request", plan, silent=True, cancelled=True)
        if _taken(byte, request, 4 * every):
            plan = Plan(cut_request_at=byte, ending="close", request_rate=1e6)
            yield Mishap("request, drip and close", byte, "request", plan)


def _of_a_reply(reply: int, every: int) -> Iterator[Mishap]:
    for byte in range(reply + 1):
        for ending in ENDINGS:
            if ending != "half" or _taken(byte, reply, every):
                plan = Plan(cut_reply_at=byte, ending=ending)
                yield Mishap(f"reply, {ending}", byte, "reply", plan, silent=ending == "hang")
        if _taken(byte, reply, every):
            plan = Plan(cut_reply_at=byte, ending="hang")
            yield Mishap("reply, cancelled", byte, "reply", plan, silent=True, cancelled=True)
        if _taken(byte, reply, 4 * every):
            plan = Plan(cut_reply_at=byte, ending="reset", reply_rate=1e6)
            yield Mishap("reply, drip and reset", byte, "reply", plan)
        for name, made in GARBAGE.items():
            if name == "noise" or _taken(byte, reply, every):
                yield Mishap(f"reply, {name}", byte, "reply", mangle=_from(byte, made))
            if _taken(byte, reply, 4 * every):
                yield Mishap(f"reply, {name} and silence", byte, "reply", mangle=_from(byte, made), silent=True)


def _taken(byte: int, whole: int, every: int) -> bool:
    return byte % every == 0 or byte >= whole - 1


def _from(byte: int, made: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda reply: reply[:byte] + made(reply[byte:])


_STATUSES: Final = (
    *(201, 202, 203, 205, 206, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409),
    *(410, 411, 412, 413, 414, 415, 417, 418, 421, 422, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504),
    *(505, 507, 508, 511, 520, 521, 522, 523, 524, 525, 526, 530, 599),
)
_BODIES: Final = {
    "empty": b"",
    "HTML": _PAGE,
    "a price": _PRICE,
    "a number": _NUMBER,
    "error 9": b'{"error":"duplicate request","error_code":9}',
}
_WRONG: Final = (
    *(b"", b" ", b"\r\n", b"\0", b"null", b"true", b"0", b"[]", b"{}", b'""', b"OK", b"ERROR", b"ERROR = ?", _PAGE),
    *(b'{"cost":}', b'{"cost":null}', b'{"cost":[]}', b'{"cost":"NaN"}', b'{"cost":"30,00,0"}'),
    *(b'{"cost":"1","cost":"2"}', b'{"result":"OK"}', b'{"error":"no"}', b'{"error_code":0}', b'{"error_code":"9"}x'),
    *(
        b'{"phone":""}',
        b'{"phone":"x"}',
        b'{"phone":{}}',
        b"[" * 3_000,
        b'{"a":' * 3_000,
        b"\xff\xfe\x00",
        b"9" * 5_000,
    ),
)


def without_bytes() -> Iterator[Mishap]:
    """Give the mishaps that have no place in the bytes: statuses, bodies, compression, refused connections."""
    yield Mishap("refused at once", plan=Plan(refuse=True))
    for acted in (True, False):
        done = "after" if acted else "instead of"
        yield Mishap(f"dropped {done} acting", effect=Drop(acted=acted))
        yield Mishap(f"noise {done} acting", effect=Garbage(acted=acted))
        for status in _STATUSES:
            for name, body in _BODIES.items():
                headers = (_HTML,) if body == _PAGE else (_JSON,)
                effect: Effect = Replace(acted=acted, status=status, headers=headers, body=body)
                yield Mishap(f"{status} with {name} {done} acting", effect=effect)
        for status in (301, 302, 303, 307, 308):
            yield Mishap(
                f"{status} to elsewhere {done} acting", effect=redirect("https://x.test/", status, acted=acted)
            )
        for body in _WRONG:
            effect = Replace(acted=acted, headers=(_JSON,), body=body)
            yield Mishap(f"200 with {body[:12]!r} {done} acting", effect=effect)
        for whole, name in ((_PRICE, "price"), (_NUMBER, "number")):
            for at in range(len(whole)):
                effect = Replace(acted=acted, headers=(_JSON,), body=whole[:at])
                yield Mishap(f"200 with half a {name} {done} acting", at, "reply", effect=effect)
        yield from _compressed(acted=acted, done=done)
        busy = plain_refusal(9, "too many concurrent requests", acted=acted)
        yield Mishap(f"502 with error 9 as text {done} acting", effect=attrs.evolve(busy, status=502))
    for at in range(20):
        yield Mishap("a body cut short", at, "reply", effect=CutShort(at))
        yield Mishap("a body that claims to be whole", at, "reply", effect=Truncate(at))
    for more in (-3, -1, 1, 2, 1_000):
        yield Mishap(f"a length wrong by {more}", effect=WrongLength(more))
    yield Mishap("a gzip bomb", effect=GzipBomb(32 * 1024 * 1024))


def refusals() -> Iterator[Mishap]:
    """Give the error numbers with which the gateway can refuse a call: then it has certainly not acted."""
    for code in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99):
        yield Mishap(f"error {code}", effect=plain_refusal(code, "no", acted=False))
    yield Mishap("error 9, concurrency", effect=plain_refusal(9, "too many concurrent requests", acted=False))


def _compressed(*, acted: bool, done: str) -> Iterator[Mishap]:
    packed = gzip.compress(json.dumps({"cost": "30.00"}).encode())
    junk = {
        "noise": bytes(range(7, 90)),
        "half": packed[: len(packed) // 2],
        "without its end": packed[:-1],
        "with something after it": packed + b"x",
        "of nothing": gzip.compress(b""),
        "that is zlib of a page": zlib.compress(_PAGE),
        "that is no gzip": _PRICE,
    }
    for coding in (b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"nonsense"):
        for name, body in junk.items():
            effect = Replace(acted=acted, headers=(_JSON, (b"content-encoding", coding)), body=body)
            yield Mishap(f"200 with {coding.decode()} {name} {done} acting", effect=effect)
