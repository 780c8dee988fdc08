"""Bad input: a typed error that says what to do, shows no secret, and comes before anything is sent."""

from __future__ import annotations

import json
import re
import ssl
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsc_async import Limit, LocalGuard, Replay, Retry, Scope, Session
from smsc_async.errors import InvalidArgument, InvalidArgumentType, OutcomeUnknown, ReplyError, SmscError
from smsc_async.testing import SimulatedGateway
from tests.e2e.loads import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PHONE = "380950000001"
CANARY = "c4n4ry"
GOOD = {"login": "demo", "password": "demo"}


@attrs.frozen
class Bad:
    """A call that cannot be meant."""

    call: Callable[[Any], Any]  # with a session, or with nothing where it makes one
    says: str  # a pattern of what the message must tell: the argument, and what to do
    error: type[InvalidArgument] = InvalidArgument


def wrong(call: Callable[[Any], Any], says: str) -> Bad:
    """Give a call with an argument of a wrong type."""
    return Bad(call, says, InvalidArgumentType)


# Calls --------------------------------------------------------------------------------------------------------------

NOT_PHONES: dict[str, tuple[Any, str, type[InvalidArgument]]] = {
    "empty": ("", "phone: is empty; give the digits", InvalidArgument),
    "spaces": ("  ", "phone: is empty; give the digits", InvalidArgument),
    "plus": ("+", "phone: is empty; give the digits", InvalidArgument),
    "letters": (f"{CANARY}", 'phone: must be digits.*such as "380671234567"', InvalidArgument),
    "digits and letters": (f"38067{CANARY}", "phone: must be digits", InvalidArgument),
    "other digits": ("٣٨٠٦٧١٢٣٤٥٦٧", "phone: must be digits", InvalidArgument),
    "full width": ("３８０６７１２３４５６７", "phone: must be digits", InvalidArgument),
    "two": ("380671234567,380671234568", "phone: must be digits", InvalidArgument),
    "short": ("123456", "phone: has 6 digits; .* 7 to 15", InvalidArgument),
    "long": ("1234567890123456", "phone: has 16 digits; .* 7 to 15", InvalidArgument),
    "no country": ("0671234567", "phone: begins with 0; write the country code", InvalidArgument),
    "line break": ("380671234567\n", "phone: ", InvalidArgument),
    "carriage return": ("38067\r1234567", "phone: ", InvalidArgument),
    "NUL": ("380671234567\x00", "phone: ", InvalidArgument),
    "surrogate": ("38067123456\ud800", "phone: ", InvalidArgument),
    "number": (380671234567, 'phone: must be a str of digits, not int; write "380671234567"', InvalidArgumentType),
    "bytes": (b"380671234567", "phone: must be a str of digits, not bytes", InvalidArgumentType),
    "None": (None, "phone: must be a str of digits, not None", InvalidArgumentType),
    "list": (["380671234567"], "phone: must be a str of digits, not list", InvalidArgumentType),
    "bool": (True, "phone: must be a str of digits, not bool", InvalidArgumentType),
}

UNSENDABLE = {"CR": "a\rb", "LF": "a\nb", "NUL": "a\x00b", "tab": "a\tb", "escape": "a\x1bb", "DEL": "a\x7fb"}
UNSENDABLE |= {"high surrogate": "a\ud83db", "low surrogate": "a\udfffb", "C1": "a\x85b"}


