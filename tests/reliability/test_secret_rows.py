"""Part S of the catalogue of faults: no secret escapes, through the public session."""

from __future__ import annotations

import copy
import html
import inspect
import json
import logging
import pickle
import ssl
import traceback
import types
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import anyio
import attrs
import httpx
import pytest
import rich.traceback

import smsc_async
from smsc_async import LocalGuard, ReplyFormat, Session, errors, events
from smsc_async._transport import trust
from smsc_async.simulator import (
    CutShort,
    Delay,
    Drop,
    EchoCredentials,
    Fault,
    Garbage,
    Replace,
    Truncate,
    empty_body,
    html_page,
    http_status,
    plain_refusal,
    redirect,
)
from tests.canaries import RUN
from tests.errors_made import every_error
from tests.reliability.stages import OTHER, PHONE, Stage, outcome_of, stage, until
from tests.transport.servers import Authority, Peer, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from smsc_async.simulator import Effect

pytestmark = pytest.mark.anyio

FAST = 1_000.0  # an hour in 3.6 s: the waits of an eventful day
PACKAGE = Path(smsc_async.__file__).parent
JSON = ((b"content-type", b"application/json"),)


class Canaries:
    """The run's credentials, each with a mark that survives every way of writing it."""

    def __init__(self) -> None:
        self.marks = RUN.marks
        self.login, self.password, self.apikey = RUN.login, RUN.password, RUN.apikey
        self.subscriber = "380671239876"

    @property
    def pair(self) -> dict[str, Any]:
        return RUN.pair

    def in_text(self, text: str) -> list[str]:
        """Say which marks a text holds, in which spelling."""
        return RUN.in_text(text)


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@contextmanager
def place_of(canaries: Canaries, **settings: Any) -> Iterator[Stage]:
    """Put up a stage whose account has these credentials."""
    credentials = {"login": canaries.login, "password": canaries.password, "apikey": canaries.apikey}
    with stage(**{"factor": FAST, **credentials, **settings}) as place:
        yield place


# What leaks: the ways to look -----------------------------------------------------------------------------------------


def frames_of(error: BaseException | None, seen: set[int] | None = None) -> Iterator[types.FrameType]:
    """Give the frames of an error, and of all errors that it is chained to or made of."""
    seen = set() if seen is None else seen
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
    yield from frames_of(error.__cause__, seen)
    yield from frames_of(error.__context__, seen)
    for part in getattr(error, "exceptions", ()):
        yield from frames_of(part, seen)


def shown_by(error: BaseException) -> str:
    """Give what a crash report could show of an error: texts, pickles, and locals, one level into objects."""
    shown = ["".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())]
    shown += [str(error), repr(error), format(error), repr(error.args), repr(vars(error))]
    shown.append(pickle.dumps(error).decode("latin-1"))
    for frame in frames_of(error):
        if PACKAGE not in Path(frame.f_code.co_filename).parents and "httpx" not in frame.f_code.co_filename:
            continue
        for value in frame.f_locals.values():
            shown.append(repr(value))
            shown += [repr(inner) for inner in getattr(value, "__dict__", {}).values()]
            shown += [
                repr(getattr(value, name, "")) for name in getattr(type(value), "__slots__", ()) if name != "_text"
            ]
    return "\n".join(shown)


def rich_report(error: BaseException) -> str:
    """Give what rich prints of an error: the locals of all frames, to full length and depth, and what is in them."""
    trace = rich.traceback.Traceback.extract(
        type(error), error, error.__traceback__, show_locals=True, locals_max_length=1_000, locals_max_string=100_000
    )
    nodes = [
        f"{name} = {node}"
        for stack in trace.stacks
        for frame in stack.frames
        for name, node in (frame.locals or {}).items()
    ]
    return "\n".join([*nodes, *(stack.exc_value for stack in trace.stacks)])


# The error paths ------------------------------------------------------------------------------------------------------

