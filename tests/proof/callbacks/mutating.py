"""Spoils callbacks: their fields, as somebody would who knows the format, and their bytes, as nobody would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.proof.callbacks.genuine import BOUNDARY, CHARSETS, SIGNED, Genuine, body_of, digest_of, signed_pieces

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["kind_by", "spoiled_body", "spoiled_bytes", "spoiled_fields", "spoiled_text"]

_NAMES: Final = ("id", "phone", "status", "mes", "to", "waitcall", "ts", "time", "md5", "sha1", "crc32", "token", "cmt")
_MORE: Final = ("flag", "err", "cost", "type", "cnt", "sms_id", "sent", "charset", "fmt", "imsi", "", "поле", "x" * 300)
_TEXTS: Final = (
    *(
        "",
        " ",
        "0",
        "1",
        "-1",
        "+1",
        " 7",
        "1_0",
        "1e9",
        "1e999",
        "NaN",
        "１２",
        "٣",
        "-0",
        "00",
        "1.0",
        "true",
        "null",
    ),
    *("9" * 19, "9" * 5000, "99999999999", "-99", "0x10", "1,5", ":", "::", "a:b:c", "\0", "\r", "\n", "\r\n", "\x7f"),
    *("\x98", "\u2028", "\ufeff", "НІ", "РІ", "Привіт", "РџСЂРёРІС–С‚", "ñ", "😀", "{}", "[]", "</id>", "&amp;", "%00"),
    *("%", "%%", "%zz", "%2", "+", "%\r", "=", ";id=2", "overtime: 99:59", "a\novertime: 1:00\n", "\udc98", "İ" * 40),
    *("<![CDATA[", "]]>", "<!DOCTYPE a>", "&#0;", "&#x98;", '"', "\\", "\\ud800", "\\u0000", "a" * 129, "z" * 41),
)
_BYTES: Final = (
    *(
        b"%",
        b"%4",
        b"%zz",
        b"&",
        b"=",
        b";",
        b"+",
        b"\0",
        b"\x98",
        b"\xff",
        b"\xd0",
        b"\xf0\x9f\x98\x80",
        b"\xef\xbb\xbf",
    ),
    *(b"<", b">", b"</", b"/>", b"<!--", b"-->", b"<?a?>", b"<![CDATA[", b"]]>", b"&#0;", b"&x;", b"<!DOCTYPE a []>"),
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud83d", b"NaN", b"-Infinity", b"1e999", b"null"),
    *(b"true", b"-", b"9" * 400, b"\r\n", b"\r\n--" + BOUNDARY.encode(), b"--", b'; filename="a"', b"\xff\xfe<\0"),
    *(f"&{name}=1".encode() for name in _NAMES),
)


def kind_by(fields: dict[str, str]) -> str:
    """Tell the kind as the vendor's page does."""
    return "message" if "mes" in fields else "confirmation" if "waitcall" in fields else "status"


def spoiled_fields(random: Random, fields: dict[str, str], *, times: int) -> list[tuple[str, str]]:
    """Change names and texts so many times."""
    pairs = list(fields.items())
    for _ in range(times):
        if pairs:
            random.choice(_WAYS)(random, pairs)
    return pairs


def _change(random: Random, pairs: list[tuple[str, str]]) -> None:
    at = random.randrange(len(pairs))
    name, text = pairs[at]
    pairs[at] = (name, spoiled_text(random, text))


def _replace(random: Random, pairs: list[tuple[str, str]]) -> None:
    at = random.randrange(len(pairs))
    pairs[at] = (pairs[at][0], random.choice(_TEXTS))


def _delete(random: Random, pairs: list[tuple[str, str]]) -> None:
    del pairs[random.randrange(len(pairs))]


def _add(random: Random, pairs: list[tuple[str, str]]) -> None:
    name = random.choice(_NAMES if random.random() < 0.8 else _MORE)
    pairs.insert(random.randint(0, len(pairs)), (name, random.choice(_TEXTS)))


def _swap(random: Random, pairs: list[tuple[str, str]]) -> None:
    a, b = random.randrange(len(pairs)), random.randrange(len(pairs))
    pairs[a], pairs[b] = (pairs[a][0], pairs[b][1]), (pairs[b][0], pairs[a][1])


