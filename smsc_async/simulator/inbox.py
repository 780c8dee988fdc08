"""What subscribers wrote: `get.php` with ``get_answers=1`` (https://smsc.ua/api/http/get_data/inbox/)."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict, deque
from typing import Final

import attrs

from smsc_async.simulator.nouns import Call, Plain
from smsc_async.simulator.replies import Answer, Field, Record, RecordList, Refusal
from smsc_async.simulator.request import Request, digits
from smsc_async.simulator.windows import Limit

#: The page does not say; three is what its neighbours have.
LIMITS: Final = (Limit(3),)

#: "at most 10000 messages", "at most 168 hours".
MOST: Final = 10_000
HOURS: Final = 168.0
MINUTES_AN_HOUR: Final = 60

#: The first id, as large as real ones are.
FIRST_ID: Final = 48_000_001

#: How many messages of one login are remembered; ten times what one request can ask for.
REMEMBERED: Final = 100_000

#: "a message with the text [waitcall]" stands for a call that confirms a phone.
WAITCALL: Final = "[waitcall]"


@attrs.frozen(kw_only=True)
class InboxMessage:
    """A message from a subscriber. Times are the simulator's."""

    id: int
    phone: str
    message: str
    to_phone: str
    received: float
    sent: float


class Inbox(Plain):
    """The messages to each login."""

    path = "get.php"

    def __init__(self) -> None:
        self._ids = itertools.count(FIRST_ID)
        self._messages: defaultdict[str, deque[InboxMessage]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def __repr__(self) -> str:
        return f"<Inbox of {sum(map(len, self._messages.values()))} messages>"

    def add(
        self, login: str, *, phone: str, message: str, to_phone: str, now: float, underway: float = 0.0
    ) -> InboxMessage:
        """Put a message into the inbox of *login*; the subscriber sent it *underway* seconds ago."""
        row = InboxMessage(
            id=next(self._ids),
            phone=phone,
            message=message,
            to_phone=to_phone,
            received=now,
            sent=now - underway,
        )
        self._messages[login].append(row)
        return row

    def messages(self, login: str) -> tuple[InboxMessage, ...]:
        """Give the messages to *login*, oldest first."""
        return tuple(self._messages[login])

    def action(self, request: Request) -> str | None:
        """Name the only action of this endpoint that is simulated."""
        return "get_answers" if request.flag("get_answers") else None

    def limits(self, action: str) -> tuple[Limit, ...]:  # noqa: ARG002 - there is one action
        """Give the limit that is assumed."""
        return LIMITS

    def pays(self, action: str) -> bool:  # noqa: ARG002 - likewise
        """Tell that asking is free."""
        return False

    def act(self, call: Call) -> Answer:
        """List messages."""
        params = call.request.params
        hours = _number(params.get("hour", ""), call.switches.inbox_hours)
        count, after = (params.get(name, "") for name in ("cnt", "after_id"))
        whole = all(value == "" or (value.isascii() and value.isdigit()) for value in (count, after))
        if not whole or not 0 <= hours <= HOURS or int(count or 0) > MOST:
            return Refusal("parameters")
        since = call.now - call.moments.minutes(hours * MINUTES_AN_HOUR)
        to = digits(params.get("to_phone", ""))
        newest = call.switches.inbox_order == "descending"
        # Newer messages stand at the end, so that a look at the newest ones does not go through all.
        rows = itertools.takewhile(
            lambda row: row.id > int(after or 0) and row.received >= since, reversed(self._messages[call.account.login])
        )
        fitting = [row for row in rows if not to or row.to_phone == to]
        if not newest:
            fitting.reverse()
        return RecordList(tuple(_record(row, call) for row in fitting[: int(count or MOST) or MOST]))


def _number(text: str, usual: float) -> float:
    if not text:
        return usual
    try:
        return float(text)
    except ValueError:
        return math.nan


def _record(row: InboxMessage, call: Call) -> Record:
    fields = (
        Field("id", row.id, quoted=False),
        Field("received", call.moments.wall(row.received)),
        Field("phone", row.phone),
        Field("message", row.message),
        Field("to_phone", row.to_phone),
        Field("sent", call.moments.wall(row.sent)),
    )
    return Record(call.switches.inbox_root, fields)
