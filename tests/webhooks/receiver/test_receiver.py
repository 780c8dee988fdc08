"""What becomes of a callback: it reaches the application, and only then is it acknowledged."""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import threading
from datetime import datetime, timedelta
from typing import Any

import anyio
import pytest

from smsc_async import MessageStatus
from smsc_async.errors import InvalidArgument, InvalidArgumentType, MalformedCallback, SignatureMismatch
from smsc_async.testing import FakeClock
from smsc_async.webhooks import CallConfirmation, DeliveryStatus, Event, IncomingMessage, MemoryStore
from tests.webhooks.receiver.gateway import NOW, SECRET, call, message, post, raw, receiver, status

pytestmark = pytest.mark.anyio


async def test_each_kind_reaches_the_handlers_that_want_it() -> None:
    """A handler of a kind gets that kind, one without kinds gets all; then the gateway is answered 200."""
    got: list[tuple[str, str]] = []
    app = receiver()

    @app.on(DeliveryStatus)
    async def of_statuses(event: DeliveryStatus) -> None:
        got.append(("status", event.id))

    @app.on(IncomingMessage, CallConfirmation)
    async def of_two(event: IncomingMessage | CallConfirmation) -> None:
        got.append(("two", event.phone))

    @app.on()
    def of_all(event: Event) -> None:
        got.append(("all", type(event).__name__))

    assert [200, 200, 200] == [await post(app, body) for body in (status(5), message(), call())]
    assert got == [
        ("status", "5"),
        ("all", "DeliveryStatus"),
        ("two", "380501234567"),
        ("all", "IncomingMessage"),
        ("two", "380501234567"),
        ("all", "CallConfirmation"),
    ]


async def test_a_repeat_reaches_the_handlers_once() -> None:
    """The gateway's repeat of what was acknowledged is acknowledged, and handled no more."""
    got: list[Event] = []
    app = receiver()
    app.on()(got.append)
    assert [200] * 3 == [await post(app, message()) for _ in range(3)]
    assert 1 == len(got)


async def test_equal_messages_with_different_ids_are_two() -> None:
    """Who writes the same text twice has written twice."""
    got: list[Event] = []
    app = receiver()
    app.on()(got.append)
    for number in (7, 8):
        assert 200 == await post(app, message(number=number))
    assert 2 == len(got)


async def test_a_handler_that_fails_gets_the_event_again_and_others_do_not(caplog: pytest.LogCaptureFixture) -> None:
    """One failure is answered 503; with the repeat only the handler that failed is called again."""
    got: list[str] = []
    app = receiver()

    @app.on()
    async def first(_: Event) -> None:
        got.append("first")

    @app.on()
    async def second(_: Event) -> None:
        got.append("second")
        if got.count("second") == 1:
            raise RuntimeError("not now")

    assert [503, 200, 200] == [await post(app, status()) for _ in range(3)]
    assert got == ["first", "second", "second"]
    assert "second failed on DeliveryStatus" in caplog.text
    assert "380501234567" not in caplog.text


