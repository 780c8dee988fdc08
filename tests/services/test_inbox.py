"""The inbox: its list in every format, and new messages followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async import InboxMessage, Listing, LocalTime, ReplyFormat
from smsc_async._convert import structure
from smsc_async._wire import decode
from smsc_async.errors import InvalidArgument, InvalidArgumentType, NoReply
from smsc_async.services.inbox import LIST, Inbox
from tests.services.fakes import Asked, FakeCaller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

ROW = {
    "id": 12,
    "received": "22.11.2026 10:20:30",
    "phone": "380671234567",
    "message": "Так, але не зараз",
    "to_phone": "380440000101",
    "sent": "22.11.2026 10:20:29",
}
MESSAGE = InboxMessage(
    id=12,
    received=LocalTime("22.11.2026 10:20:30"),
    phone="380671234567",
    text="Так, але не зараз",
    to="380440000101",
    sent=LocalTime("22.11.2026 10:20:29"),
)


def row(number: int, text: str = "text", phone: str = "380671234567") -> dict[str, object]:
    """Give a row of the inbox."""
    return {**ROW, "id": number, "message": text, "phone": phone}


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (
            ReplyFormat.TEXT,
            (
                "id = 12, received = 22.11.2026 10:20:30, phone = 380671234567, message = Так, але не зараз,"
                " to_phone = 380440000101, sent = 22.11.2026 10:20:29"
            ),
        ),
        (ReplyFormat.CSV, "12,22.11.2026 10:20:30,380671234567,Так, але не зараз,380440000101,22.11.2026 10:20:29"),
        (
            ReplyFormat.XML,
            (
                "<list><answer><id>12</id><received>22.11.2026 10:20:30</received><phone>380671234567</phone>"
                "<message>Так, але не зараз</message><to_phone>380440000101</to_phone>"
                "<sent>22.11.2026 10:20:29</sent></answer></list>"
            ),
        ),
        (
            ReplyFormat.XML,  # nobody documents the tags
            (
                "<messages><m><id>12</id><received>22.11.2026 10:20:30</received><phone>380671234567</phone>"
                "<message>Так, але не зараз</message><to_phone>380440000101</to_phone>"
                "<sent>22.11.2026 10:20:29</sent></m></messages>"
            ),
        ),
        (
            ReplyFormat.XML,  # and one alone may come without a list around it
            (
                "<answer><id>12</id><received>22.11.2026 10:20:30</received><phone>380671234567</phone>"
                "<message>Так, але не зараз</message><to_phone>380440000101</to_phone>"
                "<sent>22.11.2026 10:20:29</sent></answer>"
            ),
        ),
        (
            ReplyFormat.JSON,
            (
                '[{"id":12,"received":"22.11.2026 10:20:30","phone":"380671234567","message":"Так, але не зараз",'
                '"to_phone":"380440000101","sent":"22.11.2026 10:20:29"}]'
            ),
        ),
    ],
)
def test_the_list_is_the_same_in_every_format(asked: ReplyFormat, body: str) -> None:
    """A message with commas is read from all four forms."""
    plain = decode(body.encode(), asked=asked, shape=LIST.shape)
    assert [MESSAGE] == structure(plain, LIST.reply, shape=LIST.shape)


@pytest.mark.parametrize(("asked", "body"), [(ReplyFormat.JSON, b"[]"), (ReplyFormat.XML, b"<list></list>")])
def test_an_empty_list_is_one(asked: ReplyFormat, body: bytes) -> None:
    """No messages are no error."""
    assert [] == structure(decode(body, asked=asked, shape=LIST.shape), LIST.reply, shape=LIST.shape)


@pytest.mark.anyio
async def test_the_parameters_are_the_gateways() -> None:
    """Each argument has its name; what is not given is not sent."""
    caller = FakeCaller([ROW])
    inbox = Inbox(caller)
    assert Listing([MESSAGE]) == await inbox.list()
    await inbox.list(limit=10, hours=0.5, after_id=42, to_phone="+380 44 000-01-01")
    await inbox.list(hours=168)
    assert caller.asked == [
        Asked("inbox.list", {"get_answers": "1"}),
        Asked(
            "inbox.list",
            {"get_answers": "1", "cnt": "10", "hour": "0.5", "after_id": "42", "to_phone": "380440000101"},
        ),
        Asked("inbox.list", {"get_answers": "1", "hour": "168"}),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"limit": 0}, InvalidArgument, "limit: must be 1 or more"),
        ({"limit": 10_001}, InvalidArgument, "limit: must be 10000 or less"),
        ({"limit": "10"}, InvalidArgumentType, "limit: must be an int, not str"),
        ({"hours": 0}, InvalidArgument, "hours: must be 0.0001 or more"),
        ({"hours": 0.00001}, InvalidArgument, "hours: must be 0.0001 or more"),
        ({"hours": 168.5}, InvalidArgument, "hours: .*at most 168, which is a week"),
        ({"hours": True}, InvalidArgumentType, "hours: must be a number of hours, not bool"),
        ({"hours": float("nan")}, InvalidArgument, "hours: must be 0.0001 or more"),
        ({"after_id": -1}, InvalidArgument, "after_id: must be 0 or more"),
        ({"to_phone": "x"}, InvalidArgument, "to_phone: must be digits"),
    ],
)
async def test_bad_arguments_are_refused(
    arguments: dict[str, Any], error: type[InvalidArgument], sentence: str
) -> None:
    """Nothing is sent, and the sentence says what would do."""
    caller = FakeCaller([])
    with pytest.raises(error, match=sentence):
        await Inbox(caller).list(**arguments)
    assert [] == caller.asked


class Growing:
    """An inbox to which rows are added."""

    def __init__(self, *rows: dict[str, object]) -> None:
        self.rows = list(rows)

    def __call__(self, asked: Asked) -> Sequence[dict[str, object]]:
        after = int(asked.params.get("after_id", "0"))
        return [one for one in reversed(self.rows) if isinstance(one["id"], int) and one["id"] > after]


async def follow_into(got: list[int], messages: AsyncIterator[InboxMessage]) -> None:
    """Note the ids of messages as they come."""
    async for message in messages:
        got.append(message.id)  # noqa: PERF401 - it has no end


@pytest.mark.anyio
async def test_new_messages_are_followed_in_the_order_of_their_ids() -> None:
    """What was there before is left out; then every message comes once, and the pauses are the clock's."""
    growing = Growing(row(3), row(5))
    caller = FakeCaller(growing)
    got: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow_into, got, Inbox(caller).follow())
        await caller.clock.advance(5)
        assert not got
        growing.rows += [row(8), row(7), row(6)]
        await caller.clock.advance(14)
        assert not got
        await caller.clock.advance(2)
        assert [6, 7, 8] == got
        growing.rows += [row(9)]
        await caller.clock.advance(20)
        tasks.cancel_scope.cancel()
    assert [6, 7, 8, 9] == got
    assert ["1", None, None] == [asked.params.get("hour") for asked in caller.asked[:3]]
    assert ["5", "5", "8"] == [asked.params.get("after_id") for asked in caller.asked[1:4]]


