"""The statuses of messages, and what becomes of a message: how long each step takes, and how it ends."""

from __future__ import annotations

from typing import Final

import attrs

#: The vendor's numbers (https://smscentre.com/api/http/status_messages/statuses/).
NOT_FOUND: Final = -3
WAITING: Final = -1
HANDED_OVER: Final = 0
DELIVERED: Final = 1
READ: Final = 2
EXPIRED: Final = 3
CLICKED: Final = 4
UNDELIVERABLE: Final = 20
WRONG_NUMBER: Final = 22
FORBIDDEN: Final = 23
NO_MONEY: Final = 24
UNAVAILABLE: Final = 25
UNKNOWN: Final = 77  # that no document lists

#: Virtual sending ends with this error (https://smscentre.com/api/smpp/errors).
VIRTUAL: Final = 200

#: The vendor's names are in the client's language; these are ours, but for "delivered", which was seen.
NAMES: Final[dict[int, str]] = {
    NOT_FOUND: "Не знайдено",
    -2: "Зупинено",
    WAITING: "Очікує відправлення",
    HANDED_OVER: "Передано оператору",
    DELIVERED: "Доставлено",
    READ: "Прочитано",
    EXPIRED: "Прострочено",
    CLICKED: "Натиснуто посилання",
    UNDELIVERABLE: "Неможливо доставити",
    WRONG_NUMBER: "Невірний номер",
    FORBIDDEN: "Заборонено",
    NO_MONEY: "Недостатньо коштів",
    UNAVAILABLE: "Недоступний номер",
}

#: With which status a refused message is kept, where it is kept at all.
KEPT: Final[dict[str, int]] = {
    "money": NO_MONEY,
    "denied": FORBIDDEN,
    "number": WRONG_NUMBER,
    "undeliverable": UNAVAILABLE,
}


@attrs.frozen(kw_only=True)
class Fate:
    """
    What becomes of a message once its time has come. Times are in sixtieths of the gateway's minute.

    Args:
        waits: How long the gateway keeps it before it is handed over.
        travels: How long the operator takes.
        status: How it ends: 1 delivered, 20 and above not; None: it does not, until its validity is over.
        err: The error that goes with that.
        reads: How long after it was delivered it is read; None: it is not.
        clicks: How long after that its short link is followed, where it has one; None: it is not.
    """

    waits: float = attrs.field(default=1.0, validator=attrs.validators.ge(0))
    travels: float = attrs.field(default=4.0, validator=attrs.validators.ge(0))
    status: int | None = DELIVERED
    err: int = 0
    reads: float | None = None
    clicks: float | None = None

    def after(self, status: int, *, links: bool) -> tuple[float, int, int] | None:
        """Give what follows a status: after which time, the next one, and its error; None: nothing."""
        match status:
            case -1:
                return self.waits, HANDED_OVER, 0
            case 0 if self.status is not None:
                return self.travels, self.status, self.err
            case 1 if self.reads is not None:
                return self.reads, READ, 0
            case 1 | 2 if self.clicks is not None and links:
                return self.clicks, CLICKED, 0
            case _:
                return None
