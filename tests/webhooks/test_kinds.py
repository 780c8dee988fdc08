"""One signed text, one callback: no digest serves another kind, or another cut of what was signed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smsc_async.errors import MalformedCallback, WebhookError
from smsc_async.webhooks import CallConfirmation, DeliveryStatus, Event, IncomingMessage
from tests.webhooks.posting import (
    SECRET,
    SIGNED,
    STATUS,
    body,
    digest,
    receiver,
    signed,
)

MESSAGE = {"id": "7", "phone": "380501234567", "mes": "Привіт", "to": "380671112233"}
CALL = {"waitcall": "1", "phone": "380501234567", "ts": "1700000000"}
KINDS = {"status": SIGNED[0], "message": SIGNED[1], "call": SIGNED[2]}

texts = st.text(st.sampled_from("0123456789:-+ab.Ї \n\0"), max_size=14)


def with_digest(fields: dict[str, str], text: str) -> bytes:
    """Give a form with the digest of *text*, which the gateway has signed for something else."""
    return body({**fields, "sha1": digest("sha1", f"{text}:{SECRET}".encode())})


def signed_text(fields: dict[str, str], kind: str) -> str:
    return ":".join(fields.get(name, "") for name in KINDS[kind])


@pytest.mark.parametrize(
    "fields",
    [
        {"phone": "380501234567:buy", "mes": "now", "to": "380671112233"},
        {"phone": "380501234567", "mes": "buy", "to": "now:380671112233"},
        {"id": "1001:380501234567", "phone": "1", "status": "1"},
        {"id": "1001", "phone": "380501234567:1", "status": "1"},
        {"id": "1001", "phone": "380501234567", "status": "1:1"},
        {"id": "", "phone": "380501234567", "status": "1"},
        {"id": "x" * 41, "phone": "380501234567", "status": "1"},
        {"id": "1 1", "phone": "380501234567", "status": "1"},
        {"id": "1001\n", "phone": "380501234567", "status": "1"},
        {"id": "1001", "phone": "", "status": "1"},
        {"id": "1001", "phone": "1" * 129, "status": "1"},
        {"id": "1001", "phone": "38050\0", "status": "1"},
        {"id": "1001", "phone": "380501234567", "status": "100"},
        {"id": "1001", "phone": "380501234567", "status": "+1"},
        {"phone": "380501234567", "mes": "x", "to": "12"},
        {"phone": "380501234567", "mes": "x", "to": "-12"},
        {"waitcall": "1", "phone": "a@b.c", "ts": "1700000000"},
        {"waitcall": "1", "phone": "380501234567", "ts": "17000000000"},
        {"waitcall": "1", "phone": "380501234567", "ts": "-1"},
        {"waitcall": "1", "phone": "380501234567"},
        {"phone": "380501234567", "status": "1"},
    ],
)
def test_w3_a_signed_field_has_its_grammar_before_anything_is_hashed(fields: dict[str, str]) -> None:
    """W3: a colon or a wrong form in a signed field is refused, even with the gateway's own digest."""
    with pytest.raises(MalformedCallback):
        receiver().parse(body(signed(fields)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            {"phone": "380501234567", "mes": "pay 10:99", "to": "380671112233"},
            {"mes": "pay 10", "to": "99:380671112233"},
        ),
        ({"phone": "380501234567", "mes": "10:99", "to": "380671112233"}, {"phone": "380501234567:10", "mes": "99"}),
        ({"phone": "380501234567", "mes": "a:b", "to": ""}, {"mes": "a", "to": "b:"}),
    ],
)
def test_w3_text_cannot_be_moved_over_a_delimiter(before: dict[str, str], after: dict[str, str]) -> None:
    """W3: the digest of a message serves no other cut of the same signed text."""
    assert before["phone"] == receiver().parse(body(signed(before))).phone
    moved = {**before, **after}
    with pytest.raises(WebhookError):
        receiver().parse(with_digest(moved, signed_text(before, "message")))


@given(texts, st.sampled_from(list(itertools.product(KINDS, KINDS))), st.data())
def test_w4_a_signed_text_is_that_of_one_callback(text: str, kinds: tuple[str, str], data: st.DataObject) -> None:
    """W4: over all pairs of kinds, no text is accepted as two kinds, or as one kind with two sets of fields."""
    signed_for = ":".join([data.draw(texts), text, data.draw(texts)])
    accepted = [cut_up(signed_for, kind, data) for kind in kinds]
    events = []
    for fields in accepted:
        try:
            events.append(receiver().parse(with_digest(fields, signed_for)))
        except WebhookError:
            continue
    assert len({values_of(event) for event in events}) <= 1


def cut_up(text: str, kind: str, data: st.DataObject) -> dict[str, str]:
    """Cut a text at some of its colons into the fields of a kind."""
    parts, names = text.split(":"), KINDS[kind]
    assume(len(parts) >= len(names))
    places = st.sampled_from(list(itertools.combinations(range(1, len(parts)), len(names) - 1)))
    cuts = [0, *data.draw(places), len(parts)]
    fields = {name: ":".join(parts[cuts[at] : cuts[at + 1]]) for at, name in enumerate(names)}
    return {**fields, "waitcall": "1"} if kind == "call" else fields


def values_of(event: Event) -> tuple[str, ...]:
    """Give what was signed, as the event shows it; a phone and its plus are the same."""
    if isinstance(event, DeliveryStatus):
        return "status", event.id, event.phone, str(int(event.status))
    if isinstance(event, IncomingMessage):
        return "message", event.phone, event.text, event.to
    return "call", event.phone, str(event.called_at)


GENUINE = [
    STATUS,
    MESSAGE,
    CALL,
    {**MESSAGE, "mes": "1", "to": ""},
    {"phone": "380501234567", "mes": "1:2", "to": "SHOP"},
]


@pytest.mark.parametrize("fields", GENUINE)
def test_w4_no_cut_of_a_genuine_text_is_another_callback(fields: dict[str, str]) -> None:
    """W4: all ways to cut what was signed into the fields of all kinds: one is accepted."""
    event = receiver().parse(body(signed(fields)))
    own = {DeliveryStatus: "status", IncomingMessage: "message", CallConfirmation: "call"}[type(event)]
    text = signed_text(fields, own)
    parts = text.split(":")
    found = set()
    for kind, names in KINDS.items():
        for cuts in itertools.combinations(range(1, len(parts)), len(names) - 1):
            ends = [0, *cuts, len(parts)]
            cut = {name: ":".join(parts[ends[at] : ends[at + 1]]) for at, name in enumerate(names)}
            try:
                found.add(
                    values_of(receiver().parse(with_digest(cut | ({"waitcall": "1"} if kind == "call" else {}), text)))
                )
            except WebhookError:
                continue
    assert {values_of(event)} == found


@pytest.mark.parametrize("waitcall", ["0", "", "2", "01", " 1", "１", "true"])
def test_w4_the_kind_is_decided_once(waitcall: str) -> None:
    """W4: a message that is a confirmation too is refused, and so is a ``waitcall`` that is not 1."""
    with pytest.raises(MalformedCallback, match="at once"):
        receiver().parse(body(signed({**MESSAGE, "waitcall": "1"})))
    with pytest.raises(MalformedCallback, match="waitcall"):
        receiver().parse(body(signed({**CALL, "waitcall": waitcall})))
