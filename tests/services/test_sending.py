"""A message is sent once: what is asked of the gateway, what comes of it, and what is done when no answer comes."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async import (
    Captcha,
    CodeCall,
    File,
    Hours,
    MessageStatus,
    Mms,
    Price,
    Recipient,
    SentMessage,
    Sms,
    Spread,
    new_message_id,
)
from smsc_async.errors import (
    AccountLocked,
    InsufficientFunds,
    InvalidArgument,
    MessageOutcomeUnknown,
    NoReply,
    OutcomeStillUnknown,
    OutcomeUnknown,
    PartlySent,
    ReplyError,
    SmscError,
    TooManyRequests,
    WaitTooLong,
    WrongCaptcha,
)
from smsc_async.services.messages import Messages
from tests.services.fakes import Asked, FakeCaller

if TYPE_CHECKING:
    from collections.abc import Callable

PHONE = "380671234567"
OTHER = "380671234568"
MISSING = {"status": -3}
WAITING = {"status": -1, "last_date": "01.01.2026 02:00:00", "last_timestamp": 1767225600}


def answered(asked: Asked) -> dict[str, object]:
    """Answer a request to send as the gateway does."""
    return {"id": asked.params["id"], "cnt": 1, "cost": "0.30", "balance": "99.70"}


def lost(reason: str = "no answer") -> OutcomeUnknown:
    """Give the error of a call whose answer was lost."""
    return OutcomeUnknown("messages.send", "m1", reason)


def duplicate() -> TooManyRequests:
    """Give the error of a call that the gateway takes for a repeat."""
    return TooManyRequests(9, "duplicate request, wait a minute", "messages.send", "duplicate")


class Gateway:
    """Answers sends with *send*, and questions about statuses with *states*, one after the other, the last for ever."""

    def __init__(self, send: object, *states: object) -> None:
        self._send = send
        self._states = list(states)
        self.caller = FakeCaller(self._answer)
        self.messages = Messages(self.caller)

    def _answer(self, asked: Asked) -> object:
        if asked.endpoint == "messages.send":
            send: Any = self._send
            return send(asked) if callable(send) else send
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    @property
    def sends(self) -> list[Asked]:
        """What was sent."""
        return [asked for asked in self.caller.asked if asked.endpoint == "messages.send"]

    @property
    def looks(self) -> list[dict[str, str]]:
        """What was asked about statuses."""
        return [asked.params for asked in self.caller.asked if asked.endpoint != "messages.send"]


# What is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_message_is_sent_with_an_id() -> None:
    """The phone is written so that the gateway leaves it alone; an id goes with it; the answer says what it cost."""
    gateway = Gateway(answered)
    sent = await gateway.messages.send("+380 67 123-45-67", "Your code is 1234")
    (asked,) = gateway.sends
    message_id = asked.params.pop("id")
    assert {"phones": f"+{PHONE}", "mes": "Your code is 1234", "cost": "3"} == asked.params
    assert {"subject": message_id} == asked.options
    expected = SentMessage(
        id=message_id,
        parts=1,
        cost=Decimal("0.30"),
        balance=Decimal("99.70"),
        recipients=[Recipient(phone=PHONE)],
    )
    assert expected == sent
    assert ([], [PHONE]) == (sent.failed, [each.phone for each in sent.unknown])
    assert [(Decimal("99.70"), Decimal("0.30"))] == gateway.caller.balances
    assert [] == gateway.looks


def test_ids_are_made_up_such_that_logs_show_them() -> None:
    """They have no digits, which logs mask, and no two are the same."""
    ids = {new_message_id() for _ in range(1_000)}
    assert 1_000 == len(ids)
    assert all(len(each) == 20 and each.isalpha() and each.isascii() for each in ids)


@pytest.mark.asyncio
async def test_all_that_can_be_said_of_a_message_is_sent() -> None:
    """Each argument becomes the gateway's parameter."""
    gateway = Gateway(answered)
    await gateway.messages.send(
        [PHONE, OTHER, "+380 67 123 45 67", "g7"],
        "one\r\ntwo",
        kind=Sms(short_links=True, max_parts=3),
        id="order-17",
        sender="Shop",
        at=datetime(2026, 1, 1, 12, 0, tzinfo=UTC),
        spread=Spread(over=timedelta(hours=24), every=timedelta(hours=1)),
        validity=timedelta(hours=1, minutes=30),
        comment="for Anna",
        captcha=Captcha(code=" x7 ", user_ip="203.0.113.5"),
        details=True,
    )
    expected = {
        "phones": f"+{PHONE},+{OTHER},G7",
        "mes": "one\ntwo\n~~~\nfor Anna",
        "tinyurl": "1",
        "maxsms": "3",
        "sender": "Shop",
        "time": "01767268800",
        "period": "24",
        "freq": "60",
        "valid": "01:30",
        "id": "order-17",
        "imgcode": "x7",
        "userip": "203.0.113.5",
        "op": "1",
        "err": "1",
        "cost": "3",
    }
    assert [expected] == [asked.params for asked in gateway.sends]


