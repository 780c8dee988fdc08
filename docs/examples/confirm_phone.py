"""Confirm a phone by a call where there is no public address: the account's inbox is looked at."""

import asyncio

from smsc_async import Session, errors


async def main() -> None:
    """Show the number to ring, and wait until it is rung."""
    async with Session.from_env() as smsc, smsc.calls.confirmation("+380 67 123 45 67") as pending:
        print("ring", pending.number, "before", f"{pending.expires_at:%H:%M}")
        try:
            call = await pending.wait()
        except errors.ConfirmationExpired as expired:
            print(expired)
        else:
            print(call.subscriber, "is confirmed")


if __name__ == "__main__":
    asyncio.run(main())
