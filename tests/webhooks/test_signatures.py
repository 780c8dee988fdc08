"""A callback proves where it comes from, in whichever bytes the gateway hashed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._privacy import Secret
from smsc_async.errors import SignatureMismatch
from smsc_async.webhooks import IncomingMessage, Receiver, Signature
from smsc_async.webhooks._fields import Fields
from smsc_async.webhooks._kinds import kind_of
from smsc_async.webhooks._signature import verify
from tests.webhooks.posting import FORMATS, PARTS, SECRET, STATUS, body, posted, receiver, signed

if TYPE_CHECKING:
    from smsc_async.webhooks.events import Digest

OTHER = "another_secret-0123456789-abcdef"
MESSAGE = {"id": "7", "phone": "380501234567", "mes": "Привіт", "to": "380671112233"}

#: Computed apart from this code, with a secret that is shorter than a receiver takes.
SHORT = "s3cret-key_1"
CALL = {"waitcall": "1", "phone": "380501234567", "ts": "1700000000"}
VECTORS: list[tuple[dict[str, str], str, str, str, str, tuple[str, ...]]] = [
    (
        STATUS,
        "utf-8",
        "as received",
        "6e6bd35b4ff11f19cfb64a9dfaeef5b7",
        "9877fb703bbecf85effb6471e6291c7d7b428e97",
        ("3466268287", "-828699009", "ce9b0e7f", "CE9B0E7F"),
    ),
    (
        MESSAGE,
        "utf-8",
        "utf-8",
        "cbe85eee4a9539e18c7eb71961918cc5",
        "6b3211274faf87aa01061a059b31a9c3b85efe68",
        ("764186710", "2d8c9056", "2D8C9056"),
    ),
    (
        MESSAGE,
        "windows-1251",
        "windows-1251",
        "581d436ac0c2355d1b6604e8031ef48b",
        "b4629719ed4945626069e03c915620d854e9f934",
        ("1456267679", "56cce19f"),
    ),
    (
        CALL,
        "utf-8",
        "as received",
        "3f0b22f481441c832e74986c44a4dec8",
        "e9f5a8caadf64b9477da1cc2a58a5928f94a5c3f",
        ("3024863772", "-1270103524", "b44bc21c", "B44BC21C"),
    ),
]


def proved(
    texts: dict[str, str], by: Digest, *, charset: str = "utf-8", octets: Any = None, **options: Any
) -> Signature:
    """Verify fields as they are, below the level that refuses short secrets."""
    given = {"secrets": [Secret(SHORT)], "token": False, **options}
    return verify(Fields(texts, octets, charset), kind_of(texts), digest=by, charset=charset, **given)


@pytest.mark.parametrize("vector", VECTORS, ids=["status", "message", "message in windows-1251", "call"])
def test_digests_of_the_fact_sheet_match(vector: tuple[dict[str, str], str, str, str, str, tuple[str, ...]]) -> None:
    """In small and in capital letters; crc32 as a number with a sign or without, or in hexadecimal."""
    fields, charset, reading, md5, sha1, checksums = vector
    for by, texts in {"md5": (md5, md5.upper()), "sha1": (sha1, sha1.upper()), "crc32": checksums}.items():
        for text in texts:
            found = proved({**fields, by: text}, by, charset=charset)  # type: ignore[arg-type]
            assert Signature(by, reading) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("octets", [None, {}])
def test_w18_the_bytes_as_they_stood_in_the_body_are_tried_first(octets: dict[str, str] | None) -> None:
    """W18: where the format shows them, they are what PHP would have hashed; else it is the receiver's charset."""
    texts = {**MESSAGE, "sha1": VECTORS[1][4]}
    shown = None if octets is None else {name: text.encode().decode("latin-1") for name, text in texts.items()}
    assert ("utf-8" if octets is None else "as received") == proved(texts, "sha1", octets=shown).reading


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("hashed", ["utf-8", "windows-1251"])
@pytest.mark.parametrize("charset", ["utf-8", "windows-1251"])
def test_w18_the_gateway_may_hash_another_charset_than_it_writes(form: str, hashed: str, charset: str) -> None:
    """W18: each of the plausible readings is accepted, in each format, and the event says which one it was."""
    octets = body(signed(MESSAGE, charset=hashed), form, charset)
    reader = receiver(charset=charset, format="form" if form == "parts" else form)
    event = reader.parse(octets, content_type=PARTS if form == "parts" else "")
    assert isinstance(event, IncomingMessage)
    assert "Привіт" == event.text
    shown = "as received" if form in {"form", "parts"} and hashed == charset else hashed
    assert shown == event.signature.reading