@pytest.mark.asyncio
async def test_each_may_have_a_text_of_their_own() -> None:
    """A mapping of phones to texts is sent as lines, with line breaks written out."""
    gateway = Gateway(answered)
    sent = await gateway.messages.send({PHONE: "one\ntwo", OTHER: "three"}, at=timedelta(minutes=5))
    (asked,) = gateway.sends
    assert (f"+{PHONE}:one\\ntwo\n+{OTHER}:three", "+5") == (asked.params["list"], asked.params["time"])
    assert "mes" not in asked.params
    assert [PHONE, OTHER] == [each.phone for each in sent.recipients]


@pytest.mark.asyncio
async def test_files_go_with_it() -> None:
    """They are handed to the session, which sends them in parts."""
    gateway = Gateway(answered)
    picture = File("a.png", b"x" * 200)
    await gateway.messages.send(PHONE, "look", kind=Mms(subject="A picture"), files=[picture])
    (asked,) = gateway.sends
    assert (picture,) == asked.options["files"]
    assert ("1", "A picture") == (asked.params["mms"], asked.params["subj"])


@pytest.mark.asyncio
async def test_a_code_call_tells_the_code() -> None:
    """The gateway names the code that the subscriber sees."""
    gateway = Gateway(lambda asked: {**answered(asked), "code": "123456"})
    sent = await gateway.messages.send(PHONE, kind=CodeCall())
    assert "123456" == sent.code
    assert ("1", "code") == (gateway.sends[0].params["call"], gateway.sends[0].params["mes"])


@pytest.mark.parametrize(
    ("sent", "told", "known"),
    [
        ("m1", "m1", "m1"),
        ("17", 17, "17"),
        ("17", "0017", "17"),
        ("m1", 999, "999"),
        ("order-17", "order-1", "order-17"),
    ],
)
@pytest.mark.asyncio
async def test_the_id_is_one_by_which_the_gateway_knows_the_message(sent: str, told: object, known: str) -> None:
    """An answer with another id is believed, unless it is ours written otherwise, or half of it."""
    gateway = Gateway(lambda asked: {**answered(asked), "id": told}, MISSING)
    assert known == (await gateway.messages.send(PHONE, "hi", id=sent)).id
    assert [] == gateway.looks


@pytest.mark.asyncio
async def test_details_say_what_became_of_each() -> None:
    """Recipients come in the order in which they were given, failures apart; one that the gateway changed comes too."""

    def send(asked: Asked) -> object:
        phones = [
            {"phone": OTHER, "mccmnc": "25501", "cost": "0.30", "status": "0", "error": "0"},
            {"phone": "380671111111", "mccmnc": "", "cost": "0", "status": "22", "error": "249"},
        ]
        return {**answered(asked), "phones": phones}

    sent = await Gateway(send).messages.send([PHONE, OTHER], "hi", details=True)
    assert [PHONE, OTHER, "380671111111"] == [each.phone for each in sent.recipients]
    assert [PHONE] == [each.phone for each in sent.unknown]
    (failed,) = sent.failed
    assert (MessageStatus.WRONG_NUMBER, 249, Decimal(0), None) == (
        failed.status,
        failed.error,
        failed.cost,
        failed.mccmnc,
    )


