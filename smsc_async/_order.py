"""What is to be sent, to whom and when, checked and written as the gateway wants it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, get_args

import attrs

from smsc_async._checks import instance
from smsc_async._recipients import is_group, one_of, several_of
from smsc_async._recipients import written as as_written
from smsc_async._wire import check_text
from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.kinds import CodeCall, Kind, Sms, VoiceCall, Words
from smsc_async.schedules import Spread, span, time_params
from smsc_async.texts import LONGEST, checked_comment, checked_text, parts, with_comment

__all__ = ["AT_ONCE", "File", "Order", "checked_id", "ordered"]

AT_ONCE: Final = (
    1_000  # recipients of one request: the vendor names no limit, and none of the public clients sends more
)
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
_NUMBER: Final = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]-?[0-9]+)?")  # what PHP takes for a number
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,9}")
_GREATEST: Final = 2_147_483_647  # what the gateway counts to; greater ones could become equal there
_NAME: Final = re.compile(r"[0-9]{1,15}|[^\x00-\x1f\x7f]{1,11}")
_LONGEST_LINK: Final = 2_000
_BREAK: Final = r"\n"  # a line break in a text of "list"
_CODE: Final = "code"  # in place of a text, https://smsc.ua/api/http/send/sms/
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


@attrs.frozen
class File:
    """A file that goes with a message."""

    name: str
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")

    def __attrs_post_init__(self) -> None:
        """Check both."""
        if not check_text("name", self.name).strip() or '"' in self.name:
            raise InvalidArgument("name", "must be the name of a file, without quotes")
        if not isinstance(self.content, bytes):
            raise InvalidArgumentType("content", f"must be bytes, not {type(self.content).__name__}")
        if not self.content:
            raise InvalidArgument("content", "is empty")


def checked_id(value: object) -> str:
    """
    Give a message's id.

    Raises:
        InvalidArgument: The gateway takes no such id.
    """
    text = check_text("id", value)
    if not _ID.fullmatch(text):
        raise InvalidArgument("id", "must be 1 to 40 of the letters A to Z, digits, dots, underscores and minus")
    if _NUMBER.fullmatch(text) and not (_WHOLE.fullmatch(text) and int(text) <= _GREATEST):
        raise InvalidArgument("id", f"is a number, and such may be 1 to {_GREATEST}, without zeros in front")
    return text


@attrs.frozen(kw_only=True)
class Order:
    """What one call of `send` or `cost` asks for; it becomes one request for each thousand recipients."""

    recipients: tuple[str, ...]  # as they are in values: phones in digits, groups as G and a number
    texts: tuple[str, ...] | None = attrs.field(repr=False)  # one for each recipient, where they differ
    params: Mapping[str, str] = attrs.field(repr=False)  # the same for all recipients
    files: tuple[File, ...] = ()
    tells_code: bool = False  # whether the answer has a code

    def portions(self) -> list[Order]:
        """Cut it into what the gateway takes at once."""
        many = range(0, len(self.recipients), AT_ONCE)
        return [
            attrs.evolve(
                self,
                recipients=self.recipients[start : start + AT_ONCE],
                texts=None if self.texts is None else self.texts[start : start + AT_ONCE],
            )
            for start in many
        ]

    def form(self) -> dict[str, str]:
        """Give all parameters of its request."""
        written = [as_written(recipient) for recipient in self.recipients]
        if self.texts is None:
            return {"phones": ",".join(written), **self.params}
        escaped = (text.replace("\n", _BREAK) for text in self.texts)
        lines = (f"{recipient}:{text}" for recipient, text in zip(written, escaped, strict=True))
        return {"list": "\n".join(lines), **self.params}

    @property
    def phones(self) -> tuple[str, ...]:
        """Those of the recipients whose messages can be looked up: all but groups."""
        return tuple(each for each in self.recipients if not is_group(each))


def ordered(
    to: object,
    text: object,
    *,
    kind: object = None,
    sender: object = None,
    at: object = None,
    spread: object = None,
    validity: object = None,
    comment: object = None,
    files: object = (),
    file_url: object = None,
) -> Order:
    """
    Check what is to be sent.

    Raises:
        InvalidArgument: Something of it cannot be sent, or not together.
    """
    chosen = _kind(kind)
    note = None if comment is None else checked_comment(comment)
    if isinstance(to, Mapping):
        recipients, texts = _texts(to, text, chosen, note)
        params: dict[str, str] = {}
    else:
        recipients, texts = several_of(to, chosen.RECIPIENTS), None
        params = _words(text, chosen, note, has_file=bool(files) or file_url is not None)
    params |= chosen.params() | _sender(chosen, sender) | time_params(at)
    if spread is not None:
        params |= instance(Spread, "spread", spread).params()
    if validity is not None:
        minutes = int(span("validity", validity, _MINUTE, _DAY) / _MINUTE)
        params["valid"] = f"{minutes // 60:02d}:{minutes % 60:02d}"
    if file_url is not None:
        params["fileurl"] = _link(chosen, file_url)
    return Order(
        recipients=recipients,
        texts=texts,
        params=params,
        files=_files(chosen, files),
        tells_code=isinstance(chosen, CodeCall),
    )


def _texts(
    to: Mapping[object, object], text: object, kind: Kind, comment: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give recipients, and the text for each."""
    if text is not None:
        raise InvalidArgument("text", "leave it out: each recipient has a text of its own")
    if kind.WORDS is Words.NONE:
        raise InvalidArgument("to", f"{type(kind).__name__} has no text; give the recipients alone")
    if comment is not None and _BREAK in comment:
        raise InvalidArgument("comment", "holds a backslash and an n, a line break to the gateway; take it out")
    texts: dict[str, str] = {}
    for recipient, value in to.items():
        words = _fitting("to", value, kind)
        if _BREAK in words:
            raise InvalidArgument("to", "a text holds a backslash and an n, a line break to the gateway; take it out")
        if texts.setdefault(one_of(recipient, kind.RECIPIENTS), words) != words:
            raise InvalidArgument("to", "two spellings of one phone have different texts")
    if not texts:
        raise InvalidArgument("to", "is empty; give at least one recipient")
    return tuple(texts), tuple(_commented(words, comment, kind) for words in texts.values())


