"""What is to be sent, as a request for each thousand recipients; what cannot be sent together; what errors say."""

from __future__ import annotations

import pickle
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._order import AT_ONCE, File, Order, checked_id, ordered
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.kinds import Email, Flash, Mms, Sms, Telegram, Transliteration, VoiceCall
from smsc_async.schedules import Hours, Spread

PHONE, OTHER = "380501112233", "380501112244"


# The form -----------------------------------------------------------------------------------------------------------


def test_one_message_for_one_recipient_is_two_parameters() -> None:
    """Nothing is sent that was not asked for."""
    assert {"phones": f"+{PHONE}", "mes": "Вітаємо"} == ordered(PHONE, "Вітаємо").form()


def test_all_that_can_be_said_is_in_the_form() -> None:
    """Recipients, text with comment, kind, sender, time, spread, validity and a file's address stand side by side."""
    order = ordered(
        [PHONE, "g7", f"+{OTHER}"],
        "a\r\nb",
        kind=Flash(short_links=True, max_parts=3),
        sender="SHOP",
        at=Hours(9, 21),
        spread=Spread(over=timedelta(hours=2), every=timedelta(minutes=5)),
        validity=timedelta(hours=3, minutes=7),
        comment="order 5",
    )
    expected = {
        "phones": f"+{PHONE},G7,+{OTHER}",
        "mes": "a\nb\n~~~\norder 5",
        "flash": "1",
        "tinyurl": "1",
        "maxsms": "3",
        "sender": "SHOP",
        "time": "9-21",
        "period": "2",
        "freq": "5",
        "valid": "03:07",
    }
    assert expected == order.form()
    assert (PHONE, OTHER) == order.phones
    linked = ordered(PHONE, "x", kind=Mms(subject="s"), file_url="https://example.com/a.png?b=1")
    assert "https://example.com/a.png?b=1" == linked.form()["fileurl"]


@pytest.mark.parametrize(
    ("validity", "expected"),
    [
        (timedelta(minutes=1), "00:01"),
        (timedelta(minutes=59), "00:59"),
        (timedelta(hours=1), "01:00"),
        (timedelta(hours=24), "24:00"),
    ],
)
def test_validity_is_hours_and_minutes(validity: timedelta, expected: str) -> None:
    """A minute to a day, both included."""
    assert expected == ordered(PHONE, "x", validity=validity).form()["valid"]


@pytest.mark.parametrize(
    "validity", [timedelta(), timedelta(seconds=59), timedelta(hours=24, seconds=1), timedelta(-1)]
)
def test_validity_out_of_bounds_is_refused(validity: timedelta) -> None:
    """The gateway knows no other."""
    with pytest.raises(InvalidArgument, match=r"^validity: "):
        ordered(PHONE, "x", validity=validity)


@pytest.mark.parametrize("sender", ["a", "A" * 11, "1" * 15, "Їжак", "My Shop.", "+380671234"])
def test_a_sender_is_a_name_or_a_number(sender: str) -> None:
    """Eleven characters or fifteen digits."""
    assert sender == ordered(PHONE, "x", sender=sender).form()["sender"]


@pytest.mark.parametrize("sender", ["", " ", "\xa0 ", "A" * 12, "1" * 16, "1" * 14 + "a", "٣" * 12, "a\n", "a\x7f"])
def test_what_is_no_sender_is_refused(sender: str) -> None:
    """Longer ones, blanks and controls are refused; digits of other scripts are letters."""
    with pytest.raises(InvalidArgument, match=r"^sender: "):
        ordered(PHONE, "x", sender=sender)


def test_an_email_has_its_own_sender() -> None:
    """A second one is refused, rather than one of the two lost."""
    kind = Email(subject="s", sender="a@b.ua")
    assert "a@b.ua" == ordered("c@d.ua", "x", kind=kind).form()["sender"]
    with pytest.raises(InvalidArgument, match=r"^sender: leave it out"):
        ordered("c@d.ua", "x", kind=kind, sender="SHOP")


# A text for each recipient ------------------------------------------------------------------------------------------


def test_texts_of_their_own_are_lines_of_a_list() -> None:
    """Each recipient's line has their text, its line breaks written out; there is no common text or phone."""
    order = ordered({f"+{PHONE}": "a: 1, b\r\nc", "G5": "x\\y"}, None, sender="SHOP")
    assert {"list": f"+{PHONE}:a: 1, b\\nc\nG5:x\\y", "sender": "SHOP"} == order.form()
    assert (PHONE,) == order.phones


def test_a_comment_goes_with_each_text_of_a_list() -> None:
    """The separator's line breaks are written out, as they are inside a text."""
    order = ordered({PHONE: "a", OTHER: "b"}, None, comment="c")
    assert f"+{PHONE}:a\\n~~~\\nc\n+{OTHER}:b\\n~~~\\nc" == order.form()["list"]


