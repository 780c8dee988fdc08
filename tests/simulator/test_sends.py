"""Sending and pricing: what is sent to whom, what it costs, and how that is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsc_async.simulator import Account, Delay, Fault, Request, Switches
from tests.simulator.asking import ask, ask_async, errors, run, simulator
from tests.simulator.sending import OTHER, PHONE, code, only, post_form, send


@pytest.mark.parametrize(
    ("fmt", "cost", "expected"),
    [
        (0, 0, "OK - 2 SMS, ID - 7"),
        (1, 0, "7,2"),
        (2, 0, "<result>\n<id>7</id>\n<cnt>2</cnt>\n</result>"),
        (3, 0, '{"id":7,\n"cnt":2}'),
        (0, 1, "1.00 (2 SMS)"),
        (1, 1, "1.00,2"),
        (2, 1, "<result>\n<cost>1.00</cost>\n<cnt>2</cnt>\n</result>"),
        (3, 1, '{"cost":"1.00",\n"cnt":2}'),
        (0, 2, "OK - 2 SMS, ID - 7, COST - 1.00"),
        (1, 2, "7,2,1.00"),
        (2, 2, "<result>\n<id>7</id>\n<cnt>2</cnt>\n<cost>1.00</cost>\n</result>"),
        (3, 2, '{"id":7,\n"cnt":2,\n"cost":"1.00"}'),
        (0, 3, "OK - 2 SMS, ID - 7, COST - 1.00, BALANCE - 999.00"),
        (1, 3, "7,2,1.00,999.00"),
        (3, 3, '{"id":7,\n"cnt":2,\n"cost":"1.00",\n"balance":"999.00"}'),
    ],
)
def test_a_send_is_answered_in_every_format(fmt: int, cost: int, expected: str) -> None:
    """With the id and the SMS that it took; with cost and balance where asked; the price alone sends nothing."""
    gateway, _ = simulator()
    assert expected == send(gateway, f"{PHONE},{OTHER}", id=7, cost=cost, fmt=fmt).text
    assert (0 if cost == 1 else 2) == len(gateway.sent())
    assert Decimal("1000.00" if cost == 1 else "999.00") == gateway.account.balance


def test_the_text_of_the_cost_is_a_switch() -> None:
    """As nobody has seen it."""
    gateway, _ = simulator(switches=Switches(send_line="equals"))
    assert "OK - 1 SMS, ID - 1, cost = 0.50, balance = 999.50" == send(gateway, cost=3, fmt=0).text


def test_what_was_sent_to_whom_can_be_asked_for() -> None:
    """Every message with its request, its text, its cost and its kind."""
    gateway, time = simulator()
    ask(gateway, "balance")
    send(gateway, f"+{PHONE};{OTHER}", "Привіт " * 20, id="order-1", sender="SHOP", time="+1")
    first, second = gateway.sent()
    assert ((PHONE, "order-1"), (OTHER, "order-1")) == ((first.phone, first.id), (second.phone, second.id))
    assert ("Привіт " * 20, "sms", "SHOP", 3) == (first.text, first.kind.name, first.sender, first.count)
    assert (Decimal("1.50"), -1, 2) == (first.cost, first.status, first.arrival)
    assert (time.now(), time.now() + 60) == (first.accepted_at, first.due)
    assert (1, 2) == (first.number, second.number)
    assert [OTHER] == [message.phone for message in gateway.sent(OTHER)]
    assert 2 == len(gateway.sent(id="order-1"))
    assert () == gateway.sent(id="order-2")


def test_ids_are_given_where_the_client_gives_none() -> None:
    """One after the other for each login, and none that the client has used; 0 is none."""
    gateway, _ = simulator()
    gateway.add_account(Account(login="other", password="other"))
    assert [1, 2, 3, 5] == [
        send(gateway, mes=f"{number}", **given).json["id"]
        for number, given in enumerate([{}, {"id": 0}, {"id": 3}, {"id": 5}])
    ]
    assert [4, 6] == [send(gateway, mes=f"again {number}").json["id"] for number in range(2)]
    assert 1 == send(gateway, login="other", psw="other").json["id"]
    assert [False, False, True, True, False, False] == [message.own_id for message in gateway.sent()]


@pytest.mark.parametrize("id", [1, 2147483647, "a", "order-1.x_Y", "a" * 40, "2147483648", "007", "-5"])
def test_an_id_is_a_number_or_a_word(id: int | str) -> None:
    """A number of 32 bits stays one in JSON."""
    gateway, _ = simulator()
    assert id == send(gateway, id=id).json["id"]


@pytest.mark.parametrize(
    "params",
    [
        {"id": "a" * 41},
        {"id": "a b"},
        {"id": "я"},
        {"id": "a/b"},
        {"phones": ""},
        {"phones": " , "},
        {"mes": ""},
        {"mes": "x" * 1001},
        {"translit": 3},
        {"tinyurl": 2},
        {"cost": 4},
        {"cost": "x"},
        {"op": 2},
        {"err": "x"},
        {"flash": 1, "hlr": 1},
        {"bin": 1, "bot": "@my_bot"},
        {"tg": 1, "viber": 1},
        {"bin": 3},
        {"bin": 2, "mes": "xyz"},
        {"bin": 2, "mes": "abc"},
        {"mail": 1, "phones": "anna@example.com", "sender": "me@example.com"},
        {"mail": 1, "phones": "anna@example.com", "subj": "Hello"},
        {"bot": "nobody"},
        {"call": 1, "voice": "x"},
        {"call": 1, "param": "1,2"},
        {"call": 1, "param": "1,9,1"},
        {"mes": "__VIBER__Hello", "call": 1},
        {"period": 721},
        {"period": "0.05"},
        {"freq": 60},
        {"period": 1, "freq": 1441},
        {"smsreq": 9},
        {"maxsms": "x"},
        {"valid": 25},
        {"tz": "x"},
        {"sender": "far too long"},
        {"sender": "1" * 16},
        {"fileurl": "ftp://example.com"},
        {"list": f"{OTHER}:Hello"},
        {"phones": "", "mes": "", "list": "no colon"},
        {"phones": "", "mes": "", "list": f"{OTHER}:"},
    ],
    ids=str,
)
def test_nonsense_is_error_1(params: dict[str, Any]) -> None:
    """And nothing is sent, charged, or kept."""
    gateway, _ = simulator()
    assert {"error": "parameters error", "error_code": 1} == send(gateway, **params).json
    assert (0, Decimal("1000.00")) == (len(gateway.sent()), gateway.account.balance)


@pytest.mark.parametrize(
    "params",
    [
        {"sender": ""},
        {"sender": "."},
        {"sender": "SMSC.KZ"},
        {"sender": "380671234567"},
        {"flash": 0, "push": ""},
        {"period": "0.5", "freq": 1},
        {"valid": "01:30"},
        {"tz": "+2"},
        {"smsreq": 30, "pp": 5, "nl": 1, "fileurl": "https://example.com/a.pdf"},
        {"call": 1, "voice": "w3", "param": "10,60,3"},
        {"maxsms": 2, "translit": 1, "tinyurl": 1, "op": 1, "err": 1},
        {"userip": "10.0.0.1"},
    ],
    ids=str,
)
def test_what_the_table_lists_is_taken(params: dict[str, Any]) -> None:
    """Every documented parameter in its range."""
    gateway, _ = simulator()
    assert 0 == code(send(gateway, **params))


@pytest.mark.parametrize("time", ["x", "3202261200", "9-9", "+", "1"])
def test_a_bad_time_is_error_5(time: str) -> None:
    """Days that do not exist, and what has no known form."""
    gateway, _ = simulator()
    assert 5 == code(send(gateway, time=time))


def test_a_time_in_the_past_is_now_or_error_5() -> None:
    """By the switch."""
    gateway, clock = simulator()
    send(gateway, time="0101200000")
    assert clock.now() == only(gateway).due
    gateway.switches = Switches(past_time="refused")
    assert 5 == code(send(gateway, mes="later", time="0101200000"))


@pytest.mark.parametrize(
    ("params", "kind", "type", "cost"),
    [
        ({}, "sms", 0, "0.50"),
        ({"flash": 1}, "flash", 1, "0.50"),
        ({"bin": 1}, "binary", 2, "0.50"),
        ({"bin": 2, "mes": "0605040b8423f0"}, "binary", 2, "0.50"),
        ({"push": 1}, "push", 3, "0.50"),
        ({"hlr": 1, "mes": ""}, "hlr", 4, "0.50"),
        ({"ping": 1, "mes": ""}, "ping", 5, "0.50"),
        ({"mms": 1}, "mms", 6, "0.50"),
        ({"call": 1}, "call", 7, "0.50"),
        ({"mail": 1, "phones": "a@b.example", "subj": "s", "sender": "me@b.example"}, "mail", 8, "0.50"),
        ({"viber": 1}, "viber", 10, "0.90"),
        ({"soc": 1}, "social", 12, "0.50"),
        ({"tg": 1, "phones": "@anna"}, "telegram", 12, "0.50"),
        ({"bot": "@my_bot", "phones": "#42"}, "bot", 12, "0.50"),
        ({"bot": "wa:380441112233"}, "bot", 12, "0.50"),
        ({"mes": "__CALL__Hello"}, "call", 7, "0.50"),
        ({"mes": "__VIBER__Hello", "viber": 1}, "viber", 10, "0.90"),
        ({"mes": "__SOC__Hello"}, "social", 12, "0.50"),
        ({"mes": "__PING__"}, "ping", 5, "0.50"),
        ({"mes": "__HLR__"}, "hlr", 4, "0.50"),
    ],
    ids=str,
)
def test_flags_and_prefixes_make_the_kind(params: dict[str, Any], kind: str, type: int, cost: str) -> None:
    """Each kind has its number and may have its price."""
    gateway, _ = simulator()
    gateway.sends.prices["viber"] = Decimal("0.90")
    assert cost == send(gateway, cost=3, **params).json["cost"]
    message = only(gateway)
    assert (kind, type) == (message.kind.name, message.kind.type)
    assert not message.text.startswith("__")


@pytest.mark.parametrize(
    ("params", "text", "comment"),
    [
        ({"mes": "Hello\n~~~\norder 5"}, "Hello", "order 5"),
        ({"mes": "Hello\r\n~~~\r\norder 5\nline 2"}, "Hello", "order 5\nline 2"),
        ({"mes": "Hello ~~~ you"}, "Hello ~~~ you", None),
        ({"mes": "~~~\norder 5", "hlr": 1}, "", "order 5"),
        ({"mes": "00\n~~~\npid: 1, dcs: 2", "bin": 2}, "00", None),
        ({"mes": "Привіт", "translit": 1}, "Privit", None),
        ({"mes": "я" * 200, "maxsms": 2}, "я" * 134, None),
        ({"mes": "см. https://example.com/a", "tinyurl": 1}, "см. https://smsc.ua/x1", None),
    ],
    ids=str,
)
def test_a_text_is_worked_over_before_it_is_sent(params: dict[str, Any], text: str, comment: str | None) -> None:
    """Comments come off, letters are replaced, links are shortened, what is too long is cut."""
    gateway, _ = simulator()
    assert 0 == code(send(gateway, **params))
    assert (text, comment) == (only(gateway).text, only(gateway).comment)


def test_comments_and_long_texts_are_switches() -> None:
    """What separates a comment was never verified, and what happens past 1000 characters is not said."""
    gateway, _ = simulator(switches=Switches(comment_line="", long_text="cut"))
    send(gateway, mes="Hello\n~~~\norder 5")
    send(gateway, mes="x" * 1001)
    assert ["Hello\n~~~\norder 5", "x" * 1000] == [message.text for message in gateway.sent()]
    gateway.switches = Switches(comment_line="---")
    send(gateway, mes="Hello\n---\norder 5")
    assert ("Hello", "order 5") == (gateway.sent()[-1].text, gateway.sent()[-1].comment)


def test_what_a_part_holds_is_a_switch() -> None:
    """Whether an escaped character may be divided decides over a part more or less, and its price."""
    text = "a" * 152 + "€" + "a" * 152
    gateway, _ = simulator()
    assert ("1.50", 3) == (send(gateway, mes=text, cost=1).json["cost"], send(gateway, mes=text).json["cnt"])
    gateway.switches = Switches(split_pairs=True)
    assert {"cost": "1.00", "cnt": 2} == send(gateway, mes=text, cost=1).json


def test_a_list_has_a_text_for_each() -> None:
    """Lines of phones and text, with line breaks in texts as backslash and n."""
    gateway, _ = simulator()
    lines = f"{PHONE}:Hello: you\\nthere\n\n{OTHER},0631112233:Bye\r\n"
    assert {"id": 1, "cnt": 3} == ask(gateway, "send", list=lines).json
    assert [(PHONE, "Hello: you\nthere"), (OTHER, "Bye"), ("380631112233", "Bye")] == [
        (message.phone, message.text) for message in gateway.sent()
    ]


def test_groups_are_sent_to_whole() -> None:
    """By their number; one that is not there is a bad phone."""
    gateway, _ = simulator()
    gateway.sends.groups[7] = [PHONE, OTHER]
    assert 2 == send(gateway, "G7").json["cnt"]
    assert 7 == code(send(gateway, "G8"))


def test_equal_phones_are_a_switch() -> None:
    """Each is sent to, or each once; the spelling does not matter."""
    gateway, _ = simulator()
    assert 2 == send(gateway, f"{PHONE},+{PHONE}").json["cnt"]
    gateway.switches = Switches(equal_phones="once")
    assert 2 == send(gateway, f"{OTHER},{PHONE},+{OTHER}", "once").json["cnt"]
    assert [OTHER, PHONE] == [message.phone for message in gateway.sent()[2:]]


def test_files_come_with_a_form_in_parts() -> None:
    """As file0, file1; a message with a file needs no text."""
    gateway, _ = simulator()
    files = {"file0": ("звіт.pdf", b"%PDF"), "file1": ("b.jpg", b"\xff\xd8")}
    assert {"id": 1, "cnt": 1} == post_form(gateway, {"phones": PHONE, "mms": "1"}, files).json
    assert (("звіт.pdf", "b.jpg"), "mms") == (only(gateway).files, only(gateway).kind.name)


@given(st.binary(max_size=300))
def test_files_arrive_as_they_were(content: bytes) -> None:
    """Byte by byte, whatever they hold but the boundary; so two files are told apart."""
    gateway, _ = simulator()
    seen: list[bytes] = []

    def see(request: Request) -> bool:
        seen.extend(file.content for file in request.files)
        return False

    gateway.faults.add(Fault(Delay(), when=see))
    post_form(gateway, {"phones": PHONE, "mms": "1"}, {"file0": ("a", content)})
    assert [content] == seen


def test_query_and_form_are_one() -> None:
    """GET and POST are taken alike."""
    gateway, _ = simulator()
    params = {"login": "demo", "psw": "demo", "phones": PHONE, "mes": "Привіт", "fmt": 3}
    reply = run(ask_async(gateway, "send", params, method="GET", charset="windows-1251"))
    assert 1 == reply.json["cnt"]
    assert "Привіт" == only(gateway).text


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (0, "ERROR = 7 (invalid number), ID - x-1"),
        (1, "x-1,-7"),
        (2, "<result>\n<error>invalid number</error>\n<error_code>7</error_code>\n<id>x-1</id>\n</result>"),
        (3, '{"error":"invalid number","error_code":7,"id":"x-1"}'),
    ],
)
def test_errors_about_a_message_name_it(fmt: int, expected: str) -> None:
    """In every format."""
    gateway, _ = simulator()
    assert expected == send(gateway, "123", id="x-1", fmt=fmt).text


@pytest.mark.parametrize(
    ("setting", "value", "error", "text"),
    [
        ("forbidden", {"CASINO"}, 6, "message is denied"),
        ("senders", {"SHOP"}, 6, "message is denied"),
        ("bad_phones", {PHONE}, 7, "invalid number"),
        ("undeliverable", {PHONE}, 8, "can't to deliver"),
        ("price", Decimal("1000.01"), 3, "no money"),
    ],
)
@pytest.mark.parametrize("stored", [False, True])
def test_what_is_not_let_through_can_be_set(setting: str, value: Any, error: int, text: str, *, stored: bool) -> None:
    """Forbidden words, senders, phones, and money; nothing is charged, and whether it is kept is a switch."""
    gateway, _ = simulator(switches=Switches(refused_stored=stored))
    setattr(gateway.sends, setting, value)
    reply = send(gateway, mes="Casino!", sender="OTHER", id=5)
    assert {"error": text, "error_code": error, "id": 5} == reply.json
    assert Decimal("1000.00") == gateway.account.balance
    kept = {3: 24, 6: 23, 7: 22, 8: 25}[error] if stored else -3
    assert kept == ask(gateway, "status", phone=PHONE, id=5).json["status"]
    assert 0 == gateway.verdict().messages


def test_whether_errors_name_the_message_is_a_switch() -> None:
    """It was seen in some replies only."""
    gateway, _ = simulator(switches=Switches(refusal_ids=False))
    assert {"error": "invalid number", "error_code": 7} == send(gateway, "123").json


def test_a_price_is_refused_without_an_id() -> None:
    """There is no message yet; and money does not matter."""
    gateway, _ = simulator(balance=Decimal(0))
    assert "id" not in send(gateway, "123", cost=1).json
    assert "0.50" == send(gateway, cost=1).json["cost"]


def test_bad_phones_among_good_ones_are_passed_over_or_not() -> None:
    """By the switch; where they are passed over they cost nothing."""
    gateway, _ = simulator()
    gateway.sends.undeliverable.add(OTHER)
    assert {"id": 1, "cost": "0.50", "cnt": 1} == send(gateway, f"123,{PHONE},{OTHER}", cost=2).json
    gateway.switches = Switches(partly_bad="refused")
    assert [7, 8] == [code(send(gateway, phones, "again")) for phones in (f"{PHONE},123", f"{OTHER},{PHONE}")]
    assert 1 == len(gateway.sent())


def test_every_phone_can_be_told_of() -> None:
    """With ``op`` all of them, with ``err`` the bad ones; all values are strings."""
    gateway, _ = simulator()
    good = {"phone": PHONE, "mccmnc": "25503", "cost": "0.50", "status": "-1", "error": "0"}
    bad = {"phone": "123", "mccmnc": "", "cost": "0.00", "status": "22", "error": "249"}
    phones = f"{PHONE},123"
    assert {"id": 1, "cnt": 1, "phones": [good, bad]} == send(gateway, phones, "a", op=1).json
    assert [bad] == send(gateway, phones, "b", err=1).json["phones"]
    assert [good, bad] == send(gateway, phones, "c", cost=1, op=1, err=1).json["phones"]
    assert [] == send(gateway, PHONE, "d", err=1).json["phones"]
    assert f"4,1\n{PHONE},25503,0.50,-1,0" == send(gateway, PHONE, "e", op=1, fmt=1).text
    assert f"OK - 1 SMS, ID - 5\nphone = {PHONE}, mccmnc = 25503" in send(gateway, PHONE, "f", op=1, fmt=0).text
    xml = send(gateway, PHONE, "g", op=1, fmt=2).xml
    assert [PHONE, "25503", "0.50", "-1", "0"] == [field.text for field in xml.findall("phones/phone/*")]


def test_a_flash_call_tells_the_code() -> None:
    """The last six digits of the number that calls, beside what every send is told."""
    gateway, _ = simulator()
    reply = send(gateway, mes="code", call=1).json
    assert (6, True) == (len(reply["code"]), reply["code"].isdigit())
    assert reply["code"] == only(gateway).code
    assert "code" not in send(gateway, mes="code").json


@pytest.mark.parametrize(("cost", "allowed"), [(0, 1), (1, 5)])
def test_identical_sends_are_refused(cost: int, allowed: int) -> None:
    """One a minute, five of the price; a refused one changes nothing."""
    gateway, time = simulator()
    replies = [send(gateway, cost=cost) for _ in range(allowed + 1)]
    assert [0] * allowed + [9] == errors(replies)
    assert "id" not in replies[-1].json
    assert (0 if cost else 1) == len(gateway.sent())
    assert 0 == code(send(gateway, mes="other", cost=cost))
    time.advance(60)
    gateway.switches = Switches(refused_counts=False)
    assert 0 == code(send(gateway, cost=cost))


@pytest.mark.parametrize(
    "other",
    [{"id": 2}, {"cost": 3}, {"op": 1}, {"userip": "10.0.0.1"}, {"phones": f"+{PHONE}"}, {"phones": "0671234567"}],
    ids=str,
)
def test_what_names_a_send_does_not_make_it_another(other: dict[str, Any]) -> None:
    """Unless the switch says so: the client id, the captcha, what is told, and how a phone is spelled."""
    gateway, _ = simulator()
    assert [0, 9] == errors([send(gateway, id=1), send(gateway, **{"id": 1, **other})])
    gateway, _ = simulator(switches=Switches(identical_sends="request"))
    assert [0, 0] == errors([send(gateway, id=1), send(gateway, **{"id": 1, **other})])


def test_other_files_make_another_send() -> None:
    """Their content counts under either reading."""
    for reading in ("message", "request"):
        gateway, _ = simulator(switches=Switches(identical_sends=reading))  # type: ignore[arg-type]
        replies = [
            post_form(gateway, {"phones": PHONE, "mms": "1"}, {"file0": ("a", content)})
            for content in (b"1", b"2", b"1")
        ]
        assert [0, 0, 9] == errors(replies)


def test_recipients_can_be_spread_over_a_period() -> None:
    """Four phones over two hours, in steps of half an hour."""
    gateway, time = simulator()
    send(gateway, ",".join(f"38067000000{number}" for number in range(4)), period=2, freq=30)
    assert [0, 1800, 3600, 5400] == [message.due - time.now() for message in gateway.sent()]


def test_virtual_messages_cost_nothing() -> None:
    """They are taken without money, and end as virtual; what they are said to cost is a switch."""
    gateway, time = simulator(balance=Decimal(0))
    gateway.account.virtual = True
    assert {"id": 1, "cnt": 1, "cost": "0.00", "balance": "0.00"} == send(gateway, cost=3).json
    gateway.switches = Switches(virtual_cost="usual", virtual_status=1)
    assert {"id": 2, "cnt": 1, "cost": "0.50", "balance": "0.00"} == send(gateway, mes="b", cost=3).json
    time.advance(5)
    assert [(20, 200), (1, 200)] == [(message.status, message.err) for message in gateway.sent()]
    assert all(message.virtual for message in gateway.sent())


def test_wrong_credentials_are_error_2_and_a_block_is_4() -> None:
    """As everywhere."""
    gateway, _ = simulator()
    assert 2 == code(send(gateway, psw="wrong"))
    gateway.block()
    assert 4 == code(send(gateway))
    assert () == gateway.sent()


NAMES = [
    "phones",
    "mes",
    "id",
    "sender",
    "translit",
    "tinyurl",
    "time",
    "tz",
    "period",
    "freq",
    "flash",
    "bin",
    "push",
    "hlr",
    "ping",
    "mms",
    "mail",
    "soc",
    "viber",
    "call",
    "tg",
    "bot",
    "smsreq",
    "fileurl",
    "voice",
    "param",
    "subj",
    "cost",
    "op",
    "err",
    "list",
    "valid",
    "maxsms",
    "imgcode",
    "userip",
    "pp",
    "nl",
    "phone",
    "all",
    "del",
]
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["0", "1", "2", "3", PHONE, f"{PHONE},{OTHER}", f"{PHONE},", "+5", "0205261230", "9-18", "a@b.example", "1,2,3"]
    ),
    st.from_regex(r"[0-9+,:;.-]{1,14}", fullmatch=True),
)


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8),
    st.booleans(),
    st.sampled_from(["send", "status"]),
    st.integers(0, 3),
)
def test_nothing_that_is_asked_breaks_the_simulator(asked: dict[str, str], base: bool, path: str, fmt: int) -> None:
    """Whatever the parameters hold there is an answer, and money goes only for what was sent."""
    gateway, time = simulator()
    usual = {"phones": PHONE, "mes": "Hello"} if base else {}
    reply = ask(gateway, path, **{**usual, **asked, "fmt": fmt})
    assert (200, ()) == (reply.status, gateway.verdict().crashes)
    assert Decimal("1000.00") == gateway.account.balance + sum(message.cost for message in gateway.sent())
    time.advance(365 * 24 * 3600)
    assert {1} >= {message.status for message in gateway.sent() if message.due < time.now() - 60}
