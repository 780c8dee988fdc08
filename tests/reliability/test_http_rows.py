"""Part H of the catalogue of faults: HTTP and downloads, through the public session."""

from __future__ import annotations

import gzip
import inspect
import itertools
import json
import resource
import signal
import ssl
import tempfile
import time
import tracemalloc
import warnings
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from smsc_async import LocalGuard, Rental, ReplyFormat, Retry, Session, events
from smsc_async.errors import (
    IncompleteDownload,
    InvalidArgument,
    NoReply,
    NotSent,
    OutcomeUnknown,
    ReplyError,
    SmscError,
    TaskFailed,
    TaskNotFound,
    TaskNotReady,
    UnexpectedRedirect,
)
from smsc_async.simulator import (
    CutShort,
    Delay,
    Drip,
    Drop,
    Fault,
    Plan,
    Replace,
    Switches,
    WrongLength,
    html_page,
    plain_refusal,
    redirect,
)
from smsc_async.testing import SimulatedGateway
from tests.reliability.stages import OTHER, PHONE, SUBSCRIBER, Stage, outcome_of, raised_by, stage, until
from tests.transport.servers import Authority, Peer, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.anyio

JSON = ((b"content-type", b"application/json"),)


def alone(url: str, **options: Any) -> Session:
    """Give a session on a server that is no simulator; with a guard of its own, and without repetitions."""
    guard = LocalGuard(lateness=0.01)
    defaults = {"login": "demo", "password": "demo", "guard": guard, "retry": None}
    return Session(base_url=url, **{**defaults, **options})


