"""Dedicated numbers that receive SMS: which are free, renting one, and whether the rent renews itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async import errors
from smsc_async._endpoint import COMMON_REFUSALS, Endpoint, Limit, OnDuplicate, Replay
from smsc_async._wire import Field, Holds, Shape, flag
from smsc_async._wire import phone as phone_digits
from smsc_async.values import Listing, OpenIntEnum

if TYPE_CHECKING:
    from smsc_async._calling import Caller

__all__ = ["AVAILABLE", "RENT", "SET_AUTO_RENEW", "AvailableNumber", "NumberKind", "Numbers", "Rental"]

_SOURCE: Final = "https://smsc.ua/api/http/miscellaneous/receive/"


class NumberKind(OpenIntEnum):
    """What stands behind a number. The vendor gives two numbers to virtual ones and does not say how they differ."""

    VIRTUAL = 1
    SIM_HOSTING = 2
    VIRTUAL_4 = 4

    @property
    def is_virtual(self) -> bool:
        """Whether it is a dedicated virtual number, not one of the SIM hosting service."""
        return self.value in (1, 4)


@attrs.frozen(kw_only=True)
class AvailableNumber:
    """A number that can be rented. Costs are in the account's currency."""

    phone: str
    kind: NumberKind
    monthly_cost: Decimal  # of a whole month
    current_cost: Decimal  # of the days left in this month: what `Numbers.rent` charges now
    info: str  # the operator and the types of message that it takes


@attrs.frozen(kw_only=True)
class Rental:
    """A number rented for the rest of the month."""

    phone: str
    cost: Decimal  # charged at once, in the account's currency


AVAILABLE: Final[Endpoint[Listing[AvailableNumber]]] = Endpoint(
    name="numbers.available",
    path="receive_phones.php",
    fixed={"get": "1"},
    limits=(Limit(2),),
    replay=Replay.READ,
    reply=Listing[AvailableNumber],
    shape=Shape.list_of(
        "list",
        "receive_phone",
        Field("phone", Holds.PHONE),
        Field("type", Holds.INTEGER, attribute="kind"),
        Field("cost", Holds.MONEY, attribute="monthly_cost"),
        Field("current_cost", Holds.MONEY),
        Field("info", Holds.TEXT),
    ),
    source=_SOURCE,
)

RENT: Final[Endpoint[Rental]] = Endpoint(
    name="numbers.rent",
    path="receive_phones.php",
    fixed={"buy": "1"},
    limits=(Limit(2),),
    replay=Replay.IF_NOT_DONE,  # it charges
    on_duplicate=OnDuplicate.UNLESS_DONE,
    refusals={**COMMON_REFUSALS, 3: errors.InsufficientFunds},
    reply=Rental,
    shape=Shape.record("phone", Field("cost", Holds.MONEY)),
    fresh_connection=True,
    source=_SOURCE,
)

SET_AUTO_RENEW: Final[Endpoint[None]] = Endpoint(
    name="numbers.set_auto_renew",
    path="receive_phones.php",
    fixed={"chg": "1"},
    limits=(Limit(2),),
    replay=Replay.SET,
    reply=type(None),
    shape=Shape.OK,
    source=_SOURCE,
)


class Numbers:
    """Dedicated numbers that receive SMS."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def available(self) -> Listing[AvailableNumber]:
        """
        List the numbers that can be rented. The gateway takes 2 such requests a minute; further ones wait.

        Returns:
            The numbers, in the gateway's order; none is an empty listing.

        Raises:
            GatewayError: The gateway refused.
            WaitTooLong: The limit holds the call for longer than it may wait.
            NoReply: No answer came; the call may be made again.

        Source: https://smsc.ua/api/http/miscellaneous/receive/
        """
        return await self._caller.perform(AVAILABLE, {})

    async def rent(self, phone: str, *, auto_renew: bool = True, force: bool = False) -> Rental:
        """
        Rent *phone* until the end of the current month, and pay for it.

        Renting is accepting the vendor's rules for such numbers.

        Args:
            phone: A number that `available` listed; spaces, dashes, parentheses and a leading ``+`` are dropped.
            auto_renew: Whether the gateway extends the rent each month by itself.
            force: Rent even though an earlier rent of *phone* has an unknown outcome, and may be paid twice.

        Raises:
            InvalidArgument: *phone* is no phone number; nothing was sent.
            InsufficientFunds: The balance does not cover the days left.
            OutcomeUnknown: No answer came and money may be gone; never repeated by itself.

        Source: https://smsc.ua/api/http/miscellaneous/receive/
        """
        digits = phone_digits(phone)
        params = {"phone": digits, "noprolong": _noprolong("auto_renew", auto_renew)}
        known = {"phone": digits}
        return await self._caller.perform(RENT, params, known=known, subject=digits, force=flag("force", force))

    async def set_auto_renew(self, phone: str, enabled: bool) -> None:
        """
        Set whether the gateway extends the rent of *phone* each month by itself.

        Args:
            phone: A number that the account rents; spaces, dashes, parentheses and a leading ``+`` are dropped.
            enabled: True to extend it, False to let it end with the month.

        Raises:
            InvalidArgument: *phone* is no phone number or *enabled* no bool; nothing was sent.
            InvalidParameters: The gateway does not know the number as the account's.

        Source: https://smsc.ua/api/http/miscellaneous/receive/
        """
        params = {"phone": phone_digits(phone), "noprolong": _noprolong("enabled", enabled)}
        await self._caller.perform(SET_AUTO_RENEW, params)


def _noprolong(name: str, renew: object) -> str:
    """Turn our yes into the gateway's no; always sent, as leaving it out means 0 there and renews in silence."""
    return "0" if flag(name, renew) else "1"