def bad_calls() -> Iterator[tuple[str, Bad]]:
    for name, (value, says, error) in NOT_PHONES.items():
        yield f"rent {name}", Bad(lambda smsc, v=value: smsc.numbers.rent(v), says, error)
        yield f"set_auto_renew {name}", Bad(lambda smsc, v=value: smsc.numbers.set_auto_renew(v, True), says, error)
        yield f"request {name}", Bad(lambda smsc, v=value: smsc.calls.request(v), says, error)
        if name != "number":  # parameters of `call` may be numbers
            yield f"call {name}", Bad(lambda smsc, v=value: smsc.call("x.php", {"phone": v}), "phone: ", error)
    for name, text in UNSENDABLE.items():
        surrogate = "surrogate" in name
        hint = (
            "holds half of a surrogate pair.*decode it properly"
            if surrogate
            else r"holds a.*\(U\+00[0-9A-F]{2}\); take it out"
        )
        yield f"stream {name}", Bad(lambda smsc, t=text: in_stream(smsc, name=t), f"name: {hint}")
        yield f"save {name}", Bad(lambda smsc, t=text: smsc.downloads.save(name=t), f"name: {hint}")
        yield f"rows {name}", Bad(lambda smsc, t=text: first_row(smsc, name=t), f"name: {hint}")
        yield f"value {name}", Bad(lambda smsc, t=text: smsc.call("x.php", {"mes": t}), f"mes: {hint}")
        yield f"name {name}", Bad(lambda smsc, t=text: smsc.call("x.php", {t: "1"}), f"params: {hint}")
        yield f"path {name}", Bad(lambda smsc, t=text: smsc.call(t, {}), "path: give a page below /sys/")
    for value in (None, 1, 0, "yes", "0"):
        yield (
            f"renew {value!r}",
            wrong(lambda smsc, v=value: smsc.numbers.set_auto_renew(PHONE, v), "enabled: .*True or False"),
        )
        yield (
            f"auto_renew {value!r}",
            wrong(lambda smsc, v=value: smsc.numbers.rent(PHONE, auto_renew=v), "auto_renew: .*True or False"),
        )
        yield (
            f"force {value!r}",
            wrong(lambda smsc, v=value: smsc.numbers.rent(PHONE, force=v), "force: .*True or False"),
        )
    for value in (1.0, "1", True, b"1", [1]):
        yield f"id {value!r}", wrong(lambda smsc, v=value: in_stream(smsc, v), "task_id: must be an int, not")
        yield f"wait {value!r}", wrong(lambda smsc, v=value: smsc.downloads.wait(v), "task_id: must be an int, not")
        yield (
            f"limit {value!r}",
            wrong(lambda smsc, v=value: smsc.downloads.list(limit=v), "limit: must be an int, not"),
        )
        yield (
            f"after {value!r}",
            wrong(lambda smsc, v=value: smsc.downloads.list(after_id=v), "after_id: must be an int"),
        )
        yield (
            f"page {value!r}",
            wrong(lambda smsc, v=value: smsc.downloads.all(page_size=v), "page_size: must be an int"),
        )
    for value in (0, -1, 2**63):
        yield f"id {value}", Bad(lambda smsc, v=value: smsc.downloads.save(v), "task_id: must be 1 or more")
        yield f"limit {value}", Bad(lambda smsc, v=value: smsc.downloads.list(limit=v), "limit: must be 1 or more")
    yield "after -1", Bad(lambda smsc: smsc.downloads.list(after_id=-1), "after_id: must be 0 or more")
    yield "no file", Bad(lambda smsc: smsc.downloads.save(), "task_id: give either the task's id or name=")
    yield "two files", Bad(lambda smsc: smsc.downloads.save(1, name="x"), "task_id: give either the task's id or name=")
    yield "empty name", Bad(lambda smsc: smsc.downloads.save(name=""), "name: is empty; give")
    yield "poll 0", Bad(lambda smsc: smsc.downloads.wait(1, poll=0), "poll: must be more than 0 seconds")
    yield "poll text", wrong(lambda smsc: smsc.downloads.wait(1, poll="1"), "poll: must be a number of seconds")
    yield "timeout 0", Bad(lambda smsc: smsc.downloads.wait(1, timeout=0), "timeout: must be more than 0 seconds")
    yield "encoding", Bad(lambda smsc: first_row(smsc, 1, encoding="utf-99"), 'encoding: .*try "utf-8"')
    yield "delimiter", Bad(lambda smsc: first_row(smsc, 1, delimiter=";;"), "delimiter: must be one character")
    yield "delimiter type", wrong(lambda smsc: first_row(smsc, 1, delimiter=b";"), "delimiter: must be a str")
    yield "path type", wrong(lambda smsc: smsc.call(b"x.php", {}), "path: give a page such as 'phones.php'")
    for path in ("", "x", "../x.php", "x.php?y=1", "http://x/x.php", "X.PHP", "/x.php"):
        yield f"path {path!r}", Bad(lambda smsc, p=path: smsc.call(p, {}), "path: give a page below /sys/")
    yield "params type", wrong(lambda smsc: smsc.call("x.php", "a=b"), "params: give a mapping")
    yield "params list", wrong(lambda smsc: smsc.call("x.php", [("a", "b")]), "params: give a mapping")
    yield "param name", wrong(lambda smsc: smsc.call("x.php", {1: "b"}), "params: must be a str")
    yield "param no name", Bad(lambda smsc: smsc.call("x.php", {"": "b"}), "params: give every parameter a name")
    for value in (None, 1.5, b"x", True, ["x"], {"x": 1}):
        yield f"param {value!r}", wrong(lambda smsc, v=value: smsc.call("x.php", {"mes": v}), "mes: must be a str, not")
    for name in ("login", "psw", "apikey", "fmt", "charset"):
        yield f"param {name}", Bad(lambda smsc, n=name: smsc.call("x.php", {n: CANARY}), f"{name}: leave it out")
    yield "limits empty", Bad(lambda smsc: smsc.call("x.php", {}, limits=()), "limits: give .*at least one Limit")
    yield "limits of ints", wrong(lambda smsc: smsc.call("x.php", {}, limits=(3,)), "limits: give .*at least one Limit")
    yield "limits one", wrong(lambda smsc: smsc.call("x.php", {}, limits=Limit(3)), "limits: give")
    yield "replay", wrong(lambda smsc: smsc.call("x.php", {}, replay="reads"), "replay: give a Replay")
    yield "view format", Bad(lambda smsc: smsc.with_options(reply_format=4), "reply_format: .*formats 0 to 3")
    yield "view max_wait", Bad(lambda smsc: smsc.with_options(max_wait=0), "max_wait: give a finite number of seconds")
    yield "view timeout", wrong(lambda smsc: smsc.with_options(timeout=None), "timeout: give seconds as a number")


