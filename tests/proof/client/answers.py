"""What the gateway does with a request that has arrived, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from tests.proof.client.delivery import deliver, early
from tests.proof.client.faults import ERRORS, Fault
from tests.proof.client.replies import body_of, refusal_of

if TYPE_CHECKING:
    from tests.proof.client.book import Passage
    from tests.proof.client.gateway import Gateway
    from tests.proof.client.link import Link
    from tests.proof.client.script import Script

__all__ = ["Answers"]

_RESET: Final = ConnectionResetError(104, "reset by peer")
_DUPLICATE: Final = "duplicate request, wait a minute"
_CONCURRENCY: Final = "too many concurrent requests"
_NOT_FOUND: Final = 5
_TEXTS: Final = {
    1: "parameters error",
    2: "authorise error",
    3: "no money",
    4: "ip is blocked",
    _NOT_FOUND: "not found",
    6: "can't get cost",
    7: "invalid phone",
    8: "cannot be delivered",
}
#: HTTP status, error number and text.
_REFUSALS: Final[dict[Fault | None, tuple[int, int, str]]] = {
    **{fault: (200, code, _TEXTS[code]) for fault, code in ERRORS.items()},
    Fault.DUPLICATE: (200, 9, _DUPLICATE),
    Fault.GENUINE_DUPLICATE: (200, 9, _DUPLICATE),
    Fault.ERROR_9_WITH_5XX: (502, 9, _DUPLICATE),
    Fault.CONCURRENCY: (200, 9, _CONCURRENCY),
    Fault.GENUINE_CONCURRENCY: (200, 9, _CONCURRENCY),
}
_PAGE: Final = "<!DOCTYPE html><html><body>Something else answers here</body></html>"
#: What comes in the reply's place: what the judge calls it, the HTTP statuses it may have, and its text.
_IN_PLACE: Final[dict[Fault | None, tuple[str, tuple[int, ...], str]]] = {
    Fault.EMPTY: ("empty", (200,), ""),
    Fault.SERVER_ERROR: ("status", (500, 502, 503, 504), _PAGE),
    Fault.OTHER_STATUS: ("status", (403, 404, 429), _PAGE),
    Fault.REDIRECT: ("redirect", (301, 302, 307, 308), _PAGE),
    Fault.HTML: ("garbage", (200,), _PAGE),
    Fault.WRONG_REPLY: ("other", (200,), '{"unexpected":{"what":1}}'),
}
#: No reply: the connection ends so, or not at all.
_SILENT: Final[dict[Fault | None, BaseException | None]] = {
    Fault.NO_REPLY: EOFError(),
    Fault.REPLY_RESET: _RESET,
    Fault.HANGS: None,
}
_OF_ANY_SHAPE: Final = ("operators.php", "notes.php")


@attrs.frozen
class _Said:
    """A reply, as far as its text goes."""

    status: int
    text: str


class Answers:
    """What is done and said."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rented: dict[tuple[int, str], Passage] = {}
        self._sent: set[tuple[int, str, str]] = set()  # account, phone and id of each message

    @staticmethod
    def thinking(script: Script) -> float:
        """Say how long the reply takes."""
        return 4.0 + 24.0 * script.aside if script.fault is Fault.SLOW else script.think

    @staticmethod
    def early(passage: Passage, link: Link) -> None:
        """Answer before the request is there."""
        passage.said = "status"
        early(passage, link)

    def give(self, passage: Passage, link: Link, script: Script, refusal: Fault | None) -> None:
        """Answer a request, or not."""
        fault = Fault.ERROR_1 if self._is_rented(passage) else script.fault
        fault = self._fitting(refusal or fault, passage)
        if fault is not None and fault is not Fault.IDLE_CLOSED:
            self._gateway.met(fault, passage.record)
        if fault in _SILENT:
            if script.acts:
                self.act(passage)
            ending = _SILENT[fault]
            if ending is not None:
                self._gateway.later(script.downlink, lambda: link.end(ending))
            return
        said = self._say(passage, fault, script)
        book, call = self._gateway.book, passage.record.number
        book.trace("call", call, "reply %d %.60r, link %d", said.status, said.text, link.number)
        deliver(self._gateway, passage, link, script, fault, said.status, said.text.encode())

    # ---------------------------------------------------------------- what is said

    @staticmethod
    def _fitting(fault: Fault | None, passage: Passage) -> Fault | None:
        """Leave a fault out that makes a reply which nobody could tell from a good one."""
        undecidable = passage.params["fmt"] in "01" or passage.path in _OF_ANY_SHAPE or "get_file" in passage.params
        return None if fault is Fault.HALF_REPLY and undecidable else fault

    def _say(self, passage: Passage, fault: Fault | None, script: Script) -> _Said:
        if fault in _REFUSALS:
            return self._refuse(passage, *_REFUSALS[fault])
        if fault in _IN_PLACE:
            if script.acts:
                self.act(passage)
            passage.said, statuses, text = _IN_PLACE[fault]
            return _Said(statuses[int(script.aside * len(statuses))], text)
        text = body_of(passage, known=passage.path == "status.php" and _message(passage) in self._sent)
        if not text:
            return self._refuse(passage, 200, _NOT_FOUND, _TEXTS[_NOT_FOUND])
        self.act(passage)
        passage.said = "value"
        if fault is Fault.HALF_REPLY:
            passage.said, text = "garbage", text[: max(len(text) // 2, 1)]
        return _Said(200, text)

    def _refuse(self, passage: Passage, status: int, code: int, text: str) -> _Said:
        passage.refused = True
        passage.said = f"error {code}"
        self._gateway.refusals += code == 9
        return _Said(status, refusal_of(passage, code, text))

    # ---------------------------------------------------------------- what is done

    def act(self, passage: Passage) -> None:
        """Carry a request out, and see whether a number is paid for a second time."""
        if passage.executed is not None:
            return
        book, record = self._gateway.book, passage.record
        passage.executed = self._gateway.time.now()
        book.trace("call", record.number, "carried out (%s)", passage.path)
        if passage.path == "send.php" and passage.params["cost"] != "1":
            self._sent.add(_message(passage))
        if "buy" not in passage.params:
            return
        phone = (passage.account, passage.params["phone"])
        before, self._rented[phone] = self._rented.get(phone), passage
        if before is None or before.record is record or record.plan.args[2]:
            return  # twice by one call is looked for elsewhere; and `force` is the user's own will
        if not before.record.answered:
            book.complain(f"{record.name} is paid for again, after {before.record.name}, whose outcome is unknown")

    def _is_rented(self, passage: Passage) -> bool:
        """Say whether the number is the account's already, and the client has been told so."""
        if "buy" not in passage.params or passage.record.plan.args[2]:
            return False
        before = self._rented.get((passage.account, passage.params["phone"]))
        return before is not None and before.record is not passage.record and before.record.answered


def _message(passage: Passage) -> tuple[int, str, str]:
    params = passage.params
    phone = params["phones" if passage.path == "send.php" else "phone"]
    return passage.account, phone.removeprefix("+"), params["id"]
