"""The ways to an error: faults at every public method, wrong arguments, refused waits, files, cancellations, groups."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import anyio
import httpx

from smsc_async import LocalGuard, ReplyFormat, Session, errors
from smsc_async.simulator import (
    CutShort,
    Drop,
    EchoCredentials,
    Fault,
    Garbage,
    GzipBomb,
    Replace,
    Truncate,
    empty_body,
    html_page,
    http_status,
    plain_refusal,
    redirect,
)
from smsc_async.webhooks import Receiver, SqliteStore
from tests.canaries import RUN
from tests.proof.edges.gateway import Gateway
from tests.proof.edges.paths import all_rows, whole_file
from tests.transport.servers import Authority

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from smsc_async.simulator import Effect
    from tests.proof.edges.paths import Reached, Scene

__all__ = ["WAYS", "walk"]

_JSON: Final = ((b"content-type", b"application/json"),)
_CODES: Final = (1, 2, 3, 4, 5, 6, 7, 8, 10, 99)


def faults(secret: str) -> dict[str, Effect]:
    """Give the faults, by name; some say the *secret* aloud."""
    return {
        **{f"error {code}": plain_refusal(code, f"no, not with {secret}") for code in _CODES},
        "error 9, duplicate": plain_refusal(9, "wait a minute"),
        "error 9, concurrency": plain_refusal(9, "too many concurrent requests"),
        "echo": EchoCredentials(),
        "dropped": Drop(acted=True),
        "cut": CutShort(3),
        "half": Truncate(9),
        "empty": empty_body(),
        "garbage": Garbage(),
        "page": html_page(),
        "wrong JSON": Replace(acted=True, headers=_JSON, body=json.dumps({"said": secret}).encode()),
        "gzip junk": Replace(acted=True, headers=(*_JSON, (b"content-encoding", b"gzip")), body=b"junk"),
        "gzip bomb": GzipBomb(16 * 1024 * 1024),
        "redirect": redirect("https://x.test/"),
        "429": http_status(429, acted=False),
        "500": http_status(500, acted=True),
    }


async def _faults(scene: Scene) -> None:
    for fault, effect in faults([*scene.credentials.values()][-1]).items():
        for name, call in scene.calls.items():
            scene.gateway.simulator.faults.add(Fault(effect, times=None))
            async with scene.session() as smsc:
                await scene.fails(f"{name}, {fault}", partial(call, smsc))
            scene.gateway.clear_faults()


async def _echoes(scene: Scene) -> None:
    for reply_format in ReplyFormat:
        scene.gateway.simulator.faults.add(Fault(EchoCredentials(), times=None))
        async with scene.session(reply_format=reply_format) as smsc:
            await scene.fails(f"echo in format {reply_format:d}", smsc.numbers.available)
        scene.gateway.clear_faults()


async def _heads(scene: Scene) -> None:
    """The head of a reply says the secret; httpcore, which logs all heads at DEBUG, is not asked to."""
    log = logging.getLogger("httpcore.http11")
    log.setLevel(logging.INFO)
    try:
        for name, call in scene.calls.items():
            location = f"https://x.test/?said={quote([*scene.credentials.values()][-1])}"
            scene.gateway.simulator.faults.add(Fault(redirect(location), times=None))
            async with scene.session() as smsc:
                await scene.fails(f"{name}, a redirect that says it", partial(call, smsc))
            scene.gateway.clear_faults()
    finally:
        log.setLevel(logging.NOTSET)


async def _unsent(scene: Scene) -> None:
    elsewhere: dict[str, dict[str, Any]] = {
        "nobody listens": {"base_url": "http://127.0.0.1:9", "backup_urls": ()},
        "unknown name": {"base_url": "https://nobody.invalid", "backup_urls": ()},
        "no TLS there": {"base_url": scene.gateway.url.replace("http:", "https:"), "backup_urls": ()},
        "a dead proxy": {"proxy": f"http://user:{RUN.password[-16:]}@127.0.0.1:9"},
    }
    for fault, options in elsewhere.items():
        for name in ("numbers.rent", "account.balance", "downloads.stream"):
            async with scene.session(**options) as smsc:
                await scene.fails(f"{name}, {fault}", partial(scene.calls[name], smsc))
    authority = Authority()
    gateway = Gateway(scene.clock)
    async with gateway.serving(authority.server("elsewhere.example")):
        for fault, trust in (("untrusted", Authority().client()), ("wrong host", authority.client())):
            async with scene.session(base_url=gateway.url, ssl_context=trust) as smsc:
                await scene.fails(f"{fault} certificate", smsc.account.balance)


class _Unavailable(LocalGuard):
    async def acquire(self, *_: Any, **__: Any) -> Any:
        raise errors.GuardUnavailable("the store does not answer")


async def _waits(scene: Scene) -> None:
    async with scene.session() as smsc:
        for _ in range(2):
            await smsc.numbers.available()
        await scene.fails("wait too long", smsc.with_options(max_wait=5.0).numbers.available)
    for name, call in scene.calls.items():
        await scene.fails(f"{name}, closed", partial(call, smsc))
    async with scene.session() as smsc, anyio.create_task_group() as tasks:
        for _ in range(2):
            await smsc.numbers.available()
        tasks.start_soon(scene.fails, "closed while it waits", smsc.numbers.available)
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        await smsc.aclose()
    for code in (2, 4):
        async with scene.session() as smsc:
            scene.gateway.simulator.faults.add(Fault(plain_refusal(code)))
            await scene.fails(f"locking by error {code}", smsc.account.balance)
            for name in ("numbers.rent", "downloads.stream"):
                await scene.fails(f"{name}, locked by error {code}", partial(scene.calls[name], smsc))
    async with scene.session(guard=_Unavailable(clock=scene.clock)) as smsc:
        for name in ("numbers.rent", "downloads.stream", "downloads.wait"):
            await scene.fails(f"{name}, no guard", partial(scene.calls[name], smsc))
    async with scene.session() as smsc:
        scene.gateway.simulator.faults.add(Fault(Drop(acted=True)))
        await scene.fails("a lost rent", lambda: smsc.numbers.rent("380950000000"))
        await scene.fails("a rent after a lost one", lambda: smsc.numbers.rent("380950000000"))


async def _arguments(scene: Scene) -> None:
    async with scene.session() as smsc:
        wrong: dict[str, Callable[[], Awaitable[object]]] = {
            "rent of no phone": lambda: smsc.numbers.rent("nobody"),
            "rent of no text": lambda: smsc.numbers.rent(380),  # type: ignore[arg-type]
            "rent with no bool": lambda: smsc.numbers.rent("380950000000", auto_renew="yes"),  # type: ignore[arg-type]
            "renewal of no phone": lambda: smsc.numbers.set_auto_renew("", True),
            "request of no phone": lambda: smsc.calls.request("x"),
            "list of none": lambda: smsc.downloads.list(limit=0),
            "list of no number": lambda: smsc.downloads.list(limit="all"),  # type: ignore[arg-type]
            "wait for no task": lambda: smsc.downloads.wait(0),
            "save of nothing": smsc.downloads.save,
            "rows in no charset": lambda: all_rows(smsc, encoding="klingon"),
            "rows with no delimiter": lambda: all_rows(smsc, delimiter=";;"),
            "call of no page": lambda: smsc.call("../x", {}),
            "call with credentials": lambda: smsc.call("x.php", {"psw": "x"}),
            "call with a line break": lambda: smsc.call("x.php", {"a\n": "x"}),
            "call without limits": lambda: smsc.call("x.php", {}, limits=()),
        }
        for path, call in wrong.items():
            await scene.fails(path, call)
    for path, options in {
        "no such option": {"timeout": -1},
        "no such format": {"reply_format": 9},
        "no such guard": {"guard": 7},
        "too much": {"apikey": RUN.apikey, **RUN.pair},
        "a line break in the password": {"apikey": None, "login": RUN.login, "password": f"{RUN.password}\n"},
        "a password in the address": {"base_url": f"https://u:{RUN.marks[1]}@smsc.ua"},
    }.items():
        await scene.fails(f"a session with {path}", partial(_make, scene, options))


async def _make(scene: Scene, options: dict[str, Any]) -> None:
    given = {"guard": None, **scene.credentials, **options}
    try:
        Session(**given)
    finally:
        # The caller's variables are the caller's.
        given.clear()
        options.clear()


async def _tasks_and_files(scene: Scene) -> None:
    simulator = scene.gateway.simulator
    early = simulator.add_task(rows=1, waits=1e9).id
    failed = simulator.add_task(rows=1, ends="failed").id
    cut = simulator.add_task(data=b"a;b\r\n" * 5_000)
    folder = scene.folder
    (folder / "there.csv").write_text("kept")
    async with scene.session() as smsc:
        await scene.fails("a task that has not begun", partial(whole_file, smsc, early))
        await scene.fails("a task that failed", partial(whole_file, smsc, failed))
        await scene.fails("no task at all", partial(whole_file, smsc, 999))
        await scene.fails("waiting for one that failed", lambda: smsc.downloads.wait(failed))
        await scene.fails("waiting for none", lambda: smsc.downloads.wait(999))
        await scene.fails("waiting in vain", lambda: smsc.downloads.wait(early, timeout=90.0))
        await scene.fails("a file in the way", lambda: smsc.downloads.save(1, folder / "there.csv"))
        await scene.fails("no folder", lambda: smsc.downloads.save(1, folder / "nowhere" / "x.csv"))
        scene.clock.move(70.0)
        await scene.fails("no such column", partial(all_rows, smsc, encoding="utf-16"))
        cuts: dict[str, Callable[[], Awaitable[object]]] = {
            "stream": partial(whole_file, smsc, cut.id),
            "save": partial(smsc.downloads.save, cut.id, folder / "cut.csv"),
        }
        for name, call in cuts.items():
            simulator.faults.add(Fault(CutShort(9_000), action="get_file"))
            await scene.fails(f"a {name} cut short", call)
            scene.gateway.clear_faults()


async def _silence(scene: Scene) -> None:
    """No answer comes: the time is over, or the caller cancels."""
    for name, call in scene.calls.items():
        scene.gateway.hold()
        async with scene.session() as smsc, anyio.create_task_group() as tasks:
            tasks.start_soon(scene.fails, f"{name}, time-out", partial(call, smsc))
            await _held(scene)
            scene.clock.move(700.0)
            scene.gateway.release()
        scene.gateway.hold()
        async with scene.session(guard=scene.gateway.guard(lateness=0.0)) as smsc, anyio.create_task_group() as tasks:
            tasks.start_soon(_cancelled, scene, f"{name}, cancelled", partial(call, smsc))
            await _held(scene)
            tasks.cancel_scope.cancel()
        scene.gateway.release()


async def _held(scene: Scene) -> None:
    with anyio.fail_after(60):
        while not scene.gateway.held:
            await anyio.lowlevel.checkpoint()


async def _cancelled(scene: Scene, path: str, call: Callable[[], Awaitable[object]]) -> None:
    try:
        await call()
    except BaseException as error:
        scene.book(path, error)
        raise


class _Talkative(httpx.AsyncBaseTransport):
    """A transport of the user's that puts what it was to send into the text of its error."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        message = f"could not send {body!r} to {request.url}"
        raise httpx.WriteError(message, request=request) if len(body) % 2 else RuntimeError(message)


