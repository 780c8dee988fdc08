"""A thousand phones confirmed at once, by a gateway, a receiver and a client in three processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from smsc_async import Session
from smsc_async.webhooks import Receiver, SqliteStore
from tests.canaries import RUN
from tests.e2e.processes import Control, process

if TYPE_CHECKING:
    from pathlib import Path

MANY: Final = 1_000
PHONES: Final = [f"38067{number:07d}" for number in range(MANY)]


async def ring_all(control: Control) -> None:
    """Let each subscriber call as soon as a number is allotted to it."""
    left = set(PHONES)
    while left:
        waiting = left & set((await anyio.to_thread.run_sync(control.get, "state"))["calls"])
        for phone in sorted(waiting):
            await anyio.to_thread.run_sync(lambda phone=phone: control.post("subscriber_calls", phone=phone))
        left -= waiting
        await anyio.sleep(0.05)


async def confirm_all(smsc: Session, receiver: Receiver | None, control: Control) -> list[str]:
    """Confirm all phones side by side; give those confirmed."""
    confirmed: list[str] = []

    async def confirm(phone: str) -> None:
        async with smsc.calls.confirmation(phone, receiver=receiver) as pending:
            confirmed.append((await pending.wait(timeout=100)).subscriber)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ring_all, control)
        for phone in PHONES:
            tasks.start_soon(confirm, phone)
    return confirmed


@pytest.mark.anyio
async def test_a_thousand_phones_are_confirmed_by_callbacks(gateway: str, tmp_path: Path) -> None:
    """The receiver's process stores the calls, and the client's hears of them; nothing is refused."""
    file = tmp_path / "callbacks.db"
    control = Control(gateway)
    with process("-m", "tests.e2e.receiving", str(file)) as address:
        receiver = Receiver(secret=RUN.callback, store=SqliteStore(file))
        await anyio.to_thread.run_sync(lambda: control.post("call_back", url=receiver.url(address)))
        async with Session(**RUN.pair, base_url=gateway) as smsc, receiver.running():
            confirmed = await confirm_all(smsc, receiver, control)
    assert PHONES == sorted(confirmed)
    verdict, state = control.get("verdict"), control.get("state")
    control.close()
    assert [] == verdict["problems"]
    assert {"pending": 0, "delivered": MANY, "dropped": 0, "given up": 0} == state["callbacks"]


@pytest.mark.anyio
async def test_a_thousand_phones_are_confirmed_by_the_inbox(gateway: str) -> None:
    """Without a receiver the client looks into the inbox, a few times for all of them."""
    control = Control(gateway)
    async with Session(**RUN.pair, base_url=gateway) as smsc:
        confirmed = await confirm_all(smsc, None, control)
    assert PHONES == sorted(confirmed)
    verdict = control.get("verdict")
    control.close()
    assert [] == verdict["problems"]
