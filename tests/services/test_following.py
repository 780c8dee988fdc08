"""Messages followed to the end of their way: by asking, few one by one and many at once, and by callbacks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async import DeliveryError, MessageState, MessageStatus, Recipient, SentMessage
from smsc_async.errors import (
    AuthenticationFailed,
    CannotDelete,
    DeliveryTimeout,
    GatewayError,
    InvalidArgument,
    NoReply,
    ReplyError,
    SmscError,
)
from smsc_async.services.messages import Messages
from tests.services.fakes import Asked, FakeCaller
from tests.webhooks.receiver.gateway import post, receiver, status

if TYPE_CHECKING:
    from smsc_async.webhooks import Receiver

PHONE = "380671234567"
OTHER = "380671234568"


class Gateway:
    """Messages that are handed over, until they are decided by moving the clock or by hand."""

    def __init__(self) -> None:
        self.decided: dict[tuple[str, str], int] = {}
        self.failures: list[BaseException] = []
        self.caller = FakeCaller(self._answer)
        self.messages = Messages(self.caller)
        self.found: list[Any] = []
        self.asked_at: list[float] = []

    def _answer(self, asked: Asked) -> object:
        self.asked_at.append(self.caller.clock.now())
        if self.failures:
            return self.failures.pop(0)
        pairs = list(zip(asked.params["id"].split(","), asked.params["phone"].split(","), strict=True))
        if asked.endpoint == "messages.status":
            return {"status": self.decided.get(pairs[0], 0)}
        return [
            {"status": self.decided.get(pair, 0), "id": pair[0], "phone": pair[1], "last_timestamp": 1767225600}
            for pair in pairs
            if pair[0]
        ]

    @property
    def endpoints(self) -> list[str]:
        """What was asked."""
        return [asked.endpoint for asked in self.caller.asked]

    async def wait(self, *arguments: Any, **options: Any) -> None:
        """Wait, and keep what comes of it."""
        try:
            self.found.append(await self.messages.wait(*arguments, **options))
        except SmscError as error:
            self.found.append(error)


def statuses_of(found: Any) -> list[MessageStatus]:
    """Give the statuses that a wait gave."""
    return [state.status for state in found]


# By asking --------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_one_message_is_asked_for_four_times_a_minute(anyio_backend: str) -> None:
    """At once, and then each quarter of a minute, until it is delivered."""
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "m1", PHONE)
        await gateway.caller.clock.advance(44.0)
        gateway.decided["m1", PHONE] = 1
        await gateway.caller.clock.advance(1.0)
    assert [0.0, 15.0, 30.0, 45.0] == gateway.asked_at
    (found,) = gateway.found
    assert [MessageStatus.DELIVERED] == statuses_of(found)
    assert {"messages.status"} == set(gateway.endpoints)
    assert 0 == len(gateway.caller.status_watch)


@pytest.mark.anyio
async def test_many_messages_are_asked_for_at_once(anyio_backend: str) -> None:
    """One request a minute for all of them; those that are decided are asked for no more."""
    gateway = Gateway()
    sent = SentMessage(id="m1", recipients=[Recipient(phone=f"38067000{number:04d}") for number in range(100)])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, sent)
        await gateway.caller.clock.advance(1.0)
        for each in sent.recipients[:50]:
            gateway.decided["m1", each.phone] = 1
        await gateway.caller.clock.advance(61.0)
        for each in sent.recipients[50:]:
            gateway.decided["m1", each.phone] = 20
        await gateway.caller.clock.advance(124.0)
    assert [0.0, 62.0, 124.0] == gateway.asked_at
    assert [100, 100, 50] == [asked.params["phone"].count(",") + 1 for asked in gateway.caller.asked]
    expected = [MessageStatus.DELIVERED] * 50 + [MessageStatus.UNDELIVERABLE] * 50
    assert expected == statuses_of(gateway.found[0])


@pytest.mark.anyio
async def test_all_who_wait_share_the_requests(anyio_backend: str) -> None:
    """A hundred waits for a message each are one request a minute; each hears of its own."""
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(gateway.wait, f"m{number}", PHONE)
        await gateway.caller.clock.advance(10.0)
        for number in range(100):
            gateway.decided[f"m{number}", PHONE] = 1 if number % 2 else 3
        await gateway.caller.clock.advance(60.0)
    assert 100 == len(gateway.found)
    assert 3 >= len(gateway.caller.asked)
    assert {"m1"} == {state.id for found in gateway.found for state in found if state.id == "m1"}
    assert 50 == sum(statuses_of(found) == [MessageStatus.EXPIRED] for found in gateway.found)


@pytest.mark.anyio
async def test_when_the_one_who_asks_leaves_another_goes_on(anyio_backend: str) -> None:
    """A wait that is cancelled, or ends, takes nobody with it."""
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        leaving = anyio.CancelScope()

        async def leave() -> None:
            with leaving:
                await gateway.wait("m1", PHONE)

        tasks.start_soon(leave)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(gateway.wait, "m2", PHONE)
        await gateway.caller.clock.advance(1.0)
        leaving.cancel()
        await anyio.wait_all_tasks_blocked()
        gateway.decided["m2", PHONE] = 1
        await gateway.caller.clock.advance(30.0)
    assert [[MessageStatus.DELIVERED]] == [statuses_of(found) for found in gateway.found]
    assert 0 == len(gateway.caller.status_watch)


@pytest.mark.anyio
async def test_the_same_message_may_be_waited_for_twice(anyio_backend: str) -> None:
    """It is asked for once, and both hear of it."""
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(gateway.wait, "m1", PHONE)
        await gateway.caller.clock.advance(1.0)
        gateway.decided["m1", PHONE] = 1
        await gateway.caller.clock.advance(30.0)
    assert 5 == len(gateway.found)
    assert {"messages.status"} == set(gateway.endpoints)
    assert 3 >= len(gateway.caller.asked)


@pytest.mark.anyio
async def test_a_passing_failure_is_waited_out(anyio_backend: str) -> None:
    """No answer to one question: the next may get one."""
    gateway = Gateway()
    gateway.failures = [NoReply("messages.status", "x")] * 2
    gateway.decided["m1", PHONE] = 1
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "m1", PHONE)
        await gateway.caller.clock.advance(30.0)
    assert [[MessageStatus.DELIVERED]] == [statuses_of(found) for found in gateway.found]


@pytest.mark.anyio
async def test_a_lasting_failure_ends_the_wait(anyio_backend: str) -> None:
    """A wrong password does not become right by waiting: each who waits hears of it."""
    gateway = Gateway()
    gateway.failures = [AuthenticationFailed(2, "authorise error", "messages.status") for _ in range(2)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "m1", PHONE)
        tasks.start_soon(gateway.wait, "m2", PHONE)
        await gateway.caller.clock.advance(60.0)
    assert [AuthenticationFailed, AuthenticationFailed] == [type(found) for found in gateway.found]
    assert 0 == len(gateway.caller.status_watch)


@pytest.mark.anyio
async def test_time_is_up_for_those_on_the_way(anyio_backend: str) -> None:
    """The error names them, and has the states that are known."""
    gateway = Gateway()
    gateway.decided["m1", PHONE] = 1
    sent = SentMessage(id="m1", recipients=[Recipient(phone=PHONE), Recipient(phone=OTHER)])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait(sent, timeout=100.0))
        await gateway.caller.clock.advance(100.0)
    (error,) = gateway.found
    assert isinstance(error, DeliveryTimeout)
    assert ((OTHER, "m1"),) == error.pending
    assert [MessageStatus.DELIVERED, MessageStatus.HANDED_OVER] == statuses_of(error.states)
    assert "the message m1 to 380*******68 is still on the way" in str(error)
    assert OTHER not in f"{error} {error!r}"


@pytest.mark.anyio
async def test_a_state_that_is_older_than_what_is_known_changes_nothing(anyio_backend: str) -> None:
    """Answers may overtake each other: nobody goes back from handed over to waiting."""
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait("m1", PHONE, timeout=20.0))
        await gateway.caller.clock.advance(1.0)
        gateway.decided["m1", PHONE] = -1
        await gateway.caller.clock.advance(19.0)
    (error,) = gateway.found
    assert [MessageStatus.HANDED_OVER] == statuses_of(error.states)


@pytest.mark.anyio
async def test_a_message_that_nobody_knows_is_not_waited_for_all_day(anyio_backend: str) -> None:
    """When the gateway has said three times that there is none, the wait ends with that."""
    gateway = Gateway()
    gateway.decided["m1", PHONE] = -3
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "m1", PHONE)
        await gateway.caller.clock.advance(30.0)
    assert [0.0, 15.0, 30.0] == gateway.asked_at
    assert [[MessageStatus.NOT_FOUND]] == [statuses_of(found) for found in gateway.found]


@pytest.mark.anyio
async def test_a_refusal_that_names_no_such_message_is_a_status(anyio_backend: str) -> None:
    """Very old pages have error 3 in the place of the status; it is believed no sooner, and ends nobody else's wait."""
    gateway = Gateway()
    gateway.decided["m2", PHONE] = 1
    gateway.failures = [GatewayError(3, "message not found", "messages.status")] * 3
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "m1", PHONE)
        await gateway.caller.clock.advance(29.9)
        assert [] == gateway.found
        await gateway.caller.clock.advance(0.1)
        tasks.start_soon(gateway.wait, "m2", PHONE)
    assert [[MessageStatus.NOT_FOUND], [MessageStatus.DELIVERED]] == [statuses_of(found) for found in gateway.found]


