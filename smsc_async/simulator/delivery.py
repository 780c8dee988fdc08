"""How an answer reaches the client, or fails to: in pieces, slowly, cut off, or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from smsc_async.simulator import asgi
from smsc_async.simulator.asgi import Receive, Send
from smsc_async.simulator.disturbance import HttpReply
from smsc_async.simulator.log import Arrival


class Dropped(ConnectionResetError):
    """Raised in process in place of a reply, where over a socket the connection would be dropped."""


@attrs.frozen(kw_only=True)
class Delivery:
    """The way back of one answer."""

    arrival: Arrival
    receive: Receive
    send: Send
    sleep: Callable[[float], Awaitable[object]]
    leave: Callable[[], None]  # takes the request off the books
    dropped: Callable[[str], Exception]

    async def hand_over(self, reply: HttpReply) -> None:
        """Send the reply; the request is off the books just before its last piece is handed over."""
        self.arrival.status = reply.status
        headers = list(reply.headers)
        length = len(reply.body) if reply.length is None and reply.stream is None else reply.length
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        room = reply.cut_at
        last = b""
        for chunk in reply.chunks():
            if room is not None and len(last) > room:
                break
            if last:
                if await asgi.is_gone(self.send):
                    self.arrival.outcome = "abandoned"
                    return
                await self._piece(last, reply, more=True)
                room = None if room is None else room - len(last)
            last = chunk
        if room is not None:
            await self._piece(last[:room], reply, more=True)
            await self.drop(flush=True)
            return
        await self._piece(last, reply, more=False)

    async def drop(self, *, flush: bool = False) -> None:
        """Drop the connection; with *flush* what was sent may still leave."""
        self.arrival.outcome = "dropped"
        self.leave()
        if not await asgi.hang_up(self.receive, self.send, flush=flush):
            raise self.dropped("the simulator dropped the connection")

    async def _piece(self, chunk: bytes, reply: HttpReply, *, more: bool) -> None:
        if reply.rate is not None and chunk:
            await self.sleep(len(chunk) / reply.rate)
        if not more:
            self.leave()
        await self.send({"type": "http.response.body", "body": chunk, "more_body": more})
