"""What handlers are told, how often, and in what order; in process, by a clock that is moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from smsc_async.simulator import Account, Early, Fault, Manner, ManualTime, Simulator, Switches
from tests.simulator.asking import CREDENTIALS, ask, ask_async, simulator
from tests.simulator.handling import Handler

PHONE = "380671234567"
ADDRESS = "http://handler.example/cb"


def told(handler: Handler | None = None, query: str = "", **options: Any) -> tuple[Simulator, ManualTime, Handler]:
    """Give a simulator that calls *handler*, in process."""
    gateway, time = simulator(**options)
    handler = handler or Handler()
    gateway.call_back(ADDRESS + query, handler)
    return gateway, time, handler


def numbers(handler: Handler) -> list[int]:
    """Give the ids of the messages whose statuses the handler was told, as they came."""
    return [int(call.form()["id"]) for call in handler.calls]


@pytest.mark.anyio
async def test_the_handler_is_told_of_all_three_kinds() -> None:
    """By POST, with what marks each kind and with the parameters of the address; those after ``!`` in the query."""
    gateway, _, handler = told(query="!token=a?shop=3&md5=secret")
    ask(gateway, "wait_call", phone=PHONE)
    gateway.subscriber_calls(PHONE)
    gateway.subscriber_writes(PHONE, "так", to="380950000001")
    gateway.message_is(id=5, phone=PHONE, status=1)
    assert [] == handler.calls
    assert 3 == await gateway.deliver_due()
    call, message, status = (called.form() for called in handler.calls)
    assert {("POST", "/cb", "token=a")} == {(called.method, called.path, called.query) for called in handler.calls}
    assert ("1", PHONE, "3") == (call["waitcall"], call["phone"], call["shop"])
    assert ("так", "380950000001", "3") == (message["mes"], message["to"], message["shop"])
    assert ("5", "1", "3") == (status["id"], status["status"], status["shop"])
    assert ["delivered"] * 3 == [errand.state for errand in gateway.callbacks()]
    assert 0 == await gateway.deliver_due()


@pytest.mark.anyio
async def test_a_message_has_the_same_id_in_the_inbox() -> None:
    """So a client can tell that it knows it."""
    gateway, _, handler = told()
    gateway.subscriber_writes(PHONE, "так")
    await gateway.deliver_due()
    (row,) = ask(gateway, "get", get_answers=1).json
    assert str(row["id"]) == handler.calls[0].form()["id"]


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "state"), [(200, "delivered"), (404, "dropped")])
async def test_200_and_404_end_it(status: int, state: str) -> None:
    """One attempt, and nobody is told again."""
    gateway, time, handler = told(Handler([status]))
    gateway.message_is(id=5, phone=PHONE, status=1)
    await gateway.deliver_due()
    time.advance(24 * 3600)
    assert 0 == await gateway.deliver_due()
    assert 1 == len(handler.calls)
    (errand,) = gateway.callbacks()
    assert (state, [status]) == (errand.state, [attempt.status for attempt in errand.attempts])
    assert b"noted" == errand.attempts[0].answer


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [500, 403, 201, 204, 302, 308, 503, RuntimeError("broken")])
async def test_any_other_answer_is_followed_by_49_more_attempts(answer: int | Exception) -> None:
    """One every 4 minutes with the same body; redirects are not followed; then it is given up."""
    gateway, time, handler = told(Handler([answer] * 60))
    gateway.message_is(id=5, phone=PHONE, status=1)
    start = time.now()
    for _ in range(60 * 4):
        await gateway.deliver_due()
        time.advance(60)
    (errand,) = gateway.callbacks("given up")
    assert 50 == len(handler.calls) == len(errand.attempts)
    assert [start + 240 * number for number in range(50)] == [attempt.at for attempt in errand.attempts]
    assert {errand.letter.body} == {called.body for called in handler.calls}
    assert {"/cb"} == {called.path for called in handler.calls}


@pytest.mark.anyio
async def test_attempts_end_as_soon_as_one_is_accepted() -> None:
    """Two fail, the third is heard."""
    gateway, time, handler = told(Handler([500, 503]))
    gateway.message_is(id=5, phone=PHONE, status=1)
    for _ in range(20):
        await gateway.deliver_due()
        time.advance(240)
    assert [500, 503, 200] == [attempt.status for attempt in gateway.callbacks("delivered")[0].attempts]
    assert 3 == len(handler.calls)


@pytest.mark.anyio
async def test_the_four_minutes_are_the_gateways() -> None:
    """A minute of 0.2 s makes it 0.8 s."""
    gateway, time, handler = told(Handler([500]), window=0.2)
    gateway.message_is(id=5, phone=PHONE, status=1)
    await gateway.deliver_due()
    time.advance(0.79)
    assert 0 == await gateway.deliver_due()
    time.advance(0.02)
    assert 1 == await gateway.deliver_due()
    assert 2 == len(handler.calls)


@pytest.mark.anyio
async def test_a_handler_that_does_not_answer_in_time_is_called_again() -> None:
    """The time-out is an attempt that failed."""
    gateway, time, handler = told(Handler(before=anyio.sleep_forever), switches=Switches(callback_patience=0.02))
    gateway.message_is(id=5, phone=PHONE, status=1)
    await gateway.deliver_due()
    (errand,) = gateway.callbacks("pending")
    assert (None, "TimeoutError") == (errand.attempts[0].status, errand.attempts[0].error)
    time.advance(240)
    assert 1 == await gateway.deliver_due()
    assert 2 == len(handler.calls)


@pytest.mark.anyio
async def test_a_delivery_that_is_broken_off_is_still_to_be_made() -> None:
    """Neither lost nor counted as an attempt."""
    gateway, _, handler = told(Handler(before=anyio.sleep_forever))
    for number in range(3):
        gateway.message_is(id=number, phone=PHONE, status=1)
    with anyio.move_on_after(0.02):
        await gateway.deliver_due()
    assert [(0, "pending")] * 3 == [(len(errand.attempts), errand.state) for errand in gateway.callbacks()]
    gateway.call_back(ADDRESS, handler)
    handler._before = None
    assert 3 == await gateway.deliver_due()
    assert [0, 0, 1, 2] == numbers(handler)


@pytest.mark.anyio
async def test_duplicates_come_on_request() -> None:
    """Of one event or of all; the copies are the same to the byte."""
    gateway, _, handler = told()
    gateway.message_is(id=5, phone=PHONE, status=1, manner=Manner(copies=3))
    gateway.manner = Manner(copies=2)
    gateway.subscriber_writes(PHONE, "так")
    assert 5 == await gateway.deliver_due()
    assert 2 == len({called.body for called in handler.calls})
    gateway.message_is(id=6, phone=PHONE, status=1, manner=Manner(copies=0))
    assert 0 == await gateway.deliver_due()


@pytest.mark.anyio
async def test_events_can_be_delayed() -> None:
    """By the simulator's clock."""
    gateway, time, handler = told()
    gateway.message_is(id=5, phone=PHONE, status=1, manner=Manner(delay=30))
    gateway.message_is(id=6, phone=PHONE, status=1)
    await gateway.deliver_due()
    time.advance(29)
    assert 0 == await gateway.deliver_due()
    time.advance(1)
    await gateway.deliver_due()
    assert [6, 5] == numbers(handler)