async def _foreign(scene: Scene) -> None:
    for name, call in scene.calls.items():
        async with scene.session(transport=_Talkative) as smsc:
            await scene.fails(f"{name}, a talkative transport", partial(call, smsc))


async def _awaited(call: Callable[[Session], Awaitable[object]], smsc: Session) -> None:
    await call(smsc)


async def _groups(scene: Scene) -> None:
    """Calls side by side that fail together, and one that fails while another error is handled."""

    async def together() -> None:
        async with scene.session() as smsc, anyio.create_task_group() as tasks:
            scene.gateway.simulator.faults.add(Fault(Drop(acted=True), times=None))
            for name in ("account.balance", "numbers.rent", "downloads.rows"):
                tasks.start_soon(_awaited, scene.calls[name], smsc)

    await scene.fails("three at once", together)
    scene.gateway.clear_faults()

    async def one_after_the_other() -> None:
        async with scene.session() as smsc:
            scene.gateway.simulator.faults.add(Fault(http_status(500, acted=False), times=2))
            try:
                await smsc.account.balance()
            except errors.NoReply:
                await smsc.calls.request("380671234567")

    await scene.fails("one after the other", one_after_the_other)
    scene.gateway.clear_faults()


async def _callbacks(scene: Scene) -> None:
    """What comes to a receiver and is no callback, and receivers that cannot be made."""
    signed = b"id=1&phone=380671234567&status=1&token=" + RUN.token.encode()
    bodies = {
        "nothing": b"",
        "no fields": b"x",
        "no digest": signed,
        "no token": signed.replace(b"token", b"taken"),
        "a forged digest": signed + b"&sha1=0",
        "the secret itself": signed + b"&sha1=" + RUN.callback.encode(),
        "a field twice": signed + b"&id=2",
        "a field of another form": signed.replace(b"status=1", b"status=one"),
        "two kinds": signed + b"&mes=x&waitcall=1",
        "too much": b"x" * 300_000,
        "a broken record": b'{"id": 1, "token": "' + RUN.token.encode(),
        "a record with NaN": b'{"id": NaN}',
        "a record that nests": b'{"id":' * 50,
        "a document type": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        "a broken document": b"<x><id>1</x>",
    }
    for kind in ("form", "xml", "json"):
        receiver = Receiver(secret=[RUN.callback, RUN.callback[::-1]], token=RUN.token, format=kind)
        for path, body in bodies.items():
            await scene.fails(f"{kind}: {path}", partial(_parsed, receiver, [body]))
    await scene.fails("no address", partial(_addressed, receiver, "no address"))
    for path, options in {
        "a secret with a blank": {"secret": f"{RUN.callback} "},
        "a short secret": {"secret": "short"},
        "three secrets": {"secret": [RUN.callback] * 3},
        "a token with a line break": {"token": f"{RUN.token}\n"},
        "no such digest": {"digest": "sha512"},
        "no such format": {"format": "yaml"},
        "a name that is taken": {"parameters": {"token": "x"}},
        "an endless handler": {"handling_timeout": 1e9},
        "no store": {"store": 7},
    }.items():
        await scene.fails(f"a receiver with {path}", partial(_received, options))