def _words(text: object, kind: Kind, comment: str | None, *, has_file: bool) -> dict[str, str]:
    """Give the one text for all."""
    if text is None and comment is None and kind.FILES and has_file:
        return {}  # the file says it all
    if kind.WORDS is Words.NONE:
        for name, value in (("text", text), ("comment", comment)):
            if value is not None:
                raise InvalidArgument(name, f"{type(kind).__name__} has no text; leave it out")
        return {}
    return {"mes": _commented(_fitting("text", text, kind), comment, kind)}


def _commented(text: str, comment: str | None, kind: Kind) -> str:
    """Give a text with its comment, which the gateway may count as a part of it."""
    words = with_comment(text, comment)
    if kind.BOUNDED and len(words) > LONGEST:
        raise InvalidArgument("comment", f"makes {len(words)} characters with the text; the gateway takes {LONGEST}")
    return words


def _fitting(name: str, text: object, kind: Kind) -> str:
    """Give a text that is not too long for its kind."""
    words = checked_text(text, name, longest=LONGEST if kind.BOUNDED else None)
    if isinstance(kind, VoiceCall) and words.strip().lower() == _CODE:
        raise InvalidArgument(name, "is the word that makes the gateway call with a code; give CodeCall()")
    most = getattr(kind, "max_parts", None)
    if most is None or getattr(kind, "transliteration", None) is not None:
        return words  # transliterated it may be shorter; the gateway keeps to the number too
    if (needed := parts(words).count) > most:
        raise InvalidArgument(name, f"takes {needed} SMS, and max_parts is {most}; the gateway would cut it")
    return words


def _kind(kind: object) -> Kind:
    if kind is None:
        return Sms()
    if isinstance(kind, type) and kind in get_args(Kind):
        raise InvalidArgumentType("kind", f"give a value of it, such as {kind.__name__}(...)")
    if not isinstance(kind, get_args(Kind)):
        raise InvalidArgumentType("kind", f"must be a kind of message, such as Sms(), not {type(kind).__name__}")
    return kind  # type: ignore[no-any-return]


def _sender(kind: Kind, sender: object) -> dict[str, str]:
    if sender is None:
        return {}
    if hasattr(kind, "sender"):
        raise InvalidArgument("sender", f"leave it out: {type(kind).__name__} has one")
    name = check_text("sender", sender)
    if not name.strip() or not _NAME.fullmatch(name):
        raise InvalidArgument("sender", "must be up to 11 letters and digits, or up to 15 digits")
    return {"sender": name}


def _link(kind: Kind, link: object) -> str:
    if not kind.FILES:
        raise InvalidArgument("file_url", f"{type(kind).__name__} takes no file")
    text = check_text("file_url", link)
    if not re.fullmatch(r"https?://[^\s]+", text) or len(text) > _LONGEST_LINK:
        raise InvalidArgument("file_url", "must be the http or https address of a file")
    return text


def _files(kind: Kind, files: object) -> tuple[File, ...]:
    if isinstance(files, str | bytes) or not isinstance(files, Iterable):
        raise InvalidArgumentType("files", "must be a sequence of File(name, content)")
    found = tuple(instance(File, "files", each) for each in files)
    if found and not kind.FILES:
        raise InvalidArgument("files", f"{type(kind).__name__} takes no files")
    return found
