"""One error of each class, made from values such as its fields have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from smsc_async import SentMessage, errors
from smsc_async.values import Listing

__all__ = ["every_error"]

_BY_NAME: dict[str, Any] = {
    "retry_at": datetime(2026, 1, 1, tzinfo=UTC),
    "lost_at": datetime(2026, 1, 1, tzinfo=UTC),
    "kind": "duplicate",
    "sent": SentMessage(id="m1"),
    "error": None,
    "pending": (("380671234567", "m1"), ("380671234568", "m2")),
    "states": Listing[object](),
}
_BY_TYPE: dict[str, Any] = {"int": 5, "float": 1.5, "tuple[str, ...]": ("380671234567",)}


def every_error() -> list[errors.SmscError]:
    """Give one of each public class."""
    kinds: list[Any] = [getattr(errors, name) for name in errors.__all__]
    return [kind(*(_value(field) for field in attrs.fields(kind))) for kind in kinds]


def _value(field: attrs.Attribute[Any]) -> object:
    return _BY_NAME.get(field.name, _BY_TYPE.get(str(field.type), f"some {field.name}"))
