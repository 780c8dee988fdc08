"""Messages in the journal: with their recipients, so that another process can find out what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smsc_async import (
    InvalidArgument,
    LocalGuard,
    MessageOutcomeUnknown,
    PartlySent,
    SentMessage,
    events,
)
from smsc_async.services._sent import SEND
from smsc_async.simulator import Drop, Fault, plain_refusal
from smsc_async.testing import SimulatedGateway
from tests.journal.accounts import leave_open, process, session, standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smsc_async import Session

pytestmark = pytest.mark.anyio

PHONE = "380671234567"
MANY = [f"38067{number:07d}" for number in range(1_001)]  # two requests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal will be."""
    return tmp_path / "journal.db"


@pytest.fixture
def gateway() -> Iterator[SimulatedGateway]:
    """A gateway with a short minute."""
    with SimulatedGateway(window=0.2) as gateway:
        yield gateway


def client(gateway: SimulatedGateway, path: Path, **options: object) -> Session:
    """Give a session that believes a gateway's no at once, and looks for nothing twice."""
    guard = LocalGuard(window=0.2, margin=0.1, lateness=0.05)
    return gateway.session(**{"journal": path, "guard": guard, "retry": None, "max_wait": 1.0, **options})


async def test_a_message_is_found_by_what_the_journal_has_of_it(
    anyio_backend: str, path: Path, gateway: SimulatedGateway
) -> None:
    """A process that kept no notes learns the id and the recipient, and by them what became of the message."""
    async with client(gateway, path) as smsc:
        await smsc.messages.send(PHONE, "hello", id="order-1")
        leave_open(smsc, path, "messages.send", "order-1", PHONE)
    with process():
        async with client(gateway, path, max_wait=None) as smsc:
            (call,) = await smsc.unresolved()
            assert ("messages.send", "order-1", (PHONE,)) == (call.endpoint, call.subject, call.recipients)
            found = await smsc.messages.resolve(call)
            assert isinstance(found, SentMessage)
            assert [] == await smsc.unresolved()
            assert [("messages.send", "order-1", None)] == standing(path)  # until the caller has noted it
    assert [] == standing(path)


async def test_the_id_that_was_made_up_is_written_down(
    anyio_backend: str, path: Path, gateway: SimulatedGateway
) -> None:
    """Also where the caller gave none, and could not ask for the message by itself."""
    lost = Fault(Drop(acted=True), action="send")
    gateway.simulator.faults.add(lost, Fault(Drop(acted=False), action="status", times=9))
    async with client(gateway, path) as smsc:
        with pytest.raises(MessageOutcomeUnknown) as unknown:
            await smsc.messages.send([PHONE, MANY[0]], "hello")
        (call,) = await smsc.unresolved()
        assert (unknown.value.reference, (PHONE, MANY[0])) == (call.subject, call.recipients)


async def test_a_message_that_was_found_at_once_is_not_left(
    anyio_backend: str, path: Path, gateway: SimulatedGateway
) -> None:
    """Where the look after a lost answer finds it, the row goes like that of any other value."""
    gateway.simulator.faults.add(Fault(Drop(acted=True), action="send"))
    async with client(gateway, path) as smsc:
        await smsc.messages.send(PHONE, "hello")
        assert [] == await smsc.unresolved()
    assert [] == standing(path)


async def test_an_id_of_a_killed_process_is_looked_for_and_not_sent_again(
    anyio_backend: str, path: Path, gateway: SimulatedGateway
) -> None:
    """Who sends under an id that the journal has open gets what was sent, or hears that it is unknown."""
    async with client(gateway, path) as smsc:
        leave_open(smsc, path, "messages.send", "order-1", PHONE)
        with pytest.raises(MessageOutcomeUnknown, match="is in the journal"):
            await smsc.messages.send(PHONE, "hello", id="order-1")
    assert () == gateway.simulator.sent()


async def test_a_rent_is_no_message_to_look_for(anyio_backend: str, path: Path) -> None:
    """And nor is a message to groups alone."""
    async with session(path, None) as smsc:
        leave_open(smsc, path, "numbers.rent", PHONE)
        leave_open(smsc, path, "messages.send", "order-1", "G7")
        rent, message = await smsc.unresolved()
        with pytest.raises(InvalidArgument, match=r"numbers\.rent"):
            await smsc.messages.resolve(rent)
        with pytest.raises(InvalidArgument, match="groups"):
            await smsc.messages.resolve(message)
        with pytest.raises(InvalidArgument, match="leave it out"):
            await smsc.messages.resolve(message, PHONE)


