"""Who asks for the messages of all who wait, for how many at a time, and what a refused question comes to."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async import MessageState, MessageStatus, Recipient, SentMessage
from smsc_async._status_watch import Following, StatusWatch
from smsc_async.errors import (
    AddressBlocked,
    AuthenticationFailed,
    DeliveryTimeout,
    InvalidParameters,
    NoReply,
    SmscError,
)
from smsc_async.services.messages import Messages
from smsc_async.testing import FakeClock
from tests.services.fakes import Asked, FakeCaller

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from smsc_async._status_watch import Message

PHONE = "380671234567"
HANDED_OVER, DELIVERED = MessageStatus.HANDED_OVER, MessageStatus.DELIVERED


class Gateway:
    """Messages that are handed over until their ids are in *delivered*; it refuses whatever is about *refused* ones."""

    def __init__(self) -> None:
        self.delivered: set[str] = set()
        self.refused: dict[str, Exception] = {}
        self.failures: list[Exception] = []
        self.caller = FakeCaller(self._answer)
        self.clock = self.caller.clock
        self.messages = Messages(self.caller)
        self.questions: list[tuple[float, list[str]]] = []  # when it was asked, and for which messages
        self.found: dict[str, Any] = {}
        self.ended: dict[str, float] = {}

    def _answer(self, asked: Asked) -> object:
        ids = asked.params["id"].rstrip(",").split(",")
        self.questions.append((self.clock.now(), ids))
        for refusal in (self.refused[each] for each in ids if each in self.refused):
            return refusal
        if self.failures:
            return self.failures.pop(0)
        rows = [
            {"status": int(each in self.delivered), "id": each, "phone": phone}
            for each, phone in zip(ids, asked.params["phone"].split(","), strict=False)
        ]
        return rows[0] if asked.endpoint == "messages.status" else rows

    async def wait(self, message: str | SentMessage, **options: Any) -> None:
        """Wait, and keep what comes of it, and when."""
        name = message if isinstance(message, str) else message.id
        to = (PHONE,) if isinstance(message, str) else ()
        try:
            self.found[name] = [state.status for state in await self.messages.wait(message, *to, **options)]
        except SmscError as error:
            self.found[name] = error
        self.ended[name] = self.clock.now()

    def asked_at(self, name: str) -> list[float]:
        """Say when it was asked for a message."""
        return [moment for moment, ids in self.questions if name in ids]


def refused(code: int = 1) -> InvalidParameters:
    """Give the error of a question that the gateway does not answer."""
    return InvalidParameters(code, "parameters error", "messages.statuses")


# A question that is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0, 1, 7, 19])
@pytest.mark.anyio
async def test_the_message_for_which_a_question_is_refused_is_found(bad: int, anyio_backend: str) -> None:
    """Fewer and fewer are asked for until it stands alone; only who waits for it is told; then they are many again."""
    gateway = Gateway()
    gateway.refused[f"m{bad}"] = refused()
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(gateway.wait, f"m{number}")
        await gateway.clock.advance(12 * 62.0)
        assert {f"m{bad}": InvalidParameters} == {name: type(found) for name, found in gateway.found.items()}
        assert [f"m{bad}"] == next(ids for _, ids in reversed(gateway.questions) if f"m{bad}" in ids)
        good = [f"m{number}" for number in range(20) if number != bad]
        assert all(gateway.asked_at(name) for name in good)
        await gateway.clock.advance(4 * 62.0)
        assert len(good) == len(gateway.questions[-1][1])
        gateway.delivered.update(good)
        await gateway.clock.advance(62.0)
    assert [[DELIVERED]] * 19 == [gateway.found[name] for name in good]
    assert 0 == len(gateway.caller.status_watch)


@pytest.mark.anyio
async def test_several_bad_messages_are_found_one_after_the_other(anyio_backend: str) -> None:
    """Each ends the waits for it alone, also where others are waited for with it."""
    gateway = Gateway()
    gateway.refused = {"m3": refused(), "m11": refused()}
    sent = SentMessage(id="m3", recipients=[Recipient(phone=f"38067000000{number}") for number in range(4)])
    async with anyio.create_task_group() as tasks:
        for number in (0, 1, 2, *range(4, 16)):
            tasks.start_soon(gateway.wait, f"m{number}")
        tasks.start_soon(gateway.wait, sent)
        await gateway.clock.advance(30 * 62.0)
        assert {"m3": InvalidParameters, "m11": InvalidParameters} == {
            name: type(found) for name, found in gateway.found.items()
        }
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_while_one_is_looked_for_a_failure_passes(anyio_backend: str) -> None:
    """No answer says nothing about the messages: the search goes on after it."""
    gateway = Gateway()
    gateway.refused["m6"] = refused()
    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(gateway.wait, f"m{number}")
        await gateway.clock.advance(62.0)
        gateway.failures = [NoReply("messages.statuses", "x")] * 2
        await gateway.clock.advance(20 * 62.0)
        assert ["m6"] == list(gateway.found)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_few_that_are_left_of_a_refused_question_are_asked_for_one_by_one(anyio_backend: str) -> None:
    """Where the others are waited for no more, each of the rest is asked for by itself."""
    gateway = Gateway()
    gateway.refused["bad"] = refused()
    bad = SentMessage(id="bad", recipients=[Recipient(phone=f"38067000000{number}") for number in range(4)])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "m1")
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(gateway.wait, "m2")
        await gateway.clock.advance(1.0)
        tasks.start_soon(lambda: gateway.wait(bad, timeout=70.0))
        await gateway.clock.advance(0.0)
        assert (1.0, 6) == (gateway.questions[-1][0], len(gateway.questions[-1][1]))
        await gateway.clock.advance(70.0)
        assert isinstance(gateway.found["bad"], DeliveryTimeout | InvalidParameters)
        gateway.delivered.update({"m1", "m2"})
        await gateway.clock.advance(62.0)
        assert [DELIVERED] == gateway.found["m1"] == gateway.found["m2"]
        assert [["m1"], ["m2"]] == sorted(ids for _, ids in gateway.questions[-2:])


@pytest.mark.anyio
async def test_a_message_that_is_refused_alone_makes_the_others_no_fewer(anyio_backend: str) -> None:
    """All who wait for it are told; what is asked for next is as much as ever."""
    gateway = Gateway()
    gateway.refused["bad"] = refused()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "good")
        for _ in range(2):
            tasks.start_soon(gateway.wait, "bad")
        await gateway.clock.advance(1.0)
        assert InvalidParameters is type(gateway.found["bad"])
        assert "good" not in gateway.found
        for number in range(10):
            tasks.start_soon(gateway.wait, f"m{number}")
        await gateway.clock.advance(62.0)
        assert 11 == max(len(ids) for _, ids in gateway.questions)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("error", [AuthenticationFailed(2, "x", "y"), AddressBlocked(4, "x", "y")], ids=repr)
@pytest.mark.anyio
async def test_what_is_refused_whatever_is_asked_ends_the_wait_that_asked(error: Exception, anyio_backend: str) -> None:
    """No message is to blame, so the next who asks does so for all of the others."""
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        for number in range(9):
            tasks.start_soon(gateway.wait, f"m{number}")
        await gateway.clock.advance(61.0)
        gateway.failures = [error]
        await gateway.clock.advance(62.0)
        assert [error] == list(gateway.found.values())
        await gateway.clock.advance(62.0)
        assert 8 == len(gateway.questions[-1][1])
        tasks.cancel_scope.cancel()


# When, and for whom first -----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_new_message_wakes_the_one_who_asks(anyio_backend: str) -> None:
    """It is asked for at once, and not only when the next question about another one is due."""
    gateway = Gateway()
    gateway.delivered.add("m1")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "m0")
        await gateway.clock.advance(1.0)
        tasks.start_soon(lambda: gateway.wait("m1", timeout=10.0))
        await gateway.clock.advance(0.0)
        assert {"m1": [DELIVERED]} == gateway.found
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_who_cannot_wait_until_many_are_asked_for_asks_alone(anyio_backend: str) -> None:
    """Many are asked for once a minute; a wait that ends before is not left without an answer."""
    gateway = Gateway()
    gateway.delivered.add("hurried")
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(gateway.wait, f"m{number}")
        await gateway.clock.advance(1.0)
        tasks.start_soon(lambda: gateway.wait("hurried", timeout=45.0))
        tasks.start_soon(lambda: gateway.wait("patient", timeout=70.0))
        await gateway.clock.advance(0.0)
        assert ({"hurried": [DELIVERED]}, (1.0, ["hurried"])) == (gateway.found, gateway.questions[-1])
        assert [] == gateway.asked_at("patient")
        await gateway.clock.advance(61.0)
        assert (62.0, 6) == (gateway.questions[-1][0], len(gateway.questions[-1][1]))
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_hurried_wait_does_not_rely_on_what_another_heard(anyio_backend: str) -> None:
    """A message that is waited for already is asked for anew, unless that was just done."""
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(gateway.wait, f"m{number}")
            await anyio.wait_all_tasks_blocked()
        await gateway.clock.advance(14.0)
        assert [["m0"], ["m1"], ["m2"], ["m3", "m0", "m1", "m2"]] == [ids for _, ids in gateway.questions]
        tasks.start_soon(lambda: gateway.wait("m3", timeout=2.0))
        await gateway.clock.advance(6.0)
        assert [0.0] == gateway.asked_at("m3")
        gateway.delivered.add("m3")
        tasks.start_soon(lambda: gateway.wait("m3", timeout=2.0))
        await gateway.clock.advance(0.0)
        assert [0.0, 20.0] == gateway.asked_at("m3")
        assert [DELIVERED] == gateway.found["m3"]
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_new_messages_do_not_keep_the_old_ones_waiting(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more begin to be waited for each minute than one question takes, half of it are those that came before."""
    monkeypatch.setattr("smsc_async._status_watch.MOST", 10)
    gateway = Gateway()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gateway.wait, "old")
        await gateway.clock.advance(1.0)
        gateway.delivered.add("old")
        for minute in range(4):
            for number in range(25):
                tasks.start_soon(lambda name=f"m{minute}-{number}": gateway.wait(name, timeout=300.0))
            await gateway.clock.advance(62.0)
        assert [DELIVERED] == gateway.found["old"]
        assert 130.0 > gateway.ended["old"]
        assert 10 == max(len(ids) for _, ids in gateway.questions)
        tasks.cancel_scope.cancel()


