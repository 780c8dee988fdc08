"""Confirm phones by a call in a web application: `uvicorn app_fastapi:app`."""

import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup, TaskStatus
from fastapi import FastAPI, HTTPException

from smsc_async import Session, errors
from smsc_async.webhooks import Receiver

receiver = Receiver(secret=os.environ["SMSC_CALLBACK_SECRET"])
smsc = Session.from_env()
confirmed: dict[str, str] = {}  # by ticket
tasks: TaskGroup


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    """Keep the session, the receiver and the waits for calls as long as the application runs."""
    global tasks
    async with smsc, receiver.running(), anyio.create_task_group() as tasks:
        yield
        tasks.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)
app.mount("/smsc", receiver)  # receiver.url("https://example.com/smsc/") goes into the account's settings


@app.post("/phones/{phone}")
async def ask(phone: str) -> dict[str, str]:
    """Give the number that the owner of the phone is to ring, and a ticket to ask with whether they have."""
    ticket = secrets.token_urlsafe()  # whoever did not ask for the confirmation has no use of it
    try:
        return {"ring": await tasks.start(wait_for_call, phone, ticket), "ticket": ticket}
    except errors.InvalidArgument as error:
        raise HTTPException(422, str(error)) from None
    except errors.ConfirmationInProgress:
        raise HTTPException(409, "that phone is being confirmed") from None


@app.get("/tickets/{ticket}")
async def tell(ticket: str) -> dict[str, str | None]:
    """Give the phone that is confirmed, or none yet."""
    return {"confirmed": confirmed.get(ticket)}


async def wait_for_call(phone: str, ticket: str, *, task_status: TaskStatus[str]) -> None:
    """Ask for a number, and wait until it is rung or has expired."""
    async with smsc.calls.confirmation(phone, receiver=receiver) as pending:
        task_status.started(pending.number)
        try:
            await pending.wait()
        except errors.ConfirmationExpired:
            return
        confirmed[ticket] = pending.subscriber
