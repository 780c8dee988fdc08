"""A thousand phones confirmed at once, by a gateway, a receiver and a client in three processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest

from smsc_async import Session
from smsc_async.webhooks import Receiver, SqliteStore
from tests.canaries import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
MANY: Final = 1_000
PHONES: Final = [f"38067{number:07d}" for number in range(MANY)]


@contextmanager
def process(*words: str) -> Iterator[str]:
    """Run a program that prints one line when it is ready; give the line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SMSC_CALLBACK_SECRET": RUN.callback}
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as program:
        assert program.stdout is not None
        try:
            yield program.stdout.readline().strip()
        finally:
            program.terminate()
            program.communicate(timeout=30)


@pytest.fixture
def gateway() -> Iterator[str]:
    """The address of a gateway in a process of its own; fast, but for its minute."""
    words = ("--json", "--quiet", "--login", RUN.login, "--password", RUN.password)
    with process("-m", "smsc_async.simulator", *words) as line:
        yield json.loads(line)["url"]


class Control:
    """What the tests tell the gateway, and ask it."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/control/", timeout=30.0)

    def post(self, name: str, **wanted: Any) -> Any:
        """Tell it something."""
        return self._client.post(name, json=wanted).raise_for_status().json()

    def get(self, name: str) -> Any:
        """Ask it something."""
        return self._client.get(name).raise_for_status().json()

    async def ring_all(self) -> None:
        """Let each subscriber call as soon as a number is allotted to it."""
        left = set(PHONES)
        while left:
            waiting = left & set((await anyio.to_thread.run_sync(self.get, "state"))["calls"])
            for phone in sorted(waiting):
                await anyio.to_thread.run_sync(lambda phone=phone: self.post("subscriber_calls", phone=phone))
            left -= waiting
            await anyio.sleep(0.05)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


async def confirm_all(smsc: Session, receiver: Receiver | None, control: Control) -> list[str]:
    """Confirm all phones side by side; give those confirmed."""
    confirmed: list[str] = []

    async def confirm(phone: str) -> None:
        async with smsc.calls.confirmation(phone, receiver=receiver) as pending:
            confirmed.append((await pending.wait(timeout=100)).subscriber)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(control.ring_all)
        for phone in PHONES:
            tasks.start_soon(confirm, phone)
    return confirmed


@pytest.mark.once
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


@pytest.mark.once
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