# ------------------------------------------------------------------ of several requests


async def test_a_message_of_several_requests_is_one_row_until_the_last_has_an_answer(
    anyio_backend: str, path: Path, gateway: SimulatedGateway
) -> None:
    """A process that is killed between two of them leaves all recipients and the id."""
    rows: list[list[tuple[str, str | None, str | None]]] = []

    def told(event: events.Event) -> None:
        if isinstance(event, events.Attempt | events.Replied):
            rows.append(standing(path))

    async with client(gateway, path, observer=told) as smsc:
        await smsc.messages.send(MANY, "hello", id="order-1")
        assert [[("messages.send", "order-1", None)]] * 4 == rows
        with process():
            (call,) = await smsc.unresolved()
            assert tuple(MANY) == call.recipients
    assert [] == standing(path)


@pytest.mark.parametrize("nth", [0, 1])
async def test_a_refusal_of_one_request_closes_the_row_with_the_error(
    anyio_backend: str, path: Path, gateway: SimulatedGateway, nth: int
) -> None:
    """The caller hears which recipients got it."""
    gateway.simulator.faults.add(Fault(plain_refusal(6), action="send", skip=nth))
    async with client(gateway, path) as smsc:
        with pytest.raises(PartlySent if nth else Exception):
            await smsc.messages.send(MANY, "hello", id="order-1")
        assert [] == await smsc.unresolved()
    assert [] == standing(path)


@pytest.mark.parametrize("nth", [0, 1])
async def test_a_lost_request_among_several_leaves_the_row(
    anyio_backend: str, path: Path, gateway: SimulatedGateway, nth: int
) -> None:
    """All recipients stand in it, those whose request was answered too."""
    lost = Fault(Drop(acted=True), action="send", skip=nth)
    gateway.simulator.faults.add(lost, Fault(Drop(acted=False), action="status", times=9))
    async with client(gateway, path) as smsc:
        with pytest.raises(PartlySent):
            await smsc.messages.send(MANY, "hello", id="order-1")
        (call,) = await smsc.unresolved()
        assert tuple(MANY) == call.recipients


async def test_a_request_that_was_found_stays_until_the_others_have_an_answer(
    anyio_backend: str, path: Path, gateway: SimulatedGateway
) -> None:
    """The first answer is lost and the message found; what goes out next is under the same row."""
    rows: list[int] = []

    def told(event: events.Event) -> None:
        if isinstance(event, events.Attempt) and event.endpoint == "messages.send":
            rows.append(len(standing(path)))

    gateway.simulator.faults.add(Fault(Drop(acted=True), action="send"))
    async with client(gateway, path, observer=told) as smsc:
        await smsc.messages.send(MANY, "hello", id="order-1")
        assert [1, 1] == rows
        assert [] == await smsc.unresolved()
    assert [] == standing(path)


async def test_a_settled_message_may_be_sent_again_at_once(anyio_backend: str, path: Path) -> None:
    """The row of a message that was not sent is struck later than the same id is used again."""
    async with session(path, {"id": "order-1", "cnt": 1}) as smsc:
        leave_open(smsc, path, "messages.send", "order-1", PHONE)
        await smsc._conductor.found(SEND, "order-1")
        await smsc.messages.send(PHONE, "hello", id="order-1")
        assert 2 == len(standing(path))
    assert [] == standing(path)


async def test_a_journal_that_fails_while_a_message_is_found_changes_nothing(
    anyio_backend: str, path: Path, gateway: SimulatedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """What was found is given, and the row stays."""

    def told(event: events.Event) -> None:
        if isinstance(event, events.Attempt) and event.endpoint == "messages.status":
            for file in list(path.parent.iterdir()):
                file.rename(file.with_name(f"old-{file.name}"))

    gateway.simulator.faults.add(Fault(Drop(acted=True), action="send"))
    async with client(gateway, path, observer=told) as smsc:
        assert isinstance(await smsc.messages.send(PHONE, "hello", id="order-1"), SentMessage)
    assert "could not be noted" in caplog.text