def saying(*pieces: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Make a server that answers with these pieces, whatever it is asked, and then closes."""

    async def answer(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)

    return answer


# H1 and H2 (the long run over sockets is in tests/e2e/test_cancellation.py) -----------------------------------------


async def test_after_fourteen_cancellations_in_mid_exchange_the_next_fourteen_calls_work(anyio_backend: str) -> None:
    """H1: all connections are cancelled at once; when `lateness` has passed, fourteen calls at once are answered."""
    with stage(factor=20.0) as place:
        async with place.session() as smsc:
            await smsc.account.balance()
            stuck = Fault(Delay(before_reply=1e6), times=14)
            place.simulator.faults.add(stuck)
            async with anyio.create_task_group() as tasks:
                for number in range(14):
                    tasks.start_soon(smsc.calls.request, f"38067123{number:04d}")
                await until(lambda: stuck.hits == 14)
                tasks.cancel_scope.cancel()
            usage = smsc.limits()
            assert (0, 14) == (usage.in_flight, usage.lingering)
            # The gateway is done with them too, as it is by then: its own count is not what is tested here.
            place.simulator.reset()
            began = place.clock.now()
            async with anyio.create_task_group() as tasks:
                for number in range(14):
                    tasks.start_soon(smsc.calls.request, f"38067555{number:04d}")
            assert 4.5 < place.clock.now() - began < 200.0  # lateness is 5 s
            usage = smsc.limits()
            assert (0, 0, 0) == (usage.in_flight, usage.lingering, usage.waiting)


# H3 and H4: slow, endless, huge -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["head", "body", "chunked body"])
async def test_a_drip_ends_with_the_whole_deadline(anyio_backend: str, part: str) -> None:
    """H3: a byte now and then does not keep a call alive: `timeout` bounds the exchange as a whole."""
    head = b"HTTP/1.1 200 OK\r\n"

    async def drip(peer: Peer) -> None:
        await peer.request()
        if part != "head":
            length = b"Transfer-Encoding: chunked" if part == "chunked body" else b"Content-Length: 1000"
            await peer.send(head + length + b"\r\n\r\n")
        for byte in itertools.cycle(head):
            await peer.send(b"1\r\nx\r\n" if part == "chunked body" else bytes([byte]))
            await anyio.sleep(0.02)

    async with serving(drip) as server, alone(server.address, timeout=0.25) as smsc:
        began = time.monotonic()
        error = await raised_by(smsc.account.balance)
        assert isinstance(error, NoReply)
        assert 0.2 < time.monotonic() - began < 3.0


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nX: ", b"x" * 2_000_000],
        [b"HTTP/1.1 200 OK\r\n", b"".join(b"X-%d: y\r\n" % number for number in range(30_000))],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", *[b" " * 1_000_000] * 20],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"f4240\r\n" + b" " * 1_000_000 + b"\r\n"] * 20],
    ],
    ids=["one huge header", "many headers", "a huge body", "an endless body"],
)
async def test_huge_heads_and_bodies_are_given_up(anyio_backend: str, pieces: list[bytes]) -> None:
    """H3: what is larger than any reply can be is not read to its end: `NoReply`, and `OutcomeUnknown` for a rent."""
    async with serving(saying(*pieces)) as server, alone(server.address) as smsc:
        assert NoReply is type(await raised_by(smsc.account.balance))
        assert OutcomeUnknown is type(await raised_by(lambda: smsc.numbers.rent(PHONE)))


async def test_a_gzip_bomb_does_not_go_off(anyio_backend: str) -> None:
    """H4: a body that unpacks to 200 MB, which nobody asked to be packed, costs a few MB."""
    bomb = gzip.compress(bytes(200_000_000), 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    async with serving(saying(head, bomb)) as server, alone(server.address) as smsc:
        tracemalloc.start()
        try:
            assert NoReply is type(await raised_by(smsc.account.balance))
            assert tracemalloc.get_traced_memory()[1] < 24_000_000
        finally:
            tracemalloc.stop()
        assert b"accept-encoding: identity" in server.requests[0].lower()


# H5 to H9: files ----------------------------------------------------------------------------------------------------


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def save(smsc: Session, task: int, folder: Path) -> object:
    return await outcome_of(lambda: smsc.downloads.save(task, folder / "report.csv"))


@pytest.mark.parametrize("length", [True, False])
async def test_a_file_cut_short_at_random_bytes_leaves_nothing(
    anyio_backend: str, tmp_path: Path, length: bool
) -> None:
    """H5: wherever it ends early, with a length or in chunks, it is `IncompleteDownload` and there is no file."""
    random = Random(5)
    with stage(switches=Switches(csv_length=length)) as place:
        tasks = [place.simulator.add_task(rows=300) for _ in range(12)]
        async with place.session() as smsc:
            for task in tasks:
                at = random.choice([0, 1, random.randrange(2_048), random.randrange(9_000)])
                place.simulator.faults.add(Fault(CutShort(at), action="get_file"))
                before = len(place.arrivals("get_file"))
                outcome = await save(smsc, task.id, tmp_path)
                # Cut before enough has come to tell that it is a file, it is a lost reply, and asked for again.
                if isinstance(outcome, Path):
                    assert 2 == len(place.arrivals("get_file")) - before
                    assert at < 2_048
                    outcome.unlink()
                else:
                    assert isinstance(outcome, IncompleteDownload), (at, outcome)
                assert [] == files_in(tmp_path)
            assert (0, 0) == (smsc.limits().in_flight, smsc.limits().waiting)
        assert len(place.seen(events.Failed)) > 0


async def test_a_file_with_a_length_that_lies_leaves_nothing(anyio_backend: str, tmp_path: Path) -> None:
    """H5: where fewer bytes come than Content-Length says, neither `save` nor `rows` gives anything."""
    with stage() as place:
        task = place.simulator.add_task(rows=300)
        place.simulator.faults.add(Fault(WrongLength(10), action="get_file", times=None))
        async with place.session() as smsc:
            assert isinstance(await save(smsc, task.id, tmp_path), IncompleteDownload)

            async def rows() -> list[Any]:
                return [row async for row in smsc.downloads.rows(task.id)]

            assert isinstance(await outcome_of(rows), IncompleteDownload)
        assert [] == files_in(tmp_path)


async def test_a_transport_that_does_not_look_cuts_no_file_short(anyio_backend: str, tmp_path: Path) -> None:
    """H5: also where the HTTP transport is somebody's own, fewer bytes than Content-Length says are no file."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-length": "5000"}, content=b"a;b\n" * 1_000)

    async with alone("https://smsc.ua", transport=lambda: httpx.MockTransport(answer)) as smsc:
        assert isinstance(await save(smsc, 1, tmp_path), IncompleteDownload)
    assert [] == files_in(tmp_path)


async def test_a_whole_file_appears_at_once_and_only_at_the_end(anyio_backend: str, tmp_path: Path) -> None:
    """H5: while it comes there is nothing at its place; then all of it."""
    with stage() as place:
        task = place.simulator.add_task(rows=20_000)
        seen: list[bool] = []
        async with place.session() as smsc:
            target = tmp_path / "report.csv"
            path = await smsc.downloads.save(task.id, target, progress=lambda *_: seen.append(target.exists()))
        assert {False} == set(seen)
        assert ["report.csv"] == files_in(tmp_path)
        import hashlib

        assert place.simulator.sha256(task) == hashlib.sha256(path.read_bytes()).hexdigest()


IN_PLACE: list[tuple[str, Any, type[Exception] | None]] = [
    ("error 9", plain_refusal(9), None),
    ("error 1", plain_refusal(1, "no"), SmscError),
    ("error 5", plain_refusal(5, "no"), TaskNotFound),
    ("error in JSON", Replace(acted=False, headers=JSON, body=b'{"error":"no","error_code":5}'), TaskNotFound),
    ("page", html_page(), ReplyError),
    ("page, typed as CSV", Replace(acted=True, headers=((b"content-type", b"text/csv"),), body=b"<HTML>x"), ReplyError),
    ("nothing", Replace(acted=True, headers=((b"content-type", b"text/csv"),), body=b""), NoReply),
    ("redirect", redirect("https://example.com/"), UnexpectedRedirect),
]


@pytest.mark.parametrize(("effect", "error"), [case[1:] for case in IN_PLACE], ids=[case[0] for case in IN_PLACE])
async def test_what_comes_in_a_files_place_is_no_file(
    anyio_backend: str, tmp_path: Path, effect: Any, error: type[Exception] | None
) -> None:
    """H6: a refusal or a page with status 200 is told by its first bytes; an error 9 is repeated a minute later."""
    with stage() as place:
        task = place.simulator.add_task(rows=3)
        place.simulator.faults.add(Fault(effect, action="get_file", times=1 if error is None else None))
        async with place.session() as smsc:
            outcome = await save(smsc, task.id, tmp_path)
        if error is None:
            first, second = place.arrivals("get_file")
            assert second.entered_at - first.entered_at >= 60.0
            assert tmp_path / "report.csv" == outcome
        else:
            assert isinstance(outcome, error)
            assert [] == files_in(tmp_path)


@pytest.mark.parametrize(
    ("settings_", "error"),
    [({"waits": 1e9}, TaskNotReady), ({"runs": 1e9}, TaskNotReady), ({"ends": "failed"}, TaskFailed)],
    ids=["waits", "runs", "failed"],
)
async def test_a_file_that_is_not_there_yet_says_so(
    anyio_backend: str, tmp_path: Path, settings_: dict[str, Any], error: type[Exception]
) -> None:
    """H6: the gateway's one number for "no task" and "no file" is told apart, and nothing is written."""
    with stage() as place:
        task = place.simulator.add_task(rows=3, **settings_)
        async with place.session() as smsc:
            assert isinstance(await save(smsc, task.id, tmp_path), error)
            assert isinstance(await save(smsc, task.id + 1, tmp_path), TaskNotFound)
        assert [] == files_in(tmp_path)


NASTY = [
    "../../x.csv",
    "..",
    ".",
    "/etc/passwd",
    "a\x00b.csv",
    "CON",
    "nul.csv",
    "C:\\x\\y.csv",
    "a\nb",
    "\u202ex",
    "~",
    "",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.one_of(st.sampled_from(NASTY), st.text(max_size=300)))
def test_the_gateways_name_for_a_file_never_leads_elsewhere(name: str) -> None:
    """H7: whatever the gateway calls the file, it lands in the folder that was given, under a plain name."""
    tasks = json.dumps([{"id": 1, "name": "n", "status": 2, "created": "", "time": "", "file": name}])

    def answer(request: httpx.Request) -> httpx.Response:
        listing = b"get_list=1" in request.read()
        content = tasks.encode() if listing else b"a;b\n"
        return httpx.Response(200, content=content, headers={"content-type": "text/plain"})

    async def ask(folder: Path) -> None:
        async with alone("https://smsc.ua", transport=lambda: httpx.MockTransport(answer)) as smsc:
            path = await smsc.downloads.save(1, folder)
        assert folder == path.parent
        assert [path.name] == files_in(folder)
        assert path.name.isprintable()
        assert not set(path.name) & set('/\\<>:"|?*')
        assert path.stem.upper() not in {"CON", "NUL", "AUX", "PRN", "COM1", "LPT1"}

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(ask, Path(folder))


async def test_a_full_disk_is_the_systems_error_and_nothing_is_left(anyio_backend: str, tmp_path: Path) -> None:
    """H8: where no more bytes can be written the error goes through, the slot is free, the partial file is gone."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with stage() as place:
        task = place.simulator.add_task(rows=60_000)
        async with place.session() as smsc:
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
                with pytest.raises(OSError, match="File too large"):
                    await smsc.downloads.save(task.id, tmp_path / "report.csv")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
                signal.signal(signal.SIGXFSZ, before)
            assert 0 == smsc.limits().in_flight
            assert [] == files_in(tmp_path)
            assert await smsc.downloads.save(task.id, tmp_path / "report.csv")


async def test_a_folder_that_is_not_there_is_an_error_before_anything_is_sent(
    anyio_backend: str, tmp_path: Path
) -> None:
    """H8: a place that cannot be written to is found out first."""
    with stage() as place:
        task = place.simulator.add_task(rows=3)
        async with place.session() as smsc:
            with pytest.raises(FileNotFoundError):
                await smsc.downloads.save(task.id, tmp_path / "nowhere" / "report.csv")
        assert () == place.simulator.log


async def test_formulas_are_left_as_data(anyio_backend: str) -> None:
    """H9: a cell that a spreadsheet would run comes as it is; who writes one for a spreadsheet must quote it."""
    with stage() as place:
        task = place.simulator.add_task(data=b"id;message\n1;=1+1\n2;@SUM(A1)\n3;+380\n4;-2\n")
        async with place.session() as smsc:
            rows = [row async for row in smsc.downloads.rows(task.id, header=True)]
        assert ["=1+1", "@SUM(A1)", "+380", "-2"] == [row["message"] for row in rows]
        assert "quote" in (type(smsc.downloads).rows.__doc__ or "")


# H10 to H13: with whom we talk --------------------------------------------------------------------------------------


def certificates(kind: str) -> tuple[ssl.SSLContext, ssl.SSLContext | None]:
    """Give a server's context with something wrong, and the client's (None: the public authorities)."""
    authority = Authority()
    match kind:
        case "unknown authority":
            return authority.server(), None
        case "wrong host":
            return authority.server("smsc.test"), authority.client()
        case "expired":
            past = datetime(2020, 1, 1, tzinfo=UTC)
            return authority.server(
                "127.0.0.1", not_before=past, not_after=past + timedelta(days=1)
            ), authority.client()
        case _:
            context = authority.server()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1_1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
            return context, authority.client()


@pytest.mark.parametrize("kind", ["unknown authority", "wrong host", "expired", "old TLS"])
async def test_whoever_cannot_prove_to_be_the_gateway_gets_nothing(anyio_backend: str, kind: str) -> None:
    """H10: not a byte of a request goes to a server whose certificate or TLS is not right: `NotSent`."""
    tls, context = certificates(kind)
    async with serving(Peer.gone, tls=tls) as server, alone(server.address, ssl_context=context) as smsc:
        assert NotSent is type(await raised_by(lambda: smsc.numbers.rent(PHONE)))
        assert [] == server.requests


async def test_a_private_authority_can_be_trusted(anyio_backend: str) -> None:
    """H10: `ssl_context` takes one, and then calls go through."""
    authority = Authority()
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n" + b'{"balance":"1.5"}'
    async with (
        serving(saying(reply), tls=authority.server()) as server,
        alone(server.address, ssl_context=authority.client()) as smsc,
    ):
        assert "1.5" == str((await smsc.account.balance()).amount)


def test_verification_has_no_switch() -> None:
    """H10: no argument turns verification off, and a context that does is refused."""
    assert not {"verify", "insecure", "check_hostname"} & set(inspect.signature(Session).parameters)
    context = ssl.create_default_context()
    context.check_hostname = False
    for mode in (ssl.CERT_NONE, ssl.CERT_REQUIRED):
        context.verify_mode = mode
        with pytest.raises(InvalidArgument, match="must verify"):
            Session(login="a", password="b", ssl_context=context)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_anywhere(anyio_backend: str, status: int) -> None:
    """H11: neither to the same host nor to another does the password go on; the body is sent once."""
    with stage() as place, SimulatedGateway() as elsewhere:
        async with place.session() as smsc:
            for location in (f"{place.url}/sys/balance.php", f"{elsewhere.url}/sys/balance.php", "http://127.0.0.1:9/"):
                place.simulator.faults.add(Fault(redirect(location, status)))
                assert UnexpectedRedirect is type(await raised_by(smsc.account.balance))
        assert (3, 0) == (len(place.simulator.log), len(elsewhere.simulator.log))


async def test_a_redirect_from_https_to_http_is_not_followed(anyio_backend: str) -> None:
    """H11: least of all to where everybody can read."""
    authority = Authority()
    with stage() as place:
        reply = f"HTTP/1.1 302 Found\r\nLocation: {place.url}/sys/balance.php\r\nContent-Length: 0\r\n\r\n".encode()
        async with serving(saying(reply), tls=authority.server()) as server:
            async with alone(server.address, ssl_context=authority.client()) as smsc:
                assert UnexpectedRedirect is type(await raised_by(smsc.account.balance))
            assert 1 == len(server.requests)
        assert () == place.simulator.log


async def test_the_environment_is_not_asked(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """H12: proxies, certificates and netrc of the environment change nothing; the gateway sees the call directly."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    for name in ("NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, str(netrc))
    with stage() as place:
        async with place.session() as smsc:
            await smsc.account.balance()
        assert 1 == len(place.simulator.log)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://smsc.ua", True),
        ("https://smsc.ua/", True),
        ("https://sms.example.com", True),
        ("https://10.0.0.7:8443", True),
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("http://smsc.ua", False),
        ("http://10.0.0.7", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("ftp://smsc.ua", False),
        ("file:///etc/passwd", False),
        ("smsc.ua", False),
        ("", False),
        ("https://", False),
        ("https://user:pass@smsc.ua", False),
        ("https://smsc.ua?x=1", False),
        ("https://smsc.ua#x", False),
        ("https://smsc.ua\r\nX: y", False),
        ("https://smsc.ua /", False),
        ("https://смсц.укр", False),
        ("https://smsc.ua:port", False),
    ],
)
def test_where_the_password_may_go(url: str, fine: bool) -> None:
    """H13: https anywhere that was asked for, plain http to this machine alone, and no address that hides something."""
    if fine:
        assert Session(login="a", password="b", base_url=url)
        return
    with pytest.raises(InvalidArgument, match="base_url"):
        Session(login="a", password="b", base_url=url)