@pytest.mark.anyio
@pytest.mark.parametrize(("order", "expected"), [("queued", [0, 1, 2]), ("reversed", [2, 1, 0]), ("shuffled", None)])
async def test_events_can_be_held_back_and_let_go_in_another_order(order: Any, expected: list[int] | None) -> None:
    """As they were, the other way round, or shuffled."""
    gateway, time, handler = told()
    gateway.hold_callbacks()
    count = 3 if expected else 20
    for number in range(count):
        gateway.message_is(id=number, phone=PHONE, status=1)
    time.advance(1e6)
    assert 0 == await gateway.deliver_due()
    assert count == gateway.release_callbacks(order)
    await gateway.deliver_due()
    assert sorted(numbers(handler)) == list(range(count))
    assert (expected == numbers(handler)) if expected else (list(range(count)) != numbers(handler))
    gateway.message_is(id=99, phone=PHONE, status=1)
    assert 1 == await gateway.deliver_due()


def test_an_unknown_order_is_refused() -> None:
    """And nothing is let go by mistake."""
    gateway, _, _ = told()
    with pytest.raises(ValueError, match="queued, reversed, shuffled"):
        gateway.release_callbacks("sorted")  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_jitter_lets_events_overtake_each_other() -> None:
    """At random, but the same at random for the same seed."""
    orders = []
    for seed in (1, 1, 2):
        gateway, time, handler = told(seed=seed)
        gateway.manner = Manner(jitter=10)
        for number in range(20):
            gateway.message_is(id=number, phone=PHONE, status=1)
        time.advance(10)
        await gateway.deliver_due()
        orders.append(numbers(handler))
    assert sorted(orders[0]) == list(range(20)) != orders[0]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.anyio
