"""The half of the simulator that acts by itself: subscribers call and write, statuses change, handlers are told."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import TYPE_CHECKING, Any, Final

import attrs

from smsc_async.simulator.callbacks import Callbacks, Errand, Manner, Order, State
from smsc_async.simulator.calls import Calls, PendingCall
from smsc_async.simulator.fates import DELIVERED, HANDED_OVER
from smsc_async.simulator.happenings import CallEvent, Event, MessageEvent, StatusEvent
from smsc_async.simulator.inbox import WAITCALL, Inbox, InboxMessage
from smsc_async.simulator.letters import write
from smsc_async.simulator.messages import Message, Messages
from smsc_async.simulator.networks import hlr
from smsc_async.simulator.postman import Postman
from smsc_async.simulator.replies import money
from smsc_async.simulator.request import digits

if TYPE_CHECKING:
    from smsc_async.simulator.accounts import Account, Accounts
    from smsc_async.simulator.moments import Moments
    from smsc_async.simulator.switches import Switches

#: The number that subscribers write to where they name no other.
SHARED_NUMBER: Final = "380440000500"


@attrs.frozen(kw_only=True)
class Told:
    """
    What came of something that happened.

    Args:
        errands: What the handler is told, as many times as copies were asked for; none where there is no handler.
        message: The row in the inbox, of a message and of a call.
        call: Of a call, what it confirms; None where nobody waits for it (any more), and then nothing happens.
        sent: Of a status, the message that was sent, as it is now; None where the gateway has none.
    """

    errands: tuple[Errand, ...] = ()
    message: InboxMessage | None = None
    call: PendingCall | None = None
    sent: Message | None = None


class CallsBack:
    """
    What a simulator does beside answering. Every method may be called from any thread.

    Handlers are called over sockets while the simulator is served, and inside ``async with simulator.calling_back()``;
    or step by step with ``await simulator.deliver_due()``. Apps in process are called by the latter two only, in the
    caller's event loop. The attribute `manner` says how often and how late everything is told of that has no manner of
    its own, and `inbox` is what subscribers wrote.
    """

    account: Account
    accounts: Accounts
    calls: Calls
    moments: Moments
    switches: Switches
    _lock: threading.RLock

    def _set_up(self, size: int, random: Random) -> None:
        self.inbox: Inbox = Inbox()
        self.messages: Messages = Messages(self.moments.minute)
        self.messages.on_change = self._message_changed
        self.messages.on_sooner = self._changes_sooner
        self.manner: Manner = Manner()
        self._callbacks = Callbacks(size, random)
        self._postman = Postman(
            callbacks=self._callbacks,
            moments=self.moments,
            lock=self._lock,
            switches=lambda: self.switches,
            settle=self.messages.settle,
            next_change=lambda: self.messages.next_due() if self._callbacks.anybody else math.inf,
        )

    def call_back(self, url: str | None, app: Any = None, *, login: str | None = None) -> None:
        """
        Set the address of an account's handler, exactly as it is pasted into the account's settings.

        Args:
            url: ``https://example.com/callback?charset=utf-8&md5=secret``; None: no handler any more.
            app: An ASGI app that is called in process in place of a socket.
            login: Of which account; the first one by default.

        Raises:
            ValueError: It is no http(s) address, or a secret has characters that the gateway does not allow.
        """
        with self._lock:
            self.messages.settle(self.moments.now())  # what has happened, only the handler of then is told of
            self._callbacks.tell(self._account(login).login, url, app)
            self._postman.ring()

    def subscriber_calls(self, phone: str, *, login: str | None = None, manner: Manner | None = None) -> Told:
        """Let *phone* call the number allotted to it: this confirms it, tells the handler, and is in the inbox."""
        phone = digits(str(phone))  # from outside it may come as a number
        with self._lock:
            account = self._account(login)
            now = self.moments.now()
            call = self.calls.ring(account, phone, now, self.switches)
            if call is None:
                return Told()
            row = self.inbox.add(account.login, phone=phone, message=WAITCALL, to_phone=call.number, now=now)
            return Told(errands=self._tell(account, CallEvent(phone=phone), manner), message=row, call=call)

    def subscriber_writes(
        self,
        phone: str,
        text: str,
        *,
        to: str = SHARED_NUMBER,
        sms_id: int | str | None = None,
        underway: float = 0.0,
        login: str | None = None,
        manner: Manner | None = None,
    ) -> Told:
        """Let *phone* write to the number *to*: this tells the handler, and is in the inbox. See `MessageEvent`."""
        phone, to = digits(str(phone)), digits(str(to))
        with self._lock:
            account = self._account(login)
            now = self.moments.now()
            row = self.inbox.add(account.login, phone=phone, message=text, to_phone=to, now=now, underway=underway)
            event = MessageEvent(id=row.id, phone=phone, mes=text, to=to, sms_id=sms_id, underway=underway)
            return Told(errands=self._tell(account, event, manner), message=row)

    def message_is(self, *, login: str | None = None, manner: Manner | None = None, **fields: Any) -> Told:
        """
        Let the status of a message change, which the handler is told of.

        It need not be a message that was sent; one that was has this status from now on.

        Args:
            login: Of which account; the first one by default.
            manner: Copies and delays.
            fields: ``id``, ``phone`` and ``status``, and whatever else `StatusEvent` has.
        """
        event = StatusEvent(**fields)
        with self._lock:
            account = self._account(login)
            now = self.moments.now()
            self.messages.settle(now)
            message = self.messages.find(account.login, str(event.phone), event.id)
            if message is not None:
                self.messages.change(message, event.status, event.err, now, tell=False)
            return Told(errands=self._tell(account, event, manner), sent=copy.copy(message))

    def hold_callbacks(self) -> None:
        """Keep back what handlers are to be told of from now on."""
        with self._lock:
            self._callbacks.hold()

    def release_callbacks(self, order: Order = "queued") -> int:
        """Let go what was kept back: as it was queued, ``"reversed"`` or ``"shuffled"``; give how many."""
        with self._lock:
            released = self._callbacks.release(order, self.moments.now())
            self._postman.ring()
            return released

    def callbacks(self, state: State | None = None) -> tuple[Errand, ...]:
        """Give copies of what handlers were and are to be told, oldest first; of those in one state, if it is named."""
        with self._lock:
            self.messages.settle(self.moments.now())
            return self._callbacks.snapshot(state)

    async def deliver_due(self) -> int:
        """Call handlers for everything that is due now, one after the other; give how many calls were made."""
        return await self._postman.deliver_due()

    async def deliver_at_once(self, tell: Callable[[], Told]) -> Told:
        """Let something happen, and call the handler before anybody else can and whatever the manner."""
        with self._lock:
            told = tell()
            taken = self._callbacks.take(told.errands)
        await self._postman.deliver(taken)
        return told

    def calling_back(self, *, in_process: bool = True) -> AbstractAsyncContextManager[None]:
        """Call handlers in the background while a block lasts; without *in_process* only those over sockets."""
        return self._postman.at_work(in_process=in_process)

    def _account(self, login: str | None) -> Account:
        return self.accounts[login or self.account.login]

    def _tell(
        self, account: Account, event: Event, manner: Manner | None, at: float | None = None
    ) -> tuple[Errand, ...]:
        handler = self._callbacks.handler(account.login)
        if handler is None:
            return ()
        now = self.moments.now() if at is None else at
        letter = write(event, handler.address, self.moments.in_zone(account.time_zone), self.switches, now)
        errands = self._callbacks.queue(account.login, letter, handler, now, manner or self.manner)
        self._postman.ring()
        return errands

    def _message_changed(self, message: Message, at: float, manner: Manner | None = None) -> tuple[Errand, ...]:
        """Tell the handler what has become of a message."""
        told_of = self.switches.callback_statuses == "all" or message.status != HANDED_OVER
        if self._callbacks.handler(message.login) is None or not told_of:
            return ()
        found_out: dict[str, Any] = (
            hlr(message.phone) if message.kind.name == "hlr" and message.status == DELIVERED else {}
        )
        event = StatusEvent(
            id=message.id,
            phone=message.phone,
            status=message.status,
            err=message.err,
            cnt=message.count,
            type=message.kind.type,
            cost=money(message.cost, self.switches),
            sender=message.sender,
            cmt=message.comment,
            **found_out,
        )
        return self._tell(self.accounts[message.login], event, manner, at)

    def _changes_sooner(self) -> None:
        if self._callbacks.anybody:
            self._postman.ring()