# Event loops that stop, and threads -------------------------------------------------------------------------------


class Stoppable(Following):
    """A wait whose event loop can be said to be stopped."""

    runs = True

    @property
    def is_alive(self) -> bool:
        """Say so."""
        return self.runs


class Questions:
    """What is asked of a gateway that tells states of *known* messages, and never answers for *silent* ones."""

    def __init__(self, known: Mapping[str, MessageStatus], silent: str = "") -> None:
        self.known = dict(known)
        self.silent = silent
        self.asked: list[list[str]] = []

    async def look(self, messages: Sequence[Message]) -> dict[Message, MessageState]:
        """Ask."""
        self.asked.append([name for name, _ in messages])
        if self.silent in self.asked[-1]:
            await anyio.sleep_forever()
        return {
            (name, phone): MessageState(id=name, phone=phone, status=self.known[name])
            for name, phone in messages
            if name in self.known
        }


@pytest.mark.anyio
async def test_a_stopped_loop_keeps_neither_the_turn_nor_its_messages(anyio_backend: str) -> None:
    """Who waited before it stopped takes over after a minute; of its messages nobody asks any more."""
    clock, watch = FakeClock(), StatusWatch()
    questions = Questions({"mine": DELIVERED, "more": HANDED_OVER}, silent="theirs")
    ended: list[float] = []
    async with anyio.create_task_group() as tasks:
        theirs = Stoppable([("theirs", PHONE)])
        tasks.start_soon(watch.arrival, theirs, questions.look, clock)
        await anyio.wait_all_tasks_blocked()

        async def mine() -> None:
            await watch.arrival(Following([("mine", PHONE), ("mine", "2"), ("mine", "3")]), questions.look, clock)
            ended.append(clock.now())

        tasks.start_soon(mine)
        await clock.advance(1.0)
        theirs.runs = False
        await clock.advance(60.0)
        assert [["theirs"]] == questions.asked
        await clock.advance(1.0)
        assert [["theirs"], ["mine"], ["mine"], ["mine"]] == questions.asked
        assert ([62.0], 0) == (ended, len(watch))
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_loop_that_runs_again_has_its_messages_asked_for_again(anyio_backend: str) -> None:
    """What others gave up while it was stopped is taken up when its task goes on."""
    clock, watch = FakeClock(), StatusWatch()
    questions = Questions({"theirs": HANDED_OVER, "mine": HANDED_OVER})
    async with anyio.create_task_group() as tasks:
        theirs = Stoppable([("theirs", PHONE)])
        tasks.start_soon(watch.arrival, Following([("mine", PHONE)]), questions.look, clock)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(watch.arrival, theirs, questions.look, clock)
        await clock.advance(1.0)
        theirs.runs = False
        await clock.advance(50.0)
        assert 1 == len(watch)
        theirs.runs = True
        questions.known["theirs"] = DELIVERED
        await clock.advance(30.0)
        assert set() == theirs.open
        tasks.cancel_scope.cancel()


