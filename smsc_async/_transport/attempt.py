"""
The wall around httpx: what happens behind it comes out as a value, within the deadline, without the request's bytes.

Errors of the network become a `Failure`. A cancellation passes, as the same object, but without the frames it has seen
behind the wall, because their locals hold the body and with it the password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs
import httpx

from smsc_async._transport.outcome import Failure, Write, explain, forget_frames

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smsc_async._transport.connection import Connection
    from smsc_async._transport.credentials import Body
    from smsc_async.clock import Clock

__all__ = ["Attempt"]

T = TypeVar("T")


@attrs.define(eq=False)
class Attempt:
    """One request on one connection; its work is done in one or more steps, all before *deadline*."""

    connection: Connection
    body: Body
    write: Write
    place: str  # whom it talks to, for people
    clock: Clock
    deadline: float
    timeout: float  # what the deadline was made of, for people

    async def run(self, work: Callable[[], Awaitable[T]]) -> T | Failure:
        """
        Do one step. Unless it succeeds the connection is closed and the body wiped.

        Errors of Python itself pass: a cancellation, Ctrl-C, and `AssertionError`, with which test tools such as respx
        say that a request was not expected.
        """
        outcome: T | Failure | None = None
        escaped: BaseException | None = None
        try:
            with self.clock.deadline(self.deadline):
                outcome = await work()
        except AssertionError as error:
            escaped = error
        except Exception as error:  # noqa: BLE001 -- transports of users and broken networks raise anything
            self.write.connect_failed |= self._proves_no_connection(error)
            outcome = explain(error, self.place)
        except BaseException as error:  # noqa: BLE001 -- raised again below, outside of this block
            escaped = error
        if outcome is not None and not isinstance(outcome, Failure):
            return outcome
        if outcome is None:
            self._take_back()
        self.body.wipe()
        if escaped is not None:
            forget_frames(escaped)  # before anything else can be interrupted and show this frame
        if not isinstance(escaped, GeneratorExit):  # then nothing may be awaited any more
            await self.connection.close()
        if escaped is not None:
            try:
                raise escaped
            finally:
                del escaped
        return outcome or Failure(f"timed out after {self.timeout:g} s", timed_out=True)

    def _proves_no_connection(self, error: Exception) -> bool:
        """
        Say whether *error* means that there was no connection, and so no request.

        Others' transports name their errors loosely: httpx-aiohttp calls a server that closes after it has read the
        request a `ConnectTimeout`. So there it only counts as long as nobody has come for the body.
        """
        no_connection = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        return no_connection and (self.connection.own or not self.body.asked_for)

    def _take_back(self) -> None:
        """
        Note that the request was not given away, where the end came before anybody had touched it.

        Our own transports report before they write, and what tests put in their place reads the body first of all.
        """
        if self.connection.own and not self.write.traced and not self.body.asked_for:
            self.write.given = False
