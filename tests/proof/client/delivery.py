"""How a reply comes: its head, its framing, its pieces, each at its moment, and what follows it or cuts it short."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tests.proof.client.faults import Fault

if TYPE_CHECKING:
    from tests.proof.client.book import Passage
    from tests.proof.client.gateway import Gateway
    from tests.proof.client.link import Link
    from tests.proof.client.script import Script

__all__ = ["deliver", "early"]

_CUT: Final[dict[Fault | None, BaseException | None]] = {
    Fault.REPLY_CUT: EOFError(),
    Fault.REPLY_RESET_AT: ConnectionResetError(104, "reset by peer"),
    Fault.HANGS_MIDWAY: None,
}
_CLOSING: Final = (Fault.CLOSES_AFTER, Fault.UNFRAMED, Fault.NO_HTTP)
_IN_PIECES: Final = (Fault.IN_PIECES, Fault.DRIPS, Fault.CHUNKED)
#: A whole reply that nobody asked for: who takes it for the answer to the next request has been deceived.
_EXTRA: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"result":"OK"}'
_INTO_H11, _INTO_TLS = 0.3, 0.7  # shares of extra bytes that end up there; the rest comes later


def early(passage: Passage, link: Link) -> None:
    """Answer before the request is there."""
    reply = _head(503, length=0, closes=True)
    passage.reply_length = len(reply)
    link.come(reply)


def deliver(
    gateway: Gateway, passage: Passage, link: Link, script: Script, fault: Fault | None, status: int, body: bytes
) -> None:
    """Send a reply on its way."""
    reply = _written(status, body, fault)
    if fault is Fault.UNFRAMED:
        passage.unframed = True
    elif fault is not Fault.NO_HTTP:
        passage.reply_length = len(reply)
    ending: BaseException | None = EOFError() if fault in _CLOSING else None
    if fault in _CUT:
        reply, ending = reply[: int(script.cut * len(reply))], _CUT[fault]
    *pieces, last = _pieces(reply, script, fault)
    moment, gap = script.downlink, 2.0 + 6.0 * script.late if fault is Fault.DRIPS else 0.05 * script.late
    for piece in pieces:
        gateway.later(moment, lambda piece=piece: link.come(piece))  # type: ignore[misc]
        moment += gap
    if fault is Fault.EXTRA_BYTES:
        _say_more(gateway, passage, link, script, last)
    else:
        gateway.later(moment, lambda: link.come(last))
    if ending is not None:
        gateway.later(moment + gap + 0.001, lambda: link.end(ending))


def _say_more(gateway: Gateway, passage: Passage, link: Link, script: Script, last: bytes) -> None:
    """Send a reply, and more than was asked for: at once, or later when nothing was asked."""

    def come() -> None:
        if script.cut < _INTO_H11:
            link.come(last + _EXTRA)
            return
        link.come(last)
        if gateway.plan.secure and script.cut < _INTO_TLS:
            link.come(_EXTRA, hidden=True)  # the system does not show it

    def come_later() -> None:
        if link.passage is passage:  # nobody can tell it from the reply to a request that is on its way
            link.come(_EXTRA)

    gateway.later(script.downlink, come)
    if script.cut >= _INTO_TLS:
        gateway.later(script.downlink + 0.001 + script.lasts, come_later)


def _written(status: int, body: bytes, fault: Fault | None) -> bytes:
    match fault:
        case Fault.NO_HTTP:
            return b"\x00\x01 this is no HTTP\r\n\r\n" + body
        case Fault.UNFRAMED:
            return _head(status, closes=True) + body
        case Fault.CHUNKED:
            parts = (body[: len(body) // 2], body[len(body) // 2 :])
            chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part]
            return _head(status, chunked=True) + b"".join(chunks) + b"0\r\n\r\n"
        case _:
            return _head(status, length=len(body), closes=fault in _CLOSING) + body


def _head(status: int, *, length: int | None = None, closes: bool = False, chunked: bool = False) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", "Content-Type: text/plain; charset=utf-8"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    if closes:
        lines.append("Connection: close")
    if status in range(300, 400):
        lines.append("Location: https://elsewhere.example/sys/")
    return "\r\n".join([*lines, "", ""]).encode()


def _pieces(reply: bytes, script: Script, fault: Fault | None) -> list[bytes]:
    if fault not in _IN_PIECES:
        return [reply]
    count = 2 + int(script.aside * 8)
    marks = sorted({0, len(reply), *(int(len(reply) * (number + script.cut) / count) for number in range(count))})
    return [reply[start:end] for start, end in pairwise(marks)]