def test_a_wait_in_a_loop_that_was_left_holds_nobody_up() -> None:
    """A cell of a notebook, or a test: its loop stands still with a task in it that has the turn."""
    watch, questions = StatusWatch(), Questions({"old": HANDED_OVER, "new": DELIVERED})

    async def begin() -> asyncio.Task[None]:
        following = Following([("old", PHONE)])
        waits = asyncio.ensure_future(watch.arrival(following, questions.look, FakeClock()))
        await anyio.wait_all_tasks_blocked()
        return waits

    async def other() -> None:
        following = Following([("new", PHONE)])
        await watch.arrival(following, questions.look, FakeClock())

    async def end(waits: asyncio.Task[None]) -> None:
        waits.cancel()
        await asyncio.wait([waits])

    with asyncio.Runner() as left, asyncio.Runner() as running:
        waits = left.run(begin())
        running.run(asyncio.wait_for(other(), 60.0))
        left.run(end(waits))
    assert [["old"], ["new"]] == questions.asked


class Watched(set[Any]):
    """A set that lets another thread go first when it is read, or when something is looked for in it."""

    def __init__(self, values: Any, **first: Any) -> None:
        super().__init__(values)
        self._first = first

    def __iter__(self) -> Iterator[Any]:
        """Let it go, once."""
        self._let_go("read")
        return super().__iter__()

    def __contains__(self, value: object) -> bool:
        """Likewise."""
        self._let_go("searched")
        return super().__contains__(value)

    def _let_go(self, when: str) -> None:
        if when in self._first:
            thread = threading.Thread(target=self._first.pop(when))
            thread.start()
            thread.join()


@pytest.mark.parametrize("when", ["read", "searched"])
@pytest.mark.parametrize("others", [[], [("m2", PHONE)]], ids=["all", "one of two"])
@pytest.mark.anyio
async def test_a_callback_that_comes_as_a_look_begins_ends_it(
    others: list[Message], when: str, anyio_backend: str
) -> None:
    """Another thread tells of a message between two steps of the one who waits for it."""
    clock, watch, questions = FakeClock(), StatusWatch(), Questions({"m2": HANDED_OVER})
    message = ("m1", PHONE)
    following = Following([message, *others])
    state = MessageState(id="m1", phone=PHONE, status=DELIVERED)
    following.open = Watched(following.open, **{when: lambda: following.arrive(message, state)})
    ended: list[float] = []

    async def look() -> None:
        await watch.one_look(following, questions.look, clock)
        ended.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await clock.advance(62.0)
        tasks.cancel_scope.cancel()
    assert [0.0] == ended
    assert set(others) == set(following.open)
    assert 0 == len(watch)
    assert {name for name, _ in others} <= {name for names in questions.asked for name in names}