def test_plain_http_to_another_machine_must_be_allowed() -> None:
    """H13: a simulator in a network of containers is reached with `allow_plain_http=True`, backups too."""
    with pytest.raises(InvalidArgument, match="allow_plain_http"):
        Session(login="a", password="b", backup_urls=["http://gateway:8000"])
    assert Session(
        login="a", password="b", base_url="http://one:80", backup_urls=["http://two:80"], allow_plain_http=True
    )


# H14 to H16 ---------------------------------------------------------------------------------------------------------


@settings(max_examples=80)
@example("a&psw", "1")
@example("a=b&login", "1")
@example("a b%00+", "1")
@example("назва", "1")
@given(st.text(st.characters(codec=None), max_size=20), st.text(st.characters(codec=None), max_size=20))
def test_a_parameter_arrives_as_it_is_or_not_at_all(name: str, value: str) -> None:
    """H14: whatever text is given, the gateway gets that text, or the caller `InvalidArgument` and nothing is sent."""
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.read())
        return httpx.Response(200, json={"result": "OK"})

    async def ask() -> object:
        async with alone("https://smsc.ua", transport=lambda: httpx.MockTransport(answer)) as smsc:
            return await outcome_of(lambda: smsc.call("phones.php", {name: value}))

    outcome = anyio.run(ask)
    if isinstance(outcome, Exception):
        assert isinstance(outcome, InvalidArgument)
        assert [] == seen
    else:
        (body,) = seen
        form = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding="utf-8")
        assert [value] == form[name]
        assert {name, "login", "psw", "fmt", "charset"} == set(form)


