"""The simulator as an ASGI app, on its own protocol."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from smsc_async.simulator import Delay, Fault
from smsc_async.simulator.exchange import MAX_BODY
from tests.simulator.asking import CREDENTIALS, Reply, ask_async, simulator

SCOPE = {"type": "http", "method": "POST", "path": "/sys/balance.php", "query_string": b"", "headers": []}


class Channel:
    """Both directions of one connection, recorded."""

    def __init__(self, *incoming: dict[str, Any]) -> None:
        self.incoming = list(incoming)
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        return self.incoming.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)


@pytest.mark.anyio
async def test_a_body_may_come_in_pieces() -> None:
    """As servers hand it over, with an empty last piece."""
    gateway, _ = simulator()
    pieces = [b"login=demo", b"&psw=demo&f", b"mt=1", b""]
    channel = Channel(
        *({"type": "http.request", "body": piece, "more_body": True} for piece in pieces[:-1]),
        {"type": "http.request", "body": pieces[-1]},
    )
    await gateway(SCOPE, channel.receive, channel.send)
    assert ["http.response.start", "http.response.body"] == [message["type"] for message in channel.sent]
    assert b"1000.00" == channel.sent[1]["body"]


@pytest.mark.anyio
async def test_a_body_may_not_be_endless() -> None:
    """Beyond a few megabytes it is not read on."""
    gateway, _ = simulator()
    piece = {"type": "http.request", "body": b"x" * (MAX_BODY // 2), "more_body": True}
    channel = Channel(piece, piece, piece, piece)
    await gateway(SCOPE, channel.receive, channel.send)
    assert (["cut"], 1) == ([arrival.outcome for arrival in gateway.log], len(channel.incoming))


@pytest.mark.anyio
async def test_a_client_may_be_gone_at_once() -> None:
    """Before any byte of its body."""
    gateway, _ = simulator()
    channel = Channel({"type": "http.disconnect"})
    await gateway(SCOPE, channel.receive, channel.send)
    assert ([], "cut") == (channel.sent, gateway.log[0].outcome)


@pytest.mark.anyio
async def test_lifespan_is_answered() -> None:
    """Servers that ask for it are told that all is well."""
    gateway, _ = simulator()
    channel = Channel({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await gateway({"type": "lifespan"}, channel.receive, channel.send)
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == [message["type"] for message in channel.sent]


@pytest.mark.anyio
async def test_web_sockets_are_closed() -> None:
    """The gateway has none."""
    gateway, _ = simulator()
    channel = Channel()
    await gateway({"type": "websocket", "path": "/"}, channel.receive, channel.send)
    assert ["websocket.close"] == [message["type"] for message in channel.sent]


@pytest.mark.anyio
async def test_it_waits_in_either_event_loop() -> None:
    """Delays work on asyncio and on trio, and time is moved from outside."""
    gateway, time = simulator()
    gateway.faults.add(Fault(Delay(before_acting=5)))
    replies: list[Reply] = []

    async def ask_slowly() -> None:
        replies.append(await ask_async(gateway, "balance", CREDENTIALS))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask_slowly)
        await anyio.wait_all_tasks_blocked()
        assert [] == replies
        time.advance(5)
    assert [b"1000.00"] == [reply.body for reply in replies]
