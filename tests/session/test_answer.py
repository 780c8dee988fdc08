"""What an answer comes to: a value, or how the attempt ended, what the guard is told, and the error to raise."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from smsc_async import errors
from smsc_async._answer import Answer, no_answer, read_answer, read_no_file
from smsc_async._endpoint import Endpoint, Replay
from smsc_async._privacy import Secret
from smsc_async._transport import Reply
from smsc_async._verdict import Happened
from smsc_async._wire import Refusal, ReplyFormat
from smsc_async.guard import Outcome
from smsc_async.services._tasks import FILE
from smsc_async.services.account import BALANCE
from smsc_async.services.calls import REQUEST
from smsc_async.services.numbers import AVAILABLE, RENT, SET_AUTO_RENEW
from tests.wire.replies import refusal

TEXT, CSV, XML, JSON = ReplyFormat
PHONE = "380950000001"
READ, SET, PAID = BALANCE, SET_AUTO_RENEW, RENT
HEAD = {
    Replay.READ: "no usable answer came to a call that changes nothing or may be repeated",
    Replay.IF_NOT_DONE: "it may have been carried out, so look before you repeat it",
}


def read(
    endpoint: Endpoint[Any],
    body: bytes | str,
    status: int = 200,
    *,
    asked: ReplyFormat = JSON,
    explicit_empty: bool = False,
    known: Any = None,
    secrets: tuple[Secret, ...] = (),
) -> Answer:
    """Read a whole answer of an attempt that was about a phone."""
    encoded = body.encode() if isinstance(body, str) else body
    reply = Reply(status, "text/html", encoded, explicit_empty)
    return read_answer(endpoint, reply, asked=asked, known=known, reference=PHONE, secrets=secrets)


def ended(answer: Answer) -> tuple[Outcome, Happened | None, type[BaseException], str]:
    """Give all of an answer without a value."""
    assert answer.value is None
    return answer.outcome, answer.happened, type(answer.error), str(answer.error)


def test_a_value_proves_the_credentials() -> None:
    """A value comes with no error, and tells the guard that the credentials were accepted."""
    answer = read(BALANCE, '{"balance":"1.50"}')
    assert (Outcome.ACCEPTED, None, None) == (answer.outcome, answer.happened, answer.error)
    assert Decimal("1.50") == answer.value.amount


@pytest.mark.parametrize("known", [{"phone": PHONE}, lambda: {"phone": PHONE}], ids=["mapping", "function"])
def test_what_the_request_knows_becomes_part_of_the_value(known: dict[str, object] | Callable[[], object]) -> None:
    """Fields that the reply does not tell come from a mapping, or from a function that is asked then."""
    answer = read(RENT, '{"cost":"1.50"}', known=known)
    assert (PHONE, Decimal("1.50")) == (answer.value.phone, answer.value.cost)


def test_values_without_names_are_read_where_they_were_asked_for() -> None:
    """What was asked for decides what they mean."""
    line = f"{PHONE},1,1.50,0.50,x"
    assert [PHONE] == [number.phone for number in read(AVAILABLE, line, asked=CSV).value]
    assert Happened.UNREADABLE is read(AVAILABLE, line, asked=JSON).happened


# No answer -----------------------------------------------------------------------------------------------------------

NO_ANSWER = [
    (READ, Happened.NOT_SENT, errors.NotSent),
    (SET, Happened.NOT_SENT, errors.NotSent),
    (PAID, Happened.NOT_SENT, errors.NotSent),
    (READ, Happened.LOST, errors.NoReply),
    (SET, Happened.LOST, errors.NoReply),
    (PAID, Happened.LOST, errors.OutcomeUnknown),
    (READ, Happened.OUT_OF_TIME, errors.NoReply),
    (SET, Happened.OUT_OF_TIME, errors.NoReply),
    (PAID, Happened.OUT_OF_TIME, errors.OutcomeUnknown),
    (READ, Happened.REDIRECTED, errors.UnexpectedRedirect),
    (SET, Happened.REDIRECTED, errors.UnexpectedRedirect),
    (PAID, Happened.REDIRECTED, errors.OutcomeUnknown),
]


@pytest.mark.parametrize(("endpoint", "happened", "kind"), NO_ANSWER)
@pytest.mark.parametrize("outcome", [Outcome.UNSENT, Outcome.UNKNOWN])
def test_without_an_answer_the_error_is_the_designs(
    endpoint: Endpoint[Any], happened: Happened, kind: type[errors.SmscError], outcome: Outcome
) -> None:
    """The design's table, section 6: what a call that reads, sets or pays raises where nothing is repeated."""
    answer = no_answer(endpoint, happened, "the line is cut", outcome, PHONE)
    assert (outcome, happened, kind) == ended(answer)[:3]
    assert endpoint.name == answer.error.endpoint  # type: ignore[union-attr]
    assert "the line is cut" == answer.error.reason  # type: ignore[union-attr]
    if kind is errors.OutcomeUnknown:
        assert PHONE == answer.error.reference  # type: ignore[union-attr]


