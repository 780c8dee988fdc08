"""Ask for fifty confirmation numbers at once; fourteen requests are in flight, the others wait."""

import asyncio

from smsc_async import Session
from smsc_async.services.calls import CallRequest


async def main() -> None:
    """Start all calls together; the session keeps them within the limits."""
    phones = [f"3806712345{n:02}" for n in range(50)]
    requests: dict[str, CallRequest] = {}

    async with Session.from_env() as smsc, asyncio.TaskGroup() as tasks:

        async def ask(phone: str) -> None:
            requests[phone] = await smsc.calls.request(phone)

        for phone in phones:
            tasks.create_task(ask(phone))

    print("got", len(requests), "numbers to ring, the first is", requests[phones[0]].number)


if __name__ == "__main__":
    asyncio.run(main())