def test_values_show_what_is_known() -> None:
    """A state has many fields, most of which are not told."""
    state = MessageState(id="m1", phone=PHONE, status=MessageStatus.DELIVERED, cost=Decimal("0.30"))
    expected = f"MessageState(id='m1', phone='{PHONE}', status=MessageStatus.DELIVERED, cost=Decimal('0.30'))"
    assert expected == repr(state)
    sent = SentMessage(id="m1", recipients=[Recipient(phone=PHONE)])
    assert f"SentMessage(id='m1', recipients=Listing([\n  Recipient(phone='{PHONE}'),\n]))" == repr(sent)


@pytest.mark.parametrize(
    "arguments",
    [("m1",), ("m1", ""), ("a b", PHONE), (SentMessage(id="m1"), PHONE), (SentMessage(id="m1"),), ("m1", [PHONE])],
)
@pytest.mark.asyncio
async def test_who_cannot_be_asked_for_is_refused(arguments: Any) -> None:
    """A wait needs an id and a recipient; groups have none."""
    with pytest.raises(InvalidArgument):
        await Messages(FakeCaller()).wait(*arguments)


@pytest.mark.asyncio
async def test_a_message_to_a_group_cannot_be_followed() -> None:
    """Nobody here knows who is in it."""
    with pytest.raises(InvalidArgument, match="groups"):
        await Messages(FakeCaller()).wait(SentMessage(id="m1", recipients=[Recipient(phone="G7")]))


