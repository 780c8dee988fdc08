"""The second opinion: judges a schedule by what crossed the network, and by what the callers were told."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final

from smsc_async import errors
from tests.proof.client.calls import CLEAR_SUCCESS, PAYING, SENDING, SEVERAL, STREAMED
from tests.proof.client.limits import MOST, MOST_FILES, MOST_REFUSED, STRICTEST_WINDOW, WINDOW, limits_of
from tests.proof.client.reach import FOURTEEN, FULL, IN_A_ROW, LOOKED_FOR, RESOLVED
from tests.proof.client.replies import marks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.proof.client.book import Book, Passage, Record
    from tests.proof.client.plan import Plan
    from tests.proof.client.reach import Reach

__all__ = ["judge"]

_ROUNDING: Final = 1e-6  # seconds: two clocks, one of them with another zero
_MEMORY: Final = 600.0  # seconds within which refusals of messages are in one row
_LOCK: Final = 600.0  # seconds for which nothing is asked after a refused login, or from a blocked address
_UNSENT: Final = (errors.NotSent, errors.WaitTooLong, errors.AccountLocked, errors.SessionClosed)
_CALLS: Final = {  # how many calls of the client one of a user makes at the most
    "wait": math.inf,
    "save to a folder": 3,
    "save": 2,
    "stream": 2,
    "rows": 2,
    "send": 6,  # and five looks
    "send, or resolve": 14,  # twice, and twice looked for to be sure
}
_STILL: Final = errors.OutcomeStillUnknown


def judge(plan: Plan, book: Book, reach: Reach) -> None:
    """Write every broken promise into the book, and into the reach how near to the edge the schedule came."""
    _windows(book, reach)
    _in_flight(book, reach)
    for record in book.records:
        _ends(plan, book, record)
        _evidence(book, record)
        if record.plan.kind in PAYING:
            _money(book, record)
        if record.answered:
            _value(book, record)
        if record.plan.kind in SENDING:
            _message(book, record, reach)
    _rows(book, reach)
    _unresolved(book)
    _closings(plan, book)
    _locks(plan, book)


# ---------------------------------------------------------------- limits


def _windows(book: Book, reach: Reach) -> None:
    """Say whether any minute could hold more than N, whatever the instants at which the gateway counts."""
    by_key: defaultdict[object, list[Passage]] = defaultdict(list)
    most_of: dict[object, int] = {}
    for passage in book.passages:
        if passage.written is not None:
            for key, most in limits_of(passage):
                by_key[key].append(passage)
                most_of[key] = most
    for key, passages in by_key.items():
        most = most_of[key]
        for last in passages:
            # Those that the gateway may count up to a minute before it can first count `last`.
            near = sum(
                other.first_byte <= last.first_byte and _counted_by(other) > last.first_byte - STRICTEST_WINDOW
                for other in passages
                if other is not last
            )
            if near >= most:
                book.complain(f"{near + 1} of {most} {key} may be counted in the minute of {last.record.name}")
        stamps = sorted(passage.counted for passage in passages if passage.counted is not None)
        held = [sum(start <= stamp <= start + WINDOW for stamp in stamps) for start in stamps]
        reach.count(FULL[most], sum(count == most for count in held))


def _counted_by(passage: Passage) -> float:
    """Give the last moment at which the gateway may count a request."""
    if passage.read is not None or passage.counted is None:
        return passage.end
    return max(passage.end, passage.counted)


def _in_flight(book: Book, reach: Reach) -> None:
    """Say whether more than 14 requests of an account were ever in flight, or more than 4 files."""
    for record, active in _crowds(book.passages):
        if active == MOST:
            reach.count(FOURTEEN)
        elif active > MOST:
            book.complain(f"{record.name} is one of {active} requests in flight")
    for record, active in _crowds(passage for passage in book.passages if "get_file" in passage.compared):
        if active > MOST_FILES:
            book.complain(f"{record.name} is one of {active} files")


def _crowds(passages: Iterable[Passage]) -> Iterator[tuple[Record, int]]:
    """Give how many requests of its account each one makes, with those that the gateway may still be at work on."""
    steps: list[tuple[float, int, Record]] = []
    for passage in passages:
        steps += [(passage.first_byte, 1, passage.record), (passage.end - _ROUNDING, -1, passage.record)]
    active: defaultdict[int, int] = defaultdict(int)
    for _, step, record in sorted(steps, key=lambda step: step[:2]):
        active[record.account] += step
        if step > 0:
            yield record, active[record.account]


# ---------------------------------------------------------------- what callers were told


def _ends(plan: Plan, book: Book, record: Record) -> None:
    """Each call ends, and in time."""
    if record.ended is None:
        book.complain(f"{record.name} never ends")
        return
    max_wait, took = record.plan.max_wait, record.ended - record.started
    if max_wait is not None and record.plan.kind not in STREAMED | SEVERAL and took > max_wait + _ROUNDING:
        book.complain(f"{record.name} takes {took:.3f} s of at most {max_wait:.3f}")
    session = plan.sessions[record.plan.session]
    attempts = session.attempts or 1
    calls = _CALLS.get(record.plan.kind, 1)
    if len(record.passages) > attempts * calls:
        book.complain(f"{record.name} is sent {len(record.passages)} times")
    for passage in record.passages:
        if passage.end == math.inf:
            book.complain(f"{record.name} leaves a connection with half a reply open")
        end = passage.given_up if passage.read is None else passage.read
        if end is not None and record.plan.kind not in STREAMED and end - passage.first_byte > session.timeout + 1e-6:
            book.complain(f"{record.name} waits {end - passage.first_byte:.3f} s for its reply")


def _evidence(book: Book, record: Record) -> None:
    """Who is told that nothing was sent can rely on it."""
    if record.plan.kind in SEVERAL:
        return
    lost = [passage for passage in _asking(record) if not passage.answered]
    error = record.error
    if isinstance(error, _UNSENT) and lost:
        book.complain(f"{record.name} is told {error!r}, and was sent without an answer before")
    if isinstance(error, errors.NotSent) and record.taken:
        book.complain(f"{record.name} is told {error!r}; the network has {record.taken} bytes of it")
    if isinstance(error, _STILL) and not all(passage.refused for passage in record.passages):
        book.complain(f"{record.name} was sent, and is told that it was not")
    if record.plan.kind not in STREAMED and error is not None:
        said = {passage.said for passage in _asking(record) if passage.answered}
        if not _borne_out(error, said, maybe_lost=bool(lost or record.ever_wrote)):
            book.complain(f"{record.name} is told {error!r}; the gateway said {said or 'nothing'}")


def _borne_out(error: BaseException, said: set[str], *, maybe_lost: bool) -> bool:
    """Say whether an error is what the network did and the gateway said."""
    match error:
        case errors.GatewayError():
            return f"error {error.code}" in said
        case errors.UnexpectedRedirect():
            return "redirect" in said
        case errors.ReplyError():
            return bool(said & {"garbage", "other", "empty"})
        case errors.NoReply():
            return maybe_lost or bool(said & {"status", "empty", "error 9"})
        case errors.OutcomeUnknown() if not isinstance(error, _STILL):
            return maybe_lost or bool(said - {"value"})
        case _:
            return True


def _money(book: Book, record: Record) -> None:
    """A call that pays is carried out once at the most, and who may have paid is told so."""
    done = [passage for passage in _asking(record) if passage.executed is not None]
    if len(done) > 1:
        book.complain(f"{record.name} is carried out {len(done)} times")
    if not done or record.answered:
        return
    if record.cancelled:
        if not done[-1].answered and not record.told("OutcomeLost"):
            book.complain(f"{record.name} was carried out and cancelled, and the observer heard nothing")
    elif not isinstance(record.error, errors.OutcomeUnknown) or isinstance(record.error, _STILL):
        book.complain(f"{record.name} was carried out, and its caller is told {record.error!r}")
    elif not record.told("OutcomeLost"):
        book.complain(f"{record.name} has an unknown outcome, and the observer heard nothing")


def _asking(record: Record) -> list[Passage]:
    """Give the requests that do what the call is for; the others look whether a message was sent."""
    return [passage for passage in record.passages if passage.path != "status.php"]


def _message(book: Book, record: Record, reach: Reach) -> None:
    """Who is told that a message was sent, or that it was not, is told the truth."""
    done = any(passage.executed is not None for passage in _asking(record))
    if record.answered and not done:
        book.complain(f"{record.name} is told that it was sent, and it was not")
    if record.answered and record.value.cost is None:
        reach.count(LOOKED_FOR)
    if record.resolved:
        reach.count(RESOLVED[record.resolved])
    if isinstance(record.error, errors.MessageOutcomeUnknown) and record.error.reference != f"message-{record.number}":
        book.complain(f"{record.name} is told another message's id: {record.error!r}")


def _rows(book: Book, reach: Reach) -> None:
    """No hundred messages are refused in a row: the gateway would block the address."""
    row: list[float] = []
    sends = [(passage.counted, passage) for passage in book.passages if passage.path == "send.php" and passage.counted]
    for moment, passage in sorted(sends, key=lambda send: send[0]):
        if passage.executed is not None and passage.params["cost"] != "1":
            row.clear()
        elif passage.refused and passage.said != "error 9":
            row = [earlier for earlier in row if moment - earlier < _MEMORY] + [moment]
            if len(row) == MOST_REFUSED:
                reach.count(IN_A_ROW)
            elif len(row) > MOST_REFUSED:
                book.complain(f"{passage.record.name} is refused as number {len(row)} in a row")


def _value(book: Book, record: Record) -> None:
    """A caller gets the answer to its own request."""
    said = {passage.said for passage in record.passages if passage.answered}
    kind = record.plan.kind
    if kind == "renew":
        if "value" not in said:
            book.complain(f"{record.name} returns; the gateway said {said}")
        return
    marks = marks_of(kind, record.value)
    own = {passage.number for passage in record.passages if passage.answered and passage.said == "value"}
    if marks - own or (kind in CLEAR_SUCCESS and not marks and not said & {"other", "empty"}):
        book.complain(f"{record.name} gives {record.value!r}, which is no answer to it ({marks} of {own})")


def _unresolved(book: Book) -> None:
    """After a rent whose outcome nobody knows none of that phone is sent, unless it is forced."""
    rents = [passage for passage in book.passages if "buy" in passage.compared]
    by_phone = sorted(rents, key=lambda passage: (passage.account, passage.compared["phone"], passage.first_byte))
    for _, group in groupby(by_phone, key=lambda passage: (passage.account, passage.compared["phone"])):
        _one_phone(book, list(group))


def _one_phone(book: Book, passages: Iterable[Passage]) -> None:
    unresolved: Record | None = None
    for passage in passages:
        record = passage.record
        if unresolved is not None and unresolved is not record and not record.plan.args[2]:
            book.complain(f"{record.name} is sent, although the outcome of {unresolved.name} is unknown")
        if passage.answered and passage.said == "value" and record.answered:
            unresolved = None
        elif not passage.answered or not (passage.refused or passage.said == "value"):
            unresolved = record


def _closings(plan: Plan, book: Book) -> None:
    """A closed session sends nothing, and waits for what is in flight for as long as one exchange may take."""
    for number, (began, ended) in book.closings.items():
        if ended - began > plan.sessions[number].timeout + _ROUNDING:
            book.complain(f"session {number} takes {ended - began:.3f} s to close")
        for record in book.records:
            if (
                record.plan.session == number
                and not record.late
                and any(moment > began + _ROUNDING for moment in record.granted)
            ):
                book.complain(f"{record.name} is admitted after its session was closed")


def _locks(plan: Plan, book: Book) -> None:
    """Who was refused for who they are, or where they come from, asks nothing for ten minutes."""
    for refused in book.records:
        if not isinstance(refused.error, errors.AuthenticationFailed | errors.AddressBlocked) or refused.ended is None:
            continue
        for record in book.records:
            asked = [moment for moment in record.granted if _ROUNDING < moment - refused.ended < _LOCK - _ROUNDING]
            if asked and (_same(plan, refused, record) or isinstance(refused.error, errors.AddressBlocked)):
                book.complain(f"{record.name} is sent {asked[0] - refused.ended:.1f} s after {refused.error!r}")


def _same(plan: Plan, one: Record, other: Record) -> bool:
    """Say whether two calls have the same credentials."""
    first, second = plan.sessions[one.plan.session], plan.sessions[other.plan.session]
    return (first.account, first.apikey) == (second.account, second.apikey)
