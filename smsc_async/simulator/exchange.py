"""One request's way through the gateway: read, disturbed, let in, carried out, answered, written down."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Final

import attrs

from smsc_async.simulator import asgi
from smsc_async.simulator.asgi import Receive, Scope, Send
from smsc_async.simulator.delivery import Delivery
from smsc_async.simulator.disturbance import Disturbance, HttpReply
from smsc_async.simulator.downloads import csv_style
from smsc_async.simulator.faults import Faults
from smsc_async.simulator.gate import Gate
from smsc_async.simulator.log import Arrival, Log, Outcome
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.nouns import Call, Noun
from smsc_async.simulator.replies import Answer, FileReply, Picture, Refusal, render
from smsc_async.simulator.request import Request, parse
from smsc_async.simulator.switches import Switches

PREFIX: Final = "/sys/"

#: Larger than any documented request; the whole body is held in memory.
MAX_BODY: Final = 16 * 1024 * 1024

CONTENT_TYPES: Final = ("text/plain", "text/plain", "text/xml", "application/json")
UNREADABLE: Final = HttpReply(status=400, headers=[(b"content-type", b"text/html")], body=b"<h1>Bad Request</h1>")
NO_SUCH_PATH: Final = HttpReply(status=404, headers=[(b"content-type", b"text/html")], body=b"<h1>Not Found</h1>")


@attrs.frozen(kw_only=True)
class Exchanges:
    """Conducts requests, any number at once, from any event loop. The lock is held for synchronous steps only."""

    nouns: Mapping[str, Noun]
    gate: Gate
    faults: Faults
    log: Log
    moments: Moments
    lock: AbstractContextManager[object]
    switches: Callable[[], Switches]
    dropped: Callable[[str], Exception]
    crashes: list[str]

    async def conduct(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Conduct one request from its headers to the end of its answer."""
        path = str(scope["path"])
        client: tuple[str, int] | None = scope.get("client")
        with self.lock:
            arrival = self.log.open(
                self.moments.now(),
                client=client[0] if client else "",
                method=scope["method"],
                endpoint=path.removeprefix(PREFIX),
            )

        def leave() -> None:
            with self.lock:
                self.gate.leave(arrival, self.switches())

        delivery = Delivery(
            arrival=arrival,
            receive=receive,
            send=send,
            sleep=self.moments.sleep,
            leave=leave,
            dropped=self.dropped,
        )
        try:
            body = await asgi.read_body(receive, MAX_BODY)
            if body is None:
                arrival.outcome = "cut"
                return
            try:
                request = parse(scope, body)
            except ValueError:  # more fields than anybody needs, a multipart form without boundary, and so on
                arrival.outcome = "unreadable"
                await delivery.hand_over(UNREADABLE)
                return
            arrival.host = request.host
            arrival.credentials_in_url = request.credentials_in_url
            if path.startswith(PREFIX) and self.gate.knows(request):
                await self._answer(request, delivery)
            else:
                arrival.outcome = "unknown path"
                await delivery.hand_over(NO_SUCH_PATH)
        except Exception as error:
            if arrival.outcome != "dropped":
                arrival.outcome = "crashed"
                self.crashes.append("".join(traceback.format_exception_only(error)).strip())
            raise
        finally:
            if arrival.completed_at is None and arrival.outcome not in {"cut", "crashed"}:
                arrival.outcome = "abandoned"
            leave()

    async def _answer(self, request: Request, delivery: Delivery) -> None:
        arrival = delivery.arrival
        with self.lock:
            disturbance = self.faults.disturb(request, self.gate.action(request))
        arrival.faults = tuple(disturbance.titles)
        await self._wait(disturbance.before_counting)
        with self.lock:
            entry = self.gate.arrive(arrival, request, self.switches())
        answer = await self._act(entry, arrival, disturbance)
        if arrival.acted:
            for happen in disturbance.meanwhile:
                await happen(request)
        await self._wait(disturbance.before_reply)
        if disturbance.drops:
            await delivery.drop()
            return
        if disturbance.replacement is not None:
            reply = disturbance.replacement
        elif answer is None:  # nothing was done, and what stands in for the reply is made by a transform
            reply = HttpReply()
        else:
            reply = written(answer, request, self.switches())
        for transform in disturbance.transforms:
            reply = transform(reply, request)
        arrival.outcome = "fault" if disturbance.replaces else _outcome(answer)
        await delivery.hand_over(reply)

    async def _act(self, entry: Call | Refusal, arrival: Arrival, disturbance: Disturbance) -> Answer | None:
        """Carry the request out; None where a fault keeps the gateway from it."""
        if isinstance(entry, Refusal):
            arrival.refusal = entry.kind
            return entry
        await self._wait(disturbance.before_acting)
        if not disturbance.acts:
            return None
        noun = self.nouns[entry.request.endpoint]
        with self.lock:
            answer = noun.act(entry)
            arrival.acted_at = self.moments.now()
            if isinstance(answer, Refusal):
                arrival.refusal = answer.kind
            else:
                arrival.acted = True
                arrival.paid = noun.pays(entry.action)
            self.gate.acted(arrival, answer, self.switches())
        return answer

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self.moments.sleep(seconds)


def written(answer: Answer, request: Request, switches: Switches) -> HttpReply:
    """Write an answer as the request wants it."""
    if isinstance(answer, FileReply):
        return _file(answer, request, switches)
    if isinstance(answer, Picture):
        headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-store")]
        return HttpReply(headers=headers, body=answer.data)
    text = render(answer, request.fmt, switches)
    charset = request.charset if switches.reply_charset == "requested" else switches.reply_charset
    content_type = CONTENT_TYPES[request.fmt] + _charset_claim(charset, switches)
    return HttpReply(headers=[(b"content-type", content_type.encode())], body=text.encode(charset, "replace"))


def _file(answer: FileReply, request: Request, switches: Switches) -> HttpReply:
    style = csv_style(switches, request.charset)

    def stream() -> Iterator[bytes]:
        return answer.content.chunks(style)

    disposition = f'attachment; filename="{answer.file_name}"'.encode("utf-8", "replace")
    return HttpReply(
        headers=[(b"content-type", b"text/csv"), (b"content-disposition", disposition)],
        stream=stream,
        length=answer.content.length(style) if switches.csv_length else None,
    )


def _outcome(answer: Answer | None) -> Outcome:
    match answer:
        case Refusal():
            return "refused"
        case FileReply():
            return "file"
        case None:
            return "fault"
        case _:
            return "answered"


def _charset_claim(charset: str, switches: Switches) -> str:
    match switches.charset_header:
        case "honest":
            return f"; charset={charset}"
        case "upper":
            return f"; charset={charset.upper()}"
        case "absent":
            return ""
        case "lying":
            return "; charset=" + ("utf-8" if charset != "utf-8" else "windows-1251")
