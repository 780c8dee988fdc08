"""Kinds of messages: what each is on the wire, what each refuses, and that two kinds never meet in one request."""

from __future__ import annotations

from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import kinds
from smsc_async._order import File, ordered
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.kinds import (
    Binary,
    CodeCall,
    Email,
    Flash,
    Hlr,
    Kind,
    Mms,
    Ping,
    Recipients,
    Redial,
    Sms,
    Social,
    Telegram,
    TelegramBot,
    Transliteration,
    Viber,
    Voice,
    VoiceCall,
    WapPush,
    WhatsAppBot,
    Words,
)

PHONE = "380671234567"

WIRE: list[tuple[Kind, dict[str, str]]] = [
    (Sms(), {}),
    (Sms(short_links=True), {"tinyurl": "1"}),
    (Sms(transliteration=Transliteration.LETTERS), {"translit": "1"}),
    (Sms(transliteration=Transliteration.LOOKALIKES), {"translit": "2"}),
    (Sms(max_parts=1), {"maxsms": "1"}),
    (Sms(max_parts=255), {"maxsms": "255"}),
    (Flash(), {"flash": "1"}),
    (Flash(short_links=True, max_parts=2), {"flash": "1", "tinyurl": "1", "maxsms": "2"}),
    (Binary(data=b"\x00\xff"), {"bin": "2", "mes": "0000ff"}),
    (Binary(data=b"\x01", header=b"\x05\x04"), {"bin": "2", "mes": "02050401"}),
    (Binary(data=b"\x01", protocol=0), {"bin": "2", "mes": "0001\n~~~\npid: 0"}),
    (Binary(data=b"\x01", coding=245), {"bin": "2", "mes": "0001\n~~~\ndcs: 245"}),
    (Binary(data=b"\x01", protocol=255, coding=4), {"bin": "2", "mes": "0001\n~~~\npid: 255, dcs: 4"}),
    (WapPush(), {"push": "1"}),
    (Hlr(), {"hlr": "1"}),
    (Ping(), {"ping": "1"}),
    (Mms(subject="Привіт"), {"mms": "1", "subj": "Привіт"}),
    (Email(subject="Hi", sender="a@b.ua"), {"mail": "1", "subj": "Hi", "sender": "a@b.ua"}),
    (VoiceCall(), {"call": "1", "voice": "m"}),
    (
        VoiceCall(voice=Voice.WOMAN_4, redial=Redial(wait=0, interval=10, attempts=0)),
        {"call": "1", "voice": "w4", "param": "0,10,0"},
    ),
    (
        VoiceCall(voice=Voice.MAN_2, redial=Redial(wait=99, interval=3600, attempts=9)),
        {"call": "1", "voice": "m2", "param": "99,3600,9"},
    ),
    (CodeCall(), {"call": "1", "mes": "code"}),
    (Viber(), {"viber": "1"}),
    (Viber(short_links=True), {"viber": "1", "tinyurl": "1"}),
    (Social(), {"soc": "1"}),
    (Telegram(), {"tg": "1"}),
    (TelegramBot(name="@shop_bot"), {"bot": "@shop_bot"}),
    (TelegramBot(name="ShopBot"), {"bot": "@ShopBot"}),
    (WhatsAppBot(number="+380 (67) 123-45-67"), {"bot": "wa:380671234567"}),
]
KINDS: tuple[type[Any], ...] = get_args(Kind)
ONE_OF_EACH = {type(kind): kind for kind, _ in WIRE}
# What makes a message of a kind; "bin" and "bot" have values, the others are flags.
MARKS = {"flash", "push", "hlr", "ping", "mms", "mail", "soc", "viber", "call", "bin", "tg", "bot"}


@pytest.mark.parametrize(("kind", "expected"), WIRE, ids=[repr(kind) for kind, _ in WIRE])
def test_a_kind_is_written_as_the_page_says(kind: Kind, expected: dict[str, str]) -> None:
    """Each kind, with all that it can carry, becomes the documented parameters and no others."""
    assert expected == kind.params()