FAULTS: dict[str, Effect] = {
    "dropped": Drop(acted=True),
    "cut": CutShort(3),
    "500": http_status(500, acted=False),
    "429": http_status(429, acted=False),
    "redirect": redirect("https://example.com/?login=x"),
    "page": html_page(),
    "garbage": Garbage(),
    "half": Truncate(9),
    "empty": empty_body(),
    "refused": plain_refusal(1, "no"),
    "duplicate": plain_refusal(9, "no"),
    "busy": plain_refusal(9, "too many concurrent requests"),
    "wrong login": plain_refusal(2, "no"),
    "blocked": plain_refusal(4, "no"),
    "echo": EchoCredentials(),
    "slow": Delay(before_reply=1e6),
}


async def a_file(smsc: Any) -> list[bytes]:
    async with smsc.downloads.stream(name="x.csv") as chunks:
        return [chunk async for chunk in chunks]


CALLS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "available": lambda smsc: smsc.numbers.available(),
    "rent": lambda smsc: smsc.numbers.rent(PHONE),
    "request": lambda smsc: smsc.calls.request("380671239876"),
    "file": a_file,
    "call": lambda smsc: smsc.call("balance.php", {"cur": 1}),
}
PATHS = [(fault, call) for fault in FAULTS for call in CALLS]


def reveals_nothing(canaries: Canaries, error: BaseException) -> None:
    """Assert that neither the standard library's report nor rich's nor ours holds a mark."""
    assert [] == canaries.in_text(shown_by(error)), error
    assert [] == canaries.in_text(rich_report(error)), error
    assert not any(isinstance(value, httpx.Request) for frame in frames_of(error) for value in frame.f_locals.values())


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_traceback_holds_a_secret_on_eighty_error_paths(
    anyio_backend: str, canaries: Canaries, fault: str
) -> None:
    """S3: whatever goes wrong with whatever call, no frame, chain or pickle of the error shows a credential."""
    assert len(PATHS) >= 50
    for call in CALLS.values():
        with place_of(canaries) as place:
            place.simulator.faults.add(Fault(FAULTS[fault], times=None))
            async with place.session(**canaries.pair, retry=None, timeout=0.3 * FAST) as smsc:
                error = await outcome_of(partial(call, smsc))
                if isinstance(error, list | str) and fault in {"garbage", "half"}:
                    continue  # any bytes are a file, and any text is the answer of a page that nobody knows
                assert isinstance(error, errors.SmscError), error
                reveals_nothing(canaries, error)
                # In an error's own words there is no whole phone either.
                assert canaries.subscriber not in str(error)


async def test_no_traceback_of_an_unsent_call_holds_a_secret(anyio_backend: str, canaries: Canaries) -> None:
    """S3: nor where no connection comes about, TLS fails, the wait is too long or the session is closed."""
    options: dict[str, Any] = {**canaries.pair, "retry": None}
    refused = Session(base_url="http://127.0.0.1:9", **options, guard=LocalGuard())
    reveals_nothing(canaries, await failed(refused.account.balance, errors.NotSent))
    await refused.aclose()
    reveals_nothing(canaries, await failed(refused.account.balance, errors.SessionClosed))
    async with (
        serving(Peer.gone, tls=Authority().server()) as server,
        Session(base_url=server.address, **options, guard=LocalGuard()) as smsc,
    ):
        reveals_nothing(canaries, await failed(smsc.account.balance, errors.NotSent))
    with place_of(canaries, factor=1.0) as place:
        async with place.session(**canaries.pair) as smsc:
            await smsc.numbers.available()
            await smsc.numbers.available()
            view = smsc.with_options(max_wait=1.0)
            reveals_nothing(canaries, await failed(view.numbers.available, errors.WaitTooLong))
            reveals_nothing(canaries, await failed(lambda: smsc.numbers.rent("no phone"), errors.InvalidArgument))