TEXTS = ["a\r\nb", "a\nb", "a\rb", "a\x00b", "\ud83d", "a\udfffb", "\x7f", "\x1b[31m"]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
async def test_line_breaks_nul_and_lone_surrogates_are_refused_before_sending(anyio_backend: str, text: str) -> None:
    """H14: in every text that a call takes."""
    with stage() as place:
        async with place.session() as smsc:
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: smsc.numbers.rent(text),
                lambda: smsc.numbers.set_auto_renew(text, True),
                lambda: smsc.calls.request(text),
                lambda: smsc.downloads.save(name=text),
                lambda: smsc.downloads.stream(name=text).__aenter__(),
                lambda: anext(smsc.downloads.rows(name=text)),
                lambda: smsc.call("phones.php", {"text": text}),
                lambda: smsc.call("phones.php", {text: "x"}),
                lambda: smsc.call(text, {}),
            ]
            for call in calls:
                assert isinstance(await outcome_of(call), InvalidArgument)
        assert () == place.simulator.log


CHARSETS = list(itertools.product(["honest", "upper", "absent", "lying"], ["requested", "windows-1251", "utf-8"]))


@pytest.mark.parametrize(("header", "charset"), CHARSETS, ids=["-".join(case) for case in CHARSETS])
async def test_a_charset_that_lies_changes_no_value(anyio_backend: str, header: Any, charset: Any) -> None:
    """H15: UTF-8 or windows-1251, whatever the header says of it: the values are the same, in formats 2 and 3."""
    with stage(numbers=SimulatedGateway().simulator.numbers.available.values()) as place:
        async with place.session() as smsc:
            expected = await smsc.numbers.available()
            assert "ґанок" in expected[3].info
            place.simulator.switches = Switches(charset_header=header, reply_charset=charset)
            for reply_format in (ReplyFormat.XML, ReplyFormat.JSON):
                place.simulator.reset()
                assert expected == await smsc.with_options(reply_format=reply_format).numbers.available()


