"""Who is let in: credentials, addresses, blocks, paths, methods, encodings."""

from __future__ import annotations

from hashlib import md5
from typing import Any

import pytest

from smsc_async.simulator import Account, Switches
from tests.simulator.asking import CREDENTIALS, Reply, ask, ask_async, run, simulator


def balance(gateway: Any, **params: Any) -> Reply:
    """Ask for the balance with these parameters and no others."""
    return run(ask_async(gateway, "balance", {"fmt": 3, **params}))


@pytest.mark.parametrize(
    "params",
    [CREDENTIALS, {"apikey": "demo-key"}, {"login": "demo", "apikey": "demo-key"}],
    ids=["pair", "key", "both"],
)
def test_either_kind_of_credentials_will_do(params: dict[str, str]) -> None:
    """Login and password, the API key alone, or the API key with the login."""
    gateway, _ = simulator()
    assert {"balance": "1000.00"} == balance(gateway, **params).json


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"login": "demo"},
        {"login": "demo", "psw": "wrong"},
        {"login": "other", "psw": "demo"},
        {"apikey": "wrong"},
        {"login": "demo", "apikey": "wrong"},
        {"login": "other", "apikey": "demo-key"},
        {"login": "demo", "psw": "wrong", "apikey": "wrong"},
    ],
)
def test_wrong_credentials_are_error_2(params: dict[str, str]) -> None:
    """Whatever is missing or wrong, the answer is the same."""
    gateway, _ = simulator()
    assert {"error": "authorise error", "error_code": 2} == balance(gateway, **params).json


def test_an_account_may_have_no_key() -> None:
    """An empty key opens nothing."""
    gateway, _ = simulator(apikey=None)
    assert 2 == balance(gateway, apikey="").json["error_code"]


def test_an_md5_of_the_password_is_a_switch() -> None:
    """Historic libraries sent the digest."""
    digest = md5(b"demo").hexdigest()
    gateway, _ = simulator()
    assert 2 == balance(gateway, login="demo", psw=digest).json["error_code"]
    gateway.switches = Switches(md5_password=True)
    assert "balance" in balance(gateway, login="demo", psw=digest).json


def test_accounts_are_apart() -> None:
    """A second account has its own money, windows and slots."""
    gateway, _ = simulator()
    gateway.add_account(Account(login="second", password="p", apikey="k2"))
    for _ in range(11):
        ask(gateway, "balance")
    assert {"balance": "100.00"} == balance(gateway, apikey="k2").json


def test_the_fifth_wrong_password_blocks_the_address() -> None:
    """Five errors within half an hour, and the address is refused for half an hour, with the right password too."""
    gateway, time = simulator()
    codes = [balance(gateway, login="demo", psw="wrong").json["error_code"] for _ in range(6)]
    assert [2, 2, 2, 2, 2, 4] == codes
    assert {"error": "ip is blocked", "error_code": 4} == ask(gateway, "balance").json
    time.advance(30 * 60 - 1)
    assert 4 == ask(gateway, "balance").json["error_code"]
    time.advance(1)
    assert "balance" in ask(gateway, "balance").json


def test_wrong_passwords_far_apart_do_not_block() -> None:
    """The fifth counts only within half an hour of the first."""
    gateway, time = simulator()
    codes = []
    for _ in range(8):
        codes.append(balance(gateway, login="demo", psw="wrong").json["error_code"])
        time.advance(7.6 * 60)
    assert [2] * 8 == codes


def test_a_block_holds_for_one_address() -> None:
    """Others come in as before."""
    gateway, _ = simulator()
    gateway.block("127.0.0.1")
    other = run(ask_async(gateway, "balance", {**CREDENTIALS, "fmt": 3}, client=("127.0.0.2", 1)))
    assert 4 == ask(gateway, "balance").json["error_code"]
    assert "balance" in other.json


@pytest.mark.parametrize(("prolongs", "code"), [(False, 0), (True, 4)])
def test_whether_knocking_prolongs_a_block_is_a_switch(*, prolongs: bool, code: int) -> None:
    """A request from a blocked address may start the half hour anew."""
    gateway, time = simulator(switches=Switches(block_prolongs=prolongs))
    gateway.block()
    time.advance(20 * 60)
    ask(gateway, "balance")
    time.advance(20 * 60)
    assert code == ask(gateway, "balance").json.get("error_code", 0)


def test_an_address_that_is_not_allowed_is_error_2() -> None:
    """An account may name the only addresses that it comes from; these are never blocked."""
    gateway, _ = simulator()
    gateway.account.addresses = frozenset({"127.0.0.1"})
    other = run(ask_async(gateway, "balance", {**CREDENTIALS, "fmt": 3}, client=("127.0.0.2", 1)))
    assert 2 == other.json["error_code"]
    codes = [balance(gateway, login="demo", psw="wrong").json["error_code"] for _ in range(9)]
    assert [2] * 9 == codes
    assert "balance" in ask(gateway, "balance").json


def test_bad_sends_in_a_row_block_for_ten_minutes() -> None:
    """The hundredth in a row blocks; a good one in between starts the row anew."""
    gateway, time = simulator()
    blocks = gateway._gate.blocks
    for _ in range(99):
        blocks.bad_send("127.0.0.1", time.now())
    blocks.good_send("127.0.0.1")
    for _ in range(99):
        blocks.bad_send("127.0.0.1", time.now())
    assert not blocks.blocked("127.0.0.1", time.now())
    blocks.bad_send("127.0.0.1", time.now())
    assert blocks.blocked("127.0.0.1", time.now() + 599)
    assert not blocks.blocked("127.0.0.1", time.now() + 600)