def test_every_kind_is_tried() -> None:
    """The table above leaves out no kind, and the kinds are all public."""
    assert set(KINDS) == set(ONE_OF_EACH)
    assert {kind.__name__ for kind in KINDS} <= set(kinds.__all__)


def text_for(kind: Kind) -> str | None:
    return None if kind.WORDS is Words.NONE else "words"


def recipient_for(kind: Kind) -> str:
    return "c@d.ua" if kind.RECIPIENTS is Recipients.EMAILS else PHONE


@pytest.mark.parametrize("kind", ONE_OF_EACH.values(), ids=lambda kind: type(kind).__name__)
def test_an_order_is_of_one_kind(kind: Kind) -> None:
    """A request has the mark of at most one kind, and the kinds have different ones."""
    form = ordered(recipient_for(kind), text_for(kind), kind=kind).form()
    expected = set() if type(kind) is Sms else MARKS & set(kind.params())
    assert expected == MARKS & set(form)
    assert (0 if type(kind) is Sms else 1) == len(expected)


def test_no_two_kinds_are_the_same_request() -> None:
    """What two kinds make of the same words and recipients is never one request."""
    forms = {
        kind: frozenset(ordered(recipient_for(value), text_for(value), kind=value).form().items())
        for kind, value in ONE_OF_EACH.items()
    }
    assert len(forms) == len(set(forms.values()))


@pytest.mark.parametrize("kind", ONE_OF_EACH.values(), ids=lambda kind: type(kind).__name__)
def test_a_kind_takes_no_parameter_of_another(kind: Kind) -> None:
    """No kind accepts a field that it does not have, and none is changed once it is made."""
    cls: type[Any] = type(kind)
    own = {field.name for field in attrs.fields(cls)}
    every = {field.name for cls in KINDS for field in attrs.fields(cls)}
    values = {name: getattr(kind, name) for name in own}
    for foreign in every - own:
        with pytest.raises(TypeError, match="unexpected keyword"):
            cls(**values, **{foreign: "x"})
    for name in own or {"flash"}:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(kind, name, "x")


@pytest.mark.parametrize(
    "given", [(Sms(), Flash()), [Sms()], {"flash": 1}, "flash", 1, Sms, Hlr, Redial, Voice.MAN, True]
)
def test_only_one_value_is_a_kind(given: Any) -> None:
    """Several kinds, classes and names of kinds are refused before anything is sent."""
    with pytest.raises(InvalidArgumentType, match=r"^kind: "):
        ordered(PHONE, "words", kind=given)


@pytest.mark.parametrize("word", ["code", "CODE", " Code ", "code\n"])
def test_a_voice_call_is_not_made_a_call_with_a_code(word: str) -> None:
    """The one word that the gateway takes for another kind of call is not read to anybody."""
    with pytest.raises(InvalidArgument, match="CodeCall"):
        ordered(PHONE, word, kind=VoiceCall())
    with pytest.raises(InvalidArgument, match="CodeCall"):
        ordered({PHONE: word}, None, kind=VoiceCall())
    assert "code" == ordered(PHONE, "code").form()["mes"]
    assert "code 5" == ordered(PHONE, "code 5", kind=VoiceCall()).form()["mes"]


@pytest.mark.parametrize("kind", [kind for kind in ONE_OF_EACH.values() if kind.WORDS is Words.NONE], ids=repr)
@pytest.mark.parametrize("given", [{"text": "x"}, {"text": ""}, {"text": None, "comment": "x"}])
def test_a_kind_without_words_takes_none(kind: Kind, given: dict[str, Any]) -> None:
    """Neither a text nor a comment goes with them, nor a text for each recipient: it would make another kind of it."""
    with pytest.raises(InvalidArgument, match="has no text; leave it out"):
        ordered(PHONE, given["text"], kind=kind, comment=given.get("comment"))
    with pytest.raises(InvalidArgument, match="has no text; give the recipients alone"):
        ordered({PHONE: "x"}, None, kind=kind)