@pytest.mark.parametrize("reply_format", list(ReplyFormat))
async def test_an_undecodable_charset_is_a_value_or_a_reply_error(
    anyio_backend: str, reply_format: ReplyFormat
) -> None:
    """H15: in a charset that nobody can tell, a reply is text with other letters, or a `ReplyError`."""
    with stage(numbers=SimulatedGateway().simulator.numbers.available.values()) as place:
        place.simulator.switches = Switches(reply_charset="koi8-r")
        async with place.session(reply_format=reply_format) as smsc:
            outcome = await outcome_of(smsc.numbers.available)
            assert isinstance(outcome, list | ReplyError)


@settings(max_examples=100)
@given(
    body=st.binary(max_size=60),
    status=st.sampled_from([200, 200, 200, 201, 400, 500]),
    fmt=st.sampled_from([0, 1, 2, 3]),
)
def test_any_bytes_are_a_value_or_an_error_of_ours(body: bytes, status: int, fmt: int) -> None:
    """H15: no answer raises anything but errors of this package."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body)

    async def ask() -> None:
        async with alone("https://smsc.ua", transport=lambda: httpx.MockTransport(answer), reply_format=fmt) as smsc:
            for call in (
                smsc.numbers.available,
                smsc.account.balance,
                smsc.downloads.list,
                lambda: smsc.numbers.rent(PHONE),
                lambda: smsc.calls.request(SUBSCRIBER),
                lambda: smsc.numbers.set_auto_renew(OTHER, True),
                lambda: smsc.call("x.php", {}),
            ):
                outcome = await outcome_of(call)
                assert isinstance(outcome, SmscError) or not isinstance(outcome, Exception), repr(outcome)

    anyio.run(ask)


@pytest.mark.parametrize("where", ["back-off", "minute"])
async def test_a_cancellation_between_attempts_passes(anyio_backend: str, where: str) -> None:
    """H16: the retry lets a cancellation through, in its pause as in the guard's, and makes no attempt after it."""
    with stage(factor=1.0) as place:
        effect = Drop(acted=False) if where == "back-off" else plain_refusal(9)
        place.simulator.faults.add(Fault(effect, action="get", times=None))
        async with place.session(retry=Retry(random=lambda: 1.0), timeout=30.0) as smsc:
            await smsc.account.balance()
            escaped: list[BaseException] = []

            async def call() -> None:
                try:
                    await smsc.numbers.available()
                except BaseException as error:
                    escaped.append(error)
                    raise

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await until(lambda: place.seen(events.Repeating))
                await anyio.sleep(0.02)
                tasks.cancel_scope.cancel()
            assert [anyio.get_cancelled_exc_class()] == [type(error) for error in escaped]
            assert 1 == len(place.arrivals("get"))
            assert (0, 0) == (smsc.limits().in_flight, smsc.limits().waiting)


