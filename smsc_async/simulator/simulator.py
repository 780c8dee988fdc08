"""The gateway in memory, as an ASGI app: composes the rooms and conducts one request through them."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Literal

import anyio

from smsc_async.simulator.accounts import Account, Accounts
from smsc_async.simulator.asgi import Receive, Scope, Send
from smsc_async.simulator.balance import Balance
from smsc_async.simulator.calls import Calls, PendingCall
from smsc_async.simulator.captcha import Captcha
from smsc_async.simulator.control import Control
from smsc_async.simulator.delivery import Dropped
from smsc_async.simulator.downloads import Downloads, Task, sha256
from smsc_async.simulator.exchange import Exchanges
from smsc_async.simulator.faults import Faults
from smsc_async.simulator.follows import Follows
from smsc_async.simulator.foreign import Foreign
from smsc_async.simulator.gate import Gate
from smsc_async.simulator.judge import judge
from smsc_async.simulator.log import Arrival, Log
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.nouns import Noun
from smsc_async.simulator.numbers import STOCK, Numbers, RentableNumber
from smsc_async.simulator.sends import Sends
from smsc_async.simulator.statuses import Statuses
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.verdict import Verdict


class Simulator(Follows):
    """
    The gateway: an ASGI app with state.

    Beside answering it calls back, see `CallsBack`, and lets messages go on to their end, see `Follows`.

    Serve it over sockets with `serve`, or give it to an ASGI transport; both at once and from several threads is fine.
    In process a client that cancels its request cancels the gateway's work too, which no real server does: test
    cancellation over sockets.

    Args:
        login: The login of the first account, `account`; others come with `add_account`.
        password: Its password.
        apikey: Its API key, or None for an account without one.
        balance: Its money.
        currency: Of the balance.
        window: The length of the gateway's minute, in seconds; tests make it shorter. Blocks and the 15 minutes for a
            call are counted in these minutes.
        numbers: The stock of numbers for rent.
        switches: One reading of all that the vendor leaves open.
        clock: Gives seconds, as `time.monotonic` does; see `ManualTime`.
        sleep: Waits so many seconds of that clock.
        epoch: The date and time in the account's time zone at the start, for dates in replies; now, in UTC, by default.
        seed: For random faults: a number, or a `random.Random`.
        log_size: How many arrivals are remembered, and how many finished callbacks.
        dropped: Makes the exception that stands for a dropped connection in process, such as ``httpx.ReadError``.
    """

    def __init__(
        self,
        *,
        login: str = "demo",
        password: str = "demo",  # noqa: S107 - made up, for a gateway that does not exist
        apikey: str | None = "demo-key",
        balance: Decimal = Decimal("1000.00"),
        currency: str = "UAH",
        window: float = 60.0,
        numbers: Iterable[RentableNumber] = STOCK,
        switches: Switches | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        epoch: datetime | None = None,
        seed: int | Random = 0,
        log_size: int = 100_000,
        dropped: Callable[[str], Exception] = Dropped,
    ) -> None:
        self.switches: Switches = switches or Switches()
        self.account: Account = Account(
            login=login, password=password, apikey=apikey, balance=balance, currency=currency
        )
        self.accounts: Accounts = Accounts(self.account)
        self.moments: Moments = Moments(
            clock=clock,
            sleep=sleep,
            minute=window,
            epoch=epoch or datetime.fromtimestamp(time.time(), UTC),
            zero=clock(),
        )
        self.balance: Balance = Balance()
        self.numbers: Numbers = Numbers(numbers)
        self.calls: Calls = Calls()
        self.downloads: Downloads = Downloads()
        random = seed if isinstance(seed, Random) else Random(seed)
        self.faults: Faults = Faults(random)
        self._judged_to = 0  # the number of the last message before `reset`
        self.crashes: list[str] = []  # defects of the simulator itself; the verdict tells them
        self._lock = threading.RLock()  # held for synchronous steps only, never over an await
        self._set_up(log_size, random)
        self.captcha: Captcha = Captcha()
        self.sends: Sends = Sends(self.messages, self.captcha)
        nouns: tuple[Noun, ...] = (
            self.sends,
            Statuses(self.messages),
            self.captcha,
            self.balance,
            self.numbers,
            self.calls,
            self.downloads,
            self.inbox,
        )
        by_path = {noun.path: noun for noun in nouns}
        self._log = Log(log_size)
        self._gate = Gate(accounts=self.accounts, nouns=by_path, moments=self.moments, log=self._log)
        self.foreign: Foreign = Foreign(
            gate=self._gate,
            log=self._log,
            moments=self.moments,
            lock=self._lock,
            switches=lambda: self.switches,
            login=login,
        )
        self._exchanges = Exchanges(
            nouns=by_path,
            gate=self._gate,
            faults=self.faults,
            log=self._log,
            moments=self.moments,
            lock=self._lock,
            switches=lambda: self.switches,
            dropped=dropped,
            crashes=self.crashes,
        )
        self._control = Control(self)

    def __repr__(self) -> str:
        return f"<Simulator {self.account.login!r}, window {self.moments.minute:g} s, {self._log!r}>"

    # What tests set up and read ---------------------------------------------------------------------------------------

    @property
    def log(self) -> tuple[Arrival, ...]:
        """Copies of what arrived, oldest first."""
        with self._lock:
            return self._log.snapshot()

    def verdict(self) -> Verdict:
        """Judge everything in the log."""
        with self._lock:
            arrivals = self._log.snapshot()
            forgotten = self._log.forgotten
            messages = [copy.copy(message) for message in self.messages if message.number > self._judged_to]
        return judge(
            arrivals,
            window=self.moments.minute,
            identical=self.switches.identical,
            messages=messages,
            forgotten=forgotten,
            messages_forgotten=self.messages.forgotten,
            crashes=self.crashes,
        )

    def add_account(self, account: Account) -> Account:
        """Let one more client of the gateway in."""
        with self._lock:
            return self.accounts.add(account)

    def add_task(
        self,
        *,
        name: str | None = None,
        rows: int = 100,
        data: bytes | None = None,
        waits: float = 0.0,
        runs: float = 0.0,
        ends: Literal["done", "cancelled", "failed"] = "done",
        login: str | None = None,
    ) -> Task:
        """
        Add a deferred task, which waits *waits* seconds, runs *runs* seconds, and ends.

        Its file holds *rows* made-up messages, made as they are read; or exactly *data*.
        """
        with self._lock:
            return self.downloads.add(
                login or self.account.login,
                moments=self.moments,
                name=name,
                rows=rows,
                data=data,
                waits=waits,
                runs=runs,
                ends=ends,
            )

    def sha256(self, task: Task, charset: str = "windows-1251") -> str:
        """Give the digest that a client's copy of the task's file must have."""
        return sha256(task, self.switches, charset)

    def ring(self, subscriber: str, *, login: str | None = None) -> PendingCall | None:
        """Let *subscriber* call the number allotted to it; None where no request waits for it (any more)."""
        with self._lock:
            account = self.accounts[login or self.account.login]
            return self.calls.ring(account, subscriber, self.moments.now(), self.switches)

    def block(self, address: str = "127.0.0.1", minutes: float = 30) -> None:
        """Block a client's address, as after five authorisation errors."""
        with self._lock:
            self._gate.blocks.block(address, self.moments.gateway_now(self.switches.clock_rate), minutes)

    def reset(self) -> None:
        """
        Forget the log, windows, slots, blocks, faults and callbacks; money, numbers and so on stay as they are.

        Messages go on, too, but no verdict speaks of those that were sent before.
        """
        with self._lock:
            self._judged_to = self.messages.last
            self.messages.forgotten = 0
            self._log.clear()
            self._gate.clear()
            self.faults.clear()
            self._callbacks.clear()
            self.crashes.clear()

    # ASGI -------------------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI server asks."""
        match scope["type"]:
            case "http" if scope["path"].startswith("/control/"):
                await self._control(scope, receive, send)
            case "http":
                await self._exchanges.conduct(scope, receive, send)
            case "lifespan":
                await _lifespan(receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1000})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
