"""Messages sent, and followed by callbacks, by a gateway, a receiver and a client in three processes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from smsc_async import MessageStatus, Session
from smsc_async.webhooks import Receiver, SqliteStore
from tests.canaries import RUN
from tests.e2e.processes import Control, process

if TYPE_CHECKING:
    from pathlib import Path

MANY: Final = 40
PHONES: Final = [f"38067{number:07d}" for number in range(MANY)]


@pytest.mark.anyio
async def test_messages_are_followed_by_callbacks(gateway: str, tmp_path: Path, anyio_backend: str) -> None:
    """Each is sent once; who waits hears from the receiver, and the gateway is asked a few times at the beginning."""
    file = tmp_path / "callbacks.db"
    control = Control(gateway)
    states: Counter[MessageStatus] = Counter()
    with process("-m", "tests.e2e.receiving", str(file)) as address:
        receiver = Receiver(secret=RUN.callback, store=SqliteStore(file))
        await anyio.to_thread.run_sync(lambda: control.post("call_back", url=receiver.url(address)))
        await anyio.to_thread.run_sync(lambda: control.post("fate", fate={"waits": 1.0, "travels": 1.0}))
        async with Session(**RUN.pair, base_url=gateway) as smsc, receiver.running():

            async def send(phone: str) -> None:
                sent = await smsc.messages.send(phone, "Your parcel is here")
                (state,) = await smsc.messages.wait(sent, timeout=50, receiver=receiver)
                states[state.status] += 1

            async with anyio.create_task_group() as tasks:
                for phone in PHONES:
                    tasks.start_soon(send, phone)
    verdict, messages = control.get("verdict"), control.get("messages")
    asked = Counter(figure["endpoint"] for figure in verdict["windows"])
    control.close()
    assert {MessageStatus.DELIVERED: MANY} == states
    assert [] == verdict["problems"]
    assert PHONES == sorted(message["phone"] for message in messages["messages"])
    assert asked["status.php"] < MANY / 2