@pytest.mark.parametrize("path", ["/", "/sys/", "/sys/other.php", "/balance.php", "/sys/balance.php/x"])
def test_an_unknown_path_is_404(path: str) -> None:
    """What the gateway does not have is not found, and logged as such."""
    gateway, _ = simulator()
    assert 404 == ask(gateway, path).status
    assert "unknown path" == gateway.log[0].outcome


def test_get_works_and_is_noticed() -> None:
    """A GET is answered like a POST; its credentials in the URL are a problem."""
    gateway, _ = simulator()
    reply = run(ask_async(gateway, "balance", {**CREDENTIALS, "fmt": 1}, method="GET"))
    assert "1000.00" == reply.text
    assert ["1 requests carried credentials in the URL."] == gateway.verdict().problems()


def test_the_form_wins_over_the_query() -> None:
    """As PHP has it, a posted value hides one of the URL."""
    gateway, _ = simulator()
    reply = run(ask_async(gateway, "balance", {**CREDENTIALS, "fmt": 1}, query=b"fmt=3&psw=wrong&cur=1"))
    assert "1000.00,UAH" == reply.text


def test_multipart_is_read() -> None:
    """The official Node library posts multipart forms."""
    fields = {**CREDENTIALS, "fmt": "3", "charset": "utf-8", "get_file": "1", "name": "Звіт"}
    body = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    gateway, _ = simulator()
    gateway.add_task(name="Звіт", data=b"it")
    reply = run(
        ask_async(
            gateway,
            "downloads",
            {},
            body=body + b"--b--\r\n",
            headers=[(b"content-type", b"multipart/form-data; boundary=b")],
        )
    )
    assert b"it" == reply.body


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8", "koi8-r", "UTF-8", "nonsense", None])
def test_the_charset_governs_request_and_reply(charset: str | None) -> None:
    """Names are read and lists are written in it; windows-1251 is the default, also for what is unknown."""
    codec = charset if charset in {"utf-8", "koi8-r", "UTF-8"} else "windows-1251"
    gateway, _ = simulator()
    gateway.add_task(name="Звет", data=b"it")
    named = {} if charset is None else {"charset": charset}
    params = {**CREDENTIALS, **named, "get_file": 1, "name": "Звет"}
    assert b"it" == run(ask_async(gateway, "downloads", params, charset=codec)).body
    reply = run(ask_async(gateway, "downloads", {**CREDENTIALS, **named, "get_list": 1, "fmt": 3}))
    assert "Звет" in reply.body.decode(codec)
    assert f"application/json; charset={codec.lower()}" == reply.headers["content-type"]


def test_koi8_r_cannot_hold_ukrainian() -> None:
    """Letters that the charset lacks become question marks."""
    gateway, _ = simulator()
    gateway.add_task(name="Їжак")
    assert "?жак" in ask(gateway, "downloads", get_list=1, charset="koi8-r").body.decode("koi8-r")


@pytest.mark.parametrize("fmt", [None, 7, "x"])
def test_the_default_format_is_text(fmt: Any) -> None:
    """Without a format, or with one that is none, the answer is text."""
    gateway, _ = simulator()
    assert "ERROR = 1 (parameters error)" == ask(gateway, "receive_phones", fmt=fmt).text


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (0, "ERROR = 1 (parameters error)"),
        (1, "0,-1"),
        (2, "<result>\n<error>parameters error</error>\n<error_code>1</error_code>\n</result>"),
        (3, '{"error":"parameters error","error_code":1}'),
    ],
)
def test_refusals_are_written_as_documented(fmt: int, expected: str) -> None:
    """Every endpoint writes its errors alike."""
    gateway, _ = simulator()
    assert expected == ask(gateway, "receive_phones", fmt=fmt).text


def test_a_body_that_never_ends_is_cut() -> None:
    """A client that goes away before the end of its body was not there."""
    gateway, _ = simulator()
    messages = iter([{"type": "http.request", "body": b"login=demo", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/sys/balance.php", "headers": [], "query_string": b""}
    with pytest.raises(StopIteration):
        gateway(scope, receive, send).send(None)
    assert ["cut"] == [arrival.outcome for arrival in gateway.log]
    assert 0 == len(gateway.verdict().windows)


def test_nothing_shows_credentials() -> None:
    """Neither the log nor a repr holds a password or a key."""
    gateway, _ = simulator(password="canary-psw", apikey="canary-key")
    ask(gateway, "receive_phones", get=1, psw="canary-psw")
    ask(gateway, "receive_phones", get=1, apikey="canary-key")
    shown = (
        f"{gateway!r} {gateway.accounts!r} {gateway.account!r} {gateway.log!r} {gateway.verdict()!r} {gateway._gate!r}"
    )
    assert "canary" not in shown


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"a=1&" * 1001, None), (b"login=demo", [(b"content-type", b"multipart/form-data")])],
    ids=["too many fields", "no boundary"],
)
def test_what_cannot_be_read_does_no_harm(body: bytes, headers: Any) -> None:
    """It is a bad request or one without credentials, and no defect of the simulator."""
    gateway, _ = simulator()
    reply = run(ask_async(gateway, "balance", {}, body=body, headers=headers))
    assert reply.status == 400 or "ERROR = 2" in reply.text
    assert () == gateway.verdict().crashes