@pytest.mark.anyio
async def test_a_follower_may_begin_where_it_ended_before() -> None:
    """With an id nothing is left out that came behind it."""
    caller = FakeCaller(Growing(row(3), row(5)))
    messages = Inbox(caller).follow(after_id=3, to_phone="380440000101")
    assert 5 == (await anext(messages)).id
    await messages.aclose()
    assert [{"get_answers": "1", "cnt": "10000", "after_id": "3", "to_phone": "380440000101"}] == [
        one.params for one in caller.asked
    ]


def test_a_call_is_told_from_a_message() -> None:
    """The gateway notes a call as a message of one word."""
    texts = ["[waitcall]", " [waitcall] ", "waitcall", "I wrote [waitcall]", ""]
    assert [True, True, False, False, False] == [InboxMessage(id=1, phone="1", text=text).is_call for text in texts]


class Aged:
    """An inbox that looks back as far as it is asked to, else a day."""

    def __init__(self) -> None:
        self.rows: list[tuple[dict[str, object], float]] = []  # and when each came
        self.failures: list[BaseException] = []
        self.now: Callable[[], float]

    def __call__(self, asked: Asked) -> Any:
        if self.failures:
            return self.failures.pop()
        after = int(asked.params.get("after_id", "0"))
        since = self.now() - 3_600.0 * float(asked.params.get("hour", "24"))
        return [one for one, came in self.rows if int(str(one["id"])) > after and came >= since]


@pytest.mark.anyio
@pytest.mark.parametrize("every", [20.0, 3 * 3_600.0])
async def test_what_was_there_before_is_left_out_also_where_it_is_old(every: float) -> None:
    """The inbox held nothing within an hour, so there is no row to begin behind; yesterday's are not new."""
    aged = Aged()
    caller = FakeCaller(aged)
    aged.now = caller.clock.now
    aged.rows.append((row(3), -2 * 3_600.0))
    got: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow_into, got, Inbox(caller).follow(every=every))
        await caller.clock.advance(every + 10)
        assert not got
        aged.rows.append((row(4), caller.clock.now()))
        await caller.clock.advance(every + 10)
        assert [4] == got
        aged.rows.append((row(5), caller.clock.now()))
        await caller.clock.advance(every + 10)
        tasks.cancel_scope.cancel()
    assert [4, 5] == got


@pytest.mark.anyio
async def test_a_follower_survives_what_passes(caplog: pytest.LogCaptureFixture) -> None:
    """The network is gone for a while: it is told, and nothing is left out."""
    aged = Aged()
    caller = FakeCaller(aged)
    aged.now = caller.clock.now
    got: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow_into, got, Inbox(caller).follow())
        await caller.clock.advance(1)
        aged.failures += [NoReply("inbox.list", "down")] * 3
        aged.rows.append((row(4), caller.clock.now()))
        await caller.clock.advance(90)
        tasks.cancel_scope.cancel()
    assert [4] == got
    assert 3 == caplog.text.count("the inbox could not be read, and is read again")


@pytest.mark.anyio
async def test_where_to_begin_must_be_known() -> None:
    """What came before that was known could not be told from what was there."""
    with pytest.raises(NoReply):
        await anext(Inbox(FakeCaller(NoReply("inbox.list", "down"))).follow())
