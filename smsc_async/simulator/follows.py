"""The half of the simulator that follows messages: what was sent to whom, and what becomes of it when tests say so."""

from __future__ import annotations

import copy
from typing import Final

from smsc_async.simulator import fates
from smsc_async.simulator.callbacks import Manner
from smsc_async.simulator.calls_back import CallsBack, Told
from smsc_async.simulator.fates import Fate
from smsc_async.simulator.messages import Message
from smsc_async.simulator.recipients import SPELLING
from smsc_async.simulator.request import digits

#: Which statuses a message may have before it is delivered or fails, is read, and is clicked in.
UNDERWAY: Final = frozenset({fates.WAITING, fates.HANDED_OVER})
BEFORE: Final = {
    fates.READ: UNDERWAY | {fates.DELIVERED},
    fates.CLICKED: UNDERWAY | {fates.DELIVERED, fates.READ},
}


class Follows(CallsBack):
    """
    What tests read and do about messages. Every method may be called from any thread.

    Messages go on by themselves: see `Fate`, which `set_fate` sets for all or for one phone. Without an id a command is
    about the newest message to the phone.
    """

    def sent(
        self, phone: str | None = None, *, id: int | str | None = None, login: str | None = None
    ) -> tuple[Message, ...]:
        """
        Give copies of the messages that the gateway took, oldest first: of all, or those to *phone* or with *id*.

        Those that were refused are among them where the switch ``refused_stored`` keeps them, and say so; those that
        were taken back are, too.
        """
        with self._lock:
            self.messages.settle(self.moments.now())
            return self.messages.snapshot(self._account(login).login, None if phone is None else _address(phone), id)

    def set_fate(self, fate: Fate | None, phone: str | None = None) -> None:
        """Let messages that are sent from now on go that way: all, or those to *phone*; None: as usual again."""
        with self._lock:
            if phone is None:
                self.messages.fate = fate or Fate()
            elif fate is None:
                self.messages.fates.pop(_address(phone), None)
            else:
                self.messages.fates[_address(phone)] = fate

    def operator_delivers(
        self, phone: str, id: int | str | None = None, *, login: str | None = None, manner: Manner | None = None
    ) -> Told:
        """
        Let a message be delivered now.

        Raises:
            LookupError: There is no such message.
            ValueError: It has ended already.
        """
        return self._becomes(fates.DELIVERED, phone, id, login=login, manner=manner)

    def operator_delivers_newest(self, *, login: str | None = None, manner: Manner | None = None) -> Told:
        """Let the message that was taken last be delivered now, if it is on its way; nothing happens if it is not."""
        with self._lock:
            account = self._account(login)
            self.messages.settle(self.moments.now())
            message = self.messages.newest(account.login)
            if message is None or message.status not in UNDERWAY:
                return Told()
            return self.operator_delivers(message.phone, message.id, login=account.login, manner=manner)

    def operator_fails(
        self,
        phone: str,
        id: int | str | None = None,
        *,
        err: int = 1,
        status: int = fates.UNDELIVERABLE,
        login: str | None = None,
        manner: Manner | None = None,
    ) -> Told:
        """
        Let a message fail now, with the error *err*.

        Raises:
            LookupError: There is no such message.
            ValueError: It has ended already.
        """
        return self._becomes(status, phone, id, err=err, login=login, manner=manner)

    def subscriber_reads(
        self, phone: str, id: int | str | None = None, *, login: str | None = None, manner: Manner | None = None
    ) -> Told:
        """
        Let the subscriber read a message, which reaches him with that if it has not before.

        Raises:
            LookupError: There is no such message.
            ValueError: It has ended otherwise, or was read before.
        """
        return self._becomes(fates.READ, phone, id, login=login, manner=manner)

    def subscriber_clicks(
        self, phone: str, id: int | str | None = None, *, login: str | None = None, manner: Manner | None = None
    ) -> Told:
        """
        Let the subscriber follow the short link in a message.

        Raises:
            LookupError: There is no such message.
            ValueError: It has no short link (``tinyurl=1`` makes one), has ended otherwise, or this was done before.
        """
        return self._becomes(fates.CLICKED, phone, id, login=login, manner=manner)

    def _becomes(
        self, status: int, phone: str, id: int | str | None, *, login: str | None, manner: Manner | None, err: int = 0
    ) -> Told:
        with self._lock:
            now = self.moments.now()
            self.messages.settle(now)
            message = self.messages.find(self._account(login).login, _address(phone), id)
            if message is None:
                raise LookupError("there is no such message")
            if message.status not in BEFORE.get(status, UNDERWAY) or message.refused is not None:
                raise ValueError(f"the message has status {message.status}")
            if status == fates.CLICKED and not message.links:
                raise ValueError("the message has no short link")
            self.messages.change(message, status, err, now, tell=False)
            return Told(errands=self._message_changed(message, now, manner), sent=copy.copy(message))


def _address(phone: str) -> str:
    """Give a phone by its digits, and anything else as it is; from outside it may come as a number."""
    phone = str(phone)
    return digits(phone) if SPELLING.fullmatch(phone) else phone