LOST = [
    (204, "", "HTTP status 204 with an empty body"),
    (200, "", "HTTP status 200 with an empty body"),
    (500, "", "HTTP status 500 with an empty body"),
    (500, "<html>", "HTTP status 500"),
    (502, '{"balance":"1"}', "HTTP status 502"),
    (201, '{"cost":"1"}', "HTTP status 201"),
    (299, "OK", "HTTP status 299"),
    (400, "{", "HTTP status 400"),
]


@pytest.mark.parametrize(("status", "body", "reason"), LOST)
def test_a_foreign_status_and_an_empty_body_are_no_answer(status: int, body: str, reason: str) -> None:
    """Whatever else came with it: a value only counts with status 200."""
    expected = (
        Outcome.ANSWERED,
        Happened.LOST,
        errors.NoReply,
        f"account.balance: {HEAD[Replay.READ]} ({reason})",
    )
    assert expected == ended(read(READ, body, status))
    paid = read(PAID, body, status)
    expected = (
        Outcome.ANSWERED,
        Happened.LOST,
        errors.OutcomeUnknown,
        f"numbers.rent: {reason}; {HEAD[Replay.IF_NOT_DONE]}",
    )
    assert expected == ended(paid)
    assert PHONE == paid.error.reference  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [300, 301, 302, 307, 399])
@pytest.mark.parametrize("body", ["", '{"balance":"1"}', '{"error":"again","error_code":9}'])
def test_a_redirect_is_not_followed_nor_read(status: int, body: str) -> None:
    """The gateway sends none, so nothing in it counts."""
    reason = f"HTTP status {status}, a redirect; the gateway sends none, so something else answered"
    answer = read(READ, body, status)
    assert (Outcome.ANSWERED, Happened.REDIRECTED, errors.UnexpectedRedirect) == ended(answer)[:3]
    assert ("account.balance", reason) == (answer.error.endpoint, answer.error.reason)  # type: ignore[union-attr]
    paid = read(PAID, body, status)
    assert (Outcome.ANSWERED, Happened.REDIRECTED, errors.OutcomeUnknown) == ended(paid)[:3]
    assert (PHONE, reason) == (paid.error.reference, paid.error.reason)  # type: ignore[union-attr]


@pytest.mark.parametrize("asked", [TEXT, CSV, XML])
def test_no_bytes_are_an_empty_list_where_the_length_says_so(asked: ReplyFormat) -> None:
    """A list of nothing has no bytes in three formats."""
    answer = read(AVAILABLE, b"", asked=asked, explicit_empty=True)
    assert (Outcome.ACCEPTED, 0) == (answer.outcome, len(answer.value))
    lost = read(AVAILABLE, b"", asked=asked)
    assert (Outcome.ANSWERED, Happened.LOST, errors.NoReply) == ended(lost)[:3]
    lost = read(AVAILABLE, b"", 404, asked=asked, explicit_empty=True)
    assert (Outcome.ANSWERED, Happened.LOST, errors.NoReply) == ended(lost)[:3]
    assert "HTTP status 404 with an empty body" == lost.error.reason  # type: ignore[union-attr]