async def in_stream(smsc: Session, *args: Any, **options: Any) -> None:
    async with smsc.downloads.stream(*args, **options):
        pass


async def first_row(smsc: Session, *args: Any, **options: Any) -> object:
    return [row async for row in smsc.downloads.rows(*args, **options)]


CALLS = dict(bad_calls())


@pytest.mark.anyio
async def test_what_cannot_be_meant_is_refused_before_anything_is_sent(anyio_backend: str) -> None:
    """Every kind of wrong argument of every call is an `InvalidArgument` that says what to do; no token is touched."""
    assert len(CALLS) > 200
    unlike: dict[str, object] = {}
    with SimulatedGateway() as place:
        async with place.session() as smsc:
            for name, bad in CALLS.items():

                async def make(bad: Bad = bad) -> object:
                    made = bad.call(smsc)
                    return await made if hasattr(made, "__await__") else made

                error = await outcome_of(make)
                if not isinstance(error, bad.error) or not re.match(bad.says, str(error)):
                    unlike[name] = error
                    continue
                assert isinstance(error, ValueError)
                assert isinstance(error, TypeError) == isinstance(error, InvalidArgumentType)
                assert str(error).isprintable()
                assert CANARY not in f"{error}{error!r}"
            usage = smsc.limits()
            assert ((), 0, 0) == (usage.rules, usage.in_flight, usage.waiting)
        assert () == place.simulator.log
    assert {} == unlike


# Sessions and guards ------------------------------------------------------------------------------------------------