@pytest.mark.asyncio
async def test_details_may_tell_phones_as_they_were_sent() -> None:
    """With the plus that they were sent with they are the same recipients."""

    def send(asked: Asked) -> object:
        return {**answered(asked), "phones": [{"phone": each} for each in asked.params["phones"].split(",")]}

    sent = await Gateway(send).messages.send([PHONE, OTHER], "hi", details=True)
    assert [Recipient(phone=PHONE), Recipient(phone=OTHER)] == sent.recipients


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("", "hi"), "to"),
        ((None, "hi"), "to"),
        (([], "hi"), "to"),
        ((380671234567, "hi"), "to"),
        (("0671234567", "hi"), "to"),
        ((PHONE, ""), "text"),
        ((PHONE, None), "text"),
        ((PHONE, "__CALL__ hi"), "text"),
        ((PHONE, "hi\n~~~\nnote"), "text"),
        ((PHONE, "x" * 1001), "text"),
        (({PHONE: "hi"}, "hi"), "text"),
        (({PHONE: "hi", "+" + PHONE: "ho"}, None), "to"),
        (({PHONE: r"a\nb"}, None), "to"),
    ],
)
@pytest.mark.asyncio
async def test_what_cannot_be_sent_is_refused_before(arguments: Any, name: str) -> None:
    """Bad recipients and texts raise, and nothing is sent."""
    gateway = Gateway(answered)
    with pytest.raises(InvalidArgument) as caught:
        await gateway.messages.send(*arguments)
    assert name == caught.value.name
    assert [] == gateway.caller.asked


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"kind": Sms}, "kind"),
        ({"kind": "sms"}, "kind"),
        ({"id": "a b"}, "id"),
        ({"id": "x" * 41}, "id"),
        ({"id": 17}, "id"),
        ({"sender": "a name that is too long"}, "sender"),
        ({"at": datetime(2026, 1, 1, 12, 0)}, "at"),  # noqa: DTZ001 - that is what is refused
        ({"at": datetime(2025, 12, 31, tzinfo=UTC)}, "at"),
        ({"at": "tomorrow"}, "at"),
        ({"spread": timedelta(hours=1)}, "spread"),
        ({"validity": timedelta(days=2)}, "validity"),
        ({"comment": "two\nlines"}, "comment"),
        ({"files": [File("a.png", b"x" * 200)]}, "files"),
        ({"file_url": "https://example.com/a.png"}, "file_url"),
        ({"captcha": "x7"}, "captcha"),
        ({"details": 1}, "details"),
    ],
)
@pytest.mark.asyncio
async def test_bad_options_are_refused_before(options: dict[str, Any], name: str) -> None:
    """Each names itself, and nothing is sent."""
    gateway = Gateway(answered)
    with pytest.raises(InvalidArgument) as caught:
        await gateway.messages.send(PHONE, "hi", **options)
    assert name == caught.value.name
    assert [] == gateway.caller.asked


@pytest.mark.asyncio
async def test_hours_of_the_day_are_counted_from_moscow() -> None:
    """The gateway's time zones are relative to that of Moscow."""
    gateway = Gateway(answered)

    await gateway.messages.send(PHONE, "hi", at=Hours(9, 21, timezone(timedelta(hours=2))))
    (asked,) = gateway.sends
    assert ("9-21", "-1") == (asked.params["time"], asked.params["tz"])


@pytest.mark.parametrize(
    ("code", "error"), [(3, InsufficientFunds), (10, WrongCaptcha)], ids=["no money", "wrong captcha"]
)
@pytest.mark.asyncio
async def test_a_refusal_is_final(code: int, error: type[Exception]) -> None:
    """The gateway did not send it, so nothing is looked for."""
    gateway = Gateway({"error": "no", "error_code": code, "id": "m1"})
    with pytest.raises(error):
        await gateway.messages.send(PHONE, "hi")
    assert [] == gateway.looks


# No answer --------------------------------------------------------------------------------------------------------


async def outcome_of(gateway: Gateway, *, to: Any = PHONE, seconds: float = 20.0, **options: Any) -> Any:
    """Send, and move the clock on meanwhile."""
    found: list[Any] = []

    async def send() -> None:
        try:
            found.append(await gateway.messages.send(to, "hi", id="m1", **options))
        except SmscError as error:
            found.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        await gateway.caller.clock.advance(seconds)
        tasks.cancel_scope.cancel()
    return found[0] if found else None


@pytest.mark.anyio
async def test_a_lost_answer_is_looked_for(anyio_backend: str) -> None:
    """What the gateway knows was sent, and is told as such; it is not sent again."""
    gateway = Gateway(lost(), WAITING)
    sent = await outcome_of(gateway)
    expected = SentMessage(id="m1", recipients=[Recipient(phone=PHONE, status=MessageStatus.WAITING)])
    assert expected == sent
    assert 1 == len(gateway.sends)
    assert [{"phone": PHONE, "id": "m1", "all": "0"}] == gateway.looks
    assert [("messages.send", "m1")] == gateway.caller.settled