async def test_a_backup_host_is_tried_under_the_same_rules(anyio_backend: str) -> None:
    """Section 6: a read goes on to the next host, a rent only if the first got nothing of it."""
    with stage(proxy=True) as place:
        assert place.proxy is not None
        async with place.session(base_url=place.proxy.url, backup_urls=[place.url]) as smsc:
            await smsc.account.balance()
            place.proxy.add(Plan(cut_reply_at=0), match=b"balance.php")
            await smsc.account.balance()
            place.proxy.add(Plan(cut_reply_at=0), match=b"receive_phones.php")
            assert isinstance(await outcome_of(lambda: smsc.numbers.rent(PHONE)), OutcomeUnknown)
            place.proxy.down()
            place.proxy.cut_all()
            assert isinstance(await smsc.numbers.rent(OTHER), Rental)
        assert [True, True, False, True, True, False] == [
            event.url.startswith(place.proxy.url) for event in place.seen(events.Attempt)
        ]


def test_a_slow_reader_does_not_time_out() -> None:
    """Section 4: the deadline of a file bounds the network, not what the reader does between two chunks."""

    async def read() -> int:
        with Stage() as place:
            task = place.simulator.add_task(data=b"x;y\n" * 50_000)
            place.simulator.faults.add(Fault(Drip(rate=1e9, piece=20_000), action="get_file"))
            async with place.session(retry=None) as smsc:
                size = 0
                view = smsc.with_options(timeout=30.0 * place.clock.factor)
                async with view.downloads.stream(task.id) as chunks:
                    async for chunk in chunks:
                        size += len(chunk)
                        await anyio.sleep(0.005)
                return size

    assert 200_000 == anyio.run(partial(read))
