"""What users write, as type checkers see it. Checked by mypy and pyright in the session `types`, and never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type
from zoneinfo import ZoneInfo

import smsc_async
from smsc_async import (
    AccountUsage,
    AvailableNumber,
    Balance,
    CallRequest,
    DownloadTask,
    InboxMessage,
    Limit,
    Listing,
    LocalGuard,
    LocalTime,
    NumberKind,
    PendingConfirmation,
    Rental,
    Replay,
    ReplyFormat,
    Retry,
    SentMessage,
    Session,
    TaskStatus,
    UnresolvedCall,
    View,
    errors,
    events,
)
from smsc_async.webhooks import CallConfirmation, DeliveryStatus, Event, IncomingMessage, Receiver


def watch(event: events.Event) -> None:
    """Tell events apart by their class."""
    match event:
        case events.Waiting():
            assert_type(event.seconds, float)
            assert_type(event.until, datetime)
        case events.Refused():
            assert_type(event.code, int)
        case _:
            assert_type(event.endpoint, str)


def make() -> None:
    """Every way to a session."""
    assert_type(Session(login="alex", password="secret"), Session)
    assert_type(Session(apikey="key", account="shop", guard=LocalGuard(max_concurrency=7)), Session)
    assert_type(Session.from_env(observer=watch, retry=None), Session)
    smsc = Session(apikey="key", retry=Retry(attempts=2), reply_format=ReplyFormat.XML, max_wait=5.0)
    assert_type(smsc.with_options(max_wait=None, timeout=10.0), View)
    assert_type(smsc.limits(), AccountUsage)
    assert_type(Session(apikey="key", journal=Path("journal.db")), Session)
    assert_type(Session(apikey="key", journal=True), Session)
    assert_type(smsc_async.__version__, str)


async def look_back(smsc: View) -> None:
    """What the journal has."""
    calls = await smsc.unresolved()
    assert_type(calls, Listing[UnresolvedCall])
    assert_type(calls[0].opened_at, datetime)
    assert_type(calls[0].subject, str | None)
    assert_type(await smsc.messages.resolve(calls[0]), SentMessage | None)
    await smsc.settle(calls[0])


async def numbers(smsc: View) -> None:
    """Numbers."""
    listing = await smsc.numbers.available()
    assert_type(listing, Listing[AvailableNumber])
    assert_type(listing[0], AvailableNumber)
    assert_type(listing[:2], Listing[AvailableNumber])
    assert_type(listing[0].kind, NumberKind)
    assert_type(listing[0].current_cost, Decimal)
    assert_type(await smsc.numbers.rent("380950000001", auto_renew=False, force=True), Rental)
    await smsc.numbers.set_auto_renew("380950000001", True)


async def calls(smsc: Session) -> None:
    """Calls, and what may go wrong."""
    try:
        request = await smsc.calls.request("380671234567")
    except errors.OutcomeUnknown as error:
        assert_type(error.reference, str | None)
    except errors.GatewayError as error:
        assert_type(error.code, int)
    except errors.WaitTooLong as error:
        assert_type(error.wait, float)
    else:
        assert_type(request, CallRequest)
        assert_type(request.numbers, tuple[str, ...])
        assert_type(request.expires_at, datetime)


async def downloads(smsc: Session) -> None:
    """Tasks and files."""
    tasks = await smsc.downloads.list(limit=10, after_id=42)
    assert_type(tasks, Listing[DownloadTask])
    assert_type(tasks[0].status, TaskStatus)
    assert_type(tasks[0].created, LocalTime | None)
    if tasks[0].created is not None:
        assert_type(tasks[0].created.at(ZoneInfo("Europe/Kyiv")), datetime)
    assert_type(smsc.downloads.all(), AsyncGenerator[DownloadTask])
    assert_type(await smsc.downloads.wait(15, timeout=60.0), DownloadTask)
    assert_type(await smsc.downloads.save(15, "report.csv", progress=print), Path)
    assert_type(smsc.downloads.rows(15), AsyncGenerator[list[str]])
    assert_type(smsc.downloads.rows(name="messages.csv", header=True), AsyncGenerator[dict[str, str]])
    async with smsc.downloads.stream(15) as chunks:
        assert_type(chunks.length, int | None)
        async for chunk in chunks:
            assert_type(chunk, bytes)


async def others(smsc: Session) -> None:
    """The account, and any other endpoint."""
    balance = await smsc.account.balance()
    assert_type(balance, Balance)
    assert_type(balance.amount, Decimal)
    reply = await smsc.call("phones.php", {"get": 1}, limits=(Limit(3),), replay=Replay.READ)
    assert_type(reply, Any)
    await smsc.aclose()


def handlers(receiver: Receiver) -> None:
    """Handlers take the events that they are registered for."""

    @receiver.on()
    async def everything(event: Event) -> None:
        assert_type(event, DeliveryStatus | IncomingMessage | CallConfirmation)

    @receiver.on(DeliveryStatus, name="statuses")
    def statuses(event: DeliveryStatus) -> int:
        assert_type(event.cost, Decimal | None)
        return 1

    @receiver.on(IncomingMessage, CallConfirmation)
    async def both(event: IncomingMessage | CallConfirmation) -> None:
        assert_type(event.phone, str)

    receiver.on(DeliveryStatus)(everything)
    receiver.on(DeliveryStatus)(of_messages)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    receiver.on()(of_messages)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def of_messages(event: IncomingMessage) -> None:
    """Handle messages alone."""
    assert_type(event.text, str)


async def loops(receiver: Receiver) -> None:
    """A loop gives the events that it was made for."""
    async with receiver.events(DeliveryStatus) as found:
        async for status in found:
            assert_type(status, DeliveryStatus)
    async with receiver.events(DeliveryStatus, IncomingMessage) as some, receiver.events(name="all") as every:
        assert_type(await anext(some), DeliveryStatus | IncomingMessage)
        assert_type(await anext(every), DeliveryStatus | IncomingMessage | CallConfirmation)


async def confirmations(smsc: Session, receiver: Receiver) -> None:
    """A phone is confirmed, and the inbox followed."""
    async with smsc.calls.confirmation("380671234567", receiver=receiver) as pending:
        assert_type(pending, PendingConfirmation)
        assert_type((await pending.wait(timeout=900)).called_at, datetime | None)
    assert_type(await smsc.inbox.list(limit=5, hours=1.5), Listing[InboxMessage])
    assert_type(smsc.inbox.follow(), AsyncGenerator[InboxMessage])
