"""When the gateway blocks an address: after too many authorisation errors, or too many bad sends in a row."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Final

# Five authorisation errors within half an hour block the IP for half an hour, and a hundred bad send requests in a row
# within ten minutes for ten (https://smscentre.com/faq/99).
AUTHORISATION_ERRORS: Final = 5
AUTHORISATION_MINUTES: Final = 30
BAD_SENDS: Final = 100
BAD_SENDS_MINUTES: Final = 10


class Blocks:
    """Blocked addresses and what leads there; all times by the gateway's clock."""

    def __init__(self, minute: float) -> None:
        self._minute = minute
        self._authorisation: defaultdict[str, deque[float]] = defaultdict(deque)
        self._bad_sends: defaultdict[str, deque[float]] = defaultdict(deque)
        self._until: dict[str, tuple[float, float]] = {}  # address -> (end, length)

    def __repr__(self) -> str:
        return f"<Blocks of {len(self._until)} addresses>"

    def blocked(self, address: str, now: float, *, prolongs: bool = False) -> bool:
        """Tell whether *address* is blocked at *now*; asking counts as an attempt where a block *prolongs*."""
        block = self._until.get(address)
        if block is None:
            return False
        until, length = block
        if now >= until:
            del self._until[address]
            return False
        if prolongs:
            self._until[address] = (now + length, length)
        return True

    def authorisation_error(self, address: str, now: float) -> None:
        """Count an authorisation error; the fifth within half an hour blocks."""
        self._add(self._authorisation[address], address, now, AUTHORISATION_ERRORS, AUTHORISATION_MINUTES)

    def bad_send(self, address: str, now: float) -> None:
        """Count a send request that was refused; the hundredth in a row within ten minutes blocks."""
        self._add(self._bad_sends[address], address, now, BAD_SENDS, BAD_SENDS_MINUTES)

    def good_send(self, address: str) -> None:
        """End the row of bad sends."""
        self._bad_sends.pop(address, None)

    def block(self, address: str, now: float, minutes: float = AUTHORISATION_MINUTES) -> None:
        """Block *address* at once, as an administrator would."""
        length = minutes * self._minute
        self._until[address] = (now + length, length)

    def clear(self) -> None:
        """Lift every block and forget what led there."""
        self._authorisation.clear()
        self._bad_sends.clear()
        self._until.clear()

    def _add(self, errors: deque[float], address: str, now: float, allowed: int, minutes: int) -> None:
        span = minutes * self._minute
        errors.append(now)
        while now - errors[0] > span:
            errors.popleft()
        if len(errors) >= allowed:
            errors.clear()
            self.block(address, now, minutes)
