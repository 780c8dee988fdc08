"""What became of a message that was begun: of many recipients, and of old answers."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from smsc_async import MessageStatus, SentMessage
from smsc_async.errors import GatewayError
from smsc_async.services.messages import Messages
from tests.services.fakes import Asked, FakeCaller

PHONES = [f"38067{number:07d}" for number in range(1_500)]
NOT_FOUND, DELIVERED = MessageStatus.NOT_FOUND, MessageStatus.DELIVERED


class Gateway:
    """Knows the message ``m1`` of *known* recipients; of others it says so as *missing* does."""

    def __init__(self, known: list[str], missing: object = None) -> None:
        self.known = set(known)
        self.missing = missing
        self.caller = FakeCaller(self._answer)
        self.found: list[SentMessage | None] = []

    def _answer(self, asked: Asked) -> object:
        phones = [each for each in asked.params["phone"].split(",") if each]
        if asked.endpoint == "messages.status":
            return {"status": 1} if phones[0] in self.known else self.missing or {"status": -3}
        return [{"status": 1 if each in self.known else -3, "id": "m1", "phone": each} for each in phones]

    async def resolve(self, to: Any) -> SentMessage | None:
        """Resolve, and move the clock on meanwhile."""

        async def resolve() -> None:
            self.found.append(await Messages(self.caller).resolve("m1", to))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(resolve)
            await self.caller.clock.advance(30.0)
            tasks.cancel_scope.cancel()
        return self.found.pop()


@pytest.mark.anyio
async def test_of_a_message_that_was_broken_off_it_is_known_who_got_it(anyio_backend: str) -> None:
    """A process that ended after the first thousand: the others are named, to be sent to anew."""
    gateway = Gateway(PHONES[:1_000])
    sent = await gateway.resolve(PHONES)
    assert sent is not None
    assert [DELIVERED] * 1_000 + [NOT_FOUND] * 500 == [each.status for each in sent.recipients]
    assert PHONES[1_000:] == [each.phone for each in sent.not_sent]
    assert [] == sent.unknown == sent.failed
    assert [1_500, 500] == [params["id"].count("m1") for params in gateway.caller.params]


@pytest.mark.anyio
async def test_what_comes_while_it_is_looked_for_was_sent(anyio_backend: str) -> None:
    """Those who were not found are asked for again after half a minute, the others no more."""
    gateway = Gateway(PHONES[:1])
    gateway.caller.slowness = 1.0
    async with anyio.create_task_group() as tasks:
        found: list[SentMessage | None] = []

        async def resolve() -> None:
            found.append(await Messages(gateway.caller).resolve("m1", PHONES[:4]))

        tasks.start_soon(resolve)
        await gateway.caller.clock.advance(29.0)
        gateway.known.update(PHONES[1:3])
        await gateway.caller.clock.advance(3.0)
    (sent,) = found
    assert sent is not None
    assert [DELIVERED, DELIVERED, DELIVERED, NOT_FOUND] == [each.status for each in sent.recipients]
    assert [PHONES[:4], PHONES[1:4]] == [params["phone"].split(",") for params in gateway.caller.params]


@pytest.mark.parametrize("to", [PHONES[0], PHONES[:2]], ids=["one", "two"])
@pytest.mark.anyio
async def test_nobody_of_whom_the_gateway_knows_was_sent_to(to: Any, anyio_backend: str) -> None:
    """Then there is no message."""
    assert await Gateway([]).resolve(to) is None


@pytest.mark.anyio
async def test_error_3_says_that_it_was_not_sent(anyio_backend: str) -> None:
    """Very old pages have it in place of the status; it takes half a minute, too, to be believed."""
    refusal = GatewayError(3, "message not found", "messages.status")
    gateway = Gateway([], refusal)
    assert await gateway.resolve(PHONES[0]) is None
    assert 2 == len(gateway.caller.asked)
    assert [("messages.send", "m1")] == gateway.caller.settled