async def _parsed(receiver: Receiver, body: list[bytes]) -> None:
    receiver.parse(body.pop())  # the caller's variables are the caller's: it keeps none


async def _addressed(receiver: Receiver, base: str) -> None:
    try:
        receiver.url(base)
    finally:
        del base


async def _received(options: dict[str, Any]) -> None:
    given = {"secret": RUN.callback, "token": RUN.token, **options}
    try:
        Receiver(**given)
    finally:
        given.clear()
        options.clear()


async def _confirmations(scene: Scene) -> None:
    """A phone that is being confirmed already, one whose owner does not call, and a store that cannot be used."""
    receiver = Receiver(secret=RUN.callback, clock=scene.clock)
    async with scene.session() as smsc, smsc.calls.confirmation("380671234567", receiver=receiver) as pending:

        async def again() -> None:
            async with smsc.calls.confirmation("380671234567", receiver=receiver):
                pass

        await scene.fails("a phone that is being confirmed", again)
        await scene.fails("a call that never comes", pending.wait)
    store = SqliteStore(scene.folder)
    await scene.fails("a store that is a folder", partial(store.due, frozenset({"DeliveryStatus"}), now=0.0))
    await store.aclose()


async def _messages(scene: Scene) -> None:
    """A list of which a part is lost, a message on its way for ever, and arguments that cannot be."""
    phones = [f"38067{number:07d}" for number in range(1_001)]
    async with scene.session() as smsc:
        await smsc.account.balance()
        scene.gateway.simulator.faults.add(Fault(EchoCredentials(), skip=1, times=None))
        await scene.fails("a list that is sent in part", partial(smsc.messages.send, phones, "hello"))
        scene.gateway.clear_faults()
        scene.gateway.put_message("380671234567", "m1", moves=False)
        waiting = partial(smsc.messages.wait, "m1", "380671234567", timeout=20.0)
        await scene.fails("a message that never arrives", waiting)
        for path, options in {
            "no such kind": {"kind": "sms"},
            "no such id": {"id": "a b"},
            "no such sender": {"sender": "x" * 30},
            "no such moment": {"at": "noon"},
        }.items():
            await scene.fails(path, partial(smsc.messages.send, "380671234567", "hello", **options))


