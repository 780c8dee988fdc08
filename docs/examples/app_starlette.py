"""Statuses and answers of subscribers, none lost, in Starlette: `uvicorn app_starlette:app`."""

import os

from starlette.applications import Starlette
from starlette.routing import Mount

from smsc_async.webhooks import DeliveryStatus, IncomingMessage, Receiver, SqliteStore

receiver = Receiver(
    secret=os.environ["SMSC_CALLBACK_SECRET"],
    store=SqliteStore("callbacks.db"),  # acknowledged when it is stored; handled from there, also after a crash
)


@receiver.on(DeliveryStatus)
async def delivered(status: DeliveryStatus) -> None:
    """Note how far a message has come."""
    print("message", status.id, "is", status.status.name)


@receiver.on(IncomingMessage)
async def answered(message: IncomingMessage) -> None:
    """Read what a subscriber has written."""
    print(message.phone, "writes", message.text)


# A mounted app has no lifespan of its own, so the outer one runs the receiver.
app = Starlette(routes=[Mount("/smsc", receiver)], lifespan=lambda _: receiver.running())


if __name__ == "__main__":
    print("paste into the account's settings:", receiver.url("https://example.com/smsc/"))
