"""Ask a subscriber to confirm their phone by ringing a number."""

import asyncio

from smsc_async import Session, errors


async def main() -> None:
    """Show the number to ring, and until when."""
    async with Session.from_env() as smsc:
        try:
            request = await smsc.calls.request("+380 67 123 45 67")
        except errors.RecipientBlacklisted:
            print("that phone is on the account's black list")
        else:
            print("ring", request.number, "before", f"{request.expires_at:%H:%M}")


if __name__ == "__main__":
    asyncio.run(main())
