"""Watches the client from inside: each lease is given back once, and with an outcome that the network bears out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import attrs

from smsc_async import LocalGuard
from smsc_async import _conduct as conduct
from smsc_async.events import Waiting
from smsc_async.guard import Outcome, Reason
from tests.proof.client.book import CALL
from tests.proof.client.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from smsc_async.events import Event
    from smsc_async.guard import Demand, Lease, Wait
    from tests.proof.client.book import Book, Record
    from tests.proof.client.reach import Reach

__all__ = ["WatchedGuard", "judgements_counted", "observer"]

_FOREVER: Final = float("inf")
_REASONS: Final = {reason.value: reason for reason in Reason}


class WatchedGuard(LocalGuard):
    """The guard as it is shipped, each of its grants written down."""

    def watch(self, book: Book, reach: Reach, reached: Callable[[Record, str], None]) -> None:
        """Begin."""
        self._book, self._reach, self._reached = book, reach, reached
        self.leases: dict[Lease, tuple[Record, float]] = {}

    async def acquire(
        self, demand: Demand, *, deadline: float = _FOREVER, on_wait: Callable[[Wait], None] | None = None
    ) -> Lease:
        """Admit a call."""
        lease = await super().acquire(demand, deadline=deadline, on_wait=on_wait)
        record = CALL.get()
        assert record is not None, "leases are for calls"
        if lease in self.leases:
            self._book.complain(f"{record.name} is given a lease that another call has")
        self.leases[lease] = record, self._book.now()
        record.granted.append(self._book.now())
        record.taken, record.wrote = 0, False
        self._book.trace("call", record.number, "granted")
        self._reached(record, "granted")
        return lease

    def finish(self, lease: Lease, outcome: Outcome) -> Any:
        """Take a lease back."""
        record, since = self.leases.pop(lease, (CALL.get(), _FOREVER))
        assert record is not None, "leases are for calls"
        self._reach.count(outcome)
        self._book.trace("call", record.number, "finished: %s", outcome.name)
        if since == _FOREVER:
            self._book.complain(f"{record.name} gives back a lease that it does not have")
        if outcome is Outcome.UNSENT and record.taken:
            self._book.complain(f"{record.name} is taken for unsent; the network has {record.taken} bytes of it")
        if outcome is Outcome.UNKNOWN and not record.wrote:
            self._book.complain(f"{record.name} keeps its tokens, though nothing was handed to the network")
        result = super().finish(lease, outcome)
        self._reached(record, "finished")
        return result


def observer(book: Book, reach: Reach) -> Callable[[Event], None]:
    """Give an observer for a session: it writes down what its calls are told of."""

    def observe(event: Event) -> None:
        record = CALL.get()
        if record is None:
            book.complain(f"{event} is nobody's")
            return
        record.events.append(event)
        if isinstance(event, Waiting):
            reach.count(_REASONS[event.reason])
        book.trace("call", record.number, "%s", _Shown(event))

    return observe


class _Shown:
    """An event in a trace, without the call's number in this process."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __str__(self) -> str:
        fields = attrs.asdict(self._event)
        del fields["call"], fields["endpoint"]
        return f"{type(self._event).__name__} " + " ".join(f"{name}={value!s}" for name, value in fields.items())


@contextmanager
def judgements_counted(reach: Reach) -> Generator[None]:
    """Count what the verdict is asked."""
    verdict = vars(conduct)["judge"]  # as it is at this moment: a wrong client may have another

    def counted(happened: Any, *args: Any, **options: Any) -> Any:
        reach.count(happened)
        if happened is happened.OUT_OF_TIME:
            reach.count(Fault.OUT_OF_WAIT)
        return verdict(happened, *args, **options)

    with mock.patch.object(conduct, "judge", counted):
        yield