def test_w18_at_most_three_readings_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """W18: what a stranger sends costs three digests for each secret, and not more."""
    hashed: list[bytes] = []

    def count(octets: bytes, given: str) -> bool:
        hashed.append(octets)
        return False

    monkeypatch.setattr("smsc_async.webhooks._signature.DIGESTS", {"sha1": count})
    for charset in ("utf-8", "windows-1251", "koi8-r"):
        hashed.clear()
        with pytest.raises(SignatureMismatch):
            posted({**MESSAGE, "mes": "Привет"}, charset=charset, secret=[SECRET, OTHER])
        assert len(hashed) <= 6
        assert len(set(hashed)) == len(hashed)


def test_w17_bytes_that_were_signed_are_read_in_one_way() -> None:
    """
    W17: whoever sends the text that the signed UTF-8 is in windows-1251 is not believed.

    The digest of "Привіт" is that of "РџСЂРёРІС–С‚" too, if the one is hashed in UTF-8 and the other in windows-1251.
    """
    genuine = signed(MESSAGE)
    garbled = {**genuine, "mes": "Привіт".encode().decode("windows-1251")}
    for form in FORMATS:
        reader = receiver(format="form" if form == "parts" else form)
        with pytest.raises(SignatureMismatch):
            reader.parse(body(garbled, form), content_type=PARTS if form == "parts" else "")
    with pytest.raises(SignatureMismatch):
        receiver().parse_form(garbled.items())


@pytest.mark.parametrize("form", FORMATS)
def test_w17_a_foreign_byte_in_another_field_changes_no_signed_text(form: str) -> None:
    """W17: a field that nobody signed cannot make the receiver read the signed ones in another charset."""
    octets = body(signed({**MESSAGE, "smsc": "MARK"}), form).replace(
        b"MARK", b"%98%FF" if form == "form" else b"\x98\xff"
    )
    reader = receiver(format="form" if form == "parts" else form)
    if form in {"xml", "json"}:  # one charset for the whole
        with pytest.raises(SignatureMismatch):
            reader.parse(octets)
    else:
        event = reader.parse(octets, content_type=PARTS if form == "parts" else "")
        assert isinstance(event, IncomingMessage)
        assert ("Привіт", "\x98я") == (event.text, event.service_centre)


def test_an_address_without_charset_is_forgiven() -> None:
    """The gateway writes windows-1251 then, whatever the receiver expects: text and digest are right nonetheless."""
    event = receiver().parse(body(signed(MESSAGE, charset="windows-1251"), charset="windows-1251"))
    assert isinstance(event, IncomingMessage)
    assert ("Привіт", "as received") == (event.text, event.signature.reading)


@pytest.mark.parametrize("by", ["sha1", "md5", "crc32"])
def test_the_digest_that_the_address_asks_for_must_be_there(by: str) -> None:
    """W1: another one does not stand for it, nor does an empty one."""
    for fields in (STATUS, {**STATUS, by: ""}, signed(STATUS, by="md5" if by != "md5" else "sha1")):
        with pytest.raises(SignatureMismatch, match=f"no {by}"):
            receiver(digest=by).parse(body(fields))


def test_of_several_digests_all_must_match() -> None:
    """An address may ask for more than one; a wrong one is a wrong callback, whatever the others say."""
    both = signed(signed(STATUS), by="md5")
    assert "1001" == receiver().parse(body(both)).id  # type: ignore[union-attr]
    assert "md5" == receiver(digest="md5").parse(body(both)).signature.digest
    for wrong in ({**both, "md5": "0" * 32}, {**both, "crc32": "1"}, {**both, "sha1": "0" * 40}):
        with pytest.raises(SignatureMismatch, match="does not match"):
            receiver().parse(body(wrong))
    assert "sha1" == receiver().parse(body({**both, "crc32": ""})).signature.digest


WRONG = [
    "",
    "0",
    "x",
    "0" * 39,
    "0" * 40,
    "0" * 41,
    "Ї" * 40,
    "İ" * 40,
    "K" * 40,
    "\0",
    "１" * 40,
    "a" * 10_000,
    " " * 40,
]


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("by", ["sha1", "md5", "crc32"])
def test_w1_a_wrong_signature_is_refused_whatever_it_is(by: str, text: str) -> None:
    """W1: wrong, missing, empty, short, long, not ASCII: always the same declared error."""
    for form in FORMATS:
        reader = receiver(digest=by, format="form" if form == "parts" else form)
        given = text.replace("\0", "a") if form == "xml" else text
        with pytest.raises(SignatureMismatch):
            reader.parse(body({**STATUS, by: given}, form), content_type=PARTS if form == "parts" else "")


