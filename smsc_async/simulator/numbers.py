"""Dedicated numbers for rent: `receive_phones.php` (https://smsc.ua/api/http/miscellaneous/receive/)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import attrs

from smsc_async.simulator.nouns import Call, Plain
from smsc_async.simulator.replies import Answer, Done, Field, Record, RecordList, Refusal
from smsc_async.simulator.request import Request
from smsc_async.simulator.windows import Limit

#: "at most two identical requests a minute" for the list, for renting and for changing.
LIMITS: Final = (Limit(2),)

#: A number of type that no document lists (1, 2 and 4 are).
UNKNOWN_KIND: Final = 9


@attrs.frozen
class RentableNumber:
    """A number that can be rented."""

    phone: str
    kind: int = 1  # 1, 4: virtual; 2: SIM hosting
    monthly_cost: Decimal = Decimal("60.00")
    current_cost: Decimal = Decimal("30.00")  # for the rest of the month
    info: str = "Київстар, SMS"


@attrs.frozen
class RentedNumber:
    """A number that somebody rents."""

    number: RentableNumber
    auto_renew: bool
    times: int = 1  # paid; more than once only where the switch `rent_twice` is on


#: Infos are free text: they hold what separates fields in formats 0 to 3.
STOCK: Final = (
    RentableNumber("380950000001", 1, Decimal("60.00"), Decimal("30.00"), "Vodafone, SMS"),
    RentableNumber("380670000002", 4, Decimal("80.00"), Decimal("40.50"), 'Київстар, SMS і "дзвінки", ціна = 2 грн'),
    RentableNumber("380630000003", 2, Decimal("120.00"), Decimal("64.25"), "lifecell <SMS & MMS>"),
    RentableNumber("380930000004", 1, Decimal("45.50"), Decimal("22.75"), "Їжак, info = ґанок; cost = 1, є"),
    RentableNumber("79990000005", 1, Decimal("300.00"), Decimal("150.00"), ""),
)


class Numbers(Plain):
    """The stock of numbers, and who rents which."""

    path = "receive_phones.php"

    def __init__(self, stock: Iterable[RentableNumber] = STOCK) -> None:
        self.available: dict[str, RentableNumber] = {}
        self._rented: defaultdict[str, dict[str, RentedNumber]] = defaultdict(dict)
        for number in stock:
            self.add(number)

    def __repr__(self) -> str:
        return f"<Numbers {len(self.available)} available, {sum(map(len, self._rented.values()))} rented>"

    def add(self, number: RentableNumber) -> RentableNumber:
        """Put a number into the stock."""
        self.available[number.phone] = number
        return number

    def rented(self, login: str) -> dict[str, RentedNumber]:
        """Give what *login* rents, by phone."""
        return dict(self._rented[login])

    def action(self, request: Request) -> str | None:
        """Name the action by its flag."""
        return next((name for name in ("get", "buy", "chg") if request.flag(name)), None)

    def limits(self, action: str) -> tuple[Limit, ...]:  # noqa: ARG002 - the same for all three
        """Give the documented limit."""
        return LIMITS

    def pays(self, action: str) -> bool:
        """Tell whether money goes."""
        return action == "buy"

    def act(self, call: Call) -> Answer:
        """List, rent or change."""
        match call.action:
            case "get":
                return RecordList(tuple(self._record(number, call) for number in self.available.values()))
            case "buy":
                return self._rent(call)
            case _:
                return self._change(call)

    def _record(self, number: RentableNumber, call: Call) -> Record:
        kind = UNKNOWN_KIND if call.switches.unknown_enums else number.kind
        fields = (
            Field("phone", number.phone),
            Field("type", kind, quoted=False),
            Field("cost", number.monthly_cost),
            Field("current_cost", number.current_cost),
            Field("info", number.info, optional=True, misprint=True),
        )
        return Record("receive_phone", fields)

    def _rent(self, call: Call) -> Answer:
        phone = call.request.phone
        renew = call.request.params.get("noprolong", "0")
        mine = self._rented[call.account.login]
        number = self.available.get(phone)
        times = 1
        if number is None and call.switches.rent_twice and phone in mine:
            number = mine[phone].number
            times = mine[phone].times + 1
        if number is None or renew not in {"", "0", "1"}:
            return Refusal("parameters")
        if not call.account.covers(number.current_cost):
            return Refusal("money")
        call.account.balance -= number.current_cost
        self.available.pop(phone, None)
        mine[phone] = RentedNumber(number, auto_renew=renew != "1", times=times)
        return Record("phone", (Field("cost", number.current_cost),))

    def _change(self, call: Call) -> Answer:
        mine = self._rented[call.account.login]
        phone = call.request.phone
        # "0 (by default): switch auto renewal on", so a request without it switches renewal on.
        stop = call.request.params.get("noprolong", "0")
        if phone not in mine or stop not in {"", "0", "1"}:
            return Refusal("parameters")
        mine[phone] = attrs.evolve(mine[phone], auto_renew=stop != "1")
        return Done()
