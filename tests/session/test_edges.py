"""The session at its edges: closed by other threads, echoed secrets, lost attempts, odd arguments."""

from __future__ import annotations

import html
import json
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import anyio
import httpx
import pytest

import smsc_async
from smsc_async import (
    InvalidArgument,
    InvalidArgumentType,
    Limit,
    LocalGuard,
    NoReply,
    NotSent,
    Replay,
    ReplyError,
    Retry,
    Scope,
    Session,
    TooManyRequests,
)
from smsc_async._loops import current_loop
from smsc_async.errors import AccountLocked, IncompleteDownload, SessionClosed, SmscError, WaitTooLong
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from smsc_async._loops import Loop

PHONE = "380671234567"
URL = "http://127.0.0.1:1"
BACKENDS = ["asyncio", "trio"]


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


def answering(*replies: object) -> Callable[[], httpx.MockTransport]:
    """Make transports that answer with *replies* in turn, and with the last one from then on."""
    queue = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        reply = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(200, **({"content": reply} if isinstance(reply, bytes) else {"json": reply}))

    return lambda: httpx.MockTransport(answer)


def session(**options: Any) -> Session:
    """Give a session with a guard of its own."""
    key = {} if "login" in options else {"apikey": "k"}
    return Session(**{**key, "base_url": URL, "guard": LocalGuard(), **options})


class Held(httpx.AsyncBaseTransport):
    """Answers when it is told to, from whatever thread."""

    def __init__(self, reply: object) -> None:
        self.reply = reply
        self.asked = threading.Event()
        self._loop: Loop | None = None
        self._told: anyio.Event | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._loop, self._told = current_loop(), anyio.Event()
        self.asked.set()
        await self._told.wait()
        return httpx.Response(200, json=self.reply)

    def answer(self) -> None:
        assert self._loop is not None
        assert self._told is not None
        self._loop.call_soon(self._told.set)


# ------------------------------------------------------------------ closed from elsewhere


@pytest.mark.parametrize("closer", BACKENDS)
@pytest.mark.parametrize("worker", BACKENDS)
def test_a_rent_in_flight_outlives_a_close_in_another_thread(worker: str, closer: str) -> None:
    """The rent whose reply was read comes out with its value, the close ends then, and nothing stays in flight."""
    held = Held({"phone": PHONE, "cost": "10"})
    smsc = session(transport=lambda: held, timeout=60.0)
    rented: list[object] = []
    closed: list[int] = []

    async def rent() -> None:
        try:
            rented.append((await smsc.numbers.rent(PHONE)).phone)
        except BaseException as error:  # noqa: BLE001 - a thread's error is nobody's
            rented.append(error)

    async def aclose(number: int) -> None:
        await smsc.aclose()
        closed.append(number)

    async def close() -> None:
        with anyio.fail_after(20.0):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(aclose, 1)
                tasks.start_soon(aclose, 2)
                await anyio.wait_all_tasks_blocked()
                assert [] == closed
                held.answer()

    thread = threading.Thread(target=anyio.run, args=(rent,), kwargs={"backend": worker})
    thread.start()
    try:
        assert held.asked.wait(10.0)
        anyio.run(close, backend=closer)
    finally:
        held.answer()
        thread.join(10.0)
    assert [PHONE] == rented
    assert [1, 2] == sorted(closed)
    assert 0 == smsc.limits().in_flight
    assert [1] == [rule.used for rule in smsc.limits().rules if rule.endpoint == "numbers.rent"]


@pytest.mark.anyio
async def test_two_closes_at_once_both_end_with_the_last_call(clock: FakeClock) -> None:
    """Neither waits out its patience, and the call in flight gets its reply."""
    held = Held([])
    smsc = session(transport=lambda: held, guard=LocalGuard(clock=clock))
    ended: list[str] = []

    async def note(name: str, work: Callable[[], Awaitable[object]]) -> None:
        await work()
        ended.append(name)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(note, "call", smsc.numbers.available)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(note, "close", smsc.aclose)
        tasks.start_soon(note, "close", smsc.aclose)
        await anyio.wait_all_tasks_blocked()
        assert [] == ended
        held.answer()
        await anyio.wait_all_tasks_blocked()
        assert ["call", "close", "close"] == sorted(ended)
        tasks.cancel_scope.cancel()
    assert 0.0 == clock.now()