async def test_nothing_is_acknowledged_before_the_handler_has_returned() -> None:
    """The answer waits for the handler."""
    app = receiver()
    begun, may_end = anyio.Event(), anyio.Event()
    answered: list[int] = []

    @app.on()
    async def slow(_: Event) -> None:
        begun.set()
        await may_end.wait()

    async def deliver() -> None:
        answered.append(await post(app, status()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(deliver)
        await begun.wait()
        await anyio.wait_all_tasks_blocked()
        assert not answered
        may_end.set()
    assert [200] == answered


async def test_two_tries_at_once_reach_the_handler_once() -> None:
    """The gateway's repeat while the first try is still being handled waits for it, and is not handled again."""
    app = receiver()
    got: list[Event] = []
    may_end = anyio.Event()
    answered: list[int] = []

    @app.on()
    async def slow(event: Event) -> None:
        got.append(event)
        await may_end.wait()

    async def deliver() -> None:
        answered.append(await post(app, status()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(deliver)
        tasks.start_soon(deliver)
        await anyio.wait_all_tasks_blocked()
        may_end.set()
    assert [200, 200] == answered
    assert 1 == len(got)


async def test_a_message_that_is_being_handled_is_busy() -> None:
    """A repeat of a message (which has no subject to wait for) that is being handled is told to come again."""
    app = receiver()
    may_end, begun = anyio.Event(), anyio.Event()

    @app.on()
    async def slow(_: Event) -> None:
        begun.set()
        await may_end.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(post, app, message())
        await begun.wait()
        assert 503 == await post(app, message())
        may_end.set()
    assert 200 == await post(app, message())


async def test_a_handler_that_takes_too_long_is_broken_off(caplog: pytest.LogCaptureFixture) -> None:
    """After the time for handlers the gateway is told to come again, and then the event is handled."""
    clock = FakeClock()
    app = receiver(clock=clock, handling_timeout=30.0)
    tries: list[Event] = []
    answered: list[int] = []

    @app.on()
    async def slow(event: Event) -> None:
        tries.append(event)
        if len(tries) == 1:
            await anyio.sleep_forever()

    async def deliver() -> None:
        answered.append(await post(app, message()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(deliver)
        await anyio.wait_all_tasks_blocked()
        await clock.advance(31.0)
    assert [503] == answered
    assert "within 30 s; the event comes again" in caplog.text
    assert 200 == await post(app, message())


async def test_a_handler_that_was_cancelled_gives_the_event_back() -> None:
    """A server that goes down in the middle leaves the event to the next try."""
    app = receiver()
    got: list[Event] = []

    @app.on()
    async def slow(event: Event) -> None:
        got.append(event)
        if len(got) == 1:
            await anyio.sleep_forever()

    with anyio.move_on_after(0.01):
        await post(app, message())
    assert 200 == await post(app, message())
    assert 2 == len(got)


async def test_older_statuses_are_acknowledged_and_kept_from_handlers() -> None:
    """A status only advances; a handler that asks for stale ones gets them too."""
    app = receiver()
    got: list[MessageStatus] = []
    every: list[MessageStatus] = []
    app.on(DeliveryStatus, name="new")(lambda event: got.append(event.status))
    app.on(DeliveryStatus, stale=True, name="all")(lambda event: every.append(event.status))
    for value in (1, 0, -1, 2, 1, 4):
        assert 200 == await post(app, status(3, value, ts=NOW + value))
    assert [MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.CLICKED] == got
    assert [1, 0, -1, 2, 4] == every


async def test_statuses_of_different_messages_do_not_meet() -> None:
    """The same id on another phone is another message."""
    app = receiver()
    got: list[tuple[str, int]] = []
    app.on(DeliveryStatus)(lambda event: got.append((event.phone, int(event.status))))
    for phone, value in (("380501111111", 1), ("380502222222", 0)):
        await post(app, status(3, value, phone=phone))
    assert [("380501111111", 1), ("380502222222", 0)] == got


async def test_where_nobody_listens_the_gateway_is_told_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    """An application that has registered nothing yet has not got the event."""
    app = receiver()
    assert 503 == await post(app, status())
    assert "nobody listens" in caplog.text
    got: list[Event] = []
    app.on()(got.append)
    assert 200 == await post(app, status())
    assert 1 == len(got)


class Broken(MemoryStore):
    """A store that fails where it is told to."""

    def __init__(self, *methods: str) -> None:
        super().__init__()
        for name in methods:
            setattr(self, name, functools.partial(self._fail, name))

    async def _fail(self, name: str, *_: object, **__: object) -> Any:
        delattr(self, name)  # once
        raise OSError(28, f"no space left on the device of {SECRET}" if name == "never" else "no space left")


@pytest.mark.parametrize("method", ["add", "claim", "mark", "settle"])
async def test_a_store_that_fails_is_ours_to_answer_for(method: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the store fails at, the gateway is told to come again, and the next try is acknowledged."""
    app = receiver(store=Broken(method))
    got: list[Event] = []
    app.on()(got.append)
    assert 503 == await post(app, status())
    assert "no space left" in caplog.text
    assert 200 == await post(app, status())
    assert got


async def test_plain_functions_run_in_a_worker_thread() -> None:
    """A handler that blocks does not block the event loop."""
    app = receiver()
    threads: list[bool] = []
    app.on(name="blocking")(lambda _: threads.append(threading.current_thread() is threading.main_thread()))
    assert 200 == await post(app, status())
    assert [False] == threads


async def test_a_callable_object_and_a_partial_are_handlers() -> None:
    """Anything that takes one event will do; what it returns is awaited if it can be."""
    got: list[str] = []

    class Handling:
        async def __call__(self, _: Event) -> None:
            got.append("object")

    async def with_option(_: Event, *, option: str) -> None:
        got.append(option)

    app = receiver()
    app.on()(Handling())
    app.on()(functools.partial(with_option, option="partial"))
    assert 200 == await post(app, status())
    assert ["object", "partial"] == got


async def test_the_body_is_read_in_parts() -> None:
    """A server may hand a body over as it came."""
    app = receiver()
    app.on()(lambda _: None)
    body = message("довгий " * 100)
    assert (200, "OK") == await raw(app, [body[:10], b"", body[10:]])


async def test_a_client_that_goes_away_is_answered_nothing() -> None:
    """A body without its end is no callback."""
    app = receiver()
    app.on()(lambda _: pytest.fail("half a body was handled"))
    assert (0, "") == await raw(app, [status()[:30]], gone=True)


@pytest.mark.parametrize(
    ("parts", "headers"),
    [
        ([b"x" * 262_145], []),
        ([b"x" * 100_000] * 3, []),
        ([b"x" * 100_000] * 1_000, []),
        ([b"id=1"], [(b"content-length", b"262145")]),
        ([b"id=1"], [(b"content-length", b"9" * 5_000)]),
    ],
)
async def test_bodies_larger_than_any_callback_are_refused(
    parts: list[bytes], headers: list[tuple[bytes, bytes]]
) -> None:
    """More than 256 KiB is 413, whether the request says so or not; no more than that is read."""
    app = receiver()
    code, text = await raw(app, parts, headers=headers)
    assert 413 == code
    assert "262144 bytes" in text


@pytest.mark.parametrize("length", [b"-1", b"x", b"\xff", b""])
async def test_a_length_that_is_none_does_no_harm(length: bytes) -> None:
    """What counts is how much there is."""
    app = receiver()
    app.on()(lambda _: None)
    assert (200, "OK") == await raw(app, [status()], headers=[(b"content-length", length)])


async def test_a_body_that_drips_is_given_up() -> None:
    """A request that takes longer than ten seconds to arrive is refused, and holds no place any more."""
    clock = FakeClock()
    app = receiver(clock=clock, max_concurrency=1)
    app.on()(lambda _: None)
    answered: list[tuple[int, str]] = []

    async def never() -> Any:
        await anyio.sleep_forever()

    async def drip() -> None:
        said: list[Any] = []

        async def send(what: Any) -> None:
            said.append(what)

        await app({"type": "http", "method": "POST", "headers": [], "query_string": b""}, never, send)
        answered.append((said[0]["status"], said[1]["body"].decode()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drip)
        await anyio.wait_all_tasks_blocked()
        assert (503, "too many requests at a time; come again") == await raw(app, [status()])
        await clock.advance(10.1)
    assert [(400, "the body did not come in time")] == answered
    assert 200 == await post(app, status())


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "DELETE"])
async def test_other_methods_are_refused_and_never_with_404(method: str) -> None:
    """The gateway posts."""
    code, text = await raw(receiver(), [b""], method=method)
    assert 400 == code
    assert "by POST" in text


@pytest.mark.parametrize("path", ["/", "", "/smsc", "/smsc/", "//", "/a/b/c", "/favicon.ico"])
async def test_every_path_is_the_receivers(path: str) -> None:
    """Where it is mounted is not its business."""
    app = receiver()
    app.on()(lambda _: None)
    assert 200 == await post(app, status(), path=path)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"\xff\xfe\x00", 400),
        (b"a=b", 400),
        (b"id=1&phone=2&status=1", 403),
        (b"id=1&phone=2&status=1&sha1=", 403),
        (b"id=1&phone=2&status=1&sha1=%D0%96", 403),
        (b"id=1&id=2&phone=2&status=1&sha1=0", 400),
    ],
)
async def test_what_is_no_callback_is_refused(body: bytes, code: int, caplog: pytest.LogCaptureFixture) -> None:
    """Malformed is 400, unsigned is 403; the log has a digest of the body, and nothing of it."""
    app = receiver()
    app.on()(lambda _: pytest.fail("it was handled"))
    with caplog.at_level(logging.DEBUG):
        assert code == await post(app, body)
    assert f"refused with {code}" in caplog.text
    assert SECRET not in caplog.text


async def test_a_websocket_is_closed() -> None:
    """Nothing else than http is spoken."""
    said: list[Any] = []

    async def send(what: Any) -> None:
        said.append(what)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    await receiver()({"type": "websocket"}, receive, send)
    assert [{"type": "websocket.close", "code": 1003}] == said


async def test_parsing_does_nothing_else() -> None:
    """`parse` gives the event or raises, and no handler hears of it."""
    app = receiver()
    app.on()(lambda _: pytest.fail("it was handled"))
    event = app.parse(status(5), query="tenant=a")
    assert isinstance(event, DeliveryStatus)
    assert ("5", {"tenant": "a"}) == (event.id, event.parameters)
    with pytest.raises(SignatureMismatch):
        app.parse(status().replace(b"status=1", b"status=2"))
    with pytest.raises(MalformedCallback):
        app.parse(b"id=1")


async def test_other_frameworks_hand_over_the_body() -> None:
    """`handle` gives status and text for any web framework."""
    app = receiver()
    got: list[Event] = []
    app.on()(got.append)
    reply = await app.handle(message(), content_type="application/x-www-form-urlencoded")
    assert (200, "OK") == (reply.status, reply.text)
    assert 1 == len(got)


def test_arguments_are_checked() -> None:
    """Each bad argument is refused with a sentence that names it and says what to do."""
    for options, sentence in (
        ({"handling_timeout": 201.0}, "handling_timeout: must be 200 s or less"),
        ({"body_timeout": 0}, "body_timeout: must be more than 0"),
        ({"max_concurrency": 0}, "max_concurrency: must be 1 or more"),
        ({"workers": 0}, "workers: must be 1 or more"),
    ):
        with pytest.raises(InvalidArgument, match=sentence):
            receiver(**options)
    for options, sentence in (
        ({"store": object()}, "store: must be a store of events, not object"),
        ({"workers": "8"}, "workers: must be an int, not str"),
        ({"max_concurrency": True}, "max_concurrency: must be an int, not bool"),
    ):
        with pytest.raises(InvalidArgumentType, match=sentence):
            receiver(**options)


def test_handlers_are_checked() -> None:
    """A kind that is none, a handler that is none, and a name that is taken are refused."""
    app = receiver()
    with pytest.raises(InvalidArgumentType, match="kinds: must be some of DeliveryStatus, IncomingMessage"):
        app.on(str)
    with pytest.raises(InvalidArgumentType, match="handler: must be a function of one event, not int"):
        app.on()(1)  # type: ignore[type-var]
    app.on(name="mine")(lambda _: None)
    with pytest.raises(InvalidArgument, match="name: a handler named mine is there already"):
        app.on(name="mine")(lambda _: None)


def test_nothing_secret_is_shown() -> None:
    """A receiver shows what it expects, and no secret."""
    shown = repr(receiver(token="token-" + "t" * 20))
    assert "<Receiver form utf-8 sha1 <MemoryStore 0 waiting, 0 settled>>" == shown


async def test_the_memory_store_forgets_what_the_gateway_repeats_no_more() -> None:
    """After two days an event is forgotten; a store of few forgets the oldest."""
    clock = FakeClock()
    store = MemoryStore(capacity=3)
    app = receiver(clock=clock, store=store)
    app.on()(lambda _: None)
    for number in range(10):
        await post(app, status(number))
    assert 4 == len(store)
    await clock.advance(50 * 3_600.0)
    for number in range(10, 16):
        await post(app, status(number))
    assert 4 == len(store)


async def test_a_gateway_with_another_charset_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Without charset in the address the gateway writes windows-1251: it is read, and the log says what to do."""
    app = receiver()
    got: list[str] = []
    app.on(IncomingMessage)(lambda event: got.append(event.text))
    for number in (1, 2):
        assert 200 == await post(app, message("Привіт, світе", number=number, charset="windows-1251"))
    assert ["Привіт, світе"] * 2 == got
    said = "the gateway writes windows-1251 and not utf-8: is charset=utf-8 in the handler's address?"
    assert 1 == caplog.text.count(said)


async def test_kinds_that_nobody_wants_are_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    """The gateway would repeat each of them fifty times; the log says so once."""
    app = receiver()
    app.on(IncomingMessage)(lambda _: None)
    assert [200, 200] == [await post(app, status(1)), await post(app, status(2))]
    assert 1 == caplog.text.count("a DeliveryStatus came, and no handler wants such events")


async def test_a_thousand_tries_in_any_order_reach_the_handlers_once() -> None:
    """Twenty events, fifty times each, all at once."""
    app = receiver()
    got: list[str] = []

    @app.on(IncomingMessage)
    async def handle(event: IncomingMessage) -> None:
        await anyio.lowlevel.checkpoint()
        got.append(event.id)

    bodies = [message(number=number) for number in range(20)] * 50
    random.Random(1).shuffle(bodies)
    async with anyio.create_task_group() as tasks:
        for body in bodies:
            tasks.start_soon(post, app, body)
    assert sorted(map(str, range(20))) == sorted(got)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_of_something_else_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that lets out the cancellation of a task of its own has failed, and not been cancelled."""
    app = receiver()
    tries: list[Event] = []

    @app.on()
    async def handle(event: Event) -> None:
        tries.append(event)
        if len(tries) == 1:
            other = asyncio.create_task(asyncio.sleep(10))
            other.cancel()
            await other

    assert [503, 200] == [await post(app, message()), await post(app, message())]
    assert "let a cancellation out" in caplog.text


async def test_when_the_clock_is_set_back_nothing_waits_for_it() -> None:
    """An event whose handler failed before is handled at the next try, and not hours later."""

    class Steps(FakeClock):
        back = timedelta()

        def date(self) -> datetime:
            return super().date() - self.back

    clock = Steps()
    app = receiver(clock=clock)
    tries: list[Event] = []

    @app.on()
    async def handle(event: Event) -> None:
        tries.append(event)
        if len(tries) == 1:
            raise ZeroDivisionError

    assert 503 == await post(app, message())
    clock.back = timedelta(hours=4)
    await clock.advance(240)
    assert 200 == await post(app, message())


async def test_a_thread_that_nobody_can_interrupt_is_not_joined_by_another() -> None:
    """Its time is up and its lease too; the event is still in hand."""
    clock = FakeClock()
    app = receiver(clock=clock, handling_timeout=1.0)
    begun, may_end, answered = threading.Event(), threading.Event(), []
    tries: list[Event] = []

    @app.on()
    def slow(event: Event) -> None:
        tries.append(event)
        begun.set()
        may_end.wait(20)

    async def deliver() -> None:
        answered.append(await post(app, message()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(deliver)
        await anyio.to_thread.run_sync(begun.wait, 20)
        await clock.advance(60.0)
        assert 503 == await post(app, message())
        may_end.set()
    assert 200 == await post(app, message())
    assert 1 == len(tries)


def test_a_generator_is_no_handler() -> None:
    """To call it runs nothing of it."""
    app = receiver()

    async def asynchronous(_: Event) -> Any:
        yield

    def plain(_: Event) -> Any:
        yield

    for function in (asynchronous, functools.partial(plain)):
        with pytest.raises(InvalidArgumentType, match="one with yield is never run"):
            app.on()(function)
