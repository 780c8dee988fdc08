"""The receiver in web frameworks, and under servers of its own: the addresses that reach it, and no 404 or redirect."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, asgi
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from smsc_async.webhooks import Event, Receiver, SqliteStore
from tests.webhooks.receiver.gateway import message, receiver, status
from tests.webhooks.receiver.servers import served_by_uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


client_of = httpx.AsyncClient  # noqa: TID251 - here it stands for the gateway


def mounted_in_starlette(app: Receiver) -> Any:
    """Below a path."""
    return Starlette(routes=[Mount("/smsc", app)])


def routed_in_starlette(app: Receiver) -> Any:
    """At one path."""
    return Starlette(routes=[Route("/smsc", app, methods=["POST"])])


def mounted_in_fastapi(app: Receiver) -> Any:
    """Below a path, beside the application's own routes."""
    api = FastAPI()
    api.mount("/smsc", app)
    return api


def handled_by_litestar(app: Receiver) -> Any:
    """Below a path."""

    @asgi("/smsc", is_mount=True, copy_scope=True)
    async def callbacks(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return Litestar([callbacks], logging_config=None)  # or it shows all that is logged in this process


def alone(app: Receiver) -> Any:
    """As the whole application."""
    return app


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("framework", "paths"),
    [
        (mounted_in_starlette, ["/smsc/", "/smsc/any"]),
        (routed_in_starlette, ["/smsc"]),
        (mounted_in_fastapi, ["/smsc/", "/smsc/any"]),
        (handled_by_litestar, ["/smsc/", "/smsc"]),
        (alone, ["/", "/smsc", "/smsc/"]),
    ],
)
async def test_the_receiver_answers_in_every_framework(framework: Callable[[Receiver], Any], paths: list[str]) -> None:
    """At the addresses that the guide names, a callback is answered 200, one that fails 503, a forged one 403."""
    app = receiver()
    got: list[Event] = []

    @app.on()
    async def note(event: Event) -> None:
        got.append(event)
        if len(got) == 1:
            raise RuntimeError("not now")

    transport = httpx.ASGITransport(framework(app), raise_app_exceptions=False)
    async with client_of(transport=transport, base_url="http://test") as client:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answers = [await client.post(path, content=status(1), headers=headers) for path in (paths[0], *paths)]
        assert [503, *[200] * len(paths)] == [answer.status_code for answer in answers]
        forged = await client.post(paths[0], content=status(1).replace(b"status=1", b"status=2"), headers=headers)
        assert 403 == forged.status_code


def test_the_receiver_runs_alone_under_uvicorn() -> None:
    """Over real sockets, with the lifespan of the server: bodies in parts too."""
    app = receiver()
    got: list[str] = []
    app.on()(lambda event: got.append(event.id))

    def in_parts() -> Iterator[bytes]:
        body = message("довгий " * 50)
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    with served_by_uvicorn(app) as url, httpx.Client(base_url=url) as client:
        assert 200 == client.post("/", content=status(5)).status_code
        assert 200 == client.post("/smsc", content=in_parts()).status_code
        assert 413 == client.post("/", content=b"x" * 300_000).status_code
        assert 400 == client.get("/").status_code
        assert 400 == client.head("/").status_code
    assert ["5", "7"] == got


@contextlib.asynccontextmanager
async def served_by_hypercorn(app: Any) -> AsyncIterator[str]:
    """Serve *app* on trio."""
    import hypercorn.trio
    from hypercorn.config import Config

    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    end = anyio.Event()
    async with anyio.create_task_group() as tasks:
        started = anyio.Event()
        urls: list[str] = []

        class Status:
            def started(self, binds: list[str]) -> None:
                urls.extend(binds)
                started.set()

        async def run() -> None:
            await hypercorn.trio.serve(app, config, shutdown_trigger=end.wait, task_status=Status())

        tasks.start_soon(run)
        await started.wait()
        yield urls[0]
        end.set()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_the_receiver_runs_on_trio_under_hypercorn() -> None:
    """The same, without asyncio."""
    app = receiver()
    got: list[str] = []

    @app.on()
    async def note(event: Event) -> None:
        got.append(event.id)  # type: ignore[union-attr]

    async with served_by_hypercorn(app) as url, client_of(base_url=url) as client:
        assert 200 == (await client.post("/", content=status(5))).status_code
        assert 403 == (await client.post("/", content=b"id=1&phone=2&status=1")).status_code
    assert ["5"] == got


@pytest.mark.anyio
async def test_the_lifespan_is_the_servers() -> None:
    """What runs as long as the server does begins before it answers, and ends with it; a failure to begin is told."""
    said: list[Any] = []
    asked = ["lifespan.startup", "lifespan.shutdown"]

    async def receive() -> Any:
        return {"type": asked.pop(0)}

    async def send(what: Any) -> None:
        said.append(what["type"])

    await receiver()({"type": "lifespan"}, receive, send)
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == said


@pytest.mark.anyio
async def test_running_is_the_lifespan_of_an_app_that_mounts_it(tmp_path: Path) -> None:
    """Starlette and FastAPI take it as it is: it yields none of the state that they would look for."""
    inner = receiver(store=SqliteStore(tmp_path / "events.db"))
    app = Starlette(routes=[Mount("/smsc", inner)], lifespan=lambda _: inner.running())
    handled = anyio.Event()

    @inner.on()
    async def note(_: Event) -> None:
        handled.set()

    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), client_of(transport=transport, base_url="http://test") as client:
        assert 200 == (await client.post("/smsc/", content=status(6))).status_code
        with anyio.fail_after(10):
            await handled.wait()


@pytest.mark.anyio
async def test_an_error_of_the_block_is_itself(tmp_path: Path) -> None:
    """It comes out as it was raised, and not in a group."""
    with pytest.raises(KeyError, match="mine"):
        async with receiver(store=SqliteStore(tmp_path / "events.db")).running():
            raise KeyError("mine")
