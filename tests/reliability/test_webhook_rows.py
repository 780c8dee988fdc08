"""Part W of the catalogue of faults, as far as a receiver answers: repeats, failures, routes, bodies, and who asks."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from smsc_async import MessageStatus
from smsc_async.testing import FakeClock
from smsc_async.webhooks import DeliveryStatus, Event, IncomingMessage, MemoryStore
from tests.webhooks.receiver.gateway import NOW, message, post, raw, receiver, status

if TYPE_CHECKING:
    from smsc_async.webhooks import Claim, Receiver

pytestmark = pytest.mark.anyio


async def test_w6_a_thousand_replays_in_any_order_are_one_event_each() -> None:
    """Also statuses of one message: those that are older than one that came before are kept from the handler."""
    app = receiver()
    got: list[Event] = []
    app.on()(got.append)
    bodies = [message(number=number) for number in range(10)]
    bodies += [status(1, value, ts=NOW + after) for after, value in enumerate((0, 1, 2, 4))]
    replays = bodies * 75
    random.Random(6).shuffle(replays)
    assert {200} == {await post(app, body) for body in replays}
    messages = [event.id for event in got if isinstance(event, IncomingMessage)]
    assert sorted(map(str, range(10))) == sorted(messages)
    statuses = [event.status for event in got if isinstance(event, DeliveryStatus)]
    assert sorted(statuses, key=lambda one: one.progress) == statuses
    assert MessageStatus.CLICKED == statuses[-1]
    assert len(statuses) == len(set(statuses))


async def test_w6_a_replay_of_yesterday_is_known() -> None:
    """The gateway gives up after 200 minutes; somebody else may not."""
    clock = FakeClock()
    app = receiver(clock=clock)
    got: list[Event] = []
    app.on()(got.append)
    await post(app, message())
    await clock.advance(24 * 3_600.0)
    assert 200 == await post(app, message())
    assert 1 == len(got)


async def test_w7_of_two_tries_at_once_one_is_handled() -> None:
    """Whatever the other one is answered, the handler has the event once."""
    app = receiver()
    may_end = anyio.Event()
    got: list[Event] = []
    answered: list[int] = []

    @app.on()
    async def slow(event: Event) -> None:
        got.append(event)
        await may_end.wait()

    async def deliver(body: bytes) -> None:
        answered.append(await post(app, body))

    async with anyio.create_task_group() as tasks:
        for body in [message(), status()] * 2:
            tasks.start_soon(deliver, body)
        await anyio.wait_all_tasks_blocked()
        assert 2 == len(got)
        may_end.set()
    assert 2 == len(got)
    assert {200} <= set(answered) <= {200, 503}


async def test_w7_a_claim_ends_before_the_gateway_comes_again() -> None:
    """A process that died with the event does not make the next try wait."""
    clock = FakeClock()
    store = MemoryStore()
    got: list[Event] = []
    died, app = (receiver(store=store, clock=clock, handling_timeout=200.0) for _ in range(2))

    @died.on(name="handler")
    async def hangs(_: Event) -> None:
        await anyio.sleep_forever()

    async def nothing(claim: Claim, *, at: float) -> None:
        """A process that is dead releases nothing."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "release", nothing)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post, died, message())
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    app.on(name="handler")(got.append)
    assert 503 == await post(app, message())
    await clock.advance(240.0)
    assert 200 == await post(app, message())
    assert 1 == len(got)


@pytest.mark.parametrize("failing", ["handler", "add", "claim", "mark", "settle"])
async def test_w8_a_failure_is_503_and_never_404(failing: str) -> None:
    """The gateway comes again, and then all is well."""
    store = MemoryStore()
    app = receiver(store=store)
    left = [1]

    def fail() -> None:
        if left:
            left.pop()
            raise OSError("no space left")

    if failing != "handler":
        real: Any = getattr(store, failing)

        async def once(*args: Any, **options: Any) -> Any:
            fail()
            return await real(*args, **options)

        setattr(store, failing, once)
    app.on()(lambda _: fail() if failing == "handler" else None)
    assert [503, 200] == [await post(app, status()), await post(app, status())]


def mounted(app: Receiver) -> Any:
    return Starlette(routes=[Mount("/smsc", app)])