async def test_a_call_can_arrive_before_the_number_was_told() -> None:
    """The handler hears of it while the client still waits for the reply, whatever is held back or delayed."""
    gateway, _, handler = told()
    answered = False
    seen: list[bool] = []

    async def look() -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(answered)

    handler._before = look
    gateway.hold_callbacks()
    gateway.faults.add(Fault(Early(gateway), action="wait_call"))
    params = {**CREDENTIALS, "fmt": "3", "phone": PHONE}
    reply = await ask_async(gateway, "wait_call", params)
    answered = True
    assert "380440000101" == reply.json["phone"]
    assert [False] == seen
    assert PHONE == handler.calls[0].form()["phone"]
    assert {} == gateway.calls.pending("demo", 0.0)
    assert 1 == gateway.release_callbacks()
    assert 0 == await gateway.deliver_due()


@pytest.mark.anyio
async def test_what_is_let_go_while_it_is_on_its_way_is_not_told_twice() -> None:
    """An early call was held back in name only; broken off, it is due all the same."""
    gateway, _, handler = told(Handler(before=anyio.sleep_forever))
    gateway.hold_callbacks()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.deliver_at_once, lambda: gateway.message_is(id=1, phone=PHONE, status=1))
        await until(lambda: len(handler.calls) == 1)
        gateway.release_callbacks()
        assert 0 == await gateway.deliver_due()
        tasks.cancel_scope.cancel()
    handler._before = None
    assert 1 == await gateway.deliver_due()
    assert [1, 1] == numbers(handler)


@pytest.mark.anyio
async def test_anything_can_happen_before_a_reply() -> None:
    """An event of one's own, for a request that was carried out; not for one that was refused."""
    gateway, _, handler = told()
    early = Early(gateway, lambda request: gateway.message_is(id=8, phone=PHONE, status=1))
    gateway.faults.add(Fault(early, times=None))
    await ask_async(gateway, "balance", CREDENTIALS)
    assert [8] == numbers(handler)
    await ask_async(gateway, "balance", {**CREDENTIALS, "psw": "wrong"})
    assert [8] == numbers(handler)


@pytest.mark.anyio
async def test_nobody_is_told_where_there_is_no_handler() -> None:
    """Nor when it is gone; each account has its own."""
    gateway, _, handler = told()
    gateway.add_account(Account(login="other", password="other"))
    assert () == gateway.message_is(id=1, phone=PHONE, status=1, login="other").errands
    other = Handler()
    gateway.call_back(ADDRESS, other, login="other")
    gateway.message_is(id=2, phone=PHONE, status=1, login="other")
    gateway.call_back(None)
    gateway.message_is(id=3, phone=PHONE, status=1)
    await gateway.deliver_due()
    assert ([], [2]) == (numbers(handler), numbers(other))


@pytest.mark.anyio
async def test_a_reset_forgets_what_is_to_be_told() -> None:
    """What was told too; the handler stays, and the inbox."""
    gateway, time, handler = told(Handler([500]))
    gateway.subscriber_writes(PHONE, "так")
    await gateway.deliver_due()
    gateway.reset()
    time.advance(240)
    assert 0 == await gateway.deliver_due()
    assert () == gateway.callbacks()
    assert 1 == len(gateway.inbox.messages("demo"))
    gateway.message_is(id=3, phone=PHONE, status=1)
    assert 1 == await gateway.deliver_due()
    assert 2 == len(handler.calls)


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [200, 500])
async def test_a_reset_while_a_handler_is_called_is_the_end_of_it(answer: int) -> None:
    """The call goes on; nothing is written down of it, and none follows."""
    let_go = anyio.Event()
    gateway, time, handler = told(Handler([answer, 200], before=let_go.wait))
    async with gateway.calling_back():
        gateway.message_is(id=1, phone=PHONE, status=1)
        await until(lambda: len(handler.calls) == 1)
        gateway.hold_callbacks()
        gateway.hold_callbacks()
        gateway.reset()
        let_go.set()
        gateway.message_is(id=2, phone=PHONE, status=1)
        await until(lambda: bool(gateway.callbacks("delivered")))
    time.advance(240)
    assert 0 == await gateway.deliver_due()
    assert [1, 2] == numbers(handler)


