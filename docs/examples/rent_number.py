"""Rent the cheapest number for this month only."""

import asyncio

from smsc_async import Session, errors


async def main() -> None:
    """Pay once, and say so when nobody knows whether it was paid."""
    async with Session.from_env() as smsc:
        numbers = await smsc.numbers.available()
        cheapest = min(numbers, key=lambda number: number.current_cost)
        try:
            rental = await smsc.numbers.rent(cheapest.phone, auto_renew=False)
        except errors.InsufficientFunds:
            print("the balance does not cover", cheapest.current_cost)
        except errors.OutcomeUnknown as error:
            print("look at the account before you rent again:", error)
        else:
            print("rented", rental.phone, "for", rental.cost)


if __name__ == "__main__":
    asyncio.run(main())