def test_no_bytes_are_no_json() -> None:
    """A list of nothing has two bytes in JSON, so none are no answer, whatever the length said."""
    lost = read(AVAILABLE, b"", explicit_empty=True)
    assert (Outcome.ANSWERED, Happened.LOST, errors.NoReply) == ended(lost)[:3]


# Unreadable ----------------------------------------------------------------------------------------------------------


def test_an_unreadable_answer_shows_how_it_begins_without_secrets() -> None:
    """A reading call raises what was wrong and the beginning of the body, and is not repeated."""
    expected = (
        Outcome.ANSWERED,
        Happened.UNREADABLE,
        errors.ReplyError,
        'account.balance: unreadable answer: JSON that is not a record; it begins: ["***", 1]',
    )
    assert expected == ended(read(READ, '["hunter2", 1]', secrets=(Secret("hunter2"),)))


def test_an_unreadable_answer_to_a_paid_call_leaves_its_outcome_unknown() -> None:
    """The reason and the reference are in the error, and the unreadable answer is its cause."""
    answer = read(PAID, "[1, 2]", secrets=(Secret("hunter2"),))
    expected = (
        Outcome.ANSWERED,
        Happened.UNREADABLE,
        errors.OutcomeUnknown,
        f"numbers.rent: unreadable answer (JSON that is not a record); {HEAD[Replay.IF_NOT_DONE]}",
    )
    assert expected == ended(answer)
    assert PHONE == answer.error.reference  # type: ignore[union-attr]
    cause = answer.error.__cause__  # type: ignore[union-attr]
    assert "numbers.rent: unreadable answer: JSON that is not a record; it begins: [1, 2]" == str(cause)


def test_a_value_that_cannot_be_made_is_unreadable() -> None:
    """A field that is missing is told like a broken body."""
    expected = (
        Outcome.ANSWERED,
        Happened.UNREADABLE,
        errors.ReplyError,
        'account.balance: unreadable answer: amount is missing; it begins: {"currency":"UAH"}',
    )
    assert expected == ended(read(READ, '{"currency":"UAH"}'))


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize("status", [200, 403, 500])
@pytest.mark.parametrize(
    ("code", "kind", "outcome"),
    [
        (1, errors.InvalidParameters, Outcome.ANSWERED),
        (2, errors.AuthenticationFailed, Outcome.LOGIN_REFUSED),
        (3, errors.InsufficientFunds, Outcome.ACCEPTED),
        (4, errors.AddressBlocked, Outcome.ADDRESS_BLOCKED),
        (5, errors.RecipientBlacklisted, Outcome.ACCEPTED),
        (77, errors.GatewayError, Outcome.ACCEPTED),
    ],
)
def test_a_refusal_is_what_its_number_means_at_the_endpoint(
    asked: ReplyFormat, status: int, code: int, kind: type[errors.GatewayError], outcome: Outcome
) -> None:
    """The error has number, words and endpoint; the guard learns what it says about the credentials."""
    answer = read(REQUEST, refusal(asked, code, "no +380671234567"), status, asked=asked)
    assert (outcome, Happened.REFUSED, kind) == ended(answer)[:3]
    words = "no words" if asked is CSV else "no +380*******67"
    assert kind(code, words, "calls.request").args == answer.error.args  # type: ignore[union-attr]
    assert (code, words, "calls.request") == (answer.error.code, answer.error.detail, answer.error.endpoint)  # type: ignore[union-attr]


def test_the_words_of_a_refusal_are_shown_without_secrets() -> None:
    """A gateway that quotes the password back is not quoted."""
    answer = read(READ, refusal(JSON, 2, "bad hunter2"), secrets=(Secret("hunter2"),))
    assert "bad ***" == answer.error.detail  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "ending", "outcome", "kind"),
    [
        ("duplicate request, wait a minute", Happened.DUPLICATE, Outcome.DUPLICATE, "duplicate"),
        ("", Happened.DUPLICATE, Outcome.DUPLICATE, "duplicate"),
        ("too many Concurrent requests", Happened.CONCURRENCY, Outcome.CONCURRENCY, "concurrency"),
        ("CONCURRENT", Happened.CONCURRENCY, Outcome.CONCURRENCY, "concurrency"),
    ],
)
@pytest.mark.parametrize(
    ("endpoint", "status"), [(READ, 200), (SET, 200), (PAID, 200), (READ, 503), (SET, 503)], ids=str
)
def test_error_9_says_which_limit_was_passed(
    words: str, ending: Happened, outcome: Outcome, kind: str, endpoint: Endpoint[Any], status: int
) -> None:
    """Too many requests in flight are told apart by the gateway's own words, in any case."""
    answer = read(endpoint, refusal(JSON, 9, words), status)
    assert (outcome, ending, errors.TooManyRequests) == ended(answer)[:3]
    error = answer.error
    assert isinstance(error, errors.TooManyRequests)
    assert (9, words or "no words", endpoint.name, kind) == (error.code, error.detail, error.endpoint, error.kind)


