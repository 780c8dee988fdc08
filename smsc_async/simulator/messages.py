"""Every message that the gateway took, by whom it is for, and how each goes on by itself."""

from __future__ import annotations

import copy
import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

import attrs

from smsc_async.simulator.fates import EXPIRED, HANDED_OVER, WAITING, Fate
from smsc_async.simulator.kinds import Kind

#: How many messages are remembered; a verdict over more would have to say that it does not cover the rest.
REMEMBERED: Final = 1_000_000


@attrs.define(kw_only=True, eq=False)
class Message:
    """One message to one recipient. Times are the simulator's."""

    number: int  # counts from 1, in the order of acceptance
    login: str
    id: int | str
    own_id: bool  # the client gave it
    phone: str  # or an e-mail address, or a nick
    text: str = attrs.field(repr=False)
    kind: Kind
    sender: str
    cost: Decimal
    count: int  # parts, or seconds
    comment: str | None = None
    code: str | None = None  # of a call that tells one
    links: bool = False  # it has a short link, which can be followed
    files: tuple[str, ...] = ()
    arrival: int = 0  # the number of the request in the log
    accepted_at: float
    due: float  # when it is to go
    expires: float
    fate: Fate = attrs.field(factory=Fate)
    status: int = WAITING
    err: int = 0
    changed_at: float
    handed_over: bool = False
    virtual: bool = False  # nothing leaves, nothing is charged
    refused: str | None = None  # it was refused, and kept all the same
    deleted: bool = False
    step: int = 0  # counts its changes


OnChange = Callable[[Message, float], object]
Scheduled = tuple[float, int, Message, int, int, int]  # moment, order, message, its step then, next status, its error


class Messages:
    """
    The messages of all logins. Used under the simulator's lock.

    What is due is found in a heap with one entry for each message on its way, so that neither a request nor the passing
    of time costs more with more messages.
    """

    def __init__(self, minute: float, *, size: int = REMEMBERED) -> None:
        self.fate: Fate = Fate()
        self.fates: dict[str, Fate] = {}  # of messages to these phones
        self.forgotten: int = 0
        self.on_change: OnChange = lambda _, __: None  # is told of every change and its moment
        self.on_sooner: Callable[[], object] = lambda: None  # is told that something happens sooner than was known
        self._second = minute / 60
        self._size = size
        self._all: dict[int, Message] = {}
        self._by_id: dict[tuple[str, str, int | str], Message] = {}  # the newest one
        self._newest: dict[tuple[str, str], Message] = {}
        self._due: list[Scheduled] = []
        self.last: int = 0  # the number of the newest
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._all.values())

    def __repr__(self) -> str:
        return f"<Messages {len(self)}, {len(self._due)} on their way>"

    def next_number(self) -> int:
        """Give the number of the next message."""
        self.last += 1
        return self.last

    def fate_of(self, phone: str) -> Fate:
        """Give what becomes of messages to *phone*."""
        return self.fates.get(phone, self.fate)

    def add(self, message: Message) -> None:
        """Take a message, and let it go on by itself unless it was refused."""
        self._all[message.number] = message
        self._by_id[(message.login, message.phone, message.id)] = message
        self._newest[(message.login, message.phone)] = message
        if message.refused is None:
            self._schedule(message, message.due)
        if len(self._all) > self._size:
            self._forget()

    def find(self, login: str, phone: str, id: int | str | None = None) -> Message | None:
        """Give the newest message to *phone* with this id, or with any."""
        found = self._newest.get((login, phone)) if id is None else self._by_id.get((login, phone, id))
        return None if found is None or found.deleted else found

    def newest(self, login: str) -> Message | None:
        """Give the message of *login* that was taken last."""
        taken = (message for message in reversed(self._all.values()) if message.login == login)
        return next((message for message in taken if not message.deleted), None)

    def change(self, message: Message, status: int, err: int, now: float, *, tell: bool = True) -> None:
        """Let the status of a message change, which is told unless *tell* is false, and let it go on from there."""
        message.status = status
        message.err = err
        message.changed_at = now
        message.handed_over |= status >= HANDED_OVER
        self._schedule(message, now)
        if tell:
            self.on_change(message, now)

    def delete(self, message: Message) -> None:
        """Take a message back; nobody finds it any more."""
        message.deleted = True
        message.step += 1  # what it was to become, it does not

    def settle(self, now: float) -> None:
        """Let everything happen that is due, in order, each at its own moment."""
        while self._due and self._due[0][0] <= now:
            moment, _, message, step, status, err = heapq.heappop(self._due)
            if message.step == step:
                self.change(message, status, err, moment)

    def next_due(self) -> float:
        """Give when the next message changes; infinite where none will."""
        while self._due and self._due[0][2].step != self._due[0][3]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else math.inf

    def snapshot(self, login: str, phone: str | None = None, id: int | str | None = None) -> tuple[Message, ...]:
        """Give copies of the messages of *login*, or of those to *phone* or with *id*, oldest first."""
        return tuple(
            copy.copy(message)
            for message in self._all.values()
            if message.login == login and phone in {None, message.phone} and id in {None, message.id}
        )

    def clear(self) -> None:
        """Forget every message."""
        for held in (self._all, self._by_id, self._newest, self._due):
            held.clear()
        self.forgotten = 0

    def _schedule(self, message: Message, since: float) -> None:
        message.step += 1
        following = self._following(message, since)
        if following is not None:
            moment, status, err = following
            heapq.heappush(self._due, (moment, next(self._order), message, message.step, status, err))
            if self._due[0][2] is message:
                self.on_sooner()

    def _following(self, message: Message, since: float) -> tuple[float, int, int] | None:
        """Give when which status and error come next; None where nothing does."""
        underway = message.status in {WAITING, HANDED_OVER}
        following = message.fate.after(message.status, links=message.links)
        if following is not None:
            after, status, err = following
            moment = since + after * self._second
            if not underway or moment < message.expires:
                return moment, status, err
        return (max(since, message.expires), EXPIRED, 0) if underway else None

    def _forget(self) -> None:
        self.forgotten += 1
        oldest = self._all.pop(next(iter(self._all)))
        oldest.step += 1  # it does not go on
        if self._by_id.get((oldest.login, oldest.phone, oldest.id)) is oldest:
            del self._by_id[(oldest.login, oldest.phone, oldest.id)]
        if self._newest.get((oldest.login, oldest.phone)) is oldest:
            del self._newest[(oldest.login, oldest.phone)]
