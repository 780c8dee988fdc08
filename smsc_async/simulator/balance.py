"""The balance: `balance.php`."""

from __future__ import annotations

from typing import Final

from smsc_async.simulator.nouns import Call, Plain
from smsc_async.simulator.replies import Answer, Field, Record
from smsc_async.simulator.request import Request
from smsc_async.simulator.windows import Limit

#: "more than ten balance requests within a minute"; identical is not said
#: (https://smscentre.com/api/http/balance/balance_answer).
LIMITS: Final = (Limit(10, identical=False),)


class Balance(Plain):
    """What is left on the account."""

    path = "balance.php"

    def action(self, request: Request) -> str:  # noqa: ARG002 - there is one action
        """Name the only action."""
        return "balance"

    def limits(self, action: str) -> tuple[Limit, ...]:  # noqa: ARG002 - likewise
        """Give the documented limit."""
        return LIMITS

    def pays(self, action: str) -> bool:  # noqa: ARG002 - likewise
        """Tell that asking is free."""
        return False

    def act(self, call: Call) -> Answer:
        """Give the balance; with ``cur=1`` its currency too, and the credit where there is one."""
        account = call.account
        balance = Field("balance", account.balance)
        if not call.request.flag("cur"):
            return Record("balance", (balance,), bare=True)
        fields = [balance, Field("currency", account.currency, optional=True)]
        if account.credit:
            fields.append(Field("credit", account.credit, optional=True))
        # How formats 0 to 2 write the currency could not be seen; this is by analogy with the documented part.
        return Record(call.switches.balance_root, tuple(fields), bare=True)