@pytest.mark.parametrize("text", [r"C:\new", r"\n", r"a\\nb"])
def test_what_a_list_would_change_is_refused(text: str) -> None:
    """A backslash and an n would come out as a line break, in a text or in a comment; elsewhere they do not."""
    with pytest.raises(InvalidArgument, match=r"^to: a text holds a backslash and an n"):
        ordered({PHONE: text}, None)
    with pytest.raises(InvalidArgument, match=r"^comment: holds a backslash and an n"):
        ordered({PHONE: "x"}, None, comment=text)
    assert f"{text}\n~~~\n{text}" == ordered(PHONE, text, comment=text).form()["mes"]


def test_two_spellings_of_a_phone_have_one_text() -> None:
    """The same text twice is one line; two texts for one phone are refused, as one of them would be lost."""
    assert 1 == len(ordered({PHONE: "a", f"+{PHONE}": "a"}, None).recipients)
    with pytest.raises(InvalidArgument, match=r"^to: two spellings of one phone"):
        ordered({PHONE: "a", f"+{PHONE}": "b"}, None)


def test_texts_of_their_own_leave_no_place_for_another() -> None:
    """A common text, an empty mapping, and texts that are none are refused."""
    with pytest.raises(InvalidArgument, match=r"^text: leave it out"):
        ordered({PHONE: "a"}, "b")
    with pytest.raises(InvalidArgument, match=r"^to: is empty"):
        ordered({}, None)
    with pytest.raises(InvalidArgumentType, match=r"^to: must be a str, not None"):
        ordered({PHONE: None}, None)
    with pytest.raises(InvalidArgument, match=r"^to: has a line of ~~~"):
        ordered({PHONE: "a\n~~~\nb"}, None)
    with pytest.raises(InvalidArgumentType, match=r"^to: "):
        ordered({None: "a"}, None)


def test_any_mapping_will_do() -> None:
    """What is read only, or made by somebody else, is a mapping too."""
    assert {"list": f"+{PHONE}:a"} == ordered(MappingProxyType({PHONE: "a"}), None).form()


LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n"), min_size=1, max_size=60)
NUMBERS = st.integers(10**11, 10**12 - 1).map(str)


@given(st.dictionaries(NUMBERS, LINES, min_size=1, max_size=5))
def test_a_list_is_read_back_as_it_was_meant(texts: dict[str, str]) -> None:
    """Split at its line breaks and each line at its first colon, a list gives the recipients and their very texts."""
    try:
        order = ordered(texts, None)
    except InvalidArgument:
        return
    lines = [line.partition(":") for line in order.form()["list"].split("\n")]
    assert texts == {phone.removeprefix("+"): text.replace("\\n", "\n") for phone, _, text in lines}


# Parts --------------------------------------------------------------------------------------------------------------


def test_a_text_beyond_its_greatest_number_of_parts_is_refused() -> None:
    """The gateway would cut it; to the last character that fits it is sent."""
    assert "a" * 306 == ordered(PHONE, "a" * 306, kind=Sms(max_parts=2)).form()["mes"]
    with pytest.raises(InvalidArgument, match=r"^text: takes 3 SMS, and max_parts is 2"):
        ordered(PHONE, "a" * 307, kind=Sms(max_parts=2))
    with pytest.raises(InvalidArgument, match=r"^to: takes 2 SMS, and max_parts is 1"):
        ordered({PHONE: "a", OTHER: "ї" * 71}, None, kind=Flash(max_parts=1))


def test_a_transliterated_text_is_not_counted() -> None:
    """Nobody here knows how many Latin letters become of it; the gateway is told the number."""
    kind = Sms(max_parts=1, transliteration=Transliteration.LETTERS)
    assert "1" == ordered(PHONE, "ї" * 100, kind=kind).form()["maxsms"]


# Portions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, [1]), (999, [999]), (1_000, [1_000]), (1_001, [1_000, 1]), (2_000, [1_000] * 2), (2_345, [1_000, 1_000, 345])],
)
@pytest.mark.parametrize("own", [False, True])
def test_many_recipients_are_cut_into_portions(count: int, expected: list[int], own: bool) -> None:
    """Each portion has at most a thousand recipients, with their own texts and all that is common."""
    phones = [str(380670000000 + number) for number in range(count)]
    texts = {phone: f"text {phone}" for phone in phones}
    order = ordered(texts, None, sender="SHOP") if own else ordered(phones, "x", sender="SHOP")
    portions = order.portions()
    assert 1_000 == AT_ONCE
    assert expected == [len(portion.recipients) for portion in portions]
    assert phones == [phone for portion in portions for phone in portion.recipients]
    assert {"SHOP"} == {portion.form()["sender"] for portion in portions}
    if own:
        lines = [line for portion in portions for line in portion.form()["list"].split("\n")]
        assert [f"+{phone}:text {phone}" for phone in phones] == lines
    else:
        assert phones == [each[1:] for portion in portions for each in portion.form()["phones"].split(",")]