@pytest.mark.anyio
async def test_a_message_that_comes_late_is_found(anyio_backend: str) -> None:
    """The request may still be on its way: it is looked for five times in 15 seconds."""
    gateway = Gateway(lost(), MISSING, MISSING, NoReply("messages.status", "x"), MISSING, WAITING)
    sent = await outcome_of(gateway, seconds=14.9)
    assert sent is None
    assert 4 == len(gateway.looks)
    gateway = Gateway(lost(), MISSING, MISSING, NoReply("messages.status", "x"), MISSING, WAITING)
    assert isinstance(await outcome_of(gateway, seconds=15.0), SentMessage)
    assert 5 == len(gateway.looks)


@pytest.mark.anyio
async def test_what_is_not_found_is_unknown(anyio_backend: str) -> None:
    """The error has the id and the phones, survives a pickle, and nothing is sent again."""
    gateway = Gateway(lost("connection broken"), MISSING)
    error = await outcome_of(gateway)
    assert isinstance(error, MessageOutcomeUnknown)
    assert ("m1", (PHONE,), "connection broken") == (error.reference, error.phones, error.reason)
    assert error.lost_at == datetime(2026, 1, 1, tzinfo=UTC)
    again = pickle.loads(pickle.dumps(error))
    assert (error.reference, error.phones, error.lost_at) == (again.reference, again.phones, again.lost_at)
    assert "m1" in str(error)
    assert "messages.resolve" in str(error)
    assert PHONE not in repr(error) + str(error)
    assert (1, 5) == (len(gateway.sends), len(gateway.looks))
    assert [] == gateway.caller.settled


@pytest.mark.anyio
async def test_one_recipient_after_the_other_is_asked_for(anyio_backend: str) -> None:
    """One that the gateway knows is enough; the first may have a number that it does not take."""
    gateway = Gateway(lost(), MISSING, WAITING)
    sent = await outcome_of(gateway, to=[PHONE, OTHER])
    assert [PHONE, OTHER] == [look["phone"] for look in gateway.looks]
    assert [None, MessageStatus.WAITING] == [each.status for each in sent.recipients]


@pytest.mark.anyio
async def test_groups_cannot_be_looked_for(anyio_backend: str) -> None:
    """Nobody here knows who is in them, so the outcome is unknown at once."""
    gateway = Gateway(lost(), MISSING)
    error = await outcome_of(gateway, to="G7", seconds=0.0)
    assert isinstance(error, MessageOutcomeUnknown)
    assert [] == gateway.looks


@pytest.mark.anyio
async def test_the_looks_end_with_the_callers_patience(anyio_backend: str) -> None:
    """What is left of `max_wait` after the exchange is for looking, and no more; each look knows when it must end."""
    gateway = Gateway(lost(), MISSING)
    gateway.caller.max_wait = 2.0
    error = await outcome_of(gateway, seconds=2.0)
    assert isinstance(error, MessageOutcomeUnknown)
    assert 2 == len(gateway.looks)
    assert {2.0} == {asked.options["deadline"] for asked in gateway.caller.asked}


@pytest.mark.anyio
async def test_the_looks_end_after_twenty_seconds(anyio_backend: str) -> None:
    """However long the limits or the network would hold them."""
    gateway = Gateway(lost(), MISSING)
    assert isinstance(await outcome_of(gateway), MessageOutcomeUnknown)
    assert [None, *[20.0] * 5] == [asked.options.get("deadline") for asked in gateway.caller.asked]


@pytest.mark.parametrize("failure", [NoReply("x", "x"), ReplyError("x", "x"), WaitTooLong(9.0, "x")], ids=repr)
@pytest.mark.anyio
async def test_a_look_that_fails_says_nothing(failure: Exception, anyio_backend: str) -> None:
    """Where the gateway cannot be asked, the outcome stays unknown."""
    gateway = Gateway(lost(), failure)
    error = await outcome_of(gateway)
    assert isinstance(error, MessageOutcomeUnknown)
    assert 5 == len(gateway.looks)


