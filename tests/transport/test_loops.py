"""Handles of event loops, and what becomes of connections when a loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import pytest
import trio

from smsc_async._loops import Loop, current_loop
from smsc_async._transport import Reply
from tests.transport.servers import CREDENTIALS, FORM, OK, Transport, polite, post, serving, sockets

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
RUNNERS = [asyncio.run, trio.run]
both = pytest.mark.parametrize("run", ["asyncio", "trio"], indirect=True)
all_three = pytest.mark.parametrize("run", ["asyncio", "trio", "aiohttp"], indirect=True)


@pytest.fixture
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> object:
    """What runs a loop; for "aiohttp" it is asyncio's, and the transports made meanwhile are over aiohttp."""
    monkeypatch.setattr(Transport, "over_aiohttp", request.param == "aiohttp")
    return trio.run if request.param == "trio" else asyncio.run


def in_loop(run: object, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work()) if run is asyncio.run else trio.run(work)


@both
def test_a_loop_has_one_handle(run: object) -> None:
    """The same loop gives the same handle, another loop another, and a dead one is not alive."""

    async def handles() -> tuple[Loop, Loop, bool]:
        first = current_loop()
        await anyio.lowlevel.checkpoint()
        return first, current_loop(), first.is_alive()

    first, again, alive = in_loop(run, handles)
    other, *_ = in_loop(run, handles)
    assert first is again
    assert alive
    assert first != other
    assert 2 == len({first, other})
    assert (False, False) == (first.is_alive(), other.is_alive())
    assert "gone" in repr(first)


@both
def test_a_handle_does_not_keep_its_loop(run: object) -> None:
    """Handles are weak: a guard that remembers them remembers no loop."""

    async def handle() -> Loop:
        return current_loop()

    gone = in_loop(run, handle)
    gc.collect()
    assert gone.native() is None  # type: ignore[attr-defined]
    assert (False, False, False) == (gone.is_alive(), gone.call_soon(print), gone.spawn(anyio.sleep_forever))


def test_there_is_no_handle_without_a_loop() -> None:
    """Outside of a loop there is none to give."""
    with pytest.raises(RuntimeError):
        current_loop()


@both
def test_a_loop_is_woken_from_another_thread(run: object) -> None:
    """`call_soon` and `spawn` work from any thread, and run in the loop's own."""

    async def main() -> list[threading.Thread]:
        loop, done = current_loop(), anyio.Event()
        seen = []

        async def work() -> None:
            seen.append(threading.current_thread())
            done.set()

        def call() -> None:
            seen.append(threading.current_thread())
            assert loop.spawn(work)

        thread = threading.Thread(target=lambda: loop.call_soon(call))
        thread.start()
        with anyio.fail_after(5):
            await done.wait()
        thread.join()
        return seen

    assert [threading.current_thread()] * 2 == in_loop(run, main)


def test_a_closed_loop_takes_no_calls() -> None:
    """A loop that was closed, though somebody still holds it, says so."""
    loop = asyncio.new_event_loop()

    async def handle() -> Loop:
        return current_loop()

    known = loop.run_until_complete(handle())
    assert known.is_alive()  # stopped, and able to run again
    loop.close()
    assert (False, False) == (known.is_alive(), known.call_soon(print))


