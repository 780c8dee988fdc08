"""Confirmation of a phone by a call: `wait_call.php` (https://smsc.ua/api/http/miscellaneous/waitcall/)."""

from __future__ import annotations

import itertools
from collections import defaultdict
from decimal import Decimal
from typing import Final

import attrs

from smsc_async.simulator.accounts import Account
from smsc_async.simulator.nouns import Call, Plain
from smsc_async.simulator.replies import Answer, Field, Record, Refusal
from smsc_async.simulator.request import Request
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.windows import Limit

#: "at most fifty identical requests a minute".
LIMITS: Final = (Limit(50),)

#: "within 15 minutes the subscriber must call".
MINUTES_TO_CALL: Final = 15

#: Digits of a phone number with its country code: ITU-T E.164 allows 15; shorter than 7 is no number anywhere.
PHONE_DIGITS: Final = range(7, 16)

#: "all possible numbers, one of which was chosen (depending on the country)"; the numbers are ours.
POOLS: Final[dict[str, tuple[str, ...]]] = {
    "380": ("380440000101", "380440000102", "380440000103"),
    "7": ("74950000201", "74950000202"),
    "48": ("48220000301",),
}


@attrs.frozen
class PendingCall:
    """A call that the gateway waits for."""

    subscriber: str
    number: str
    expires: float


class Calls(Plain):
    """The pools of numbers to call, and which subscriber is expected at which."""

    path = "wait_call.php"

    def __init__(self) -> None:
        self.pools: dict[str, tuple[str, ...]] = dict(POOLS)
        self.blacklist: set[str] = set()
        self.cost_unavailable: set[str] = set()  # subscribers whose cost the account's settings forbid to work out
        self.cost: Decimal = Decimal("0.10")
        self._pending: defaultdict[str, dict[str, PendingCall]] = defaultdict(dict)
        self._turn = itertools.count()

    def __repr__(self) -> str:
        return f"<Calls {sum(map(len, self._pending.values()))} pending>"

    def pending(self, login: str, now: float) -> dict[str, PendingCall]:
        """Give the calls that *login* still waits for, by subscriber."""
        return {phone: call for phone, call in self._pending[login].items() if call.expires > now}

    def ring(self, account: Account, subscriber: str, now: float, switches: Switches) -> PendingCall | None:
        """Let *subscriber* call: give the request that it confirms, or None where none waits."""
        call = self._pending[account.login].pop(subscriber, None)
        if call is None or call.expires <= now:
            return None
        if switches.call_charged == "ring":
            account.balance -= self.cost
        return call

    def action(self, request: Request) -> str:  # noqa: ARG002 - there is one action
        """Name the only action."""
        return "wait_call"

    def limits(self, action: str) -> tuple[Limit, ...]:  # noqa: ARG002 - likewise
        """Give the documented limit."""
        return LIMITS

    def pays(self, action: str) -> bool:  # noqa: ARG002 - likewise
        """Tell that a number is allotted."""
        return True

    def act(self, call: Call) -> Answer:
        """Allot a number for the subscriber to call."""
        phone = call.request.phone
        account = call.account
        if len(phone) not in PHONE_DIGITS:
            return Refusal("parameters")
        if phone in self.blacklist:
            return Refusal("blacklisted")
        pool = self._pool(phone)
        if phone in self.cost_unavailable or not pool:
            return Refusal("cost")
        if not account.covers(self.cost):
            return Refusal("money")
        if call.switches.call_charged == "request":
            account.balance -= self.cost
        pending = self.pending(account.login, call.now).get(phone)
        if pending is None or call.switches.repeat_call == "next":
            number = pool[next(self._turn) % len(pool)]
            pending = PendingCall(phone, number, call.now + call.moments.minutes(MINUTES_TO_CALL))
        self._pending[account.login][phone] = pending
        # fmt 1 writes all_phones only: "first comes the number that the subscriber must call".
        numbers = (pending.number, *(number for number in pool if number != pending.number))
        fields = (Field("phone", pending.number), Field("all_phones", numbers, optional=True, misprint=True))
        return Record("result", fields, line=("all_phones",))

    def _pool(self, phone: str) -> tuple[str, ...]:
        prefixes = sorted((prefix for prefix in self.pools if phone.startswith(prefix)), key=len)
        return self.pools[prefixes[-1]] if prefixes else ()