def routed(app: Receiver) -> Any:
    return Starlette(routes=[Route("/smsc/", app, methods=["POST"])])


def in_fastapi(app: Receiver) -> Any:
    api = FastAPI()
    api.mount("/smsc", app)
    return api


def alone(app: Receiver) -> Any:
    return app


@pytest.mark.parametrize("served", [mounted, routed, in_fastapi, alone])
async def test_w9_the_printed_address_is_answered_200_503_or_403(served: Any) -> None:
    """No redirect, no other success, no 404: each of them would lose the event, or repeat it fifty times."""
    inner = receiver()
    address, _, _ = inner.url("http://127.0.0.1:8000/smsc/").partition("?")  # the gateway posts what stands behind
    app = served(inner)
    # httpx stands for the gateway here, which follows no redirect.
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as gateway:  # noqa: TID251
        assert 503 == (await gateway.post(address, content=status())).status_code
        inner.on()(lambda _: None)
        assert 200 == (await gateway.post(address, content=status())).status_code
        assert 403 == (await gateway.post(address, content=b"id=1&phone=2&status=1")).status_code


async def test_w9_a_path_without_its_slash_is_not_acknowledged() -> None:
    """Where a framework redirects, the gateway comes again; `url` keeps the slash that it was given."""
    inner = receiver()
    inner.on()(lambda _: None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(mounted(inner))) as gateway:  # noqa: TID251
        reply = await gateway.post("http://127.0.0.1:8000/smsc", content=status())
    assert reply.status_code not in {200, 404}
    assert "/smsc/?" in inner.url("https://example.com/smsc/")


@pytest.mark.parametrize("method", ["HEAD", "GET", "PUT", "OPTIONS", "DELETE"])
async def test_w9_other_methods_are_refused(method: str) -> None:
    """With 400: a monitor that asks by GET is told what the address is for."""
    code, _ = await raw(receiver(), [b""], method=method)
    assert 400 == code


@pytest.mark.parametrize("head", [[], [(b"content-length", b"12")], [(b"transfer-encoding", b"chunked")]])
async def test_w10_no_more_is_read_than_a_callback_may_have(head: list[tuple[bytes, bytes]]) -> None:
    """A body without end is read up to 256 KiB and the rest of a part, whatever the head says."""
    given: list[int] = []
    said: list[int] = []

    async def receive() -> Any:
        given.append(100_000)
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": True}

    async def send(what: Any) -> None:
        said.append(what.get("status", 0))

    scope = {"type": "http", "method": "POST", "path": "/", "headers": head, "query_string": b""}
    await receiver()(scope, receive, send)
    assert [413, 0] == said
    assert 300_000 == sum(given)


async def test_w11_two_hundred_that_drip_are_given_up_and_others_served() -> None:
    """After ten seconds for the whole body, and never more of them at a time than was said."""
    clock = FakeClock()
    app = receiver(clock=clock, max_concurrency=200)
    app.on()(lambda _: None)
    answered: list[int] = []

    async def drip() -> None:
        said: list[int] = []

        async def receive() -> Any:
            await clock.sleep(1.0)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(what: Any) -> None:
            if what["type"] == "http.response.start":
                said.append(what["status"])

        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
        await app(scope, receive, send)
        answered.extend(said)

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(drip)
        await anyio.wait_all_tasks_blocked()
        assert 503 == await post(app, status())  # more than it may have at a time
        await clock.advance(9.0)
        assert not answered
        await clock.advance(2.0)
    assert [400] * 200 == answered
    assert 200 == await post(app, status())


@pytest.mark.parametrize("name", [b"x-forwarded-for", b"x-real-ip", b"forwarded"])
async def test_w22_who_is_said_to_ask_counts_for_nothing(name: bytes) -> None:
    """What proves a callback is its digest; a head that anybody can write neither helps nor harms."""
    app = receiver()
    app.on()(lambda _: None)
    headers = [(name, b"127.0.0.1")]
    assert 200 == (await raw(app, [status()], headers=headers))[0]
    assert 403 == (await raw(app, [b"id=1&phone=2&status=1&sha1=" + b"0" * 40], headers=headers))[0]