@pytest.mark.parametrize("kind", [kind for kind in ONE_OF_EACH.values() if kind.WORDS is Words.NEEDED], ids=repr)
def test_a_kind_with_words_needs_them(kind: Kind) -> None:
    """Without a text they are refused."""
    with pytest.raises(InvalidArgumentType, match=r"^text: must be a str, not None"):
        ordered(recipient_for(kind), None, kind=kind)


@pytest.mark.parametrize("kind", ONE_OF_EACH.values(), ids=lambda kind: type(kind).__name__)
def test_files_go_with_the_kinds_that_show_them(kind: Kind) -> None:
    """MMS, e-mails, voice calls and messengers take files and their addresses; all others refuse both."""
    expected = type(kind) in {Mms, Email, VoiceCall, Viber, TelegramBot, WhatsAppBot}
    for extra in ({"files": [File("a.png", bytes(101))]}, {"file_url": "https://example.com/a.png"}):
        if expected:
            ordered(recipient_for(kind), text_for(kind), kind=kind, **extra)
        else:
            with pytest.raises(InvalidArgument, match=f"{type(kind).__name__} takes no file"):
                ordered(recipient_for(kind), text_for(kind), kind=kind, **extra)


def test_a_long_text_is_for_mms_and_email_alone() -> None:
    """The bound of a thousand characters is lifted where the message is no SMS."""
    for kind in ONE_OF_EACH.values():
        if kind.WORDS is Words.NONE:
            continue
        if type(kind) in {Mms, Email}:
            ordered(recipient_for(kind), "x" * 20_000, kind=kind)
        else:
            with pytest.raises(InvalidArgument, match="1000"):
                ordered(recipient_for(kind), "x" * 1_001, kind=kind)


# Bad values ---------------------------------------------------------------------------------------------------------