# By callbacks -----------------------------------------------------------------------------------------------------


async def told(app: Receiver, message_id: str, phone: str, number: int, **fields: Any) -> int:
    """Post a status."""
    texts = {name: str(value) for name, value in fields.items()}
    return await post(app, status(id=message_id, phone=phone, status=str(number), **texts))


@pytest.mark.anyio
async def test_a_callback_ends_the_wait(anyio_backend: str) -> None:
    """The gateway is asked because the callback may have come before, and then seldom: it may go elsewhere."""
    gateway = Gateway()
    app = receiver(clock=gateway.caller.clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait("m1", PHONE, receiver=app))
        await gateway.caller.clock.advance(3_600.0)
        assert 200 == await told(app, "m2", PHONE, 1)
        assert 200 == await told(app, "m1", PHONE, 1)
    ((state,),) = gateway.found
    assert (MessageStatus.DELIVERED, "m1", PHONE) == (state.status, state.id, state.phone)
    assert [300.0 * number for number in range(13)] == gateway.asked_at


@pytest.mark.anyio
async def test_a_callback_that_came_before_is_not_missed(anyio_backend: str) -> None:
    """The state is asked for when the wait begins."""
    gateway = Gateway()
    gateway.decided["m1", PHONE] = 1
    app = receiver(clock=gateway.caller.clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait("m1", PHONE, receiver=app))
        await gateway.caller.clock.advance(0.0)
    assert [[MessageStatus.DELIVERED]] == [statuses_of(found) for found in gateway.found]


