"""Statuses that callbacks tell of: each is told to all who follow its message."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from smsc_async._status_watch import Following, Message
    from smsc_async.webhooks.events import DeliveryStatus

__all__ = ["HeardStatuses"]


class HeardStatuses:
    """Who follows which message."""

    def __init__(self) -> None:
        self.used = False  # whether anybody has ever followed one
        self._lock = threading.Lock()
        self._followed: dict[Message, list[Following]] = {}

    @contextmanager
    def expect(self, following: Following) -> Generator[None]:
        """Tell of statuses as long as the block lasts."""
        self.used = True
        with self._lock:
            for message in following.messages:
                self._followed.setdefault(message, []).append(following)
        try:
            yield
        finally:
            with self._lock:
                for message in following.messages:
                    others = self._followed[message]
                    others.remove(following)
                    if not others:
                        del self._followed[message]

    def tell(self, event: DeliveryStatus) -> None:
        """Tell of a status whoever follows its message."""
        message = event.id, event.phone.removeprefix("+")
        with self._lock:
            followed_by = list(self._followed.get(message, ()))
        for following in followed_by:
            following.arrive(message, event)
