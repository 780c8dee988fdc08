"""Other software on the same login, which nobody told us about: it uses up windows and slots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from smsc_async.simulator.gate import Gate
from smsc_async.simulator.log import Arrival, Log
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.request import Request
from smsc_async.simulator.switches import Switches


class Occupation:
    """Slots that foreign requests hold until `release`, or until the ``with`` block ends."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """End the foreign requests; doing so twice does no harm."""
        self._release()


class Foreign:
    """Makes foreign requests arrive. They are logged as foreign, and the judge holds them against nobody."""

    def __init__(
        self,
        *,
        gate: Gate,
        log: Log,
        moments: Moments,
        lock: AbstractContextManager[object],
        switches: Callable[[], Switches],
        login: str,
    ) -> None:
        self._gate = gate
        self._log = log
        self._moments = moments
        self._lock = lock
        self._switches = switches
        self._login = login

    def request(
        self, endpoint: str, params: Mapping[str, str] | None = None, *, times: int = 1, login: str | None = None
    ) -> None:
        """Let *times* identical foreign requests arrive and end at once: they use up the window of that request."""
        for _ in range(times):
            with self._lock:
                self._leave(self._enter(endpoint, params or {}, login))

    def occupy(self, slots: int, *, login: str | None = None) -> Occupation:
        """Hold *slots* of the fourteen with foreign requests that take their time."""
        with self._lock:
            held = [self._enter("balance.php", {}, login) for _ in range(slots)]

        def release() -> None:
            with self._lock:
                while held:
                    self._leave(held.pop())

        return Occupation(release)

    def _enter(self, endpoint: str, params: Mapping[str, str], login: str | None) -> Arrival:
        path = endpoint.removesuffix(".php") + ".php"
        request = Request(endpoint=path, params={"login": login or self._login, **params}, client="foreign")
        arrival = self._log.open(self._moments.now(), client=request.client, method=request.method, endpoint=path)
        arrival.foreign = True
        self._gate.arrive(arrival, request, self._switches())
        return arrival

    def _leave(self, arrival: Arrival) -> None:
        arrival.outcome = "answered"
        self._gate.leave(arrival, self._switches())