def test_equal_phones_are_cut_away_before_the_portions() -> None:
    """Three thousand spellings of a thousand phones are one request."""
    phones = [str(380670000000 + number) for number in range(1_000)]
    order = ordered([*phones, *(f"+{phone}" for phone in phones), *phones], "x")
    assert [1_000] == [len(portion.recipients) for portion in order.portions()]


def test_files_go_with_each_portion() -> None:
    """No portion is sent without what belongs to it."""
    file = File("a.png", bytes(101))
    order = ordered([str(380670000000 + number) for number in range(1_001)], "x", kind=Mms(subject="s"), files=[file])
    assert [(file,), (file,)] == [portion.files for portion in order.portions()]


def test_an_order_shows_no_text() -> None:
    """Its representation has neither the text nor the content of a file."""
    order = ordered(PHONE, "a very secret text", kind=VoiceCall(), files=[File("a.wav", b"secret octets" * 10)])
    assert "secret" not in repr(order)
    assert order == pickle.loads(pickle.dumps(order))


# Files --------------------------------------------------------------------------------------------------------------


def test_a_file_has_a_name_and_content() -> None:
    """An empty one would be a mistake."""
    assert 1 == len(File("a b.png", b"x").content)
    with pytest.raises(InvalidArgument, match=r"^content: is empty"):
        File("a.png", b"")


@pytest.mark.parametrize("given", [{"files": [File("a.wav", b"x")]}, {"file_url": "https://example.com/a.wav"}])
def test_a_file_may_stand_for_the_text(given: dict[str, Any]) -> None:
    """What is played to a subscriber needs no words; a kind without files does, and so does a comment."""
    assert "mes" not in ordered(PHONE, None, kind=VoiceCall(), **given).form()
    with pytest.raises(InvalidArgument, match=r"^file"):
        ordered(PHONE, "hi", **given)
    with pytest.raises(InvalidArgument, match=r"^text: "):
        ordered(PHONE, None, kind=VoiceCall(), comment="a note", **given)
    with pytest.raises(InvalidArgument, match=r"^text: "):
        ordered(PHONE, None, kind=VoiceCall())


@pytest.mark.parametrize("to", [PHONE, {PHONE: "x" * 990}])
def test_a_comment_counts_with_its_text(to: Any) -> None:
    """The gateway may count it as a part of it, and cut what is too long."""
    text = None if isinstance(to, dict) else "x" * 990
    assert ordered(to, text, comment="12345").form()
    with pytest.raises(InvalidArgument, match=r"^comment: makes 1001 characters with the text; the gateway takes 1000"):
        ordered(to, text, comment="123456")


@pytest.mark.parametrize("name", ["", " ", "a\r\nb", 'a".png', "a\0b", "\ud800.png"])
def test_a_name_that_could_leave_its_place_is_refused(name: str) -> None:
    """Line breaks, quotes and controls would end the header that the name stands in."""
    with pytest.raises(InvalidArgument, match=r"^name: "):
        File(name, bytes(101))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((None, bytes(101)), "name"),
        ((b"a", bytes(101)), "name"),
        (("a", "x" * 101), "content"),
        (("a", None), "content"),
    ],
)
def test_a_file_of_another_type_is_refused(values: Any, name: str) -> None:
    """Names are text and contents octets."""
    with pytest.raises(InvalidArgumentType, match=f"^{name}: "):
        File(*values)


@pytest.mark.parametrize("files", [None, "a.png", b"x", File("a.png", bytes(101)), ["a.png"], [None], [bytes(101)], 5])
def test_files_are_a_sequence_of_them(files: Any) -> None:
    """A name, a path or a single file is refused by its type."""
    with pytest.raises(InvalidArgumentType, match=r"^files: "):
        ordered(PHONE, "x", kind=Mms(subject="s"), files=files)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "example.com/a.png",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "https://",
        "https://a b",
        "https://a/\n",
        "x" * 9,
        "https://example.com/" + "a" * 2_000,
    ],
)
def test_an_address_that_is_none_is_refused(link: str) -> None:
    """Only whole addresses of http and https, up to 2,000 characters, are told to the gateway."""
    with pytest.raises(InvalidArgument, match=r"^file_url: "):
        ordered(PHONE, "x", kind=Mms(subject="s"), file_url=link)