def test_asyncio_does_not_import_trio() -> None:
    """Who uses asyncio alone needs no trio, and does not pay for it."""
    code = (
        "import asyncio, sys\n"
        "from smsc_async._loops import current_loop\n"
        "async def main(): return current_loop()\n"
        "print(asyncio.run(main()), 'trio' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "<asyncio loop, gone> False\n" == result.stdout


def test_trio_in_guest_mode_is_trio() -> None:
    """Under trio's guest mode each task finds the loop that it runs on."""
    found = {}

    async def guest() -> None:
        found["guest"] = repr(current_loop())

    async def host() -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        trio.lowlevel.start_guest_run(
            guest, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=lambda _: done.set_result(None)
        )
        await asyncio.sleep(0)
        found["host"] = repr(current_loop())
        await done

    asyncio.run(host())
    assert {"guest": "<trio run, alive>", "host": "<asyncio loop, alive>"} == found


# Ends ---------------------------------------------------------------------------------------------------------------


@all_three
def test_a_transport_survives_its_loop_and_leaves_nothing_open(run: object) -> None:
    """Without `aclose`, each loop's end closes the connections made in it; the transport works in the next loop."""
    transport = Transport(credentials=CREDENTIALS)

    async def main() -> None:
        async with serving(polite) as server:
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(post, transport, server.address)
            assert isinstance(await post(transport, server.address), Reply)

    gc.collect()
    before = sockets()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            in_loop(run, main)
            gc.collect()
            assert before == sockets()
    assert [] == caught
    assert "<Transport, <Connections: 0 idle>>" == repr(transport)


def test_one_transport_serves_asyncio_and_trio_in_turn() -> None:
    """A session is bound to no kind of loop."""
    transport = Transport(credentials=CREDENTIALS)

    async def main() -> None:
        async with serving(polite) as server:
            assert isinstance(await post(transport, server.address), Reply)

    for run in [*RUNNERS, *RUNNERS]:
        in_loop(run, main)


@all_three
def test_a_transport_that_is_dropped_closes_its_connections(run: object) -> None:
    """A session nobody holds any more does not hold connections either, and warns about nothing."""

    async def main() -> None:
        async with serving(polite) as server:
            transport = Transport(credentials=CREDENTIALS)
            await post(transport, server.address)
            assert 1 == server.open
            del transport
            gc.collect()
            with anyio.fail_after(5):
                while server.open:
                    await anyio.lowlevel.checkpoint()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        in_loop(run, main)
        gc.collect()
    assert [] == caught


@all_three
def test_closing_reaches_the_connections_of_other_threads(run: object) -> None:
    """`aclose` closes here at once, and in every other living loop by that loop itself."""
    transport = Transport(credentials=CREDENTIALS)
    ready, leave = threading.Event(), threading.Event()
    problems: list[str] = []

    async def elsewhere() -> None:
        async with serving(polite) as server:
            await post(transport, server.address)
            ready.set()
            with anyio.move_on_after(5):
                while server.open:
                    await anyio.lowlevel.checkpoint()
            if server.open:
                problems.append("still open")
            leave.set()

    async def here() -> None:
        async with serving(polite) as server:
            await post(transport, server.address)
            await anyio.to_thread.run_sync(ready.wait)
            await transport.aclose()
            await anyio.to_thread.run_sync(leave.wait)

    thread = threading.Thread(target=in_loop, args=(run, elsewhere))
    thread.start()
    in_loop(run, here)
    thread.join()
    assert [] == problems


def test_a_dead_loop_is_forgotten(connections: str) -> None:
    """What a loop leaves behind is dropped when the next loop begins."""
    transport = Transport(credentials=CREDENTIALS)

    async def main() -> int:
        async with serving(polite) as server:
            await post(transport, server.address)
            return len(transport._connections._stacks)

    assert [1, 1, 1] == [asyncio.run(main()) for _ in range(3)]


@pytest.mark.filterwarnings("ignore:asynchronous generator .* after loop.shutdown_asyncgens:RuntimeWarning")
def test_an_exchange_after_the_loop_has_said_goodbye_keeps_nothing(connections: str) -> None:
    """Where nothing would close a connection any more, it is closed after its exchange."""
    transport = Transport(credentials=CREDENTIALS)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(FORM)
                writer.write(OK)
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)  # it has no generators to say goodbye to
        address = "http://{}:{}".format(*server.sockets[0].getsockname())
        await post(transport, address)
        assert "<Transport, <Connections: 1 idle>>" == repr(transport)
        await asyncio.get_running_loop().shutdown_asyncgens()
        await post(transport, address)
        assert "<Transport, <Connections: 0 idle>>" == repr(transport)
        server.close()
        await server.wait_closed()

    asyncio.run(main())
