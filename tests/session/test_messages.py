"""Messages through a whole session: keys, forms, formats, memory and events, with a transport that answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qs

import anyio
import httpx
import pytest

from smsc_async import (
    Email,
    File,
    LocalGuard,
    MessageStatus,
    ReplyFormat,
    Retry,
    SentMessage,
    Session,
    events,
)
from smsc_async.errors import (
    GatewayError,
    InvalidPhone,
    MessageOutcomeUnknown,
    TooManyRequests,
    WaitTooLong,
)
from smsc_async.testing import FakeClock

PHONE = "380671234567"
Form = dict[str, str]


class Gateway:
    """
    Answers as *send* and *state* say, and remembers what it was asked.

    Args:
        send: Gives the answer to a request to send: a text, or an error to raise.
        state: Gives the answer to a question about a status.
    """

    def __init__(self, send: Callable[[Form], str | Exception], state: str = '{"status":-3}') -> None:
        self.clock = FakeClock()
        self.guard = LocalGuard(clock=self.clock)
        self.asked: list[tuple[str, Form]] = []
        self.requests: list[httpx.Request] = []
        self.told: list[events.Event] = []
        self.state = state
        self._send = send

    def session(self, **options: Any) -> Session:
        """Make a session of it."""
        options = {"login": "alex", "password": "p@ss", "retry": None, "observer": self.told.append, **options}
        return Session(guard=self.guard, transport=lambda: httpx.MockTransport(self._answer), **options)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        form = {name: values[0] for name, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
        page = request.url.path.rpartition("/")[2]
        self.asked.append((page, form))
        answer = self.state if page == "status.php" else self._send(form)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(200, content=answer.encode())

    @property
    def sends(self) -> int:
        """How often it was asked to send."""
        return sum(page == "send.php" for page, _ in self.asked)


def taken(form: Form) -> str:
    """Take a message."""
    return json.dumps({"id": form["id"], "cnt": 1, "cost": "0.30", "balance": "100.00"})


def lost(_: Form) -> Exception:
    """Lose the answer."""
    return httpx.ReadError("connection reset")


@pytest.mark.anyio
async def test_an_id_makes_no_other_request(anyio_backend: str) -> None:
    """The same words to the same phone wait for a minute, whatever the id; other words do not."""
    gateway = Gateway(taken)
    async with gateway.session(max_wait=5.0) as smsc:
        await smsc.messages.send(PHONE, "hi", id="one")
        with pytest.raises(WaitTooLong):
            await smsc.messages.send("+" + PHONE, "hi", id="two")
        with pytest.raises(WaitTooLong):
            await smsc.messages.send(PHONE, "hi", details=True)
        await smsc.messages.send(PHONE, "ho")
        await gateway.clock.advance(61.5)
        await smsc.messages.send(PHONE, "hi", id="two")
    assert 3 == gateway.sends


@pytest.mark.anyio
async def test_a_price_and_a_message_have_limits_of_their_own(anyio_backend: str) -> None:
    """Five questions for a price, and the message goes at once after them."""
    gateway = Gateway(lambda form: '{"cost":"0.30","cnt":1}' if form["cost"] == "1" else taken(form))
    async with gateway.session(max_wait=5.0) as smsc:
        for _ in range(5):
            await smsc.messages.cost(PHONE, "hi")
        with pytest.raises(WaitTooLong):
            await smsc.messages.cost(PHONE, "hi")
        await smsc.messages.send(PHONE, "hi")


@pytest.mark.anyio
async def test_one_message_is_asked_for_five_times_whatever_the_detail(anyio_backend: str) -> None:
    """How much is to be told makes no other question."""
    gateway = Gateway(taken)
    async with gateway.session(max_wait=5.0) as smsc:
        for detail in (0, 1, 2, 1, 0):
            await smsc.messages.status(PHONE, "m1", detail=detail)  # type: ignore[arg-type]
        with pytest.raises(WaitTooLong):
            await smsc.messages.status(PHONE, "m1", detail=2)
        await smsc.messages.status(PHONE, "m2")
    assert ["3"] * 6 == [form["fmt"] for _, form in gateway.asked]


@pytest.mark.parametrize(
    ("reply_format", "body"),
    [
        (ReplyFormat.TEXT, "OK - 1 SMS, ID - m1, COST - 0.30, BALANCE - 100.00"),
        (ReplyFormat.CSV, "m1,1,0.30,100.00"),
        (
            ReplyFormat.XML,
            "<result><id>m1</id><cnt>1</cnt><cost>0.30</cost><balance>100.00</balance></result>",
        ),
        (ReplyFormat.JSON, '{"id":"m1","cnt":1,"cost":"0.30","balance":"100.00"}'),
    ],
    ids=lambda value: value.name if isinstance(value, ReplyFormat) else "",
)
@pytest.mark.anyio
async def test_all_formats_say_the_same(reply_format: ReplyFormat, body: str, anyio_backend: str) -> None:
    """What was sent is the same value, in whatever form the gateway says it."""
    gateway = Gateway(lambda _: body)
    async with gateway.session(reply_format=reply_format) as smsc:
        sent = await smsc.messages.send(PHONE, "hi", id="m1")
    expected = ("m1", 1, Decimal("0.30"), Decimal("100.00"))
    assert expected == (sent.id, sent.parts, sent.cost, sent.balance)
    assert str(int(reply_format)) == gateway.asked[0][1]["fmt"]


def parts_of(request: httpx.Request) -> Mapping[str, Any]:
    """Read a form in parts with the standard library."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.content)
    found: dict[str, Any] = {}
    for part in message.get_payload():  # type: ignore[union-attr]
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        found[str(name)] = part  # type: ignore[assignment]
    return found