# ------------------------------------------------------------------ echoed secrets

WORD = "p@ss w0rd'<ключ>"
ECHOES = {
    "literal": b"<p>" + WORD.encode(),
    "windows-1251": b"<p>" + WORD.encode("cp1251"),
    "percent": b"<p>" + quote(WORD, safe="").encode(),
    "percent, lower case": b"<p>" + quote(WORD, safe="").lower().encode(),
    "percent, form": b"<p>" + quote_plus(WORD).encode(),
    "percent, windows-1251": b"<p>" + quote_plus(WORD.encode("cp1251")).encode(),
    "percent, windows-1251, lower case": b"<p>" + quote_plus(WORD.encode("cp1251")).lower().encode(),
    "html": b"<p>" + html.escape(WORD).encode(),
    "html, windows-1251": b"<p>" + html.escape(WORD).encode("cp1251"),
    "html as PHP writes it": b"<p>" + html.escape(WORD).replace("&#x27;", "&#039;").encode(),
    "html by numbers": b"<p>" + "".join(f"&#{ord(character)};" for character in WORD).encode(),
    "json": b'{"x": ' + json.dumps(WORD).encode() + b", }",
    "json in capitals": b'{"x": ' + json.dumps(WORD).replace("\\u043a", "\\u043A").encode() + b", }",
}
SLASHES = 'a/b"c\\d-ключ'
ESCAPED = {
    "slash as PHP writes it": json.dumps(SLASHES).replace("/", "\\/"),
    "slash, not ascii": json.dumps(SLASHES, ensure_ascii=False),
    "slash as PHP writes it, not ascii": json.dumps(SLASHES, ensure_ascii=False).replace("/", "\\/"),
}


async def told(body: object, password: str, login: str = "the login") -> str:
    """Give what the error says when the gateway answers with *body*."""
    smsc = session(login=login, password=password, transport=answering(body), retry=None)
    with pytest.raises(SmscError) as refused:
        await smsc.numbers.available()
    return str(refused.value)


def pieces(secret: str, length: int = 4) -> set[str]:
    """Give every run of so many characters, as it may be written."""
    runs = {secret[at : at + length] for at in range(len(secret) - length + 1)}
    spelt = {json.dumps(run)[1:-1] for run in runs} | {html.escape(run) for run in runs} | {quote(run) for run in runs}
    return runs | spelt


@pytest.mark.asyncio
@pytest.mark.parametrize("echo", ECHOES)
async def test_an_echoed_password_is_shown_in_no_spelling(echo: str) -> None:
    """Whatever a server made of the password before it sent it back, the error shows none of it."""
    said = await told(ECHOES[echo], WORD)
    readings = [said, said.encode("latin-1", "replace").decode("utf-8", "replace")]
    readings.append(said.encode("latin-1", "replace").decode("cp1251", "replace"))
    assert [] == [piece for reading in readings for piece in pieces(WORD) if piece.lower() in reading.lower()]


@pytest.mark.asyncio
@pytest.mark.parametrize("echo", ESCAPED)
async def test_a_password_that_json_escapes_is_not_shown(echo: str) -> None:
    """A password with a slash, a quote and a backslash is recognised in JSON as PHP writes it."""
    said = await told(b'{"x": ' + ESCAPED[echo].encode() + b", }", SLASHES)
    assert [] == [piece for piece in (ESCAPED[echo][1:-1], SLASHES) if piece in said]


@pytest.mark.asyncio
async def test_a_login_inside_the_password_uncovers_nothing() -> None:
    """The password is masked as a whole, in a page and in a refusal."""
    word = "alex-S3cret!2024"
    page = await told(f"<html>bad: login=alex psw={word}".encode(), word, "alex")
    refusal = await told({"error": f"bad psw {word}", "error_code": 1}, word, "alex")
    assert ("<html>bad: login=*** psw=***", True) == (page.partition("it begins: ")[2], "bad psw ***" in refusal)
    assert "S3cret" not in page + refusal


