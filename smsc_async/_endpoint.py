"""What an endpoint of the gateway *is*: path, fixed parameters, limits, replay rule, refusals, reply, source."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import attrs

from smsc_async import errors
from smsc_async._wire import ReplyFormat, Shape

__all__ = ["COMMON_REFUSALS", "Endpoint", "Limit", "OnDuplicate", "Replay", "Scope"]

T_co = TypeVar("T_co", covariant=True)


class Scope(enum.Enum):
    """Which requests a limit counts together."""

    IDENTICAL = "identical"  # the same endpoint with the same parameters
    ACTION = "action"  # any request of the action


@attrs.frozen
class Limit:
    """At most *n* requests a minute of one *scope*; one more is error 9."""

    n: int
    scope: Scope = Scope.IDENTICAL

    def __attrs_post_init__(self) -> None:
        """Check both."""
        if isinstance(self.n, bool) or not isinstance(self.n, int):
            raise errors.InvalidArgumentType("n", f"give a whole number of requests, not {type(self.n).__name__}")
        if self.n < 1:
            raise errors.InvalidArgument("n", f"give at least 1 request a minute, not {self.n}")
        if not isinstance(self.scope, Scope):
            raise errors.InvalidArgumentType("scope", "give Scope.IDENTICAL or Scope.ACTION")


class Replay(enum.Enum):
    """What repeating a call could do; see `smsc_async._verdict` for the table that follows from it."""

    READ = "reads"  # changes nothing
    SET = "sets a value"  # twice is the same as once
    IF_NOT_DONE = "pays, allots or sends"  # only with proof that it was not carried out


class OnDuplicate(enum.Enum):
    """What to do when the gateway calls the request a duplicate (error 9)."""

    REPEAT = "repeat"  # when the minute is over
    UNLESS_DONE = "unless done"  # likewise, unless an earlier such call succeeded or is unresolved
    NEVER = "never"  # it would be a second message


COMMON_REFUSALS: Final[Mapping[int, type[errors.GatewayError]]] = MappingProxyType(
    {
        1: errors.InvalidParameters,
        2: errors.AuthenticationFailed,
        4: errors.AddressBlocked,
        9: errors.TooManyRequests,
    }
)  # the same at every endpoint that the vendor documents


def _readonly(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True, eq=False)
class Endpoint(Generic[T_co]):
    """
    One action of the gateway, as the vendor documents it. Data: the rooms interpret it.

    Args:
        name: Ours: the service and the method, as in ``numbers.rent``; in errors, logs and the observer.
        path: Below ``/sys/``, such as ``receive_phones.php``.
        fixed: Parameters that name the action, such as ``{"buy": "1"}``.
        limits: How many requests a minute the gateway takes.
        replay: What repeating the call could do.
        on_duplicate: What error 9 of the duplicate kind means for it.
        refusals: The gateway's error numbers, and the error that each becomes.
        reply: The type of the value, such as `Listing[DownloadTask]`; `structure` makes it.
        shape: How the reply is laid out in each of the four formats.
        not_compared: Parameters by which the gateway may not tell requests apart, such as an id of ours.
        reply_format: The one form in which the reply can be read for sure, whatever the session asks for.
        may_block: Whether the gateway counts refusals of it, and blocks the address after a hundred in a row.
        ends_row: Whether one that is taken ends such a row, for certain.
        subject_of: The endpoint whose calls on a subject those of this one do not meet; its own, where it is empty.
        fresh_connection: Whether it must not meet a kept-alive connection that the server is just closing.
        source: The vendor's page.
    """

    name: str
    path: str
    fixed: Mapping[str, str] = attrs.field(factory=dict, converter=_readonly)
    limits: tuple[Limit, ...]
    replay: Replay
    on_duplicate: OnDuplicate = OnDuplicate.REPEAT
    refusals: Mapping[int, type[errors.GatewayError]] = attrs.field(default=COMMON_REFUSALS, converter=_readonly)
    reply: type[T_co]
    shape: Shape
    not_compared: frozenset[str] = frozenset()
    reply_format: ReplyFormat | None = None
    may_block: bool = False
    ends_row: bool = True
    subject_of: str = ""
    fresh_connection: bool = False
    source: str

    def __repr__(self) -> str:
        """Name it; the rest is in the page of limits."""
        return f"<Endpoint {self.name}>"