async def failed(call: Callable[[], Awaitable[object]], kind: type[Exception]) -> Exception:
    error = await outcome_of(call)
    assert isinstance(error, kind)
    return error


async def test_no_traceback_of_a_cancellation_holds_a_secret(anyio_backend: str, canaries: Canaries) -> None:
    """S3: an exception that passes through in mid-exchange takes no body along."""
    with place_of(canaries) as place:
        place.simulator.faults.add(Fault(Delay(before_reply=1e6), times=None))
        async with place.session(**canaries.pair, guard=place.guard(lateness=0.0)) as smsc:
            for call in CALLS.values():
                before = len(place.simulator.log)
                error = await cancelled(partial(call, smsc), partial(arrived_after, place, before))
                shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
                assert [] == canaries.in_text(shown)
                assert [] == canaries.in_text(rich_report(error))


@pytest.mark.parametrize("ending", ["cancel", "timeout"])
async def test_a_body_that_is_just_being_written_is_in_no_traceback(
    anyio_backend: str, canaries: Canaries, ending: str
) -> None:
    """S3: where it ends in the middle of writing, the frames below, which hold the bytes, are left behind."""

    async def deaf(peer: Peer) -> None:
        await anyio.sleep_forever()

    async with serving(deaf) as server:
        timeout = 30.0 if ending == "cancel" else 0.3
        options: dict[str, Any] = {"base_url": server.address, "guard": LocalGuard(), "timeout": timeout}
        async with Session(**canaries.pair, **options, retry=None) as smsc:
            call = partial(smsc.call, "x.php", {"mes": "x" * 8_000_000})
            if ending == "timeout":
                error: BaseException = await failed(call, errors.OutcomeUnknown)
            else:
                error = await cancelled(call, lambda: server.open > 0 and smsc.limits().in_flight > 0)
        report = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert [] == canaries.in_text(report)
        for frame in frames_of(error):
            for value in frame.f_locals.values():
                if isinstance(value, bytes | bytearray | memoryview):
                    assert [] == canaries.in_text(bytes(value).decode("latin-1"))


def arrived_after(place: Stage, before: int) -> bool:
    return len(place.simulator.log) > before


async def cancelled(call: Callable[[], Awaitable[object]], when: Callable[[], bool]) -> BaseException:
    """Cancel a call when something is so, and give what passed through it."""
    caught: list[BaseException] = []

    async def one() -> None:
        try:
            await call()
        except BaseException as error:
            caught.append(error)
            raise

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await until(when)
        tasks.cancel_scope.cancel()
    return caught[0]


