"""List the numbers for rent, cheapest first."""

import asyncio

from smsc_async import Session


async def main() -> None:
    """Ask once; the list is asked for at most twice a minute."""
    async with Session.from_env() as smsc:
        numbers = await smsc.numbers.available()
        for number in sorted(numbers, key=lambda number: number.current_cost):
            print(number.phone, number.current_cost, number.info)


if __name__ == "__main__":
    asyncio.run(main())
