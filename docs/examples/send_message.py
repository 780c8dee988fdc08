"""Ask what a message costs, send it, and wait until it is delivered."""

import asyncio

from smsc_async import Session, errors, parts

PHONES = ["+380 67 123 45 67", "+380 67 123 45 68"]
TEXT = "Your parcel is here: open from 9 to 21"


async def main() -> None:
    """Price, send, follow."""
    print("parts:", parts(TEXT).count)
    async with Session.from_env() as smsc:
        price = await smsc.messages.cost(PHONES, TEXT)
        print("it costs", price.cost)
        try:
            sent = await smsc.messages.send(PHONES, TEXT, details=True)
        except errors.MessageOutcomeUnknown as unknown:
            print("no answer:", unknown)
            return
        print("sent as", sent.id, "for", sent.cost, "and", sent.balance, "is left")
        for failed in sent.failed:
            print("not to", failed.phone)
        for state in await smsc.messages.wait(sent, timeout=3600):
            print(state.phone, "is", state.status.describe())


if __name__ == "__main__":
    asyncio.run(main())