async def _journals(scene: Scene) -> None:
    async with scene.session(journal=scene.folder) as smsc:
        await scene.fails("a journal that is a folder", partial(smsc.calls.request, "380671234567"))
        await scene.fails("what a folder has left open", smsc.unresolved)
    async with scene.session(journal=scene.folder / "journal.db") as smsc:
        scene.gateway.simulator.faults.add(Fault(Drop(acted=True)))
        await scene.fails("lost, with a journal", partial(smsc.numbers.rent, "380950000077"))
        left = await smsc.unresolved()
    scene.clock.move(70.0)
    async with scene.session(journal=scene.folder / "journal.db") as smsc:
        await scene.fails("left open", partial(smsc.numbers.rent, str(left[-1].subject)))


WAYS: Final[dict[str, Callable[[Scene], Awaitable[None]]]] = {
    "faults": _faults,
    "echoes": _echoes,
    "heads": _heads,
    "unsent": _unsent,
    "waits": _waits,
    "arguments": _arguments,
    "tasks and files": _tasks_and_files,
    "silence": _silence,
    "foreign": _foreign,
    "groups": _groups,
    "callbacks": _callbacks,
    "confirmations": _confirmations,
    "messages": _messages,
    "journals": _journals,
}


async def walk(scene: Scene, ways: Iterable[str] = tuple(WAYS)) -> list[Reached]:
    """Go all the ways, or just some, and give the errors that they lead to."""
    for way in ways:
        await WAYS[way](scene)
    return scene.reached