@pytest.mark.anyio
async def test_a_callback_that_went_elsewhere_is_made_good_at_the_end(anyio_backend: str) -> None:
    """Before time is up the gateway is asked once more."""
    gateway = Gateway()
    app = receiver(clock=gateway.caller.clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait("m1", PHONE, timeout=600.0, receiver=app))
        await gateway.caller.clock.advance(570.0)
        gateway.decided["m1", PHONE] = 1
        await gateway.caller.clock.advance(10.0)
        assert [0.0, 300.0, 580.0] == gateway.asked_at
        tasks.cancel_scope.cancel()
    assert [[MessageStatus.DELIVERED]] == [statuses_of(found) for found in gateway.found]


@pytest.mark.anyio
async def test_callbacks_end_the_look_at_the_beginning(anyio_backend: str) -> None:
    """Where many are waited for it may come a minute late; who has heard of all by then does not wait for it."""
    gateway = Gateway()
    app = receiver(clock=gateway.caller.clock)
    several = [Recipient(phone=f"38067000000{number}") for number in range(5)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, SentMessage(id="m0", recipients=several))
        await gateway.caller.clock.advance(1.0)
        tasks.start_soon(lambda: gateway.wait(SentMessage(id="m1", recipients=several[:2]), receiver=app))
        await gateway.caller.clock.advance(1.0)
        for each in several[:2]:
            assert [] == gateway.found
            assert 200 == await told(app, "m1", each.phone, 1)
        await anyio.wait_all_tasks_blocked()
        assert [[MessageStatus.DELIVERED] * 2] == [statuses_of(found) for found in gateway.found]
        assert [0.0] == gateway.asked_at
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_time_is_up_also_while_the_gateway_is_asked(anyio_backend: str) -> None:
    """A look beside a receiver takes no longer than the wait."""
    gateway = Gateway()
    app = receiver(clock=gateway.caller.clock)
    gateway.caller.slowness = 30.0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait("m1", PHONE, timeout=10.0, receiver=app))
        await gateway.caller.clock.advance(9.9)
        assert [] == gateway.found
        await gateway.caller.clock.advance(0.1)
        assert [DeliveryTimeout] == [type(found) for found in gateway.found]


@pytest.mark.anyio
async def test_a_callback_says_as_much_as_it_has(anyio_backend: str) -> None:
    """Its fields are those of a state that was asked for."""
    gateway = Gateway()
    app = receiver(clock=gateway.caller.clock)
    fields = {"err": 6, "cnt": 2, "cost": "0.60", "sender": "Shop", "cmt": "note", "flag": 32, "ts": 1767225600}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait("m1", PHONE, receiver=app))
        await gateway.caller.clock.advance(1.0)
        assert 200 == await told(app, "m1", PHONE, 20, **fields)
    ((state,),) = gateway.found
    assert (DeliveryError.NOT_IN_NETWORK, 2, Decimal("0.60")) == (state.error, state.parts, state.cost)
    assert ("Shop", "note", datetime(2026, 1, 1, tzinfo=UTC)) == (state.sender, state.comment, state.changed_at)
    assert state.flags is not None
    assert state.flags.second_balance