@pytest.mark.anyio
async def test_a_locked_account_is_not_asked_again(anyio_backend: str) -> None:
    """No more looks than one, because none of them will be sent."""
    gateway = Gateway(lost(), AccountLocked(datetime(2026, 1, 1, tzinfo=UTC), "x"))
    error = await outcome_of(gateway, seconds=0.0)
    assert isinstance(error, MessageOutcomeUnknown)
    assert 1 == len(gateway.looks)


@pytest.mark.anyio
async def test_an_id_whose_outcome_is_unknown_is_looked_for_and_not_sent(anyio_backend: str) -> None:
    """Sending it again with the same id finds what the first one came to."""
    gateway = Gateway(OutcomeStillUnknown("messages.send", "m1", "an earlier call has an unknown outcome"), WAITING)
    assert isinstance(await outcome_of(gateway), SentMessage)


# Duplicates -------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_duplicate_of_itself_was_sent(anyio_backend: str) -> None:
    """Something on the way sent the request twice, or another process did: the gateway has the message."""
    gateway = Gateway(duplicate(), WAITING)
    assert isinstance(await outcome_of(gateway, seconds=0.0), SentMessage)


@pytest.mark.anyio
async def test_a_duplicate_of_another_was_not_sent(anyio_backend: str) -> None:
    """The gateway does not know this id: another message with these words was sent within the minute."""
    gateway = Gateway(duplicate(), MISSING)
    assert isinstance(await outcome_of(gateway), TooManyRequests)
    assert (1, 5) == (len(gateway.sends), len(gateway.looks))


@pytest.mark.anyio
async def test_a_duplicate_of_itself_may_be_listed_late(anyio_backend: str) -> None:
    """It is looked for as long as one whose answer was lost."""
    gateway = Gateway(duplicate(), MISSING, MISSING, WAITING)
    assert isinstance(await outcome_of(gateway), SentMessage)
    assert 3 == len(gateway.looks)


@pytest.mark.anyio
async def test_a_duplicate_that_cannot_be_looked_for_is_unknown(anyio_backend: str) -> None:
    """It is probably sent already, so nobody is told that it was not."""
    gateway = Gateway(duplicate(), NoReply("messages.status", "x"))
    error = await outcome_of(gateway)
    assert isinstance(error, MessageOutcomeUnknown)
    assert "duplicate" in error.reason


@pytest.mark.anyio
async def test_too_many_at_once_is_no_duplicate(anyio_backend: str) -> None:
    """Error 9 of the other kind has been repeated by then; nothing was sent, and nothing is looked for."""
    gateway = Gateway(TooManyRequests(9, "too many concurrent requests", "messages.send", "concurrency"), WAITING)
    assert isinstance(await outcome_of(gateway, seconds=0.0), TooManyRequests)
    assert [] == gateway.looks


# Large lists ------------------------------------------------------------------------------------------------------


def many(count: int) -> list[str]:
    """Give as many phones."""
    return [f"3806700{number:05d}" for number in range(count)]


@pytest.mark.anyio
async def test_a_large_list_takes_several_requests(anyio_backend: str) -> None:
    """Each has a thousand recipients and the same id; what they cost is added up."""
    gateway = Gateway(lambda asked: {**answered(asked), "cnt": asked.params["phones"].count("+")})
    sent = await outcome_of(gateway, to=many(2_500))
    assert [1_000, 1_000, 500] == [asked.params["phones"].count("+") for asked in gateway.sends]
    assert {"m1"} == {asked.params["id"] for asked in gateway.sends}
    assert (2_500, Decimal("0.90"), Decimal("99.70")) == (sent.parts, sent.cost, sent.balance)
    assert many(2_500) == [each.phone for each in sent.recipients]


@pytest.mark.anyio
async def test_each_thousand_has_the_id_that_the_gateway_gave_it(anyio_backend: str) -> None:
    """Where it gives ids of its own, the first is the message's, and the recipients of the others know theirs."""
    ids = iter((1_001, 1_002, 1_001))
    gateway = Gateway(lambda asked: {**answered(asked), "id": next(ids)})
    sent = await outcome_of(gateway, to=many(2_500))
    assert "1001" == sent.id
    assert [None] * 1_000 + ["1002"] * 1_000 + [None] * 500 == [each.id for each in sent.recipients]