@pytest.mark.asyncio
@pytest.mark.parametrize("before", [*range(180, 202), *range(396, 402), *range(4_080, 4_098)])
async def test_a_secret_cut_at_the_end_of_an_excerpt_is_not_shown(before: int) -> None:
    """Wherever the excerpt ends, no beginning of the password is left in it."""
    word = "topsecretpassword"
    said = await told(b"<html>" + b"x " * (before // 2) + word.encode(), word)
    assert "tops" not in said


@pytest.mark.asyncio
async def test_a_long_secret_repeated_does_not_leave_its_last_beginning() -> None:
    """Masks that make a long text short bring no half secret into the excerpt."""
    word = "s3cret-" * 15
    assert "s3c" not in await told(b"<html>" + word.encode() * 60, word)


# ------------------------------------------------------------------ frames

PACKAGE = Path(smsc_async.__file__).parent
CANARY = "CANARY"


@pytest.mark.parametrize(
    "arguments",
    [
        {"login": "l", "password": CANARY.encode()},
        {"apikey": bytearray(CANARY.encode())},
        {"login": "l", "password": [CANARY]},
        {"login": "l", "password": f"{CANARY}\0"},
        {"login": "l", "password": CANARY, "apikey": CANARY},
        {"login": "l", "password": CANARY, "proxy": f"htp://u:{CANARY}@p:1"},
        {"login": "l", "password": CANARY, "proxy": f"http://u:{CANARY}@p:1", "timeout": 0},
        {"login": "l", "password": CANARY, "proxy": f"http://u:{CANARY}@p:1", "backup_urls": "x"},
        {"login": "l", "password": CANARY, "proxy": f"http://u:{CANARY}@p:1", "transport": httpx.AsyncHTTPTransport},
        {"login": "l", "password": CANARY, "base_url": f"https://u:{CANARY}@smsc.ua"},
        {"login": "l", "password": CANARY, "timeout": -1, "transport": partial(httpx.AsyncHTTPTransport, proxy=CANARY)},
        {"login": "l", "password": CANARY, "backup_urls": [f"https://u:{CANARY}@smsc.ua"]},
    ],
    ids=repr,
)
@pytest.mark.parametrize("make", [Session, Session.from_env])
def test_no_frame_of_a_refused_argument_shows_a_secret(
    make: Callable[..., Session], arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash report that prints the locals of our frames finds no credentials, proxy or address in them."""
    if make == Session.from_env:
        monkeypatch.setenv("SMSC_LOGIN", "l")
        monkeypatch.setenv("SMSC_PASSWORD", CANARY)
        monkeypatch.delenv("SMSC_APIKEY", raising=False)
        monkeypatch.delenv("SMSC_BASE_URL", raising=False)
    with pytest.raises(InvalidArgument) as refused:
        make(**arguments)
    report = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    ours = [frame for frame in report.stack if Path(frame.filename).is_relative_to(PACKAGE)]
    assert [] == [(frame.name, name) for frame in ours for name, value in frame.locals.items() if CANARY in value]
    assert CANARY not in str(refused.value)
    assert (None, None) == (refused.value.__cause__, refused.value.__context__)


# ------------------------------------------------------------------ two limits of one call


@pytest.mark.anyio
@pytest.mark.parametrize("identical", ["request", "action"])
@pytest.mark.parametrize("limits", [(Limit(1), Limit(5)), (Limit(3), Limit(100, Scope.ACTION))])
async def test_two_limits_of_one_key_do_not_hang(limits: tuple[Limit, ...], identical: Any, clock: FakeClock) -> None:
    """The stricter of them holds, and every call is made in its turn."""
    smsc = session(transport=answering({"ok": 1}), guard=LocalGuard(clock=clock, identical=identical))
    answered: list[float] = []

    async def call() -> None:
        await smsc.call("info.php", {"a": "1"}, limits=limits, replay=Replay.READ)
        answered.append(clock.now())

    async with anyio.create_task_group() as tasks:
        for _ in range(7):
            tasks.start_soon(call)
        await clock.advance(600.0)
        tasks.cancel_scope.cancel()
    strictest = min(limit.n for limit in limits)
    assert [61.5 * (number // strictest) for number in range(7)] == pytest.approx(answered)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "limits", [(Limit(2), Limit(10, Scope.ACTION)), (Limit(10, Scope.ACTION), Limit(2))], ids=["2-10", "10-2"]
)
async def test_who_waits_for_identical_requests_holds_nothing_of_the_action(
    limits: tuple[Limit, ...], clock: FakeClock
) -> None:
    """In whatever order the limits are named, calls of one key do not hold up one of another."""
    smsc = session(transport=answering({"ok": 1}), guard=LocalGuard(clock=clock))
    answered: list[tuple[str, float]] = []

    async def call(key: str) -> None:
        await smsc.call("info.php", {"a": key}, limits=limits, replay=Replay.READ)
        answered.append((key, clock.now()))

    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(call, "hot")
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(call, "cold")
        await clock.advance(1.0)
        tasks.cancel_scope.cancel()
    assert [("cold", 0.0), ("hot", 0.0), ("hot", 0.0)] == sorted(answered)


# ------------------------------------------------------------------ files


class Stalling(httpx.AsyncByteStream):
    """Sends a beginning, and the rest never."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x" * 3_000
        await anyio.sleep_forever()


@pytest.mark.anyio
@pytest.mark.parametrize("headers", [{}, {"content-length": "6000"}], ids=["chunked", "with its length"])
async def test_a_file_whose_reading_was_cancelled_does_not_end_as_if_it_were_whole(headers: dict[str, str]) -> None:
    """After a cancelled `anext()` the next one, and every loop, is `IncompleteDownload`."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Stalling(), headers=headers))
    smsc = session(transport=lambda: transport)
    size = 0
    async with smsc.downloads.stream(1) as chunks:
        with anyio.CancelScope() as scope:
            async for chunk in chunks:
                size += len(chunk)
                scope.cancel()
        assert (3_000, True) == (size, scope.cancelled_caught)
        with pytest.raises(IncompleteDownload):
            await anext(chunks)
        with pytest.raises(IncompleteDownload):
            async for _ in chunks:
                pass
    assert 0 == smsc.limits().in_flight
    assert 1 == smsc.limits().lingering


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"ERROR = 9", b"ERROR = 9\n"])
async def test_half_a_refusal_in_place_of_a_file_is_no_file(body: bytes) -> None:
    """A refusal without its brackets is a `ReplyError`, and nothing to save."""
    smsc = session(transport=answering(body), retry=None)
    with pytest.raises(ReplyError):
        async with smsc.downloads.stream(1):
            pass


# ------------------------------------------------------------------ repeated calls


async def lost_then(smsc: Session, clock: FakeClock, between: Callable[[], Awaitable[object]]) -> SmscError:
    """Give the error of a `set_auto_renew` whose first attempt is lost, when *between* happens before the second."""
    errors: list[SmscError] = []

    async def renew() -> None:
        try:
            await smsc.numbers.set_auto_renew(PHONE, False)
        except SmscError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(renew)
        await clock.advance(0.1)
        tasks.start_soon(between)  # it may have to wait for the credentials
        await clock.advance(100.0)
        tasks.cancel_scope.cancel()
    (error,) = errors
    return error


@pytest.mark.anyio
@pytest.mark.parametrize("reason", [WaitTooLong, SessionClosed, AccountLocked])
async def test_after_a_lost_attempt_no_error_says_that_nothing_was_sent(
    reason: type[SmscError], clock: FakeClock
) -> None:
    """A renewal that may have been set is `NoReply`, whatever kept it from being repeated; that is its cause."""
    refused = {"error": "authorise error", "error_code": 2}
    smsc = session(
        transport=answering(httpx.ReadError("x"), refused),
        guard=LocalGuard(clock=clock, limits={"numbers.set_auto_renew": 1}),
        max_wait=40.0 if reason is WaitTooLong else None,
        retry=Retry(random=lambda: 1.0),
    )

    async def between() -> None:
        if reason is SessionClosed:
            await smsc.aclose()
        elif reason is AccountLocked:
            with pytest.raises(SmscError):
                await smsc.account.balance()

    error = await lost_then(smsc, clock, between)
    assert (NoReply, reason) == (type(error), type(error.__cause__))


@pytest.mark.asyncio
async def test_calls_without_a_service_leave_nothing_behind(clock: FakeClock) -> None:
    """What a session keeps of `call` does not grow with the calls."""
    smsc = session(transport=answering({"ok": 1}), guard=LocalGuard(clock=clock))
    kept = []
    for number in range(50):
        await smsc.call("info.php", {"a": number})
        kept.append(len(smsc._conductor._routes))
    assert {1} == set(kept)


@pytest.mark.anyio
@pytest.mark.parametrize(("replay", "sent"), [(Replay.IF_NOT_DONE, 1), (Replay.READ, 2)])
async def test_a_call_that_acts_is_not_repeated_when_it_is_called_a_duplicate(
    replay: Replay, sent: int, clock: FakeClock
) -> None:
    """It could be a second message; a call that only reads is repeated."""
    asked: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(clock.now())
        if len(asked) == 1:
            return httpx.Response(200, json={"error": "duplicate request, wait a minute", "error_code": 9})
        return httpx.Response(200, json={"id": 1})

    smsc = session(transport=lambda: httpx.MockTransport(answer), guard=LocalGuard(clock=clock))
    ends: list[object] = []

    async def call() -> None:
        try:
            ends.append(await smsc.call("send.php", {"phones": PHONE, "mes": "code 1"}, replay=replay))
        except TooManyRequests as error:
            ends.append(error.kind)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await clock.advance(300.0)
        tasks.cancel_scope.cancel()
    assert (sent, ["duplicate"] if sent == 1 else [{"id": 1}]) == (len(asked), ends)


# ------------------------------------------------------------------ arguments


def account_at(base_url: str) -> str:
    """Give what the limits are known by."""
    return session(base_url=base_url)._conductor.shared.identity.account


@pytest.mark.parametrize(
    ("spellings", "other"),
    [
        (
            [
                "https://smsc.ua",
                "https://smsc.ua/",
                "https://www2.smsc.ua",
                "https://www.smsc.ua",
                "https://smsc.ua:443",
                "https://smsc.ua.",
                "https://SMSC.ua",
                "https://WWW2.SMSC.UA.:443",
            ],
            "https://smsc.ua:444",
        ),
        (["http://127.0.0.1", "http://127.0.0.1:80", "http://127.0.0.1:80/"], "http://127.0.0.1:443"),
    ],
)
def test_one_gateway_in_several_spellings_has_one_account(spellings: list[str], other: str) -> None:
    """Default ports, a final dot, capitals and mirrors make no second account."""
    assert 1 == len({account_at(url) for url in spellings})
    assert account_at(other) != account_at(spellings[0])


@pytest.mark.parametrize("name", ["base_url", "backup_urls"])
@pytest.mark.parametrize("end", ["/?", "/#", "?", "#", "/?a=1", "/#a", "/../x?"])
def test_an_address_with_a_query_or_a_fragment_is_refused(name: str, end: str) -> None:
    """Even an empty one: what is put behind it would become a part of it."""
    url = f"https://smsc.ua{end}"
    with pytest.raises(InvalidArgument, match="without a query or a fragment"):
        session(**{name: url if name == "base_url" else [url]})


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("guard", "x", InvalidArgumentType),
        ("guard", LocalGuard, InvalidArgumentType),
        ("ssl_context", "x", InvalidArgumentType),
        ("ssl_context", False, InvalidArgumentType),
        ("backup_urls", 5, InvalidArgumentType),
        ("backup_urls", [None], InvalidArgumentType),
        ("proxy", 5, InvalidArgument),
        ("proxy", "", InvalidArgument),
        ("transport", httpx.MockTransport(lambda _: httpx.Response(200)), InvalidArgumentType),
        ("transport", 5, InvalidArgumentType),
        ("account", "", InvalidArgument),
        ("account", b"x", InvalidArgumentType),
        ("allow_plain_http", "no", InvalidArgumentType),
        ("max_wait", 0, InvalidArgument),
        ("retry", 3, InvalidArgumentType),
        ("observer", "x", InvalidArgumentType),
        ("base_url", "https://smsc.ua/../x?", InvalidArgument),
    ],
)
def test_an_argument_of_the_session_of_a_bad_type_is_named(name: str, value: object, error: type[Exception]) -> None:
    """The error is typed and begins with the argument's name."""
    with pytest.raises(error) as refused:
        session(**{name: value})
    assert name == str(refused.value).partition(":")[0]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Limit("3"), InvalidArgumentType),  # type: ignore[arg-type]
        (lambda: Limit(0), InvalidArgument),
        (lambda: Limit(True), InvalidArgumentType),
        (lambda: Limit(3, "identical"), InvalidArgumentType),  # type: ignore[arg-type]
        (lambda: LocalGuard(limits=[("numbers.available", 1)]), InvalidArgumentType),  # type: ignore[arg-type]
        (lambda: LocalGuard(clock=None), InvalidArgumentType),  # type: ignore[arg-type]
        (lambda: LocalGuard(max_concurrency=15), InvalidArgument),
        (lambda: session().with_options(timeout=None), InvalidArgumentType),  # type: ignore[arg-type]
    ],
    ids=["n-text", "n-0", "n-bool", "scope", "limits", "clock", "fifteen", "timeout"],
)
def test_limits_guards_and_options_of_a_bad_type_are_refused(
    make: Callable[[], object], error: type[Exception]
) -> None:
    """They are refused where they are made, not at the first call."""
    with pytest.raises(InvalidArgument) as refused:
        make()
    assert error is type(refused.value)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"limits": Limit(3)}, InvalidArgumentType),
        ({"limits": 3}, InvalidArgumentType),
        ({"limits": ()}, InvalidArgumentType),
        ({"limits": (3,)}, InvalidArgumentType),
        ({"replay": "reads"}, InvalidArgumentType),
        ({"params": {1: "2"}}, InvalidArgumentType),
        ({"params": {"a": 1.5}}, InvalidArgumentType),
        ({"params": {"a": True}}, InvalidArgumentType),
        ({"params": None}, InvalidArgumentType),
        ({"path": "sub/x.php"}, InvalidArgument),
        ({"path": "get2.php"}, InvalidArgument),
        ({"path": None}, InvalidArgumentType),
    ],
    ids=str,
)
async def test_an_argument_of_a_call_of_a_bad_type_is_refused(
    arguments: dict[str, Any], error: type[Exception]
) -> None:
    """Nothing is sent, and the error is typed."""
    asked: list[object] = []
    smsc = session(transport=lambda: httpx.MockTransport(asked.append))
    with pytest.raises(InvalidArgument) as refused:
        await smsc.call(**{"path": "x.php", "params": {}, **arguments})
    assert (error, []) == (type(refused.value), asked)


@pytest.mark.asyncio
async def test_not_sent_is_said_of_the_call_and_not_of_its_last_attempt(clock: FakeClock) -> None:
    """A call whose first attempt may have been carried out, and whose second found no connection, had no reply."""
    errors = [httpx.ReadError("gone"), None]

    def factory() -> httpx.AsyncBaseTransport:
        class Breaking(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                if errors and (error := errors.pop(0)) is not None:
                    await request.aread()
                    raise error
                raise httpx.ConnectError("refused")

        return Breaking()

    guard = LocalGuard(clock=clock)
    smsc = Session(apikey="k", transport=factory, guard=guard, retry=Retry(attempts=3, random=lambda: 0.0))
    async with anyio.create_task_group() as tasks:
        told: list[BaseException] = []

        async def call() -> None:
            try:
                await smsc.numbers.set_auto_renew("380950000001", True)
            except SmscError as error:
                told.append(error)

        tasks.start_soon(call)
        for _ in range(100):
            await clock.advance(1.0)
            if told:
                break
    (error,) = told
    assert (NoReply, NotSent) == (type(error), type(error.__cause__))
