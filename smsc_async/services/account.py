"""The account itself: what is left on it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async._endpoint import Endpoint, Limit, Replay, Scope
from smsc_async._wire import Field, Holds, Shape

if TYPE_CHECKING:
    from smsc_async._calling import Caller

__all__ = ["BALANCE", "Account", "Balance"]


@attrs.frozen(kw_only=True)
class Balance:
    """What is left on the account."""

    amount: Decimal
    currency: str | None = None  # as the gateway writes it: UAH, KZT, RUR ...
    credit: Decimal | None = None  # told only where it is not zero


BALANCE: Final[Endpoint[Balance]] = Endpoint(
    name="account.balance",
    path="balance.php",
    fixed={"cur": "1"},  # or the currency stays untold
    limits=(Limit(10, Scope.ACTION),),  # "more than ten balance requests", identical or not
    replay=Replay.READ,
    reply=Balance,
    shape=Shape.record(
        "balance",
        Field("balance", Holds.MONEY, attribute="amount"),
        Field("currency", Holds.WORD, optional=True),
        Field("credit", Holds.MONEY, optional=True),
        bare=True,
    ),
    source="https://smsc.ua/api/http/balance/balance_answer/",
)


class Account:
    """The account itself."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def balance(self) -> Balance:
        """
        Ask what is left. The gateway takes 10 such requests a minute; further ones wait.

        Raises:
            GatewayError: The gateway refused.
            WaitTooLong: The limit holds the call for longer than it may wait.
            NoReply: No answer came; the call may be made again.

        Source: https://smsc.ua/api/http/balance/balance_answer/
        """
        balance = await self._caller.perform(BALANCE, {})
        self._caller.tell_balance(BALANCE, balance.amount, None)
        return balance