@pytest.mark.anyio
async def test_files_are_sent_in_parts(anyio_backend: str) -> None:
    """Credentials, parameters and files are parts of one form, which says so in its head."""
    gateway = Gateway(lambda _: '{"id":"m1","cnt":1}')
    files = [File("звіт.pdf", b"%PDF" + bytes(range(256))), File("b.txt", b"--boundary\r\n" * 20)]
    kind = Email(subject="Звіт", sender="shop@example.com")
    async with gateway.session() as smsc:
        sent = await smsc.messages.send("anna@example.com", "Добрий день", kind=kind, id="m1", files=files)
    assert "m1" == sent.id
    (request,) = gateway.requests
    parts = parts_of(request)
    texts = {name: part.get_payload(decode=True).decode() for name, part in parts.items() if "file" not in name}
    expected = {
        "login": "alex",
        "psw": "p@ss",
        "cost": "3",
        "fmt": "3",
        "charset": "utf-8",
        "phones": "anna@example.com",
        "mes": "Добрий день",
        "mail": "1",
        "subj": "Звіт",
        "sender": "shop@example.com",
        "id": "m1",
    }
    assert expected == texts
    assert [file.content for file in files] == [parts[name].get_payload(decode=True) for name in ("file0", "file1")]
    assert str(len(request.content)) == request.headers["content-length"]


@pytest.mark.anyio
async def test_a_lost_answer_is_looked_for_through_the_session(anyio_backend: str) -> None:
    """The message is found by its id, and the same id may be used again."""
    gateway = Gateway(lost, '{"status":1,"last_timestamp":1767225600,"err":0}')
    async with gateway.session() as smsc:
        await smsc.messages.status(PHONE, "m0")  # the credentials are accepted
        sent = await smsc.messages.send(PHONE, "hi", id="m1")
        assert MessageStatus.DELIVERED is sent.recipients[0].status
        assert ["status.php", "send.php", "status.php"] == [page for page, _ in gateway.asked]
        memory = smsc._conductor.shared.memory
        assert not memory.unresolved("messages.send", "m1")


