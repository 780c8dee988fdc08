"""What may be shown: secrets are masked, phones shortened, excerpts bounded."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Final, NoReturn, final
from urllib.parse import quote, quote_plus, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["EXCERPT_LENGTH", "Secret", "excerpt", "mask_phone", "mask_phones"]

EXCERPT_LENGTH: Final = 200  # characters of a foreign text that an error or a log line may show
_PHONE: Final = re.compile(r"\d{7,}")  # shorter runs are prices, ids and dates
_MASK: Final = "***"
_LOOKED_AT: Final = 4096  # characters of a foreign text that are searched for secrets; far more than are shown
_NOT_SHOWN: Final = "(not shown: it quotes the credentials)"
_JSON_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"\\/]))")
_LOWER_HEX: Final = re.compile(r"%[0-9A-F]{2}")


@final
class Secret:
    """
    A password, login or key that shows as ``***`` wherever it is printed; it refuses to be pickled or copied out.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text; only the transport and the account's digest ask for it."""
        return self._text

    @property
    def octets(self) -> bytes:
        """Give the text in bytes; only digests ask for it."""
        return self._text.encode()

    def __repr__(self) -> str:
        """Show nothing."""
        return f"Secret({_MASK!r})"

    __str__ = __repr__

    def __format__(self, format_spec: str, /) -> str:
        """Show nothing."""
        return repr(self)

    def __eq__(self, other: object) -> bool:
        """Compare by text, so that equal credentials are equal."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Hash by text."""
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle is a file that nobody masks."""
        message = "a secret cannot be pickled; build the session anew from its credentials"
        raise TypeError(message)


def mask_phone(phone: str) -> str:
    """Keep the ends of *phone*, enough to recognise it by and not to call it."""
    return f"{phone[:3]}{'*' * max(len(phone) - 5, 3)}{phone[-2:]}"


def mask_phones(text: str) -> str:
    """Mask every run of digits in *text* that could be a phone."""
    return _PHONE.sub(lambda run: mask_phone(run.group()), text)


def excerpt(text: str | bytes, secrets: Iterable[Secret] = ()) -> str:
    """
    Give the beginning of a foreign *text* for an error: bounded, printable, phones masked, and without *secrets*.

    A server that echoes a request may have encoded it. The usual forms of a secret are masked one by one; where it can
    still be read in some other spelling, nothing is shown.
    """
    words = [word for secret in secrets if (word := secret.reveal())]
    if isinstance(text, bytes):
        readings = [text[:_LOOKED_AT].decode(charset, "replace") for charset in ("utf-8", "windows-1251")]
        text = readings[0] if "\ufffd" not in readings[0] else readings[1]
        if any(_quotes(reading, words) for reading in readings) and not _quotes(text, words):
            return _NOT_SHOWN  # another charset than the one it is shown in tells more
    forms = sorted({form for word in words for form in _forms(word)}, key=len, reverse=True)
    shown = text[:_LOOKED_AT]
    for form in forms:  # the longest first: a login may be a part of the password
        shown = shown.replace(form, _MASK)
    if _quotes(shown, words):
        return _NOT_SHOWN
    if len(text) >= _LOOKED_AT and forms:
        shown = shown[: -len(forms[0])]  # a secret may have been cut in two there
    shortened = mask_phones(shown[: EXCERPT_LENGTH * 2])[:EXCERPT_LENGTH]
    printable = "".join(character if character.isprintable() else " " for character in shortened)
    return printable + ("…" if len(shown) > EXCERPT_LENGTH else "")


def _quotes(text: str, words: Iterable[str]) -> bool:
    return any(word in reading for reading in _readings(text) for word in words)


def _readings(text: str) -> Iterator[str]:
    """Give what *text* means to a reader of HTML, of URLs, of JSON, and of all three."""
    plain = _JSON_ESCAPE.sub(lambda found: found.group(2) or chr(int(found.group(1), 16)), text)
    yield plain
    yield html.unescape(text)
    yield unquote_plus(text)
    yield html.unescape(unquote_plus(html.unescape(plain)))


def _forms(secret: str) -> set[str]:
    plain = {secret, html.escape(secret), json.dumps(secret)[1:-1]}
    for charset in ("utf-8", "windows-1251"):
        encoded = secret.encode(charset, "ignore")
        plain.add(encoded.decode("latin-1"))
        for quoted in (quote(encoded, safe=""), quote_plus(encoded), quote(encoded)):
            plain |= {quoted, _LOWER_HEX.sub(lambda escape: escape.group().lower(), quoted)}
    return plain - {""}
