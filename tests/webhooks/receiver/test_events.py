"""Events as an async iterator: the one before is handled when the next one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.testing import FakeClock
from smsc_async.webhooks import DeliveryStatus, IncomingMessage
from tests.webhooks.receiver.gateway import message, post, receiver, status

if TYPE_CHECKING:
    from smsc_async.webhooks import Event, Receiver

pytestmark = pytest.mark.anyio


async def deliver(app: Receiver, body: bytes, answered: list[int]) -> None:
    """Post, and note the answer."""
    answered.append(await post(app, body))


async def test_events_come_one_at_a_time_and_are_acknowledged_by_the_next_step() -> None:
    """While the loop has an event, the gateway waits; asking for the next one acknowledges it."""
    app = receiver()
    answered: list[int] = []
    got: list[str] = []
    async with app.events() as events, anyio.create_task_group() as tasks:
        for number in (1, 2, 3):
            tasks.start_soon(deliver, app, message(f"{number}", number=number), answered)
        async for event in events:
            got.append(event.text)
            await anyio.wait_all_tasks_blocked()
            assert len(got) - 1 == len(answered)
            if len(got) == 3:
                break
        await anyio.wait_all_tasks_blocked()
        assert [200, 200] == answered
        tasks.start_soon(events.__aexit__, None, None, None)
    assert ["1", "2", "3"] == sorted(got)
    assert [200, 200, 200] == answered


async def test_only_the_kinds_asked_for_come() -> None:
    """Other kinds pass it by."""
    app = receiver()
    answered: list[int] = []
    async with app.events(DeliveryStatus) as events, anyio.create_task_group() as tasks:
        tasks.start_soon(deliver, app, message(), answered)
        tasks.start_soon(deliver, app, status(4), answered)
        event = await anext(events)
        assert isinstance(event, DeliveryStatus)
        await anyio.wait_all_tasks_blocked()
        assert [200] == answered
        tasks.cancel_scope.cancel()


async def test_a_block_that_ends_with_an_error_has_not_handled_its_event() -> None:
    """The gateway is told to come again, also while others handle such events, until a loop of that name is back."""
    app = receiver()
    answered: list[int] = []
    async with anyio.create_task_group() as tasks:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what fails
            async with app.events() as events:
                tasks.start_soon(deliver, app, message(), answered)
                await anext(events)
                raise ZeroDivisionError
    assert [503] == answered
    app.on(IncomingMessage)(lambda _: None)
    assert 503 == await post(app, message())
    async with anyio.create_task_group() as tasks, app.events() as events:
        tasks.start_soon(deliver, app, message(), answered)
        await anext(events)
    assert [503, 200] == answered


async def test_who_waits_to_be_heard_when_the_listener_leaves_comes_again() -> None:
    """An event that the loop never got is not acknowledged."""
    app = receiver()
    answered: list[int] = []
    async with anyio.create_task_group() as tasks, app.events() as events:
        for number in (1, 2):
            tasks.start_soon(deliver, app, message(number=number), answered)
        await anext(events)
        await anyio.wait_all_tasks_blocked()
    assert [200, 503] == sorted(answered)


async def test_a_loop_that_never_asks_again_is_waited_for_as_long_as_a_handler() -> None:
    """After the time for handlers the gateway is told to come again; the loop goes on with the next event."""
    clock = FakeClock()
    app = receiver(clock=clock)
    answered: list[int] = []
    async with app.events() as events, anyio.create_task_group() as tasks:
        tasks.start_soon(deliver, app, message(number=1), answered)
        first = await anext(events)
        await clock.advance(31)
        assert [503] == answered
        tasks.start_soon(deliver, app, message(number=2), answered)
        second = await anext(events)
        assert ["1", "2"] == [first.id, second.id]
        tasks.cancel_scope.cancel()


async def test_listeners_have_names() -> None:
    """Two at a time need two names, by which the store notes what each has had; afterwards a name is free again."""
    app = receiver()
    async with app.events():
        with pytest.raises(InvalidArgument, match="a handler named events is there already"):
            async with app.events():
                pytest.fail("it was let in")
        async with app.events(name="others"):
            pass
    async with app.events():
        pass
    with pytest.raises(InvalidArgumentType, match="kinds: must be some of"):
        app.events(int)


async def test_a_body_that_takes_its_time_gets_the_event_once() -> None:
    """The gateway is told to come again, and finds the event handled when the loop has asked for the next one."""
    clock = FakeClock()
    app = receiver(clock=clock)
    answered: list[int] = []
    got: list[str | None] = []
    async with anyio.create_task_group() as tasks, app.events(IncomingMessage) as events:
        tasks.start_soon(deliver, app, message(number=1), answered)
        got.append((await anext(events)).id)
        await clock.advance(31)  # the loop's body goes on
        tasks.start_soon(deliver, app, message(number=1), answered)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(deliver, app, message(number=2), answered)
        got.append((await anext(events)).id)
    assert ["1", "2"] == got
    assert [503, 200, 200] == answered
    assert 200 == await post(app, message(number=1))


async def test_an_event_that_was_given_up_in_the_queue_comes_again() -> None:
    """The loop was busy with another one for too long; nothing of it is left behind."""
    clock = FakeClock()
    app = receiver(clock=clock)
    answered: list[int] = []
    async with anyio.create_task_group() as tasks, app.events() as events:
        for number in (1, 2):
            tasks.start_soon(deliver, app, message(number=number), answered)
            await anyio.wait_all_tasks_blocked()
        first = await anext(events)
        await clock.advance(31)
        assert [503, 503] == answered
        tasks.start_soon(deliver, app, message(number=2), answered)
        second = await anext(events)
    assert ["1", "2"] == [first.id, second.id]
    assert [503, 503, 200] == answered


async def test_a_loop_counts_from_the_moment_it_is_made() -> None:
    """What comes before its block begins waits, though others handle such events."""
    app = receiver()
    loop = app.events(IncomingMessage)
    got: list[Event] = []
    app.on(name="log")(got.append)
    assert [503, 503] == [await post(app, message()), await post(app, message())]
    answered: list[int] = []
    async with anyio.create_task_group() as tasks, loop as events:
        tasks.start_soon(deliver, app, message(), answered)
        assert "7" == (await anext(events)).id
    assert [200] == answered
    assert 1 == len(got)
    assert 200 == await post(app, message(number=8))


async def test_between_two_loops_the_gateway_comes_again() -> None:
    """A kind that was wanted once is not acknowledged while nobody wants it."""
    app = receiver()
    app.on(DeliveryStatus)(lambda _: None)
    async with app.events(IncomingMessage):
        pass
    assert 503 == await post(app, message())
    assert 200 == await post(app, status())


async def test_a_loop_is_within_its_block() -> None:
    """Outside of it there is nothing to wait for."""
    app = receiver()
    loop = app.events()
    assert [] == [event async for event in loop]