SESSIONS: dict[str, Bad] = {
    "nothing": Bad(Session, "credentials: give either apikey=, or both login= and password="),
    "login alone": Bad(lambda: Session(login="a"), "credentials: give either .*given: login"),
    "password alone": Bad(lambda: Session(password=CANARY), "credentials: give either .*given: password"),
    "both kinds": Bad(lambda: Session(**GOOD, apikey=CANARY), "credentials: give either .*given: apikey and login"),
    "key and password": Bad(lambda: Session(apikey="k", password=CANARY), "credentials: give either"),
    "empty login": Bad(lambda: Session(login="", password=CANARY), "login: give a text that is not empty"),
    "empty password": Bad(lambda: Session(login="a", password=""), "password: give a text that is not empty"),
    "empty key": Bad(lambda: Session(apikey=""), "apikey: give a text that is not empty"),
    "login type": wrong(lambda: Session(login=1, password=CANARY), "login: must be a str, not int"),
    "password type": wrong(lambda: Session(login="a", password=CANARY.encode()), "password: must be a str, not bytes"),
    "key type": wrong(lambda: Session(apikey=[CANARY]), "apikey: must be a str, not list"),
    "password LF": Bad(lambda: Session(login="a", password=f"{CANARY}\n"), "password: holds a line break.*take it out"),
    "key NUL": Bad(lambda: Session(apikey=f"{CANARY}\0"), "apikey: holds a NUL.*take it out"),
    "login surrogate": Bad(lambda: Session(login="\ud800", password=CANARY), "login: holds half of a surrogate pair"),
    "account empty": Bad(lambda: Session(**GOOD, account=""), "account: give a name, or leave it out"),
    "account type": wrong(lambda: Session(**GOOD, account=1), "account: must be a str"),
    "plain http": Bad(lambda: Session(**GOOD, base_url="http://smsc.ua"), "base_url: plain http.*use https"),
    "plain backup": Bad(lambda: Session(**GOOD, backup_urls=["http://x"]), "backup_urls: plain http.*use https"),
    "relative": Bad(lambda: Session(**GOOD, base_url="smsc.ua"), "base_url: give an absolute address such as"),
    "in the URL": Bad(
        lambda: Session(**GOOD, base_url=f"https://a:{CANARY}@smsc.ua"), "base_url: give an address without a user name"
    ),
    "query": Bad(
        lambda: Session(**GOOD, base_url=f"https://smsc.ua?psw={CANARY}"), "base_url: give the address without"
    ),
    "URL type": wrong(lambda: Session(**GOOD, base_url=b"https://smsc.ua"), "base_url: give an address such as"),
    "backup type": wrong(lambda: Session(**GOOD, backup_urls="https://x"), "backup_urls: give a sequence of addresses"),
    "format 4": Bad(lambda: Session(**GOOD, reply_format=4), "reply_format: the gateway has the formats 0 to 3, not 4"),
    "format -1": Bad(lambda: Session(**GOOD, reply_format=-1), "reply_format: the gateway has the formats 0 to 3"),
    "format text": wrong(lambda: Session(**GOOD, reply_format="json"), "reply_format: give a ReplyFormat"),
    "format bool": wrong(lambda: Session(**GOOD, reply_format=True), "reply_format: give a ReplyFormat"),
    "timeout 0": Bad(lambda: Session(**GOOD, timeout=0), "timeout: give a finite number of seconds above 0, not 0"),
    "timeout inf": Bad(lambda: Session(**GOOD, timeout=float("inf")), "timeout: give a finite number"),
    "timeout nan": Bad(lambda: Session(**GOOD, timeout=float("nan")), "timeout: give a finite number"),
    "timeout None": wrong(lambda: Session(**GOOD, timeout=None), "timeout: give seconds as a number"),
    "max_wait -1": Bad(lambda: Session(**GOOD, max_wait=-1), "max_wait: give a finite number"),
    "max_wait text": wrong(lambda: Session(**GOOD, max_wait="5"), "max_wait: give seconds as a number, or None"),
    "retry": wrong(lambda: Session(**GOOD, retry=3), "retry: give a Retry or None, not int"),
    "observer": wrong(lambda: Session(**GOOD, observer=[]), "observer: give a function of one event, or None"),
    "proxy": Bad(lambda: Session(**GOOD, proxy="x"), "proxy: must be an address such as http://proxy.example:3128"),
    "trusting all": Bad(lambda: Session(**GOOD, ssl_context=trusting_all()), "ssl_context: must verify"),
    "attempts 0": Bad(lambda: Retry(attempts=0), "attempts: give at least 1.*retry=None"),
    "attempts type": wrong(lambda: Retry(attempts=2.0), "attempts: give a whole number, not float"),
    "budget": Bad(lambda: Retry(budget=-1), "budget: give 0 or more"),
    "fifteen": Bad(
        lambda: LocalGuard(max_concurrency=15), "max_concurrency: give a whole number from 1 to 14, not 15; .*fifteenth"
    ),
    "no slots": Bad(lambda: LocalGuard(max_concurrency=0), "max_concurrency: give a whole number from 1 to 14, not 0"),
    "half a slot": wrong(lambda: LocalGuard(max_concurrency=1.5), "max_concurrency: give a whole number, not float"),
    "downloads": Bad(lambda: LocalGuard(max_downloads=15), "max_downloads: give a whole number from 1 to 14"),
    "no window": Bad(lambda: LocalGuard(window=0), "window: give a finite number of seconds above 0"),
    "margin": Bad(lambda: LocalGuard(margin=-1), "margin: give a finite number of seconds from 0"),
    "lateness": Bad(lambda: LocalGuard(lateness=float("inf")), "lateness: give a finite number"),
    "window type": wrong(lambda: LocalGuard(window="60"), "window: give seconds as a number, not str"),
    "limits": Bad(
        lambda: LocalGuard(limits={"numbers.rent": 0}), r"limits\['numbers.rent'\]: give a whole number from 1"
    ),
    "identical": Bad(lambda: LocalGuard(identical="phone"), "identical: use 'request' or 'action'"),
}


