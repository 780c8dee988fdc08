"""Events as values: keys, copies, pickles; and what the gateway's numbers mean."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import DeliveryError, MessageFlags, MessageStatus, MessageType
from smsc_async.webhooks import DeliveryStatus, Event, IncomingMessage
from smsc_async.webhooks._payload import pack, unpack
from smsc_async.webhooks._reader import read_callback
from tests.webhooks.posting import FORMATS, SECRET, body, posted, receiver, signed

FULL = {
    "id": "1001",
    "phone": "380501234567",
    "status": "1",
    "time": "31.12.26 23:59:58",
    "ts": "1798754398",
    "err": "6",
    "cost": "0.50",
    "flag": "1319",
    "cmt": "a\novertime: 01:30",
    "imsi": "1",
    "calltime": "2",
    "shop": "7",
}
MESSAGE = {"id": "7", "phone": "380501234567", "mes": "Привіт", "to": "380671112233", "time": "1700000000"}
CALL = {"waitcall": "1", "phone": "380501234567", "ts": "1700000000"}
ALL = [FULL, MESSAGE, CALL]


@pytest.mark.parametrize("fields", ALL)
def test_a_repeat_has_the_same_key_however_it_is_written(fields: dict[str, str]) -> None:
    """Format, charset, digest and secret are none of what happened."""
    keys = {posted(fields, form, charset).key for form in FORMATS for charset in ("utf-8", "windows-1251")}
    keys |= {posted(fields, digest="md5").key, posted({**fields, "phone": f"+{fields['phone']}"}).key}
    assert 1 == len(keys)
    (key,) = keys
    assert (32, True) == (len(key), set(key) <= set("0123456789abcdef"))


def test_keys_stay_what_they_are() -> None:
    """They are kept in stores, which outlive a version of this code."""
    keys = [
        "ec87ea5a148ed0e37752ac63540370bb",
        "65f33619bcb9ee4acfb7e782d055aa72",
        "6c0dae64a3b517ee31769ec90b26cde8",
    ]
    assert keys == [posted(fields).key for fields in ALL]


DIFFERENT: list[tuple[dict[str, str], list[str]]] = [
    (FULL, ["id", "phone", "status", "time", "ts", "err"]),
    (MESSAGE, ["id", "phone", "mes", "to", "time"]),
    (CALL, ["phone", "ts"]),
]


@pytest.mark.parametrize(("fields", "names"), DIFFERENT)
def test_another_event_has_another_key(fields: dict[str, str], names: list[str]) -> None:
    """Two equal messages with different ids are two; a status at another time is another one."""
    keys = [posted(fields).key, *(posted({**fields, name: f"9{fields[name]}"[:10]}).key for name in names)]
    assert len(set(keys)) == len(keys)


def test_what_is_no_part_of_the_identity_changes_no_key() -> None:
    """Cost and comment of a status may come in once and not again."""
    assert posted(FULL).key == posted({**FULL, "cost": "1", "cmt": "b", "shop": "8", "syserr": "1"}).key
    assert posted(MESSAGE).key == posted({**MESSAGE, "smsc": "1", "sent": "1"}).key


@given(*[st.text(st.sampled_from("12\0',()N"), min_size=1, max_size=4)] * 4)
def test_no_part_of_a_key_can_look_like_two(id_1: str, id_2: str, text_1: str, text_2: str) -> None:
    """What a message holds cannot be shifted from one part to the next."""
    event = posted(MESSAGE)
    assert isinstance(event, IncomingMessage)
    first, second = attrs.evolve(event, id=id_1, text=text_1), attrs.evolve(event, id=id_2, text=text_2)
    assert ((id_1, text_1) == (id_2, text_2)) == (first.key == second.key)


@pytest.mark.parametrize("fields", ALL)
def test_an_event_survives_pickle_copy_and_the_store(fields: dict[str, str]) -> None:
    """With its signature; and it cannot be changed."""
    event = posted(fields)
    made: list[Any] = [pickle.loads(pickle.dumps(event, protocol)) for protocol in range(2, 6)]
    made += [copy.copy(event), copy.deepcopy(event), attrs.evolve(event)]
    settings = receiver()._settings
    made.append(unpack(pack(read_callback(settings, body(signed(fields)), content_type="", query=b""))))
    for one in made:
        assert (event, event.key, event.signature, event.unsigned) == (one, one.key, one.signature, one.unsigned)
        assert hash(event) == hash(one)
        assert repr(event) == repr(one)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.phone = "1"  # type: ignore[misc]


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_stored_holds_no_digest_and_no_token(form: str) -> None:
    """A store is read by more people than an address."""
    token = SECRET[::-1]
    fields = signed(signed({**FULL, "token": token}), by="md5")
    settings = receiver(format="form" if form == "parts" else form, token=token)._settings
    kind = "multipart/form-data; boundary=7MA4YWxkTrZu0gW" if form == "parts" else ""
    stored = pack(read_callback(settings, body(fields, form), content_type=kind, query=f"token={token}".encode()))
    assert not [one for one in (SECRET, token, fields["sha1"], fields["md5"]) if one.encode() in stored]


def test_the_proof_is_no_part_of_what_happened() -> None:
    """The same event by another digest is equal."""
    events: set[Event] = {posted(MESSAGE), posted(MESSAGE, digest="md5"), posted(MESSAGE, "json")}
    assert 1 == len(events)


# The gateway's numbers --------------------------------------------------------------------------------------------


def test_a_message_goes_forward_alone() -> None:
    """Waiting, handed over, decided, read, clicked."""
    way = [MessageStatus.WAITING, MessageStatus.HANDED_OVER, MessageStatus.DELIVERED, MessageStatus.READ]
    assert [0, 1, 2, 3, 4] == [status.progress for status in (*way, MessageStatus.CLICKED)]
    assert {2} == {MessageStatus(number).progress for number in (1, 3, 20, 22, 23, 24, 25, 77)}
    assert {0} == {MessageStatus(number).progress for number in (-3, -2, -1)}
    assert 3 == MessageStatus.MARKED_AS_SPAM.progress


def test_which_statuses_are_final_and_which_are_good() -> None:
    """A message that was read or marked as spam has reached the phone; one that is on its way is not decided."""
    final = {status for status in MessageStatus if status.is_final}
    delivered = {status for status in MessageStatus if status.is_delivered}
    assert {-3, -2, -1, 0} == set(MessageStatus) - final
    assert {1, 2, 4, 6} == delivered
    assert delivered < final
    assert (True, False) == (MessageStatus(77).is_final, MessageStatus(77).is_delivered)


def test_numbers_pickle_as_numbers() -> None:
    """Also those without a name."""
    for member in (MessageStatus.READ, MessageStatus(77), DeliveryError.BUSY, DeliveryError(7), MessageType(9)):
        again = pickle.loads(pickle.dumps(member))
        assert (type(member), member, repr(member)) == (type(again), again, repr(again))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "MessageFlags(0: SMS)"),
        (40, "MessageFlags(40: EMAIL, second_balance=True)"),
        (0x100, "MessageFlags(256: SMS, template=SERVICE)"),
        (0x720, "MessageFlags(1824: SMS, template=ADVERTISING, second_balance=True)"),
        (9, "MessageFlags(9: UNKNOWN_9)"),
    ],
)
def test_flags_show_what_is_set(value: int, shown: str) -> None:
    """Which is what one wants to see in a log."""
    assert shown == repr(MessageFlags(value))


def test_an_event_shows_its_fields() -> None:
    """In words, and nothing of the secret."""
    event = posted(FULL)
    assert isinstance(event, DeliveryStatus)
    assert "status=MessageStatus.DELIVERED" in repr(event)
    assert SECRET not in repr(event)