@pytest.mark.anyio
async def test_what_is_finished_is_forgotten_in_the_end() -> None:
    """Memory is bounded by the size of the log; what is pending is kept."""
    gateway, _, _ = told(Handler([500]), log_size=3)
    for number in range(6):
        gateway.message_is(id=number, phone=PHONE, status=1)
    await gateway.deliver_due()
    assert ["pending", *["delivered"] * 3] == [errand.state for errand in gateway.callbacks()]


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until it is so."""
    with anyio.fail_after(5):
        while not condition():
            await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_in_the_background_events_are_delivered_as_they_come_and_as_time_moves() -> None:
    """While the block lasts, and no longer; nothing is left running."""
    gateway, time, handler = told(Handler([500]))
    async with gateway.calling_back():
        gateway.message_is(id=1, phone=PHONE, status=1)
        await until(lambda: bool(gateway.callbacks()[0].attempts))
        await until(lambda: time.sleeping == 1)
        time.advance(240)
        await until(lambda: gateway.callbacks()[0].state == "delivered")
        gateway.message_is(id=2, phone=PHONE, status=1, manner=Manner(delay=1))
        gateway.message_is(id=3, phone=PHONE, status=1)
        await until(lambda: len(handler.calls) == 3)
        time.advance(1)
        await until(lambda: len(handler.calls) == 4)
        gateway.hold_callbacks()
        gateway.message_is(id=5, phone=PHONE, status=1)
        await anyio.wait_all_tasks_blocked()
        gateway.release_callbacks()
        await until(lambda: len(handler.calls) == 5)
    assert [1, 1, 3, 2, 5] == numbers(handler)
    assert 0 == time.sleeping
    gateway.message_is(id=4, phone=PHONE, status=1)
    await anyio.wait_all_tasks_blocked()
    assert 5 == len(handler.calls)
    assert 1 == await gateway.deliver_due()


@pytest.mark.anyio
async def test_in_the_background_so_many_handlers_are_called_at_once() -> None:
    """Thirty-two of a hundred; the others follow as those answer."""
    let_go = anyio.Event()
    gateway, _, handler = told(Handler(before=let_go.wait))
    async with gateway.calling_back():
        for number in range(100):
            gateway.message_is(id=number, phone=PHONE, status=1)
        await until(lambda: len(handler.calls) >= 32)
        await anyio.wait_all_tasks_blocked()
        assert 32 == len(handler.calls) == sum(errand.taken for errand in gateway.callbacks())
        let_go.set()
        await until(lambda: len(gateway.callbacks("delivered")) == 100)
    assert list(range(100)) == sorted(numbers(handler))


@pytest.mark.anyio
async def test_what_the_background_had_begun_is_still_to_be_made() -> None:
    """The end of the block breaks calls off; none counts as an attempt, and none is lost."""
    gateway, _, handler = told(Handler(before=anyio.sleep_forever))
    async with gateway.calling_back():
        for number in range(40):
            gateway.message_is(id=number, phone=PHONE, status=1)
        await until(lambda: len(handler.calls) == 32)
    assert {(0, "pending")} == {(len(errand.attempts), errand.state) for errand in gateway.callbacks()}
    handler._before = None
    handler.calls.clear()
    assert 40 == await gateway.deliver_due()
    assert set(range(40)) == set(numbers(handler))


@pytest.mark.anyio
async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    """Not as one of a group."""
    gateway, _, _ = told()
    with pytest.raises(LookupError, match="mine"):
        async with gateway.calling_back():
            raise LookupError("mine")


@pytest.mark.anyio
async def test_two_at_work_tell_nobody_twice() -> None:
    """As where one simulator is served under two addresses."""
    gateway, _, handler = told()
    async with gateway.calling_back(), gateway.calling_back():
        for number in range(50):
            gateway.message_is(id=number, phone=PHONE, status=1)
            await anyio.lowlevel.checkpoint()
        await until(lambda: len(gateway.callbacks("delivered")) == 50)
    assert list(range(50)) == sorted(numbers(handler))


def test_reprs_tell_how_much_there_is_and_no_secret() -> None:
    """Of the errand, of the letter, and of what keeps them."""
    gateway, _, _ = told(query="!token=canary1?md5=canary2&key=canary3")
    gateway.subscriber_writes(PHONE, "canary4")
    shown = f"{gateway.callbacks()} {gateway._callbacks!r} {gateway._postman!r} {gateway.inbox!r}"
    assert "1 pending, 0 finished" in shown
    assert "canary" not in shown