@pytest.mark.anyio
async def test_a_receiver_without_waits_forgets_them(anyio_backend: str) -> None:
    """Nothing is kept for a wait that is over."""
    gateway = Gateway()
    app = receiver(clock=gateway.caller.clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: gateway.wait("m1", PHONE, timeout=5.0, receiver=app))
        await gateway.caller.clock.advance(30.0)
    assert {} == app._delivery.statuses._followed
    assert isinstance(gateway.found[0], DeliveryTimeout)


# Asked for --------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_status_is_asked_for() -> None:
    """Phone and id go as they are, with the detail that is wanted."""
    answer = {"status": 1, "err": 0, "last_timestamp": 1767225600, "message": "hi, there", "cost": "0.30", "type": 0}
    caller = FakeCaller(answer)
    state = await Messages(caller).status("+" + PHONE, "order-17", detail=1)
    assert [{"phone": PHONE, "id": "order-17", "all": "1"}] == caller.params
    assert ("order-17", PHONE, "hi, there", Decimal("0.30")) == (state.id, state.phone, state.text, state.cost)
    assert (DeliveryError.NONE, True, True, False) == (
        state.error,
        state.is_final,
        state.is_delivered,
        state.is_virtual,
    )


@pytest.mark.parametrize("detail", [0, 1, 2])
@pytest.mark.asyncio
async def test_error_3_says_that_there_is_no_such_message(detail: Any) -> None:
    """As the status -3 does; any other refusal is one."""
    state = await Messages(FakeCaller({"error": "message not found", "error_code": 3})).status(
        PHONE, "m1", detail=detail
    )
    assert MessageState(id="m1", phone=PHONE, status=MessageStatus.NOT_FOUND) == state
    with pytest.raises(GatewayError) as caught:
        await Messages(FakeCaller({"error": "no", "error_code": 5})).status(PHONE, "m1", detail=detail)
    assert 5 == caught.value.code


@pytest.mark.asyncio
async def test_statuses_come_in_the_order_they_were_asked_for() -> None:
    """Whatever the order of the answer; one message is asked for as a list."""
    rows = [
        {"status": 3, "id": "m2", "phone": OTHER},
        {"status": -3, "id": "m3", "phone": OTHER},
        {"status": 1, "id": 7, "phone": PHONE},
    ]
    caller = FakeCaller(rows)
    messages = Messages(caller)
    states = await messages.statuses([(PHONE, "7"), (OTHER, "m2"), (OTHER, "m3"), (PHONE, "7")])
    assert [1, 3, -3, 1] == [int(state.status) for state in states]
    assert [{"phone": f"{PHONE},{OTHER},{OTHER}", "id": "7,m2,m3", "all": "0"}] == caller.params
    with pytest.raises(ReplyError, match="tells nothing of 1 of 2 messages"):
        await messages.statuses([(PHONE, "7"), (PHONE, "8")])
    with pytest.raises(ReplyError):
        await messages.statuses([(PHONE, "9")])
    assert {"phone": f"{PHONE},", "id": "9,", "all": "0"} == caller.params[-1]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((PHONE, "17"), (f"+{PHONE}", "0017")),
        (("Anna@Example.com", "m1"), ("anna@example.com", "m1")),
        (("80501234567", "m1"), ("380501234567", "m1")),
        ((PHONE, "m1"), (PHONE, "999")),
        ((PHONE, "m1"), (None, "m1")),
        ((PHONE, "m1"), (None, None)),
    ],
)
@pytest.mark.asyncio
async def test_a_row_may_spell_its_names_otherwise(asked: tuple[str, str], told: tuple[str | None, str | None]) -> None:
    """Names without what may differ tell whose it is; else its place does, if one of its names is right."""
    names = {name: value for name, value in zip(("phone", "id"), told, strict=True) if value is not None}
    caller = FakeCaller([{"status": 1, **names}, {"status": -3, "id": "m2", "phone": OTHER}])
    states = await Messages(caller).statuses([asked, (OTHER, "m2")])
    assert [(asked[0], 1), (OTHER, -3)] == [(state.phone, state.status) for state in states]


