"""The gateway's limits as its owner documents them, written down once more and apart from the client's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.proof.client.book import Passage

__all__ = ["MOST", "MOST_FILES", "MOST_REFUSED", "STRICTEST_WINDOW", "WINDOW", "limits_of"]

MOST: Final = 14  # requests of one account in flight; the fifteenth is error 9
MOST_FILES: Final = 4  # of them; ours: so many slots may files hold by default
MOST_REFUSED: Final = 99  # messages in a row; the hundredth blocks the address: https://smscentre.com/faq/99
WINDOW: Final = 60.0  # seconds: "within a minute"
#: The longest that a gateway's minute can be on our clock: its clock is 0.1 % slow, it compares whole seconds, and its
#: books trail its answer by a quarter of a second. Two requests further apart than this share no minute of any gateway.
STRICTEST_WINDOW: Final = WINDOW * 1.001 + 1.0 + 0.25

_IDENTICAL: Final = {
    "receive_phones.php": 2,  # get, buy and chg: https://smsc.ua/api/http/miscellaneous/receive/
    "wait_call.php": 50,  # https://smsc.ua/api/http/miscellaneous/waitcall/
    "downloads.php": 3,  # https://smsc.ua/api/http/miscellaneous/downloads/
    "operators.php": 3,  # made up, with both kinds of limit; operator information is documented so
    "notes.php": 3,  # made up
    "send.php": 1,  # https://smsc.ua/api/http/send/sms/
    "status.php": 5,  # https://smsc.ua/api/http/status_messages/check_status/
}
_PRICES: Final = 5  # https://smsc.ua/api/http/send/sms/
_ACTION: Final = {
    "balance.php": 10,  # https://smsc.ua/api/http/balance/balance_answer/
    "operators.php": 7,
}


def limits_of(passage: Passage) -> list[tuple[object, int]]:
    """Give what the gateway counts a request under, and how many it takes of each within its minute."""
    found: list[tuple[object, int]] = []
    priced = passage.params.get("cost") == "1"
    if (identical := _PRICES if priced else _IDENTICAL.get(passage.path)) is not None:
        found.append((passage.form, identical))
    if (action := _ACTION.get(passage.path)) is not None:
        found.append(((passage.account, passage.path), action))
    return found
