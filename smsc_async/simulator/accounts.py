"""Who may use the gateway: logins, their credentials and their money."""

from __future__ import annotations

import hashlib
import hmac
from datetime import tzinfo
from decimal import Decimal

import attrs

from smsc_async.simulator.request import Request
from smsc_async.simulator.switches import Switches


@attrs.define(kw_only=True, eq=False)
class Account:
    """One client of the gateway. Credentials are not shown."""

    login: str
    password: str = attrs.field(repr=False)
    apikey: str | None = attrs.field(repr=False, default=None)
    balance: Decimal = Decimal("100.00")
    currency: str = "UAH"
    credit: Decimal = Decimal(0)  # how far the balance may fall below zero
    addresses: frozenset[str] | None = None  # the only ones it may come from, where it says so
    time_zone: tzinfo | None = None  # of dates in replies and callbacks; None: that of the simulator's epoch
    virtual: bool = False  # test mode: nothing is sent, nothing is charged
    sender: str = "SMSC"  # the name that messages come from where they name none

    def covers(self, cost: Decimal) -> bool:
        """Tell whether the money is enough for *cost*."""
        return self.balance + self.credit >= cost

    def accepts(self, request: Request, switches: Switches) -> bool:
        """Tell whether the request's credentials are this account's, and come from where they may."""
        apikey = request.params.get("apikey", "")
        if apikey:
            known = self.apikey is not None and _same(apikey, self.apikey)
        else:
            psw = request.params.get("psw", "")
            known = _same(psw, self.password)
            if not known and switches.md5_password:
                known = _same(psw, hashlib.md5(self.password.encode(), usedforsecurity=False).hexdigest())
        return known and (self.addresses is None or request.client in self.addresses)


class Accounts:
    """All clients of the gateway, by login."""

    def __init__(self, *accounts: Account) -> None:
        self._by_login: dict[str, Account] = {}
        for account in accounts:
            self.add(account)

    def __repr__(self) -> str:
        return f"<Accounts {', '.join(self._by_login)}>"

    def __getitem__(self, login: str) -> Account:
        return self._by_login[login]

    def add(self, account: Account) -> Account:
        """Let one more client in."""
        self._by_login[account.login] = account
        return account

    def claimed(self, request: Request) -> Account | None:
        """Give the account that the request speaks of, whether or not its credentials are good."""
        login = request.params.get("login", "")
        if login:
            return self._by_login.get(login)
        apikey = request.params.get("apikey", "")
        if not apikey:
            return None
        return next((a for a in self._by_login.values() if a.apikey is not None and _same(apikey, a.apikey)), None)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