WRONG: list[tuple[type[Any], dict[str, Any], str]] = [
    (Sms, {"max_parts": 0}, "max_parts"),
    (Sms, {"max_parts": 256}, "max_parts"),
    (Sms, {"max_parts": -1}, "max_parts"),
    (Binary, {"data": b""}, "data"),
    (Binary, {"data": b"x", "header": bytes(256)}, "header"),
    (Binary, {"data": b"x", "protocol": 256}, "protocol"),
    (Binary, {"data": b"x", "protocol": -1}, "protocol"),
    (Binary, {"data": b"x", "coding": 256}, "coding"),
    (Binary, {"data": b"x", "coding": -1}, "coding"),
    (Mms, {"subject": ""}, "subject"),
    (Mms, {"subject": " "}, "subject"),
    (Mms, {"subject": "a\nb"}, "subject"),
    (Email, {"subject": "a\r\nBcc: x@y.z", "sender": "a@b.ua"}, "subject"),
    (Email, {"subject": " ", "sender": "a@b.ua"}, "subject"),
    (Email, {"subject": "x", "sender": ""}, "sender"),
    (Email, {"subject": "x", "sender": "a"}, "sender"),
    (Email, {"subject": "x", "sender": "a@b,c@d"}, "sender"),
    (Email, {"subject": "x", "sender": "a@b@c"}, "sender"),
    (Email, {"subject": "x", "sender": "A <a@b.c>"}, "sender"),
    (Email, {"subject": "x", "sender": "a@b.c\n"}, "sender"),
    (Redial, {"wait": -1, "interval": 10, "attempts": 0}, "wait"),
    (Redial, {"wait": 100, "interval": 10, "attempts": 0}, "wait"),
    (Redial, {"wait": 0, "interval": 9, "attempts": 0}, "interval"),
    (Redial, {"wait": 0, "interval": 3601, "attempts": 0}, "interval"),
    (Redial, {"wait": 0, "interval": 10, "attempts": 10}, "attempts"),
    (Redial, {"wait": 0, "interval": 10, "attempts": -1}, "attempts"),
    (TelegramBot, {"name": ""}, "name"),
    (TelegramBot, {"name": "shop"}, "name"),
    (TelegramBot, {"name": "wa:380671234567"}, "name"),
    (TelegramBot, {"name": "@shop bot"}, "name"),
    (TelegramBot, {"name": "@@shop_bot"}, "name"),
    (TelegramBot, {"name": "магазинbot"}, "name"),
    (TelegramBot, {"name": "shop_bot\n"}, "name"),
    (WhatsAppBot, {"number": "@shop_bot"}, "number"),
    (WhatsAppBot, {"number": "123456"}, "number"),
    (WhatsAppBot, {"number": "0671234567"}, "number"),
]
MISTYPED: list[tuple[type[Any], dict[str, Any], str]] = [
    (Sms, {"short_links": 1}, "short_links"),
    (Sms, {"short_links": "no"}, "short_links"),
    (Sms, {"short_links": None}, "short_links"),
    (Sms, {"max_parts": True}, "max_parts"),
    (Sms, {"max_parts": "2"}, "max_parts"),
    (Sms, {"max_parts": 2.0}, "max_parts"),
    (Flash, {"transliteration": 1}, "transliteration"),
    (Sms, {"transliteration": True}, "transliteration"),
    (Sms, {"transliteration": Voice.MAN}, "transliteration"),
    (Viber, {"short_links": 1}, "short_links"),
    (Binary, {"data": "00ff"}, "data"),
    (Binary, {"data": bytearray(b"x")}, "data"),
    (Binary, {"data": b"x", "header": None}, "header"),
    (Binary, {"data": b"x", "protocol": "1"}, "protocol"),
    (Binary, {"data": b"x", "coding": True}, "coding"),
    (Mms, {"subject": None}, "subject"),
    (Email, {"subject": "x", "sender": None}, "sender"),
    (Email, {"subject": b"x", "sender": "a@b.ua"}, "subject"),
    (VoiceCall, {"voice": "w"}, "voice"),
    (VoiceCall, {"voice": None}, "voice"),
    (VoiceCall, {"redial": (1, 10, 1)}, "redial"),
    (VoiceCall, {"redial": "1,10,1"}, "redial"),
    (Redial, {"wait": "1", "interval": 10, "attempts": 0}, "wait"),
    (Redial, {"wait": 1, "interval": 10.0, "attempts": 0}, "interval"),
    (Redial, {"wait": 1, "interval": 10, "attempts": True}, "attempts"),
    (TelegramBot, {"name": None}, "name"),
    (WhatsAppBot, {"number": 380671234567}, "number"),
]


@pytest.mark.parametrize(("cls", "values", "name"), WRONG)
def test_a_bad_value_is_refused_when_the_kind_is_made(cls: type[Any], values: dict[str, Any], name: str) -> None:
    """What the gateway would refuse, or take for something else, never gets into a kind; the error names the field."""
    with pytest.raises(InvalidArgument) as caught:
        cls(**values)
    assert name == caught.value.name
    assert type(caught.value) is InvalidArgument


@pytest.mark.parametrize(("cls", "values", "name"), MISTYPED)
def test_a_value_of_another_type_is_refused(cls: type[Any], values: dict[str, Any], name: str) -> None:
    """Types are not guessed at: each is refused as such, under the field's name."""
    with pytest.raises(InvalidArgumentType) as caught:
        cls(**values)
    assert name == caught.value.name


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=255))
def test_binary_data_can_be_read_back(data: bytes, header: bytes) -> None:
    """The first octet says where the header ends, so that both come out of the hexadecimal text."""
    octets = bytes.fromhex(Binary(data=data, header=header).params()["mes"])
    assert (header, data) == (octets[1 : 1 + octets[0]], octets[1 + octets[0] :])


@given(st.text(max_size=40))
def test_a_bot_is_never_two_things(name: str) -> None:
    """Any name either is a bot's in Telegram, or is refused; none becomes a number in WhatsApp."""
    try:
        written = TelegramBot(name=name).params()["bot"]
    except InvalidArgument:
        return
    assert written.startswith("@")
    assert written.lower().endswith("bot")
    assert name.removeprefix("@") == written.removeprefix("@")