async def unknown(gateway: Gateway, smsc: Session) -> MessageOutcomeUnknown:
    """Send a message whose outcome stays unknown."""
    found: list[MessageOutcomeUnknown] = []

    async def send() -> None:
        with pytest.raises(MessageOutcomeUnknown) as caught:
            await smsc.messages.send(PHONE, "hi", id="m1")
        found.append(caught.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        await gateway.clock.advance(30.0)
    return found[0]


@pytest.mark.anyio
async def test_an_unknown_message_is_not_sent_again_until_it_is_resolved(anyio_backend: str) -> None:
    """The same id looks for the message; when the gateway cannot get it any more, the id may be sent anew."""
    gateway = Gateway(lost)
    async with gateway.session() as smsc:
        error = await unknown(gateway, smsc)
        assert isinstance(await unknown(gateway, smsc), MessageOutcomeUnknown)
        assert 1 == gateway.sends
        async with anyio.create_task_group() as tasks:

            async def resolve() -> None:
                assert await smsc.messages.resolve(error) is None

            tasks.start_soon(resolve)
            await gateway.clock.advance(60.0)
        gateway._send = taken
        sent = await smsc.messages.send(PHONE, "hi", id="m1")
    assert ("m1", 2) == (sent.id, gateway.sends)


class Unreachable(httpx.AsyncBaseTransport):
    """Where no connection comes about the first time."""

    tries = 0

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse once; then hand over."""
        type(self).tries += 1
        if type(self).tries % 2:
            raise httpx.ConnectError("refused")
        await request.aread()
        return self._gateway._answer(request)


@pytest.mark.anyio
async def test_a_message_that_never_left_is_sent_again(anyio_backend: str) -> None:
    """Where no connection came about, nothing can have been sent."""
    gateway = Gateway(taken)
    smsc = Session(login="a", password="b", guard=gateway.guard, transport=lambda: Unreachable(gateway))
    async with smsc, anyio.create_task_group() as tasks:
        found: list[SentMessage] = []

        async def send() -> None:
            found.append(await smsc.messages.send(PHONE, "hi", id="m1"))

        tasks.start_soon(send)
        await gateway.clock.advance(600.0)
    assert ["m1"] == [sent.id for sent in found]
    assert 1 == gateway.sends


@pytest.mark.anyio
async def test_a_duplicate_is_never_sent_again(anyio_backend: str) -> None:
    """Error 9 of that kind is looked up and told; the retries are for others."""
    gateway = Gateway(lambda _: '{"error":"duplicate request, wait a minute","error_code":9}')
    async with gateway.session(retry=Retry()) as smsc:
        await smsc.messages.status(PHONE, "m0")
        async with anyio.create_task_group() as tasks:

            async def send() -> None:
                with pytest.raises(TooManyRequests):
                    await smsc.messages.send(PHONE, "hi")

            tasks.start_soon(send)
            await gateway.clock.advance(15.0)
    assert ["status.php", "send.php", *["status.php"] * 5] == [page for page, _ in gateway.asked]


@pytest.mark.anyio
async def test_messages_that_went_well_are_not_remembered(anyio_backend: str) -> None:
    """A process that sends for years does not grow by it."""
    gateway = Gateway(taken)
    async with gateway.session() as smsc:
        for number in range(50):
            await smsc.messages.send(PHONE, f"message {number}")
        memory = smsc._conductor.shared.memory
        assert (0, 0, 0) == (len(memory._succeeded), len(memory._unresolved), len(memory._going_on))


@pytest.mark.anyio
async def test_a_cancelled_message_is_told_of_as_unknown(anyio_backend: str) -> None:
    """The cancellation goes through; the observer has the id to resolve."""
    gateway = Gateway(taken)

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

    smsc = Session(
        login="a", password="b", guard=gateway.guard, transport=Hanging, retry=None, observer=gateway.told.append
    )
    async with smsc, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: smsc.messages.send(PHONE, "hi", id="order-seventeen"))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    (event,) = [event for event in gateway.told if isinstance(event, events.OutcomeLost)]
    assert "order-seventeen" == event.reference


@pytest.mark.anyio
async def test_a_message_broken_off_between_its_requests_is_told_of_and_remembered(anyio_backend: str) -> None:
    """The first thousand are sent: the observer hears of it, and the same id is looked for before it is sent again."""
    gateway = Gateway(taken, '{"status":0}')
    phones = [f"38067{number:07d}" for number in range(1_500)]

    async def one_request_at_a_time(smsc: Session) -> None:
        await smsc.messages.send(phones[1_000:], "hi", id="another")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: smsc.messages.send(phones, "hi", id="order-seventeen"))
            await gateway.clock.advance(1.0)  # its second request waits for a minute: the same words to the same phones
            tasks.cancel_scope.cancel()

    async with gateway.session() as smsc:
        await one_request_at_a_time(smsc)
        (event,) = [event for event in gateway.told if isinstance(event, events.OutcomeLost)]
        assert ("messages.send", "order-seventeen") == (event.endpoint, event.reference)
        assert "cancelled when 1 of its 2 requests had been taken" == event.reason
        sent = await smsc.messages.send(phones[0], "hi", id="order-seventeen")
    assert (2, MessageStatus.HANDED_OVER) == (gateway.sends, sent.recipients[0].status)


@pytest.mark.anyio
async def test_an_answer_with_another_id_is_followed_by_no_question(anyio_backend: str) -> None:
    """The message is paid for: what would hold it up, or be cancelled, after that would only hide it."""
    gateway = Gateway(lambda form: taken({**form, "id": "123456"}))
    async with gateway.session(max_wait=5.0) as smsc:
        assert "123456" == (await smsc.messages.send(PHONE, "hi", id="order-17")).id
    assert ["send.php"] == [page for page, _ in gateway.asked]


@pytest.mark.anyio
async def test_a_message_that_is_being_sent_is_resolved_after_that(anyio_backend: str) -> None:
    """A job that runs twice: while the first sends the message, the second does not learn that it was not sent."""
    gateway = Gateway(taken)
    found: list[SentMessage | None] = []

    async def resolve(smsc: Session) -> None:
        found.append(await smsc.messages.resolve("m2", PHONE))

    async with gateway.session() as smsc:
        await smsc.messages.send(PHONE, "hi", id="m1")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: smsc.messages.send(PHONE, "hi", id="m2"))  # it waits for a minute
            await gateway.clock.advance(1.0)
            tasks.start_soon(resolve, smsc)
            await gateway.clock.advance(59.0)
            assert ([], 1) == (found, len(gateway.asked))
            gateway.state = '{"status":0}'
            await gateway.clock.advance(2.0)
    assert ["m1", "m2"] == [form["id"] for page, form in gateway.asked if page == "send.php"]
    assert [[MessageStatus.HANDED_OVER]] == [[each.status for each in sent.recipients] for sent in found if sent]


@pytest.mark.anyio
async def test_deleting_counts_with_the_questions_about_the_message(anyio_backend: str) -> None:
    """The gateway may count both, for they are asked at one page: five a minute in all."""
    gateway = Gateway(taken)
    async with gateway.session(max_wait=5.0) as smsc:
        for _ in range(5):
            await smsc.messages.status(PHONE, "m1")
        with pytest.raises(WaitTooLong):
            await smsc.messages.delete(PHONE, "m1")
        gateway.state = '{"result":"OK"}'
        await smsc.messages.delete(PHONE, "m2")


@pytest.mark.anyio
async def test_a_price_says_first_that_nothing_is_to_be_sent(anyio_backend: str) -> None:
    """What breaks off behind that is no message."""
    gateway = Gateway(lambda form: '{"cost":"0.30","cnt":1}' if form["cost"] == "1" else taken(form))
    async with gateway.session() as smsc:
        await smsc.messages.cost(PHONE, "hi")
        await smsc.messages.cost(PHONE, "hi, there")
    for form in (list(form) for _, form in gateway.asked):
        assert form.index("cost") < min(form.index("phones"), form.index("mes"))


@pytest.mark.parametrize(
    ("answer", "at_once"),
    [({"error": "invalid number", "error_code": 7}, 14), ({"error": "parameters error", "error_code": 1}, 1)],
    ids=["another refusal", "parameters"],
)
@pytest.mark.anyio
async def test_a_refused_message_proves_the_credentials(
    answer: dict[str, Any], at_once: int, anyio_backend: str
) -> None:
    """What the gateway refuses for its recipient it has looked at; of wrong parameters it may have seen no password."""
    clock = FakeClock()
    under_way: list[int] = [0]

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            under_way.append(under_way[-1] + 1)
            await clock.sleep(1.0)
            under_way.append(under_way[-1] - 1)
            return httpx.Response(200, json=answer)

    async def send(smsc: Session, number: int) -> None:
        with pytest.raises(GatewayError):
            await smsc.messages.send(f"38067{number:07d}", "hi")

    smsc = Session(login="a", password="b", guard=LocalGuard(clock=clock), transport=Slow, retry=None)
    async with smsc, anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(send, smsc, number)
        await clock.advance(20.0)
    assert at_once == max(under_way)


@pytest.mark.parametrize(
    ("low_balance", "told"),
    [
        (None, []),
        (100, []),
        (Decimal("100.01"), [events.LowBalance("messages.send", Decimal("100.00"), Decimal("100.01"))]),
    ],
    ids=str,
)
@pytest.mark.anyio
async def test_a_low_balance_is_told(low_balance: Any, told: list[events.Event], anyio_backend: str) -> None:
    """When an answer says that less is left than the session wants."""
    gateway = Gateway(taken)
    async with gateway.session(low_balance=low_balance) as smsc:
        await smsc.messages.send(PHONE, "hi")
    assert told == [event for event in gateway.told if isinstance(event, events.LowBalance)]


@pytest.mark.anyio
async def test_a_balance_that_does_not_cover_another_is_low(anyio_backend: str) -> None:
    """Without a bound of one's own it is what the message has cost."""
    gateway = Gateway(lambda form: taken(form).replace("100.00", "0.29"))
    async with gateway.session() as smsc:
        await smsc.messages.send(PHONE, "hi")
        assert Decimal("0.29") == (await asked_balance(smsc, gateway)).amount
    (event,) = [event for event in gateway.told if isinstance(event, events.LowBalance)]
    assert (Decimal("0.29"), Decimal("0.30")) == (event.balance, event.least)


async def asked_balance(smsc: Session, gateway: Gateway) -> Any:
    """Ask for the balance."""
    gateway._send = lambda _: '{"balance":"0.29","currency":"UAH"}'
    return await smsc.account.balance()


@pytest.mark.anyio
async def test_before_the_hundredth_refused_message_the_session_waits(anyio_backend: str) -> None:
    """Ninety-nine bad numbers within ten minutes, and the next message says how long it would wait."""
    gateway = Gateway(lambda _: '{"error":"invalid number","error_code":7,"id":64}')
    async with gateway.session(max_wait=5.0) as smsc:
        for number in range(99):
            with pytest.raises(InvalidPhone):
                await smsc.messages.send(f"3806712{number:05d}", "hi")
        with pytest.raises(WaitTooLong, match="messages that were refused") as caught:
            await smsc.messages.send(PHONE, "hi")
        assert pytest.approx(601.5) == caught.value.wait
        await smsc.messages.status(PHONE, "m1")
    assert 99 == gateway.sends


@pytest.mark.anyio
async def test_prices_between_refused_messages_do_not_end_their_row(anyio_backend: str) -> None:
    """Who asks for the price of each before sending it would be blocked, if an answered price counted as a message."""
    refusal = '{"error":"invalid number","error_code":7}'
    gateway = Gateway(lambda form: '{"cost":"0.30","cnt":1}' if form["cost"] == "1" else refusal)
    async with gateway.session(max_wait=5.0) as smsc:
        for number in range(99):
            await smsc.messages.cost(PHONE, f"message {number}")
            with pytest.raises(InvalidPhone):
                await smsc.messages.send(PHONE, f"message {number}")
            await gateway.clock.advance(1.0)
        with pytest.raises(WaitTooLong, match="messages that were refused"):
            await smsc.messages.send(PHONE, "hi")


def test_a_picture_has_an_address_of_its_own_each_time() -> None:
    """So that no cache shows an old one; it is at the gateway that the session asks."""
    smsc = Session(login="a", password="b", base_url="https://smsc.kz")
    addresses = {smsc.captcha.image_url() for _ in range(100)}
    assert 100 == len(addresses)
    assert all(address.startswith("https://smsc.kz/sys/imgcode.php?") for address in addresses)
