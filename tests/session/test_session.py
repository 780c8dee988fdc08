"""The session: how it is made, opened, viewed, observed and closed."""

from __future__ import annotations

import asyncio
import enum
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

import smsc_async
from smsc_async import (
    GuardUnavailable,
    InvalidArgument,
    InvalidArgumentType,
    InvalidParameters,
    LocalGuard,
    NoReply,
    NotSent,
    OutcomeUnknown,
    ReplyFormat,
    Retry,
    Session,
    SessionClosed,
    WaitTooLong,
    events,
)
from smsc_async.guard import HostGuard, _default, default_guard, host
from smsc_async.testing import FakeClock, SimulatedGateway, fresh_guards
from tests.errors_made import every_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from smsc_async.guard import Guard


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


def answering(*replies: object, seen: list[httpx.Request] | None = None) -> Callable[[], httpx.MockTransport]:
    """Make transports that answer with *replies* in turn, and with the last one from then on."""
    queue = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        reply = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

    return lambda: httpx.MockTransport(answer)


def session(**options: Any) -> Session:
    """Give a session with a guard of its own."""
    return Session(**{"login": "alex", "password": "hidden word", "guard": LocalGuard(), **options})


# ------------------------------------------------------------------ made


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({}, InvalidArgument, "given: nothing"),
        ({"login": "a"}, InvalidArgument, "given: login"),
        ({"password": "a"}, InvalidArgument, "given: password"),
        ({"login": "a", "apikey": "k"}, InvalidArgument, "given: apikey and login"),
        ({"login": "a", "password": "b", "apikey": "k"}, InvalidArgument, "given: apikey and login and password"),
        ({"apikey": ""}, InvalidArgument, "not empty"),
        ({"apikey": "a\r\nb"}, InvalidArgument, "apikey"),
        ({"login": "a", "password": "\ud800"}, InvalidArgument, "password"),
        ({"apikey": 5}, InvalidArgumentType, "apikey"),
        ({"apikey": "k", "account": ""}, InvalidArgument, "name"),
        ({"apikey": "k", "base_url": "http://smsc.ua"}, InvalidArgument, "plain http would show the password"),
        ({"apikey": "k", "base_url": "http://10.0.0.5:8000"}, InvalidArgument, "allow_plain_http=True"),
        ({"apikey": "k", "base_url": "smsc.ua"}, InvalidArgument, "absolute"),
        ({"apikey": "k", "base_url": "ftp://smsc.ua"}, InvalidArgument, "absolute"),
        ({"apikey": "k", "base_url": "https://"}, InvalidArgument, "absolute"),
        ({"apikey": "k", "base_url": "https://smsc.ua:port"}, InvalidArgument, "such as"),
        ({"apikey": "k", "base_url": "https://me:word@smsc.ua"}, InvalidArgument, "without a user name or password"),
        ({"apikey": "k", "base_url": "https://smsc.ua/?x=1"}, InvalidArgument, "without a query"),
        ({"apikey": "k", "base_url": "https://smsc.ua\n"}, InvalidArgument, "plain characters"),
        ({"apikey": "k", "base_url": None}, InvalidArgumentType, "NoneType"),
        ({"apikey": "k", "backup_urls": "https://www2.smsc.ua"}, InvalidArgumentType, "sequence"),
        ({"apikey": "k", "backup_urls": ["http://www2.smsc.ua"]}, InvalidArgument, "plain http"),
        ({"apikey": "k", "reply_format": 4}, InvalidArgument, "formats 0 to 3"),
        ({"apikey": "k", "reply_format": "json"}, InvalidArgumentType, "ReplyFormat.JSON"),
        ({"apikey": "k", "timeout": 0}, InvalidArgument, "above 0"),
        ({"apikey": "k", "timeout": None}, InvalidArgumentType, "seconds"),
        ({"apikey": "k", "max_wait": -1}, InvalidArgument, "above 0"),
        ({"apikey": "k", "max_wait": float("nan")}, InvalidArgument, "above 0"),
        ({"apikey": "k", "max_wait": "5"}, InvalidArgumentType, "None"),
        ({"apikey": "k", "retry": 3}, InvalidArgumentType, "Retry"),
        ({"apikey": "k", "observer": "print"}, InvalidArgumentType, "function"),
    ],
)
def test_bad_arguments_are_refused_with_a_sentence(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Each names the argument and what to give, and shows no secret."""
    with pytest.raises(error) as refused:
        Session(**arguments)
    assert said in str(refused.value)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize(
    "base_url", ["http://localhost:8000", "http://127.0.0.1:1", "http://[::1]:80", "https://gateway.example/"]
)
def test_plain_http_is_for_this_machine(base_url: str) -> None:
    """Loopback needs no permission, and https none anywhere."""
    assert base_url.rstrip("/") in repr(session(base_url=base_url))
    assert "http://simulator:80" in repr(session(base_url="http://simulator:80", allow_plain_http=True))


def test_the_environment_gives_credentials_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either the key or login and password; other arguments go beside."""
    for name in ("SMSC_APIKEY", "SMSC_LOGIN", "SMSC_PASSWORD", "SMSC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidArgument, match="SMSC_APIKEY"):
        Session.from_env()
    monkeypatch.setenv("SMSC_LOGIN", "alex")
    with pytest.raises(InvalidArgument, match="SMSC_PASSWORD"):
        Session.from_env()
    monkeypatch.setenv("SMSC_PASSWORD", "hidden")
    monkeypatch.setenv("SMSC_BASE_URL", "http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000" in repr(Session.from_env(max_wait=5.0))
    monkeypatch.setenv("SMSC_APIKEY", "key")
    with pytest.raises(InvalidArgument, match="not both"):
        Session.from_env()


def test_the_environment_names_a_guard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sessions that it names the same for share it; one that is given counts for more."""
    monkeypatch.setenv("SMSC_APIKEY", "key")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(_default, "_named", {})
    guards: list[Guard] = []
    for name in ("", "local", "host", "host"):
        monkeypatch.setenv("SMSC_GUARD", name)
        guards.append(Session.from_env()._conductor.shared.guard)
    assert [LocalGuard, LocalGuard, HostGuard, HostGuard] == [type(guard) for guard in guards]
    assert guards[0] is guards[1]
    assert guards[2] is guards[3]
    own = LocalGuard()
    assert own is Session.from_env(guard=own)._conductor.shared.guard
    monkeypatch.setenv("SMSC_GUARD", "remote")
    with pytest.raises(InvalidArgument, match=r"SMSC_GUARD.*local or host"):
        Session.from_env()


def test_a_guard_that_cannot_be_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names one that this system has not what it takes for."""
    monkeypatch.setenv("SMSC_APIKEY", "key")
    monkeypatch.setenv("SMSC_GUARD", "host")
    monkeypatch.setattr(_default, "_named", {})
    monkeypatch.setattr(host, "LOCKS", False)
    with pytest.raises(GuardUnavailable, match="works on Linux and macOS"):
        Session.from_env()


def test_a_session_shows_no_secret_and_cannot_be_pickled() -> None:
    """Neither its repr nor a pickle gives the credentials away."""
    made = session()
    assert "hidden word" not in repr(made) + repr(vars(made))
    with pytest.raises(TypeError):
        pickle.dumps(made)


def test_sessions_share_the_process_guard_unless_given_another() -> None:
    """`fresh_guards` isolates tests from it."""
    outside = default_guard()
    assert outside is default_guard()
    with fresh_guards():
        assert outside is not default_guard()
    assert outside is default_guard()


def test_two_credentials_of_one_account_share_its_limits_by_name() -> None:
    """The login's mirrors are one account; a key and a login are one only if named so."""
    named = [session(account="ours"), session(login=None, password=None, apikey="key", account="ours")]
    accounts = [made._conductor.shared.identity.account for made in named]
    assert accounts[0] == accounts[1]
    mirror = session(base_url="https://www2.smsc.ua")
    assert session()._conductor.shared.identity.account == mirror._conductor.shared.identity.account
    other = session(base_url="https://smsc.kz")
    assert session()._conductor.shared.identity.account != other._conductor.shared.identity.account


# ------------------------------------------------------------------ calls


@pytest.mark.anyio
async def test_a_view_changes_options_and_shares_the_rest(clock: FakeClock) -> None:
    """`with_options` keeps the guard: what one has used up the other waits for."""
    guard = LocalGuard(clock=clock)
    async with session(guard=guard, transport=answering([])) as smsc:
        for _ in range(2):
            await smsc.numbers.available()
        with pytest.raises(WaitTooLong) as refused:
            await smsc.with_options(max_wait=5.0).numbers.available()
        assert pytest.approx(61.5) == refused.value.wait
        with pytest.raises(InvalidArgument):
            smsc.with_options(max_wait=0)
        assert "max_wait=5.0" in repr(smsc.with_options(max_wait=5.0).with_options(retry=None))


@pytest.mark.anyio
async def test_limits_can_be_lowered_and_never_raised(clock: FakeClock) -> None:
    """A lower limit by the endpoint's name; a higher one changes nothing."""
    guard = LocalGuard(clock=clock, limits={"numbers.available": 1, "downloads.list": 50})
    async with session(guard=guard, transport=answering([]), max_wait=1.0) as smsc:
        await smsc.numbers.available()
        with pytest.raises(WaitTooLong):
            await smsc.numbers.available()
        for _ in range(3):
            await smsc.downloads.list()
        with pytest.raises(WaitTooLong):
            await smsc.downloads.list()
        assert {"numbers.available": 1, "downloads.list": 3} == {
            rule.endpoint: rule.limit for rule in smsc.limits().rules
        }


@pytest.mark.anyio
async def test_any_endpoint_can_be_called(clock: FakeClock) -> None:
    """Its spelling of a known call shares that call's tokens; refusals and bad arguments are the same."""
    refusal = {"error": "parameters error", "error_code": 1}
    guard = LocalGuard(clock=clock)
    async with session(guard=guard, transport=answering([], [], refusal), max_wait=1.0) as smsc:
        assert [] == await smsc.call("receive_phones.php", {"get": 1}, limits=(smsc_async.Limit(2),))
        await smsc.numbers.available()
        with pytest.raises(WaitTooLong):
            await smsc.numbers.available()
        with pytest.raises(InvalidParameters, match="phones"):
            await smsc.call("phones.php", {"get": "1"})
        for path, params, limits in (
            ("../phones.php", {}, (smsc_async.Limit(3),)),
            ("phones.php", {"psw": "x"}, (smsc_async.Limit(3),)),
            ("phones.php", {"get": True}, (smsc_async.Limit(3),)),
            ("phones.php", {"get": "a\nb"}, (smsc_async.Limit(3),)),
            ("phones.php", {"": "a"}, (smsc_async.Limit(3),)),
            ("phones.php", ["get"], (smsc_async.Limit(3),)),
            ("phones.php", {}, ()),
            (5, {}, (smsc_async.Limit(3),)),
        ):
            with pytest.raises(InvalidArgument):
                await smsc.call(path, params, limits=limits)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentType):
            await smsc.call("phones.php", {}, replay="read")  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_reads_are_repeated_and_the_backup_host_is_asked(clock: FakeClock) -> None:
    """A lost answer sends a read to the next host after a back-off; the observer hears all of it."""
    seen: list[httpx.Request] = []
    heard: list[events.Event] = []
    transport = answering(httpx.Response(502), httpx.Response(200, content=b""), [], seen=seen)
    retry = Retry(random=lambda: 0.0)
    async with session(guard=LocalGuard(clock=clock), transport=transport, observer=heard.append, retry=retry) as smsc:
        assert [] == await smsc.downloads.list()

    assert ["smsc.ua", "www2.smsc.ua", "smsc.ua"] == [request.url.host for request in seen]
    kinds = [type(event).__name__ for event in heard]
    assert ["Attempt", "Replied", "Repeating", "Attempt", "Replied", "Repeating", "Attempt", "Replied"] == kinds


@pytest.mark.anyio
async def test_a_read_that_never_gets_an_answer_ends_with_no_reply(clock: FakeClock) -> None:
    """After the attempts are used up; without retry at once."""
    seen: list[httpx.Request] = []
    transport = answering(httpx.Response(502), seen=seen)
    retry = Retry(random=lambda: 0.0)
    async with session(guard=LocalGuard(clock=clock), transport=transport, retry=retry) as smsc:
        with pytest.raises(NoReply, match="HTTP status 502"):
            await smsc.downloads.list()
        assert 3 == len(seen)
        with pytest.raises(NoReply):
            await smsc.with_options(retry=None).downloads.list(limit=1)
        assert 4 == len(seen)


@pytest.mark.anyio
async def test_a_rent_whose_answer_is_lost_is_not_repeated_and_not_made_again(clock: FakeClock) -> None:
    """`OutcomeUnknown`, then the same without sending, until `force=True`."""
    seen: list[httpx.Request] = []
    heard: list[events.Event] = []
    transport = answering(httpx.Response(502), {"cost": "1"}, seen=seen)
    async with session(guard=LocalGuard(clock=clock), transport=transport, observer=heard.append) as smsc:
        with pytest.raises(OutcomeUnknown) as unknown:
            await smsc.numbers.rent("380950000001")
        assert "380950000001" == unknown.value.reference
        assert "380950000001" not in str(unknown.value)
        with pytest.raises(OutcomeUnknown, match="force=True"):
            await smsc.numbers.rent("+380 95 000 00 01")
        assert 1 == len(seen)
        assert "1" == str((await smsc.numbers.rent("380950000001", force=True)).cost)
    assert [events.OutcomeLost] == [type(event) for event in heard if isinstance(event, events.OutcomeLost)]


@pytest.mark.anyio
async def test_an_observer_that_fails_changes_nothing(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """Its error is logged, and the call goes on."""

    def broken(event: events.Event) -> None:
        raise RuntimeError(type(event).__name__)

    async with session(guard=LocalGuard(clock=clock), transport=answering([]), observer=broken) as smsc:
        assert [] == await smsc.numbers.available()
    assert "the observer failed on Attempt" in caplog.text


@pytest.mark.anyio
async def test_the_log_tells_waits_attempts_and_replies(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, under `smsc_async`, without a secret."""
    caplog.set_level(logging.DEBUG)
    async with (
        session(guard=LocalGuard(clock=clock), transport=answering([])) as smsc,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(3):
            tasks.start_soon(smsc.numbers.available)
        await clock.advance(100.0)
    ours = [record.getMessage() for record in caplog.records if record.name == "smsc_async"]
    assert any("waits at least 61.5 s (identical requests)" in line for line in ours)
    assert any("attempt 1 at https://smsc.ua/sys/receive_phones.php" in line for line in ours)
    assert any("HTTP 200, 2 bytes" in line for line in ours)
    assert "hidden word" not in caplog.text


@pytest.mark.anyio
async def test_max_wait_bounds_the_exchange_too(clock: FakeClock) -> None:
    """A read gives `NoReply`, a paid call `OutcomeUnknown`, when it ends in mid-exchange."""

    async def silent(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    guard = LocalGuard(clock=clock)
    async with session(guard=guard, transport=lambda: httpx.MockTransport(silent), max_wait=2.0) as smsc:
        for call, error in (
            (smsc.downloads.list, NoReply),
            (lambda: smsc.numbers.rent("380950000001"), OutcomeUnknown),
        ):
            ended: list[float] = []

            async def one(call: Any = call, error: Any = error, ended: list[float] = ended) -> None:
                with pytest.raises(error):
                    await call()
                ended.append(clock.now())

            began = clock.now()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one)
                await clock.advance(10.0)
            assert [began + 2.0] == ended


# ------------------------------------------------------------------ closed, opened again


@pytest.mark.anyio
async def test_closing_ends_the_waits_and_lets_calls_in_flight_end(clock: FakeClock) -> None:
    """Who waits gets `SessionClosed`, nothing of it sent; who has been sent gets its value; then nothing goes."""
    seen: list[httpx.Request] = []

    async def slow(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        await clock.sleep(5.0)
        return httpx.Response(200, json=[])

    smsc = session(guard=LocalGuard(clock=clock), transport=lambda: httpx.MockTransport(slow))
    ends: list[str] = []

    async def one() -> None:
        try:
            await smsc.downloads.list()
            ends.append("value")
        except SessionClosed as error:
            ends.append(str(error))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
        await clock.advance(5.0)  # the first proves the credentials
        await clock.advance(1.0)
        tasks.start_soon(smsc.aclose)
        await clock.advance(1.0)
        assert ["value", *["the session is closed; this call was not sent"] * 2] == ends
        await clock.advance(5.0)
    assert ["value"] * 3 == sorted(ends, reverse=True)[:3]
    assert 3 == len(seen)
    with pytest.raises(SessionClosed):
        await smsc.downloads.list()
    with pytest.raises(SessionClosed):
        async with smsc:
            pass


def test_a_session_works_again_after_an_event_loop_has_ended() -> None:
    """Without `async with`, in three runs of two libraries, as a notebook or a script would."""
    with SimulatedGateway() as gateway:
        smsc = gateway.session()
        for backend in ("asyncio", "asyncio", "trio"):
            assert 5 == len(anyio.run(smsc.numbers.available, backend=backend))
        asyncio.run(smsc.aclose())
        assert [] == gateway.simulator.verdict().problems()


@pytest.mark.anyio
async def test_a_refused_connection_is_not_sent(clock: FakeClock) -> None:
    """Even a rent says so, and may be made again."""
    smsc = session(base_url="http://127.0.0.1:9", guard=LocalGuard(clock=clock), retry=None)
    for _ in range(2):
        with pytest.raises(NotSent, match="refused"):
            await smsc.numbers.rent("380950000001")
    await smsc.aclose()


# ------------------------------------------------------------------ the door


def test_every_public_name_is_there() -> None:
    """What `__all__` lists can be loaded, and `dir` shows it."""
    for name in smsc_async.__all__:
        assert getattr(smsc_async, name) is not None
    assert set(smsc_async.__all__) <= set(dir(smsc_async))
    with pytest.raises(AttributeError, match="no attribute 'sesion'"):
        _ = smsc_async.sesion


def test_every_error_survives_pickle() -> None:
    """With its fields, and equal words."""
    for error in every_error():
        again = pickle.loads(pickle.dumps(error))
        assert (type(error), str(error), vars(error)) == (type(again), str(again), vars(again))


def test_formats_have_the_gateways_numbers() -> None:
    """`fmt` 0 to 3."""
    assert [0, 1, 2, 3] == [int(reply_format) for reply_format in ReplyFormat]


@pytest.fixture(autouse=True)
def _own_guards() -> Iterator[None]:
    with fresh_guards():
        yield


@pytest.mark.parametrize(
    "arguments",
    [
        {"base_url": "http://smsc.ua"},
        {"timeout": -1},
        {"apikey": "canary-key"},
        {"password": "canary\nword"},
        {"retry": "no"},
        {"account": ""},
    ],
)
def test_no_frame_of_ours_shows_the_credentials_of_a_session_that_could_not_be_made(arguments: dict[str, Any]) -> None:
    """A crash report prints the locals of every frame."""
    with pytest.raises(InvalidArgument) as refused:
        Session(**{"login": "canary-login", "password": "canary-word", **arguments})
    captured = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    ours = "".join(
        f"{name}={value}"
        for frame in captured.stack
        if "smsc_async" in frame.filename
        for name, value in (frame.locals or {}).items()
    )
    assert "canary" not in ours
    assert refused.value.__context__ is None


@pytest.mark.anyio
@pytest.mark.parametrize("who", ["observer", "log"])
async def test_who_fails_at_hearing_of_a_lost_outcome_gives_no_token_back(who: str) -> None:
    """A request that left stays charged, whatever an observer or a filter of the log raises when it is told."""
    arrived = anyio.Event()

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.aread()
            arrived.set()
            await anyio.sleep_forever()
            raise AssertionError

    class Broken(BaseException): ...

    def observer(event: events.Event) -> None:
        if who == "observer" and isinstance(event, events.OutcomeLost):
            raise Broken

    def refuse(record: logging.LogRecord) -> bool:
        if who == "log" and "outcome unknown" in record.msg:
            raise Broken
        return True

    log = logging.getLogger("smsc_async")
    log.addFilter(refuse)
    try:
        smsc = Session(apikey="k", transport=Silent, guard=LocalGuard(clock=FakeClock()), observer=observer)

        async def rent() -> None:
            with pytest.raises(Broken):
                await smsc.numbers.rent("380950000001")

        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:

                async def cancel() -> None:
                    await arrived.wait()
                    scope.cancel()

                tasks.start_soon(cancel)
                await rent()
    finally:
        log.removeFilter(refuse)
    assert [1] == [rule.used for rule in smsc.limits().rules]
    assert 1 == smsc.limits().lingering


@pytest.mark.anyio
async def test_names_that_are_members_of_an_enumeration_are_sent_as_their_text() -> None:
    """Whatever the other parameters hold, the same name goes out."""

    class Name(str, enum.Enum):  # noqa: UP042 - people still write it so, and its `str()` is not the text
        SENDER = "sender"
        TEXT = "mes"

    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(200, json={"ok": 1})

    async with Session(apikey="k", transport=lambda: httpx.MockTransport(answer), guard=LocalGuard()) as smsc:
        for text in ("ab", "a b"):
            await smsc.call("send.php", {Name.SENDER: "alex", Name.TEXT: text})
    assert [True, True] == [b"&sender=alex&mes=" in body for body in seen]
