"""Read what subscribers write, without a public address."""

import asyncio

from smsc_async import Session


async def main() -> None:
    """Show the messages of the last hour, then the next one that comes."""
    async with Session.from_env() as smsc:
        for message in await smsc.inbox.list(hours=1):
            print(message.received, message.phone, message.text)
        async for message in smsc.inbox.follow():
            print(message.received, message.phone, message.text)
            break


if __name__ == "__main__":
    asyncio.run(main())
