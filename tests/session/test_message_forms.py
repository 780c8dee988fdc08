"""What a session says of messages is the same under every reading of what the vendor leaves open, in all formats."""

from __future__ import annotations

import typing
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import httpx
import pytest

from smsc_async import Hlr, LocalGuard, MessageStatus, Ping, ReplyFormat, Session
from smsc_async.errors import CannotDelete
from smsc_async.simulator import Simulator, Switches
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

# Ids that are numbers: in lines of values these could be taken for any of the others.
ANNA, BOHDAN, NOBODY = "380671234567", "380671234568", "380671234569"
DELIVERED, NOT_FOUND = MessageStatus.DELIVERED, MessageStatus.NOT_FOUND

#: The switches that concern sending, prices, statuses and deletions, or how replies are written at all.
CONCERNED = (
    "json_numbers",
    "decimals",
    "single_as_object",
    "omit_optional",
    "empty_list",
    "refusals_as_text",
    "extra_fields",
    "misprints",
    "send_line",
    "refusal_ids",
    "status_order",
    "line_breaks",
    "hlr_order",
    "bulk_ids",
    "missing_line",
    "missing_single",
    "charset_header",
    "reply_charset",
    "virtual_cost",
    "equal_phones",
    "partly_bad",
    "past_time",
    "correct_phones",
    "refused_stored",
    "refused_counts",
    "identical_sends",
    "delete_counts",
    "delete_refunds",
    "bad_sends",
    "long_text",
    "captcha_use",
)


def readings() -> Iterator[Switches]:
    """Give the likeliest reading, each other value of each switch by itself, and how lines may be written together."""
    yield Switches()
    hints = typing.get_type_hints(Switches)
    for name in CONCERNED:
        usual = getattr(Switches(), name)
        values = (
            [not usual] if hints[name] is bool else [each for each in typing.get_args(hints[name]) if each != usual]
        )
        assert values, name
        yield from (attrs.evolve(Switches(), **{name: value}) for value in values)
    for bulk_ids, hlr_order, missing_line in product(
        ("start", "both"), ("imsi first", "imsi last"), ("short", "zeros")
    ):
        yield Switches(bulk_ids=bulk_ids, hlr_order=hlr_order, missing_line=missing_line, decimals="four")


def named(switches: Switches) -> str:
    """Say what is other than usual."""
    usual = Switches()
    return ", ".join(
        f"{name}={getattr(switches, name)}" for name in CONCERNED if getattr(switches, name) != getattr(usual, name)
    )


class Account:
    """An account at a simulated gateway, whose clock goes on while something is done."""

    def __init__(self, switches: Switches, reply_format: ReplyFormat) -> None:
        self.clock = FakeClock()
        simulator = Simulator(clock=self.clock.now, sleep=self.clock.sleep, switches=switches)
        self.smsc = Session(
            login="demo",
            password="demo",
            guard=LocalGuard(clock=self.clock),
            transport=lambda: httpx.ASGITransport(app=simulator),
            reply_format=reply_format,
            retry=None,
        )

    async def done(self, what: Callable[[], Awaitable[Any]], within: float = 200.0) -> Any:
        """Do something, and give its outcome, whether that is a value or an error of the package."""
        found: list[Any] = []

        async def do() -> None:
            try:
                found.append(await what())
            except CannotDelete as refusal:
                found.append(refusal)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(do)
            await self.clock.advance(within)
            tasks.cancel_scope.cancel()
        return found[0]


@pytest.mark.parametrize("reply_format", ReplyFormat, ids=lambda value: value.name.lower())
@pytest.mark.parametrize("switches", list(readings()), ids=lambda value: named(value) or "usual")
@pytest.mark.asyncio
async def test_messages_read_alike_under_every_reading(switches: Switches, reply_format: ReplyFormat) -> None:
    """Sent, priced, followed, looked for and deleted: whatever the replies look like, it comes to the same."""
    account = Account(switches, reply_format)
    async with account.smsc as smsc:
        messages = smsc.messages
        sent = await account.done(lambda: messages.send(ANNA, "hi, there", id="17"))
        assert ("17", Decimal("0.5"), 1) == (sent.id, sent.cost, sent.parts)
        assert sent.balance is not None
        sent = await account.done(lambda: messages.send([ANNA, BOHDAN], "two", id="18", details=True))
        assert (Decimal(1), [ANNA, BOHDAN], []) == (sent.cost, [each.phone for each in sent.recipients], sent.unknown)
        price = await account.done(lambda: messages.cost(ANNA, "hi"))
        assert (Decimal("0.5"), 1) == (price.cost, price.parts)
        for kind, name in ((Hlr(), "h1"), (Ping(), "p1")):
            assert name == (await account.done(lambda kind=kind, name=name: messages.send(ANNA, kind=kind, id=name))).id
        await account.clock.advance(400.0)

        for detail in (0, 1, 2):
            state = await account.done(lambda detail=detail: messages.status(ANNA, "17", detail=detail))
            assert (DELIVERED, "hi, there" if detail else None) == (state.status, state.text)
            wanted = [(ANNA, "18"), (BOHDAN, "18"), (NOBODY, "no")]
            states = await account.done(lambda wanted=wanted, detail=detail: messages.statuses(wanted, detail=detail))
            assert [DELIVERED, DELIVERED, NOT_FOUND] == [each.status for each in states]
        state = await account.done(lambda: messages.status(ANNA, "h1"))
        codes = (state.hlr.imsi, state.hlr.service_centre, state.hlr.country_code, state.hlr.operator_code)
        assert ("255030671234567", "380670000900", "255", "03") == codes
        several = await account.done(lambda: messages.statuses([(ANNA, "h1"), (ANNA, "17")]))
        assert [state.hlr, None] == [each.hlr for each in several]
        assert NOT_FOUND is (await account.done(lambda: messages.status(NOBODY, "none"))).status

        for to in (NOBODY, [ANNA, NOBODY]):
            assert await account.done(lambda to=to: messages.resolve("none", to)) is None
        resolved = await account.done(lambda: messages.resolve("18", [ANNA, NOBODY]))
        assert [DELIVERED, NOT_FOUND] == [each.status for each in resolved.recipients]
        for name in ("17", "h1"):
            (state,) = await account.done(lambda name=name: messages.wait(name, ANNA, timeout=60))
            assert DELIVERED is state.status
        (state,) = await account.done(lambda: messages.wait("none", ANNA, timeout=60))
        assert NOT_FOUND is state.status
        assert isinstance(await account.done(lambda: messages.delete(ANNA, "17")), CannotDelete)
