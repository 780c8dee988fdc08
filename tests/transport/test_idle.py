"""For how long a connection that nobody uses is worth keeping."""

from __future__ import annotations

import anyio
import pytest

from smsc_async._transport import Reply
from tests.transport.servers import CREDENTIALS, HandClock, Transport, polite, post, serving


@pytest.mark.anyio
@pytest.mark.parametrize(("idle", "opened"), [(40.0, 1), (56.0, 2)])
async def test_a_connection_is_used_again_only_while_it_is_worth_keeping(
    idle: float, opened: int, anyio_backend: str
) -> None:
    """The next exchange takes the idle connection as long as the server is likely to keep it, and then a new one."""
    clock = HandClock()
    async with serving(polite) as server:
        transport = Transport(credentials=CREDENTIALS, keepalive=55)
        for _ in range(2):
            with anyio.fail_after(5.0):
                assert isinstance(await post(transport, server.address, clock=clock), Reply)
            clock.advance(idle)
        assert opened == server.connections
        await transport.aclose()