def trusting_all() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_or_guard_that_cannot_be_meant_is_not_made(name: str) -> None:
    """Credentials, addresses, formats and numbers out of range are refused by the constructor, with what to do."""
    bad = SESSIONS[name]
    with pytest.raises(bad.error) as caught:
        bad.call()  # type: ignore[call-arg]
    assert re.match(bad.says, str(caught.value)), caught.value
    assert isinstance(caught.value, ValueError)
    assert CANARY not in f"{caught.value}{caught.value!r}"


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"SMSC_LOGIN": "a"},
        {"SMSC_PASSWORD": CANARY},
        {"SMSC_LOGIN": "a", "SMSC_PASSWORD": CANARY, "SMSC_APIKEY": CANARY},
        {"SMSC_LOGIN": "", "SMSC_PASSWORD": CANARY},
    ],
    ids=lambda variables: "+".join(variables) or "none",
)
def test_an_environment_with_too_few_or_too_many_credentials_is_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """`from_env` names the variables to set, and shows none of their values."""
    for name in ("SMSC_APIKEY", "SMSC_LOGIN", "SMSC_PASSWORD", "SMSC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidArgument, match="set SMSC_APIKEY, or both SMSC_LOGIN and SMSC_PASSWORD") as caught:
        Session.from_env()
    assert CANARY not in str(caught.value)


def test_limits_out_of_range_are_refused() -> None:
    """A `Limit` of less than one request, or of no number, cannot be made."""
    for n in (0, -1):
        with pytest.raises(ValueError, match="n"):
            Limit(n)
    for n in (1.5, "3", None):
        with pytest.raises(TypeError):
            Limit(n)  # type: ignore[arg-type]
    assert Limit(3, Scope.ACTION) != Limit(3)
    assert {"READ", "SET", "IF_NOT_DONE"} == set(Replay.__members__)


# What the gateway sends ---------------------------------------------------------------------------------------------

names = st.one_of(
    st.sampled_from(["phone", "type", "cost", "current_cost", "info", "id", "name", "status", "created", "time"]),
    st.sampled_from(["file", "balance", "currency", "credit", "all_phones", "result", "error", "error_code"]),
    st.text(max_size=4),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150)
@given(
    body=st.one_of(
        anything.map(lambda data: json.dumps(data).encode()), st.binary(max_size=40), st.text().map(str.encode)
    )
)
def test_whatever_the_gateway_sends_is_a_value_or_a_bounded_error(body: bytes) -> None:
    """No answer leads to a bare `KeyError`, `JSONDecodeError` or `UnicodeDecodeError`; what is quoted is bounded."""

    async def ask() -> None:
        def transport() -> httpx.MockTransport:
            return httpx.MockTransport(lambda _: httpx.Response(200, content=body))

        async with Session(**GOOD, transport=transport, guard=LocalGuard(), retry=None) as smsc:
            for call in (
                smsc.numbers.available,
                smsc.account.balance,
                smsc.downloads.list,
                partial(smsc.numbers.set_auto_renew, PHONE, True),
                partial(smsc.numbers.rent, PHONE),
                partial(smsc.calls.request, PHONE),
                partial(smsc.call, "x.php", {}),
            ):
                outcome = await outcome_of(call)
                if not isinstance(outcome, Exception):
                    continue
                assert isinstance(outcome, SmscError)
                assert len(str(outcome)) < 700
                cause = outcome.__cause__ if isinstance(outcome, OutcomeUnknown) else outcome
                if isinstance(cause, ReplyError):
                    assert len(cause.excerpt) <= 201
                    assert cause.excerpt.isprintable()

    anyio.run(ask)