WRONG_ARGUMENTS: dict[str, dict[str, Any]] = {
    "base_url": {"base_url": "http://example.com"},
    "format": {"reply_format": 7},
    "timeout": {"timeout": -1},
    "max_wait": {"max_wait": "soon"},
    "retry": {"retry": 3},
    "observer": {"observer": 3},
    "proxy": {"proxy": "no proxy"},
    "backup_urls": {"backup_urls": "https://x"},
    "account": {"account": ""},
    "both kinds": {"apikey": "k"},
    "no password": {"password": None},
    "empty password": {"password": ""},
    "ssl_context": {"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)},
}


@pytest.mark.parametrize("wrong", WRONG_ARGUMENTS)
def test_a_session_that_cannot_be_made_shows_no_credential(canaries: Canaries, wrong: str) -> None:
    """S3: where another argument is wrong, no frame of ours holds the password at the time of the error."""
    with pytest.raises(errors.InvalidArgument) as caught:
        Session(**{**canaries.pair, **WRONG_ARGUMENTS[wrong]})
    own_frames_are_clean(canaries, caught.value)


WRONG_CREDENTIALS: list[Callable[[str], Any]] = [
    lambda text: text + "\n",
    lambda text: text + "\x00",
    lambda text: text + "\ud800",
    lambda text: text.encode(),
    lambda text: bytearray(text.encode()),
    lambda text: [text],
    lambda text: (text,),
    lambda text: Named(text),  # noqa: PLW0108 - the class comes below
]


class Named:
    """Something that is no text and shows one."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Named({self.text})"


@pytest.mark.parametrize("broken", range(len(WRONG_CREDENTIALS)))
@pytest.mark.parametrize("name", ["login", "password", "apikey"])
def test_a_credential_that_cannot_be_used_is_not_shown(canaries: Canaries, name: str, broken: int) -> None:
    """S3: a password with a line break, or as bytes, is refused in words that do not repeat it."""
    value = WRONG_CREDENTIALS[broken](getattr(canaries, name))
    given = {"apikey": value} if name == "apikey" else {**canaries.pair, name: value}
    with pytest.raises(errors.InvalidArgument, match=name) as caught:
        Session(**given)
    own_frames_are_clean(canaries, caught.value)


def test_an_environment_that_is_wrong_shows_no_credential(canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: nor does `from_env`, with too many variables or with a wrong option."""
    for name in ("SMSC_APIKEY", "SMSC_LOGIN", "SMSC_PASSWORD", "SMSC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SMSC_LOGIN", canaries.login)
    for change, options in (("SMSC_APIKEY", {}), ("SMSC_PASSWORD", {"timeout": -1})):
        monkeypatch.setenv(change, canaries.password)
        with pytest.raises(errors.InvalidArgument) as caught:
            Session.from_env(**options)
        own_frames_are_clean(canaries, caught.value)
        monkeypatch.delenv(change)


def own_frames_are_clean(canaries: Canaries, error: BaseException) -> None:
    """Assert that neither the words nor a local of this package's frames hold a mark; the caller's are the caller's."""
    assert [] == canaries.in_text(f"{error} {error!r} {vars(error)}")
    for frame in frames_of(error):
        if PACKAGE in Path(frame.f_code.co_filename).parents:
            for name, value in frame.f_locals.items():
                assert [] == canaries.in_text(repr(value)), (name, frame.f_code.co_name)


# S1 and S5: logs and events ------------------------------------------------------------------------------------------


class Everything(logging.Handler):
    """Keeps the whole of every record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def text(self, name: str = "") -> str:
        """Give all that the records hold: message, arguments, traceback, and what else there is."""
        format_ = logging.Formatter("%(name)s %(message)s").format
        chosen = [record for record in self.records if record.name.startswith(name)]
        return "\n".join(f"{format_(record)} {record.args!r} {vars(record)!r}" for record in chosen)


@contextmanager
def everything_logged() -> Iterator[Everything]:
    """Log everything of everybody, at DEBUG."""
    root, handler = logging.getLogger(), Everything()
    quieted = {
        name: logger for name, logger in logging.root.manager.loggerDict.items() if isinstance(logger, logging.Logger)
    }
    levels = {logger: (logger.level, logger.disabled) for logger in (root, *quieted.values())}
    for logger in levels:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        for logger, (level, disabled) in levels.items():
            logger.setLevel(level)
            logger.disabled = disabled


async def rows_of(smsc: Any, task: int) -> list[object]:
    return [row async for row in smsc.downloads.rows(task)]


async def eventful_day(place: Stage, smsc: Any, canaries: Canaries) -> None:
    """Let everything happen once that a session can live through."""
    place.simulator.add_task(rows=5)
    for call in CALLS.values():
        await outcome_of(partial(call, smsc))
    await outcome_of(lambda: smsc.numbers.set_auto_renew(PHONE, False))
    await outcome_of(lambda: rows_of(smsc, 1))
    for name in ("dropped", "500", "page", "refused", "duplicate", "busy", "echo", "redirect"):
        place.simulator.faults.add(Fault(FAULTS[name]))
        await outcome_of(lambda: smsc.calls.request(canaries.subscriber))
        place.simulator.faults.add(Fault(FAULTS[name]))
        await outcome_of(smsc.downloads.list)
    place.simulator.faults.add(Fault(FAULTS["dropped"], action="buy"))
    await outcome_of(lambda: smsc.numbers.rent(OTHER))
    await outcome_of(lambda: smsc.numbers.rent(OTHER))
    place.simulator.faults.add(Fault(FAULTS["slow"]))
    with anyio.move_on_after(0.05):
        await smsc.calls.request(canaries.subscriber)
    place.simulator.faults.add(Fault(FAULTS["wrong login"]))
    await outcome_of(smsc.account.balance)
    await outcome_of(smsc.account.balance)


@pytest.mark.parametrize("kind", ["login", "apikey"])
async def test_no_log_record_holds_a_secret(anyio_backend: str, canaries: Canaries, kind: str) -> None:
    """S1: with every logger at DEBUG, httpx's and httpcore's too, nothing of an eventful day shows a credential."""
    credentials = canaries.pair if kind == "login" else {"apikey": canaries.apikey}
    with everything_logged() as handler, place_of(canaries) as place:
        async with place.session(**credentials) as smsc:
            await eventful_day(place, smsc, canaries)
    talkers = {record.name.split(".")[0] for record in handler.records}
    assert {"smsc_async", "httpcore"} <= talkers
    assert len(handler.records) > 200
    assert [] == canaries.in_text(handler.text())
    # Ours hold no whole phone at any level.
    assert canaries.subscriber not in handler.text("smsc_async")
    assert PHONE not in handler.text("smsc_async")
    assert OTHER not in handler.text("smsc_async")


async def test_no_event_holds_a_secret(anyio_backend: str, canaries: Canaries) -> None:
    """S5: what the observer is told, and telemetry made of it, shows no credential and no whole phone."""
    with place_of(canaries) as place:
        async with place.session(**canaries.pair) as smsc:
            await eventful_day(place, smsc, canaries)
        kinds = {type(event) for event in place.events}
        told = {events.Attempt, events.Replied, events.Refused, events.Failed, events.Repeating, events.OutcomeLost}
        assert told <= kinds
        shown = "\n".join(f"{event} {event!r} {attrs.asdict(event)} {pickle.dumps(event)!r}" for event in place.events)
        assert [] == canaries.in_text(shown)
        assert canaries.subscriber not in shown
        assert PHONE not in shown
        assert OTHER not in shown
        assert not any("?" in event.url for event in place.seen(events.Attempt))


async def test_an_observer_that_fails_shows_no_secret(anyio_backend: str, canaries: Canaries) -> None:
    """S1: its traceback goes to the log, with nothing in it but its own."""

    def fail(event: events.Event) -> None:
        raise RuntimeError("the observer's own fault")

    with everything_logged() as handler, place_of(canaries) as place:
        async with place.session(**canaries.pair, observer=fail) as smsc:
            await smsc.account.balance()
    failures = [record for record in handler.records if record.exc_info]
    assert failures
    for record in failures:
        assert record.exc_info is not None
        assert record.exc_info[1] is not None
        shown = traceback.TracebackException.from_exception(record.exc_info[1], capture_locals=True)
        assert [] == canaries.in_text("".join(shown.format()))


# S2: objects ---------------------------------------------------------------------------------------------------------


def reachable(root: object, limit: int = 3_000) -> list[object]:
    """Give what can be reached from an object through attributes, slots and containers, as a dump would."""
    found: dict[int, object] = {}
    waiting = [root]
    while waiting and len(found) < limit:
        value = waiting.pop()
        if id(value) in found or isinstance(value, type | types.ModuleType | types.FunctionType | types.MethodType):
            continue
        found[id(value)] = value
        if isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            waiting += value
        elif type(value).__module__.startswith("smsc_async"):
            waiting += list(getattr(value, "__dict__", {}).values())
            slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting += [getattr(value, name) for name in slots if hasattr(value, name) and name != "_text"]
    return list(found.values())


@pytest.mark.parametrize("kind", ["login", "apikey"])
async def test_no_object_shows_a_secret(anyio_backend: str, canaries: Canaries, kind: str) -> None:
    """S2: in repr, str, format, `vars` and dumps of the session and of all that hangs on it credentials are masked."""
    credentials = canaries.pair if kind == "login" else {"apikey": canaries.apikey}
    with place_of(canaries) as place:
        async with place.session(**credentials) as smsc:
            await smsc.account.balance()
            view = smsc.with_options(max_wait=50.0)
            roots = [smsc, view, smsc.numbers, smsc.calls, smsc.downloads, smsc.account, smsc.limits(), place.guard()]
            everything = [value for root in roots for value in reachable(root)]
            assert len({type(value).__name__ for value in everything}) > 20
            for value in everything:
                shown = f"{value!r} {value!s} {getattr(value, '__dict__', '')!r}"
                assert [] == canaries.in_text(shown), type(value)
                if isinstance(value, str | bytes | bytearray):
                    assert [] == canaries.in_text(value if isinstance(value, str) else bytes(value).decode("latin-1"))
                if attrs.has(type(value)):
                    assert [] == canaries.in_text(repr(attrs.asdict(value)))
            secrets = [value for value in everything if type(value).__name__ == "Secret"]
            assert secrets
            assert {"***"} == {f"{secret}".split("'")[1] for secret in secrets}


async def test_sessions_refuse_to_be_pickled_and_copied(anyio_backend: str, canaries: Canaries) -> None:
    """S2: a pickle is a file that nobody masks, so there is none of a session, a view, or a secret."""
    async with Session(**canaries.pair) as smsc:
        for value in (smsc, smsc.with_options(max_wait=1.0), smsc.numbers, smsc._conductor.shared.secrets[0]):
            for dump in (pickle.dumps, copy.deepcopy):
                with pytest.raises((TypeError, pickle.PicklingError, AttributeError)) as refusal:
                    dump(value)
                assert [] == canaries.in_text(f"{refusal.value} {refusal.value!r}")


def test_every_public_error_pickles_and_shows_no_more_than_its_fields() -> None:
    """S2: all errors survive `pickle`, with the same words."""
    for error in every_error():
        again = pickle.loads(pickle.dumps(error))
        assert (type(error), str(error), vars(error)) == (type(again), str(again), vars(again))


def test_a_proxys_password_is_not_shown(canaries: Canaries) -> None:
    """S2: the address of a proxy may hold one, which no repr and no error repeats."""
    address = f"http://user:{canaries.marks[0]}@127.0.0.1:9"
    smsc = Session(login="a", password="b", proxy=address, guard=LocalGuard(), retry=None)
    for value in reachable(smsc):
        assert [] == canaries.in_text(repr(value))

    async def ask() -> object:
        async with smsc:
            return await outcome_of(smsc.account.balance)

    error = anyio.run(ask)
    assert isinstance(error, errors.NotSent)
    assert [] == canaries.in_text(shown_by(error))
    with pytest.raises(errors.InvalidArgument) as caught:
        Session(login="a", password="b", proxy=f"nonsense:{canaries.marks[0]}")
    assert [] == canaries.in_text(f"{caught.value} {caught.value!r}")


# S4: the wire --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["login", "apikey"])
async def test_no_url_and_no_header_holds_a_secret(anyio_backend: str, canaries: Canaries, kind: str) -> None:
    """S4: credentials are in the body of a POST and nowhere else; the gateway saw no URL with any."""
    credentials = canaries.pair if kind == "login" else {"apikey": canaries.apikey}
    with place_of(canaries) as place:
        async with place.session(**credentials) as smsc:
            await eventful_day(place, smsc, canaries)
        assert 0 == place.simulator.verdict().credentials_in_url
        assert {"POST"} == {arrival.method for arrival in place.simulator.log}
    async with serving(listen) as server:
        async with Session(base_url=server.address, **credentials, guard=LocalGuard(), retry=None) as smsc:
            await outcome_of(smsc.account.balance)
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"POST /sys/balance.php HTTP/1.1" == head.split(b"\r\n")[0]
    assert [] == canaries.in_text(head.decode())
    assert [] != canaries.in_text(body.decode())


async def listen(peer: Peer) -> None:
    """Read one request, and close."""
    await peer.request()


# S9 and S11 ----------------------------------------------------------------------------------------------------------


async def test_no_key_log_is_written(anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S9: SSLKEYLOGFILE, with which everybody could read the traffic, is not heeded."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    trust.process_context.cache_clear()
    try:
        authority = Authority()
        async with serving(listen, tls=authority.server()) as server:
            async with Session(
                login="a", password="b", base_url=server.address, guard=LocalGuard(), ssl_context=authority.client()
            ) as smsc:
                await outcome_of(smsc.with_options(retry=None).account.balance)
            assert 1 == len(server.requests)
        assert None is trust.process_context().keylog_filename
    finally:
        trust.process_context.cache_clear()
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("reply_format", list(ReplyFormat))
@pytest.mark.parametrize("kind", ["login", "apikey"])
async def test_a_server_that_repeats_our_credentials_is_not_quoted(
    anyio_backend: str, canaries: Canaries, kind: str, reply_format: ReplyFormat
) -> None:
    """S11: where an error text repeats the request, the error shows a bounded part without credentials and phones."""
    credentials = canaries.pair if kind == "login" else {"apikey": canaries.apikey}
    for call in CALLS.values():
        with place_of(canaries) as place:
            place.simulator.faults.add(Fault(EchoCredentials(), times=None))
            async with place.session(**credentials, reply_format=reply_format, retry=None) as smsc:
                error = await outcome_of(partial(call, smsc))
            assert isinstance(error, errors.GatewayError)
            assert [] == canaries.in_text(shown_by(error))
            assert len(error.detail) <= 201
            assert canaries.subscriber not in str(error)


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode(),
    "windows-1251": lambda text: text.encode("cp1251", "replace"),
    "urlencoded": lambda text: quote_plus(text).encode(),
    "JSON": lambda text: json.dumps(text).encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "HTML in numbers": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("where", ["refusal", "page", "text", "half JSON"])
async def test_a_quotation_in_another_spelling_is_not_shown_either(
    anyio_backend: str, canaries: Canaries, spelling: str, where: str
) -> None:
    """S11: urlencoded, escaped or in another charset a password is a password, in a refusal as in a page."""
    spell = SPELLINGS[spelling]
    said = b"login=" + spell(canaries.login) + b"&psw=" + spell(canaries.password)
    body = {
        "refusal": b"ERROR = 1 (parameters error: " + said + b")",
        "page": b"<p>" + said,
        "text": said,
        "half JSON": b'{"request": "' + said,
    }[where]
    with place_of(canaries) as place:
        place.simulator.faults.add(Fault(Replace(acted=False, headers=JSON, body=body), times=None))
        async with place.session(**canaries.pair, retry=None) as smsc:
            for call in (smsc.numbers.available, smsc.downloads.list, lambda: smsc.numbers.rent(PHONE)):
                error = await outcome_of(call)
                assert isinstance(error, errors.SmscError)
                assert [] == canaries.in_text(f"{error} {error!r} {error.__cause__!r}")


def test_the_door_offers_nothing_that_shows_more() -> None:
    """S2: no public function or method gives a credential back."""
    for name in smsc_async.__all__:
        value = getattr(smsc_async, name)
        if inspect.isclass(value):
            assert not {"reveal", "password", "apikey", "login", "credentials"} & {
                member for member in dir(value) if not member.startswith("_")
            }, name
