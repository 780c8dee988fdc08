"""
The lines in which calls wait: who goes next, what is reserved meanwhile, and when to look again. Pure.

A call waits for one bucket at a time, in the order of its buckets, and has reserved a token of each that it passed.
Lines are served by number, so calls of one key start first come first served; and no call waits behind one that waits
for something else.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from smsc_async.guard._bucket import FOREVER, Reason, TokenBucket
from smsc_async.guard._records import Lease, Locked, Ticket, TooLong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Lines"]

_FEW: Final = 32  # alarms that are not worth a sweep


class Lines:
    """Moves tickets from line to line. Those that need wait no longer are put into `settled`."""

    def __init__(self) -> None:
        self.settled: list[Ticket] = []
        self.held: set[TokenBucket] | None = None  # while the others' steps are heard of, nobody goes: whose line waits
        self.epoch = 0  # leases of an earlier one (before a fork) are not this process's to give back
        self._alarms: list[tuple[float, int, TokenBucket | Ticket]] = []
        self._alarm_numbers = 0
        self._crowded = _FEW  # with so many alarms it is time to look for those that mean nothing any more

    # ---------------------------------------------------------------- moving

    def drain(self, bucket: TokenBucket, now: float) -> None:
        """Let calls out of *bucket*'s line while it has tokens, and set its alarm for the next one."""
        if self.held is not None:
            self.held.add(bucket)
            return
        while bucket.waiting and bucket.free(now) > (_claimed(bucket, now) if bucket.claims else 0):
            ticket = bucket.call_next()
            bucket.reserved += 1
            ticket.stage += 1
            self.advance(ticket, now)
        if bucket.waiting:
            self._set_alarm(bucket.next_change(now), bucket)
            for _, until in bucket.claims.values() if bucket.claims else ():
                self._set_alarm(until, bucket)
        else:
            bucket.alarm = FOREVER

    def drain_all(self, buckets: Iterable[TokenBucket], now: float) -> None:
        """Drain each that anybody waits for."""
        for bucket in buckets:
            if bucket.waiting:
                self.drain(bucket, now)

    def advance(self, ticket: Ticket, now: float) -> None:
        """Reserve from bucket to bucket: wait at the first that has no token; past the last, be admitted."""
        buckets = ticket.buckets
        while ticket.stage < len(buckets):
            bucket = buckets[ticket.stage]
            if bucket.waiting or bucket.claims or bucket.free(now) < 1 or self.held is not None:
                bucket.enter(ticket)
                self.drain(bucket, now)  # a token may just have come, for whoever has the lowest number
                return
            bucket.reserved += 1
            ticket.stage += 1
        for bucket in buckets:  # one step: reserved until here, out from here on
            bucket.reserved -= 1
            bucket.out += 1
        self._settle(ticket, Lease(ticket.number, ticket.parties, buckets, now, self.epoch, ticket.demand))

    def leave(self, tickets: Iterable[Ticket], now: float) -> None:
        """Take *tickets* out of their lines, and let others have what they had reserved."""
        left: list[Ticket] = []
        passed: list[TokenBucket] = []
        for ticket in tickets:
            if ticket.place is not None:
                passed += self._take_out(ticket)
                left.append(ticket)
        # Only now: in between, what one of them frees could go to another of them.
        self.drain_all(passed, now)
        for ticket in left:
            ticket.parties.account.let_go(ticket.buckets)

    def refuse(self, refusals: Iterable[tuple[Ticket, Locked | TooLong]], now: float) -> None:
        """Answer waiting calls with a refusal."""
        standing = [(ticket, verdict) for ticket, verdict in refusals if ticket.place is not None]
        self.leave([ticket for ticket, _ in standing], now)
        for ticket, verdict in standing:
            self._settle(ticket, verdict)

    def recall(
        self,
        bucket: TokenBucket,
        waiting: Iterable[Ticket],
        now: float,
        refusals: Iterable[tuple[Ticket, Locked | TooLong]] = (),
    ) -> None:
        """
        Put the calls that have a token of *bucket* reserved back in line, in order: it has fewer tokens now.

        The calls of *refusals* are answered before anybody goes.
        """
        holders = sorted((ticket for ticket in waiting if bucket in ticket.passed), key=lambda ticket: ticket.number)
        passed: list[TokenBucket] = []
        for ticket in holders:
            passed += self._take_out(ticket, ticket.buckets.index(bucket))
        for ticket in holders:  # they keep what they passed before, and all are back before anybody goes
            bucket.enter(ticket)
        self.refuse(refusals, now)
        self.drain_all([bucket, *passed], now)
        for ticket in holders:
            if ticket.place is not None and ticket.deadline < FOREVER:
                self.check(ticket, now)

    def skip(self, bucket: TokenBucket, tickets: Iterable[Ticket], now: float) -> None:
        """Spare *tickets* the line of *bucket*, unless they have passed it."""
        for ticket in sorted(tickets, key=lambda ticket: ticket.number):
            if bucket in ticket.passed or bucket not in ticket.buckets:
                continue
            ticket.buckets.remove(bucket)
            if ticket.place is bucket:
                bucket.leave(ticket)
                self._go_on(ticket, now)

    def _go_on(self, ticket: Ticket, now: float) -> None:
        """Advance a ticket that was taken out of its line, and with it the alarm for its deadline."""
        self.advance(ticket, now)
        if ticket.place is not None and ticket.deadline < FOREVER:
            self.check(ticket, now)

    def _take_out(self, ticket: Ticket, stage: int = 0) -> list[TokenBucket]:
        """Take a ticket out of its line, and give back what it reserved from *stage* on."""
        ticket.place.leave(ticket)  # type: ignore[union-attr]  # it stands in one
        passed = ticket.buckets[stage : ticket.stage]
        for bucket in passed:
            bucket.reserved -= 1
        ticket.stage = stage
        return passed

    def _settle(self, ticket: Ticket, verdict: Lease | Locked | TooLong) -> None:
        ticket.alarm = FOREVER
        ticket.verdict = verdict
        self.settled.append(ticket)

    # ---------------------------------------------------------------- time

    def next_alarm(self) -> float:
        """Give the next moment at which `tick` has something to do, or FOREVER."""
        alarms = self._alarms
        while alarms:
            moment, _, subject = alarms[0]
            if subject.alarm == moment:  # else another one has taken its place
                return moment
            heapq.heappop(alarms)
        return FOREVER

    def tick(self, now: float) -> None:
        """Let go, or refuse, whatever the time has come for."""
        while self.next_alarm() <= now:
            _, _, subject = heapq.heappop(self._alarms)
            subject.alarm = FOREVER
            if isinstance(subject, TokenBucket):
                self.drain(subject, now)
            else:  # it still waits: whoever leaves takes the alarm along
                self.check(subject, now)

    def clear(self) -> None:
        """Forget all waiting calls and alarms."""
        self.settled.clear()
        for _, _, subject in self._alarms:
            subject.alarm = FOREVER
        self._alarms.clear()

    def _set_alarm(self, moment: float, subject: TokenBucket | Ticket) -> None:
        if moment < subject.alarm:
            subject.alarm = moment
            self._alarm_numbers += 1
            heapq.heappush(self._alarms, (moment, self._alarm_numbers, subject))
            if len(self._alarms) > self._crowded:
                self._sweep()

    def _sweep(self) -> None:
        """Drop the alarms of calls that have left, and of lines that all have left."""
        live: list[tuple[float, int, TokenBucket | Ticket]] = []
        for entry in self._alarms:
            moment, _, subject = entry
            if subject.alarm != moment:
                continue
            if isinstance(subject, TokenBucket) and not subject.waiting:
                subject.alarm = FOREVER
            else:
                live.append(entry)
        heapq.heapify(live)
        self._alarms = live
        self._crowded = 2 * len(live) + _FEW

    # ---------------------------------------------------------------- deadlines

    def expected(self, ticket: Ticket, now: float) -> float:
        """Give a lower bound of the moment at which *ticket*, which has just come, may start."""
        return max(moment for moment, _, _ in self._bounds(ticket, now, arriving=True))

    def too_long(self, ticket: Ticket, now: float, *, arriving: bool = False) -> TooLong | None:
        """Refuse a wait that cannot end by its deadline; *arriving* when everybody in line is before it."""
        moment, grows_from, reason = max(self._bounds(ticket, now, arriving=arriving), key=lambda bound: bound[0])
        # A bound that grows has just reached the deadline when it is looked at again.
        late = moment > ticket.deadline - (1e-6 if grows_from <= now and not arriving else 0.0)
        return TooLong(moment, reason) if late or now >= ticket.deadline else None

    def check(self, ticket: Ticket, now: float, *, arriving: bool = False) -> None:
        """Refuse *ticket* if it cannot start by its deadline; else set the alarm for looking again."""
        refusal = self.too_long(ticket, now, arriving=arriving)
        if refusal is not None:
            self.refuse([(ticket, refusal)], now)
            return
        # A bound that grows with the time will pass the deadline at a known moment, unless an answer comes before.
        looks = [
            ticket.deadline - (moment - now) if grows_from <= now else grows_from
            for moment, grows_from, _ in self._bounds(ticket, now, arriving=arriving)
        ]
        self._set_alarm(min(look for look in (*looks, ticket.deadline) if look > now), ticket)

    @staticmethod
    def _bounds(ticket: Ticket, now: float, *, arriving: bool = False) -> Iterator[tuple[float, float, Reason]]:
        for bucket in ticket.buckets[ticket.stage :]:
            if arriving:
                before = bucket.waiting - (ticket.place is bucket)
            else:
                before = sum(other.number < ticket.number for other in bucket.in_line())
            yield *bucket.earliest(now, before), bucket.rule.reason


def _claimed(bucket: TokenBucket, now: float) -> int:
    """Give how many tokens of *bucket* are for calls of other processes, which came before the first in line here."""
    for member in [member for member, (_, until) in bucket.claims.items() if until <= now]:
        del bucket.claims[member]
    return bucket.claims_before(bucket.first().asked_at)
