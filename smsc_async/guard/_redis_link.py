"""
A connection as the guard uses it: steps go out at once, from whatever thread, and answers come back in order.

A step is written by whoever asks it, in a call that does not wait, and with what else is said in that turn of the event
loop. So what a call gives back is with the system at once, and is delivered even if the process ends soon after. Only
the reading belongs to an event loop; when that is gone, the next one takes the connection over.
"""

from __future__ import annotations

import ssl
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
import hiredis

from smsc_async._loops import bell, current_loop_or_none
from smsc_async.guard._redis_answers import refusal
from smsc_async.guard._redis_script import by_digest, in_full

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from smsc_async._loops import Bell, Loop

__all__ = ["Asked", "Link", "Lost"]

_CHUNK: Final = 65_536
_NOTHING: Final[Any] = object()
_FAREWELL: Final = 0.5  # seconds that closing waits for the server to have read everything
_BUSY: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Lost(Exception):
    """The connection is gone; whether the server has taken the step, nobody knows."""


class Asked:
    """
    A step on its way.

    Args:
        step: Its words.
        lease: What it is about, which the answer must name.
        rings: Whether somebody waits for the answer, and is to be woken.
    """

    __slots__ = ("answer", "bell", "in_full", "lease", "step")

    def __init__(self, step: bytes, lease: bytes, *, rings: bool) -> None:
        self.step = step
        self.lease = lease
        self.bell: Bell | None = bell() if rings else None
        self.answer: list[Any] | Exception | None = None
        self.in_full = False