@pytest.mark.anyio
async def test_a_cancellation_between_two_thousands_is_told(anyio_backend: str) -> None:
    """Some of it was sent, and some was not: nobody may send it again unseen."""
    gateway = Gateway(answered)
    gateway.caller.slowness = 10.0
    for seconds, lost_ones in ((9.0, 0), (11.0, 1), (30.0, 1)):
        await outcome_of(gateway, to=many(2_500), seconds=seconds)
        assert lost_ones == len(gateway.caller.lost)
    reason = "cancelled when 1 of its 3 requests had been taken"
    assert [("messages.send", "m1", reason)] == gateway.caller.lost


@pytest.mark.parametrize(
    ("failure", "unknown"),
    [(lost(), 1_000), (InsufficientFunds(3, "no money", "messages.send"), 0)],
    ids=["lost", "refused"],
)
@pytest.mark.anyio
async def test_a_failure_says_what_was_sent_and_what_not(failure: Exception, unknown: int, anyio_backend: str) -> None:
    """The first thousand were sent; of the second it says what is known; the rest was not."""
    answers: list[Callable[[Asked], object]] = [answered, lambda _: failure]
    gateway = Gateway(lambda asked: answers.pop(0)(asked), MISSING)  # noqa: PLW0108 - another one each time
    error = await outcome_of(gateway, to=many(2_500))
    assert isinstance(error, PartlySent)
    phones = many(2_500)
    assert phones[:1_000] == [each.phone for each in error.sent.recipients]
    assert (tuple(phones[1_000 : 1_000 + unknown]), tuple(phones[1_000 + unknown :])) == (error.unknown, error.unsent)
    assert isinstance(error.error, MessageOutcomeUnknown if unknown else InsufficientFunds)
    assert 2 == len(gateway.sends)
    again = pickle.loads(pickle.dumps(error))
    assert (error.unsent, error.sent) == (again.unsent, again.sent)
    assert phones[1_000] not in str(error)


@pytest.mark.anyio
async def test_a_refusal_of_the_first_part_is_that_refusal(anyio_backend: str) -> None:
    """Nothing was sent at all, so there is nothing more to say."""
    gateway = Gateway(InsufficientFunds(3, "no money", "messages.send"))
    assert isinstance(await outcome_of(gateway, to=many(1_500)), InsufficientFunds)


@pytest.mark.anyio
async def test_a_lost_first_part_leaves_the_rest_unsent(anyio_backend: str) -> None:
    """Its recipients are unknown, and the others not sent."""
    gateway = Gateway(lost(), MISSING)
    error = await outcome_of(gateway, to=many(1_500))
    assert isinstance(error, PartlySent)
    assert (0, 1_000, 500) == (len(error.sent.recipients), len(error.unknown), len(error.unsent))


# Resolving --------------------------------------------------------------------------------------------------------


async def resolved(gateway: Gateway, *arguments: Any, seconds: float = 10.0) -> Any:
    """Resolve, and move the clock on meanwhile."""
    found: list[Any] = []

    async def resolve() -> None:
        try:
            found.append(await gateway.messages.resolve(*arguments))
        except ReplyError as error:
            found.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(resolve)
        await gateway.caller.clock.advance(seconds)
        tasks.cancel_scope.cancel()
    return found


@pytest.mark.anyio
async def test_an_error_resolves_to_what_was_sent(anyio_backend: str) -> None:
    """Also from another process: all that is needed is in the error."""
    error = MessageOutcomeUnknown("messages.send", "m1", "x", (PHONE,), datetime(2026, 1, 1, tzinfo=UTC))
    gateway = Gateway(answered, WAITING)
    (sent,) = await resolved(gateway, pickle.loads(pickle.dumps(error)))
    assert ("m1", [MessageStatus.WAITING]) == (sent.id, [each.status for each in sent.recipients])
    assert [("messages.send", "m1")] == gateway.caller.settled


@pytest.mark.anyio
async def test_what_the_gateway_cannot_get_any_more_was_not_sent(anyio_backend: str) -> None:
    """A request that was given up may arrive for some seconds; only a look after that says that it was not sent."""
    gateway = Gateway(answered, MISSING)
    assert [] == await resolved(gateway, "m1", PHONE, seconds=29.9)
    gateway = Gateway(answered, MISSING)
    assert [None] == await resolved(gateway, "m1", PHONE, seconds=30.0)
    assert 2 == len(gateway.looks)
    gateway = Gateway(answered, MISSING, WAITING)
    (sent,) = await resolved(gateway, "m1", PHONE, seconds=30.0)
    assert sent is not None


