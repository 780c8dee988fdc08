"""The call that all clients make, and what they must have got."""

from __future__ import annotations

__all__ = ["KEY", "WrongReply", "check", "form", "url_of"]

KEY = "benchmark-key"


class WrongReply(Exception):
    """What came is not the answer to what was asked."""


def url_of(base: str) -> str:
    """Give the address of the call."""
    return f"{base}/sys/downloads.php"


def form(number: int) -> dict[str, str]:
    """Give the call's parameters: the same that our session sends."""
    return {
        "apikey": KEY,
        "cnt": "10",
        "after_id": str(number),
        "get_list": "1",
        "fmt": "3",
        "charset": "utf-8",
    }


def check(status: int, body: bytes, number: int) -> None:
    """Refuse anything but the answer to call *number*."""
    if status != 200 or b'"id":%d' % number not in body:
        raise WrongReply(status, number, body[:100])
