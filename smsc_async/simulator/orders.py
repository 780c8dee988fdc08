"""A request to `send.php`, read: what is to be sent to whom, as what, when (https://smsc.ua/api/http/send/sms)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from smsc_async.simulator import kinds, recipients, texts, times
from smsc_async.simulator.kinds import FLAGS, PREFIXES, Kind
from smsc_async.simulator.nouns import Call
from smsc_async.simulator.replies import Refusal
from smsc_async.simulator.request import UploadedFile

#: "the text of a message, at most 1000 characters"; an e-mail has no such bound.
MOST_LETTERS: Final = 1000

#: "a number of 1 to 2147483647, or a string of at most 40 Latin letters, digits and .-_".
LARGEST_ID: Final = 2**31 - 1
ID: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
WHOLE: Final = re.compile(r"[1-9]\d{0,9}", re.ASCII)

#: "at most 11 Latin letters and digits, or 15 digits"; real names have a point or a space, too: SMSC.KZ.
SENDER: Final = re.compile(r"[\x20-\x7e]{1,11}|\+?\d{1,15}", re.ASCII)
NO_SENDER: Final = frozenset({"", "."})

BOT: Final = re.compile(r"@\w+_bot|wa:\+?\d{7,15}", re.ASCII | re.IGNORECASE)
VOICES: Final = frozenset({"m", "m2", "w", "w2", "w3", "w4"})
URL: Final = re.compile(r"https?://[^\s/]+.*", re.IGNORECASE)
CALL_PARAM: Final = re.compile(r"(\d{1,2}),(\d{1,5}),(\d)", re.ASCII)

#: What a parameter may be, where it is one of a few words; an empty one is as if it was not there.
WORDS: Final[dict[str, frozenset[str]]] = {
    "translit": frozenset({"0", "1", "2"}),
    "tinyurl": frozenset({"0", "1"}),
    "cost": frozenset({"0", "1", "2", "3"}),
    "op": frozenset({"0", "1"}),
    "err": frozenset({"0", "1"}),
    "bin": frozenset({"0", "1", "2"}),
}

#: What a parameter may be, where it is a number: the least, the most.
RANGES: Final[dict[str, tuple[float, float]]] = {
    "period": (0.1, 720),
    "freq": (1, 1440),
    "smsreq": (10, 999),
    "maxsms": (1, 255),
}
NEWLINE: Final = re.compile(r"\r?\n")
NUMBER: Final = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)


class Refused(Exception):
    """Ends the reading of an order."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.kind)
        self.refusal = refusal


@attrs.frozen
class Text:
    """A text as it is sent, with what followed it."""

    text: str
    comment: str | None
    links: bool  # short ones, which can be followed
    count: int  # parts, or seconds


@attrs.frozen
class Piece:
    """One recipient and the text for it."""

    name: str  # as it was written
    address: str | None  # None: it cannot be written to
    text: Text


@attrs.frozen(kw_only=True)
class Order:
    """Everything that a send says."""

    kind: Kind
    pieces: tuple[Piece, ...]
    id: int | str | None
    sender: str | None
    at: float
    good_for: float  # of the gateway's minutes
    spread: float  # over so many minutes
    step: float  # in steps of so many
    only_priced: bool
    flash_call: bool  # the gateway dials, and the number that it calls from ends with the code
    files: tuple[UploadedFile, ...]


def read(call: Call, groups: Mapping[int, Sequence[str]], *, only_priced: bool) -> Order:
    """
    Read the request.

    Raises:
        Refused: It makes no sense, error 1, or its time does not, error 5.
    """
    params = {name: value for name, value in call.request.params.items() if value}
    for name, words in WORDS.items():
        _check(params.get(name, "0") in words)
    numbers = {name: _number(params.get(name, ""), *bounds) for name, bounds in RANGES.items()}
    _check(numbers["freq"] is None or numbers["period"] is not None)  # "only with period"
    _check("fileurl" not in params or URL.fullmatch(params["fileurl"]) is not None)
    identity = _identity(params.get("id", ""))
    try:
        zone, good_for = times.zone_of(params.get("tz", "")), times.validity(params.get("valid", ""))
    except ValueError:
        raise Refused(Refusal("parameters")) from None
    kind, pieces = _pieces(params, call, groups, most_parts=int(numbers["maxsms"] or 0))
    _check_kind(kind, params, pieces[0].text.text if pieces else "")
    try:
        at = times.send_moment(params.get("time", ""), zone, call.moments, call.now)
    except ValueError:
        raise Refused(Refusal("date")) from None
    if at < call.now and call.switches.past_time == "refused":
        raise Refused(Refusal("date"))
    sender = params.get("sender", "")
    _check(sender in NO_SENDER or kind.reached != "phone" or SENDER.fullmatch(sender) is not None)
    return Order(
        kind=kind,
        pieces=pieces,
        id=identity,
        sender=None if sender in NO_SENDER else sender,
        at=max(at, call.now),
        good_for=good_for,
        spread=(numbers["period"] or 0) * 60,
        step=numbers["freq"] or 60,
        only_priced=only_priced,
        flash_call=kind is kinds.CALL and params.get("mes", "").removeprefix("__CALL__").strip() == "code",
        files=call.request.files,
    )