class Link:
    """
    One connection.

    Args:
        sock: It, not blocking.
        commands: What is sent first, and answered with what nobody looks at.
        heard: Called with what the server tells unasked: the channel, and what it says.
        lost: Called once, when the connection is gone, with the steps that nobody waits for and that have no answer.
    """

    def __init__(
        self,
        sock: socket.socket,
        commands: Iterable[bytes],
        heard: Callable[[bytes, bytes], object],
        lost: Callable[[Link, list[Asked]], object],
    ) -> None:
        self.loop: Loop | None = None
        self.closed: str = ""  # why
        self._socket = sock
        self._heard = heard
        self._lost = lost
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._out: deque[tuple[bytes, Asked]] = deque()
        self._pending: deque[Asked] = deque()
        self._unsent = b""
        self._will_flush = False
        self._lock: Any = threading.RLock()
        self._end_watch: Callable[[], object] | None = None
        for command in commands:
            self._send(command, Asked(b"", b"", rings=False))

    def attach(self, loop: Loop) -> None:
        """Read in *loop*, which runs in this thread; who waited in another is not there any more."""
        self.loop = loop
        self._will_flush = False
        for asked in list(self._pending):
            asked.bell = None
        if self._end_watch is not None:
            self._end_watch()
        self._end_watch = loop.watch(self._socket, self._read)
        if self._unsent:
            loop.spawn(self._send_rest)
        self.flush()

    # ---------------------------------------------------------------- sending

    def ask(self, step: bytes, lease: bytes) -> Asked:
        """Send a step whose answer is waited for; in the link's own loop."""
        asked = Asked(step, lease, rings=True)
        self._send(by_digest(step), asked)
        return asked

    def tell(self, step: bytes, lease: bytes) -> bool:
        """Send a step whose answer nobody waits for, from any thread; False where the connection is gone."""
        if self.closed:
            return False
        self._send(by_digest(step), Asked(step, lease, rings=False))
        return True

    def say(self, command: bytes) -> None:
        """Send a command of another kind."""
        self._send(command, Asked(b"", b"", rings=False))

    def _send(self, command: bytes, asked: Asked) -> None:
        # What is said in one turn of the loop goes out together: writing is what costs most.
        self._out.append((command, asked))
        loop = self.loop
        if loop is not None and loop is current_loop_or_none():
            if not self._will_flush:
                self._will_flush = True
                loop.call_next(self.flush)
        else:
            self.flush()

    def flush(self) -> None:
        """Write what is to be sent; from any thread."""
        # Whoever holds the lock looks again after releasing it, so nothing is left lying where the holder is this very
        # thread, interrupted by a finaliser.
        while self._out and not self._lock._is_owned():  # noqa: SLF001 - as `threading.Condition` asks it
            with self._lock:
                self._will_flush = False
                try:
                    commands: list[bytes] = []
                    while self._out:
                        command, asked = self._out.popleft()
                        commands.append(command)
                        self._pending.append(asked)
                    self._write(b"".join(commands))
                except BaseException:
                    self.lose("it was interrupted in mid-step")  # or answers would go to the wrong steps
                    raise

    def _write(self, data: bytes) -> None:
        if self.closed:
            self._give_up(self._take_pending())
            return
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self._socket.send(data)
        except _BUSY:
            sent = 0
        except OSError as error:
            self.lose(_why(error))
            return
        if sent < len(data):
            self._unsent = data[sent:]
            if self.loop is not None:
                self.loop.spawn(self._send_rest)

    async def _send_rest(self) -> None:
        while self._unsent and not self.closed:
            try:
                await anyio.wait_writable(self._socket)
            except (anyio.ClosedResourceError, OSError, ValueError):
                return
            with self._lock:
                data, self._unsent = self._unsent, b""
                self._write(data)

    # ---------------------------------------------------------------- reading

    def _read(self) -> None:
        """Take what has come; called in the link's loop."""
        while not self.closed:
            try:
                data = self._socket.recv(_CHUNK)
            except _BUSY:
                return
            except OSError as error:
                self.lose(_why(error))
                return
            if not data:
                self.lose("the server closed the connection")
                return
            self._reader.feed(data)
            try:
                while (reply := self._reader.gets()) is not _NOTHING:
                    self._take(reply)
            except hiredis.HiredisError:
                self.lose("what the server says is no RESP")
                return
            if len(data) < _CHUNK and not isinstance(self._socket, ssl.SSLSocket):
                return

    def _take(self, reply: Any) -> None:
        if isinstance(reply, hiredis.PushNotification):
            if reply[0] == b"message":
                self._heard(reply[1], reply[2])
            else:
                self._pending.popleft()  # the answer to SUBSCRIBE
            return
        asked = self._pending.popleft()
        if isinstance(reply, hiredis.ReplyError):
            text = str(reply)
            if text.startswith("NOSCRIPT") and not asked.in_full:
                asked.in_full = True
                self._send(in_full(asked.step), asked)
                return
            problem = refusal(text)
            if problem.passing:
                self._pending.appendleft(asked)
                self.lose(str(problem), problem)
                return
            reply = problem
        elif asked.lease and (not isinstance(reply, list) or len(reply) < 3 or reply[2] != asked.lease):  # noqa: PLR2004
            self._pending.appendleft(asked)
            self.lose("an answer came to another question")
            return
        asked.answer = reply
        if asked.bell is not None:
            asked.bell.ring()

    # ---------------------------------------------------------------- the end

    def lose(self, why: str, problem: Exception | None = None) -> None:
        """End the connection, and tell those that wait; from any thread."""
        with self._lock:
            if self.closed:
                return
            self.closed = why
        # The watch first: the number of a closed socket may be another one's at once.
        if self._is_here() or self.loop is None or not self.loop.call_soon(self._let_go):
            self._let_go()
        self._give_up(self._take_pending(), problem)

    def _let_go(self) -> None:
        end, self._end_watch = self._end_watch, None
        if end is not None:
            end()
        with suppress(OSError):
            self._socket.close()

    def _is_here(self) -> bool:
        return self.loop is current_loop_or_none()

    def _take_pending(self) -> list[Asked]:
        pending = list(self._pending)
        self._pending.clear()
        return pending

    def _give_up(self, pending: list[Asked], problem: Exception | None = None) -> None:
        untold: list[Asked] = []
        for asked in pending:
            asked.answer = problem or Lost(self.closed)
            if asked.bell is None:
                untold.append(asked)
            elif self._is_here():
                asked.bell.ring()
            elif self.loop is not None:
                self.loop.call_soon(asked.bell.ring)
        self._lost(self, [asked for asked in untold if asked.step])

    def close(self) -> None:
        """End the connection once the server has read what was sent, which a close at once could take back."""
        if self.closed:
            return
        self.flush()
        with suppress(OSError, ValueError):
            if self._pending or self._unsent:
                self._socket.settimeout(_FAREWELL)
                if self._unsent:
                    self._socket.sendall(self._unsent)
                if not isinstance(self._socket, ssl.SSLSocket):
                    self._socket.shutdown(1)  # SHUT_WR
                    while self._socket.recv(_CHUNK):
                        pass
        self.lose("it was closed")

    def abandon(self) -> None:
        """In a child process: the connection is the parent's."""
        self.closed = "it belongs to another process"
        with suppress(OSError):
            self._socket.close()


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