def _double(random: Random, pairs: list[tuple[str, str]]) -> None:
    name, text = random.choice(pairs)
    pairs.append((name, random.choice((text, spoiled_text(random, text)))))


def _rename(random: Random, pairs: list[tuple[str, str]]) -> None:
    at = random.randrange(len(pairs))
    pairs[at] = (random.choice(_NAMES), pairs[at][1])


def _recast(random: Random, pairs: list[tuple[str, str]]) -> None:
    """Take the signed text apart at other colons, as a callback of the same or another kind."""
    fields = dict(pairs)
    text = ":".join(fields.get(name, "") for name in SIGNED[kind_by(fields)])
    kind = random.choice(tuple(SIGNED))
    parts = text.split(":")
    names = SIGNED[kind]
    if len(parts) < len(names):
        parts += [""] * (len(names) - len(parts))
    cuts = [0, *sorted(random.sample(range(1, len(parts)), len(names) - 1)), len(parts)]
    for name in {"id", "mes", "to", "waitcall", "status", "ts"} - {random.choice(("", "id", "ts"))}:
        fields.pop(name, None)
    fields |= {name: ":".join(parts[cuts[at] : cuts[at + 1]]) for at, name in enumerate(names)}
    if kind == "confirmation":
        fields["waitcall"] = "1"
    pairs[:] = fields.items()


def _reread(random: Random, pairs: list[tuple[str, str]]) -> None:
    """Read a text's bytes in another charset: the same bytes, another text."""
    at = random.randrange(len(pairs))
    name, text = pairs[at]
    first, second = random.sample(CHARSETS, 2)
    pairs[at] = (name, text.encode(first, "ignore").decode(second, "ignore"))


_WAYS: Final[tuple[Callable[[Random, list[tuple[str, str]]], None], ...]] = (
    *(_change, _change, _replace, _replace, _delete, _add, _swap, _double, _rename, _recast, _reread),
)


def spoiled_text(random: Random, text: str) -> str:
    at = random.randint(0, len(text))
    match random.randrange(5):
        case 0:
            return text[:at] + random.choice(_TEXTS) + text[at:]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            return (
                text[:at] + chr(random.choice((random.randrange(128), random.randrange(0x400, 0x460)))) + text[at + 1 :]
            )
        case 3:
            return text.swapcase()
        case _:
            return text[::-1]


def spoiled_bytes(random: Random, body: bytes, *, times: int) -> bytes:
    """Change bytes so many times."""
    for _ in range(times):
        at = random.randint(0, len(body))
        end = min(len(body), at + random.choice((1, 1, 2, 5, 40)))
        match random.randrange(7):
            case 0:
                body = body[:at] + random.randbytes(1) + body[at + 1 :]
            case 1:
                body = body[:at] + body[end:]
            case 2:
                body = body[:end] + body[at:]
            case 3 | 4:
                body = body[:at] + random.choice(_BYTES) + body[at:]
            case 5:
                body = body[:at]
            case _:
                to = random.randint(0, len(body))
                body = body[:to] + body[at:end] + body[to:]
    return body


def spoiled_body(random: Random, genuine: Genuine) -> bytes:
    """
    Give a body for the reader to choke on: fields or bytes changed, signed anew or not, and now and then a huge one.

    What is signed anew gets past the digest, to where fields become values.
    """
    body = genuine.body
    form, charset = genuine.format, genuine.charset
    if random.random() < 0.7:
        fields = dict(spoiled_fields(random, genuine.fields, times=random.randint(1, 4)))
        if random.random() < 0.6:
            pieces = signed_pieces(fields, kind_by(fields), charset)
            fields[genuine.digest] = digest_of(pieces, genuine.digest)
        charset = charset if random.random() < 0.9 else random.choice(CHARSETS)
        body = body_of(fields, form, charset, random)
    if random.random() < 0.6:
        body = spoiled_bytes(random, body, times=random.randint(1, 4))
    if random.random() < 0.002 and body:
        at = random.randrange(len(body))
        piece = body[at : at + random.choice((1, 2, 4, 10, 100))]
        body = body[:at] + piece * (random.choice((20_000, 262_000)) // len(piece)) + body[at:]
    return body
