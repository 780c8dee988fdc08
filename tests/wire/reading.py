"""Reading a body the way the session does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from smsc_async._convert import structure
from smsc_async._endpoint import Endpoint
from smsc_async._wire import Refusal, ReplyFormat, decode

KNOWN: dict[str, dict[str, object]] = {
    "numbers.rent": {"phone": "380950000001"},
    "calls.request": {"subscriber": "380671234567", "expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
}


def read(endpoint: Endpoint[Any], body: bytes | str, asked: ReplyFormat, *, explicit_empty: bool = False) -> Any:
    """Give the value, or the refusal."""
    encoded = body.encode() if isinstance(body, str) else body
    plain = decode(encoded, asked=asked, shape=endpoint.shape, explicit_empty=explicit_empty)
    if isinstance(plain, Refusal):
        return plain
    return structure(plain, endpoint.reply, shape=endpoint.shape, known=KNOWN.get(endpoint.name))