def _check(sensible: bool) -> None:  # noqa: FBT001 - it reads as a sentence
    if not sensible:
        raise Refused(Refusal("parameters"))


def _number(text: str, least: float, most: float) -> float | None:
    if text in {"", "0"}:
        return None
    _check(NUMBER.fullmatch(text) is not None and least <= float(text) <= most)
    return float(text)


def _identity(text: str) -> int | str | None:
    if text in {"", "0"}:  # official libraries send 0 where they mean none
        return None
    _check(ID.fullmatch(text) is not None)
    return int(text) if WHOLE.fullmatch(text) and int(text) <= LARGEST_ID else text


def _kind(params: Mapping[str, str]) -> Kind | None:
    """Give the kind that the flags ask for; they exclude each other."""
    asked = {kind for flag, kind in FLAGS.items() if params.get(flag, "0") != "0"}
    _check(len(asked) <= 1)
    return asked.pop() if asked else None


def _check_kind(kind: Kind, params: Mapping[str, str], text: str) -> None:
    """Check what a kind cannot do without, and what it alone takes."""
    if kind is kinds.BINARY and params.get("bin") == "2":
        _check(re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text) is not None)
    if kind is kinds.MAIL:
        _check("subj" in params and params.get("sender", "") not in NO_SENDER)
    if kind is kinds.BOT:
        _check(BOT.fullmatch(params["bot"]) is not None)
    if kind is kinds.CALL:
        _check(params.get("voice", "m") in VOICES)
        if "param" in params:
            found = CALL_PARAM.fullmatch(params["param"])  # "w,i,n": 0 to 99 s, 10 to 3600 s, 0 to 9 times
            _check(found is not None and 10 <= int(found[2]) <= 3600)


def _pieces(
    params: Mapping[str, str], call: Call, groups: Mapping[int, Sequence[str]], *, most_parts: int
) -> tuple[Kind, tuple[Piece, ...]]:
    """Give the kind, which may stand in front of the text, and every recipient with its text."""
    asked = _kind(params)
    lines = list(_lines(params))
    kind = asked or kinds.SMS
    for prefix, meant in PREFIXES.items():
        if lines and lines[0][1].startswith(prefix):
            _check(asked in {None, meant})
            kind = meant
    correct = call.switches.correct_phones
    attached = bool(call.request.files) or "fileurl" in params
    pieces: list[Piece] = []
    for names, words in lines:
        written = _text(words, kind, params, call, most_parts=most_parts)
        _check(bool(written.text) or kind.wordless or attached)
        pieces += (
            Piece(name, recipients.address(name, kind.reached, correct=correct), written)
            for name in recipients.named(names, groups)
        )
    _check(bool(pieces))
    if call.switches.equal_phones == "once":
        once: dict[str, Piece] = {}
        for piece in pieces:
            once.setdefault(piece.address or piece.name, piece)
        pieces = list(once.values())
    return kind, tuple(pieces)


def _lines(params: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give whom with what: ``list`` has a line for each, and takes the place of ``phones`` and ``mes``."""
    if "list" not in params:
        yield params.get("phones", ""), params.get("mes", "")
        return
    _check("phones" not in params and "mes" not in params)
    for line in NEWLINE.split(params["list"]):
        if line.strip():
            names, colon, text = line.partition(":")
            _check(bool(colon))
            yield names, text.replace("\\n", "\n")


def _text(words: str, kind: Kind, params: Mapping[str, str], call: Call, *, most_parts: int) -> Text:
    switches = call.switches
    for prefix, meant in PREFIXES.items():
        if meant is kind:
            words = words.removeprefix(prefix)
    if kind is kinds.BINARY:
        text = _divided(words, "~~~")[0]  # what follows is "pid: v, dcs: v"
        return Text(text, None, links=False, count=kind.count(text, binary=params.get("bin", "1")))
    text, comment = _divided(words, switches.comment_line)
    if len(text) > MOST_LETTERS and kind is not kinds.MAIL:
        _check(switches.long_text == "cut")
        text = text[:MOST_LETTERS]
    if params.get("translit", "0") != "0":
        text = texts.transliterate(text, params["translit"])
    links = False
    if params.get("tinyurl", "0") == "1":
        text, links = texts.shorten(text, lambda: f"https://smsc.ua/x{call.number}")
    if most_parts and kind.in_parts:
        text = texts.cut(text, most_parts, split_pairs=switches.split_pairs)
    return Text(text, comment, links, kind.count(text, split_pairs=switches.split_pairs))


def _divided(words: str, line: str) -> tuple[str, str | None]:
    """Divide a text at the first line that is just *line*."""
    if line and line in words:
        found = re.search(rf"(?:\A|\r?\n){re.escape(line)}(?:\r?\n|\Z)", words)
        if found is not None:
            return words[: found.start()], words[found.end() :]
    return words, None