@pytest.mark.anyio
async def test_a_guard_that_waits_longer_is_believed(anyio_backend: str) -> None:
    """Where requests may be under way for longer than half a minute, the session was told so."""
    gateway = Gateway(answered, MISSING)
    gateway.caller.lateness = 120.0
    assert [] == await resolved(gateway, "m1", PHONE, seconds=119.0)
    assert [None] == await resolved(gateway, "m1", PHONE, seconds=120.0)


@pytest.mark.anyio
async def test_no_clock_on_the_wall_is_believed(anyio_backend: str) -> None:
    """When it was lost, another machine may have written down wrongly: half a minute is waited for here."""
    error = MessageOutcomeUnknown("messages.send", "m1", "x", (PHONE,), datetime(2025, 12, 31, tzinfo=UTC))
    gateway = Gateway(answered, MISSING)
    assert [] == await resolved(gateway, error, seconds=29.0)
    assert [None] == await resolved(gateway, error, seconds=30.0)


@pytest.mark.anyio
async def test_a_message_to_many_is_looked_for_at_once(anyio_backend: str) -> None:
    """One question for all of them; groups cannot be asked for."""
    rows = [{"status": 1, "id": "m1", "phone": OTHER}, {"status": -3, "id": "m1", "phone": PHONE}]
    gateway = Gateway(answered, rows, MISSING)
    (sent,) = await resolved(gateway, "m1", [PHONE, OTHER, "G7"], seconds=30.0)
    assert [
        {"phone": f"{PHONE},{OTHER}", "id": "m1,m1", "all": "0"},
        {"phone": PHONE, "id": "m1", "all": "0"},
    ] == gateway.looks
    assert [MessageStatus.NOT_FOUND, MessageStatus.DELIVERED, None] == [each.status for each in sent.recipients]
    assert [PHONE] == [each.phone for each in sent.not_sent]


@pytest.mark.parametrize(
    "rows", [[], [{"status": 1, "id": "m1", "phone": OTHER}], [{"status": -3, "id": 9, "phone": "7"}] * 2]
)
@pytest.mark.anyio
async def test_an_answer_that_does_not_tell_is_not_believed_to_say_no(anyio_backend: str, rows: object) -> None:
    """An empty answer, and one about others, may come from anything; only the status "not found" says so."""
    gateway = Gateway(answered, rows)
    (error,) = await resolved(gateway, "m1", [PHONE, OTHER, "380671234569"], seconds=30.0)
    assert isinstance(error, ReplyError)


@pytest.mark.anyio
async def test_a_recipient_is_known_by_any_spelling(anyio_backend: str) -> None:
    """A number that the gateway may correct is asked for in both ways; the one that is known counts."""
    rows = [{"status": -3, "id": "m1", "phone": "84912345678"}, {"status": 1, "id": "m1", "phone": "84912345678"}]
    gateway = Gateway(answered, rows)
    (sent,) = await resolved(gateway, "m1", "84912345678")
    assert [MessageStatus.DELIVERED] == [each.status for each in sent.recipients]
    assert {"phone": "+84912345678,84912345678", "id": "m1,m1", "all": "0"} == gateway.looks[0]


@pytest.mark.parametrize("arguments", [("m1",), ("m1", "G7"), ("a b", PHONE), (None, PHONE), ("m1", [])])
@pytest.mark.asyncio
async def test_what_cannot_be_looked_for_is_refused(arguments: Any) -> None:
    """An id alone is not enough, and groups have nobody to ask for."""
    with pytest.raises(InvalidArgument):
        await Messages(FakeCaller()).resolve(*arguments)


@pytest.mark.asyncio
async def test_a_look_that_fails_is_told() -> None:
    """Who resolves is told that the gateway could not be asked, and may ask again."""
    with pytest.raises(NoReply):
        await Messages(FakeCaller(NoReply("messages.status", "x"))).resolve("m1", PHONE)


# Prices -----------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_price_is_asked_for_without_sending() -> None:
    """Every request for it says that nothing is to be sent, and has no id; parts and costs are added up."""
    caller = FakeCaller({"cost": "300.00", "cnt": 1_000})
    price = await Messages(caller).cost(many(2_000), "hi", kind=Sms(short_links=True))
    assert Price(cost=Decimal("600.00"), parts=2_000) == price
    assert ["messages.cost"] * 2 == [asked.endpoint for asked in caller.asked]
    assert all(params["cost"] == "1" and "id" not in params and params["tinyurl"] == "1" for params in caller.params)
