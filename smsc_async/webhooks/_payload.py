"""A verified callback as bytes for a store, and back: its fields and its proof, without the secret's digests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs

from smsc_async.webhooks._decode import event_of
from smsc_async.webhooks._kinds import Kind
from smsc_async.webhooks._signature import DIGESTS
from smsc_async.webhooks.events import Signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smsc_async.webhooks.events import Event

__all__ = ["Callback", "pack", "unpack"]


@attrs.define(eq=False)
class Callback:
    """A callback that was verified."""

    kind: Kind
    texts: Mapping[str, str]  # its fields
    asked: Mapping[str, str]  # parameters in the address itself
    declared: frozenset[str]  # names of the parameters that the address has
    signature: Signature
    charset: str = ""  # in which the body was, if that shows

    def event(self) -> Event:
        """Make its event."""
        return event_of(self.kind, self.texts, parameters=self.asked, declared=self.declared, signature=self.signature)


def pack(callback: Callback) -> bytes:
    """Write *callback* down."""
    signature = callback.signature
    record = {
        "kind": callback.kind.name,
        "fields": {name: text for name, text in callback.texts.items() if name not in DIGESTS},
        "query": dict(callback.asked),
        "declared": sorted(callback.declared),
        "signature": [signature.digest, signature.reading, signature.secret, signature.token],
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def unpack(payload: bytes) -> Event:
    """Make the event of a callback that was written down."""
    record = json.loads(payload)
    callback = Callback(
        Kind[record["kind"]],
        record["fields"],
        record["query"],
        frozenset(record["declared"]),
        Signature(*record["signature"]),
    )
    return callback.event()