@pytest.mark.parametrize("words", ["duplicate request, wait a minute", "too many concurrent requests"])
def test_error_9_with_a_foreign_status_is_no_proof_for_a_paid_call(words: str) -> None:
    """Something between us and the gateway had a hand in it, so the call is not paid for a second time."""
    answer = read(PAID, refusal(JSON, 9, words), 503)
    expected = (
        Outcome.DUPLICATE,
        Happened.LOST,
        errors.OutcomeUnknown,
        f"numbers.rent: error 9 with HTTP status 503; {HEAD[Replay.IF_NOT_DONE]}",
    )
    assert expected == ended(answer)
    assert PHONE == answer.error.reference  # type: ignore[union-attr]


# In a file's place ---------------------------------------------------------------------------------------------------


def in_place(problem: Refusal | str | None, head: bytes = b"a;b", status: int = 200) -> Answer:
    return read_no_file(FILE, status, problem, head, (Secret("hunter2"),))


def test_a_refusal_in_a_files_place_is_raised_whatever_its_status() -> None:
    """A task that does not exist has a number."""
    for status in (200, 404):
        answer = in_place(Refusal(5, "no hunter2"), status=status)
        assert (Outcome.ACCEPTED, Happened.REFUSED, errors.TaskNotFound) == ended(answer)[:3]
        assert "no ***" == answer.error.detail  # type: ignore[union-attr]


def test_a_refusal_with_a_foreign_status_proves_nothing_of_a_file_that_is_paid_for() -> None:
    """The rule is that of every paid call."""
    answer = read_no_file(PAID, 503, Refusal(9, "again"), b"", ())
    assert (Outcome.DUPLICATE, Happened.LOST, errors.OutcomeUnknown) == ended(answer)[:3]


@pytest.mark.parametrize("problem", [None, "an HTML page", Refusal(9, "again")])
def test_a_redirect_in_a_files_place_is_not_followed(problem: Refusal | str | None) -> None:
    """Nothing in it counts."""
    answer = in_place(problem, status=302)
    assert (Outcome.ANSWERED, Happened.REDIRECTED, errors.UnexpectedRedirect) == ended(answer)[:3]
    assert "HTTP status 302, a redirect" in str(answer.error)


@pytest.mark.parametrize(
    ("problem", "head", "status", "reason"),
    [
        (None, b"a;b", 500, "HTTP status 500"),
        ("an HTML page", b"<html>", 404, "HTTP status 404"),
        ("an empty answer", b"", 404, "HTTP status 404 with an empty body"),
        ("an empty answer", b"", 200, "HTTP status 200 with an empty body"),
    ],
)
def test_no_file_came(problem: str | None, head: bytes, status: int, reason: str) -> None:
    """A foreign status, or nothing at all, is no answer, so the call may be repeated."""
    expected = (Outcome.ANSWERED, Happened.LOST, errors.NoReply, f"downloads.file: {HEAD[Replay.READ]} ({reason})")
    assert expected == ended(in_place(problem, head, status))


def test_a_page_in_a_files_place_is_unreadable() -> None:
    """The error says what it is and how it begins, without secrets."""
    expected = (
        Outcome.ANSWERED,
        Happened.UNREADABLE,
        errors.ReplyError,
        "downloads.file: unreadable answer: an HTML page; it begins: <html>***",
    )
    assert expected == ended(in_place("an HTML page", b"<html>hunter2"))
