"""Keep a journal of what is paid for, and look first what an earlier run has left open."""

import asyncio

from smsc_async import Session, errors


async def main() -> None:
    """Find out about what is open, then rent."""
    async with Session.from_env(journal="paid-calls.db") as smsc:
        for call in await smsc.unresolved():
            if call.endpoint == "messages.send":
                sent = await smsc.messages.resolve(call)  # which settles it, too
                print("message", call.subject, "was sent" if sent else "was not sent")
            else:
                print("look at the account for", call.endpoint, call.subject, "then: await smsc.settle(call)")
        number = (await smsc.numbers.available())[0]
        try:
            rental = await smsc.numbers.rent(number.phone)
        except errors.OutcomeUnknown as error:
            print("look at the account before you rent again:", error)
        else:
            print("rented", rental.phone, "for", rental.cost)


if __name__ == "__main__":
    asyncio.run(main())
