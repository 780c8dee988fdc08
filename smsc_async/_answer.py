"""An answer judged: a value, or how the attempt ended without one, with the error to raise. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from smsc_async import errors
from smsc_async._convert import structure
from smsc_async._endpoint import Replay
from smsc_async._privacy import excerpt
from smsc_async._verdict import Happened
from smsc_async._wire import Refusal, ReplyFormat, Undecodable, decode
from smsc_async.guard import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsc_async._calling import Known
    from smsc_async._endpoint import Endpoint
    from smsc_async._privacy import Secret
    from smsc_async._transport import Reply

__all__ = ["Answer", "no_answer", "read_answer", "read_no_file"]

_OK: Final = 200
_ACCEPTED: Final = Outcome.ACCEPTED  # on Python 3.11 looking it up on its class takes longer than all else with it
_REDIRECTS: Final = range(300, 400)
_PROVES_NOTHING: Final = 1  # a parameter error may come before the credentials are looked at


@attrs.define(eq=False)  # one is made for every call, and frozen it would cost three times as much
class Answer:
    """What an attempt came to: *value* where *happened* is None, else the error for the caller."""

    outcome: Outcome
    happened: Happened | None = None
    error: errors.SmscError | None = None
    value: Any = None


def no_answer(
    endpoint: Endpoint[Any], happened: Happened, reason: str, outcome: Outcome, reference: str | None
) -> Answer:
    """Give what it comes to when no usable answer arrived."""
    error: errors.SmscError
    if happened is Happened.NOT_SENT:
        error = errors.NotSent(endpoint.name, reason)
    elif endpoint.replay is Replay.IF_NOT_DONE:
        error = errors.OutcomeUnknown(endpoint.name, reference, reason)
    elif happened is Happened.REDIRECTED:
        error = errors.UnexpectedRedirect(endpoint.name, reason)
    else:
        error = errors.NoReply(endpoint.name, reason)
    return Answer(outcome, happened, error)


def read_answer(
    endpoint: Endpoint[Any],
    reply: Reply,
    *,
    asked: ReplyFormat,
    known: Known,
    reference: str | None,
    secrets: Sequence[Secret],
) -> Answer:
    """Read a whole answer."""
    status, body = reply.status, reply.body
    if status in _REDIRECTS:
        return _redirected(endpoint, status, reference)
    if not body and not (reply.explicit_empty and status == _OK and asked is not ReplyFormat.JSON):
        reason = f"HTTP status {status} with an empty body"
        return no_answer(endpoint, Happened.LOST, reason, Outcome.ANSWERED, reference)
    try:
        plain = decode(body, asked=asked, shape=endpoint.shape, explicit_empty=reply.explicit_empty)
        if type(plain) is Refusal:
            return read_refusal(endpoint, plain, status=status, reference=reference, secrets=secrets)
        if status == _OK:
            value = structure(plain, endpoint.reply, shape=endpoint.shape, known=known() if callable(known) else known)
            return Answer(_ACCEPTED if endpoint.ends_row else Outcome.PRICED, value=value)
    except Undecodable as problem:
        if status == _OK:
            return _unreadable(endpoint, str(problem), body, reference, secrets)
    return no_answer(endpoint, Happened.LOST, f"HTTP status {status}", Outcome.ANSWERED, reference)


def read_no_file(
    endpoint: Endpoint[Any], status: int, problem: Refusal | str | None, head: bytes, secrets: Sequence[Secret]
) -> Answer:
    """Read what came in a file's place, beginning with *head*; *problem* is what the wire found it to be."""
    if status in _REDIRECTS:
        return _redirected(endpoint, status, None)
    if isinstance(problem, Refusal):
        return read_refusal(endpoint, problem, status=status, reference=None, secrets=secrets)
    if problem is None or status != _OK or not head:
        reason = f"HTTP status {status}" + ("" if head else " with an empty body")
        return no_answer(endpoint, Happened.LOST, reason, Outcome.ANSWERED, None)
    return _unreadable(endpoint, problem, head, None, secrets)


def read_refusal(
    endpoint: Endpoint[Any], refusal: Refusal, *, status: int, reference: str | None, secrets: Sequence[Secret]
) -> Answer:
    """Read the gateway's no: the number's meaning at this endpoint, and what the guard has to know of it."""
    detail = excerpt(refusal.detail, secrets) or "no words"
    kind = endpoint.refusals.get(refusal.code, errors.GatewayError)
    if issubclass(kind, errors.TooManyRequests):
        if status != _OK and endpoint.replay is Replay.IF_NOT_DONE:
            # Something between us and the gateway had a hand in it: too little proof to pay a second time.
            reason = f"error {refusal.code} with HTTP status {status}"
            return no_answer(endpoint, Happened.LOST, reason, Outcome.DUPLICATE, reference)
        if "concurrent" in refusal.detail.lower():
            busy = errors.TooManyRequests(refusal.code, detail, endpoint.name, "concurrency")
            return Answer(Outcome.CONCURRENCY, Happened.CONCURRENCY, busy)
        again = errors.TooManyRequests(refusal.code, detail, endpoint.name, "duplicate")
        return Answer(Outcome.DUPLICATE, Happened.DUPLICATE, again)
    if issubclass(kind, errors.AuthenticationFailed):
        outcome = Outcome.LOGIN_REFUSED
    elif issubclass(kind, errors.AddressBlocked):
        outcome = Outcome.ADDRESS_BLOCKED
    elif endpoint.may_block:
        outcome = Outcome.REFUSED
    else:
        outcome = Outcome.ANSWERED if refusal.code == _PROVES_NOTHING else Outcome.ACCEPTED
    return Answer(outcome, Happened.REFUSED, kind(refusal.code, detail, endpoint.name))


def _redirected(endpoint: Endpoint[Any], status: int, reference: str | None) -> Answer:
    reason = f"HTTP status {status}, a redirect; the gateway sends none, so something else answered"
    return no_answer(endpoint, Happened.REDIRECTED, reason, Outcome.ANSWERED, reference)


def _unreadable(
    endpoint: Endpoint[Any], problem: str, body: bytes, reference: str | None, secrets: Sequence[Secret]
) -> Answer:
    error: errors.SmscError = errors.ReplyError(endpoint.name, problem, excerpt(body, secrets))
    if endpoint.replay is Replay.IF_NOT_DONE:
        unknown = errors.OutcomeUnknown(endpoint.name, reference, f"unreadable answer ({problem})")
        unknown.__cause__ = error
        error = unknown
    return Answer(Outcome.ANSWERED, Happened.UNREADABLE, error)
