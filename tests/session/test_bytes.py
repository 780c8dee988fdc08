"""The exact bytes that each call puts on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx

from smsc_async import LocalGuard, ReplyFormat, Session
from smsc_async._endpoint import Limit, Replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.anyio

LOGIN = b"login=al%26ex&psw=p%C3%A4ss+w%2Brd&"
CALLS: list[tuple[str, Callable[[Session], Awaitable[Any]], str, bytes, object]] = [
    ("numbers.available", lambda s: s.numbers.available(), "receive_phones.php", b"get=1", []),
    (
        "numbers.rent",
        lambda s: s.numbers.rent("+380 95 000-00-01"),
        "receive_phones.php",
        b"buy=1&phone=380950000001&noprolong=0",
        {"cost": "1.50"},
    ),
    (
        "numbers.rent, not renewed",
        lambda s: s.numbers.rent("380950000001", auto_renew=False),
        "receive_phones.php",
        b"buy=1&phone=380950000001&noprolong=1",
        {"cost": "1.50"},
    ),
    (
        "numbers.set_auto_renew on",
        lambda s: s.numbers.set_auto_renew("380950000001", True),
        "receive_phones.php",
        b"chg=1&phone=380950000001&noprolong=0",
        {"result": "OK"},
    ),
    (
        "numbers.set_auto_renew off",
        lambda s: s.numbers.set_auto_renew("380950000001", False),
        "receive_phones.php",
        b"chg=1&phone=380950000001&noprolong=1",
        {"result": "OK"},
    ),
    (
        "calls.request",
        lambda s: s.calls.request("+38 (067) 123-45-67"),
        "wait_call.php",
        b"phone=380671234567",
        {"phone": "380440000001", "all_phones": ["380440000001"]},
    ),
    ("downloads.list", lambda s: s.downloads.list(), "downloads.php", b"get_list=1", []),
    (
        "downloads.list, a page",
        lambda s: s.downloads.list(limit=10, after_id=42),
        "downloads.php",
        b"get_list=1&cnt=10&after_id=42",
        [],
    ),
    ("downloads file by id", lambda s: read(s, 15), "downloads.php", b"get_file=1&id=15", "a;b\n"),
    (
        "downloads file by name",
        lambda s: read(s, name="report 1.csv"),
        "downloads.php",
        b"get_file=1&name=report+1.csv",
        "a;b\n",
    ),
    ("account.balance", lambda s: s.account.balance(), "balance.php", b"cur=1", {"balance": "1.5", "currency": "UAH"}),
    (
        "call",
        lambda s: s.call("phones.php", {"get": 1, "search": "Їжак & Co"}, limits=(Limit(3),), replay=Replay.READ),
        "phones.php",
        b"get=1&search=%D0%87%D0%B6%D0%B0%D0%BA+%26+Co",
        [],
    ),
]


async def read(session: Session, task_id: int | None = None, name: str | None = None) -> bytes:
    """Read a whole file."""
    async with session.downloads.stream(task_id, name=name) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize(("call", "path", "body", "reply"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
async def test_each_call_sends_exactly_these_bytes(
    call: Callable[[Session], Awaitable[Any]], path: str, body: bytes, reply: object
) -> None:
    """One POST to the page, credentials first, the fixed parameters, the call's own, format and charset."""
    with respx.mock() as gateway:
        content = {"text": reply} if isinstance(reply, str) else {"json": reply}
        route = gateway.post(f"https://smsc.ua/sys/{path}").mock(return_value=httpx.Response(200, **content))
        async with Session(login="al&ex", password="päss w+rd", guard=LocalGuard()) as session:
            await call(session)
        (sent,) = [request for request, _ in route.calls]

    assert LOGIN + body + b"&fmt=3&charset=utf-8" == sent.content
    assert "POST" == sent.method
    assert b"" == sent.url.query
    assert "application/x-www-form-urlencoded" == sent.headers["content-type"]
    assert "identity" == sent.headers["accept-encoding"]
    assert str(len(sent.content)) == sent.headers["content-length"]


@pytest.mark.parametrize("reply_format", ReplyFormat)
async def test_the_format_asked_for_is_sent(reply_format: ReplyFormat) -> None:
    """Each of the four; the value is the same."""
    bodies = {
        ReplyFormat.TEXT: b"cost = 1.50",
        ReplyFormat.CSV: b"1.50",
        ReplyFormat.XML: b"<phone><cost>1.50</cost></phone>",
        ReplyFormat.JSON: b'{"cost": "1.50"}',
    }
    with respx.mock() as gateway:
        response = httpx.Response(200, content=bodies[reply_format])
        route = gateway.post("https://smsc.ua/sys/receive_phones.php").mock(return_value=response)
        async with Session(apikey="key", guard=LocalGuard(), reply_format=reply_format) as session:
            rental = await session.numbers.rent("380950000001")
        (sent,) = [request for request, _ in route.calls]

    expected = f"apikey=key&buy=1&phone=380950000001&noprolong=0&fmt={reply_format:d}&charset=utf-8".encode()
    assert expected == sent.content
    assert ("380950000001", "1.50") == (rental.phone, str(rental.cost))