@given(st.integers(0, 39), st.sampled_from("0123456789abcdef"))
def test_w1_every_digit_of_a_digest_counts(at: int, digit: str) -> None:
    """W1: a digest with one other digit proves nothing."""
    fields = signed(STATUS)
    wrong = fields["sha1"][:at] + digit + fields["sha1"][at + 1 :]
    if wrong == fields["sha1"]:
        assert STATUS["phone"] == receiver().parse(body(fields)).phone
    else:
        with pytest.raises(SignatureMismatch):
            receiver().parse(body({**fields, "sha1": wrong}))


# Secrets and tokens -----------------------------------------------------------------------------------------------


def test_w20_two_secrets_are_taken_while_they_are_changed() -> None:
    """W20: the event says which one it was; a third is none."""
    reader = receiver(secret=[OTHER, SECRET])
    assert [0, 1] == [reader.parse(body(signed(STATUS, secret=one))).signature.secret for one in (OTHER, SECRET)]
    with pytest.raises(SignatureMismatch):
        reader.parse(body(signed(STATUS, secret=OTHER[::-1])))


@pytest.mark.parametrize("form", FORMATS)
def test_w5_a_token_vouches_for_what_no_digest_covers(form: str) -> None:
    """W5: with it nothing is unsigned, and it shows nowhere in the event."""
    event = posted({**STATUS, "token": OTHER, "cost": "1"}, form, token=OTHER)
    assert Signature("sha1", "as received", token=True) == event.signature
    assert (frozenset(), {}, {}) == (event.unsigned, event.parameters, event.extra)
    assert OTHER not in repr(event)


@pytest.mark.parametrize("given", [None, "", "x", OTHER.upper(), OTHER + "x", "Ї" * 32])
def test_w5_a_callback_without_the_token_is_refused(given: str | None) -> None:
    """W5: however right its digest is."""
    octets = body(signed(STATUS if given is None else {**STATUS, "token": given}))
    with pytest.raises(SignatureMismatch, match="token"):
        receiver(token=OTHER).parse(octets)


def test_a_token_may_come_in_the_called_address() -> None:
    """For those who put it behind the exclamation mark themselves."""
    event = receiver(token=OTHER).parse(body(signed(STATUS)), query=f"token={OTHER}&a=1")
    assert ({"a": "1"}, True) == (event.parameters, event.signature.token)


def test_w5_who_has_no_token_is_told_what_is_unsigned() -> None:
    """W5: all that the digest does not cover, by our names; each of them can be changed on the way, and is accepted."""
    full = {**STATUS, "ts": "1700000000", "cost": "1", "err": "1", "cmt": "a", "shop": "b"}
    event = receiver().parse(body(signed(full)))
    assert not {"id", "phone", "status", "signature"} & event.unsigned
    assert {"changed_at", "cost", "error", "comment", "extra", "parameters", "time"} <= event.unsigned
    for name in full.keys() - STATUS.keys():
        other = receiver().parse(body({**signed(full), name: "2"}))
        changed = {
            field.name
            for field in attrs.fields(type(event))
            if getattr(event, field.name) != getattr(other, field.name)
        }
        assert set() < changed <= event.unsigned
    message = posted(MESSAGE)
    assert {"id", "reply_to", "service_centre", "sent_at", "received_at", "parameters", "extra"} == message.unsigned
    assert {"parameters", "extra"} == posted(CALL).unsigned


# crc32 ------------------------------------------------------------------------------------------------------------


def test_w2_crc32_must_be_asked_for_and_authenticates_nothing() -> None:
    """W2: it warns, and its events say so; with a token they are authenticated again."""
    with pytest.warns(UserWarning, match="crc32 authenticates nothing") as caught:
        reader = Receiver(secret=SECRET, digest="crc32")
    assert __file__ == caught[0].filename
    event = reader.parse(body(signed(STATUS, by="crc32")))
    assert not event.signature.authenticated
    assert posted({**STATUS, "token": OTHER}, digest="crc32", token=OTHER).signature.authenticated
    assert posted(STATUS).signature.authenticated
    assert posted(STATUS, digest="md5").signature.authenticated


def test_w2_crc32_can_be_forged_by_who_has_seen_one_callback() -> None:
    """W2: the reason, as arithmetic: of two texts of one length, the difference of the checksums knows no secret."""
    seen, wanted = b"1001:380501234567:1:", b"1002:380997654321:1:"
    nothing = bytes(len(SECRET))
    checksum = zlib.crc32(seen + SECRET.encode())
    forged = checksum ^ zlib.crc32(seen + nothing) ^ zlib.crc32(wanted + nothing)
    fields = {"id": "1002", "phone": "380997654321", "status": "1", "crc32": str(forged)}
    assert "380997654321" == receiver(digest="crc32").parse(body(fields)).phone
    with pytest.raises(SignatureMismatch):
        receiver().parse(body(fields))