# Ids ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1", "2147483647", "a", "A.b-c_9", "x" * 40, ".", "1a", "1-2", "e5"])
def test_an_id_is_up_to_forty_letters_and_digits(value: str) -> None:
    """The page's alphabet, and nothing is changed."""
    assert value == checked_id(value)


@pytest.mark.parametrize("value", ["0", "00", "0017", "2147483648", "9" * 20, "-1", "1.5", "1.", ".5", "1e5", "1E-5"])
def test_a_number_that_could_become_another_is_no_id(value: str) -> None:
    """The gateway may read it as a number: 0017 as 17, and what is greater than it can count to as the greatest."""
    with pytest.raises(InvalidArgument, match=r"^id: is a number"):
        checked_id(value)


@pytest.mark.parametrize("value", ["", "x" * 41, "a b", "a,b", "ї", "a\n", "a/b", "٣", " a", "a:b"])
def test_what_is_no_id_is_refused(value: str) -> None:
    """Commas above all: they would make several ids of one."""
    with pytest.raises(InvalidArgument, match=r"^id: "):
        checked_id(value)


@pytest.mark.parametrize("value", [None, 5, b"a"])
def test_an_id_is_a_text(value: Any) -> None:
    """Numbers are not taken for one."""
    with pytest.raises(InvalidArgumentType, match=r"^id: "):
        checked_id(value)


# What errors say ----------------------------------------------------------------------------------------------------

CANARY = "Kanareika"
LONG = CANARY * 200
DIGITS = "380990001122334455"  # too many for a phone
BAD: list[tuple[str, dict[str, Any]]] = [
    ("to", {"to": CANARY}),
    ("to", {"to": DIGITS}),
    ("to", {"to": [PHONE, f"{CANARY},{PHONE}"]}),
    ("to", {"to": f"{CANARY}@", "kind": Email(subject="s", sender="a@b.ua")}),
    ("to", {"to": f"@{CANARY} x", "kind": Telegram()}),
    ("to", {"to": {CANARY: "x"}, "text": None}),
    ("to", {"to": {PHONE: f"{CANARY}\n~~~\n{CANARY}"}, "text": None}),
    ("to", {"to": {PHONE: f"{CANARY}\\n"}, "text": None}),
    ("to", {"to": {PHONE: CANARY, f"+{PHONE}": f"{CANARY}2"}, "text": None}),
    ("to", {"to": {PHONE: LONG}, "text": None}),
    ("text", {"text": LONG}),
    ("text", {"text": f"{CANARY}\0"}),
    ("text", {"text": f"{CANARY}\ud800"}),
    ("text", {"text": f"__HLR__{CANARY}"}),
    ("text", {"text": f"{CANARY}\n~~~\n"}),
    ("text", {"text": CANARY.encode()}),
    ("text", {"text": CANARY * 20, "kind": Sms(max_parts=1)}),
    ("comment", {"comment": f"{CANARY}\n"}),
    ("comment", {"comment": [CANARY]}),
    ("sender", {"sender": CANARY * 2}),
    ("sender", {"sender": CANARY.encode()}),
    ("kind", {"kind": CANARY}),
    ("at", {"at": CANARY}),
    ("spread", {"spread": CANARY}),
    ("validity", {"validity": CANARY}),
    ("files", {"files": CANARY}),
    ("files", {"files": [CANARY]}),
    ("files", {"files": [File(CANARY, CANARY.encode() * 20)]}),
    ("file_url", {"file_url": f"https://{CANARY}/"}),
    ("file_url", {"file_url": f"{CANARY}://", "kind": Mms(subject="s")}),
    ("file_url", {"file_url": 5, "kind": Mms(subject="s")}),
]


@pytest.mark.parametrize(("name", "values"), BAD, ids=range(len(BAD)))
def test_an_error_names_the_argument_and_shows_no_value(name: str, values: dict[str, Any]) -> None:
    """The error says which argument it is and what to do; phones, texts and other values stay out."""
    given = {"to": PHONE, "text": "x", **values}
    with pytest.raises(InvalidArgument) as caught:
        ordered(given.pop("to"), given.pop("text"), **given)
    assert name == caught.value.name
    shown = f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    for secret in (CANARY, PHONE, DIGITS):
        assert secret not in shown
    assert len(str(caught.value)) < 150
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


@given(
    st.lists(NUMBERS.map(lambda phone: f"+{phone}") | st.integers(1, 99).map(lambda number: f"g0{number}"), min_size=1),
    LINES,
)
def test_an_order_can_be_made_again_from_its_own_recipients(to: list[str], text: str) -> None:
    """Recipients as they stand in an order make the same order."""
    try:
        order: Order = ordered(to, text)
    except InvalidArgument:
        return
    assert order == ordered(order.recipients, text)
