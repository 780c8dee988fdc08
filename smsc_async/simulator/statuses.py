"""What became of messages, and taking them back: `status.php` (https://smscentre.com/api/http/status_messages/)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from smsc_async.simulator import fates
from smsc_async.simulator.messages import Message, Messages
from smsc_async.simulator.nouns import Call
from smsc_async.simulator.orders import LARGEST_ID, WHOLE
from smsc_async.simulator.recipients import E_MAIL, NICK, number
from smsc_async.simulator.replies import Answer, Done, RecordList, Refusal
from smsc_async.simulator.request import Compared, Request
from smsc_async.simulator.status_records import status_record
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.windows import Limit

#: "more than five requests of the status of one and the same message, or more than one mass request".
SINGLE: Final = (Limit(5, scope="status"),)
BULK: Final = (Limit(1, identical=False, scope="statuses"),)
LIMITS: Final[dict[str, tuple[Limit, ...]]] = {
    "status": SINGLE,
    "delete": SINGLE,
    "statuses": BULK,
    "deletes": BULK,
}


class Statuses:
    """The statuses of messages."""

    path = "status.php"
    public = False

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def __repr__(self) -> str:
        return f"<Statuses of {len(self._messages)} messages>"

    def action(self, request: Request) -> str:
        """Name the action: a comma in id or phone makes it one about many."""
        many = any("," in request.params.get(name, "") for name in ("id", "phone"))
        if request.flag("del"):
            return "deletes" if many else "delete"
        return "statuses" if many else "status"

    def limits(self, action: str) -> tuple[Limit, ...]:
        """Give the documented limit."""
        return LIMITS[action]

    def compared(self, request: Request, switches: Switches) -> Compared:
        """Give what tells one message from another; how much is asked of it does not matter."""
        names = ["id", "phone"]
        if switches.delete_counts == "apart":
            names.append("del")
        correct = switches.correct_phones
        return tuple(
            (name, ",".join(_phones(value, correct=correct)) if name == "phone" else value)
            for name, value in ((name, request.params.get(name, "")) for name in names)
        )

    def pays(self, action: str) -> bool:  # noqa: ARG002 - the same for all
        """Tell that asking is free."""
        return False

    def act(self, call: Call) -> Answer:
        """Tell statuses, or take messages back."""
        params = call.request.params
        many = call.action in {"statuses", "deletes"}
        # "a comma after phone and id" makes one message a bulk of one.
        phones = list(_phones(params.get("phone", "").removesuffix(","), correct=call.switches.correct_phones))
        ids = [_id(text.strip()) for text in params.get("id", "").removesuffix(",").split(",")]
        asked = params.get("all", "") or "0"
        if len(phones) != len(ids) or not all(phones) or not all(ids) or asked not in {"0", "1", "2"}:
            return Refusal("parameters")
        self._messages.settle(call.now)
        pairs = list(zip(phones, ids, strict=True))
        found = [self._messages.find(call.account.login, *pair) for pair in pairs]
        if call.action in {"delete", "deletes"}:
            return self._delete(found, call)
        if not many:
            if found[0] is None and call.switches.missing_single == "error":
                return Refusal("no message")
            return status_record(found[0], int(asked), call)
        records = (status_record(message, int(asked), call, pair) for message, pair in zip(found, pairs, strict=True))
        return RecordList(tuple(records), always=True)

    def _delete(self, found: Sequence[Message | None], call: Call) -> Answer:
        """Take messages back that were not handed over; where one of them was, the others go all the same."""
        back = [message for message in found if message is not None and message.status == fates.WAITING]
        for message in back:
            if not message.deleted:  # else it was named twice
                self._messages.delete(message)
                if call.switches.delete_refunds and not message.virtual:
                    call.account.balance += message.cost
        return Done() if len(back) == len(found) else Refusal("not deleted")


def _phones(text: str, *, correct: bool) -> Iterator[str]:
    for name in text.split(","):
        stripped = name.strip()
        yield stripped if E_MAIL.fullmatch(stripped) or NICK.fullmatch(stripped) else number(stripped, correct=correct)


def _id(text: str) -> int | str:
    return int(text) if WHOLE.fullmatch(text) and int(text) <= LARGEST_ID else text