@pytest.mark.asyncio
async def test_many_statuses_take_several_requests() -> None:
    """Each five thousand are one."""
    gateway = Gateway()
    states = await gateway.messages.statuses((f"38067{number:07d}", "m1") for number in range(5_001))
    assert 5_001 == len(states)
    assert [5_000, 1] == [asked.params["id"].count("m1") for asked in gateway.caller.asked]


@pytest.mark.parametrize("detail", [1, 2])
@pytest.mark.asyncio
async def test_fewer_are_asked_for_where_texts_are_told(detail: Any) -> None:
    """An answer with five thousand texts would be longer than what is read of one."""
    gateway = Gateway()
    wanted = [(f"38067{number:07d}", "m1") for number in range(2_001)]
    assert 2_001 == len(await gateway.messages.statuses(wanted, detail=detail))
    assert [1_000, 1_000, 1] == [asked.params["id"].count("m1") for asked in gateway.caller.asked]


@pytest.mark.asyncio
async def test_each_recipient_is_asked_for_by_the_id_of_their_message() -> None:
    """The gateway may have given each thousand an id of its own."""
    gateway = Gateway()
    gateway.decided.update({("17", PHONE): 1, ("18", OTHER): 1})
    sent = SentMessage(id="17", recipients=[Recipient(phone=PHONE), Recipient(phone=OTHER, id="18")])
    assert [MessageStatus.DELIVERED] * 2 == statuses_of(await gateway.messages.statuses(sent))
    await gateway.wait(sent)
    assert [[MessageStatus.DELIVERED] * 2] == [statuses_of(found) for found in gateway.found]
    first, *others = [params["id"] for params in gateway.caller.params]
    assert ("17,18", ["17", "18"]) == (first, sorted(others))


@pytest.mark.asyncio
async def test_nothing_is_asked_for_nobody() -> None:
    """An empty list gives an empty listing."""
    caller = FakeCaller()
    assert [] == await Messages(caller).statuses([])
    assert [] == caller.asked


@pytest.mark.parametrize("detail", [3, -1, True, "1", None])
@pytest.mark.asyncio
async def test_details_are_0_to_2(detail: Any) -> None:
    """Anything else is refused before it is sent."""
    caller = FakeCaller()
    with pytest.raises(InvalidArgument):
        await Messages(caller).status(PHONE, "m1", detail=detail)
    assert [] == caller.asked


@pytest.mark.asyncio
async def test_pairs_are_checked() -> None:
    """What is no pair of a recipient and an id is refused."""
    for bad in (PHONE, (PHONE,), (PHONE, "m1", 0), [PHONE, "m1"], ("x", "m1"), (PHONE, "a b")):
        with pytest.raises(InvalidArgument):
            await Messages(FakeCaller()).statuses([bad])  # type: ignore[list-item]


@pytest.mark.asyncio
async def test_a_message_is_deleted() -> None:
    """The gateway says OK, or why not."""
    caller = FakeCaller({"result": "OK"})
    await Messages(caller).delete(PHONE, "m1")
    assert [{"del": "1", "phone": PHONE, "id": "m1"}] == caller.params
    with pytest.raises(CannotDelete):
        await Messages(FakeCaller({"error": "no", "error_code": 5})).delete(PHONE, "m1")
    with pytest.raises(GatewayError):
        await Messages(FakeCaller({"error": "no", "error_code": 77})).delete(PHONE, "m1")
