"""The simulated gateway behind loopback sockets of the test's own event loop: nothing in it takes time by itself."""

from __future__ import annotations

from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs
from anyio.streams.tls import TLSListener

from smsc_async import LocalGuard, Session
from smsc_async.simulator import Delay, Dropped, Fate, Fault, Message, RentableNumber, Simulator
from smsc_async.simulator.kinds import SMS
from tests.canaries import RUN
from tests.proof.edges.moved_clock import MovedClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

__all__ = ["PACES", "Gateway", "Pace", "rounds"]

_LATELY: Final = 500  # arrivals; a scene has a few dozen
_HELD: Final = 1e9  # seconds: longer than any test lasts, so it means "until released"


@attrs.frozen
class Pace:
    """How slowly the gateway answers, in rounds of the event loop, and in pieces of how many bytes."""

    rounds: int = 0  # before the request is looked at
    piece: int = 1_000_000
    between: int = 0  # rounds between two pieces


PACES: Final = {
    "at once": Pace(),
    "late": Pace(rounds=7),
    "in pieces": Pace(rounds=2, piece=40, between=2),
    "drop by drop": Pace(rounds=1, piece=13, between=1),
}


class Gateway:
    """
    A gateway whose every request is counted and judged by the simulator, and carried out whether or not anybody waits.

    Args:
        clock: The time of the gateway, and of the sessions that it makes.
        pace: How slowly it answers.
        minute: The gateway's minute, in seconds.
    """

    def __init__(self, clock: MovedClock, pace: Pace = PACES["at once"], *, minute: float = 60.0) -> None:
        self.clock = clock
        self.pace = self._usual = pace
        self.closing = False  # whether it closes each connection after its reply, and says so
        self.hanging_up = False  # whether it does so without a word
        self.mangle: Callable[[bytes], bytes] | None = None  # makes something else of the next replies' bytes
        self.simulator = Simulator(
            **RUN.pair,
            apikey=RUN.apikey,
            clock=clock.now,
            sleep=self._sleep,
            numbers=[RentableNumber("380950000000")],
            balance=Decimal(10_000_000),
            window=minute,
            log_size=1_000_000,
        )
        self.url: str = ""
        self.open: int = 0  # connections that stand
        self.connections: int = 0
        self.held: int = 0  # replies that wait to be released
        self.last_head: int = 0  # bytes of the head of the last request
        self.last_reply: int = 0  # bytes of the last reply, as it left
        self._holding = False
        self._quorum = 0
        self._release = anyio.Event()
        self.clear_faults()

    # ---------------------------------------------------------------- what a test steers

    def clear_faults(self) -> None:
        """Take all faults out of force; replies come as usual, and can be held again."""
        self.pace, self.closing, self.hanging_up = self._usual, False, False
        self.simulator.faults.clear()
        self.simulator.faults.add(
            Fault(Delay(before_reply=lambda _: _HELD if self._holding else 0.0), times=None, name="held")
        )

    def hold(self) -> None:
        """Carry requests out from now on, and keep their replies back."""
        self._holding = True

    def release(self) -> None:
        """Let the replies go, and hold no more."""
        self._holding, self._quorum = False, 0
        self._release.set()
        self._release = anyio.Event()

    def hold_until(self, quorum: int) -> None:
        """Keep replies back until *quorum* requests are in flight at once."""
        self._holding, self._quorum = True, quorum

    def stock(self, phone: str) -> str:
        """Put a number into stock."""
        self.simulator.numbers.add(RentableNumber(phone))
        return phone

    def put_message(self, phone: str, message_id: str, *, moves: bool = True) -> None:
        """Put a message of the account among those that were taken; it is delivered soon, or stays where it is."""
        now, messages = self.clock.now(), self.simulator.messages
        messages.add(
            Message(
                number=messages.next_number(),
                login=RUN.pair["login"],
                id=message_id,
                own_id=True,
                phone=phone,
                text="hello",
                kind=SMS,
                sender="SMSC",
                cost=Decimal("0.50"),
                count=1,
                accepted_at=now,
                due=now,
                expires=now + 86_400.0,
                changed_at=now,
                fate=Fate() if moves else Fate(status=None),
            )
        )

    async def _sleep(self, seconds: float) -> None:
        if seconds < _HELD:
            await self.clock.sleep(seconds)
            return
        self.held += 1
        try:
            if self.held == self._quorum:
                self.release()
            else:
                await self._release.wait()
        finally:
            self.held -= 1

    def paid(self, action: str, phone: str) -> int:
        """Count how often the gateway carried a paid call out."""
        if action == "send":
            return sum(one.phone == phone and one.refused is None for one in self.simulator.messages)
        return sum(arrival.paid for arrival in self.arrivals(action, phone))

    def arrivals(self, action: str, phone: str = "") -> list[Any]:
        """Give what arrived of an action, or lately of one about a phone; the log's own records, not copies."""
        log = self.simulator._log._arrivals  # `log` copies all of it each time
        if not phone:
            return [one for one in log if one.action == action]
        return [one for one in islice(reversed(log), _LATELY) if one.phone == phone and one.action == action]

    def answered(self, action: str, phone: str) -> list[Any]:
        """Give what arrived and was not refused by a fault."""
        return [one for one in self.arrivals(action, phone) if set(one.faults) <= {"held"}]

    # ---------------------------------------------------------------- what a test talks to

    def guard(self, **settings: Any) -> LocalGuard:
        """Give the strict guard on this clock."""
        return LocalGuard(**{"clock": self.clock, **settings})

    def session(self, **options: Any) -> Session:
        """Give a session of the gateway's account."""
        return Session(**{**RUN.pair, "base_url": self.url, "guard": self.guard(), **options})

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Gateway]:
        """Serve while the block lasts."""
        plain = await anyio.create_tcp_listener(local_host="127.0.0.1", backlog=128)
        listener: Any = plain if tls is None else TLSListener(plain, tls, standard_compatible=False)
        port = plain.extra(anyio.abc.SocketAttribute.local_port)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._connection)
            try:
                yield self
            finally:
                tasks.cancel_scope.cancel()

    async def _connection(self, stream: anyio.abc.ByteStream) -> None:
        self.open += 1
        self.connections += 1
        try:
            async with stream:
                buffer = b""
                while True:
                    buffer = await self._exchange(stream, buffer)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, Dropped, OSError):
            await anyio.aclose_forcefully(stream)
        finally:
            self.open -= 1

    async def _exchange(self, stream: anyio.abc.ByteStream, buffer: bytes) -> bytes:
        """Answer one request; give what came after it."""
        while b"\r\n\r\n" not in buffer:
            buffer += await stream.receive()
        head, _, rest = buffer.partition(b"\r\n\r\n")
        self.last_head = len(head) + 4
        first, *lines = head.split(b"\r\n")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        length = int(dict(headers)[b"content-length"])
        while len(rest) < length:
            rest += await stream.receive()
        await rounds(self.pace.rounds)
        reply, dropped = await self._answer(first, headers, rest[:length])
        if self.mangle is not None:
            reply = self.mangle(reply)
        self.last_reply = len(reply)
        # Decided before the reply leaves: whoever has read it may take the faults out of force.
        last = dropped or self.closing or self.hanging_up
        for start in range(0, len(reply), self.pace.piece):
            if start:
                await rounds(self.pace.between)
            await stream.send(reply[start : start + self.pace.piece])
        if last:
            raise anyio.EndOfStream
        return rest[length:]

    async def _answer(self, first: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[bytes, bool]:
        """Give the bytes of a reply, and whether the connection ends with them, because a fault drops it."""
        method, path, _ = first.decode().split(" ")
        scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": ("127.0.0.1", 1)}
        parts: list[bytes] = []
        chunked = False

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            nonlocal chunked
            if message["type"] == "http.response.start":
                chunked = not any(name == b"content-length" for name, _ in message["headers"])
                fields = [
                    *message["headers"],
                    *([(b"transfer-encoding", b"chunked")] if chunked else []),
                    *([(b"connection", b"close")] if self.closing else []),
                ]
                status = b"HTTP/1.1 %d Whatever\r\n" % message["status"]
                parts.append(status + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n")
            else:
                piece = message.get("body", b"")
                parts.append(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece)

        try:
            await self.simulator(scope, receive, send)
        except Dropped:  # what was said before goes out
            return b"".join(parts), True
        return b"".join(parts) + (b"0\r\n\r\n" if chunked else b""), False


async def rounds(count: int) -> None:
    """Let the event loop turn so many times."""
    for _ in range(count):
        await anyio.lowlevel.checkpoint()
