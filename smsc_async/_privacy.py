"""What may be shown: secrets are masked, phones shortened, excerpts bounded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn, final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EXCERPT_LENGTH", "Secret", "excerpt", "mask_phone", "mask_phones"]

EXCERPT_LENGTH: Final = 200  # characters of a foreign text that an error or a log line may show
_PHONE: Final = re.compile(r"\d{7,}")  # shorter runs are prices, ids and dates
_MASK: Final = "***"


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


def excerpt(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Give the beginning of a foreign *text* for an error: bounded, printable, without *secrets*, phones masked."""
    for secret in secrets:
        if shown := secret.reveal():
            text = text.replace(shown, _MASK)
    shortened = mask_phones(text[: EXCERPT_LENGTH * 2])[:EXCERPT_LENGTH]
    printable = "".join(character if character.isprintable() else " " for character in shortened)
    return printable + ("…" if len(text) > EXCERPT_LENGTH else "")
